"""The draw: how many, of what, by whom, and that nothing but the seed and the ids decides."""

from collections import Counter
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from validation.annotation.problem import Problem
from validation.annotation.sampling import assign, draw, shares, shuffled

POPULATIONS = st.dictionaries(st.text("abcdef0123456789", min_size=1), st.sampled_from("xyz"), min_size=1, max_size=80)
STRATA = st.dictionaries(st.text(max_size=3), st.integers(1, 500), min_size=1, max_size=30)
SEEDS = st.integers(-5, 2**40)
NAMES = st.lists(st.text("abcdefgh", min_size=1, max_size=4), min_size=1, max_size=5, unique=True)


@given(POPULATIONS, st.data(), SEEDS)
def test_a_draw_is_of_the_size_asked_without_repeats_and_in_proportion(population, data, seed):
    size = data.draw(st.integers(1, len(population)))
    drawn = draw(population.items(), size, seed)
    ids = [row for row, _ in drawn.rows]
    assert len(ids) == len(set(ids)) == size
    assert all(population[row] == stratum for row, stratum in drawn.rows)
    assert drawn.population == len(population)
    wanted = shares(drawn.strata, size)
    assert Counter(stratum for _, stratum in drawn.rows) == {key: count for key, count in wanted.items() if count}


@given(POPULATIONS, st.data(), SEEDS)
def test_the_order_of_the_rows_decides_nothing(population, data, seed):
    size = data.draw(st.integers(1, len(population)))
    rows = list(population.items())
    assert draw(data.draw(st.permutations(rows)), size, seed).rows == draw(rows, size, seed).rows


@given(POPULATIONS, st.data(), SEEDS)
def test_a_smaller_draw_is_the_beginning_of_a_larger_one(population, data, seed):
    rows = [(row, "") for row in population]
    larger = data.draw(st.integers(1, len(rows)))
    smaller = data.draw(st.integers(1, larger))
    assert draw(rows, smaller, seed).rows == draw(rows, larger, seed).rows[:smaller]


def test_the_draw_is_the_same_on_any_machine():
    rows = [(f"{number:04d}", "") for number in range(1000)]
    assert [row for row, _ in draw(rows, 6, 0).rows] == ["0653", "0563", "0225", "0081", "0043", "0037"]
    assert draw(rows, 6, 1).rows != draw(rows, 6, 0).rows


def test_every_row_and_every_pair_of_rows_is_drawn_about_as_often():
    rows = [(f"row-{number}", "") for number in range(10)]
    draws = [[row for row, _ in draw(rows, 4, seed).rows] for seed in range(3000)]
    single = Counter(row for drawn in draws for row in drawn)  # each expected 1200 times, sd 27
    pairs = Counter(pair for drawn in draws for pair in combinations(sorted(drawn), 2))  # 400 times, sd 19
    first = Counter(drawn[0] for drawn in draws)  # 300 times, sd 16
    assert all(abs(single[row] - 1200) < 120 for row, _ in rows)
    assert len(pairs) == 45
    assert all(abs(count - 400) < 95 for count in pairs.values())
    assert all(abs(first[row] - 300) < 80 for row, _ in rows)


@given(STRATA, st.data())
def test_shares_are_by_largest_remainder(strata, data):
    population = sum(strata.values())
    size = data.draw(st.integers(0, population))
    given = shares(strata, size)
    assert sum(given.values()) == size
    for stratum, rows in strata.items():
        assert 0 <= given[stratum] <= rows
        assert abs(given[stratum] - size * rows / population) < 1
    ups = [size * strata[each] % population for each in strata if given[each] > size * strata[each] // population]
    downs = [size * strata[each] % population for each in strata if given[each] == size * strata[each] // population]
    assert not ups or not downs or min(ups) >= max(downs)


@given(NAMES, st.integers(0, 6), st.integers(0, 6), st.data())
def test_shared_rows_are_everybodys_and_own_rows_one_annotators(names, shared, own, data):
    rows = [f"row-{number}" for number in range(shared + own * len(names))]
    given = assign(rows, names, shared, own)
    assert given.keys() == set(names)
    for mine in given.values():
        assert len(mine) == len(set(mine)) == shared + own
        assert set(rows[:shared]) <= set(mine)
    for one, other in combinations(given.values(), 2):
        assert set(one) & set(other) == set(rows[:shared])
    assert {row for mine in given.values() for row in mine} == set(rows)
    assert assign(rows, data.draw(st.permutations(names)), shared, own) == given


@given(st.lists(st.text(max_size=4), unique=True, max_size=40), SEEDS, st.data())
def test_an_order_depends_on_the_rows_and_the_annotator_alone(rows, seed, data):
    order = shuffled(rows, seed, "ane")
    assert sorted(order) == sorted(rows)
    assert shuffled(data.draw(st.permutations(rows)), seed, "ane") == order


def test_shared_rows_stand_anywhere():
    rows = [f"row-{number}" for number in range(40)]
    places = [
        place for seed in range(300) for place, row in enumerate(shuffled(rows, seed, "ane")) if row in set(rows[:20])
    ]
    counts = Counter(place // 10 for place in places)  # each quarter expected 1500 times, sd 27
    assert all(abs(counts[quarter] - 1500) < 140 for quarter in range(4))
    assert shuffled(rows, 0, "ane") != shuffled(rows, 0, "jon") != shuffled(rows, 1, "jon")


def test_too_few_rows_no_rows_and_too_many_strata_are_told():
    rows = [(f"{number}", f"{number}") for number in range(1200)]
    with pytest.raises(Problem, match="30 rows are asked for .* 20 to draw from: lower --own"):
        draw([(row, "") for row, _ in rows[:20]], 30, 0)
    with pytest.raises(Problem, match="number above 0 as --shared or --own"):
        draw(rows, 0, 0)
    with pytest.raises(Problem, match="--stratify: more than 1,000 different values"):
        draw(rows, 5, 0)
