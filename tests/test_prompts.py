"""Prompt files: the paper's are exact, a faulty one is refused with one clear line, source text is never expanded."""

import hashlib
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from translators import TranslatorError, Unit
from translators.fewshot.engine import Message
from translators.fewshot.prompts import FOLDER, known_prompts, load_prompt
from translators.fewshot.queries import in_languages, messages, parts_of, single_messages

SYSTEM = (
    "You are a helpful AI assistant that specializes in English to Basque translations. Your task is to translate "
    "instruction datasets from English to Basque. Here are some important guidelines:\n"
    "1. Maintain the original meaning and intent of the instructions\n"
    "2. Use standard Basque language (batua)\n"
    "3. Keep technical terms that don't have widely accepted Basque translations\n"
    "4. Preserve any code snippets, variables, or special characters exactly as they appear\n"
    "Please provide accurate Basque translations for all text fields."
)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


def chat(name: str, kind: str, *texts: str) -> tuple[Message, ...]:
    prompt = load_prompt(name)
    return messages(prompt, parts_of(prompt, Unit(kind, texts)))


def test_a_okvqa_is_figure_4() -> None:
    assert chat("a_okvqa_eu", "question+option+option", "Who?", "a man", "10.52") == (
        Message("system", SYSTEM),
        Message(
            "user",
            "Translate the following question and answer to Basque \n **Question:** What is the man by the bags "
            "awaiting? \n **Answer:** 1.skateboarder, 2.train, 3.delivery, 4.cab",
        ),
        Message(
            "assistant",
            "**Galdera:** Zer ari da poltsekin dagoen gizona itxaroten? "
            "**Erantzuna:** 1.skaterra, 2.trena, 3.Deliveria, 4.Taxia",
        ),
        Message(
            "user",
            "**Question:** Where does this man eat pizza? **Answer:** 1.office, 2.cafe, 3.motel, 4.outside",
        ),
        Message(
            "assistant",
            "**Galdera:** Non ari da gizon hau pizza jaten? "
            "**Erantzuna:** 1.Ofizinan, 2.Kafetegian, 3.Motelean, 4.Kanpoan",
        ),
        Message(
            "user",
            "Translate the following question and answers to Basque \n \n \n **Question:** Who? "
            "**Answer:** 1.a man, 2.10.52",
        ),
    )


def test_the_other_two_keep_their_oddities() -> None:
    pixmo = [message.content for message in chat("pixmo_capqa_eu", "question+answer", "Q?", "A.")]
    assert pixmo[0].startswith(
        "You are a helpful AI assistant that specializes in English to Basque translations.\n Your"
    )
    assert "Basque.\n\n Here are some important guidelines:\n 1. Maintain" in pixmo[0]
    assert pixmo[2] == "Galdera: Gela hau 1970ean bezala dago diseinatuta?"
    assert pixmo[5] == "Translate the following question and answers to Basque \n\n **Question:** Q? **Answer:** A."
    vqa = [message.content for message in chat("vqav2_eu", "question+answer", "Q?", "A.")]
    assert vqa[0] == SYSTEM
    assert vqa[5] == "Translate the following question and answers to Basque\nQuestion: Q?\nAnswer: A."
    wild = chat("wildvision_eu", "question", "¿Qué es?")
    assert [message.role for message in wild] == ["system", "user"]
    assert wild[0].content == SYSTEM.replace("English", "Spanish")


@pytest.mark.parametrize(
    ("name", "digest"),
    [("a_okvqa_eu", "98ab137c91b77d96"), ("pixmo_capqa_eu", "fe38eed70032aa51"), ("vqav2_eu", "91cddbd462717826")],
)
def test_figures_4_to_6_are_as_they_were_compared_with_the_paper(name: str, digest: str) -> None:
    """Every character of the chat was compared with the paper's text by a program when this digest was taken."""
    said = "\0".join(f"{message.role}\0{message.content}" for message in chat(name, "question+answer", "QQQ", "AAA"))
    assert hashlib.sha256(said.encode()).hexdigest()[:16] == digest


@pytest.mark.parametrize("name", known_prompts())
def test_all_that_come_along_load_and_sample_as_the_paper_says(name: str) -> None:
    prompt = load_prompt(name)
    decoding = prompt.decoding
    assert prompt.name == name
    assert (decoding.temperature, decoding.top_p, decoding.context, decoding.batch) == (0.7, 0.15, 2048, 64)
    assert load_prompt(str(FOLDER / f"{name}.yaml")) == prompt


def test_a_field_that_is_not_there_leaves_the_query_cleanly() -> None:
    assert chat("a_okvqa_eu", "question", "Who? ")[-1].content.endswith("Basque \n \n \n **Question:** Who? ")
    assert chat("a_okvqa_eu", "option", "cab")[-1].content.endswith("Basque \n \n \n **Answer:** cab")
    assert chat("vqav2_eu", "answer+answer", "cab", "bus")[-1].content.endswith("Basque\nAnswer: 1.cab, 2.bus")


