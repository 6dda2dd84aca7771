"""What a file says, held against the plan: is it this package, are these its items, can these be judgements?"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

from validation.annotation.exports import Export
from validation.annotation.package import LABELS, REASONS, Task
from validation.annotation.problem import Problem
from validation.annotation.reading import shown
from validation.annotation.received import MOST_TOLD
from validation.annotation.rounds import Assignment, Judgement, Round, find_round, rounds

MOST_COMMENT = 4_000
MOST_CORRECTION = 20_000  # or twice the translation
MOST_MS = 10**10  # 115 days: some tools count as long as their window stands open
AHEAD = timedelta(days=1)  # clocks are wrong; but a judgement from the far future would win for ever

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|\+00:00)", re.ASCII)
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True)
class Known:
    """A package as it was planned; `texts`: the translations that each of its items shows, by field, by item id."""

    round: Round
    task: Task
    assignment: Assignment
    texts: Mapping[str, Mapping[str, str]]


def known_packages(out: Path) -> list[Known]:
    """Every package of every round of a build. Raises `Problem` where there is no round."""
    find_round(out)
    known = []
    for one in rounds(out):
        plan = one.plan()
        rows = {row.row: {text.name: text.target for text in row.texts} for row in plan.rows}
        for assignment in plan.assignments:
            texts = {item.item_id: rows.get(item.row, {}) for item in assignment.items}
            known.append(Known(one, plan.task, assignment, texts))
    return known


def find_package(export: Export, known: Sequence[Known], tool: str = "") -> Known:
    """The package that an export is of. Raises `Problem` where there is none, or it is another's or has changed.

    A package is made for one annotator, so that an export that says nobody's name is theirs. In another `tool` they may
    have another name.
    """
    named = [each for each in known if each.assignment.package_id == export.package_id]
    if not named:
        raise Problem(
            f"package_id: {shown(export.package_id)} is no package of this build; the last rounds have "
            f"{', '.join(each.assignment.package_id for each in known[-20:])}"
        )
    same = [each for each in named if each.assignment.package_sha256 == export.package_sha256]
    if len(same) > 1:
        folders = ", ".join(str(each.round.folder) for each in same)
        raise Problem(f"package_id: {export.package_id} is in several rounds: {folders}; leave one of them")
    if not same:
        raise Problem(
            f"package_sha256: {shown(export.package_sha256)}; {named[0].assignment.package_sha256} is expected: what "
            f"was judged is not {export.package_id} as it is planned. It was made anew since, or the file was edited"
        )
    whose = same[0].assignment.annotator
    if export.annotator not in ("", whose):
        remedy = f"if it is {whose} who judged it, say --annotator {whose}" if tool else "the file was edited"
        raise Problem(f"annotator: {shown(export.annotator)}; {export.package_id} was made for {whose}: {remedy}")
    return same[0]


def check(judgements: Sequence[Judgement], package: Known) -> tuple[list[Judgement], list[str]]:
    """The judgements as they are kept, and what is wrong with them; where anything is, none of them is to be kept.

    Kept: `at` with milliseconds and a Z, so that times sort as text; `reasons` in the order of `REASONS`;
    `corrections` by name, without those that are blank or say what the translation says; texts as they were typed.
    """
    kept: list[Judgement] = []
    problems: list[str] = []
    for judgement in judgements:
        wrong = islice(_wrong(judgement, package), MOST_TOLD + 1)
        problems += [f"item {shown(judgement.item_id)}: {each}" for each in wrong]
        if len(problems) > MOST_TOLD:
            break
        if not problems:
            kept.append(_kept(judgement, package.texts[judgement.item_id]))
    for item, times in Counter(judgement.item_id for judgement in judgements).items():
        if times > 1 and item in package.texts:
            problems.append(f"item {shown(item)}: judged {times} times in one file; once is expected")
    return kept, problems


def _wrong(judgement: Judgement, package: Known) -> Iterator[str]:
    labels = LABELS[package.task]
    texts = package.texts.get(judgement.item_id)
    if texts is None:
        yield f"{package.assignment.package_id} has no such item"
        return
    if judgement.label not in labels:
        yield f"label: {shown(judgement.label)}; one of {', '.join(labels)} is expected"
    if judgement.reasons and judgement.label != "reject":
        yield f"reasons: {shown(judgement.reasons)}; only a rejected item has reasons"
    for reason, times in Counter(judgement.reasons).items():
        if reason not in REASONS:
            yield f"reasons: {shown(reason)}; each is one of {', '.join(REASONS)}"
        elif times > 1:
            yield f"reasons: {reason} is given {times} times"
    yield from _wrong_text("comment", judgement.comment, MOST_COMMENT)
    for field, text in (judgement.corrections or {}).items():
        if package.task == "pair":
            yield f"corrections: {shown(field)}; a comparison of two answers has none"
        elif field not in texts:
            yield f"corrections: the row has no field {shown(field)}; it has {', '.join(texts)}"
        else:
            yield from _wrong_text(f"corrections: {field}", text, max(MOST_CORRECTION, 2 * len(texts[field])))
    if not 0 <= judgement.ms <= MOST_MS:
        yield f"ms: {shown(judgement.ms)}; a number from 0 to {MOST_MS:,} is expected"
    at = _time(judgement.at)
    if not at:
        yield f"at: {shown(judgement.at)}; a time in UTC like 2026-03-01T10:15:30.250Z is expected"
    elif at > datetime.now(UTC) + AHEAD:
        yield (
            f"at: {shown(judgement.at)} is in the future: the clock of that machine, or of this one, is wrong; "
            "set that clock right, open the page and export again"
        )


def _wrong_text(name: str, text: str, most: int) -> Iterator[str]:
    if len(text) > most:
        yield f"{name}: {len(text):,} characters; {most:,} at most"
    if _SURROGATE.search(text):
        yield f"{name}: {shown(text)} holds half a surrogate pair; it is no valid Unicode"


def _time(text: str) -> datetime | None:
    if not _TIME.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _kept(judgement: Judgement, texts: Mapping[str, str]) -> Judgement:
    corrections = {
        field: text
        for field, text in sorted((judgement.corrections or {}).items())
        if text.strip() and _with_one_line_end(text) != _with_one_line_end(texts[field])
    }
    return replace(
        judgement,
        reasons=tuple(reason for reason in REASONS if reason in judgement.reasons),
        corrections=corrections or None,
        at=datetime.fromisoformat(judgement.at).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    )


def _with_one_line_end(text: str) -> str:
    """The text as a browser's text area gives it back."""
    return text.replace("\r\n", "\n").replace("\r", "\n")
