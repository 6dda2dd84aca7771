"""The published dataset, read from its folder: its configurations, splits, languages, tasks and licences.

`dataset/data/` holds the one configuration of a dataset that has no others; a dataset of several has a folder for
each. Of the rows only the columns that are counted are read, in record batches.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from upath import UPath

ONLY_CONFIG = "default"
_SHARD = re.compile(r"(?P<split>[A-Za-z0-9_]+)-\d{5}-of-\d{5}(-[0-9a-f]+)?\.parquet")
_SPLITS = {"train": 0, "validation": 1, "test": 2}
_LANGUAGES = ("lang", "language")
_IMAGE = ["image_page", "image_licence"]


@dataclass(frozen=True)
class Shard:
    """One Parquet file of the dataset, with the rows of each of its row groups.

    `file_bytes` is its size, `columns_bytes` that of its columns before compression.
    """

    path: UPath
    config: str
    split: str
    row_groups: tuple[int, ...]
    columns: tuple[tuple[str, str], ...]
    file_bytes: int = 0
    columns_bytes: int = 0

    @property
    def rows(self) -> int:
        return sum(self.row_groups)

    def first(self, columns: Sequence[str]) -> str:
        """The first of `columns` that the file has; "" when it has none."""
        return next((name for name in columns if name in dict(self.columns)), "")


@dataclass(frozen=True)
class Part:
    """A split of a configuration. `languages` counts the rows that say theirs."""

    config: str
    split: str
    rows: int
    languages: Counter[str]


def dataset_shards(out: UPath) -> tuple[Shard, ...]:
    """The Parquet files in the folders of `out/dataset`, by configuration and name; only their footers are read.

    Raises ValueError for a file whose name does not say its split and number.
    """
    root = out / "dataset"
    folders = [folder for folder in root.iterdir() if folder.is_dir()] if root.is_dir() else []
    shards = []
    for folder in sorted(folders, key=lambda folder: _natural(folder.name)):
        for path in parquet_files(folder):
            match = _SHARD.fullmatch(path.name)
            if match is None:
                raise ValueError(f"{path}: expected a name such as train-00000-of-00001.parquet")
            with path.open("rb") as file:
                parquet = pq.ParquetFile(file)
                meta = parquet.metadata
                groups = tuple(meta.row_group(i).num_rows for i in range(meta.num_row_groups))
                unpacked = sum(meta.row_group(i).total_byte_size for i in range(meta.num_row_groups))
                columns = tuple((field.name, str(field.type)) for field in parquet.schema_arrow)
            config = ONLY_CONFIG if folder.name == "data" else folder.name
            shards.append(Shard(path, config, match["split"], groups, columns, path.stat().st_size, unpacked))
    return tuple(shards)


def parquet_files(folder: UPath) -> list[UPath]:
    return sorted(folder.glob("*.parquet"), key=str) if folder.is_dir() else []


def configs(shards: Sequence[Shard]) -> tuple[str, ...]:
    """The configurations, by name: `alignment-5` before `alignment-10`."""
    return tuple(dict.fromkeys(shard.config for shard in shards))


def folder_of(config: str) -> str:
    """The folder of a configuration, relative to the dataset."""
    return "data" if config == ONLY_CONFIG else config


def rows_folder(shards: Sequence[Shard]) -> str:
    """Where all the rows are, relative to the build."""
    return "dataset/data" if set(configs(shards)) <= {ONLY_CONFIG} else "dataset"


def parts(shards: Sequence[Shard]) -> tuple[Part, ...]:
    """Every split of every configuration: train, validation, test, then by name."""
    found = []
    for config in configs(shards):
        mine = [shard for shard in shards if shard.config == config]
        for split in sorted({shard.split for shard in mine}, key=lambda name: (_SPLITS.get(name, 3), name)):
            its = [shard for shard in mine if shard.split == split]
            languages: Counter[str] = Counter()
            for shard in its:
                if column := shard.first(_LANGUAGES):
                    languages += _values(shard, column)
            del languages[""]
            found.append(Part(config, split, sum(shard.rows for shard in its), languages))
    return tuple(found)


def rows_by_language(parts: Sequence[Part]) -> Counter[str]:
    return sum((part.languages for part in parts), Counter())


def rows_by_task(shards: Sequence[Shard]) -> Counter[str]:
    """Rows of each `task_name`; nothing where no file has that column."""
    tasks: Counter[str] = Counter()
    if any(shard.first(["task_name"]) for shard in shards):
        for shard in shards:
            tasks += _values(shard, "task_name") if shard.first(["task_name"]) else Counter({"": shard.rows})
    return tasks


def images_by_licence(shards: Sequence[Shard]) -> Counter[str]:
    """Images, each counted once however many rows show it, by the licence that the rows state.

    An image is one description page; "" counts those without a licence.
    """
    licences: dict[str | None, str] = {}
    for shard in shards:
        if set(_IMAGE) <= dict(shard.columns).keys():
            for batch in _batches(shard, _IMAGE):
                for row in pa.table(batch).group_by(_IMAGE).aggregate([]).to_pylist():
                    licences[row["image_page"]] = row["image_licence"] or ""
    return Counter(licence for page, licence in licences.items() if page)


def _values(shard: Shard, column: str) -> Counter[str]:
    counts: Counter[str] = Counter()
    for batch in _batches(shard, [column]):
        for item in pc.value_counts(batch.column(0)).to_pylist():
            counts[item["values"] or ""] += item["counts"]
    return counts


def _batches(shard: Shard, columns: list[str]) -> Iterator[pa.RecordBatch]:
    with shard.path.open("rb") as file:
        for batch in pq.ParquetFile(file).iter_batches(batch_size=8192, columns=columns):
            yield batch.select(columns)


def _natural(name: str) -> list[tuple[int, str]]:
    return [(int(piece), "") if piece.isdecimal() else (-1, piece) for piece in re.split(r"(\d+)", name)]