def test_generic_names_the_languages_and_takes_any_kind() -> None:
    prompt = in_languages(load_prompt("generic"), "en", "nl")
    unit = Unit("question+rationale", ('Say "{texts}"', "{target_language} é"))
    system, query = messages(prompt, parts_of(prompt, unit))
    assert "from English to Dutch" in system.content
    assert query.content == (
        "Translate from English to Dutch. In order, the texts are: question, rationale.\n"
        '{"texts": ["Say \\"{texts}\\"", "{target_language} é"]}'
    )
    (part,) = parts_of(prompt, Unit("caption", ("A cat",)))
    assert single_messages(prompt, part)[-1].content == (
        "Translate this caption from English to Dutch. Reply with one JSON object of the same form, nothing else.\n"
        '{"texts": ["A cat"]}'
    )


@given(TEXT, TEXT)
def test_source_text_is_put_in_as_it_is(question: str, answer: str) -> None:
    query = chat("a_okvqa_eu", "question+answer", question, answer)[-1].content
    assert query == (
        f"Translate the following question and answers to Basque \n \n \n **Question:** {question} **Answer:** {answer}"
    )


def test_a_placeholder_in_a_source_is_text() -> None:
    query = chat("a_okvqa_eu", "question+answer", "{answer} {question}", "{question}")[-1].content
    assert query.endswith("**Question:** {answer} {question} **Answer:** {question}")


@pytest.mark.parametrize(
    ("kind", "texts", "message"),
    [
        (
            "caption",
            ["x"],
            "no field for the kind 'caption' in the prompt a_okvqa_eu, which takes one text of kind quest",
        ),
        ("question+question", ["x", "y"], "2 texts for the field 'question' in the prompt"),
        ("question", ["x", "y"], "2 texts for the field 'question'"),
        ("question+option", ["x"], "the kind 'question+option' names 2 texts and the unit has 1"),
        ("question", [], "the unit has 0"),
    ],
)
def test_a_unit_that_does_not_fit_says_what_the_prompt_takes(kind: str, texts: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        parts_of(load_prompt("a_okvqa_eu"), Unit(kind, tuple(texts)))


def test_fields_keep_the_places_of_their_texts() -> None:
    unit = Unit("option+question+option", ("a", "q", "b"))
    question, options = parts_of(load_prompt("a_okvqa_eu"), unit)
    assert (question.texts, question.places, options.texts, options.places) == (("q",), (1,), ("a", "b"), (0, 2))


NESTED = b"source: &n0 [x, x]\n"
for _level in range(1, 9):
    NESTED = b"source: &n%d [%s%s]\n" % (_level, NESTED[8:-1], b", *n%d" % (_level - 1) * 9)

CHANGES: list[tuple[str, Any, str]] = [
    ("sytem", "x", "unknown key 'sytem'; did you mean system?"),
    ("system", None, "system: a text is expected and this is None; put it in quotes"),
    ("system", " ", "system: it is empty"),
    ("source", False, "source: a text is expected and this is False; put it in quotes"),
    ("format", "xml", "format: 'xml'; `labelled` or `json` is expected"),
    ("version", 1.5, "version: 1.5; a whole number from 1"),
    ("version", True, "version: True; a whole number from 1"),
    ("query", "Translate", "query: a list that is not empty is expected"),
    ("query", ["{question} ", "{anwser}"], "query[1]: {anwser} is no field; did you mean answer"),
    ("query", ["{question} {answer}"], "query[0]: two fields in one segment"),
    ("query", ["{answer}", "{question}"], "query: it asks for ['answer', 'question']; the fields are"),
    ("query", ["{question}"], "query: it asks for ['question']"),
    ("query", ["{question}", "{question}", "{answer}"], "query: it asks for"),
    ("system", "Hi {question}", "system: {question} is no field"),
    ("single", "Translate this", "single: it needs {text}"),
    ("single", "{texte}", "single: {texte} is no field; did you mean text?"),
    ("shots", [{"user": "x", "assistant": ""}], "shots[0].assistant: it is empty"),
    ("shots", [{"user": "x"}], "shots[0]: the key 'assistant' is missing"),
    ("shots", [{}], "shots[0]: the key 'user' is missing"),
    ("shots", ["x"], "shots[0]: a mapping with the keys user, assistant is expected"),
    ("shots", None, "shots: a list is expected"),
    ("fields", [], "fields: a list that is not empty is expected"),
    ("fields", [{"name": "question"}], "fields[0]: the key 'kinds' is missing"),
    (
        "fields",
        [{"name": "a", "kinds": [1], "label": "x", "source_label": "y"}],
        "fields[0].kinds[0]: a text is expected",
    ),
    (
        "fields",
        [{"name": "a", "kinds": "any", "label": "**", "source_label": "y"}],
        "fields[0].label: a word is expected",
    ),
    ("decoding", {"temperature": 0.7, "top-p": 0.1}, "decoding: unknown key 'top-p'; did you mean top_p?"),
    ("decoding", {}, "decoding: the key 'temperature' is missing"),
]


@pytest.mark.parametrize(("key", "value", "message"), CHANGES)
def test_a_faulty_file_is_refused_by_key(tmp_path: Path, key: str, value: Any, message: str) -> None:
    raw = yaml.safe_load((FOLDER / "a_okvqa_eu.yaml").read_text())
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(raw | {key: value}))
    with pytest.raises(TranslatorError, match=re.escape(f"--prompt {path}: {message}")) as error:
        load_prompt(str(path))
    assert "\n" not in str(error.value)


