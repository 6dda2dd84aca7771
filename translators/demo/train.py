"""Makes the embedded demo model again: `python -m translators.demo.train --output DIR`.

Three things make so small a model learn the grammar within minutes. Its sentencepiece pieces are whole
words: sentencepiece's own trainer seeds its pieces from the list of different words, so that a small
lexicon never yields whole ones, and the model file is written here piece by piece. The relative
position bias learns 50 times faster than the rest: at the common rate it stays near its random start,
and the model translates words without order. And a capitalised or elided word shares its plain form's
embedding during training (`_Kinship`).

The same seed gives the same model on the same machine and number of threads.
"""

import argparse
import hashlib
import importlib
import io
import json
import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import sentencepiece as spm
import torch
from torch.nn.utils.parametrize import register_parametrization, remove_parametrizations
from transformers import T5Config, T5ForConditionalGeneration

from translators.demo.grammar import Example, draw, has_held_out_pair, is_new_sentence, is_training, sample

pb: Any = importlib.import_module("sentencepiece.sentencepiece_model_pb2")

UNKNOWN, PAD, EOS = 0, 1, 2  # MADLAD's ids; the decoder starts with 0
TAG = "<2it>"  # the only one: a translator that asks for another language must hear that it is unknown
# an elided article with its apostrophe, a genitive, a word, a digit, any other sign
WORD_PIECES = re.compile(r"[^\W\d_]+'(?=\w\w|è)|'\w|[^\W\d_]+|\d|\W")
LETTER_SCORE, SPACE_SCORE = -18.0, -12.0  # below any word's, so that a known word is one piece
LEARNING_RATE, POSITION_FACTOR = 3e-3, 50.0
BATCH, WARMUP, FLOOR = 64, 150, 0.03
LONGEST = 64
TRAINING_SEED, SENTENCE_SEED, PAIR_SEED = 11, 99, 98


# --- tokeniser ------------------------------------------------------------------------------------


def _nfkc_rules() -> bytes:
    """The character map of sentencepiece's nmt_nfkc normalisation, which MADLAD uses."""
    written = io.BytesIO()
    spm.SentencePieceTrainer.train(
        sentence_iterator=iter(["a small model"]),
        model_writer=written,
        vocab_size=20,
        hard_vocab_limit=False,
        normalization_rule_name="nmt_nfkc",
        minloglevel=2,
    )
    model = pb.ModelProto()
    model.ParseFromString(written.getvalue())
    return bytes(model.normalizer_spec.precompiled_charsmap)


def word_tokenizer(lines: Sequence[str]) -> bytes:
    """A unigram sentencepiece model: one piece for each word of the lines, single characters, bytes."""
    words: Counter[str] = Counter()
    characters: Counter[str] = Counter()
    for line in lines:
        for word in line.split():
            characters.update(word)
            for position, part in enumerate(WORD_PIECES.findall(word)):
                words["▁" * (position == 0) + part] += 1
    total = words.total()
    model = pb.ModelProto()
    known: set[str] = set()

    def add(piece: str, score: float, kind: int) -> None:
        if piece not in known:
            known.add(piece)
            model.pieces.add(piece=piece, score=score, type=kind)

    kinds = pb.ModelProto.SentencePiece
    add("<unk>", 0.0, kinds.UNKNOWN)
    add("<s>", 0.0, kinds.CONTROL)
    add("</s>", 0.0, kinds.CONTROL)
    add(TAG, 0.0, kinds.USER_DEFINED)
    for byte in range(256):
        add(f"<0x{byte:02X}>", 0.0, kinds.BYTE)
    for word, count in sorted(words.items(), key=lambda item: (-item[1], item[0])):
        add(word, math.log(count / total), kinds.NORMAL)
    add("▁", SPACE_SCORE, kinds.NORMAL)
    for character in sorted(characters):
        add(character, LETTER_SCORE, kinds.NORMAL)
    trainer, rules = model.trainer_spec, model.normalizer_spec
    trainer.model_type = pb.TrainerSpec.UNIGRAM
    trainer.unk_id, trainer.bos_id, trainer.eos_id, trainer.pad_id = UNKNOWN, PAD, EOS, -1
    trainer.byte_fallback, trainer.vocab_size = True, len(model.pieces)
    rules.name, rules.precompiled_charsmap = "nmt_nfkc", _nfkc_rules()
    rules.add_dummy_prefix = rules.remove_extra_whitespaces = rules.escape_whitespaces = True
    return bytes(model.SerializeToString())


def encode_source(tokenizer: spm.SentencePieceProcessor, text: str) -> list[int]:
    return [*tokenizer.encode(f"{TAG} {text}"), EOS]


# --- model ----------------------------------------------------------------------------------------


