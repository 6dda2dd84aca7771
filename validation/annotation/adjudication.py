"""The package that settles a round: the rows on which its annotators were divided, with what each of them said.

Votes come without names and in a drawn order. Whoever adjudicates judged none of the round's rows before.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from validation.annotation.labels import Given
from validation.annotation.package import Item, Package, Vote
from validation.annotation.pairs import Pairs, asked
from validation.annotation.problem import Problem
from validation.annotation.rounds import NAME, Assigned, Assignment, Plan, Round
from validation.annotation.rows import Row, as_item, list_rows, read_rows
from validation.annotation.sampling import rank, shuffled
from validation.annotation.verdicts import Judged, judged_rows

GONE = "the row is not in the dataset any more"


@dataclass(frozen=True)
class Adjudication:
    """A package for an adjudicator, and the plan that knows of it: the round's own where it did already."""

    package: Package
    plan: Plan


def adjudicate(
    out: Path, round: Round, annotator: str, guidelines: str = "", pairs: Pairs | None = None
) -> Adjudication | None:
    """The package of a round's open rows, None where there are none; writes nothing.

    The same rows with the same votes give the same package. `pairs` are the answers of a round that compares two
    systems. Raises `Problem`.
    """
    plan = round.plan()
    _check(plan, annotator, pairs)
    still_open = {each.planned.row: each for each in judged_rows(round) if each.open}
    if not still_open:
        return None
    rows = _rows_still_there(out, plan, set(still_open))
    order = shuffled(still_open, plan.seed, annotator)
    left = {row: rank("side", plan.seed, plan.round, annotator, row) % 2 if pairs else 0 for row in order}
    items = [_item(still_open[row], rows.get(row), left[row], plan, pairs) for row in order]
    package = Package(
        package_id="",
        annotator=annotator,
        task=plan.task,
        title=plan.build,
        source_language=plan.source_language,
        target_language=plan.target_language,
        guidelines=guidelines,
        items=tuple(items),
    )
    base = plan.assignments[0].package_id.removesuffix(plan.assignments[0].annotator)
    name = f"{base}{annotator}.{package.sha256[:8]}"
    assigned = tuple(
        Assigned(f"{rank('item', plan.seed, name, row):032x}"[:12], row, shared=False, left=left[row]) for row in order
    )
    items = [replace(item, item_id=its.item_id) for item, its in zip(items, assigned, strict=True)]
    package = replace(package, package_id=name, items=tuple(items))
    assignment = Assignment(name, annotator, package.sha256, assigned, adjudicates=True)
    if assignment not in plan.assignments:
        plan = replace(plan, assignments=(*plan.assignments, assignment))
    return Adjudication(package, plan)


def _check(plan: Plan, annotator: str, pairs: Pairs | None) -> None:
    """Raise `Problem` where this person cannot adjudicate this round, or the answers are missing or others."""
    if not NAME.fullmatch(annotator):
        raise Problem(f"--annotator {annotator!r}: expected letters, digits, points, underscores and hyphens")
    for each in plan.assignments:
        if each.annotator.lower() == annotator.lower() and (not each.adjudicates or each.annotator != annotator):
            raise Problem(
                f"--annotator {annotator}: {each.annotator} has a package of {plan.round} already; whoever adjudicates "
                "must not have judged before: name somebody else"
            )
    if plan.task == "accept" and pairs:
        raise Problem(f"--pairs: {plan.round} is of translations that are accepted or rejected; leave --pairs out")
    if plan.task == "pair" and (pairs is None or pairs.systems != plan.systems):
        files = " ".join(f"{name}.jsonl" for name in plan.systems)
        raise Problem(f"{plan.round} compares the answers of two systems: give them again, as --pairs {files}")


def _rows_still_there(out: Path, plan: Plan, ids: set[str]) -> dict[str, Row]:
    there = {row for row, _ in list_rows(out, config=plan.config, split=plan.split)} & ids
    return read_rows(out, there, plan.config, plan.split) if there else {}


def _item(judged: Judged, row: Row | None, left: int, plan: Plan, pairs: Pairs | None) -> Item:
    """The row as its annotators saw it, and their votes; without a conversation where that says something else now."""
    texts = judged.planned.texts
    if row is None:
        item = Item(item_id="", texts=texts, image_note=GONE)
    else:
        shown = asked(row) if pairs else row
        item = as_item(shown, "", texts=texts, conversation=shown.conversation if shown.texts == texts else ())
    if pairs:
        answers = pairs.answers.get(judged.planned.row)
        if answers is None:
            raise Problem(f"--pairs: no answer to the row {judged.planned.row!r}, which was judged in {plan.round}")
        item = replace(item, left=answers[left], right=answers[1 - left])
    votes = [each for each in judged.said if not each.assignment.adjudicates]
    votes.sort(key=lambda each: rank("vote", plan.seed, each.assignment.annotator, each.item.row))
    side = _side(left) if pairs else lambda label: label
    return replace(item, votes=tuple(_vote(each, side) for each in votes))


def _side(left: int) -> Callable[[str], str]:
    """Where an adjudicator sees the system that a vote prefers."""
    sides = {f"preference_{left}": "left", f"preference_{1 - left}": "right"}
    return lambda category: sides.get(category, category)


def _vote(said: Given, side: Callable[[str], str]) -> Vote:
    given = said.judgement
    return Vote(side(said.category), given.reasons, given.comment, given.corrections)
