"""From a draw to a round: who judges what, and the packages that say nothing of it."""

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import takewhile
from pathlib import Path

from validation.annotation.builds import open_build
from validation.annotation.gold import Gold, spoilt, unsaid
from validation.annotation.package import Item, Package
from validation.annotation.pairs import Pairs, asked
from validation.annotation.pictures import LONG_SIDE, NO_PICTURE, NOT_THERE
from validation.annotation.problem import Problem
from validation.annotation.rounds import Assigned, Assignment, Plan, PlannedRow, rounds
from validation.annotation.rows import Listed, Row, as_item, each_row, read_rows
from validation.annotation.sampling import Drawn, assign, draw, rank, shuffled

Progress = Callable[[str], None]
LISTED_AT_ONCE = 50_000


@dataclass(frozen=True)
class Request:
    """What the lead asks for. `shared` rows are everybody's, `own` each annotator's alone; gold comes on top.

    `picture_side`: the longest side of a picture, in pixels. `again`: rows that earlier rounds judged may be drawn
    too; they say little of the others once what was wrong with them is mended.
    """

    out: Path
    round: str
    annotators: tuple[str, ...]
    shared: int
    own: int
    seed: int = 0
    stratify: str = ""
    config: str = ""
    split: str = ""
    source_language: str = ""
    target_language: str = ""
    guidelines: str = ""
    gold: tuple[Gold, ...] = ()
    pairs: Pairs | None = None
    picture_side: int = LONG_SIDE
    again: bool = False


@dataclass(frozen=True)
class Planned:
    """A round that can be written. `untranslated`: rows that could not be drawn, having no translation; `judged`: rows
    that were not, since earlier rounds have them.

    `unsaid`: where gold items say a text that the row's conversation does not.
    """

    plan: Plan
    packages: tuple[Package, ...]
    drawn: Drawn
    untranslated: int
    without_picture: tuple[str, ...]
    judged: int = 0
    unsaid: tuple[str, ...] = ()


def plan_round(request: Request, progress: Progress | None = None) -> Planned:
    """Draw rows and make a package for every annotator. Raises `Problem`."""
    build = open_build(request.out, request.config, request.split)
    target = request.target_language or build.target_language
    if not target:
        raise Problem(f"{request.out}: nothing says which language this is; say --to with its code, such as eu")
    untranslated: Counter[str] = Counter()
    listed = _told(each_row(build, request.stratify), progress)
    before = _judged_before(request)
    candidates = (row for row in _candidates(request, listed, untranslated) if row[0] not in before)
    try:
        drawn = draw(candidates, request.shared + request.own * len(request.annotators), request.seed)
    except Problem as problem:
        more = f"; --again draws from the {len(before):,} rows of earlier rounds too" if before else ""
        raise Problem(f"{problem}{more}") from None
    strata = dict(drawn.rows) | {gold.row: "" for gold in request.gold}
    rows = _prepared(request, strata, progress)
    _check_pictures(request.out, rows.values())
    plan = Plan(
        build=build.name,
        fingerprint=build.fingerprint,
        round=request.round,
        task="pair" if request.pairs else "accept",
        seed=request.seed,
        stratify=request.stratify,
        population=drawn.population,
        source_language=request.source_language or build.source_language,
        target_language=target,
        created=datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        rows=tuple(PlannedRow(row, stratum, rows[row].texts) for row, stratum in strata.items()),
        assignments=(),
        systems=request.pairs.systems if request.pairs else (),
        config=request.config,
        split=request.split,
    )
    made = _packages(request, plan, [row for row, _ in drawn.rows], rows)
    return Planned(
        plan=replace(plan, assignments=tuple(assignment for assignment, _ in made)),
        packages=tuple(package for _, package in made),
        drawn=drawn,
        untranslated=untranslated.total(),
        without_picture=tuple(row for row in strata if rows[row].picture.data is None),
        judged=len(before),
        unsaid=tuple(f"{gold.where}, {name}" for gold in request.gold for name in unsaid(rows[gold.row], gold)),
    )


def _judged_before(request: Request) -> set[str]:
    """The rows that earlier rounds have to accept or reject, unless they may be drawn again."""
    if request.again or request.pairs:
        return set()
    earlier = takewhile(lambda each: each.folder.name != request.round, rounds(request.out))
    plans = (each.plan() for each in earlier)
    return {row.row for plan in plans if plan.task == "accept" for row in plan.rows}


