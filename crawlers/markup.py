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

    The joiners U+200C and U+200D stay, since they carry meaning; so does the ideographic blank inside a line.
    """
    text = unicodedata.normalize("NFC", _INVISIBLE.sub("", text))
    return _BREAKS.sub("\n", _BLANKS.sub(" ", text)).strip()


def formula(latex: str) -> str:
    """LaTeX as its author wrote it: without the dollars and the style that the renderer puts around it."""
    latex = " ".join(latex.split()).strip("$ ")
    styled = _STYLED.fullmatch(latex)
    return (styled["formula"] if styled else latex).strip()
