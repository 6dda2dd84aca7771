"""`python -m validation filters`: which filters there are, and whether their thresholds suit a build."""

import argparse
import sys
from math import inf

from rich.console import Console
from rich.table import Table
from upath import UPath

from validation.filters import BackTranslation, QualityEstimation, Similarity, default_filters
from validation.filters.contract import about, thresholds
from validation.tune import NoBuild, Spread, build_filters, sample_pairs, spreads
from validation.tune_page import write_page

SAMPLE = 5000
PIPE_WIDTH = 150


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `filters` and what it can do to the command line."""
    filters = commands.add_parser("filters", help="the filters that refuse a bad translation")
    actions = filters.add_subparsers(required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="every filter: what it looks for, its thresholds, on or off")
    listing.set_defaults(run=list_filters)
    tune = actions.add_parser(
        "tune", help="measure a build's translations again: thresholds against the distribution, rows nearest the line"
    )
    tune.add_argument("out", metavar="OUT", help="the build's folder or URI")
    tune.add_argument("--sample", type=int, default=SAMPLE, metavar="N", help="pairs to measure (default: %(default)s)")
    tune.add_argument("--filter", action="append", default=[], metavar="NAME", help="only this filter; may be repeated")
    tune.set_defaults(run=tune_filters)


def list_filters(options: argparse.Namespace) -> int:
    """Print every filter."""
    table = Table(box=None, pad_edge=False)
    for column in ("filter", "on", "looks for", "thresholds"):
        table.add_column(column, no_wrap=column != "looks for")
    for each in (*default_filters(), Similarity(), QualityEstimation(), BackTranslation()):
        settings = "\n".join(f"{name}={_shown(value)}" for name, value in thresholds(each).items())
        table.add_row(each.name, "with a model" if each.has_model else "yes", about(each), settings)
    _console().print(table, highlight=False, markup=False)
    return 0


def tune_filters(options: argparse.Namespace) -> int:
    """Measure a sample of a build again, print what each filter finds, and write the page."""
    out = UPath(options.out)
    if options.sample < 1:
        return _fail(f"--sample {options.sample}: give a number of pairs above 0")
    try:
        filters = build_filters(out, options.filter)
        if problems := [problem for each in filters if (problem := each.problem())]:
            return _fail("\n".join(problems))
        pairs, count = sample_pairs(out, options.sample)
    except (NoBuild, ValueError) as error:
        return _fail(str(error))
    found = spreads(filters, pairs)
    console = _console()
    console.print(f"{len(pairs):,} of {count:,} machine-translated fields of {out}", highlight=False, markup=False)
    console.print(_table(found), highlight=False)
    console.print(
        f"page     {write_page(out, found, len(pairs), count)}", highlight=False, markup=False, soft_wrap=True
    )
    return 0


def _table(found: list[Spread]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("filter", no_wrap=True)
    for column in ("measured", "refused", "", "p1", "p5", "p50", "p95", "p99"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("to refuse at most 1, 2, 5 %", overflow="fold")
    for spread in found:
        n, at = len(spread.measured), spread.percentiles()
        share = f"{spread.refused / n:.2%}" if n else ""
        figures = [f"{at[p]:.3g}" if at else "" for p in (1, 5, 50, 95, 99)]
        settings = " ".join(dict.fromkeys(each.setting.partition(".")[2] for each in spread.suggestions()))
        table.add_row(spread.filter.name, f"{n:,}", f"{spread.refused:,}", share, *figures, settings)
    return table


def _console() -> Console:
    """The terminal as it is; a file or a pipe wide enough for a table."""
    console = Console()
    return console if console.is_terminal else Console(width=PIPE_WIDTH)


def _shown(value: float | None) -> str:
    return "none" if value is None or abs(value) == inf else f"{value:g}"


def _fail(message: str) -> int:
    print(f"error: {message}", file=sys.stderr)
    return 2
