"""Each filter on pairs that it must pass and must refuse; the default set meets realistic pairs in
`test_planted_faults.py`."""

import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from validation import filters as f
from validation.filters import Filter, LengthRatio, Pair, check, configured_filters, default_filters

NAMES = ("united airlines", "new york", "air france", "coca cola", "golden gate bridge", "n/a", "san diego padres")
NO_NAMES = ("on the table", "red and white", "living room", "not sure", "brushing teeth", "new york is a big city")


def pair(source: str, target: str, language: str = "it", **said: object) -> Pair:
    return Pair("text", source, target, "en", language, **said)  # type: ignore[arg-type]


def copies(*texts: str) -> list[Pair]:
    """Answers that were left as they are."""
    return [pair(text, text, kind="answer") for text in texts]


def refused(one: Pair, filters: tuple[Filter, ...]) -> list[str]:
    return [finding.filter for finding in check([one], filters) if not finding.accepted]


# fmt: off
CASES: list[tuple[Filter, list[Pair], list[Pair]]] = [
    (
        f.Placeholders(),
        [
            pair("<image>\nA dog at [0.1, 0.2, 0.3, 0.4]", "<image>\nUn cane a [0.1,0.2,0.3,0.4]"),
            pair("See https://a.org/x and `f(x)` in {name}.", "Vedi `f(x)` e https://a.org/x in {name}."),
            pair("Write to me@a.org, 3 < 5", "Scrivi a me@a.org, 3 < 5"),
            pair("Go to www.a.org.", "看 www.a.org。", "zh"),
        ],
        [
            pair("<image>\nA dog", "Un cane"),
            pair("A dog at [0.1, 0.2, 0.3, 0.4]", "Un cane a [0.1, 0.2, 0.3, 0.5]"),
            pair("<image> and <image>", "<image> e"), pair("See https://a.org/x", "Vedi https://a.org/y"),
            pair("the {name}", "il {nome}"), pair("Run `cat`", "Esegui `gatto`"),
            pair("A dog", "Un cane <image>"),
        ],
    ),
    (
        f.Numbers(),
        [
            pair("1,000.5 meters", "1.000,5 metri"), pair("1,000 meters", "1 000 mètres", "fr"),
            pair("1,000 meters and 1.234", "1,000 metri e 1.234"),
            pair("There are 2 dogs and three cats.", "Ci sono due cani e 3 gatti."),
            pair("the 19th century, at 3:15 pm", "il XIX secolo, alle 15:15"),
            pair("the v7w set", "l'insieme v7w"), pair("12 o'clock", "12etan", "eu"),
            pair("5 dogs", "cinco cães", "pt"), pair("٣ dogs", "3 cani"),
        ],
        [
            pair("3 dogs", "4 cani"), pair("3 dogs", "quattro cani"), pair("1,000 meters", "1,5 metri"),
            pair("built in 1386", "costruito nel 1368"), pair("the v7w set", "l'insieme v8w"),
            pair("some dogs", "7 cani"), pair("25 dogs", "cani"), pair("5 dogs", "6 cães", "pt"),
            pair("1.4 million", "14 milioni"),
        ],
    ),
    (
        f.OptionLabels(),
        [
            pair("A. cat\nB. dog", "A. gatto\nB. cane"), pair("(1) red\n(2) blue", "(1) rosso\n(2) blu"),
            pair("Which? (A) cat (B) dog", "Quale? (A) gatto (B) cane"),
            pair("a) one\n\n b) two", "a) uno\n b) due"),
        ],
        [
            pair("A. cat\nB. dog", "A. gatto\ncane"), pair("A. cat\nB. dog", "B. gatto\nA. cane"),
            pair("(1) red\n(2) blue", "(1) rosso\n2. blu"), pair("cat", "A. gatto"),
        ],
    ),
    (
        f.Empty(),
        [pair("a dog", "un cane"), pair("...", "…"), pair("3", "3"), pair("a", "犬", "ja")],
        [pair("a dog", ""), pair("a dog", " \n"), pair("a dog", "..."), pair("!", ""), pair("3", "-")],
    ),
    (
        f.LengthRatio(),
        [pair("TV", "televisione"), pair("refrigerator", "frigo"), pair("x" * 40, "y" * 80)],
        [
            pair("dog", "Questo è un cane che corre."),
            pair("a brown dog", "un cane marrone che corre lungo la spiaggia"),
            pair("A dog is running on the beach.", "Un cane"), pair("x" * 40, "y" * 81),
        ],
    ),
    (
        f.QuestionMark(),
        [
            pair("Is it?", "Lo è?"), pair("Is it?", "是吗？", "zh"),
            pair('He asked "why?"', "Ha chiesto «perché?»."), pair("Is it?", "Είναι;", "el"),
        ],
        [pair("Is it?", "Lo è."), pair("Is it red?", "È rosso"), pair("Why? ", "Perché!")],
    ),
    (
        f.Unfinished(),
        [
            pair("A dog is running on the beach.", "Un cane corre sulla spiaggia."),
            pair("A dog is running on the beach.", "犬が浜辺を走っています。", "ja"),
            pair("A dog is running on the beach!", "Un cane corre «sulla spiaggia!»"),
        ],
        [
            pair("A dog is running on the beach.", "Un cane corre sulla"),
            pair("A dog runs. It is on the beach.", "Un cane corre. È sulla spiaggia,"),
            pair("Who is running on the beach?", "Chi corre (sulla"),
        ],
    ),
    (
        f.Repetition(),
        [
            pair("no, no, no, no, no", "no, no, no, no, no"), pair("hahahahaha", "ahahahahah"),
            pair("a red car and a red bus and a red bike", "un'auto rossa e un bus rosso e una bici rossa"),
            pair("the dog and the cat", "il cane e il gatto"),
        ],
        [
            pair("a dog", "un cane cane cane cane"), pair("a dog", "un cane un cane un cane un cane un cane"),
            pair("dog", "canecanecanecanecane"), pair("a dog", "犬犬犬犬犬犬犬", "ja"),
            pair("A dog on a beach", "Un cane sulla spiaggia di sabbia " * 4),
        ],
    ),
    (
        f.TargetLanguage(),
        [
            pair("A dog is running on the beach.", "Un cane corre sulla spiaggia."),
            pair("A dog is running on the beach.", "Txakur bat hondartzan korrika ari da.", "eus"),
            pair("A dog is running on the beach.", "Un chien court sur la plage.", "fr"),
            pair("A dog is running on the beach.", "Ein Hund läuft am Strand.", "de-AT"),
            pair("A dog is running on the beach.", "Un perro corre por la playa.", "es"),
            pair("10.52", "10.52"), pair("pizza", "pizza"), pair("5 km", "5 km"),
            *copies(*NAMES), pair("San Francisco", "San Francisco"),
            pair("pizza hut", "Pizza Hut", "eu", kind="option"),
        ],
        [
            pair("A dog is running on the beach.", "A dog is running on the beach."),
            pair("a red bus", "A red bus"), pair("red bus", "red bus"),
            *copies(*NO_NAMES), pair("united airlines", "united airlines", kind="caption"),
            pair("A woman is cutting vegetables.", "The woman cuts the vegetables", "eu"),
            pair("A dog is running on the beach.", "Un perro está corriendo por la playa."),
        ],
    ),
    (
        f.OutOfDomain(min_score=-1.0),
        [pair("a", "b", score=-0.5), pair("a", "b", score=-1.0), pair("a", "b", score=0.0)],
        [
            pair("a", "b", score=-1.5), pair("a", "b", score=float("nan")),
            pair("a parade", "una parata", score=-0.1, note="unknown word 'parade'"),
        ],
    ),
]
# fmt: on


