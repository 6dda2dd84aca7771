"""The forms of training sets: every odd shape in which they are found comes out as it should, or fails by name."""

import json
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.engine import RowError
from builders.sources.forms import cc3m, cosyn, llava, pixmo
from builders.sources.items import Form, ImageAt, Item

URL = "https://example.org/a.jpg"


def read(form: Form, raw: Mapping[str, Any], counters: Counter[str] | None = None, language: str = "it") -> Item:
    return form.read(raw, language, Counter() if counters is None else counters)


def told(item: Item, change: str = "{}") -> dict[str, str]:
    """What compose is told: targets that are there already, and of the rest the source, changed."""
    return {each["name"]: each["target"] or change.format(each["source"]) for each in item.fields}


def error_of(form: Form, raw: Mapping[str, Any]) -> str:
    with pytest.raises(RowError) as caught:
        read(form, raw)
    assert str(caught.value)
    return caught.value.error_class


def talk(*values: str, roles: tuple[str, str] = ("human", "gpt"), **more: Any) -> dict[str, Any]:
    turns = [{"from": roles[index % 2], "value": value} for index, value in enumerate(values)]
    return {"id": "7", "image": "a.jpg", "conversations": turns} | more


def values_of(item: Item, change: str = "{}") -> list[str]:
    return [turn["value"] for turn in llava.FORM.compose(told(item, change), item.kept)["conversations"]]


# --- LLaVA ----------------------------------------------------------------------------------------

EDGES = st.text(alphabet=" \n\t", max_size=3)
WORDS = st.text(alphabet="abcè?.,<>/im ge", min_size=1, max_size=20).map(str.strip).filter(lambda text: bool(text))


@given(EDGES, st.booleans(), EDGES, WORDS, EDGES, st.booleans(), EDGES)
def test_what_stands_around_a_text_is_cut_off_and_nothing_is_lost(
    one: str, first: bool, two: str, text: str, three: str, last: bool, four: str
) -> None:
    value = one + "<image>" * first + two + text + three + "<image>" * last + four
    before, core, after = llava.cut(value)
    assert before + core + after == value
    assert not core or (core == core.strip() and not core.startswith("<image>") and not core.endswith("<image>"))
    assert not before.replace("<image>", "").strip()
    assert not after.replace("<image>", "").strip()


def test_cutting_takes_time_in_proportion_to_the_text() -> None:
    hostile = "a" + " <image>" * 200_000 + "b"
    assert llava.cut(hostile) == ("", hostile, "")


@pytest.mark.parametrize(
    "asked",
    [
        "<image>\nWho is it?",
        "Who is it?\n<image>",
        "<image> Who is it?",
        "Who is it?<image>\n",
        "\n<image>\nWho is it?\n",
    ],
)
def test_the_image_stays_where_it_stood_and_is_never_translated(asked: str) -> None:
    item = read(llava.FORM, talk(asked, "A man.", "Where?", "There."))
    assert [each["source"] for each in item.fields] == ["Who is it?", "A man.", "Where?", "There."]
    assert values_of(item) == [asked, "A man.", "Where?", "There."]
    assert values_of(item, "[{}]")[0] == asked.replace("Who is it?", "[Who is it?]")


def test_the_image_may_stand_alone_or_in_a_later_turn() -> None:
    alone = talk("<image>", "a dog")
    assert values_of(read(llava.FORM, alone)) == ["<image>", "a dog"]
    later = talk("Hello.", "Hello.", "Who is <image> here?", "A man.")
    item = read(llava.FORM, later)
    assert item.fields[2]["source"] == "Who is <image> here?", "the translators' placeholders take it from here"
    assert values_of(item) == [turn["value"] for turn in later["conversations"]]


def test_a_question_and_its_answer_are_a_unit() -> None:
    item = read(llava.FORM, talk("<image>\nA?", "One thing.", "B?", "Another."))
    assert [(each["unit"], each["kind"]) for each in item.fields] == [
        (1, "question"), (1, "answer"), (2, "question"), (2, "answer"),
    ]  # fmt: skip


@pytest.mark.parametrize("number", ["000000033471", 33471])
def test_ids_are_kept_whether_they_are_texts_or_numbers(number: str | int) -> None:
    item = read(llava.FORM, talk("A?\n<image>", "B.", id=number))
    assert llava.FORM.compose(told(item), item.kept)["id"] == str(number)


def test_a_record_without_id_or_image_is_text_only() -> None:
    counters: Counter[str] = Counter()
    item = read(llava.FORM, {"conversations": talk("A?", "B.")["conversations"]}, counters)
    assert (item.image, item.kept["id"], counters["text_only"]) == (ImageAt(), None, 1)


