"""Runs T5 and Marian checkpoints with CTranslate2, in int8 or float32, from a conversion that is made once.

The model sees all rows of a length padded alike: where no row has the full length, one more of it goes along. Measured
on a CPU (a T5 of 27 M parameters, 330 translations of 130 texts, alone and in batches): in int8, tokens and scores are
the same to the last bit whatever the batch; in float32 tokens are the same, and scores differ by at most 3e-6, so
that the last of the digits that are kept may, rarely, be another.
"""

from typing import Any

from translators.backends import CTRANSLATE2, GPU_DEFAULTS, PRECISIONS, Batch, Decoding, OutOfMemory, Output
from translators.checkpoints import Checkpoint, SpecialTokens
from translators.units import TranslatorError

PATIENCE = 2.0
"""Beam search goes on until twice as many answers as beams have ended (arXiv 2204.05424): ending with the first
ones, CTranslate2 returned answers that are worse than greedy's.
"""


class CTranslate2Backend:
    """A checkpoint run by CTranslate2; see `translators.backends.Backend`.

    Raises `TranslatorError` when this machine's device lacks the precision; a GPU that is not here yet is asked
    when the weights load.
    """

    def __init__(
        self, checkpoint: Checkpoint, special: SpecialTokens, decoding: Decoding, precision: str, device: str
    ) -> None:
        import ctranslate2

        self._checkpoint, self._special, self._decoding = checkpoint, special, decoding
        self._precision, self._device = precision, device
        self._model: Any = None
        if device == "cpu" or ctranslate2.get_cuda_device_count():
            self._check_device()

    def _check_device(self) -> None:
        import ctranslate2

        try:
            known = ctranslate2.get_supported_compute_types(self._device)
        except (RuntimeError, ValueError) as error:
            raise TranslatorError(
                f"{self._checkpoint.name}: CTranslate2 has no --device {self._device}: {error}"
            ) from error
        if self._precision not in known:
            has = ", ".join(sorted(known.intersection(PRECISIONS[CTRANSLATE2])))
            defaults = GPU_DEFAULTS[self._checkpoint.family] if self._device == "cuda" else ("int8", "float32")
            better = next((precision for precision in defaults if precision in known), "float32")
            raise TranslatorError(
                f"--precision {self._precision} (the default, if none was given): CTranslate2 lacks it on this "
                f"{self._device}, which has {has}; give --backend ctranslate2 --precision {better}"
            )

    def load(self) -> None:
        if self._model is not None:
            return
        import ctranslate2

        from translators.backends.conversion import converted

        self._check_device()
        folder = converted(self._checkpoint, self._special, self._precision)
        try:
            self._model = ctranslate2.Translator(str(folder), device=self._device, compute_type=self._precision)
        except (RuntimeError, ValueError, MemoryError) as error:
            from translators.backends.with_transformers import MEMORY_ADVICE, is_out_of_memory

            if is_out_of_memory(error):
                raise TranslatorError(
                    f"{self._checkpoint.name}: no room for it on this {self._device} ({error}); {MEMORY_ADVICE}"
                ) from error
            raise TranslatorError(
                f"{self._checkpoint.name} does not load from {folder}: {error}; delete that folder to convert it again"
            ) from error

    def padded_tokens(self, batch: Batch) -> int:
        return len(self._filled(batch)) * batch.length

    def generate(self, batch: Batch) -> list[Output]:
        try:
            found = self._model.translate_batch(
                [list(map(str, row)) for row in self._filled(batch)],
                beam_size=self._decoding.beams,
                patience=PATIENCE,
                max_input_length=0,
                min_decoding_length=0,
                max_decoding_length=batch.limit,
                return_scores=True,
                return_end_token=True,
            )
        except (RuntimeError, MemoryError) as error:
            from translators.backends.with_transformers import is_out_of_memory

            if is_out_of_memory(error):
                raise OutOfMemory(str(error)) from None
            raise TranslatorError(
                f"{self._checkpoint.name} failed on {len(batch.rows)} x {batch.length} tokens: {error}"
            ) from error
        return [self._output(result) for result in found[: len(batch.rows)]]

    def _filled(self, batch: Batch) -> list[list[int]]:
        """The rows, and one of the full length if there is none: the longest, its middle said again."""
        rows = [list(row) for row in batch.rows]
        longest = max(rows, key=len)
        if len(longest) < batch.length and batch.height > 1:
            said = longest[:-1] * batch.length
            rows.append([*said[: batch.length - 1], self._special.end])
        return rows

    def _output(self, result: Any) -> Output:
        tokens = [int(token) for token in result.hypotheses[0]]
        ended = bool(tokens) and tokens[-1] == self._special.end
        return Output(tokens[:-1] if ended else tokens, ended, result.scores[0])
