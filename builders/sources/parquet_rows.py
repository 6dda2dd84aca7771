"""Parquet files in slices of rows: of a file of any size, on a disk or the Hub, only what a slice needs is read.

Values that JSON lacks get one stable form, so that a row's id and its copy in the build are the same everywhere: a date
or time its ISO form, a decimal its digits, NaN (pandas' word for nothing) and an infinite number null, also in a column
that is published as it was; `nan_as_null` and `infinity_as_null` count them. Bytes stay bytes; `without_bytes` puts
their sha256 in their place.
"""

import hashlib
import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, time
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from builders.sources.slices import BadFile, Raw, Slice

BATCH_BYTES, BATCH_ROWS, BUFFER_BYTES = 4 << 20, 1024, 1 << 20


def scan(file: IO[bytes], shape: Slice, shard_rows: int, limit: int | None) -> tuple[int, list[Slice]]:
    """How many rows a file has, and slices of the first `limit`; only its footer is read. Raises `BadFile`."""
    try:
        rows = pq.ParquetFile(file).metadata.num_rows
    except (pa.ArrowException, OSError) as error:
        raise _bad(shape.name, error) from error
    taken = rows if limit is None else min(rows, limit)
    starts = range(0, taken, shard_rows)
    ends = [min(start + shard_rows, taken) for start in starts]
    return rows, [
        replace(shape, start=start, end=end, line=start + 1, rows=end - start)
        for start, end in zip(starts, ends, strict=True)
    ]


def read(piece: Slice, file: IO[bytes]) -> Iterator[Raw]:
    """The rows of a slice, some at a time. Raises `BadFile`."""
    try:
        parquet = pq.ParquetFile(file, buffer_size=BUFFER_BYTES, pre_buffer=False)
        groups, skipped = _groups(parquet.metadata, piece)
        number = piece.start - skipped
        for batch in parquet.iter_batches(_batch_rows(parquet.metadata), row_groups=groups):
            first, last = max(0, piece.start - number), min(batch.num_rows, piece.end - number)
            for index, row in enumerate(batch.slice(first, max(0, last - first)).to_pylist(), number + first):
                yield _raw(piece, index + 1, row)
            number += batch.num_rows
            if number >= piece.end:
                return
    except (pa.ArrowException, OSError) as error:
        raise _bad(f"{piece.name}, rows {piece.start + 1} to {piece.end}", error) from error


def _groups(metadata: Any, piece: Slice) -> tuple[list[int], int]:
    """The row groups that hold a slice, and how many of their rows come before it."""
    groups: list[int] = []
    start = skipped = 0
    for index in range(metadata.num_row_groups):
        end = start + metadata.row_group(index).num_rows
        if start < piece.end and end > piece.start:
            skipped = skipped if groups else piece.start - start
            groups.append(index)
        start = end
    return groups, skipped


def _batch_rows(metadata: Any) -> int:
    """Rows that take about `BATCH_BYTES` together."""
    size: int = sum(metadata.row_group(index).total_byte_size for index in range(metadata.num_row_groups))
    rows: int = metadata.num_rows
    return max(1, min(BATCH_ROWS, BATCH_BYTES * rows // max(1, size)))


def _raw(piece: Slice, number: int, row: dict[str, Any]) -> Raw:
    counters: Counter[str] = Counter()
    return Raw(piece.name, number, "row", plain(row, counters), counters=counters)


def plain(value: Any, counters: Counter[str]) -> Any:
    """A value of a Parquet file as JSON data and bytes; what becomes null is counted."""
    if isinstance(value, dict):
        return {name: plain(part, counters) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part, counters) for part in value]
    if isinstance(value, float) and not math.isfinite(value):
        counters["nan_as_null" if math.isnan(value) else "infinity_as_null"] += 1
        return None
    if value is None or isinstance(value, bool | int | float | str | bytes):
        return value
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    return str(value)


def without_bytes(value: Any) -> Any:
    """A record as plain JSON: for bytes their sha256, beside the path of an image that has one."""
    if isinstance(value, bytes):
        return {"sha256": hashlib.sha256(value).hexdigest()}
    if isinstance(value, dict):
        if value.keys() == {"bytes", "path"} and isinstance(value["bytes"], bytes):
            return {"sha256": hashlib.sha256(value["bytes"]).hexdigest(), "path": value["path"]}
        return {name: without_bytes(part) for name, part in value.items()}
    return [without_bytes(part) for part in value] if isinstance(value, list) else value


def _bad(where: str, error: Exception) -> BadFile:
    return BadFile(f"{where}: {str(error).partition(chr(10))[0]}; the file is cut, damaged or no Parquet file")