@pytest.mark.parametrize(
    ("given", "image"),
    [
        ({"image": "coco/train2017/1.jpg"}, ImageAt(path="coco/train2017/1.jpg")),
        ({"image": ["1.jpg"]}, ImageAt(path="1.jpg")),
        ({"images": [{"bytes": b"\xff", "path": "1.jpg"}]}, ImageAt(data=b"\xff", path="1.jpg")),
        ({"image": URL}, ImageAt(url=URL)),
    ],
)
def test_images_are_found_in_every_shape(given: dict[str, Any], image: ImageAt) -> None:
    raw = {"conversations": talk("<image>\nA?", "B.")["conversations"]} | given
    assert read(llava.FORM, raw).image == image


def test_chat_messages_are_conversations_too() -> None:
    said = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "Who is it?"}]},
        {"role": "assistant", "content": "A man."},
    ]
    raw = {"messages": said, "images": ["a.jpg"]}
    assert llava.FORM.recognises(raw)
    item = read(llava.FORM, raw)
    made = llava.FORM.compose(told(item), item.kept)["conversations"]
    assert [turn["from"] for turn in made] == ["system", "human", "gpt"]
    assert made[1]["value"] == "<image>\nWho is it?"


def test_a_leading_gpt_turn_is_kept_and_counted() -> None:
    counters: Counter[str] = Counter()
    raw = talk("Hello.", "<image>\nA?", "B.", roles=("gpt", "human"))
    assert values_of(read(llava.FORM, raw, counters)) == ["Hello.", "<image>\nA?", "B."]
    assert counters["leading_gpt_turns"] == 1


def test_an_image_that_no_turn_names_is_counted() -> None:
    counters: Counter[str] = Counter()
    assert values_of(read(llava.FORM, talk("A?", "B."), counters)) == ["A?", "B."]
    assert counters["image_not_named"] == 1


@pytest.mark.parametrize(
    ("raw", "error"),
    [
        (talk("<image>\nA?", ""), "EmptyTurn"),
        (talk("<image>\nA?", " \n"), "EmptyTurn"),
        (talk("<image>\nA?", "B.", "", "C."), "EmptyTurn"),
        (talk("<image>\nA?", "<image>"), "ImageTokens"),
        (talk("<image>\nA?", "B.", image=None), "ImageTokens"),
        (talk("<image>\n<image>\nA?", "B.", image=["a.jpg", "b.jpg"]), "SeveralImages"),
        (talk("<image>\nA?"), "TurnOrder"),
        (talk("A?", "B?", "C.", roles=("human", "human")), "TurnOrder"),
        (talk("A.", "B.", roles=("gpt", "gpt")), "TurnOrder"),
        (talk("A?", "B.", roles=("human", "tool")), "UnknownRole"),
        (talk("A?", 5), "WrongType"),  # type: ignore[arg-type]
        ({"id": "7", "conversations": []}, "MissingField"),
        ({"id": "7"}, "MissingField"),
        ({"id": "7", "conversations": "A? B."}, "WrongType"),
        ({"id": "7", "conversations": ["A?", "B."]}, "WrongType"),
    ],
)
def test_a_conversation_that_no_loader_could_use_fails_by_name(raw: dict[str, Any], error: str) -> None:
    assert error_of(llava.FORM, raw) == error


def test_a_translation_that_names_an_image_of_its_own_is_refused() -> None:
    item = read(llava.FORM, talk("<image>\nA?", "B."))
    with pytest.raises(RowError) as caught:
        llava.FORM.compose(told(item) | {"conversations.1.value": "<image> B."}, item.kept)
    assert caught.value.error_class == "ImageTokens"


def test_a_translation_that_is_missing_is_no_empty_turn() -> None:
    item = read(llava.FORM, talk("<image>", "B.", "And?"))
    assert values_of(item) == ["<image>", "B.", "And?"]
    with pytest.raises(KeyError):
        llava.FORM.compose({"conversations.1.value": "B."}, item.kept)


# --- the instructions of LLaVA-Pretrain -----------------------------------------------------------


@pytest.mark.parametrize("language", ["it", "eu", "fr", "de", "es"])
def test_the_closed_set_is_complete_in_every_language(language: str) -> None:
    written, reference = llava.pretraining_instructions(language), llava.pretraining_instructions("it")
    assert written.keys() == reference.keys()
    assert len(set(written.values())) == 11
    assert all(text == text.strip().rstrip(".") + "." for text in written.values())


