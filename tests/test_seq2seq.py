"""Sequence-to-sequence translation on real checkpoints of MADLAD's architecture: the demo model and one made here."""

import json
import os
import random
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ctranslate2
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.checkpoints import make_t5
from translators import Translator, TranslatorError, Unit, checkpoints, load_translator
from translators.backends import choose, parse_decoding
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


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BABELVISION_CACHE", str(folder))
        torch.set_num_threads(1)
        yield folder


@pytest.fixture(scope="module")
def demo() -> DemoTranslator:
    return DemoTranslator("it")


@pytest.fixture(scope="module")
def untrained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """It never finds an end, or finds it anywhere."""
    return make_t5(tmp_path_factory.mktemp("untrained"))


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


# --- what is refused, before any weights load -----------------------------------------------------


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"backend": "ctranslate"}, "--backend ctranslate: .*did you mean ctranslate2"),
        ({"backend": "transformers", "precision": "int8"}, "--precision int8: with transformers .*float32, bfloat16"),
        ({"backend": "transformers", "precision": "float16"}, "T5 overflows in float16"),
        ({"backend": "ctranslate2", "precision": "int9"}, "did you mean int8"),
        ({"backend": "ctranslate2", "precision": "int8_float16"}, "which has .*float32, int8"),
        ({"decoding": "greddy"}, "--decoding greddy: .*did you mean greedy"),
        ({"decoding": "beam1"}, "beam2 to beam32"),
        ({"decoding": "sample", "backend": "ctranslate2"}, "--decoding sample: .*use --backend transformers"),
        ({"device": "gpu"}, "--device gpu: it must be cpu, cuda"),
        ({"source": "fr"}, "--source fr: the demo model translates from English"),
        ({"target": "ita"}, "--to ita: babelvision-demo-en-it does not know the target language; did you mean it"),
        ({"target": "xx"}, "it knows it"),
        ({"batch_tokens": 0}, "--batch-tokens 0"),
    ],
)
def test_a_wrong_flag_is_one_clear_line(flags: dict[str, Any], message: str) -> None:
    with pytest.raises(TranslatorError, match=message) as caught:
        seq2seq_translator("demo", **({"target": "it"} | flags))
    assert "\n" not in str(caught.value)


def test_defaults_follow_device_and_decoding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctranslate2, "get_cuda_device_count", lambda: 0)
    greedy, sample = parse_decoding("", "greedy"), parse_decoding("sample", "greedy")
    assert choose("auto", "", greedy, "t5", "cpu") == ("ctranslate2", "int8")
    assert choose("auto", "", greedy, "t5", "cuda") == ("ctranslate2", "int8_bfloat16")
    assert choose("auto", "", greedy, "marian", "cuda") == ("ctranslate2", "int8_float16")
    assert choose("auto", "", sample, "marian", "cpu") == ("transformers", "float32")
    assert choose("auto", "", sample, "marian", "cuda") == ("transformers", "bfloat16")
    assert choose("auto", "bfloat16", greedy, "t5", "cuda") == ("transformers", "bfloat16")
    assert parse_decoding("beam6", "greedy").beams == 6


T4 = {"float32", "float16", "int8", "int8_float32", "int8_float16"}
AMPERE = T4 | {"bfloat16", "int8_bfloat16"}
SM120 = {"float32", "float16", "bfloat16"}
PASCAL = {"float32"}


@pytest.mark.parametrize(
    ("has", "t5", "marian"),
    [
        (AMPERE, "int8_bfloat16", "int8_float16"),
        (T4, "int8", "int8_float16"),
        (SM120, "bfloat16", "float32"),
        (PASCAL, "float32", "float32"),
        (set(), "int8_bfloat16", "int8_float16"),
    ],
)
def test_an_open_precision_is_one_that_the_gpu_has(
    monkeypatch: pytest.MonkeyPatch, has: set[str], t5: str, marian: str
) -> None:
    monkeypatch.setattr(ctranslate2, "get_cuda_device_count", lambda: len(has))
    monkeypatch.setattr(ctranslate2, "get_supported_compute_types", lambda device: has)
    greedy = parse_decoding("", "greedy")
    assert choose("auto", "", greedy, "t5", "cuda") == ("ctranslate2", t5)
    assert choose("auto", "", greedy, "marian", "cuda") == ("ctranslate2", marian)
    assert choose("ctranslate2", "int8_bfloat16", greedy, "t5", "cuda")[1] == "int8_bfloat16", "what is given stays"


def test_a_plan_without_a_gpu_says_on_the_gpu_which_precision_to_give(
    untrained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ctranslate2, "get_cuda_device_count", lambda: 0)
    planned = seq2seq_translator(str(untrained), "it", device="cuda")
    assert planned.settings["precision"] == "int8_bfloat16"
    monkeypatch.setattr(ctranslate2, "get_cuda_device_count", lambda: 1)
    monkeypatch.setattr(ctranslate2, "get_supported_compute_types", lambda device: T4)
    with pytest.raises(
        TranslatorError, match="--precision int8_bfloat16 .*; give --backend ctranslate2 --precision int8$"
    ):
        planned.load()


