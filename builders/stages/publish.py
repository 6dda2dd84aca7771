"""Publish: the dataset as `datasets.load_dataset` opens it, with its card and the build's report.

A dataset shard holds a range of ids of one split, rows in the order of their ids, so that the same rows give
the same bytes whatever shards they came through. Of a shard's rows a worker holds the texts, as Arrow has them, and
the images of a few: what it takes of memory does not grow with the dataset.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from builders.engine import Build, FileRef, Row, RowError, ShardRecord, ShardTask
from builders.engine.files import location, read_columns
from builders.engine.fingerprint import digest
from builders.engine.worker import weight
from builders.sources.images import BadImage, Images, read_whole
from builders.stages.copies import WithoutCopies, number_copies
from builders.stages.features import file_name, layout, with_features
from builders.stages.shown import show
from builders.transforms.fields import CHECKS, CONVERSATIONS

ID_DIGITS = 8
SHARD_BYTES = 500 * 10**6
SAMPLE, IMAGES_AT_ONCE = 500, 16
MADE = ("image", "translations", "translator", "translator_revision")
TRANSLATION = pa.struct(
    [
        ("field", pa.string()),
        ("source", pa.string()),
        ("target", pa.string()),
        ("score", pa.float32()),
        ("by", pa.string()),
    ]
)


@dataclass(frozen=True)
class Part:
    """The rows of one dataset shard: those of `split` with an id in `low..high`, wherever they are."""

    files: tuple[FileRef, ...]
    split: str
    low: int
    high: int


class Publish(WithoutCopies):
    """Writes `dataset/data/<split>-NNNNN-of-NNNNN.parquet`, then the card of this name and the report."""

    name = "publish"

    def __init__(self, images: Images, rows_per_file: int, card: str, shard_bytes: int = SHARD_BYTES) -> None:
        self.images = images
        self.rows_per_file = rows_per_file
        self.shard_bytes = shard_bytes
        self.card = card
        self.schema = dataset_schema(images)
        self.translator: dict[str, str] = {}

    def preflight(self, build: Build) -> list[str]:
        """Nothing can be wrong; `build.json` says which card the dataset has."""
        build.applied["card"] = self.card
        return []

    def plan(self, build: Build, upstream: Sequence[ShardRecord]) -> list[ShardTask]:
        """Cut every split into ranges of ids: `rows_per_file` rows or `shard_bytes` bytes, about, whichever is less.

        For it only the ids and splits are read, of which four bytes a row are kept, and a few rows to learn what a row
        takes.
        """
        files = tuple(record.rows for record in upstream if record.rows.rows)
        found: dict[str, list[NDArray[np.uint32]]] = {}
        for file in files:
            table = read_columns(build.out, file, ["id", "split"])
            for split in table["split"].unique().to_pylist():
                its = table.filter(pc.field("split") == split)["id"].to_pylist()
                found.setdefault(split, []).append(np.array([int(row[:ID_DIGITS], 16) for row in its], np.uint32))
        tasks = []
        made_of = digest([file.sha256 for file in files])
        for split in sorted(found):
            ids = np.sort(np.concatenate(found.pop(split)))
            count = -(-len(ids) // self._rows_of_a_shard(build.out, files, split, ids))
            edges = [-(-(16**ID_DIGITS) * index // count) for index in range(count + 1)]
            starts = [*np.searchsorted(ids, np.array(edges[:-1], np.uint32)).tolist(), len(ids)]
            for index, (low, high) in enumerate(pairwise(edges)):
                rows = starts[index + 1] - starts[index]
                name = f"{split}-{index:05d}-of-{count:05d}"
                tasks.append(ShardTask(name, Part(files, split, low, high), digest([made_of, name]), rows))
        return tasks

    def _rows_of_a_shard(self, root: Any, files: tuple[FileRef, ...], split: str, ids: NDArray[np.uint32]) -> int:
        """The rows that make `shard_bytes`, `rows_per_file` at most.

        Ids are hashes. So the rows with the lowest ones are drawn by chance, and are the same whatever shards they came
        through. Texts count as they are before compression, which bounds the memory of whoever reads them, too.
        """
        some = self._read(root, Part(files, split, 0, int(ids[:SAMPLE][-1]) + 1)).to_pylist()
        size = sum(weight(row) + self._image_bytes(row) for row in some)
        return max(1, min(self.rows_per_file, self.shard_bytes * len(some) // max(1, size)))

    def _image_bytes(self, row: Row) -> int:
        if self.images == "path" or row["image_file"] is None:
            return 0
        try:
            return location(row["image_file"]).stat().st_size
        except OSError:
            return 0

    def destination(self, folder: str, shard: str) -> str:
        return f"dataset/data/{file_name(shard)}"

    def written_as(self, source: Any) -> tuple[pa.Schema, dict[str, Any]]:
        return self.schema, layout(self.schema)

    def start(self, build: Build) -> None:
        self.translator = build.identity["translator"]

    def batches(self, build_root: Any, source: Any) -> Iterator[list[Row]]:
        table = self._read(build_root, source)
        seen: Counter[str] = Counter()
        for start in range(0, table.num_rows, IMAGES_AT_ONCE):
            yield number_copies(table.slice(start, IMAGES_AT_ONCE).to_pylist(), seen)

    def _read(self, root: Any, part: Part) -> pa.Table:
        """What is published of the rows of a dataset shard, but for their images, in the order of their ids."""
        low, high = f"{part.low:0{ID_DIGITS}x}", f"{part.high:0{ID_DIGITS}x}"
        wanted = (pc.field("split") == part.split) & (pc.field("id") >= low)
        if part.high < 16**ID_DIGITS:
            wanted &= pc.field("id") < high
        columns = [name for name in self.schema.names if name not in MADE] + ["image_file", "fields"]
        return pa.concat_tables(read_columns(root, file, columns, wanted) for file in part.files).sort_by("id")

    def row(self, row: Row, counters: Counter[str]) -> Row:
        counters[f"split/{row['split']}"] += 1
        made = {name: row[name] for name in self.schema.names if name in row}
        if self.images == "embed":
            made["image"] = self._image(row)
        return made | {
            "translations": [
                {"field": item["name"]} | {key: item[key] for key in ("source", "target", "score", "by")}
                for item in row["fields"]
            ],
            "translator": self.translator["name"],
            "translator_revision": self.translator["revision"],
        }

    def _image(self, row: Row) -> Any:
        """The image's bytes, or nothing when the build had no such image."""
        if row["image_file"] is None:
            return None
        path = location(row["image_file"])
        try:
            return {"bytes": read_whole(path), "path": path.name}
        except (BadImage, OSError) as error:
            raise RowError("BadImage", str(error)) from error

    def finish(self, build: Build) -> None:
        show(build, self.card)


def dataset_schema(images: Images) -> pa.Schema:
    """The dataset's columns, with the `datasets` features (an `Image`) in the schema's metadata.

    Where images are not embedded there is no column of them: `image_path` is where they lie in the source.
    """
    image = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    schema = pa.schema(
        [
            ("id", pa.string()),
            *([("image", image)] if images == "embed" else []),
            ("image_path", pa.string()),
            CONVERSATIONS,
            ("task_name", pa.string()),
            ("split", pa.string()),
            ("source", pa.string()),
            ("translations", pa.list_(TRANSLATION)),
            ("translator", pa.string()),
            ("translator_revision", pa.string()),
            CHECKS,
        ]
    )
    return with_features(schema, {"image": {"_type": "Image"}} if images == "embed" else None)
