"""`python -m validation sample`: draw the rows that native speakers judge, and make each of them a package."""

import argparse
import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from validation.annotation.problem import Problem
from validation.annotation.terminal import printable

if TYPE_CHECKING:
    from validation.annotation.package import Package
    from validation.annotation.planning import Planned, Request
    from validation.annotation.rounds import Plan, Round

LARGE_PACKAGE = 50_000_000
_NAMED = 5

_EXAMPLES = """\
examples:
  Four annotators, 40 rows each, 20 of which all of them judge:
    python -m validation sample OUT --annotators ane,jon,miren,iker --shared 20 --own 20

  In proportion to the tasks, with guidelines of yours and five rows whose verdict is known:
    python -m validation sample OUT --annotators ane,jon --stratify task_name --guidelines g.md --gold gold.jsonl

  Which of two systems answers better:
    python -m validation sample OUT --annotators ane,jon --shared 44 --own 70 --pairs llama.jsonl latxa.jsonl

The same --seed draws the same rows from the same dataset. Another round is drawn from rows that no round has had, so
that its acceptance is that of the dataset and not of a sample that was mended; --again draws from all.
"""


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `sample` to the command line."""
    from validation.annotation.packages import FORMATS, PAGE
    from validation.annotation.rounds import build_folder

    sample = commands.add_parser(
        "sample",
        help="draw rows and make a package for every annotator",
        description="Draw rows of a build for native speakers to judge, and make a package for every annotator.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = sample.add_argument
    add("build", metavar="BUILD", type=build_folder, help="a build's folder, or a dataset's with data/*.parquet")
    add("--annotators", required=True, metavar="NAMES", help="names separated by commas: ane,jon,miren")
    add("--shared", type=int, default=20, metavar="N", help="rows that all annotators judge (default: %(default)s)")
    add("--own", type=int, default=20, metavar="N", help="rows that each judges alone (default: %(default)s)")
    add("--seed", type=int, default=0, metavar="N", help="decides the draw (default: %(default)s)")
    add("--stratify", default="", metavar="COLUMN", help="draw in proportion to a column of strings: task_name")
    add("--config", default="", metavar="NAME", help="the configuration to draw from, where there are several")
    add("--split", default="", metavar="NAME", help="draw from this split only (default: from all)")
    add("--from", dest="source", default="", metavar="CODE", help="the source language (default: the build's, or en)")
    add("--to", dest="target", default="", metavar="CODE", help="the language judged (default: the build's or card's)")
    add("--guidelines", type=Path, metavar="FILE.md", help="what annotators go by (default: guidelines of ours)")
    add("--gold", type=Path, metavar="FILE.jsonl", help='rows of a known verdict: {"id", "label", "texts"?} a line')
    add("--pairs", type=Path, nargs=2, metavar="FILE.jsonl", help='answers of two systems: {"id", "answer"} a line')
    add("--format", nargs="+", choices=FORMATS, default=[PAGE], metavar="FORMAT", help=" ".join(FORMATS))
    add("--again", action="store_true", help="draw from the rows of earlier rounds too")
    add("--picture-side", type=int, default=1024, metavar="PIXELS", help="longest side of a picture (default: 1024)")
    add("--round", default="round-1", metavar="NAME", help="the round to make (default: %(default)s)")
    sample.set_defaults(run=sample_rows)


def sample_rows(options: argparse.Namespace) -> int:
    """Make the round, and print what was written and what comes next. Raises `Problem`."""
    from validation.annotation.packages import write_packages
    from validation.annotation.planning import plan_round

    request = _request(options)
    round = _free_round(request)
    show = _show if sys.stderr.isatty() else None
    planned = plan_round(request, show)
    if show:
        show("")
    plan = _same_again(round, planned.plan)
    try:
        if not round.plan_path.exists():
            shutil.rmtree(round.packages, ignore_errors=True)
        paths = write_packages(round, planned.packages, options.format)
        round.write_plan(plan)
    except OSError as error:
        raise Problem(f"{round.folder}: cannot be written: {error}") from error
    _print_drawn(request, planned)
    _print_seen_before(request, planned)
    _print_written(round, planned.packages, paths)
    print(f"plan     {round.plan_path}\n         who judges what: keep it to yourself")
    print("next     send every annotator their own package; each sends a file back. Then")
    print(f"         python -m validation import {shlex.quote(str(options.build))} FILES…")
    return 0


def _request(options: argparse.Namespace) -> "Request":
    from validation.annotation.builds import LANGUAGE
    from validation.annotation.gold import read_gold
    from validation.annotation.pairs import read_pairs
    from validation.annotation.planning import Request
    from validation.annotation.reading import read_guidelines

    if options.gold and options.pairs:
        raise Problem("--gold goes with translations that are accepted or rejected, not with --pairs: leave one out")
    for flag, code in (("--from", options.source), ("--to", options.target)):
        if code and not LANGUAGE.fullmatch(code):
            raise Problem(f"{flag} {code}: expected a language's code, such as eu or pt-BR")
    if min(options.shared, options.own) < 0:
        raise Problem(f"--shared {options.shared} --own {options.own}: expected numbers of rows, 0 or more")
    if not 64 <= options.picture_side <= 4096:
        raise Problem(f"--picture-side {options.picture_side}: expected 64 to 4096 pixels")
    return Request(
        out=options.build,
        round=options.round,
        annotators=_names(options.annotators),
        shared=options.shared,
        own=options.own,
        seed=options.seed,
        stratify=options.stratify,
        config=options.config,
        split=options.split,
        source_language=options.source,
        target_language=options.target,
        guidelines=read_guidelines(options.guidelines),
        gold=read_gold(options.gold) if options.gold else (),
        pairs=read_pairs(*options.pairs) if options.pairs else None,
        picture_side=options.picture_side,
        again=options.again,
    )


def _names(given: str) -> tuple[str, ...]:
    from validation.annotation.rounds import NAME

    names = tuple(name.strip() for name in given.split(","))
    for name in names:
        if not NAME.fullmatch(name):
            raise Problem(
                f"--annotators: {name!r} cannot name a file; expected letters, digits, points, underscores and "
                "hyphens, separated by commas: ane,jon,miren"
            )
    lower = [name.lower() for name in names]
    if repeated := [name for name in names if lower.count(name.lower()) > 1]:
        raise Problem(f"--annotators: {' and '.join(repeated)} are one name; give every annotator a name of their own")
    return names


def _free_round(request: "Request") -> "Round":
    """The round to make. Raises `Problem` where its name cannot be used or judgements are in."""
    from validation.annotation.rounds import NAME, Round

    if not NAME.fullmatch(request.round) or request.round.endswith(".json"):
        raise Problem(f"--round {request.round}: expected letters, digits, points, underscores and hyphens")
    round = Round(request.out / "validation" / request.round)
    if any((round.folder / "judgements").glob("*.json")):
        raise Problem(f"{round.folder} holds judgements, and stays as it is: {_another(round)}")
    return round


def _same_again(round: "Round", plan: "Plan") -> "Plan":
    """The plan as it is written: where the round is there, of its time. Raises `Problem` where it is another."""
    from dataclasses import replace

    if not round.plan_path.exists():
        return plan
    before = round.plan()
    if replace(plan, created=before.created) != before:
        raise Problem(
            f"{round.plan_path} is there, and this command would make another plan: {_another(round)}. If nobody has "
            f"got a package of it, you may remove {round.folder}"
        )
    return before


def _another(round: "Round") -> str:
    number = 2
    while (round.folder.parent / f"round-{number}").exists():
        number += 1
    return f"say --round round-{number} for a new one"


def _show(text: str) -> None:
    """One line of a terminal, written over."""
    print(f"\r{text:<40}\r", end="", file=sys.stderr, flush=True)


def _print_drawn(request: "Request", planned: "Planned") -> None:
    plan, drawn = planned.plan, planned.drawn
    by = f", in proportion to {plan.stratify} ({len(drawn.strata):,} strata)" if plan.stratify else ""
    print(f"drawn    {len(drawn.rows):,} of {drawn.population:,} rows, seed {plan.seed}{by}")
    got = {stratum for _, stratum in drawn.rows}
    if none := sorted(set(drawn.strata) - got):
        print(f"         {len(none):,} strata got no row: {_listed(none)}")
    if request.gold:
        print(f"gold     {len(request.gold):,} rows of a known label, among the items of every annotator")
    for where in planned.unsaid:
        print(
            f"note     {printable(where)}: the row's conversation does not say this text, which may give the item away"
        )
    if planned.untranslated:
        print(f"note     {planned.untranslated:,} rows have no translation to judge and were not drawn from")
    if planned.judged:
        print(f"note     {planned.judged:,} rows of earlier rounds were not drawn from")
    if planned.without_picture:
        missing = planned.without_picture
        print(f"note     {len(missing):,} of the rows are shown without a picture: {_listed(missing)}")


def _print_seen_before(request: "Request", planned: "Planned") -> None:
    from validation.annotation.rounds import rounds

    mine = {row for row, _ in planned.drawn.rows}
    for other in rounds(request.out):
        same = mine & {row.row for row in other.plan().rows} if other.folder.name != request.round else ()
        if same:
            print(f"note     {len(same):,} of these rows are in {other.folder.name} too")


def _print_written(round: "Round", packages: "Sequence[Package]", paths: Sequence[Path]) -> None:
    for package in packages:
        path = round.packages / f"{package.annotator}.html"
        if path in paths:
            size = path.stat().st_size
            print(f"package  {path}  {len(package.items):,} items, {size / 1e6:.1f} MB")
            if size > LARGE_PACKAGE:
                print("note     a browser is slow with so large a page: lower --own or --picture-side")
    for folder in dict.fromkeys(path.relative_to(round.packages).parts[0] for path in paths if path.suffix != ".html"):
        its = [path for path in paths if path.relative_to(round.packages).parts[0] == folder]
        print(f"packages {round.packages / folder}  {len(its):,} files")


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(printable(name) for name in names[:_NAMED])
    return shown + (f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else "")
