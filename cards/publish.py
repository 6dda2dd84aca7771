"""Publishing a finished build: its files first, each compared with what the build recorded, and the card last.

Whoever finds a card finds the rows that it describes: a target shows the card only when every file has arrived whole.
"""

import hashlib
import os
import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

from upath import UPath

from cards.fields import count_of, list_of, mapping_of, read_object, text_of

CARD = "README.md"
MANIFEST = "manifest.json"
LOCAL = ("", "file", "local")
BUCKETS = ("s3", "s3a", "gs", "gcs", "az", "abfs", "abfss")
_LISTED = re.compile(r"[^/]+/[^/]+\.parquet|assets/[^/]+|lmms_eval/[^/]+\.(yaml|py)")
_CHUNK = 1 << 20


@dataclass(frozen=True)
class File:
    """A file of the dataset: where it is, and its path in what is published (`data/train-00000-of-00001.parquet`)."""

    source: UPath
    path: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Recorded:
    """What the ledger says of a file."""

    bytes: int
    sha256: str


class Target(Protocol):
    """Where a dataset is published."""

    def put(self, files: Sequence[File]) -> None:
        """Hold all `files`, whole. Raises ValueError, naming the file, when one cannot be, or must not be replaced."""

    def put_card(self, text: str) -> None:
        """Show the card. The files that it describes are there."""


def publish(out: UPath, card: str, target: Target) -> list[File]:
    """Give the files of the build in `out` to `target`, then the text of the card; returns the files.

    Raises ValueError when a file is not the one that the build recorded, or when the target refuses.
    """
    files = dataset_files(out)
    target.put(files)
    target.put_card(card)
    return files


def dataset_files(out: UPath) -> list[File]:
    """What a build publishes beside its card: its shards and what the card shows, by path, and the manifest last.

    Raises ValueError for a file that differs from the ledger's, and where a manifest lists others than there are.
    """
    recorded = recorded_files(out)
    files = []
    for path, source in listed_files(out):
        size, sha256 = digest(source)
        expected = recorded[path].sha256 if path in recorded else sha256
        if sha256 != expected:
            raise ValueError(
                f"{source}: its sha256 is {sha256[:12]}…, but the build recorded {expected[:12]}…: "
                "it was changed since; delete it and run the recipe's command again"
            )
        files.append(File(source, path, size, sha256))
    manifest = out / "dataset" / MANIFEST
    if manifest.is_file():
        _check_manifest(out, manifest, files)
        files.append(File(manifest, MANIFEST, *digest(manifest)))
    return files


def listed_files(out: UPath) -> list[tuple[str, UPath]]:
    """What a manifest lists, by path from `out/dataset`, sorted: shards, assets and tasks, nothing else."""
    return [(path, file) for path, file in _files(out / "dataset") if _LISTED.fullmatch(path)]


def recorded_files(out: UPath) -> dict[str, Recorded]:
    """What the last stage recorded of the files that it wrote, by path; nothing where the build has no ledger."""
    folders = sorted(out.glob("stages/*/ledger"), key=str)
    records = [mapping_of(read_object(path), "rows") for path in folders[-1].glob("*.json")] if folders else []
    return {
        text_of(record, "path").removeprefix("dataset/"): Recorded(count_of(record, "bytes"), text_of(record, "sha256"))
        for record in records
        if text_of(record, "sha256")
    }


def digest(path: UPath) -> tuple[int, str]:
    """How many bytes a file has, and their sha256."""
    size, found = 0, hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            found.update(chunk)
            size += len(chunk)
    return size, found.hexdigest()


def _check_manifest(out: UPath, manifest: UPath, files: Sequence[File]) -> None:
    listed = [item for item in list_of(read_object(manifest), "files") if isinstance(item, dict)]
    claimed = {text_of(item, "path"): text_of(item, "sha256") for item in listed}
    found = {file.path: file.sha256 for file in files}
    if wrong := sorted(path for path in claimed.keys() | found.keys() if claimed.get(path) != found.get(path)):
        raise ValueError(
            f"{manifest}: it differs from the files beside it, first at {wrong[0]}: "
            f"write it again with `python -m cards refresh {out}`"
        )


@dataclass(frozen=True)
class Folder:
    """A folder, on this machine or in a store that fsspec knows (`s3://…`). What it holds is never replaced but by the
    same: another version has its own folder.

    On this machine a file appears under its name when it is whole. A store of objects does so by itself; elsewhere a
    file that a kill cut short stands against going on, until somebody deletes it.
    """

    folder: UPath | Path

    def put(self, files: Sequence[File]) -> None:
        there = self._there(files)
        for file in files:
            if file.path not in there:
                path = UPath(self.folder) / file.path
                _write(path, file.source)
                if digest(path) != (file.bytes, file.sha256):
                    path.unlink()
                    raise ValueError(
                        f"{path}: the copy differs from {file.source}: the disk is failing, or a build is running"
                    )

    def put_card(self, text: str) -> None:
        _write(UPath(self.folder) / CARD, text.encode("utf-8", "replace"))

    def _there(self, files: Sequence[File]) -> set[str]:
        """The paths of the files that are there, whole. Raises ValueError when there is another file.

        The card comes after the files: one that has not all of them beside it is somebody else's.
        """
        wanted = {file.path: file for file in files}
        found = set()
        for name, path in _files(UPath(self.folder)):
            if name == CARD:
                continue
            if name not in wanted or digest(path) != (wanted[name].bytes, wanted[name].sha256):
                raise ValueError(f"{path} is no file of this dataset: give a folder that is empty or not there")
            found.add(name)
        if found < wanted.keys() and (card := UPath(self.folder) / CARD).is_file():
            raise ValueError(f"{card} is not the card of this dataset: give a folder that is empty or not there")
        return found


def _files(root: UPath) -> list[tuple[str, UPath]]:
    """The files under `root` by their paths from there, sorted; not the hidden ones."""
    start = len(root.path.rstrip("/")) + 1
    found = [(path.path[start:], path) for path in root.rglob("*") if path.is_file()] if root.is_dir() else []
    shown = [item for item in found if not any(part.startswith(".") for part in item[0].split("/"))]
    return sorted(shown, key=lambda item: item[0])


def _write(path: UPath, content: UPath | bytes) -> None:
    """Write bytes, or the bytes of another file; on this machine beside the place first, flushed, and renamed."""
    if path.protocol not in BUCKETS:  # there a folder is made by its first file, and a bucket by its owner alone
        path.parent.mkdir(parents=True, exist_ok=True)
    if path.protocol not in LOCAL:
        with path.open("wb") as file:
            _pour(content, file)
        return
    beside = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        with beside.open("wb") as file:
            _pour(content, file)
            file.flush()
            os.fsync(file.fileno())
        beside.rename(path)
    finally:
        beside.unlink(missing_ok=True)


def _pour(content: UPath | bytes, into: IO[bytes]) -> None:
    if isinstance(content, bytes):
        into.write(content)
    else:
        with content.open("rb") as source:
            while chunk := source.read(_CHUNK):
                into.write(chunk)
