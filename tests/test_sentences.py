"""Sentences and back: lossless for any text, and the hard cases of real ones."""

from collections.abc import Callable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from translators import placeholders
from translators.sentences import split, split_long, split_pieces

LANGUAGES = ("en", "es", "fr", "de", "it", "eu", "zh", "ja", "ru", "hi", "th", "xx", "", "english", "pt-BR", "zh_Hant")
WRITTEN = "ab AÉñ.?!…\n\r\t\"'()«»「」。！？，؟।1२\x00\x85\xa0\u2028\u3000\u0301\u200b\ud800😀".replace("\n", "\r\n")
TEXT = st.one_of(st.text(), st.text(st.sampled_from(WRITTEN)), st.text(st.characters(exclude_categories=())))
Pairs = list[tuple[str, str]]


def joined(pairs: Pairs) -> str:
    return "".join(sentence + separator for sentence, separator in pairs)


def check(pairs: Pairs) -> None:
    """What every splitting keeps to, whatever the text."""
    for index, (sentence, separator) in enumerate(pairs):
        assert sentence == sentence.strip()
        assert sentence or (index == 0 and separator), "only the first may be empty, to hold what is before"
        assert not sentence or any(map(str.isalpha, sentence))
        assert not any(map(str.isalpha, separator))


@settings(deadline=None)
@given(TEXT, st.sampled_from(LANGUAGES))
@example("J.\u00a0K. Rowling. A\u2028B. \x85C.", "en")
@example("a\ud800. B.", "en")
def test_sentences_and_separators_are_the_text(text: str, language: str) -> None:
    pairs = split(text, language)
    assert joined(pairs) == text
    check(pairs)


@settings(deadline=None)
@given(TEXT, st.sampled_from(LANGUAGES))
@example("A?A", "en")
@example("A.)A", "en")
@example("你好!再见?", "zh")
def test_pieces_cut_further_are_the_text(text: str, language: str) -> None:
    pieces = split_pieces(placeholders.split(text), language)
    assert "".join(pieces.parts) == text
    assert placeholders.join(pieces, placeholders.texts(pieces)) == text
    assert all(a or b for a, b in zip(pieces.translatable, pieces.translatable[1:], strict=False))
    assert all(part.strip() == part and any(map(str.isalpha, part)) for part in placeholders.texts(pieces))


@settings(deadline=None)
@given(TEXT, st.integers(1, 30))
def test_long_text_fits_or_a_word_is_named(text: str, limit: int) -> None:
    def fits(piece: str) -> bool:
        return len(piece) <= limit

    try:
        pairs = split_long(text, fits)
    except ValueError:
        assert any(len(word) > limit for word in text.split())
        return
    assert joined(pairs) == text
    assert all(fits(sentence) for sentence, _ in pairs)
    check(pairs)


CASES = {
    "en": [
        ["Dr. Smith paid $3.50 to Mrs. Jones.", "She was pleased."],
        ["J. K. Rowling wrote it.", "J. R. R. Tolkien did not."],
        ['"Is it red?" she asked.', '"No!"'],
        ["He said “Stop. Go home.” to us.", "We stayed."],
        ["What?!", "You did it?!", "No way!!!"],
        ["Well... I am not sure.", "Perhaps…"],
        ["See https://example.org/a?b=c.d for more.", "It is free."],
        ["Visit www.example.com.", "Then write to me@example.com."],
        ["It has approx. five legs, i.e. a lot, e.g. for a cat.", "Put it down."],
        ["The No. 5 bus leaves at 5 p.m. from St. Mark's Square.", "Do not miss it."],
        ["A man (in a hat) waits.", "A dog, a cat, etc. are there too."],
        ["a dog runs.", "the dog is brown.", "it is wet."],
        ["Is there a cat?", "yes."],
        ["Version 2.0 of Node.js came out.", "Nobody saw it."],
    ],
    "es": [["La Sra. López vive aquí.", "¿Quién es el Dr. Ruiz?", "¡No lo sé!"]],
    "fr": [["M. Dupont est parti.", "« Où va-t-il ? »", "Il est 10 h."]],
    "de": [["Am 3. Oktober war z. B. Prof. Weber da.", "Das war gut."], ["Er ist Dipl.-Ing. und wohnt hier.", "Ja."]],
    "it": [["Il sig. Rossi è arrivato alle 8.30.", "Che ore sono?", "Sono le dieci."]],
    "eu": [["Kaixo.", "2010. urtean jaio zen.", "Bi animalia, adib. katuak, daude.", "Non bizi da?"]],
    "zh": [["你好。", "这是一只猫！", "它是红色的吗？"]],
    "ja": [["猫がいます。", "何色ですか？", "赤です！"]],
}