@pytest.mark.parametrize(
    "asked",
    [
        "Present a compact description of the photo's key features.",
        "present a compact description of the photo’s key features",
        "  PRESENT A COMPACT DESCRIPTION  of the photo's key features!",
    ],
)
def test_instructions_are_by_hand_whatever_their_case_and_punctuation(asked: str) -> None:
    counters: Counter[str] = Counter()
    item = read(llava.FORM, talk(f"{asked}\n<image>", "a dog"), counters)
    assert [(each["by"], each["kind"]) for each in item.fields] == [("glossary", "instruction"), ("machine", "caption")]
    assert values_of(item)[0].strip() == (
        "Presenta una descrizione compatta delle caratteristiche principali della foto.\n<image>"
    )
    assert (counters["instructions/by_hand"], counters["instructions/machine"]) == (1, 0)


def test_an_instruction_of_nobodys_is_the_machines_and_counted() -> None:
    for language, asked in (("it", "Sing about the image."), ("xx", "Describe the image concisely.")):
        counters: Counter[str] = Counter()
        item = read(llava.FORM, talk(f"<image>\n{asked}", "a dog"), counters, language)
        assert [(each["by"], each["kind"]) for each in item.fields] == [
            ("machine", "instruction"),
            ("machine", "answer"),
        ]
        assert counters["instructions/machine"] == 1


# --- CC3M -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tokenised", "caption"),
    [
        ("a very typical bus station", "a very typical bus station"),
        ("christmas tree on a black background .", "christmas tree on a black background."),
        ("person 's hat , on a table .", "person's hat, on a table."),
        ("it 's late and we do n't know , ca n't we ?", "it's late and we don't know, can't we?"),
        ("the dogs ' tails", "the dogs' tails"),
        ("a sign ( left ) says `` stop '' !", 'a sign (left) says "stop"!'),
        ('he said " no " , twice', 'he said "no", twice'),
        ("wait . . . what ? !", "wait... what?!"),
        ("at 10 : 30 , for $ 5 , 10 % off", "at 10:30, for $5, 10% off"),
        ("2 , 000 people in 2010 . 5 left", "2,000 people in 2010. 5 left"),
        ("a 5 - year - old in a t - shirt , black - and - white", "a 5-year-old in a t-shirt, black-and-white"),
        ("in the city - a dome tent", "in the city - a dome tent"),
        ("# of the sports team", "# of the sports team"),
        ("A man's hat, on 1.5 tables (left).", "A man's hat, on 1.5 tables (left)."),
        ("", ""),
    ],
)
def test_tokenised_captions_are_put_together(tokenised: str, caption: str) -> None:
    assert cc3m.detokenise(tokenised) == caption


PIECES = st.sampled_from(
    ["a", "dogs", "5", "'s", "n't", "'", '"', "``", "''", ",", ".", "...", ":", "?", "!", "(", ")", "%", "$", "#", "-",
     "/", "year", "old", "t", "shirt", "é", "’"]
)  # fmt: skip


@given(st.lists(PIECES, max_size=12).map(" ".join) | st.text(max_size=60))
def test_nothing_but_blanks_is_taken_from_a_caption_and_twice_is_once(text: str) -> None:
    made = cc3m.detokenise(text)
    quoted = text.replace("``", '"').replace("''", '"')
    assert re.sub(r"\s", "", made) == re.sub(r"\s", "", quoted)
    assert cc3m.detokenise(made) == made
    assert len(made) <= len(text)


@given(st.lists(st.sampled_from(["a", "dogs", "5", "é"]), max_size=8).map(" ".join))
def test_plain_words_stay_as_they_are(text: str) -> None:
    assert cc3m.detokenise(text) == text


@pytest.mark.parametrize(
    "raw",
    [
        {"caption": "a hat .", "url": URL},
        {"image_url": URL, "caption": "a hat ."},
        {"caption": "a hat .", "url": URL, "labels": "hat,felt", "mids": "/m/1,/m/2", "confidences": "0.9,0.8"},
        {"image_url": URL, "caption": "a hat .", "labels": ["hat"], "MIDs": ["/m/1"], "confidence_scores": [0.9]},
    ],
)
def test_every_table_of_cc3m_is_read(raw: dict[str, Any]) -> None:
    counters: Counter[str] = Counter()
    assert cc3m.FORM.recognises(raw)
    item = read(cc3m.FORM, raw, counters)
    assert (item.image, item.fields[0]["source"], counters["detokenised"]) == (ImageAt(url=URL), "a hat.", 1)
    assert cc3m.FORM.compose({"caption": " un cappello. "}, item.kept) == {"caption": "un cappello."}


