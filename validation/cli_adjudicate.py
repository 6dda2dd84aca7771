"""`python -m validation adjudicate`: a package of what a round's annotators left open."""

import argparse
import shlex
from pathlib import Path

from validation.annotation.problem import Problem

EXAMPLE = """\
for example:
  python -m validation adjudicate OUT --annotator amaia
  python -m validation import OUT amaia.json
  python -m validation agree OUT --apply

Open are rows whose labels tie, rows for which people wrote different corrections, and rows that were corrected though
most people were unsure, or by people who did not reject what most rejected. The package shows what everybody said,
without names. The adjudicator's label and correction decide.
"""


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `adjudicate` to the command line."""
    from validation.annotation.packages import FORMATS, PAGE
    from validation.annotation.rounds import build_folder

    adjudicating = commands.add_parser(
        "adjudicate",
        help="make a package of the rows on which annotators were divided",
        description="Make a package of the rows on which a round's annotators were divided.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = adjudicating.add_argument
    add("build", metavar="BUILD", type=build_folder, help="the build's folder, as for `sample`")
    add("--annotator", required=True, metavar="NAME", help="who decides: somebody who did not judge in this round")
    add("--round", default="", metavar="NAME", help="the round (default: the newest)")
    add("--guidelines", type=Path, metavar="FILE.md", help="what to go by (default: guidelines of ours)")
    add("--pairs", type=Path, nargs=2, metavar="FILE.jsonl", help="the answers, of a round that compares two systems")
    add("--format", nargs="+", choices=FORMATS, default=[PAGE], metavar="FORMAT", help=" ".join(FORMATS))
    adjudicating.set_defaults(run=make_package)


def make_package(options: argparse.Namespace) -> int:
    """Make the package, and print where it is and what comes next. Raises `Problem`."""
    from validation.annotation.adjudication import adjudicate
    from validation.annotation.packages import write_packages
    from validation.annotation.pairs import read_pairs
    from validation.annotation.reading import read_guidelines
    from validation.annotation.rounds import find_round

    build: Path = options.build
    round = find_round(build, options.round)
    name = round.folder.name
    pairs = read_pairs(*options.pairs) if options.pairs else None
    made = adjudicate(build, round, options.annotator, read_guidelines(options.guidelines), pairs)
    if made is None:
        print(f"nothing is open in {name}: its annotators agree, or an adjudicator has decided")
        return 0
    try:
        paths = write_packages(round, [made.package], options.format)
        round.write_plan(made.plan)
    except OSError as error:
        raise Problem(f"{round.folder}: cannot be written: {error}") from error
    print(f"open     {len(made.package.items):,} rows of {name}")
    for path in paths:
        print(f"package  {path}")
    print(f"next     send it to {options.annotator}, who sends a file back. Then")
    print(f"         python -m validation import {shlex.quote(str(build))} FILES…")
    return 0
