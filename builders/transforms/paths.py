"""Where a text stands in a record: the language in which `--fields` names it.

    question                  the column `question`: a text, or a list of texts
    answers.text              the key `text` of the objects in the column `answers`
    conversations[].value     the key `value` of every item of a list
    "a.b"."odd [name]"        a key with a dot, a comma, a bracket or blanks around it, quoted as a JSON string

A *path* names texts in any record of a dataset, a *place* is one of them in one record.
"""

import difflib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Place = tuple[str | int, ...]

_BARE = r"[^.\[\]\",\s](?:[^.\[\]\",]*[^.\[\]\",\s])?"
_KEY = re.compile(rf'\s*("(?:[^"\\]|\\.)*"|{_BARE})\s*')
_EACH = re.compile(r"\[\]\s*")
SHOWN_KEYS = 5


class PathError(ValueError):
    """A path that cannot be read, or that does not fit a record; says what to write instead where that is clear."""


@dataclass(frozen=True)
class Path:
    """Steps into a record: a key of an object, or None for every item of a list. The first step is a column."""

    steps: tuple[str | None, ...]

    @property
    def column(self) -> str:
        assert self.steps[0] is not None
        return self.steps[0]

    def __str__(self) -> str:
        return "".join("[]" if step is None else f".{quoted(step)}" for step in self.steps).removeprefix(".")


def quoted(key: str) -> str:
    """A key as a path writes it: in quotes where it would be read as something else without them."""
    return key if re.fullmatch(_BARE, key) else json.dumps(key, ensure_ascii=False)


def name_of(place: Place) -> str:
    """The name of a place, `conversations.0.value`: different for different places of a record."""
    return ".".join(str(step) if isinstance(step, int) else quoted(step) for step in place)


def parse_path(text: str) -> Path:
    """The path that `text` is. Raises `PathError`."""
    paths = parse_paths([text])
    if len(paths) != 1:
        raise PathError(f"{text!r} is not one path")
    return paths[0]


def parse_paths(words: Sequence[str]) -> tuple[Path, ...]:
    """The paths in words of a command line, each path once; commas stand between them. Raises `PathError`."""
    return tuple(dict.fromkeys(path for word in words for path in _read(word)))


def _read(word: str) -> Iterator[Path]:
    at, steps = 0, list[str | None]()
    while True:
        key = _KEY.match(word, at)
        if not key:
            raise PathError(
                f"{word!r} cannot be read at {word[at:]!r}: a key is expected, such as question, "
                'conversations[].value or, with dots or odd signs in it, "a.b" in double quotes'
            )
        steps.append(_key(key[1], word))
        at = key.end()
        while each := _EACH.match(word, at):
            steps.append(None)
            at = each.end()
        if at == len(word) or word[at] == ",":
            yield Path(tuple(steps))
            steps = []
            if at == len(word):
                return
        elif word[at] != ".":
            raise PathError(f"{word!r} cannot be read at {word[at:]!r}: a dot, [], a comma or the end is expected")
        at += 1


def _key(written: str, word: str) -> str:
    if not written.startswith('"'):
        return written
    try:
        return str(json.loads(written, strict=False))
    except ValueError as error:
        raise PathError(f"{word!r}: {written} is no JSON string: {error}") from error


def find(path: Path, record: Mapping[str, Any]) -> list[tuple[Place, Any]]:
    """Every place that a path names in a record, with what stands there: a text, a number, true, false or None.

    A list at the end of a path stands for its items, in lists of lists for theirs. A key that the record lacks, and an
    empty list, give no place; an empty value on the way gives its own. Raises `PathError` where the record is of
    another shape.
    """
    return list(_find(path, 0, (), record))


def _find(path: Path, index: int, place: Place, value: Any) -> Iterator[tuple[Place, Any]]:
    if value is None:
        yield place, None
    elif index == len(path.steps):
        yield from _leaves(path, place, value)
    elif (step := path.steps[index]) is None:
        if not isinstance(value, list):
            raise PathError(
                f"{_where(place)} holds {kind(value)}, where {path} expects a list{_instead(path, index, value)}"
            )
        for number, item in enumerate(value):
            yield from _find(path, index + 1, (*place, number), item)
    elif not isinstance(value, Mapping):
        raise PathError(
            f"{_where(place)} holds {kind(value)}, where {path} expects an object with the key {step!r}"
            f"{_instead(path, index, value)}"
        )
    elif step in value:
        yield from _find(path, index + 1, (*place, step), value[step])


def _leaves(path: Path, place: Place, value: Any) -> Iterator[tuple[Place, Any]]:
    if isinstance(value, list):
        for number, item in enumerate(value):
            yield from _leaves(path, (*place, number), item)
    elif isinstance(value, Mapping):
        each = tuple(None for step in place[len(path.steps) :])
        inside = [str(Path((*path.steps, *each, key))) for key in list(value)[:SHOWN_KEYS] if isinstance(key, str)]
        raise PathError(f"{_where(place)} holds an object, and a path ends at texts; did you mean {_or(inside)}?")
    elif isinstance(value, bytes):
        raise PathError(f"{_where(place)} holds bytes, where text is expected")
    else:
        yield place, value


def _instead(path: Path, index: int, value: Any) -> str:
    """What may have been meant by a step that does not fit what stands there."""
    before, after = path.steps[:index], path.steps[index:]
    if isinstance(value, list):
        return f"; did you mean {Path((*before, None, *after))}?"
    if isinstance(value, Mapping):
        rest = after[1:] if len(after) > 1 and after[1] in value else None
        keys = (
            [str(Path((*before, *rest)))] if rest else [str(Path((*before, key))) for key in list(value)[:SHOWN_KEYS]]
        )
        return f"; did you mean {_or(keys)}?"
    if isinstance(value, str) and value[:1] in "[{":
        return "; JSON inside a text is not read"
    return ""


def put(record: Any, place: Place, text: str) -> Any:
    """The record with `text` at a place that `find` gave; what is given stays as it is."""
    if not place:
        return text
    step, *rest = place
    changed = dict(record) if isinstance(record, Mapping) else list(record)
    changed[step] = put(record[step], tuple(rest), text)  # type: ignore[index]
    return changed


def unknown(path: Path, record: Mapping[str, Any]) -> str:
    """What to say of a path that leads nowhere: the known names on the way, the likely one first."""
    value: Any = record
    for index, step in enumerate(path.steps):
        while isinstance(value, list) and step is not None:
            value = value[0] if value else None
        if not isinstance(value, Mapping) or step is None:
            value = value[0] if isinstance(value, list) and value else None
            continue
        if step not in value:
            known = [str(Path((*path.steps[:index], key))) for key in value]
            literal = quoted(".".join(str(item) for item in path.steps if item))
            if literal in known:
                return f"did you mean {literal}, in quotes for its dots?"
            near = difflib.get_close_matches(str(Path(path.steps[: index + 1])), known, n=2)
            return f"did you mean {_or(near)}?" if near else f"there is {', '.join(known)}"
        value = value[step]
    return ""


def kind(value: Any) -> str:
    """What a value is, in words."""
    names: tuple[tuple[type | tuple[type, ...], str], ...] = (
        (bool, "true or false"), ((int, float), "a number"), (str, "text"), (list, "a list"), (Mapping, "an object"),
    )  # fmt: skip
    return next((name for each, name in names if isinstance(value, each)), f"a {type(value).__name__}")


def _where(place: Place) -> str:
    return name_of(place) or "the record"


def _or(words: Sequence[str]) -> str:
    return " or ".join(words)
