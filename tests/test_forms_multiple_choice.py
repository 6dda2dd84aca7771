"""Multiple-choice benchmarks and MLAN's sources: options and answer agree, whatever the translator says."""

import base64
import csv
import io
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.engine import RowError
from builders.sources import records
from builders.sources.forms import FORMS
from builders.sources.forms.agreement import first_equals, plain, told_options
from builders.sources.items import ImageAt
from builders.sources.slices import FileOptions
from tests.nasty_server import picture
from tests.told import original, read, translated

PICTURE = picture("PNG", 1)
STRUCT = {"bytes": PICTURE, "path": None}
OKVQA, MMBENCH, SCIENCE, AI2D = (FORMS[name] for name in ("a_okvqa", "mmbench", "scienceqa", "ai2d"))
SQUAD, STRATEGY, CSQA, COSMOS, ARC = (
    FORMS[name] for name in ("squad", "strategyqa", "commonsense_qa", "cosmos_qa", "arc")
)

A_OKVQA = {
    "split": "val", "image_id": 461751, "question_id": "22jbM6gDxdaMaunuzgrsBB", "question": "What is in the cup?",
    "choices": ["tea", "soup", "milk", "sand"], "correct_choice_idx": 2, "direct_answers": ["milk"] * 10,
    "difficult_direct_answer": False, "rationales": ["It is white."] * 3,
}  # fmt: skip
MMB = {
    "index": 241, "question": "Which is the main topic?", "hint": "The passage is on farms.", "A": "a cow",
    "B": "a farm", "C": "nan", "D": None, "answer": "B", "category": "image_topic", "image": STRUCT, "source": "own",
    "L2-category": "coarse_perception", "comment": "nan", "split": "dev",
}  # fmt: skip
PROBLEM = {
    "question": "Which of these states is farthest north?", "choices": ["Utah", "Ohio"], "answer": 1, "hint": "",
    "image": "image.png", "task": "closed choice", "grade": "grade2", "subject": "social science",
    "topic": "geography", "category": "Geography", "skill": "Read a map", "lecture": "Maps have four directions.",
    "solution": "Look at the compass.", "split": "val",
}  # fmt: skip
DIAGRAM = {"question": "Which label is the leaf?", "options": ["A", "B", "c", "D"], "answer": "2", "image": STRUCT}
SQUAD_ROW = {
    "id": "56be", "title": "A_Tower", "context": "The tower was built in 1889 by a firm.", "question": "Who built it?",
    "answers": {"text": ["a firm", "1889"], "answer_start": [31, 23]},
}  # fmt: skip
STRATEGY_ROW = {
    "qid": "e004", "term": "Snow", "description": "Frozen water", "question": "Can snow melt in the north?",
    "answer": True, "facts": ["Snow is frozen water.", "Ice melts."], "decomposition": ["Is #1 ice?"], "evidence": [[]],
}  # fmt: skip
OPTIONS = [{"label": "A", "text": "bank"}, {"label": "B", "text": "library"}, {"label": "C", "text": "mall"}]
CSQA_OFFICIAL = {
    "id": "075e", "answerKey": "B",
    "question": {"question_concept": "book", "choices": OPTIONS, "stem": "Where are books?"},
}  # fmt: skip
CSQA_HUB = {
    "id": "075e", "question": "Where are books?", "question_concept": "book", "answerKey": "B",
    "choices": {"label": ["A", "B", "C"], "text": ["bank", "library", "mall"]},
}  # fmt: skip
ARC_OFFICIAL = {
    "id": "Mercury_1", "answerKey": "2",
    "question": {
        "stem": "Which is metal?", "choices": [{"text": "wood", "label": "1"}, {"text": "iron", "label": "2"}],
    },
}  # fmt: skip
ARC_HUB = {
    "id": "Mercury_1", "question": "Which is metal?", "answerKey": "2",
    "choices": {"text": ["wood", "iron"], "label": ["1", "2"]},
}  # fmt: skip
COSMOS_ROW = {
    "id": "3BFF", "context": "It was late and I was tired .", "question": "Why did I go home ?",
    "answer0": "I was late .", "answer1": "I was tired .", "answer2": "I was hungry .",
    "answer3": "None of the above choices .", "label": "1",
}  # fmt: skip


# A-OKVQA


