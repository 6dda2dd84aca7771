"""What `--infer` makes of columns: real kinds of columns by name, and any JSON without falling over."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders.transforms.infer import Column, kind_of, survey, together
from builders.transforms.paths import parse_path, parse_paths

SENTENCES = [
    "Is there a bench in the image?", "What is the man on the left holding?", "How many birds sit on the wire?",
    "Why did she close the window?", "Which of the two trains will leave first?", "Where do these people eat?",
]  # fmt: skip
ITALIAN = ["C'è una panchina nell'immagine?", "Che cosa tiene in mano l'uomo a sinistra?", "Quanti uccelli ci sono?"]


def of(values: list[Any], name: str = "column") -> Column:
    (column,) = survey({name: value} for value in values)
    return column


@pytest.mark.parametrize(
    ("name", "values", "what", "translate"),
    [
        ("text", SENTENCES, "text in English", True),
        ("text", [SENTENCES, SENTENCES], "text in English", True),
        ("text", [[[text]] for text in SENTENCES], "text in English", True),
        ("text", ITALIAN, "text in Italian", False),
        ("label", ["yes", "no"] * 9, "a closed set: yes, no", True),
        ("label", ["a man", "a red bus", "the small dog"] * 9, "a closed set of 3", True),
        ("answer", ["B", "A", "D"] * 9, "option labels", False),
        ("from", ["human", "gpt"] * 9, "labels: human, gpt", False),
        ("split", ["train"] * 9, "labels: train", False),
        ("state", ["done", "open"] * 9, "labels, if nobody reads them", False),
        ("id", ["000000310196", "000000210789"], "ids", False),
        ("question_id", ["2db1eeb4317343a3", "066f9b23fc184fe2"], "ids", False),
        ("image", ["COCO_val2014_000000310196.jpg", "a/b.png"], "file names", False),
        ("image", ["a red cat.jpg", "Screenshot 1.PNG"], "file names", False),
        ("price", ["1.25", "13.5"], "numbers", False),
        ("day", ["2020-01-02", "2021-11-30"], "dates", False),
        ("blob", [b"\x00\x01"], "binary data", False),
        ("link", ["https://example.org/a?b=c", "http://example.org"], "URLs", False),
        ("bbox", [[0.1, 2], [3, 4]], "numbers", False),
        ("bbox", ["58.66 48.45 195.27 492.52", "1 2 3 4"], "numbers", False),
        ("answer", [True, False], "true or false", False),
        ("image", [{"bytes": b"\x89PNG", "path": None}], "images", False),
        ("turns", ['[{"from": "human"}]', "[]"], "JSON in text", False),
        ("solution", ["def f(x):\n    return x", "import os\nprint(os)"], "code", False),
        ("blob", ["A" * 300, "iVBORw0KGgo" * 40], "encoded data", False),
        ("note", [None, "", []], "empty", False),
        ("text", [*SENTENCES, 3], "and 1 values that are no text", True),
        ("word", ["puerto rico"], "too little to tell", True),
    ],
)
def test_what_a_column_is(name: str, values: list[Any], what: str, translate: bool) -> None:
    column = of(values, name)
    assert what in column.what
    assert column.translate == translate


def test_languages_are_told_apart_within_a_column() -> None:
    mixed = of([*SENTENCES, *ITALIAN])
    assert mixed.translate
    assert "67% of it; then Italian" in mixed.what


def test_nested_columns_are_seen_by_their_paths() -> None:
    turns = [{"from": "human", "value": "<image>\nWho is at the door?"}, {"from": "gpt", "value": "It is the postman."}]
    found = survey([{"conversations": turns, "a.b": "A cat on the red sofa."}] * 5)
    assert {str(column.path): column.translate for column in found} == {
        "conversations[].from": False, "conversations[].value": True, '"a.b"': True
    }  # fmt: skip


def test_text_here_and_objects_there_are_not_proposed() -> None:
    found = survey([{"a": "A cat sits on the sofa."}, {"a": {"b": "A dog sits on the chair."}}])
    assert {str(column.path): column.translate for column in found} == {"a": False, "a.b": True}


@pytest.mark.parametrize(
    ("name", "kind"),
    [("question", "question"), ("answers", "answer"), ("answer0", "answer"), ("choices[].text", "text"),
     ("stem", "question"), ("options", "option"), ("choices", "option"), ("caption", "caption"), ("hint", "hint"),
     ("rationales", "explanation"), ("conversations[].value", "text"), ("Question_Text", "question")],
)  # fmt: skip
def test_kinds_are_those_of_prompts(name: str, kind: str) -> None:
    assert kind_of(parse_path(name)) == kind


def test_a_question_belongs_to_its_options_and_answers() -> None:
    record = {"question": SENTENCES[0], "answer0": "It is on the left.", "answer1": "They are far away.",
              "context": "A bench stands in the park.", "qa": [{"question": SENTENCES[1], "answer": "He holds a bag."}],
              "caption": "A man waits for the bus."}  # fmt: skip
    groups = [[str(path) for path in group] for group in together(survey([record]))]
    assert groups == [["question", "answer0", "answer1"], ["qa[].question", "qa[].answer"]]
    assert together(survey([{"question": SENTENCES[0]}])) == []


VALUES = st.recursive(
    st.none() | st.integers() | st.text(max_size=20) | st.binary(max_size=3) | st.sampled_from(SENTENCES),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@settings(max_examples=40)
@given(st.lists(st.dictionaries(st.text(max_size=4), VALUES, max_size=3), max_size=4))
def test_any_records_are_surveyed(records: list[dict[str, Any]]) -> None:
    found = survey(records)
    paths = [str(column.path) for column in found]
    assert [str(path) for path in parse_paths(paths)] == paths, "each is there once, and can be given to --fields"
