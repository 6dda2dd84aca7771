"""The ledger: one JSON record a finished shard. What is in the ledger is done; what is not, is not.

A record is written last, by one rename, after every file it names. It covers a range of the rows of one
input shard, so that a shard which was halved to find a deadly row is simply several records. A record
counts only while its input still has the digest it was made from: as in make, a changed shard upstream
(after `--retry-failed`, say) makes what came of it out of date.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field

from upath import UPath

from builders.engine import files
from builders.engine.files import FileRef
from builders.engine.stage import ShardTask


@dataclass(frozen=True)
class ShardRecord:
    """One finished shard, or the part `first..last` (row numbers, end exclusive) of one."""

    shard: str
    stage: str
    parent: str
    digest: str
    first: int
    last: int
    rows: FileRef
    rejected: FileRef | None
    failed: FileRef | None
    counters: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    attempts: int = 1
    worker: str = ""
    finished: str = ""

    @property
    def rows_in(self) -> int:
        return self.last - self.first

    @property
    def rows_rejected(self) -> int:
        return self.rejected.rows if self.rejected else 0

    @property
    def rows_failed(self) -> int:
        return self.failed.rows if self.failed else 0

    @property
    def files(self) -> list[FileRef]:
        return [file for file in (self.rows, self.rejected, self.failed) if file]

    def check(self) -> None:
        """Every row in is written, rejected or failed; raises `AssertionError` with the sum otherwise."""
        out = self.rows.rows + self.rows_rejected + self.rows_failed
        assert self.rows_in == out, (
            f"{self.stage}/{self.shard}: {self.rows_in} rows in, but {self.rows.rows} written + "
            f"{self.rows_rejected} rejected + {self.rows_failed} failed = {out}"
        )


def part_name(task: ShardTask, first: int, last: int) -> str:
    return task.shard if (first, last) == (0, task.rows) else f"{task.shard}.{first}-{last}"


def folder(stage_folder: str) -> str:
    return f"stages/{stage_folder}/ledger"


def write(root: UPath, stage_folder: str, record: ShardRecord) -> None:
    record.check()
    value = asdict(record) | {
        "rows_in": record.rows_in,
        "rows_written": record.rows.rows,
        "rows_rejected": record.rows_rejected,
        "rows_failed": record.rows_failed,
    }
    files.write_json(root / folder(stage_folder) / f"{record.shard}.json", value)


def load(root: UPath, stage_folder: str) -> list[ShardRecord]:
    """All records of a stage, by shard name."""
    return [from_json(files.read_json(path)) for path in files.list_files(root / folder(stage_folder), ".json")]


def from_json(value: dict[str, object]) -> ShardRecord:
    known = {name: value[name] for name in ShardRecord.__dataclass_fields__}
    for name in ("rows", "rejected", "failed"):
        if known[name]:
            known[name] = FileRef(**known[name])  # type: ignore[arg-type]
    return ShardRecord(**known)  # type: ignore[arg-type]


def is_current(root: UPath, record: ShardRecord, tasks: dict[str, ShardTask]) -> bool:
    """Whether a record still stands: same input, and its files there in full size."""
    task = tasks.get(record.parent)
    if task is None or task.digest != record.digest:
        return False
    for file in record.files:
        path = root / file.path
        if not path.is_file() or path.stat().st_size != file.bytes:
            return False
    return True


def by_parent(records: Iterable[ShardRecord]) -> dict[str, list[ShardRecord]]:
    """The records of each input shard."""
    parts: dict[str, list[ShardRecord]] = {}
    for record in records:
        parts.setdefault(record.parent, []).append(record)
    return parts


def missing(task: ShardTask, records: Sequence[ShardRecord]) -> list[tuple[int, int]]:
    """The ranges of a task's rows that no record covers."""
    ranges, at = [], 0
    for record in sorted(records, key=lambda record: record.first):
        if record.first > at:
            ranges.append((at, record.first))
        at = max(at, record.last)
    if at < task.rows:
        ranges.append((at, task.rows))
    return ranges


def check_tiles(task: ShardTask, records: Sequence[ShardRecord]) -> None:
    """The records of a task cover each of its rows once; raises `AssertionError` naming the shard otherwise."""
    at = 0
    for record in sorted(records, key=lambda record: record.first):
        assert record.first == at, f"shard {task.shard}: rows {at} to {record.first} are covered twice or not at all"
        at = record.last
    assert at == task.rows, f"shard {task.shard}: rows {at} to {task.rows} are not covered"
