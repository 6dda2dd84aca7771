"""JSON Lines in slices: cut files of any size into shards in one streaming pass, then read a slice anywhere.

Lines are read one by one and no schema is ever inferred: real files change a field's type from row to row
(MultiInstruct's `context` is text here and a list there), which typed JSON readers refuse.
"""

from collections.abc import Iterator
from typing import IO

from builders.sources.slices import MAX_RECORD_BYTES, Place, Raw, Slice, parse_object

BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def places(file: IO[bytes]) -> Iterator[Place]:
    """Where the rows stand. Blank lines are no rows, and a byte order mark is no content."""
    at = 0
    for number, line in enumerate(file, 1):
        end = at + len(line)
        if _content(line, first=at == 0):
            yield Place(number, at, end)
        at = end


def rows(piece: Slice, file: IO[bytes], most: int = MAX_RECORD_BYTES) -> Iterator[Raw]:
    """The rows of a slice, each with its line number."""
    at = file.seek(piece.start)
    for number, line in enumerate(file, piece.line):
        content = _content(line, first=at == 0)
        at += len(line)
        if content:
            yield raw_of(piece, number, "line", content, most)
        if at >= piece.end:
            return


def raw_of(piece: Slice, number: int, unit: str, data: bytes, most: int) -> Raw:
    """A record from its JSON text."""
    try:
        return Raw(piece.name, number, unit, parse_object(data, most))
    except (ValueError, RecursionError) as error:
        return Raw(piece.name, number, unit, None, str(error), data[:most].decode(errors="replace"))


def _content(line: bytes, *, first: bool) -> bytes:
    """A line without blanks around it, and the first one of a file without its byte order mark."""
    return (line.removeprefix(BYTE_ORDER_MARK) if first else line).strip()
