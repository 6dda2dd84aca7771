"""Ingest: JSON Lines of any form in, rows of ours out, each with an id made from its content."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import pyarrow as pa

from builders.engine import Build, Row, RowError, ShardRecord, ShardTask, nearest
from builders.engine.files import location
from builders.engine.fingerprint import digest, row_id
from builders.sources import jsonl
from builders.stages.copies import WithoutCopies, number_copies

MAX_LINE_BYTES = 16 << 20


class Reader(Protocol):
    """What a dataset adds: its name, its row schema, and how one raw row becomes a row of ours."""

    @property
    def source(self) -> str: ...

    @property
    def schema(self) -> pa.Schema: ...

    def row(self, raw: Mapping[str, Any], row: Row, counters: Counter[str]) -> Row: ...

    def preflight(self) -> list[str]: ...


class Ingest(WithoutCopies):
    """Reads JSON Lines files in slices. A line that cannot be used fails by name, and the rest goes on.

    `beside` are the folders that the reader looks into: with others, the rows are read again.
    """

    name = "ingest"

    def __init__(
        self, inputs: Sequence[str], reader: Reader, shard_rows: int, limit: int, beside: Sequence[str] = ()
    ) -> None:
        self.inputs = tuple(inputs)
        self.reader = reader
        self.schema = reader.schema
        self.shard_rows = shard_rows
        self.limit = limit
        self.beside = [str(location(folder)) for folder in beside]
        self._slices: list[jsonl.Slice] = []

    def preflight(self, build: Build) -> list[str]:
        problems = self.reader.preflight()
        for given in self.inputs:
            path = location(given)
            if not path.exists():
                beside = [item.name for item in path.parent.iterdir()] if path.parent.is_dir() else []
                problems.append(f"--input {given}: no such file or folder{nearest(path.name, beside)}")
        if not problems:
            try:
                build.inputs, self._slices = jsonl.scan(self.inputs, self.shard_rows, self.limit)
            except FileNotFoundError as error:
                problems.append(f"--input {error}")
        if self.inputs and not problems and not self._slices:
            problems.append("--input holds no rows")
        return problems

    def plan(self, build: Build, upstream: Sequence[ShardRecord]) -> list[ShardTask]:
        digests = {file.path: file.sha256 for file in build.inputs}
        return [
            ShardTask(
                f"{index:05d}", piece, digest([digests[piece.name], piece.start, piece.end, *self.beside]), piece.rows
            )
            for index, piece in enumerate(self._slices)
        ]

    def read(self, build_root: Any, source: Any) -> list[Row]:
        """One row a line: its text, or what is wrong with it. A second copy of a line gets an id of its own."""
        rows = []
        split = source.split
        for line in jsonl.read(source):
            row: Row = {"file": line.file, "line": line.number, "split": split, "raw": None, "error": None}
            try:
                if len(line.data) > MAX_LINE_BYTES:
                    raise ValueError(f"{len(line.data):,} bytes; a row has at most {MAX_LINE_BYTES:,}")
                row["raw"] = json.loads(line.data.decode(), parse_constant=_no_constant)
                if not isinstance(row["raw"], dict):
                    raise ValueError(f"a JSON {type(row['raw']).__name__}, where an object is expected")
                row["id"] = row_id(f"{self.reader.source}/{split}", row["raw"])
            except (ValueError, RecursionError) as error:
                row["raw"] = line.data[:MAX_LINE_BYTES].decode(errors="replace")
                row["error"] = f"{line.file}, line {line.number}: {error}"
                row["id"] = row_id(f"{self.reader.source}/{split}", row["raw"])
            rows.append(row)
        return number_copies(rows)

    def row(self, row: Row, counters: Counter[str]) -> Row:
        if row["error"]:
            raise RowError("NotJSON", row["error"])
        try:
            made = self.reader.row(row["raw"], row, counters)
        except RowError as error:
            raise RowError(error.error_class, f"{row['file']}, line {row['line']}: {error}") from error
        counters[f"split/{made['split']}"] += 1
        return made


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")
