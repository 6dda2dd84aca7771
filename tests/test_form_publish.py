"""What is published of a form's rows: its columns beside ours, their parallels, languages, and images out of packs."""

import hashlib
import io
import json
import random
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from upath import UPath

from builders.engine import Row, RowError, StageError
from builders.engine.worker import Job
from builders.sources.items import ITEMS, Form, Item
from builders.stages.compose import ComposeForm, Parallel
from builders.stages.features import destination
from builders.stages.packs import Pack
from builders.stages.publish import Publish
from builders.transforms.fields import CHECKS, field
from cards.dataset import configs, dataset_shards
from tests.stage_alone import StageAlone

CHECKED = ITEMS.append(CHECKS)
COLUMNS = pa.schema([("id", pa.int64()), ("question", pa.string()), ("answers", pa.list_(pa.string()))])
COUNT = 40


def compose(told: Mapping[str, str], kept: Mapping[str, Any]) -> Row:
    return {"id": kept["id"], "question": told["question"], "answers": [told["answers.0"], told["answers.1"]]}


def read(raw: Mapping[str, Any], language: str, counters: Counter[str]) -> Item:
    raise NotImplementedError


FORM = Form("made", "a form of tests", COLUMNS, ("question", "answers"), read, compose, lambda raw: False)


def png(number: int) -> bytes:
    file, chance = io.BytesIO(), random.Random(number)
    Image.frombytes("RGB", (20, 20), chance.randbytes(1200)).save(file, "PNG")
    return file.getvalue()


def items(folder: Path, language: str = "eu", count: int = COUNT) -> list[Row]:
    """Translated rows with their images in packs; every tenth is a file, every seventh is not there."""
    rows = []
    with Pack(UPath(folder), "test") as pack:
        for number in range(count):
            file = folder / f"{number}.png"
            if number % 10 == 0:
                file.write_bytes(png(number))
            rows.append(
                {
                    "id": hashlib.sha256(f"{language}{number}".encode()).hexdigest()[:32],
                    "split": "test" if number % 4 == 0 else "train", "language": language,
                    "image_file": None if number % 7 == 6 else str(file) if number % 10 == 0
                    else pack.add(f"{number}.png", png(number)),
                    "image_path": f"{number}.png", "image_url": None, "image_sha256": None, "source": "{}",
                    "layout": json.dumps({"id": number}), "checks": [],
                    "fields": [
                        field("question", "question", f"what {number}?", target=f"zer {number}?"),
                        field("answers.0", "answer", "yes", target="bai", by="glossary"),
                        field("answers.1", "answer", "no", target="ez", by="glossary"),
                    ],
                }
            )  # fmt: skip
    return rows


def published(
    folder: Path, rows: list[Row], parallel: Parallel = "", form: Form = FORM, shard_rows: int = 9, **options: Any
) -> StageAlone:
    """Composed by the form, and planned for publishing."""
    stage = ComposeForm(CHECKED, form, parallel)
    outcome = stage.process(rows)
    assert not outcome.failed
    publish = Publish(options.pop("images", "embed"), 1000, card="", columns=stage.columns, **options)
    alone = StageAlone(folder, publish, outcome.written, stage.schema, shard_rows)
    alone.build.identity["translator"] = {"name": "somebody", "revision": "1"}
    return alone


def opened(alone: StageAlone, config: str = "data") -> dict[str, list[Row]]:
    """A configuration as `load_dataset` opens it, by split, images as their bytes."""
    files: dict[str, list[str]] = {}
    for path in sorted(Path(str(alone.root)).glob(f"dataset/{config}/*.parquet")):
        files.setdefault(path.name.partition("-")[0], []).append(str(path))
    found = datasets.load_dataset("parquet", data_files=files, cache_dir=str(alone.root / "cache"))
    if "image" in found["train"].column_names:
        found = found.cast_column("image", datasets.Image(decode=False))
    return {split: list(data) for split, data in found.items()}


def test_columns_of_a_form_stand_between_ours_and_images_come_out_of_packs(tmp_path: Path) -> None:
    rows = items(tmp_path)
    alone = published(tmp_path, rows)
    alone.records()
    found = opened(alone)
    assert {split: len(its) for split, its in found.items()} == {"test": 10, "train": 30}
    assert list(found["train"][0]) == [
        "id", "image", "image_path", "source_id", "question", "answers", "split", "source", "translations",
        "translator", "translator_revision", "checks",
    ]  # fmt: skip
    given = {row["id"]: row for row in rows}
    for row in [*found["train"], *found["test"]]:
        number = json.loads(given[row["id"]]["layout"])["id"]
        assert (row["source_id"], row["question"], row["answers"]) == (number, f"zer {number}?", ["bai", "ez"])
        assert row["image"] == (None if number % 7 == 6 else {"bytes": png(number), "path": f"{number}.png"})
        assert [item["source"] for item in row["translations"]] == [f"what {number}?", "yes", "no"]
        assert row["translator"] == "somebody"


