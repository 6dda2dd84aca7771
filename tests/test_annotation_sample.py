"""`python -m validation sample`: a round is drawn, and no package says more than what is to be judged."""

import json
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from upath import UPath

from tests.asked_round import ask, row, write_dataset
from tests.sample_build import HOSTILE, scene, write_sample_build
from validation.__main__ import main
from validation.annotation.gold import Gold
from validation.annotation.planning import Request, plan_round
from validation.annotation.problem import Problem
from validation.annotation.rounds import find_round, rounds, write_json
from validation.annotation.rows import list_rows, read_rows


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dataset")
    write_dataset(out, [row(number) for number in range(60)])
    (out / "README.md").write_text("---\nlanguage:\n- it\n---\n# Rows\n", encoding="utf-8")
    return out


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("built")
    write_sample_build(UPath(out))
    return out


# The packages


def test_four_packages_and_a_plan(built: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["sample", str(built), "--annotators", "ane,jon,miren,iker", "--shared", "5", "--own", "4"]) == 0
    said = capsys.readouterr().out
    found = find_round(built)
    plan = found.plan()
    assert sorted(path.name for path in found.packages.iterdir()) == ["ane.html", "iker.html", "jon.html", "miren.html"]
    assert (plan.build, plan.population, plan.source_language, plan.target_language) == (
        "multiinstruct-it",
        60,
        "en",
        "it",
    )
    assert len(plan.rows) == 21
    for each in plan.assignments:
        page = (found.packages / f"{each.annotator}.html").read_text(encoding="utf-8")
        assert each.package_id == f"multiinstruct-it.round-1.{each.annotator}"
        assert each.package_sha256 in page
        assert [item.shared for item in each.items].count(True) == 5
        assert all(item.item_id in page for item in each.items)
        assert not any(item.row in page for item in each.items)
    assert "keep it to yourself" in said
    assert f"python -m validation import {built} FILES…" in said


def test_an_item_holds_what_the_row_holds(built: Path):
    planned = ask(built, "ane", shared=60, own=0)
    assigned, package = planned.plan.assignments[0], planned.packages[0]
    texts = {each.row: each.texts for each in planned.plan.rows}
    for item, each in zip(package.items, assigned.items, strict=True):
        assert item.item_id == each.item_id
        assert item.texts == texts[each.row] != ()
        assert item.image.startswith("data:image/jpeg;base64,") == (not item.image_note)
        assert all(0 <= x1 < x2 <= 1 and 0 <= y1 < y2 <= 1 for x1, y1, x2, y2 in item.boxes)
    assert any(len(item.boxes) == 3 for item in package.items)
    assert any(HOSTILE in text.target or HOSTILE in text.source for item in package.items for text in item.texts)


def test_the_same_row_is_another_item_in_another_package(dataset: Path):
    planned = ask(dataset, "ane", "jon", shared=20, own=5)
    ids = [{item.row: item.item_id for item in each.items} for each in planned.plan.assignments]
    both = ids[0].keys() & ids[1].keys()
    assert len(both) == 20
    assert all(ids[0][each] != ids[1][each] for each in both)
    assert {len(item) for mine in ids for item in mine.values()} == {12}
    orders = [[item.row for item in each.items if item.row in both] for each in planned.plan.assignments]
    assert orders[0] != orders[1]


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 6), st.integers(1, 6), st.integers(0, 99))
def test_a_package_does_not_tell_shared_items_from_own_ones(dataset: Path, shared: int, own: int, seed: int):
    """The same rows make the same package to the byte, whichever of them others judge too."""
    some = ask(dataset, "ane", "jon", shared=shared, own=own, seed=seed)
    alone = ask(dataset, "ane", shared=shared + own, own=0, seed=seed)
    assert some.packages[0].to_json() == alone.packages[0].to_json()
    assert sum(item.shared for item in some.plan.assignments[0].items) == shared


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sets(st.integers(0, 7), min_size=1, max_size=4), st.integers(0, 99))
def test_a_package_does_not_tell_gold_items_from_others(dataset: Path, known: set[int], seed: int):
    plain = ask(dataset, "ane", shared=8, own=0, seed=seed)
    rows = [each.row for each in plain.plan.rows]
    gold = tuple(Gold(rows[number], "accept", {}, "gold.jsonl, line 1") for number in known)
    hidden = ask(dataset, "ane", shared=8 - len(gold), own=0, seed=seed, gold=gold)
    assert hidden.packages[0].to_json() == plain.packages[0].to_json()
    assert {item.row for item in hidden.plan.assignments[0].items if item.gold} == {each.row for each in gold}


