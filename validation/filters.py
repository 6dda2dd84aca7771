"""Filters that refuse a bad translation before an annotator, or a training run, meets it.

Models drop tags, change numbers, loop, stop early or answer in the source's language, all in fluent text. A
filter looks at one pair of texts for one such failure. The contract: a frozen dataclass below `Filter`, where

- `name` ends in a version. Whoever changes what a filter measures raises it, so that figures stored under
  the old name stay comparable with one another (as in Dolma, https://github.com/allenai/dolma).
- the fields are thresholds; a build's config sets them, the defaults say where they come from.
- `measure` gives one figure, or None where the filter does not apply to the pair; it changes nothing.
- `bounds` gives the lowest and the highest figure that pass; every figure is kept, passed or not.

Combined detectors beat each of them (https://arxiv.org/abs/2402.13331). Both texts may be hostile: every
pattern takes time in proportion to its text, and what does more work a character sees a bounded extract.
Languages are ISO 639-1 codes ("it"), also with a region ("pt-BR"), or ISO 639-3 codes ("eus").
"""

import re
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import cache
from itertools import zip_longest
from math import inf
from typing import ClassVar

from lingua import Language, LanguageDetector, LanguageDetectorBuilder

from validation.numerals import differing_numerals
from validation.repetition import extract, repeats

_SPAN = re.compile(
    r"""
      ```.*?``` | (?<![`\w])`(?![`\s])[^`\n]++`(?![`\w])                       # code
    | <\|[^|<>\s]++\|> | </?[A-Za-z][\w:.-]*+(?:\s++[\w:.-]++=(?:"[^"<>]*+"|'[^'<>]*+'))*+\s*+/?>
    | (?:(?:https?|ftp)://|\bwww\.)(?:\([^\s()<>"'`«»“”]*+\)|[^\s()<>"'`«»“”])+(?<![.,;:!?\]}。，、！？])
    | (?<![\w.+-])[\w.+-]++@[\w-]++(?:\.[\w-]++)++                             # e-mail
    | \[\s*+[-+]?\d++(?:\.\d++)?(?:\s*+,\s*+[-+]?\d++(?:\.\d++)?)++\s*+\]        # box
    | \{{1,2}[\w.:!-]*+\}{1,2}                                                 # field
    """,
    re.VERBOSE | re.DOTALL,
)
_WORD = re.compile(r"[^\W\d_]++(?:-[^\W\d_]++)*+")
_LABEL = re.compile(
    r"""^[ \t]*+(?:[(\[](?:[A-Za-z]|\d{1,2})[)\]]|(?:[A-Za-z]|\d{1,2})[.):])(?=\s|\Z)
    | (?<=\s)\([A-H]\)(?=\s|\Z)""",
    re.VERBOSE | re.MULTILINE,
)
_CLOSERS = "\"'”’»)]}*_ \t\r\n"
_QUESTION_MARKS = ("?", "？", "؟", "፧", "\u037e", ";", "՞")
_NO_QUESTION_MARK = frozenset({"bo", "ja", "km", "lo", "my", "th"})
_NO_BLANKS = frozenset({"bo", "ja", "km", "ko", "lo", "my", "th", "yue", "zh"})
_UNITS = frozenset({"am", "cm", "ft", "g", "h", "in", "kg", "km", "m", "mm", "mph", "pm", "s", "x"})


@dataclass(frozen=True)
class Pair:
    """One field of one row, before and after.

    `score` is the mean log-probability per token that the translator gave. `note` is what the translator says
    against its own work, for example "unknown word 'parade'".
    """

    field: str
    source: str
    target: str
    source_language: str
    target_language: str
    score: float | None = None
    note: str | None = None


@dataclass(frozen=True)
class Finding:
    """What one filter found on one pair; `threshold` is for a reader, for example "0.5 to 2"."""

    filter: str
    field: str
    figure: float
    threshold: str
    accepted: bool


