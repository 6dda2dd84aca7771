"""Before any work: the fingerprint that refuses, the preflight that says everything at once, the forecast."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.engine import Build, fingerprint
from builders.engine.config import BuildConfig, parse
from builders.engine.pool import Size
from builders.multiexpart import Config as CrawlConfig
from builders.multiinstruct_it import Config
from builders.stages.fetch import FetchConfig
from cards.report import write_report
from tests.conftest import ROOT, Toy

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(JSON)
def test_a_fingerprint_survives_json(value: object) -> None:
    assert fingerprint.digest(value) == fingerprint.digest(json.loads(json.dumps(value)))


@given(st.dictionaries(st.text(), st.integers(), min_size=2))
def test_a_row_id_knows_no_key_order_but_its_source(content: dict[str, int]) -> None:
    turned = dict(reversed(content.items()))
    assert fingerprint.row_id("source", content) == fingerprint.row_id("source", turned)
    assert fingerprint.row_id("source", content) != fingerprint.row_id("another", content)


@pytest.mark.parametrize("value", [{1, 2}, object(), float("nan"), {1: "a"}, print, b"bytes"])
def test_what_has_no_stable_form_raises(value: object) -> None:
    with pytest.raises(fingerprint.Unfingerprintable, match="config.x"):
        fingerprint.canonical({"x": value}, "config")


def test_a_changed_field_input_or_limit_is_named_and_refused(toy: Toy) -> None:
    toy.write([{"n": n} for n in range(20)])
    assert toy.run().status == 0
    calls = len(toy.calls())
    ran = toy.run("--factor", "3")
    assert ran.status == 2
    assert "config.factor: 2 -> 3" in ran.text
    assert "another --output" in ran.text
    ran = toy.run("--limit", "5")
    assert ran.status == 2
    assert "config.limit: 0 -> 5" in ran.text
    toy.write([{"n": n} for n in range(21)])
    ran = toy.run()
    assert ran.status == 2
    assert "inputs[0].rows: 20 -> 21" in ran.text
    assert "inputs[0].sha256" in ran.text
    assert len(toy.calls()) == calls, "a refused run looks at no row"


def test_where_a_build_runs_does_not_change_what_it_is(toy: Toy) -> None:
    toy.write([{"n": n} for n in range(20)])
    assert toy.run().status == 0
    ran = toy.run("--workers", "1", "--cpus-per-worker", "2", "--shard-minutes", "5")
    assert ran.status == 0, ran.text


def test_limit_takes_the_first_rows(toy: Toy) -> None:
    toy.write([{"n": n} for n in range(50)])
    assert toy.run("--limit", "13").status == 0
    assert sorted(row["n"] for row in toy.rows()) == list(range(13))


def test_row_ids_do_not_depend_on_position(toy: Toy) -> None:
    toy.write([{"n": n} for n in range(25)])
    assert toy.run().status == 0
    turned = Toy(toy.folder / "turned", toy.address, toy.flags)
    turned.folder.mkdir()
    turned.write([{"n": n} for n in reversed(range(25))])
    assert turned.run().status == 0
    assert {row["id"]: row["n"] for row in toy.rows()} == {row["id"]: row["n"] for row in turned.rows()}


def test_a_plan_that_does_not_fit_is_refused_with_what_would_fit(toy: Toy) -> None:
    toy.write([{"n": 1}])
    ran = toy.run("--workers", "3", "--cpus-per-worker", "2")
    assert ran.status == 2
    assert "3 worker(s) of 2 CPU each need 6, but the cluster has 4: use --workers 2" in ran.text
    assert not toy.calls()
    assert Size(1, 8, 0).misfit({"CPU": 4}) == (
        "1 worker(s) of 8 CPU each need 8, but the cluster has 4: use a smaller --cpus-per-worker or a larger cluster"
    )
    assert Size(1, 1, 1).misfit({"CPU": 4})
    assert Size(4, 1, 0.5).misfit({"CPU": 4, "GPU": 2}) is None


def test_numbers_out_of_range_are_refused(toy: Toy) -> None:
    toy.write([{"n": 1}])
    ran = toy.run("--workers", "-1", "--shard-minutes", "0", "--shard-rows", "0")
    assert ran.status == 2
    for problem in ("--workers -1: it must be above -1", "--shard-minutes 0", "--shard-rows 0"):
        assert problem in ran.text


def test_an_unknown_flag_gets_a_suggestion(toy: Toy) -> None:
    ran = toy.run("--worker", "2")
    assert ran.status == 2
    assert "did you mean --workers?" in ran.text


def test_every_problem_is_said_at_once(cluster: str, tmp_path: Path) -> None:
    (tmp_path / "train.jsonl").write_text("{}\n")
    ran = subprocess.run(
        [
            sys.executable, str(ROOT / "builders/multiinstruct_it.py"), "--output", str(tmp_path / "out"),
            "--input", str(tmp_path / "tran.jsonl"), "--images", str(tmp_path / "nowhere"),
            "--model", str(tmp_path / "no-model"), "--workers", "99",
        ],
        env=Toy(tmp_path, cluster).environment(), capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert ran.returncode == 2
    for problem in (
        "tran.jsonl: no such file or folder; did you mean train.jsonl?",
        "nowhere: no such folder",
        "no-model: no such folder",
        "99 worker(s)",
    ):
        assert problem in " ".join(ran.stdout.split()).replace("- ", "-"), ran.stdout
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("config_type", [CrawlConfig, FetchConfig])
@pytest.mark.parametrize("given", [["--contact", "jo@example.org"], ["--contact=jo@example.org"]])
def test_who_runs_a_build_is_written_nowhere(
    config_type: type[BuildConfig], given: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = [*given, "--output", str(tmp_path), "--seed", "7"]
    monkeypatch.setattr(sys, "argv", ["recipe.py", *arguments])
    config = parse(config_type, "", "", arguments)
    assert "jo@example.org" in vars(config).values(), "whoever asks the servers must have it"
    Build("toy", config, [])._save("finished")
    write_report(Build("toy", config, []).out)
    written = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert [name for name, text in written.items() if "jo@example" in text] == []
    build = json.loads(written["build.json"])
    assert build["config"]["contact"] == "…"
    assert build["config"]["output"] == str(tmp_path)
    shown = "--contact …" if len(given) == 2 else "--contact=…"
    assert build["command"] == f"python recipe.py {shown} --output {tmp_path} --seed 7"
    assert shown in written["report.html"]
    assert "contact" not in json.dumps(build["fingerprinted"]["config"])


def test_where_inputs_lie_is_neither_fingerprinted_nor_published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["builders/multiinstruct_it.py"])
    here = Config(input=("a.jsonl", "b.jsonl"), images=(str(tmp_path),))
    there = Config(input=("/data/a.jsonl",), images=("/data/x", "/data/y", "embed"))
    linked = replace(there, images=("/data/x", "path"))
    assert here.fingerprinted() == there.fingerprinted()
    assert linked.fingerprinted() == here.fingerprinted() | {"images": "path"}
    start = "python builders/multiinstruct_it.py --output OUT --input PATH --images DIR"
    assert here.public_command() == start
    assert there.public_command() == f"{start} embed"
    assert linked.public_command() == f"{start} path"
    assert Config().public_command() == "python builders/multiinstruct_it.py --output OUT"
    model = tmp_path / "labse"
    checked = Config(similarity=str(model))
    assert checked.public_command().endswith("--similarity labse")
    assert checked.published()["similarity"] == "labse"
    crawled = CrawlConfig(decisions=str(tmp_path / "d.json"), dumps=("/d/en.tar.gz", "/d/it.tar.gz"))
    assert crawled.public_command().endswith("--dumps FILE --decisions FILE")
    fetched = FetchConfig(contact="me@example.org")
    assert fetched.public_command() == "python builders/multiinstruct_it.py --output OUT --contact WHO"


def test_a_command_without_an_address_is_shown_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["recipe.py", "--contact"])
    assert CrawlConfig().command() == "python recipe.py --contact"
    assert CrawlConfig().written()["contact"] == ""
