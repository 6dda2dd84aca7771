"""`python -m validation agree`: from a plan and judgement files to figures, a table and a file."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from validation.__main__ import main
from validation.annotation.agreement import agree, record
from validation.annotation.labels import Majority, votes
from validation.annotation.package import Task, Text
from validation.annotation.rounds import (
    JUDGEMENTS_FORMAT,
    Assigned,
    Assignment,
    Judgement,
    Plan,
    PlannedRow,
    Round,
    write_json,
)

NAMES = ("ane", "jon", "miren", "iker")
HOSTILE = "[bold]\x1b[31m<img src=x onerror=alert(1)>\u202e"


def planned(
    task: Task = "accept",
    shared: int = 20,
    own: int = 20,
    gold: int = 0,
    systems: tuple[str, ...] = (),
    strata: Sequence[str] = ("",),
) -> Plan:
    """Four annotators' plan; rows are s00… and ane00…, an annotator's items ane-s00 and so on."""
    rows = [f"s{i:02}" for i in range(shared)] + [f"{name}{i:02}" for name in NAMES for i in range(own)]
    assignments = []
    for at, name in enumerate(NAMES):
        items = [Assigned(f"{name}-{row}", row, True, left=(at + i) % 2) for i, row in enumerate(rows[:shared])]
        items += [Assigned(f"{name}-{row}", row, False) for row in rows[shared:] if row.startswith(name)]
        items += [Assigned(f"{name}-gold{i}", f"gold{i}", False, gold="reject") for i in range(gold)]
        assignments.append(Assignment(f"package-{name}", name, "0" * 64, tuple(items)))
    return Plan(
        build="a-build",
        fingerprint="f" * 16,
        round="round-1",
        task=task,
        seed=0,
        stratify="" if strata == ("",) else "task_name",
        population=2500,
        source_language="en",
        target_language="eu",
        created="2026-05-01T09:00:00Z",
        rows=tuple(
            PlannedRow(row, strata[i % len(strata)], (Text("question", "How many?", "Zenbat?"),))
            for i, row in enumerate([*rows, *(f"gold{i}" for i in range(gold))])
        ),
        assignments=tuple(assignments),
        systems=systems,
    )


def write(out: Path, plan: Plan, said: Mapping[str, str], other: str = "accept", **more: Any) -> Round:
    """The round's files: every item has the label `other` but those that `said` names; "" leaves one out."""
    made = Round(out / "validation" / plan.round)
    made.write_plan(plan)
    for each in plan.assignments:
        labels = {item.item_id: said.get(item.item_id, item.gold or other) for item in each.items}
        judgements = [
            {"item_id": item, "label": label, "reasons": [], "ms": 6100, "at": "2026-05-02T10:00:00Z"} | more
            for item, label in labels.items()
            if label
        ]
        file = {"format": JUDGEMENTS_FORMAT, "package_id": each.package_id, "package_sha256": each.package_sha256}
        write_json(made.judgements_path(each.annotator), file | {"annotator": each.annotator, "judgements": judgements})
    return made


def one_rejection_each(shared: int, own: int) -> dict[str, str]:
    """Rejections of `shared` shared rows by one annotator each, and of `own` of the others."""
    said = {f"{NAMES[i % 4]}-s{i:02}": "reject" for i in range(shared)}
    return said | {f"{NAMES[i % 4]}-{NAMES[i % 4]}{i // 4:02}": "reject" for i in range(own)}


def recorded(out: Path) -> list[dict[str, Any]]:
    value = json.loads((out / "validation/agreement.json").read_text())
    assert value["format"] == "vlm-agreement/1"
    return list(value["rounds"])


def figure(found: Mapping[str, Any], name: str) -> tuple[float | None, int]:
    return found["figures"][name]["value"], found["figures"][name]["n"]


@pytest.mark.parametrize(
    ("shared", "own", "acceptance", "agreement"),
    [(9, 17, 134 / 160, 71 / 80), (9, 13, 138 / 160, 71 / 80), (4, 0, 156 / 160, 76 / 80)],
    ids=["VQAv2", "Pixmo-CapQA", "A-OKVQA"],
)
def test_the_basque_papers_table_1(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    shared: int,
    own: int,
    acceptance: float,
    agreement: float,
) -> None:
    """0.8375, 0.887; 0.8625, 0.887; 0.975, 0.95: over all 160 judgements, and with the majority of shared rows."""
    write(tmp_path, planned(), one_rejection_each(shared, own))
    assert main(["agree", str(tmp_path)]) == 0
    (found,) = recorded(tmp_path)
    assert figure(found, "acceptance_judgements") == (pytest.approx(acceptance, abs=1e-6), 160)
    assert figure(found, "agreement_majority") == (pytest.approx(agreement, abs=1e-6), 20)
    assert figure(found, "acceptance_items") == (pytest.approx((100 - own) / 100), 100)
    printed = capsys.readouterr().out
    assert f"{acceptance:.4f}" in printed
    assert f"{agreement:.4f}" in printed
    for name, each in found["figures"].items():
        assert each["low"] <= each["value"] <= each["high"], name


