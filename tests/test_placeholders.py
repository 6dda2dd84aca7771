"""Protected spans never reach the model and always come back: tables of real forms, then any text at all."""

import re
import time
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from translators.placeholders import Pieces, join, split, texts


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # tags and boxes
        ("<image>\nWhat is the dog doing?", ["What is the dog doing?"]),
        ("<ref>the dog</ref><box>(12,34),(56,78)</box> runs", ["the dog", "runs"]),
        ("Picture 1: <img>data/cat.jpg</img>\nDescribe it.", ["Picture 1:", "Describe it."]),
        ('See <a href="x y">the page</a>.', ["See", "the page"]),
        ("<|im_start|>user: hello<|im_end|>", ["user: hello"]),
        ("if 3 < 5 and x > y", ["if 3 < 5 and x > y"]),
        ("What is in [0.120, 0.340, 0.560, 0.780]?", ["What is in"]),
        ("Boxes: [[0.1,0.2,0.3,0.4], [0.5,0.6,0.7,0.8]] of cats", ["Boxes:", "of cats"]),
        ("A dog (<box>1</box>), asleep.", ["A dog", "asleep."]),
        ("the dog (1, 2, 30, 40) and the cat", ["the dog", "and the cat"]),
        ("in two years (1990, 1995) of war", ["in two years (1990, 1995) of war"]),
        # addresses, code, fields, bars
        ("See https://x.org/a_(b)?q=1. Then go.", ["See", "Then go."]),
        ("(www.example.org) or me@mail.example.org!", ["or"]),
        ("Call `f(x)` first.", ["Call", "first."]),
        ("don`t you think it`s red", ["don`t you think it`s red"]),
        ("Run\n```\ncat a.txt\n```\nnow", ["Run", "now"]),
        ("Hello {user.name}, {0} {{x}} and {} are here", ["Hello", "and", "are here"]),
        ("cat||||dog | big bird", ["cat", "dog", "big bird"]),
        # blanks and line breaks
        ("  a dog \r\n\n  a cat\u2028a cow ", ["a dog", "a cat", "a cow"]),
        ("", []),
        (" \n ", []),
        # option labels
        ("A. dog", ["dog"]),
        ("A dog", ["A dog"]),
        ("A.dog", ["A.dog"]),
        ("B. dog", ["dog"]),
        ("(A) a dog", ["a dog"]),
        ("a) a dog\n b) a cat", ["a dog", "a cat"]),
        ("1. a dog\n2. a cat\n10. a cow", ["a dog", "a cat", "a cow"]),
        ("A: a dog\nB: a cat", ["a dog", "a cat"]),
        ("Options: A. a dog B. a cat C. a cow", ["Options:", "a dog", "a cat", "a cow"]),
        ("Which one? (A) a dog (B) a cat", ["Which one?", "a dog", "a cat"]),
        ("Choose; (1) dog, (2) cat, (3) cow", ["Choose;", "dog,", "cat,", "cow"]),
        ("<image> B) dog", ["dog"]),
        ("The answer is (B).", ["The answer is (B)."]),
        ("rich in vitamin (A) and more", ["rich in vitamin (A) and more"]),
        ("J. K. Rowling wrote it.", ["J. K. Rowling wrote it."]),
        ("made in the U.S.A. in 1990", ["made in the U.S.A. in 1990"]),
        ("Pages 3, 4. Then stop.", ["Pages 3, 4. Then stop."]),
        ("B", []),
        ("(C)", []),
        ("D.", []),
        # numbers and what surrounds them
        ("10.52", []),
        ("3, 4 and 5", ["3, 4 and 5"]),
        ("It cost 1.4 million.", ["It cost 1.4 million."]),
        ("12:30 - 50% ...", []),
        ("- a dog", ["a dog"]),
        ("-5 degrees", ["-5 degrees"]),
        ('He said "stop".', ['He said "stop".']),
        ("犬と猫", ["犬と猫"]),
    ],
)
def test_what_the_model_sees(text: str, expected: list[str]) -> None:
    assert texts(split(text)) == expected


def test_translations_return_to_their_places() -> None:
    pieces = split("<image>\nWhat is it?\nA. a dog\nB. a cat at [0.1, 0.2, 0.3, 0.4]")
    joined = join(pieces, ["Che cos'è?", " un cane\n", "un gatto a"])
    assert joined == "<image>\nChe cos'è?\nA. un cane\nB. un gatto a [0.1, 0.2, 0.3, 0.4]"


@pytest.mark.parametrize("translations", [[], ["uno"], ["uno", "due", "tre"]])
def test_a_count_that_differs_is_an_error(translations: list[str]) -> None:
    with pytest.raises(ValueError, match=rf"{len(translations)} translations for 2 translatable parts"):
        join(split("one\ntwo"), translations)


