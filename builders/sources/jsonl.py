"""JSON Lines in slices: cut files of any size into shards in one streaming pass, then read a slice anywhere.

Lines are read one by one and no schema is ever inferred: real files change a field's type from row to row
(MultiInstruct's `context` is text here and a list there), which typed JSON readers refuse.
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from upath import UPath

from builders.engine.build import InputFile
from builders.engine.files import expand

BLOCK_BYTES = 8 << 20
SUFFIX = ".jsonl"
SPLITS = {
    "validation": re.compile(r"(valid|validation|val|dev)([_.\-\d].*)?"),
    "test": re.compile(r"(test|testing)([_.\-\d].*)?"),
    "train": re.compile(r"(train|training)([_.\-\d].*)?"),
}


@dataclass(frozen=True)
class Slice:
    """Some lines of a file: bytes `start..end`, of which the first is line `line` (from 1)."""

    path: str
    name: str
    start: int
    end: int
    line: int
    rows: int
    split: str


@dataclass(frozen=True)
class Line:
    """One line of a file and where it stands."""

    file: str
    number: int
    data: bytes


def scan(inputs: Sequence[str], shard_rows: int, limit: int = 0) -> tuple[list[InputFile], list[Slice]]:
    """Every input file with its digest, and slices of at most `shard_rows` rows that cover them.

    `limit` bounds the rows over all files (0: no bound). Blank lines are no rows. Raises `FileNotFoundError`.
    """
    found, slices, left = [], [], limit or None
    for path, name in expand(tuple(inputs), SUFFIX):
        file, cut = _scan_file(path, name, shard_rows, left)
        found.append(file)
        slices += cut
        if left is not None:
            left -= sum(piece.rows for piece in cut)
    return found, slices


def _scan_file(path: UPath, name: str, shard_rows: int, limit: int | None) -> tuple[InputFile, list[Slice]]:
    digest, size, total, split = hashlib.sha256(), 0, 0, split_of(path)
    slices: list[Slice] = []
    start = rows = taken = 0
    first_line = 1
    for number, data in _lines(path):
        digest.update(data)
        size += len(data)
        if not _content(data, first=number == 1):
            continue
        total += 1
        if limit is not None and taken >= limit:
            continue
        rows += 1
        taken += 1
        if rows == shard_rows or taken == limit:
            slices.append(Slice(str(path), name, start, size, first_line, rows, split))
            start, rows, first_line = size, 0, number + 1
    if rows:
        slices.append(Slice(str(path), name, start, size, first_line, rows, split))
    return InputFile(name, size, total, digest.hexdigest()), slices


def _lines(path: UPath) -> Iterator[tuple[int, bytes]]:
    with path.open("rb", buffering=BLOCK_BYTES) as file:
        yield from enumerate(file, 1)


def read(piece: Slice) -> list[Line]:
    """The lines of a slice that are rows, without their line ends; a byte order mark is no content."""
    with UPath(piece.path).open("rb") as file:
        file.seek(piece.start)
        data = file.read(piece.end - piece.start)
    lines = [
        Line(piece.name, piece.line + index, _content(line, first=piece.start == 0 and index == 0))
        for index, line in enumerate(data.split(b"\n"))
    ]
    return [line for line in lines if line.data]


def _content(line: bytes, *, first: bool) -> bytes:
    """A line without blanks around it, and the first one of a file without its byte order mark."""
    return (line.removeprefix(b"\xef\xbb\xbf") if first else line).strip()


def split_of(path: UPath) -> str:
    """The split that a file's name, or else its folder or the folder above, says: train, validation or test.

    MultiInstruct has `valid.jsonl`, and `testing_data/<task>/test.jsonl`.
    """
    *folders, name = path.parts
    for word in (name.removesuffix(SUFFIX), *reversed(folders[-2:])):
        for split, pattern in SPLITS.items():
            if pattern.fullmatch(word.lower()):
                return split
    return "train"