@pytest.mark.parametrize(("shared", "narrow"), [(20, True), (50, False)])
def test_intervals_of_kappa_that_are_too_narrow_say_so_wherever_they_go(
    tmp_path: Path, shared: int, narrow: bool
) -> None:
    found = agree(write(tmp_path, planned(shared=shared, own=0), one_rejection_each(9, 0)))
    said = {name: each["interval"] for name, each in found["figures"].items() if "narrow" in each["interval"]}
    assert set(said) == ({"cohen_mean_pairs", "fleiss", "krippendorff_alpha"} if narrow else set())
    assert set(said.values()) <= {"bootstrap of rows, 5,000 resamples; too narrow below 50 shared rows"}


def test_acceptance_says_for_whom_its_interval_holds(tmp_path: Path) -> None:
    figures = agree(write(tmp_path, planned(), {}))["figures"]
    for name in ("acceptance_items", "acceptance_judgements"):
        assert "for these annotators: how annotators differ is not in" in figures[name]["definition"]
    assert figures["acceptance_items"]["unit"] == figures["agreement_majority"]["unit"] == "rows"


def test_figures_say_which_files_they_are_of(tmp_path: Path) -> None:
    made = write(tmp_path, planned(), {})
    files = sorted([*made.folder.glob("judgements/*"), made.plan_path], key=lambda path: str(path))
    parts = [f"{path.relative_to(made.folder)}\0".encode() + sha256(path.read_bytes()).digest() for path in files]
    before = agree(made)
    assert len(parts) == 5
    assert before["files_sha256"] == sha256(b"".join(parts)).hexdigest()
    write(tmp_path, planned(), {"jon-s00": "reject"})
    once = agree(made)["files_sha256"]
    made.judgements_path("jon").unlink()
    other = agree(made)["files_sha256"]
    assert len({before["files_sha256"], once, other}) == 3


def test_high_agreement_with_low_kappa_is_explained(tmp_path: Path) -> None:
    found = agree(write(tmp_path, planned(own=0), one_rejection_each(3, 0)))
    assert figure(found, "agreement_pairwise")[0] == pytest.approx(0.925)
    assert figure(found, "agreement_majority")[0] == pytest.approx(0.9625)
    rounded = {name: round(figure(found, name)[0] or 9, 2) for name in ("fleiss", "krippendorff_alpha", "gwet_ac1")}
    assert rounded == {"fleiss": -0.04, "krippendorff_alpha": -0.03, "gwet_ac1": 0.92}
    assert any("Fleiss' kappa is -0.04 though 92% of pairs" in each for each in found["warnings"])


def test_labels_of_pairs_are_counted_by_system_whatever_side_they_stood_on(tmp_path: Path) -> None:
    """44 shared rows, three labels, four annotators: 20 for the first system, 10 ties, 10 for the other, 4 divided."""
    plan = planned("pair", shared=44, own=0, systems=("latxa", "llama"))
    said = {}
    for each in plan.assignments:
        for at, item in enumerate(each.items):
            for_first, for_second = ("left", "right") if item.left == 0 else ("right", "left")
            divided = for_first if each.annotator in NAMES[:2] else for_second
            said[item.item_id] = for_first if at < 20 else "tie" if at < 30 else for_second if at < 40 else divided
    out = tmp_path / "out"
    found = agree(write(out, plan, said))
    assert found["labels"] == {"preference_0": 88, "tie": 40, "preference_1": 48}
    assert found["majority"] == {"preference_0": 20, "tie": 10, "preference_1": 10, "divided": 4}
    assert figure(found, "preference_0") == (pytest.approx(20 / 44, abs=1e-6), 44)
    assert figure(found, "preference_1_judgements") == (pytest.approx(48 / 176, abs=1e-6), 176)
    assert figure(found, "left_share") == (0.5, 136)
    assert found["open_ties"] == ["s40", "s41", "s42", "s43"]
    assert figure(found, "cohen_mean_pairs") == (pytest.approx(0.905, abs=0.01), 6)
    assert found["systems"] == ["latxa", "llama"]
    assert main(["agree", str(out)]) == 0


