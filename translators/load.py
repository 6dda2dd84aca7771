"""The translator for a model: which of the package's translators it is, decided by what was asked for."""

import importlib

from translators.units import Translator, TranslatorError

DEMO = "demo"
BATCH_TOKENS = {"cpu": 1024, "cuda": 8192}


def load_translator(
    model: str,
    target: str,
    *,
    source: str = "en",
    factory: str = "",
    backend: str = "auto",
    precision: str = "",
    decoding: str = "",
    batch_tokens: int = 0,
    prompt: str = "",
    server: str = "",
    in_flight: int = 0,
    device: str = "cpu",
    gpus: int = 1,
) -> Translator:
    """A translator from `source` into `target` (ISO 639-1), without its weights.

    `model`: `demo`, a Hub name such as `google/madlad400-3b-mt`, or a folder. By default it is a
    sequence-to-sequence model; `prompt` (a name in `translators/prompts` or a YAML file) makes it a chat model, run by
    vLLM on `gpus` GPUs, or by the OpenAI-compatible server at the URL `server`, with `in_flight` requests at once
    (0: as many as the prompt says). `factory`: `module:function`, any importable function of `(model, target)` that
    returns a `Translator`. `backend`, `precision` and `decoding`: see `translators/seq2seq.py`; empty is the default of
    `device`, `cpu` or `cuda`. `batch_tokens` bounds a batch, padding included (0: what suits the device).
    Raises `TranslatorError`.
    """
    if factory:
        return _made_by(factory, model, target)
    if prompt or server:
        return _few_shot(model, target, source, prompt, server, in_flight, device, gpus)
    from translators.seq2seq import seq2seq_translator

    return seq2seq_translator(
        model, target, source=source, backend=backend, precision=precision, decoding=decoding,
        batch_tokens=batch_tokens or BATCH_TOKENS[device], device=device,
    )  # fmt: skip


def _made_by(factory: str, model: str, target: str) -> Translator:
    """What a user's own factory returns, its `TranslatorError` as it is and any other fault in one line."""
    module, _, function = factory.partition(":")
    try:
        made: Translator = getattr(importlib.import_module(module), function)(model, target)
        fits = isinstance(made, Translator)
    except TranslatorError:
        raise
    except Exception as error:
        raise TranslatorError(
            f"--translator {factory}: {type(error).__name__}: {' '.join(str(error).split())}; "
            "it must be module:function, called with (model, target)"
        ) from error
    if not fits:
        raise TranslatorError(f"--translator {factory}: what it returns is no Translator (see translators/units.py)")
    return made


def _few_shot(
    model: str, target: str, source: str, prompt: str, server: str, in_flight: int, device: str, gpus: int
) -> Translator:
    from translators.fewshot.engine import Engine
    from translators.fewshot.prompts import load_prompt
    from translators.fewshot.translator import FewShotTranslator

    shape = load_prompt(prompt or "generic")
    batch = in_flight or shape.decoding.batch
    if not server and model in ("", DEMO):
        raise TranslatorError(f"--prompt {prompt} asks a chat model: name one with --model, or a --server")
    engine: Engine
    if server:
        from translators.fewshot.server_engine import ServerEngine

        name = "" if model == DEMO else model
        engine = ServerEngine(server, name, in_flight=batch, context=shape.decoding.context)
    else:
        from translators.fewshot.vllm_engine import VLLMEngine

        engine = VLLMEngine(
            model, context=shape.decoding.context, batch=batch, tensor_parallel=max(1, gpus), device=device
        )
    return FewShotTranslator(shape, engine, source=source, target=target)
