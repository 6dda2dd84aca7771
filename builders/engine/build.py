"""A build: stages over shards, from a config to a finished folder.

The ledger is the only truth. A run looks at what the ledger has, makes the jobs that are missing, lets a
pool work through them, and goes on to the next stage; a run that finds nothing missing does nothing.
"""

import platform
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib import metadata
from itertools import pairwise
from typing import Any

from upath import UPath

from builders.engine import files, fingerprint, ledger
from builders.engine.config import EVERY_CLASS, BuildConfig
from builders.engine.lease import Lease
from builders.engine.ledger import ShardRecord
from builders.engine.pool import BuildStopped, Pool, Size, Work
from builders.engine.progress import Display, StageProgress
from builders.engine.stage import ShardTask, Stage, StageError
from builders.engine.worker import Job

PACKAGES = ("ray", "torch", "transformers", "sentencepiece", "pyarrow", "datasets", "pillow", "numpy")
START_SECONDS = 3600.0


class Refused(Exception):
    """A build that must not go on as asked; each line says why and what to do."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = list(problems)


@dataclass(frozen=True)
class InputFile:
    """An input as the fingerprint knows it: its name, size, rows and content, not where it lies."""

    path: str
    bytes: int
    rows: int
    sha256: str


class Build:
    """One build of one recipe in one place.

    `identity` is what stages add to what names it. `applied` is what they say in `build.json` without making
    another build of it, such as what people decided and which card it has. `next` are the commands that may come next.
    """

    def __init__(self, name: str, config: BuildConfig, stages: Sequence[Stage]) -> None:
        self.name = name
        self.config = config
        self.stages = list(stages)
        self.out: UPath = files.location(config.output)
        self.inputs: list[InputFile] = []
        self.identity: dict[str, Any] = {}
        self.applied: dict[str, Any] = {}
        self.next: list[str] = []
        self.records: dict[str, list[ShardRecord]] = {}
        self.lease = Lease(self.out)
        self.started = datetime.now(UTC).isoformat(timespec="seconds")
        self.began = time.monotonic()
        self.seconds: dict[str, float] = {}
        self._pool: Pool | None = None

    def folder(self, stage: Stage) -> str:
        return f"{self.stages.index(stage):02d}-{stage.name}"

    def fingerprint(self) -> dict[str, Any]:
        """What names this build, in full; its digest is the short name."""
        return {
            "recipe": self.name,
            "config": fingerprint.canonical(self.config.fingerprinted()),
            "inputs": [asdict(item) for item in self.inputs],
            **fingerprint.canonical(self.identity),
            "code": fingerprint.code_files(),
        }

    def refuse_if_changed(self) -> None:
        """Compare with the build that is there; raises `Refused` naming every field that changed."""
        path = self.out / "build.json"
        if not path.is_file():
            return
        before, now = files.read_json(path)["fingerprinted"], self.fingerprint()
        changed = fingerprint.differences(before, now)
        if changed:
            raise Refused(
                [f"{self.out} was built from something else:"]
                + [f"  {line}" for line in changed[:20]]
                + ([f"  … and {len(changed) - 20} more"] if len(changed) > 20 else [])
                + [f"choose another --output{self.config.spared}, or go back to what it was built from"]
            )

    def refuse_unknown_class(self) -> None:
        """Raises `Refused` when `--retry-failed` names a class of which no row has failed."""
        wanted, path = self.config.retry_failed, self.out / "build.json"
        if wanted in ("", EVERY_CLASS) or not path.is_file() or files.read_json(path)["status"] != "finished":
            return
        known = sorted({name for record in self._recorded() for name in self._failed_ids(record)})
        if wanted not in known:
            raise Refused([f"--retry-failed {wanted}: no row has failed so; there are {', '.join(known) or 'none'}"])

    def _recorded(self) -> list[ShardRecord]:
        return [record for stage in self.stages for record in ledger.load(self.out, self.folder(stage))]

    def _failed_ids(self, record: ShardRecord) -> dict[str, list[str]]:
        """The ids of a shard's failed rows, by error class."""
        ids: dict[str, list[str]] = {}
        if record.failed:
            for row in files.read_columns(self.out, record.failed, ["id", "error_class"]).to_pylist():
                ids.setdefault(row["error_class"], []).append(row["id"])
        return ids

    def run(self, size: dict[str, Size], display: Display) -> dict[str, Any]:
        """Do what is missing, and return `build.json`. Raises `BuildStopped` or `Refused`."""
        self.out.mkdir(parents=True, exist_ok=True)
        self.lease.take()
        try:
            self.refuse_if_changed()
            files.remove_temporaries(self.out)
            self._save("running")
            upstream: list[ShardRecord] = []
            for stage in self.stages:
                upstream = self._run_stage(stage, upstream, size[stage.name], display)
            self._check_sums()
            summary = self._save("finished")
            for stage in self.stages:
                stage.finish(self)
            return summary
        except KeyboardInterrupt:
            self._close_pool()
            self._save("interrupted")
            raise
        except (BuildStopped, StageError, OSError):
            self._save("stopped")
            raise
        finally:
            self._close_pool()
            self.lease.release()

    def _run_stage(self, stage: Stage, upstream: list[ShardRecord], size: Size, display: Display) -> list[ShardRecord]:
        began = time.monotonic()
        folder = self.folder(stage)
        tasks = {task.shard: task for task in stage.plan(self, upstream)}
        done = self._current_records(stage, tasks)
        jobs = list(self._jobs(tasks, done))
        progress = StageProgress(stage.name, len(jobs) + len(done), sum(task.rows for task in tasks.values()))
        for record in done.values():
            progress.add(record, now=False)
        display.begin(progress)

        def finished(record: ShardRecord) -> None:
            before = done.get(record.shard)
            done[record.shard] = record
            if before is None:
                progress.add(record, now=True)
            for file in before.files if before else ():
                if file.path not in {its.path for its in record.files}:
                    (self.out / file.path).unlink(missing_ok=True)
            display.update()

        def tick() -> None:
            self.lease.renew()
            progress.shards = max(progress.shards, len(done))
            display.update()

        if jobs:
            stage.start(self)
            work = Work(
                stage,
                str(self.out),
                folder,
                self.lease.run,
                shard_seconds=self.config.shard_minutes * 60,
                start_seconds=START_SECONDS,
                done=finished,
                tick=tick,
            )
            self._pool_of(size).run(work, jobs)
        parts = ledger.by_parent(done.values())
        for task in tasks.values():
            ledger.check_tiles(task, parts.get(task.shard, []))
        progress.shards = len(done)
        display.end()
        self.seconds[stage.name] = time.monotonic() - began
        self.records[stage.name] = sorted(done.values(), key=lambda record: record.shard)
        return self.records[stage.name]

    def _pool_of(self, size: Size) -> Pool:
        """The workers of the stage before, where they have the right size."""
        if self._pool is None or self._pool.size != size:
            self._close_pool()
            self._pool = Pool(size)
        return self._pool

    def _close_pool(self) -> None:
        if self._pool:
            self._pool.close()
            self._pool = None

    def _current_records(self, stage: Stage, tasks: dict[str, ShardTask]) -> dict[str, ShardRecord]:
        """The records that still stand; what does not, and what no record names, is removed."""
        folder, current = self.folder(stage), {}
        for record in ledger.load(self.out, folder):
            if ledger.is_current(self.out, record, tasks):
                current[record.shard] = record
            else:
                (self.out / ledger.folder(folder) / f"{record.shard}.json").unlink()
        keep = {file.path for record in current.values() for file in record.files}
        files.sweep(self.out, stage.destination(folder, "").rpartition("/")[0], "", keep)
        for place in ("failed", "rejected"):
            files.sweep(self.out, place, f"{folder}.", keep)
        return current

    def _jobs(self, tasks: dict[str, ShardTask], done: dict[str, ShardRecord]) -> list[Job]:
        """The ranges that are missing, and with `--retry-failed` the failed rows of what is done."""
        jobs, parts = [], ledger.by_parent(done.values())
        for task in tasks.values():
            for first, last in ledger.missing(task, parts.get(task.shard, [])):
                name = ledger.part_name(task, first, last)
                jobs.append(Job(name, task.shard, task.digest, task.source, first, last))
        wanted = self.config.retry_failed
        for record in done.values():
            failed = self._failed_ids(record) if wanted else {}
            ids = tuple(row for name, rows in failed.items() if wanted in (EVERY_CLASS, name) for row in rows)
            if ids:
                task = tasks[record.parent]
                jobs.append(
                    Job(
                        record.shard,
                        record.parent,
                        record.digest,
                        task.source,
                        record.first,
                        record.last,
                        retry=record,
                        retry_ids=ids,
                    )
                )
        return jobs

    def _check_sums(self) -> None:
        """Nothing is lost between stages, by the next stage's own sum."""
        for before, after in pairwise(self.stages):
            after.check_sum(self.records[before.name], self.records[after.name])

    def counts(self) -> dict[str, int]:
        """Rows in, written, rejected and failed, of the build so far."""
        stages = [self.records[stage.name] for stage in self.stages if stage.name in self.records]
        every = [record for records in stages for record in records]
        return {
            "rows_in": sum(record.rows_in for record in stages[0]) if stages else 0,
            "rows_written": sum(record.rows.rows for record in stages[-1]) if stages else 0,
            "rows_rejected": sum(record.rows_rejected for record in every),
            "rows_failed": sum(record.rows_failed for record in every),
        }

    def _stage_summary(self, stage: Stage) -> dict[str, Any]:
        records = self.records[stage.name]
        counters: Counter[str] = Counter()
        for record in records:
            counters.update(record.counters)
        return {
            "name": stage.name,
            "shards": len(records),
            "rows_in": sum(record.rows_in for record in records),
            "rows_written": sum(record.rows.rows for record in records),
            "rows_rejected": sum(record.rows_rejected for record in records),
            "rows_failed": sum(record.rows_failed for record in records),
            "seconds": round(self.seconds.get(stage.name, 0.0), 3),
            "worker_seconds": round(sum(record.seconds for record in records), 3),
            "counters": dict(sorted(counters.items())),
        }

    def _save(self, status: str) -> dict[str, Any]:
        """Write `build.json`: the build as it stands."""
        full = self.fingerprint()
        value = {
            "name": self.name,
            "status": status,
            "command": self.config.command(),
            "started": self.started,
            "finished": datetime.now(UTC).isoformat(timespec="seconds"),
            "seconds": round(time.monotonic() - self.began, 3),
            "fingerprint": fingerprint.digest(full),
            "config": self.config.written(),
            "public": {"command": self.config.public_command(), "config": self.config.published()},
            "inputs": full["inputs"],
            "versions": versions(),
            "counts": self.counts(),
            "stages": [self._stage_summary(stage) for stage in self.stages if stage.name in self.records],
            **self.identity,
            **self.applied,
            "fingerprinted": full,
        }
        files.write_json(self.out / "build.json", value)
        return value


def versions() -> dict[str, str]:
    """Python's and the libraries' versions, those that are installed."""
    found = {"python": platform.python_version()}
    for package in ("babelvision", *PACKAGES):
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found
