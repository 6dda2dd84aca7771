"""What a finished build says about itself, read from its folder for the report and for the card.

`build.json` says what the engine counted; the Parquet files say what is there (`cards.dataset` reads those that
are published). Both are read, so that the page that shows them can also say where they disagree. Files are read
in record batches: memory does not grow with the build.
"""

import hashlib
import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow.parquet as pq
from upath import UPath

from cards.dataset import parquet_files

EXAMPLES = 3


@dataclass(frozen=True)
class Counts:
    """Rows in and what became of them. `rows_made` is how many more rows stages read than those before them wrote:
    a stage that makes the rows of several configurations out of one page reads more than it was given."""

    rows_in: int
    rows_written: int
    rows_rejected: int
    rows_failed: int
    rows_made: int = 0

    @property
    def left_over(self) -> int:
        """Rows that went in, or were made, and came out nowhere; negative when more came out."""
        return self.rows_in + self.rows_made - self.rows_written - self.rows_rejected - self.rows_failed


@dataclass(frozen=True)
class Stage:
    """A stage. `made` is how many more rows it read than the stage before it wrote; negative when fewer."""

    name: str
    counts: Counts
    made: int
    shards: int
    seconds: float | None
    counters: Mapping[str, float]


@dataclass(frozen=True)
class Input:
    path: str
    rows: int | None
    bytes: int | None
    sha256: str


@dataclass(frozen=True)
class Build:
    """`build.json`. What the file leaves out is empty or None.

    `public_command` and `public_config` are what a card may show: the same for every run that builds the same, and
    without the paths of the machine it ran on.
    """

    name: str
    status: str
    command: str
    public_command: str
    started: str
    finished: str
    seconds: float | None
    fingerprint: str
    config: Mapping[str, Any]
    public_config: Mapping[str, Any]
    inputs: tuple[Input, ...]
    versions: Mapping[str, Any]
    counts: Counts | None
    stages: tuple[Stage, ...]
    translator: str
    translator_revision: str
    translator_settings: Mapping[str, Any]
    warning: str


@dataclass(frozen=True)
class Example:
    """One row that did not get through, and the text that was found wanting, if the row holds it."""

    id: str
    stage: str
    task: str
    field: str
    figure: float | None
    threshold: str
    message: str
    attempts: int | None
    text: str


@dataclass(frozen=True)
class Reason:
    """A filter or an error class, with the rows it cost; `languages` counts those that say their language."""

    name: str
    stages: tuple[str, ...]
    rows: int
    languages: Mapping[str, int]
    examples: tuple[Example, ...]


@dataclass(frozen=True)
class Losses:
    """The rows of `rejected/` or `failed/`, the costliest reason first."""

    rows: int
    reasons: tuple[Reason, ...]
    tasks: Mapping[str, int]


def read_build(out: UPath) -> Build:
    """Read `out/build.json`.

    Raises FileNotFoundError when there is none and ValueError when it is not a JSON object.
    """
    path = out / "build.json"
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise FileNotFoundError(f"{path}: not there; {out} must be a finished build's folder") from None
    except ValueError as error:
        raise ValueError(f"{path}: expected a JSON object: {error}") from error
    if not isinstance(raw, dict):
        raise ValueError(f"{path}: expected a JSON object, found {type(raw).__name__}")
    translator = _mapping(raw, "translator")
    counts = _mapping(raw, "counts")
    stages = _stages(_list(raw, "stages"))
    public = _mapping(raw, "public") or raw
    return Build(
        name=_text(raw, "name") or out.name,
        status=_text(raw, "status"),
        command=_text(raw, "command"),
        public_command=_text(public, "command"),
        started=_text(raw, "started"),
        finished=_text(raw, "finished"),
        seconds=_number(raw, "seconds"),
        fingerprint=_text(raw, "fingerprint"),
        config=_mapping(raw, "config"),
        public_config=_mapping(public, "config"),
        inputs=tuple(_input(item) for item in _list(raw, "inputs")),
        versions=_mapping(raw, "versions"),
        counts=_counts(counts, sum(stage.made for stage in stages)) if counts else None,
        stages=stages,
        translator=_text(translator, "name"),
        translator_revision=_text(translator, "revision"),
        translator_settings=_mapping(translator, "settings"),
        warning=_text(translator, "warning"),
    )


def read_losses(folder: UPath, reason_column: str, seed: str) -> Losses:
    """Count the rows of `folder` by `reason_column`, and keep a few examples of each, drawn by `seed`."""
    rows: Counter[str] = Counter()
    stages: dict[str, set[str]] = {}
    tasks: Counter[str] = Counter()
    languages: dict[str, Counter[str]] = {}
    drawn: dict[str, list[tuple[str, Example]]] = {}
    for number, row in enumerate(_rows(folder)):
        reason = _text(row, reason_column) or "unnamed"
        content = _row_content(row)
        rows[reason] += 1
        stages.setdefault(reason, set()).add(_text(row, "stage"))
        tasks[_text(content, "task_name")] += 1
        languages.setdefault(reason, Counter())[_text(content, "language")] += 1
        draw = hashlib.sha256(f"{seed}/{_text(row, 'id')}/{number}".encode(errors="replace")).hexdigest()
        kept = drawn.setdefault(reason, [])
        if len(kept) < EXAMPLES or draw < kept[-1][0]:
            kept.append((draw, _example(row, content)))
            kept.sort(key=lambda item: item[0])
            del kept[EXAMPLES:]
    reasons = tuple(
        Reason(
            name,
            tuple(sorted(stages[name] - {""})),
            count,
            {language: lost for language, lost in languages[name].most_common() if language},
            tuple(example for _, example in drawn[name]),
        )
        for name, count in sorted(rows.items(), key=lambda item: (-item[1], item[0]))
    )
    return Losses(rows.total(), reasons, tasks)


