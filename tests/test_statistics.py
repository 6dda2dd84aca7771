"""Agreement statistics and intervals, against other people's programs, published figures and slow loops."""

import warnings
from collections import Counter
from collections.abc import Callable
from itertools import combinations

import krippendorff as published_alpha
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.inter_rater import fleiss_kappa
from statsmodels.stats.proportion import proportion_confint

from validation.annotation.intervals import RESAMPLES, bootstrap, percentile_interval, wilson
from validation.annotation.statistics import (
    AGREEMENT,
    MISSING,
    Floats,
    Ratings,
    Tally,
    agreement_majority,
    agreement_pairwise,
    cohen_mean_pairs,
    cohen_pairs,
    fleiss,
    gwet_ac1,
    krippendorff_alpha,
    tally,
    total,
    weigh,
    why_undefined,
)

Q = 4  # categories


@st.composite
def ratings(draw: st.DrawFn, lowest: int = 0) -> Ratings:
    """Items x annotators, complete where `lowest` is 0; labels lean to the first category, as people's do."""
    shape = draw(st.integers(2, 25)), draw(st.integers(2, 5))
    generator = np.random.default_rng(draw(st.integers(0, 2**32)))
    lean = draw(st.floats(0, 0.95))
    common = np.where(generator.random((shape[0], 1)) < lean, 0, generator.integers(0, Q, (shape[0], 1)))
    own = generator.integers(lowest, Q, shape)
    return np.where(generator.random(shape) < lean, common, own).astype(np.int64)


def value(statistic: Callable[[Tally], Floats], of: Ratings, categories: int = Q) -> float:
    return float(statistic(total(tally(of, categories)))[0])


def lists(of: Ratings) -> list[list[int]]:
    """The labels of each item with two or more."""
    items = [[label for label in row if label != MISSING] for row in of.tolist()]
    return [item for item in items if len(item) > 1]


def by_hand(of: Ratings) -> dict[str, float]:
    """P, P_e of Fleiss and of AC1, from loops over pairs of judgements."""
    items = lists(of)
    agree = [np.mean([a == b for a, b in combinations(item, 2)]) for item in items]
    shares = [np.mean([item.count(label) / len(item) for item in items]) for label in range(Q)]
    return {
        "majority": float(np.mean([max(Counter(item).values()) / len(item) for item in items])),
        "pairwise": float(np.mean(agree)),
        "fleiss": sum(share**2 for share in shares),
        "ac1": sum(share * (1 - share) for share in shares) / (Q - 1),
    }


@given(ratings())
def test_complete_data_gives_what_other_programs_give(of: Ratings) -> None:
    assume(len(np.unique(of)) > 1)
    counts = tally(of, Q).counts
    assert value(fleiss, of) == pytest.approx(fleiss_kappa(counts), abs=1e-6)
    reliability = published_alpha.alpha(value_counts=counts.astype(int), level_of_measurement="nominal")
    assert value(krippendorff_alpha, of) == pytest.approx(reliability, abs=1e-6)


@given(ratings(lowest=MISSING))
def test_kappa_of_each_pair_is_that_of_scikit_learn_over_the_items_that_both_judged(of: Ratings) -> None:
    expected = []
    for one, other in combinations(of.T, 2):
        both = (one != MISSING) & (other != MISSING)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            expected.append(cohen_kappa_score(one[both], other[both]) if both.any() else np.nan)
    found = cohen_pairs(total(tally(of, Q)))[0]
    np.testing.assert_allclose(found, expected, atol=1e-6)
    if np.isfinite(expected).any():
        assert value(cohen_mean_pairs, of) == pytest.approx(np.nanmean(expected), abs=1e-6)


@given(ratings(lowest=MISSING))
def test_missing_judgements_give_what_krippendorff_and_loops_give(of: Ratings) -> None:
    assume(len({label for item in lists(of) for label in item}) > 1)
    data = np.where(of == MISSING, np.nan, of).T
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        alpha = published_alpha.alpha(reliability_data=data, level_of_measurement="nominal")
    slow = by_hand(of)
    assert value(krippendorff_alpha, of) == pytest.approx(alpha, abs=1e-6)
    assert value(agreement_majority, of) == pytest.approx(slow["majority"], abs=1e-9)
    assert value(agreement_pairwise, of) == pytest.approx(slow["pairwise"], abs=1e-9)
    for statistic, chance in ((fleiss, slow["fleiss"]), (gwet_ac1, slow["ac1"])):
        assert value(statistic, of) == pytest.approx((slow["pairwise"] - chance) / (1 - chance), abs=1e-6)


def from_counts(counts: list[list[int]]) -> Ratings:
    return np.array([[label for label, n in enumerate(row) for _ in range(n)] for row in counts])


def test_gwets_psychiatrists() -> None:
    """Fifteen patients, six raters, five diagnoses: `distrib.6raters` of Gwet's R package irrCAC, and its figures."""
    of = from_counts(
        [
            [0, 0, 0, 6, 0], [0, 3, 0, 0, 3], [0, 1, 4, 0, 1], [0, 0, 0, 0, 6], [0, 3, 0, 3, 0],
            [2, 0, 4, 0, 0], [0, 0, 4, 0, 2], [2, 0, 3, 1, 0], [2, 0, 0, 4, 0], [0, 0, 0, 0, 6],
            [1, 0, 0, 5, 0], [1, 1, 0, 4, 0], [0, 3, 3, 0, 0], [1, 0, 0, 5, 0], [0, 2, 0, 3, 1],
        ]
    )  # fmt: skip
    assert value(agreement_pairwise, of, 5) == pytest.approx(0.5511111, abs=1e-7)
    assert value(gwet_ac1, of, 5) == pytest.approx(0.4448007, abs=1e-7)
    assert value(fleiss, of, 5) == pytest.approx(0.4139265, abs=1e-7)
    assert value(krippendorff_alpha, of, 5) == pytest.approx(0.4204384, abs=1e-7)


