"""Packs: the images of a build, many to a file, so that the rows which pass from stage to stage carry none.

A pack is a tar in `OUT/images/`, which `tar tf` lists. A row says where in it its image lies, as
`images/<pack>.tar:<offset>+<length>`, so that one read gets it. The tar keeps the sha256 of every image, in the
comment of its pax header: bytes that are not those that were stored are an error, never another image.
https://pubs.opengroup.org/onlinepubs/9699919799/utilities/pax.html#tag_20_92_13_03
"""

import hashlib
import io
import re
import tarfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Self
from uuid import uuid4

import pyarrow.compute as pc
from upath import UPath

from builders.engine import FileRef, StageError
from builders.engine.files import list_files, placed, read_columns

FOLDER = "images"
BLOCK = tarfile.BLOCKSIZE
HEADER = 3 * BLOCK  # of the pax header, of the comment, and of the image
NAME_LENGTH = 60
_REFERENCE = re.compile(rf"({FOLDER}/[^/:]+\.tar):(\d+)\+(\d+)")
_ODD = re.compile(r"[^\w.-]")
_AGAIN = "delete the ledger of the stage that wrote the pack to have it made again"


class DamagedPack(Exception):
    """A pack is not there, or does not hold the image that a row says it holds."""


@dataclass(frozen=True)
class Member:
    """An image of a pack, under the name that it was given."""

    name: str
    data: bytes


class Pack:
    """A pack to write: `with Pack(root, name) as pack: row["image_file"] = pack.add("cat.jpg", data)`.

    It lies beside its place until the block ends well; one that broke off leaves nothing, and nor does one without
    images. Its file is `<name>-<random>.tar`: whoever does the same work again writes another file, so that no row ever
    refers to a pack that was replaced.
    """

    def __init__(self, root: UPath, name: str) -> None:
        self.path = root / FOLDER / f"{name}-{uuid4().hex}.tar"
        self._stack = ExitStack()
        self._file: IO[bytes] | None = None
        self._at = 0

    def __enter__(self) -> Self:
        return self

    def add(self, name: str, data: bytes) -> str:
        """Append an image; returns the reference to it. Of `name` the last part counts, in plain characters.

        Raises `StageError` where it cannot be written.
        """
        header = _header(name, data)
        padding = bytes(-len(data) % BLOCK)
        with self._writing():
            if self._file is None:
                place = Path(self._stack.enter_context(placed(self.path)))
                self._file = self._stack.enter_context(place.open("wb"))
            for part in (header, data, padding):
                self._file.write(part)
        reference = f"{FOLDER}/{self.path.name}:{self._at + len(header)}+{len(data)}"
        self._at += len(header) + len(data) + len(padding)
        return reference

    def __exit__(self, *exception: Any) -> None:
        with self._writing():
            if self._file and exception[0] is None:
                self._file.write(bytes(2 * BLOCK))
            self._stack.__exit__(*exception)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """A full disk is no row's fault."""
        try:
            yield
        except OSError as error:
            raise StageError(f"{self.path} cannot be written: {error}; the same command goes on once it can") from error


def _header(name: str, data: bytes) -> bytes:
    """What stands before an image: its sha256 and its name, always in `HEADER` bytes."""
    plain = _ODD.sub("_", name.replace("\\", "/").rpartition("/")[2]).lstrip(".")[-NAME_LENGTH:]
    info = tarfile.TarInfo(plain or "image")
    info.size = len(data)
    info.pax_headers = {"comment": _digest(data)}
    header = info.tobuf(tarfile.PAX_FORMAT)
    assert len(header) == HEADER, f"{name!r} makes a header of {len(header)} bytes"
    return header


def packed_bytes(reference: str) -> int | None:
    """How many bytes an image has by its reference; None where that is a path, and no reference to a pack."""
    match = _REFERENCE.fullmatch(reference)
    return int(match[3]) if match else None


def read_member(root: UPath, reference: str) -> Member:
    """The image behind a reference, in one read. Raises `DamagedPack`, or `ValueError` for what is no reference."""
    match = _REFERENCE.fullmatch(reference)
    if not match:
        raise ValueError(f"{reference!r}: expected images/<pack>.tar:<offset>+<length>")
    offset, length = int(match[2]), int(match[3])
    path = root / match[1]
    try:
        found = path.fs.cat_file(path.path, start=offset - HEADER, end=offset + length)
        with tarfile.open(fileobj=io.BytesIO(found), mode="r:") as tar:
            member = tar.next()
    except (OSError, ValueError, tarfile.TarError) as error:
        raise DamagedPack(f"{reference}: {path} cannot be read there ({error}); {_AGAIN}") from error
    data = found[HEADER:]
    if len(data) != length or not member or member.pax_headers.get("comment") != _digest(data):
        raise DamagedPack(f"{reference}: {path} was cut or changed, and has another image there or none; {_AGAIN}")
    return Member(member.name, data)


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def read_packed(root: UPath, reference: str) -> bytes:
    """The bytes behind a reference. Raises as `read_member` does."""
    return read_member(root, reference).data


def sweep_packs(root: UPath, name: str, files: Iterable[FileRef]) -> None:
    """Remove the packs of this name to which none of these files refers: those of workers that died."""
    kept = set()
    for file in files:
        column = read_columns(root, file, ["image_file"])["image_file"]
        kept |= set(pc.unique(pc.list_element(pc.split_pattern(column.drop_null(), ":", max_splits=1), 0)).to_pylist())
    for path in list_files(root / FOLDER, ".tar"):
        if path.name.startswith(f"{name}-") and f"{FOLDER}/{path.name}" not in kept:
            path.unlink(missing_ok=True)