def new_model(vocabulary: int) -> Any:
    """MADLAD's shape: gated GELU, an output layer of its own; transformers 5 ties it unless told twice."""
    settings: dict[str, Any] = {
        "vocab_size": vocabulary,
        "d_model": 88,
        "d_kv": 16,
        "d_ff": 256,
        "num_layers": 2,
        "num_decoder_layers": 2,
        "num_heads": 8,
        "feed_forward_proj": "gated-gelu",
        "tie_word_embeddings": False,
        "dropout_rate": 0.0,
        "decoder_start_token_id": UNKNOWN,
        "pad_token_id": PAD,
        "eos_token_id": EOS,
    }
    config = T5Config(**settings)
    model = T5ForConditionalGeneration(config)
    with torch.no_grad():
        model.shared.weight.mul_(0.5)
        model.lm_head.weight = torch.nn.Parameter(torch.randn(vocabulary, config.d_model) * config.d_model**-0.5)
    return model


class _Kinship(torch.nn.Module):
    """Embeddings in which *▁Box* and the *uomo* of *l'uomo* start from *▁box* and *▁uomo*.

    Such a form is the sum of its plain form's row, a vector for all capitals or all elided words, and a small
    row of its own: a rare form is then known as soon as its plain form is.
    """

    plain: torch.Tensor
    sort: torch.Tensor
    related: torch.Tensor

    def __init__(self, tokenizer: spm.SentencePieceProcessor, width: int) -> None:
        super().__init__()
        size = tokenizer.get_piece_size()
        plain, sort = torch.arange(size), torch.zeros(size, dtype=torch.long)
        for index in range(size):
            piece = tokenizer.id_to_piece(index)
            kin = tokenizer.piece_to_id("▁" + piece.lstrip("▁").lower())
            if kin not in (UNKNOWN, index) and piece.lstrip("▁")[0].isalpha():
                plain[index], sort[index] = kin, 1 if piece.startswith("▁") else 2
        self.register_buffer("plain", plain)
        self.register_buffer("sort", sort)
        self.register_buffer("related", (sort > 0).float()[:, None])
        self.common = torch.nn.Parameter(torch.zeros(3, width))

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        own = rows * (1 - 0.7 * self.related)
        return own + self.related * (rows[self.plain] + self.common[self.sort])


def _padded(rows: Sequence[Sequence[int]], filler: int) -> torch.Tensor:
    batch = torch.full((len(rows), max(map(len, rows))), filler)
    for place, row in enumerate(rows):
        batch[place, : len(row)] = torch.tensor(row)
    return batch


def _batches(lengths: Sequence[int], seed: int) -> Iterator[list[int]]:
    """Endless batches of row numbers, of like lengths within a batch."""
    order, rng = np.arange(len(lengths)), np.random.default_rng(seed)
    pool = BATCH * 50
    while True:
        rng.shuffle(order)
        for start in range(0, len(order) - pool + 1, pool):
            rows = sorted(order[start : start + pool].tolist(), key=lambda row: lengths[row])
            batches = [rows[at : at + BATCH] for at in range(0, pool, BATCH)]
            Random(int(rng.integers(1 << 30))).shuffle(batches)
            yield from batches


def train(examples: Sequence[Example], tokenizer: spm.SentencePieceProcessor, steps: int, seed: int) -> Any:
    torch.manual_seed(seed)
    model = new_model(tokenizer.get_piece_size())
    model.encoder.embed_tokens = model.decoder.embed_tokens = model.shared
    for layer in (model.shared, model.lm_head):
        register_parametrization(layer, "weight", _Kinship(tokenizer, model.config.d_model))
    sources = [encode_source(tokenizer, example.source) for example in examples]
    targets = [[*tokenizer.encode(example.target), EOS] for example in examples]
    position = [p for name, p in model.named_parameters() if "relative_attention_bias" in name]
    others = [p for name, p in model.named_parameters() if "relative_attention_bias" not in name]
    groups = [
        {"params": others, "lr": LEARNING_RATE},
        {"params": position, "lr": LEARNING_RATE * POSITION_FACTOR, "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, betas=(0.9, 0.98), weight_decay=0.01)

    def rate(step: int) -> float:
        cosine = 0.5 * (1 + math.cos(math.pi * step / steps))
        return min(1.0, (step + 1) / WARMUP) * (FLOOR + (1 - FLOOR) * cosine)

    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, rate)
    model.train()
    average = 0.0
    lengths = [len(source) + len(target) for source, target in zip(sources, targets, strict=True)]
    for step, rows in zip(range(1, steps + 1), _batches(lengths, seed), strict=False):
        source = _padded([sources[row] for row in rows], PAD)
        wanted = _padded([targets[row] for row in rows], -100)
        given = torch.cat([torch.full((len(rows), 1), UNKNOWN), wanted[:, :-1]], 1)
        given[given == -100] = PAD
        logits = model(input_ids=source, attention_mask=(source != PAD).long(), decoder_input_ids=given).logits
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), wanted.flatten(), ignore_index=-100)
        optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        average = loss.item() if step == 1 else 0.98 * average + 0.02 * loss.item()
        if step % 100 == 0:
            print(f"step {step} loss {average:.4f}", flush=True)
    for layer in (model.shared, model.lm_head):
        remove_parametrizations(layer, "weight")
    return model.eval()


