"""Sequence-to-sequence translation with T5 models of MADLAD-400's conventions, through transformers.

Conventions (hub: google/madlad400-3b-mt): the source is prefixed with the target's tag, `<2it> text`; decoding
starts from token 0, ends at 2, pads with 1. An unknown tag gives fluent text in another language, so it is an
error here. Tokens come from sentencepiece itself: transformers 5 rebuilds T5 tokenisers with other special ids.

Batches are bucketed by length and bounded by tokens, and always have the same shape for the same length: the
last batch of a bucket is filled up with empty rows. A text's translation and score then do not depend on
what else is in the batch, and a resumed build gives the same bytes as one that was never interrupted.
"""

import difflib
import hashlib
import json
import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import sentencepiece

from translators.units import Translation, TranslatorError, Unit

START, PAD, END = 0, 1, 2
BUCKET_TOKENS = 8
MAX_SOURCE_TOKENS = 512
FILES = ("config.json", "generation_config.json", "spiece.model", "model*.safetensors*", "demo.json")
SCORE_DIGITS = 4


def max_target_tokens(source_tokens: int) -> int:
    """Room for a translation: twice the source and some, so that a cut-off answer is a fault, not a limit."""
    return 2 * source_tokens + 16


@dataclass(frozen=True)
class ModelFiles:
    """Where a model lies, and what names this very model."""

    folder: Path
    name: str
    revision: str


def find_model(model: str, *, tokenizer_only: bool = False, revision: str | None = None) -> ModelFiles:
    """A model by local folder or Hub name (there, of a revision). `tokenizer_only` fetches no weights.

    Raises `TranslatorError`.
    """
    folder = Path(model)
    if folder.is_dir():
        absent = [name for name in ("config.json", "spiece.model") if not (folder / name).is_file()]
        if absent:
            raise TranslatorError(f"--model {model}: {' and '.join(absent)} missing; it needs a T5 checkpoint's files")
        return ModelFiles(folder, folder.resolve().name, _digest_of(folder))
    if model.startswith((".", "/", "~")):
        raise TranslatorError(f"--model {model}: no such folder")
    from huggingface_hub import snapshot_download

    try:
        patterns = [name for name in FILES if not (tokenizer_only and "safetensors" in name)]
        path = Path(snapshot_download(model, revision=revision, allow_patterns=patterns))
    except Exception as error:
        raise TranslatorError(
            f"--model {model}: neither a folder here nor to be had from the Hub ({type(error).__name__}); "
            "check the name, or download it and give its folder"
        ) from error
    return ModelFiles(path, model, path.name)


def _digest_of(folder: Path) -> str:
    """A local checkpoint's revision, by the content of its files."""
    made_of = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        if path.suffix in (".json", ".model", ".safetensors"):
            state = path.stat()
            made_of.update(f"{path.name} {_digest_of_file(path, state.st_size, state.st_mtime_ns)}".encode())
    return made_of.hexdigest()[:12]


