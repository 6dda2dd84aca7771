"""One row of the sample, and how it is written in each of the two forms that MultiInstruct is found in.

The assembled form (`train.jsonl`, `test.jsonl`) writes a box as "x1 y1 x2 y2" and adds `prompt` and `target`;
the form per task (`training_data/<source>+<task>/`) writes numbers, and has no `target_txt` where the answer
is a box: it stands in `region` already.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import TypeVar

from builders.demo.scenes import Box, Scene

Item = TypeVar("Item")
Boxes = tuple[Box, ...]
Record = dict[str, object]

SEPARATOR = "||||"
DATASETS = {
    "train2014": "MSCOCO2014",
    "VG_100K": "visual_genome",
    "nlvr": "nlvr",
    "train": "vizwiz_image_quality",
    "ASONAM17_Damage_Image_Dataset": "medic/data",
}
FOREIGN_ROOT = "/srv/vision-lab/mixtures/"


@dataclass(frozen=True)
class Row:
    """`target` is the answer, or the boxes of the answer; empty fields are left out of the record."""

    task: str
    source: str
    unique_id: str
    image_path: str
    instruction: str
    target: str | Boxes
    question: str = ""
    text: str = ""
    answer: str = ""
    context: str | tuple[str, ...] | None = None
    options: tuple[str, ...] | Boxes = ()
    region: Boxes = ()
    named_regions: Mapping[str, Boxes] | None = None
    meta: Mapping[str, object] | None = None


def path_of(scene: Scene, style: str = "relative") -> str:
    """Where a row says that its picture is: `relative`, `bare` (no "./") or `foreign` (another machine)."""
    dataset = DATASETS[scene.file.split("/")[0]]
    path = f"raw_datasets/{dataset}/{scene.file}"
    return {"relative": "./", "bare": "", "foreign": FOREIGN_ROOT}[style] + path


def number_of(scene: Scene) -> str:
    """The digits at the end of the file's name: what ids are made of."""
    return "".join(mark for mark in scene.file.rsplit("_", 1)[-1] if mark.isdigit())


def shuffled(items: tuple[Item, ...], seed: str) -> tuple[Item, ...]:
    order = list(items)
    Random(seed).shuffle(order)
    return tuple(order)


def as_string(box: Box) -> str:
    return " ".join(str(value) for value in box)


def _strings(values: tuple[str, ...] | Boxes) -> list[str]:
    return [value if isinstance(value, str) else as_string(value) for value in values]


def _plain(values: tuple[str, ...] | Boxes) -> list[object]:
    return [value if isinstance(value, str) else list(value) for value in values]


def _common(row: Row) -> Record:
    record: Record = {"unique_id": row.unique_id, "image_source": row.source, "task_name": row.task}
    record["image_path"] = row.image_path
    record |= {
        name: value for name, value in (("question", row.question), ("text", row.text), ("answer", row.answer)) if value
    }
    if row.context is not None:
        record["context"] = row.context if isinstance(row.context, str) else list(row.context)
    return record


def per_task(row: Row) -> Record:
    record = _common(row)
    if row.options:
        record["options"] = _plain(row.options)
    if row.region:
        record["region"] = _plain(row.region)
    meta = dict(row.meta or {})
    if row.named_regions:
        meta["object_regions"] = {name: _plain(boxes) for name, boxes in row.named_regions.items()}
    if meta:
        record["meta_data"] = meta
    if isinstance(row.target, str):
        record["target_txt"] = row.target
    return record


def assembled(row: Row) -> Record:
    record = _common(row)
    if row.options:
        record["options"] = _strings(row.options)
    if row.region:
        record["region"] = _strings(row.region)
    meta = dict(row.meta or {})
    if row.named_regions:
        meta["object_regions"] = {name: _strings(boxes) for name, boxes in row.named_regions.items()}
    if meta:
        record["meta_data"] = meta
    target = row.target if isinstance(row.target, str) else " ".join(_strings(row.target))
    choices = f"\n\n[Options]: {SEPARATOR.join(_strings(row.options))}" if row.options else ""
    return record | {"target_txt": target, "prompt": row.instruction + choices, "target": target}
