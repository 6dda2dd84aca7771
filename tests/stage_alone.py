"""A stage between two others, without Ray: shards in, as the stage before wrote them, and shards out."""

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa

from builders.engine import Row, ShardRecord, Stage, files
from builders.engine.config import BuildConfig
from builders.engine.worker import LEASE, Bench, Job


class StageAlone:
    """`stage` in a build in `folder`, after rows that were written with `schema` in shards of `shard_rows`.

    `into` is `--shard-rows`.
    """

    def __init__(
        self, folder: Path, stage: Stage, rows: Sequence[Row], schema: pa.Schema, shard_rows: int, into: int = 2000
    ) -> None:
        self.root, self.stage = files.location(folder), stage
        self.build: Any = SimpleNamespace(
            out=self.root, config=BuildConfig(shard_rows=into), identity={}, applied={}, records={}, next=[]
        )
        self.before: list[ShardRecord] = []
        for start in range(0, len(rows), shard_rows):
            shard = sorted(rows[start : start + shard_rows], key=lambda row: str(row["id"]))
            table = pa.Table.from_pylist(shard, schema=schema)
            ref = files.write_table(self.root, f"before/{start:05d}.parquet", table, row_group_size=10)
            self.before.append(ShardRecord(f"{start:05d}", "before", "", "", 0, ref.rows, ref, None, None))
        files.write_json(self.root / LEASE, {"run": "me"})
        self.bench = Bench(str(folder), stage, "05-stage", "me")

    def tasks(self) -> list[Any]:
        assert not self.stage.preflight(self.build)
        tasks = self.stage.plan(self.build, self.before)
        self.stage.start(self.build)
        return tasks

    def run(self, task: Any) -> ShardRecord:
        return self.bench.run(Job(task.shard, task.shard, task.digest, task.source, 0, task.rows))

    def records(self) -> list[ShardRecord]:
        """Everything that the stage makes; its own sum is checked."""
        records = [self.run(task) for task in self.tasks()]
        self.stage.check_sum(self.before, records)
        return records

    def rows(self) -> list[Row]:
        return [row for record in self.records() for row in self.of(record)]

    def failed(self, records: Sequence[ShardRecord]) -> list[Row]:
        return [row for each in records if each.failed for row in files.read_table(self.root, each.failed).to_pylist()]

    def of(self, record: ShardRecord) -> list[Row]:
        rows: list[Row] = files.read_table(self.root, record.rows).to_pylist()
        return rows
