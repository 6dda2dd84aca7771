"""AI2D: questions about a school book's diagram, with four options (Kembhavi et al., 2016).

The answer is an option's index, written as text. Options may be the letters that stand in the diagram, and stay as
they are.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from builders.engine import Row, RowError
from builders.sources.forms.multiple_choice import asked, told
from builders.sources.forms.values import image, text, texts
from builders.sources.items import Form, Item

COLUMNS = pa.schema([("question", pa.string()), ("options", pa.list_(pa.string())), ("answer", pa.string())])


def read(raw: Mapping[str, Any], language: str, counters: Counter[str]) -> Item:
    """One question. Raises `RowError`."""
    answer = str(raw["answer"]) if isinstance(raw.get("answer"), int) else text(raw, "answer").strip()
    if not answer.isdecimal():
        raise RowError("TargetNotAmongOptions", f"field 'answer' is {answer[:60]!r}; an option's index is expected")
    fields, kept = asked(raw, texts(raw, "options"), int(answer), language)
    return Item(fields, kept, image(raw, "image"))


def compose(told_texts: Mapping[str, str], kept: Mapping[str, Any]) -> Row:
    """The columns. Raises `RowError` OptionsCollapse."""
    question, options = told(told_texts, kept)
    return {"question": question, "options": options, "answer": str(kept["correct"])}


def recognises(raw: Mapping[str, Any]) -> bool:
    return {"question", "options", "answer"} <= raw.keys() and isinstance(raw["options"], list)


FORM = Form(
    name="ai2d",
    about="AI2D: questions about diagrams, with four options",
    columns=COLUMNS,
    texts=("question", "options"),
    read=read,
    compose=compose,
    recognises=recognises,
)
