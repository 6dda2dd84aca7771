"""The one place that touches files, through fsspec, so that a build may live on a laptop's disk, a shared
disk or `s3://` without anything else knowing.

What matters here is atomicity: a file is either not there, or there whole. On a local disk it is written
beside its place, checked, synced and renamed; for an object store it is written on the local disk, and its PUT is
atomic by itself.
"""

import hashlib
import io
import json
import os
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from upath import UPath

TEMPORARY = ".tmp"
WRITTEN = {"compression": "zstd", "write_page_index": True, "write_page_checksum": True}
_LOCAL = ("", "file", "local")


class DamagedFile(Exception):
    """A file does not hold what the ledger says it holds."""


@dataclass(frozen=True)
class FileRef:
    """A finished file: where (relative to the build), how large, and what is in it."""

    path: str
    rows: int
    bytes: int
    sha256: str


def location(text: str | os.PathLike[str]) -> UPath:
    """A path or URI as a `UPath`; local paths are made absolute, since workers run in other folders."""
    path = UPath(text)
    return path.absolute() if is_local(path) else path


def is_local(path: UPath) -> bool:
    return path.protocol in _LOCAL


@contextmanager
def placed(path: UPath) -> Iterator[str]:
    """A local file to write, which becomes `path` when the block ends well and leaves nothing when it does not."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not is_local(path):
        with TemporaryDirectory() as folder:
            yield f"{folder}/file"
            path.fs.put_file(f"{folder}/file", path.path)
        return
    beside = f"{path.parent}/.{path.name}.{uuid.uuid4().hex}{TEMPORARY}"
    try:
        yield beside
        _sync(beside)
        os.replace(beside, str(path))
    finally:
        Path(beside).unlink(missing_ok=True)
    _sync(str(path.parent))


def _sync(path: str) -> None:
    """Let a file or folder reach the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_bytes(path: UPath, data: bytes) -> None:
    """Write `data` to `path` so that a reader sees the old file or the new one, never a part."""
    with placed(path) as place:
        Path(place).write_bytes(data)


def write_json(path: UPath, value: Any) -> None:
    write_bytes(path, (json.dumps(value, ensure_ascii=False, indent=1) + "\n").encode())


def read_json(path: UPath) -> Any:
    return json.loads(path.read_bytes())


def write_table(root: UPath, relative: str, table: pa.Table, row_group_size: int = 10_000, **options: Any) -> FileRef:
    """Write one Parquet file, as `write_groups` does."""
    starts = range(0, table.num_rows, row_group_size)
    groups = (table.slice(start, row_group_size) for start in starts)
    return write_groups(root, relative, table.schema, groups, **options)


def write_groups(root: UPath, relative: str, schema: pa.Schema, groups: Iterable[pa.Table], **options: Any) -> FileRef:
    """Write one Parquet file, each row group as it comes, so that one at a time is held.

    The file is checked before it takes its name: row count and schema are read back. Every page has a checksum, by
    which whoever reads a part of the file can trust it. `options` are those of `pyarrow.parquet.ParquetWriter`.
    """
    rows = 0
    with placed(root / relative) as place:
        with pq.ParquetWriter(place, schema, **WRITTEN | options) as writer:
            for group in groups:
                writer.write_table(group, row_group_size=max(1, group.num_rows))
                rows += group.num_rows
        with open(place, "rb") as file:
            back = pq.ParquetFile(file)
            if back.metadata.num_rows != rows or not back.schema_arrow.equals(schema):
                raise DamagedFile(f"{relative}: what was written does not read back as {rows} rows of {schema}")
            file.seek(0)
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            size = os.fstat(file.fileno()).st_size
    return FileRef(relative, rows, size, digest)


def read_table(root: UPath, file: FileRef) -> pa.Table:
    """Read a finished file and check it against its ledger entry.

    Raises `DamagedFile` when it is gone or changed.
    """
    path = root / file.path
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise DamagedFile(
            f"{path} is in the ledger but not on disk; delete its ledger entry to make it again"
        ) from error
    if hashlib.sha256(data).hexdigest() != file.sha256:
        raise _changed(path)
    return pq.read_table(io.BytesIO(data))


def read_groups(root: UPath, file: FileRef) -> Iterator[pa.Table]:
    """The row groups of a finished file, one at a time, once all its bytes were checked against its ledger entry."""
    with (root / file.path).open("rb") as stream:
        if hashlib.file_digest(cast(Any, stream), "sha256").hexdigest() != file.sha256:
            raise _changed(root / file.path)
        stream.seek(0)
        parquet = pq.ParquetFile(stream)
        for index in range(parquet.num_row_groups):
            yield parquet.read_row_group(index)


def read_columns(root: UPath, file: FileRef, columns: Sequence[str], rows: pc.Expression | None = None) -> pa.Table:
    """Some columns of a finished file, and of its rows those that are asked for, without reading the rest of it.

    Row groups whose statistics exclude what is asked for are skipped. The file must have the size that the ledger
    says, and the pages that are read their checksums; raises `DamagedFile` where they have not. A footer has none: rows
    that it would hide are missed by whoever counts them.
    """
    path = root / file.path
    if path.stat().st_size != file.bytes:
        raise _changed(path)
    try:
        if is_local(path):
            return pq.read_table(str(path), columns=list(columns), filters=rows, page_checksum_verification=True)
        with path.open("rb") as stream:
            return pq.read_table(stream, columns=list(columns), filters=rows, page_checksum_verification=True)
    except (pa.ArrowException, OSError) as error:
        raise _changed(path, error) from error


def _changed(path: UPath, error: object = None) -> DamagedFile:
    why = f", or cannot be read ({str(error).partition(chr(10))[0]})" if error else ""
    return DamagedFile(f"{path} has changed since it was written{why}; delete it and its ledger entry to make it again")


def list_files(folder: UPath, suffix: str) -> list[UPath]:
    """The files right in `folder` with this suffix, by name; none when there is no folder."""
    if not folder.is_dir():
        return []
    return sorted((path for path in folder.iterdir() if path.name.endswith(suffix)), key=lambda path: path.name)


def remove_temporaries(root: UPath) -> None:
    """Remove the files that runs left half-written when they were killed."""
    if is_local(root):
        for path in root.rglob(f".*{TEMPORARY}"):
            path.unlink(missing_ok=True)


def sweep(root: UPath, folder: str, prefix: str, keep: set[str]) -> None:
    """Remove the Parquet files in a folder, of those named `prefix`…, that no ledger names."""
    for path in list_files(root / folder, ".parquet"):
        if path.name.startswith(prefix) and f"{folder}/{path.name}" not in keep:
            path.unlink(missing_ok=True)
