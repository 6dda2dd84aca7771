"""What benchmark forms read out of a raw record: texts, numbers, lists and images, each in the shapes it is found in.

Everything raises `RowError` with the field's name and what was expected: MissingField, WrongType.
"""

import base64
import binascii
import math
from collections.abc import Mapping, Sequence
from typing import Any

from builders.engine import RowError
from builders.sources.items import ImageAt

MAX_IMAGE_CHARACTERS = 70 << 20
SHORTEST_IMAGE = 64  # characters of base64; a path is shorter, or has a full stop, which base64 has not
IMAGE_STARTS = (b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"RIFF", b"BM", b"II*\x00", b"MM\x00*")


def given(raw: Mapping[str, Any], *names: str) -> Any:
    """The first of these fields that holds something: no null, NaN or blank text."""
    return next((raw[name] for name in names if not is_absent(raw.get(name))), None)


def is_absent(value: Any) -> bool:
    return (
        value is None
        or (isinstance(value, str) and not value.strip())
        or (isinstance(value, float) and math.isnan(value))
    )


def text(raw: Mapping[str, Any], *names: str) -> str:
    """A text that must be there, under one of these names."""
    value = given(raw, *names)
    if value is None:
        raise RowError("MissingField", f"field {' or '.join(map(repr, names))} is missing or empty")
    return as_text(value, names[0])


def as_text(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise RowError("WrongType", f"field {name!r} is {type(value).__name__}; text is expected")
    return value


def label(raw: Mapping[str, Any], *names: str) -> str | None:
    """A name, category or number that is published as text, or None where there is none."""
    value = given(raw, *names)
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise RowError("WrongType", f"field {names[0]!r} is {type(value).__name__}; text or a number is expected")
    return str(value)


def whole(raw: Mapping[str, Any], *names: str) -> int:
    """A whole number that must be there; digits in a text will do, and 3.0, as CSV and pandas write it."""
    value = maybe_whole(raw, *names)
    if value is None:
        raise RowError("MissingField", f"field {' or '.join(map(repr, names))} is missing")
    return value


def maybe_whole(raw: Mapping[str, Any], *names: str) -> int | None:
    """A whole number, or None where there is none."""
    value = given(raw, *names)
    if value is None:
        return None
    try:
        number = float(value) if isinstance(value, str) and not value.strip().isdecimal() else value
        number = int(number) if isinstance(number, str) else number
        if isinstance(number, bool) or not isinstance(number, int | float) or number != int(number):
            raise ValueError
        return int(number)
    except (ValueError, OverflowError):
        raise RowError("WrongType", f"field {names[0]!r} is {str(value)[:40]!r}; a whole number is expected") from None


def truth(raw: Mapping[str, Any], name: str) -> bool | None:
    """True or false, perhaps written as a word, or None where there is none."""
    value = given(raw, name)
    found = {"true": True, "yes": True, "false": False, "no": False}.get(str(value).strip().lower())
    if value is not None and found is None:
        raise RowError("WrongType", f"field {name!r} is {str(value)[:40]!r}; true or false is expected")
    return found


def texts(raw: Mapping[str, Any], name: str) -> list[str]:
    """A list of texts that must be there."""
    value = raw.get(name)
    if is_absent(value):
        raise RowError("MissingField", f"field {name!r} is missing")
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise RowError("WrongType", f"field {name!r} is {type(value).__name__}; a list of texts is expected")
    return [as_text(item, f"{name}[{place}]") for place, item in enumerate(value)]


def structs(value: Any, name: str) -> list[Mapping[str, Any]]:
    """A list of objects; `datasets` writes a sequence of them as an object of lists, which is turned round."""
    if isinstance(value, Mapping):
        columns = {key: column for key, column in value.items() if isinstance(column, list)}
        if len(columns) != len(value) or len({len(column) for column in columns.values()}) > 1:
            raise RowError("WrongType", f"field {name!r} is an object whose lists are not of one length")
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    if not isinstance(value, list) or not all(isinstance(item, Mapping) for item in value):
        raise RowError("WrongType", f"field {name!r}: a list of objects is expected")
    return value


def image(raw: Mapping[str, Any], *names: str) -> ImageAt:
    """The image under one of these names: a struct of bytes and path, a list of one, base64 text, a path or a URL.

    No image is no error here; `RowError`: BadImage for text that is neither base64 of an image nor a path,
    SeveralImages for a list of more than one.
    """
    value = given(raw, *names)
    if isinstance(value, list):
        if len(value) > 1:
            raise RowError("SeveralImages", f"field {names[0]!r} holds {len(value)} images; this form takes one")
        value = value[0] if value else None
    if isinstance(value, Mapping):
        data, path = value.get("bytes"), value.get("path")
        data = decoded(data, names[0]) if isinstance(data, str) else data
        return ImageAt(data=data, path=path if isinstance(path, str) and path else None)
    if isinstance(value, bytes):
        return ImageAt(data=value)
    if value is None:
        return ImageAt()
    place = as_text(value, names[0])
    if place.startswith(("http://", "https://")):
        return ImageAt(url=place)
    if not place.startswith("data:") and (len(place) < SHORTEST_IMAGE or "." in place[:4096]):
        return ImageAt(path=place)
    return ImageAt(data=decoded(place, names[0]))


def decoded(value: str, name: str) -> bytes:
    """The bytes of an image in base64, perhaps as a data URL. Raises `RowError`: BadImage."""
    body = value.partition(",")[2] if value.startswith("data:") else value
    if len(body) > MAX_IMAGE_CHARACTERS:
        raise RowError("BadImage", f"field {name!r} holds {len(body):,} characters of base64")
    try:
        data = base64.b64decode("".join(body.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise RowError("BadImage", f"field {name!r} is neither a path nor base64: {error}") from error
    if not data.startswith(IMAGE_STARTS):
        raise RowError("BadImage", f"field {name!r} is base64 of something that is no image")
    return data
