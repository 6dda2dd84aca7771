"""Open and yes-or-no benchmarks in every shape that they come in: what is asked of a translator, what is published."""

import base64
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.engine import RowError
from builders.sources import records
from builders.sources.forms import FORMS, values
from builders.sources.items import ImageAt
from builders.sources.slices import FileOptions
from builders.transforms.yes_no import ASK, FILE, _labels, closed_field, stays, yes_no_label, yes_or_no
from tests.nasty_server import picture
from tests.told import original, read, translated

PICTURE = picture("PNG", 1)
STRUCT = {"bytes": PICTURE, "path": None}
VQA, WILD, POPE, MME, GQA = (FORMS[name] for name in ("vqav2", "wildvision", "pope", "mme", "gqa"))


def question(answers: Any, **other: Any) -> dict[str, Any]:
    return {"question_id": 262148000, "image_id": 262148, "question": "Where is he looking?", "answers": answers,
            "question_type": "none of the above", "answer_type": "other", **other}  # fmt: skip


def ten(*texts: str) -> list[dict[str, Any]]:
    """Ten answers: these, and the last one again and again."""
    all_ten = [*texts, *[texts[-1]] * 10][:10]
    return [{"answer": text, "answer_confidence": "yes", "answer_id": n} for n, text in enumerate(all_ten, 1)]


# VQAv2


def test_a_question_and_its_answers_are_one_unit() -> None:
    """As the Basque paper's prompt has them: the question, and all ten, in order."""
    item = read(VQA, question(ten("down", "table", "down")))
    assert [each["name"] for each in item.fields] == ["question", *(f"answers.{n}" for n in range(10))]
    assert [each["kind"] for each in item.fields] == ["question", *["answer"] * 10]
    assert {each["unit"] for each in item.fields} == {0}
    assert {each["by"] for each in item.fields} == {"machine"}


def test_equal_answers_stay_equal() -> None:
    """The most frequent translation of an answer is that of all, the first on a tie; the ten keep their places."""
    item = read(VQA, question(ten("table", "table", "table", "down", "down", "up"), multiple_choice_answer="up"))
    says = {"answers.0": "mahaia", "answers.1": "mahaira", "answers.2": "mahaira", "answers.3": "behera",
            "answers.4": "beheranzko", **{f"answers.{n}": "gora" for n in range(5, 10)}}  # fmt: skip
    row = translated(VQA, item, says)
    assert [each["answer"] for each in row["answers"]] == ["mahaira"] * 3 + ["behera"] * 2 + ["gora"] * 5
    assert [each["answer_id"] for each in row["answers"]] == list(range(1, 11))
    assert row["multiple_choice_answer"] == "gora"


def test_every_shape_of_the_answers() -> None:
    """A list of objects, an object of lists, a list of texts, and texts beside the objects they were taken from."""
    answers = ten("down", "table", "down")
    as_lists = {name: [each[name] for each in answers] for name in answers[0]}
    as_texts = [each["answer"] for each in answers]
    rows = [
        original(VQA, read(VQA, raw))["answers"]
        for raw in (
            question(answers),
            question(as_lists),
            question(as_texts, answers_original=answers),
            question(as_texts),
        )
    ]
    assert rows[0] == rows[1] == rows[2] == answers
    assert [each["answer"] for each in rows[3]] == as_texts
    assert {each["answer_confidence"] for each in rows[3]} == {None}


def test_a_hub_copy_calls_the_image_otherwise() -> None:
    raw = question(ten("down"))
    raw["id_image"] = raw.pop("image_id")
    assert original(VQA, read(VQA, raw))["image_id"] == 262148


@pytest.mark.parametrize("answers", [None, [], {"answer": [], "answer_confidence": [], "answer_id": []}])
def test_a_test_split_has_no_answers(answers: Any) -> None:
    item = read(VQA, question(answers, multiple_choice_answer=None, answer_type=None, split="test"))
    row = translated(VQA, item)
    assert [each["name"] for each in item.fields] == ["question"]
    assert (row["answers"], row["multiple_choice_answer"]) == (None, None)
    assert item.image == ImageAt(path="COCO_test2015_000000262148.jpg")


def test_answers_that_are_all_closed_are_by_hand() -> None:
    counters = Counter[str]()
    item = read(VQA, question(ten("yes", "no", "yes"), multiple_choice_answer="yes"), "eu", counters)
    row = translated(VQA, item)
    assert [each["answer"] for each in row["answers"]] == ["bai", "ez", *["bai"] * 8]
    assert row["multiple_choice_answer"] == "bai"
    numbers = read(VQA, question(ten("2", "3", "2"), multiple_choice_answer="2"), "eu", counters)
    assert translated(VQA, numbers)["multiple_choice_answer"] == "2"
    assert counters["answers_by_hand"] == 2


