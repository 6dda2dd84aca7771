"""Options as an ordered list, and the target as an identifier into it (Italian paper, section 3.1).

An option list is labelled by numbers, uppercase letters, lowercase letters or not at all; the target becomes
the label, or the labels where several options are right. More than 26 options always get numbers.
"""

import random
import string
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Style = Literal["number", "upper", "lower", "plain"]
STYLES: tuple[Style, ...] = ("number", "upper", "lower", "plain")
LETTERS = 26


class TargetNotAmongOptions(ValueError):
    """A target that none of the options is."""


@dataclass(frozen=True)
class LaidOut:
    """An option list ready for a prompt: its lines, the answer, and how many duplicates were merged."""

    lines: tuple[str, ...]
    answer: str
    style: Style
    merged: int


def choose_style(count: int, chance: random.Random) -> Style:
    style = chance.choice(STYLES)
    return "number" if count > LETTERS else style


def find_targets(target: str, options: Sequence[str], several: bool) -> list[str]:
    """The options that a target text names, stripped; `several`: it may join some of them by ", ".

    Raises `TargetNotAmongOptions`. An option may itself hold a comma, so whole options are tried first.
    """
    stripped = [option.strip() for option in options]
    target = target.strip()
    if target in stripped:
        return [target]
    if several:
        found, rest = [], target
        while rest:
            fit = [o for o in stripped if o and (rest == o or rest.startswith(o + ", "))]
            if not fit:
                break
            longest = max(fit, key=len)
            found.append(longest)
            rest = rest[len(longest) :].removeprefix(", ")
        if found and not rest:
            return found
    raise TargetNotAmongOptions(f"target {target!r} is not among the options {stripped}")


def lay_out(options: Sequence[str], targets: Sequence[str], style: Style) -> LaidOut:
    """Label the options, duplicates merged, and make the answer: `2`, `B, D`, or the text itself.

    Raises `TargetNotAmongOptions`.
    """
    distinct = list(dict.fromkeys(options))
    absent = [target for target in targets if target not in distinct]
    if absent:
        raise TargetNotAmongOptions(f"target {absent[0]!r} is not among the options {distinct}")
    labels = [label(style, index) for index in range(len(distinct))]
    lines = [f"{mark}. {option}" if mark else option for mark, option in zip(labels, distinct, strict=True)]
    chosen = sorted({distinct.index(target) for target in targets})
    answer = ", ".join(labels[index] or distinct[index] for index in chosen)
    return LaidOut(tuple(lines), answer, style, len(options) - len(distinct))


def label(style: Style, index: int) -> str:
    """The label of the option at `index`; empty for a plain list."""
    if style == "number":
        return str(index + 1)
    if style == "plain":
        return ""
    return (string.ascii_uppercase if style == "upper" else string.ascii_lowercase)[index]