def test_a_parallel_as_columns_stands_beside_the_columns_that_hold_language(tmp_path: Path) -> None:
    alone = published(tmp_path, items(tmp_path), "columns", images="path")
    alone.records()
    row = opened(alone)["train"][0]
    assert list(row)[:7] == ["id", "image_path", "source_id", "question", "question_en", "answers", "answers_en"]
    assert row["question_en"] == row["question"].replace("zer", "what")
    assert row["answers_en"] == ["yes", "no"]


def test_a_parallel_as_a_configuration_has_the_same_ids_images_and_columns(tmp_path: Path) -> None:
    alone = published(tmp_path, items(tmp_path), "config")
    alone.records()
    assert configs(dataset_shards(alone.root)) == ("en", "eu")
    basque, english = opened(alone, "eu"), opened(alone, "en")
    for split in ("train", "test"):
        for ours, theirs in zip(basque[split], english[split], strict=True):
            assert list(ours) == list(theirs)
            for name in ("id", "image", "image_path", "source_id", "split", "source"):
                assert ours[name] == theirs[name]
            assert theirs["question"] == ours["question"].replace("zer", "what")
            assert (theirs["answers"], ours["answers"]) == (["yes", "no"], ["bai", "ez"])
            assert (theirs["translations"], theirs["translator"], theirs["checks"]) == ([], None, [])
            assert len(ours["translations"]) == 3


def test_several_languages_are_a_configuration_each(tmp_path: Path) -> None:
    rows = items(tmp_path, "eu") + items(tmp_path, "it", 20)
    alone = published(tmp_path / "a", rows, images="path")
    alone.records()
    assert {config: sum(map(len, opened(alone, config).values())) for config in ("eu", "it")} == {"eu": 40, "it": 20}
    both = published(tmp_path / "b", rows, "config", images="path")
    both.records()
    sizes = {config: sum(map(len, opened(both, config).values())) for config in ("eu", "it", "en")}
    assert sizes == {"eu": 40, "it": 20, "en": 60}


def test_the_same_rows_are_the_same_bytes_wherever_their_images_lie(tmp_path: Path) -> None:
    made = []
    for name, shard_rows in (("a", 9), ("b" * 90, 14)):
        (tmp_path / name).mkdir()
        rows = items(tmp_path / name)
        if made:
            rows = [row | {"image_file": moved(tmp_path / name, row)} for row in reversed(rows)]
        alone = published(tmp_path / name, rows, "config", shard_rows=shard_rows, shard_bytes=10_000)
        made.append({record.rows.path: (alone.root / record.rows.path).read_bytes() for record in alone.records()})
    assert made[0] == made[1]
    assert len(made[0]) > 8


def moved(folder: Path, row: Row) -> str | None:
    """The image of a row elsewhere: a packed one in a pack of its own."""
    if row["image_file"] is None or row["image_file"].startswith("/"):
        return row["image_file"]
    with Pack(UPath(folder), "moved") as pack:
        pack.add("first", b"0" * 4000)
        return pack.add(row["image_path"], png(json.loads(row["layout"])["id"]))


def test_ours_are_left_out_where_no_row_has_them_and_free_their_names(tmp_path: Path) -> None:
    columns = pa.schema([(name, pa.string()) for name in ("image_url", "image_path", "question")])
    form = Form("made", "", columns, ("question",), read, lambda told, kept: {
        "image_url": "theirs", "image_path": "too", "question": told["question"]}, lambda raw: False)  # fmt: skip
    bare = [row | {"image_file": None, "image_path": None} for row in items(tmp_path)]
    alone = published(tmp_path / "bare", bare, form=form)
    alone.records()
    row = opened(alone)["train"][0]
    assert list(row)[:4] == ["id", "image_url", "image_path", "question"]
    assert (row["image_url"], row["image_path"]) == ("theirs", "too")

    bare[3]["image_url"] = "https://example.org/a.jpg"
    urls = published(tmp_path / "urls", bare, form=form)
    urls.records()
    found = opened(urls)["train"]
    assert list(found[0])[:4] == ["id", "image_url", "source_image_url", "image_path"]
    assert sorted(filter(None, (row["image_url"] for row in found))) == ["https://example.org/a.jpg"]


