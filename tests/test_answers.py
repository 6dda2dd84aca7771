"""A model's answer is read into exactly what was asked, or refused by class: never into something else."""

import json
import re
from collections.abc import Callable
from typing import TypeVar

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from translators import Unit
from translators.fewshot.answers import (
    Refused,
    answer_pattern,
    answer_schema,
    imitates,
    max_characters,
    read,
    read_items,
)
from translators.fewshot.engine import Answer
from translators.fewshot.prompts import load_prompt
from translators.fewshot.queries import Part, in_languages, parts_of, written

T = TypeVar("T")
OKVQA = load_prompt("a_okvqa_eu")
PIXMO = load_prompt("pixmo_capqa_eu")
VQA = load_prompt("vqav2_eu")
GENERIC = in_languages(load_prompt("generic"), "en", "it")
UNIT = Unit("question+option+option+option", ("What is on the left table?", "a cup", "10.52", "three big dogs"))
GOOD = "**Galdera:** Zer dago ezkerreko mahaian? **Erantzuna:** 1.Kopa bat, 2.10,52, 3.Hiru txakur handi"
READ = [("Zer dago ezkerreko mahaian?",), ("Kopa bat", "10,52", "Hiru txakur handi")]


def outcome(make: Callable[[], T]) -> T | str:
    """What was read, or the class of the refusal."""
    try:
        return make()
    except Refused as refused:
        return refused.kind


def answer(text: str, finish: str = "stop") -> Answer:
    return Answer(text, finish, tokens=7)


def asked(unit: Unit = UNIT) -> list[Part]:
    return parts_of(OKVQA, unit)


def refusal(text: str, unit: Unit = UNIT, finish: str = "stop") -> str:
    with pytest.raises(Refused) as refused:
        read(OKVQA, parts_of(OKVQA, unit), answer(text, finish))
    assert str(refused.value)
    return refused.value.kind


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        f"\n {GOOD} \n",
        GOOD.replace(" **Erantzuna", " \n **Erantzuna"),
        GOOD.replace("**", ""),
        GOOD.replace("**Galdera:**", "**galdera**:").replace("**Erantzuna:**", "**ERANTZUNA :**"),
        GOOD.replace("**Galdera:** ", "galdera:").replace(" **Erantzuna:**", "\nerantzuna:"),
        GOOD.replace(", 2.", "\n2. ").replace(", 3.", ",\n3. "),
        GOOD.replace("1.", "\n1.  "),
    ],
)
def test_what_changes_no_word_is_taken(text: str) -> None:
    assert read(OKVQA, asked(), answer(text)) == READ


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("Empty", ""),
        ("Empty", " \n"),
        ("Empty", GOOD.replace("Zer dago ezkerreko mahaian?", " ")),
        ("MissingField", "Sentitzen dut, ezin dut lagundu."),
        ("MissingField", GOOD.partition(" **Erantzuna")[0]),
        ("MissingField", GOOD.replace("Galdera", "Pregunta")),
        ("WrongLabel", GOOD.replace("Galdera", "Question")),
        ("WrongLabel", GOOD.replace("**Erantzuna:**", "**Answer:**")),
        ("WrongLabel", f"{GOOD}\n\nQuestion: What is this?"),
        ("RepeatedField", f"{GOOD}\n\n**Galdera:** Zer da hau? **Erantzuna:** 1.a"),
        ("OutOfOrder", "**Erantzuna:** 1.Kopa bat, 2.10,52, 3.Hiru **Galdera:** Zer dago mahaian?"),
        ("OutOfOrder", GOOD.replace("2.10,52, 3.Hiru txakur handi", "3.Hiru txakur handi, 2.10,52")),
        ("WrongItemCount", GOOD.replace(", 3.Hiru txakur handi", "")),
        ("WrongItemCount", GOOD + ", 4.etxea"),
        ("WrongItemCount", GOOD + "\n4.etxea"),
        ("WrongItemCount", GOOD.replace("1.Kopa", "Kopa")),
        ("WrongItemCount", GOOD.replace("3.Hiru", "Hiru")),
        ("WrongItemCount", GOOD.replace("Kopa bat", "")),
        ("Chatter", f"Here is the translation:\n{GOOD}"),
        ("Chatter", f"Hona hemen itzulpena: {GOOD}"),
        ("Chatter", f"{GOOD}\n\nNote: I kept the numbers."),
        ("Chatter", f"{GOOD} (Note: I kept the numbers.)"),
        ("Chatter", GOOD.replace("?", "?\nGaldera hau erraza da.")),
        ("Chatter", GOOD.replace("Zer dago", "Here's the translated question: Zer dago")),
        ("Malformed", GOOD.replace("mahaian?", "mahaian? **Oharra:** erraza")),
        ("Malformed", GOOD.replace("mahaian", "maha\x1b[31mian")),
        ("Malformed", GOOD.replace("mahaian", "maha\ufffdan")),
        ("ControlToken", f"{GOOD}<|eot_id|>"),
        ("ControlToken", GOOD.replace("mahaian", "</s>mahaian")),
        ("TooLong", GOOD.replace("mahaian", "mahaian " * 1000)),
        ("TooLong", GOOD.replace("handi", "handi " * 40)),
        ("Untranslated", GOOD.replace("Zer dago ezkerreko mahaian?", "what is  on the left table?")),
        ("Echo", GOOD.replace("Zer dago ezkerreko mahaian?", "Non ari da gizon hau pizza jaten?")),
    ],
)
def test_what_is_not_as_asked_is_refused_by_class(kind: str, text: str) -> None:
    assert refusal(text) == kind


