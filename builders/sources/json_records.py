"""Records in one JSON value: an array of them, or an object that holds them, cut into slices without being held.

The file is skimmed value by value, as latin-1, in which every byte is a character: the places of the characters are
those of the bytes, and the records are parsed, as UTF-8, only by those who read them. Real files: LLaVA and A-OKVQA are
arrays, on one line or over many; VQAv2 has an object with a list `questions`; ScienceQA an object of objects; POPE is
JSON Lines, though it is named `.json`.
"""

import json
import math
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import IO, Any

from builders.sources.jsonl import BYTE_ORDER_MARK, raw_of
from builders.sources.slices import MAX_RECORD_BYTES, BadFile, Cutter, Place, Raw, Slice, cut

WINDOW_BYTES = 4 << 20
_DECODER = json.JSONDecoder(parse_int=str, parse_float=str)
_BLANKS = re.compile(r"[ \t\n\r]*")


class Skimmer:
    """Goes through a JSON text value by value, of which it holds a window that grows until a value fits in.

    It reads `size` bytes from where the file stands (-1: to the end). `found` is the text of the last value.
    """

    def __init__(self, file: IO[bytes], name: str, size: int = -1) -> None:
        self.file, self.name, self.found = file, name, ""
        self._left = size if size >= 0 else math.inf
        self._text, self._at = "", 0
        self._before = 0  # bytes before the window
        self._lines = 0  # line ends before the window
        self._ended = False
        self._grow()
        if self._text.startswith(BYTE_ORDER_MARK.decode("latin-1")):
            self._at = len(BYTE_ORDER_MARK)

    @property
    def place(self) -> int:
        return self._before + self._at

    def peek(self) -> str:
        """The next character that is no blank, or nothing at the end."""
        while True:
            self._at = _end_of_blanks(self._text, self._at)
            if self._at < len(self._text) or self._ended:
                return self._text[self._at : self._at + 1]
            self._grow()

    def take(self, wanted: str) -> str:
        """The next character, which must be one of those wanted."""
        found = self.peek()
        if not found or found not in wanted:
            raise self.bad(f"expected {' or '.join(wanted)}, found {found or 'the end of the file'}")
        self._at += 1
        return found

    def value(self) -> Any:
        """The next value; numbers are left as text. It is parsed to find its end, and to be thrown away."""
        self.peek()
        while True:
            try:
                value, end = _DECODER.raw_decode(self._text, self._at)
                if end < len(self._text) or self._ended:
                    self.found, self._at = self._text[self._at : end], end
                    return value
            except json.JSONDecodeError as error:
                cut = error.msg.startswith("Unterminated") or error.pos > len(self._text) - 16
                if self._ended or not cut:
                    self._at = min(error.pos, len(self._text))
                    raise self.bad(error.msg) from error
            except RecursionError as error:
                raise self.bad("brackets in brackets, thousands deep") from error
            if len(self._text) - self._at > 2 * MAX_RECORD_BYTES:
                raise self.bad(f"a value of more than {MAX_RECORD_BYTES:,} bytes, or a quotation mark without its pair")
            self._grow()

    def end(self) -> None:
        """There must be nothing more."""
        if self.peek():
            raise self.bad("there is more after the end of the JSON value")

    def bad(self, why: str) -> BadFile:
        line = self._lines + self._text.count("\n", 0, self._at) + 1
        return BadFile(f"{self.name}, line {line}, byte {self.place:,}: {why}; the file is cut or is no JSON")

    def _grow(self) -> None:
        self._lines += self._text.count("\n", 0, self._at)
        self._text = self._text[self._at :]
        self._before += self._at
        self._at = 0
        more = self.file.read(int(min(max(WINDOW_BYTES, len(self._text)), self._left)))
        self._left -= len(more)
        self._ended = not more
        self._text += more.decode("latin-1")


def kind_of(file: IO[bytes], name: str) -> str:
    """What a file named `.json` is: lines, array or object. Raises `BadFile`."""
    first = file.readline(2 * MAX_RECORD_BYTES)
    while first and not first.removeprefix(BYTE_ORDER_MARK).strip():
        first = file.readline(2 * MAX_RECORD_BYTES)
    text = first.removeprefix(BYTE_ORDER_MARK).strip()
    if text.startswith(b"["):
        return "array"
    if not text:
        return "lines"
    if not text.startswith(b"{"):
        raise BadFile(
            f"{name}: it begins with {text[:20]!r}; expected JSON in UTF-8: an object, an array or JSON Lines"
        )
    more = any(block.strip() for block in iter(lambda: file.read(1 << 16), b""))
    return "lines" if more and _is_whole(text) else "object"


def _is_whole(text: bytes) -> bool:
    try:
        _DECODER.decode(text.decode("latin-1"))
    except (ValueError, RecursionError):
        return False
    return True