SPANS = st.one_of(
    st.sampled_from(["<image>", "</ref>", "<box>(1,2),(3,4)</box>", "<|x|>", "{name}", "{0}", "`f(x)`"]),
    st.sampled_from(["https://a.org/x_(y)?z=1", "http://a.org", "me@a.org", "(1, 2, 3, 4)", "||||"]),
    st.sampled_from(["[0.1, 0.2, 0.3, 0.4]", "[[1,2], [3,4]]", "\n", "\r\n \n"]),
)
WORDS = st.sampled_from(["a dog", "A dog", "it is 10.52 m.", "3 cats,", "What?", "1.4 million", "¿Qué?"])
LABELS = st.sampled_from(["A.", "(B)", "c)", "1.", "(12)", "H:", "[D]"])
TEXTS = st.one_of(
    st.text(),
    st.text(alphabet="aAbB1. ,:;?|()[]{}<>/`@-_w\n\u2028é犬", max_size=60),
    st.lists(st.one_of(SPANS, WORDS, LABELS, st.just(" "), st.text(max_size=3))).map("".join),
    st.lists(st.one_of(SPANS, WORDS, LABELS)).map(" ".join),
)
# Written apart from the module's own pattern, and simpler: what no model may see.
FORBIDDEN = re.compile(
    r"<image>|</?box>|https?://\w|\w@\w+\.\w|`[\w()]+`|\{\w*\}|\|"
    r"|\[\d[\d.]*(, ?\d[\d.]*)+\]|[\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]|\A[A-H]\. "
)


@given(TEXTS)
@settings(max_examples=300, deadline=None)
def test_any_text_is_cut_without_loss(text: str) -> None:
    pieces = split(text)
    assert "".join(pieces.parts) == text
    assert all(pieces.parts)
    assert join(pieces, texts(pieces)) == text
    assert join(pieces, [f" {part}\n" for part in texts(pieces)]) == text
    flags = pieces.translatable
    assert all(before or after for before, after in pairwise(flags))


@given(TEXTS)
@settings(max_examples=300, deadline=None)
def test_a_translatable_part_is_nothing_but_text(text: str) -> None:
    for part in texts(split(text)):
        assert part == part.strip()
        assert any(map(str.isalpha, part))
        if "`" not in text:
            assert not FORBIDDEN.search(part)


@given(st.lists(st.tuples(WORDS, SPANS), min_size=1))
def test_a_span_between_words_is_kept_from_the_model(sequence: list[tuple[str, str]]) -> None:
    pieces = split(" ".join(f"{word} {span}" for word, span in sequence))
    kept = "".join(part for part, wanted in zip(pieces.parts, pieces.translatable, strict=True) if not wanted)
    assert texts(pieces) == [word for word, _ in sequence]
    assert re.sub(r"\s", "", kept) == re.sub(r"\s", "", "".join(span for _, span in sequence))


@given(st.lists(WORDS, min_size=1), st.sampled_from(["{}.", "({})", "{})", "{}:"]))
def test_the_labels_of_a_list_are_kept_from_the_model(words: list[str], style: str) -> None:
    labels = [style.format(number + 1) for number in range(len(words))]
    rows = [f"{label} {word}" for label, word in zip(labels, words, strict=True)]
    assert texts(split("\n".join(rows))) == words
    assert texts(split("Which? " + " ".join(rows))) == ["Which?", *words]


def test_pieces_are_equal_by_value() -> None:
    assert split("a dog\n") == Pieces(("a dog", "\n"), (True, False))


HOSTILE = [
    "{",
    "[",
    "[[1,1],",
    "[1,",
    "<a ",
    "<|",
    "<box>",
    "`a ",
    "```",
    "http://",
    "a@",
    "A. ",
    "(B) ",
    "1.",
    " ",
    "(",
]


@pytest.mark.parametrize("unit", HOSTILE)
def test_hostile_texts_take_no_time(unit: str) -> None:
    text = unit * (200_000 // len(unit))
    began = time.perf_counter()
    assert "".join(split(f"x{text}x").parts) == f"x{text}x"
    assert time.perf_counter() - began < 5


def test_sentences_without_a_blank_between_them_get_one_where_the_target_writes_it() -> None:
    pieces = Pieces(("你好。", "我是猫。"), (True, True))
    assert join(pieces, ["Ciao.", "Sono un gatto."]) == "Ciao. Sono un gatto."
    assert join(pieces, ["こんにちは。", "猫です。"]) == "こんにちは。猫です。"