def test_a_list_of_the_examples_is_an_echo_unless_it_is_what_was_asked() -> None:
    unit = Unit("option+option+option+option", ("a", "b", "c", "d"))
    assert refusal("**Erantzuna:** 1.skaterra, 2.trena, 3.Deliveria, 4.Taxia", unit) == "Echo"
    for prompt, user, kind in ((OKVQA, OKVQA.shots[1], "option"), (VQA, VQA.shots[1], "answer")):
        question, options = re.findall(r"(?:Question|Answer):(?:\*\*)? (.*?)\s*(?=\*\*Answer|Answer:|\Z)", user.user)
        items = read_items(options, [kind] * len(re.findall(r"(?:^|, )\d+\.", options)))
        parts = parts_of(prompt, Unit("+".join(["question", *[kind] * len(items)]), (question, *items)))
        assert len(read(prompt, parts, answer(user.assistant))[1]) == len(items)


def test_cut_off_comes_first() -> None:
    assert refusal(GOOD, finish="length") == "Truncated"


def test_one_text_has_no_number() -> None:
    unit = Unit("question+option", ("Who is it?", "two"))
    assert read(OKVQA, asked(unit), answer("**Galdera:** Nor da? **Erantzuna:** 2"))[1] == ("2",)
    assert read(OKVQA, asked(unit), answer("**Galdera:** Nor da? **Erantzuna:** 1.4 milioi"))[1] == ("1.4 milioi",)
    assert refusal("**Galdera:** Nor da? **Erantzuna:** 1.bi", unit) == "WrongItemCount"


def test_labels_are_those_of_the_prompt() -> None:
    parts = parts_of(PIXMO, Unit("question+answer", ("Is it red?", "yes")))
    assert read(PIXMO, parts, answer("Galdera: Gorria da? \n **Erantzuna:** bai")) == [("Gorria da?",), ("bai",)]


def test_a_label_as_a_word_of_the_text_is_no_label() -> None:
    unit = Unit("question+option", ("Which is the answer: a or b?", "a"))
    text = "**Galdera:** Zein da erantzuna: a ala b? **Erantzuna:** a"
    assert read(OKVQA, asked(unit), answer(text)) == [("Zein da erantzuna: a ala b?",), ("a",)]


def test_a_source_with_labels_is_seen_and_read_alone() -> None:
    text = "Question: who? **Answer:** me"
    (part,) = asked(Unit("question", (text,)))
    assert imitates(OKVQA, part)
    assert not imitates(OKVQA, asked(Unit("question", ("Is the answer: yes?",)))[0])
    made = read(OKVQA, [part], answer("**Galdera:** Galdera: nor? **Erantzuna:** ni"))
    assert made == [("Galdera: nor? **Erantzuna:** ni",)]


def test_control_tokens_and_lines_of_the_source_may_stand_in_the_answer() -> None:
    unit = Unit("question", ("What does <|x|> mean?\nSay **it** (note: short)",))
    text = "**Galdera:** Zer da <|x|>?\nEsan **hau** (oharra: labur)"
    assert read(OKVQA, asked(unit), answer(text)) == [("Zer da <|x|>?\nEsan **hau** (oharra: labur)",)]


