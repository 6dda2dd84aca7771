"""Publish: the dataset as `datasets.load_dataset` opens it, with its card and the build's report.

A dataset shard holds a range of ids of one split, rows in the order of their ids, so that the same rows give
the same bytes whatever shards they came through. Of a shard's rows a worker holds the texts, as Arrow has them, and
the images of a few: what it takes of memory does not grow with the dataset.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from builders.engine import Build, BuildConfig, FileRef, Row, RowError, ShardRecord, ShardTask, flag
from builders.engine.files import location, read_columns
from builders.engine.fingerprint import digest
from builders.engine.worker import weight
from builders.sources.images import BadImage, Images, check_whole, images_argument, read_whole
from builders.stages.compose import COMPOSED, COMPOSED_SOURCE, free
from builders.stages.copies import WithoutCopies, number_copies
from builders.stages.features import SHARD_BYTES, destination, layout, sweep_dataset, with_features
from builders.stages.packs import DamagedPack, packed_bytes, read_member
from builders.stages.shown import show
from builders.transforms.fields import CHECKS, CONVERSATIONS
from builders.transforms.shape import IMAGE

ID_DIGITS = 8
SAMPLE, IMAGES_AT_ONCE = 500, 16
TRANSLATION = pa.struct(
    [
        ("field", pa.string()),
        ("source", pa.string()),
        ("target", pa.string()),
        ("score", pa.float32()),
        ("by", pa.string()),
    ]
)
BEFORE = pa.schema(
    [
        ("id", pa.string()),
        ("image", IMAGE),
        ("image_path", pa.string()),
        ("image_url", pa.string()),
    ]
)
AFTER = pa.schema(
    [
        ("split", pa.string()),
        ("source", pa.string()),
        ("translations", pa.list_(TRANSLATION)),
        ("translator", pa.string()),
        ("translator_revision", pa.string()),
        CHECKS,
    ]
)
MADE_OF = {"image": "image_file", "translations": "fields", "translator": "fields", "translator_revision": "fields"}
OURS = (*BEFORE.names, *AFTER.names)
WHERE_FILLED = ("image", "image_path", "image_url")
USUAL = tuple(name for name in OURS if name != "image_url")
CONVERSATION = pa.schema([CONVERSATIONS, ("task_name", pa.string())])


@dataclass(frozen=True)
class PublishConfig(BuildConfig):
    """The flags of every recipe that publishes images."""

    images: tuple[str, ...] = flag(
        (), "folders that hold the images; `embed` (default) publishes them too, `path` only their paths in the source",
        paths=True, metavar="DIR|embed|path",
    )  # fmt: skip
    rows_per_file: int = flag(20_000, "rows a published file at most; 500 MB is the other limit", above=0, metavar="N")

    def fingerprinted(self) -> dict[str, Any]:
        """Not where the images lie, but whether they are published."""
        return super().fingerprinted() | {"images": images_argument(self.images)[1]}


@dataclass(frozen=True)
class Part:
    """The rows of one dataset shard: those of `splits`, and of `language` if it is given, with an id in `low..high`,
    wherever they are. `original`: as they are in the language that they were translated from."""

    files: tuple[FileRef, ...]
    splits: tuple[str, ...]
    low: int = 0
    high: int = 16**ID_DIGITS
    language: str = ""
    original: bool = False


class Publish(WithoutCopies):
    """Writes `dataset/data/<split>-NNNNN-of-NNNNN.parquet`, then the card of this name and the report.

    `columns` are the dataset's own, among ours (see `dataset_schema`), as `ComposeForm.columns` has them; a row has
    them in the struct `composed`, or by their names. Without `columns` it is a dataset of conversations by task. With
    them, ours are left out that the rows have not: where an image is, if none has one.

    Rows of several languages make a configuration of each, `dataset/<language>/`. If `ComposeForm` made the parallel in
    the language `source` for a configuration, that is `dataset/<source>/`, with the same ids and images.
    """

    name = "publish"

    def __init__(
        self,
        images: Images,
        rows_per_file: int,
        card: str,
        columns: pa.Schema | None = None,
        *,
        source: str = "en",
        shard_bytes: int = SHARD_BYTES,
    ) -> None:
        self.images = images
        self.rows_per_file = rows_per_file
        self.shard_bytes = shard_bytes
        self.card = card
        self.source = source
        self.columns = CONVERSATION if columns is None else columns
        self.always = CONVERSATION is self.columns
        self._choose(USUAL)
        self.there: frozenset[str] = frozenset()
        self.root = location("")
        self.translator: Mapping[str, str | None] = {"name": None, "revision": None}

    def preflight(self, build: Build) -> list[str]:
        """Nothing can be wrong; `build.json` says which card the dataset has."""
        build.applied["card"] = self.card
        return []

    def plan(self, build: Build, upstream: Sequence[ShardRecord]) -> list[ShardTask]:
        """Cut every split into ranges of ids: `rows_per_file` rows or `shard_bytes` bytes, about, whichever is less.

        For it only the ids, splits and languages are read, of which four bytes a row are kept, and a few rows to learn
        what a row takes.
        """
        self.root = build.out
        files = tuple(record.rows for record in upstream if record.rows.rows)
        self._look_at(files)
        build.applied["renamed_columns"] = {new: name for name, new in self.names.items() if new != name}
        found: dict[tuple[str, str], list[NDArray[np.uint32]]] = {}
        named: dict[str, set[str]] = {}
        for file in files:
            for language, split, ids in self._ids(file):
                name = split_name(split)
                named.setdefault(name, set()).add(split)
                found.setdefault((language, name), []).append(ids)
        splits = {name: tuple(sorted(named[name])) for name in sorted(named)}
        languages = sorted({language for language, _ in found})
        if self.parallel or len(languages) > 1:
            configs = [(f"{language}.", language, False, [language]) for language in languages]
        else:
            configs = [("", "", False, languages)]
        if self.parallel:
            configs.append((f"{self.source}.", "", True, languages))
        tasks: list[ShardTask] = []
        made_of = digest([file.sha256 for file in files])
        for prefix, only, original, of in configs:
            for name, its in splits.items():
                arrays = [array for language in of for array in found.get((language, name), ())]
                if arrays:
                    part = Part(files, its, language=only, original=original)
                    tasks += self._tasks(prefix + name, part, np.sort(np.concatenate(arrays)), made_of)
        return tasks

    @property
    def parallel(self) -> bool:
        return COMPOSED_SOURCE in self.there

    def _look_at(self, files: Sequence[FileRef]) -> None:
        """Which columns the rows have, and so which are published."""
        there: set[str] = set()
        filled: set[str] = set()
        for file in files:
            with (self.root / file.path).open("rb") as stream:
                metadata = pq.read_metadata(stream)
            there |= set(metadata.schema.to_arrow_schema().names)
            filled |= {name for name in WHERE_FILLED if has_values(metadata, MADE_OF.get(name, name))}
        self.there = frozenset(there)
        if not self.always:
            absent = {name for name in OURS if MADE_OF.get(name, name) not in there} | (set(WHERE_FILLED) - filled)
            self._choose([name for name in OURS if name not in absent])

    def _choose(self, ours: Collection[str]) -> None:
        """Publish these of our columns beside the dataset's own."""
        self.ours = [name for name in ours if name != "image" or self.images == "embed"]
        self.names = published_names(self.columns, self.ours)
        self.schema = dataset_schema(self.images, self.columns, self.ours)

    def _ids(self, file: FileRef) -> Iterator[tuple[str, str, NDArray[np.uint32]]]:
        """The beginnings of a file's ids, for each language and split that it has."""
        table = read_columns(self.root, file, [name for name in ("id", "split", "language") if name in self.there])
        if "language" not in self.there:
            table = table.append_column("language", pa.repeat("", table.num_rows))
        for key in table.group_by(["language", "split"]).aggregate([]).to_pylist():
            same = pc.and_(pc.equal(table["language"], key["language"]), pc.equal(table["split"], key["split"]))
            ids = table["id"].filter(same).to_pylist()
            yield key["language"], key["split"], np.array([int(row[:ID_DIGITS], 16) for row in ids], np.uint32)

    def _tasks(self, prefix: str, part: Part, ids: NDArray[np.uint32], made_of: str) -> Iterator[ShardTask]:
        """The shards of the rows with these ids, in order."""
        count = -(-len(ids) // self._rows_of_a_shard(part, ids))
        edges = [-(-(16**ID_DIGITS) * index // count) for index in range(count + 1)]
        starts = [*np.searchsorted(ids, np.array(edges[:-1], np.uint32)).tolist(), len(ids)]
        for index, (low, high) in enumerate(pairwise(edges)):
            rows = starts[index + 1] - starts[index]
            name = f"{prefix}-{index:05d}-of-{count:05d}"
            yield ShardTask(name, replace(part, low=low, high=high), digest([made_of, name]), rows)

    def _rows_of_a_shard(self, part: Part, ids: NDArray[np.uint32]) -> int:
        """The rows that make `shard_bytes`, `rows_per_file` at most.

        Ids are hashes. So the rows with the lowest ones are drawn by chance, and are the same whatever shards they came
        through. Texts count as they are before compression, which bounds the memory of whoever reads them, too.
        """
        some = self._read(replace(part, low=0, high=int(ids[:SAMPLE][-1]) + 1)).to_pylist()
        size = sum(self._image_bytes(row.pop("image_file", None)) + weight(row) for row in some)
        return max(1, min(self.rows_per_file, self.shard_bytes * len(some) // max(1, size)))

    def _image_bytes(self, reference: str | None) -> int:
        if reference is None:
            return 0
        packed = packed_bytes(reference)
        if packed is not None:
            return packed
        try:
            return location(reference).stat().st_size
        except OSError:
            return 0

    def destination(self, folder: str, shard: str) -> str:
        return destination(shard)

    def written_as(self, source: Any) -> tuple[pa.Schema, dict[str, Any]]:
        return self.schema, layout(self.schema)

    def start(self, build: Build) -> None:
        self.translator = build.identity.get("translator", self.translator)

    def batches(self, build_root: Any, source: Any) -> Iterator[list[Row]]:
        table = self._read(source)
        seen: Counter[str] = Counter()
        for start in range(0, table.num_rows, IMAGES_AT_ONCE):
            rows = table.slice(start, IMAGES_AT_ONCE).to_pylist()
            if source.original:
                rows = [row | {"fields": None, "checks": []} for row in rows]
            yield number_copies(rows, seen)

    def _read(self, part: Part) -> pa.Table:
        """What is published of the rows of a dataset shard, but for their images, in the order of their ids."""
        low, high = f"{part.low:0{ID_DIGITS}x}", f"{part.high:0{ID_DIGITS}x}"
        wanted = pc.field("split").isin(part.splits) & (pc.field("id") >= low)
        if part.high < 16**ID_DIGITS:
            wanted &= pc.field("id") < high
        if part.language:
            wanted &= pc.field("language") == part.language
        composed = COMPOSED_SOURCE if part.original else COMPOSED
        told = [composed] if COMPOSED in self.there else self.columns.names
        names = [*dict.fromkeys(MADE_OF.get(name, name) for name in self.ours), *told]
        table = pa.concat_tables(read_columns(self.root, file, names, wanted) for file in part.files).sort_by("id")
        return table.rename_columns({composed: COMPOSED} if part.original else {})

    def row(self, row: Row, counters: Counter[str]) -> Row:
        counters[f"split/{row['split']}"] += 1
        told = row.get(COMPOSED, row)
        made = {self.names[name]: told[name] for name in self.columns.names}
        made |= {name: row[name] for name in self.ours if name in row}
        if "image" in self.ours:
            made["image"] = self._image(row["image_file"])
        if "translations" in self.ours:
            made |= self._translations(row["fields"])
        return made

    def _translations(self, fields: list[Row] | None) -> Row:
        """What was translated, and by whom; nothing of a row that is in the language it was written in."""
        translations = [
            {"field": item["name"]} | {key: item[key] for key in ("source", "target", "score", "by")}
            for item in fields or ()
        ]
        name, revision = (None, None) if fields is None else (self.translator["name"], self.translator["revision"])
        return {"translations": translations, "translator": name, "translator_revision": revision}

    def _image(self, reference: str | None) -> Any:
        """The image's bytes, or nothing when the build had no such image."""
        if reference is None:
            return None
        try:
            if packed_bytes(reference) is None:
                path = location(reference)
                return {"bytes": read_whole(path), "path": path.name}
            member = read_member(self.root, reference)
            check_whole(member.data, f"{reference} ({member.name})")
            return {"bytes": member.data, "path": member.name}
        except DamagedPack as error:
            raise RowError("DamagedPack", str(error)) from error
        except (BadImage, OSError) as error:
            raise RowError("BadImage", str(error)) from error

    def check_sum(self, before: Sequence[ShardRecord], after: Sequence[ShardRecord]) -> None:
        """Every row that was composed is published; with its parallel, where there is a configuration of them."""
        wrote, given = sum(record.rows.rows for record in before), sum(record.rows_in for record in after)
        due = wrote * (2 if self.parallel else 1)
        assert given == due, f"{wrote} rows were written for {self.name}, which makes {due}, but it was given {given}"

    def finish(self, build: Build) -> None:
        sweep_dataset(build.out, build.records[self.name])
        show(build)


def dataset_schema(images: Images, columns: pa.Schema = CONVERSATION, ours: Collection[str] = USUAL) -> pa.Schema:
    """The dataset's columns, with the `datasets` features (an `Image`) in the schema's metadata.

    Where images are not embedded there is no column of them: `image_path` is where they lie in the source.
    """
    ours = [name for name in ours if name != "image" or images == "embed"]
    names = published_names(columns, ours)
    schema = pa.schema(
        [
            *(column for column in BEFORE if column.name in ours),
            *(column.with_name(names[column.name]) for column in columns),
            *(column for column in AFTER if column.name in ours),
        ]
    )
    return with_features(schema, {"image": {"_type": "Image"}} if "image" in ours else None)


def published_names(columns: pa.Schema, ours: Collection[str]) -> dict[str, str]:
    """What the columns of a dataset are called beside ours: its own `id` is `source_id`."""
    taken = {*columns.names, *ours}
    return {name: free(name, taken) if name in ours else name for name in columns.names}


def split_name(split: str) -> str:
    """A split as files are named after it and `load_dataset` knows it; "test-dev" is `test_dev`."""
    return re.sub(r"[^A-Za-z0-9_]", "_", split) or "train"


def has_values(metadata: pq.FileMetaData, column: str) -> bool:
    """Whether a Parquet file's column is there and not null throughout, by the statistics of its row groups."""
    for index in range(metadata.num_row_groups):
        group = metadata.row_group(index)
        for chunk in map(group.column, range(group.num_columns)):
            if chunk.path_in_schema == column:
                if chunk.statistics is None or not chunk.statistics.has_null_count:
                    return True
                if chunk.statistics.null_count < chunk.num_values:
                    return True
    return False
