"""Cards of datasets that are not conversations alone: what their builds say, mixtures, and texts in two languages."""

import json
import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from huggingface_hub import DatasetCard
from markdown_it import MarkdownIt
from upath import UPath

from builders.sources.forms import FORMS
from cards.build import read_build
from cards.card import card_of, write_card
from cards.columns import described
from cards.dataset import Shard
from cards.report import write_report
from tests.benchmark_build import ten_answers, write_benchmark
from tests.sample_build import HOSTILE, edit_build, write_sample_build

RECIPES_OF = {
    "cc3m": "cc3m-eus",
    "pixmo_ask_model_anything": "pixmo-ama-eus",
    "vqav2": "vqav2-eus",
    "a_okvqa": "a-okvqa-eus",
    "pixmo_cap_qa": "pixmo-capqa-eus",
    "wildvision": "wildvision-eus",
    "llava": "llava-it",
}
SOURCES = [
    {"name": "POPE", "url": "https://github.com/RUCAIBox/POPE", "licence": "mit", "gives": "questions and `answers`"}
]
VALUES = {"pretty_name": "POPE in Italian", "language": "it", "licence": "mit", "sources": SOURCES}


@pytest.fixture
def build(tmp_path: Path) -> UPath:
    return write_sample_build(UPath(tmp_path / "out"))


def text_of(build: UPath) -> str:
    return write_card(build, card_of(read_build(build))).read_text(encoding="utf-8")


def metadata_of(text: str) -> dict[str, Any]:
    found: dict[str, Any] = DatasetCard(text).data.to_dict()
    return found


def test_a_build_says_what_no_recipe_knows(build: UPath) -> None:
    edit_build(build, card="translate-any", card_values=VALUES | {"columns": {"task_name": "as in the source"}})
    text = text_of(build)
    found = metadata_of(text)
    assert (found["pretty_name"], found["language"], found["license"]) == ("POPE in Italian", ["it"], "mit")
    assert found["source_datasets"] == ["extended|other-pope"]
    assert "# POPE in Italian\n" in text
    assert "| Languages | Italian, translated from English |" in text
    assert "| [POPE](https://github.com/RUCAIBox/POPE) | questions and \\`answers\\` | mit |" in text
    assert "| `task_name` | `string` | as in the source |" in text


def test_a_column_is_explained_by_the_name_that_it_had(build: UPath) -> None:
    edit_build(build, card="translate-any", card_values=VALUES, renamed_columns={"task_name": "sp|it"})
    assert "| `task_name` | `string` | `sp\\|it` of the source dataset |" in text_of(build)


def test_several_languages_are_named(build: UPath) -> None:
    edit_build(build, card="translate-any", card_values=VALUES | {"language": "", "languages": ["it", "eu"]})
    text = text_of(build)
    assert metadata_of(text)["language"] == ["it", "eu"]
    assert "| Languages | Italian, Basque, translated from English |" in text


def test_a_build_that_says_nothing_has_the_recipe_s_card(build: UPath) -> None:
    edit_build(build, card="translate-any", card_values={"language": "it"})
    text = text_of(build)
    assert metadata_of(text)["license"] == "unknown"
    assert "| Licence of the texts | not stated |" in text


@pytest.mark.parametrize("licence", ["my own", HOSTILE, "CC BY 4.0\nlicense: mit"])
def test_a_licence_that_the_hub_does_not_know_is_unknown_and_stays_with_its_source(build: UPath, licence: str) -> None:
    sources = [SOURCES[0] | {"licence": licence}]
    edit_build(build, card="translate-any", card_values=VALUES | {"licence": licence, "sources": sources})
    text = text_of(build)
    assert metadata_of(text)["license"] == "unknown"
    assert licence.split()[0].replace("<", "&lt;") in text


def test_what_a_build_says_of_its_card_is_obeyed_by_nobody(build: UPath) -> None:
    sources = [{"name": HOSTILE, "url": "javascript:alert(1)", "licence": HOSTILE, "gives": HOSTILE}, "nonsense"]
    values = {"pretty_name": HOSTILE, "language": "it", "sources": sources, "acceptance": 0, "repo_id": "evil/repo"}
    edit_build(build, card="translate-any", card_values=values | {"columns": {"split": HOSTILE}})
    card = card_of(read_build(build))
    assert (card.acceptance, card.repo_id, card.sources[0].url) == (0.8, "", "")
    body = DatasetCard(text_of(build)).text
    html = MarkdownIt("gfm-like", {"html": True, "linkify": False}).render(body.split("## Citation")[0])
    for forbidden in ("<script", "<img src=x", "<b onclick", 'href="http://evil', 'href="javascript'):
        assert forbidden not in html


def test_a_mixture_says_what_is_in_it_and_what_the_paper_has(build: UPath) -> None:
    ingredient = {
        "dataset": "llava|`x`",
        "language": "it",
        "with": "image",
        "samples": 1200,
        "turns": 2400,
        "tokens": 9,
    }
    edit_build(build, card="italian-mixture", mixture={
        "tokens_by": "words, parted by white space",
        "sets": {"default": {"by": [ingredient, "nonsense"]}, "odd": None},
        "paper": {"said": "given 1,200, the paper has 172,335 (difference -171,135)"},
    })  # fmt: skip
    text = text_of(build)
    assert "| dataset | language | with | samples | turns | tokens |\n|:--|:--|:--|--:|--:|--:|\n" in text
    assert "| `` llava\\|`x` `` | Italian | image | 1,200 | 2,400 | 9 |\n" in text
    assert "the paper has 172,335 (difference -171,135)." in text
    assert "| Languages | Italian |" in text
    assert "| Model |" not in text
    assert "were translated by" not in text