# ---- numbered lists -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "sources", "items"),
    [
        ("1.2, 2.2, 3.3", ["2", "2", "3"], ("2", "2", "3")),
        ("1.10.52, 2.1.5", ["10.52", "1.5"], ("10.52", "1.5")),
        ("1.a, b, 2.c, d", ["x, y", "z, w"], ("a, b", "c, d")),
        ("1.a, 2.b, 2.c", ["a, 2.x", "c"], ("a, 2.b", "c")),
        ("1.a, 2.b, 2.c", ["a", "b, 2.x"], ("a", "b, 2.c")),
        ("1.a, 2.b, 3. 4,5 m", ["a", "b", "4.5 m"], ("a", "b", "4,5 m")),
        ("1.bi, 2.hiru", ["2", "3"], ("bi", "hiru")),
        ("1.1, 2.2, 3.3, 4.4, 5.5, 6.6, 7.7, 8.8, 9.9, 10.52", [*"123456789", "52"], (*"123456789", "52")),
        ("1.1, 2.2 2.2, 3.3", ["1", "2 2.2", "3"], ("1", "2 2.2", "3")),
        ("1.a\nb, 2.c", ["x\ny", "z"], ("a\nb", "c")),
        ("1.a, 2.5 kilo, 2.b", ["a, 2.5 kilos", "b"], ("a, 2.5 kilo", "b")),
    ],
)
def test_a_list_is_cut_where_the_numbers_say(text: str, sources: list[str], items: tuple[str, ...]) -> None:
    assert read_items(text, sources) == items


@pytest.mark.parametrize(
    ("text", "sources", "kind"),
    [
        ("1.a, 2.b, 2.c", ["x", "y"], "Ambiguous"),
        ("1.a, 2.b, 2.c", ["2", "2"], "Ambiguous"),
        ("1.a, 2.b, 3.c", ["x", "y"], "WrongItemCount"),
        ("1.a, 2.b, 3.c, 4.d", ["x", "y", "3 4"], "WrongItemCount"),
        ("2.b, 1.a", ["x", "y"], "OutOfOrder"),
        ("10.52, 2.x", ["10.52", "x"], "WrongItemCount"),
        ("Hona, 1.a, 2.b", ["x", "y"], "WrongItemCount"),
        ("1.a, 2.", ["x", "y"], "WrongItemCount"),
        ("1.a, 2." + "b, 2." * 50, ["x", "y"], "Ambiguous"),
    ],
)
def test_a_list_that_cannot_be_told_is_refused(text: str, sources: list[str], kind: str) -> None:
    with pytest.raises(Refused) as refused:
        read_items(text, sources)
    assert refused.value.kind == kind


ITEM = st.one_of(
    st.text("ab12345, .\n", min_size=1, max_size=12),
    st.lists(st.sampled_from(["1.", "2.", "3.", ", ", "x", "10.52", ",", "\n", "2"]), min_size=1, max_size=6).map(
        "".join
    ),
    st.text(min_size=1, max_size=12),
).filter(str.strip)


@given(st.lists(ITEM, min_size=2, max_size=12))
@example(["a", "b, 2.c"])
@example(["a, 2.b", "c"])
@example([","] * 3)
def test_written_and_read_gives_the_items_or_a_refusal(items: list[str]) -> None:
    (part,) = asked(Unit("+".join(["option"] * len(items)), tuple(items)))
    made = outcome(lambda: read_items(written(OKVQA, part), items))
    if isinstance(made, str):
        assert made in ("Ambiguous", "WrongItemCount")
    else:
        assert [item.split() for item in made] == [item.split() for item in items]


@given(st.lists(st.text("abc défç", min_size=1, max_size=12).filter(str.strip), min_size=2, max_size=12))
def test_plain_items_are_never_refused(items: list[str]) -> None:
    (part,) = asked(Unit("+".join(["option"] * len(items)), tuple(items)))
    assert read_items(written(OKVQA, part), items) == tuple(" ".join(item.split()) for item in items)


