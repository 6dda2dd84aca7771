"""What a stage author writes: one small object with one method over the rows of a shard.

A stage knows nothing of Ray, files or failures. It says what its rows look like (`schema`) and what
becomes of each row it is given; the engine does the rest: atomic output, ledger, resume, retries, accounts.
"""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import pyarrow as pa

from builders.engine.files import FileRef, read_table

if TYPE_CHECKING:
    from builders.engine.build import Build
    from builders.engine.ledger import ShardRecord

Row = dict[str, Any]


class RowError(Exception):
    """A row that cannot be processed, with the class under which it is counted and can be retried.

    Any other exception raised for a row costs that row alone too; its class is the exception's name.
    """

    def __init__(self, error_class: str, message: str) -> None:
        super().__init__(message)
        self.error_class = error_class


class StageError(Exception):
    """Something that is no row's fault: a model that does not load, a server that is gone.

    The shard is tried again by another worker and, if that does not help, the build stops and says so.
    """


@dataclass(frozen=True)
class Rejection:
    """A row that a filter refused: which filter, on which field, with what figure against what threshold."""

    id: str
    filter: str
    field: str
    figure: float
    threshold: str


@dataclass(frozen=True)
class Failure:
    """A row that failed, by name."""

    id: str
    error_class: str
    message: str


@dataclass
class Outcome:
    """What became of the rows of one call: every row given is in exactly one of the three lists."""

    written: list[Row] = field(default_factory=list)
    rejected: list[Rejection] = field(default_factory=list)
    failed: list[Failure] = field(default_factory=list)
    counters: Counter[str] = field(default_factory=Counter)

    def add(self, other: "Outcome") -> None:
        self.written += other.written
        self.rejected += other.rejected
        self.failed += other.failed
        self.counters += other.counters


@dataclass(frozen=True)
class ShardTask:
    """One shard to make: its name, what to read (a `FileRef`, a slice of a file…), a digest of that, its rows."""

    shard: str
    source: Any
    digest: str
    rows: int


class Stage(ABC):
    """One step of a build, over shards.

    `schema` is a contract: rows that do not fit it are an error, never widened.
    `gpu`: its workers take `--gpus-per-worker`. `most_workers`: more would only wait (0: any number); what
    `--workers` says counts above it. `parquet` are options of `pyarrow.parquet.ParquetWriter`, and `row_group_size`,
    the rows of a row group at most. A stage whose shards differ in either says so in `written_as`.
    `overlap`: shards that a worker has in hand at once, each in a thread of its own, so that one is read and
    prepared while the model works on another; above 1, `process` must be safe to call from several threads.
    """

    name: ClassVar[str]
    schema: pa.Schema
    gpu: bool = False
    overlap: int = 1

    @property
    def most_workers(self) -> int:
        return 0

    parquet: ClassVar[dict[str, Any]] = {}

    @abstractmethod
    def process(self, rows: list[Row]) -> Outcome:
        """Say what becomes of each row. Called with a batch, or with parts of one after an error."""

    def preflight(self, build: "Build") -> list[str]:
        """Every problem that can be known before any work, each a sentence that says what to do."""
        return []

    def plan(self, build: "Build", upstream: Sequence["ShardRecord"]) -> list[ShardTask]:
        """The shards to make; as they come from the stage before, unless a stage knows better."""
        return [
            ShardTask(record.shard, record.rows, record.rows.sha256, record.rows.rows)
            for record in upstream
            if record.rows.rows
        ]

    def destination(self, folder: str, shard: str) -> str:
        """Where a shard's rows go, relative to the build. To the name of a part of a shard the engine adds its range
        (`.0-48`), to that of a shard whose failed rows ran again the attempt (`.r2`)."""
        return f"stages/{folder}/{shard}.parquet"

    def written_as(self, source: Any) -> tuple[pa.Schema, dict[str, Any]]:
        """How the rows of the shard of this source are written: their schema, and options as in `parquet`."""
        return self.schema, self.parquet

    def forecast(self, build: "Build", rows: list[Row], scale: float) -> dict[str, Any]:
        """What rows that passed the first stage would cost here, for `--dry-run`: figures by name.

        The rows are a sample, one in `scale`; a figure is of all.
        """
        return {}

    def passed_on(self, rows: list[Row], scale: float) -> tuple[list[Row], float]:
        """Which of the rows of a forecast the stages after this one would be given, one in how many."""
        return rows, scale

    def start(self, build: "Build") -> None:
        """Once, in the driver, before the workers start."""

    def open(self) -> None:
        """Once in each worker: load the model, open the connection."""

    def close(self) -> None:
        """Once in each worker, when there is no more to do for this stage: the process may go on to the next one."""

    def read(self, build_root: Any, source: Any) -> list[Row]:
        """The input rows of a shard, each with an `id`."""
        assert isinstance(source, FileRef)
        rows: list[Row] = read_table(build_root, source).to_pylist()
        return rows

    def batches(self, build_root: Any, source: Any) -> Iterator[list[Row]]:
        """The input rows of a shard in pieces, of which a worker holds one at a time; all at once, unless a stage
        knows better. What is written of one piece has lower ids than what is written of the next."""
        yield self.read(build_root, source)

    def check_sum(self, before: Sequence["ShardRecord"], after: Sequence["ShardRecord"]) -> None:
        """Assert that this stage was given what the one before wrote.

        A stage whose `read` makes more or fewer rows out of those by design states its own sum here.
        """
        wrote, given = sum(record.rows.rows for record in before), sum(record.rows_in for record in after)
        assert given == wrote, f"{wrote} rows were written for {self.name}, but it was given {given}"

    def finish(self, build: "Build") -> None:
        """Once, in the driver, when every shard is done."""


class RowStage(Stage):
    """A stage whose rows have nothing to do with one another: one row in, one row out, or an exception."""

    @abstractmethod
    def row(self, row: Row, counters: Counter[str]) -> Row:
        """The new row. Raise `RowError` for a row that cannot be processed."""

    def process(self, rows: list[Row]) -> Outcome:
        outcome = Outcome()
        for row in rows:
            counted: Counter[str] = Counter()
            try:
                outcome.written.append(self.row(row, counted))
                outcome.counters += counted
            except StageError:
                raise
            except Exception as error:
                outcome.failed.append(failure(row["id"], error))
        return outcome


def failure(row: str, error: Exception) -> Failure:
    """The failure of a row by an exception, under the class its author chose or the exception's own name."""
    error_class = error.error_class if isinstance(error, RowError) else type(error).__name__
    return Failure(row, error_class, str(error)[:2000] or error_class)
