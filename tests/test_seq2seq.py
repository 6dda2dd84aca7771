"""Sequence-to-sequence translation on real checkpoints of MADLAD's architecture: the demo model and one made here."""

import json
import random
import shutil
from pathlib import Path

import pytest
import torch
from transformers import T5Config, T5ForConditionalGeneration

from translators import Translator, TranslatorError, Unit, load_translator
from translators.demo import MODEL
from translators.seq2seq import DemoTranslator, Seq2SeqTranslator, max_target_tokens

SENTENCES = [
    "A red ball on the table.", "What color is the cup?", "yes", "two dogs", "Is there a giraffe?", "the old chair",
    "A man is holding a blue umbrella.", "How many cats are there?", "a horse", "Where is the dog?",
]  # fmt: skip


@pytest.fixture(scope="module")
def demo() -> DemoTranslator:
    torch.set_num_threads(2)
    return DemoTranslator("it")


@pytest.fixture(scope="module")
def untrained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of MADLAD's architecture with random weights: it never finds an end, or finds it anywhere."""
    folder = tmp_path_factory.mktemp("untrained")
    shutil.copy(MODEL / "spiece.model", folder)
    torch.manual_seed(0)
    pieces = DemoTranslator("it").tokenizer.get_piece_size()
    config = T5Config(
        vocab_size=pieces, d_model=16, d_kv=8, d_ff=32, num_layers=1, num_heads=2, feed_forward_proj="gated-gelu",
        decoder_start_token_id=0, pad_token_id=1, eos_token_id=2,
    )  # fmt: skip
    T5ForConditionalGeneration(config).save_pretrained(folder)
    return folder


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


def test_a_translation_does_not_depend_on_its_batch(demo: DemoTranslator) -> None:
    """Same text and score, to the last bit, alone, in any order, and beside any others: a resumed build is the same."""
    together = dict(zip(SENTENCES, demo.translate_texts(SENTENCES), strict=True))
    for seed in range(3):
        some = random.Random(seed).sample(SENTENCES * 5, 23)
        for text, made in zip(some, demo.translate_texts(some), strict=True):
            assert made == together[text]
    for text in SENTENCES:
        assert demo.translate_texts([text]) == [together[text]]


def test_batches_are_bucketed_and_bounded(demo: DemoTranslator) -> None:
    ids = {index: [5] * length for index, length in enumerate([3, 8, 9, 16, 17, 120, 500] * 40)}
    seen = []
    for length, batch in demo._batches(ids):
        assert len(batch) <= demo.batch_rows(length)
        assert demo.batch_rows(length) == 8 or demo.batch_rows(length) * length <= demo.batch_tokens
        assert all(length - 8 < len(ids[index]) <= length for index in batch)
        seen += batch
    assert sorted(seen) == sorted(ids)


def test_an_unknown_language_is_an_error_with_the_nearest_known() -> None:
    with pytest.raises(TranslatorError, match="does not know the target language 'ita'; did you mean it"):
        load_translator("demo", "ita")
    with pytest.raises(
        TranslatorError, match="babelvision-demo-en-it does not know the target language 'xx'; it knows it"
    ):
        load_translator("demo", "xx")


def test_a_text_that_is_too_long_or_never_ends_fails_by_name(untrained: Path) -> None:
    translator = Seq2SeqTranslator(str(untrained), "it", batch_tokens=64)
    long, short = translator.translate_texts(["a cat " * 400, "a cat"])
    assert long.error
    assert "the model takes 512; it is not cut in silence" in long.error
    assert short.error is None or "the model is looping" in short.error


def test_an_answer_without_an_end_is_an_error(untrained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    translator = Seq2SeqTranslator(str(untrained), "it", batch_tokens=64)
    translator.load()

    def never_ends(**arguments: object) -> torch.Tensor:
        ids = arguments["input_ids"]
        assert isinstance(ids, torch.Tensor)
        return torch.full((ids.shape[0], 1 + max_target_tokens(ids.shape[1])), 5)

    monkeypatch.setattr(translator._model, "generate", never_ends)
    (made,) = translator.translate_texts(["a cat"])
    assert made.error == "no end after 32 tokens: the model is looping"


def test_a_models_revision_is_its_content(untrained: Path, tmp_path: Path) -> None:
    shutil.copytree(untrained, tmp_path / "copy")
    same = Seq2SeqTranslator(str(tmp_path / "copy"), "it")
    assert same.revision == Seq2SeqTranslator(str(untrained), "it").revision
    config = json.loads((tmp_path / "copy/config.json").read_text())
    (tmp_path / "copy/config.json").write_text(json.dumps(config | {"dropout_rate": 0.3}))
    assert Seq2SeqTranslator(str(tmp_path / "copy"), "it").revision != same.revision
    with pytest.raises(TranslatorError, match="changed from"):
        same.load()


def test_a_model_that_is_not_there_or_is_another_kind_is_an_error(untrained: Path, tmp_path: Path) -> None:
    with pytest.raises(TranslatorError, match="no such folder"):
        load_translator(str(tmp_path / "nothing"), "it")
    with pytest.raises(TranslatorError, match="config.json and spiece.model missing"):
        load_translator(str(tmp_path), "it")
    with pytest.raises(TranslatorError, match="module:function"):
        load_translator("x", "it", factory="tests.nothing:make")
    with pytest.raises(TranslatorError, match="no Translator"):
        load_translator("x", "it", factory="builtins:max")
    shutil.copytree(untrained, tmp_path / "other")
    config = json.loads((tmp_path / "other/config.json").read_text())
    (tmp_path / "other/config.json").write_text(json.dumps(config | {"decoder_start_token_id": 1}))
    with pytest.raises(TranslatorError, match="special tokens"):
        Seq2SeqTranslator(str(tmp_path / "other"), "it").load()