def test_annotators_in_another_order_get_the_same_packages(dataset: Path):
    one, other = ask(dataset, "ane", "jon", "miren"), ask(dataset, "miren", "ane", "jon")
    assert {each.annotator: each.sha256 for each in one.packages} == {
        each.annotator: each.sha256 for each in other.packages
    }


def test_strata_that_got_no_row_are_told(dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    rows = [row(number, task_name="big") for number in range(50)] + [row(50, task_name="\u202esmall\x1b[2J")]
    write_dataset(tmp_path, [*rows, row(51, translations=[]), row(52, translations=None)])
    command = ["sample", str(tmp_path), "--annotators", "ane", "--shared", "5", "--own", "0", "--to", "it"]
    assert main([*command, "--stratify", "task_name"]) == 0
    said = capsys.readouterr().out
    assert "5 of 51 rows, seed 0, in proportion to task_name (2 strata)" in said
    assert "1 strata got no row: \\u202esmall\\x1b[2J" in said
    assert "2 rows have no translation to judge and were not drawn from" in said
    assert "5 of the rows are shown without a picture" in said


def test_a_build_of_paths_shows_its_pictures(tmp_path: Path):
    write_sample_build(UPath(tmp_path), images="path")
    items = ask(tmp_path, "ane", shared=30, own=0).packages[0].items
    assert sum(bool(item.image) for item in items) > 20


# A round is made once


def test_the_same_command_makes_the_same_bytes_until_a_judgement_is_in(
    dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    write_dataset(tmp_path, [row(number) for number in range(30)])
    command = ["sample", str(tmp_path), "--annotators", "ane,jon", "--shared", "4", "--own", "3", "--to", "it"]
    assert main(command) == 0
    found = find_round(tmp_path)
    before = {path: path.read_bytes() for path in found.folder.rglob("*") if path.is_file()}
    write_json(found.plan_path, json.loads(found.plan_path.read_text()) | {"created": "2025-01-01T00:00:00Z"})
    (found.packages / "ane.html").unlink()
    assert main(command) == 0
    after = {path: path.read_bytes() for path in found.folder.rglob("*") if path.is_file()}
    assert {path for path in before if before[path] != after[path]} == {found.plan_path}
    assert found.plan().created == "2025-01-01T00:00:00Z"

    capsys.readouterr()
    assert main([*command, "--seed", "1"]) == 2
    assert "say --round round-2 for a new one" in capsys.readouterr().err
    write_json(found.judgements_path("ane"), {"judgements": []})
    assert main(command) == 2
    assert "holds judgements, and stays as it is: say --round round-2" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in after} == after


def test_another_round_is_drawn_from_rows_that_no_round_has_had(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    write_dataset(tmp_path, [row(number) for number in range(24)])
    command = ["sample", str(tmp_path), "--annotators", "ane,jon", "--shared", "4", "--own", "3", "--to", "it"]
    second = [*command, "--round", "round-2"]
    assert main(command) == 0
    assert main(second) == 0
    drawn = [{each.row for each in found.plan().rows} for found in rounds(tmp_path)]
    assert [len(rows) for rows in drawn] == [10, 10]
    assert not drawn[0] & drawn[1]
    assert "10 rows of earlier rounds were not drawn from" in capsys.readouterr().out
    assert main(command) == 0, "the first round is what it was, whatever rounds came after"
    assert main(second) == 0
    assert main([*command, "--round", "round-3"]) == 2
    assert "there are 4 to draw from" in (problem := capsys.readouterr().err)
    assert "--again draws from the 20 rows of earlier rounds too" in problem
    assert main([*command, "--round", "round-3", "--again"]) == 0
    assert "10 of these rows are in round-1 too" in capsys.readouterr().out, "the same seed, the same draw"


def test_what_an_unfinished_command_left_does_not_stay(tmp_path: Path):
    write_dataset(tmp_path, [row(number) for number in range(30)])
    left = tmp_path / "validation/round-1/packages/old.html"
    left.parent.mkdir(parents=True)
    left.write_text("of a run that was killed")
    assert main(["sample", str(tmp_path), "--annotators", "ane", "--own", "0", "--shared", "4", "--to", "it"]) == 0
    assert [path.name for path in left.parent.iterdir()] == ["ane.html"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--annotators", "ane,Ane"], "ane and Ane are one name"),
        (["--annotators", "ane,,jon"], "'' cannot name a file"),
        (["--annotators", "../ane"], "'../ane' cannot name a file"),
        (["--annotators", "ane", "--shared", "-1"], "--shared -1 --own 20: expected numbers of rows"),
        (["--annotators", "ane", "--shared", "0", "--own", "0"], "no row is asked for"),
        (["--annotators", "ane,jon", "--own", "40"], "100 rows are asked for"),
        (["--annotators", "ane", "--stratify", "nono"], "no such column of strings; there are task_name"),
        (["--annotators", "ane", "--stratify", "image"], "no such column of strings; there are task_name"),
        (["--annotators", "ane", "--split", "train"], "no such split; there are test"),
        (["--annotators", "ane", "--config", "eu"], "no such configuration; there are data"),
        (["--annotators", "ane", "--round", "a/b"], "--round a/b: expected letters"),
        (["--annotators", "ane", "--round", "agreement.json"], "--round agreement.json: expected letters"),
        (["--annotators", "ane", "--to", "Basque!"], "--to Basque!: expected a language's code"),
        (["--annotators", "ane", "--picture-side", "9"], "--picture-side 9: expected 64 to 4096"),
        (["--annotators", "ane", "--guidelines", "no.md"], "--guidelines no.md: cannot be read: No such file"),
    ],
)
def test_what_cannot_be_asked_is_told_and_nothing_is_written(
    dataset: Path, given: list[str], said: str, capsys: pytest.CaptureFixture[str]
):
    assert main(["sample", str(dataset), *given]) == 2
    assert said in capsys.readouterr().err
    assert not (dataset / "validation").exists()


def test_the_command_loads_no_model_no_cluster_and_no_pandas(tmp_path: Path):
    write_dataset(tmp_path, [row(number, image={"bytes": scene(number), "path": None}) for number in range(9)])
    script = (
        "import sys; from validation.__main__ import main; "
        f"main(['sample', {str(tmp_path)!r}, '--annotators', 'ane', '--shared', '4', '--own', '4', '--to', 'it']); "
        "print('slow', *{'ray', 'torch', 'datasets', 'transformers', 'lingua', 'pandas', 'sentencex'} & {*sys.modules})"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines()[-1] == "slow"
    assert find_round(tmp_path).plan().population == 9


# What is drawn from


@pytest.mark.parametrize(
    ("where", "given"), [(".", "dataset"), ("dataset", "."), ("dataset/data", ".."), (".", "link")]
)
def test_a_dataset_in_a_build_keeps_its_rounds_in_the_build(
    where: str, given: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    write_dataset(tmp_path / "dataset", [row(number) for number in range(9)])
    (tmp_path / "build.json").write_text(json.dumps({"name": "x y/z", "fingerprint": "f", "config": {"to": "eu"}}))
    (tmp_path / "link").symlink_to(tmp_path / "dataset")
    monkeypatch.chdir(tmp_path / where)
    assert main(["sample", given, "--annotators", "ane", "--shared", "2", "--own", "1"]) == 0
    plan = find_round(tmp_path).plan()
    assert (plan.build, plan.fingerprint, plan.target_language) == ("x y/z", "f", "eu")
    assert plan.assignments[0].package_id == "x-y-z.round-1.ane"
    assert not (tmp_path / "dataset/validation").exists()


def test_configurations_and_splits(tmp_path: Path):
    for config, first in (("captions", 0), ("vqa", 20)):
        write_dataset(tmp_path, [row(number) for number in range(first, first + 6)], f"{config}/train-00000-of-00001")
        write_dataset(tmp_path, [row(number) for number in range(first + 6, first + 10)], f"{config}/test")
    with pytest.raises(Problem, match="several configurations: say --config with one of captions, vqa"):
        ask(tmp_path)
    planned = ask(tmp_path, config="vqa", split="test", shared=4, own=0)
    assert {each.row for each in planned.plan.rows} == {"row-026", "row-027", "row-028", "row-029"}
    assert (planned.plan.config, planned.plan.split, planned.plan.population) == ("vqa", "test", 4)
    assert len(list_rows(tmp_path, "task_name", config="captions")) == 10


def test_a_dataset_without_translations_or_language_says_what_is_expected(tmp_path: Path):
    table = pa.table({"id": ["a"], "text": ["b"]})
    (tmp_path / "data").mkdir()
    pq.write_table(table, tmp_path / "data/train-00000-of-00001.parquet")
    with pytest.raises(Problem, match="no column `translations`; expected one of lists of {field, source, target}"):
        ask(tmp_path)
    pq.write_table(table.append_column("translations", pa.array(["x"])), tmp_path / "data/train-00000-of-00001.parquet")
    with pytest.raises(Problem, match="column `translations` is string; expected lists"):
        ask(tmp_path)
    with pytest.raises(Problem, match="say --to with its code"):
        plan_round(Request(tmp_path, "round-1", ("ane",), 1, 1))
    with pytest.raises(Problem, match="no such folder; give a build's folder"):
        ask(tmp_path / "nowhere")
    (tmp_path / "data/train-00000-of-00001.parquet").write_bytes(b"PAR1 not really PAR1")
    with pytest.raises(Problem, match="train-00000-of-00001.parquet: not a Parquet file"):
        ask(tmp_path)


def test_only_the_row_groups_that_hold_drawn_rows_are_read(tmp_path: Path):
    marks = {number: f"picture of {number:03d} ".encode() * 20 for number in range(30)}
    rows = [row(number, image={"bytes": mark, "path": None}) for number, mark in marks.items()]
    path = write_dataset(tmp_path, rows, groups=5)
    whole = path.read_bytes()
    drawn = {int(each.row[-3:]) // 5 for each in ask(tmp_path, "ane", shared=2, own=0).plan.rows}
    for group in range(6):
        offset = pq.read_metadata(path).row_group(group).column(1).data_page_offset
        path.write_bytes(whole[:offset] + b"\xff" * 40 + whole[offset + 40 :])
        if group in drawn:
            with pytest.raises(Problem, match="cannot|can be read"):
                ask(tmp_path, "ane", shared=2, own=0)
        else:
            assert len(ask(tmp_path, "ane", shared=2, own=0).packages[0].items) == 2
        path.write_bytes(whole)


def test_ids_that_are_missing_or_there_twice_are_told(tmp_path: Path):
    write_dataset(tmp_path, [row(1), row(1)])
    with pytest.raises(Problem, match="the id 'row-001' is there twice"):
        ask(tmp_path, "ane", shared=1, own=0)
    with pytest.raises(Problem, match="1 of 1 rows are not in this dataset, the first is 'row-009'"):
        read_rows(tmp_path, ["row-009"])
    write_dataset(tmp_path, [row(1, id=None)])
    with pytest.raises(Problem, match="a row has no id"):
        ask(tmp_path, "ane", shared=1, own=0)
