"""What becomes of rows that people judged, and a file of it that anybody may have edited."""

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.judged_round import TEXTS, item_id, make_round
from validation.annotation.problem import Problem
from validation.annotation.rounds import Assigned, Assignment, Judgement, PlannedRow, Round, write_json
from validation.annotation.verdicts import PLACE, Verdicts, judged_rows, read_verdicts, write_verdicts

FOUR = ("ane", "jon", "miren", "iker")
JUDGE = "amaia"
SHOWN = TEXTS[0].target
LABELS = {"a": "accept", "r": "reject", "u": "unsure"}


def say(
    round: Round, labels: str, corrections: dict[str, dict[str, str]] | None = None, row: int = 0, second: int = 0
) -> None:
    """Have the annotators judge a row: a letter each, "-" for none; and write texts, by annotator and field.

    They follow one another by a second, from `second` on.
    """
    names = [each.annotator for each in round.plan().assignments]
    for at_second, (name, letter) in enumerate(zip(names, labels, strict=False), second):
        if letter == "-":
            continue
        at = f"2026-02-01T00:00:{at_second:02}.000Z"
        texts = (corrections or {}).get(name)
        reasons = ("meaning",) if letter == "r" else ()
        made = Judgement(item_id(name, row), LABELS[letter], reasons, "", texts, 4000, at)
        before = [each for each in round.judgements(name) if each.item_id != made.item_id]
        write_json(round.judgements_path(name), {"judgements": [asdict(each) for each in [*before, made]]})


def with_adjudicator(round: Round, name: str = JUDGE) -> None:
    plan = round.plan()
    items = tuple(Assigned(item_id(name, int(row.row[-1])), row.row, shared=False) for row in plan.rows)
    decides = Assignment(f"{plan.round}.{name}", name, "sha", items, adjudicates=True)
    round.write_plan(replace(plan, assignments=(*plan.assignments, decides)))


def of_row(verdicts: Verdicts, row: int = 0) -> tuple[str, dict[str, str]] | None:
    """A row's verdict and the texts it brings, None where there is none."""
    found = verdicts.rows.get(f"row-{row}")
    return (found.verdict, {name: said.text for name, said in found.texts.items()}) if found else None


@pytest.mark.parametrize(
    ("labels", "texts", "expected", "is_open"),
    [
        ("aaaa", {}, None, False),
        ("rrra", {}, ("reject", {}), False),
        ("uuua", {}, None, False),
        ("aarr", {}, None, True),
        ("a---", {}, None, False),
        ("r---", {}, ("reject", {}), False),
        ("rrra", {"ane": {"question": "Cos'è?"}}, ("correct", {"question": "Cos'è?"}), False),
        ("aaar", {"iker": {"answer": "Una gatta."}}, ("correct", {"answer": "Una gatta."}), False),
        ("rrra", {name: {"answer": "\n\nNo" + " " * len(name)} for name in FOUR}, ("correct", {"answer": "No"}), False),
        ("rrra", {"ane": {"question": "Cos'è?"}, "jon": {"question": "Che è?"}}, ("reject", {}), True),
        ("aaar", {"ane": {"question": "Cos'è?"}, "jon": {"question": "Che è?"}}, None, True),
        ("uuua", {"ane": {"question": "Cos'è?"}}, None, True),
        ("uuua", {"ane": {"question": f" {SHOWN}"}}, None, False),
        ("rrra", {"ane": {"question": f" {SHOWN}"}}, ("reject", {}), False),
        ("rrra", {"iker": {"question": "Cos'è, questo?"}}, ("reject", {}), True),
        ("rrru", {"iker": {"question": "Cos'è, questo?"}}, ("reject", {}), True),
        ("rrra", {"ane": {"question": "Cos'è?"}, "iker": {"answer": "Gatto."}}, ("reject", {}), True),
        (
            "rrra", {"ane": {"question": "Cos'è?"}, "iker": {"question": "Che è?"}},
            ("correct", {"question": "Cos'è?"}), False,
        ),
        ("rrra", {"ane": {"question": "\u200b"}, "jon": {"question": "\u202e \u2069"}}, ("reject", {}), False),
        ("rrra", {"ane": {"question": "Cos'\u202eè\u202c?"}}, ("correct", {"question": "Cos'è?"}), False),
        ("rrra", {"ane": {"question": "Cos'\x1bè?\r\nDì."}}, ("correct", {"question": "Cos'è?\nDì."}), False),
    ],
)  # fmt: skip
def test_the_majority_and_a_correction_decide(
    tmp_path: Path, labels: str, texts: dict[str, dict[str, str]], expected: Any, is_open: bool
) -> None:
    round = make_round(tmp_path, FOUR)
    say(round, labels, texts)
    verdicts = write_verdicts(tmp_path)
    assert of_row(verdicts) == expected
    assert (verdicts.open == ("row-0",)) is is_open
    assert [each.open for each in judged_rows(round)] == [is_open]
    assert read_verdicts(tmp_path / PLACE) == verdicts
    before = (tmp_path / PLACE).read_bytes()
    write_verdicts(tmp_path)
    assert (tmp_path / PLACE).read_bytes() == before


