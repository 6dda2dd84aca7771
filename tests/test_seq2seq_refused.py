"""What a sequence-to-sequence translator refuses in one line, and what it chooses where the flags leave it open."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import ctranslate2
import pytest

from tests.checkpoints import make_t5
from translators import TranslatorError, Unit, checkpoints, load_translator
from translators.backends import choose, parse_decoding
from translators.seq2seq import seq2seq_translator

pytestmark = pytest.mark.usefixtures("conversions")


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
