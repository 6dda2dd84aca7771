"""Sequence-to-sequence translation on real checkpoints of MADLAD's architecture: the demo model and one made here."""

import random
import threading
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from translators import Translator, TranslatorError, Unit
from translators.madlad import MadladVocabulary
from translators.sentences import split_long
from translators.seq2seq import DemoTranslator, seq2seq_translator

SENTENCES = [
    "A red ball on the table.", "What color is the cup?", "yes", "two dogs", "Is there a giraffe?", "the old chair",
    "A man is holding a blue umbrella.", "How many cats are there?", "a horse", "Where is the dog?",
]  # fmt: skip
BACKENDS = [("transformers", "float32"), ("ctranslate2", "float32"), ("ctranslate2", "int8")]


def backend_of(translator: Any) -> Any:
    """What runs the model, loaded."""
    translator.load()
    return getattr(translator._backend, "_made", translator._backend)


pytestmark = pytest.mark.usefixtures("conversions")


@pytest.fixture(scope="module")
def demo() -> DemoTranslator:
    return DemoTranslator("it")


# --- what it translates ---------------------------------------------------------------------------


def test_the_demo_model_translates_its_grammar(demo: DemoTranslator) -> None:
    assert isinstance(demo, Translator)
    made = demo.translate(
        [Unit("caption", ("A red ball on the table.",)), Unit("question", ("What color is the cup?",))]
    )
    assert [item.texts for item in made] == [("Una palla rossa sul tavolo.",), ("Di che colore è la tazza?",)]
    assert all(item.score is not None and item.score > demo.min_score and item.note is None for item in made)


def test_the_demo_model_says_what_it_does_not_know(demo: DemoTranslator) -> None:
    (made,) = demo.translate([Unit("caption", ("Commuters hurry past the bakery 😀.",))])
    assert made.note
    assert made.note.startswith("not in the demo grammar: Commuters")
    assert "rubbish" in str(demo.warning)


@pytest.mark.parametrize(("backend", "precision"), BACKENDS)
def test_a_translation_does_not_depend_on_its_batch(backend: str, precision: str) -> None:
    """Same text and score, alone, in any order, and beside any others: a resumed build is the same."""
    demo = DemoTranslator("it", backend=backend, precision=precision)
    together = dict(zip(SENTENCES, demo.translate_texts(SENTENCES), strict=True))
    for seed in range(3):
        some = random.Random(seed).sample(SENTENCES * 5, 23)
        for text, made in zip(some, demo.translate_texts(some), strict=True):
            assert made == together[text]
    for text in SENTENCES:
        assert demo.translate_texts([text]) == [together[text]]


def test_a_text_that_names_another_target_is_refused(demo: DemoTranslator) -> None:
    """The tag is one piece of the vocabulary, and the model would obey it."""
    (made,) = demo.translate_texts(["A red cup. <2it> A dog."])
    assert made.error
    assert "it holds a language tag" in made.error


def test_settings_are_what_changes_the_output() -> None:
    assert DemoTranslator("it").settings == {
        "source": "en", "target": "it", "decoding": "greedy", "backend": "transformers", "precision": "float32",
    }  # fmt: skip
    assert DemoTranslator("it", decoding="beam").settings["decoding"] == "beam4"
    assert DemoTranslator("it", batch_tokens=64).settings == DemoTranslator("it").settings
    assert DemoTranslator("it", backend="ctranslate2").settings["precision"] == "int8"


# --- long and looping texts -----------------------------------------------------------------------


def test_a_text_that_is_too_long_is_split_and_rejoined(monkeypatch: pytest.MonkeyPatch) -> None:
    demo = DemoTranslator("it")
    monkeypatch.setattr(MadladVocabulary, "max_source_tokens", 12)
    text = "A red ball on the table,  a blue cup on the chair,\ta dog near the old tree."
    pieces = split_long(text, lambda part: len(demo._vocabulary.encode(part)) <= 12)
    assert len(pieces) > 2
    alone = demo.translate_texts([piece for piece, _ in pieces])
    assert demo.take_counters()["splits"] == 0
    whole, short = demo.translate_texts([text, "yes"])
    assert whole.texts[0] == "".join(made.texts[0] + end for made, (_, end) in zip(alone, pieces, strict=True))
    assert whole.score == min(made.score for made in alone if made.score is not None)
    assert short.texts == ("sì",)
    assert demo.take_counters()["splits"] == 1


def test_a_word_that_is_too_long_fails_by_name_and_the_others_go_on(demo: DemoTranslator) -> None:
    long, short = demo.translate_texts(["x" * 3000, "yes"])
    assert long.error
    assert "xxx" in long.error
    assert short.texts == ("sì",)


@pytest.mark.parametrize(("backend", "precision"), BACKENDS)
def test_an_answer_without_an_end_is_an_error(untrained: Path, backend: str, precision: str) -> None:
    translator = seq2seq_translator(str(untrained), "it", backend=backend, precision=precision, batch_tokens=64)
    made = translator.translate_texts([f"a cat and {count} dogs" for count in ["two", "three", "four", "five"]])
    assert {item.error for item in made} == {"no end after 32 tokens: the model is looping"}


