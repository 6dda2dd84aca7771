"""Gold items: rows whose label is known, hidden among the others, to see whether an annotator looks."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, cast, get_args

from validation.annotation.lines import read_lines, text_of
from validation.annotation.package import Text, Turn
from validation.annotation.problem import Problem
from validation.annotation.rows import Row

Label = Literal["accept", "reject"]

_FIELDS = ("id", "label", "texts")
_END = " .!?…"


@dataclass(frozen=True)
class Gold:
    """A row, the label it deserves, and the translations that it shall have instead of its own."""

    row: str
    label: Label
    texts: Mapping[str, str]
    where: str


def read_gold(path: Path) -> tuple[Gold, ...]:
    """The gold items of a file: lines of `{"id": row, "label": "accept" or "reject", "texts": {field: text}}`."""
    found: dict[str, Gold] = {}
    for where, value in read_lines(path):
        if unknown := value.keys() - set(_FIELDS):
            raise Problem(f"{where}: no field `{min(unknown)}` is known; there are {', '.join(_FIELDS)}")
        row, label, texts = text_of(where, value, "id"), text_of(where, value, "label"), value.get("texts") or {}
        if label not in get_args(Label):
            raise Problem(f"{where}: field `label` is {label!r}; expected {' or '.join(get_args(Label))}")
        if not isinstance(texts, dict) or not all(isinstance(text, str) and text.strip() for text in texts.values()):
            raise Problem(f"{where}: field `texts`: expected {{field: text}} with texts that are not empty")
        if row in found:
            raise Problem(f"{where}: the row {row!r} is in {found[row].where} already; give every row once")
        found[row] = Gold(row, cast(Label, label), texts, where)
    if not found:
        raise Problem(f"{path}: holds no gold item")
    return tuple(found.values())


def spoilt(row: Row, gold: Gold) -> Row:
    """The row with the gold item's translations, in its conversation too: else the two would differ and tell."""
    names = [text.name for text in row.texts]
    if unknown := [name for name in gold.texts if name not in names]:
        raise Problem(f"{gold.where}: field `texts`: the row has no field {unknown[0]!r}; it has {', '.join(names)}")
    changed = {text.target: gold.texts[text.name] for text in row.texts if text.name in gold.texts}
    return replace(
        row,
        texts=tuple(Text(text.name, text.source, gold.texts.get(text.name, text.target)) for text in row.texts),
        conversation=tuple(Turn(turn.speaker, _replaced(turn.text, changed)) for turn in row.conversation),
    )


def _replaced(text: str, changed: Mapping[str, str]) -> str:
    """`text` with whole words replaced: a conversation may lack a text's last stop, or write it in other case."""
    cores = {_core(old).casefold(): _core(new) for old, new in changed.items() if _core(old)}
    if not cores:
        return text
    longest_first = sorted((_core(old) for old in changed if _core(old)), key=len, reverse=True)
    pattern = re.compile(rf"(?<!\w)({'|'.join(map(re.escape, longest_first))})(?!\w)", re.IGNORECASE)
    return pattern.sub(lambda match: cores.get(match[0].casefold(), match[0]), text)


def _core(text: str) -> str:
    return text.strip().rstrip(_END)
