"""Raw records from files of every format that datasets come in, and from the Hub: scanned once, read in slices.

`scan` goes through the files in the driver, streaming, and gives back slices, which hold no records; `read` reads those
of one slice, anywhere. A file that is cut or malformed is refused before any work; a bad line of JSON Lines or CSV
costs that row alone.
"""

import hashlib
import io
import re
from collections.abc import Iterator, Sequence
from typing import IO, Any, cast

from upath import UPath

from builders.engine import InputFile, nearest
from builders.engine.files import location
from builders.sources import hub_files, json_records, jsonl, parquet_rows, tables
from builders.sources.slices import (
    JSON_LINES,
    MAX_RECORD_BYTES,
    SUFFIXES,
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

BLOCK_BYTES = 1 << 20
CHANGED = "has changed since it was scanned; give the same command again"
COMPRESSED = (".gz", ".bz2", ".xz", ".zst")
NO_RECORDS = ("dataset_info.json", "dataset_infos.json", "dataset_dict.json", "manifest.json")
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
    objects = False
    left = limit or None
    for given in inputs:
        try:
            for source in _sources(given, options):
                try:
                    kind = _kind(source)
                    objects |= kind == "object"
                    file, pieces = _scan_file(source, kind, options, shard_rows, left)
                except (BadFile, OSError) as error:
                    problems.append(str(error))
                    continue
                found.append(file)
                slices += pieces
                if left is not None:
                    left -= sum(piece.rows for piece in pieces)
        except (BadFile, OSError) as error:
            problems.append(str(error))
    if options.records and not objects and not problems:
        problems.append(f"{', '.join(inputs)}: --records {options.records}, but no file here is one JSON object")
    if problems:
        raise BadFiles(problems)
    return found, slices


def read(piece: Slice, most: int = MAX_RECORD_BYTES) -> Iterator[Raw]:
    """The records of a slice, one at a time; one of more than `most` bytes is an error of its own.

    Raises `BadFile` for a file that has changed since it was scanned, or is damaged in its midst.
    """
    count = 0
    try:
        with location(piece.path).open("rb") as opened:
            for raw in _records(piece, cast(IO[bytes], opened), most):
                count += 1
                yield raw
    except (ValueError, FileNotFoundError) as error:
        raise BadFile(f"{piece.name} {CHANGED} ({error})") from error
    if count != piece.rows:
        raise BadFile(f"{piece.name} {CHANGED}: from {piece.line} on there are {count} records, not {piece.rows}")


def _records(piece: Slice, file: IO[bytes], most: int) -> Iterator[Raw]:
    if piece.kind == "parquet":
        return parquet_rows.read(piece, file)
    if piece.kind == "table":
        return tables.read(piece, file, most)
    if piece.kind == "lines":
        return jsonl.rows(piece, file, most)
    return json_records.read(piece, file, most)


def _sources(given: str, options: FileOptions) -> list[Source]:
    """The files that an input stands for: a file, those of a folder, of a pattern, or of a dataset on the Hub.

    Raises `BadFile`.
    """
    path = location(given)
    if path.protocol == "hf":
        path = hub_files.pinned(path)
    if path.is_file():
        root, paths = path.parent, [path]
    elif path.is_dir():
        root, paths = path, sorted(path.rglob("*"), key=str)
        paths = [each for each in paths if _is_data(each, options.suffixes)]
        if not paths:
            raise BadFile(f"{given}: no *{', *'.join(options.suffixes)} file in this folder")
    elif set(given) & set("*?["):
        root = UPath(re.split(r"[^/]*[*?\[]", str(path))[0])
        paths = sorted((each for each in root.glob(str(path)[len(str(root)) :].lstrip("/")) if each.is_file()), key=str)
        if not paths:
            raise BadFile(f"{given}: no file has such a name")
    elif hub_files.NAME.fullmatch(given) and options.suffixes == SUFFIXES:
        return hub_files.sources(given, options)
    else:
        beside = [item.name for item in path.parent.iterdir()] if path.parent.is_dir() else []
        raise BadFile(f"{given}: no such file or folder{nearest(path.name, beside)}")
    named = not path.is_dir()
    found = [Source(each, str(each)[len(str(root)) :].strip("/"), split_of(each), named=named) for each in paths]
    return _of_splits(given, found, options.splits)


def _is_data(path: UPath, suffixes: tuple[str, ...]) -> bool:
    """Whether a file of a folder holds records. Raises `BadFile` for one that is compressed."""
    name = path.name.lower()
    plain = name.removesuffix(path.suffix.lower()) if path.suffix.lower() in COMPRESSED else name
    if name.startswith(".") or name in NO_RECORDS or not plain.endswith(suffixes):
        return False
    if plain != name and not path.with_name(path.name[: len(plain)]).exists():
        raise BadFile(f"{path} is compressed; unpack it first")
    return plain == name


def _of_splits(given: str, found: list[Source], splits: tuple[str, ...]) -> list[Source]:
    known = sorted({source.split for source in found})
    unknown = [split for split in splits if split not in known]
    if unknown:
        raise BadFile(f"{given}: no file of the split {unknown[0]!r}; by their names there are {', '.join(known)}")
    return [source for source in found if not splits or source.split in splits]


def _scan_file(
    source: Source, kind: str, options: FileOptions, shard_rows: int, limit: int | None
) -> tuple[InputFile, list[Slice]]:
    shape = Slice(str(source.path), source.name, 0, 0, 0, 0, source.split, kind)
    if kind == "parquet":
        return _scan_parquet(source, shape, shard_rows, limit)
    with source.path.open("rb") as opened:
        hashed = Hashed(cast(IO[bytes], opened))
        buffered = io.BufferedReader(hashed, BLOCK_BYTES)
        file = cast(IO[bytes], buffered)
        if kind == "table":
            rows, slices = tables.scan(cast(Any, buffered), shape, options, shard_rows, limit)
        elif kind == "array":
            rows, slices = json_records.scan_array(file, shape, shard_rows, limit)
        elif kind == "object":
            rows, slices = json_records.scan_object(file, shape, options.records, shard_rows, limit, source.named)
        else:
            rows, slices = cut(jsonl.places(file), shape, shard_rows, limit)
    return described(source, hashed.size, rows, hashed.digest.hexdigest(), slices)


def _scan_parquet(source: Source, shape: Slice, shard_rows: int, limit: int | None) -> tuple[InputFile, list[Slice]]:
    """Only the footer is read of a file whose digest is known."""
    with source.path.open("rb") as opened:
        rows, slices = parquet_rows.scan(cast(IO[bytes], opened), shape, shard_rows, limit)
        size = opened.seek(0, io.SEEK_END)
        opened.seek(0)
        sha256 = source.sha256 or hashlib.file_digest(cast(Any, opened), "sha256").hexdigest()
    return described(source, size, rows, sha256, slices)


def _kind(source: Source) -> str:
    """The format of a file, by its suffix and what is in it. Raises `BadFile`."""
    suffix = source.path.suffix.lower()
    if suffix in COMPRESSED:
        raise BadFile(f"{source.name} is compressed; unpack it first")
    if suffix == ".parquet":
        return "parquet"
    with source.path.open("rb") as opened:
        file = io.BufferedReader(Hashed(cast(IO[bytes], opened)), BLOCK_BYTES)
        if file.peek()[:2] in UTF_16:
            raise BadFile(f"{source.name} is UTF-16; save it as UTF-8")
        if suffix in tables.DELIMITERS:
            return "table"
        return "lines" if suffix in (".jsonl", ".ndjson") else json_records.kind_of(cast(IO[bytes], file), source.name)
