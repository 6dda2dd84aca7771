"""Gold items: rows whose label is known, hidden among the others, to see whether an annotator looks."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, cast, get_args

from validation.annotation.lines import read_lines, text_of
from validation.annotation.package import Text, Turn
from validation.annotation.problem import Problem
from validation.annotation.rows import Row

Label = Literal["accept", "reject"]

_FIELDS = ("id", "label", "texts")
_END = " .!?…。．！？｡؟۔।"
_SHORT = 2
_SPACELESS = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]"
)  # Thai, Khmer, Japanese, Chinese


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
    made = tuple(Text(text.name, text.source, gold.texts.get(text.name, text.target)) for text in row.texts)
    changes = [(old.target, new.target) for old, new in zip(row.texts, made, strict=True)]
    return replace(
        row,
        texts=made,
        conversation=tuple(Turn(turn.speaker, _replaced(turn.text, changes)) for turn in row.conversation),
    )


def unsaid(row: Row, gold: Gold) -> list[str]:
    """The fields whose new text is nowhere in the spoilt row's conversation, where there is one."""
    said = "\n".join(turn.text for turn in row.conversation)
    return [name for name, text in gold.texts.items() if said and _core(text) not in said]


def _replaced(text: str, changes: Sequence[tuple[str, str]]) -> str:
    """`text` with each old text, where it stands as whole words, replaced by its new one.

    A conversation may lack a text's last stop, or write it in other case. Texts that stay are found too, the longest
    first, so that nothing is replaced inside them. A text that several fields have is that of the last of them, the
    answer, where it is all that is said; else that of the first, an option.
    """
    cores = [(_core(old), _core(new)) for old, new in changes if _core(old)]
    if not cores:
        return text
    for old, new in reversed(cores):
        if _core(text).casefold() == old.casefold():
            return text if old == new else text.replace(_core(text), new)
    longest_first = sorted(cores, key=lambda core: -len(core[0]))
    pattern = re.compile("|".join(f"({_whole(old)})" for old, _ in longest_first))
    return pattern.sub(lambda found: _new(found, longest_first), text)


def _new(found: re.Match[str], changes: Sequence[tuple[str, str]]) -> str:
    """What stands for a text that was found; as it is written where it is to stay."""
    old, new = changes[(found.lastindex or 1) - 1]
    return found[0] if old == new else new


def _whole(text: str) -> str:
    """A pattern for a text as whole words; one or two letters only in their own case: "A" is no article."""
    before = "" if _SPACELESS.match(text[0]) else r"(?<!\w)"
    after = "" if _SPACELESS.match(text[-1]) else r"(?!\w)"
    words = re.escape(text)
    return f"{before}{words}{after}" if len(text) <= _SHORT else f"{before}(?i:{words}){after}"


def _core(text: str) -> str:
    return text.strip().rstrip(_END)
