"""VQAv2: an open question about an image, and the short answers of ten people (Goyal et al., 2017).

Read as its makers publish it, where questions and annotations are two files (`builders.sources.joined`), and as
copies on the Hub have it: answers as a list of objects, an object of lists, or a list of texts. The rows of a test
split have no answers.

The question and its ten answers are one unit of translation, as in the Basque paper's prompt. Where all ten are yes,
no or a number, they are written by hand instead.
"""

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from builders.engine import Row, RowError
from builders.sources.forms.agreement import first_equals, plain, told_list
from builders.sources.forms.values import as_text, given, image, label, maybe_whole, structs, text, whole
from builders.sources.items import Form, ImageAt, Item
from builders.sources.partners import Partner
from builders.transforms.fields import field
from builders.transforms.yes_no import closed_field, closed_fields

ANSWER = pa.struct([("answer", pa.string()), ("answer_confidence", pa.string()), ("answer_id", pa.int64())])
COLUMNS = pa.schema(
    [
        ("question_id", pa.int64()),
        ("image_id", pa.int64()),
        ("question", pa.string()),
        ("answers", pa.list_(ANSWER)),
        ("multiple_choice_answer", pa.string()),
        ("question_type", pa.string()),
        ("answer_type", pa.string()),
    ]
)
SUBSETS = {"train": "train2014", "val": "val2014", "validation": "val2014", "test": "test2015", "testdev": "test2015"}
SUBSET = re.compile(r"(?<![a-z])(train2014|val2014|test2015)(?!\d)")
NUMBERS = {
    "none": "0", "zero": "0", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7",
    "eight": "8", "nine": "9", "ten": "10",
}  # fmt: skip
ARTICLES = ("a", "an", "the")


def read(raw: Mapping[str, Any], language: str, counters: Counter[str]) -> Item:
    """A question with its answers, if it has any. Raises `RowError`."""
    answers = _answers(raw)
    texts = {f"answers.{index}": answer["answer"] for index, answer in enumerate(answers)}
    fields = [field("question", "question", text(raw, "question")), *closed_fields("answer", texts, language)]
    counters["answers_by_hand"] += bool(answers) and all(item["by"] != "machine" for item in fields[1:])
    kept: dict[str, Any] = {
        "question_id": whole(raw, "question_id"),
        "image_id": whole(raw, "image_id", "id_image"),
        "question_type": label(raw, "question_type"),
        "answer_type": label(raw, "answer_type"),
        "answers": [{key: value for key, value in answer.items() if key != "answer"} for answer in answers],
        "equals": first_equals(list(texts.values())),
    }
    common = given(raw, "multiple_choice_answer")
    if common is not None:
        place = _place(as_text(common, "multiple_choice_answer"), list(texts.values()))
        if place is not None:
            kept["common"] = {"place": place, "answer": texts[f"answers.{place}"].strip(), "written": common}
        else:
            counters["multiple_choice_answer_alone"] += 1
            fields.append(closed_field("multiple_choice_answer", "answer", common, language, unit=1))
    return Item(fields, kept, _image(raw, kept["image_id"]))


def compose(told: Mapping[str, str], kept: Mapping[str, Any]) -> Row:
    """The columns; answers that were equal have one translation, the most frequent of theirs.

    The most common answer is the translation of the answer that it equals, or is written as it was where that one is.
    """
    answers = told_list(told, "answers", kept["equals"])
    common = told.get("multiple_choice_answer")
    if "common" in kept:
        answer = answers[kept["common"]["place"]]
        common = kept["common"]["written"] if answer == kept["common"]["answer"] else answer
    return {
        "question_id": kept["question_id"],
        "image_id": kept["image_id"],
        "question": told["question"].strip(),
        "answers": [{"answer": answer} | other for answer, other in zip(answers, kept["answers"], strict=True)] or None,
        "multiple_choice_answer": common,
        "question_type": kept["question_type"],
        "answer_type": kept["answer_type"],
    }


def recognises(raw: Mapping[str, Any]) -> bool:
    return (
        {"question", "question_id"} <= raw.keys()
        and "choices" not in raw
        and bool({"image_id", "id_image"} & raw.keys())
    )


def _answers(raw: Mapping[str, Any]) -> list[Row]:
    """The answers as objects, whatever they were; `answers_original` are those of which `answers` are the texts."""
    value = given(raw, "answers_original", "answers")
    if value is None:
        return []
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        value = [{"answer": item, "answer_id": place} for place, item in enumerate(value, 1)]
    return [
        {
            "answer": _blank_or_text(item, place),
            "answer_confidence": label(item, "answer_confidence"),
            "answer_id": maybe_whole(item, "answer_id"),
        }
        for place, item in enumerate(structs(value, "answers"))
    ]


def _blank_or_text(item: Mapping[str, Any], place: int) -> str:
    """An answer's text; people gave blank ones too."""
    if item.get("answer") is None:
        raise RowError("MissingField", f"field 'answers[{place}].answer' is missing")
    return as_text(item["answer"], f"answers[{place}].answer")


def _question_id(raw: Mapping[str, Any]) -> Any:
    return given(raw, "question_id")


def _place(common: str, answers: list[str]) -> int | None:
    """Which of the answers the most common one is, as it is or as the official score compares answers."""
    for alike in (str, plain, _scored):
        found = [alike(answer) for answer in answers]
        if alike(common) in found:
            return found.index(alike(common))
    return None


def _scored(answer: str) -> str:
    """An answer without articles and punctuation, numbers up to ten as digits, about as in the official score."""
    words = re.sub(r"[^\w\s':]", " ", plain(answer).replace(".", "")).split()
    return " ".join(NUMBERS.get(word, word) for word in words if word not in ARTICLES)


def _image(raw: Mapping[str, Any], image_id: int) -> ImageAt:
    """The image of a record, or else the file that COCO gives its number in the split that the record names."""
    found = image(raw, "image", "image_path")
    if found != ImageAt():
        return found
    named = str(given(raw, "data_subtype", "split") or "").lower()
    match = SUBSET.search(named)
    subset = match[1] if match else SUBSETS.get(named)
    return ImageAt(path=f"COCO_{subset}_{image_id:012d}.jpg") if subset else ImageAt()


def annotations(inputs: tuple[str, ...], named: str) -> Partner:
    """The annotations of the official questions, which are other files; `named` is the flag that gives them."""
    return Partner(
        inputs,
        key="question_id",
        on=_question_id,
        take=("answers", "multiple_choice_answer", "question_type", "answer_type"),
        check=("image_id",),
        what="annotation",
        named=named,
    )


FORM = Form(
    name="vqav2",
    about="VQAv2: open questions with ten short answers",
    columns=COLUMNS,
    texts=("question", "answers", "multiple_choice_answer"),
    read=read,
    compose=compose,
    recognises=recognises,
)