# --- evaluation -----------------------------------------------------------------------------------


@torch.inference_mode()
def translate(
    model: Any, tokenizer: spm.SentencePieceProcessor, texts: Sequence[str], batch: int = 128
) -> list[tuple[str, float]]:
    """Greedy translations with their mean token log-probability, the end of sentence included."""
    found: list[tuple[str, float]] = [("", 0.0)] * len(texts)
    encoded = [encode_source(tokenizer, text) for text in texts]
    order = sorted(range(len(texts)), key=lambda row: len(encoded[row]))
    for start in range(0, len(order), batch):
        rows = order[start : start + batch]
        source = _padded([encoded[row] for row in rows], PAD)
        mask = (source != PAD).long()
        encoder_outputs = model.encoder(input_ids=source, attention_mask=mask)
        written = torch.full((len(rows), 1), UNKNOWN)
        score, length = torch.zeros(len(rows)), torch.zeros(len(rows))
        for _ in range(LONGEST):
            logits = model(encoder_outputs=encoder_outputs, attention_mask=mask, decoder_input_ids=written).logits
            best, token = logits[:, -1].log_softmax(-1).max(-1)
            going = ~(written[:, 1:] == EOS).any(1)
            score, length = score + best * going, length + going
            written = torch.cat([written, torch.where(going, token, EOS)[:, None]], 1)
            if (token.eq(EOS) | ~going).all():
                break
        for row, tokens, mean in zip(rows, written[:, 1:].tolist(), (score / length).tolist(), strict=True):
            found[row] = (tokenizer.decode([token for token in tokens if token > EOS]), mean)
    return found


def exact_match(
    model: Any, tokenizer: spm.SentencePieceProcessor, examples: Sequence[Example], show: int = 0
) -> tuple[float, list[float]]:
    """The share of examples translated to the letter, and each translation's score."""
    results = translate(model, tokenizer, [example.source for example in examples])
    wrong = [(e, text) for e, (text, _) in zip(examples, results, strict=True) if text != e.target]
    for example, text in wrong[:show]:
        print(f"  {example.shape}: {example.source} -> {text} (expected: {example.target})")
    return 1 - len(wrong) / len(examples), [score for _, score in results]


def save(model: Any, tokenizer: bytes, folder: Path, facts: dict[str, Any]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "spiece.model").write_bytes(tokenizer)
    model.to(torch.float16).save_pretrained(folder)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    config["tie_word_embeddings"] = False  # transformers 5 writes true for every T5; other readers would tie
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    revision = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()[:12]
    described = {
        "name": "babelvision-demo-en-it",
        "revision": revision,
        "about": "A tiny English-Italian demo model: outside the grammar it was trained on, its output is rubbish.",
        **facts,
    }
    text = json.dumps(described, indent=2, ensure_ascii=False)
    (folder / "demo.json").write_text(text + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--output", type=Path, required=True, help="folder of the checkpoint")
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1, help="on a busy machine one is faster than two")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    examples = list(islice(draw(TRAINING_SEED + options.seed, is_training), BATCH * options.steps))
    pieces = word_tokenizer([text for example in examples for text in (example.source, example.target)])
    tokenizer = spm.SentencePieceProcessor(model_proto=pieces)
    print(f"{len(examples)} training examples, {tokenizer.get_piece_size()} pieces", flush=True)
    model = train(examples, tokenizer, options.steps, options.seed).half().float()  # as the file will hold it
    print(f"{sum(parameter.numel() for parameter in model.parameters())} parameters")
    sentences, scores = exact_match(model, tokenizer, sample(1000, SENTENCE_SEED, is_new_sentence), show=20)
    pairs, _ = exact_match(model, tokenizer, sample(1000, PAIR_SEED, has_held_out_pair), show=20)
    print(f"exact match: new sentences {sentences:.4f}, new noun-adjective pairs {pairs:.4f}")
    trained = {
        "steps": options.steps,
        "seed": options.seed,
        "threads": options.threads,
        "examples": len(examples),
        "exact_match_new_sentences": round(sentences, 4),
        "exact_match_new_pairs": round(pairs, 4),
    }
    facts = {"min_score": round(float(np.percentile(scores, 1)), 4), "trained": trained}
    save(model, pieces, options.output, facts)


if __name__ == "__main__":
    main()
