"""How far annotators agree, on a nominal scale, with judgements missing: numpy alone.

Each statistic is a function of sums over items (`Tally`), so that one matrix product gives it for thousands of
bootstrap resamples, in which an item counts as often as it was drawn (`weigh`).

Only items with two judgements or more say something about agreement; all others are left out of every statistic
here. With unequal numbers of judgements an item counts once, however many it has, but for alpha, which is defined
over pairable values: there it counts as often as it has judgements. Where a statistic divides by zero it is
undefined: NaN inside this module, and words from `why_undefined`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from itertools import combinations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ratings = npt.NDArray[np.int64]  # items x annotators: the index of a category, or MISSING

MISSING = -1
TINY = 1e-12  # below this a denominator is zero but for rounding


@dataclass(frozen=True)
class Tally:
    """What the statistics are made of. The first axis, R, is items, or weighted sums over items (`weigh`).

    With q categories, A annotators, P = A(A-1)/2 pairs of them, n_c an item's labels of category c, n their sum:
    """

    items: Floats  # (R,): 1
    majority: Floats  # (R,): max n_c / n
    pairs: Floats  # (R,): sum n_c(n_c - 1) / n(n - 1)
    shares: Floats  # (R, q): n_c / n
    counts: Floats  # (R, q): n_c
    coincident: Floats  # (R,): sum n_c(n_c - 1) / (n - 1)
    joint: Floats  # (R, P, q, q): 1 where the one annotator said c and the other k


def tally(ratings: Ratings, categories: int) -> Tally:
    """Tally the items with two judgements or more, of `ratings` (items x annotators)."""
    ratings = ratings[(ratings != MISSING).sum(axis=1) > 1]
    said = (ratings[:, :, None] == np.arange(categories)).astype(np.float64)
    counts = said.sum(axis=1)
    n = counts.sum(axis=1)
    matches = (counts * (counts - 1)).sum(axis=1)
    pairs = list(combinations(range(ratings.shape[1]), 2))
    one, other = [a for a, _ in pairs], [b for _, b in pairs]
    return Tally(
        items=np.ones(len(ratings)),
        majority=counts.max(axis=1) / n,
        pairs=matches / (n * (n - 1)),
        shares=counts / n[:, None],
        counts=counts,
        coincident=matches / (n - 1),
        joint=said[:, one, :, None] * said[:, other, None, :],
    )


def weigh(tally: Tally, weights: Floats) -> Tally:
    """Sums over items: `weights` (R x items) says how often each counts."""
    return Tally(*(np.tensordot(weights, getattr(tally, each.name), axes=1) for each in fields(Tally)))


def total(tally: Tally) -> Tally:
    """The sums in which every item counts once; R is 1."""
    return weigh(tally, np.ones((1, len(tally.items))))


def agreement_majority(sums: Tally) -> Floats:
    """The mean over items of the share of judgements that are the item's most frequent label.

    With accept and reject alone it cannot fall below one half. So counted are Table 1 and section 4.2.1 ("the mean of
    accuracy between the four annotators on each image") of the paper on Basque multimodal models: over 20 items and
    four annotators 0.8875 is 71/80, which no pattern of pairwise agreement gives.
    """
    return _ratio(sums.majority, sums.items)


def agreement_pairwise(sums: Tally) -> Floats:
    """The mean over items of the share of pairs of judgements that are equal (Fleiss 1971, P-bar)."""
    return _ratio(sums.pairs, sums.items)


def cohen_pairs(sums: Tally) -> Floats:
    """Cohen's kappa of each pair of annotators, over the items that both judged: R x P.

    (p_o - p_e) / (1 - p_e), p_e = sum over categories of the product of both annotators' shares. Cohen, "A coefficient
    of agreement for nominal scales", 1960. Undefined where both gave one and the same label throughout.
    """
    shares = _ratio(sums.joint, sums.joint.sum(axis=(2, 3))[:, :, None, None])
    observed = np.trace(shares, axis1=2, axis2=3)
    chance = (shares.sum(axis=2) * shares.sum(axis=3)).sum(axis=2)
    return _ratio(observed - chance, 1 - chance)


def cohen_mean_pairs(sums: Tally) -> Floats:
    """The mean of Cohen's kappa over the pairs of annotators for which it is defined.

    Light, "Measures of response agreement for qualitative data", 1971.
    """
    kappas = cohen_pairs(sums)
    return _ratio(np.nansum(kappas, axis=1), np.isfinite(kappas).sum(axis=1))


def fleiss(sums: Tally) -> Floats:
    """Fleiss' kappa: (P - P_e) / (1 - P_e), P as in `agreement_pairwise`, P_e = sum of the categories' squared shares.

    Fleiss, "Measuring nominal scale agreement among many raters", 1971, for equal numbers of judgements. Unequal ones
    as in Gwet, "Handbook of Inter-Rater Reliability", 4th ed. 2014, 2.4: P and the categories' shares are means over
    items, whatever their number of judgements.
    """
    chance = (_category_shares(sums) ** 2).sum(axis=1)
    return _ratio(agreement_pairwise(sums) - chance, 1 - chance)


def gwet_ac1(sums: Tally) -> Floats:
    """Gwet's AC1: (P - P_e) / (1 - P_e), P_e = sum of p_c(1 - p_c) / (q - 1) over all q categories of the scale.

    Gwet, "Computing inter-rater reliability and its variance in the presence of high agreement", 2008. Unlike kappa
    it stays near P where one label is much more frequent than the others, and is defined, as 1, where all are equal.
    """
    shares = _category_shares(sums)
    chance = (shares * (1 - shares)).sum(axis=1) / (shares.shape[1] - 1)
    return _ratio(agreement_pairwise(sums) - chance, 1 - chance)


def krippendorff_alpha(sums: Tally) -> Floats:
    """Krippendorff's alpha for nominal data: 1 - D_o / D_e, from coincidences o_ck of pairable values.

    1 - (n - 1) (n - sum o_cc) / (n^2 - sum n_c^2). Krippendorff, "Computing Krippendorff's alpha-reliability", 2011, D.
    """
    n = sums.counts.sum(axis=1)
    expected = n**2 - (sums.counts**2).sum(axis=1)
    return 1 - _ratio((n - 1) * (n - sums.coincident), expected)


AGREEMENT: Mapping[str, Callable[[Tally], Floats]] = {
    each.__name__: each
    for each in (agreement_majority, agreement_pairwise, cohen_mean_pairs, fleiss, krippendorff_alpha, gwet_ac1)
}


def why_undefined(sums: Tally) -> str:
    """Why a statistic of these sums, with R = 1, is not defined."""
    if not sums.items[0]:
        return "no row was judged by two annotators"
    if np.count_nonzero(sums.counts[0]) == 1:
        return "all labels are equal"
    return "both annotators of every pair gave one label throughout"


def _category_shares(sums: Tally) -> Floats:
    """The mean over items of each category's share of the judgements: R x q."""
    return _ratio(sums.shares, sums.items[:, None])


def _ratio(numerator: Floats, denominator: Floats | npt.NDArray[np.int64]) -> Floats:
    """The quotient; NaN where the denominator is zero."""
    defined = np.abs(denominator) > TINY
    quotient: Floats = np.where(defined, numerator / np.where(defined, denominator, 1), np.nan)
    return quotient
