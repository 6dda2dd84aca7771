"""Text in, text out: translators, the translation memory and placeholders. Runs without Ray.

from translators import LocalMemory, Unit, load_translator, translate
italian, account = translate([Unit("caption", ("A red cup.",))], load_translator("demo", "it"), LocalMemory(":memory:"))
"""

from translators.load import DEMO, load_translator
from translators.memory import TranslationMemory
from translators.translate import Account, LocalMemory, translate
from translators.units import Translation, Translator, TranslatorError, Unit

__all__ = [
    "DEMO",
    "Account",
    "LocalMemory",
    "Translation",
    "TranslationMemory",
    "Translator",
    "TranslatorError",
    "Unit",
    "load_translator",
    "translate",
]