@pytest.mark.parametrize(("one", "good", "bad"), CASES, ids=[case[0].name for case in CASES])
def test_good_pairs_pass_and_bad_ones_do_not(one: Filter, good: list[Pair], bad: list[Pair]) -> None:
    assert [case for case in good if refused(case, (one,))] == []
    assert [case for case in bad if not refused(case, (one,))] == []


def test_an_answer_in_small_letters_that_may_be_a_name_is_its_own_translation() -> None:
    """For all filters: one of VQAv2's ten answers that is refused costs the question."""
    for language in ("it", "eu", "de"):
        for one in copies(*NAMES):
            assert refused(replace(one, target_language=language), default_filters()) == [], (language, one)


@pytest.mark.parametrize(
    ("one", "case"),
    [
        (f.Placeholders(), pair("a dog", "un cane")),
        (f.Numbers(), pair("a dog", "un cane")),
        (f.OptionLabels(), pair("A dog", "Un cane")),
        (f.Empty(), pair(" ", "")),
        (f.LengthRatio(), pair("A dog on a beach", "浜辺の犬", "ja")),
        (f.LengthRatio(), pair("10", "10")),
        (f.QuestionMark(), pair("It is.", "Lo è.")),
        (f.QuestionMark(), pair("Is it?", "そうですか。", "ja")),
        (f.TargetLanguage(), pair("a red bus", "un bus")),
        (f.TargetLanguage(), pair("A dog is running on the beach.", "A dog is running.", "br")),
        (f.TargetLanguage(), pair("<image> pizza", "<image> pizza")),
        (f.OutOfDomain(), pair("a", "b", score=-9.0)),
        (f.OutOfDomain(min_score=-1.0), pair("a", "b")),
    ],
)
def test_a_filter_that_does_not_apply_gives_no_finding(one: Filter, case: Pair) -> None:
    assert check([case], [one]) == []


