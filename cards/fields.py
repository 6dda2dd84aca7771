"""Values of JSON that may not be what they should be: each is read as its kind, or as nothing."""

import json
from collections.abc import Mapping
from typing import Any

from upath import UPath

LARGEST = 1e300


def read_object(path: UPath) -> dict[str, Any]:
    """The JSON object in a file. Raises FileNotFoundError, or ValueError when it holds something else."""
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path}: expected a JSON object: {error}") from error
    if not isinstance(raw, dict):
        raise ValueError(f"{path}: expected a JSON object, found {type(raw).__name__}")
    return raw


def text_of(raw: Mapping[str, Any], key: str) -> str:
    value = raw.get(key)
    return "" if value is None else str(value)


def number_of(raw: Mapping[str, Any], key: str) -> float | None:
    value = raw.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < LARGEST:
        return None
    return value


def count_of(raw: Mapping[str, Any], key: str) -> int:
    return int(number_of(raw, key) or 0)


def mapping_of(raw: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = raw.get(key)
    return value if isinstance(value, dict) else {}


def list_of(raw: Mapping[str, Any], key: str) -> list[Any]:
    value = raw.get(key)
    return value if isinstance(value, list) else []
