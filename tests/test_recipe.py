"""The Italian recipe as a user runs it: a program, on a real Ray, on files with every kind of row."""

import json
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import datasets
import pyarrow.parquet as pq
import pytest
from PIL import Image

from builders.engine import Build
from builders.multiinstruct_it import Config, stages
from builders.stages.publish import Publish
from cards.card import load_card
from tests.conftest import ROOT, environment

RECIPE = ROOT / "builders/multiinstruct_it.py"


@dataclass
class Recipe:
    """A build of the recipe with the counting translator, in a folder of its own."""

    folder: Path
    address: str
    name: str = "out"

    @property
    def out(self) -> Path:
        return self.folder / self.name

    @property
    def log(self) -> Path:
        return self.folder / f"{self.name}-log" / "asked"

    def start(self, *flags: str) -> "subprocess.Popen[str]":
        self.log.parent.mkdir(exist_ok=True)
        command = [
            sys.executable, str(RECIPE), "--input", str(self.folder / "train.jsonl"), "--output", str(self.out),
            "--images", str(self.folder / "images"), "--translator", "tests.counting:make", "--model", str(self.log),
            "--shard-rows", "12", "--rows-per-file", "20", "--workers", "2", *flags,
            "--thresholds", "target_language_v1.min_margin=-2", "length_ratio_v1.widened=20",
        ]  # fmt: skip
        return subprocess.Popen(
            command, env=environment(self.address), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def run(self, *flags: str) -> str:
        process = self.start(*flags)
        text, _ = process.communicate(timeout=240)
        assert process.returncode == 0, text
        return text

    def units(self) -> Counter[str]:
        """How often each unit was translated."""
        return Counter(line.split("\t", 1)[1] for line in self.log.read_text().splitlines())

    def dataset(self) -> dict[str, bytes]:
        return {
            str(path.relative_to(self.out)): path.read_bytes() for path in sorted((self.out / "dataset").rglob("*.*"))
        }

    def counts(self) -> dict[str, int]:
        counts: dict[str, int] = json.loads((self.out / "build.json").read_text())["counts"]
        return counts


def write_rows(folder: Path, count: int = 60) -> None:
    """Questions and boxes over a few images; texts repeat, as they do in real data."""
    (folder / "images/coco").mkdir(parents=True, exist_ok=True)
    for name in "abc":
        Image.new("RGB", (64, 48), (40, 90, 160)).save(folder / f"images/coco/{name}.png")
    rows: list[dict[str, Any]] = []
    for n in range(count):
        image = f"./raw_datasets/coco/{'abc'[n % 3]}.png"
        if n % 3:
            question = f"Who stands at door {n % 17}?"
            rows.append(
                {"unique_id": f"q{n}", "task_name": "VQA", "image_path": image, "question": question,
                 "options": ["a man", "a woman", f"door {n % 5}"], "target_txt": "a man"}
            )  # fmt: skip
        else:
            rows.append(
                {"unique_id": f"b{n}", "task_name": "VG", "image_path": image, "text": f"the door {n % 7}",
                 "region": [[1, 2, 30 + n % 9, 40]]}
            )  # fmt: skip
    (folder / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


@pytest.fixture
def recipe(tmp_path: Path, cluster: str) -> Recipe:
    write_rows(tmp_path)
    return Recipe(tmp_path, cluster)


def test_the_dataset_opens_at_once_and_repeats_are_paid_once(recipe: Recipe) -> None:
    said = recipe.run()
    publishing = f"python -m cards publish {recipe.out} --repo ORG/NAME --allow-unvalidated --allow-no-licence"
    assert said.splitlines()[-1].strip() == publishing, "it ends with the command that would publish it"
    assert recipe.counts() == {"rows_in": 60, "rows_written": 60, "rows_rejected": 0, "rows_failed": 0}
    assert set(recipe.units().values()) == {1}
    stage = json.loads((recipe.out / "build.json").read_text())["stages"][1]["counters"]
    assert stage["units"] == stage["duplicates"] + stage["memory_hits"] + stage["translated"]
    assert stage["translated"] == len(recipe.units())
    data = datasets.load_dataset(str(recipe.out / "dataset"), split="train", cache_dir=str(recipe.folder / "cache"))
    assert data.num_rows == 60
    assert isinstance(data.features["image"], datasets.Image)
    row = data[0]
    assert row["image"].size == (64, 48)
    assert row["conversations"][0]["value"].startswith("<image>\n")
    assert row["translator"] == "counting"
    assert [item["id"] for item in data] == sorted(item["id"] for item in data)
    assert len(list((recipe.out / "dataset/data").glob("*.parquet"))) == 3


def test_killed_from_within_no_unit_is_translated_again(recipe: Recipe) -> None:
    """The driver dies at a known unit; every unit that was translated before was remembered."""
    undisturbed = Recipe(recipe.folder, recipe.address, "undisturbed")
    undisturbed.run()
    for at in (1, 25):
        process = recipe.start()
        recipe.log.with_name("kill-at").write_text(f"{at} {process.pid}")
        process.communicate(timeout=120)
        assert process.returncode == -signal.SIGKILL
        time.sleep(3)  # its workers go too
        recipe.log.with_name("killed").unlink()
    recipe.run()
    assert set(recipe.units().values()) == {1}
    assert recipe.units() == undisturbed.units()
    assert recipe.dataset() == undisturbed.dataset()
    card = recipe.dataset()["dataset/README.md"]
    assert str(recipe.folder).encode() not in card, "no path of this machine is published"


@pytest.mark.long
def test_killed_at_random_instants_costs_at_most_what_was_in_flight(recipe: Recipe) -> None:
    undisturbed = Recipe(recipe.folder, recipe.address, "undisturbed")
    undisturbed.run()
    chance = random.Random(11)
    kills = 2
    for _ in range(kills):
        process = recipe.start()
        time.sleep(chance.uniform(3.0, 12.0))
        process.kill()
        process.communicate(timeout=30)
    recipe.run()
    data, other = recipe.dataset(), undisturbed.dataset()
    assert {name: data[name] for name in data if name.endswith(".parquet")} == {
        name: other[name] for name in other if name.endswith(".parquet")
    }
    # A unit that was translated in the instant between the model's answer and the memory's is paid again.
    assert sum(count - 1 for count in recipe.units().values()) <= kills * 2 * 12 * 4
    assert sorted(recipe.units()) == sorted(undisturbed.units())


def test_rows_that_cannot_be_used_are_named_and_the_rest_is_built(recipe: Recipe) -> None:
    good = (recipe.folder / "train.jsonl").read_text().splitlines()
    missing = json.loads(good[0]) | {"image_path": "elsewhere/z.png"}
    lines = [*good, "{broken", json.dumps(missing), json.dumps({"task_name": "VQA_colour", "image_path": "x"}), good[3]]
    (recipe.folder / "train.jsonl").write_text("\n".join(lines))
    text = recipe.run("--shard-rows", "200")
    assert recipe.counts() == {"rows_in": 64, "rows_written": 60, "rows_rejected": 1, "rows_failed": 3}
    failed = [row for path in (recipe.out / "failed").glob("*") for row in pq.read_table(path).to_pylist()]
    assert Counter(row["error_class"] for row in failed) == {"NotJSON": 1, "MissingImage": 1, "UnknownTask": 1}
    assert "multiinstruct-it: finished" in text
    (recipe.folder / "images/elsewhere").mkdir()
    Image.new("RGB", (64, 48)).save(recipe.folder / "images/elsewhere/z.png")
    recipe.run("--shard-rows", "200", "--retry-failed", "MissingImage")
    assert recipe.counts() == {"rows_in": 64, "rows_written": 61, "rows_rejected": 1, "rows_failed": 2}
    assert set(recipe.units().values()) == {1}, "a retry translates nothing again"


def test_an_image_that_is_mended_enters_the_published_shard(recipe: Recipe) -> None:
    image = recipe.folder / "images/coco/a.png"
    whole = image.read_bytes()
    image.write_bytes(whole[: len(whole) // 2])
    recipe.run()
    assert recipe.counts()["rows_failed"] == 20
    image.write_bytes(whole)
    recipe.run("--retry-failed", "BadImage")
    assert recipe.counts() == {"rows_in": 60, "rows_written": 60, "rows_rejected": 0, "rows_failed": 0}
    data = datasets.load_dataset(str(recipe.out / "dataset"), split="train", cache_dir=str(recipe.folder / "cache"))
    assert data.num_rows == 60
    card = load_card(json.loads((recipe.out / "build.json").read_text())["card"])
    assert f"# {card.pretty_name}" in (recipe.out / "dataset/README.md").read_text()


@pytest.mark.parametrize(("given", "title"), [((), "demo sample"), (("train.jsonl",), "MultiInstruct in Italian")])
def test_the_bundled_sample_has_a_card_of_its_own(given: tuple[str, ...], title: str, tmp_path: Path) -> None:
    config = Config(output=str(tmp_path), input=given)
    publish = stages(config)[-1]
    assert isinstance(publish, Publish)
    build = Build("multiinstruct-it", config, [publish])
    assert publish.preflight(build) == []
    assert load_card(build.applied["card"]).pretty_name.endswith(title)


def test_without_images_the_box_rows_fail_by_name_and_the_rest_is_built(recipe: Recipe) -> None:
    for path in (recipe.folder / "images/coco").iterdir():
        path.unlink()
    recipe.run()
    assert recipe.counts() == {"rows_in": 60, "rows_written": 40, "rows_rejected": 0, "rows_failed": 20}
    data = datasets.load_dataset(str(recipe.out / "dataset"), split="train", cache_dir=str(recipe.folder / "cache"))
    assert set(data["task_name"]) == {"VQA"}
    assert data[0]["image"] is None
    write_rows(recipe.folder / "elsewhere")
    recipe.run("--images", str(recipe.folder / "elsewhere/images"))
    assert recipe.counts() == {"rows_in": 60, "rows_written": 60, "rows_rejected": 0, "rows_failed": 0}
    data = datasets.load_dataset(str(recipe.out / "dataset"), split="train", cache_dir=str(recipe.folder / "cache"))
    assert None not in data["image"], "other folders are looked into, also for rows that were built without an image"


def test_the_same_rows_in_two_shards_are_one_row(recipe: Recipe) -> None:
    text = (recipe.folder / "train.jsonl").read_text()
    (recipe.folder / "train.jsonl").write_text(text + text)
    recipe.run()
    assert recipe.counts() == {"rows_in": 120, "rows_written": 60, "rows_rejected": 60, "rows_failed": 0}


def test_dry_run_forecasts_and_touches_no_model(recipe: Recipe) -> None:
    text = recipe.run("--dry-run", "--images", str(recipe.folder / "images"), "path")
    figures = {line.split("│")[1].strip(): line.split("│")[2].strip() for line in text.splitlines() if "│" in line}
    assert figures["rows"] == "60"
    assert not recipe.log.exists()
    assert not recipe.out.exists()
    recipe.run()
    assert int(figures["to translate"]) == len(recipe.units())
    assert int(figures["translation units"]) == 180
    assert int(figures["duplicates"]) == 180 - len(recipe.units())
    again = recipe.run("--dry-run")
    assert "speed of a worker" in again


def test_images_by_path_and_a_memory_shared_between_builds(recipe: Recipe) -> None:
    memory = str(recipe.folder / "memory.sqlite")
    recipe.run("--memory", memory)
    other = Recipe(recipe.folder, recipe.address, "other")
    other.log.parent.mkdir()
    other.log.write_bytes(recipe.log.read_bytes())
    other.run("--memory", memory, "--images", str(recipe.folder / "images"), "path", "--seed", "5")
    assert other.units() == recipe.units(), "the second build translates nothing"
    process = other.start("--memory", memory, "--seed", "5")
    text, _ = process.communicate(timeout=120)
    assert process.returncode == 2
    assert "config.images" in text
    row = pq.read_table(next((other.out / "dataset/data").glob("*"))).to_pylist()[0]
    assert "image" not in row
    assert row["image_path"].startswith("./raw_datasets/coco/")
    assert str(recipe.folder) not in json.dumps(row)