@cache
def _digest_of_file(path: Path, size: int, modified: int) -> str:
    """A file's sha256, read once a process as long as its size and time of change stay."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class Seq2SeqTranslator:
    """Greedy translation into one language by a T5 model (source: T5 paper and MADLAD-400, arXiv 2309.04662).

    `batch_tokens` bounds a batch (rows times padded length). `dtype` is `bfloat16` or `float32` (float16 overflows
    in T5); it changes scores, so it is one of the settings. The tokeniser is read at once, the weights at the
    first translation.
    """

    together = False

    def __init__(
        self, model: str, target: str, *, name: str = "", batch_tokens: int = 4096, dtype: str = "float32"
    ) -> None:
        self._model_name = model
        found = find_model(model, tokenizer_only=True)
        self.name, self.revision = name or found.name, found.revision
        self.settings: Mapping[str, str] = {"target": target, "decoding": "greedy", "dtype": dtype}
        self.warning: str | None = None
        self.batch_tokens = batch_tokens
        self.tokenizer = sentencepiece.SentencePieceProcessor(model_file=str(found.folder / "spiece.model"))
        self._tag = self._find_tag(target)
        self._model: Any = None

    def _find_tag(self, target: str) -> list[int]:
        """The ids of the target's tag. Raises `TranslatorError` unless the vocabulary has it as one piece."""
        tag = f"<2{target}>"
        if self.tokenizer.id_to_piece(self.tokenizer.piece_to_id(tag)) == tag:
            return [int(token) for token in self.tokenizer.encode(tag)]
        pieces = (self.tokenizer.id_to_piece(index) for index in range(self.tokenizer.get_piece_size()))
        known = [piece[2:-1] for piece in pieces if piece.startswith("<2") and piece.endswith(">")]
        near = difflib.get_close_matches(target, known, n=3, cutoff=0.5)
        hint = f"; did you mean {' or '.join(near)}?" if near else f"; it knows {', '.join(sorted(known)[:20])}"
        raise TranslatorError(f"{self.name} does not know the target language {target!r}{hint}")

    def encode(self, text: str) -> list[int]:
        """Token ids of `<2xx> text` and the end token."""
        return [*self._tag, *self.tokenizer.encode(text), END]

    def count_tokens(self, units: Sequence[Unit]) -> int:
        return sum(len(self.encode(text)) for unit in units for text in unit.texts)

    def translate(self, units: Sequence[Unit]) -> list[Translation]:
        for unit in units:
            if len(unit.texts) != 1:
                raise ValueError(f"a unit of {len(unit.texts)} texts; this translator takes one at a time")
        return self.translate_texts([unit.texts[0] for unit in units])

    def translate_texts(self, texts: Sequence[str]) -> list[Translation]:
        """One translation a text, in order; a text that is too long or is cut off has an `error`."""
        self.load()
        made: list[Translation | None] = [None] * len(texts)
        ids = [self.encode(text) for text in texts]
        for index, tokens in enumerate(ids):
            if len(tokens) > MAX_SOURCE_TOKENS:
                made[index] = Translation(
                    (), error=f"{len(tokens)} tokens, and the model takes {MAX_SOURCE_TOKENS}; it is not cut in silence"
                )
        fits = [index for index in range(len(texts)) if made[index] is None]
        for length, batch in self._batches({index: ids[index] for index in fits}):
            for index, answer in zip(batch, self._generate([ids[item] for item in batch], length), strict=True):
                made[index] = self._judge(texts[index], answer)
        return [item for item in made if item is not None]

    def _judge(self, source: str, answer: Translation) -> Translation:
        """What the translator has to say against an answer; a model that knows its own limits overrides this."""
        return answer

    def _batches(self, ids: Mapping[int, list[int]]) -> Iterator[tuple[int, list[int]]]:
        """Padded length and members of each batch; members of a batch have nearly the same length."""
        buckets: dict[int, list[int]] = defaultdict(list)
        for index, tokens in ids.items():
            buckets[math.ceil(len(tokens) / BUCKET_TOKENS) * BUCKET_TOKENS].append(index)
        for length, members in sorted(buckets.items(), reverse=True):
            rows = self.batch_rows(length)
            for start in range(0, len(members), rows):
                yield length, members[start : start + rows]

    def batch_rows(self, length: int) -> int:
        """Rows of every batch of this padded length: a multiple of 8 within the token budget."""
        return max(8, self.batch_tokens // length // 8 * 8)

    def load(self) -> None:
        """Load the weights, once. Raises `TranslatorError` when that fails."""
        if self._model is not None:
            return
        import torch
        from transformers import T5ForConditionalGeneration

        found = find_model(self._model_name, revision=self.revision)
        if found.revision != self.revision:
            raise TranslatorError(f"{self.name} changed from {self.revision} to {found.revision} since the build began")
        device = "cuda" if torch.cuda.is_available() else "cpu"
        try:
            model: Any = T5ForConditionalGeneration.from_pretrained(
                found.folder, dtype=getattr(torch, self.settings["dtype"])
            )
            model = model.to(device)
        except (OSError, ValueError, RuntimeError) as error:
            raise TranslatorError(f"{self.name} does not load from {found.folder}: {error}") from error
        start = model.config.decoder_start_token_id
        if (start, model.config.pad_token_id, model.config.eos_token_id) != (START, PAD, END):
            raise TranslatorError(f"{self.name} does not have MADLAD's special tokens; it needs start 0, pad 1, end 2")
        self._model = model.eval()

    def _generate(self, rows: list[list[int]], length: int) -> list[Translation]:
        """Translate one batch, padded to its fixed shape."""
        import torch

        height = self.batch_rows(length)
        ids = torch.full((height, length), PAD)
        ids[:, 0] = END
        for index, tokens in enumerate(rows):
            ids[index, : len(tokens)] = torch.tensor(tokens)
        mask = (ids != PAD).long()
        limit = max_target_tokens(length)
        scores = _Scores(height, self._model.device)
        try:
            with torch.inference_mode():
                out = self._model.generate(
                    input_ids=ids.to(self._model.device),
                    attention_mask=mask.to(self._model.device),
                    max_new_tokens=limit,
                    num_beams=1,
                    do_sample=False,
                    logits_processor=[scores],
                ).cpu()
        except RuntimeError as error:  # out of memory, a broken device: no text's fault
            raise TranslatorError(
                f"{self.name} failed on a batch of {height} x {length} tokens: {error}; "
                "if memory ran out, use a smaller --batch-tokens"
            ) from error
        made = []
        for tokens, score in zip(out[: len(rows), 1:].tolist(), scores.means()[: len(rows)], strict=True):
            if END not in tokens:
                made.append(Translation((), error=f"no end after {limit} tokens: the model is looping"))
                continue
            text = self.tokenizer.decode([token for token in tokens[: tokens.index(END)] if token > END])
            made.append(Translation((text,), round(score, SCORE_DIGITS) + 0.0))
        return made


class _Scores:
    """Sums each row's log-probability of its greedy tokens while `generate` runs, keeping no logits."""

    def __init__(self, rows: int, device: Any) -> None:
        import torch

        self.sums = torch.zeros(rows, device=device)
        self.counts = torch.zeros(rows, device=device)
        self.done = torch.zeros(rows, dtype=torch.bool, device=device)

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        best, token = scores.float().log_softmax(-1).max(-1)
        going = ~self.done
        self.sums += best * going
        self.counts += going
        self.done |= token == END
        return scores

    def means(self) -> list[float]:
        means: list[float] = (self.sums / self.counts.clamp(min=1)).tolist()
        return means


class DemoTranslator(Seq2SeqTranslator):
    """The embedded demo model: honest about its limits.

    It knows a small closed grammar. A source with a word that is no whole piece of its vocabulary, or a score
    below what it reaches on its own grammar, gets a `note`, and the filters refuse the row.
    """

    def __init__(self, target: str, *, batch_tokens: int = 1024) -> None:
        from translators.demo import MODEL

        about = json.loads((Path(MODEL) / "demo.json").read_text())
        super().__init__(str(MODEL), target, name=about["name"], batch_tokens=batch_tokens)
        self.revision = about["revision"]
        self.warning = about["about"]
        self.min_score = float(about["min_score"])

    def load(self) -> None:
        revision, self.revision = self.revision, find_model(self._model_name).revision
        super().load()
        self.revision = revision

    def _judge(self, source: str, answer: Translation) -> Translation:
        if answer.error:
            return answer
        unknown = [word.strip(".,;:!?") for word in source.split() if self._is_unknown(word)]
        if unknown:
            return Translation(answer.texts, answer.score, f"not in the demo grammar: {', '.join(unknown)}")
        if answer.score is not None and answer.score < self.min_score:
            return Translation(answer.texts, answer.score, f"unsure: score {answer.score} below {self.min_score}")
        return answer

    def _is_unknown(self, word: str) -> bool:
        """Whether a word is no whole piece: it falls apart into single letters or bytes."""
        pieces = self.tokenizer.encode(word, out_type=str)
        return any(piece.startswith("<0x") or (len(piece) == 1 and piece.isalpha()) for piece in pieces)
