"""Yes and no, and the other answers that no machine is asked for: numbers and single letters.

A benchmark scores these to the letter, so they are the same in every row: yes and no by hand
(`builders/instructions/yes_no.yaml`), numbers and the letters that label options or parts of a diagram as they are.
"""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import yaml

from builders.engine import Row
from builders.transforms.fields import field

FILE = Path(__file__).parents[1] / "instructions" / "yes_no.yaml"
_YES_NO = re.compile(r"(yes|no) ?([.!]?)", re.IGNORECASE)
_NUMBER = re.compile(r"[\s\d.,:;/%()$€£+\-–−]+")
_LETTER = re.compile(r"\W*[A-Za-z]\W*")
ASK = "Please answer yes or no."


@cache
def _labels() -> Mapping[str, Mapping[str, str]]:
    labels: dict[str, dict[str, str]] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return labels


def yes_or_no(text: str) -> str | None:
    """`yes` or `no` where that is the whole answer, in any case and with or without a full stop; else None."""
    match = _YES_NO.fullmatch(text.strip())
    return match[1].lower() if match else None


def yes_no_label(text: str, language: str) -> str | None:
    """A bare yes or no in `language`, capitalised and ended as the original is; None for any other text.

    None as well in a language whose labels are not in the file.
    """
    match = _YES_NO.fullmatch(text.strip())
    labels = _labels().get(language)
    if match is None or labels is None:
        return None
    label = labels[match[1].lower()]
    return (label[0].upper() + label[1:] if match[1][0].isupper() else label) + match[2]


def asked_for(language: str) -> str | None:
    """`ASK`, the request with which MME's questions end, in `language`; None where we have it not."""
    return _labels().get(language, {}).get("ask")


def stays(text: str) -> bool:
    """Whether a text is the same in every language: nothing, a number with its signs, or a single letter."""
    if not text.strip() or _LETTER.fullmatch(text):
        return True
    return _NUMBER.fullmatch(text) is not None and any(character.isdigit() for character in text)


def is_closed(text: str, language: str) -> bool:
    """Whether a text is a yes or no that we know in `language`, or stays as it is."""
    return stays(text) or yes_no_label(text, language) is not None


def closed_field(name: str, kind: str, text: str, language: str, *, unit: int = 0) -> Row:
    """The field of a closed answer, with its target; the machine's for any other text."""
    label = yes_no_label(text, language)
    if label is not None:
        return field(name, kind, text, unit=unit, target=label, by="glossary")
    if stays(text):
        return field(name, kind, text, unit=unit, target=text, by="verbatim")
    return field(name, kind, text, unit=unit)


def closed_fields(kind: str, texts: Mapping[str, str], language: str, *, unit: int = 0) -> list[Row]:
    """The fields of a list of answers or options, by name: all by hand if all are closed, else the machine's.

    A chat model is shown the list as a whole and numbered, as the Basque paper's prompts have it. A list from which
    the closed ones were taken would be another prompt, and the model would not see what the rest stands beside.
    """
    if all(is_closed(text, language) for text in texts.values()):
        return [closed_field(name, kind, text, language, unit=unit) for name, text in texts.items()]
    return [
        field(name, kind, text, unit=unit) if text.strip() else closed_field(name, kind, text, language, unit=unit)
        for name, text in texts.items()
    ]