def test_a_okvqa_question_and_options_are_one_unit() -> None:
    counters = Counter[str]()
    item = read(OKVQA, A_OKVQA, "eu", counters)
    assert [(each["name"], each["kind"]) for each in item.fields] == [
        ("question", "question"), *((f"options.{n}", "option") for n in range(4)),
    ]  # fmt: skip
    assert {each["unit"] for each in item.fields} == {0}
    row = translated(OKVQA, item)
    assert row == {
        "question_id": "22jbM6gDxdaMaunuzgrsBB", "question": "«What is in the cup?»",
        "choices": ["«tea»", "«soup»", "«milk»", "«sand»"], "correct_choice_idx": 2, "difficult_direct_answer": False,
    }  # fmt: skip
    assert (item.split, item.image) == ("validation", ImageAt(path="val2017/000000461751.jpg"))
    assert counters["left_out/rationales"] == counters["left_out/direct_answers"] == 1


def test_a_okvqa_on_the_hub() -> None:
    """Direct answers are a list written out as text there; nothing of them is published."""
    raw = {name: value for name, value in A_OKVQA.items() if name not in ("split", "image_id")}
    item = read(OKVQA, raw | {"image": STRUCT, "direct_answers": "['milk', 'milk']"})
    assert (item.image.data, item.split) == (PICTURE, "")


def test_a_okvqa_s_test_split_has_no_right_option() -> None:
    raw = {name: A_OKVQA[name] for name in ("image_id", "question_id", "question", "choices")} | {"split": "test"}
    item = read(OKVQA, raw | {"correct_choice_idx": None})
    assert translated(OKVQA, item)["correct_choice_idx"] is None
    assert item.image.path == "test2017/000000461751.jpg"


def test_options_that_are_numbers_or_yes_and_no_are_by_hand() -> None:
    item = read(OKVQA, A_OKVQA | {"choices": ["1", "2", "10.52", "$2.50"]})
    assert translated(OKVQA, item)["choices"] == ["1", "2", "10.52", "$2.50"]
    item = read(OKVQA, A_OKVQA | {"choices": ["yes", "no"], "correct_choice_idx": "1"})
    assert translated(OKVQA, item)["choices"] == ["bai", "ez"]
    item = read(OKVQA, A_OKVQA | {"choices": ["1", "none", "3", "4"]})
    assert [each["by"] for each in item.fields] == ["machine"] * 5  # the list is shown as a whole


def test_options_that_collapse_cost_the_row() -> None:
    item = read(OKVQA, A_OKVQA)
    with pytest.raises(RowError, match="options 0 and 1 have become one and the same: 'Tea'") as caught:
        translated(OKVQA, item, {"tea": "tea", "soup": "Tea "})
    assert caught.value.error_class == "OptionsCollapse"
    assert original(OKVQA, item)["choices"] == A_OKVQA["choices"]


def test_options_that_were_equal_stay_equal() -> None:
    item = read(OKVQA, A_OKVQA | {"choices": ["tea", "milk", "tea", "sand"]})
    row = translated(OKVQA, item, {"options.0": "tea", "options.2": "infusion"})
    assert row["choices"] == ["tea", "«milk»", "tea", "«sand»"]


@pytest.mark.parametrize(
    ("change", "error_class"),
    [
        ({"correct_choice_idx": 4}, "TargetNotAmongOptions"),
        ({"correct_choice_idx": -1}, "TargetNotAmongOptions"),
        ({"correct_choice_idx": 1.5}, "WrongType"),
        ({"choices": ["tea"]}, "BadOptions"),
        ({"choices": ["tea", " "]}, "BadOptions"),
        ({"choices": ["tea", 2]}, "WrongType"),
        ({"choices": "['tea', 'milk']"}, "WrongType"),
        ({"choices": None}, "MissingField"),
        ({"question": ""}, "MissingField"),
        ({"difficult_direct_answer": "perhaps"}, "WrongType"),
    ],
)
def test_what_is_not_a_okvqa_costs_its_row(change: dict[str, Any], error_class: str) -> None:
    with pytest.raises(RowError) as caught:
        OKVQA.read(A_OKVQA | change, "eu", Counter())
    assert caught.value.error_class == error_class


# Agreement

TEXTS = st.sampled_from(["tea", "Tea", " tea", "soup", "milk", "Milk "])


@given(st.lists(TEXTS, min_size=2, max_size=6), st.data())
def test_options_keep_their_places_or_the_row_is_refused(options: list[str], data: st.DataObject) -> None:
    """Equal exactly where the source's are equal, and different by more than case where those were."""
    says = data.draw(st.lists(TEXTS, min_size=len(options), max_size=len(options)))
    equals, alike = first_equals(options), first_equals(options, plain)
    told = {f"options.{n}": text for n, text in enumerate(says)}
    try:
        made = told_options(told, "options", equals, alike)
    except RowError:
        return
    assert len(made) == len(options)
    for n in range(len(options)):
        for m in range(n):
            assert (made[n] == made[m]) == (options[n].strip() == options[m].strip())
            if plain(options[n]) != plain(options[m]):
                assert plain(made[n]) != plain(made[m])


