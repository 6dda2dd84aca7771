"""Publishing a finished build: its files first, each compared with what the build recorded, and the card last.

Whoever finds a card finds the rows that it describes: a target shows the card only when every file has arrived whole.
"""

import hashlib
import os
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

from upath import UPath

from cards.fields import list_of, mapping_of, read_object, text_of

CARD = "README.md"
MANIFEST = "manifest.json"
LOCAL = ("", "file", "local")
_CHUNK = 1 << 20


@dataclass(frozen=True)
class File:
    """A file of the dataset: where it is, and its path in what is published (`data/train-00000-of-00001.parquet`)."""

    source: UPath
    path: str
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
    """The files of `out/dataset` but the card, by path, the manifest last.

    Raises ValueError for one that differs from the ledger's, and where a manifest lists others than there are.
    """
    root = out / "dataset"
    recorded = _recorded(out)
    files = []
    for source, path in _files(root):
        if path == CARD:
            continue
        size, sha256 = _digest(source)
        expected = recorded.get(f"dataset/{path}", sha256)
        if sha256 != expected:
            raise ValueError(
                f"{source}: its sha256 is {sha256[:12]}…, but the build recorded {expected[:12]}…: "
                "it was changed since; delete it and run the recipe's command again"
            )
        files.append(File(source, path, size, sha256))
    files.sort(key=lambda file: file.path == MANIFEST)
    if files and files[-1].path == MANIFEST:
        _check_manifest(out, files[-1].source, files[:-1])
    return files


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
                if _digest(path) != (file.bytes, file.sha256):
                    path.unlink()
                    raise ValueError(
                        f"{path}: the copy differs from {file.source}: the disk is failing, or a build is running"
                    )

    def put_card(self, text: str) -> None:
        _write(UPath(self.folder) / CARD, text.encode("utf-8", "replace"))

    def _there(self, files: Sequence[File]) -> set[str]:
        """The paths of the files that are there, whole. Raises ValueError when there is another file."""
        wanted = {file.path: file for file in files}
        found = set()
        for path, name in _files(UPath(self.folder)):
            if name == CARD:
                continue
            if name not in wanted or _digest(path) != (wanted[name].bytes, wanted[name].sha256):
                raise ValueError(f"{path} is no file of this dataset: give a folder that is empty or not there")
            found.add(name)
        return found


def _files(root: UPath) -> list[tuple[UPath, str]]:
    """The files under `root` with their paths from there, sorted; not the hidden ones."""
    start = len(root.path.rstrip("/")) + 1
    found = [(path, path.path[start:]) for path in root.rglob("*") if path.is_file()] if root.is_dir() else []
    shown = [item for item in found if not any(part.startswith(".") for part in item[1].split("/"))]
    return sorted(shown, key=lambda item: item[1])


def _recorded(out: UPath) -> dict[str, str]:
    """The sha256 that the last stage recorded of every file it wrote; nothing where the build has no ledger."""
    folders = sorted(out.glob("stages/*/ledger"), key=str)
    records = [mapping_of(read_object(path), "rows") for path in folders[-1].glob("*.json")] if folders else []
    return {text_of(record, "path"): text_of(record, "sha256") for record in records if record.get("sha256")}


def _digest(path: UPath) -> tuple[int, str]:
    size, digest = 0, hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            size += len(chunk)
    return size, digest.hexdigest()


def _write(path: UPath, content: UPath | bytes) -> None:
    """Write bytes, or the bytes of another file; on this machine beside the place first, flushed, and renamed."""
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