def test_a_finding_says_what_was_measured_against_what() -> None:
    [finding] = check([pair("A dog is running on the beach.", "Un cane")], [f.LengthRatio()])
    assert (finding.filter, finding.field, finding.threshold) == (
        "length_ratio_v1",
        "text",
        "allowed: 0.5 to 2.2",
    )
    assert finding.figure == pytest.approx(7 / 30)
    assert not finding.accepted
    [finding] = check([pair("3 dogs, 4 cats", "5 cani, 6 gatti")], [f.Numbers(allowed=2)])
    assert (finding.figure, finding.accepted) == (2, True)


def test_names_are_distinct_and_versioned() -> None:
    names = [one.name for one in default_filters()]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z_]+_v\d+", name) for name in names)


@given(st.text(max_size=200), st.text(max_size=200), st.sampled_from(["it", "eus", "zh", "xx", "pt-BR", ""]))
@settings(max_examples=300, deadline=None)
def test_any_pair_is_measured(source: str, target: str, language: str) -> None:
    for finding in check([pair(source, target, language)], default_filters()):
        assert finding.threshold
        assert finding.accepted in (True, False)


@given(st.text(alphabet="ab 12.,:<>[]{}`()AB\n", max_size=80))
def test_a_text_agrees_with_itself(text: str) -> None:
    assert refused(pair(text, text), (f.Placeholders(), f.Numbers(), f.OptionLabels(), f.Repetition())) == []


HOSTILE = [
    "<",
    "[1,",
    "`a ",
    "http://(",
    "a@",
    "{",
    "A. ",
    "ab",
    "a ",
    "<a b=",
    "1 ",
    '"a',
    "«",
    "'a ",
    "Ab ",
    "<|",
    "a-",
]


@pytest.mark.parametrize("unit", HOSTILE)
def test_hostile_texts_are_measured_before_the_test_times_out(unit: str) -> None:
    text = unit * (50_000 // len(unit))
    check([pair(text, "x"), pair("x", text), pair(text, text)], default_filters())


def test_thresholds_are_set_by_name_and_an_unknown_one_lists_what_there_is() -> None:
    filters = {item.name: item for item in configured_filters(("length_ratio_v1.widened=2", "numbers_v2.allowed=1"))}
    pair = Pair("text", "Three red cups stand on the old table.", "Tre tazze.", "en", "it")
    assert not LengthRatio().accepts(pair, 0.3)
    assert filters["length_ratio_v1"].accepts(pair, 0.3)
    assert filters["numbers_v2"].accepts(pair, 1.0)
    with pytest.raises(
        ValueError, match=r"length_ratio_v2.widened=2: no such threshold; there are .*length_ratio_v1.widened"
    ):
        configured_filters(("length_ratio_v2.widened=2",))
    with pytest.raises(ValueError, match="'much' is no number"):
        configured_filters(("numbers_v2.allowed=much",))


def test_a_finding_says_in_words_what_would_have_passed() -> None:
    pair = Pair("text", "A red cup on the table.", "Una tazza.", "en", "it", note="not in the demo grammar: cup")
    said = {finding.filter: finding.threshold for finding in check([pair], default_filters())}
    assert said["out_of_domain_v1"] == "not in the demo grammar: cup"
    assert said["length_ratio_v1"] == "allowed: 0.5 to 2.2"
    assert said["empty_v1"] == "allowed: at most 0"
