"""What comes from outside, read strictly, and said in a message so that no terminal obeys it."""

import json
import reprlib
from pathlib import Path
from typing import Any

from validation.annotation.problem import Problem

_SHORTENED = reprlib.Repr()
_SHORTENED.maxstring = _SHORTENED.maxother = _SHORTENED.maxlong = 100


def shown(value: Any) -> str:
    """A value from outside as a message may show it: in quotes, escaped, not too long."""
    return _SHORTENED.repr(value)


def read_text(path: Path) -> str:
    """The text of a UTF-8 file, without a byte order mark. Raises `Problem`."""
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Problem(f"{path}: not UTF-8 (byte {error.start:,}): save or export it as UTF-8") from None
    except OSError as error:
        raise Problem(f"{path}: cannot be read: {error.strerror}") from error


def read_guidelines(path: Path | None) -> str:
    """What `--guidelines` names, "" where it names nothing. Raises `Problem`."""
    try:
        return read_text(path) if path else ""
    except Problem as problem:
        raise Problem(f"--guidelines {problem}") from None


def load_json(path: Path) -> Any:
    """The JSON in a file. Raises `Problem`."""
    return parse_json(read_text(path), str(path))


def parse_json(text: str, where: str) -> Any:
    """JSON with every key once and no number that is none. Raises `Problem`, saying `where`."""
    try:
        return json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise Problem(f"{where}: not JSON: {error or 'too deep'}") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{shown(next(name for name in names if names.count(name) > 1))} is there twice")
    return value


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no number")
