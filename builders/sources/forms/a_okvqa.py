"""A-OKVQA: a question that needs knowledge of the world, with four options (Schwenk et al., 2022).

Read as its makers publish it and as the Hub copies have it. The question and its options are one unit of
translation. Left out are the rationales, as in the Basque paper, and the direct answers: ten people's free answers are
another task, with another score, than the multiple choice that is published here, and no prompt of the paper
translates them. How many rows had them is counted.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from builders.engine import Row
from builders.sources.forms.multiple_choice import asked, told
from builders.sources.forms.values import given, image, maybe_whole, text, texts, truth
from builders.sources.items import Form, ImageAt, Item

COLUMNS = pa.schema(
    [
        ("question_id", pa.string()),
        ("question", pa.string()),
        ("choices", pa.list_(pa.string())),
        ("correct_choice_idx", pa.int64()),
        ("difficult_direct_answer", pa.bool_()),
    ]
)
SPLITS = {"val": "validation"}
LEFT_OUT = ("direct_answers", "rationales")


def read(raw: Mapping[str, Any], language: str, counters: Counter[str]) -> Item:
    """A question with its options; those of the test split have no right one. Raises `RowError`."""
    for name in LEFT_OUT:
        counters[f"left_out/{name}"] += given(raw, name) is not None
    fields, kept = asked(raw, texts(raw, "choices"), maybe_whole(raw, "correct_choice_idx"), language)
    kept |= {
        "question_id": text(raw, "question_id"),
        "difficult_direct_answer": truth(raw, "difficult_direct_answer"),
    }
    split = str(raw.get("split") or "")
    return Item(fields, kept, _image(raw), SPLITS.get(split, split))


def compose(told_texts: Mapping[str, str], kept: Mapping[str, Any]) -> Row:
    """The columns. Raises `RowError` OptionsCollapse."""
    question, choices = told(told_texts, kept)
    return {
        "question_id": kept["question_id"],
        "question": question,
        "choices": choices,
        "correct_choice_idx": kept["correct"],
        "difficult_direct_answer": kept["difficult_direct_answer"],
    }


def recognises(raw: Mapping[str, Any]) -> bool:
    return {"question_id", "question", "choices"} <= raw.keys() and bool(
        {"correct_choice_idx", "difficult_direct_answer"} & raw.keys()
    )


def _image(raw: Mapping[str, Any]) -> ImageAt:
    """The image of a record, or else the file of COCO 2017 that its makers' loader opens."""
    found = image(raw, "image", "image_path")
    image_id, split = maybe_whole(raw, "image_id"), raw.get("split")
    if found == ImageAt() and image_id is not None and split in ("train", "val", "test"):
        return ImageAt(path=f"{split}2017/{image_id:012d}.jpg")
    return found


FORM = Form(
    name="a_okvqa",
    about="A-OKVQA: questions with four options",
    columns=COLUMNS,
    texts=("question", "choices"),
    read=read,
    compose=compose,
    recognises=recognises,
)
