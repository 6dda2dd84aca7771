"""What filters see in a text: spans that are not language, words, and the languages by their codes."""

import re
from functools import cache
from itertools import pairwise

from lingua import Language, LanguageDetector, LanguageDetectorBuilder

SPAN = re.compile(
    r"""
      ```.*?``` | (?<![`\w])`(?![`\s])[^`\n]++`(?![`\w])                       # code
    | <\|[^|<>\s]++\|> | </?[A-Za-z][\w:.-]*+(?:\s++[\w:.-]++=(?:"[^"<>]*+"|'[^'<>]*+'))*+\s*+/?>
    | (?:(?:https?|ftp)://|\bwww\.)(?:\([^\s()<>"'`«»“”]*+\)|[^\s()<>"'`«»“”])+(?<![.,;:!?\]}。，、！？])
    | (?<![\w.+-])[\w.+-]++@[\w-]++(?:\.[\w-]++)++                             # e-mail
    | \[\s*+(?:[-+]?\d++(?:\.\d++)?|[xywh]\d?)(?:\s*+,\s*+(?:[-+]?\d++(?:\.\d++)?|[xywh]\d?))++\s*+\]    # box
    | \{{1,2}[\w.:!-]*+\}{1,2}                                                 # field
    """,
    re.VERBOSE | re.DOTALL,
)
QUOTED = re.compile(
    r"""(?<![\w"])"(?=\S)([^"\n]{1,400}+)"(?!\w) | “([^“”„"\n]{1,400}+)[”"] | „([^„“”"\n]{1,400}+)[“”"]
    | «([^«»\n]{1,400}+)» | »([^«»\n]{1,400}+)« | [「『]([^「」『』\n]{1,400}+)[」』]
    | (?<!\w)‘([^‘’\n]{1,400}+)’(?!\w) | (?<!\w)'(?=\w)([^'\n]{2,400}+)(?<=[\w.!?])'(?!\w)""",
    re.VERBOSE,
)
LABEL = re.compile(
    r"""^[ \t]*+(?:[(\[](?:[A-Za-z]|\d{1,2})[)\]]|(?:[A-Za-z]|\d{1,2})[.):])(?=\s|\Z)
    | (?<=\s)\([A-H]\)(?=\s|\Z) | (?<=\s)\d{1,2}\.(?=[^\W\d_])""",
    re.VERBOSE | re.MULTILINE,
)
_LETTER = re.compile(r"(?<!\S)([A-H])[.)](?=\s)")
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


def labels(text: str) -> list[re.Match[str]]:
    """The option labels of a text: those of `LABEL`, and "A. … B. … C. …" within a line if they count up from A."""
    found = {match.start(): match for match in LABEL.finditer(text)}
    inline = list(_LETTER.finditer(text))
    if len(inline) > 1 and "ABCDEFGH".startswith("".join(match[1] for match in inline)):
        found |= {match.start(): match for match in inline}
    return [found[start] for start in sorted(found)]


def between_labels(text: str) -> list[str]:
    """A text cut at its option labels; without labels, the text."""
    spans = [match.span() for match in labels(text)]
    return [text[end:start] for (_, end), (start, _) in pairwise([(0, 0), *spans, (len(text), len(text))])]


def quoted(text: str) -> list[str]:
    """The strings between quotation marks of any kind, without them; those that say something."""
    found = ("".join(groups).strip() for groups in QUOTED.findall(text))
    return [string for string in found if any(map(str.isalnum, string))]


def without_quotes(target: str, source: str) -> str:
    """A target without the quoted strings that the source quotes too, word for word."""
    same = {text.casefold() for text in quoted(source)}
    return QUOTED.sub(
        lambda match: " . " if "".join(filter(None, match.groups())).strip().casefold() in same else match[0], target
    )
