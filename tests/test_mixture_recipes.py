"""The recipes of mixtures as a user runs them: programs, on a real Ray, on datasets that are built already."""

import io
import json
import random
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from builders.stages.publish import dataset_schema
from cards.card import load_card
from tests.conftest import ROOT, environment

QUESTION = pa.schema([(name, pa.string()) for name in ("question", "answer", "question_en", "answer_en", "language")])


@dataclass
class Recipe:
    """A build of a recipe in a folder of its own."""

    name: str
    folder: Path
    address: str
    build: str = "out"

    @property
    def out(self) -> Path:
        return self.folder / self.build

    def start(self, *flags: str) -> tuple[int, str]:
        command = [sys.executable, str(ROOT / f"builders/{self.name}.py"), "--output", str(self.out), "--workers", "2"]
        done = subprocess.run(
            [*command, *flags], env=environment(self.address), capture_output=True, text=True, timeout=240
        )
        return done.returncode, done.stdout + done.stderr

    def run(self, *flags: str) -> str:
        status, text = self.start(*flags)
        assert status == 0, text
        return text

    def told(self) -> dict[str, Any]:
        value: dict[str, Any] = json.loads((self.out / "build.json").read_text())
        return value

    def export(self, mixture: str = "") -> list[dict[str, Any]]:
        records: list[dict[str, Any]] = json.loads((self.out / "exports" / mixture / "llava.json").read_text())
        return records

    def failed(self) -> Counter[str]:
        rows = [row for path in (self.out / "failed").glob("*") for row in pq.read_table(path).to_pylist()]
        return Counter(row["error_class"] for row in rows)

    def files(self) -> dict[str, bytes]:
        every = [*(self.out / "dataset").rglob("*.parquet"), *(self.out / "exports").rglob("*.*")]
        return {str(path.relative_to(self.out)): path.read_bytes() for path in every}


def picture(number: int) -> bytes:
    file = io.BytesIO()
    pixels = random.Random(number).randbytes(3 * 8 * 8)
    Image.frombytes("RGB", (8, 8), pixels).save(file, "PNG")
    return file.getvalue()


def publish(folder: Path, name: str, rows: list[dict[str, Any]], columns: pa.Schema | None = None) -> Path:
    """A dataset as a build leaves it."""
    schema = dataset_schema("embed") if columns is None else dataset_schema("embed", columns, ("id", "image", "split"))
    data = folder / name / "dataset/data"
    data.mkdir(parents=True)
    for split in {row["split"] for row in rows}:
        its = [dict.fromkeys(schema.names) | row for row in rows if row["split"] == split]
        pq.write_table(pa.Table.from_pylist(its, schema=schema), data / f"{split}-00000-of-00001.parquet")
    (folder / name / "build.json").write_text("{}")
    (folder / name / "dataset/manifest.json").write_text(json.dumps({"name": name, "format": "babelvision-manifest/1"}))
    return folder / name


def talk(*texts: str) -> list[dict[str, str]]:
    return [{"from": ("human", "gpt")[place % 2], "value": text} for place, text in enumerate(texts)]


def test_the_italian_mixture(tmp_path: Path, cluster: str) -> None:
    tasks = [
        {"id": f"{number:032x}", "split": "train" if number % 10 else "validation", "task_name": "VQA",
         "image": {"bytes": picture(number % 7), "path": f"{number % 7}.png"}, "image_path": f"coco/{number % 7}.png",
         "conversations": talk(f"<image>\nChi è alla porta {number}?", "un uomo")}
        for number in range(40)
    ]  # fmt: skip
    (tmp_path / "images").mkdir()
    (tmp_path / "images/9.png").write_bytes(picture(3))
    (tmp_path / "images/broken.png").write_bytes(picture(4)[:60])
    answers = ["Rossa."] * 20
    answers[5] = "Rossa, dice </s>."
    talks = [
        {"id": str(number), "image": "elsewhere/9.png",
         "conversations": talk(f"Che cos'è {number}?\n<image>", "Una porta.", "Di che colore?", answer)}
        for number, answer in enumerate(answers)
    ]  # fmt: skip
    bad = [talks[3], talks[0] | {"image": "none.png"}, {"id": "x"}, talks[0] | {"image": "broken.png"}]
    (tmp_path / "llava.json").write_text(json.dumps([*talks, *bad]))
    (tmp_path / "captions.json").write_text(
        json.dumps([{"image": "9.png", "conversations": talk("<image>", f"porta {number}")} for number in range(6)])
    )
    built = publish(tmp_path, "multiinstruct-it", tasks)
    recipe = Recipe("italian_mixture", tmp_path, cluster)
    flags = ("--input", str(built), str(tmp_path / "llava.json"), "--pretrain", str(tmp_path / "captions.json"),
             "--images", str(tmp_path / "images"), "--shard-rows", "10")  # fmt: skip
    text = recipe.run(*flags)
    assert "given 60, the paper has 172,335 (difference -172,275)" in text
    counts = recipe.told()["counts"]
    assert counts == {"rows_in": 66, "rows_written": 62, "rows_rejected": 1, "rows_failed": 3}
    assert recipe.failed() == {"MissingImage": 1, "MissingField": 1, "BadImage": 1}

    mixture = recipe.told()["mixture"]
    assert (mixture["paper"]["given"], mixture["paper"]["difference"]) == (60, 60 - 172_335)
    assert mixture["tokens_by"].startswith("words")
    default_set = mixture["sets"]["default"]
    assert {(row["dataset"], row["with"]): (row["samples"], row["turns"]) for row in default_set["by"]} == {
        ("multiinstruct-it", "image"): (36, 72), ("llava", "image"): (20, 80),
    }  # fmt: skip
    assert default_set["tokens"] == 36 * (5 + 2) + 20 * (3 + 2 + 3 + 1) + 2

    default = datasets.load_dataset(str(recipe.out / "dataset"), split="train", cache_dir=str(tmp_path / "cache"))
    assert Counter(default["dataset"]) == {"multiinstruct-it": 36, "llava": 20}
    assert {row["id"] for row in tasks if row["split"] == "train"} <= set(default["id"]), "ids of ours are kept"
    records = recipe.export()
    assert [record["id"] for record in records] == default["id"]
    for record, row in zip(records, default.cast_column("image", datasets.Image(decode=False)), strict=True):
        assert record["conversations"] == row["conversations"]
        assert (recipe.out / "exports/images" / record["image"]).read_bytes() == row["image"]["bytes"]
    assert len(list((recipe.out / "exports/images").rglob("*.png"))) == 7, "an image is there once"
    pretrain = recipe.export("pretrain")
    assert sorted(record["conversations"][1]["value"] for record in pretrain) == [f"porta {n}" for n in range(6)]

    texts = [json.loads(line) for line in (recipe.out / "exports/mistral.jsonl").read_text().splitlines()]
    assert len(texts) == 55, "a text with a word of the template is left out"
    one = next(each["text"] for each in texts if "Che cos'è 7?" in each["text"])
    assert one == ("<s>[INST] Che cos'è 7?\n<image> [/INST] Una porta.</s><s>[INST] Di che colore? [/INST] Rossa.</s>")
    files = recipe.files()
    recipe.run(*flags)
    assert recipe.files() == files
    other = Recipe("italian_mixture", tmp_path, cluster, "other")
    other.run(*flags[:-1], "7")
    assert other.files() == files, "the same, whatever the shards"


