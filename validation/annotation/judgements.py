"""Judgements come back: every file is checked, and the newest judgement of every item is kept.

Files may come twice, in parts and in any order, and two people may import at once: what is kept afterwards depends
only on what the files say. One file that is not right stops the whole import before anything is written.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from filelock import FileLock, Timeout

from validation.annotation.checks import Known, check, find_package, known_packages
from validation.annotation.problem import Problem
from validation.annotation.received import MOST_TOLD, list_files, read_export
from validation.annotation.rounds import JUDGEMENTS_FORMAT, Judgement, Round, write_json

WAIT_SECONDS = 60


@dataclass(frozen=True)
class Standing:
    """How an annotator of a round stands after an import.

    `planned` and `judged` count the items of all their packages of the round; `new`, `changed` and `unchanged` what
    the imported files did to them; `older` those for which they said something else, before what was kept.
    """

    round: str
    annotator: str
    planned: int
    judged: int
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    older: int = 0

    @property
    def missing(self) -> int:
        return self.planned - self.judged


@dataclass(frozen=True)
class Given:
    """A judgement and the file that gives it."""

    judgement: Judgement
    path: Path


@dataclass(frozen=True)
class Desk:
    """An annotator of a round, with all their packages of it."""

    round: Round
    annotator: str
    packages: tuple[Known, ...]

    @property
    def path(self) -> Path:
        return self.round.judgements_path(self.annotator)


@dataclass(frozen=True)
class Merge:
    """An annotator's judgements before and after an import, and the newest that it gave, by item id."""

    desk: Desk
    given: Mapping[str, Judgement]
    before: tuple[Judgement, ...]
    after: tuple[Judgement, ...]


def import_files(out: Path, files: Sequence[Path], annotator: str = "") -> list[Standing]:
    """Take in files of judgements, or folders of them; how every annotator of the rounds that they are of now stands.

    Of two judgements of an item the newer one, by `at`, is kept; an item that a later file leaves out keeps its
    judgement. `annotator` says whose the files of other tools are. Raises `Problem` with all that is wrong, the first
    `MOST_TOLD` of each file, and then nothing has been written. Each annotator's file is replaced as a whole or not at
    all; after a kill between two of them, the same import does the rest.
    """
    known = known_packages(out)
    told: list[str] = []
    given: dict[tuple[Path, str], list[Given]] = defaultdict(list)
    for path in list_files(files):
        found, problems = _read(path, annotator, known)
        told += problems[:MOST_TOLD]
        if len(problems) > MOST_TOLD:
            told.append(f"{path}: and more")
        for package, judgements in found:
            given[package.round.folder, package.assignment.annotator] += [Given(each, path) for each in judgements]
    _refuse(told)
    touched = {folder for folder, _ in given}
    desks = [desk for desk in _desks(known) if desk.round.folder in touched]
    with _alone(out):
        return _merge_and_write([(desk, given.get((desk.round.folder, desk.annotator), [])) for desk in desks])


def newest(rivals: Sequence[Given]) -> Given:
    """Which of several judgements of an item is kept: the newest; of the same one told twice, that with more `ms`.

    Raises `Problem` where two differ and are of the same time.
    """
    latest = max(each.judgement.at for each in rivals)
    last = [each for each in rivals if each.judgement.at == latest]
    if any(_said(each.judgement) != _said(last[0].judgement) for each in last):
        paths = " and ".join(dict.fromkeys(str(each.path) for each in last))
        raise Problem(
            f"item {last[0].judgement.item_id!r}: {paths} judge it differently at the same time, {latest}; "
            "leave out the file that is wrong, or have the item judged again"
        )
    return max(last, key=lambda each: each.judgement.ms)


