"""How a dataset lies: shards by bytes, columns as suits them, the same bytes by any way, its share read alone."""

import hashlib
import io
import random
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from builders.engine import Row, ShardRecord, files
from builders.engine.worker import LEASE, Bench, Job
from builders.stages.compose import Compose
from builders.stages.features import file_name, layout
from builders.stages.publish import Publish
from builders.transforms.fields import CHECKS, CONVERSATIONS, field
from builders.transforms.multiinstruct import ROWS
from builders.transforms.shape import IMAGE
from cards.dataset import dataset_shards

SCHEMA = Compose(ROWS.append(CHECKS), CONVERSATIONS, lambda row, counters: None).schema
COUNT, SHARD_BYTES = 240, 90_000


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> list[Row]:
    """Composed rows with an image each, of 1 to 5 kB."""
    folder, chance, made = tmp_path_factory.mktemp("images"), random.Random(1), []
    for number in range(COUNT):
        path, file = folder / f"{number}.png", io.BytesIO()
        side = chance.randint(20, 40)
        Image.frombytes("RGB", (side, side), chance.randbytes(3 * side * side)).save(file, "PNG")
        path.write_bytes(file.getvalue())
        made.append(
            {
                "id": hashlib.sha256(b"%d" % number).hexdigest()[:32], "split": "test" if number % 8 == 0 else "train",
                "task_name": "VQA", "image_file": str(path), "image_path": path.name, "source": "made", "layout": "",
                "fields": [field("question", "question", f"what {number}?", target=f"cosa {number}?")], "checks": [],
                "conversations": [{"from": "human", "value": f"cosa {number}?"}, {"from": "gpt", "value": "sì"}],
            }
        )  # fmt: skip
    return made


class Published:
    """What publish makes of rows that come in shards of this size."""

    def __init__(self, folder: Path, rows: list[Row], shard_rows: int, **options: Any) -> None:
        self.root, self.before = files.location(folder), []
        self.stage = Publish("embed", card="", **{"rows_per_file": 1000, "shard_bytes": SHARD_BYTES, **options})
        self.stage.translator = {"name": "nobody", "revision": "0"}
        for start in range(0, len(rows), shard_rows):
            shard = sorted(rows[start : start + shard_rows], key=lambda row: str(row["id"]))
            table = pa.Table.from_pylist(shard, schema=SCHEMA)
            ref = files.write_table(self.root, f"before/{start:05d}.parquet", table, row_group_size=10)
            self.before.append(ShardRecord(f"{start:05d}", "compose", "", "", 0, ref.rows, ref, None, None))
        files.write_json(self.root / LEASE, {"run": "me"})
        self.bench = Bench(str(folder), self.stage, "05-publish", "me")

    def tasks(self) -> list[Any]:
        build: Any = SimpleNamespace(out=self.root, applied={})
        return self.stage.plan(build, self.before)

    def run(self, task: Any) -> ShardRecord:
        return self.bench.run(Job(task.shard, task.shard, task.digest, task.source, 0, task.rows))

    def all(self) -> dict[str, bytes]:
        records = [self.run(task) for task in self.tasks()]
        return {record.rows.path: (self.root / record.rows.path).read_bytes() for record in records}


def test_shards_are_cut_by_bytes_and_are_the_same_through_any_shards_in_any_order(
    tmp_path: Path, rows: list[Row]
) -> None:
    made = Published(tmp_path / "one", rows, 50).all()
    shuffled = random.Random(2).sample(rows, len(rows))
    other = Published(tmp_path / "other", shuffled, 33)
    assert made == {record.rows.path: (other.root / record.rows.path).read_bytes()
                    for record in map(other.run, reversed(other.tasks()))}  # fmt: skip
    for split, most in (("train", 12), ("test", 2)):
        its = [data for path, data in made.items() if f"/{split}-" in path]
        assert max(map(len, its)) < 1.3 * SHARD_BYTES
        assert most // 2 < len(its) <= most
        names = [f"dataset/data/{split}-{index:05d}-of-{len(its):05d}.parquet" for index in range(len(its))]
        assert [path for path in made if f"/{split}-" in path] == names
        ids = [id for data in its for id in pq.read_table(io.BytesIO(data), columns=["id"])["id"].to_pylist()]
        assert ids == sorted(row["id"] for row in rows if row["split"] == split)


def test_rows_per_file_is_the_most_a_shard_has(tmp_path: Path, rows: list[Row]) -> None:
    tasks = Published(tmp_path, rows, 100, rows_per_file=10).tasks()
    assert sum(task.rows for task in tasks) == COUNT
    assert max(task.rows for task in tasks) < 25, "ranges of ids hold about as many rows"
    assert len(tasks) == 21 + 3