@pytest.mark.parametrize(
    ("raw", "error"),
    [
        ({"caption": " ", "url": URL}, "MissingField"),
        ({"caption": "a hat", "url": ""}, "MissingField"),
        ({"caption": "a hat", "url": "ftp://example.org/a"}, "BadURL"),
        ({"caption": ["a hat"], "url": URL}, "WrongType"),
    ],
)
def test_a_bad_row_of_cc3m_fails_by_name(raw: dict[str, Any], error: str) -> None:
    assert error_of(cc3m.FORM, raw) == error


# --- PixMo ----------------------------------------------------------------------------------------

DIGEST = "ab" * 32


def test_ask_model_anything_keeps_its_digest_and_one_unit() -> None:
    raw = {"image_url": URL, "image_sha256": DIGEST.upper(), "question": "How many?", "answer": "Three dogs."}
    assert pixmo.ASK_MODEL_ANYTHING.recognises(raw)
    assert not pixmo.CAP_QA.recognises(raw)
    item = read(pixmo.ASK_MODEL_ANYTHING, raw)
    assert item.image == ImageAt(url=URL, sha256=DIGEST)
    assert {each["unit"] for each in item.fields} == {0}
    assert pixmo.ASK_MODEL_ANYTHING.compose(told(item), item.kept) == {"question": "How many?", "answer": "Three dogs."}
    assert error_of(pixmo.ASK_MODEL_ANYTHING, raw | {"image_sha256": "abc"}) == "BadSha256"
    assert error_of(pixmo.ASK_MODEL_ANYTHING, raw | {"answer": None}) == "MissingField"


def test_a_caption_leaves_its_transcripts_out() -> None:
    counters: Counter[str] = Counter()
    raw = {"image_url": URL, "caption": "A hat.", "transcripts": ["so this is a hat", "hm, a hat"]}
    assert pixmo.CAP.recognises(raw)
    assert not cc3m.FORM.recognises(raw)
    item = read(pixmo.CAP, raw, counters)
    assert [each["source"] for each in item.fields] == ["A hat."]
    assert counters["left_out/transcripts"] == 1


TWO_TURNS = ["Is it a dog?", "No.", "What is it?", "A hat."]


