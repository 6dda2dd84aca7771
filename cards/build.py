"""What a finished build says about itself, read from its folder for the report and for the card.

`build.json` says what the engine counted; the Parquet files say what is there (`cards.dataset` reads those that
are published). Both are read, so that the page that shows them can also say where they disagree. Files are read
in record batches: memory does not grow with the build.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow.parquet as pq
from upath import UPath

from cards.dataset import parquet_files
from cards.fields import count_of, list_of, mapping_of, number_of, read_object, text_of

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

    `card` names the file of `cards/recipes` that describes the dataset: the one that `build.json` says, else `name`.
    `public_command` and `public_config` are what a card may show: the same for every run that builds the same, and
    without the paths of the machine it ran on. `verdicts_sha256` is that of the verdicts that were applied, if any, and
    `verdict_rounds` are the rounds of judgements that they come from. `card_values` is what the build says about its
    card, and `mixture` what a mixture says of itself. `renamed_columns` are the published names of those of
    the source's columns that could not keep theirs, each with what it was.
    """

    name: str
    card: str
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
    verdicts_sha256: str
    verdict_rounds: tuple[str, ...]
    card_values: Mapping[str, Any]
    mixture: Mapping[str, Any]
    renamed_columns: Mapping[str, Any]


@dataclass(frozen=True)
class Example:
    """One row that did not get through, by its task or title, and the text found wanting, if the row holds it."""

    id: str
    stage: str
    name: str
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
        raw = read_object(path)
    except FileNotFoundError:
        raise FileNotFoundError(f"{path}: not there; {out} must be a finished build's folder") from None
    translator = mapping_of(raw, "translator")
    counts = mapping_of(raw, "counts")
    stages = _stages(list_of(raw, "stages"))
    public = mapping_of(raw, "public") or raw
    verdicts = mapping_of(raw, "verdicts")
    name = text_of(raw, "name") or out.name
    return Build(
        name=name,
        card=text_of(raw, "card") or name,
        status=text_of(raw, "status"),
        command=text_of(raw, "command"),
        public_command=text_of(public, "command"),
        started=text_of(raw, "started"),
        finished=text_of(raw, "finished"),
        seconds=number_of(raw, "seconds"),
        fingerprint=text_of(raw, "fingerprint"),
        config=mapping_of(raw, "config"),
        public_config=mapping_of(public, "config"),
        inputs=tuple(_input(item) for item in list_of(raw, "inputs")),
        versions=mapping_of(raw, "versions"),
        counts=_counts(counts, sum(stage.made for stage in stages)) if counts else None,
        stages=stages,
        translator=text_of(translator, "name"),
        translator_revision=text_of(translator, "revision"),
        translator_settings=mapping_of(translator, "settings"),
        warning=text_of(translator, "warning"),
        verdicts_sha256=text_of(verdicts, "sha256"),
        verdict_rounds=tuple(str(name) for name in list_of(verdicts, "rounds")),
        card_values=mapping_of(raw, "card_values"),
        mixture=mapping_of(raw, "mixture"),
        renamed_columns=mapping_of(raw, "renamed_columns"),
    )


def read_losses(folder: UPath, reason_column: str, seed: str) -> Losses:
    """Count the rows of `folder` by `reason_column`, and keep a few examples of each, drawn by `seed`."""
    rows: Counter[str] = Counter()
    stages: dict[str, set[str]] = {}
    tasks: Counter[str] = Counter()
    languages: dict[str, Counter[str]] = {}
    drawn: dict[str, list[tuple[str, Example]]] = {}
    for number, row in enumerate(_rows(folder)):
        reason = text_of(row, reason_column) or "unnamed"
        content = _row_content(row)
        rows[reason] += 1
        stages.setdefault(reason, set()).add(text_of(row, "stage"))
        tasks[text_of(content, "task_name")] += 1
        languages.setdefault(reason, Counter())[text_of(content, "language")] += 1
        draw = hashlib.sha256(f"{seed}/{text_of(row, 'id')}/{number}".encode(errors="replace")).hexdigest()
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
        content = json.loads(text_of(row, "row"))
    except (ValueError, RecursionError):
        return {}
    if not isinstance(content, dict):
        return {}
    return {**mapping_of(content, "raw"), **content}


def _example(row: Mapping[str, Any], content: Mapping[str, Any]) -> Example:
    field = text_of(row, "field")
    attempts = number_of(row, "attempts")
    return Example(
        id=text_of(row, "id"),
        stage=text_of(row, "stage"),
        name=text_of(content, "task_name") or text_of(content, "title"),
        field=field,
        figure=number_of(row, "figure"),
        threshold=text_of(row, "threshold"),
        message=text_of(row, "message"),
        attempts=None if attempts is None else int(attempts),
        text=_text_of_field(content, field) if content else text_of(row, "row"),
    )


def _text_of_field(content: Mapping[str, Any], field: str) -> str:
    """The translation that a filter refused, or the text of that name, or the raw text of a row that was none."""
    for column, name in (("fields", "name"), ("translations", "field")):
        for item in list_of(content, column):
            if isinstance(item, dict) and item.get(name) == field:
                return text_of(item, "target")
    value = content.get(field or "raw")
    return value if isinstance(value, str) else ""


def _stages(raw: list[Any]) -> tuple[Stage, ...]:
    stages: list[Stage] = []
    for item in raw:
        counts, counters = _counts(item), mapping_of(item, "counters")
        made = counts.rows_in - stages[-1].counts.rows_written if stages else 0
        known = {name: value for name in counters if (value := number_of(counters, name)) is not None}
        shards = count_of(item, "shards")
        stages.append(Stage(text_of(item, "name"), counts, made, shards, number_of(item, "seconds"), known))
    return tuple(stages)


def _counts(raw: Mapping[str, Any], made: int = 0) -> Counts:
    names = ("rows_in", "rows_written", "rows_rejected", "rows_failed")
    rows_in, written, rejected, failed = (count_of(raw, name) for name in names)
    return Counts(rows_in, written, rejected, failed, made)


def _input(raw: Mapping[str, Any]) -> Input:
    rows, size = number_of(raw, "rows"), number_of(raw, "bytes")
    return Input(
        text_of(raw, "path"),
        None if rows is None else int(rows),
        None if size is None else int(size),
        text_of(raw, "sha256"),
    )