@given(st.lists(TEXTS, min_size=2, max_size=6))
def test_the_original_s_options_are_as_they_were(options: list[str]) -> None:
    """Also those that differ in case alone, as in questions on spelling."""
    told = {f"options.{n}": text for n, text in enumerate(options)}
    made = told_options(told, "options", first_equals(options), first_equals(options, plain))
    assert made == [option.strip() for option in options]


# MMBench


def test_mmbench_has_options_by_letter_and_perhaps_a_hint() -> None:
    row = translated(MMBENCH, read(MMBENCH, MMB))
    assert [row[letter] for letter in "ABCDE"] == ["«a cow»", "«a farm»", None, None, None]
    assert (row["hint"], row["answer"], row["comment"]) == ("«The passage is on farms.»", "B", None)
    assert (row["index"], row["L2-category"]) == (241, "coarse_perception")
    assert read(MMBENCH, MMB).split == "validation"


@pytest.mark.parametrize("nothing", ["nan", float("nan"), None, "", " NaN "])
def test_mmbench_s_ways_to_say_nothing(nothing: Any) -> None:
    row = translated(MMBENCH, read(MMBENCH, MMB | {"hint": nothing, "C": nothing, "D": nothing, "split": nothing}))
    assert (row["hint"], row["C"], row["D"]) == (None, None, None)


def test_mmbench_options_may_skip_a_letter() -> None:
    row = translated(MMBENCH, read(MMBENCH, MMB | {"C": None, "D": "a barn", "E": 2.5, "answer": "D"}))
    assert [row[letter] for letter in "ABCDE"] == ["«a cow»", "«a farm»", None, "«a barn»", "«2.5»"]


def test_mmbench_s_answer_is_one_of_its_options() -> None:
    with pytest.raises(RowError, match="the right option is 'C'; there are A, B") as caught:
        MMBENCH.read(MMB | {"answer": "C"}, "eu", Counter())
    assert caught.value.error_class == "TargetNotAmongOptions"
    assert translated(MMBENCH, read(MMBENCH, MMB | {"answer": "nan"}))["answer"] is None  # the test split


def test_mmbench_s_own_file(tmp_path: Path) -> None:
    """A TSV with base64 images, an image that is another row's index, and a hint over two lines."""
    encoded = base64.b64encode(PICTURE).decode()
    names = ["index", "question", "hint", "A", "B", "C", "D", "answer", "category", "image", "l2-category", "split"]
    rows = [
        [1, "Which one?", "First line\nand second", "2", "3", "4", "5", "A", "x", encoded, "y", "dev"],
        [1000001, "Which one?", "nan", "3", "4", "5", "2", "D", "x", "1", "y", "dev"],
    ]
    written = io.StringIO()
    csv.writer(written, delimiter="\t").writerows([names, *rows])
    file = tmp_path / "MMBench_DEV_EN_legacy.tsv"
    file.write_text(written.getvalue())
    _, slices = records.scan((str(file),), 10, 0, FileOptions())
    counters = Counter[str]()
    raws = [raw.value for piece in slices for raw in records.read(piece)]
    items = [read(MMBENCH, raw, "it", counters) for raw in raws if raw]
    assert [item.image for item in items] == [ImageAt(data=PICTURE), ImageAt()]
    assert counters["image_in_another_row"] == 1
    made = [translated(MMBENCH, item) for item in items]
    assert [row["answer"] for row in made] == ["A", "D"]
    assert [row[letter] for row, letter in zip(made, "AD", strict=True)] == ["2", "2"]
    assert made[0]["hint"] == "«First line\nand second»"
    assert made[0]["L2-category"] == "y"


# ScienceQA


def test_scienceqa_s_own_files(tmp_path: Path) -> None:
    """An object of problems by number; the image lies in a folder of split and number."""
    file = tmp_path / "problems.json"
    file.write_text(json.dumps({"1": PROBLEM, "2": PROBLEM | {"image": None, "lecture": "", "split": "minitrain"}}))
    _, slices = records.scan((str(file),), 10, 0, FileOptions())
    items = [read(SCIENCE, raw.value) for piece in slices for raw in records.read(piece) if raw.value]
    rows = [translated(SCIENCE, item) for item in items]
    assert [row["question_id"] for row in rows] == ["1", "2"]
    assert [item.image for item in items] == [ImageAt(path="val/1/image.png"), ImageAt()]
    assert [item.split for item in items] == ["validation", "minitrain"]
    assert (rows[0]["choices"], rows[0]["answer"]) == (["«Utah»", "«Ohio»"], 1)
    assert (rows[0]["hint"], rows[0]["lecture"], rows[1]["lecture"]) == ("", "«Maps have four directions.»", "")
    assert rows[0]["skill"] == "Read a map"