def test_annotators_who_lean_to_a_side_are_seen(tmp_path: Path) -> None:
    found = agree(write(tmp_path, planned("pair", systems=("a", "b")), {"jon-s00": "right"}, other="left"))
    assert figure(found, "left_share")[0] == pytest.approx(159 / 160, abs=1e-6)
    assert any("lean to the left" in each for each in found["warnings"])


def judged(labels: Mapping[str, Sequence[str]], adjudicator: Sequence[str] = ()) -> dict[str, Majority]:
    """What is decided of rows r0, r1…, by annotators' labels in that order, "" for none."""
    everyone = {**labels, **({"lead": adjudicator} if adjudicator else {})}
    assignments = [
        Assignment(
            name, name, "", tuple(Assigned(f"{name}{i}", f"r{i}", True) for i in range(len(said))), name == "lead"
        )
        for name, said in everyone.items()
    ]
    rows = tuple(PlannedRow(f"r{i}", "", ()) for i in range(max(map(len, everyone.values()))))
    plan = replace(planned(), rows=rows, assignments=tuple(assignments))
    said = {n: [Judgement(f"{n}{i}", label) for i, label in enumerate(ls) if label] for n, ls in everyone.items()}
    return votes(plan, said)


def test_a_majority_is_the_label_that_no_other_equals_and_a_tie_waits_for_the_adjudicator() -> None:
    labels = {
        "ane": ["accept", "accept", "accept", "unsure", ""],
        "jon": ["accept", "reject", "accept", "unsure", ""],
        "miren": ["reject", "accept", "reject", "reject", ""],
        "iker": ["reject", "reject", "unsure", "unsure", "reject"],
    }
    before = judged(labels)
    assert {row: each.label for row, each in before.items()} == {
        "r0": "tie", "r1": "tie", "r2": "accept", "r3": "unsure", "r4": "reject",
    }  # fmt: skip
    assert before["r0"] == Majority("tie", {"accept": 2, "reject": 2, "unsure": 0}, open=True)
    after = judged(labels, ["reject", "", "reject"])
    assert after["r0"] == Majority("reject", {"accept": 2, "reject": 2, "unsure": 0}, adjudicated=True)
    assert after["r1"].open
    assert after["r2"] == Majority("reject", before["r2"].counts, adjudicated=True), "though most accepted it"
    assert after["r3"] == before["r3"]


def test_an_adjudicated_tie_enters_acceptance_but_no_agreement(tmp_path: Path) -> None:
    plan = planned()
    said = {f"{name}-s00": "reject" for name in NAMES[:2]}
    before = agree(write(tmp_path, plan, said))
    lead = Assignment("package-lead", "lead", "1" * 64, (Assigned("lead-1", "s00", True),), adjudicates=True)
    after = agree(write(tmp_path, replace(plan, assignments=(*plan.assignments, lead)), said))
    assert (before["open_ties"], after["open_ties"]) == (["s00"], [])
    assert (figure(before, "acceptance_items")[0], figure(after, "acceptance_items")[0]) == (0.99, 1.0)
    assert (before["adjudicated"], after["adjudicated"]) == (0, 1)
    assert before["majority"] == {"accept": 99, "reject": 0, "unsure": 0, "tie": 1}
    for name in set(before["figures"]) - {"acceptance_items"}:
        assert before["figures"][name] == after["figures"][name]
    assert [each["annotator"] for each in after["annotators"]] == list(NAMES)
    assert after["received"]["judgements"] == 160


def test_gold_items_are_in_no_rate_and_say_who_missed_them(tmp_path: Path) -> None:
    found = agree(write(tmp_path, planned(gold=3), {"jon-gold1": "accept"}))
    assert found["planned"] == {"annotators": 4, "items": 100, "shared": 20, "judgements": 160}
    assert figure(found, "acceptance_judgements") == (1.0, 160)
    assert figure(found, "acceptance_items") == (1.0, 100)
    assert found["labels"] == {"accept": 160, "reject": 0, "unsure": 0}
    assert [each["gold"] for each in found["annotators"]] == [{"right": n, "of": 3} for n in (3, 2, 3, 3)]
    assert any(each.startswith("jon judged 2 of 3 gold items") for each in found["warnings"])