def _told(rows: Iterator[Listed], progress: Progress | None) -> Iterator[Listed]:
    for number, row in enumerate(rows):
        if progress and number % LISTED_AT_ONCE == 0:
            progress(f"rows listed: {number:,}")
        yield row


def _candidates(request: Request, listed: Iterator[Listed], untranslated: Counter[str]) -> Iterator[tuple[str, str]]:
    """The rows that may be drawn; counts those that would be if they had a translation."""
    gold = {each.row: each.where for each in request.gold}
    unanswered = set(request.pairs.answers) if request.pairs else set()
    for row in listed:
        where = gold.pop(row.id, "")
        if where and not row.translations:
            raise Problem(f"{where}: the row {row.id!r} has no translation to judge")
        if request.pairs:
            if row.id in unanswered:
                unanswered.remove(row.id)
                yield row.id, row.stratum
        elif not row.translations:
            untranslated[row.stratum] += 1
        elif not where:
            yield row.id, row.stratum
    for row_id, where in gold.items():
        raise Problem(f"{where}: {request.out} has no row {row_id!r}; `id` is the row's id in this dataset")
    if unanswered:
        raise Problem(
            f"--pairs: {len(unanswered):,} answers are to rows that are not in {request.out}, the first to "
            f"{min(unanswered)!r}; `id` is the row's id in this dataset"
        )


def _prepared(request: Request, ids: Collection[str], progress: Progress | None) -> dict[str, Row]:
    """The rows as they are judged: of gold items with their own texts, of pairs up to the answer."""
    told = (lambda count: progress(f"rows read: {count:,} of {len(ids):,}")) if progress else None
    rows = read_rows(request.out, ids, request.config, request.split, told, request.picture_side)
    for gold in request.gold:
        rows[gold.row] = spoilt(rows[gold.row], gold)
    return {row: asked(each) for row, each in rows.items()} if request.pairs else rows


def _check_pictures(out: Path, rows: Iterable[Row]) -> None:
    """Raise `Problem` where not one picture is there: then it is the dataset's folder that is not whole."""
    notes = [row.picture.note for row in rows if row.picture.note != NO_PICTURE]
    if notes and all(note == NOT_THERE for note in notes):
        raise Problem(
            f"{out}: of {len(notes):,} rows drawn that name a picture, none has it here: give the dataset with the "
            "files that it names, of the Hub as `hf download NAME --repo-type dataset --local-dir FOLDER` fetches it"
        )


def _packages(
    request: Request, plan: Plan, drawn: Sequence[str], rows: dict[str, Row]
) -> list[tuple[Assignment, Package]]:
    items = {row: as_item(each, "") for row, each in rows.items()}
    labels = {gold.row: gold.label for gold in request.gold}
    theirs = assign(drawn, request.annotators, request.shared, request.own)
    shared = set(drawn[: request.shared])
    made = []
    for name in request.annotators:
        assigned = tuple(
            Assigned(
                item_id=f"{rank('item', request.seed, plan.round, name, row):032x}"[:12],
                row=row,
                shared=row in shared,
                gold=labels.get(row, ""),
                left=rank("side", request.seed, plan.round, name, row) % 2 if request.pairs else 0,
            )
            for row in shuffled((*theirs[name], *labels), request.seed, name)
        )
        package = Package(
            package_id=f"{_slug(plan.build)}.{plan.round}.{name}",
            annotator=name,
            task=plan.task,
            title=plan.build,
            source_language=plan.source_language,
            target_language=plan.target_language,
            guidelines=request.guidelines,
            items=tuple(_item(request.pairs, items[each.row], each) for each in assigned),
        )
        made.append((Assignment(package.package_id, name, package.sha256, assigned), package))
    return made


def _item(pairs: Pairs | None, item: Item, assigned: Assigned) -> Item:
    answers = pairs.answers[assigned.row] if pairs else ("", "")
    return replace(item, item_id=assigned.item_id, left=answers[assigned.left], right=answers[1 - assigned.left])


def _slug(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip(".-")[:64] or "dataset"
