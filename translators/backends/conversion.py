"""A checkpoint converted for CTranslate2, once for all processes that share a disk.

The converter of CTranslate2 4.8 asks `tie_word_embeddings` whether a T5 scales the input of its output layer, and
transformers 5 sets that for every T5, having moved the meaning to `scale_decoder_outputs`. MADLAD's scores,
beam search and sampling would be wrong without a word. The question is answered here from the right field.

Converted models speak token ids written as numbers: the text's tokens are made elsewhere, by sentencepiece itself.
"""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from translators.checkpoints import Checkpoint, SpecialTokens
from translators.units import TranslatorError

CACHE_VARIABLE = "BABELVISION_CACHE"
FORM = 1
"""Counts up when this module writes other files from the same checkpoint."""
WAIT_SECONDS = 3600.0


def converted(checkpoint: Checkpoint, special: SpecialTokens, precision: str) -> Path:
    """The folder of a checkpoint's conversion to a precision, made now if nobody made it before.

    Converts from float32, in this machine's memory. Raises `TranslatorError`.
    """
    import ctranslate2

    cache = Path(os.environ.get(CACHE_VARIABLE) or "~/.cache/babelvision").expanduser() / "ctranslate2"
    name = re.sub(r"[^\w.-]+", "--", checkpoint.name)
    folder = cache / name / f"{checkpoint.revision}-{precision}-{ctranslate2.__version__}-{FORM}"
    if folder.is_dir():
        return folder
    unfinished = folder.with_name(f"{folder.name}.part")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{folder}.lock", timeout=WAIT_SECONDS):
            if not folder.is_dir():
                shutil.rmtree(unfinished, ignore_errors=True)  # of a process that was killed
                with _removed_on_failure(unfinished):
                    unfinished.mkdir()
                    _convert(checkpoint, special, precision, unfinished)
                    unfinished.rename(folder)
    except Timeout as error:
        raise TranslatorError(
            f"{checkpoint.name}: another process has been converting it for {WAIT_SECONDS:.0f} s; is {error} left over?"
        ) from error
    except (OSError, RuntimeError, ValueError) as error:
        raise TranslatorError(
            f"{checkpoint.name} could not be converted for CTranslate2 into {folder}: {error}; "
            f"set {CACHE_VARIABLE} to a folder with room, or use --backend transformers"
        ) from error
    return folder


@contextmanager
def _removed_on_failure(folder: Path) -> Iterator[None]:
    try:
        yield
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _convert(checkpoint: Checkpoint, special: SpecialTokens, precision: str, folder: Path) -> None:
    """Write the conversion into a folder."""
    import torch

    from translators.backends.with_transformers import load_model

    model = load_model(checkpoint, torch.float32, "cpu")
    with torch.no_grad():
        spec = _specification(checkpoint, special, model)
        spec.validate()
        spec.optimize(quantization=precision)
        spec.save(str(folder))


def _specification(checkpoint: Checkpoint, special: SpecialTokens, model: Any) -> Any:
    from ctranslate2.converters import transformers

    tokens = [str(index) for index in range(model.config.vocab_size)]
    if checkpoint.family == "t5":
        model.config.tie_word_embeddings = model.config.scale_decoder_outputs
        spec: Any = transformers.T5Loader().get_model_spec(model)
        start = special.start
    else:
        if special.pad != len(tokens) - 1:
            raise ValueError(f"<pad> is token {special.pad} and not the last of {len(tokens)}")
        spec = transformers.MarianMTLoader().get_model_spec(model)
        tokens.pop()  # CTranslate2 decodes Marian from a zero embedding and has no use for the pad token
        start = special.end
    spec.register_source_vocabulary(tokens)
    spec.register_target_vocabulary(tokens)
    spec.config.bos_token = spec.config.decoder_start_token = str(start)
    spec.config.eos_token, spec.config.unk_token = str(special.end), str(special.unknown)
    return spec