def test_fields_that_share_a_kind_or_a_name_are_refused(tmp_path: Path) -> None:
    raw = yaml.safe_load((FOLDER / "a_okvqa_eu.yaml").read_text())
    path = tmp_path / "mine.yaml"
    for key, value in (("kinds", ["question"]), ("kinds", "any"), ("name", "question")):
        fields = [raw["fields"][0], raw["fields"][1] | {key: value}]
        path.write_text(yaml.safe_dump(raw | {"fields": fields}))
        with pytest.raises(TranslatorError, match="a kind belongs to two fields|two have the same name"):
            load_prompt(str(path))


def test_numbers_out_of_range_are_refused(tmp_path: Path) -> None:
    raw = yaml.safe_load((FOLDER / "generic.yaml").read_text())
    path = tmp_path / "mine.yaml"
    for key, value in (
        ("temperature", -1),
        ("top_p", 0),
        ("context", 2048.5),
        ("batch", "64"),
        ("top_p", float("nan")),
    ):
        path.write_text(yaml.safe_dump(raw | {"decoding": raw["decoding"] | {key: value}}))
        with pytest.raises(TranslatorError, match=rf"decoding.{key}: .*; a (whole )?number from"):
            load_prompt(str(path))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"name: [", "not readable as YAML"),
        (b"name: x\nname: y\n", "the key 'name' stands twice"),
        (b"".join(b"k%d: 1\n" % n for n in range(20_000)) + b"k9: 1\n", "the key 'k9' stands twice"),
        (b"[a]: x\n", "not readable as YAML"),
        (b"name: &a x\nabout: *a\n", "the alias *a in line 2; write out what it stands for"),
        (NESTED, "the alias *n0 in line 1"),
        (b"name: " + b"9" * 4000, "the key 'version' is missing"),
        (b"\xff\xfe\x00", "not readable as YAML"),
        (b"", "a mapping with the keys name, version"),
        (b"- a\n", "a mapping with the keys name, version"),
        (b"!!python/object:os.system {}", "not readable as YAML"),
        (b"#" * (2 << 20), "more than 1,048,576 bytes"),
        (b"[" * 5000, "not readable as YAML"),
    ],
)
def test_what_is_no_prompt_file_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_bytes(content)
    with pytest.raises(TranslatorError, match=re.escape(message)) as error:
        load_prompt(str(path))
    assert "\n" not in str(error.value)


def test_the_error_is_short_however_large_the_value(tmp_path: Path) -> None:
    raw = yaml.safe_load((FOLDER / "a_okvqa_eu.yaml").read_text())
    path = tmp_path / "mine.yaml"
    long = "x" * 100_000
    changes: list[tuple[str, Any]] = [
        ("system", [long] * 3), ("version", long), ("format", long), (long, 1), ("query", [f"{{{long}}}"]),
        ("query", ["{question}"] * 5000),
    ]  # fmt: skip
    for key, value in changes:
        path.write_text(yaml.safe_dump(raw | {key: value}))
        with pytest.raises(TranslatorError) as error:
            load_prompt(str(path))
        assert len(str(error.value)) < 600 + len(str(path)), key


def test_blank_texts_stay_out_of_the_query() -> None:
    unit = Unit("question+option+option+option", ("Who?", "a", " ", "b"))
    question, options = parts_of(load_prompt("a_okvqa_eu"), unit)
    assert (question.places, options.places, options.texts) == ((0,), (1, 3), ("a", "b"))
    assert [part.field.name for part in parts_of(load_prompt("a_okvqa_eu"), Unit("question+option", ("", "a")))] == [
        "answer"
    ]


def test_an_unknown_prompt_or_file_says_what_is_known(tmp_path: Path) -> None:
    with pytest.raises(TranslatorError, match="--prompt vqa2_eu: no such prompt; did you mean vqav2_eu"):
        load_prompt("vqa2_eu")
    with pytest.raises(TranslatorError, match="known are a_okvqa_eu, generic, pixmo_capqa_eu, vqav2_eu, wildvision_eu"):
        load_prompt("")
    with pytest.raises(TranslatorError, match=r"no\.yaml: No such file or directory"):
        load_prompt(str(tmp_path / "no.yaml"))


def test_languages_are_those_of_the_prompt_and_known() -> None:
    with pytest.raises(TranslatorError, match="prompt a_okvqa_eu has the target language 'eu', not 'it'; `generic`"):
        in_languages(load_prompt("a_okvqa_eu"), "en", "it")
    with pytest.raises(TranslatorError, match="unknown target language 'eus'; did you mean"):
        in_languages(load_prompt("generic"), "en", "eus")
    with pytest.raises(TranslatorError, match="source and target language are both 'en'"):
        in_languages(load_prompt("generic"), "en", "en")
