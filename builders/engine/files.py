"""The one place that touches files, through fsspec, so that a build may live on a laptop's disk, a shared
disk or `s3://` without anything else knowing.

What matters here is atomicity: a file is either not there, or there whole. On a local disk it is written
beside its place, synced, checked and renamed; an object store's PUT is atomic by itself.
"""

import hashlib
import io
import json
import os
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from upath import UPath

TEMPORARY = ".tmp"
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


def write_bytes(path: UPath, data: bytes) -> None:
    """Write `data` to `path` so that a reader sees the old file or the new one, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not is_local(path):
        path.write_bytes(data)
        return
    beside = path.with_name(f".{path.name}.{uuid.uuid4().hex}{TEMPORARY}")
    try:
        with open(str(beside), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(str(beside), str(path))
    finally:
        beside.unlink(missing_ok=True)
    folder = os.open(str(path.parent), os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def write_json(path: UPath, value: Any) -> None:
    write_bytes(path, (json.dumps(value, ensure_ascii=False, indent=1) + "\n").encode())


def read_json(path: UPath) -> Any:
    return json.loads(path.read_bytes())


def write_table(root: UPath, relative: str, table: pa.Table, **options: Any) -> FileRef:
    """Write one Parquet file, checked before it takes its name: row count and schema are read back."""
    buffer = io.BytesIO()
    pq.write_table(table, buffer, **{"compression": "zstd", "write_page_index": True, **options})
    data = buffer.getvalue()
    back = pq.ParquetFile(io.BytesIO(data))
    if back.metadata.num_rows != table.num_rows or not back.schema_arrow.equals(table.schema):
        raise DamagedFile(f"{relative}: what was written does not read back as {table.num_rows} rows of {table.schema}")
    write_bytes(root / relative, data)
    return FileRef(relative, table.num_rows, len(data), hashlib.sha256(data).hexdigest())


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
        raise DamagedFile(f"{path} has changed since it was written; delete it and its ledger entry to make it again")
    return pq.read_table(io.BytesIO(data))


def read_columns(root: UPath, file: FileRef, columns: Sequence[str], rows: pc.Expression | None = None) -> pa.Table:
    """Some columns of a finished file, and of its rows those that are asked for, without holding the rest of it."""
    with (root / file.path).open("rb") as stream:
        return pq.read_table(stream, columns=list(columns), filters=rows)


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


def expand(inputs: tuple[str, ...], suffix: str) -> Iterator[tuple[UPath, str]]:
    """The files that `inputs` (files or folders) stand for, each with its path relative to what was given.

    Raises `FileNotFoundError` for an input that does not exist or holds no such file.
    """
    for given in inputs:
        path = location(given)
        if path.is_file():
            yield path, path.name
            continue
        if not path.is_dir():
            raise FileNotFoundError(given)
        found = sorted(path.rglob(f"*{suffix}"), key=str)
        if not found:
            raise FileNotFoundError(f"{given}: no *{suffix} file in this folder")
        for file in found:
            yield file, str(file)[len(str(path)) :].strip("/")
