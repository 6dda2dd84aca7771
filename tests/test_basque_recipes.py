"""The Basque recipes as a user runs them: programs, on a real Ray, on small files in the upstream datasets' formats,
with a server of images that are gone or changed, and a chat server that knows some Basque."""

import json
import re
import shutil
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import datasets
import pyarrow.parquet as pq
import pytest

from builders import benchmarks_eus, cc3m_eus, pixmo_ama_eus
from builders.demo.basque.sample import write_images, write_rows
from builders.stages.draw import Draw
from builders.stages.translate import Translate
from tests.basque import PHRASES, Basque, in_basque
from tests.conftest import ROOT, environment
from tests.image_server import ImageServer
from tests.lying_server import LyingServer
from translators.fewshot.prompts import load_prompt
from translators.fewshot.queries import in_languages

LATXA = "HiTZ/Latxa-Llama-3.1-70B-Instruct"
QUESTIONS = "v2_OpenEnded_mscoco_val2014_questions.json"


@dataclass(frozen=True)
class Sample:
    """The sample files under `folder`, and the server of their images at `host`."""

    folder: Path
    host: str

    def url(self, trouble: str, name: str = "kitchen.jpg") -> str:
        return f"http://{self.host}/{trouble}/web/{name}"


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sample]:
    folder = tmp_path_factory.mktemp("sample")
    write_images(folder / "images")
    with ImageServer(folder / "images/web") as server:
        write_rows(folder, f"http://{server.hosts[0]}/good/web")
        yield Sample(folder, server.hosts[0])


@dataclass
class Built:
    """What a recipe has built in `out`, and what it printed."""

    out: Path
    text: str

    @property
    def build(self) -> dict[str, Any]:
        value: dict[str, Any] = json.loads((self.out / "build.json").read_text())
        return value

    def counters(self, stage: str) -> Counter[str]:
        (found,) = (item for item in self.build["stages"] if item["name"] == stage)
        return Counter(found["counters"])

    def lost(self) -> Counter[tuple[str, str]]:
        """How many rows were lost, by stage and class or filter."""
        counted: Counter[tuple[str, str]] = Counter()
        for folder, why in (("failed", "error_class"), ("rejected", "filter")):
            for path in (self.out / folder).glob("*.parquet"):
                counted.update((row["stage"], row[why]) for row in pq.read_table(path).to_pylist())
        return counted

    def opened(self, config: str = "default") -> dict[str, list[dict[str, Any]]]:
        """The rows of a configuration by split, as `load_dataset` has them, and as text where they are images."""
        found = datasets.load_dataset(str(self.out / "dataset"), config, cache_dir=str(self.out.parent / "cache"))
        for split in found.values():
            assert isinstance(split.features["image"], datasets.Image)
            assert all(size[0] > 300 for size in (row["image"].size for row in split))
        return {name: list(split.remove_columns("image")) for name, split in found.items()}