def _read(path: Path, annotator: str, known: Sequence[Known]) -> tuple[list[tuple[Known, list[Judgement]]], list[str]]:
    """The judgements of a file by package, and all that is wrong with it."""
    try:
        received = read_export(path, annotator)
    except Problem as problem:
        return [], [str(problem)]
    found, problems = [], list(received.problems)
    if not received.exports:
        problems.append("no judgement of a package is in it")
    for export in received.exports:
        try:
            package = find_package(export, known, received.tool)
        except Problem as problem:
            problems.append(str(problem))
            continue
        kept, wrong = check(export.judgements, package)
        found.append((package, kept))
        problems += wrong
    return found, [f"{path}: {each}" for each in problems]


def _desks(known: Sequence[Known]) -> list[Desk]:
    packages: dict[tuple[Path, str], list[Known]] = defaultdict(list)
    for each in known:
        packages[each.round.folder, each.assignment.annotator].append(each)
    return [Desk(theirs[0].round, annotator, tuple(theirs)) for (_, annotator), theirs in packages.items()]


def _merge_and_write(given: Sequence[tuple[Desk, list[Given]]]) -> list[Standing]:
    told: list[str] = []
    merges = []
    for desk, theirs in given:
        merge, problems = _merge(desk, theirs)
        merges.append(merge)
        told += problems
    _refuse(told)
    for merge in merges:
        if merge.after != merge.before:
            _write(merge.desk, merge.after)
    return [_standing(merge) for merge in merges]


def _merge(desk: Desk, given: Sequence[Given]) -> tuple[Merge, list[str]]:
    before = desk.round.judgements(desk.annotator)
    rivals: dict[str, list[Given]] = defaultdict(list)
    for each in [*(Given(judgement, desk.path) for judgement in before), *given]:
        rivals[each.judgement.item_id].append(each)
    after, problems = [], []
    for _, candidates in sorted(rivals.items()):
        try:
            after.append(newest(candidates).judgement)
        except Problem as problem:
            problems.append(str(problem))
    newest_given = {
        each.judgement.item_id: each.judgement for each in sorted(given, key=lambda each: each.judgement.at)
    }
    return Merge(desk, newest_given, before, tuple(after)), problems


def _write(desk: Desk, judgements: Sequence[Judgement]) -> None:
    """Write an annotator's file. It names the last of their packages that has a judgement: most have but one."""
    items = {each.item_id for each in judgements}
    last = [each.assignment for each in desk.packages if not items.isdisjoint(each.texts)][-1]
    head = {"package_id": last.package_id, "package_sha256": last.package_sha256, "annotator": desk.annotator}
    content = {"format": JUDGEMENTS_FORMAT} | head | {"judgements": [asdict(each) for each in judgements]}
    try:
        write_json(desk.path, content)
    except OSError as error:
        raise Problem(f"{desk.path}: cannot be written: {error}; import again when it can") from error


def _standing(merge: Merge) -> Standing:
    before = {each.item_id: each for each in merge.before}
    after = {each.item_id: each for each in merge.after}
    planned = {item for package in merge.desk.packages for item in package.texts}
    new = merge.given.keys() - before.keys()
    changed = {item for item in merge.given.keys() - new if _said(before[item]) != _said(after[item])}
    same = merge.given.keys() - new - changed
    older = {item for item in same if _said(merge.given[item]) != _said(after[item])}
    return Standing(
        merge.desk.round.folder.name,
        merge.desk.annotator,
        planned=len(planned),
        judged=len(planned & after.keys()),
        new=len(new),
        changed=len(changed),
        unchanged=len(same - older),
        older=len(older),
    )


def _said(judgement: Judgement) -> Judgement:
    """What a judgement says, whenever it was and however long it took."""
    return replace(judgement, ms=0, at="")


def _refuse(told: Sequence[str]) -> None:
    if told:
        raise Problem("\n  ".join(["nothing was imported, from any of the files:", *told]))


@contextmanager
def _alone(out: Path) -> Iterator[None]:
    """No other import of this build at the same time. Raises `Problem` when one takes too long."""
    path = out / "validation" / ".import.lock"
    try:
        with FileLock(path, timeout=WAIT_SECONDS):
            yield
    except Timeout:
        raise Problem(f"{path}: another import has held it for {WAIT_SECONDS} seconds; try again") from None
