"""Sentences said and not said: is there a sentence of one text that has no counterpart in the other?

Translators merge and split sentences, so that counting them tells little. As in Gale and Church's alignment
(https://aclanthology.org/J93-1004), sentences are paired one to one, one to two or two to one by their lengths,
and one is left over only where every pairing is unlikely.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from math import inf, log
from typing import ClassVar

import sentencex

from validation.filters.contract import AtMost, Pair
from validation.filters.texts import SPAN, between_labels, language

_MOST = 60  # sentences of a text: each may pair with each
_LONGEST = 20_000  # characters
# sentencex 1.0.32 panics at a blank of several bytes before an initial, and takes no lone surrogate.
_BLANK = re.compile(r"\s")
_WIDE = 2.2  # letters of an alphabet that one of Chinese, Japanese or Korean stands for
_LENGTHENING = 0.05  # the mean of log(target / source) in letters…
_WITHOUT_ARTICLES = frozenset({"be", "bg", "cs", "hr", "mk", "pl", "ru", "sk", "sl", "sr", "uk"})
_SHORTENING = -0.1  # …and in languages that have none
_SPREAD = 0.12  # its standard deviation for long sentences…
_SHORT = 7.5  # …and more for short ones: the variance has this many letters over both lengths, squared
_JOINING = 2.0  # what pairing one sentence with two costs
_SKIPPING = 2.8  # what leaving one over costs


@dataclass(frozen=True)
class Sentences(AtMost):
    """A sentence dropped, or one that the source does not have: a hallucinated tail.

    Figure: sentences left over on either side. Two sentences pair at the cost of how unlikely their lengths are:
    log(target / source) has a standard deviation of 0.13 at 60 letters, 0.17 at 30 and 0.29 at 14, as measured on
    200 sentences of captions and questions in six languages. Each option of a list stands by itself.
    """

    name: ClassVar[str] = "sentences_v1"

    def measure(self, pair: Pair) -> float | None:
        if max(len(pair.source), len(pair.target)) > _LONGEST:
            return None
        source, target = (between_labels(SPAN.sub(" ", text)) for text in (pair.source, pair.target))
        if len(source) != len(target):
            source, target = [" ".join(source)], [" ".join(target)]
        shorter = language(pair.target_language) in _WITHOUT_ARTICLES
        figures = []
        for before, after in zip(source, target, strict=True):
            lengths = sentence_lengths(before, pair.source_language), sentence_lengths(after, pair.target_language)
            if all(lengths) and max(map(len, lengths)) <= _MOST:
                figures.append(left_over(*lengths, _SHORTENING if shorter else _LENGTHENING))
        return float(sum(figures)) if figures else None


def sentence_lengths(text: str, code: str) -> list[float]:
    """The letters and digits of each sentence that has one."""
    lines = (_BLANK.sub(" ", line).encode(errors="replace").decode() for line in text.splitlines())
    pieces = (piece for line in lines for piece in sentencex.segment(language(code), line))
    return [length for piece in pieces if (length := _length(piece))]


def left_over(source: Sequence[float], target: Sequence[float], lengthening: float = _LENGTHENING) -> int:
    """Sentences without a counterpart in the likeliest alignment of sentences of these lengths."""
    if len(source) == len(target) == 1:
        return 0

    @cache
    def best(i: int, j: int) -> tuple[float, int]:
        """(cost, sentences left over) for the first `i` and `j` sentences."""
        if i == j == 0:
            return 0.0, 0
        ways = [(inf, 0)]
        for taken, given, price, left in _BEADS:
            if taken <= i and given <= j:
                cost, before = best(i - taken, j - given)
                pairing = (
                    0.0 if left else _unlikely(sum(source[i - taken : i]), sum(target[j - given : j]), lengthening)
                )
                ways.append((cost + price + pairing, before + left))
        return min(ways)

    return best(len(source), len(target))[1]


_BEADS = ((1, 1, 0.0, 0), (1, 2, _JOINING, 0), (2, 1, _JOINING, 0), (1, 0, _SKIPPING, 1), (0, 1, _SKIPPING, 1))


def _unlikely(source: float, target: float, lengthening: float) -> float:
    """Half the squared deviation of log(target / source) from its mean, in standard deviations."""
    variance = _SPREAD**2 + (_SHORT / (source + target)) ** 2
    return (log(target / source) - lengthening) ** 2 / (2 * variance)


def _length(text: str) -> float:
    return sum(_WIDE if "\u3040" <= sign <= "\u9fff" or "\uac00" <= sign <= "\ud7af" else 1.0
               for sign in text if sign.isalnum())  # fmt: skip
