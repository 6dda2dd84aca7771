"""Filters on what a translation must keep: tags, boxes and URLs, numbers, the labels of options."""

from collections import Counter
from dataclasses import dataclass
from itertools import zip_longest
from typing import ClassVar

from validation.filters.contract import AtMost, Pair
from validation.filters.numerals import differing_numerals
from validation.filters.texts import SPAN, labels, language


@dataclass(frozen=True)
class Placeholders(AtMost):
    """Tags, boxes, URLs, e-mails, code and {fields} that are not the source's; their order is free.

    Figure: spans lost or spans invented, whichever are more. Blanks inside a span do not count.
    """

    name: ClassVar[str] = "placeholders_v2"

    def measure(self, pair: Pair) -> float | None:
        spans = (SPAN.findall(text) for text in (pair.source, pair.target))
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

    name: ClassVar[str] = "numbers_v2"

    def measure(self, pair: Pair) -> float | None:
        return differing_numerals(
            SPAN.sub(" ", pair.source),
            SPAN.sub(" ", pair.target),
            language(pair.source_language),
            language(pair.target_language),
        )


@dataclass(frozen=True)
class OptionLabels(AtMost):
    """Option labels kept in their order: "A.", "(B)", "c)", "1." at line starts, "(B)", "2.red", "A. … B. …" in a line.

    Figure: places of the two lists of labels that differ.
    """

    name: ClassVar[str] = "option_labels_v2"

    def measure(self, pair: Pair) -> float | None:
        source, target = ([label[0].strip() for label in labels(t)] for t in (pair.source, pair.target))
        if not source and not target:
            return None
        return float(sum(before != after for before, after in zip_longest(source, target)))


def _differing(lost: Counter[str], added: Counter[str]) -> float:
    return float(max(lost.total(), added.total()))
