"""Ties and differing corrections go to somebody who did not judge, with the votes and without the names."""

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from upath import UPath

from tests.sample_build import write_sample_build
from validation.__main__ import main as validation
from validation.annotation.adjudication import GONE, adjudicate
from validation.annotation.package import LABELS, Package
from validation.annotation.pairs import read_pairs
from validation.annotation.problem import Problem
from validation.annotation.rounds import Judgement, Round, find_round, rounds
from validation.annotation.verdicts import read_verdicts, write_verdicts

NAMES = ("ane", "jon", "miren", "iker")
Says = Callable[[str, int], dict[str, Any]]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    write_sample_build(UPath(tmp_path / "out"))
    return tmp_path / "out"


def sample(out: Path, *flags: str) -> Round:
    command = ["sample", str(out), "--annotators", ",".join(NAMES), "--shared", "5", "--own", "0", *flags]
    assert validation(command) == 0
    return find_round(out)


def take_in(round: Round, says: Says, adjudicator: str = "") -> None:
    """Import what `says` (of an annotator and the place of a row in the plan) answers for every item."""
    plan = round.plan()
    places = {row.row: place for place, row in enumerate(plan.rows)}
    for each in plan.assignments:
        if each.adjudicates != bool(adjudicator):
            continue
        judgements = [
            asdict(Judgement(item.item_id, at="2026-02-01T00:00:00Z", **says(each.annotator, places[item.row])))
            for item in each.items
        ]
        path = round.folder / f"{each.package_id}.json"
        identity = {"package_id": each.package_id, "package_sha256": each.package_sha256}
        value = {"format": "vlm-annotations/1", "annotator": each.annotator, "judgements": judgements}
        path.write_text(json.dumps(value | identity))
        assert validation(["import", str(round.folder.parents[1]), str(path)]) == 0
        path.unlink()


def divided(field: str) -> Says:
    """Row 0 ties, row 1 is rejected with two corrections of its field, row 2 rejected, the others are accepted."""

    def says(annotator: str, place: int) -> dict[str, Any]:
        said: dict[str, Any] = {"label": "reject", "reasons": ("meaning",), "comment": f"no {annotator[0]}!"}
        if place == 1 and annotator in ("ane", "jon"):
            return said | {"corrections": {field: f"testo {annotator[-1]}"}}
        if (place == 0 and annotator in ("ane", "jon")) or (place in (1, 2) and annotator != "iker"):
            return said
        return {"label": "accept"}

    return says


def field_of_row_1(round: Round) -> str:
    return round.plan().rows[1].texts[0].name


@pytest.fixture
def round(out: Path) -> Round:
    made = sample(out)
    take_in(made, divided(field_of_row_1(made)))
    return made


def package_of(out: Path, round: Round, name: str = "amaia", **more: Any) -> Package:
    made = adjudicate(out, round, name, **more)
    assert made
    return made.package


def test_what_is_open_is_shown_with_votes_and_without_names(out: Path, round: Round) -> None:
    package = package_of(out, round)
    rows = round.plan().rows
    found = {item.texts: item for item in package.items}
    assert found.keys() == {rows[0].texts, rows[1].texts}
    votes = found[rows[0].texts].votes
    assert sorted(vote.label for vote in votes) == ["accept", "accept", "reject", "reject"]
    assert {vote.comment for vote in votes} == {"", "no a!", "no j!"}
    corrections = [vote.corrections for vote in found[rows[1].texts].votes if vote.corrections]
    assert sorted(text for each in corrections for text in each.values()) == ["testo e", "testo n"]
    assert all(item.conversation and (item.image or item.image_note) for item in package.items)
    shown = json.dumps(package.to_json())
    assert not any(f'"{name}"' in shown or row.row in shown for name in NAMES for row in rows)


