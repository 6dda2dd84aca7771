"""What a report shows of the judgements of a build: every figure with its interval, drawn on one axis with its like.

A report is for those who make the dataset: unlike the card it names the annotators, and says the warnings about them.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from cards import svg
from cards.build import Build
from cards.text import decimals, figure, share
from cards.validation import (
    ACCEPTANCE,
    AGREEMENTS,
    PREFERENCES,
    Annotator,
    Figure,
    Round,
    Stratum,
    Validation,
    applied,
    interval,
    lower_bound,
)

STRATA_SHOWN = 40
_LABELS = {"accept": "written", "reject": "rejected", "unsure": "duplicates"}
_PREFERENCES = {"preference_0": "s0", "tie": "duplicates", "preference_1": "s1", "divided": "ink"}


@dataclass(frozen=True)
class Line:
    """A figure, drawn. `value` and `interval` are as a person reads them; both are empty where it is undefined."""

    label: str
    figure: Figure
    drawing: Markup
    value: str
    interval: str


@dataclass(frozen=True)
class Chart:
    """Lines on one axis, and its ticks as shares of the width."""

    lines: tuple[Line, ...]
    ticks: tuple[tuple[float, str], ...]


@dataclass(frozen=True)
class Part:
    """A segment of a bar: its class, what it is, and how many."""

    kind: str
    label: str
    count: int


@dataclass(frozen=True)
class Accepted:
    """A round about acceptance, drawn; `needed` is the acceptance that the recipe needs, `lower` what is certain."""

    round: Round
    labels: tuple[Part, ...]
    label_bar: Markup
    rates: Chart
    agreements: Chart
    annotators: tuple[tuple[Annotator, Line], ...]
    reasons: tuple[tuple[str, int, Markup], ...]
    strata: tuple[tuple[Stratum, Line], ...]
    strata_hidden: int
    ticks: tuple[tuple[float, str], ...]
    lower: float


@dataclass(frozen=True)
class Paired:
    """A round that compared two systems, drawn. `left` is the share of preferences that went to the left side."""

    round: Round
    rows: tuple[Part, ...]
    row_bar: Markup
    rates: Chart
    agreements: Chart


@dataclass(frozen=True)
class Judged:
    """All that a report says of human judgements. `rejected` rows and `corrected` texts are what they have changed;
    `to_apply`: there are verdicts that have not changed the rows yet."""

    accepted: Accepted | None
    paired: Paired | None
    earlier: tuple[Round, ...]
    elsewhere: int
    outdated: tuple[str, ...]
    needed: float
    rejected: int
    corrected: int
    to_apply: bool


def judged(validation: Validation, build: Build, needed: float, to_apply: bool) -> Judged | None:
    """What to show of `validation`; None where there is nothing to say."""
    if not (validation.accepted or validation.paired or validation.elsewhere or validation.outdated or needed):
        return None
    return Judged(
        accepted=_accepted(validation.accepted, needed) if validation.accepted else None,
        paired=_paired(validation.paired) if validation.paired else None,
        earlier=validation.earlier,
        elsewhere=validation.elsewhere,
        outdated=validation.outdated,
        needed=needed,
        rejected=applied(build, "rejected"),
        corrected=applied(build, "corrected"),
        to_apply=to_apply,
    )


def _accepted(found: Round, needed: float) -> Accepted:
    lines = [needed] if needed else []
    labels = tuple(Part(kind, label, found.labels.get(label, 0)) for label, kind in _LABELS.items())
    strata = sorted(found.strata, key=lambda each: (-each.rows, each.name))
    most = max((count for _, count in found.reasons), default=0)
    return Accepted(
        round=found,
        labels=labels,
        label_bar=_bar(labels),
        rates=_rates(found, ACCEPTANCE, lines),
        agreements=_agreements(found),
        annotators=tuple((each, _rate(each.name, each.acceptance, lines)) for each in found.annotators),
        reasons=tuple((name, count, svg.stacked_bar([("rejected", count)], most)) for name, count in found.reasons),
        strata=tuple((each, _rate(each.name, each.acceptance, lines)) for each in strata[:STRATA_SHOWN]),
        strata_hidden=len(strata[STRATA_SHOWN:]),
        ticks=_ticks(0.0, _percent),
        lower=lower_bound(found),
    )


def _paired(found: Round) -> Paired:
    first, second = (*found.systems, "the first", "the second")[:2]
    names = {"preference_0": first, "tie": "no difference", "preference_1": second, "divided": "annotators divided"}
    rows = tuple(Part(kind, names[key], found.majority.get(key, 0)) for key, kind in _PREFERENCES.items())
    rates = {key: f"rows: {names[key]}" for key in PREFERENCES}
    rates |= {f"{key}_judgements": f"judgements: {names[key]}" for key in PREFERENCES}
    rates |= {"left_share": "left, of preferences"}
    return Paired(found, rows, _bar(rows), _rates(found, rates, [0.5]), _agreements(found))


def _rates(found: Round, names: Mapping[str, str], lines: Sequence[float]) -> Chart:
    known = {label: found.figures[name] for name, label in names.items() if name in found.figures}
    return Chart(tuple(_rate(label, each, lines) for label, each in known.items()), _ticks(0.0, _percent))


def _rate(label: str, rate: Figure, lines: Sequence[float]) -> Line:
    value = "" if rate.value is None else share(rate.value, 1)
    return Line(label, rate, svg.whisker(rate.low, rate.value, rate.high, lines), value, interval(rate))


def _agreements(found: Round) -> Chart:
    """Agreement on one axis from 0 to 1, or from below 0 where a figure reaches there; 0 is then an upright line."""
    known = {label: found.figures[name] for name, label in AGREEMENTS.items() if name in found.figures}
    lowest = min((end for each in known.values() for end in (each.low, each.value) if end is not None), default=0.0)
    least = math.floor(min(0.0, lowest) * 4) / 4
    lines = [_place(0.0, least)] if least else []
    drawn = []
    for label, each in known.items():
        low, at, high = (None if end is None else _place(end, least) for end in (each.low, each.value, each.high))
        value = "" if each.value is None else decimals(each.value)
        reach = "" if each.low is None or each.high is None else f"{decimals(each.low)} to {decimals(each.high)}"
        drawn.append(Line(label, each, svg.whisker(low, at, high, lines), value, reach))
    return Chart(tuple(drawn), _ticks(least, figure))


def _ticks(least: float, shown: Callable[[float], str]) -> tuple[tuple[float, str], ...]:
    return tuple((_place(tick, least), shown(tick)) for tick in svg.ticks(least, 1, 4))


def _place(value: float, least: float) -> float:
    """Where `value` is between `least` and 1, as a share of the width."""
    return (value - least) / (1 - least)


def _percent(value: float) -> str:
    return f"{100 * value:.0f} %"


def _bar(parts: Sequence[Part]) -> Markup:
    return svg.stacked_bar([(part.kind, part.count) for part in parts], sum(part.count for part in parts))
