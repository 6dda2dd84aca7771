"""The page of `filters tune`: a histogram for each filter and the rows nearest its line, for a person to judge.

One file without a script or an address outside itself. The texts may be hostile: every value is escaped, and
characters that draw nothing but change what is read appear by their number.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, isfinite, log1p
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from upath import UPath

from validation.filters import Filter
from validation.filters.contract import about, thresholds
from validation.tune import Spread

BINS = 40
MOST_LINES = 3
LONGEST_TEXT = 1_200
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)


@dataclass(frozen=True)
class Bar:
    """One bin of a histogram: its figures, its rows that passed and were refused, and where it is drawn (0 to 100)."""

    low: float
    high: float
    passed: int
    refused: int
    left: float
    width: float
    passed_height: float
    refused_height: float


@dataclass(frozen=True)
class Histogram:
    """Bars, and the thresholds, unless they differ from row to row, each with its place (0 to 100 from the left)."""

    bars: tuple[Bar, ...]
    low: float
    high: float
    lines: tuple[tuple[float, float], ...]


def write_page(out: UPath, found: Sequence[Spread], measured: int, count: int) -> UPath:
    """Write `OUT/validation/filters.html`, and return its path."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"shown": shown, "figure": figure, "about": about, "settings": settings}
    page = environment.get_template("filters.html.j2").render(
        name=out.name, measured=measured, count=count, spreads=[(each, histogram(each)) for each in found]
    )
    path = out / "validation" / "filters.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page, encoding="utf-8")
    return path


def histogram(spread: Spread) -> Histogram:
    """The figures of a filter in bins; small counts stay visible, since heights go by log(1 + rows)."""
    rows = [each for each in spread.measured if isfinite(each.figure)]
    figures = [each.figure for each in rows]
    low, high = min(figures, default=0.0), max(figures, default=1.0)
    bounds = {spread.filter.bounds(each.pair) for each in rows}
    few = bounds if len(bounds) <= MOST_LINES else ()
    drawn = [
        (side, value)
        for pair in sorted(few)
        for side, value in zip(("low", "high"), pair, strict=True)
        if isfinite(value) and spread.filter.refuses in (side, "both")
    ]
    first, last = min([low, *(floor(value) for _, value in drawn)]), max([high, *(ceil(value) for _, value in drawn)])
    whole = all(value == int(value) for value in figures) and last - first < BINS
    lines = [value + (0.5 if whole and side == "high" else 0.0) for side, value in drawn]
    if whole:
        low, high = first - 0.5, last + 0.5
    else:
        room = (max([high, *lines]) - min([low, *lines])) / BINS
        low, high = min([low, *(line - room for line in lines)]), max([high, *(line + room for line in lines)])
    bins = max(1, round(high - low)) if whole else BINS
    width = (high - low) / bins or 1.0
    counts = [[0, 0] for _ in range(bins)]
    for each in rows:
        counts[min(int((each.figure - low) / width), bins - 1)][not each.margin >= 0] += 1
    most = log1p(max((sum(pair) for pair in counts), default=1)) or 1.0
    bars = []
    for place, (passed, refused) in enumerate(counts):
        height = 100 * log1p(passed + refused) / most
        share = refused / (passed + refused) if refused else 0.0
        bars.append(
            Bar(
                low + place * width, low + (place + 1) * width, passed, refused, 100 * place / bins, 100 / bins,
                height * (1 - share), height * share,
            )
        )  # fmt: skip
    span = (high - low) or 1.0
    return Histogram(tuple(bars), low, high, tuple((value, 100 * (value - low) / span) for value in lines))


def shown(text: str) -> str:
    """A text from outside, for a reader: long ones cut, invisible characters by their number."""
    cut = text if len(text) <= LONGEST_TEXT else text[:LONGEST_TEXT] + " …"
    return _INVISIBLE.sub(lambda match: f"[U+{ord(match[0]):04X}]", cut)


def figure(value: float) -> str:
    return f"{value:.3g}"


def settings(one: Filter) -> list[str]:
    return [f"{name} = {value:g}" for name, value in thresholds(one).items() if value is not None]