def test_a_benchmark_says_that_the_english_is_there_and_how_to_evaluate(tmp_path: Path) -> None:
    row = {"question_id": 1, "question": "?", "answers": ten_answers("bai"), "multiple_choice_answer": "bai"}
    build = write_benchmark(UPath(tmp_path / "b"), "vqav2-eus", {"eu": {"test": [row]}, "en": {"test": [row]}})
    text = (build / "dataset" / "README.md").read_text(encoding="utf-8")
    found = metadata_of(text)
    assert found["language"] == ["eu", "en"]
    assert [config["config_name"] for config in found["configs"] if config.get("default")] == ["eu"]
    assert "| Languages | Basque, translated from English, which is there too |" in text
    assert "--include_path vqav2_eus/lmms_eval --tasks vqav2_eus " in text
    assert "`vqa_inclusion` is the score of the Basque paper" in text
    assert "`multiple_choice_answer` | `string` | the answer that most people gave |" in text


def test_copies_in_the_language_of_the_source_are_called_that(tmp_path: Path) -> None:
    row = {"question_id": 1, "question": "Zer?", "answers": [], "multiple_choice_answer": "bai"}
    build = write_benchmark(UPath(tmp_path / "b"), "vqav2-eus", {"eu": {"test": [row]}, "en": {"test": [row]}})
    stages = [
        {"name": "compose", "rows_in": 1, "rows_written": 1},
        {"name": "publish", "rows_in": 2, "rows_written": 2},
    ]
    edit_build(build, counts={"rows_in": 1, "rows_written": 2, "rows_rejected": 0, "rows_failed": 0}, stages=stages)
    said = "1 rows went in, and 1 of them are there a second time, in English"
    assert said in text_of(build)
    page = write_report(build).read_text()
    assert said in page
    assert "made out of" not in page


def test_examples_of_a_benchmark_are_the_translated_rows_once_each(tmp_path: Path) -> None:
    rows = [
        {"question_id": place, "question": "?", "answers": None, "multiple_choice_answer": "bai"} for place in range(9)
    ]
    build = write_benchmark(UPath(tmp_path / "b"), "vqav2-eus", {"eu": {"test": rows[:2]}, "en": {"test": rows}})
    text = (build / "dataset" / "README.md").read_text(encoding="utf-8")
    assert sorted(re.findall(r"^\*\*Row\*\*, .*`(test-\d)`$", text, re.MULTILINE)) == ["test-0", "test-1"]


def test_rows_that_stages_made_or_left_out_are_said_and_no_language_is_invented(tmp_path: Path) -> None:
    row = {"question_id": 1, "question": "?", "answers": ten_answers("bai"), "multiple_choice_answer": "bai"}
    build = write_benchmark(UPath(tmp_path / "b"), "vqav2-eus", {"eu": {"test": [row]}, "en": {"test": [row]}})
    steps = [("ingest", 5, 5), ("draw", 1, 1), ("publish", 2, 2)]
    edit_build(
        build,
        counts={"rows_in": 5, "rows_written": 2, "rows_rejected": 0, "rows_failed": 0},
        stages=[{"name": name, "rows_in": came, "rows_written": went} for name, came, went in steps],
    )
    text = text_of(build)
    assert "5 rows went in, and stages read 3 rows fewer than those before them wrote:\n5 − 3 = 2 written" in text
    assert "| language | rows in |" not in text


def test_rows_without_turns_are_shown_by_their_translations_alone(tmp_path: Path) -> None:
    build = write_sample_build(UPath(tmp_path / "out"))
    for path in (build / "dataset" / "data").glob("*.parquet"):
        table = pq.read_table(str(path)).drop_columns(["conversations"])
        table = table.append_column("caption", pa.array(["una casa"] * len(table)))
        table = table.append_column("caption_en", pa.array(["a house"] * len(table)))
        pq.write_table(table, str(path))
    edit_build(build, card="cc3m-eus")
    text = text_of(build)
    assert "print(row)\n" in text
    assert "\n| | |\n|:--|:--|\n\n" not in text
    assert "| translated | English | Basque |" in text
    assert "| `caption_en` | `string` | `caption` in English |" in text
    assert "The row has no conversation" not in write_report(build).read_text(encoding="utf-8")
    assert metadata_of(text)["language"] == ["eu", "en"]


@pytest.mark.parametrize("name", RECIPES_OF)
def test_every_column_of_the_recipes_is_described(name: str) -> None:
    columns = tuple((column.name, str(column.type)) for column in FORMS[name].columns)
    columns += tuple((f"{text}_en", "string") for text in FORMS[name].texts)
    ((_, found),) = described([Shard(UPath("a.parquet"), "default", "train", (1,), columns)])
    assert [column.name for column in found if not column.holds] == []


@pytest.mark.parametrize("name", RECIPES_OF.values())
def test_a_card_states_the_licence_of_each_source(name: str) -> None:
    raw = yaml.safe_load((Path("cards/recipes") / f"{name}.yaml").read_text(encoding="utf-8"))
    assert all(source["licence"] and source["gives"] for source in raw["sources"])
    assert raw["limits"]
    assert raw["personal"]
    assert json.dumps(raw)
