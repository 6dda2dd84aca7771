"""Boxes, options and instructions: pure functions, by property where there is one."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.sources.multiinstruct_tasks import TASKS
from builders.transforms.boxes import BadBox, Box, normalise, parse_box, replace_boxes
from builders.transforms.instructions import Instructions, _problems, load_instructions
from builders.transforms.options import TargetNotAmongOptions, choose_style, find_targets, lay_out

SIZES = st.integers(1, 5000)
PIXELS = st.floats(-100, 6000, allow_nan=False)


@given(st.tuples(PIXELS, PIXELS, PIXELS, PIXELS), SIZES, SIZES)
def test_a_normalised_box_lies_in_the_image_and_keeps_its_order(
    numbers: tuple[float, float, float, float], width: int, height: int
) -> None:
    box = Box(*numbers)
    try:
        inside, clamped = normalise(box, width, height)
    except BadBox:
        outside = box.x2 <= 0 or box.y2 <= 0 or box.x1 >= width or box.y1 >= height
        # A sliver thinner than floating point can tell apart has no area either.
        assert box.x2 <= box.x1 or box.y2 <= box.y1 or outside or min(box.x2 - box.x1, box.y2 - box.y1) < 1e-9
        return
    assert 0 <= inside.x1 < inside.x2 <= 1
    assert 0 <= inside.y1 < inside.y2 <= 1
    assert clamped == (box.x1 < 0 or box.y1 < 0 or box.x2 > width or box.y2 > height)
    if not clamped:
        assert inside.x1 * width == pytest.approx(box.x1)
        assert inside.y2 * height == pytest.approx(box.y2)


def test_a_box_is_written_with_three_decimals() -> None:
    inside, clamped = normalise(parse_box("77.04 163.2 359.04 364.8"), 642, 480)
    assert str(inside) == "[0.120, 0.340, 0.559, 0.760]"
    assert not clamped
    assert str(normalise(parse_box([0, 0, 640, 480]), 640, 480)[0]) == "[0.000, 0.000, 1.000, 1.000]"


@pytest.mark.parametrize("value", ["1 2 3", "a b c d", [1, 2, 3], None, {"x": 1}, "1 2 3 nan", [1, 2, 3, True], 7])
def test_what_is_no_box_is_an_error(value: object) -> None:
    with pytest.raises(BadBox):
        parse_box(value)


def test_only_known_box_strings_are_rewritten() -> None:
    shown = {"7 174 440 329": "[A]", "17.5 1 2 3": "[B]"}
    text = "In 1999, person 1 in 7 174 440 329, not 17 174 440 329 nor 7 174 440 3290, and 17.5 1 2 3."
    assert replace_boxes(text, shown) == ("In 1999, person 1 in [A], not 17 174 440 329 nor 7 174 440 3290, and [B].")


OPTIONS = st.lists(st.text(min_size=1).map(str.strip).filter(bool), min_size=1, max_size=40)


@given(OPTIONS, st.data())
def test_the_identifier_points_at_the_target(options: list[str], data: st.DataObject) -> None:
    target = data.draw(st.sampled_from(options))
    style = choose_style(len(set(options)), random.Random(data.draw(st.integers())))
    laid_out = lay_out(options, [target], style)
    assert len(laid_out.lines) == len(set(options))
    assert laid_out.merged == len(options) - len(set(options))
    if style == "plain":
        assert laid_out.answer == target
    else:
        assert laid_out.lines.count(f"{laid_out.answer}. {target}") == 1


@given(
    st.lists(st.text("abc ,", min_size=1).map(str.strip).filter(bool), min_size=1, max_size=6, unique=True), st.data()
)
def test_several_targets_are_found_in_any_order(options: list[str], data: st.DataObject) -> None:
    plain = [option for option in options if "," not in option]
    if not plain:
        return
    chosen = data.draw(st.lists(st.sampled_from(plain), min_size=1, unique=True))
    joined = ", ".join(chosen)
    if joined in options:
        return
    assert sorted(find_targets(joined, options, several=True)) == sorted(chosen)


def test_targets_that_are_no_option_are_an_error() -> None:
    assert find_targets("sheep ", ["giraffe", " sheep"], several=False) == ["sheep"]
    assert find_targets("red, white, blue", ["red, white", "blue"], several=True) == ["red, white", "blue"]
    for target, several in (("cow", False), ("giraffe, cow", True), ("giraffe, sheep", False)):
        with pytest.raises(TargetNotAmongOptions, match=r"\['giraffe', 'sheep'\]"):
            find_targets(target, ["giraffe", "sheep"], several)


def test_more_than_26_options_get_numbers() -> None:
    styles = {choose_style(27, random.Random(seed)) for seed in range(50)}
    assert styles == {"number"}
    assert {choose_style(26, random.Random(seed)) for seed in range(50)} == {"number", "upper", "lower", "plain"}


def test_duplicates_are_merged_and_several_answers_come_in_list_order() -> None:
    laid_out = lay_out(["a", "b", "a", "c"], ["c", "a"], "upper")
    assert laid_out.lines == ("A. a", "B. b", "C. c")
    assert laid_out.answer == "A, C"
    assert laid_out.merged == 1


@pytest.fixture(scope="module")
def italian() -> Instructions:
    return load_instructions("it")


def test_every_task_has_instructions_and_the_guides_are_the_papers(italian: Instructions) -> None:
    assert set(italian.tasks) == set(TASKS)
    assert italian.guides == {
        "number": "Rispondi solamente con il numero dell\u2019opzione corretta dalle scelte date.",
        "letter": "Rispondi solamente con la lettera dell\u2019opzione corretta dalle scelte date.",
        "box": "Rispondi usando una zona di delimitazione.",
        "text": "Rispondi usando una singola parola o frase.",
    }


def test_what_is_wrong_in_an_instruction_file_is_named(italian: Instructions) -> None:
    broken = Instructions(
        "xx", {}, "", {}, {"common": {}}, {"VG": ("Trova {testo}.", "{text}", "a {text}", "b {text}", "c {text}")}
    )
    problems = _problems(broken, [TASKS["VG"]])
    assert "VG: 'Trova {testo}.' uses {testo}, which the task does not have" in problems
    assert "VG: 'Trova {testo}.' does not use {text}" in problems
    assert "guide box is missing" in problems
    with pytest.raises(ValueError, match="no instructions for 'xx'; there are it"):
        load_instructions("xx")


@pytest.mark.parametrize(
    ("task", "english", "expected"),
    [
        ("ITM", "Yes", "Sì"),
        ("object_match", "no", "no"),
        ("VQA_counting", "two", "due"),
        ("image_quality", "no flaws", "nessun difetto"),
        ("missing_object_selection", "None", "Nessuno"),
        ("VQA_color", "mahogany", None),
    ],
)
def test_closed_labels_come_from_the_glossary(
    italian: Instructions, task: str, english: str, expected: str | None
) -> None:
    assert italian.label(task, english) == expected
