"""Filters on the form of a text: said at all, said to the end, at a likely length, without loops."""

import re
from dataclasses import dataclass
from math import inf
from typing import ClassVar, Literal

from validation.filters.contract import AtMost, Filter, Pair
from validation.filters.repetition import repeats
from validation.filters.texts import CLOSERS, NO_BLANKS, WORD, language

_QUESTION_MARKS = ("?", "？", "؟", "፧", "\u037e", ";", "՞")
_NO_QUESTION_MARK = frozenset({"bo", "ja", "km", "lo", "my", "th"})
_LAST_OF_NONE = {
    "de": "beim dem den des einem einen eines im ins oder und vom zum zur",
    "en": "a an and of or the",
    "es": "a al con de del el en las los o para por un una unos unas y",
    "eu": "edo eta",
    "fr": "au aux dans de des du et la le les ou un une",
    "it": """a agli ai al alla alle che con da dal dalla dei del della delle di e ed gli i il in la le lo nei nel
        nella per sul sulla sulle tra un una uno""",
    "pt": "a ao com da das de do dos e em na no o os ou para por um uma",
    "ru": "в для и из или к на о об от по с у",
}
_NEVER_LAST = {code: frozenset(words.split()) for code, words in _LAST_OF_NONE.items()}
_LAST_WORDS = re.compile(r"([^\W\d_]{2,}+|[^\W\d_](?=\s|\Z))\s*+(?:[.!?…]|\Z)")


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
    to four letters ("TV", "bat") leave every narrower band, and "No, he isn't." may be "No.". Does not apply to
    languages written without blanks, whose characters hold more.
    """

    name: ClassVar[str] = "length_ratio_v1"
    refuses: ClassVar[Literal["high", "low", "both"]] = "both"
    bands: tuple[tuple[float, float, float], ...] = (
        (4, 0.2, 6.0), (15, 0.2, 3.5), (30, 0.5, 2.2), (inf, 0.5, 2.0)
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

    Figure: 1 if a sentence of the target ends in an article, a preposition or a conjunction that ends none in its
    language ("Un gruppo di persone intorno a"), or, where the source has 6 words or more and a closing mark, if the
    target ends in a letter, a digit, a comma or an opened bracket.
    """

    name: ClassVar[str] = "unfinished_v2"

    def measure(self, pair: Pair) -> float | None:
        source, target = pair.source.rstrip(CLOSERS), pair.target.rstrip(CLOSERS)
        words = WORD.findall(source)
        if not target or len(words) < 3:
            return None
        if _hangs(target, pair.target_language) and not _hangs(source, pair.source_language):
            return 1.0
        if not source.endswith((".", "?", "!", "…")) or len(words) < 6:
            return 0.0
        if language(pair.target_language) in _NO_QUESTION_MARK:
            return 0.0
        return float(target[-1].isalnum() or target[-1] in ",-([{")


def _hangs(text: str, code: str) -> bool:
    """Whether a sentence ends in a word that ends none."""
    return not _NEVER_LAST.get(language(code), frozenset()).isdisjoint(_LAST_WORDS.findall(text))


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
    refuses: ClassVar[Literal["high", "low", "both"]] = "both"
    min_score: float | None = None

    def measure(self, pair: Pair) -> float | None:
        if pair.note is not None:
            return 1.0
        return None if self.min_score is None else pair.score

    def bounds(self, pair: Pair) -> tuple[float, float]:
        return (-inf if self.min_score is None else self.min_score), 0

    def allows(self, pair: Pair) -> str:
        return pair.note or super().allows(pair)
