"""Ingest: raw records of any format in, rows of ours out, each with an id made from its content."""

import base64
import binascii
import hashlib
import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

import pyarrow as pa

from builders.engine import Build, BuildConfig, Row, RowError, ShardRecord, ShardTask, StageError, flag
from builders.engine.files import location
from builders.engine.fingerprint import digest, row_id
from builders.sources import records
from builders.sources.images import BadImage, ImageFinder, check_whole
from builders.sources.items import ITEMS, Form, ImageAt
from builders.sources.parquet_rows import without_bytes
from builders.sources.slices import JSON_LINES, MAX_RECORD_BYTES, BadFile, FileOptions, Slice
from builders.stages.copies import WithoutCopies, number_copies
from builders.stages.packs import Pack, sweep_packs

MAX_LINE_BYTES = MAX_RECORD_BYTES
PACK = "ingest"
ENVIRONMENT = ("HF_ENDPOINT", "HF_HOME", "HF_HUB_DISABLE_XET")


@dataclass(frozen=True)
class InputConfig(BuildConfig):
    """The flag of every recipe that reads files or a dataset on the Hub."""

    input: tuple[str, ...] = flag(
        (), "files or folders (JSON Lines, JSON, CSV, TSV, Parquet), or the name of a dataset on the Hub",
        paths=True, metavar="PATH",
    )  # fmt: skip


class Reader(Protocol):
    """What a dataset adds: its name, its row schema, and how one raw row becomes a row of ours.

    `row` is given the raw record and what is known about it: its `file`, its number there (`line`), its `split`, the
    `language` that it is read for ("" where there is one for all), and its `id`.
    """

    @property
    def source(self) -> str: ...

    @property
    def schema(self) -> pa.Schema: ...

    def row(self, raw: Mapping[str, Any], row: Row, counters: Counter[str]) -> Row: ...

    def preflight(self) -> list[str]: ...


@dataclass(frozen=True)
class FormReader:
    """Reads the records of a form into rows of `ITEMS`.

    `language` is the target where rows have none of their own. Images that records name by a path are looked for under
    `roots`; one that is missing is counted, or costs the row (`MissingImage`) where every record that `named` one, or
    `every` record, needs its image. Those that records carry go into a pack.
    """

    form: Form
    language: str
    roots: tuple[str, ...] = ()
    source: str = ""
    needs_image: Literal["no", "named", "every"] = "no"
    schema: pa.Schema = ITEMS

    def __post_init__(self) -> None:
        object.__setattr__(self, "source", self.source or self.form.name)

    def preflight(self) -> list[str]:
        return [f"--images {root.path}: no such folder" for root in ImageFinder(self.roots).roots if not root.is_dir()]

    def row(self, raw: Mapping[str, Any], row: Row, counters: Counter[str]) -> Row:
        language = row["language"] or self.language
        item = self.form.read(raw, language, counters)
        found = self._image(item.image, row["images"], counters)
        if self.needs_image != "no" and not found["image_file"] and not item.image.url:
            if item.image.path:
                raise RowError("MissingImage", f"no image {item.image.path!r} under --images")
            if self.needs_image == "every":
                raise RowError("MissingImage", "the record has no image")
        return found | {
            "id": row["id"],
            "split": item.split or row["split"],
            "language": language,
            "image_path": item.image.path,
            "image_url": item.image.url,
            "source": _dumps(_without_image(without_bytes(raw), item.image.data)),
            "layout": _dumps(item.kept),
            "fields": list(item.fields),
        }

    def _image(self, image: ImageAt, images: "PackedOnce", counters: Counter[str]) -> Row:
        """Where the image lies that a record carries or names by a path, and its sha256. Raises `RowError`."""
        if image.data is not None:
            sha256 = hashlib.sha256(image.data).hexdigest()
            if image.sha256 not in (None, sha256):
                raise RowError("BadImage", f"the image's sha256 is {sha256}; the record says {image.sha256}")
            return {"image_file": images.add(image.path or "image", image.data, sha256), "image_sha256": sha256}
        path = None
        if image.path and not image.url:
            try:
                found = ImageFinder(self.roots).find(image.path)
            except BadImage as error:
                raise RowError("BadImage", str(error)) from error
            path = str(found.path) if found else None
            counters["images_missing"] += found is None
        return {"image_file": path, "image_sha256": image.sha256}


class PackedOnce:
    """The images of a shard, each packed once; without a pack they are only looked at."""

    def __init__(self, pack: Pack | None) -> None:
        self.pack = pack
        self._known: dict[str, str] = {}

    def add(self, name: str, data: bytes, sha256: str) -> str:
        """The reference to an image. Raises `RowError`: BadImage."""
        if sha256 not in self._known:
            try:
                check_whole(data, name)
            except BadImage as error:
                raise RowError("BadImage", str(error)) from error
            self._known[sha256] = self.pack.add(name, data) if self.pack else name
        return self._known[sha256]