def test_a_list_with_an_open_answer_goes_to_the_translator_whole() -> None:
    item = read(VQA, question(ten("yes", "2", "maybe", "no")))
    assert sum(each["by"] == "machine" for each in item.fields) == 11


def test_a_blank_answer_is_not_asked() -> None:
    """There are a few in the training split; their place is kept."""
    item = read(VQA, question(["down", "", "table"]))
    assert [each["answer"] for each in translated(VQA, item)["answers"]] == ["«down»", "", "«table»"]


@pytest.mark.parametrize(
    ("common", "answers", "place"),
    [("t shirt", ["cap", "t-shirt"], 1), ("2", ["three", "two"], 1), ("table", ["The table."], 0), ("Net", ["net"], 0)],
)
def test_the_most_common_answer_is_found_as_the_score_compares(common: str, answers: list[str], place: int) -> None:
    """It is told as the answer it equals is, and is written as it was in the original."""
    item = read(VQA, question(answers, multiple_choice_answer=common))
    assert translated(VQA, item)["multiple_choice_answer"] == f"«{answers[place]}»"
    assert original(VQA, item)["multiple_choice_answer"] == common


def test_a_most_common_answer_that_is_none_of_the_ten_is_asked_for() -> None:
    counters = Counter[str]()
    item = read(VQA, question(ten("down"), multiple_choice_answer="sideways"), "eu", counters)
    assert translated(VQA, item)["multiple_choice_answer"] == "«sideways»"
    assert item.fields[-1]["unit"] == 1
    assert counters["multiple_choice_answer_alone"] == 1


@pytest.mark.parametrize(
    ("split", "path"),
    [
        ("v2_OpenEnded_mscoco_val2014_questions.json", "COCO_val2014_000000262148.jpg"),
        ("validation", "COCO_val2014_000000262148.jpg"),
        ("train", "COCO_train2014_000000262148.jpg"),
        ("testdev", "COCO_test2015_000000262148.jpg"),
        ("", None),
    ],
)
def test_coco_s_name_of_an_image(split: str, path: str | None) -> None:
    assert read(VQA, question(None, split=split)).image.path == path


def test_an_image_that_is_there_is_taken() -> None:
    assert read(VQA, question(None, split="val", image=STRUCT)).image.data == PICTURE


@pytest.mark.parametrize(
    ("change", "error_class"),
    [
        ({"question": None}, "MissingField"),
        ({"question": ["Where?"]}, "WrongType"),
        ({"question_id": "x"}, "WrongType"),
        ({"question_id": True}, "WrongType"),
        ({"answers": [1]}, "WrongType"),
        ({"answers": {"answer": ["a", "b"], "answer_id": [1]}}, "WrongType"),
        ({"answers": [{"answer_id": 1}]}, "MissingField"),
        ({"answers": "net"}, "WrongType"),
    ],
)
def test_what_is_not_vqav2_costs_its_row(change: dict[str, Any], error_class: str) -> None:
    with pytest.raises(RowError) as caught:
        VQA.read(question(ten("down")) | change, "eu", Counter())
    assert caught.value.error_class == error_class
    assert next(iter(change)) in str(caught.value)


WORDS = st.sampled_from(["red", " red", "Red", "a red", "blue", "yes", "no", "2", "two", "dark red"])


@given(st.lists(WORDS, min_size=1, max_size=10), st.data())
def test_answers_agree_whatever_the_translator_says(answers: list[str], data: st.DataObject) -> None:
    """Equal sources have equal translations, one of those that were given; the original comes back as it was."""
    common = data.draw(st.sampled_from(answers))
    item = read(VQA, question(answers, multiple_choice_answer=common))
    says = {f"answers.{n}": data.draw(st.sampled_from(["gorri", "Gorria", "urdin"])) for n in range(len(answers))}
    row = translated(VQA, item, says)
    told = [each["answer"] for each in row["answers"]]
    for source in set(map(str.strip, answers)):
        places = [n for n, answer in enumerate(answers) if answer.strip() == source]
        assert len({told[n] for n in places}) == 1
    assert row["multiple_choice_answer"] == told[answers.index(common)]
    back = original(VQA, item)
    assert [each["answer"] for each in back["answers"]] == [answer.strip() for answer in answers]
    assert back["multiple_choice_answer"].strip() == common.strip()


