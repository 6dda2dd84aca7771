"""WildVision: what people asked of a chat model about an image of theirs, without a right answer (Lu et al., 2024).

Read as WildVision-Bench, as the arena's release of it (whose columns of answers, one a model, are left out and
counted: they are long and nobody's gold), and as m-WildVision, whose image is a list of one.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from builders.engine import Row
from builders.sources.forms.values import given, image, label, text
from builders.sources.items import Form, Item
from builders.transforms.fields import field

COLUMNS = pa.schema([("question_id", pa.string()), ("instruction", pa.string()), ("source_language", pa.string())])
KNOWN = {"question_id", "instruction", "question", "image", "language", "index", "output", "model", "token_len"}


def read(raw: Mapping[str, Any], language: str, counters: Counter[str]) -> Item:
    """One instruction. Raises `RowError`."""
    counters["left_out/model_answers"] += sum(
        given(raw, name) is not None for name in (*(raw.keys() - KNOWN), "output")
    )
    kept = {
        "question_id": label(raw, "question_id"),
        "source_language": label(raw, "language"),
    }
    asked = text(raw, "instruction", "question")
    return Item([field("instruction", "instruction", asked)], kept, image(raw, "image", "image_path"))


def compose(told: Mapping[str, str], kept: Mapping[str, Any]) -> Row:
    return {
        "question_id": kept["question_id"],
        "instruction": told["instruction"].strip(),
        "source_language": kept["source_language"],
    }


def recognises(raw: Mapping[str, Any]) -> bool:
    open_question = {"instruction", "question"} & raw.keys() and not {"answer", "answers", "choices"} & raw.keys()
    return {"question_id", "language"} <= raw.keys() and bool(open_question)


FORM = Form(
    name="wildvision",
    about="WildVision-Bench: open instructions about an image",
    columns=COLUMNS,
    texts=("instruction",),
    read=read,
    compose=compose,
    recognises=recognises,
)