@pytest.mark.parametrize(
    ("labels", "decision", "text", "expected"),
    [
        ("aarr", "r", None, ("reject", {})),
        ("aarr", "a", None, None),
        ("aarr", "r", "Cos'è mai?", ("correct", {"question": "Cos'è mai?"})),
        ("aarr", "u", None, None),
        ("rrra", "r", "Cos'è mai?", ("correct", {"question": "Cos'è mai?"})),
        ("rrra", "r", None, ("reject", {})),
        ("rrra", "a", None, None),
        ("aaar", "a", None, None),
        ("aaar", "r", None, ("reject", {})),
        ("aaar", "a", "Cos'è mai?", ("correct", {"question": "Cos'è mai?"})),
    ],
)
def test_an_adjudicator_settles_ties_and_differing_corrections(
    tmp_path: Path, labels: str, decision: str, text: str | None, expected: Any
) -> None:
    round = make_round(tmp_path, FOUR)
    with_adjudicator(round)
    texts = {"jon": {"question": "Cos'è?"}, "miren": {"question": "Che è?"}} if labels != "aarr" else {}
    say(round, labels + "-", texts)
    assert write_verdicts(tmp_path).open == ("row-0",)
    say(round, "----" + decision, {JUDGE: {"question": text}} if text else {})
    verdicts = write_verdicts(tmp_path)
    assert (of_row(verdicts), verdicts.open) == (expected, ())
    assert all(found.adjudicated for found in verdicts.rows.values())


def test_of_two_adjudicators_the_one_who_judged_last_decides(tmp_path: Path) -> None:
    round = make_round(tmp_path, FOUR)
    with_adjudicator(round)
    with_adjudicator(round, "zoe")
    say(round, "aarr-a", {"jon": {"question": "Cos'è?"}})
    assert of_row(write_verdicts(tmp_path)) is None
    say(round, "----r-", {JUDGE: {"answer": "Gatta."}}, second=9)
    assert of_row(write_verdicts(tmp_path)) == ("correct", {"answer": "Gatta."}), "and nobody else's text counts"
    say(round, "----u-", {JUDGE: {"answer": "Gatta."}}, second=10)
    assert write_verdicts(tmp_path).open == ("row-0",), "a text of whom is unsure goes to somebody else"


def test_a_verdict_says_who_said_what_and_what_was_judged(tmp_path: Path) -> None:
    say(make_round(tmp_path, FOUR), "rrua", {"jon": {"question": "Cos'è?"}})
    write_verdicts(tmp_path)
    rows = json.loads((tmp_path / PLACE).read_text())["rows"]
    assert rows["row-0"] == {
        "round": "round-1",
        "verdict": "correct",
        "votes": {"accept": 1, "reject": 2, "unsure": 1},
        "adjudicated": False,
        "reasons": ["meaning"],
        "texts": {
            "question": {
                "source": TEXTS[0].source, "was": SHOWN, "text": "Cos'è?", "at": "2026-02-01T00:00:01.000Z",
            }
        },
    }  # fmt: skip


def test_gold_items_and_pairs_decide_nothing(tmp_path: Path) -> None:
    round = make_round(tmp_path, FOUR)
    say(round, "rrrr")
    plan = round.plan()
    gold = [replace(each, items=(replace(each.items[0], gold="reject"), *each.items[1:])) for each in plan.assignments]
    round.write_plan(replace(plan, assignments=tuple(gold)))
    pairs = make_round(tmp_path, ("ane", "jon"), task="pair", name="round-2")
    pairs.write_plan(replace(pairs.plan(), systems=("one", "two")))
    verdicts = write_verdicts(tmp_path)
    assert (verdicts.rows, verdicts.rounds, verdicts.open) == ({}, (), ())


def later(tmp_path: Path, shown: str) -> Round:
    """A second round in which the question of every row reads `shown`."""
    round = make_round(tmp_path, FOUR, name="round-2")
    plan = round.plan()
    texts = (replace(TEXTS[0], target=shown), TEXTS[1])
    round.write_plan(replace(plan, rows=tuple(PlannedRow(row.row, "", texts) for row in plan.rows)))
    return round