@dataclass(frozen=True)
class Filter(ABC):
    """One test of one pair; see the module's docstring for the contract."""

    name: ClassVar[str]

    @abstractmethod
    def measure(self, pair: Pair) -> float | None:
        """The figure, or None where the filter does not apply."""

    @abstractmethod
    def bounds(self, pair: Pair) -> tuple[float, float]:
        """The lowest and the highest figure that pass for `pair`."""

    def allows(self, pair: Pair) -> str:
        """What would have passed, in words."""
        low, high = self.bounds(pair)
        if low == -inf or low == high:
            return f"allowed: at most {high:g}"
        return f"allowed: at least {low:g}" if high == inf else f"allowed: {low:g} to {high:g}"

    def accepts(self, pair: Pair, figure: float) -> bool:
        """Whether `figure` is within the bounds; NaN never is."""
        low, high = self.bounds(pair)
        return low <= figure <= high


@dataclass(frozen=True)
class AtMost(Filter):
    """A filter whose figure counts faults; up to `allowed` of them pass."""

    allowed: int = 0

    def bounds(self, pair: Pair) -> tuple[float, float]:
        return 0, self.allowed


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
class Placeholders(AtMost):
    """Tags, boxes, URLs, e-mails, code and {fields} that are not the source's; their order is free.

    Figure: spans lost or spans invented, whichever are more. Blanks inside a span do not count.
    """

    name: ClassVar[str] = "placeholders_v1"

    def measure(self, pair: Pair) -> float | None:
        spans = (_SPAN.findall(text) for text in (pair.source, pair.target))
        source, target = (Counter("".join(span.split()) for span in found) for found in spans)
        return _differing(source - target, target - source) if source or target else None


@dataclass(frozen=True)
class Numbers(AtMost):
    """Numerals that are not the source's, digits glued to letters included ("v7w" holds 7).

    Figure: numerals lost or numerals invented, whichever are more. The same number in another dress is equal:
    1,000.5 and 1.000,5 (by each language's decimal sign; a plain copy passes too), 2 and "due", 19th and XIX,
    10:30 and 10.30, 3 pm and 15:00, 1990s and '90. Where a language has no table of number words, a numeral
    up to 20 may vanish but not change. OpusFilter's NonZeroNumerals is the same test as a similarity
    (https://github.com/Helsinki-NLP/OpusFilter).
    """

    name: ClassVar[str] = "numbers_v1"

    def measure(self, pair: Pair) -> float | None:
        return differing_numerals(
            _SPAN.sub(" ", pair.source),
            _SPAN.sub(" ", pair.target),
            _language(pair.source_language),
            _language(pair.target_language),
        )


@dataclass(frozen=True)
class OptionLabels(AtMost):
    """Option labels ("A.", "(B)", "c)", "1.") at line starts, and "(B)" in a line, kept in their order.

    Figure: places of the two lists of labels that differ.
    """

    name: ClassVar[str] = "option_labels_v1"

    def measure(self, pair: Pair) -> float | None:
        source, target = ([label.strip() for label in _LABEL.findall(t)] for t in (pair.source, pair.target))
        if not source and not target:
            return None
        return float(sum(before != after for before, after in zip_longest(source, target)))


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
        if not any(map(str.isalpha, source)) or _language(pair.target_language) in _NO_BLANKS:
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
        source, target = pair.source.rstrip(_CLOSERS), pair.target.rstrip(_CLOSERS)
        if not source.endswith((".", "?", "!", "…")) or len(_WORD.findall(source)) < 6:
            return None
        if not target or _language(pair.target_language) in _NO_QUESTION_MARK:
            return None
        return float(target[-1].isalnum() or target[-1] in ",-([{")