def counts_of(build: Build, written: int, rejected: Losses, failed: Losses) -> Counts:
    """The build's counts; where `build.json` has none, what the files hold."""
    if build.counts is not None:
        return build.counts
    return Counts(written + rejected.rows + failed.rows, written, rejected.rows, failed.rows)


def rows_seen(build: Build, reason: Reason, counts: Counts) -> int:
    """The rows of which `reason` cost some: those of the build, or of its stages where rows are made between stages."""
    if not counts.rows_made:
        return counts.rows_in
    return sum(stage.counts.rows_in for stage in build.stages if stage.name in reason.stages)


def disagreements(build: Build, written: int, rejected: Losses, failed: Losses, folder: str) -> list[str]:
    """Every place where the counts do not add up, or differ from the files: `folder` has the written rows.

    Empty when all is well.
    """
    if build.counts is None:
        return ["build.json has no counts: the figures below are counted in the files."]
    counts = build.counts
    found = []
    if counts.left_over:
        made = f" and {counts.rows_made:,} made between stages" if counts.rows_made else ""
        found.append(
            f"The build's rows do not add up: {counts.rows_in:,} in{made}, but {counts.rows_written:,} written, "
            f"{counts.rows_rejected:,} rejected and {counts.rows_failed:,} failed."
        )
    for said, there, where in (
        (counts.rows_written, written, f"written, but {folder}"),
        (counts.rows_rejected, rejected.rows, "rejected, but rejected"),
        (counts.rows_failed, failed.rows, "failed, but failed"),
    ):
        if said != there:
            found.append(f"build.json says {said:,} rows {where}/ holds {there:,}.")
    return found


def _rows(folder: UPath) -> Iterator[dict[str, Any]]:
    for path in parquet_files(folder):
        with path.open("rb") as file:
            for batch in pq.ParquetFile(file).iter_batches(batch_size=1024):
                yield from batch.to_pylist()


def _row_content(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """The row that was lost, or nothing where it is not the JSON of one.

    A row that was lost before it had our columns holds its source's under `raw`.
    """
    try:
        content = json.loads(_text(row, "row"))
    except (ValueError, RecursionError):
        return {}
    if not isinstance(content, dict):
        return {}
    return {**_mapping(content, "raw"), **content}


def _example(row: Mapping[str, Any], content: Mapping[str, Any]) -> Example:
    field = _text(row, "field")
    attempts = _number(row, "attempts")
    return Example(
        id=_text(row, "id"),
        stage=_text(row, "stage"),
        task=_text(content, "task_name"),
        field=field,
        figure=_number(row, "figure"),
        threshold=_text(row, "threshold"),
        message=_text(row, "message"),
        attempts=None if attempts is None else int(attempts),
        text=_text_of_field(content, field) if content else _text(row, "row"),
    )


def _text_of_field(content: Mapping[str, Any], field: str) -> str:
    """The translation that a filter refused, or the text of that name, or the raw text of a row that was none."""
    for column, name in (("fields", "name"), ("translations", "field")):
        for item in _list(content, column):
            if isinstance(item, dict) and item.get(name) == field:
                return _text(item, "target")
    value = content.get(field or "raw")
    return value if isinstance(value, str) else ""


def _stages(raw: list[Any]) -> tuple[Stage, ...]:
    stages: list[Stage] = []
    for item in raw:
        counts, counters = _counts(item), _mapping(item, "counters")
        made = counts.rows_in - stages[-1].counts.rows_written if stages else 0
        known = {name: value for name in counters if (value := _number(counters, name)) is not None}
        shards = int(_number(item, "shards") or 0)
        stages.append(Stage(_text(item, "name"), counts, made, shards, _number(item, "seconds"), known))
    return tuple(stages)


def _counts(raw: Mapping[str, Any], made: int = 0) -> Counts:
    names = ("rows_in", "rows_written", "rows_rejected", "rows_failed")
    rows_in, written, rejected, failed = (int(_number(raw, name) or 0) for name in names)
    return Counts(rows_in, written, rejected, failed, made)


def _input(raw: Mapping[str, Any]) -> Input:
    rows, size = _number(raw, "rows"), _number(raw, "bytes")
    return Input(
        _text(raw, "path"),
        None if rows is None else int(rows),
        None if size is None else int(size),
        _text(raw, "sha256"),
    )


def _text(raw: Mapping[str, Any], key: str) -> str:
    value = raw.get(key)
    return "" if value is None else str(value)


def _number(raw: Mapping[str, Any], key: str) -> float | None:
    value = raw.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return value


def _mapping(raw: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = raw.get(key)
    return value if isinstance(value, dict) else {}


def _list(raw: Mapping[str, Any], key: str) -> list[Any]:
    value = raw.get(key)
    return value if isinstance(value, list) else []
