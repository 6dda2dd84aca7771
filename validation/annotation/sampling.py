"""The draw: which rows are judged, by whom, and in which order.

A row's place in the draw is a digest of the seed and the row's id, so that the same seed draws the same rows on any
machine, whatever files the rows lie in and in whatever order, and a draw of millions of rows holds only what it drew.
"""

import heapq
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from validation.annotation.problem import Problem

MOST_STRATA = 1_000


@dataclass(frozen=True)
class Drawn:
    """Rows drawn, in the order of the draw, with their strata; `strata`: how many rows each holds, drawn or not."""

    rows: tuple[tuple[str, str], ...]
    strata: Mapping[str, int]

    @property
    def population(self) -> int:
        return sum(self.strata.values())


def rank(*words: object) -> int:
    """A number of 128 bits that only the words decide: the dice of every draw here."""
    return int.from_bytes(blake2b("\0".join(map(str, words)).encode(), digest_size=16).digest(), "big")


def draw(rows: Iterable[tuple[str, str]], size: int, seed: int) -> Drawn:
    """Draw `size` of `rows` (id, stratum) without replacement, in proportion to the strata.

    With one stratum, a uniform draw. Raises `Problem` where there are too few rows, or more than `MOST_STRATA` strata.
    """
    if size < 1:
        raise Problem("no row is asked for: give a number above 0 as --shared or --own")
    strata: Counter[str] = Counter()
    lowest: dict[str, list[tuple[int, str]]] = {}  # of each stratum, with negative ranks: the highest is on top
    for row, stratum in rows:
        strata[stratum] += 1
        place = (-rank("draw", seed, row), row)
        heap = lowest.get(stratum)
        if heap is None:
            lowest[stratum] = [place]
            if len(lowest) > MOST_STRATA:
                raise Problem(f"--stratify: more than {MOST_STRATA:,} different values; choose a column with fewer")
        elif len(heap) < size:
            heapq.heappush(heap, place)
        elif place > heap[0]:
            heapq.heapreplace(heap, place)
    if size > strata.total():
        raise Problem(
            f"{size:,} rows are asked for (--shared, and --own for every annotator), and there are {strata.total():,} "
            "to draw from: lower --own or --shared, or name fewer annotators"
        )
    drawn = [
        (place, row, stratum)
        for stratum, count in shares(strata, size).items()
        for place, row in heapq.nlargest(count, lowest[stratum])
    ]
    return Drawn(tuple((row, stratum) for _, row, stratum in sorted(drawn, reverse=True)), strata)


def shares(strata: Mapping[str, int], size: int) -> dict[str, int]:
    """How many of `size` each stratum gets: in proportion, by largest remainder, larger strata first where equal."""
    population = max(1, sum(strata.values()))
    given = {stratum: size * rows // population for stratum, rows in strata.items()}
    order = sorted(strata, key=lambda stratum: (-(size * strata[stratum] % population), -strata[stratum], stratum))
    for stratum in order[: size - sum(given.values())]:
        given[stratum] += 1
    return given


def assign(rows: Sequence[str], annotators: Sequence[str], shared: int, own: int) -> dict[str, tuple[str, ...]]:
    """Each annotator's rows: the first `shared` of `rows` for all, then `own` for each, by name."""
    return {
        name: (*rows[:shared], *rows[shared + number * own : shared + (number + 1) * own])
        for number, name in enumerate(sorted(annotators))
    }


def shuffled(rows: Iterable[str], seed: int, annotator: str) -> list[str]:
    """The rows in an order of the annotator's own, which says nothing of why a row is among them."""
    return sorted(rows, key=lambda row: (rank("order", seed, annotator, row), row))