def test_scienceqa_s_lecture_is_a_unit_of_its_own() -> None:
    """Hundreds of problems share one: it is translated once."""
    units = {each["name"]: each["unit"] for each in read(SCIENCE, PROBLEM | {"hint": "See the map."}).fields}
    assert units["question"] == units["options.0"] == units["hint"] == 0
    assert len({units["question"], units["lecture"], units["solution"]}) == 3


def test_options_that_differ_in_case_alone_may_stay_so() -> None:
    item = read(SCIENCE, PROBLEM | {"choices": ["the New York times", "The New York Times"]})
    row = translated(SCIENCE, item, {"options.0": "il New York times", "options.1": "Il New York Times"})
    assert row["choices"] == ["il New York times", "Il New York Times"]
    with pytest.raises(RowError, match="one and the same"):
        translated(SCIENCE, item, {"options.0": "il Times", "options.1": "il Times"})


# AI2D


def test_ai2d_s_labels_are_not_translated() -> None:
    row = translated(AI2D, read(AI2D, DIAGRAM))
    assert (row["options"], row["answer"]) == (["A", "B", "c", "D"], "2")


@pytest.mark.parametrize("answer", ["4", "-1", "leaf", ""])
def test_ai2d_s_answer_is_an_index(answer: str) -> None:
    with pytest.raises(RowError) as caught:
        AI2D.read(DIAGRAM | {"answer": answer}, "eu", Counter())
    assert caught.value.error_class in ("TargetNotAmongOptions", "MissingField")


# MLAN's sources


@pytest.mark.parametrize(
    ("form", "official", "hub"), [(CSQA, CSQA_OFFICIAL, CSQA_HUB), (ARC, ARC_OFFICIAL, ARC_HUB)], ids=["csqa", "arc"]
)
def test_official_and_hub_shapes_are_one(form: Any, official: dict[str, Any], hub: dict[str, Any]) -> None:
    first, second = read(form, official), read(form, hub)
    assert first == second
    assert original(form, first) == hub


@pytest.mark.parametrize("key", ["", None])
def test_a_test_split_has_no_key(key: str | None) -> None:
    assert translated(CSQA, read(CSQA, CSQA_HUB | {"answerKey": key}))["answerKey"] == ""


def test_a_key_that_labels_no_option() -> None:
    with pytest.raises(RowError, match="the right option is 'B'; there are 1, 2"):
        ARC.read(ARC_HUB | {"answerKey": "B"}, "eu", Counter())


def test_squad_s_answers_are_found_again_in_the_translation() -> None:
    """A span that is no longer one begins at -1; the context is a unit of its own, for several questions share it."""
    item = read(SQUAD, SQUAD_ROW, "it")
    assert original(SQUAD, item) == SQUAD_ROW
    says = {"context": "La torre fu costruita nel 1889 da una ditta.", "answers.0": "un'azienda"}
    row = translated(SQUAD, item, says)
    assert row["answers"] == {"text": ["un'azienda", "1889"], "answer_start": [-1, 26]}
    assert {each["unit"] for each in item.fields if each["name"] != "context"} == {0}


@pytest.mark.parametrize(
    ("context", "answer", "start"),
    [
        ("Il 13 e il 3.", "3", 11), ("Nel 13.", "3", -1), ("Costa US$5.", "$5", 8), ("Una diga", "diga", 4),
        ("Prodigare", "diga", -1), ("(a.b) a.b", "a.b", 1), ("axb", "a.b", -1),
    ],
)  # fmt: skip
def test_squad_s_answers_are_found_as_whole_words(context: str, answer: str, start: int) -> None:
    item = read(SQUAD, SQUAD_ROW | {"answers": {"text": ["a firm"], "answer_start": [None]}})
    row = translated(SQUAD, item, {"context": context, "answers.0": answer})
    assert row["answers"] == {"text": [answer], "answer_start": [start]}