def test_where_all_labels_are_equal_words_stand_for_kappa(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, planned(), {})
    assert main(["agree", str(tmp_path)]) == 0
    (found,) = recorded(tmp_path)
    for name in ("cohen_mean_pairs", "fleiss", "krippendorff_alpha"):
        assert found["figures"][name]["value"] is None
        assert found["figures"][name]["undefined"] == "all labels are equal"
    assert found["figures"]["agreement_pairwise"]["low"] is None
    acceptance = found["figures"]["acceptance_judgements"]
    assert (acceptance["value"], acceptance["high"]) == (1.0, 1.0)
    assert acceptance["low"] == pytest.approx(0.963, abs=1e-3)  # Wilson of 100 of 100, not of 160
    printed = capsys.readouterr().out
    assert "Cohen's kappa, mean, Fleiss' kappa, Krippendorff's alpha: undefined: all labels are equal" in printed
    assert "nan" not in printed.lower()
    assert "NaN" not in (tmp_path / "validation/agreement.json").read_text()


def test_without_judgements_nothing_is_a_number(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = agree(write(tmp_path, planned(), {}, other=""))
    assert all(each["value"] is None and each["undefined"] for each in found["figures"].values())
    assert found["warnings"] == ["no judgement has come back yet"]
    assert found["received"] == {"judgements": 0, "missing": 160, "items": 0, "first": "", "last": ""}
    assert main(["agree", str(tmp_path)]) == 0
    assert "judgements that are not in: 160" in capsys.readouterr().out


def test_missing_judgements_are_counted_and_the_rest_is_used(tmp_path: Path) -> None:
    said = one_rejection_each(3, 5) | {f"jon-s{i:02}": "" for i in range(10)} | {"jon-jon19": ""}
    found = agree(write(tmp_path, planned(), said))
    assert found["received"]["missing"] == 11
    assert found["annotators"][1]["missing"] == 11
    assert figure(found, "agreement_majority")[1] == 20
    assert figure(found, "acceptance_items")[1] == 99
    assert "11 of 160 judgements are not in: jon 11 of 40" in found["warnings"]


def test_who_is_too_fast_or_never_says_no_is_named(tmp_path: Path) -> None:
    plan = planned()
    said = {f"{name}-{name}{i:02}": "reject" for name in NAMES[1:] for i in range(10)}
    made = write(tmp_path, plan, said)
    path = made.judgements_path("miren")
    fast = json.loads(path.read_text())
    for each in fast["judgements"][:30]:
        each["ms"] = 1500
    write_json(path, fast)
    found = agree(made)
    assert [each["too_fast"] for each in found["annotators"]] == [0, 0, 30, 0]
    assert [each["median_seconds"] for each in found["annotators"]] == [6.1, 6.1, 1.5, 6.1]
    assert "miren took less than 2 s for 30 of 40 judgements" in found["warnings"]
    assert "ane gave the one label accept 40 times, the others in 90 of 120 judgements" in found["warnings"]
    assert agree(made, too_fast=1)["annotators"][2]["too_fast"] == 0
    unknown = agree(write(tmp_path, plan, said, ms=0))
    assert [each["median_seconds"] for each in unknown["annotators"]] == [None] * 4
    assert not any(each["too_fast"] for each in unknown["annotators"])


def test_annotators_shares_of_the_majority_add_up_to_the_whole(tmp_path: Path) -> None:
    said = one_rejection_each(7, 0) | {f"{name}-s19": "reject" for name in NAMES[:2]} | {"iker-s18": "unsure"}
    found = agree(write(tmp_path, planned(), said))
    shares = [each["agreement_majority"]["value"] for each in found["annotators"]]
    assert sum(shares) / 4 == pytest.approx(found["figures"]["agreement_majority"]["value"], abs=1e-6)
    assert found["annotators"][2]["agreement_majority"]["value"] == pytest.approx(17.5 / 20)


def test_strata_are_shown_with_their_rows_however_few(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plan = planned(strata=("VQA", HOSTILE))
    rare = tuple(replace(each, stratum="rare") if each.row == "ane19" else each for each in plan.rows)
    write(tmp_path, replace(plan, rows=rare), {"ane-ane19": "reject"})
    assert main(["agree", str(tmp_path)]) == 0
    (found,) = recorded(tmp_path)
    by_name = {each["stratum"]: each for each in found["strata"]}
    assert sum(each["rows"] for each in found["strata"]) == 100
    assert sum(each["judgements"] for each in found["strata"]) == 160
    assert (by_name["rare"]["acceptance"]["value"], by_name["rare"]["acceptance"]["n"]) == (0.0, 1)
    assert by_name["rare"]["acceptance"]["high"] == pytest.approx(0.793, abs=1e-3)
    printed = capsys.readouterr().out
    assert "\x1b[31m" not in printed
    assert "\u202e" not in printed
    assert "[bold]\\x1b[31m<img" in printed


def test_reasons_and_corrections_are_counted(tmp_path: Path) -> None:
    found = agree(
        write(tmp_path, planned(own=0, shared=2), {}, "reject", reasons=["meaning"], corrections={"question": "Zer?"})
    )
    assert found["reasons"] == {"meaning": 8}
    assert found["corrections"] == 8
    assert any("fewer than 30" in each for each in found["warnings"])


def test_a_round_takes_its_own_place_in_the_file_and_the_same_bytes(tmp_path: Path) -> None:
    first = write(tmp_path, planned(), one_rejection_each(3, 2))
    later = replace(planned(), round="again", created="2026-06-01T09:00:00Z")
    record(tmp_path, agree(write(tmp_path, later, {})))
    path = record(tmp_path, agree(first))
    assert [each["round"] for each in recorded(tmp_path)] == ["round-1", "again"]
    bytes_before = path.read_bytes()
    assert main(["agree", str(tmp_path), "--round", "round-1"]) == 0
    assert path.read_bytes() == bytes_before
    write(tmp_path, planned(), {})
    assert main(["agree", str(tmp_path), "--round", "round-1"]) == 0
    assert figure(recorded(tmp_path)[0], "acceptance_judgements")[0] == 1.0
    assert json.loads(bytes_before)["rounds"][1] == recorded(tmp_path)[1]


@pytest.mark.parametrize("damaged", ["{", "[]", '{"format": "other/1", "rounds": []}', '{"format": "vlm-agreement/1"}'])
def test_a_damaged_file_is_not_written_over(tmp_path: Path, capsys: pytest.CaptureFixture[str], damaged: str) -> None:
    write(tmp_path, planned(), {})
    path = tmp_path / "validation/agreement.json"
    path.write_text(damaged)
    assert main(["agree", str(tmp_path)]) == 2
    assert path.read_text() == damaged
    assert f"error: {path}: not figures" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("said", "expected"),
    [({"item_id": "x\x1b[1m"}, "was given no such item"), ({"label": "aceptar"}, "expected one of accept, reject")],
)
def test_judgements_that_the_plan_does_not_know_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], said: dict[str, str], expected: str
) -> None:
    made = write(tmp_path, planned(), {})
    path = made.judgements_path("jon")
    file = json.loads(path.read_text())
    file["judgements"][3] |= said
    write_json(path, file)
    assert main(["agree", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"error: {path}, item ")
    assert expected in error
    assert "\x1b" not in error
    assert not (tmp_path / "validation/agreement.json").exists()


def test_apply_writes_verdicts_and_says_what_is_open(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = {f"{name}-s00": "reject" for name in NAMES} | {f"{name}-s01": "reject" for name in NAMES[:2]}
    write(tmp_path, planned(), said)
    assert main(["agree", str(tmp_path)]) == 0
    assert not (tmp_path / "validation/verdicts.json").exists()
    assert f"next     python -m validation agree {tmp_path} --round round-1 --apply" in capsys.readouterr().out
    assert main(["agree", str(tmp_path), "--apply"]) == 0
    assert set(json.loads((tmp_path / "validation/verdicts.json").read_text())["rows"]) == {"s00"}
    printed = capsys.readouterr().out
    assert "1 rows to drop, 0 to correct; 1 open for adjudication" in printed
    assert f"next     python -m validation adjudicate {tmp_path} --annotator NAME --round round-1" in printed


def test_a_report_that_cannot_be_written_costs_no_figure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, planned(), {})
    (tmp_path / "build.json").write_text("{")
    assert main(["agree", str(tmp_path)]) == 0
    assert recorded(tmp_path)
    assert "the card and the report are as they were" in capsys.readouterr().out


def test_wrong_arguments_are_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["agree", str(tmp_path)]) == 2
    assert "holds no round" in capsys.readouterr().err
    write(tmp_path, planned(), {})
    assert main(["agree", str(tmp_path), "--round", "round-7"]) == 2
    assert "--round round-7: there is no such round; there are round-1" in capsys.readouterr().err
    assert main(["agree", str(tmp_path), "--too-fast", "nan"]) == 2
    assert "--too-fast nan: give a number of seconds" in capsys.readouterr().err
