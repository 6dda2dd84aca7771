"""What runs in a Ray actor: one stage, shard after shard, returning counters only.

Free of Ray itself, so that a test or a debugger can run a job in its own process.
"""

import json
import os
import socket
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from heapq import merge
from operator import itemgetter
from typing import Any

import pyarrow as pa

from builders.engine import files, ledger
from builders.engine.files import FileRef
from builders.engine.ledger import ShardRecord
from builders.engine.stage import Failure, Outcome, Rejection, Row, Stage, StageError, failure

REJECTED = pa.schema(
    [
        ("id", pa.string()),
        ("stage", pa.string()),
        ("shard", pa.string()),
        ("filter", pa.string()),
        ("field", pa.string()),
        ("figure", pa.float64()),
        ("threshold", pa.string()),
        ("row", pa.string()),
    ]
)
FAILED = pa.schema(
    [
        ("id", pa.string()),
        ("stage", pa.string()),
        ("shard", pa.string()),
        ("error_class", pa.string()),
        ("message", pa.string()),
        ("attempts", pa.int32()),
        ("row", pa.string()),
    ]
)
LEASE = "lease.json"
GROUP_ROWS, GROUP_BYTES = 10_000, 32 << 20
WORKER_DIED = "WorkerDied"
WORKER_HUNG = "WorkerHung"


@dataclass(frozen=True)
class Job:
    """Rows `first..last` of a shard's input, or (`retry`) the failed rows of a finished shard.

    `condemned` is set when these rows (there is one) have killed their worker again and again: they are
    set aside under this class, without being processed.
    """

    shard: str
    parent: str
    digest: str
    source: Any
    first: int
    last: int
    retry: ShardRecord | None = None
    retry_ids: tuple[str, ...] = ()
    condemned: str = ""
    deaths: int = 0

    @property
    def rows(self) -> int:
        return len(self.retry_ids) if self.retry else self.last - self.first

    @property
    def alone(self) -> bool:
        """Whether nothing may run beside it: it is suspected of killing its worker, or a single row of such a shard."""
        return self.deaths > 0 or self.rows == 1


