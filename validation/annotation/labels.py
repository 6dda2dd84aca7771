"""What annotators said of which row, and what the majority of them did.

Labels of pairs are counted by system, not by side: `preference_0` is the system that `Plan.systems` names first.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from validation.annotation.package import LABELS, Task
from validation.annotation.problem import Problem
from validation.annotation.rounds import Assigned, Assignment, Judgement, Plan, Round

CATEGORIES: Mapping[Task, tuple[str, ...]] = {
    "accept": LABELS["accept"],
    "pair": ("preference_0", "tie", "preference_1"),
}
DIVIDED: Mapping[Task, Literal["tie", "divided"]] = {"accept": "tie", "pair": "divided"}


@dataclass(frozen=True)
class Given:
    """A judgement with what the plan knows of it; `category` is one of `CATEGORIES`."""

    assignment: Assignment
    item: Assigned
    judgement: Judgement
    category: str


@dataclass(frozen=True)
class Majority:
    """What was decided of a row: `label` is one of `CATEGORIES`, or of `DIVIDED` where it is `open`.

    `counts` are the annotators' labels; `adjudicated`: an adjudicator decided, whatever they say.
    """

    label: str
    counts: Mapping[str, int]
    adjudicated: bool = False
    open: bool = False


def read_judgements(round: Round, plan: Plan) -> dict[str, tuple[Judgement, ...]]:
    """What has come back, by annotator. Raises `Problem` on an item or a label that the plan does not know."""
    found = {}
    for name in dict.fromkeys(each.annotator for each in plan.assignments):
        known = {item.item_id for each in plan.assignments if each.annotator == name for item in each.items}
        found[name] = round.judgements(name)
        for judgement in found[name]:
            where = f"{round.judgements_path(name)}, item {judgement.item_id!r}"
            if judgement.item_id not in known:
                raise Problem(f"{where}: {name} was given no such item; import the annotator's file again")
            if judgement.label not in LABELS[plan.task]:
                raise Problem(
                    f"{where}: label {judgement.label!r}; expected one of {', '.join(LABELS[plan.task])}; "
                    "import the annotator's file again"
                )
    return found


def given(plan: Plan, judgements: Mapping[str, Sequence[Judgement]]) -> list[Given]:
    """Every judgement beside its item, in the plan's order: of annotators and adjudicators, of gold items too."""
    found = []
    for assignment in plan.assignments:
        by_item = {each.item_id: each for each in judgements.get(assignment.annotator, ())}
        for item in assignment.items:
            if judgement := by_item.get(item.item_id):
                found.append(Given(assignment, item, judgement, _category(plan.task, judgement.label, item.left)))
    return found


def said_of_rows(plan: Plan, judgements: Mapping[str, Sequence[Judgement]]) -> dict[str, list[Given]]:
    """All that was said of each row, by row id, in the plan's order of assignments; gold items are no rows."""
    said: dict[str, list[Given]] = {}
    for each in given(plan, judgements):
        if not each.item.gold:
            said.setdefault(each.item.row, []).append(each)
    return said


def votes(plan: Plan, judgements: Mapping[str, Sequence[Judgement]]) -> dict[str, Majority]:
    """What was decided of every row that an annotator judged, by row id, in the plan's order of rows.

    `judgements` by annotator. The label is the adjudicator's where there is one, else the one given more often than
    any other; where two or more are the most frequent, the row is open. Gold items are no rows.
    """
    said = said_of_rows(plan, judgements)
    return {
        row.row: _majority(plan.task, said[row.row])
        for row in plan.rows
        if any(not each.assignment.adjudicates for each in said.get(row.row, ()))
    }


def decisive(said: Sequence[Given]) -> Given | None:
    """The adjudicator's judgement of a row, among all of it: the newest, of several; None where there is none."""
    adjudicated = [each for each in said if each.assignment.adjudicates]
    return max(reversed(adjudicated), key=lambda each: each.judgement.at, default=None)


def most_frequent(counts: Mapping[str, int]) -> list[str]:
    """The label, or the labels, that no other outnumbers."""
    most = max(counts.values())
    return [label for label, n in counts.items() if n == most]


def _majority(task: Task, said: Sequence[Given]) -> Majority:
    counter = Counter(each.category for each in said if not each.assignment.adjudicates)
    counts = {label: counter[label] for label in CATEGORIES[task]}
    if decided := decisive(said):
        return Majority(decided.category, counts, adjudicated=True)
    first, *others = most_frequent(counts)
    return Majority(DIVIDED[task], counts, open=True) if others else Majority(first, counts)


def _category(task: Task, label: str, left: int) -> str:
    """The category of a label; in a pair, that of the system which stands on that side."""
    if task == "accept" or label == "tie":
        return label
    return f"preference_{left if label == 'left' else 1 - left}"
