"""One model, several target languages: its weights are loaded once, and every language is another translator."""

from pathlib import Path

import pytest
from sentencepiece import sentencepiece_model_pb2 as pieces

from tests.checkpoints import make_marian, make_t5
from tests.scripted_engine import ScriptedEngine
from translators import TranslatorError
from translators.fewshot.prompts import load_prompt
from translators.fewshot.translator import FewShotTranslator
from translators.memory import identity
from translators.seq2seq import seq2seq_translator

TEXTS = ["A red ball on the table.", "yes", "two dogs"]


@pytest.fixture(scope="module")
def two_tags(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of MADLAD's shape that knows the tags <2it> and <2eu>."""
    folder = make_t5(tmp_path_factory.mktemp("t5"))
    model = pieces.ModelProto.FromString((folder / "spiece.model").read_bytes())
    tag = next(piece for piece in model.pieces if piece.piece == "<2it>")
    last = model.pieces[-1]
    last.piece, last.type = "<2eu>", tag.type
    (folder / "spiece.model").write_bytes(model.SerializeToString())
    return folder


def test_into_another_language_is_the_translator_that_it_would_be_alone(two_tags: Path) -> None:
    italian = seq2seq_translator(str(two_tags), "it")
    basque, alone = italian.into("eu"), seq2seq_translator(str(two_tags), "eu")
    assert identity(basque) == identity(alone) != identity(italian)
    assert basque.translate_texts(TEXTS) == alone.translate_texts(TEXTS)
    assert basque._backend is italian._backend, "the weights are shared"
    assert italian.settings["target"] == "it"


def test_a_language_that_the_model_does_not_know_is_refused(two_tags: Path, tmp_path: Path) -> None:
    with pytest.raises(TranslatorError, match="--to ex: .* did you mean eu"):
        seq2seq_translator(str(two_tags), "it").into("ex")
    with pytest.raises(TranslatorError, match="translates .* eu"):
        seq2seq_translator(str(make_marian(tmp_path)), "eu").into("it")


def test_a_chat_model_takes_the_other_language_into_its_prompt() -> None:
    engine = ScriptedEngine(lambda request: None)
    italian = FewShotTranslator(load_prompt("generic"), engine, source="en", target="it", seed=3)
    basque = italian.into("eu")
    assert identity(basque) == identity(
        FewShotTranslator(load_prompt("generic"), engine, source="en", target="eu", seed=3)
    )
    with pytest.raises(TranslatorError, match="target language"):
        FewShotTranslator(load_prompt("vqav2_eu"), engine, source="en", target="eu").into("it")
