"""What runs in a Ray actor: one stage, shard after shard, returning counters only.

Free of Ray itself, so that a test or a debugger can run a job in its own process.
"""

import json
import os
import socket
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
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
        """Do one job and record it. What this returns holds no row."""
        began = time.perf_counter()
        rows, kept = self._input(job)
        if job.condemned:
            message = f"its worker died at every attempt ({job.deaths} deaths with this row alone)"
            outcome = Outcome(failed=[Failure(row["id"], job.condemned, message) for row in rows])
        else:
            outcome = process(self.stage, rows)
        account(self.stage, rows, outcome)
        self._check_lease()
        record = self._write(job, rows, outcome, kept, time.perf_counter() - began)
        self._check_lease()
        ledger.write(self.root, self.folder, record)
        return record

    def _check_lease(self) -> None:
        if files.read_json(self.root / LEASE)["run"] != self.lease:
            raise StageError("another run has taken this build over; this worker's shard is left unrecorded")

    def _input(self, job: Job) -> tuple[list[Row], "Kept"]:
        """The rows to process, and for a retry what stays as it is of the finished shard."""
        rows = self.stage.read(self.root, job.source)[job.first : job.last]
        if job.retry is None:
            return rows, Kept([], [], [])
        assert job.retry.failed
        failed = files.read_table(self.root, job.retry.failed).to_pylist()
        again = set(job.retry_ids)
        return [row for row in rows if row["id"] in again], Kept(
            files.read_table(self.root, job.retry.rows).to_pylist(),
            files.read_table(self.root, job.retry.rejected).to_pylist() if job.retry.rejected else [],
            [row for row in failed if row["id"] not in again],
        )

    def _write(self, job: Job, rows: list[Row], outcome: Outcome, kept: "Kept", seconds: float) -> ShardRecord:
        by_id = {row["id"]: row for row in rows}
        attempts = 1 + (job.retry.attempts if job.retry else 0)
        name = f"{job.shard}.r{attempts}" if job.retry else job.shard
        common = {"stage": self.stage.name, "shard": job.shard}
        rejected = kept.rejected + [
            asdict(item) | common | {"row": as_json(by_id[item.id])} for item in outcome.rejected
        ]
        failed = kept.failed + [
            asdict(item) | common | {"attempts": attempts, "row": as_json(by_id[item.id])} for item in outcome.failed
        ]
        written = kept.written + outcome.written
        schema, options = self.stage.written_as(job.source)
        counters = dict(outcome.counters)
        if job.retry:
            for key, value in job.retry.counters.items():
                counters[key] = counters.get(key, 0) + value
        return ShardRecord(
            shard=job.shard,
            stage=self.stage.name,
            parent=job.parent,
            digest=job.digest,
            first=job.first,
            last=job.last,
            rows=self._table(self.stage.destination(self.folder, name), written, schema, **options),
            rejected=self._table(f"rejected/{self.folder}.{name}.parquet", rejected, REJECTED) if rejected else None,
            failed=self._table(f"failed/{self.folder}.{name}.parquet", failed, FAILED) if failed else None,
            counters=counters,
            seconds=round(seconds + (job.retry.seconds if job.retry else 0.0), 3),
            attempts=attempts,
            worker=f"{socket.gethostname()}:{os.getpid()}",
            finished=datetime.now(UTC).isoformat(timespec="seconds"),
        )

    def _table(self, relative: str, rows: Iterable[Row], schema: pa.Schema, **options: Any) -> FileRef:
        ordered = sorted(rows, key=lambda row: row["id"])
        try:
            table = pa.Table.from_pylist(ordered, schema=schema)
        except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
            raise StageError(f"stage {self.stage.name}: a row does not fit its schema: {error}") from error
        return files.write_table(self.root, relative, table, **options)


@dataclass(frozen=True)
class Kept:
    """What a retry leaves untouched of a finished shard."""

    written: list[Row]
    rejected: list[Row]
    failed: list[Row]


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
