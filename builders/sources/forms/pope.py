"""POPE: is there a certain thing in the image? Yes or no (Li et al., 2023).

Read as its makers publish it (`text` and `label`, JSON Lines in spite of the name .json, or an array) and as the Hub
copy has it. The answers are written by hand.
"""

from collections import Counter
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

import pyarrow as pa

from builders.engine import Row, RowError
from builders.sources.forms.values import image, label, text
from builders.sources.items import Form, Item
from builders.transforms.fields import field
from builders.transforms.yes_no import closed_field, yes_or_no

NAMES = ("id", "question_id", "question", "answer", "image_source", "category")
COLUMNS = pa.schema([(name, pa.string()) for name in NAMES])


def read(raw: Mapping[str, Any], language: str, counters: Counter[str]) -> Item:
    """One question. Raises `RowError`, UnknownLabel for an answer that is neither yes nor no."""
    answer = text(raw, "label", "answer")
    if yes_or_no(answer) is None:
        raise RowError("UnknownLabel", f"the answer is {answer[:60]!r}; yes or no is expected")
    found = image(raw, "image")
    source = label(raw, "image_source") or (PurePosixPath(found.path).stem if found.path else None)
    kept = {name: label(raw, name) for name in ("id", "question_id", "category")} | {"image_source": source}
    question = field("question", "question", text(raw, "text", "question"))
    return Item([question, closed_field("answer", "answer", answer, language)], kept, found)


def compose(told: Mapping[str, str], kept: Mapping[str, Any]) -> Row:
    return {**kept, "question": told["question"].strip(), "answer": told["answer"].strip()}


def recognises(raw: Mapping[str, Any]) -> bool:
    answer = raw.get("label", raw.get("answer"))
    is_closed = isinstance(answer, str) and yes_or_no(answer) is not None
    return is_closed and ({"text", "label", "image"} <= raw.keys() or {"question", "image_source"} <= raw.keys())


FORM = Form(
    name="pope",
    about="POPE: whether a thing is in an image, yes or no",
    columns=COLUMNS,
    texts=("question", "answer"),
    read=read,
    compose=compose,
    recognises=recognises,
)
