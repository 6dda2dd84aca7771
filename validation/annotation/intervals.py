"""How sure a figure is: Wilson's interval for independent yes-or-no answers, the item bootstrap for all else.

Judgements of one item are not independent of one another, items are: a rate over judgements of shared items is
therefore resampled by items, never given Wilson's interval, which would be too narrow.
"""

from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from validation.annotation.statistics import Floats

LEVEL = 0.95
RESAMPLES = 5000
FEW_SHARED = 50  # rows judged by several, below which intervals of kappa are too narrow: see `percentile_interval`
CELLS = 1 << 20  # of the matrix of weights that is in memory at a time

_Z = NormalDist().inv_cdf((1 + LEVEL) / 2)


@dataclass(frozen=True)
class Interval:
    """The bounds, both or none, and in words how they came about or why there are none."""

    low: float | None
    high: float | None
    how: str


def wilson(successes: float, n: int) -> tuple[float, float]:
    """Wilson's score interval at `LEVEL` for `successes` of `n` > 0 independent trials.

    Wilson, "Probable inference, the law of succession, and statistical inference", 1927.
    """
    share, square = successes / n, _Z**2 / n
    centre = (share + square / 2) / (1 + square)
    half = _Z / (1 + square) * (share * (1 - share) / n + square / (4 * n)) ** 0.5
    return max(0.0, centre - half), min(1.0, centre + half)


def bootstrap(items: int, statistic: Callable[[Floats], Floats], seed: int) -> Floats:
    """`statistic` of `RESAMPLES` resamples of `items` > 0 items, drawn with replacement.

    `statistic` takes weights (R x items: how often each item was drawn) and gives R values, or R x S for S of them.
    """
    generator = np.random.default_rng(abs(seed))
    rows = max(1, min(RESAMPLES, CELLS // items))
    values = []
    for start in range(0, RESAMPLES, rows):
        some = min(rows, RESAMPLES - start)
        drawn = generator.integers(items, size=(some, items)) + np.arange(some)[:, None] * items
        weights = np.bincount(drawn.ravel(), minlength=some * items).reshape(some, items)
        values.append(statistic(weights.astype(np.float64)))
    return np.concatenate(values)


def percentile_interval(values: Floats) -> Interval:
    """The percentile interval of bootstrap values (R,), NaN where a resample has none.

    There is none where more resamples lack a value than the interval leaves out at both ends, nor where all values
    are the same: the items then show no variation, and a width of zero would pass for certainty.
    Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, 13.3.

    Of 400 simulated rounds, four annotators and 14 % rejections, it held the true value of agreement, pairwise or with
    the majority, and of AC1 in 91 to 96 %; of kappa and alpha in 79 % with 20 shared items, 88 % with 40 and 91 % with
    100 (their mean over pairs 71, 86, 91 %). Neither the BCa interval nor a jackknife's did much better.
    """
    defined = values[np.isfinite(values)]
    left_out = len(values) - len(defined)
    if left_out > (1 - LEVEL) * len(values):
        return Interval(None, None, f"none: undefined in {left_out:,} of {len(values):,} resamples of rows")
    if np.ptp(defined) < 1e-9:
        return Interval(None, None, f"none: the same value in all {len(defined):,} resamples of rows")
    low, high = np.percentile(defined, [50 * (1 - LEVEL), 50 * (1 + LEVEL)])
    without = f", {left_out:,} of them undefined and left out" if left_out else ""
    return Interval(float(low), float(high), f"bootstrap of rows, {len(values):,} resamples{without}")