def asked(number: int) -> dict[str, Any]:
    return {
        "id": f"{number:032x}", "split": "train", "image": {"bytes": picture(number), "path": f"{number}.png"},
        "language": "eu", "question": f"Zer da {number}?", "answer": f"Ate bat {number}.",
        "question_en": f"What is {number}?", "answer_en": f"A door {number}.",
    }  # fmt: skip


def test_the_basque_mixtures(tmp_path: Path, cluster: str) -> None:
    rows = [asked(number) for number in range(83)]
    rows.append(asked(90) | {"question_en": None, "answer_en": None})
    built = publish(tmp_path, "pixmo-ama-eus", rows, QUESTION)
    for language, count in (("eu", 30), ("en", 3)):
        lines = [{"messages": [{"role": "user", "content": f"{language} {number}?"},
                               {"role": "assistant", "content": f"{number}"}]} for number in range(count)]  # fmt: skip
        (tmp_path / f"magpie_{language}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    texts = ("--text-only", *(f"{language}={tmp_path}/magpie_{language}.jsonl" for language in ("eu", "en")))
    recipe = Recipe("basque_mixture", tmp_path, cluster)
    flags = ("--input", str(built), *texts, "--shard-rows", "20", "--text-size", "25")
    status, text = recipe.start(*flags)
    assert status == 3
    assert "of en/magpie_en, 5 are wanted, and there are 3: lower --text-size, or give --replace" in text
    status, text = recipe.start(*flags, "--text-size", "17%", "--replace")
    assert status == 2
    assert 'text_size: "25" -> "17%"' in text
    recipe = Recipe("basque_mixture", tmp_path, cluster, "with-replacement")
    recipe.run(*flags[:-2], "--replace")
    assert recipe.failed() == {"NoParallel": 4}

    names = ("eu0_en100", "eu20_en80", "eu80_en20", "eu100_en0")
    sets = {name: recipe.export(name) for name in names}
    basque: dict[str, set[str]] = {}
    for name, records in sets.items():
        data = datasets.load_dataset(str(recipe.out / "dataset"), name, split="train", cache_dir=str(tmp_path / "c"))
        assert [record["id"] for record in records] == data["id"]
        basque[name] = {row["id"] for row in data if row["language"] == "eu" and row["image"]}
        for row in data:
            if row["image"]:
                number = int(row["id"], 16)
                start = "<image>\nZer da" if row["language"] == "eu" else "<image>\nWhat is"
                assert row["conversations"][0]["value"] == f"{start} {number}?"
        alone = [row for row in data if row["image"] is None]
        assert Counter(row["language"] for row in alone) == {"eu": 14, "en": 3}, "17 % of the whole, 80 to 20"
    assert len({frozenset(record["id"] for record in records) for records in sets.values()}) == 1
    assert [len(basque[name]) for name in names] == [0, round(0.2 * 83), round(0.8 * 83), 83]
    assert basque["eu20_en80"] < basque["eu80_en20"]
    assert len(list((recipe.out / "exports/images").rglob("*.png"))) == 83
    by = recipe.told()["mixture"]["sets"]["eu20_en80"]["by"]
    assert {(row["language"], row["with"]): (row["samples"], row["tokens"]) for row in by} == {
        ("eu", "image"): (17, 17 * 6), ("en", "image"): (66, 66 * 6), ("eu", "text"): (14, 42), ("en", "text"): (3, 9),
    }  # fmt: skip


@pytest.mark.parametrize(("name", "rows"), [("italian_mixture", 36), ("basque_mixture", 42)])
def test_the_bundled_sample_is_read_and_has_a_card(name: str, rows: int, tmp_path: Path, cluster: str) -> None:
    recipe = Recipe(name, tmp_path, cluster)
    text = recipe.run("--dry-run")
    figures = {line.split("│")[1].strip(): line.split("│")[2].strip() for line in text.splitlines() if "│" in line}
    assert (figures["rows"], figures["rows that fail"]) == (str(rows), "0")
    assert not recipe.out.exists()
    for card in (name, f"{name}_demo"):
        assert load_card(card.replace("_", "-")).pretty_name
