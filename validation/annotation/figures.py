"""A figure that a paper can print: its value, of how many, how sure, how it is defined, or why there is none."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from validation.annotation.intervals import Interval, bootstrap, percentile_interval, wilson
from validation.annotation.statistics import (
    AGREEMENT,
    Floats,
    Ratings,
    cohen_pairs,
    tally,
    total,
    weigh,
    why_undefined,
)

Numbers = npt.NDArray[np.float64] | npt.NDArray[np.int64]

DEFINITIONS: Mapping[str, str] = {
    "agreement_majority": "mean over items of the share of judgements that are the item's most frequent label",
    "agreement_pairwise": "mean over items of the share of pairs of judgements that are equal",
    "cohen_mean_pairs": "Cohen's kappa of each pair of annotators over the items that both judged; their mean",
    "fleiss": "Fleiss' kappa; for unequal numbers of judgements by means over items (Gwet 2014)",
    "krippendorff_alpha": "Krippendorff's alpha for nominal labels",
    "gwet_ac1": "Gwet's AC1 over all labels of the scale; less moved than kappa by one label being frequent",
}


@dataclass(frozen=True)
class Figure:
    """A value of `n` of `unit`; `low` and `high` are its 95 % interval, and `interval` says which, or why none.

    `wilson` is there where what was counted is independent. `value` is None where `undefined` says why.
    """

    value: float | None
    n: int
    unit: str
    low: float | None
    high: float | None
    interval: str
    wilson: tuple[float, float] | None
    definition: str
    undefined: str = ""


def proportion(successes: int, n: int, unit: str, definition: str) -> Figure:
    """A share of `n` independent things, with Wilson's interval."""
    if not n:
        return _undefined(unit, definition, f"no {unit} yet")
    bounds = _rounded(wilson(successes, n))
    return Figure(_digits(successes / n), n, unit, *bounds, "Wilson", bounds, definition)


def pooled(successes: Numbers, judgements: Numbers, unit: str, definition: str, seed: int) -> Figure:
    """A share of judgements that lie several to an item: `successes` and `judgements` are per item, above 0.

    `n` is the number of judgements. The bootstrap resamples items. Where every item says the same it has no width;
    Wilson's interval over the items then stands for it.
    """
    if not len(judgements):
        return _undefined(unit, definition, f"no {unit} yet")
    value, n = successes.sum() / judgements.sum(), int(judgements.sum())
    values = bootstrap(len(judgements), lambda weights: (weights @ successes) / (weights @ judgements), seed)
    found = percentile_interval(values)
    if found.low is None:
        items = len(judgements)
        found = Interval(
            *wilson(value * items, items), f"Wilson over {items:,} items (no two resamples of them differ)"
        )
    return _figure(value, n, unit, found, definition)


def agreement(ratings: Ratings, categories: int, seed: int) -> dict[str, Figure]:
    """The agreement statistics of `ratings` (items x annotators), each with its item bootstrap."""
    items = tally(ratings, categories)
    sums, n = total(items), len(items.items)
    if not n:
        return {name: _undefined("items", DEFINITIONS[name], why_undefined(sums)) for name in AGREEMENT}

    def every(weights: Floats) -> Floats:
        drawn = weigh(items, weights)
        return np.stack([statistic(drawn) for statistic in AGREEMENT.values()], axis=1)

    resampled = bootstrap(n, every, seed)
    made = {}
    for column, (name, statistic) in enumerate(AGREEMENT.items()):
        counted = int(np.isfinite(cohen_pairs(sums)).sum()) if name == "cohen_mean_pairs" else n
        unit = "pairs of annotators" if name == "cohen_mean_pairs" else "items"
        value = statistic(sums)[0]
        if np.isnan(value):
            made[name] = _undefined(unit, DEFINITIONS[name], why_undefined(sums), counted)
        else:
            made[name] = _figure(value, counted, unit, percentile_interval(resampled[:, column]), DEFINITIONS[name])
    return made


def _figure(value: float, n: int, unit: str, interval: Interval, definition: str) -> Figure:
    low, high = (None if bound is None else _digits(bound) for bound in (interval.low, interval.high))
    return Figure(_digits(value), n, unit, low, high, interval.how, None, definition)


def _undefined(unit: str, definition: str, why: str, n: int = 0) -> Figure:
    return Figure(None, n, unit, None, None, "", None, definition, why)


def _rounded(bounds: tuple[float, float]) -> tuple[float, float]:
    return _digits(bounds[0]), _digits(bounds[1])


def _digits(value: float) -> float:
    """Six digits: the same bytes on every machine."""
    return round(float(value), 6) + 0.0  # no -0
