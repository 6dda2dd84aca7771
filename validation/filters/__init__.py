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

from collections.abc import Sequence
from dataclasses import replace

from validation.filters.contract import AtMost, Filter, Finding, Pair, check, check_each
from validation.filters.contract import thresholds as settable
from validation.filters.debris import Debris
from validation.filters.form import Empty, LengthRatio, OutOfDomain, QuestionMark, Repetition, Unfinished
from validation.filters.kept import Numbers, OptionLabels, Placeholders
from validation.filters.languages import Script, TargetLanguage, Untranslated
from validation.filters.models import (
    BackTranslation,
    QualityEstimation,
    Similarity,
    TranslateBack,
    optional_filters,
)
from validation.filters.names import Names, Quotes
from validation.filters.sentences import Sentences
from validation.filters.sharing import SharedTarget

__all__ = [
    "AtMost", "BackTranslation", "Debris", "Empty", "Filter", "Finding", "LengthRatio", "Names", "Numbers",
    "OptionLabels", "OutOfDomain", "Pair", "Placeholders", "QualityEstimation", "QuestionMark", "Quotes", "Repetition",
    "Script", "Sentences", "SharedTarget", "Similarity", "TargetLanguage", "TranslateBack", "Unfinished",
    "Untranslated", "check", "check_each", "configured_filters", "default_filters", "optional_filters",
]  # fmt: skip


def configured_filters(
    thresholds: Sequence[str] = (),
    *,
    similarity: str = "",
    quality_estimation: str = "",
    translate_back: TranslateBack | None = None,
) -> tuple[Filter, ...]:
    """The default filters and the optional ones that are given a model, with thresholds set otherwise.

    A threshold is like `length_ratio_v1.widened=1.5`. The models: see `validation.filters.models`.

    Raises `ValueError` naming what there is to set.
    """
    wanted = (*default_filters(), *optional_filters(similarity, quality_estimation, translate_back))
    filters = {each.name: each for each in wanted}
    for setting in thresholds:
        name, _, value = setting.partition("=")
        filter_name, _, threshold = name.partition(".")
        known = [f"{each.name}.{item}" for each in filters.values() for item in settable(each)]
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
        OutOfDomain(min_score), Empty(), LengthRatio(), QuestionMark(), Unfinished(), Placeholders(), OptionLabels(),
        Debris(), Quotes(), Numbers(), Names(), Repetition(), SharedTarget(), Script(), Sentences(), Untranslated(),
        TargetLanguage(),
    )  # fmt: skip
