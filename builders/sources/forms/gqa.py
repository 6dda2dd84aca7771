"""GQA: questions made from scene graphs, with a short and a full answer (Hudson and Manning, 2019).

Read from its makers' questions (an object by question number) and from the copy on the Hub, which has its images in
another configuration: `images` joins them. The programs that the questions were made from are left out.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from builders.engine import Row
from builders.sources.forms.values import as_text, given, image, label, text, truth
from builders.sources.items import Form, ImageAt, Item
from builders.sources.partners import Partner
from builders.transforms.fields import field
from builders.transforms.yes_no import closed_field

NAMES = ("id", "imageId", "question", "answer", "fullAnswer")
COLUMNS = pa.schema([*((name, pa.string()) for name in NAMES), ("isBalanced", pa.bool_())])


def read(raw: Mapping[str, Any], language: str, counters: Counter[str]) -> Item:
    """One question; the test splits have no answers. Raises `RowError`."""
    fields = [field("question", "question", text(raw, "question"))]
    answer, full = given(raw, "answer"), given(raw, "fullAnswer")
    if answer is not None:
        fields.append(closed_field("answer", "answer", as_text(answer, "answer"), language))
    if full is not None:
        fields.append(field("fullAnswer", "answer", as_text(full, "fullAnswer"), unit=1))
    number = text(raw, "imageId")
    kept = {"id": label(raw, "id", "key"), "imageId": number, "isBalanced": truth(raw, "isBalanced")}
    found = image(raw, "image")
    return Item(fields, kept, ImageAt(path=f"{number}.jpg") if found == ImageAt() else found)


def compose(told: Mapping[str, str], kept: Mapping[str, Any]) -> Row:
    return {**kept, **{name: told.get(name) for name in ("question", "answer", "fullAnswer")}}


def recognises(raw: Mapping[str, Any]) -> bool:
    return {"imageId", "question"} <= raw.keys()


def images(inputs: tuple[str, ...], named: str) -> Partner:
    """The images of the Hub's copy, which are another configuration of it; `named` is the flag that gives them."""
    return Partner(inputs, key="id", on=_image_id, take=("image",), what="image", named=named)


def _image_id(raw: Mapping[str, Any]) -> Any:
    return given(raw, "imageId")


FORM = Form(
    name="gqa",
    about="GQA: questions on scenes, with a short and a full answer",
    columns=COLUMNS,
    texts=("question", "answer", "fullAnswer"),
    read=read,
    compose=compose,
    recognises=recognises,
)
