"""Filters on the language of a translation: the right one, all of it, in its own script."""

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import ClassVar, Literal

from validation.filters.contract import AtMost, Filter, Pair
from validation.filters.texts import NO_BLANKS, QUOTED, SPAN, WORD, detector, extract, language, lingua, without_quotes

LONG = 6
RIVALS = ("en", "es", "fr", "de", "it", "pt", "eu")
_NAME_WORDS, _SURE = 4, 0.7
_NO_NAMES = {
    "en": """a about all an and are at because both by can for from he her his i in is it its my near no not of off on
        or out over she some that the their them there they this to under up very we with yes you your""",
}  # words of a language by which a text in small letters is no name
_NO_NAME = {code: frozenset(words.split()) for code, words in _NO_NAMES.items()}
_UNITS = frozenset({"am", "cm", "ft", "g", "h", "in", "kg", "km", "m", "mm", "mph", "pm", "s", "x"})
_SCRIPTS = {
    "ar": "ARABIC", "be": "CYRILLIC", "bg": "CYRILLIC", "bn": "BENGALI", "el": "GREEK", "fa": "ARABIC",
    "gu": "GUJARATI", "he": "HEBREW", "hi": "DEVANAGARI", "hy": "ARMENIAN", "ja": "CJK HIRAGANA KATAKANA",
    "ka": "GEORGIAN", "kk": "CYRILLIC", "ko": "HANGUL CJK", "mk": "CYRILLIC", "mn": "CYRILLIC", "mr": "DEVANAGARI",
    "pa": "GURMUKHI", "ru": "CYRILLIC", "sr": "CYRILLIC LATIN", "ta": "TAMIL", "te": "TELUGU", "th": "THAI",
    "uk": "CYRILLIC", "ur": "ARABIC", "zh": "CJK",
}  # fmt: skip


@dataclass(frozen=True)
class TargetLanguage(Filter):
    """Text that was not translated, or was translated into another language.

    Figure: P(target language) - P(the likeliest other), by lingua (https://github.com/pemistahl/lingua-py)
    restricted to the two languages of the pair and to `rivals`, in which models answer for a target that they do
    not know (MADLAD in Spanish: SubtitleEdit/subtitleedit#14122 on GitHub). Names, quoted words and spans that
    were rightly copied from the source are left out. "More target than any other?" is a question that short
    strings can answer, unlike "which of all languages?": see `tests/test_planted_faults.py` for its figures.

    Applies from 3 words and 10 letters on. An identical copy gets -1 from two words on, unless it is a name ("San
    Francisco"); a copy of one word passes, because names and cognates ("pizza") are their own translation.

    Benchmarks write answers and options in small letters, names too ("united airlines"): a copy of up to four words
    passes unless it has a function word, or lingua is sure that it is the source's language. Of 36 such names 2 are
    refused all the same ("british airways"); of 31 other answers 15 pass ("tennis racket"), which no rule tells apart.
    """

    name: ClassVar[str] = "target_language_v1"
    refuses: ClassVar[Literal["high", "low", "both"]] = "low"
    min_margin: float = -0.15  # text in neither language gets 0
    leniency: float = 0.15  # how much less will do below `LONG` words, where right ones go down to -0.25
    rivals: tuple[str, ...] = RIVALS

    def measure(self, pair: Pair) -> float | None:
        source, target = (" ".join(SPAN.sub(" ", extract(text)).split()) for text in (pair.source, pair.target))
        words = [word for word in WORD.findall(source) if word.casefold() not in _UNITS]
        if source.casefold() == target.casefold():
            named = all(word[0].isupper() for word in words) or _is_name_in_small_letters(pair)
            return -1.0 if len(words) >= 2 and not named else None
        wanted, other = lingua(pair.target_language), lingua(pair.source_language)
        said = _without_copied_names(source, without_quotes(target, source))
        count, letters = len(WORD.findall(said)), sum(map(str.isalpha, said))
        long_enough = letters >= 10 and (count >= 3 or language(pair.target_language) in NO_BLANKS)
        if not words or not long_enough or wanted is None or other is None or wanted == other:
            return None
        rivals = [rival for code in self.rivals if (rival := lingua(code))]
        judge = detector(frozenset({wanted, other, *rivals}))
        chances = {value.language: value.value for value in judge.compute_language_confidence_values(said)}
        return chances.pop(wanted) - max(chances.values())

    def bounds(self, pair: Pair) -> tuple[float, float]:
        said = len(WORD.findall(SPAN.sub(" ", extract(pair.target))))
        return self.min_margin - (self.leniency if said < LONG else 0), 1