def test_construction_needs_no_weights(untrained: Path, tmp_path: Path) -> None:
    shutil.copytree(untrained, tmp_path / "bare", ignore=shutil.ignore_patterns("*.safetensors"))
    translator = seq2seq_translator(str(tmp_path / "bare"), "it", backend="transformers")
    assert translator.count_tokens([Unit("caption", ("a cat",))]) == 5
    with pytest.raises(TranslatorError, match="does not load from"):
        translator.load()


@pytest.mark.parametrize("backend", ["transformers", "ctranslate2"])
def test_weights_that_are_not_whole_give_one_line(untrained: Path, tmp_path: Path, backend: str) -> None:
    model = tmp_path / "model"
    shutil.copytree(untrained, model)
    weights = model / "model.safetensors"
    for content, message in (
        (weights.read_bytes()[:1000], "does not load from .*: SafetensorError: "),
        (weights.read_bytes()[:4], "does not load from"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:aa\nsize 9\n", "model.safetensors: .*git lfs pull"),
    ):
        weights.write_bytes(content)
        with pytest.raises(TranslatorError, match=message) as caught:
            seq2seq_translator(str(model), "it", backend=backend).load()
        assert "\n" not in str(caught.value)


def test_a_models_revision_is_its_content(untrained: Path, tmp_path: Path) -> None:
    shutil.copytree(untrained, tmp_path / "copy")
    same = seq2seq_translator(str(tmp_path / "copy"), "it")
    assert same.revision == seq2seq_translator(str(untrained), "it").revision
    (tmp_path / "copy" / "old.bin").mkdir()
    assert seq2seq_translator(str(tmp_path / "copy"), "it").revision == same.revision, "a folder is no file of it"
    make_t5(tmp_path / "copy", dropout_rate=0.3)
    assert seq2seq_translator(str(tmp_path / "copy"), "it").revision != same.revision
    with pytest.raises(TranslatorError, match="changed from"):
        same.load()


def test_a_model_that_is_not_there_or_is_another_kind_is_an_error(untrained: Path, tmp_path: Path) -> None:
    def refused(model: str | Path, message: str) -> None:
        with pytest.raises(TranslatorError, match=message):
            load_translator(str(model), "it")

    refused(tmp_path / "nothing", "no such folder")
    refused(tmp_path, "config.json missing")
    for number, (name, content, message) in enumerate(
        [
            ("config.json", "{", "config.json is not to be read as JSON"),
            ("config.json", "[]", "holds a list, not an object"),
            (
                "config.json",
                json.dumps({"model_type": "llama"}),
                "model_type 'llama'; .*knows t5 .MADLAD-400. and marian",
            ),
            ("config.json", json.dumps({"model_type": "marian"}), "source.spm and target.spm and vocab.json missing"),
            ("config.json", json.dumps({"model_type": ["t5"]}), r"model_type \['t5'\]; "),
            ("spiece.model", "not pieces", "spiece.model is no sentencepiece model"),
        ]
    ):
        folder = tmp_path / str(number)
        shutil.copytree(untrained, folder)
        (folder / name).write_text(content)
        refused(folder, message)
    refused(make_t5(tmp_path / "null", vocab_size=None), "config.json says vocab_size None; it must be a whole number")
    refused(make_t5(tmp_path / "start", decoder_start_token_id=1), "special tokens")
    refused(make_t5(tmp_path / "small", vocab_size=100), "as many embeddings as spiece.model has pieces")


def test_a_large_file_is_told_by_blocks_all_over_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoints, "_WHOLE_BYTES", 1000)
    monkeypatch.setattr(checkpoints, "_BLOCK_BYTES", 100)
    weights = tmp_path / "model.safetensors"
    seen = set()
    for changed in (None, 0, 5_000, 9_900):
        content = bytearray(b"w" * 10_000)
        if changed is not None:
            content[changed : changed + 100] = bytes(100)
        weights.write_bytes(content)
        os.utime(weights, ns=(len(seen), len(seen)))
        seen.add(checkpoints.digest_of(tmp_path))
    assert len(seen) == 4


def test_a_large_file_is_told_by_its_header_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two tensors that change names lie where they lay: the header alone differs, and it may be longer than a block."""
    monkeypatch.setattr(checkpoints, "_WHOLE_BYTES", 1000)
    monkeypatch.setattr(checkpoints, "_BLOCK_BYTES", 10)
    seen = set()
    for name in (b"key", b"query"):
        header = b" " * 50 + name.ljust(50)
        (tmp_path / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + b"w" * 10_000)
        os.utime(tmp_path / "model.safetensors", ns=(len(seen), len(seen)))
        seen.add(checkpoints.digest_of(tmp_path))
    assert len(seen) == 2


def test_a_plan_imports_no_torch() -> None:
    """Choosing a translator and counting tokens is done by drivers that have no use for it."""
    code = (
        "import sys; from translators import Unit, load_translator; "
        "load_translator('demo', 'it').count_tokens([Unit('caption', ('A cat.',))]); print('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"
