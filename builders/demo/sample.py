"""Writes the sample that `make demo` builds: some 130 rows over sixty tasks, and the pictures they speak of.

It holds both on-disk forms of MultiInstruct, and some rows that are wrong on purpose: see `bad_rows.py`.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from builders.demo.album import SCENES
from builders.demo.bad_rows import as_line, bad_rows
from builders.demo.catalogue import per_task_rows, testing_rows, training_rows
from builders.demo.records import per_task
from builders.demo.scenes import write_image

GAP = 4  # good rows between one bad row and the next


@dataclass(frozen=True)
class Sample:
    """The JSON Lines files to build from, and the folder under which images are found by their path's end."""

    inputs: tuple[Path, ...]
    images_root: Path


def _write(path: Path, lines: Iterable[str]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def _training_lines() -> list[str]:
    rows = training_rows()
    lines = [as_line(row) for row in rows]
    for index, bad in enumerate(bad_rows(original=rows[0])):
        lines.insert((index + 1) * (GAP + 1) - 1, bad.line)
    return lines


def _write_per_task(folder: Path) -> list[Path]:
    """One folder a task; its third row goes to `valid.jsonl`, the others to `train.jsonl`."""
    lines: dict[Path, list[str]] = {}
    seen: dict[str, int] = {}
    for row in per_task_rows():
        seen[row.task] = seen.get(row.task, 0) + 1
        name = "valid.jsonl" if seen[row.task] == 3 else "train.jsonl"
        path = folder / f"{row.source}+{row.task}" / name
        lines.setdefault(path, []).append(json.dumps(per_task(row), ensure_ascii=False))
    return [_write(path, lines[path]) for path in sorted(lines)]


def write_sample(folder: Path) -> Sample:
    """Writes the sample under `folder`; the same bytes every time."""
    images_root = folder / "images"
    for scene in SCENES.values():
        write_image(scene, images_root)
    inputs = [
        _write(folder / "train.jsonl", _training_lines()),
        _write(folder / "test.jsonl", [as_line(row) for row in testing_rows()]),
        *_write_per_task(folder / "training_data"),
    ]
    return Sample(tuple(inputs), images_root)
