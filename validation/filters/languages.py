"""Filters on the language of a translation."""

from dataclasses import dataclass
from typing import ClassVar

from validation.filters.contract import Filter, Pair
from validation.filters.texts import NO_BLANKS, SPAN, WORD, detector, extract, language, lingua

_UNITS = frozenset({"am", "cm", "ft", "g", "h", "in", "kg", "km", "m", "mm", "mph", "pm", "s", "x"})


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
        source, target = (" ".join(SPAN.sub(" ", text).split()) for text in (pair.source, pair.target))
        words = [word for word in WORD.findall(source.casefold()) if word not in _UNITS]
        if source.casefold() == target.casefold():
            return -1.0 if len(words) >= 2 else None
        wanted, other = lingua(pair.target_language), lingua(pair.source_language)
        count, letters = len(WORD.findall(target)), sum(map(str.isalpha, target))
        long_enough = letters >= 12 and (count >= 3 or language(pair.target_language) in NO_BLANKS)
        if not words or not long_enough or wanted is None or other is None or wanted == other:
            return None
        rivals = {lingua(rival) for rival in self.rivals} - {None, wanted} if count >= 6 else set()
        judge = detector(frozenset({wanted, other, *filter(None, rivals)}))
        values = judge.compute_language_confidence_values(extract(target))
        chances = {value.language: value.value for value in values}
        return chances.pop(wanted) - max(chances.values())

    def bounds(self, pair: Pair) -> tuple[float, float]:
        return self.min_margin, 1