def test_a_shard_that_was_halved_and_tried_again_is_read_like_any_other(tmp_path: Path, rows: list[Row]) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(Path(rows[1]["image_file"]).read_bytes()[:500])
    published = Published(tmp_path, [rows[0], rows[1] | {"image_file": str(broken)}, *rows[2:]], 100, shard_bytes=10**9)
    test, train = published.tasks()
    assert (test.shard, train.shard) == ("test-00000-of-00001", "train-00000-of-00001")
    published.run(test)
    parts = [
        published.bench.run(Job(f"{train.shard}.{first}-{last}", train.shard, train.digest, train.source, first, last))
        for first, last in ((0, 9), (9, train.rows))
    ]
    (failed,) = [part for part in parts if part.failed]
    broken.write_bytes(Path(rows[1]["image_file"]).read_bytes())
    retry = Job(failed.shard, failed.parent, failed.digest, train.source, failed.first, failed.last, failed,
                (rows[1]["id"],))  # fmt: skip
    again = published.bench.run(retry)
    assert (again.failed, again.rows.rows) == (None, failed.rows.rows + 1)
    (published.root / failed.rows.path).unlink()
    assert sorted((shard.split, shard.rows) for shard in dataset_shards(published.root)) == [
        ("test", 30), ("train", 9), ("train", 201),
    ]  # fmt: skip
    data = datasets.load_dataset(
        "parquet", data_files=str(tmp_path / "dataset/data/train-*.parquet"), split="train", cache_dir=str(tmp_path)
    )
    assert data["id"] == sorted(row["id"] for row in rows if row["split"] == "train")
    assert data[0]["image"].size


@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)), min_size=2, max_size=2, unique=True))
def test_the_files_of_parts_lie_in_the_order_of_their_rows(parts: list[tuple[int, int]]) -> None:
    names = [file_name(f"train-00007-of-00009.{first}-{last}") for first, last in sorted(parts)]
    assert names == sorted(set(names))
    assert file_name("train-00007-of-00009") == "train-00007-of-00009.parquet"


def test_images_lie_as_they_are_and_texts_are_compressed_and_checked(tmp_path: Path, rows: list[Row]) -> None:
    files_ = [pq.ParquetFile(io.BytesIO(data)) for data in Published(tmp_path, rows, 100).all().values()]
    for file in files_:
        assert file.metadata.num_row_groups == 1
        group = file.metadata.row_group(0)
        columns = {group.column(index).path_in_schema: group.column(index) for index in range(group.num_columns)}
        image = columns.pop("image.bytes")
        assert (image.compression, image.has_dictionary_page, image.statistics) == ("UNCOMPRESSED", False, None)
        assert set(image.encodings) == {"PLAIN", "RLE"}
        assert {column.compression for column in columns.values()} == {"ZSTD"}
        assert columns["id"].statistics.has_min_max
        assert image.has_offset_index
        assert columns["task_name"].has_dictionary_page
        found = file.read(["image"])["image"].to_pylist()
        assert all(Image.open(io.BytesIO(item["bytes"])).format == "PNG" for item in found)


def test_a_shard_reads_its_share_of_every_file_and_no_damaged_page(tmp_path: Path, rows: list[Row]) -> None:
    published = Published(tmp_path, rows, 120)
    tasks = [task for task in published.tasks() if task.shard.startswith("train")]
    path = Path(str(published.root), published.before[0].rows.path)
    metadata, data = pq.read_metadata(path), bytearray(path.read_bytes())
    last = metadata.row_group(metadata.num_row_groups - 1)
    for column in map(last.column, range(last.num_columns)):
        data[(column.dictionary_page_offset or column.data_page_offset) + column.total_compressed_size - 1] ^= 1
    path.write_bytes(data)
    published.run(tasks[0])
    with pytest.raises(files.DamagedFile, match="has changed"):
        published.run(tasks[-1])


def test_the_layout_finds_images_wherever_they_are() -> None:
    schema = pa.schema([("id", pa.string()), ("pages", pa.list_(pa.struct([("image", IMAGE), ("n", pa.int32())])))])
    options = layout(schema)
    assert options["column_encoding"] == {"pages.list.element.image.bytes": "PLAIN"}
    assert options["use_dictionary"] == ["pages.list.element.image.path", "pages.list.element.n"]
    assert options["row_group_size"] < layout(pa.schema([("id", pa.string())]))["row_group_size"]