@pytest.mark.parametrize(
    ("raw", "turns"),
    [
        ({"question": "[USER] Is it a dog? [ASSISTANT]", "answer": "No."}, TWO_TURNS[:2]),
        ({"question": "[USER] Is it a dog?", "answer": "No."}, TWO_TURNS[:2]),
        ({"question": "Is it a dog?", "answer": "No."}, TWO_TURNS[:2]),
        ({"question": "?", "answer": "?", "messages": TWO_TURNS[:2]}, TWO_TURNS[:2]),
        ({"question": "Is it a dog?", "answer": "No.", "messages": None}, TWO_TURNS[:2]),
        (
            {"question": "[USER] Is it a dog?\n[ASSISTANT] No.\n[USER] What is it?\n[ASSISTANT]", "answer": "A hat."},
            TWO_TURNS,
        ),
        ({"question": "?", "answer": "?", "messages": TWO_TURNS}, TWO_TURNS),
    ],
)
def test_cap_qa_is_read_with_and_without_messages(raw: dict[str, Any], turns: list[str]) -> None:
    raw |= {"image_url": URL}
    assert pixmo.CAP_QA.recognises(raw)
    item = read(pixmo.CAP_QA, raw)
    assert [each["source"] for each in item.fields] == turns
    assert [each["unit"] for each in item.fields] == [index // 2 for index in range(len(turns))]
    assert item.fields[1]["by"] == "glossary"
    assert item.fields[1]["target"] == "No."
    assert item.kept["yes_no"] is (len(turns) == 2)
    made = pixmo.CAP_QA.compose({each["name"]: each["source"] for each in item.fields}, item.kept)
    assert (made["question"], made["answer"]) == (turns[0], turns[1])
    assert [turn["value"] for turn in made["conversations"]] == [f"<image>\n{turns[0]}", *turns[1:]]


@pytest.mark.parametrize(
    ("raw", "error"),
    [
        ({"question": "[ASSISTANT] No. [USER] What?", "answer": "A hat."}, "TurnOrder"),
        ({"question": "[USER] A? [USER] B?", "answer": "C."}, "TurnOrder"),
        ({"question": "Well: [USER] A?", "answer": "C."}, "TurnOrder"),
        ({"question": "[USER] A? [ASSISTANT] B.", "answer": "C."}, "TurnOrder"),
        ({"question": "[USER] [ASSISTANT]", "answer": "C."}, "EmptyTurn"),
        ({"messages": ["A?", "B.", "C?"]}, "TurnOrder"),
        ({"messages": ["A?", " "]}, "EmptyTurn"),
        ({"messages": ["What is <image>?", "B."]}, "ImageTokens"),
        ({"messages": ["A?", "B.", "C?", "<image>"]}, "ImageTokens"),
        ({"messages": ["A?", 5]}, "WrongType"),
        ({"question": "A?"}, "MissingField"),
    ],
)
def test_what_is_no_exchange_fails_by_name(raw: dict[str, Any], error: str) -> None:
    assert error_of(pixmo.CAP_QA, raw | {"image_url": URL}) == error


# --- CoSyn and PixMo-Docs -------------------------------------------------------------------------

PAIRS = [
    {"question": "How many?", "explanation": "Count the bars.", "answer": "3"},
    {"question": "Is it red?", "explanation": "", "answer": "Yes"},
]
TURNED = {key: [pair[key] for pair in PAIRS] for key in PAIRS[0]}


@pytest.mark.parametrize("pairs", [PAIRS, TURNED, json.dumps(PAIRS), json.dumps(TURNED)])
def test_pairs_are_read_as_lists_objects_and_text(pairs: Any) -> None:
    metadata = {"figure_type": "bar chart", "persona": "a cook", "topic": "bread"}
    raw = {"id": 5, "image": {"bytes": b"\x89PNG", "path": None}, "qa_pairs": pairs, "metadata": metadata, "code": "x"}
    assert cosyn.COSYN.recognises(raw)
    item = read(cosyn.COSYN, raw)
    assert [each["unit"] for each in item.fields] == [0, 0, 0, 1, 1]
    assert item.image.data == b"\x89PNG"
    made = cosyn.COSYN.compose(told(item), item.kept)
    assert made == {
        "id": "5",
        "metadata": metadata,
        "qa_pairs": [PAIRS[0], {"question": "Is it red?", "explanation": None, "answer": "Sì"}],
    }


def test_docs_have_questions_without_explanations() -> None:
    raw = {"image": {"bytes": b"\x89PNG"}, "image_id": "d1", "questions": {"question": ["A?"], "answer": ["A hat."]}}
    assert cosyn.DOCS.recognises(raw)
    assert not cosyn.COSYN.recognises(raw)
    item = read(cosyn.DOCS, raw)
    assert cosyn.DOCS.compose(told(item), item.kept) == {
        "image_id": "d1",
        "questions": [{"question": "A?", "answer": "A hat."}],
    }


@pytest.mark.parametrize(
    ("pairs", "error"),
    [
        (None, "MissingField"),
        ([], "MissingField"),
        ({"question": [], "answer": []}, "MissingField"),
        ({"question": ["A?", "B?"], "answer": ["C."]}, "WrongType"),
        ("no JSON", "WrongType"),
        ("[" * 100_000, "WrongType"),
        ([{"question": "A?"}], "MissingField"),
        (["A?"], "WrongType"),
    ],
)
def test_pairs_that_cannot_be_read_fail_by_name(pairs: Any, error: str) -> None:
    assert error_of(cosyn.COSYN, {"id": "5", "image": None, "qa_pairs": pairs}) == error


# --- all of them ----------------------------------------------------------------------------------


@given(
    st.sampled_from([llava.FORM, cc3m.FORM, *pixmo.FORMS, *cosyn.FORMS]),
    st.dictionaries(
        st.sampled_from(["id", "image", "images", "conversations", "messages", "caption", "url", "image_url",
                         "question", "answer", "image_sha256", "qa_pairs", "questions", "transcripts", "metadata"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just(URL),
            lambda deeper: st.lists(deeper, max_size=3)
            | st.dictionaries(st.sampled_from(["from", "value", "role", "content", "question", "answer"]), deeper),
            max_leaves=8,
        ),
    ),
)  # fmt: skip
def test_whatever_a_record_holds_it_is_read_or_fails_by_name(form: Form, raw: dict[str, Any]) -> None:
    form.recognises(raw)
    try:
        item = read(form, raw)
    except RowError:
        return
    names = [each["name"] for each in item.fields]
    assert len(names) == len(set(names))
    assert names
    assert json.loads(json.dumps(item.kept)) == item.kept
    assert form.compose(told(item), item.kept).keys() == set(form.columns.names)
