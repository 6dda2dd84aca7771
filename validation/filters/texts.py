"""What filters see in a text: spans that are not language, words, and the languages by their codes."""

import re
from functools import cache

from lingua import Language, LanguageDetector, LanguageDetectorBuilder

SPAN = re.compile(
    r"""
      ```.*?``` | (?<![`\w])`(?![`\s])[^`\n]++`(?![`\w])                       # code
    | <\|[^|<>\s]++\|> | </?[A-Za-z][\w:.-]*+(?:\s++[\w:.-]++=(?:"[^"<>]*+"|'[^'<>]*+'))*+\s*+/?>
    | (?:(?:https?|ftp)://|\bwww\.)(?:\([^\s()<>"'`«»“”]*+\)|[^\s()<>"'`«»“”])+(?<![.,;:!?\]}。，、！？])
    | (?<![\w.+-])[\w.+-]++@[\w-]++(?:\.[\w-]++)++                             # e-mail
    | \[\s*+[-+]?\d++(?:\.\d++)?(?:\s*+,\s*+[-+]?\d++(?:\.\d++)?)++\s*+\]        # box
    | \{{1,2}[\w.:!-]*+\}{1,2}                                                 # field
    """,
    re.VERBOSE | re.DOTALL,
)
WORD = re.compile(r"[^\W\d_]++(?:-[^\W\d_]++)*+")
CLOSERS = "\"'”’»)]}*_ \t\r\n"
NO_BLANKS = frozenset({"bo", "ja", "km", "ko", "lo", "my", "th", "yue", "zh"})
_EXTRACT = 2_000


def extract(text: str) -> str:
    """A text of up to 2,000 characters as it is; of a longer one, its beginning and its end."""
    return text if len(text) <= _EXTRACT else f"{text[: _EXTRACT // 2]} {text[-_EXTRACT // 2 :]}"


def language(code: str) -> str:
    """The two-letter code where lingua knows one: "eus" and "eu-ES" are "eu"."""
    stem = re.split("[-_]", code.lower(), maxsplit=1)[0]
    known = _lingua_codes().get(stem)
    return stem if known is None else known.iso_code_639_1.name.lower()


def lingua(code: str) -> Language | None:
    return _lingua_codes().get(language(code))


@cache
def detector(languages: frozenset[Language]) -> LanguageDetector:
    return LanguageDetectorBuilder.from_languages(*languages).build()


@cache
def _lingua_codes() -> dict[str, Language]:
    languages = Language.all()
    codes = {language.iso_code_639_3.name.lower(): language for language in languages}
    return codes | {language.iso_code_639_1.name.lower(): language for language in languages}