def test_the_same_rows_give_the_same_package_and_other_votes_another(
    out: Path, round: Round, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["adjudicate", str(out), "--annotator", "amaia"]
    assert validation(command) == 0
    assert f"validation import {out}" in capsys.readouterr().out
    plan, page = round.plan_path.read_bytes(), (round.packages / "amaia.html").read_bytes()
    assert validation(command) == 0
    assert (round.plan_path.read_bytes(), (round.packages / "amaia.html").read_bytes()) == (plan, page)
    (decides,) = (each for each in round.plan().assignments if each.adjudicates)
    assert package_of(out, round).package_id == decides.package_id
    later = Judgement(round.plan().assignments[0].items[0].item_id, "unsure", at="2026-03-01T00:00:00Z")
    first = round.plan().assignments[0]
    path = out / "later.json"
    value = {"format": "vlm-annotations/1", "annotator": first.annotator, "judgements": [asdict(later)]}
    path.write_text(json.dumps(value | {"package_id": first.package_id, "package_sha256": first.package_sha256}))
    assert validation(["import", str(out), str(path)]) == 0
    other = adjudicate(out, round, "amaia")
    assert other
    ids = {each.package_id for each in other.plan.assignments if each.adjudicates}
    assert {decides.package_id, other.package.package_id} == ids


def test_the_adjudicator_decides_and_then_nothing_is_open(
    out: Path, round: Round, capsys: pytest.CaptureFixture[str]
) -> None:
    assert validation(["adjudicate", str(out), "--annotator", "amaia"]) == 0
    assert write_verdicts(out).open == tuple(sorted(row.row for row in round.plan().rows[:2]))
    field = field_of_row_1(round)

    def decides(annotator: str, place: int) -> dict[str, Any]:
        return {"label": "reject", "corrections": {field: "la giusta"} if place else None}

    take_in(round, decides, adjudicator="amaia")
    capsys.readouterr()
    assert validation(["adjudicate", str(out), "--annotator", "amaia"]) == 0
    assert "nothing is open in round-1" in capsys.readouterr().out
    verdicts = write_verdicts(out)
    tied, corrected, rejected = (verdicts.rows[row.row] for row in round.plan().rows[:3])
    assert (tied.verdict, tied.adjudicated, tied.votes["accept"]) == ("reject", True, 2)
    assert (corrected.verdict, corrected.texts[field].text) == ("correct", "la giusta")
    assert (rejected.verdict, rejected.adjudicated) == ("reject", False)
    assert verdicts.open == ()
    assert read_verdicts(out / "validation/verdicts.json") == verdicts


def test_a_row_that_the_dataset_has_no_more_is_shown_as_it_was_judged(out: Path, round: Round) -> None:
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    gone = round.plan().rows[0]
    for path in (out / "dataset/data").glob("*.parquet"):
        table = pq.read_table(path)
        pq.write_table(table.filter(pc.field("id") != gone.row), path)
    (item,) = (item for item in package_of(out, round).items if item.texts == gone.texts)
    assert (item.image, item.image_note, item.conversation) == ("", GONE, ())
    assert len(item.votes) == 4


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (["--annotator", "Ane"], "ane has a package of round-1 already"),
        (["--annotator", "../x"], "expected letters, digits"),
        (["--annotator", "amaia", "--round", "round-9"], "there is no such round; there are round-1"),
        (["--annotator", "amaia", "--guidelines", "/no/such.md"], "--guidelines /no/such.md"),
    ],
)
def test_a_mistake_is_told_and_the_plan_stays(
    out: Path, round: Round, capsys: pytest.CaptureFixture[str], flags: list[str], told: str
) -> None:
    plan = round.plan_path.read_bytes()
    assert validation(["adjudicate", str(out), *flags]) == 2
    assert told in capsys.readouterr().err
    assert round.plan_path.read_bytes() == plan


def test_pairs_show_both_answers_on_drawn_sides_and_votes_follow_the_side(out: Path, tmp_path: Path) -> None:
    ids = [row.row for row in sample(out, "--round", "round-1").plan().rows]
    files = []
    for system in ("llama", "latxa"):
        files.append(tmp_path / f"{system}.jsonl")
        files[-1].write_text("".join(json.dumps({"id": row, "answer": f"{system} {row[:4]}"}) + "\n" for row in ids))
    round = sample(out, "--round", "round-2", "--pairs", str(files[0]), str(files[1]))
    plan = round.plan()
    sides = {item.item_id: item.left for each in plan.assignments for item in each.items}

    for each in plan.assignments:  # ane and jon prefer system 0, the others system 1
        wanted = 0 if each.annotator in ("ane", "jon") else 1
        said = [
            asdict(
                Judgement(
                    item.item_id, "left" if sides[item.item_id] == wanted else "right",
                    comment=f"{plan.systems[wanted]} {each.annotator}", at="2026-02-01T00:00:00Z",
                )
            )
            for item in each.items
        ]  # fmt: skip
        value = {"format": "vlm-annotations/1", "annotator": each.annotator, "judgements": said}
        path = tmp_path / "said.json"
        path.write_text(json.dumps(value | {"package_id": each.package_id, "package_sha256": each.package_sha256}))
        assert validation(["import", str(out), str(path)]) == 0
    with pytest.raises(Problem, match="give them again, as --pairs llama.jsonl latxa.jsonl"):
        adjudicate(out, round, "amaia")
    made = adjudicate(out, round, "amaia", pairs=read_pairs(*files))
    assert made
    (decides,) = (each for each in made.plan.assignments if each.adjudicates)
    assert {item.left for item in decides.items} == {0, 1}, "sides are drawn"
    for item, assigned in zip(made.package.items, decides.items, strict=True):
        answers = [item.left, item.right]
        assert answers[assigned.left].startswith("llama")
        assert answers[1 - assigned.left].startswith("latxa")
        for vote in item.votes:
            assert (item.left if vote.label == "left" else item.right).split()[0] == vote.comment.split()[0]
        assert set(made.package.labels) == set(LABELS["pair"])
    orders = {tuple(vote.comment for vote in item.votes) for item in made.package.items}
    assert len(orders) > 1, "the place of a vote does not say whose it is"
    assert len(rounds(out)) == 2
