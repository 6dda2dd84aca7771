"""What a round of judgements says: acceptance or preference, how far annotators agree, and how sure that is.

`agree` gives all of it as one JSON value, the entry of the round in OUT/validation/agreement.json. Whatever is a rate
leaves out gold items, and whatever is agreement leaves out adjudicators too.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from validation.annotation.cautions import TOO_FAST, cautions
from validation.annotation.figures import Figure, agreement, pooled, proportion
from validation.annotation.labels import (
    CATEGORIES,
    DIVIDED,
    Given,
    Majority,
    given,
    most_frequent,
    read_judgements,
    votes,
)
from validation.annotation.problem import Problem
from validation.annotation.rounds import Assignment, Plan, Round, write_json
from validation.annotation.statistics import MISSING, Ratings

FORMAT = "vlm-agreement/1"

ROW_RULE = (
    "the adjudicator's label where there is one, else the label given more often than any other; a tie counts as none"
)
THESE = "; for these annotators: how annotators differ is not in the interval"


def agree(round: Round, too_fast: float = TOO_FAST) -> dict[str, Any]:
    """The figures of a round. `too_fast`: seconds below which a judgement is too fast. Raises `Problem`."""
    files = _files_sha256(round)  # before they are read: what comes in meanwhile makes it another
    plan = round.plan()
    judgements = read_judgements(round, plan)
    every = given(plan, judgements)
    counted = [each for each in every if not each.item.gold and not each.assignment.adjudicates]
    decided = votes(plan, judgements)
    annotators = [each for each in plan.assignments if not each.adjudicates]
    ratings = _ratings(plan, annotators, counted)
    figures = _rates(plan, counted, decided, ratings)
    figures |= agreement(ratings, len(CATEGORIES[plan.task]), plan.seed)
    found: dict[str, Any] = {
        "round": plan.round,
        "task": plan.task,
        "build": plan.build,
        "fingerprint": plan.fingerprint,
        "created": plan.created,
        "files_sha256": files,
        "seed": plan.seed,
        "stratify": plan.stratify,
        "source_language": plan.source_language,
        "target_language": plan.target_language,
        "systems": list(plan.systems),
        "population": plan.population,
        "planned": _planned(annotators),
        "received": _received(annotators, counted),
        "labels": {label: sum(each.category == label for each in counted) for label in CATEGORIES[plan.task]},
        "figures": {name: asdict(figure) for name, figure in figures.items()},
        "annotators": [
            _annotator(plan, each, every, ratings, column, too_fast) for column, each in enumerate(annotators)
        ],
        "strata": _strata(plan, counted, decided),
        "reasons": dict(Counter(reason for each in counted for reason in each.judgement.reasons).most_common()),
        "majority": _majorities(plan, decided),
        "adjudicated": sum(each.adjudicated for each in decided.values()),
        "open_ties": [row for row, each in decided.items() if each.open],
        "corrections": sum(bool(each.judgement.corrections) for each in every if not each.item.gold),
        "too_fast_seconds": too_fast,
    }
    return found | {"warnings": cautions(found)}


def _files_sha256(round: Round) -> str:
    """SHA-256 of the plan and the judgements: of each file, in the order of names, its name, a zero byte, its SHA-256.

    A name is the path in the round's folder. The card and the gate compute it anew. Raises `Problem`.
    """
    paths = [round.plan_path, *round.folder.glob("judgements/*.json")]
    digest = hashlib.sha256()
    try:
        for name, path in sorted((path.relative_to(round.folder).as_posix(), path) for path in paths):
            digest.update(name.encode(errors="surrogateescape") + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    except OSError as error:
        raise Problem(f"{round.folder}: cannot be read: {error}") from error
    return digest.hexdigest()


def _planned(annotators: Sequence[Assignment]) -> dict[str, int]:
    items = [item for each in annotators for item in each.items if not item.gold]
    return {
        "annotators": len(annotators),
        "items": len({item.row for item in items}),
        "shared": len({item.row for item in items if item.shared}),
        "judgements": len(items),
    }


def _received(annotators: Sequence[Assignment], counted: Sequence[Given]) -> dict[str, Any]:
    times = sorted(each.judgement.at for each in counted if each.judgement.at)
    return {
        "judgements": len(counted),
        "missing": _planned(annotators)["judgements"] - len(counted),
        "items": len({each.item.row for each in counted}),
        "first": times[0] if times else "",
        "last": times[-1] if times else "",
    }


def _ratings(plan: Plan, annotators: Sequence[Assignment], counted: Sequence[Given]) -> Ratings:
    """Indices in `CATEGORIES`: the rows that were judged, in the plan's order, x annotators."""
    judged = {each.item.row for each in counted}
    rows = {row: i for i, row in enumerate(each.row for each in plan.rows if each.row in judged)}
    columns = {each.package_id: column for column, each in enumerate(annotators)}
    ratings = np.full((len(rows), len(columns)), MISSING, dtype=np.int64)
    for each in counted:
        cell = rows[each.item.row], columns[each.assignment.package_id]
        ratings[cell] = CATEGORIES[plan.task].index(each.category)
    return ratings