# WildVision


def test_wildvision_s_bench_and_arena() -> None:
    """The models' answers are left out and counted; the language that was asked in is kept under a name of its own."""
    raw = {"question_id": "2db1", "instruction": "What do you see?", "image": STRUCT, "language": "English"}
    counters = Counter[str]()
    arena = raw | {"claude-3-sonnet-20240229": "A cat.", "gpt-4o": "A cat, I think.", "gpt-4v": None}
    rows = [translated(WILD, read(WILD, each, "eu", counters)) for each in (raw, arena)]
    assert rows == [{"question_id": "2db1", "instruction": "«What do you see?»", "source_language": "English"}] * 2
    assert counters["left_out/model_answers"] == 2


def test_m_wildvision_has_a_list_of_one_image() -> None:
    raw = {"image": [STRUCT], "question": "¿Qué ves?", "question_id": "a", "language": "spa_Latn", "index": 3}
    item = read(WILD, raw)
    assert (item.image.data, item.fields[0]["source"]) == (PICTURE, "¿Qué ves?")
    with pytest.raises(RowError, match="2 images") as caught:
        WILD.read(raw | {"image": [STRUCT, STRUCT]}, "eu", Counter())
    assert caught.value.error_class == "SeveralImages"


# POPE


@pytest.mark.parametrize("how", ["lines", "array"])
def test_pope_as_its_makers_write_it(tmp_path: Path, how: str) -> None:
    """JSON Lines in spite of the name, and a pretty-printed array."""
    raws = [
        {"question_id": n, "image": "COCO_val2014_000000310196.jpg", "text": f"Is there a {thing} in the image?",
         "label": label}
        for n, thing, label in [(1, "snowboard", "yes"), (2, "car", "no")]
    ]  # fmt: skip
    file = tmp_path / "coco_pope_random.json"
    file.write_text("\n".join(map(json.dumps, raws)) if how == "lines" else json.dumps(raws, indent=1))
    _, slices = records.scan((str(file),), 10, 0, FileOptions())
    items = [read(POPE, raw.value) for piece in slices for raw in records.read(piece) if raw.value]
    rows = [translated(POPE, item) for item in items]
    assert [row["answer"] for row in rows] == ["bai", "ez"]
    assert [row["question_id"] for row in rows] == ["1", "2"]
    assert {row["image_source"] for row in rows} == {"COCO_val2014_000000310196"}
    assert {item.image.path for item in items} == {"COCO_val2014_000000310196.jpg"}


def test_pope_on_the_hub() -> None:
    raw = {"id": "0", "question_id": "1", "question": "Is there a car?", "answer": "no", "image": STRUCT,
           "image_source": "COCO_val2014_000000310196", "category": "adversarial"}  # fmt: skip
    item = read(POPE, raw)
    expected = raw | {"question": "«Is there a car?»", "answer": "ez"}
    del expected["image"]
    assert translated(POPE, item) == expected
    assert item.image.data == PICTURE


@pytest.mark.parametrize("form", [POPE, MME])
def test_an_answer_that_is_neither_yes_nor_no(form: Any) -> None:
    with pytest.raises(RowError, match="'perhaps'; yes or no is expected") as caught:
        form.read({"question_id": "1", "question": "Is it?", "answer": "perhaps"}, "eu", Counter())
    assert caught.value.error_class == "UnknownLabel"


# MME


def test_mme_s_request_is_by_hand_and_pairs_stay_pairs() -> None:
    raws = [
        {"question_id": "code_reasoning/0020.png", "image": STRUCT, "question": f"{text} {ASK}", "answer": answer,
         "category": "code_reasoning"}
        for text, answer in [("Is it C?", "Yes"), ("Is it Java?", "No")]
    ]  # fmt: skip
    items = [read(MME, raw, "it") for raw in raws]
    rows = [translated(MME, item) for item in items]
    assert [row["question"] for row in rows] == [
        f"«Is it {name}?» Rispondi sì o no, per favore." for name in ("C", "Java")
    ]
    assert [row["answer"] for row in rows] == ["Sì", "No"]
    assert len({row["question_id"] for row in rows}) == 1
    assert [original(MME, item)["question"] for item in items] == [raw["question"] for raw in raws]


def test_the_request_goes_to_the_translator_where_nobody_wrote_it() -> None:
    item = read(MME, {"question_id": "a", "question": f"Is it C? {ASK}", "answer": "Yes", "category": "x"}, "fi")
    assert translated(MME, item)["question"] == f"«Is it C?» «{ASK}»"


# GQA


