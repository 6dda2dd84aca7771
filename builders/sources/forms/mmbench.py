"""MMBench: questions with two to five options by letter, and perhaps a hint (Liu et al., 2023).

Read from its makers' TSV and from the copies on the Hub. A missing hint or option is null, NaN or the word `nan`. The
image is a struct, base64, or the index of another row that has it: for those the file is joined to itself
(`images_of_other_rows`). The circular copies of a question, whose index is larger by a million each, are rows as
any other; their options are translated again in their own order.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from builders.engine import Row
from builders.sources.forms import values
from builders.sources.forms.multiple_choice import asked, place_of, told
from builders.sources.items import Form, ImageAt, Item
from builders.sources.partners import Partner
from builders.transforms.fields import field

LETTERS = "ABCDE"
LONGEST_INDEX = 64
KEPT = ("category", "source", "L2-category", "comment")
COLUMNS = pa.schema(
    [("index", pa.int64())] + [(name, pa.string()) for name in ("question", "hint", *LETTERS, "answer", *KEPT)]
)


def read(raw: Mapping[str, Any], language: str, counters: Counter[str]) -> Item:
    """One question; the test split has no answers. Raises `RowError`."""
    raw = {name: None if _is_nan(value) else value for name, value in raw.items()}
    letters = [letter for letter in LETTERS if values.given(raw, letter) is not None]
    options = [values.as_text(_plain(raw[letter]), letter) for letter in letters]
    answer = values.label(raw, "answer")
    fields, kept = asked(raw, options, place_of(answer, letters), language)
    hint = values.given(raw, "hint")
    if hint is not None:
        fields.append(field("hint", "hint", values.as_text(hint, "hint")))
    kept |= {name: values.label(raw, name, name.lower()) for name in KEPT}
    kept |= {"index": values.whole(raw, "index"), "letters": letters, "answer": answer}
    elsewhere = other_row(raw) is not None
    counters["image_in_another_row"] += elsewhere
    shown = ImageAt() if elsewhere else values.image(raw, "image", "image_path")
    return Item(fields, kept, shown, _split(raw))


def compose(texts: Mapping[str, str], kept: Mapping[str, Any]) -> Row:
    """The columns, options by their letters. Raises `RowError` OptionsCollapse."""
    question, options = told(texts, kept)
    by_letter = dict.fromkeys(LETTERS) | dict(zip(kept["letters"], options, strict=True))
    rest = {name: kept[name] for name in ("index", "answer", *KEPT)}
    return {"question": question, "hint": texts.get("hint"), **by_letter, **rest}


def recognises(raw: Mapping[str, Any]) -> bool:
    return {"index", "question", "A", "B"} <= raw.keys()


def other_row(raw: Mapping[str, Any]) -> str | None:
    """The index of the row whose image this one has, if that is what its `image` holds."""
    value = raw.get("image")
    number = str(value).strip() if isinstance(value, str | int) else ""
    return number if number.isdecimal() and len(number) <= LONGEST_INDEX else None


def images_of_other_rows(inputs: tuple[str, ...], named: str) -> Partner:
    """The rows of the same files that have an image of their own; `named` is the flag that gives them."""
    return Partner(
        inputs, key="index", on=other_row, take=("image",), offers=_has_image, what="row with its image", named=named
    )


def _has_image(raw: Mapping[str, Any]) -> bool:
    return values.given(raw, "image") is not None and other_row(raw) is None


def _is_nan(value: Any) -> bool:
    return isinstance(value, str) and value.strip().lower() == "nan"


def _plain(value: Any) -> Any:
    """An option that a table's reader has taken for a number, as text again."""
    return str(value) if isinstance(value, int | float) else value


def _split(raw: Mapping[str, Any]) -> str:
    named = str(raw.get("split") or "").strip().lower()
    return {"dev": "validation", "val": "validation"}.get(named, named)


FORM = Form(
    name="mmbench",
    about="MMBench: questions with options by letter",
    columns=COLUMNS,
    texts=("question", "hint", *LETTERS),
    read=read,
    compose=compose,
    recognises=recognises,
)