def scan_array(file: IO[bytes], shape: Slice, shard_rows: int, limit: int | None) -> tuple[int, list[Slice]]:
    """How many records an array has, and slices of the first `limit`. Raises `BadFile`."""
    skimmer, cutter = Skimmer(file, shape.name), Cutter(shape, shard_rows, limit)
    for place, _ in _elements(skimmer):
        cutter.add(place)
    skimmer.end()
    return cutter.done()


def scan_object(
    file: IO[bytes], shape: Slice, records: str, shard_rows: int, limit: int | None, single: bool = True
) -> tuple[int, list[Slice]]:
    """How many records an object holds, and slices of the first `limit`.

    They are the list `records`, or (`*`) the object's values; without a choice, its only list of objects, or its values
    if all are objects. An object that holds no objects of which it could be a list or a table is one record, if it may
    be a `single` one. Raises `BadFile`.
    """
    skimmer = Skimmer(file, shape.name)
    lists: dict[str, Cutter] = {}
    listed: set[str] = set()  # the lists that hold an object
    tables: set[str] = set()  # the objects that hold nothing but objects
    values, all_objects = Cutter(shape, shard_rows, limit), True
    skimmer.peek()
    begin = skimmer.place
    skimmer.take("{")
    closed = skimmer.peek() == "}" and bool(skimmer.take("}"))
    while not closed:
        if skimmer.peek() != '"':
            raise skimmer.bad("expected a name in quotation marks")
        start = skimmer.place
        key = skimmer.value()
        skimmer.take(":")
        if skimmer.peek() == "[":
            all_objects = False
            lists[key] = Cutter(replace(shape, kind="array"), shard_rows, limit)
            for place, value in _elements(skimmer):
                lists[key].add(place)
                if isinstance(value, dict):
                    listed.add(key)
        else:
            value = skimmer.value()
            all_objects &= isinstance(value, dict)
            if isinstance(value, dict) and value and all(isinstance(item, dict) for item in value.values()):
                tables.add(key)
            values.add(Place(values.total + 1, start, skimmer.place))
        closed = skimmer.take(",}") == "}"
    end = skimmer.place
    skimmer.end()
    if records == "*" or (not records and not listed and all_objects):
        if not all_objects:
            raise BadFile(f"{shape.name}: --records *, but not every value of its object is an object")
        return values.done()
    if not records and len(listed) == 1:
        return lists[listed.pop()].done()
    if records and records in lists:
        return lists[records].done()
    found = ", ".join(sorted(lists)) or "no list"
    if records:
        raise BadFile(f"{shape.name}: it has no list {records!r}; there is {found}")
    if listed:
        found = ", ".join(sorted(listed))
        raise BadFile(f"{shape.name}: there is {found} in its object: say by --records KEY which one holds the records")
    if single and not tables:
        return cut([Place(1, begin, end)], replace(shape, kind="array"), shard_rows, limit)
    raise BadFile(
        f"{shape.name}: it is one JSON object without a list of records: if it is a record, put it on one line of a "
        ".jsonl file; if it holds none, name the files that do instead of their folder"
    )


def _elements(skimmer: Skimmer) -> Iterator[tuple[Place, Any]]:
    """The elements of the array that comes next."""
    skimmer.take("[")
    number = 0
    if skimmer.peek() == "]":
        skimmer.take("]")
        return
    while True:
        skimmer.peek()
        start, number = skimmer.place, number + 1
        value = skimmer.value()
        yield Place(number, start, skimmer.place), value
        if skimmer.take(",]") == "]":
            return


def read(piece: Slice, file: IO[bytes], most: int = MAX_RECORD_BYTES) -> Iterator[Raw]:
    """The records of a slice: elements of an array, or values of an object with their names as `key`.

    Raises `ValueError` where they are not.
    """
    file.seek(piece.start)
    skimmer = Skimmer(file, piece.name, piece.end - piece.start)
    try:
        for number in range(piece.line, piece.line + piece.rows):
            if number > piece.line:
                skimmer.take(",")
            name = None
            if piece.kind == "object":
                skimmer.value()
                name = json.loads(_bytes(skimmer.found).decode(errors="replace"))
                skimmer.take(":")
            skimmer.value()
            raw = raw_of(piece, number, "record", _bytes(skimmer.found), most)
            if name is not None and raw.value is not None:
                raw = replace(raw, value={"key": name} | raw.value)
            yield raw
    except BadFile as error:
        raise ValueError(str(error)) from error


def _bytes(text: str) -> bytes:
    return text.encode("latin-1")


def _end_of_blanks(text: str, at: int) -> int:
    match = _BLANKS.match(text, at)
    assert match
    return match.end()
