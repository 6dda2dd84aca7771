"""Publishing a finished build: its files first, each compared with what the build recorded, and the card last.

Whoever finds a card finds the rows that it describes: a target shows the card only when every file has arrived whole.
"""

import hashlib
import os
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from upath import UPath

from cards.fields import mapping_of, read_object, text_of

CARD = "README.md"
MANIFEST = "manifest.json"
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

    Raises ValueError for one that differs from the ledger's.
    """
    root = out / "dataset"
    recorded = _recorded(out)
    files = []
    for source in sorted((path for path in root.rglob("*") if path.is_file()), key=str):
        path = str(source).removeprefix(str(root).rstrip("/") + "/")
        if path == CARD or any(part.startswith(".") for part in path.split("/")):
            continue
        size, sha256 = _digest(source)
        expected = recorded.get(f"dataset/{path}", sha256)
        if sha256 != expected:
            raise ValueError(
                f"{source}: its sha256 is {sha256[:12]}…, but the build recorded {expected[:12]}…: "
                "it was changed since; delete it and run the recipe's command again"
            )
        files.append(File(source, path, size, sha256))
    return sorted(files, key=lambda file: file.path == MANIFEST)


@dataclass(frozen=True)
class Folder:
    """A folder of this machine. What it holds is never replaced but by the same: another version has its own folder."""

    folder: Path

    def put(self, files: Sequence[File]) -> None:
        self._refuse_others(files)
        for file in files:
            path = self.folder / file.path
            if not path.is_file():
                _copy(file, path)

    def put_card(self, text: str) -> None:
        _write(self.folder / CARD, text.encode("utf-8", "replace"))

    def _refuse_others(self, files: Sequence[File]) -> None:
        wanted = {file.path: file for file in files}
        for path in sorted(self.folder.rglob("*")):
            name = path.relative_to(self.folder).as_posix()
            if path.is_dir() or name == CARD or any(part.startswith(".") for part in name.split("/")):
                continue
            if name not in wanted or _digest(UPath(path)) != (wanted[name].bytes, wanted[name].sha256):
                raise ValueError(f"{path} is no file of this dataset: give a folder that is empty or not there")


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


def _copy(file: File, path: Path) -> None:
    beside = _beside(path)
    try:
        with file.source.open("rb") as source, beside.open("wb") as copy:
            while chunk := source.read(_CHUNK):
                copy.write(chunk)
            copy.flush()
            os.fsync(copy.fileno())
        if _digest(UPath(beside)) != (file.bytes, file.sha256):
            raise ValueError(f"{path}: the copy differs from {file.source}: the disk is failing, or a build is running")
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def _write(path: Path, content: bytes) -> None:
    beside = _beside(path)
    try:
        with beside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def _beside(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