def _rates(
    plan: Plan, counted: Sequence[Given], decided: Mapping[str, Majority], ratings: Ratings
) -> dict[str, Figure]:
    judgements = (ratings != MISSING).sum(axis=1)

    def of_judgements(label: str, definition: str) -> Figure:
        said = (ratings == CATEGORIES[plan.task].index(label)).sum(axis=1)
        return pooled(said, judgements, "judgements", definition, plan.seed)

    if plan.task == "accept":
        return {
            "acceptance_judgements": of_judgements(
                "accept",
                "accepts among all judgements, a shared row counting once for each judge of it; unsure is not accepted"
                + THESE,
            ),
            "acceptance_items": _of_rows(decided, "accept", f"rows accepted among rows judged: {ROW_RULE}{THESE}"),
        }
    figures = {}
    for label in CATEGORIES["pair"]:
        what = "no difference" if label == "tie" else f"a preference for {plan.systems[int(label[-1])]}"
        figures[label] = _of_rows(decided, label, f"rows with {what} among rows judged: {ROW_RULE}")
        figures[f"{label}_judgements"] = of_judgements(label, f"judgements of {what} among all judgements")
    return figures | {"left_share": _left_share(counted)}


def _of_rows(decided: Mapping[str, Majority], label: str, definition: str) -> Figure:
    return proportion(sum(each.label == label for each in decided.values()), len(decided), "rows", definition)


def _left_share(counted: Sequence[Given]) -> Figure:
    """Sides are drawn for each judgement anew, so judgements are independent of one another in this."""
    sides = Counter(each.judgement.label for each in counted)
    definition = "left among all preferences; far from 0.5, annotators lean to a side"
    return proportion(sides["left"], sides["left"] + sides["right"], "preferences", definition)


def _annotator(
    plan: Plan, assignment: Assignment, every: Sequence[Given], ratings: Ratings, column: int, too_fast: float
) -> dict[str, Any]:
    mine = [each for each in every if each.assignment is assignment]
    counted = [each for each in mine if not each.item.gold]
    gold = [each for each in mine if each.item.gold]
    planned = sum(not item.gold for item in assignment.items)
    seconds = [each.judgement.ms / 1000 for each in counted if each.judgement.ms]
    labels = {label: sum(each.category == label for each in counted) for label in CATEGORIES[plan.task]}
    if plan.task == "accept":
        rate = proportion(labels["accept"], len(counted), "judgements", "accepts among the annotator's judgements")
        rates = {"acceptance": rate}
    else:
        rates = {"left_share": _left_share(counted)}
    rates["agreement_majority"] = _with_majority(ratings, column, plan.seed)
    return {
        "annotator": assignment.annotator,
        "planned": planned,
        "judgements": len(counted),
        "missing": planned - len(counted),
        "labels": labels,
        **{name: asdict(figure) for name, figure in rates.items()},
        "median_seconds": round(median(seconds), 3) if seconds else None,
        "too_fast": sum(each < too_fast for each in seconds),
        "gold": {"right": sum(each.judgement.label == each.item.gold for each in gold), "of": len(gold)},
    }


def _with_majority(ratings: Ratings, column: int, seed: int) -> Figure:
    """An annotator's share in `agreement_majority`; of labels that tie for the most frequent, each counts its share."""
    shared = ratings[(ratings[:, column] != MISSING) & ((ratings != MISSING).sum(axis=1) > 1)]
    credit = []
    for row in shared.tolist():
        top = most_frequent(Counter(each for each in row if each != MISSING))
        credit.append((row[column] in top) / len(top))
    definition = (
        "rows on which the annotator gave the most frequent label, the annotator's own counted, among those that "
        "others judged too; of k labels that tie, each counts 1/k"
    )
    return pooled(np.array(credit), np.ones(len(credit), dtype=np.int64), "shared rows", definition, seed)


def _strata(plan: Plan, counted: Sequence[Given], decided: Mapping[str, Majority]) -> list[dict[str, Any]]:
    """Each stratum of the plan, the most rows first; none where the draw was not stratified."""
    if not plan.stratify:
        return []
    drawn = {item.row for each in plan.assignments for item in each.items if not item.gold}
    strata: dict[str, set[str]] = {}
    for each in plan.rows:
        if each.row in drawn:
            strata.setdefault(each.stratum, set()).add(each.row)
    made = []
    for stratum, rows in sorted(strata.items(), key=lambda item: (-len(item[1]), item[0])):
        within = {row: majority for row, majority in decided.items() if row in rows}
        rates = {"acceptance": "accept"} if plan.task == "accept" else {label: label for label in CATEGORIES["pair"]}
        made.append(
            {
                "stratum": stratum,
                "rows": len(rows),
                "judgements": sum(each.item.row in rows for each in counted),
                **{name: asdict(_of_rows(within, label, ROW_RULE)) for name, label in rates.items()},
            }
        )
    return made


def _majorities(plan: Plan, decided: Mapping[str, Majority]) -> dict[str, int]:
    counts = Counter(each.label for each in decided.values())
    return {label: counts[label] for label in (*CATEGORIES[plan.task], DIVIDED[plan.task])}


def record(out: Path, found: Mapping[str, Any]) -> Path:
    """Put a round's entry into OUT/validation/agreement.json, in the place of an earlier one. Raises `Problem`."""
    path = out / "validation" / "agreement.json"
    others = [each for each in _recorded(path) if each["round"] != found["round"]]
    entries = sorted([*others, found], key=lambda each: (each["created"], each["round"]))
    write_json(path, {"format": FORMAT, "rounds": entries})
    return path


def _recorded(path: Path) -> list[dict[str, Any]]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        if value["format"] != FORMAT:
            raise ValueError(f"its format is not {FORMAT}")
        entries: list[dict[str, Any]] = value["rounds"]
        if not all(isinstance(each[name], str) for each in entries for name in ("round", "created")):
            raise ValueError("a round in it has no name or no time")
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise Problem(
            f"{path}: not figures as `python -m validation agree` writes them ({error}); move it away, then run "
            "`agree --round` for each round"
        ) from error
    return entries