def test_gqa_with_and_without_answers() -> None:
    raw = {"id": "20602738", "imageId": "n161313", "question": "Is it overcast?", "answer": "no", "isBalanced": True,
           "fullAnswer": "No, it is clear.", "semantic": [{"operation": "select"}]}  # fmt: skip
    row = translated(GQA, read(GQA, raw))
    assert (row["answer"], row["fullAnswer"], row["id"]) == ("ez", "«No, it is clear.»", "20602738")
    official = {"key": "201640614", "imageId": "n1", "question": "Who is it?", "isBalanced": False}
    item = read(GQA, official)
    row = translated(GQA, item)
    assert (row["id"], row["answer"], row["fullAnswer"], row["isBalanced"]) == ("201640614", None, None, False)
    assert item.image.path == "n1.jpg"


# Yes and no, numbers and letters


def test_the_labels_are_complete() -> None:
    """YAML reads an unquoted yes as a boolean, and an unquoted no as well; every language has both words."""
    for language, labels in _labels().items():
        assert isinstance(language, str), f"{FILE.name}: quote {language!r}"
        assert {"yes", "no"} <= labels.keys() <= {"yes", "no", "ask"}
        assert all(isinstance(label, str) and label == label.strip() for label in labels.values())
        assert labels["yes"] != labels["no"]


@pytest.mark.parametrize(
    ("text", "label"),
    [("yes", "bai"), ("Yes", "Bai"), ("No.", "Ez."), (" NO ", "Ez"), ("yes!", "bai!"), ("Yes .", "Bai.")],
)
def test_a_bare_yes_or_no(text: str, label: str) -> None:
    assert yes_no_label(text, "eu") == label
    assert yes_or_no(text) == ("yes" if label.lower().startswith("bai") else "no")


@pytest.mark.parametrize("text", ["snow", "nose", "yes, it is", "yes no", "north", "", "no yes", "No one"])
def test_what_only_looks_like_it(text: str) -> None:
    """MLAN's code looks for the letters anywhere."""
    assert yes_or_no(text) is None
    assert yes_no_label(text, "eu") is None


def test_a_language_without_labels_is_the_machine_s() -> None:
    made = closed_field("answer", "answer", "yes", "xx")
    assert (made["by"], made["target"]) == ("machine", None)


@pytest.mark.parametrize("text", ["2", "10.52", "$2.50", "50%", "1,000", "10:30", "-3", "A", "b)", "(C)", "5-6", " "])
def test_what_stays_as_it_is(text: str) -> None:
    assert stays(text)


@pytest.mark.parametrize("text", ["2 feet", "two", "AB", "1st", "a b", "10k", "?", "..."])
def test_what_does_not(text: str) -> None:
    assert not stays(text)


# Images


def test_images_in_every_shape() -> None:
    encoded = base64.b64encode(PICTURE).decode()
    for value in (STRUCT, [STRUCT], PICTURE, encoded, f"data:image/png;base64,{encoded}", {"bytes": encoded},
                  "\n".join(encoded[n : n + 76] for n in range(0, len(encoded), 76))):  # fmt: skip
        assert values.image({"image": value}, "image").data == PICTURE
    assert values.image({"image": "val2014/a.jpg"}, "image") == ImageAt(path="val2014/a.jpg")
    assert values.image({"image": {"bytes": None, "path": "a.jpg"}}, "image") == ImageAt(path="a.jpg")
    assert values.image({"image": "https://example.org/a.jpg"}, "image") == ImageAt(url="https://example.org/a.jpg")
    for nothing in (None, "", [], float("nan")):
        assert values.image({"image": nothing}, "image") == ImageAt()


@pytest.mark.parametrize("value", ["Z" * 200 + "!", base64.b64encode(b"<html>" * 20).decode(), "data:,AAAA"])
def test_text_that_is_no_image(value: str) -> None:
    with pytest.raises(RowError) as caught:
        values.image({"image": value}, "image")
    assert caught.value.error_class == "BadImage"


@pytest.mark.parametrize(("value", "number"), [(3, 3), ("3", 3), (3.0, 3), ("3.0", 3), ("-1", -1), (None, None)])
def test_whole_numbers(value: Any, number: int | None) -> None:
    assert values.maybe_whole({"n": value}, "n") == number


@pytest.mark.parametrize("value", [3.5, "3.5", "three", "inf", "9" * 5000, True, [3]])
def test_no_whole_numbers(value: Any) -> None:
    with pytest.raises(RowError, match="a whole number is expected"):
        values.maybe_whole({"n": value}, "n")