def test_names_that_are_taken_get_source_before_them_as_often_as_needed(tmp_path: Path) -> None:
    columns = pa.schema([(name, pa.string()) for name in ("id", "source_id", "question", "question_en")])
    form = Form("made", "", columns, ("question",), read, lambda told, kept: {
        "id": "theirs", "source_id": "too", "question": told["question"], "question_en": "their own"},
        lambda raw: False)  # fmt: skip
    alone = published(tmp_path, items(tmp_path), "columns", form, images="path")
    alone.records()
    assert alone.build.applied["renamed_columns"] == {"source_source_id": "id"}
    row = opened(alone)["train"][0]
    assert (row["source_source_id"], row["source_id"], row["question_en"]) == ("theirs", "too", "their own")
    assert row["source_question_en"] == row["question"].replace("zer", "what")


def test_a_pack_that_was_cut_or_never_came_to_be_costs_its_rows_by_name_and_gives_no_wrong_image(
    tmp_path: Path,
) -> None:
    rows = items(tmp_path)
    half = Pack(UPath(tmp_path), "half")
    rows[1]["image_file"] = half.add("1.png", png(1))
    alone = published(tmp_path, rows)
    (path,) = (tmp_path / "images").glob("test-*.tar")
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    records = alone.records()
    failed = alone.failed(records)
    assert Counter(row["error_class"] for row in failed) == {"DamagedPack": len(failed)}
    assert all("delete the ledger of the stage that wrote the pack" in row["message"] for row in failed)
    assert rows[1]["id"] in {row["id"] for row in failed}
    left = [row for record in records for row in alone.of(record)]
    assert len(left) + len(failed) == COUNT
    assert 5 < len(failed) < COUNT - 5
    for row in left:
        number = row["source_id"]
        assert row["image"] == (None if number % 7 == 6 else {"bytes": png(number), "path": f"{number}.png"})


def test_splits_of_any_name_are_published_under_one_that_load_dataset_knows(tmp_path: Path) -> None:
    names = ["test-dev", "test dev", "../../val.1", "minitrain", ""]
    rows = [row | {"split": names[number % 5]} for number, row in enumerate(items(tmp_path))]
    alone = published(tmp_path, rows, images="path")
    alone.records()
    found = [row for path in (tmp_path / "dataset").glob("*/*.parquet") for row in pq.read_table(path).to_pylist()]
    assert {row["id"]: row["split"] for row in found} == {row["id"]: row["split"] for row in rows}
    shards = {shard.split: shard.rows for shard in dataset_shards(alone.root)}
    assert shards == {"test_dev": 16, "______val_1": 8, "minitrain": 8, "train": 8}


def test_bytes_in_a_pack_that_are_no_whole_image_are_refused(tmp_path: Path) -> None:
    rows = items(tmp_path)
    with Pack(UPath(tmp_path), "bad") as pack:
        for number, data in ((1, png(1)[:900]), (2, b"<html>"), (3, b"")):
            rows[number]["image_file"] = pack.add(f"{number}.png", data)
    alone = published(tmp_path, rows)
    failed = alone.failed(alone.records())
    assert {row["id"]: row["error_class"] for row in failed} == {rows[n]["id"]: "BadImage" for n in (1, 2, 3)}
    assert all("images/bad-" in row["message"] and ".png" in row["message"] for row in failed)


def test_parts_of_a_shard_lie_in_the_folder_of_its_configuration(tmp_path: Path) -> None:
    alone = published(tmp_path, items(tmp_path), "config", images="path")
    for task in alone.tasks():
        for low, high in ((0, 3), (3, task.rows)):
            alone.bench.run(Job(f"{task.shard}.{low}-{high}", task.shard, task.digest, task.source, low, high))
    rows = {config: sum(map(len, opened(alone, config).values())) for config in ("eu", "en")}
    assert rows == {"eu": COUNT, "en": COUNT}
    assert destination("train-00000-of-00001.0-3") == "dataset/data/train-00000-of-00001-0000000000000003.parquet"
    assert destination("zh-Hans.train-00000-of-00001.r2") == "dataset/zh-Hans/train-00000-of-00001-00000002.parquet"
    assert destination("") == "dataset/data/"


def test_what_a_form_makes_fits_its_columns_or_fails_by_name(tmp_path: Path) -> None:
    (row,) = items(tmp_path, count=1)

    def made(**values: Any) -> Row:
        form = Form("made", "", COLUMNS, (), read, lambda told, kept: compose(told, kept) | values, lambda raw: False)
        return ComposeForm(CHECKED, form).row(row, Counter())["composed"]

    assert made()["answers"] == ["bai", "ez"]
    for values, column in (
        ({"id": "one"}, "id"),
        ({"id": 2**70}, "id"),
        ({"answers": "bai"}, "answers"),
        ({"question": "\ud800"}, "question"),
    ):
        with pytest.raises(RowError, match=f"column '{column}': expected") as raised:
            made(**values)
        assert raised.value.error_class == "WrongType"
    with pytest.raises(StageError, match="form made makes answers, id, question, rationale; its columns are"):
        made(rationale="because")
