"""Which elements of MediaWiki's HTML are prose (by `not_prose.yaml`), and how a text is tidied."""

import re
import unicodedata
from collections.abc import Mapping
from pathlib import Path

import yaml

_LISTS = yaml.safe_load(Path(__file__).with_name("not_prose.yaml").read_text("utf-8"))

INFOBOXES = frozenset(_LISTS["infoboxes"].split())
BLOCKS = frozenset(_LISTS["blocks"].split())
_TAGS = frozenset(_LISTS["tags"].split())
_CLASSES = INFOBOXES | frozenset(" ".join(_LISTS["classes"].values()).split())
_IDS = frozenset(_LISTS["ids"].split())
_ROLES = frozenset(_LISTS["roles"].split())
_TYPES = frozenset(_LISTS["types"].split())

DROPPED = "\ufdd0"
"""Stands in a text where an element was left out, until `tidy`: no character of any language, and of no HTML's."""
SEPARATORS = ",;:、，；："
_AROUND_DROPPED = re.compile(rf"(?P<opening>[(\[（［]?)(?P<between>[ {SEPARATORS}{DROPPED}]+)(?P<closing>[)\]）］]?)")
_END_OF_SENTENCE = re.compile(r"[.。](?!\w)")
_DEEPEST_BRACKETS = 3

_RAISED = str.maketrans("0123456789+-−=()n", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾ⁿ")
_LOWERED = str.maketrans("0123456789+-−=()n", "₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎ₙ")
_SCRIPTS = {"sup": ("^", _RAISED), "sub": ("_", _LOWERED)}
_NUMBERS = re.compile(r"[0-9+\-−=()n]+")
_WITH_A_DIGIT = re.compile(r"[^\W_][\w.,/+\-−–*=()]{0,20}")

_HIDDEN = re.compile(r"(?:^|;)(?:display:none|visibility:hidden)(?:!|;|$)")
_INVISIBLE = re.compile("[\u00ad\u200b\u200e\u200f\u2060\ufeff]")
_BLANKS = re.compile("[ \t\r\x0b\x0c\x1c-\x1f\x85\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f]+")
_BREAKS = re.compile(r" *\n[ \n]*")
_STYLED = re.compile(r"\{\s*\\(?:displaystyle|textstyle)\b(?P<formula>.*)\}", re.DOTALL)


def is_prose(tag: str, classes: frozenset[str], attributes: Mapping[str, str | None]) -> bool:
    """Whether the element may hold prose."""
    return (
        tag not in _TAGS
        and _CLASSES.isdisjoint(classes)
        and attributes.get("id") not in _IDS
        and attributes.get("role") not in _ROLES
        and "hidden" not in attributes
        and _TYPES.isdisjoint((attributes.get("typeof") or "").split())
        and not _HIDDEN.search("".join((attributes.get("style") or "").split()).lower())
    )


def tidy(text: str) -> str:
    """`text` in NFC with single blanks and single line breaks, without soft hyphens and zero-width characters.

    The joiners U+200C and U+200D stay, since they carry meaning; so does the ideographic blank inside a line. Where
    `DROPPED` stands, the brackets that held nothing else go, and blanks, commas and the like that led to it.
    """
    text = _BLANKS.sub(" ", _INVISIBLE.sub("", text))
    if DROPPED in text:
        for _ in range(_DEEPEST_BRACKETS):
            text = _AROUND_DROPPED.sub(_empty_brackets, text)
        text = _AROUND_DROPPED.sub(_closed_up, text)
    return _BREAKS.sub("\n", unicodedata.normalize("NFC", text)).strip()


def script(tag: str, text: str) -> str:
    """What a `sup` or `sub` says: numbers and signs in Unicode's own characters, as in "10⁶", "m²", "SO₄²⁻".

    A number with what has no such character is written as in LaTeX ("x^{1/2}"), since "x1/2" is another number. Letters
    stay on the line ("1er", "XIXe", "16th"), but for "n", which counts ("2ⁿ") and is no ordinal's.

    >>> script("sup", "−3"), script("sub", "1,5"), script("sup", "th")
    ('⁻³', '_{1,5}', 'th')
    """
    mark, characters = _SCRIPTS[tag]
    said = text.replace(DROPPED, "").strip()
    if _NUMBERS.fullmatch(said):
        return said.translate(characters)
    if _WITH_A_DIGIT.fullmatch(said) and any(map(str.isdigit, said)):
        return f"{mark}{{{said}}}"
    return text


def formula(latex: str) -> str:
    """LaTeX as its author wrote it: without the dollars and the style that the renderer puts around it."""
    latex = " ".join(latex.split()).strip("$ ")
    styled = _STYLED.fullmatch(latex)
    return (styled["formula"] if styled else latex).strip()


def _empty_brackets(found: re.Match[str]) -> str:
    return DROPPED if DROPPED in found["between"] and found["opening"] and found["closing"] else found[0]


def _closed_up(found: re.Match[str]) -> str:
    """Without what was dropped, and without the punctuation that has nothing to divide any more."""
    before, dropped, after = found["between"].partition(DROPPED)
    if not dropped:
        return found[0]
    if found["opening"] or found["closing"]:
        return found["opening"] + found["closing"]
    after = after.rpartition(DROPPED)[2]
    if after.strip():
        return after
    if _END_OF_SENTENCE.match(found.string, found.end()):
        return ""
    return before.rstrip(" ") + (" " if before.endswith(" ") or after else "")
