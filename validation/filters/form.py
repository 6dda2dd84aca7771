"""Filters on the form of a text: said at all, said to the end, at a likely length, without loops."""

from dataclasses import dataclass
from math import inf
from typing import ClassVar

from validation.filters.contract import AtMost, Filter, Pair
from validation.filters.repetition import repeats
from validation.filters.texts import CLOSERS, NO_BLANKS, WORD, language

_QUESTION_MARKS = ("?", "？", "؟", "፧", "\u037e", ";", "՞")
_NO_QUESTION_MARK = frozenset({"bo", "ja", "km", "lo", "my", "th"})


@dataclass(frozen=True)
class Empty(AtMost):
    """A translation that says nothing: blank, or punctuation where the source has a letter or a digit."""

    name: ClassVar[str] = "empty_v1"

    def measure(self, pair: Pair) -> float | None:
        if not pair.source.strip():
            return None
        said = any(map(str.isalnum, pair.source))
        return float(not (any(map(str.isalnum, pair.target)) if said else pair.target.strip()))


@dataclass(frozen=True)
class LengthRatio(Filter):
    """Characters of the target over characters of the source, within the band for the source's length.

    A band is (longest source, lowest ratio, highest ratio). Marian's clean-parallel-data and the Firefox
    pipeline use 0.5 both ways; on 200 parallel strings in Italian, Basque, French, German and Spanish the
    ratio ran from 0.64 to 2.00 up to 15 characters, 0.77 to 1.78 up to 30, 0.70 to 1.59 beyond; words of up
    to four letters ("TV", "bat") leave every narrower band. Does not apply to languages written without
    blanks, whose characters hold more.
    """

    name: ClassVar[str] = "length_ratio_v1"
    bands: tuple[tuple[float, float, float], ...] = (
        (4, 0.2, 6.0), (15, 0.3, 3.5), (30, 0.5, 2.2), (inf, 0.5, 2.0)
    )  # fmt: skip
    widened: float = 1.0  # every band by this factor, both ways

    def measure(self, pair: Pair) -> float | None:
        source, target = pair.source.strip(), pair.target.strip()
        if not any(map(str.isalpha, source)) or language(pair.target_language) in NO_BLANKS:
            return None
        return len(target) / len(source)

    def bounds(self, pair: Pair) -> tuple[float, float]:
        length = len(pair.source.strip())
        low, high = next((low, high) for longest, low, high in self.bands if length <= longest)
        return low / self.widened, high * self.widened


@dataclass(frozen=True)
class Unfinished(AtMost):
    """A sentence that has an end in the source and none in the target: the model stopped, or was stopped.

    Applies to sources of 6 words or more with a closing mark. Figure: 1 if the target ends in a letter, a
    digit, a comma or an opened bracket.
    """

    name: ClassVar[str] = "unfinished_v1"

    def measure(self, pair: Pair) -> float | None:
        source, target = pair.source.rstrip(CLOSERS), pair.target.rstrip(CLOSERS)
        if not source.endswith((".", "?", "!", "…")) or len(WORD.findall(source)) < 6:
            return None
        if not target or language(pair.target_language) in _NO_QUESTION_MARK:
            return None
        return float(target[-1].isalnum() or target[-1] in ",-([{")


@dataclass(frozen=True)
class QuestionMark(AtMost):
    """A question that is none any more: the source ends in a question mark and the target does not."""

    name: ClassVar[str] = "question_mark_v1"

    def measure(self, pair: Pair) -> float | None:
        if not pair.source.rstrip(CLOSERS).endswith("?"):
            return None
        if language(pair.target_language) in _NO_QUESTION_MARK:
            return None
        target = pair.target.rstrip(CLOSERS + ".")
        return float(not target.endswith(_QUESTION_MARKS))


@dataclass(frozen=True)
class Repetition(AtMost):
    """A loop: how many times more often than the source the target repeats a piece.

    Figure: the largest excess over the source of the count of its commonest 4 words, of the longest run of
    one word, and of the longest run of one string of up to 32 characters (loops inside a word, and in text
    without blanks). Two pass, as in the top 4-gram test of Guerreiro et al. (https://arxiv.org/abs/2208.05309).
    """

    name: ClassVar[str] = "repetition_v1"
    allowed: int = 2

    def measure(self, pair: Pair) -> float | None:
        before, after = repeats(pair.source), repeats(pair.target)
        return float(max(0, *(most - usual for usual, most in zip(before, after, strict=True))))


@dataclass(frozen=True)
class OutOfDomain(Filter):
    """A translation that the translator itself does not trust.

    Figure: 1 if it left a note, which refuses; else its score, which must reach `min_score` (mean
    log-probability per token; calibrate it on the model's own output, for example its 1st percentile).
    """

    name: ClassVar[str] = "out_of_domain_v1"
    min_score: float | None = None

    def measure(self, pair: Pair) -> float | None:
        if pair.note is not None:
            return 1.0
        return None if self.min_score is None else pair.score

    def bounds(self, pair: Pair) -> tuple[float, float]:
        return (-inf if self.min_score is None else self.min_score), 0

    def allows(self, pair: Pair) -> str:
        return pair.note or super().allows(pair)
