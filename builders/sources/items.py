"""What every upstream dataset comes down to: examples, each with its texts, its image and what stays as it is.

A *form* is one way in which a dataset is written, such as VQAv2's or LLaVA's. It reads a raw record, in all the odd
shapes that are found in the wild, into an `Item`, and puts the texts of an item back into the columns that are
published. Between the two stand translation and its checks, which know fields alone.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from builders.engine import Row
from builders.transforms.fields import FIELDS

ITEMS = pa.schema(
    [
        ("id", pa.string()),
        ("split", pa.string()),
        ("language", pa.string()),
        ("image_file", pa.string()),
        ("image_path", pa.string()),
        ("image_url", pa.string()),
        ("image_sha256", pa.string()),
        ("source", pa.string()),
        ("layout", pa.string()),
        FIELDS,
    ]
)


@dataclass(frozen=True)
class ImageAt:
    """Where an image is: its bytes, its path in the source, or a URL with the sha256 that its bytes should have."""

    data: bytes | None = None
    path: str | None = None
    url: str | None = None
    sha256: str | None = None


@dataclass(frozen=True)
class Item:
    """One example. `fields` are made by `builders.transforms.fields.field`; their names are unique in the item.

    `kept` is plain JSON data: what is published as it is, and what `Form.compose` needs to put the texts back.
    `split` is the one that the record names; empty, it is that of its file.
    """

    fields: Sequence[Row]
    kept: Mapping[str, Any]
    image: ImageAt = ImageAt()
    split: str = ""


@dataclass(frozen=True)
class Form:
    """One way in which a dataset is written.

    `about` is a line for `--help`. `columns` are published beside those that every dataset has; `texts` names those of
    them that hold language. `read(raw, language, counters)` makes an item of a raw record (a JSON object, or a row of a
    table, whose images are structs of bytes and path) and raises `RowError`; `language` is the target, for closed
    labels such as yes and no. `compose(told, kept)` gives the value of every column, `told` being the text of every
    field by its name: the translations, or the sources for the parallel in the source's language; it raises `RowError`.
    `recognises(raw)` says whether a record looks like this form.
    """

    name: str
    about: str
    columns: pa.Schema
    texts: tuple[str, ...]
    read: Callable[[Mapping[str, Any], str, Counter[str]], Item]
    compose: Callable[[Mapping[str, str], Mapping[str, Any]], Row]
    recognises: Callable[[Mapping[str, Any]], bool]
