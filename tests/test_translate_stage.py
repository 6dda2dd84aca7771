"""What a recipe's user sees of the translators: mistakes on the command line, forecasts, what a card says was run."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from builders.engine.build import Build, Refused
from builders.engine.config import parse
from builders.engine.main import _stages, preflight
from builders.multiinstruct_it import Config, stages
from tests.conftest import ROOT, Ran, environment
from translators import TranslationMemory


def recipe(address: str, out: Path, *flags: str) -> Ran:
    command = [sys.executable, str(ROOT / "builders/multiinstruct_it.py"), "--output", str(out), *flags]
    ran = subprocess.run(command, env=environment(address), capture_output=True, text=True, timeout=240)
    return Ran(ran.returncode, ran.stdout + ran.stderr)


@pytest.mark.parametrize(
    ("flags", "line"),
    [
        (["--to", "xx"], "no instructions for 'xx'"),
        (["--model", "/no/such/model"], "--model /no/such/model: no such folder"),
        (["--model", "demo", "--precision", "int9"], "--precision int9: with transformers it must be float32"),
        (["--decoding", "sampel"], "--decoding sampel: it must be greedy, sample, beam (did you mean sample?)"),
        (["--prompt", "vqa2_eu", "--model", "/x"], "--prompt vqa2_eu"),
        (["--prompt", "vqav2_eu"], "--prompt vqav2_eu asks a chat model: name one with --model, or a --server"),
        (["--prompt", "generic", "--model", "/no/such/model"], "--model /no/such/model: no such folder"),
        (["--server", "http://127.0.0.1:9"], "http://127.0.0.1:9"),
        (
            ["--translator", "nothing.at:all"],
            "--translator nothing.at:all: ModuleNotFoundError: No module named 'nothing'",
        ),
        (["--memory", __file__], "test_translate_stage.py"),
        (["--back-translation", "demo"], "--back-translation demo"),
    ],
)
def test_a_mistake_gives_one_clear_line_before_any_work(
    tmp_path: Path, cluster: str, flags: list[str], line: str
) -> None:
    config = parse(Config, "", "", ["--output", str(tmp_path / "out"), *flags])
    with pytest.raises(Refused) as refused:
        preflight(Build("test", config, _stages(stages, config)))
    assert len(refused.value.problems) == 1
    assert line in refused.value.problems[0]
    assert "\n" not in refused.value.problems[0]
    assert not (tmp_path / "out/stages").exists()


def test_a_forecast_measures_the_speed_and_keeps_what_it_translated(tmp_path: Path, cluster: str) -> None:
    ran = recipe(
        cluster, tmp_path / "out", "--dry-run", "--calibrate", "30", "--price", "2", "--watts", "300", "--workers", "2",
        "--limit", "40",
    )  # fmt: skip
    assert ran.status == 0, ran.text
    assert "measured on 30 units" in ran.text
    for figure in ("worker hours of translation", "hours on 2 workers", "price", "energy, kWh"):
        assert re.search(rf"{figure} +│ +\d", ran.text), figure
    memory = TranslationMemory(tmp_path / "out/memory.sqlite")
    assert len(memory) == 30
    assert not (tmp_path / "out/stages").exists()
    assert recipe(cluster, tmp_path / "out", "--limit", "40").status == 0
    done = json.loads((tmp_path / "out/build.json").read_text())["stages"]
    (counters,) = (stage["counters"] for stage in done if stage["name"] == "translate")
    assert counters["translated"] == len(memory) - 30, "what the forecast translated is not translated again"
    memory.close()
    assert counters["padded_tokens"] >= counters["real_tokens"] > 0
    assert (
        "unknown"
        not in recipe(
            cluster, tmp_path / "again", "--dry-run", "--limit", "40", "--memory", str(tmp_path / "out/memory.sqlite")
        ).text
    )


def test_the_published_command_names_the_model_and_no_folder_of_this_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["builders/multiinstruct_it.py"])
    hub = Config(model="google/madlad400-3b-mt", decoding="beam4", server="http://gpu-7:8000")
    assert hub.public_command().endswith("--model google/madlad400-3b-mt --decoding beam4")
    local = Config(model=str(tmp_path / "madlad"), prompt="vqav2_eu")
    assert "--model madlad " in local.public_command()
    assert str(tmp_path) not in local.public_command()