@pytest.mark.parametrize(("language", "sentences"), [(code, case) for code, cases in CASES.items() for case in cases])
def test_hard_cases(language: str, sentences: list[str]) -> None:
    between = "" if language in ("zh", "ja") else "  "
    text = between.join(sentences)
    assert [sentence for sentence, _ in split(text, language)] == sentences
    assert joined(split(text, language)) == text


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("", []),
        ("   ", [("", "   ")]),
        ("12.5", [("", "12.5")]),
        ("1. One thing.\n2. Two things.\n", [("", "1. "), ("One thing.", "\n2. "), ("Two things.", "\n")]),
        ("One line\nAnother line", [("One line", "\n"), ("Another line", "")]),
        ("A cat. 3. A dog.", [("A cat.", " 3. "), ("A dog.", "")]),
        ("  A\u00a0cat.\u00a0\n\n\tA dog. ", [("", "  "), ("A\u00a0cat.", "\u00a0\n\n\t"), ("A dog.", " ")]),
    ],
)
def test_what_holds_no_letter_is_a_separator(text: str, pairs: Pairs) -> None:
    assert split(text, "en") == pairs


def test_no_code_of_a_language_leaves_the_text_whole() -> None:
    assert split("A cat. A dog.", "English, I think") == [("A cat. A dog.", "")]
    assert split("A cat. A dog.", "en-GB") == split("A cat. A dog.", "en")


def test_pieces_keep_what_the_model_must_not_see() -> None:
    pieces = split_pieces(placeholders.split("<image>\nIs it red? Say why.  1. It is. (A) Yes. Very. (B) No."), "en")
    wanted = ["Is it red?", "Say why.", "It is.", "Yes.", "Very.", "No."]
    assert placeholders.texts(pieces) == wanted
    assert placeholders.join(pieces, [text.upper() for text in wanted]) == (
        "<image>\nIS IT RED? SAY WHY.  1. IT IS. (A) YES. VERY. (B) NO."
    )


def at_most(characters: int) -> Callable[[str], bool]:
    return lambda piece: len(piece) <= characters


@pytest.mark.parametrize(
    ("text", "limit", "pieces"),
    [
        ("A cat, a dog, and a bird", 24, ["A cat, a dog, and a bird"]),
        ("A cat on a mat, a dog; a bird", 20, ["A cat on a mat,", "a dog; a bird"]),
        ("one two three four", 9, ["one two", "three", "four"]),
        ("costs 1,000,000 or 3.5 pounds", 20, ["costs 1,000,000", "or 3.5 pounds"]),
        ("在红色的桌子上，有一只猫", 8, ["在红色的桌子上，", "有一只猫"]),
        ("在红色的桌子上有猫", 5, ["在红色的", "桌子上有猫"]),
        ("สวัสดีครับ", 6, ["สวัส", "ดีครับ"]),
    ],
)
def test_long_text_is_cut_where_it_hurts_least(text: str, limit: int, pieces: list[str]) -> None:
    assert [piece for piece, _ in split_long(text, at_most(limit))] == pieces


def test_a_word_too_long_is_named() -> None:
    with pytest.raises(ValueError, match="40 characters does not fit: 'ooooo"):
        split_long("a cat " + "o" * 40, at_most(10))


def test_a_very_long_text_is_cut_in_few_questions() -> None:
    asked = 0

    def fits(piece: str) -> bool:
        nonlocal asked
        asked += 1
        return len(piece) <= 1000

    text = "word, and another " * 10_000
    pairs = split_long(text, fits)
    assert joined(pairs) == text
    assert asked < 2 * len(pairs)
    assert min(len(piece) for piece, _ in pairs) > 300
