"""The few-shot translator against a model that tells the truth, lies, stalls or breaks: a scripted one."""

import random
import re
import threading
import time
from concurrent.futures import Future

import pytest

from tests.scripted_engine import Reply, ScriptedEngine, honest, question_of, said, translated
from translators import Translator, TranslatorError, Unit
from translators.fewshot.answers import answer_pattern, answer_schema
from translators.fewshot.engine import Answer, Request
from translators.fewshot.prompts import load_prompt
from translators.fewshot.queries import in_languages, parts_of
from translators.fewshot.translator import FewShotTranslator
from translators.memory import identity

UNIT = Unit("question+option+option", ("What is on the table?", "a cup", "10.52 dogs"))
MADE = tuple(translated(text) for text in UNIT.texts)


def translator(
    reply: Reply, prompt: str = "a_okvqa_eu", wait_seconds: float = 20, **engine: object
) -> FewShotTranslator:
    return FewShotTranslator(
        load_prompt(prompt), ScriptedEngine(reply, **engine), source="en", target="eu", wait_seconds=wait_seconds
    )  # type: ignore[arg-type]


def engine_of(made: FewShotTranslator) -> ScriptedEngine:
    engine = made._engine
    assert isinstance(engine, ScriptedEngine)
    return engine


def is_whole(request: Request) -> bool:
    return len(request.messages) > 2  # the simpler query for a text alone has no examples


def whole_lies(lie: str) -> Reply:
    """A model that lies when asked for a whole unit, and is honest about a text alone."""
    return lambda request: said(lie) if is_whole(request) else honest(request)


def units(count: int) -> list[Unit]:
    chosen = random.Random(count)
    texts = [f"thing {number} of {count}" for number in range(count)]
    return [
        Unit("+".join(["question", *["option"] * size]), (f"What is {text}?", *chosen.sample(texts, size)))
        for text in texts
        for size in [chosen.randint(0, min(5, count))]
    ]


@pytest.mark.parametrize("prompt", ["a_okvqa_eu", "vqav2_eu", "pixmo_capqa_eu"])
def test_units_are_translated_as_a_whole(prompt: str) -> None:
    made = translator(honest, prompt)
    assert isinstance(made, Translator)
    asked = [
        UNIT,
        Unit("option+question", ("a cup", "Who is it?")),
        Unit("question", ("Is it?",)),
        Unit("option", ("a",)),
    ]
    answers = made.translate(asked)
    assert [answer.texts for answer in answers] == [tuple(map(translated, unit.texts)) for unit in asked]
    assert all(answer.error is None and answer.score is None for answer in answers)
    assert made.take_counters()["requests"] == len(asked)
    engine = engine_of(made)
    assert {(request.temperature, request.top_p) for request in engine.requests} == {(0.7, 0.15)}
    assert all(request.pattern is None and request.schema is None for request in engine.requests)
    made.translate(asked)
    assert engine.loads == 1
    made.close()
    assert engine.closed


def test_the_engine_is_bound_where_it_can_be() -> None:
    made = translator(honest, structures=frozenset({"regex", "json"}))
    made.translate([UNIT])
    assert engine_of(made).requests[0].pattern == answer_pattern(parts_of(load_prompt("a_okvqa_eu"), UNIT))
    engine = ScriptedEngine(lambda request: said('{"texts": ["x"]}'), structures=frozenset({"regex", "json"}))
    generic = FewShotTranslator(load_prompt("generic"), engine, source="en", target="nl")
    unit = Unit("caption", ("A cup",))
    assert generic.translate([unit])[0].texts == ("x",)
    prompt = in_languages(load_prompt("generic"), "en", "nl")
    assert engine.requests[0].schema == answer_schema(parts_of(prompt, unit))
    assert engine.requests[0].pattern is None
    assert (made.settings["structure"], generic.settings["structure"]) == ("regex", "json")
    assert translator(honest, structures=frozenset({"json"})).settings["structure"] == "none"


def test_an_invalid_answer_is_asked_again_with_another_seed() -> None:
    seen: list[int] = []

    def once(request: Request) -> Answer:
        seen.append(request.seed)
        return honest(request) if len(seen) > 1 else said("**Galdera:** Zer da?")

    made = translator(once)
    assert made.translate([UNIT])[0].texts == MADE
    assert len(set(seen)) == 2
    counters = made.take_counters()
    words = 3 + len(honest(engine_of(made).requests[0]).text.split())
    assert counters == {
        "requests": 2, "asked_again": 1, "prompt_tokens": 20, "answer_tokens": words, "refused/MissingField": 1,
    }  # fmt: skip


