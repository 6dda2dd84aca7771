"""Sections that explain nothing (references, links, galleries) leave an article: MultiExpArt's appendix F, as data."""

import unicodedata
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

import yaml

from crawlers.article import Article


def _normalised(heading: str) -> str:
    heading = unicodedata.normalize("NFC", heading).casefold().replace("’", "'")
    return " ".join(unicodedata.normalize("NFC", heading).split())


def _load() -> dict[str, frozenset[str]]:
    lists = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text("utf-8"))
    return {language: frozenset(map(_normalised, headings)) for language, headings in lists.items()}


DROPPED: Final[Mapping[str, frozenset[str]]] = _load()
"""The headings of each language that has a list, normalised (NFC, case, blanks, apostrophes)."""


def drop_sections(article: Article, language: str) -> tuple[Article, Counter[str]]:
    """`article` without the sections of appendix F and all below them, and how many went by heading.

    A section counts under its own heading or, where that is not listed, under the nearest one above that is. The lead
    always stays, as do the indices of what is left, and the article's figures, which are of the whole page. `language`
    may name a variant ("zh-hant"). A language without a list (see `DROPPED`) keeps all.
    """
    listed = DROPPED.get(language.lower().partition("-")[0], frozenset())
    dropped: Counter[str] = Counter()
    kept = []
    for section in article.sections:
        reason = next((heading for heading in reversed(section.path) if _normalised(heading) in listed), None)
        if reason is None:
            kept.append(section)
        else:
            dropped[reason] += 1
    return replace(article, sections=tuple(kept)), dropped
