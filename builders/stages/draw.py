"""Draw: of all rows those that are wanted, and of these as many as are asked for, by the seed.

A row's rank is a hash of the seed and its id. So whoever draws again, from the same rows in other shards or among
more, finds them by the same order, and a larger draw holds the smaller one.
"""

import hashlib
import json
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from builders.engine import Build, FileRef, Row, ShardRecord, ShardTask, StageError
from builders.engine.files import read_columns, read_table
from builders.engine.fingerprint import digest
from builders.stages.copies import WithoutCopies, number_copies

NOT_LISTED, NOT_WANTED, NOT_DRAWN = "left_out/not_listed", "left_out/not_wanted", "left_out/not_drawn"
COLUMNS = ("id", "layout")
NAMED = 10

Ranks = NDArray[np.uint64]


@dataclass(frozen=True)
class Drawn:
    """The rows to take from some files: those up to a rank. `left_out` counts the others, by why."""

    files: tuple[FileRef, ...]
    most: int
    left_out: Mapping[str, int]


class Draw(WithoutCopies):
    """Lets through `count` rows (0: all) of those that are listed and wanted, whatever their split.

    `wanted` is a function of what a form kept of a row. `ids`, if given, are what may be drawn at all, as the upstream
    dataset calls it: the values of what was kept as `key`. Of fewer rows than `count` all are taken. What
    is not drawn is no loss: it is counted as `left_out/…`, by why.
    """

    name = "draw"

    def __init__(
        self,
        schema: pa.Schema,
        seed: int,
        count: int = 0,
        wanted: Callable[[Mapping[str, Any]], bool] | None = None,
        ids: Sequence[str] = (),
        key: str = "question_id",
    ) -> None:
        self.schema = schema
        self.seed = seed
        self.count = count
        self.wanted = wanted
        self.ids = frozenset(map(str, ids))
        self.key = key

    def preflight(self, build: Build) -> list[str]:
        """Nothing can be wrong yet; which rows are listed names the build."""
        if self.ids:
            build.identity["listed"] = {"key": self.key, "ids": len(self.ids), "sha256": digest(sorted(self.ids))}
        return []

    def plan(self, build: Build, upstream: Sequence[ShardRecord]) -> list[ShardTask]:
        """The rows to draw, in shards of `--shard-rows` or a little more; of the others only the rank is looked at.

        Raises `StageError` for listed ids that no row has, and where no row is left.
        """
        files = [record.rows for record in upstream if record.rows.rows]
        unknown = set(self.ids)
        found = [self._ranks(read_columns(build.out, file, COLUMNS), unknown) for file in files]
        if unknown:
            raise StageError(f"{len(unknown)} of {len(self.ids)} listed ids are no row's {self.key!r}: "
                             f"{', '.join(sorted(unknown)[:NAMED])}{'…' if len(unknown) > NAMED else ''}")  # fmt: skip
        most = self._most([ranks for ranks, _ in found])
        drawn = [int((ranks <= most).sum()) for ranks, _ in found]
        if files and not any(drawn):
            why = ", ".join(
                f"{count:,} {name}" for name, count in sum((others for _, others in found), Counter()).items()
            )
            raise StageError(f"none of {sum(file.rows for file in files):,} rows is left to draw: {why}")
        tasks: list[ShardTask] = []
        for group in _groups(drawn, build.config.shard_rows):
            rows = sum(drawn[index] for index in group)
            left_out = sum((found[index][1] for index in group), Counter())
            left_out[NOT_DRAWN] = sum(files[index].rows for index in group) - rows - left_out.total()
            source = Drawn(tuple(files[index] for index in group), most, dict(+left_out))
            tasks.append(ShardTask(f"{len(tasks):05d}", source, digest([self.seed, asdict(source)]), rows))
        return tasks

    def forecast(self, build: Build, rows: list[Row], scale: float) -> dict[str, Any]:
        left, one_in = self.passed_on(rows, scale)
        return {"rows drawn": len(left) * one_in}

    def passed_on(self, rows: list[Row], scale: float) -> tuple[list[Row], float]:
        """Those of a sample that may be drawn, each for as many as will be."""
        left = [row for row in rows if not self._why_not(row, set())]
        drawn = min(len(left) * scale, self.count or math.inf)
        return left, drawn / len(left) if left else scale

    def _ranks(self, table: pa.Table, unknown: set[str]) -> tuple[Ranks, Counter[str]]:
        """The ranks of the rows that may be drawn, and the others counted; ids that are there leave `unknown`."""
        ranks: list[int] = []
        others: Counter[str] = Counter()
        for row in table.to_pylist():
            why = self._why_not(row, unknown)
            if why:
                others[why] += 1
            else:
                ranks.append(self._rank(row["id"]))
        return np.array(ranks, np.uint64), others

    def _why_not(self, row: Row, unknown: set[str]) -> str:
        """Why a row may not be drawn, whatever its rank; "" if it may. Raises `StageError`."""
        if not self.ids and not self.wanted:
            return ""
        kept = json.loads(row["layout"])
        if self.ids:
            if self.key not in kept:
                raise StageError(f"row {row['id']}: its form kept no {self.key!r}, by which rows are listed; it kept "
                                 f"{', '.join(sorted(kept)) or 'nothing'}")  # fmt: skip
            if (listed := str(kept[self.key])) not in self.ids:
                return NOT_LISTED
            unknown.discard(listed)
        return "" if self.wanted is None or self.wanted(kept) else NOT_WANTED

    def _rank(self, row: str) -> int:
        return int.from_bytes(hashlib.sha256(f"{self.seed}/{row}".encode()).digest()[:8])

    def _most(self, found: Sequence[Ranks]) -> int:
        """The highest rank that is drawn. Copies of a row, which are refused later, have one rank."""
        ranks = np.unique(np.concatenate([np.empty(0, np.uint64), *found]))
        return int(ranks[: self.count or None][-1]) if len(ranks) else 0

    def read(self, build_root: Any, source: Any) -> list[Row]:
        """The rows that are drawn of some files; with the first goes what is known of all others."""
        rows: list[Row] = []
        for file in source.files:
            table = read_table(build_root, file)
            rows += table.filter(
                [self._takes(row, source.most) for row in table.select(COLUMNS).to_pylist()]
            ).to_pylist()
        rows = [row | {"left_out": {}} for row in rows]
        rows[0]["left_out"] = source.left_out
        return number_copies(rows)

    def _takes(self, row: Row, most: int) -> bool:
        return not self._why_not(row, set()) and self._rank(row["id"]) <= most

    def row(self, row: Row, counters: Counter[str]) -> Row:
        counters.update(row["left_out"])
        return {name: row[name] for name in self.schema.names}

    def check_sum(self, before: Sequence[ShardRecord], after: Sequence[ShardRecord]) -> None:
        """Every row is drawn, or left out and counted."""
        wrote, given = sum(record.rows.rows for record in before), sum(record.rows_in for record in after)
        left_out = sum(record.counters.get(name, 0) for record in after for name in (NOT_LISTED, NOT_WANTED, NOT_DRAWN))
        assert given + left_out == wrote, (
            f"{wrote} rows were written for {self.name}, which drew {given} and left {left_out} out"
        )


def _groups(drawn: Sequence[int], rows: int) -> list[list[int]]:
    """Neighbouring files, by number, so that of each group at least so many rows are drawn, and of the last some."""
    groups: list[list[int]] = [[]]
    for index, _ in enumerate(drawn):
        if sum(drawn[other] for other in groups[-1]) >= rows:
            groups.append([])
        groups[-1].append(index)
    if len(groups) > 1 and not any(drawn[index] for index in groups[-1]):
        last = groups.pop()
        groups[-1] += last
    return groups if any(drawn) else []
