"""Small checkpoints of the true architectures, with random weights: T5 of MADLAD's shape, and Marian."""

import json
import shutil
from pathlib import Path

import sentencepiece
import torch
from transformers import MarianConfig, MarianMTModel, T5Config, T5ForConditionalGeneration

from translators.demo import MODEL

ENGLISH = ("the cat sits on the red table", "a dog runs in the green park", "how many cups are there ?", "a old boat")
BASQUE = ("katua mahai gorrian dago", "txakurra parke berdean dabil", "zenbat kopa daude ?", "itsasontzi zahar bat")


def make_t5(folder: Path, **changes: object) -> Path:
    """A T5 of MADLAD's shape with the demo model's pieces and random weights, its output layer untied."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(MODEL / "spiece.model", folder)
    pieces = sentencepiece.SentencePieceProcessor(model_file=str(MODEL / "spiece.model")).get_piece_size()
    torch.manual_seed(0)
    config = T5Config(
        vocab_size=pieces, d_model=32, d_kv=8, d_ff=64, num_layers=1, num_heads=4, feed_forward_proj="gated-gelu",
        decoder_start_token_id=0, pad_token_id=1, eos_token_id=2,
    )  # fmt: skip
    T5ForConditionalGeneration(config).save_pretrained(folder)
    _change(folder / "config.json", changes)
    return folder


def make_marian(
    folder: Path, *, languages: tuple[str, str] | None = ("en", "eu"), end_bias: float = 3.0, positions: int = 64
) -> Path:
    """A MarianMT checkpoint with random weights: source.spm, target.spm, vocab.json with </s>, <unk> … <pad>.

    `end_bias` makes the end likely, as a trained model does; `positions` is the longest input and output.
    """
    folder.mkdir(parents=True, exist_ok=True)
    pieces: dict[str, None] = dict.fromkeys(("</s>", "<unk>"))
    for name, lines in (("source", ENGLISH), ("target", BASQUE)):
        written = folder / f"{name}.spm"
        with written.open("wb") as file:
            sentencepiece.SentencePieceTrainer.train(
                sentence_iterator=iter(lines * 20), model_writer=file, vocab_size=60, hard_vocab_limit=False,
                minloglevel=2,
            )  # fmt: skip
        model = sentencepiece.SentencePieceProcessor(model_file=str(written))
        pieces |= dict.fromkeys(model.id_to_piece(index) for index in range(3, model.get_piece_size()))
    ids = {piece: index for index, piece in enumerate([*pieces, "<pad>"])}
    (folder / "vocab.json").write_text(json.dumps(ids, ensure_ascii=False), encoding="utf-8")
    settings = {"tokenizer_class": "MarianTokenizer", "model_max_length": positions}
    if languages:
        settings |= {"source_lang": languages[0], "target_lang": languages[1]}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    torch.manual_seed(0)
    model = MarianMTModel(
        MarianConfig(
            vocab_size=len(ids), d_model=32, encoder_layers=1, decoder_layers=1, encoder_attention_heads=4,
            decoder_attention_heads=4, encoder_ffn_dim=64, decoder_ffn_dim=64, max_position_embeddings=positions,
            pad_token_id=ids["<pad>"], eos_token_id=0, decoder_start_token_id=ids["<pad>"], forced_eos_token_id=0,
            scale_embedding=True, activation_function="swish", init_std=0.2,
        )
    )  # fmt: skip
    model.final_logits_bias[0, 0] = end_bias
    model.save_pretrained(folder)
    return folder


def _change(path: Path, changes: dict[str, object]) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
