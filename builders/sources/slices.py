"""What every file format comes down to: records with their places in a file, cut into slices of some records.

A slice is small and says all that a worker needs to read its records, so that these never pass through the driver.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from upath import UPath

from builders.engine.build import InputFile

MAX_RECORD_BYTES = 16 << 20
SUFFIXES = (".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".parquet")
SPLITS = {
    "validation": re.compile(r"(valid|validation|val|dev)([_.\-\d].*)?"),
    "test": re.compile(r"(test|testing)([_.\-\d].*)?"),
    "train": re.compile(r"(train|training)([_.\-\d].*)?"),
}


class BadFile(Exception):
    """A file that cannot be read as its format: where, what was expected and what to do."""


@dataclass(frozen=True)
class FileOptions:
    """How files are to be read, where they do not say it themselves.

    `suffixes`: which files of a folder are read. `columns`: the names of a table's columns, which then has no header;
    `further`: those that its rows have after these, all of them or none.
    `quoted`: whether cells of CSV and TSV may be quoted; if not, a quotation mark is a character like any other.
    `records`: the key of a JSON object's list of records, or "*" for an object whose values are the records, each of
    which gets its name there as the field `key`. `splits`: only these (none: all). `config` and `revision`: of a
    dataset on the Hub.
    """

    suffixes: tuple[str, ...] = SUFFIXES
    columns: tuple[str, ...] = ()
    further: tuple[str, ...] = ()
    quoted: bool = True
    records: str = ""
    splits: tuple[str, ...] = ()
    config: str = ""
    revision: str = ""


JSON_LINES = FileOptions(suffixes=(".jsonl",))


@dataclass(frozen=True)
class Source:
    """A file to read: where it lies, what it is called in the build, its split, its sha256 if that is known, and
    whether it was `named`, not only found in a folder or a dataset."""

    path: UPath
    name: str
    split: str
    sha256: str = ""
    named: bool = False


@dataclass(frozen=True)
class Slice:
    """Some records of a file: bytes `start..end`, or rows of a Parquet file, of which the first is number `line`.

    `kind` is the format: lines, array, object, table or parquet. `columns`, `further`, `delimiter` and `quoted` are
    a table's. `language`, if any, is the one that these records are read for. `sha256` is the whole file's.
    """

    path: str
    name: str
    start: int
    end: int
    line: int
    rows: int
    split: str
    kind: str = "lines"
    columns: tuple[str, ...] = ()
    further: tuple[str, ...] = ()
    delimiter: str = ""
    quoted: bool = True
    language: str = ""
    sha256: str = ""


class Place(NamedTuple):
    """Where a record stands: its number (of its first line, of its element…, from 1) and its bytes in the file."""

    number: int
    start: int
    end: int


@dataclass(frozen=True)
class Raw:
    """One record of a file: its value, or its text and what is wrong with it.

    `unit` is what `number` counts: line, record or row. The value is plain JSON data, but for the bytes in a Parquet
    file. `counters` say what was changed to make it so.
    """

    file: str
    number: int
    unit: str
    value: dict[str, Any] | None
    error: str | None = None
    text: str = ""
    counters: Mapping[str, int] = field(default_factory=dict)


class Cutter:
    """Cuts the records of a file, as they are found, into slices of at most `shard_rows` records.

    The first `limit` records are cut (None: all); `total` counts every one.
    """

    def __init__(self, shape: Slice, shard_rows: int, limit: int | None) -> None:
        self.shape, self.shard_rows, self.limit = shape, shard_rows, limit
        self.slices: list[Slice] = []
        self.total = self._rows = 0
        self._first = self._last = Place(0, 0, 0)

    def add(self, place: Place) -> None:
        self.total += 1
        if self.limit is not None and self.total > self.limit:
            return
        if not self._rows:
            self._first = place
        self._last = place
        self._rows += 1
        if self._rows == self.shard_rows:
            self._cut()

    def _cut(self) -> None:
        first, last = self._first, self._last
        self.slices.append(replace(self.shape, start=first.start, end=last.end, line=first.number, rows=self._rows))
        self._rows = 0

    def done(self) -> tuple[int, list[Slice]]:
        """How many records there are, and the slices."""
        if self._rows:
            self._cut()
        return self.total, self.slices


def cut(places: Iterable[Place], shape: Slice, shard_rows: int, limit: int | None) -> tuple[int, list[Slice]]:
    """How many records there are, and slices of the first `limit`."""
    cutter = Cutter(shape, shard_rows, limit)
    for place in places:
        cutter.add(place)
    return cutter.done()


def described(source: Source, size: int, rows: int, sha256: str, slices: list[Slice]) -> tuple[InputFile, list[Slice]]:
    """A file as the fingerprint knows it, and its slices with its digest."""
    return InputFile(source.name, size, rows, sha256), [replace(piece, sha256=sha256) for piece in slices]


def parse_object(data: bytes, most: int = MAX_RECORD_BYTES) -> dict[str, Any]:
    """A JSON object. Raises `ValueError` or `RecursionError` for anything else."""
    if len(data) > most:
        raise ValueError(f"{len(data):,} bytes; a row has at most {most:,}")
    value = json.loads(data.decode(), parse_constant=_no_constant)
    if not isinstance(value, dict):
        raise ValueError(f"a JSON {type(value).__name__}, where an object is expected")
    return value


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")


def split_of(path: UPath) -> str:
    """The split that a file's name, or else its folder or the folder above, says: train, validation or test.

    MultiInstruct has `valid.jsonl`, and `testing_data/<task>/test.jsonl`; A-OKVQA `aokvqa_v1p0_val.json`, MMBench
    `MMBench_DEV_EN.tsv`, VQAv2 `v2_OpenEnded_mscoco_val2014_questions.json`.
    """
    *folders, name = path.parts
    stem = next((name.removesuffix(suffix) for suffix in SUFFIXES if name.endswith(suffix)), name)
    for word in (stem, *re.split(r"[^a-zA-Z\d]+", stem), *reversed(folders[-2:])):
        if split := known_split(word):
            return split
    return "train"


def known_split(word: str) -> str:
    """The split that a word such as `dev` or `val2014` names: train, validation or test; nothing for other words."""
    return next((split for split, pattern in SPLITS.items() if pattern.fullmatch(word.strip().lower())), "")