def test_squad_spans_as_objects_and_none() -> None:
    spans = [{"text": "a firm", "answer_start": 31}, {"text": "1889", "answer_start": 23}]
    assert original(SQUAD, read(SQUAD, SQUAD_ROW | {"answers": spans})) == SQUAD_ROW
    row = translated(SQUAD, read(SQUAD, SQUAD_ROW | {"answers": {"text": [], "answer_start": []}}))
    assert row["answers"] == {"text": [], "answer_start": []}


def test_squad_s_official_articles_are_refused_with_what_to_do() -> None:
    with pytest.raises(RowError, match="rajpurkar/squad") as caught:
        SQUAD.read({"title": "A_Tower", "paragraphs": []}, "it", Counter())
    assert caught.value.error_class == "WrongForm"


@pytest.mark.parametrize(("answer", "label"), [(True, "bai"), (False, "ez"), ("true", "bai"), (None, None)])
def test_strategyqa_has_its_truth_and_a_label(answer: Any, label: str | None) -> None:
    row = translated(STRATEGY, read(STRATEGY, STRATEGY_ROW | {"answer": answer}))
    assert (row["answer"], row["label"]) == ({"bai": True, "ez": False, None: None}[label], label)
    assert row["facts"] == ["«Snow is frozen water.»", "«Ice melts.»"]


def test_cosmosqa_with_and_without_label() -> None:
    row = translated(COSMOS, read(COSMOS, COSMOS_ROW))
    assert (row["label"], row["answer1"], row["context"]) == (1, "«I was tired .»", f"«{COSMOS_ROW['context']}»")
    without = {name: value for name, value in COSMOS_ROW.items() if name != "label"}
    assert translated(COSMOS, read(COSMOS, without))["label"] == -1
    assert translated(COSMOS, read(COSMOS, without | {"label": -1}))["label"] == -1


# Which form is it?

EXAMPLES = {
    "a_okvqa": [A_OKVQA],
    "ai2d": [DIAGRAM],
    "arc": [ARC_OFFICIAL, ARC_HUB],
    "commonsense_qa": [CSQA_OFFICIAL, CSQA_HUB],
    "cosmos_qa": [COSMOS_ROW],
    "gqa": [{"id": "1", "imageId": "n1", "question": "Is it?", "answer": "yes", "fullAnswer": "Yes, it is."}],
    "mmbench": [MMB],
    "mme": [{"question_id": "a/1.png", "image": STRUCT, "question": "Is it?", "answer": "Yes", "category": "a"}],
    "pope": [
        {"question_id": 1, "image": "a.jpg", "text": "Is there a car?", "label": "no"},
        {
            "id": "0",
            "question_id": "1",
            "question": "Is it?",
            "answer": "no",
            "image_source": "a",
            "category": "random",
        },
    ],
    "scienceqa": [PROBLEM],
    "squad": [SQUAD_ROW],
    "strategyqa": [STRATEGY_ROW],
    "vqav2": [
        {"question_id": 1, "image_id": 2, "question": "What?"},
        {"question_id": 1, "id_image": 2, "question": "What?", "answers": ["a"], "multiple_choice_answer": "a"},
    ],
    "wildvision": [
        {"question_id": "a", "instruction": "What?", "image": STRUCT, "language": "English"},
        {"question_id": "a", "question": "What?", "image": [STRUCT], "language": "ita_Latn", "index": 1},
    ],
}


@pytest.mark.parametrize(("name", "raw"), [(name, raw) for name, raws in EXAMPLES.items() for raw in raws])
def test_every_form_knows_its_own_and_no_other_does(name: str, raw: dict[str, Any]) -> None:
    assert [form.name for form in FORMS.values() if form.recognises(raw)] == [name]


ODD = [None, True, 0, 7, -1, 1.5, float("nan"), 10**30, "", " ", "nan", "x", "Z" * 99, b"x", [], [None], ["", "a"],
       ["a", "b"], [1], [{}], [{"text": 1}], {}, {"text": "a"}, {"text": ["a"], "label": []}, {"bytes": 3},
       {"answer": ["a", "b"], "answer_id": "12"}, [[["a"]]]]  # fmt: skip


@pytest.mark.parametrize(("name", "raw"), [(name, raw) for name, raws in EXAMPLES.items() for raw in raws])
def test_an_odd_value_anywhere_is_read_or_refused_by_name(name: str, raw: dict[str, Any]) -> None:
    """Nothing but `RowError` leaves a form, and asking whether it knows a record never fails."""
    form, refused = FORMS[name], 0
    for field in (*raw, "image", "split", "source", "other"):
        for value in ODD:
            changed = raw | {field: value}
            form.recognises(changed)
            try:
                item = form.read(changed, "eu", Counter())
                original(form, item)
            except RowError:
                refused += 1
    assert refused