@given(
    st.text("12345., ab\n", max_size=80), st.lists(st.text("12ab, .", min_size=1, max_size=5), min_size=2, max_size=4)
)
def test_any_text_gives_as_many_items_as_asked_or_a_refusal(text: str, sources: list[str]) -> None:
    try:
        made = read_items(text, sources)
    except Refused:
        return
    assert len(made) == len(sources)
    assert all(made)
    assert re.sub(r"[\s,]", "", text) == re.sub(r"[\s,]", "", "".join(f"{n}.{item}" for n, item in enumerate(made, 1)))


@given(st.text(max_size=300) | st.text('{}[]"texts:, *GalderaErantzuna1.\n', max_size=80))
def test_any_text_is_read_or_refused(text: str) -> None:
    unit = Unit("question+option", ("What is it?", "a cup"))
    for prompt in (OKVQA, GENERIC):
        values = outcome(lambda prompt=prompt: read(prompt, parts_of(prompt, unit), answer(text)))  # type: ignore[misc]
        assert re.fullmatch("[A-Z][A-Za-z]+", values) if isinstance(values, str) else sum(map(len, values)) == 2


HOSTILE = [
    "**Galdera:** " * 20_000, "** " * 100_000, "\n \t" * 100_000, "1.a, 2." * 50_000, ", " * 100_000, "(" * 200_000,
    "here is the " * 30_000, "<|" * 100_000, "{" * 200_000, '{"texts": [' * 50_000, "[" * 200_000,
    "**Galdera" + " " * 200_000,
    "**Galdera:** a **Erantzuna:** 1." + "a, 2.b, 3.c, " * 30_000, "\n" * 200_000 + "x", "```json\n" * 50_000,
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_is_refused_in_good_time(text: str) -> None:
    """Each would take minutes if the time grew with the square of the length; long sources let it be read at all."""
    sources = tuple(f"word {number} " * 40_000 for number in range(3))
    for prompt in (OKVQA, GENERIC):
        with pytest.raises(Refused):
            read(prompt, parts_of(prompt, Unit("question+option+option", sources)), answer(text))
    with pytest.raises(Refused):
        read_items(text, ["x", "y", "z"])


# ---- JSON -----------------------------------------------------------------------------------------------------------

TWO = Unit("question+caption", ("Is it red?", "A red cup on a table."))


@pytest.mark.parametrize(
    "text",
    [
        '{"texts": ["È rosso?", "Una tazza rossa su un tavolo."]}',
        '```json\n{"texts": ["È rosso?", "Una tazza rossa su un tavolo."]}\n```',
        '\n{"texts":[" \\u00c8 rosso? ","Una tazza rossa su un tavolo."]}\n',
    ],
)
def test_json_is_read(text: str) -> None:
    assert read(GENERIC, parts_of(GENERIC, TWO), answer(text)) == [("È rosso?", "Una tazza rossa su un tavolo.")]


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("Malformed", '{"texts": ["È rosso?", "Una'),
        ("Malformed", '["È rosso?", "Una tazza"]'),
        ("Malformed", '[["texts", ["È rosso?", "Una tazza"]]]'),
        ("Malformed", '{"texts": ["È rosso?", 3]}'),
        ("Malformed", '{"texts": ["È rosso?", {"a": "b"}]}'),
        ("Malformed", '{"texts": ["a", "b"], "texts": ["c", "d"]}'),
        ("Malformed", '{"texts": ["a", "b"], "note": "done"}'),
        ("Malformed", '{"text": ["a", "b"]}'),
        ("Malformed", "{}"),
        ("Malformed", "È rosso?"),
        ("Malformed", "1" * 400),
        ("Chatter", 'Sure! {"texts": ["È rosso?", "Una tazza"]}'),
        ("Chatter", '{"texts": ["È rosso?", "Una tazza\\nNota"]}'),
        ("WrongItemCount", '{"texts": ["È rosso?"]}'),
        ("WrongItemCount", '{"texts": ["a", "b", "c"]}'),
        ("Empty", '{"texts": ["È rosso?", " "]}'),
        ("Untranslated", '{"texts": ["È rosso?", "a red cup on a table."]}'),
        ("ControlToken", '{"texts": ["È rosso?", "Una <|im_end|>"]}'),
        ("Malformed", '{"texts": ["È rosso?", "Una \\u0007"]}'),
        ("Malformed", '{"texts": ["È rosso?", "Una \\ud83d"]}'),
        ("ControlToken", '{"texts": ["È rosso?", "Una \\u003c|im_end|>"]}'),
    ],
)
def test_json_that_is_not_as_asked_is_refused_by_class(kind: str, text: str) -> None:
    with pytest.raises(Refused) as refused:
        read(GENERIC, parts_of(GENERIC, TWO), answer(text))
    assert refused.value.kind == kind


