"""What names a build: its config, its inputs and the code that made it.

Hash the whole typed config and let fields opt out. What cannot be hashed the same way twice raises: a
silent default here would resume a build under another config. (The idea is marin's `fingerprint.py`.)
"""

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

CODE_FOLDERS = ("builders", "translators", "crawlers", "validation", "cards")
_ROW_ENCODER = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
CODE_SUFFIXES = (".py", ".yaml", ".j2")


class Unfingerprintable(TypeError):
    """A value that would not hash the same way twice."""


def canonical(value: Any, where: str = "value") -> Any:
    """`value` as plain JSON data with one form only; raises `Unfingerprintable` naming the place."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        if value != value or value in (float("inf"), float("-inf")):
            raise Unfingerprintable(f"{where}: {value} has no stable JSON form")
        return value
    if isinstance(value, list | tuple):
        return [canonical(item, f"{where}[{index}]") for index, item in enumerate(value)]
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise Unfingerprintable(f"{where}: the key {key!r} is no string")
        return {key: canonical(value[key], f"{where}.{key}") for key in sorted(value)}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return canonical({field.name: getattr(value, field.name) for field in dataclasses.fields(value)}, where)
    if callable(value):
        raise Unfingerprintable(f"{where}: a function or class has no stable identity; name it in a string")
    raise Unfingerprintable(f"{where}: {type(value).__name__} has no stable form; use plain data")


def digest(value: Any) -> str:
    """sha256 of the canonical form, as hex."""
    text = json.dumps(canonical(value), ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def row_id(source: str, content: Any) -> str:
    """A row's id: 32 hex digits made from its source's name and its content, so it never depends on position.

    `content` is what a JSON parser gave; raises `ValueError` or `TypeError` for anything else.
    """
    text = _ROW_ENCODER.encode([source, content])
    return hashlib.sha256(text.encode()).hexdigest()[:32]


@cache
def code_files(root: Path | None = None) -> dict[str, str]:
    """A digest of every file of ours that decides what a row looks like, by relative path; as the run found them."""
    root = root or Path(__file__).resolve().parents[2]
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()[:16]
        for folder in CODE_FOLDERS
        for path in sorted((root / folder).rglob("*"))
        if path.suffix in CODE_SUFFIXES
    }


def differences(before: Any, after: Any, where: str = "") -> list[str]:
    """What changed between two canonical values, one line a field: `target: "it" -> "eu"`."""
    if before == after:
        return []
    if isinstance(before, dict) and isinstance(after, dict):
        return [
            line
            for key in sorted(before.keys() | after.keys())
            for line in differences(before.get(key), after.get(key), f"{where}.{key}" if where else key)
        ]
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        return [
            line
            for index, (old, new) in enumerate(zip(before, after, strict=True))
            for line in differences(old, new, f"{where}[{index}]")
        ]
    return [f"{where}: {json.dumps(before, ensure_ascii=False)} -> {json.dumps(after, ensure_ascii=False)}"]
