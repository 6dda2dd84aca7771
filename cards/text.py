"""How text from outside is shown: in HTML, in Markdown, and as figures a person can read.

Rows, task names, error messages and paths come from datasets that anybody may have written. Here they
are escaped, isolated from the text around them, and stripped of characters that draw nothing but
change what is read (bidirectional overrides, control characters): those appear by their number.
"""

import html
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

TEMPLATES = Path(__file__).parent / "templates"
LONGEST_TEXT = 6_000
LANGUAGE = re.compile(r"[a-z]{2,3}([-_][A-Za-z]{2,8})?")

_INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028\u2029\u202a-\u202e\u2060-\u2069"
    "\ufeff\ufff9-\ufffb\ufffe\uffff\U000e0000-\U000e007f\ud800-\udfff]"
)
_MARKDOWN = re.compile(r"[\\`*_{}\[\]#!|~$@]|:(?=//)|(?<=www)\.")
_LANGUAGES = {
    "ar": "Arabic",
    "ca": "Catalan",
    "cs": "Czech",
    "cy": "Welsh",
    "da": "Danish",
    "de": "German",
    "el": "Greek",
    "en": "English",
    "es": "Spanish",
    "eu": "Basque",
    "fi": "Finnish",
    "fr": "French",
    "ga": "Irish",
    "gl": "Galician",
    "he": "Hebrew",
    "hi": "Hindi",
    "hu": "Hungarian",
    "it": "Italian",
    "ja": "Japanese",
    "ko": "Korean",
    "nl": "Dutch",
    "no": "Norwegian",
    "pl": "Polish",
    "pt": "Portuguese",
    "ro": "Romanian",
    "ru": "Russian",
    "sl": "Slovenian",
    "sv": "Swedish",
    "tr": "Turkish",
    "uk": "Ukrainian",
    "zh": "Chinese",
}


@cache
def html_environment(templates: Path = TEMPLATES) -> Environment:
    """A Jinja environment that escapes every value: nothing reaches a page unescaped by omission.

    It is made once, since compiling the templates takes longer than filling them in.
    """
    environment = Environment(
        loader=FileSystemLoader(templates),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        foreign=foreign, number=number, share=share, seconds=seconds, size=size, moment=moment, figure=figure
    )
    return environment


@cache
def markdown_environment() -> Environment:
    """A Jinja environment for Markdown; values from outside pass through `md`, `code` or `fenced`."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=False,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(
        md=md,
        md_lines=md_lines,
        code=code,
        fenced=fenced,
        number=number,
        share=share,
        seconds=seconds,
        size=size,
        moment=moment,
        decimals=decimals,
    )
    return environment


def escaped(text: str) -> Markup:
    """`text` as HTML, its invisible characters written out as `U+202E`."""
    pieces: list[Markup] = []
    start = 0
    for match in _INVISIBLE.finditer(text):
        pieces.append(Markup.escape(text[start : match.start()]))
        pieces.append(Markup('<span class="invisible">{}</span>').format(_code_point(match)))
        start = match.end()
    pieces.append(Markup.escape(text[start:]))
    return Markup("").join(pieces)


def visible(text: str) -> str:
    """`text` with its invisible characters written out as `U+202E`."""
    return _INVISIBLE.sub(_code_point, text)


def foreign(text: object, longest: int = LONGEST_TEXT) -> Markup:
    """Text from outside as HTML: escaped, cut at `longest` characters, isolated in its direction."""
    return Markup('<bdi dir="auto">{}</bdi>').format(escaped(shortened(str(text), longest)))


def shortened(text: str, longest: int) -> str:
    if len(text) <= longest:
        return text
    return f"{text[:longest]}… ({len(text) - longest:,} more characters)"


def md(text: object, longest: int = 300) -> str:
    """Text from outside as one line of Markdown, harmless in a table cell and in a paragraph."""
    return _MARKDOWN.sub(r"\\\g<0>", html.escape(_one_line(text, longest), quote=False))


def md_lines(text: object, longest: int = 300) -> str:
    """Text from outside for a table cell, its lines kept apart."""
    return "<br>".join(md(line, longest) for line in shortened(str(text), longest).splitlines() if line.strip())


def code(text: object, longest: int = 300) -> str:
    """Text from outside as a code span in a table cell, whatever backticks and pipes it holds."""
    line = _one_line(text, longest)
    if not line:
        return ""
    fence = "`" * (_longest_run(line) + 1)
    pad = " " if "`" in line else ""
    return f"{fence}{pad}{line}{pad}{fence}".replace("|", "\\|")


def fenced(text: object, language: str = "") -> str:
    """Text from outside as a code block, whatever backticks it holds."""
    lines = visible(str(text).replace("\r\n", "\n"))
    fence = "`" * max(3, _longest_run(lines) + 1)
    return f"{fence}{language}\n{lines}\n{fence}"


def number(value: float) -> str:
    return f"{value:,.0f}"


def share(part: float, whole: float) -> str:
    """`part` of `whole` in percent; a small part is never shown as none, nor a large one as all."""
    if not whole:
        return "–"
    percent = 100 * part / whole
    if 0 < percent < 0.1:
        return "< 0.1 %"
    if 99.9 < percent < 100:
        return "> 99.9 %"
    return f"{percent:.1f} %".replace(".0 %", " %")


def figure(value: float | None) -> str:
    """Three significant digits, or all of a whole thousand; with a true minus sign."""
    if value is None:
        return "–"
    return (f"{value:,.3g}" if abs(value) < 1000 else f"{value:,.0f}").replace("-", "−")


def decimals(value: float) -> str:
    """Three decimals, as papers print agreement; with a true minus sign."""
    return f"{value:.3f}".replace("-", "−")


def seconds(value: float | None) -> str:
    """A duration in its two largest units: `1 h 4 min`, `12 s`, `0.4 s`."""
    if value is None:
        return "–"
    if value < 10:
        return f"{value:.1f} s"
    whole = round(value)
    hours, rest = divmod(whole, 3600)
    minutes, secs = divmod(rest, 60)
    if hours:
        return f"{hours:,} h {minutes} min"
    return f"{minutes} min {secs} s" if minutes else f"{secs} s"


def size(value: float) -> str:
    """Bytes in decimal units."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if abs(value) < 1000:
            return f"{value:,.0f} {unit}" if unit == "bytes" or value >= 100 else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:,.1f} TB"


def moment(text: str) -> str:
    """An ISO 8601 time as `21 November 2025, 10:48 UTC`; anything else as it is."""
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        return text
    if when.tzinfo is None:
        return f"{when.day} {when:%B %Y, %H:%M}"
    when = when.astimezone(UTC)
    return f"{when.day} {when:%B %Y, %H:%M} UTC"


def language_name(code: str) -> str:
    """The English name of a language, or its code where we do not know it."""
    return _LANGUAGES.get(re.split("[-_]", code)[0].lower(), code)


def enumerated(names: Sequence[str]) -> str:
    """Italian; Italian and Basque; Italian, Basque and French."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _one_line(text: object, longest: int) -> str:
    return visible(shortened(" ".join(str(text).split()), longest))


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall("`+", text)), default=0)


def _code_point(match: re.Match[str]) -> str:
    return f"U+{ord(match[0]):04X}"
