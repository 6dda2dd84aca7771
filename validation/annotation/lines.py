"""JSON lines that somebody gives on the command line, read with errors that name file, line and field."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from validation.annotation.problem import Problem
from validation.annotation.reading import parse_json, shown

LONGEST_LINE = 1_000_000

_SURROGATE = re.compile("[\ud800-\udfff]")


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
    if name not in value:
        raise Problem(f"{where}: field `{name}` is missing")
    text = value[name]
    if not isinstance(text, str) or not text.strip():
        raise Problem(f"{where}: field `{name}` is {shown(text)}; expected a text")
    return text


def _parse(where: str, line: str) -> dict[str, Any]:
    value = parse_json(line, where)
    if _SURROGATE.search(json.dumps(value, ensure_ascii=False)):
        raise Problem(f"{where}: half a surrogate pair is in it, which is no valid Unicode")
    if not isinstance(value, dict):
        raise Problem(f'{where}: expected an object such as {{"id": …}}, found {shown(value)}')
    return value
