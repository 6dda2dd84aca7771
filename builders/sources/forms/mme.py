"""MME: fourteen tasks as questions that are answered by yes or no, two an image (Fu et al., 2023).

Both questions of an image have one `question_id`, and the score counts images with both answered well: it is kept.
All questions end with the same request, which is written by hand where we know it in the language.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from builders.engine import Row, RowError
from builders.sources.forms.values import image, label, text
from builders.sources.items import Form, Item
from builders.transforms.fields import field
from builders.transforms.yes_no import ASK, asked_for, closed_field, yes_or_no

COLUMNS = pa.schema([(name, pa.string()) for name in ("question_id", "question", "answer", "category")])


def read(raw: Mapping[str, Any], language: str, counters: Counter[str]) -> Item:
    """One question. Raises `RowError`, UnknownLabel for an answer that is neither yes nor no."""
    question, answer = text(raw, "question").strip(), text(raw, "answer")
    if yes_or_no(answer) is None:
        raise RowError("UnknownLabel", f"the answer is {answer[:60]!r}; yes or no is expected")
    body = question.removesuffix(ASK).rstrip() or question
    fields = [field("question", "question", body)]
    if body != question:
        request = asked_for(language)
        by_hand = field("request", "instruction", ASK, target=request, by="glossary", unit=1)
        fields.append(by_hand if request else field("request", "instruction", ASK, unit=1))
    fields.append(closed_field("answer", "answer", answer, language))
    kept = {"question_id": text(raw, "question_id"), "category": label(raw, "category")}
    return Item(fields, kept, image(raw, "image"))


def compose(told: Mapping[str, str], kept: Mapping[str, Any]) -> Row:
    question = " ".join(told[name].strip() for name in ("question", "request") if name in told)
    return {**kept, "question": question, "answer": told["answer"].strip()}


def recognises(raw: Mapping[str, Any]) -> bool:
    answer = raw.get("answer")
    is_closed = isinstance(answer, str) and yes_or_no(answer) is not None
    return is_closed and {"question_id", "question", "category"} <= raw.keys() and "image_source" not in raw


FORM = Form(
    name="mme",
    about="MME: questions by task, answered by yes or no",
    columns=COLUMNS,
    texts=("question", "answer"),
    read=read,
    compose=compose,
    recognises=recognises,
)
