"""LLaVA in Italian as a user tries it: the bundled sample, the demo model, a real Ray."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import datasets
import pyarrow.parquet as pq
import pytest

from builders.demo.llava import bad_rows, conversation_rows, pretraining_rows
from builders.sources.forms.llava import cut, plain, pretraining_instructions
from tests.conftest import ROOT, environment

FAILED = ["EmptyTurn", "ImageTokens", "MissingImage", "SeveralImages", "TurnOrder", "UnknownRole"]


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory, cluster: str) -> Path:
    """A build of the sample."""
    out = tmp_path_factory.mktemp("llava") / "out"
    command = [sys.executable, str(ROOT / "builders/llava_it.py"), "--output", str(out), "--workers", "1"]
    ran = subprocess.run(command, env=environment(cluster), capture_output=True, text=True, timeout=300)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return out


def rows_of(folder: Path) -> list[dict[str, Any]]:
    return [row for path in sorted(folder.glob("*.parquet")) for row in pq.read_table(path).to_pylist()]


def test_every_row_of_the_sample_is_accounted_for_by_name(out: Path) -> None:
    build = json.loads((out / "build.json").read_text())
    good, bad = [*pretraining_rows(), *conversation_rows()], bad_rows(pretraining_rows()[0])
    assert build["counts"] == {
        "rows_in": len(good) + len(bad),
        "rows_written": len(good) + 1,
        "rows_rejected": 2,
        "rows_failed": len(FAILED),
    }
    assert sorted(row["error_class"] for row in rows_of(out / "failed")) == FAILED
    assert {row["filter"] for row in rows_of(out / "rejected")} == {"duplicate_row_v1", "out_of_domain_v1"}
    ingest = build["stages"][0]["counters"]
    assert ingest["instructions/by_hand"] == len(pretraining_rows()) + 1, "and that of the row beyond the model"
    assert ingest["instructions/machine"] == 1


def test_the_dataset_opens_and_its_conversations_are_those_of_the_source(out: Path) -> None:
    data = datasets.load_dataset(str(out / "dataset"), split="train", cache_dir=str(out / "cache"))
    assert isinstance(data.features["image"], datasets.Image)
    records = {
        json.dumps(record["conversations"]): record
        for record in (*pretraining_rows(), *conversation_rows(), *bad_rows(pretraining_rows()[0]))
    }
    by_hand, turns = Counter[bool](), Counter[int]()
    written = pretraining_instructions("it")
    for row in data:
        assert row["image"].size[0] > 100
        source = records[json.dumps(row["conversations_en"])]
        assert (row["source_id"], row["image_path"]) == (source["id"], source["image"])
        turns[len(row["conversations"])] += 1
        for made, original in zip(row["conversations"], source["conversations"], strict=True):
            before, text, after = cut(made["value"])
            assert made["from"] == original["from"]
            assert (before, after) == cut(original["value"])[::2], "<image> stands where it stood"
            assert text, original
        asked = plain(source["conversations"][0]["value"].replace("<image>", ""))
        if len(row["conversations"]) == 2:
            by_hand[asked in written] += 1
            if asked in written:
                assert cut(row["conversations"][0]["value"])[1] == written[asked]
    assert by_hand == {True: len(pretraining_rows()), False: 1}
    assert turns == {2: len(pretraining_rows()) + 1, 4: 5, 6: 3}
    assert any(row["conversations"][0]["value"].startswith("<image>") for row in data)
    assert any(row["conversations"][0]["value"].endswith("<image>") for row in data)
    kitchen = next(row for row in data if row["image_path"] == "000004530000.jpg")
    assert [turn["value"] for turn in kitchen["conversations"]] == [
        "Dov'è la tazza rossa?\n<image>",
        "La tazza rossa è sul tavolo.",
        "Di che colore è la bottiglia?",
        "La bottiglia è blu.",
        "C'è un cavallo nell'immagine?",
        "Non ci sono cavalli nell'immagine.",
    ]


def test_help_shows_how_the_real_files_are_built() -> None:
    command = [sys.executable, str(ROOT / "builders/llava_it.py"), "--help"]
    said = subprocess.run(command, capture_output=True, text=True, check=True, env=environment("")).stdout
    for wanted in ("blip_laion_cc_sbu_558k.json", "conversation_58k.json", "google/madlad400-3b-mt"):
        assert wanted in said