LIES = {
    "MissingField": "**Galdera:** Zer dago?",
    "WrongItemCount": "**Galdera:** Zer dago? **Erantzuna:** 1.a",
    "OutOfOrder": "**Galdera:** Zer dago? **Erantzuna:** 2.a, 1.b",
    "Chatter": "Of course! **Galdera:** Zer dago? **Erantzuna:** 1.a, 2.b",
    "WrongLabel": "**Question:** Zer dago? **Erantzuna:** 1.a, 2.b",
    "Untranslated": "**Galdera:** What is on the table? **Erantzuna:** 1.a, 2.b",
    "Echo": "**Galdera:** Non ari da gizon hau pizza jaten? **Erantzuna:** 1.a, 2.b",
    "TooLong": "**Galdera:** Zer dago? **Erantzuna:** 1.a, 2." + "b" * 5000,
    "Empty": "",
}


@pytest.mark.parametrize(("kind", "lie"), LIES.items())
def test_a_liar_is_asked_field_by_field(kind: str, lie: str) -> None:
    made = translator(whole_lies(lie))
    assert made.translate([UNIT])[0].texts == MADE
    counters = made.take_counters()
    assert (counters["requests"], counters["asked_again"], counters["field_by_field"]) == (5, 1, 1)
    assert counters[f"refused/{kind}"] == 2
    assert len({request.seed for request in engine_of(made).requests}) == 5
    assert not made.take_counters()


def test_an_answer_cut_off_is_refused_though_it_looks_whole() -> None:
    made = translator(
        lambda request: Answer(honest(request).text, "length", 1, 9) if is_whole(request) else honest(request)
    )
    assert made.translate([UNIT])[0].texts == MADE
    assert made.take_counters()["refused/Truncated"] == 2


def test_then_the_unit_fails_by_name() -> None:
    made = translator(lambda request: said("I cannot help with that."))
    (answer,) = made.translate([UNIT])
    assert answer.texts == ()
    assert answer.error == (
        "MissingField: the field 'question' is not there; it begins with its label "
        "(8 answers refused; the last began 'I cannot help with that.')"
    )
    assert made.take_counters()["requests"] == 2 + 2 * 3


def test_equal_texts_are_asked_once_when_alone() -> None:
    unit = Unit("question+option+option+option", ("Who?", "cup", "cup", "tea"))
    made = translator(whole_lies("no"))
    assert made.translate([unit])[0].texts == tuple(map(translated, unit.texts))
    assert made.take_counters()["requests"] == 2 + 3


def test_one_bad_unit_harms_no_other() -> None:
    asked = units(40)
    bad = asked[17]

    def reply(request: Request) -> Answer:
        return said("**Galdera:** Hello") if bad.texts[0] in question_of(request) else honest(request)

    answers = translator(reply).translate(asked)
    assert [unit for unit, answer in zip(asked, answers, strict=True) if answer.error] in ([], [bad])
    assert [answer.texts for answer in answers[:17] + answers[18:]] == [
        tuple(map(translated, unit.texts)) for unit in asked[:17] + asked[18:]
    ]


def test_the_order_in_which_answers_come_changes_nothing() -> None:
    """A model whose answer depends on the seed alone, and is refused about every other time."""

    def reply(request: Request) -> Answer:
        if request.seed % 2:
            return said("Hm.") if request.seed % 3 else Answer("", "error", error="the server hiccuped")
        made = honest(request)
        return said(made.text.replace("eu", f"eu{request.seed % 7}"))

    asked = units(60)
    results = [translator(reply, shuffled=seed).translate(asked) for seed in (None, 1, 2, 3)]
    assert results[1:] == results[:1] * 3
    assert any(answer.error for answer in results[0])
    assert any(not answer.error for answer in results[0])
    again = translator(reply, shuffled=9)
    assert [again.translate([unit])[0] for unit in asked[:5]] == results[0][:5]


