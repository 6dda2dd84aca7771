"""Appendix F: which sections leave an article, and what stays as it was."""

import unicodedata
from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawlers.article import Article, Section
from crawlers.sections import DROPPED, drop_sections

LISTED = {"en": 21, "ja": 9, "it": 14, "fr": 35, "es": 10, "zh": 45, "sv": 10, "nl": 13, "ru": 7, "de": 14}


def article(*paths: Sequence[str]) -> Article:
    sections = [Section(0, 0, (), "lead", ())]
    sections += [Section(index, len(path), tuple(path), "text", ()) for index, path in enumerate(paths, 1)]
    return Article(tuple(sections), "A.jpg", infobox=True, references=3, links=4)


def test_each_list_has_the_papers_headings() -> None:
    assert {language: len(headings) for language, headings in DROPPED.items()} == LISTED


def test_a_dropped_section_takes_all_below_it_and_nothing_else() -> None:
    whole = article(
        ("Description",), ("Description", "Notes"), ("History",), ("See also",), ("See also", "Films"),
        ("See also", "Films", "Links"), ("Bibliography of others",), ("see  ALSO",),
    )  # fmt: skip
    left, dropped = drop_sections(whole, "en")
    assert [section.path for section in left.sections] == [
        (),
        ("Description",),
        ("History",),
        ("Bibliography of others",),
    ]
    assert [section.index for section in left.sections] == [0, 1, 3, 7]
    assert dropped == Counter({"Notes": 1, "See also": 2, "Links": 1, "see  ALSO": 1})
    assert (left.infobox_image, left.references, left.links) == ("A.jpg", 3, 4)


@pytest.mark.parametrize(
    ("language", "heading"),
    [
        ("en", "references"),
        ("en", "Bibliography (In French)"),
        ("it", "Galleria d'immagini"),
        ("it", "Galleria d’immagini"),
        ("fr", unicodedata.normalize("NFD", "Déclinaisons et détournements")),
        ("fr", "Bibliographie et ressources en ligne"),
        ("fr", "Références de l'expression dans l'art"),
        ("es", "VÉASE TAMBIÉN"),
        ("de", "Literatur (Auswahl)"),
        ("nl", "Bewerkingen"),
        ("sv", "Allmänna källor"),
        ("ru", "См. также"),
        ("ja", "外部リンク"),
        ("zh", "外部链接"),
        ("zh", "外部連結"),
        ("zh-hant", "參考資料"),
        ("zh-TW", "吉米·威尔士的声明"),
    ],
)
def test_headings_are_matched_whatever_their_writing(language: str, heading: str) -> None:
    left, dropped = drop_sections(article((heading,), ("Lumen",)), language)
    assert [section.path for section in left.sections] == [(), ("Lumen",)]
    assert dropped == Counter({heading: 1})


@pytest.mark.parametrize("language", ["it", "pl"])
def test_a_heading_counts_in_its_own_language_only(language: str) -> None:
    whole = article(("References",), ("Weblinks",))
    assert drop_sections(whole, language) == (whole, Counter())


HEADINGS = st.sampled_from(["References", "Notes", "History", "Style", "", "notes "]) | st.text(max_size=6)


@given(st.lists(st.lists(HEADINGS, min_size=1, max_size=3), max_size=8), st.sampled_from([*LISTED, "pl", "zh-tw", ""]))
def test_nothing_is_dropped_uncounted_and_twice_is_once(paths: list[list[str]], language: str) -> None:
    whole = article(*paths)
    left, dropped = drop_sections(whole, language)
    assert len(left.sections) + dropped.total() == len(whole.sections)
    assert set(left.sections) <= set(whole.sections)
    assert left.sections[0] == whole.sections[0]
    assert drop_sections(left, language) == (left, Counter())
