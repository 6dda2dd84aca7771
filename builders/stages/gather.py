"""Gather: the samples of several datasets that are built already, as rows of one form, each with an id of its own."""

import hashlib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Any

from builders.engine import Build, Row, RowError, ShardRecord, ShardTask, StageError
from builders.engine.files import location
from builders.engine.fingerprint import digest, row_id
from builders.sources import records
from builders.sources.built import Dataset, read_sample
from builders.sources.forms.values import given
from builders.sources.images import BadImage, ImageFinder, Images
from builders.sources.items import ImageAt
from builders.sources.parquet_rows import without_bytes
from builders.sources.slices import BadFile, FileOptions, Raw, Slice
from builders.stages.copies import WithoutCopies, number_copies
from builders.stages.ingest import MAX_LINE_BYTES, PackedOnce
from builders.stages.mix import SAMPLES
from builders.stages.packs import Pack, sweep_packs

PACK = "gather"
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z\d]+)*")


@dataclass(frozen=True)
class Piece:
    """Some records of a dataset."""

    dataset: Dataset
    slice: Slice


class Gather(WithoutCopies):
    """Reads datasets in slices, of those that have splits the one for training. A bad record fails by name.

    Images that records carry go into packs; those that they name by a path are looked for under `roots`, unless only
    paths are published. `other` is the language of parallels such as `conversations_en`. `flags` are the flags by which
    the parts were given.
    """

    name = "gather"
    schema = SAMPLES

    def __init__(
        self,
        datasets: Sequence[Dataset],
        roots: Sequence[str],
        images: Images,
        *,
        other: str,
        shard_rows: int,
        limit: int,
        flags: Mapping[str, str],
    ) -> None:
        self.datasets = tuple(datasets)
        self.roots = tuple(roots)
        self.images = images
        self.other = other
        self.shard_rows = shard_rows
        self.limit = limit
        self.flags = dict(flags)
        self.packs = images == "embed"
        self._pieces: list[Piece] = []

    def preflight(self, build: Build) -> list[str]:
        self.packs &= not build.config.dry_run
        roots = ImageFinder(self.roots).roots
        problems = [f"--images {root.path}: no such folder" for root in roots if not root.is_dir()]
        names = Counter((dataset.part, dataset.name, dataset.language) for dataset in self.datasets)
        for dataset in self.datasets:
            flag = self.flags[dataset.part]
            if names[dataset.part, dataset.name, dataset.language] > 1:
                problems.append(
                    f"{flag} {dataset.path}: another dataset is called {dataset.name}, too; rename the file"
                )
            try:
                whole = location(dataset.path).is_file()
                options = FileOptions(splits=() if whole else ("train",), config=dataset.config)
                files, slices = records.scan((dataset.path,), self.shard_rows, self.limit, options)
            except records.BadFiles as error:
                problems += [f"{flag} {problem}" for problem in error.problems]
                continue
            if not slices:
                problems.append(f"{flag} {dataset.path} holds no rows of a training split")
            build.inputs += [replace(file, path=f"{dataset.name}/{file.path}") for file in files]
            self._pieces += [Piece(dataset, piece) for piece in slices]
        return problems

    def plan(self, build: Build, upstream: Sequence[ShardRecord]) -> list[ShardTask]:
        roots = [str(location(root)) for root in self.roots]
        return [
            ShardTask(
                f"{piece.dataset.part}-{index:05d}",
                piece,
                digest([piece.slice.sha256, piece.slice.start, piece.slice.end, piece.dataset, self.images, roots]),
                piece.slice.rows,
            )
            for index, piece in enumerate(self._pieces)
        ]

    def read(self, build_root: Any, source: Any) -> list[Row]:
        """One row a record: a sample, or what is wrong with it. No two records' images are held at once."""
        pack: AbstractContextManager[Pack | None] = Pack(build_root, PACK) if self.packs else nullcontext()
        with pack as opened:
            images = PackedOnce(opened)
            try:
                return number_copies(
                    [self._row(raw, source.dataset, images) for raw in records.read(source.slice, MAX_LINE_BYTES)]
                )
            except BadFile as error:
                raise StageError(str(error)) from error

    def _row(self, raw: Raw, dataset: Dataset, images: PackedOnce) -> Row:
        where = f"{dataset.name}: {raw.file}, {raw.unit} {raw.number}"
        counters = Counter(raw.counters)
        row: Row = {"part": dataset.part, "dataset": dataset.name, "error": None, "counters": counters}
        if raw.value is None:
            error = RowError("BadRow", f"{where}: {raw.error}")
            return row | {"id": row_id(dataset.name, raw.text), "raw": raw.text, "error": error}
        plain = without_bytes(raw.value)
        row["id"] = _id(plain, dataset)
        try:
            sample = read_sample(raw.value, self.other, counters)
            language = given(raw.value, "language", "lang") or dataset.language
            if not _LANGUAGE.fullmatch(str(language)):
                raise RowError("BadLanguage", f"field 'language' is {language!r}; a code such as eu is expected")
            return row | {
                "language": language,
                "other": self.other if sample.parallel and language != self.other else "",
                "conversations": sample.turns,
                "parallel": sample.parallel,
                "image_path": sample.image.path or sample.image.url,
                "image_file": self._image(sample.image, images),
            }
        except RowError as error:
            return row | {"raw": plain, "error": RowError(error.error_class, f"{where}: {error}")}

    def _image(self, image: ImageAt, images: PackedOnce) -> str | None:
        """Where the image lies, if images are published; raises `RowError` for one that is not there.

        Where only paths are, every image needs one: trainers open files, and no URLs.
        """
        if image == ImageAt():
            return None
        if self.images == "path":
            if not image.path:
                where = f"is at {image.url}" if image.url else "has no path"
                raise RowError("MissingImage", f"the image {where}; `--images path` takes those that lie in files")
            return None
        if image.data is not None:
            name = image.path or image.url or "image"
            return images.add(name, image.data, hashlib.sha256(image.data).hexdigest())
        if image.url and not image.path:
            raise RowError(
                "MissingImage", f"{image.url} is not fetched here; give a build that holds its images, or files"
            )
        try:
            found = ImageFinder(self.roots).find(image.path) if image.path else None
        except BadImage as error:
            raise RowError("BadImage", str(error)) from error
        if not found:
            raise RowError(
                "MissingImage", f"{image.path} is not there, nor under --images; `--images path` takes paths alone"
            )
        return str(found.path)

    def row(self, row: Row, counters: Counter[str]) -> Row:
        counters.update(row["counters"])
        if row["error"]:
            raise row["error"]
        return {name: row[name] for name in SAMPLES.names}

    def finish(self, build: Build) -> None:
        sweep_packs(build.out, PACK, [record.rows for record in build.records[self.name]])


def _id(record: Mapping[str, Any], dataset: Dataset) -> str:
    """A sample's id: the one that a build of ours gave it, or one made from its content."""
    own = record.get("id")
    return own if dataset.own_ids and isinstance(own, str) else row_id(dataset.name, record)