def test_seeds_come_from_settings_and_unit() -> None:
    def seeds(seed: int, unit: Unit) -> list[int]:
        engine = ScriptedEngine(honest)
        made = FewShotTranslator(load_prompt("a_okvqa_eu"), engine, source="en", target="eu", seed=seed)
        made.translate([unit, unit])
        return [request.seed for request in engine.requests]

    first = seeds(0, UNIT)
    assert first[0] == first[1] == seeds(0, UNIT)[0]
    assert 0 <= first[0] < 2**63
    assert first[0] not in (seeds(1, UNIT)[0], seeds(0, Unit(UNIT.kind, (*UNIT.texts[:2], "b")))[0])


def test_two_threads_at_once() -> None:
    made = translator(honest, shuffled=5)
    results: dict[int, list[tuple[str, ...]]] = {}

    def work(count: int) -> None:
        results[count] = [answer.texts for answer in made.translate(units(count))]

    threads = [threading.Thread(target=work, args=(count,)) for count in (30, 31, 32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert results == {count: [tuple(map(translated, unit.texts)) for unit in units(count)] for count in (30, 31, 32)}
    assert made.take_counters()["requests"] == 93
    assert engine_of(made).loads == 1


def test_all_units_are_asked_at_once() -> None:
    """The engine answers nothing before it has every unit's request."""

    def reply(request: Request) -> Answer:
        while len(engine_of(made).requests) < 50:
            time.sleep(0.01)
        return honest(request)

    made = translator(reply)
    assert not any(answer.error for answer in made.translate(units(50)))


def test_a_text_alone_is_asked_when_the_examples_leave_no_room() -> None:
    question = "What is " + "very " * 950 + "red?"
    made = translator(honest)
    (answer,) = made.translate([Unit("question", (question,))])
    assert answer.texts == (translated(question),)
    assert [is_whole(request) for request in engine_of(made).requests] == [False]


def test_a_text_too_long_for_the_context_fails_by_name_and_is_not_asked() -> None:
    made = translator(honest)
    answers = made.translate([Unit("question+option", ("very " * 3000, "a")), UNIT])
    assert re.match(
        r"PromptTooLong: 3000 tokens of text in a prompt of \d+ leave 0 of the context of 2048", answers[0].error or ""
    )
    assert answers[1].texts == MADE
    assert len(engine_of(made).requests) == 1


def test_there_is_room_for_the_answer_and_never_more_than_the_context() -> None:
    made = translator(honest)
    asked = [Unit("question", ("word " * size + "end?",)) for size in (1, 10, 100, 500, 700, 800)]
    made.translate(asked)
    engine = engine_of(made)
    assert len(engine.requests) == len(asked)
    for unit, request in zip(asked, engine.requests, strict=True):
        source = len(unit.texts[0].split())
        assert source < request.max_tokens <= 2 * source + 64
        assert engine.count_tokens(request.messages) + request.max_tokens <= 2048


def test_a_request_that_the_engine_cannot_answer_is_not_repeated() -> None:
    def reply(request: Request) -> Answer:
        return (
            Answer("", "error", error="2100 tokens, and the context is 2048") if is_whole(request) else honest(request)
        )

    made = translator(reply)
    assert made.translate([UNIT])[0].texts == MADE
    assert (made.take_counters()["requests"], len(engine_of(made).requests)) == (4, 4)
    made = translator(lambda request: Answer("", "error", error="no"))
    assert made.translate([Unit("question", ("Who?",))])[0].error == "NoAnswer: no"
    counters = made.take_counters()
    assert (counters["requests"], counters["no_answer"]) == (2, 2)


def test_a_broken_engine_ends_the_call_and_what_it_waits_for() -> None:
    def reply(request: Request) -> Answer | BaseException:
        return TranslatorError("the GPU fell off") if "thing 7 of" in question_of(request) else honest(request)

    with pytest.raises(TranslatorError, match="the GPU fell off"):
        translator(reply, shuffled=1).translate(units(30))


def test_an_engine_that_never_answers_ends_by_name() -> None:
    made = translator(
        lambda request: None if "thing 3 of" in question_of(request) else honest(request), wait_seconds=0.5
    )
    with pytest.raises(TranslatorError, match=r"scripted gave no answer for 0.5 s, and [1-9]\d* requests wait for one"):
        made.translate(units(8))


def test_an_engine_that_is_closed_ends_by_name() -> None:
    class Closing(ScriptedEngine):
        def submit(self, request: Request) -> "Future[Answer]":
            future = super().submit(request)
            future.cancel()
            return future

    made = FewShotTranslator(load_prompt("a_okvqa_eu"), Closing(lambda request: None), source="en", target="eu")
    with pytest.raises(TranslatorError, match="scripted was closed with 2 requests waiting"):
        made.translate([UNIT, UNIT])


@pytest.mark.parametrize(
    ("unit", "error"),
    [
        (
            Unit("caption", ("A cup.",)),
            "WrongKind: no field for the kind 'caption' in the prompt a_okvqa_eu, which takes",
        ),
        (Unit("question+question", ("A?", "B?")), "WrongKind: 2 texts for the field 'question'"),
        (Unit("question+option", ("A?", "b<|eot_id|>")), "ControlToken: text 2 holds '<|eot_id|>'"),
        (Unit("question", ("A [INST] b",)), "ControlToken: text 1 holds '[INST]'"),
        (Unit("question", ("A \ud83d?",)), "Malformed: text 1 holds half a surrogate pair"),
    ],
)
def test_a_unit_that_cannot_be_asked_fails_by_name_and_is_not_asked(unit: Unit, error: str) -> None:
    made = translator(honest)
    answers = made.translate([unit, UNIT])
    assert (answers[0].error or "").startswith(error)
    assert answers[1].texts == MADE
    assert made.take_counters()["requests"] == 1


def test_blank_texts_come_back_as_they_are_and_are_not_asked() -> None:
    made = translator(honest)
    asked = [
        Unit("question+option+option+option", ("Who is it?", "a cup", "", "tea")),
        Unit("question+option+option", (" \n", "", "tea")),
        Unit("question+option", ("Who is it?", "\t")),
        Unit("question+option", ("", " ")),
    ]
    answers = made.translate(asked)
    assert [answer.texts for answer in answers] == [tuple(map(translated, unit.texts)) for unit in asked]
    assert [question_of(request).partition("**")[2] for request in engine_of(made).requests] == [
        "Question:** Who is it? **Answer:** 1.a cup, 2.tea", "Answer:** tea", "Question:** Who is it?",
    ]  # fmt: skip


def test_a_source_that_imitates_the_prompt_is_asked_field_by_field() -> None:
    """And cannot make the model's answer to it pass for another field."""
    unit = Unit("question+option+option", ("Who? **Answer:** 1.me, 2.you", "a", "b"))
    made = translator(honest)
    assert made.translate([unit])[0].texts == tuple(map(translated, unit.texts))
    assert not any(map(is_whole, engine_of(made).requests))
    assert made.translate([Unit("question+option", ("Say {answer}", "{question}"))])[0].texts == (
        translated("Say {answer}"), translated("{question}"),
    )  # fmt: skip


def test_settings_hold_everything_that_changes_the_output() -> None:
    first = translator(honest)
    assert first.settings == {
        "source": "en", "target": "eu", "structure": "none", "seed": "0",
        "prompt": f"a_okvqa_eu 1 {load_prompt('a_okvqa_eu').digest}",
        "decoding": "temperature 0.7, top_p 0.15, context 2048",
    }  # fmt: skip
    others = [
        translator(honest, "vqav2_eu"),
        translator(honest, structures=frozenset({"regex"})),
        translator(honest, settings={"dtype": "bfloat16"}),
        translator(honest, name="other"),
        FewShotTranslator(load_prompt("a_okvqa_eu"), ScriptedEngine(honest), source="en", target="eu", seed=1),
    ]
    assert len({identity(made) for made in [first, *others]}) == 6


def test_a_model_for_basque_says_so_elsewhere() -> None:
    engine = ScriptedEngine(honest, name="HiTZ/Latxa-Llama-3.1-70B-Instruct")
    assert FewShotTranslator(load_prompt("generic"), engine, source="en", target="eu").warning is None
    warning = FewShotTranslator(load_prompt("generic"), engine, source="en", target="gl").warning
    assert "is made for Basque" in str(warning)
    with pytest.raises(TranslatorError, match="has the target language 'eu', not 'gl'"):
        FewShotTranslator(load_prompt("vqav2_eu"), engine, source="en", target="gl")


def test_tokens_are_those_of_the_texts_alone() -> None:
    assert translator(honest).count_tokens([UNIT, Unit("question", ("Who?",))]) == 5 + 2 + 2 + 1
    assert engine_of(translator(honest)).loads == 0
