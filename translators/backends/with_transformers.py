"""Runs T5 and Marian checkpoints with transformers, in float32 or bfloat16.

Batches always have the same shape for the same length, filled up with their own rows again, which end when these
end: a text's translation and score then do not depend on what else is in the batch, to the last bit.
"""

from typing import Any

import torch
from transformers import AutoModelForSeq2SeqLM, GenerationConfig, LogitsProcessor, StoppingCriteria

from translators.backends import Batch, Decoding, OutOfMemory, Output
from translators.backends.sampling import gumbel_noise
from translators.checkpoints import Checkpoint, SpecialTokens, fetch_weights, lfs_pointers
from translators.units import TranslatorError

MEMORY_ADVICE = "free its memory, or use a smaller --precision or model"
MEMORY_SIGNS = ("out of memory", "can't allocate memory", "not enough memory", "failed to allocate", "alloc_failed")


class TransformersBackend:
    """A checkpoint run by transformers; see `translators.backends.Backend`."""

    def __init__(
        self, checkpoint: Checkpoint, special: SpecialTokens, decoding: Decoding, precision: str, device: str
    ) -> None:
        self._checkpoint, self._special, self._decoding = checkpoint, special, decoding
        self._precision, self._device = precision, device
        self._model: Any = None

    def load(self) -> None:
        if self._model is not None:
            return
        if self._device == "cuda" and not torch.cuda.is_available():
            raise TranslatorError(
                f"{self._checkpoint.name}: --device cuda, but torch {torch.__version__} sees no GPU here"
            )
        self._model = load_model(self._checkpoint, getattr(torch, self._precision), self._device)

    def padded_tokens(self, batch: Batch) -> int:
        return batch.height * batch.length

    def generate(self, batch: Batch) -> list[Output]:
        memory_fault = ""
        try:
            with torch.inference_mode():
                return self._generate(batch)
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise TranslatorError(
                    f"{self._checkpoint.name} failed on a batch of {batch.height} x {batch.length} tokens: {error}"
                ) from error
            memory_fault = str(error)
        # Outside the handler nothing holds the frames of the failed call any more, nor their tensors.
        if self._device == "cuda":
            torch.cuda.empty_cache()
        raise OutOfMemory(memory_fault)

    def _generate(self, batch: Batch) -> list[Output]:
        ids = torch.full((batch.height, batch.length), self._special.pad)
        for index in range(batch.height):
            row = batch.rows[index % len(batch.rows)]
            ids[index, : len(row)] = torch.tensor(row)
        mask = (ids != self._special.pad).long()
        beams = self._decoding.beams
        choice = _Choice(batch, self._special.end, self._decoding.sampled, self._model.device)
        found = self._model.generate(
            input_ids=ids.to(self._model.device),
            attention_mask=mask.to(self._model.device),
            generation_config=_settings(
                max_new_tokens=batch.limit,
                num_beams=beams,
                do_sample=False,
                return_dict_in_generate=True,
                output_scores=beams > 1,
                decoder_start_token_id=self._special.start,
                pad_token_id=self._special.pad,
                eos_token_id=self._special.end,
                bad_words_ids=[[self._special.pad]],
            ),
            logits_processor=[choice] if beams == 1 else [],
            stopping_criteria=[_Forgetful()] if beams > 1 else [],
        )
        scores = found.sequences_scores.tolist() if beams > 1 else choice.means()
        answers = found.sequences[: len(batch.rows), 1:].tolist()
        return [self._output(tokens, score) for tokens, score in zip(answers, scores, strict=False)]

    def _output(self, tokens: list[int], score: float) -> Output:
        ended = self._special.end in tokens
        return Output(tokens[: tokens.index(self._special.end)] if ended else tokens, ended, score)


def load_model(checkpoint: Checkpoint, dtype: torch.dtype, device: str) -> Any:
    """A checkpoint's model for evaluation, with nothing of its own generation settings. Raises `TranslatorError`."""
    folder = fetch_weights(checkpoint)
    try:
        model: Any = AutoModelForSeq2SeqLM.from_pretrained(folder, dtype=dtype)
        model = model.to(device).eval()
    except Exception as error:  # safetensors' own error, of a file that is cut off, is none of Python's
        if is_out_of_memory(error):
            reason = f"no room for it on this {device} ({error}); {MEMORY_ADVICE}"
        elif pointers := lfs_pointers(folder):
            reason = f"{', '.join(pointers)}: a Git LFS pointer, not the file; run `git lfs pull` there"
        else:
            reason = f"{type(error).__name__}: {error}"
        raise TranslatorError(
            f"--model {checkpoint.given} does not load from {folder}: {' '.join(reason.split())}"
        ) from error
    model.generation_config = _settings()
    return model


def _settings(**values: Any) -> Any:
    return GenerationConfig(**values)  # type: ignore[no-untyped-call]


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error of torch or CTranslate2 means that memory ran out."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return any(sign in str(error).lower() for sign in MEMORY_SIGNS)


class _Choice(LogitsProcessor):
    """Makes `generate`'s greedy step a sample where that is wanted, and sums each row's log-probability."""

    def __init__(self, batch: Batch, end: int, sampled: bool, device: torch.device) -> None:
        self.end = end
        seeds = [batch.seeds[index % len(batch.seeds)] for index in range(batch.height)]
        self.seeds = torch.tensor(seeds, device=device) if sampled else None
        self.sums = torch.zeros(batch.height, device=device)
        self.counts = torch.zeros(batch.height, device=device)
        self.done = torch.zeros(batch.height, dtype=torch.bool, device=device)

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        likely = scores.float().log_softmax(-1)
        if self.seeds is not None:
            scores = likely + gumbel_noise(self.seeds, input_ids.shape[1] - 1, scores.shape[1])
        token = scores.argmax(-1)
        going = ~self.done
        self.sums += likely.gather(1, token[:, None])[:, 0] * going
        self.counts += going
        self.done |= token == self.end
        return scores

    def means(self) -> list[float]:
        means: list[float] = (self.sums / self.counts.clamp(min=1)).tolist()
        return means


class _Forgetful(StoppingCriteria):
    """Frees each step's scores, rows x beams x vocabulary, that beam search keeps in order to report its sums."""

    def __call__(self, input_ids: Any, scores: Any, **_: Any) -> Any:
        scores[-1].untyped_storage().resize_(0)
        return torch.zeros(input_ids.shape[0], dtype=torch.bool, device=input_ids.device)
