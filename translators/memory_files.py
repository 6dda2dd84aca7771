"""A translation memory as a Parquet file: to share what a team has paid for, to read it, or to merge two.

A file from elsewhere is not trusted: every row must be whole and its key the one that its own columns make.
"""

import json
import math
import os
import time
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from translators.memory import Entry, MemoryFileError, TranslationMemory, key
from translators.units import Unit

_TEXTS = pa.list_(pa.field("element", pa.string(), nullable=False))
SCHEMA = pa.schema(
    [
        pa.field("key", pa.binary(16), nullable=False),
        pa.field("translator", pa.string(), nullable=False),
        pa.field("kind", pa.string(), nullable=False),
        pa.field("source", _TEXTS, nullable=False),
        pa.field("target", _TEXTS, nullable=False),
        pa.field("score", pa.float64()),
        pa.field("note", pa.string()),
        pa.field("made", pa.timestamp("us", tz="UTC"), nullable=False),
        pa.field("by", pa.string(), nullable=False),
    ]
)
BATCH_ROWS = 10_000
MAX_GROUP_BYTES = 1 << 30
MAX_TEXTS = 1000
MAX_CHARACTERS = 1_000_000
CLOCKS_APART_SECONDS = 86_400


def export(memory: TranslationMemory, path: str | Path) -> int:
    """Write every entry to a Parquet file of `SCHEMA`, oldest first; returns how many. The file appears when whole."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.unfinished")
    written = 0
    try:
        with pq.ParquetWriter(unfinished, SCHEMA, compression="zstd") as writer:
            entries = memory.entries()
            while rows := list(islice(entries, BATCH_ROWS)):
                columns = zip(*rows, strict=True)
                arrays = [pa.array(column, field.type) for column, field in zip(columns, SCHEMA, strict=True)]
                writer.write_batch(pa.record_batch(arrays, schema=SCHEMA))
                written += len(rows)
        with unfinished.open("rb") as file:
            os.fsync(file.fileno())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return written


def import_(memory: TranslationMemory, paths: Sequence[str | Path]) -> tuple[int, int]:
    """Add the entries of exported files; returns how many were read and how many of them were new.

    What the memory has from a machine stays; a human's translation replaces a machine's, and the later of two
    humans' wins. Raises `MemoryFileError`, naming file and row, and then nothing of any file is added.
    """
    read = 0

    def entries() -> Iterator[Entry]:
        nonlocal read
        for path in paths:
            for entry in _entries(Path(path)):
                read += 1
                yield entry

    added = memory.add(entries())
    return read, added


def _entries(path: Path) -> Iterator[Entry]:
    """The checked entries of a file. Raises `MemoryFileError`."""
    try:
        with pq.ParquetFile(path) as file:
            _check_form(path, file)
            row = 0
            for batch in file.iter_batches(BATCH_ROWS):
                for values in zip(*map(_values, batch), strict=True):
                    row += 1
                    entry = Entry(*values)
                    if fault := _fault(entry):
                        raise MemoryFileError(f"{path}, row {row}: {fault}; nothing was imported")
                    yield entry._replace(source=tuple(entry.source), target=tuple(entry.target))
    except (OSError, pa.ArrowException, UnicodeDecodeError) as error:
        raise MemoryFileError(f"{path}: {error}; it must be a Parquet file of `memory export`") from error


def _values(column: pa.Array) -> list[Any]:
    values: list[Any] = (column.cast(pa.int64()) if pa.types.is_timestamp(column.type) else column).to_pylist()
    return values


def _check_form(path: Path, file: pq.ParquetFile) -> None:
    if not file.schema_arrow.equals(SCHEMA):
        found = {field.name: str(field.type) for field in file.schema_arrow}
        wrong = [f"{f.name} ({f.type})" for f in SCHEMA if found.get(f.name) != str(f.type)] or ["nullability or order"]
        raise MemoryFileError(
            f"{path}: not the columns of `memory export`: {', '.join(wrong)} missing or of another type"
        )
    groups = [file.metadata.row_group(index) for index in range(file.metadata.num_row_groups)]
    if max((group.total_byte_size for group in groups), default=0) > MAX_GROUP_BYTES:
        raise MemoryFileError(f"{path}: a row group of more than {MAX_GROUP_BYTES} bytes; write smaller row groups")


def _fault(entry: Entry) -> str | None:
    """What is wrong with a row as it was read, its texts being lists; None when nothing is."""
    absent = [name for name, value in zip(Entry._fields, entry, strict=True) if value is None]
    if set(absent) - {"score", "note"}:
        return f"{absent[0]} is missing"
    texts = [entry.translator, entry.kind, entry.note or "", *entry.source, *entry.target]
    if None in texts:
        return "a text is missing"
    if len(texts) > MAX_TEXTS or sum(map(len, texts)) > MAX_CHARACTERS:
        return f"more than {MAX_TEXTS} texts or {MAX_CHARACTERS} characters"
    if not any(entry.source):
        return "its source is empty"
    if len(entry.source) != len(entry.target):
        return f"{len(entry.target)} targets for {len(entry.source)} sources"
    if entry.score is not None and not math.isfinite(entry.score):
        return f"its score {entry.score} is no finite number"
    if entry.by not in ("machine", "human"):
        return f"by is {entry.by[:20]!r}, neither 'machine' nor 'human'"
    pairs = zip(entry.source, entry.target, strict=True)
    if entry.by == "human" and any(source.strip() and not target.strip() for source, target in pairs):
        return "a human's translation is empty"
    if not 0 <= entry.made <= (time.time() + CLOCKS_APART_SECONDS) * 1e6:
        return "made in the future, or before 1970"
    if not _is_identity(entry.translator):
        return f"its translator {entry.translator[:80]!r} is no JSON object with name and revision"
    made = key(entry.translator, Unit(entry.kind, tuple(entry.source)))
    return None if entry.key == made else f"its key is {entry.key.hex()}, and its columns make {made.hex()}"


@lru_cache(maxsize=256)
def _is_identity(translator: str) -> bool:
    try:
        found = json.loads(translator)
    except (ValueError, RecursionError):
        return False
    return isinstance(found, dict) and {"name", "revision"} <= found.keys()
