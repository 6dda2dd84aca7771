"""Which samples a training set has, how often, and in which language: seeded, exact, whatever order they come in.

Every choice is one of ranks. A sample's rank for a purpose is made from the seed, the purpose and its id alone, so that
another ratio, another order or other shards change nothing else: whoever is Basque at 20:80 is Basque at 80:20 too
(Arana et al., section 5.1: the same samples, with only their languages swapped), and the sample of 1,000 is part of
that of 2,000. Text-only sets are drawn from uniformly, and with replacement where they are too small and that was asked
for (MLAN, appendix C.1).
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

Ranks = NDArray[np.uint64]
Mask = NDArray[np.bool_]
Times = NDArray[np.int64]
_RATIO = re.compile(r"(\d+):(\d+)")
_SIZE = re.compile(r"(\d+)|(\d+(?:\.\d+)?)%")


@dataclass(frozen=True)
class Ratio:
    """`20:80`: the parts of the target language and of the source language."""

    target: int
    source: int

    @property
    def share(self) -> Fraction:
        """The target language's share of the whole, from 0 to 1."""
        return Fraction(self.target, self.target + self.source)


@dataclass(frozen=True)
class Size:
    """How many samples to add: a number, or a share of the whole that they are then part of."""

    count: int = 0
    share: Fraction | None = None

    def beside(self, others: int) -> int:
        """The number, where `others` samples make up the rest of the whole."""
        return self.count if self.share is None else round(self.share / (1 - self.share) * others)


class TooFew(ValueError):
    """A source holds fewer samples than are wanted of it."""


def parse_ratio(text: str) -> Ratio:
    """`20:80` or `1:4`; raises `ValueError` for anything else."""
    match = _RATIO.fullmatch(text)
    parts = [int(part) for part in match.groups()] if match else []
    if not any(parts):
        raise ValueError(f"{text!r} is no ratio; expected target:source, such as 20:80")
    return Ratio(*parts)


def parse_size(text: str) -> Size:
    """`29000`, or `17%` of the whole (below 100); raises `ValueError` for anything else."""
    match = _SIZE.fullmatch(text)
    if match and match[1]:
        return Size(count=int(match[1]))
    if match and Fraction(match[2]) < 100:
        return Size(share=Fraction(match[2]) / 100)
    raise ValueError(f"{text!r} is no size; expected a number of samples, or their share of the whole, such as 17%")


def ranks(ids: Sequence[str], seed: int, purpose: str) -> Ranks:
    """The rank of every id for this purpose: 64 bits of a hash."""
    start = hashlib.blake2b(f"{seed}/{purpose}/".encode(), digest_size=8)
    made = np.empty(len(ids), np.uint64)
    for at, its in enumerate(ids):
        each = start.copy()
        each.update(its.encode())
        made[at] = int.from_bytes(each.digest())
    return made


def lowest(ids: Sequence[str], count: int, seed: int, purpose: str) -> Mask:
    """Which of these distinct ids are the `count` of lowest rank; all where there are no more."""
    if count >= len(ids) or count <= 0:
        return np.full(len(ids), count > 0)
    its = ranks(ids, seed, purpose)
    edge = np.partition(its, count - 1)[count - 1]
    chosen: Mask = its < edge
    level = sorted(np.flatnonzero(its == edge).tolist(), key=lambda at: ids[at])
    chosen[level[: count - int(chosen.sum())]] = True
    return chosen


def in_target_language(ids: Sequence[str], ratio: Ratio, seed: int) -> Mask:
    """Which samples are in the target language: exactly `round(share * n)` of them."""
    return lowest(ids, round(ratio.share * len(ids)), seed, "language")


def times_drawn(ids: Sequence[str], count: int, seed: int, purpose: str, *, replace: bool = False) -> Times:
    """How often each of these distinct ids is drawn, `count` draws in all.

    Without replacement nobody is drawn twice; with `replace`, nobody is either where there are enough, and else every
    draw is from all of them. Raises `TooFew`.
    """
    if count <= len(ids):
        return lowest(ids, count, seed, purpose).astype(np.int64)
    if not (replace and ids):
        raise TooFew(f"{count:,} are wanted, and there are {len(ids):,}")
    drawn = ranks([str(number) for number in range(count)], seed, f"{purpose}/draw") % np.uint64(len(ids))
    times = np.empty(len(ids), np.int64)
    times[np.argsort(np.array(ids))] = np.bincount(drawn.astype(np.int64), minlength=len(ids))
    return times


def quotas(count: int, sources: Mapping[str, Sequence[str]], share: Mapping[str, Fraction]) -> dict[str, int]:
    """How many of `count` samples each source gives: each language its share, and its sources alike.

    `sources` are the names of the sources of a language, `share` the languages' shares, which add up to 1. What does
    not divide goes to the first. Raises `ValueError` for a language that has a share and no source.
    """
    made: dict[str, int] = {}
    for language, its in _divide(count, share).items():
        names = sorted(sources.get(language, ()))
        if its and not names:
            raise ValueError(f"{its:,} samples in {language!r} are wanted, and no source is in that language")
        made |= _divide(its, dict.fromkeys(names, Fraction(1, max(1, len(names)))))
    return made


def _divide(count: int, share: Mapping[str, Fraction]) -> dict[str, int]:
    """A whole number in shares that add up to 1, by largest remainder."""
    exact = {name: count * part for name, part in share.items()}
    made = {name: int(part) for name, part in exact.items()}
    left = count - sum(made.values())
    for name in sorted(exact, key=lambda name: made[name] - exact[name])[:left]:
        made[name] += 1
    return made
