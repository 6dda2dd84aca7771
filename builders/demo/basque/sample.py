"""Writes small files in the formats of the datasets that the Basque recipes read, and the pictures that they speak of.

Whoever has a translator, but not yet the datasets, tries the recipes on these; and so do the tests. Of CC3M and PixMo a
row names its picture by a URL: `images/web` is to be served at `at`.
"""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from builders.demo.album import SCENES
from builders.demo.basque.benchmark_rows import CAPTION_QUESTIONS, KNOWLEDGE, VQA, WILD
from builders.demo.basque.training_rows import ASKED, CAPTIONS
from builders.demo.scenes import draw_scene

NUMBERS = {key: 700_101 + place for place, key in enumerate(SCENES)}
GONE = "gone"
TRAINING_ROWS = 4  # of A-OKVQA; the others are its validation split
IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


def write_rows(folder: Path, at: str) -> None:
    """Write `cc3m`, `pixmo_ama`, `vqav2`, `a_okvqa`, `pixmo_capqa` and `wildvision` under `folder`.

    `folder/images` is what `write_images` wrote, and `at` the URL where `images/web` is served. The same bytes every
    time.
    """
    _write_cc3m(folder / "cc3m", at)
    _write_pixmo_ama(folder / "pixmo_ama", at, folder / "images/web")
    _write_vqav2(folder / "vqav2")
    _write_a_okvqa(folder / "a_okvqa")
    _write_pixmo_capqa(folder / "pixmo_capqa", at)
    _write_wildvision(folder / "wildvision", folder / "images/web")


def _file(key: str | None) -> str:
    return f"{(key or GONE).replace(' ', '-')}.jpg"


def write_images(folder: Path) -> None:
    """Write the pictures that rows ask for: all by their names in `web`, and those of COCO as COCO calls them."""
    for name in ("web", "val2014", "train2017", "val2017"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    rows = (*CAPTIONS, *ASKED, *VQA, *KNOWLEDGE, *CAPTION_QUESTIONS, *WILD)
    for key in sorted({str(row[0]) for row in rows if row[0]}):
        draw_scene(SCENES[key]).save(folder / "web" / _file(key), quality=88)
    data = {key: (folder / "web" / _file(key)).read_bytes() for key in SCENES if (folder / "web" / _file(key)).exists()}
    for key in {row[0] for row in VQA}:
        (folder / f"val2014/COCO_val2014_{NUMBERS[key]:012d}.jpg").write_bytes(data[key])
    for split, part in _okvqa_splits().items():
        for row in part:
            (folder / f"{split}2017/{row['image_id']:012d}.jpg").write_bytes(data[_key(row["image_id"])])


def _key(number: int) -> str:
    return next(key for key, its in NUMBERS.items() if its == number)


def _write_cc3m(folder: Path, at: str) -> None:
    """Caption and URL, parted by a tab, without a header; the last line has a caption alone."""
    lines = [f"{caption}\t{at}/{_file(key)}\n" for key, caption in CAPTIONS]
    _write_text(folder / "Train_GCC-training.tsv", "".join([*lines[1:], "a caption without a link\n"]))
    _write_text(folder / "Validation_GCC-1.1.0-Validation.tsv", lines[0])


def _write_pixmo_ama(folder: Path, at: str, images: Path) -> None:
    """The last row names a digest that its picture has not."""
    rows = [
        {
            "image_url": f"{at}/{_file(key)}",
            "image_sha256": hashlib.sha256((images / _file(key)).read_bytes()).hexdigest() if key else "0" * 64,
            "question": question,
            "answer": answer,
        }
        for key, question, answer in ASKED
    ]
    changed = {"image_url": f"{at}/{_file('lake')}", "image_sha256": "0" * 64}
    _write_table(folder / "train-00000-of-00001.parquet", [*rows, rows[0] | changed])


def _write_vqav2(folder: Path) -> None:
    questions, annotations = [], []
    for place, (key, question, question_type, answer_type, answers) in enumerate(VQA):
        ids = {"image_id": NUMBERS[key], "question_id": NUMBERS[key] * 1000 + place}
        questions.append(ids | {"question": question})
        annotations.append(
            {
                "question_type": question_type,
                "multiple_choice_answer": max(answers, key=answers.count),
                "answers": [
                    {"answer": answer, "answer_confidence": "yes", "answer_id": number}
                    for number, answer in enumerate(answers, 1)
                ],
                "answer_type": answer_type,
            }
            | ids
        )
    about = {"info": {"version": "2.0"}, "data_type": "mscoco", "data_subtype": "val2014", "license": {"name": "none"}}
    _write_json(folder / "v2_OpenEnded_mscoco_val2014_questions.json", about | {"questions": questions})
    _write_json(folder / "v2_mscoco_val2014_annotations.json", about | {"annotations": annotations})


def _okvqa_splits() -> dict[str, list[dict[str, Any]]]:
    rows = [
        {
            "image_id": NUMBERS[key],
            "question_id": f"22{place:020d}",
            "question": question,
            "choices": choices,
            "correct_choice_idx": right,
            "direct_answers": answers,
            "difficult_direct_answer": False,
            "rationales": [f"The picture shows it: {choices[right]}."] * 3,
        }
        for place, (key, question, choices, right, answers) in enumerate(KNOWLEDGE)
    ]
    parts = {"train": rows[:TRAINING_ROWS], "val": rows[TRAINING_ROWS:]}
    return {split: [{"split": split} | row for row in part] for split, part in parts.items()}


def _write_a_okvqa(folder: Path) -> None:
    for split, rows in _okvqa_splits().items():
        _write_json(folder / f"aokvqa_v1p0_{split}.json", rows)


def _write_pixmo_capqa(folder: Path, at: str) -> None:
    rows = [
        {
            "image_url": f"{at}/{_file(key)}",
            "question": f"[USER] {said[-2]} [ASSISTANT]",
            "answer": said[-1],
            "messages": said,
        }
        for key, said in CAPTION_QUESTIONS
    ]
    _write_table(folder / "train-00000-of-00001.parquet", rows)


def _write_wildvision(folder: Path, images: Path) -> None:
    """The bench's columns; `ids.txt` names all of its questions but the one that is about letters."""
    rows = [
        {
            "question_id": f"wild-{place}",
            "instruction": instruction,
            "image": {"bytes": (images / _file(key)).read_bytes(), "path": None},
            "language": "English",
        }
        for place, (key, instruction) in enumerate(WILD)
    ]
    _write_table(folder / "test-00000-of-00001.parquet", rows)
    _write_text(
        folder / "ids.txt", "".join(f"{row['question_id']}\n" for row in rows if "words" not in row["instruction"])
    )


def _write_json(path: Path, value: Any) -> None:
    _write_text(path, json.dumps(value))


def _write_text(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _write_table(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(list(rows)), path)