def test_krippendorffs_four_observers() -> None:
    """Twelve units with values missing: Krippendorff 2011, C; `cac.raw4raters` of irrCAC. The last has one value."""
    four = ["11.1", "2232", "3333", "3333", "2222", "1234", "4444", "1121", "2222", ".555", "..11", "..3."]
    of = np.array([[MISSING if each == "." else int(each) - 1 for each in row] for row in four])
    assert value(krippendorff_alpha, of, 5) == pytest.approx(0.74342, abs=5e-6)
    assert value(agreement_pairwise, of, 5) == pytest.approx(0.8181818, abs=1e-7)


def test_high_agreement_with_a_kappa_below_zero() -> None:
    """Twenty items, four annotators, three single rejections: nearly all agree, and chance would too."""
    of = np.zeros((20, 4), dtype=np.int64)
    of[0, 0] = of[1, 1] = of[2, 2] = 1
    assert value(agreement_pairwise, of, 3) == pytest.approx(0.925)
    assert value(agreement_majority, of, 3) == pytest.approx(0.9625)
    assert round(value(fleiss, of, 3), 2) == -0.04
    assert round(value(krippendorff_alpha, of, 3), 2) == -0.03
    assert round(value(gwet_ac1, of, 3), 2) == 0.92


@given(ratings(lowest=MISSING), st.integers(0, 2**32))
def test_neither_order_nor_items_with_one_judgement_matter(of: Ratings, seed: int) -> None:
    one = np.full((3, of.shape[1]), MISSING)
    one[:, 0] = 1
    more = np.concatenate([of, one])
    generator = np.random.default_rng(seed)
    shuffled = generator.permutation(generator.permutation(more, axis=0), axis=1)
    for statistic in AGREEMENT.values():
        np.testing.assert_allclose(value(statistic, shuffled), value(statistic, of), atol=1e-9)


@given(ratings(lowest=MISSING), st.data())
def test_a_weight_counts_an_item_as_often_as_if_it_stood_there_so_often(of: Ratings, data: st.DataObject) -> None:
    of = of[(of != MISSING).sum(axis=1) > 1]
    weights = np.array([data.draw(st.integers(0, 3)) for _ in of], dtype=np.int64)
    weighed = weigh(tally(of, Q), weights[None, :].astype(np.float64))
    repeated = np.repeat(of, weights, axis=0)
    for statistic in AGREEMENT.values():
        np.testing.assert_allclose(statistic(weighed)[0], value(statistic, repeated), atol=1e-9)


def test_what_is_undefined_is_never_a_number_and_says_why() -> None:
    cases = {
        "all labels are equal": np.zeros((4, 3), dtype=np.int64),
        "no row was judged by two annotators": np.array([[0, MISSING], [MISSING, 1]]),
        "both annotators of every pair gave one label throughout": np.array([[0, 0, MISSING], [MISSING, 1, 1]]),
    }
    for why, of in cases.items():
        assert np.isnan(value(cohen_mean_pairs, of)), why
        assert why_undefined(total(tally(of, Q))) == why
    assert np.isnan(value(fleiss, cases["all labels are equal"]))
    assert np.isnan(value(krippendorff_alpha, cases["all labels are equal"]))
    assert value(gwet_ac1, cases["all labels are equal"]) == 1.0  # as Gwet defines it


@given(st.integers(1, 3000), st.data())
def test_wilson_is_that_of_statsmodels(n: int, data: st.DataObject) -> None:
    successes = data.draw(st.integers(0, n))
    expected = proportion_confint(successes, n, alpha=0.05, method="wilson")
    assert wilson(successes, n) == pytest.approx(expected, abs=1e-9)


def test_the_bootstrap_draws_items_with_replacement_and_the_same_for_a_seed() -> None:
    def drawn(weights: Floats) -> Floats:
        assert (weights.sum(axis=1) == 700).all()
        return weights[:, :3]

    once = bootstrap(700, drawn, seed=5)
    assert once.shape == (RESAMPLES, 3)
    assert (once == bootstrap(700, drawn, seed=5)).all()
    assert (once != bootstrap(700, drawn, seed=6)).any()
    assert once.mean() == pytest.approx(1, abs=0.03)
    assert once.var() == pytest.approx(1 - 1 / 700, abs=0.05)


def test_the_interval_of_a_mean_is_about_that_of_the_normal_approximation() -> None:
    measured = np.random.default_rng(0).normal(10, 2, 400)
    found = percentile_interval(bootstrap(400, lambda weights: weights @ measured / 400, seed=1))
    half = 1.96 * measured.std() / 20
    assert found.low == pytest.approx(measured.mean() - half, abs=0.02)
    assert found.high == pytest.approx(measured.mean() + half, abs=0.02)
    assert found.how == "bootstrap of rows, 5,000 resamples"


def test_there_is_no_interval_where_resamples_say_nothing() -> None:
    values = np.random.default_rng(0).random(1000)
    values[:50] = np.nan
    some = percentile_interval(values)
    assert some.low is not None
    assert some.how == "bootstrap of rows, 1,000 resamples, 50 of them undefined and left out"
    values[50] = np.nan
    assert percentile_interval(values).how == "none: undefined in 51 of 1,000 resamples of rows"
    assert percentile_interval(np.ones(1000)).low is None
    assert "the same value" in percentile_interval(np.ones(1000)).how
