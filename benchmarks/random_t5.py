"""A T5 of MADLAD's architecture with random weights and about 40 M parameters, for `translation.py`.

Its words mean nothing and it never comes to an end, so every way of running it is made to say as many tokens as its
source has: the work is the same for all, and nothing is won by saying less.
"""

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from transformers import T5Config, T5ForConditionalGeneration

from translators import Translator
from translators.backends import Batch, Output
from translators.demo import MODEL
from translators.seq2seq import Seq2SeqTranslator, seq2seq_translator


def make_checkpoint(folder: Path, pieces: int) -> None:
    """Write the checkpoint: 6 + 6 layers, d_model 512; the tokeniser is the demo model's, of `pieces` pieces."""
    folder.mkdir(parents=True)
    shutil.copy(MODEL / "spiece.model", folder)
    torch.manual_seed(0)
    config = T5Config(
        vocab_size=pieces, d_model=512, d_kv=64, d_ff=1024, num_layers=6, num_decoder_layers=6, num_heads=8,
        feed_forward_proj="gated-gelu", decoder_start_token_id=0, pad_token_id=1, eos_token_id=2,
    )  # fmt: skip
    T5ForConditionalGeneration(config).save_pretrained(folder)


class Capped:
    """A backend whose answers end where their source's bucket does."""

    def __init__(self, backend: Any) -> None:
        self.backend = backend
        self.load, self.padded_tokens = backend.load, backend.padded_tokens

    def generate(self, batch: Batch) -> list[Output]:
        found: Sequence[Output] = self.backend.generate(replace(batch, limit=batch.length))
        return [replace(output, ended=True) for output in found]


def capped(model: str, target: str, backend: str = "ctranslate2") -> Translator:
    """The translator of the checkpoint in the folder `model`, with capped answers: a `--translator` factory."""
    made: Seq2SeqTranslator = seq2seq_translator(model, target, backend=backend)
    made._backend = Capped(made._backend)
    return made


def capped_transformers(model: str, target: str) -> Translator:
    """The same on transformers."""
    return capped(model, target, "transformers")