@dataclass(frozen=True)
class QuestionMark(AtMost):
    """A question that is none any more: the source ends in a question mark and the target does not."""

    name: ClassVar[str] = "question_mark_v1"

    def measure(self, pair: Pair) -> float | None:
        if not pair.source.rstrip(_CLOSERS).endswith("?"):
            return None
        if _language(pair.target_language) in _NO_QUESTION_MARK:
            return None
        target = pair.target.rstrip(_CLOSERS + ".")
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
class StillEnglish(Filter):
    """Text that was not translated, or was translated into another language.

    Figure: P(target language) - P(the likeliest other), by lingua (https://github.com/pemistahl/lingua-py)
    restricted to the source's language and, from 6 words on, to `rivals`: Spanish, in which MADLAD answers
    for a target that it does not know (SubtitleEdit/subtitleedit#14122 on GitHub). On 200 strings in five
    languages P(target) > P(source) held for every translation and for no untranslated source.

    Applies from 3 words and 12 letters on. An identical copy of two words or more gets -1 at any length; a
    copy of one word passes, because names and cognates ("pizza") are their own translation.
    """

    name: ClassVar[str] = "still_english_v1"
    min_margin: float = 0.01  # text in neither language gets 0
    rivals: tuple[str, ...] = ("es",)

    def measure(self, pair: Pair) -> float | None:
        source, target = (" ".join(_SPAN.sub(" ", text).split()) for text in (pair.source, pair.target))
        words = [word for word in _WORD.findall(source.casefold()) if word not in _UNITS]
        if source.casefold() == target.casefold():
            return -1.0 if len(words) >= 2 else None
        wanted, other = _lingua(pair.target_language), _lingua(pair.source_language)
        count, letters = len(_WORD.findall(target)), sum(map(str.isalpha, target))
        long_enough = letters >= 12 and (count >= 3 or _language(pair.target_language) in _NO_BLANKS)
        if not words or not long_enough or wanted is None or other is None or wanted == other:
            return None
        rivals = {_lingua(rival) for rival in self.rivals} - {None, wanted} if count >= 6 else set()
        detector = _detector(frozenset({wanted, other, *filter(None, rivals)}))
        values = detector.compute_language_confidence_values(extract(target))
        chances = {value.language: value.value for value in values}
        return chances.pop(wanted) - max(chances.values())

    def bounds(self, pair: Pair) -> tuple[float, float]:
        return self.min_margin, 1


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


def configured_filters(thresholds: Sequence[str] = ()) -> tuple[Filter, ...]:
    """The default filters, with thresholds like `length_ratio_v1.widened=1.5` set otherwise.

    Raises `ValueError` naming what there is to set.
    """
    filters = {filter_.name: filter_ for filter_ in default_filters()}
    for setting in thresholds:
        name, _, value = setting.partition("=")
        filter_name, _, threshold = name.partition(".")
        known = [
            f"{each.name}.{item.name}"
            for each in filters.values()
            for item in fields(each)
            if item.type in (int, float, float | None)
        ]
        if name not in known:
            raise ValueError(f"--thresholds {setting}: no such threshold; there are {', '.join(known)}")
        try:
            changed = {threshold: float(value)}
        except ValueError:
            raise ValueError(f"--thresholds {setting}: {value!r} is no number") from None
        filters[filter_name] = replace(filters[filter_name], **changed)
    return tuple(filters.values())


def default_filters(*, min_score: float | None = None) -> tuple[Filter, ...]:
    """Every filter with its default thresholds, cheapest first."""
    return (
        OutOfDomain(min_score), Empty(), LengthRatio(), QuestionMark(), Unfinished(), Placeholders(),
        OptionLabels(), Numbers(), Repetition(), StillEnglish(),
    )  # fmt: skip


def check(pairs: Sequence[Pair], filters: Sequence[Filter]) -> list[Finding]:
    """One finding for each pair and each filter that applies to it, accepted or not, in their order."""
    findings = []
    for pair in pairs:
        for each in filters:
            if (figure := each.measure(pair)) is not None:
                findings.append(Finding(each.name, pair.field, figure, each.allows(pair), each.accepts(pair, figure)))
    return findings


def _differing(lost: Counter[str], added: Counter[str]) -> float:
    return float(max(lost.total(), added.total()))


def _language(code: str) -> str:
    """The two-letter code where lingua knows one: "eus" and "eu-ES" are "eu"."""
    stem = re.split("[-_]", code.lower(), maxsplit=1)[0]
    language = _lingua_codes().get(stem)
    return stem if language is None else language.iso_code_639_1.name.lower()


def _lingua(code: str) -> Language | None:
    return _lingua_codes().get(_language(code))


@cache
def _lingua_codes() -> dict[str, Language]:
    languages = Language.all()
    codes = {language.iso_code_639_3.name.lower(): language for language in languages}
    return codes | {language.iso_code_639_1.name.lower(): language for language in languages}


@cache
def _detector(languages: frozenset[Language]) -> LanguageDetector:
    return LanguageDetectorBuilder.from_languages(*languages).build()
