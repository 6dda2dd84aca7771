"""The split: exact sizes, fixed pages in test, the same for the same pages, and splits that are equally famous."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders.transforms.artworks.split import INDICATORS, SPLITS, balance, doubled_ranks, sizes, split_pages

Page = dict[str, int]


def artworks(number: int, seed: int = 0) -> list[Page]:
    """Pages of works of a fame that all indicators follow, each in its way."""
    chance = np.random.default_rng(seed)
    fame = chance.normal(size=number)
    weights = {"views": 2.0, "links": 0.5, "edits": 1.0, "references": 0.7, "versions": 0.9, "length": 0.6}
    columns = {
        name: np.exp(3 + weight * fame + 0.6 * chance.normal(size=number)).astype(int)
        for name, weight in weights.items()
    }
    return [{"page_id": 7 * i + 3} | {name: int(columns[name][i]) for name in INDICATORS} for i in range(number)]


def famous(pages: list[Page], number: int) -> set[int]:
    return {page["page_id"] for page in sorted(pages, key=lambda page: -page["views"])[:number]}


def at_random(pages: list[Page], seed: int) -> dict[str, Any]:
    values = np.array([[page[name] for name in INDICATORS] for page in pages])
    place = np.repeat(np.arange(3), sizes(len(pages), 0))
    np.random.default_rng(seed).shuffle(place)
    return balance(values, place, 0)


def count(of_page: Any) -> tuple[int, ...]:
    return tuple(list(of_page.values()).count(split) for split in SPLITS)


def test_the_papers_pages_are_split_into_the_papers_sizes_and_nearly_alike() -> None:
    pages = artworks(10_689)
    fixed = famous(pages, 306)
    made = split_pages(pages, fixed, seed=42)
    assert count(made.of_page) == (6413, 2138, 2138)
    assert {made.of_page[page] for page in fixed} == {"test"}
    assert made.report["largest_gap"] < 0.001
    assert made.report["largest_gap"] < at_random(pages, 1)["largest_gap"] / 10
    assert made.report["fixed_in_test"] == 306


def test_the_report_says_what_the_split_is() -> None:
    pages = artworks(50)
    made = split_pages(pages, [], seed=1)
    report = json.loads(json.dumps(made.report))
    assert report["indicators"] == list(INDICATORS)
    assert {name: split["pages"] for name, split in report["splits"].items()} == {
        "train": 30,
        "validation": 10,
        "test": 10,
    }
    test = [page for page in pages if made.of_page[page["page_id"]] == "test"]
    assert report["splits"]["test"]["mean"]["views"] == pytest.approx(np.mean([page["views"] for page in test]))
    views = sorted(page["views"] for page in pages)
    ranks = [views.index(page["views"]) + (views.count(page["views"]) - 1) / 2 for page in test]
    assert report["splits"]["test"]["mean_rank"]["views"] == pytest.approx(np.mean(ranks) / 49, abs=1e-6)
    means = [[split["mean_rank"][name] for split in report["splits"].values()] for name in INDICATORS]
    assert report["largest_gap"] == pytest.approx(max(max(each) - min(each) for each in means), abs=2e-6)


def test_more_fixed_pages_than_a_fifth_are_all_of_test() -> None:
    pages = artworks(100)
    fixed = famous(pages, 40)
    made = split_pages(pages, fixed, seed=1)
    assert count(made.of_page) == (45, 15, 40)
    assert {page for page, split in made.of_page.items() if split == "test"} == fixed
    assert made.report["note"] == "40 pages are fixed in test, where 20 are a fifth of all: the others are split 6:2"
    assert "note" not in split_pages(pages, famous(pages, 20), seed=1).report
    gaps = [made.report["splits"][name]["mean_rank"] for name in ("train", "validation")]
    assert max(abs(gaps[0][name] - gaps[1][name]) for name in INDICATORS) < 0.02


@pytest.mark.parametrize(
    ("pages", "expected"), [(0, (0, 0, 0)), (1, (1, 0, 0)), (2, (1, 1, 0)), (3, (2, 1, 0)), (4, (2, 1, 1))]
)
def test_a_handful_of_pages(pages: int, expected: tuple[int, ...]) -> None:
    made = split_pages(artworks(pages), [], seed=1)
    assert count(made.of_page) == expected
    assert set(made.report["splits"]) == {name for name, number in zip(SPLITS, expected, strict=True) if number}


def test_equal_pages_are_split_by_the_seed_alone() -> None:
    pages = [{"page_id": i} | dict.fromkeys(INDICATORS, 5) for i in range(100)]
    one, other = (split_pages(pages, [], seed) for seed in (1, 2))
    assert one.report["largest_gap"] == 0
    assert one.of_page != other.of_page
    assert one.of_page == split_pages(pages, [], 1).of_page


def test_what_cannot_be_split_is_an_error() -> None:
    pages = artworks(5)
    with pytest.raises(ValueError, match="given twice"):
        split_pages([*pages, pages[0]], [], 1)
    with pytest.raises(ValueError, match=r"not among those to split: \[1\]"):
        split_pages(pages, [1, 3], 1)


PAGES = st.lists(st.tuples(*[st.integers(0, 9)] * 6), max_size=40).map(
    lambda rows: [{"page_id": i} | dict(zip(INDICATORS, row, strict=True)) for i, row in enumerate(rows)]
)


@given(PAGES, st.data())
@settings(max_examples=30)
def test_sizes_are_exact_and_order_is_nothing(pages: list[Page], data: st.DataObject) -> None:
    ids = [page["page_id"] for page in pages]
    fixed = data.draw(st.sets(st.sampled_from(ids))) if ids else set()
    seed = data.draw(st.integers(0, 3))
    made = split_pages(pages, fixed, seed)
    assert set(made.of_page) == set(ids)
    assert all(made.of_page[page] == "test" for page in fixed)
    train, validation, test = count(made.of_page)
    assert (train, validation, test) == sizes(len(pages), len(fixed))
    if len(fixed) <= len(pages) / 5:
        exact = [0.6 * len(pages), 0.2 * len(pages), 0.2 * len(pages)]
        assert all(abs(number - wanted) < 1 for number, wanted in zip((train, validation, test), exact, strict=True))
    else:
        assert test == max(len(fixed), sizes(len(pages), 0)[2])
    assert split_pages(data.draw(st.permutations(pages)), fixed, seed) == made


@given(st.integers(30, 120), st.integers(0, 99))
@settings(max_examples=30)
def test_it_is_better_balanced_than_chance(number: int, seed: int) -> None:
    pages = artworks(number, seed)
    ours = split_pages(pages, famous(pages, number // 40), seed).report["largest_gap"]
    assert ours < min(at_random(pages, other)["largest_gap"] for other in range(10))


@given(st.lists(st.integers(0, 20), min_size=1))
def test_ranks_share_what_is_equal(numbers: list[int]) -> None:
    ranks = doubled_ranks(np.array([numbers]).T)[:, 0]
    assert sum(ranks) == len(numbers) * (len(numbers) - 1)
    for one, its in zip(numbers, ranks, strict=True):
        assert its == sum((other < one) * 2 + (other == one) for other in numbers) - 1
