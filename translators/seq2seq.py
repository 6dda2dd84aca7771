"""Sequence-to-sequence translation: MADLAD-400 and MarianMT, run by transformers or by CTranslate2.

Batches are bucketed by length and bounded by tokens. A text that is longer than the model takes is cut where it
hurts least and rejoined, never cut off in silence; an answer that has no end is an error, never a text. What a
batch's neighbours may change, and what not, is said by each backend.
"""

import copy
import hashlib
import json
import math
import threading
from collections import Counter, defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from translators.backends import AUTO, TRANSFORMERS, Batch, OutOfMemory, Output, choose, make_backend, parse_decoding
from translators.checkpoints import Checkpoint, SpecialTokens, find_checkpoint
from translators.demo import MODEL
from translators.madlad import MadladVocabulary
from translators.marian import MarianVocabulary
from translators.memory import identity
from translators.sentences import split_long
from translators.units import Translation, TranslatorError, Unit

DEMO = "demo"
BUCKET_TOKENS = 8
SCORE_DIGITS = 4
DEMO_BATCH_TOKENS = 1024


class Vocabulary(Protocol):
    """A model's tokens: what text becomes, and what becomes text."""

    special: SpecialTokens
    max_source_tokens: int

    def encode(self, text: str) -> list[int]:
        """Token ids, end included. Raises ValueError for a text that the model must not see."""
        ...

    def decode(self, tokens: Sequence[int]) -> str: ...

    def unreadable(self, text: str) -> list[str]:
        """What of the text the model has no tokens for."""
        ...


def seq2seq_translator(
    model: str,
    target: str,
    *,
    source: str = "en",
    backend: str = AUTO,
    precision: str = "",
    decoding: str = "",
    batch_tokens: int = 4096,
    device: str = "cpu",
) -> "Seq2SeqTranslator":
    """The translator of a checkpoint, `demo`, a Hub name or a folder, by the model_type of its config.json.

    `source` and `target` are ISO 639 codes, `batch_tokens` bounds a batch (rows times padded length), `device` is
    `cpu` or `cuda`. Left open, `precision` is int8 or float32 on a CPU and int8_bfloat16 (Marian: int8_float16) or
    bfloat16 on a GPU, and `decoding` greedy (Marian: sample). Loads no weights. Raises `TranslatorError`.
    """
    if batch_tokens < 1:
        raise TranslatorError(f"--batch-tokens {batch_tokens}: it must be at least 1")
    if model == DEMO:
        return DemoTranslator(
            target,
            source=source,
            backend=backend,
            precision=precision,
            decoding=decoding,
            batch_tokens=min(batch_tokens, DEMO_BATCH_TOKENS),
            device=device,
        )
    checkpoint = find_checkpoint(model)
    return Seq2SeqTranslator(
        checkpoint,
        _vocabulary(checkpoint, source, target),
        target,
        source=source,
        backend=backend,
        precision=precision,
        decoding=decoding,
        batch_tokens=batch_tokens,
        device=device,
    )


def _vocabulary(checkpoint: Checkpoint, source: str, target: str) -> Vocabulary:
    if checkpoint.family == "t5":
        return MadladVocabulary(checkpoint, target)
    return MarianVocabulary(checkpoint, source, target)


def max_target_tokens(source_tokens: int) -> int:
    """Room for a translation: twice the source and some, so that a cut-off answer is a fault, not a limit."""
    return 2 * source_tokens + 16


def _seed(settings: str, text: str) -> int:
    """What decides a sample of a text: the translator's identity and the text, nothing of its batch."""
    digest = hashlib.sha256(f"{settings}\n{text}".encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], signed=True)


@dataclass(frozen=True)
class _Piece:
    """What goes through the model at once, and what stands between it and the next piece of its text."""

    text: str
    separator: str
    tokens: Sequence[int]


