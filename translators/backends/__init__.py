"""What runs a sequence-to-sequence model: transformers, or CTranslate2, behind one small protocol.

A backend maps token ids to token ids; it knows no text and no language. Constructing one loads nothing.
"""

import difflib
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from translators.checkpoints import Checkpoint, SpecialTokens
from translators.units import TranslatorError

AUTO, TRANSFORMERS, CTRANSLATE2 = "auto", "transformers", "ctranslate2"
BACKENDS = (AUTO, TRANSFORMERS, CTRANSLATE2)
PRECISIONS = {
    TRANSFORMERS: ("float32", "bfloat16"),
    CTRANSLATE2: ("int8", "int8_float16", "int8_bfloat16", "bfloat16", "float32"),
}
GPU_DEFAULTS = {"t5": ("int8_bfloat16", "bfloat16", "int8", "float32"), "marian": ("int8_float16", "int8", "float32")}
"""CTranslate2's precision on a GPU when none is given: the first that the GPU has.

T5's activations overflow float16 (https://github.com/OpenNMT/CTranslate2/issues/1074); `int8` computes the rest in
float32.
"""
DEVICES = ("cpu", "cuda")


class OutOfMemory(Exception):
    """A batch does not fit into the device's memory; a smaller one may."""


@dataclass(frozen=True)
class Decoding:
    """How a translation is chosen: greedy, sampled (temperature 1, all tokens), or by beam search."""

    name: str
    beams: int = 1
    sampled: bool = False


@dataclass(frozen=True)
class Batch:
    """Token ids to translate: every row at most `length`, `height` rows with fillers, `limit` tokens of answer.

    `seeds` (64-bit, signed), one a row, decide what is sampled.
    """

    rows: Sequence[Sequence[int]]
    length: int
    height: int
    limit: int
    seeds: Sequence[int]


@dataclass(frozen=True)
class Output:
    """A row's answer up to its end, whether it came to one, and the mean log-probability a token, end included."""

    tokens: Sequence[int]
    ended: bool
    score: float


class Backend(Protocol):
    """Runs a model. Not safe for several threads at once."""

    def load(self) -> None:
        """Load the weights, once. Raises `TranslatorError`."""
        ...

    def generate(self, batch: Batch) -> list[Output]:
        """One output a row. Raises `OutOfMemory`, and `TranslatorError` when the backend itself is broken."""
        ...

    def padded_tokens(self, batch: Batch) -> int:
        """Source tokens that the model sees for this batch, padding and fillers included."""
        ...


def parse_decoding(decoding: str, default: str) -> Decoding:
    """`greedy`, `sample`, `beam` (of 4) or `beamN`. Raises `TranslatorError`."""
    name = decoding or default
    if name == "greedy":
        return Decoding(name)
    if name == "sample":
        return Decoding(name, sampled=True)
    beam = re.fullmatch(r"beam(\d{1,2})?", name)
    beams = int(beam[1] or 4) if beam else 0
    if not 2 <= beams <= 32:
        raise TranslatorError(
            f"--decoding {decoding}: it must be {_nearest(name, ('greedy', 'sample', 'beam'))}, or beam2 to beam32"
        )
    return Decoding(f"beam{beams}", beams=beams)


def choose(backend: str, precision: str, decoding: Decoding, family: str, device: str) -> tuple[str, str]:
    """Backend and precision where the flags leave them open. Raises `TranslatorError` for what cannot be had.

    CTranslate2 where decoding is reproducible there, transformers for sampling. A precision that is left open
    on CUDA follows this machine's GPU; where the GPU is elsewhere it is the first of `GPU_DEFAULTS`.
    """
    if device not in DEVICES:
        raise TranslatorError(f"--device {device}: it must be {_nearest(device, DEVICES)}")
    if backend not in BACKENDS:
        raise TranslatorError(f"--backend {backend}: it must be {_nearest(backend, BACKENDS)}")
    if backend == AUTO:
        backend = TRANSFORMERS if decoding.sampled or precision == "bfloat16" else CTRANSLATE2
    if decoding.sampled and backend == CTRANSLATE2:
        raise TranslatorError(
            "--decoding sample: CTranslate2 has one random stream for a whole batch, so a text's translation would "
            "depend on its neighbours; use --backend transformers, or --decoding greedy"
        )
    if not precision:
        precision = _default_precision(backend, family, device)
    if precision not in PRECISIONS[backend]:
        reason = " (T5 overflows in float16)" if precision == "float16" else ""
        raise TranslatorError(
            f"--precision {precision}{reason}: with {backend} it must be {_nearest(precision, PRECISIONS[backend])}"
        )
    return backend, precision


def _default_precision(backend: str, family: str, device: str) -> str:
    if backend == TRANSFORMERS:
        return "bfloat16" if device == "cuda" else "float32"
    if device == "cpu":
        return "int8"
    has = gpu_precisions()
    return next((precision for precision in GPU_DEFAULTS[family] if precision in has), GPU_DEFAULTS[family][0])


def gpu_precisions() -> set[str]:
    """What CTranslate2 computes in on this machine's first GPU; nothing where there is none."""
    import ctranslate2

    try:
        return set(ctranslate2.get_supported_compute_types("cuda")) if ctranslate2.get_cuda_device_count() else set()
    except (RuntimeError, ValueError):  # no driver, or a build without CUDA; the backend says so when it loads
        return set()


def make_backend(
    backend: str, checkpoint: Checkpoint, special: SpecialTokens, decoding: Decoding, precision: str, device: str
) -> Backend:
    """The backend of this name (`transformers` or `ctranslate2`), without weights. Raises `TranslatorError`."""
    if backend == CTRANSLATE2:
        from translators.backends.with_ctranslate2 import CTranslate2Backend

        return CTranslate2Backend(checkpoint, special, decoding, precision, device)

    def make() -> Backend:
        from translators.backends.with_transformers import TransformersBackend

        return TransformersBackend(checkpoint, special, decoding, precision, device)

    return _OnLoad(make)


class _OnLoad:
    """A backend that is made when its weights load: a plan has no use for the seconds that importing torch takes."""

    def __init__(self, make: Callable[[], Backend]) -> None:
        self._make = make
        self._made: Backend | None = None

    def load(self) -> None:
        self._made = self._made or self._make()
        self._made.load()

    def generate(self, batch: Batch) -> list[Output]:
        assert self._made
        return self._made.generate(batch)

    def padded_tokens(self, batch: Batch) -> int:
        assert self._made
        return self._made.padded_tokens(batch)


def _nearest(given: str, known: Collection[str]) -> str:
    """The known values for an error, the one that was probably meant named again."""
    near = difflib.get_close_matches(given, known, n=1)
    return f"{', '.join(known)}" + (f" (did you mean {near[0]}?)" if near else "")
