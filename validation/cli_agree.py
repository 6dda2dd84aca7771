"""`python -m validation agree`: what a round of judgements says, in a table, in agreement.json and on the card."""

import argparse
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from validation.annotation.cautions import TOO_FAST
from validation.annotation.terminal import printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

EXAMPLE = """\
for example:
  python -m validation agree OUT
  python -m validation agree OUT --round round-1 --apply

Acceptance, or preference, over judgements and over rows, and how far annotators agree, each with an interval; per
annotator and per stratum. Gold items are in no rate, an adjudicator's judgements in no agreement.
--apply writes what the majority decided to OUT/validation/verdicts.json: the next run of the recipe's own command drops
rejected rows and replaces corrected texts, and translates nothing again. That run also puts corrected texts into the
translation memory. A correction that is taken back later leaves the dataset, but not the memory: a build elsewhere with
the same --memory still has it; give it another memory.
"""
PIPE_WIDTH = 120
NAMES: Mapping[str, str] = {
    "acceptance_judgements": "acceptance, judgements",
    "acceptance_items": "acceptance, rows",
    "left_share": "left, of preferences",
    "agreement_majority": "with the majority",
    "agreement_pairwise": "pairwise",
    "cohen_mean_pairs": "Cohen's kappa, mean",
    "fleiss": "Fleiss' kappa",
    "krippendorff_alpha": "Krippendorff's alpha",
    "gwet_ac1": "Gwet's AC1",
}
PREFERENCES = ("preference_0", "tie", "preference_1")
UNITS: Mapping[str, str] = {"pairs of annotators": "pairs"}


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `agree` to the command line."""
    from validation.annotation.rounds import build_folder

    agreeing = commands.add_parser(
        "agree",
        help="acceptance and agreement of a round of judgements",
        description="Acceptance and agreement of a round of judgements.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    agreeing.add_argument("build", metavar="BUILD", type=build_folder, help="the build's folder, as for `sample`")
    agreeing.add_argument("--round", metavar="NAME", default="", help="the round (default: the newest)")
    agreeing.add_argument("--apply", action="store_true", help="write the verdicts of all rounds for the next run")
    agreeing.add_argument(
        "--too-fast",
        metavar="SECONDS",
        type=float,
        default=TOO_FAST,
        help="active seconds on an item below which a judgement is too fast (default: %(default)g)",
    )
    agreeing.set_defaults(run=agree_round)


def agree_round(options: argparse.Namespace) -> int:
    """Write the figures of a round, print them, and refresh what shows them."""
    from validation.annotation.agreement import agree, record
    from validation.annotation.problem import Problem
    from validation.annotation.rounds import find_round
    from validation.annotation.verdicts import judged_rows

    out: Path = options.build
    if not options.too_fast >= 0:
        raise Problem(f"--too-fast {options.too_fast:g}: give a number of seconds, 0 or above")
    round = find_round(out, options.round)
    found = agree(round, options.too_fast)
    still_open = sum(each.open for each in judged_rows(round))
    written = [f"figures  {record(out, found)}"]
    if options.apply:
        written.append(f"verdicts {_apply(out)}")
    if (out / "build.json").exists():
        written += _refresh(out)
    _print(found)  # last: whoever reads may stop reading
    for line in written:
        print(printable(line))
    for line in _next(out, found, still_open, options.apply):
        print(f"next     {line}")
    return 0


def _apply(out: Path) -> str:
    from validation.annotation.verdicts import PLACE, write_verdicts

    verdicts = write_verdicts(out)
    undecided = f"; {len(verdicts.open):,} open for adjudication" if verdicts.open else ""
    return (
        f"{out / PLACE}: {verdicts.count('reject'):,} rows to drop, {verdicts.count('correct'):,} to correct{undecided}"
    )


def _refresh(out: Path) -> list[str]:
    """Have the card and the report written again; what that said."""
    command = [sys.executable, "-m", "cards", "refresh", str(out)]
    ran = subprocess.run(command, capture_output=True, text=True, errors="replace")
    if ran.returncode:
        said = ran.stderr.strip().splitlines() or [f"exit status {ran.returncode}"]
        return [f"the card and the report are as they were: `{shlex.join(command[1:])}` failed: {said[-1]}"]
    return ran.stdout.splitlines()


def _next(out: Path, found: Mapping[str, Any], still_open: int, applied: bool) -> list[str]:
    build, name = shlex.quote(str(out)), found["round"]
    lines = []
    if missing := found["received"]["missing"]:
        lines.append(f"python -m validation import {build} FILES   (judgements that are not in: {missing:,})")
    if still_open:
        adjudicate = f"python -m validation adjudicate {build} --annotator NAME --round {name}"
        lines.append(f"{adjudicate}   (rows that are open: {still_open:,})")
    if found["task"] == "accept" and found["received"]["judgements"]:
        lines.append(
            "the recipe's own command again: it drops rejected rows, replaces corrected texts and publishes"
            if applied
            else f"python -m validation agree {build} --round {name} --apply"
        )
    return lines


def _print(found: Mapping[str, Any]) -> None:
    from rich.console import Console

    console = Console()
    console = console if console.is_terminal else Console(width=PIPE_WIDTH)
    planned, received = found["planned"], found["received"]
    _say(
        console,
        f"{found['round']}, {found['source_language']} to {found['target_language']}: "
        f"{received['judgements']:,} of {planned['judgements']:,} judgements, of {received['items']:,} rows "
        f"({planned['shared']:,} shared), by {planned['annotators']} annotators",
    )
    if found["systems"]:
        _say(console, f"0 is {found['systems'][0]}, 1 is {found['systems'][1]}")
    _say(console, f"labels: {_counts(found['labels'])}; rows: {_counts(found['majority'])}")
    if found["adjudicated"]:
        _say(console, f"adjudicated: {found['adjudicated']:,} rows")
    if found["reasons"] or found["corrections"]:
        _say(console, f"reasons: {_counts(found['reasons']) or 'none'}; corrections: {found['corrections']:,}")
    for table in (_figures(found), _annotators(found), _strata(found)):
        if table.row_count:
            console.print()
            console.print(table, highlight=False)
    console.print()
    for note in _notes(found["figures"]):
        _say(console, note)
    for warning in found["warnings"]:
        _say(console, f"warning: {warning}")


def _figures(found: Mapping[str, Any]) -> "Table":
    rows = []
    for name, figure in found["figures"].items():
        by = "" if figure["low"] is None else figure["interval"].partition(",")[0].split()[0]
        of = f"{figure['n']:,} {UNITS.get(figure['unit'], figure['unit'])}"
        rows.append((_name(name), _value(figure), _interval(figure), by, of))
    return _table(("figure", "value", "95 % interval", "by", "of"), rows)


def _annotators(found: Mapping[str, Any]) -> "Table":
    rate, said = ("acceptance", "accepted") if found["task"] == "accept" else ("left_share", "left")
    rows = [
        (
            each["annotator"],
            f"{each['judgements']}/{each['planned']}",
            _value(each[rate]),
            _interval(each[rate]),
            _value(each["agreement_majority"]),
            "" if each["median_seconds"] is None else f"{each['median_seconds']:.1f}",
            f"{each['too_fast'] or ''}",
            f"{each['gold']['right']}/{each['gold']['of']}" if each["gold"]["of"] else "",
        )
        for each in found["annotators"]
    ]
    return _table(("annotator", "judged", said, "95 % interval", "majority", "median s", "too fast", "gold"), rows)


def _strata(found: Mapping[str, Any]) -> "Table":
    """The rates of rows by stratum; of a pair without intervals, which would not fit and are in the file."""
    accept = found["task"] == "accept"
    rows = []
    for each in found["strata"]:
        rates = [each["acceptance"]] if accept else [each[name] for name in PREFERENCES]
        cells = [*map(_value, rates), *([_interval(each["acceptance"])] if accept else [])]
        rows.append((each["stratum"], f"{each['rows']:,}", f"{each['judgements']:,}", *cells))
    heads = ("accepted", "95 % interval") if accept else ("for 0", "tie", "for 1")
    return _table((found["stratify"], "rows", "judgements", *heads), rows)


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> "Table":
    """The first column gives way to the others; a column of which nothing is known is left out."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="")
    kept = [at for at in range(len(heads)) if any(row[at] for row in rows)]
    for at in kept:
        head = Text(printable(heads[at]))
        if at:
            table.add_column(head, justify="right", no_wrap=True)
        else:
            table.add_column(head, min_width=9, overflow="fold")
    for row in rows:
        table.add_row(*(Text(printable(row[at])) for at in kept))
    return table


