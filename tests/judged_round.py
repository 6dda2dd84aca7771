"""A small round without a build: its plan, and files as the annotators' page saves them."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from validation.annotation.package import LABELS, Task, Text
from validation.annotation.rounds import Assigned, Assignment, Plan, PlannedRow, Round

ITEMS = 6
TEXTS = (Text("question", "What\r\nis this?", "Che cos'è\r\nquesto?"), Text("answer", "A cat.", "Un gatto."))


def make_round(
    out: Path, annotators: tuple[str, ...] = ("ane", "jon"), task: Task = "accept", name: str = "round-1"
) -> Round:
    """Plan a round in which every annotator judges `ITEMS` rows of two fields, `question` and `answer`."""
    rows = tuple(PlannedRow(f"row-{number}", "", TEXTS) for number in range(ITEMS))
    assignments = tuple(
        Assignment(
            f"{name}.{annotator}",
            annotator,
            package_sha256=f"{annotator}-sha256",
            items=tuple(Assigned(item_id(annotator, number), f"row-{number}", shared=True) for number in range(ITEMS)),
        )
        for annotator in annotators
    )
    made = Round(out / "validation" / name)
    made.write_plan(
        Plan("build", "f", name, task, 0, "", 100, "en", "it", f"2026-01-0{name[-1]}T00:00:00Z", rows, assignments)
    )
    return made


def item_id(annotator: str, number: int) -> str:
    return f"{annotator}-it-{number}"


def judgement(item: str, second: int = 0, label: str = LABELS["accept"][0], **more: Any) -> dict[str, Any]:
    """A judgement of that second as the page saves it."""
    at = f"2026-02-01T{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}.250Z"
    return {
        "item_id": item,
        "label": label,
        "reasons": [],
        "comment": "",
        "corrections": {},
        "ms": 4176,
        "at": at,
    } | more


def export(judgements: Any, annotator: str = "ane", name: str = "round-1", **more: Any) -> dict[str, Any]:
    """What the page saves."""
    return {
        "format": "vlm-annotations/1",
        "package_id": f"{name}.{annotator}",
        "package_sha256": f"{annotator}-sha256",
        "annotator": annotator,
        "task": "accept",
        "started": "2026-02-01T00:00:00.000Z",
        "exported": "2026-02-01T01:00:00.000Z",
        "judgements": judgements,
    } | more


def save(path: Path, value: Mapping[str, Any] | list[Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value), encoding="utf-8")
    return path
