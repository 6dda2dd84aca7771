"""The recipe in the README is run as it stands there, with its card, on three captions and the demo model."""

import json
import re
import shutil
import subprocess
import sys
from dataclasses import fields
from importlib import import_module
from pathlib import Path

import datasets
import pytest
import yaml
from PIL import Image

from tests.conftest import ROOT, environment

README = (ROOT / "README.md").read_text(encoding="utf-8")
CAPTIONS = ("A red ball on the table.", "A dog is running in the park.", "There is a blue plate on the table.")


def blocks(language: str, text: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def section() -> str:
    found = re.search(r"^## A recipe of your own\n.*?(?=^## )", README, re.MULTILINE | re.DOTALL)
    assert found
    return found[0]


def test_the_recipe_of_the_readme_makes_a_dataset(section: str, tmp_path: Path, cluster: str) -> None:
    (recipe,), (card,) = blocks("python", section), blocks("yaml", section)
    name = re.search(r"`builders/(\w+\.py)`", section)
    assert name
    clone = tmp_path / "clone"
    for package in ("builders", "cards", "crawlers", "translators", "validation"):
        shutil.copytree(ROOT / package, clone / package, ignore=shutil.ignore_patterns("__pycache__"))
    (clone / "builders" / name[1]).write_text(recipe, encoding="utf-8")
    (clone / "cards" / "recipes" / "coco-captions-it.yaml").write_text(card, encoding="utf-8")
    annotations = [{"image_id": 7 + place, "id": 70 + place, "caption": text} for place, text in enumerate(CAPTIONS)]
    images = tmp_path / "val2014"
    images.mkdir()
    for each in annotations:
        Image.new("RGB", (64, 48), "teal").save(images / f"COCO_val2014_{each['image_id']:012d}.jpg")
    source = tmp_path / "captions_val2014.json"
    source.write_text(json.dumps({"info": {}, "images": [{"id": 7}], "licenses": [], "annotations": annotations}))

    command = [str(clone / "builders" / name[1]), "--input", str(source), "--images", str(images)]
    ran = subprocess.run(
        [sys.executable, *command, "--output", str(tmp_path / "out"), "--workers", "1"],
        env=environment(cluster) | {"PYTHONPATH": str(clone)}, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout + ran.stderr

    made = datasets.load_dataset(
        str(tmp_path / "out" / "dataset"), split="validation", cache_dir=str(tmp_path / "cache")
    )
    assert {row["caption_id"]: row["caption_en"] for row in made} == dict(enumerate(CAPTIONS, 70))
    assert {row["caption"] for row in made}.isdisjoint(CAPTIONS)
    assert {row["image"].size for row in made} == {(64, 48)}
    assert "# COCO captions in Italian" in (tmp_path / "out" / "dataset" / "README.md").read_text(encoding="utf-8")


def test_the_commands_of_the_readme_have_flags_that_there_are() -> None:
    for module, rest in re.findall(
        r"python builders/(\w+)\.py((?:[^\n]*\\\n)*[^\n]*)", "\n".join(blocks("bash", README))
    ):
        if module != "coco_captions_it":  # the one that a reader makes
            known = {each.name.replace("_", "-") for each in fields(import_module(f"builders.{module}").Config)}
            given = set(re.findall(r"(?<=\s)--([a-z][a-z-]*)", rest.split("#")[0]))
            assert given <= known, f"{module}: {given - known}"


def test_the_card_of_the_readme_says_what_a_card_must(section: str) -> None:
    (card,) = blocks("yaml", section)
    assert yaml.safe_load(card)["licence"] == "cc-by-4.0"
