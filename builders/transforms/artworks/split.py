"""Train, validation and test 6:2:2, equally famous (MultiExpArt, section 4, step 4, and appendix D.2).

A model has seen the Mona Lisa a thousand times. The paper ranks the English pages by six indicators of fame and splits
them so that the mean ranks stay equal; pages of the alignment sets are in test. How it does so it does not say. Here
pages are dealt out in the order of their mean rank, block by block, and then swapped as long as that brings the mean
ranks of every indicator nearer to one another.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

INDICATORS = ("views", "links", "edits", "references", "versions", "length")
SPLITS = ("train", "validation", "test")
PARTS = (6, 2, 2)
TEST = SPLITS.index("test")
BLOCK = 10
CANDIDATES = 1024
ROUNDS = 5000
IN_VAIN = 50

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Split:
    """Where each page goes, by page id, and what `balance.json` says of it."""

    of_page: Mapping[int, str]
    report: Mapping[str, Any]


def split_pages(pages: Sequence[Mapping[str, Any]], fixed: Collection[int], seed: int) -> Split:
    """Split pages of one language, each with its `page_id` and the six `INDICATORS` as whole numbers.

    Pages whose ids are in `fixed` go to test. The sizes are 6:2:2 by largest remainder; if more than a fifth is fixed,
    test has these and no more, the others are split 6:2, and the report has a `note`. The same pages and seed give the
    same split in whatever order the pages come. Raises `ValueError` for a page id given twice, or fixed and unknown.
    """
    ordered = sorted(pages, key=lambda page: page["page_id"])
    ids = [page["page_id"] for page in ordered]
    if len(set(ids)) < len(ids):
        raise ValueError("a page id is given twice; pages of one language, each once, are expected")
    if unknown := sorted(set(fixed) - set(ids)):
        raise ValueError(f"pages fixed in test are not among those to split: {unknown[:5]}")
    values = np.array([[page[name] for name in INDICATORS] for page in ordered], np.int64).reshape(-1, len(INDICATORS))
    held = np.isin(ids, list(fixed))
    ranks = doubled_ranks(values)
    chance = np.random.PCG64(seed)
    place = _deal(ranks, held, sizes(len(ids), int(held.sum())), chance)
    _swap(place, ranks, np.flatnonzero(~held), chance)
    names = [SPLITS[each] for each in place]
    return Split(dict(zip(ids, names, strict=True)), balance(values, place, int(held.sum())))


def sizes(pages: int, fixed: int) -> tuple[int, ...]:
    """How many pages train, validation and test get."""
    wanted = _shares(pages, PARTS)
    return wanted if fixed <= wanted[TEST] else (*_shares(pages - fixed, PARTS[:TEST]), fixed)


def balance(values: Ints, place: Ints, fixed: int) -> dict[str, Any]:
    """What `balance.json` says: pages, mean rank (0 the least of all pages, 1 the most) and mean of each indicator.

    `values` is pages x indicators, `place` the index in `SPLITS` of each page. `largest_gap` is the largest difference
    of two splits' mean ranks over all indicators. A split without pages is left out.
    """
    ranks = doubled_ranks(values) / max(1, 2 * (len(values) - 1))
    there = {name: place == index for index, name in enumerate(SPLITS) if (place == index).any()}
    means = np.array([ranks[rows].mean(axis=0) for rows in there.values()]).reshape(-1, len(INDICATORS))
    wanted = _shares(len(values), PARTS)[TEST]
    report = {
        "indicators": list(INDICATORS),
        "splits": {
            name: {
                "pages": int(rows.sum()),
                "mean_rank": _by_indicator(mean, 6),
                "mean": _by_indicator(values[rows].mean(axis=0), 3),
            }
            for (name, rows), mean in zip(there.items(), means, strict=True)
        },
        "fixed_in_test": fixed,
        "largest_gap": round(float(np.ptp(means, axis=0).max()), 6) if len(means) else 0.0,
    }
    if fixed > wanted:
        note = f"{fixed} pages are fixed in test, where {wanted} are a fifth of all: the others are split 6:2"
        report["note"] = note
    return report


def doubled_ranks(values: Ints) -> Ints:
    """The rank of each page by each indicator from 0, equal values sharing their mean, times 2: a whole number."""
    ranks = np.empty_like(values)
    for column, numbers in enumerate(values.T):
        ascending = np.sort(numbers)
        ranks[:, column] = ascending.searchsorted(numbers, "left") + ascending.searchsorted(numbers, "right") - 1
    return ranks


def _shares(whole: int, parts: Sequence[int]) -> tuple[int, ...]:
    """`whole` in these proportions, exact by largest remainder; of equal remainders the first gets more."""
    floors = [whole * part // sum(parts) for part in parts]
    by_remainder = sorted(range(len(parts)), key=lambda index: -(whole * parts[index] % sum(parts)))
    more = by_remainder[: whole - sum(floors)]
    return tuple(floor + (index in more) for index, floor in enumerate(floors))


def _deal(ranks: Ints, held: NDArray[np.bool_], wanted: Sequence[int], chance: np.random.PCG64) -> Ints:
    """The held pages to test, the others dealt out along their mean rank, in random order within blocks."""
    place = np.full(len(ranks), TEST)
    free = np.flatnonzero(~held)
    room = [wanted[0], wanted[1], wanted[TEST] - int(held.sum())]
    along = np.concatenate([(np.arange(number) + 0.5) / max(1, number) for number in room])
    labels = np.repeat(np.arange(len(SPLITS)), room)[np.argsort(along, kind="stable")]
    mixed = labels[np.lexsort((_draw(chance, len(free)), np.arange(len(free)) // BLOCK))]
    ascending = free[np.lexsort((_draw(chance, len(free)), ranks[free].sum(axis=1)))]
    place[ascending] = mixed
    return place


def _swap(place: Ints, ranks: Ints, free: Ints, chance: np.random.PCG64) -> None:
    """Swap free pages of different splits, in place: of `CANDIDATES` random pairs each time the one that helps most.

    What falls is the sum, over splits and indicators, of the squared distance of the split's mean rank from that of
    all pages, weighted by the split's size: if test, being fixed, must lie apart, train and validation stay together.
    """
    if len(free) < 2:
        return
    size = np.maximum(np.bincount(place, minlength=len(SPLITS)), 1)[:, None]
    sums = np.array([ranks[place == split].sum(axis=0) for split in range(len(SPLITS))])
    vain = 0
    for _ in range(ROUNDS):
        one, other = free[(_draw(chance, 2 * CANDIDATES) % np.uint64(len(free))).astype(np.int64)].reshape(2, -1)
        here, there = place[one], place[other]
        moved = ranks[other] - ranks[one]
        means = sums / size
        change = (moved * (2 * (means[here] - means[there]) + moved * (1 / size[here] + 1 / size[there]))).sum(axis=1)
        change[here == there] = 0
        best = int(change.argmin())
        vain = 0 if change[best] < 0 else vain + 1
        if vain == IN_VAIN:
            return
        if change[best] < 0:
            sums[here[best]] += moved[best]
            sums[there[best]] -= moved[best]
            place[one[best]], place[other[best]] = there[best], here[best]


def _draw(chance: np.random.PCG64, number: int) -> NDArray[np.uint64]:
    """Raw 64-bit numbers: NumPy keeps these the same in all its versions, and what it makes of them not."""
    return np.asarray(chance.random_raw(number), np.uint64)


def _by_indicator(means: Floats, digits: int) -> dict[str, float]:
    return {name: round(float(mean), digits) for name, mean in zip(INDICATORS, means, strict=True)}
