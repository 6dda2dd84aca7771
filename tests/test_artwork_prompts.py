"""The prompts are the paper's, letter by letter, and what a title holds stays a title."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.transforms.artworks import prompts as module
from builders.transforms.artworks.prompts import Templates, fill, languages, lead_name, load_templates, prompts

# The first 8 hex digits of the sha256 of each template, made by program from the text of the paper's PDF
# (tables 19 to 28; template 1 section, subsection, subsubsection, template 2 …); of the German ones without the
# struck-out word.
PRINTED = {
    "en": "a4e2711f beafc883 b5a0fea4 82155506 68341210 a1080910 c06767fd d9a5ba5c d7e1561f 9558b265 d9421e72 80cb4c3e",
    "ja": "328471e0 b3c5335c 9e6d00e0 fa73f261 f0f64870 2e96e883 1298b3a9 6da4ca3c 55dbacef ae6fbc8c e5c564f9 c3a48513",
    "es": "687825ce c9327880 6f7ee037 e2213d12 428380b3 5e5e7721 f699bc15 9b28c454 dd42b97b 93baacb1 9da03b49 c2f1571d",
    "it": "bc68b845 1839fa8f 560dba1d 840ddda7 c100952a 18035cc6 11ae91d3 cc07611c a0e2f788 c9d1d162 1f7bf941 a61baa75",
    "fr": "fb46b84c 9726fe4c bb31eb18 5b1e9976 76138387 89bd4330 81b93c74 68fec696 95b0c4bb eed31287 3e14f4a2 c7ceb2d1",
    "zh": "7b9d27ed 9f75c891 7acc79f7 15cf038f 9fcd6377 a26323f0 1650990b 20a10c28 f92f1d41 a01706e8 e69b8ad7 746c1825",
    "nl": "feeeb5aa c896cd2c 9e880682 c90addfe 2fec79ca d99d36e9 e6eb3917 8a9654a0 68bf8ef8 113012ad 96d49bf4 6f58fd8b",
    "sv": "e564762d 5771d7f8 bbe6d8df bc047d41 9dafb133 d0646494 d0be886a ee3e4d6b 7ce0bb6a 309a13bd 9c172b34 319fbe10",
    "de": "1989f8a5 a68836c3 afce79c3 bccbe4d9 5baca34e 7b2e4093 55c59d3c e45a48f3 66995bfd 78ff7c38 38303580 4aee79d5",
    "ru": "2c174dcb 3c4214cc 82a7bbca 20252c94 c2c8d5e7 3bb77075 bd18f520 ac4c4a0c 39c39369 e73bef82 37be0780 8f4ac33f",
}
NAMES = ("section", "subsection", "subsubsection")
HEADINGS = ("History", "Creation and date", "Theft")


@pytest.mark.parametrize("language", PRINTED)
def test_every_template_is_as_printed(language: str) -> None:
    texts = [texts[name] for texts in load_templates().templates[language].values() for name in NAMES]
    assert [hashlib.sha256(text.encode()).hexdigest()[:8] for text in texts] == PRINTED[language].split()


def test_there_are_four_templates_at_three_levels_in_ten_languages() -> None:
    assert set(languages()) == set(PRINTED)
    made = [prompts(language, level, "T", HEADINGS[:level]) for language in languages() for level in (1, 2, 3)]
    assert [len(four) for four in made] == [4] * 30
    assert len({name for four in made for name, _ in four}) == 120


def test_prompts_of_each_level() -> None:
    assert prompts("en", 0, "Mona Lisa", ())[0] == (
        "en_template1_section",
        "Focus on Mona Lisa and explain the Abstract.",
    )
    assert prompts("en", 1, "Mona Lisa", ("History",))[3] == (
        "en_template4_section",
        "In Mona Lisa, how is the History discussed?",
    )
    assert prompts("it", 2, "Gioconda", ("Storia", "Furto"))[1] == (
        "it_template2_subsection",
        "Esplora la Furto sulla Storia di questa opera d’arte, Gioconda.",
    )
    assert prompts("de", 3, "Mona Lisa", ("A", "B", "C"))[3] == (
        "de_template4_subsubsection",
        "Wenn du die A von Mona Lisa betrachtest, wie diskutierst du die B’s C von der B?",
    )
    assert prompts("ja", 0, "モナ・リザ", ())[0][1] == "モナ・リザに焦点を当てて、その導入部を説明してください。"


def test_the_lead_has_a_name_in_every_language() -> None:
    assert lead_name("en") == "Abstract"
    assert len({lead_name(language) for language in languages()}) == 10


@given(st.lists(st.text("{}section title%s0!:", max_size=12), min_size=1, max_size=4), st.sampled_from(sorted(PRINTED)))
def test_titles_and_headings_are_put_in_as_they_are(texts: list[str], language: str) -> None:
    title, *path = texts
    values = {"title": title, "section": path[0] if path else lead_name(language)}
    values |= dict(zip(NAMES[1:], path[1:], strict=False))
    for name, text in prompts(language, len(path), title, path):
        _, template, level = name.split("_")
        pieces = load_templates().templates[language][template][level].replace("}", "{").split("{")
        assert text == "".join(values[piece] if odd % 2 else piece for odd, piece in enumerate(pieces))


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="no templates for 'itt'; there are en, ja"):
        prompts("itt", 0, "T", ())
    with pytest.raises(ValueError, match=r"level 2 with the headings \['A'\]"):
        prompts("en", 2, "T", ("A",))
    with pytest.raises(ValueError, match="level 4"):
        prompts("en", 4, "T", ("A", "B", "C", "D"))
    with pytest.raises(KeyError):
        fill("{nothing}", {"title": "T"})


def test_what_is_wrong_in_the_file_is_named() -> None:
    broken = Templates({}, {"xx": {"template1": {"section": "{titel}", "subsection": "{title}{section}{subsection}"}}})
    assert module._problems(broken) == [
        "the lead has no name in xx",
        "xx template1 has section, subsection; section, subsection, subsubsection are expected",
        "xx template1 section: '{titel}' uses {titel}",
        "xx template1 section: '{titel}' lacks {section}",
        "xx template1 section: '{titel}' lacks {title}",
    ]
