"""Card and report of a crawled dataset: several languages, several configurations, rows made between stages."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from huggingface_hub import DatasetCard
from markdown_it import MarkdownIt
from upath import UPath

from builders.stages.publish import dataset_schema
from builders.stages.publish_artworks import PROMPTS, PUBLISHED
from cards.card import Card, Source, load_card, write_card
from cards.columns import described
from cards.dataset import Shard, configs, dataset_shards, images_by_licence, parts, rows_by_language
from tests.crawled_build import write_crawled_build
from tests.sample_build import HOSTILE, edit_build, write_sample_build

CARD = Card(
    pretty_name="Artworks in three languages",
    made="crawled",
    languages=("en", "it", "fr", "ja"),
    summary="Explanations of artworks, as Wikipedia gives them.",
    sources=(Source("Wikipedia", "https://www.wikipedia.org", "CC BY-SA 4.0", "the texts"),),
    task_categories=("image-text-to-text",),
    licence="cc-by-sa-4.0",
    default_config="full",
    attribution="Name the article and link to its revision (`page_url`).",
)


@pytest.fixture
def build(tmp_path: Path) -> UPath:
    return write_crawled_build(UPath(tmp_path / "out"))


def card_of(build: UPath, card: Card = CARD) -> str:
    return write_card(build, card).read_text(encoding="utf-8")


def test_metadata_lists_every_configuration_with_its_splits(build: UPath) -> None:
    data = DatasetCard(card_of(build)).data.to_dict()
    assert [(config["config_name"], config.get("default", False)) for config in data["configs"]] == [
        ("full", True),
        ("alignment-3", False),
        ("pages", False),
    ]
    assert data["configs"][0]["data_files"] == [
        {"split": split, "path": f"full/{split}-*.parquet"} for split in ("train", "validation", "test")
    ]
    assert data["configs"][1]["data_files"] == [{"split": "test", "path": "alignment-3/test-*.parquet"}]


def test_metadata_says_found_and_not_translated(build: UPath) -> None:
    data = DatasetCard(card_of(build)).data.to_dict()
    assert data["annotations_creators"] == data["language_creators"] == ["found"]
    assert data["multilinguality"] == ["multilingual"]
    assert data["language"] == ["en", "it", "ja"]
    assert "machine-translated" not in data["tags"]
    text = card_of(build)
    for word in ("ranslator", "machine-translated", "Decoding"):
        assert word not in text


@pytest.mark.parametrize(("config", "rows"), [(None, 42), ("full", 42), ("alignment-3", 10), ("pages", 25)])
def test_datasets_opens_every_configuration(
    build: UPath, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, config: str | None, rows: int
) -> None:
    datasets = pytest.importorskip("datasets")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_OFFLINE", True)
    write_card(build, CARD)
    loaded = datasets.load_dataset(str(build / "dataset"), config, cache_dir=str(tmp_path / "cache"))
    assert sum(loaded.num_rows.values()) == rows


def test_rows_of_every_configuration_split_and_language(build: UPath) -> None:
    text = card_of(build)
    assert "| Rows | 77 in 3 configurations |" in text
    assert "| configuration | split | rows | en | it | ja |" in text
    assert "| `full` | test | 37 | 3 | 16 | 18 |" in text
    assert "| `alignment-3` | test | 10 | 2 | 4 | 4 |" in text
    assert 'load_dataset("path/to/this/folder", "full", split="train")' in text


def test_columns_are_told_by_schema(build: UPath) -> None:
    text = card_of(build)
    assert "Of `full`, `alignment-3`:\n\n| column |" in text
    assert "Of `pages`:\n\n| column |" in text
    rows = [line for line in text.splitlines() if line.startswith("| `") and line.count("|") == 4 and "` | `" in line]
    assert len(rows) == 20 + 12
    assert not [line for line in rows if line.endswith("|  |")]


@pytest.mark.parametrize("schema", [PUBLISHED, PROMPTS, dataset_schema("embed")])
def test_every_column_of_the_recipes_is_described(schema: pa.Schema) -> None:
    columns = tuple((field.name, str(field.type)) for field in schema)
    ((_, described_columns),) = described([Shard(UPath("a.parquet"), "default", "train", (1,), columns)])
    assert [column.name for column in described_columns if not column.holds] == []


def test_rows_made_between_stages_are_part_of_the_sum(build: UPath) -> None:
    text = card_of(build)
    assert "30 pages went in" in text
    assert "30 + 52 = 77 written + 4 rejected by a filter + 1 failed." in text
    assert "| publish | 52 | 77 | 77 | 0 | 0 |" in text
    assert "| **the build** | **52** | **30** | **77** | **4** | **1** |" in text
    assert "| `stub_v1` | 3 | 10 % |" in text


def test_a_sum_that_fails_with_rows_made_is_named(build: UPath) -> None:
    edit_build(build, counts={"rows_in": 31, "rows_written": 77, "rows_rejected": 4, "rows_failed": 1})
    with pytest.raises(ValueError, match="31 in and 52 made between stages, but 77 written, 4 rejected and 1 failed"):
        write_card(build, CARD)


def test_written_rows_that_are_missing_in_one_configuration_are_named(build: UPath) -> None:
    (build / "dataset" / "alignment-3" / "test-00000-of-00001.parquet").unlink()
    with pytest.raises(ValueError, match="77 rows written, but dataset/ holds 67"):
        write_card(build, CARD)


def test_images_are_counted_once_by_licence(build: UPath) -> None:
    assert images_by_licence(dataset_shards(build)) == {
        "CC BY-SA 4.0": 1,
        "Public domain": 2,
        "CC0": 2,
        "": 2,
        HOSTILE: 2,
    }
    text = card_of(build)
    assert "| Public domain | 2 |" in text
    assert "| not stated | 2 |" in text
    assert CARD.attribution in text


@pytest.mark.parametrize("embedded", [False, True])
def test_the_card_of_multiexpart_says_whether_pictures_are_in_it(build: UPath, embedded: bool) -> None:
    if embedded:
        for path in (build / "dataset" / "pages").glob("*.parquet"):
            table = pq.read_table(str(path))
            kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
            pq.write_table(table.append_column("image", pa.nulls(table.num_rows, kind)), str(path))
    text = card_of(build, load_card("multiexpart"))
    assert ("No images are in the dataset: `image_url` says where each is." in text) == (not embedded)
    assert ("Portraits show people" in text) == embedded


def test_only_languages_with_rows_are_named(build: UPath) -> None:
    assert "French" not in card_of(build)
    shards = dataset_shards(build)
    assert rows_by_language(parts(shards)) == {"en": 18, "it": 28, "ja": 31}
    translated = write_sample_build(build / "translated")
    assert "| Languages | English, French, translated from English |" in card_of(
        translated, replace(CARD, made="translated", languages=("en", "fr"), default_config="")
    )


def test_a_language_that_the_hub_does_not_know_stays_out_of_the_metadata(build: UPath) -> None:
    path = str(build / "dataset" / "pages" / "train-00000-of-00001.parquet")
    table = pq.read_table(path)
    column = table.schema.get_field_index("language")
    pq.write_table(table.set_column(column, "language", pa.array(["simple"] * table.num_rows)), path)
    text = card_of(build)
    assert DatasetCard(text).data.to_dict()["language"] == ["en", "it", "ja"]
    assert "| configuration | split | rows | en | it | ja | simple |" in text


def test_configurations_are_in_the_order_of_their_numbers(build: UPath) -> None:
    for name in ("alignment-10", "alignment-5"):
        shutil.copytree(build / "dataset" / "alignment-3", build / "dataset" / name)
    assert configs(dataset_shards(build)) == ("alignment-3", "alignment-5", "alignment-10", "full", "pages")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"default_config": "whole"}, "Card.default_config is 'whole', but there are alignment-3, full, pages"),
        ({"languages": ()}, "Card.language is ''"),
        ({"languages": ("en", "Italian")}, "Card.languages is 'Italian'"),
    ],
)
def test_what_a_recipe_states_wrongly_is_named(build: UPath, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        write_card(build, replace(CARD, **changes))


def test_hostile_text_stays_text(build: UPath) -> None:
    html = MarkdownIt("gfm-like", {"html": True, "linkify": False}).render(DatasetCard(card_of(build)).text)
    assert "<script" not in html
    assert "<img" not in html.replace('<img src="assets/', "")
    assert "U+202E" in html
