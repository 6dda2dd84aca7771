"""The card: metadata that loads, figures that are those of the build, and nothing that the rows say is obeyed."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from huggingface_hub import DatasetCard
from markdown_it import MarkdownIt
from upath import UPath

from builders.demo import catalogue
from cards.card import RECIPES, Card, Source, load_card, write_card
from tests.crawled_build import write_crawled_build
from tests.sample_build import FINGERPRINT, HOSTILE, edit_build, one_image, write_sample_build

CARD = Card(
    pretty_name="MultiInstruct, in Italian",
    language="it",
    summary="Instructions about images, translated from English.",
    sources=(
        Source("MultiInstruct", "https://github.com/VT-NLP/MultiInstruct", "Apache-2.0", "instructions"),
        Source("COCO 2014", "https://cocodataset.org", "CC BY 4.0", "images", hub_id="example/coco"),
    ),
    task_categories=("visual-question-answering", "image-text-to-text"),
    licence="cc-by-4.0",
    decoding="greedy",
    limits=("Names of places are not translated.",),
    contact="data@example.org",
    citation="@inproceedings{xu2023multiinstruct,\n  title = {MultiInstruct},\n  year = {2023}\n}",
)


@pytest.fixture
def build(tmp_path: Path) -> UPath:
    return write_sample_build(UPath(tmp_path / "out"))


def card_of(build: UPath, card: Card = CARD) -> str:
    return write_card(build, card).read_text(encoding="utf-8")


def html_of(text: str) -> str:
    body = DatasetCard(text, ignore_metadata_errors=False).text
    return MarkdownIt("gfm-like", {"html": False, "linkify": False}).render(body)


def only_our_images(html: str) -> bool:
    images = re.findall(r"<img[^>]*>", html)
    return bool(images) and all(
        re.fullmatch(r'<img src="assets/[\w-]+\.(svg|jpg)" alt="[^"]*"\s*/?>', i) for i in images
    )


def test_metadata_loads_and_says_what_the_hub_needs(build: UPath) -> None:
    write_card(build, CARD)
    data = DatasetCard.load(Path(str(build)) / "dataset" / "README.md").data.to_dict()
    assert data["language"] == ["it"]
    assert data["license"] == "cc-by-4.0"
    assert data["annotations_creators"] == data["language_creators"] == ["machine-generated"]
    assert data["size_categories"] == ["n<1K"]
    assert data["source_datasets"] == ["extended|other-multiinstruct", "example/coco"]
    assert data["task_categories"] == ["visual-question-answering", "image-text-to-text"]
    assert data["configs"][0]["data_files"] == [
        {"split": split, "path": f"data/{split}-*.parquet"} for split in ("train", "validation", "test")
    ]
    assert data["multilinguality"] == ["translation"]
    info = data["dataset_info"]
    assert {split["name"]: split["num_examples"] for split in info["splits"]} == {
        "train": 48,
        "validation": 6,
        "test": 6,
    }
    files = list((build / "dataset" / "data").glob("*.parquet"))
    assert info["download_size"] == sum(file.stat().st_size for file in files)
    assert info["dataset_size"] == sum(split["num_bytes"] for split in info["splits"]) > 0


def test_norwegian_is_not_false(build: UPath) -> None:
    text = card_of(build, replace(CARD, language="no"))
    assert yaml.safe_load(text.split("---\n")[1])["language"] == ["no"]


def test_figures_are_those_of_the_build(build: UPath) -> None:
    text = card_of(build)
    assert "71 rows went in: 60 were written, 9 rejected by a filter, 2 failed." in text
    assert "| `length_ratio` | 4 |" in text
    assert "| `JSONDecodeError` | 1 |" in text
    assert "60 (48 train, 6 validation, 6 test)" in text
    assert FINGERPRINT in text
    assert "| Model | `google/madlad400-3b-mt` |" in text
    assert "| Decoding | greedy |" in text
    assert "python builders/multiinstruct_it.py --input train.jsonl" in text
    for column in ("id", "image", "conversations", "translations", "checks"):
        assert f"| `{column}` |" in text


def test_the_fingerprint_is_not_said_to_cover_images_or_judgements(build: UPath) -> None:
    said = "computed from the configuration, the inputs by name and content, the translator and the code."
    no_part = "The contents of images, and what people decided of rows, are no part of it."
    assert f"`{FINGERPRINT}`. It is {said} {no_part}" in card_of(build)
    assert "A word in capitals stands for a path" in card_of(build)


def test_it_says_how_to_open_and_how_to_cite_it(build: UPath) -> None:
    text = card_of(build, replace(CARD, repo_id="babel/vqa-it"))
    assert text.count('load_dataset("babel/vqa-it", split="train"') == 3
    assert "streaming=True)" in text
    assert 'revision="TAG-OR-COMMIT")' in text
    assert "  howpublished = {\\url{https://huggingface.co/datasets/babel/vqa-it}}," in text
    assert "  author = {{babel}}," in text
    assert "  year = {2025}," in text
    cited = re.findall(r"```bibtex\n@\w+\{([\w-]+),", text)
    assert cited == ["multiinstruct-it-demo", "xu2023multiinstruct", "kudugunta2023madlad"]


def test_a_chat_model_is_told_with_its_prompt(build: UPath) -> None:
    settings = {"prompt": "vqav2_eu 2 0fb3|a", "decoding": "temperature 0.3", "seed": "0"}
    edit_build(build, translator={"name": "latxa", "revision": "1", "settings": settings})
    text = card_of(build)
    assert "| Prompt (name, version, hash) | `vqav2_eu 2 0fb3\\|a` |" in text
    assert "| Decoding | `temperature 0.3` |" in text
    assert "| Setting `seed` | `0` |" in text


def test_people_in_the_rows_and_who_takes_one_down_are_told(build: UPath) -> None:
    assert "write to data@example.org, with its `id`" in card_of(build)
    text = card_of(build, replace(CARD, contact="", personal="Faces can be seen."))
    assert "open a discussion on this dataset’s Community page, with its `id`" in text
    assert "Faces can be seen." in text


@pytest.mark.parametrize("images", ["bytes", "path"])
def test_people_in_images_are_told_only_where_there_are_images(tmp_path: Path, images: str) -> None:
    build = write_sample_build(UPath(tmp_path), rows=10, images=images, paint=one_image)
    text = card_of(build, replace(CARD, personal="Rows name people.", personal_images="Faces can be seen."))
    none = "No images are in the dataset: `image_path` says where each is."
    assert f"Rows name people. {'Faces can be seen.' if images == 'bytes' else none}\n" in text
    assert ("Faces can be seen." in text, none in text) == (images == "bytes", images == "path")


def test_a_translator_with_a_warning_is_loud(build: UPath) -> None:
    assert "Do not train" not in card_of(build)
    edit_build(build, translator={"name": "demo", "revision": "1", "warning": "It knows | 300 words.\n# Fine"})
    text = card_of(build)
    assert "> ## ⚠️ Do not train on this dataset\n> **Its translator carries a warning:**" in text
    assert "> It knows \\| 300 words. \\# Fine" in text
    assert "not-for-training" in DatasetCard(text).data.to_dict()["tags"]


def test_hostile_text_stays_text(build: UPath) -> None:
    edit_build(
        build,
        command=f"python x.py\n```\n# Owned {HOSTILE}",
        versions={HOSTILE: HOSTILE},
        inputs=[{"path": HOSTILE, "rows": 1}],
        translator={"name": HOSTILE, "revision": HOSTILE, "warning": HOSTILE},
    )
    text = card_of(build)
    assert "\u202e" not in text
    assert "U+202E" in text
    html = html_of(text)
    assert "<script" not in html
    assert only_our_images(html)
    assert "evil.example" not in "".join(re.findall(r'(?:href|src)="([^"]*)"', html))
    assert "Owned" not in "".join(re.findall(r"<h1>(.*?)</h1>", html))
    for table in re.findall(r"<table>.*?</table>", html, re.S):
        widths = {len(re.findall(r"<t[hd][ >]", row)) for row in re.findall(r"<tr>.*?</tr>", table, re.S)}
        assert len(widths) == 1, table
        assert "<tbody>" in table, table


def test_raw_html_in_figures_is_escaped_even_where_html_is_allowed(build: UPath) -> None:
    edit_build(build, versions={HOSTILE: HOSTILE}, translator={"name": "m", "revision": "", "warning": HOSTILE})
    html = MarkdownIt("gfm-like", {"html": True, "linkify": False}).render(DatasetCard(card_of(build)).text)
    assert "<script" not in html
    assert only_our_images(html)
    assert "<b onclick" not in html


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"status": "running"}, "status is 'running'"),
        ({"counts": {"rows_in": 72, "rows_written": 60, "rows_rejected": 9, "rows_failed": 2}}, "do not add up"),
        ({"counts": {"rows_in": 72, "rows_written": 61, "rows_rejected": 9, "rows_failed": 2}}, "says 61 rows written"),
        ({"counts": {}}, "no counts"),
    ],
)
def test_no_card_for_a_build_that_does_not_add_up(build: UPath, changes: dict[str, Any], said: str) -> None:
    edit_build(build, **changes)
    with pytest.raises(ValueError, match=said):
        write_card(build, CARD)
    assert not (build / "dataset" / "README.md").exists()


def test_every_problem_of_a_recipe_is_named_at_once(build: UPath) -> None:
    with pytest.raises(ValueError, match=r"(?s)Card\.language.*Card\.licence_name"):
        write_card(build, replace(CARD, language="Italian", licence="other"))


def test_the_cards_of_the_recipes_can_be_written(build: UPath) -> None:
    crawled = write_crawled_build(build / "crawled")
    for path in RECIPES.glob("*.yaml"):
        card = load_card(path.stem)
        card = card if card.made == "crawled" else replace(card, default_config="")  # this build has no configurations
        assert card.pretty_name in card_of(crawled if card.made == "crawled" else build, card)
    with pytest.raises(ValueError, match="no card 'nothing'; there are"):
        load_card("nothing")


def test_the_card_of_the_bundled_sample_claims_no_photographs(build: UPath) -> None:
    text = card_of(build, load_card("multiinstruct-it-demo"))
    assert "license: apache-2.0" in text
    for word in (
        "Visual Genome",
        "COCO",
        "VizWiz",
        "wikiHow",
        "github.com",
        "photographs from",
        "xu2023",
        "musacchio2025",
    ):
        assert word not in text


def test_no_recipe_repeats_a_tag_that_every_card_has() -> None:
    for path in RECIPES.glob("*.yaml"):
        assert not {"vision-language", "machine-translated"} & set(load_card(path.stem).tags)


def test_every_picture_of_the_bundled_sample_may_be_shown() -> None:
    (folder,) = load_card("multiinstruct-it-demo").images_shown
    for row in (*catalogue.training_rows(), *catalogue.testing_rows(), *catalogue.per_task_rows()):
        assert folder in Path(row.image_path).parts[:-1]


def test_datasets_opens_the_folder_with_the_card(build: UPath, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    datasets = pytest.importorskip("datasets")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_OFFLINE", True)
    write_card(build, CARD)
    loaded = datasets.load_dataset(str(build / "dataset"), cache_dir=str(tmp_path / "cache"))
    assert {split: len(rows) for split, rows in loaded.items()} == {"train": 48, "validation": 6, "test": 6}
    assert loaded["train"][0]["image"].size == (640, 420)
