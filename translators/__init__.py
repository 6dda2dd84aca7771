"""Text in, text out: translators, the translation memory and placeholders. Runs without Ray.

from translators import TranslationMemory, Unit, load_translator, translate
italian, account = translate([Unit("caption", ("A red cup.",))], load_translator("demo", "it"), memory)
"""

import importlib

from translators.memory import TranslationMemory
from translators.translate import Account, translate
from translators.units import Translation, Translator, TranslatorError, Unit

DEMO = "demo"


def load_translator(
    model: str, target: str, *, factory: str = "", batch_tokens: int = 4096, dtype: str = "float32"
) -> Translator:
    """The translator for a model and a target language, without its weights.

    `model`: `demo`, a Hub name such as `google/madlad400-3b-mt`, or a folder. `factory`: `module:function`, any
    importable function of `(model, target)` that returns a `Translator`. `dtype`: `bfloat16` on a GPU, `float32`
    elsewhere. Raises `TranslatorError`.
    """
    if factory:
        module, _, function = factory.partition(":")
        try:
            made: Translator = getattr(importlib.import_module(module), function)(model, target)
        except (ImportError, AttributeError, ValueError) as error:
            raise TranslatorError(f"--translator {factory}: {error}; it must be module:function") from error
        if not isinstance(made, Translator):
            raise TranslatorError(
                f"--translator {factory}: what it returns is no Translator (see translators/units.py)"
            )
        return made
    from translators.seq2seq import DemoTranslator, Seq2SeqTranslator

    return (
        DemoTranslator(target)
        if model == DEMO
        else Seq2SeqTranslator(model, target, batch_tokens=batch_tokens, dtype=dtype)
    )


__all__ = [
    "DEMO",
    "Account",
    "Translation",
    "TranslationMemory",
    "Translator",
    "TranslatorError",
    "Unit",
    "load_translator",
    "translate",
]
