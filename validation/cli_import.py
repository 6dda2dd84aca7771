"""`python -m validation import`: the files that annotators sent back become a round's judgements."""

import argparse
import shlex
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from validation.annotation.terminal import printable

if TYPE_CHECKING:
    from validation.annotation.judgements import Standing

EXAMPLE = """\
for example:
  python -m validation import OUT ane.json jon.json
  python -m validation import OUT ~/Downloads/annotations
  python -m validation import OUT ane.csv --annotator ane

FILES are what the page saved, or what Label Studio (JSON, JSON-MIN), Potato (JSON lines), Argilla (a folder) or a
spreadsheet (CSV) gave back; of a folder, the .json, .jsonl and .csv files and the Argilla folders directly in it.
All files are checked before anything is written: if one is not right, none is imported.
The newest judgement of an item is kept. Importing a file twice changes nothing.
"""


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `import` to the command line."""
    from validation.annotation.rounds import build_folder

    importing = commands.add_parser(
        "import",
        help="take in the files that annotators sent back",
        description="Take in the files that annotators sent back.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = importing.add_argument
    add("build", metavar="BUILD", type=build_folder, help="the build's folder, as for `sample`")
    add("files", metavar="FILES", type=Path, nargs="+", help="files that came back, or folders of them")
    add("--annotator", metavar="NAME", default="", help="whose these files are, where another tool does not say it")
    importing.set_defaults(run=import_judgements)


def import_judgements(options: argparse.Namespace) -> int:
    """Import the files and print how every annotator of their rounds stands. Raises `Problem`."""
    from validation.annotation.judgements import import_files
    from validation.annotation.received import folders_inside

    imported = import_files(options.build, options.files, options.annotator)
    for folder in folders_inside(options.files):
        print(f"not looked into: {printable(str(folder))}")
    for name, annotators in groupby(imported, key=lambda each: each.round):
        print(name)
        for each in annotators:
            print(f"  {_line(each)}")
        print(f"next     python -m validation agree {shlex.quote(str(options.build))} --round {name}")
    return 0


def _line(standing: "Standing") -> str:
    came = f"{standing.new} new, {standing.changed} changed, {standing.unchanged} unchanged"
    came += f", {standing.older} older, not taken" if standing.older else ""
    missing = f", {standing.missing} missing" if standing.missing else ""
    return f"{standing.annotator}: {came}; {standing.judged} of {standing.planned} judged{missing}"
