"""ScienceQA: school questions with options, many with an image, a lecture and a solution (Lu et al., 2022).

Read from its makers' problems.json, an object by problem number (the records name their split, so that
pid_splits.json is needed only for its small subsets), and from the copies on the Hub.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from builders.engine import Row
from builders.sources.forms.multiple_choice import asked, told
from builders.sources.forms.values import as_text, given, image, label, texts, whole
from builders.sources.items import Form, ImageAt, Item
from builders.transforms.fields import field

LABELS = ("task", "grade", "subject", "topic", "category", "skill")
PROSE = {"hint": "hint", "lecture": "explanation", "solution": "explanation"}
COLUMNS = pa.schema(
    [
        ("question_id", pa.string()),
        ("question", pa.string()),
        ("choices", pa.list_(pa.string())),
        ("answer", pa.int8()),
        *((name, pa.string()) for name in (*PROSE, *LABELS)),
    ]
)
SPLITS = {"val": "validation"}


def read(raw: Mapping[str, Any], language: str, counters: Counter[str]) -> Item:
    """One problem. Raises `RowError`."""
    fields, kept = asked(raw, texts(raw, "choices"), whole(raw, "answer"), language)
    for unit, (name, kind) in enumerate(PROSE.items()):
        value = given(raw, name)
        if value is not None:
            fields.append(field(name, kind, as_text(value, name), unit=unit))
    number, split = label(raw, "key", "question_id", "id"), label(raw, "split") or ""
    kept |= {name: label(raw, name) for name in LABELS} | {"question_id": number}
    found = image(raw, "image")
    if found.path and found.data is None and number is not None and split and "/" not in found.path:
        found = ImageAt(path=f"{split}/{number}/{found.path}")
    return Item(fields, kept, found, SPLITS.get(split, split))


def compose(told_texts: Mapping[str, str], kept: Mapping[str, Any]) -> Row:
    """The columns. Raises `RowError` OptionsCollapse."""
    question, options = told(told_texts, kept)
    rest = {name: kept[name] for name in ("question_id", *LABELS)} | {"answer": kept["correct"]}
    return {"question": question, "choices": options, **{name: told_texts.get(name, "") for name in PROSE}, **rest}


def recognises(raw: Mapping[str, Any]) -> bool:
    return {"question", "choices", "answer", "lecture", "solution"} <= raw.keys()


FORM = Form(
    name="scienceqa",
    about="ScienceQA: school questions with options, lecture and solution",
    columns=COLUMNS,
    texts=("question", "choices", *PROSE),
    read=read,
    compose=compose,
    recognises=recognises,
)