@dataclass(frozen=True)
class Untranslated(AtMost):
    """A translation that falls back into the source's language halfway: "Un cane corre along the sandy beach".

    Figure: words without a capital in the longest run of words that the target copies from the source, where lingua
    takes them for the source's language rather than for the target's. Spans and quoted strings, which may stay, are
    left out; two words are the same in related languages by chance.
    """

    name: ClassVar[str] = "untranslated_v1"
    allowed: int = 2

    def measure(self, pair: Pair) -> float | None:
        wanted, other = lingua(pair.target_language), lingua(pair.source_language)
        if wanted is None or other is None or wanted == other:
            return None
        source, target = (
            WORD.findall(QUOTED.sub(" ", SPAN.sub(" ", extract(text)))) for text in (pair.source, pair.target)
        )
        run = [word for word in _longest_copied_run(source, target) if word.islower()]
        if len(target) < 3:
            return None
        if len(set(run)) <= 2 or _is_name_in_small_letters(pair):
            return 0.0
        judge, text = detector(frozenset({wanted, other})), " ".join(run)
        foreign = judge.compute_language_confidence(text, other) > judge.compute_language_confidence(text, wanted)
        return float(len(run) if foreign else 0)


@dataclass(frozen=True)
class Script(AtMost):
    """Words in a script that the target language is not written in: Cyrillic in Italian, Latin in Russian.

    Figure: such words. Names of the source and capital letters (DNA, XIX, T-shirt) pass in Latin letters, and
    whatever the source has in a third script passes as it is. Applies to languages whose script is known.
    """

    name: ClassVar[str] = "script_v1"

    def measure(self, pair: Pair) -> float | None:
        target = language(pair.target_language)
        own = _SCRIPTS.get(target, "LATIN" if lingua(target) else "").split()
        words = _letters(SPAN.sub(" ", without_quotes(extract(pair.target), pair.source)))
        if not own or not words:
            return None
        source = frozenset(_letters(SPAN.sub(" ", pair.source)))
        usual = _SCRIPTS.get(language(pair.source_language), "LATIN").split()
        return float(sum(_is_foreign(word, own, usual, source) for word in words))


def _is_name_in_small_letters(pair: Pair) -> bool:
    """Whether an answer or option is copied that may be a name, as benchmarks write it: "united airlines"."""
    source, other = " ".join(pair.source.casefold().split()), lingua(pair.source_language)
    words = source.split()
    copied = pair.source.islower() and source == " ".join(pair.target.casefold().split())
    if pair.kind not in ("answer", "option") or not copied or len(words) > _NAME_WORDS or other is None:
        return False
    if _NO_NAME.get(language(pair.source_language), frozenset()) & {re.split("['’]", word)[0] for word in words}:
        return False
    judge = detector(frozenset({other, *filter(None, map(lingua, (pair.target_language, *RIVALS)))}))
    return judge.compute_language_confidence(source, other) <= _SURE


def _letters(text: str) -> list[str]:
    """The words of a text, without hyphens: "USB-кабель" is two."""
    return [part for word in WORD.findall(text) for part in word.split("-")]


def _is_foreign(word: str, own: list[str], usual: list[str], source: frozenset[str]) -> bool:
    """Whether a word has a letter of another script and is no name and no text in a third script of the source."""
    scripts = {_script(letter) for letter in word} - {*own, ""}
    if not scripts:
        return False
    if scripts <= {"LATIN"} and (len(word) < 3 or word.isupper()):
        return False
    return word not in source or (scripts <= set(usual) and word.islower())


@cache
def _script(letter: str) -> str:
    """The script of a letter by its Unicode name: "CYRILLIC SMALL LETTER BE" is CYRILLIC; "" for what has none."""
    first = unicodedata.name(letter, "").partition(" ")[0] if unicodedata.category(letter) in ("Lu", "Ll", "Lo") else ""
    return "" if first in ("FEMININE", "MASCULINE", "MICRO") else first


def _without_copied_names(source: str, target: str) -> str:
    """A target without the capitalised words, but for its first, that the source has too."""
    names = {word for word in WORD.findall(source) if word[0].isupper()}
    first, *rest = target.split() or [""]
    return " ".join([first, *(word for word in rest if not names.intersection(WORD.findall(word)))])


def _longest_copied_run(source: list[str], target: list[str]) -> list[str]:
    """The longest run of words of `target` that `source` has too, whatever their case."""
    best, ending = (0, 0), [0] * (len(source) + 1)
    folded = [word.casefold() for word in source]
    for place, word in enumerate(target, 1):
        before, ending = ending, [0] * (len(source) + 1)
        for other, same in enumerate(folded, 1):
            if same == word.casefold():
                ending[other] = before[other - 1] + 1
                best = max(best, (ending[other], place))
    length, end = best
    return target[end - length : end]