@pytest.mark.parametrize(
    ("first", "wrote", "shown", "second", "writes", "expected"),
    [
        ("rrrr", "", SHOWN, "aaaa", "", None),
        ("aaaa", "", SHOWN, "rrrr", "", ("reject", {})),
        ("rrrr", "", SHOWN, "aarr", "", ("reject", {})),
        ("rrrr", "", SHOWN, "uuuu", "", ("reject", {})),
        ("rrrr", "Cos'è?", "Cos'è?", "aaaa", "", ("correct", {"question": "Cos'è?"})),
        ("rrrr", "Cos'è?", SHOWN, "aaaa", "", None),
        ("rrrr", "Cos'è?", "Cos'è?", "rrrr", "", ("reject", {})),
        ("rrrr", "Cos'è?", "Cos'è?", "rrrr", "E questo?", ("correct", {"question": "E questo?"})),
    ],
)
def test_a_later_round_overrules_and_knows_what_an_earlier_one_corrected(
    tmp_path: Path, first: str, wrote: str, shown: str, second: str, writes: str, expected: Any
) -> None:
    say(make_round(tmp_path, FOUR), first, {"ane": {"question": wrote}} if wrote else {})
    say(later(tmp_path, shown), second, {"ane": {"question": writes}} if writes else {})
    verdicts = write_verdicts(tmp_path)
    assert of_row(verdicts) == expected
    for found in verdicts.rows.values():
        assert {said.was for said in found.texts.values()} <= {SHOWN}, "the build's own text, which is to be replaced"


def question(value: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = value["rows"]["row-0"]["texts"]["question"]
    return found


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda value: value["rows"]["row-0"].update(verdict="drop"), "row 'row-0': verdict: 'drop'"),
        (lambda value: question(value).update(text=" "), "field 'question': text: it is empty"),
        (lambda value: question(value).update(text="a\x00b"), "U+0000"),
        (lambda value: question(value).update(text="\ud800?"), "U+D800"),
        (lambda value: question(value).update(text="\u200b"), "nothing of it can be seen"),
        (lambda value: question(value).update(text="a\u202eb"), "U+202E"),
        (lambda value: question(value).update(at="soon"), "field 'question': at: 'soon'"),
        (lambda value: question(value).pop("was"), "field 'question': strings are expected"),
        (lambda value: value["rows"]["row-0"].update(texts={}), "row 'row-0': texts: the fields of a row"),
        (lambda value: value["rows"]["row-0"]["votes"].update(accept=True), "row 'row-0': votes"),
        (lambda value: value["rows"]["row-0"].update(why="?"), "row 'row-0': an object is expected with"),
        (lambda value: value["rows"].update({"row-1": 3}), "row 'row-1': an object"),
        (lambda value: value.update(rows=[]), "rows: an object is expected"),
        (lambda value: value.update(open=3), "open: a list of strings"),
        (lambda value: value.update(format="vlm-verdicts/2"), "its format is not vlm-verdicts/1"),
    ],
)  # fmt: skip
def test_a_file_that_was_edited_wrongly_is_told_by_row_and_field(
    tmp_path: Path, change: Callable[[dict[str, Any]], Any], told: str
) -> None:
    say(make_round(tmp_path, FOUR), "rrrr", {"ane": {"question": "Cos'è?"}})
    write_verdicts(tmp_path)
    value = json.loads((tmp_path / PLACE).read_text())
    change(value)
    (tmp_path / PLACE).write_text(json.dumps(value))
    with pytest.raises(Problem) as problem:
        read_verdicts(tmp_path / PLACE)
    assert str(tmp_path / PLACE) in str(problem.value)
    assert told in str(problem.value)


def test_a_row_that_is_there_twice_is_told(tmp_path: Path) -> None:
    path = tmp_path / "verdicts.json"
    path.write_text('{"format": "vlm-verdicts/1", "rounds": [], "open": [], "rows": {"a": 1, "a": 2}}')
    with pytest.raises(Problem, match="'a' is there twice"):
        read_verdicts(path)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["format", "rounds", "open", "rows", "verdict", "votes", "texts", "x"]), inner
        )
    ),
    max_leaves=12,
)


@settings(max_examples=40)
@given(value=JSON, whole=st.booleans())
def test_any_json_gives_a_problem_and_never_a_traceback(
    tmp_path_factory: pytest.TempPathFactory, value: Any, whole: bool
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.json"
    form = {"format": "vlm-verdicts/1", "rounds": [], "open": [], "rows": {"row": value}}
    path.write_text(json.dumps(value if whole else form))
    with pytest.raises(Problem):
        read_verdicts(path)
