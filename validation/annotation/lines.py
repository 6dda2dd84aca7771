"""JSON lines that somebody gives on the command line, read with errors that name file, line and field."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from validation.annotation.problem import Problem

LONGEST_LINE = 1_000_000


def read_lines(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every object of a file of JSON lines, with `FILE, line N` for messages; blank lines are passed over.

    Raises `Problem`, for a text that is no valid Unicode too.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="\n") as file:
            number = 0
            while line := file.readline(LONGEST_LINE + 1):
                number += 1
                where = f"{path}, line {number}"
                if len(line) > LONGEST_LINE:
                    raise Problem(f"{where}: longer than {LONGEST_LINE:,} characters")
                if line.strip():
                    yield where, _parse(where, line)
    except OSError as error:
        raise Problem(f"{path}: cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise Problem(f"{path}: not UTF-8: {error}") from error


def text_of(where: str, value: dict[str, Any], name: str) -> str:
    """The text in a field that must be there and not empty. Raises `Problem`."""
    text = value.get(name)
    if not isinstance(text, str) or not text.strip():
        raise Problem(f"{where}: field `{name}` is {_shown(text)}; expected a text")
    return text


def _parse(where: str, line: str) -> dict[str, Any]:
    try:
        value = json.loads(line, object_pairs_hook=_without_repeats)
        line.encode("utf-8")
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError) as error:
        raise Problem(f"{where}: not JSON that can be used: {error}") from error
    if not isinstance(value, dict):
        raise Problem(f'{where}: expected an object such as {{"id": …}}, found {_shown(value)}')
    return value


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if repeated := {name for name, _ in pairs if sum(name == other for other, _ in pairs) > 1}:
        raise ValueError(f"field `{min(repeated)}` is there twice")
    return dict(pairs)


def _shown(value: object) -> str:
    text = json.dumps(value, default=str)
    return "missing" if value is None else text if len(text) <= 60 else text[:60] + "…"