class Bench:
    """A worker's bench: the stage it holds open, and the place of the build it works for."""

    def __init__(self, root: str, stage: Stage, folder: str, lease: str) -> None:
        self.root = files.location(root)
        self.stage = stage
        self.folder = folder
        self.lease = lease
        stage.open()

    def run(self, job: Job) -> ShardRecord:
        """Do one job and record it. What this returns holds no row.

        The file grows as the stage hands out batches, so that no more than a batch and a row group is held.
        """
        began = time.perf_counter()
        attempts = 1 + (job.retry.attempts if job.retry else 0)
        name = f"{job.shard}.r{attempts}" if job.retry else job.shard
        aside = self._set_aside_before(job)
        rows = self._made(job, aside, attempts)
        if job.retry:
            rows = merge(self._written_before(job.retry), rows, key=itemgetter("id"))
        schema, options = self.stage.written_as(job.source)
        written = self._write(self.stage.destination(self.folder, name), rows, schema, **options)
        rejected, failed = (
            self._write(f"{place}/{self.folder}.{name}.parquet", sorted(items, key=itemgetter("id")), columns)
            if items
            else None
            for place, items, columns in (("rejected", aside.rejected, REJECTED), ("failed", aside.failed, FAILED))
        )
        record = ShardRecord(
            shard=job.shard,
            stage=self.stage.name,
            parent=job.parent,
            digest=job.digest,
            first=job.first,
            last=job.last,
            rows=written,
            rejected=rejected,
            failed=failed,
            counters=dict(aside.counters),
            seconds=round(time.perf_counter() - began + (job.retry.seconds if job.retry else 0.0), 3),
            attempts=attempts,
            worker=f"{socket.gethostname()}:{os.getpid()}",
            finished=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        self._check_lease()
        ledger.write(self.root, self.folder, record)
        return record

    def _check_lease(self) -> None:
        if files.read_json(self.root / LEASE)["run"] != self.lease:
            raise StageError("another run has taken this build over; this worker's shard is left unrecorded")

    def _batches(self, job: Job) -> Iterator[list[Row]]:
        """The rows to process, as the stage hands them out."""
        again, at = frozenset(job.retry_ids), 0
        for batch in self.stage.batches(self.root, job.source):
            rows = batch[max(0, job.first - at) : max(0, job.last - at)]
            at += len(batch)
            if job.retry:
                rows = [row for row in rows if row["id"] in again]
            if rows:
                yield rows
            if at >= job.last:
                return

    def _made(self, job: Job, aside: "Aside", attempts: int) -> Iterator[Row]:
        """The rows that are written, in the order of their ids; what becomes of the others goes into `aside`."""
        common = {"stage": self.stage.name, "shard": job.shard}
        last = ""
        for rows in self._batches(job):
            if job.condemned:
                message = f"its worker died at every attempt ({job.deaths} deaths with this row alone)"
                outcome = Outcome(failed=[Failure(row["id"], job.condemned, message) for row in rows])
            else:
                outcome = process(self.stage, rows)
            account(self.stage, rows, outcome)
            by_id = {row["id"]: row for row in rows}
            aside.rejected += [asdict(item) | common | {"row": as_json(by_id[item.id])} for item in outcome.rejected]
            aside.failed += [
                asdict(item) | common | {"attempts": attempts, "row": as_json(by_id[item.id])}
                for item in outcome.failed
            ]
            aside.counters.update(outcome.counters)
            for row in sorted(outcome.written, key=itemgetter("id")):
                if row["id"] < last:
                    raise StageError(f"stage {self.stage.name} hands out row {row['id']} after row {last}, which must "
                                     "come later: batches are in the order of their ids")  # fmt: skip
                last = row["id"]
                yield row

    def _set_aside_before(self, job: Job) -> "Aside":
        """What a retry leaves as it is of what was not written."""
        if job.retry is None:
            return Aside()
        assert job.retry.failed
        failed = files.read_table(self.root, job.retry.failed).to_pylist()
        rejected = files.read_table(self.root, job.retry.rejected).to_pylist() if job.retry.rejected else []
        again = set(job.retry_ids)
        return Aside(rejected, [row for row in failed if row["id"] not in again], Counter(job.retry.counters))

    def _written_before(self, record: ShardRecord) -> Iterator[Row]:
        for group in files.read_groups(self.root, record.rows):
            yield from group.to_pylist()

    def _write(
        self, relative: str, rows: Iterable[Row], schema: pa.Schema, row_group_size: int = GROUP_ROWS, **options: Any
    ) -> FileRef:
        def groups() -> Iterator[pa.Table]:
            for group in grouped(rows, row_group_size):
                try:
                    yield pa.Table.from_pylist(group, schema=schema)
                except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
                    raise StageError(f"stage {self.stage.name}: a row does not fit its schema: {error}") from error
            self._check_lease()

        return files.write_groups(self.root, relative, schema, groups(), **options)


@dataclass
class Aside:
    """What of a job's rows is not written, and what was counted."""

    rejected: list[Row] = field(default_factory=list)
    failed: list[Row] = field(default_factory=list)
    counters: Counter[str] = field(default_factory=Counter)


def grouped(rows: Iterable[Row], most: int) -> Iterator[list[Row]]:
    """Rows in groups of at most `most` rows and `GROUP_BYTES` bytes, or of a single row that is larger."""
    group: list[Row] = []
    size = 0
    for row in rows:
        its = weight(row)
        if group and (len(group) == most or size + its > GROUP_BYTES):
            yield group
            group, size = [], 0
        group.append(row)
        size += its
    if group:
        yield group


def weight(value: Any) -> int:
    """About the bytes that a row or a value of one takes in Arrow."""
    if isinstance(value, (str, bytes)):
        return len(value)
    if isinstance(value, dict):
        return sum(map(weight, value.values()))
    return sum(map(weight, value)) if isinstance(value, list) else 8


def process(stage: Stage, rows: list[Row]) -> Outcome:
    """Run a stage over rows; an exception is traced to the row it comes from by halving."""
    try:
        return stage.process(rows)
    except StageError:
        raise
    except Exception as error:
        if len(rows) == 1:
            return Outcome(failed=[failure(rows[0]["id"], error)])
        middle = len(rows) // 2
        outcome = process(stage, rows[:middle])
        outcome.add(process(stage, rows[middle:]))
        return outcome


def account(stage: Stage, rows: list[Row], outcome: Outcome) -> None:
    """Every row given is written, rejected or failed exactly once, matched by id; raises `StageError`."""
    given = [row["id"] for row in rows]
    items: list[Rejection | Failure] = [*outcome.rejected, *outcome.failed]
    got = [row["id"] for row in outcome.written] + [item.id for item in items]
    if sorted(given) != sorted(got):
        lost = sorted(set(given) - set(got))[:3]
        extra = sorted(set(got) - set(given))[:3]
        raise StageError(
            f"stage {stage.name} was given {len(given)} rows and accounted for {len(got)}"
            + (f"; lost: {', '.join(lost)}" if lost else "")
            + (f"; made up: {', '.join(extra)}" if extra else "")
            + ("; or the same id twice" if not lost and not extra else "")
        )


def as_json(row: Row) -> str:
    """A row for a person to read in `failed/` or `rejected/`; a retry reads the row itself again."""
    try:
        text = json.dumps(row, ensure_ascii=False, default=lambda value: f"<{type(value).__name__}>")
        return text.encode(errors="replace").decode()
    except (TypeError, ValueError, RecursionError) as error:
        return json.dumps({"id": row["id"], "unreadable": str(error)})
