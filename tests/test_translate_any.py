"""translate_any as a user runs it: a program, on a real Ray, on files of several formats at once and on the Hub."""

import datetime
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from huggingface_hub import HfApi
from PIL import Image

from cards import cli as cards
from tests.conftest import ROOT, environment
from tests.hub import Hub
from tests.hub.server import TOKEN
from tests.test_anything import png

RECIPE = ROOT / "builders/translate_any.py"
IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
TURNS = [
    {"from": "human", "value": "<image>\nIs there a cat on the sofa?"},
    {"from": "gpt", "value": "Yes, a red cat."},
]
HOSTILE = ['=SUM(A1:A9) and a "cat"', "<script>alert(1)</script> a cat", "{{7*7}} and <image>", "a\tb"]
PRETTY = "test.parquet, train.json, validation.csv in Italian and Basque"
NESTED = {"box": [1, 2.5], "deep": [[["x"]]], "note": None}
WHEN = datetime.datetime(2020, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)


def translate_any(variables: Mapping[str, str], *flags: str) -> str:
    """What the program printed."""
    ran = subprocess.run(
        [sys.executable, str(RECIPE), *flags], env=dict(variables), capture_output=True, text=True, timeout=300
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def counting(folder: Path) -> list[str]:
    """Flags for the translator that counts, whose words the filters would refuse."""
    (folder / "log").mkdir(exist_ok=True)
    return [
        "--translator", "tests.counting:make", "--model", str(folder / "log/asked"), "--workers", "1",
        "--thresholds", "target_language_v1.min_margin=-2", "length_ratio_v1.widened=20", "debris_v1.allowed=9",
    ]  # fmt: skip


def build_of(out: Path) -> dict[str, Any]:
    value: dict[str, Any] = json.loads((out / "build.json").read_text())
    return value


def metadata_of(out: Path) -> dict[str, Any]:
    """What the Hub reads at the top of the card, which lies beside the data."""
    value: dict[str, Any] = yaml.safe_load((out / "dataset/README.md").read_text().split("---\n")[1])
    return value


def write_files(folder: Path) -> None:
    """The same kind of rows as a JSON array, as CSV and as Parquet, which carries images and has types of its own."""
    rows: list[dict[str, Any]] = [
        {"id": n, "turns": TURNS, "answers": ["a cat", 3, None, ""], "extra": NESTED, "mixed": n if n % 2 else [n]}
        for n in range(6)
    ]
    rows.append({"id": 6, "turns": "of another shape"})
    (folder / "train.json").write_text(json.dumps(rows, indent=1))
    lines = [f'{n},"{text.replace(chr(34), chr(34) * 2)}","line one\nline two"' for n, text in enumerate(HOSTILE)]
    (folder / "validation.csv").write_text("number,question,context\n" + "\n".join(lines) + "\n")
    table = {
        "question": ["Is there a dog?", "Is there a dog?", None],
        "image": pa.array([{"bytes": png(), "path": "a.png"}] * 3, IMAGE),
        "level": pa.array([1, 2, None], pa.int8()), "when": pa.array([WHEN] * 3, pa.timestamp("us", "UTC")),
        "blob": [b"\x00", b"", None],
    }  # fmt: skip
    pq.write_table(pa.table(table), folder / "test.parquet")


def test_files_of_several_formats_become_one_dataset_in_two_languages(tmp_path: Path, cluster: str) -> None:
    write_files(tmp_path)
    out = tmp_path / "out"
    files = [str(tmp_path / name) for name in ("train.json", "validation.csv", "test.parquet")]
    translate_any(
        environment(cluster), "--source", *files, "--fields", "question,turns[].value", "answers", "--to", "it,eu",
        "--output", str(out), *counting(tmp_path),
    )  # fmt: skip
    build = build_of(out)
    assert build["counts"] == {"rows_in": 28, "rows_written": 26, "rows_rejected": 0, "rows_failed": 2}
    failed = [row for path in (out / "failed").glob("*.parquet") for row in pq.read_table(path).to_pylist()]
    assert {row["error_class"] for row in failed} == {"OtherShape"}
    assert all("train.json, record 7: --fields turns[].value: turns holds text" in row["message"] for row in failed)
    counters = build["stages"][0]["counters"]
    assert counters["null/answers"] == counters["no_text/answers"] == counters["empty/answers"] == 12
    assert set(build["translate_any"]["as_json_text"]) == {"turns", "mixed"}
    assert cards.main(["refresh", str(out)]) == 0
    card = metadata_of(out)
    assert (card["pretty_name"], card["language"]) == (PRETTY, ["it", "eu"])
    assert "its texts translated" in (out / "dataset/README.md").read_text()
    for language in ("it", "eu"):
        data = datasets.load_dataset(str(out / "dataset"), language, cache_dir=str(tmp_path / "cache"))
        assert {split: len(data[split]) for split in data} == {"train": 6, "validation": 4, "test": 3}
        check_rows(data)


def check_rows(data: Any) -> None:
    """What was not named is as it was; what was named is translated where it stood."""
    for row in data["train"]:
        asked, answer = json.loads(row["turns"])
        assert (asked["from"], answer["from"]) == ("human", "gpt")
        assert asked["value"].startswith("<image>\n") or "<image>" in asked["value"]
        assert asked["value"] != TURNS[0]["value"]
        assert row["answers"] == ["così a tac", "3", None, ""]
        assert row["extra"] == NESTED
        assert json.loads(row["mixed"]) in (row["source_id"], [row["source_id"]])
    assert sorted(row["number"] for row in data["validation"]) == ["0", "1", "2", "3"]
    assert {row["context"] for row in data["validation"]} == {"line one\nline two"}
    assert all("<image>" in row["question"] for row in data["validation"] if row["number"] == "2")
    test = data["test"]
    assert test.features["level"].dtype == "int8"
    assert test.features["when"].dtype == "timestamp[us, tz=UTC]"
    assert [row["question"] for row in test].count("così sI ereht a dog?") == 2
    for row in test:
        assert (row["image"].size, row["when"], row["blob"] in (b"\x00", b"", None)) == ((4, 3), WHEN, True)


@pytest.fixture
def on_the_hub(tmp_path: Path) -> Any:
    """A dataset on a Hub, with a card, and the folder of its images."""
    folder = tmp_path / "repo"
    (folder / "data").mkdir(parents=True)
    (tmp_path / "images").mkdir()
    Image.new("RGB", (8, 6), (9, 90, 9)).save(tmp_path / "images/a.png")
    rows = [
        {"question_id": n, "picture": "coco/a.png", "text": f"Is there a cat {n % 3}?", "label": "yes"}
        for n in range(9)
    ]
    (folder / "data/test.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "data/train.jsonl").write_text('{"text": "not asked for"}\n')
    (folder / "README.md").write_text("---\nlicense: cc-by-4.0\n---\nA dataset.\n")
    with Hub(tmp_path / "hub") as hub:
        api = HfApi(endpoint=hub.url, token=TOKEN)
        api.create_repo("babel/cats", repo_type="dataset")
        api.upload_folder(repo_id="babel/cats", repo_type="dataset", folder_path=folder)
        yield hub


def test_a_dataset_of_the_hub_by_its_name(tmp_path: Path, cluster: str, on_the_hub: Hub) -> None:
    out = tmp_path / "out"
    variables = {**environment(cluster), **on_the_hub.environment()}
    common = ["--source", "babel/cats", "--split", "test"]
    said = translate_any(variables, *common, "--infer")
    command = "--source babel/cats --split test --fields text,label --to it --output OUT"
    assert command in said
    translate_any(
        variables, *common, "--fields", "text,label", "--keep", "question_id,picture", "--image", "picture",
        "--images", str(tmp_path / "images"), "--output", str(out), *counting(tmp_path),
    )  # fmt: skip
    build = build_of(out)
    assert build["counts"] == {"rows_in": 9, "rows_written": 9, "rows_rejected": 0, "rows_failed": 0}
    assert build["stages"][1]["counters"]["translated"] == 4, "three questions and a yes"
    assert "--source babel/cats --fields" in build["public"]["command"]
    (source,) = build["card_values"]["sources"]
    assert (source["hub_id"], source["licence"]) == ("babel/cats", "cc-by-4.0")
    assert cards.main(["refresh", str(out)]) == 0
    card = metadata_of(out)
    assert (card["pretty_name"], card["language"]) == ("cats in Italian", ["it"])
    data = datasets.load_dataset(str(out / "dataset"), split="test", cache_dir=str(tmp_path / "cache"))
    assert sorted(row["question_id"] for row in data) == list(range(9))
    assert {row["picture"] for row in data} == {"coco/a.png"}
    assert data[0]["image"].size == (8, 6)
    assert data[0]["label"] == "così sey"
