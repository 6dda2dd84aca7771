"""Raw records from files of every format that datasets come in, and from the Hub: scanned once, read in slices.

`scan` goes through the files in the driver, streaming, and gives back slices, which hold no records; `read` reads those
of one slice, anywhere. A file that is cut or malformed is refused before any work; a bad line of JSON Lines or CSV
costs that row alone.
"""

import hashlib
import io
from collections.abc import Iterator, Sequence
from typing import IO, Any, cast

from builders.engine import InputFile, nearest
from builders.engine.files import location
from builders.sources import json_records, jsonl, parquet_rows, tables
from builders.sources.slices import (
    JSON_LINES,
    MAX_RECORD_BYTES,
    BadFile,
    FileOptions,
    Raw,
    Slice,
    Source,
    cut,
    described,
    split_of,
)

__all__ = ["JSON_LINES", "MAX_RECORD_BYTES", "BadFile", "BadFiles", "FileOptions", "Raw", "Slice", "read", "scan"]

BLOCK_BYTES = 8 << 20
UTF_16 = (b"\xff\xfe", b"\xfe\xff")


class BadFiles(Exception):
    """Inputs that cannot be read, a sentence each."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = list(problems)


class Hashed(io.RawIOBase):
    """A file whose bytes are hashed and counted as they are read."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file, self.digest, self.size = file, hashlib.sha256(), 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self.file.read(len(buffer))
        buffer[: len(data)] = data
        self.digest.update(data)
        self.size += len(data)
        return len(data)


def scan(
    inputs: Sequence[str], shard_rows: int, limit: int = 0, options: FileOptions = JSON_LINES
) -> tuple[list[InputFile], list[Slice]]:
    """Every input file with its digest, and slices of at most `shard_rows` records that cover them.

    `limit` bounds the records over all files (0: no bound). Raises `BadFiles`, with all that is wrong.
    """
    found: list[InputFile] = []
    slices: list[Slice] = []
    problems: list[str] = []
    left = limit or None
    for given in inputs:
        try:
            for source in _sources(given, options):
                try:
                    file, pieces = _scan_file(source, options, shard_rows, left)
                except (BadFile, OSError) as error:
                    problems.append(str(error))
                    continue
                found.append(file)
                slices += pieces
                if left is not None:
                    left -= sum(piece.rows for piece in pieces)
        except (BadFile, OSError) as error:
            problems.append(str(error))
    if problems:
        raise BadFiles(problems)
    return found, slices


def read(piece: Slice, most: int = MAX_RECORD_BYTES) -> Iterator[Raw]:
    """The records of a slice, one at a time. Raises `BadFile` for a file that was damaged since, or in its midst."""
    with location(piece.path).open("rb") as opened:
        file = cast(IO[bytes], opened)
        if piece.kind == "parquet":
            yield from parquet_rows.read(piece, file)
        elif piece.kind == "table":
            yield from tables.read(piece, file, most)
        elif piece.kind == "lines":
            yield from jsonl.rows(piece, file, most)
        else:
            yield from json_records.read(piece, file, most)


def _sources(given: str, options: FileOptions) -> Iterator[Source]:
    """The files that an input stands for: a file, or those of a folder. Raises `BadFile`."""
    path = location(given)
    if path.is_file():
        paths, root = [path], path.parent
    elif path.is_dir():
        root = path
        paths = sorted((each for each in path.rglob("*") if each.name.lower().endswith(options.suffixes)), key=str)
        if not paths:
            raise BadFile(f"{given}: no *{', *'.join(options.suffixes)} file in this folder")
    else:
        beside = [item.name for item in path.parent.iterdir()] if path.parent.is_dir() else []
        raise BadFile(f"{given}: no such file or folder{nearest(path.name, beside)}")
    for each in paths:
        split = split_of(each)
        if not options.splits or split in options.splits:
            yield Source(each, str(each)[len(str(root)) :].strip("/"), split)


def _scan_file(
    source: Source, options: FileOptions, shard_rows: int, limit: int | None
) -> tuple[InputFile, list[Slice]]:
    kind = _kind(source)
    shape = Slice(str(source.path), source.name, 0, 0, 0, 0, source.split, kind)
    with source.path.open("rb") as opened:
        hashed = Hashed(cast(IO[bytes], opened))
        file = cast(IO[bytes], io.BufferedReader(hashed, BLOCK_BYTES))
        if kind == "parquet":
            rows, slices = parquet_rows.scan(cast(IO[bytes], opened), shape, shard_rows, limit)
            opened.seek(0)
            while file.read(BLOCK_BYTES):
                pass
        elif kind == "table":
            rows, slices = tables.scan(file, shape, options, shard_rows, limit)
        elif kind == "array":
            rows, slices = json_records.scan_array(file, shape, shard_rows, limit)
        elif kind == "object":
            rows, slices = json_records.scan_object(file, shape, options.records, shard_rows, limit)
        else:
            rows, slices = cut(jsonl.places(file), shape, shard_rows, limit)
    return described(source, hashed.size, rows, hashed.digest.hexdigest(), slices)


def _kind(source: Source) -> str:
    """The format of a file, by its suffix and what is in it. Raises `BadFile`."""
    suffix = source.path.suffix.lower()
    if suffix == ".parquet":
        return "parquet"
    with source.path.open("rb") as opened:
        file = cast(IO[bytes], opened)
        if file.read(2) in UTF_16:
            raise BadFile(f"{source.name} is UTF-16; save it as UTF-8")
        file.seek(0)
        if suffix in tables.DELIMITERS:
            return "table"
        return "lines" if suffix in (".jsonl", ".ndjson") else json_records.kind_of(file, source.name)