class Seq2SeqTranslator:
    """Translates sentences with one model from one language into another.

    `settings` are all that changes its output. `translate` may be called from several threads: they tokenise
    beside each other and take turns at the model.
    """

    together = False

    def __init__(
        self,
        checkpoint: Checkpoint,
        vocabulary: Vocabulary,
        target: str,
        *,
        source: str,
        backend: str,
        precision: str,
        decoding: str,
        batch_tokens: int,
        device: str,
    ) -> None:
        chosen = parse_decoding(decoding, "greedy" if checkpoint.family == "t5" else "sample")
        backend, precision = choose(backend, precision, chosen, checkpoint.family, device)
        self.name, self.revision, self.source = checkpoint.name, checkpoint.revision, source
        self.settings: Mapping[str, str] = {
            "source": source,
            "target": target,
            "decoding": chosen.name,
            "backend": backend,
            "precision": precision,
        }
        self.warning: str | None = None
        self.batch_tokens = batch_tokens
        self._checkpoint = checkpoint
        self._vocabulary = vocabulary
        self._backend = make_backend(backend, checkpoint, vocabulary.special, chosen, precision, device)
        self._model_lock = threading.Lock()
        self._most_rows: dict[int, int] = {}
        self._counters: Counter[str] = Counter()
        self._counters_lock = threading.Lock()

    def into(self, target: str) -> "Seq2SeqTranslator":
        """The same model, its weights loaded once, for another target. Raises `TranslatorError` if it knows none."""
        other = copy.copy(self)
        other.settings = {**self.settings, "target": target}
        other._vocabulary = _vocabulary(self._checkpoint, self.source, target)
        return other

    def load(self) -> None:
        """Load the weights, once. Raises `TranslatorError` when that fails."""
        with self._model_lock:
            self._backend.load()

    def count_tokens(self, units: Sequence[Unit]) -> int:
        return sum(len(self._tokens(text)) for unit in units for text in unit.texts)

    def take_counters(self) -> Counter[str]:
        """What translating cost since the last call: `real_tokens` of sources, `padded_tokens` that the model saw
        for them, `batches`, `splits` (texts that were too long), `halvings` (of batches that memory did not hold).
        """
        with self._counters_lock:
            taken, self._counters = self._counters, Counter()
        return taken

    def translate(self, units: Sequence[Unit]) -> list[Translation]:
        for unit in units:
            if len(unit.texts) != 1:
                raise ValueError(f"a unit of {len(unit.texts)} texts; this translator takes one at a time")
        return self.translate_texts([unit.texts[0] for unit in units])

    def translate_texts(self, texts: Sequence[str]) -> list[Translation]:
        """One translation a text, in order; what the model cannot take or does not end has an `error`."""
        plans = [self._plan(text) for text in texts]
        pieces = [piece for plan in plans if not isinstance(plan, Translation) for piece in plan if piece.tokens]
        settings = identity(self)
        seeds = [_seed(settings, piece.text) for piece in pieces]
        with self._model_lock:
            self._backend.load()
            outputs = iter(self._run(pieces, seeds))
        made = []
        for text, plan in zip(texts, plans, strict=True):
            if not isinstance(plan, Translation):
                answers = [self._read(piece, next(outputs)) if piece.tokens else None for piece in plan]
                plan = self._rejoined(plan, answers)
                note = None if plan.error else self._doubt(text, plan)
                plan = replace(plan, note=note or plan.note)
            made.append(plan)
        return made

    def _plan(self, text: str) -> list[_Piece] | Translation:
        """The pieces of a text, as many as the model's length asks for, or why it cannot be translated."""
        try:
            tokens = self._vocabulary.encode(text)
            if len(tokens) <= self._vocabulary.max_source_tokens:
                return [_Piece(text, "", tokens)]
            cut = split_long(text, lambda part: len(self._tokens(part)) <= self._vocabulary.max_source_tokens)
            self._count(splits=1)
            return [_Piece(part, between, self._vocabulary.encode(part) if part else ()) for part, between in cut]
        except ValueError as error:
            return Translation((), error=f"not to be translated by {self.name}: {error}")

    def _tokens(self, text: str) -> list[int]:
        try:
            return self._vocabulary.encode(text)
        except ValueError:
            return []

    def _run(self, pieces: Sequence[_Piece], seeds: Sequence[int]) -> list[Output | str]:
        """The model's output for every piece, or the error of one that memory does not hold even alone."""
        outputs: dict[int, Output | str] = {}
        for length, members in self._buckets([len(piece.tokens) for piece in pieces]):
            waiting = deque(members)
            while waiting:
                rows = self._rows(length)
                taken = [waiting.popleft() for _ in range(min(rows, len(waiting)))]
                batch = Batch(
                    [pieces[index].tokens for index in taken],
                    length,
                    rows,
                    max_target_tokens(length),
                    [seeds[index] for index in taken],
                )
                try:
                    outputs |= zip(taken, self._backend.generate(batch), strict=True)
                except OutOfMemory as fault:
                    reason = str(fault)
                else:
                    real = sum(map(len, batch.rows))
                    self._count(batches=1, real_tokens=real, padded_tokens=self._backend.padded_tokens(batch))
                    continue
                if rows == 1:
                    outputs[taken[0]] = f"out of memory with this text of {length} tokens alone: {reason}"
                else:
                    waiting.extendleft(reversed(taken))
                    self._most_rows[length] = rows // 2
                    self._count(halvings=1)
        return [outputs[index] for index in range(len(pieces))]

    def _buckets(self, lengths: Sequence[int]) -> Iterator[tuple[int, list[int]]]:
        """Padded length and members of each bucket, longest first; members have nearly the same length."""
        buckets: dict[int, list[int]] = defaultdict(list)
        for index, length in enumerate(lengths):
            buckets[math.ceil(length / BUCKET_TOKENS) * BUCKET_TOKENS].append(index)
        yield from sorted(buckets.items(), reverse=True)

    def _rows(self, length: int) -> int:
        """Rows of a batch of this padded length: a multiple of 8 within the token budget, or what memory held."""
        held = [rows for shorter, rows in self._most_rows.items() if shorter <= length]
        return min([max(8, self.batch_tokens // length // 8 * 8), *held])

    def _read(self, piece: _Piece, output: Output | str) -> Translation:
        """A piece's translation from the model's output."""
        if isinstance(output, str):
            return Translation((), error=output)
        if not output.ended:
            return Translation((), error=f"no end after {len(output.tokens)} tokens: the model is looping")
        if not math.isfinite(output.score):
            return Translation((), error=f"a score of {output.score}: numbers overflowed; use another --precision")
        notes = []
        if unreadable := self._vocabulary.unreadable(piece.text):
            notes.append(f"unknown to the model: {' '.join(unreadable).replace('▁', '')}")
        if unknown := list(output.tokens).count(self._vocabulary.special.unknown):
            notes.append(f"{unknown} tokens of the translation are unknown")
        text = self._vocabulary.decode(output.tokens)
        if piece.text.strip() and not text.strip():
            notes.append("the translation is empty")
        return Translation((text,), round(output.score, SCORE_DIGITS) + 0.0, "; ".join(notes) or None)

    def _rejoined(self, pieces: Sequence[_Piece], answers: Sequence[Translation | None]) -> Translation:
        """A text's translation from its pieces': as sure as the least sure of them."""
        made = [answer for answer in answers if answer is not None]
        if errors := dict.fromkeys(answer.error for answer in made if answer.error):
            return Translation((), error="; ".join(error for error in errors if error))
        texts = [answer.texts[0] if answer else "" for answer in answers]
        notes = dict.fromkeys(answer.note for answer in made if answer.note)
        return Translation(
            ("".join(text + piece.separator for text, piece in zip(texts, pieces, strict=True)),),
            min(answer.score for answer in made if answer.score is not None),
            "; ".join(note for note in notes if note) or None,
        )

    def _doubt(self, source: str, answer: Translation) -> str | None:
        """What a model that knows its own limits says against its answer."""
        return None

    def _count(self, **amounts: int) -> None:
        with self._counters_lock:
            self._counters.update(amounts)


class DemoTranslator(Seq2SeqTranslator):
    """The embedded demo model: honest about its limits.

    It knows a small closed grammar. A source with a word that is no whole piece of its vocabulary, or a score
    below what it reaches on its own grammar, gets a `note`, and the filters refuse the row.
    """

    def __init__(
        self,
        target: str,
        *,
        source: str = "en",
        backend: str = AUTO,
        precision: str = "",
        decoding: str = "",
        batch_tokens: int = DEMO_BATCH_TOKENS,
        device: str = "cpu",
    ) -> None:
        if source != "en":
            raise TranslatorError(f"--source {source}: the demo model translates from English; give --source en")
        about = json.loads((MODEL / "demo.json").read_text(encoding="utf-8"))
        config = json.loads((MODEL / "config.json").read_text(encoding="utf-8"))
        checkpoint = Checkpoint(DEMO, MODEL, about["name"], about["revision"], config, "package")
        super().__init__(
            checkpoint,
            MadladVocabulary(checkpoint, target),
            target,
            source=source,
            backend=TRANSFORMERS if backend == AUTO else backend,
            precision=precision or ("float32" if backend in (AUTO, TRANSFORMERS) else ""),
            decoding=decoding,
            batch_tokens=batch_tokens,
            device=device,
        )
        self.warning = about["about"]
        self.min_score = float(about["min_score"])

    def _doubt(self, source: str, answer: Translation) -> str | None:
        assert isinstance(self._vocabulary, MadladVocabulary)
        unknown = [word.strip(".,;:!?") for word in source.split() if not self._vocabulary.has_word(word)]
        if unknown:
            return f"not in the demo grammar: {', '.join(unknown)}"
        if answer.score is not None and answer.score < self.min_score:
            return f"unsure: score {answer.score} below {self.min_score}"
        return None