def run(address: str, out: Path, recipe: str, *flags: str) -> Built:
    process = subprocess.run(
        [
            sys.executable, str(ROOT / f"builders/{recipe}.py"), "--output", str(out), "--workers", "1",
            "--contact", "me@example.org", "--retries", "0", *flags,
        ],
        env=environment(address), capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    assert process.returncode == 0, process.stdout + process.stderr
    return Built(out, process.stdout)


def spoken(address: str, out: Path, recipe: str, *flags: str) -> tuple[Built, list[str]]:
    """A build whose translator is the server that knows some Basque, and what that was asked."""
    basque = Basque()
    with LyingServer(always=basque, models=({"id": LATXA, "owned_by": "HiTZ"},)) as server:
        built = run(address, out, recipe, "--server", server.url, *flags)
    return built, basque.asked


def both(built: Built) -> list[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Every example in Basque and in English, with its split."""
    eu, en = built.opened("eu"), built.opened("en")
    assert {split: [row["id"] for row in rows] for split, rows in eu.items()} == {
        split: [row["id"] for row in rows] for split, rows in en.items()
    }
    return [(split, *pair) for split in eu for pair in zip(eu[split], en[split], strict=True)]


def test_captions_of_images_that_are_there_are_translated_and_every_other_is_accounted_for(
    tmp_path: Path, cluster: str, sample: Sample
) -> None:
    shutil.copytree(sample.folder / "cc3m", tmp_path / "cc3m")
    with (tmp_path / "cc3m/Train_GCC-training.tsv").open("a") as file:
        for trouble in ("html", "noai", "410"):
            file.write(f'a "{trouble} picture\t{sample.url(trouble)}\n')
    log = tmp_path / "asked"
    built = run(
        cluster, tmp_path / "out", "cc3m_eus", "--input", str(tmp_path / "cc3m"), "--allow-host", sample.host,
        "--translator", "tests.basque:make", "--model", str(log),
    )  # fmt: skip
    assert built.build["counts"] == {"rows_in": 12, "rows_written": 7, "rows_rejected": 1, "rows_failed": 4}
    assert built.lost() == {
        ("ingest", "BadRow"): 1, ("fetch", "http_404"): 1, ("fetch", "http_410"): 1, ("fetch", "html"): 1,
        ("fetch", "robots_optout_v1"): 1,
    }  # fmt: skip
    outcomes = {name: count for name, count in built.counters("fetch").items() if name.startswith("outcome/")}
    assert outcomes == {
        "outcome/success": 7, "outcome/http_404": 1, "outcome/http_410": 1, "outcome/html": 1,
        "outcome/robots_optout": 1,
    }  # fmt: skip
    asked = log.read_text().splitlines()
    assert len(asked) == 7, "nothing is translated whose image is gone"
    assert not any(" ." in text or " ," in text or " '" in text for text in asked), "captions are put together first"
    rows = built.opened()
    assert {split: len(its) for split, its in rows.items()} == {"train": 6, "validation": 1}
    for row in (*rows["train"], *rows["validation"]):
        assert row["caption"] == in_basque(row["caption_en"])
        assert row["image_url"].startswith(f"http://{sample.host}/good/web/")
        assert row["translator"] == "sentences"


def test_a_question_and_its_answer_are_asked_in_one_and_an_image_that_changed_is_put_aside(
    tmp_path: Path, cluster: str, sample: Sample
) -> None:
    built, asked = spoken(
        cluster, tmp_path / "out", "pixmo_ama_eus", "--input", str(sample.folder / "pixmo_ama"),
        "--allow-host", sample.host,
    )  # fmt: skip
    assert built.build["counts"] == {"rows_in": 6, "rows_written": 4, "rows_rejected": 0, "rows_failed": 2}
    assert built.lost() == {("fetch", "http_404"): 1, ("fetch", "sha256_mismatch"): 1}
    assert len(list((built.out / "quarantine").iterdir())) == 1
    assert len(asked) == 4
    for query in asked:
        assert query.startswith("Translate the following question and answers to Basque\nQuestion: ")
        assert query.count("\nAnswer: ") == 1
    settings = built.build["translator"]["settings"]
    assert settings["decoding"] == "temperature 0.7, top_p 0.15, context 2048"
    assert settings["prompt"].startswith("vqav2_eu ")
    rows = built.opened()["train"]
    assert len(rows) == 4
    for row in rows:
        for name in ("question", "answer"):
            assert row[name] == PHRASES[row[f"{name}_en"]]
        assert row["image_url"].startswith(f"http://{sample.host}/good/web/")


def test_vqav2_has_ten_answers_in_both_languages_that_agree_with_one_another(
    tmp_path: Path, cluster: str, sample: Sample
) -> None:
    files = sample.folder / "vqav2"
    built, asked = spoken(
        cluster, tmp_path / "out", "benchmarks_eus", "--benchmark", "vqav2", "--count", "7",
        "--input", str(files / QUESTIONS),
        "--annotations", str(files / "v2_mscoco_val2014_annotations.json"),
        "--images", str(sample.folder / "images/val2014"),
    )  # fmt: skip
    assert not built.lost()
    assert built.counters("draw")["left_out/not_drawn"] == 1
    questions = {item["question_id"]: item for item in json.loads((files / QUESTIONS).read_text())["questions"]}
    rows = both(built)
    assert len(rows) == 7
    assert {split for split, _, _ in rows} == {"validation"}
    said: dict[str, set[str]] = defaultdict(set)
    for _, eu, en in rows:
        assert en["question"] == questions[en["question_id"]]["question"]
        assert eu["question"] == PHRASES[en["question"]]
        for name in ("question_id", "image_id", "question_type", "answer_type"):
            assert eu[name] == en[name]
        assert len(en["answers"]) == 10
        for one, other in zip(eu["answers"], en["answers"], strict=True):
            said[other["answer"]].add(one["answer"])
            assert (one["answer_id"], one["answer_confidence"]) == (other["answer_id"], "yes")
        most_common = [answer["answer"] for answer in en["answers"]].index(en["multiple_choice_answer"])
        assert eu["multiple_choice_answer"] == eu["answers"][most_common]["answer"]
    assert all(len(translations) == 1 for translations in said.values())
    assert any(re.search(r"Answer: 1\.red, .*10\.red\Z", query) for query in asked), "all ten, in one prompt"
    by_hand = {"yes": "bai", "no": "ez", "1": "1", "2": "2", "3": "3"}
    assert {word: translations for word, translations in said.items() if word in by_hand} == {
        word: {by_hand[word]} for word in said.keys() & by_hand.keys()
    }


def test_a_okvqa_keeps_splits_and_right_options_and_drops_a_row_whose_options_become_one(
    tmp_path: Path, cluster: str, sample: Sample
) -> None:
    built, asked = spoken(
        cluster, tmp_path / "out", "benchmarks_eus", "--benchmark", "a_okvqa",
        "--input", str(sample.folder / "a_okvqa"), "--images", str(sample.folder / "images"),
    )  # fmt: skip
    assert built.lost() == {("compose", "OptionsCollapse"): 1}, "couch and sofa are both a sofa in Basque"
    upstream = {
        row["question_id"]: row
        for path in (sample.folder / "a_okvqa").iterdir()
        for row in json.loads(path.read_text())
    }
    rows = both(built)
    assert Counter(split for split, _, _ in rows) == {"train": 4, "validation": 2}
    for _, eu, en in rows:
        origin = upstream[en["question_id"]]
        assert (en["question"], en["choices"]) == (origin["question"], origin["choices"])
        assert eu["choices"] == [in_basque(choice) for choice in en["choices"]]
        assert eu["correct_choice_idx"] == en["correct_choice_idx"] == origin["correct_choice_idx"]
        assert "shows it" not in str((eu, en)), "no rationale, in whatever column"
    assert any("**Answer:** 1.snow, 2.sun, 3.rain, 4.dogs" in query for query in asked)
    assert not any("1.1, 2.4" in query for query in asked), "numbers are no machine's to translate"


def test_pixmo_capqa_is_what_is_answered_yes_or_no_and_that_by_hand(
    tmp_path: Path, cluster: str, sample: Sample
) -> None:
    built, asked = spoken(
        cluster, tmp_path / "out", "benchmarks_eus", "--benchmark", "pixmo_capqa", "--allow-host", sample.host,
        "--input", str(sample.folder / "pixmo_capqa"),
    )  # fmt: skip
    assert built.counters("draw")["left_out/not_wanted"] == 2
    assert built.lost() == {("fetch", "http_404"): 1}
    rows = both(built)
    assert {(en["answer"], eu["answer"]) for _, eu, en in rows} == {
        ("Yes", "Bai"), ("Yes.", "Bai."), ("yes", "bai"), ("No", "Ez"), ("No.", "Ez."),
    }  # fmt: skip
    assert all(eu["question"] == PHRASES[en["question"]] for _, eu, en in rows)
    assert len(asked) == 5
    assert not any("Answer" in query for query in asked)


def test_wildvision_is_what_a_person_listed_asked_without_shots(tmp_path: Path, cluster: str, sample: Sample) -> None:
    files, flags = sample.folder / "wildvision", ("benchmarks_eus", "--benchmark", "wildvision")
    ids = (files / "ids.txt").read_text().split()
    built, asked = spoken(
        cluster, tmp_path / "out", *flags, "--input", str(files / "test-00000-of-00001.parquet"),
        "--ids", str(files / "ids.txt"),
    )  # fmt: skip
    assert built.counters("draw")["left_out/not_listed"] == 1
    rows = both(built)
    assert sorted(eu["question_id"] for _, eu, _ in rows) == sorted(ids)
    assert {split for split, _, _ in rows} == {"test"}
    assert all(eu["instruction"] == PHRASES[en["instruction"]] for _, eu, en in rows)
    assert len(asked) == len(rows) == 4


@pytest.mark.parametrize(
    ("recipe", "flags", "expected"),
    [
        (cc3m_eus, {}, "Train_GCC-training.tsv"),
        (pixmo_ama_eus, {}, "allenai/pixmo-ask-model-anything"),
        (benchmarks_eus, {}, "--benchmark is missing"),
        (benchmarks_eus, {"benchmark": "vqav2"}, "visualqa.org"),
        (benchmarks_eus, {"benchmark": "a_okvqa"}, "allenai/aokvqa"),
        (benchmarks_eus, {"benchmark": "pixmo_capqa"}, "allenai/pixmo-cap-qa"),
        (benchmarks_eus, {"benchmark": "wildvision"}, "WildVision/wildvision-bench"),
        (benchmarks_eus, {"benchmark": "a_okvqa", "input": ("a",), "annotations": ("b",)}, "they are of vqav2"),
        (benchmarks_eus, {"benchmark": "vqav2", "input": ("a",), "ids": "no/such/file"}, "--ids no/such/file"),
    ],
)
def test_what_is_missing_is_said_in_one_line_with_where_to_get_it(
    recipe: Any, flags: dict[str, Any], expected: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(expected)) as refused:
        recipe.stages(recipe.Config(**flags))
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("benchmark", benchmarks_eus.BENCHMARKS)
def test_a_benchmark_has_a_prompt_for_the_language_that_it_is_in(benchmark: str) -> None:
    for source in ("en", *benchmarks_eus.BENCHMARKS[benchmark].prompts):
        config = benchmarks_eus.Config(benchmark=benchmark, input=("a",), source_language=source)
        (translate,) = (stage for stage in benchmarks_eus.stages(config) if isinstance(stage, Translate))
        prompt = load_prompt(translate.arguments["prompt"])
        assert in_languages(prompt, translate.arguments["source"], "eu").digest == prompt.digest
    assert translate.arguments["prompt"] == f"{benchmark}_eu"


@pytest.mark.parametrize("name", [None, "", "English", "english ", "en", "eng_Latn", "en-US"])
def test_a_row_may_say_in_which_language_it_is(name: str | None) -> None:
    assert benchmarks_eus.says(name, "en")
    assert not name or not benchmarks_eus.says(name, "es")


def test_of_wildvision_only_instructions_in_the_source_s_language_are_wanted() -> None:
    rows = [{"source_language": name} for name in ("English", "Chinese", "Spanish", None)]
    for source, expected in (("en", [0, 3]), ("es", [2, 3]), ("zh", [1, 3])):
        config = benchmarks_eus.Config(benchmark="wildvision", input=("a",), source_language=source)
        (draw,) = (stage for stage in benchmarks_eus.stages(config) if isinstance(stage, Draw))
        assert draw.wanted is not None
        assert [index for index, row in enumerate(rows) if draw.wanted(row)] == expected


def test_a_list_of_ids_has_one_a_line(tmp_path: Path) -> None:
    path = tmp_path / "ids.txt"
    path.write_text("\ufeffa1\r\n\n  b2 \n", encoding="utf-8")
    assert benchmarks_eus.listed(str(path)) == ("a1", "b2")
    path.write_text("\n")
    with pytest.raises(ValueError, match="holds no id"):
        benchmarks_eus.listed(str(path))
