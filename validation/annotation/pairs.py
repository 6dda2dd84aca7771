"""Two systems' answers to the same rows, to be preferred one to the other."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from validation.annotation.lines import read_lines, text_of
from validation.annotation.problem import Problem
from validation.annotation.rounds import NAME
from validation.annotation.rows import Row


@dataclass(frozen=True)
class Pairs:
    """Two systems by name, and the answer of each to every row."""

    systems: tuple[str, str]
    answers: Mapping[str, tuple[str, str]]


def read_pairs(first: Path, second: Path) -> Pairs:
    """The answers in two files of lines `{"id": row, "answer": text}`; a system is named as its file.

    Raises `Problem` where the files do not answer the same rows.
    """
    systems = first.stem, second.stem
    if systems[0] == systems[1] or not all(NAME.fullmatch(name) for name in systems):
        raise Problem(
            f"--pairs {first} {second}: the systems are named as the files are; expected two different names of "
            "letters, digits, points, underscores and hyphens"
        )
    one, other = _answers(first), _answers(second)
    if one.keys() != other.keys():
        raise Problem(
            f"--pairs: {_only(first, one.keys() - other.keys())}, {_only(second, other.keys() - one.keys())}, and "
            f"{len(one.keys() & other.keys()):,} are in both: give both systems' answers to the same rows"
        )
    return Pairs(systems, {row: (answer, other[row]) for row, answer in one.items()})


def asked(row: Row) -> Row:
    """The row up to what answers it, without the translations that only the dataset's own answer holds."""
    turns = row.conversation
    first = next((number for number, turn in enumerate(turns) if turn.speaker != "human"), len(turns))
    question = "\n".join(turn.text for turn in turns[:first]).casefold()
    answer = "\n".join(turn.text for turn in turns[first:]).casefold()
    texts = (text for text in row.texts if text.target.casefold() in question or text.target.casefold() not in answer)
    return replace(row, conversation=turns[:first], texts=tuple(texts))


def _answers(path: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    for where, value in read_lines(path):
        row, answer = text_of(where, value, "id"), text_of(where, value, "answer")
        if row in found:
            raise Problem(f"{where}: the row {row!r} is answered in a line before; give every row once")
        found[row] = answer
    if not found:
        raise Problem(f"{path}: holds no answer")
    return found


def _only(path: Path, rows: set[str]) -> str:
    first = f" (the first is {min(rows)!r})" if rows else ""
    return f"{len(rows):,} rows are only in {path}{first}"