class Ingest(WithoutCopies):
    """Reads records in slices. One that cannot be used fails by name, and the rest goes on.

    `beside` are the folders that the reader looks into: with others, the rows are read again. With `languages`, every
    record becomes a row in each of them. `named` is the flag that gave the inputs.
    """

    name = "ingest"

    def __init__(
        self,
        inputs: Sequence[str],
        reader: Reader,
        shard_rows: int,
        limit: int,
        beside: Sequence[str] = (),
        files: FileOptions = JSON_LINES,
        languages: Sequence[str] = (),
        named: str = "--input",
    ) -> None:
        self.inputs = tuple(inputs)
        self.reader = reader
        self.schema = reader.schema
        self.shard_rows = shard_rows
        self.limit = limit
        self.files = files
        self.languages = tuple(languages)
        self.named = named
        roots = reader.roots if isinstance(reader, FormReader) else beside
        self.beside = [str(location(folder)) for folder in roots]
        self.packs = isinstance(reader, FormReader)
        self._slices: list[Slice] = []
        # A cluster's workers have another environment than this process. No token goes to them: see the README.
        self._environment = {name: os.environ[name] for name in ENVIRONMENT if name in os.environ}

    def open(self) -> None:
        os.environ.update({name: value for name, value in self._environment.items() if name not in os.environ})

    def preflight(self, build: Build) -> list[str]:
        problems = self.reader.preflight()
        if isinstance(self.reader, FormReader) and "," in self.reader.language and not self.languages:
            problems.append(f"--to {self.reader.language}: this recipe makes one language at a time; give one")
        self.packs &= not build.config.dry_run
        try:
            build.inputs, self._slices = records.scan(self.inputs, self.shard_rows, self.limit, self.files)
        except records.BadFiles as error:
            problems += [f"{self.named} {problem}" for problem in error.problems]
        if self.inputs and not problems and not self._slices:
            problems.append(f"{self.named} holds no rows")
        return problems

    def plan(self, build: Build, upstream: Sequence[ShardRecord]) -> list[ShardTask]:
        pieces = [
            (f"{index:05d}{'-' * bool(language)}{language}", replace(piece, language=language))
            for index, piece in enumerate(self._slices)
            for language in self.languages or ("",)
        ]
        return [
            ShardTask(
                shard,
                piece,
                digest([piece.sha256, piece.start, piece.end, piece.split, piece.language, *self.beside]),
                piece.rows,
            )
            for shard, piece in pieces
        ]

    def read(self, build_root: Any, source: Any) -> list[Row]:
        """One row a record: its content, or what is wrong with it. A second copy of a record gets an id of its own.

        What a form makes of a record is made here, so that no two records' images are held at once.
        """
        rows = []
        pack: AbstractContextManager[Pack | None] = Pack(build_root, PACK) if self.packs else nullcontext()
        with pack as opened:
            images = PackedOnce(opened)
            try:
                for raw in records.read(source, MAX_LINE_BYTES):
                    rows.append(self._read_row(raw, source, images))
            except BadFile as error:
                raise StageError(str(error)) from error
        return number_copies(rows)

    def _read_row(self, raw: records.Raw, piece: Slice, images: PackedOnce) -> Row:
        where = f"{raw.file}, {raw.unit} {raw.number}"
        row: Row = {
            "file": raw.file, "line": raw.number, "where": where, "split": piece.split, "language": piece.language,
            "raw": raw.value, "error": None, "made": None, "counters": Counter(raw.counters),
        }  # fmt: skip
        name = f"{self.reader.source}/{piece.split}" + f"/{piece.language}" * bool(piece.language)
        try:
            if raw.value is None:
                raise ValueError(raw.error)
            row["id"] = row_id(name, without_bytes(raw.value))
        except (ValueError, RecursionError) as error:
            text = raw.text or json.dumps(without_bytes(raw.value))
            return row | {
                "id": row_id(name, text),
                "raw": text,
                "error": RowError(_error_class(piece), f"{where}: {error}"),
            }
        if isinstance(self.reader, FormReader):
            try:
                row["made"] = self._made(row | {"images": images}, row["counters"])
            except Exception as error:
                row["error"] = error
            row["raw"] = without_bytes(raw.value) if row["error"] else None
        return row

    def row(self, row: Row, counters: Counter[str]) -> Row:
        counters.update(row["counters"])
        if row["error"]:
            raise row["error"]
        made: Row = row["made"] or self._made(row, counters)
        counters[f"split/{made['split']}"] += 1
        return made

    def _made(self, row: Row, counters: Counter[str]) -> Row:
        try:
            return self.reader.row(row["raw"], row, counters)
        except RowError as error:
            raise RowError(error.error_class, f"{row['where']}: {error}") from error

    def finish(self, build: Build) -> None:
        if self.packs:
            sweep_packs(build.out, PACK, [record.rows for record in build.records[self.name]])


def _error_class(piece: Slice) -> str:
    return "BadRow" if piece.kind in ("table", "parquet") else "NotJSON"


def _dumps(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _without_image(value: Any, data: bytes | None) -> Any:
    """A record without the base64 text of its image."""
    if data is None:
        return value
    if isinstance(value, dict):
        return {name: _without_image(part, data) for name, part in value.items()}
    if isinstance(value, list):
        return [_without_image(part, data) for part in value]
    if isinstance(value, str) and len(value) >= len(data) * 4 // 3 > 0:
        try:
            if base64.b64decode(value.partition(",")[2] if value.startswith("data:") else value) == data:
                return {"sha256": hashlib.sha256(data).hexdigest()}
        except (binascii.Error, ValueError):
            return value
    return value
