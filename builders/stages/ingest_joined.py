"""Ingest of records that lie in two files: each is completed from its partner before its form reads it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from builders.engine import Build, Row, ShardRecord, ShardTask, StageError
from builders.engine.fingerprint import digest
from builders.sources import partners
from builders.sources.partners import Index, Partner
from builders.sources.records import BadFiles
from builders.sources.slices import BadFile, FileOptions
from builders.stages.ingest import FormReader, Ingest


@dataclass(frozen=True)
class JoinedReader(FormReader):
    """A reader of a form whose records are completed first; they are told the split of their file."""

    index: Index | None = None

    def row(self, raw: Mapping[str, Any], row: Row, counters: Counter[str]) -> Row:
        assert self.index
        return super().row({"split": row["split"]} | self.index.complete(raw, counters), row, counters)


class JoinedIngest(Ingest):
    """As `Ingest`, for records that `partner` completes; `build.json` says how many partners there were.

    A record without its partner fails by name (NoPartner). What the partners hold is part of what names the build.
    """

    def __init__(
        self,
        inputs: Sequence[str],
        reader: FormReader,
        shard_rows: int,
        limit: int,
        partner: Partner,
        files: FileOptions,
        languages: Sequence[str] = (),
        named: str = "--input",
    ) -> None:
        self.joined = JoinedReader(**vars(reader))
        super().__init__(inputs, self.joined, shard_rows, limit, files=files, languages=languages, named=named)
        self.partner = partner

    def preflight(self, build: Build) -> list[str]:
        problems = super().preflight(build)
        try:
            found, index = partners.scan(self.partner, self.shard_rows)
        except BadFiles as error:
            return problems + [f"{self.partner.named} {problem}" for problem in error.problems]
        if not index.slices:
            problems.append(f"{self.partner.named} holds no {self.partner.what}")
        build.inputs += [file for file in found if file not in build.inputs]
        build.applied["partners"] = {self.partner.what: sum(file.rows for file in found)}
        self.reader = self.joined = replace(self.joined, index=index)
        return problems

    def plan(self, build: Build, upstream: Sequence[ShardRecord]) -> list[ShardTask]:
        assert self.joined.index
        named = self.joined.index.digest
        return [replace(task, digest=digest([task.digest, named])) for task in super().plan(build, upstream)]

    def open(self) -> None:
        """Make the index on this machine, if no worker has made it yet."""
        assert self.joined.index
        try:
            self.joined.index.make()
        except (BadFile, OSError) as error:
            raise StageError(f"{self.partner.named} {error}") from error

    def finish(self, build: Build) -> None:
        super().finish(build)
        if self.joined.index:
            self.joined.index.remove()