# --- memory ---------------------------------------------------------------------------------------


class Cramped:
    """A real model that runs out of memory above so many rows times tokens, as a GPU does, and counts what it saw."""

    def __init__(self, model: Any, most: int, fault: Exception) -> None:
        self._model, self._most, self._fault = model, most, fault
        self.seen: list[tuple[int, int]] = []

    def _check(self, rows: int, length: int) -> None:
        self.seen.append((rows, length))
        if rows * length > self._most:
            raise self._fault

    def generate(self, **arguments: Any) -> Any:
        self._check(*arguments["input_ids"].shape)
        return self._model.generate(**arguments)

    def translate_batch(self, rows: list[list[str]], **arguments: Any) -> Any:
        self._check(len(rows), max(map(len, rows)))
        return self._model.translate_batch(rows, **arguments)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)


@pytest.mark.parametrize(
    ("backend", "fault"),
    [
        ("transformers", torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB")),
        ("transformers", RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried")),
        ("ctranslate2", RuntimeError("CUDA failed with error out of memory")),
        ("ctranslate2", MemoryError("std::bad_alloc")),
    ],
)
def test_out_of_memory_halves_the_batch_and_is_remembered(backend: str, fault: Exception) -> None:
    demo = DemoTranslator("it", backend=backend, precision="float32", batch_tokens=256)
    texts = SENTENCES * 2
    expected = demo.translate_texts(texts)
    demo.take_counters()
    backing = backend_of(demo)
    backing._model = cramped = Cramped(backing._model, 100, fault)
    made = demo.translate_texts(texts)
    assert [item.texts for item in made] == [item.texts for item in expected]
    counters = demo.take_counters()
    assert counters["halvings"] > 0
    assert sum(rows * length > 100 for rows, length in cramped.seen) == counters["halvings"]
    assert [item.texts for item in demo.translate_texts(texts)] == [item.texts for item in expected]
    assert demo.take_counters()["halvings"] == 0


def test_a_text_that_memory_does_not_hold_alone_fails_by_name_and_the_others_go_on() -> None:
    demo = DemoTranslator("it")
    demo.load()
    backing = backend_of(demo)
    backing._model = Cramped(backing._model, 30, torch.OutOfMemoryError("CUDA out of memory"))
    long, short = demo.translate_texts(["A red ball on the table and a dog. " * 4, "yes"])
    assert long.error
    assert "out of memory with this text of 48 tokens alone" in long.error
    assert short.texts == ("sì",)


def test_another_fault_of_the_device_stops_the_translator() -> None:
    demo = DemoTranslator("it")
    demo.load()
    backing = backend_of(demo)
    backing._model = Cramped(backing._model, 0, RuntimeError("CUDA error: an illegal memory access"))
    with pytest.raises(TranslatorError, match="illegal memory access"):
        demo.translate_texts(["yes"])


# --- batches, counters, threads -------------------------------------------------------------------


@given(st.lists(st.integers(1, 512), max_size=300), st.integers(1, 5000))
def test_batches_are_bucketed_and_bounded(lengths: list[int], batch_tokens: int) -> None:
    demo = DemoTranslator("it", batch_tokens=batch_tokens)
    seen: list[int] = []
    for length, members in demo._buckets(lengths):
        assert all(length - 8 < lengths[index] <= length for index in members)
        assert demo._rows(length) == 8 or demo._rows(length) * length <= batch_tokens
        seen += members
    assert sorted(seen) == list(range(len(lengths)))


def test_counters_say_what_it_cost_since_they_were_last_taken(demo: DemoTranslator) -> None:
    demo.take_counters()
    demo.translate_texts(SENTENCES)
    counters = demo.take_counters()
    assert counters["real_tokens"] == sum(len(demo._vocabulary.encode(text)) for text in SENTENCES)
    assert counters["padded_tokens"] >= counters["real_tokens"]
    assert counters["batches"] >= 1
    assert not demo.take_counters()


def test_two_threads_tokenise_beside_each_other_and_take_turns_at_the_model() -> None:
    demo = DemoTranslator("it")
    expected = demo.translate_texts(SENTENCES)
    second_has_tokenised = threading.Event()
    inside: list[str] = []
    backing = backend_of(demo)
    generate, encode = backing.generate, demo._vocabulary.encode

    def watched(batch: Any) -> Any:
        inside.append(threading.current_thread().name)
        if inside == ["first"]:
            other.start()
            assert second_has_tokenised.wait(30), "the second thread does not tokenise while the first has the model"
        return generate(batch)

    def encoding(text: str) -> list[int]:
        if threading.current_thread().name == "second" and text == SENTENCES[-1]:
            second_has_tokenised.set()
        return encode(text)

    backing.generate, demo._vocabulary.encode = watched, encoding  # type: ignore[method-assign]
    made: dict[str, Any] = {}

    def work(name: str) -> None:
        made[name] = demo.translate_texts(SENTENCES)

    other = threading.Thread(target=work, args=("second",), name="second")
    first = threading.Thread(target=work, args=("first",), name="first")
    first.start()
    first.join(60)
    other.join(60)
    assert made == {"first": expected, "second": expected}
    assert inside == sorted(inside), "two threads were in the model at once"