# ---- what binds an engine -------------------------------------------------------------------------------------------

WORDS = st.text("abñ 是.,?'1", min_size=1, max_size=20).map(str.strip).filter(lambda text: text.strip(" ,."))


@given(WORDS, st.lists(WORDS, min_size=1, max_size=10))
def test_the_pattern_matches_what_is_asked_for(question: str, items: list[str]) -> None:
    parts = asked(Unit("+".join(["question", *["option"] * len(items)]), (question, *items)))
    pattern = answer_pattern(parts)
    for between in (" ", "\n"):
        text = f"**Galdera:** {question}{between}**Erantzuna:** {written(OKVQA, parts[1])}"
        assert re.fullmatch(pattern, text)
        assert not re.fullmatch(pattern, f"Here: {text}")
        assert not re.fullmatch(pattern, f"{text}\n")
    assert not re.search(r"\(\?|\\[bBAZdw]|\^(?!\\)|\$", pattern.replace("[^", "")), "only plain constructs"


@given(st.data())
def test_what_matches_the_pattern_has_every_field_and_item(data: st.DataObject) -> None:
    parts = asked()
    text = data.draw(st.from_regex(re.compile(answer_pattern(parts), re.ASCII), fullmatch=True))
    values = outcome(lambda: read(OKVQA, parts, answer(text)))
    if isinstance(values, str):
        assert values not in ("MissingField", "OutOfOrder", "WrongLabel", "Truncated")
    else:
        assert [len(texts) for texts in values] == [1, 3]


def test_the_pattern_has_room_for_what_the_source_has() -> None:
    unit = Unit("question", ("2 * 3\nis **what**?",))
    assert re.fullmatch(answer_pattern(asked(unit)), "**Galdera:** 2 * 3\nzer **da**?")
    assert not re.fullmatch(answer_pattern(asked(Unit("question", ("What?",)))), "**Galdera:** Zer?\n**Oharra:** ez")


def test_engines_take_the_pattern_and_the_schema() -> None:
    """xgrammar, which vLLM asks first, binds exactly these forms."""
    xgrammar = pytest.importorskip("xgrammar", reason="comes with vLLM")
    tokens = [bytes([byte]) for byte in range(256)]
    compiler = xgrammar.GrammarCompiler(xgrammar.TokenizerInfo([*tokens, b"</s>"], stop_token_ids=[256]))

    def takes(grammar: object, text: str) -> bool:
        matcher = xgrammar.GrammarMatcher(grammar)
        return bool(matcher.accept_string(text)) and bool(matcher.accept_token(256))

    grammar = compiler.compile_grammar(xgrammar.Grammar.from_regex(answer_pattern(asked())))
    assert takes(grammar, GOOD.replace("Zer", "Zeñ 是"))
    assert takes(grammar, GOOD.replace(" **E", "\n**E"))
    assert not takes(grammar, GOOD.partition(", 3.")[0])
    assert not takes(grammar, f"Here: {GOOD}")
    assert not takes(grammar, GOOD.replace("Zer", "Zer\x07"))
    unit = Unit("question", ("2 * 3\nis what?",))
    assert takes(
        compiler.compile_grammar(xgrammar.Grammar.from_regex(answer_pattern(asked(unit)))), "**Galdera:** 2 *\n3"
    )
    grammar = compiler.compile_json_schema(json.dumps(answer_schema(parts_of(GENERIC, TWO))))
    assert takes(grammar, '{"texts": ["È rosso?", "Una"]}')
    assert not takes(grammar, '{"texts": ["È rosso?"]}')
    assert not takes(grammar, json.dumps({"texts": ["È rosso?", "x" * 600]}))


def test_the_schema_asks_for_as_many_texts_and_few_different_bounds() -> None:
    schemas = set()
    for length in range(1, 150):
        schema = answer_schema(parts_of(GENERIC, Unit("caption", ("x" * length,))))
        texts = schema["properties"]["texts"]
        assert (texts["minItems"], texts["maxItems"]) == (1, 1)
        assert texts["items"]["maxLength"] >= max_characters("x" * length)
        schemas.add(json.dumps(schema))
    assert len(schemas) <= 4