def _notes(figures: Mapping[str, Any]) -> list[str]:
    """Why a figure is not defined, or has no interval: a line for each reason."""
    notes: dict[str, list[str]] = {}
    for name, figure in figures.items():
        if figure["undefined"]:
            notes.setdefault(f"undefined: {figure['undefined']}", []).append(_name(name))
        elif figure["low"] is None:
            notes.setdefault(f"no interval: {figure['interval'].removeprefix('none: ')}", []).append(_name(name))
    return [f"{', '.join(names)}: {why}" for why, names in notes.items()]


def _name(name: str) -> str:
    """`preference_0_judgements` is `for 0, judgements`; `preference_0` is of rows."""
    if name in NAMES:
        return NAMES[name]
    label = name.removesuffix("_judgements")
    return f"{label.replace('preference_', 'for ')}, {'rows' if label == name else 'judgements'}"


def _value(figure: Mapping[str, Any]) -> str:
    return "undefined" if figure["value"] is None else f"{figure['value']:.4f}"


def _interval(figure: Mapping[str, Any]) -> str:
    return "" if figure["low"] is None else f"{figure['low']:.3f} to {figure['high']:.3f}"


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name.replace('preference_', 'for ')} {n:,}" for name, n in counts.items())


def _say(console: "Console", text: str) -> None:
    console.print(printable(text), highlight=False, markup=False)
