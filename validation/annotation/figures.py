"""A figure that a paper can print: its value, of how many, how sure, how it is defined, or why there is none."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from validation.annotation.intervals import FEW_SHARED, Interval, bootstrap, percentile_interval, wilson
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
    "agreement_majority": "mean over rows of the share of judgements that are the row's most frequent label",
    "agreement_pairwise": "mean over rows of the share of pairs of judgements that are equal",
    "cohen_mean_pairs": "Cohen's kappa of each pair of annotators over the rows that both judged; their mean",
    "fleiss": "Fleiss' kappa; for unequal numbers of judgements by means over rows (Gwet 2014)",
    "krippendorff_alpha": "Krippendorff's alpha for nominal labels",
    "gwet_ac1": "Gwet's AC1 over all labels of the scale; less moved than kappa by one label being frequent",
}
BEYOND_CHANCE = ("cohen_mean_pairs", "fleiss", "krippendorff_alpha")  # their intervals need many rows


@dataclass(frozen=True)
class Figure:
    """A value of `n` of `unit`; `low` and `high` are its 95 % interval, and `interval` says which, or why none.

    `value` is None where `undefined` says why.
    """

    value: float | None
    n: int
    unit: str
    low: float | None
    high: float | None
    interval: str
    definition: str
    undefined: str = ""


def proportion(successes: int, n: int, unit: str, definition: str) -> Figure:
    """A share of `n` independent things, with Wilson's interval."""
    if not n:
        return _undefined(unit, definition, f"no {unit} yet")
    return _figure(successes / n, n, unit, Interval(*wilson(successes, n), "Wilson"), definition)


def pooled(successes: Numbers, judgements: Numbers, unit: str, definition: str, seed: int) -> Figure:
    """A share of judgements that lie several to a row: `successes` and `judgements` are per row, above 0.

    `n` is the number of judgements. The bootstrap resamples rows. Where every row says the same it has no width;
    Wilson's interval over the rows then stands for it.
    """
    if not len(judgements):
        return _undefined(unit, definition, f"no {unit} yet")
    value, n = successes.sum() / judgements.sum(), int(judgements.sum())
    values = bootstrap(len(judgements), lambda weights: (weights @ successes) / (weights @ judgements), seed)
    found = percentile_interval(values)
    if found.low is None:
        rows = len(judgements)
        found = Interval(*wilson(value * rows, rows), f"Wilson over {rows:,} rows (no two resamples of them differ)")
    return _figure(value, n, unit, found, definition)


def agreement(ratings: Ratings, categories: int, seed: int) -> dict[str, Figure]:
    """The agreement statistics of `ratings` (items x annotators), each with its item bootstrap."""
    items = tally(ratings, categories)
    sums, n = total(items), len(items.items)
    if not n:
        return {name: _undefined("rows", DEFINITIONS[name], why_undefined(sums)) for name in AGREEMENT}

    def every(weights: Floats) -> Floats:
        drawn = weigh(items, weights)
        return np.stack([statistic(drawn) for statistic in AGREEMENT.values()], axis=1)

    resampled = bootstrap(n, every, seed)
    made = {}
    for column, (name, statistic) in enumerate(AGREEMENT.items()):
        counted = int(np.isfinite(cohen_pairs(sums)).sum()) if name == "cohen_mean_pairs" else n
        unit = "pairs of annotators" if name == "cohen_mean_pairs" else "rows"
        value = statistic(sums)[0]
        if np.isnan(value):
            made[name] = _undefined(unit, DEFINITIONS[name], why_undefined(sums), counted)
        else:
            found = percentile_interval(resampled[:, column])
            if name in BEYOND_CHANCE and n < FEW_SHARED and found.low is not None:
                found = replace(found, how=f"{found.how}; too narrow below {FEW_SHARED} shared rows")
            made[name] = _figure(value, counted, unit, found, DEFINITIONS[name])
    return made


def _figure(value: float, n: int, unit: str, interval: Interval, definition: str) -> Figure:
    low, high = (None if bound is None else _digits(bound) for bound in (interval.low, interval.high))
    return Figure(_digits(value), n, unit, low, high, interval.how, definition)


def _undefined(unit: str, definition: str, why: str, n: int = 0) -> Figure:
    return Figure(None, n, unit, None, None, "", definition, why)


def _digits(value: float) -> float:
    """Six digits: the same bytes on every machine."""
    return round(float(value), 6) + 0.0  # no -0
