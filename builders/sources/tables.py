"""CSV and TSV in slices, with all that is found in them: quoted cells of many lines and of megabytes of base64, byte
order marks, either line end, tables without a header.

Python's `csv` reader is asked where a row ends, so that scanning and reading never disagree; cells stay text. As it
sees latin-1, in which every byte is a character, a cell that is no UTF-8 costs its row alone.
https://www.rfc-editor.org/rfc/rfc4180
"""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import IO

from builders.sources.jsonl import BYTE_ORDER_MARK
from builders.sources.slices import MAX_RECORD_BYTES, BadFile, FileOptions, Place, Raw, Slice, cut

DELIMITERS = {".csv": ",", ".tsv": "\t"}
NEVER_CLOSED = ("unexpected end of data", "field larger than field limit")


@dataclass(frozen=True)
class Line:
    """A row as it stands in the file: where, its cells (none when it is blank) or what is wrong with it, its text."""

    place: Place
    cells: list[str]
    error: str
    text: str


def scan(
    file: io.BufferedReader, shape: Slice, options: FileOptions, shard_rows: int, limit: int | None
) -> tuple[int, list[Slice]]:
    """How many rows a table has, and slices of the first `limit`. Raises `BadFile`."""
    delimiter = DELIMITERS[shape.path[-4:].lower()]
    if delimiter == "," and options.quoted and not options.columns:
        delimiter = _delimiter(file.peek())
    lines = _lines(file, delimiter, options.quoted, Place(1, 0, 0))
    columns = options.columns or _header(lines, shape.name)
    further = options.further if options.columns else ()
    shape = replace(shape, columns=columns, further=further, delimiter=delimiter, quoted=options.quoted)
    return cut(_places(lines, shape.name), shape, shard_rows, limit)


def _delimiter(start: bytes) -> str:
    """What stands between the cells of a CSV file, by its header: a semicolon or a tab, as spreadsheets write where the
    comma is for decimals, if only that makes more than one cell."""
    lines = start.removeprefix(BYTE_ORDER_MARK).decode("latin-1").splitlines()
    header = next((line for line in lines if line.strip()), "")
    return next((sign for sign in ",;\t" if _cells(header, sign) > 1), ",")


def _cells(line: str, delimiter: str) -> int:
    try:
        return len(next(csv.reader([line], delimiter=delimiter, strict=True)))
    except csv.Error:
        return 0


def unusual(slices: Sequence[Slice]) -> dict[str, str]:
    """The tables whose delimiter is not that of their suffix, each with its delimiter."""
    return {
        piece.name: piece.delimiter
        for piece in slices
        if piece.kind == "table" and piece.delimiter != DELIMITERS[piece.path[-4:].lower()]
    }


def _header(lines: Iterator[Line], name: str) -> tuple[str, ...]:
    """The names of the columns; one that has none is called as pandas calls it."""
    for line in lines:
        if line.error:
            raise BadFile(f"{name}, line {line.place.number}: the header: {line.error}")
        if not line.cells:
            continue
        try:
            cells = [_decoded(cell).strip() for cell in line.cells]
        except UnicodeDecodeError as error:
            raise BadFile(f"{name}, line {line.place.number}: the header is no UTF-8: {error}") from error
        names = tuple(cell or f"Unnamed: {place}" for place, cell in enumerate(cells))
        twice = sorted({each for each in names if names.count(each) > 1})
        if twice:
            raise BadFile(f"{name}, line {line.place.number}: the header names {', '.join(twice)} more than once")
        return names
    return ()


def _places(lines: Iterator[Line], name: str) -> Iterator[Place]:
    for line in lines:
        if line.error.startswith(NEVER_CLOSED):
            raise BadFile(
                f"{name}, line {line.place.number}: a quoted cell of the row that begins here is never closed; the "
                "file is cut, or its quotation marks are characters like any other (then read it unquoted)"
            )
        if line.cells or line.error:
            yield line.place


def read(piece: Slice, file: IO[bytes], most: int = MAX_RECORD_BYTES) -> Iterator[Raw]:
    """The rows of a slice as objects of texts, each with the number of its first line."""
    file.seek(piece.start)
    left = piece.rows
    for line in _lines(file, piece.delimiter, piece.quoted, Place(piece.line, piece.start, piece.start)):
        if not left:
            return
        if line.cells or line.error:
            left -= 1
            yield _raw(piece, line, most)


def _raw(piece: Slice, line: Line, most: int) -> Raw:
    try:
        size = line.place.end - line.place.start
        if size > most:
            raise ValueError(f"{size:,} bytes; a row has at most {most:,}")
        if line.error:
            raise ValueError(line.error)
        names = (*piece.columns, *(piece.further if len(line.cells) > len(piece.columns) else ()))
        if len(line.cells) != len(names):
            counts = sorted({len(piece.columns), len(piece.columns) + len(piece.further)})
            raise ValueError(f"{len(line.cells)} cells, where there are {' or '.join(map(str, counts))} columns")
        value = dict(zip(names, map(_decoded, line.cells), strict=True))
        return Raw(piece.name, line.place.number, "line", value)
    except ValueError as error:
        text = line.text[:most].encode("latin-1").decode(errors="replace")
        return Raw(piece.name, line.place.number, "line", None, str(error), text)


def _lines(file: IO[bytes], delimiter: str, quoted: bool, at: Place) -> Iterator[Line]:
    """The rows from here on: after `at`, whose number is that of the next line."""
    number, start = at.number, at.end
    taken: list[str] = []

    def texts() -> Iterator[str]:
        for line in file:
            first = start == 0 and not taken
            taken.append(line.decode("latin-1"))
            yield (line.removeprefix(BYTE_ORDER_MARK) if first else line).decode("latin-1")

    csv.field_size_limit(2 * MAX_RECORD_BYTES)
    reader = csv.reader(texts(), delimiter=delimiter, strict=True) if quoted else _plain(texts(), delimiter)
    while True:
        cells, error = [], ""
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as problem:
            error = str(problem)
        text = "".join(taken)
        end = start + len(text)
        yield Line(Place(number, start, end), cells, error, text)
        number, start = number + len(taken), end
        taken.clear()


def _plain(texts: Iterator[str], delimiter: str) -> Iterator[list[str]]:
    """The cells of lines in which no character but the delimiter and the line end means anything."""
    for text in texts:
        line = text.rstrip("\r\n")
        yield line.split(delimiter) if line else []


def _decoded(cell: str) -> str:
    return cell.encode("latin-1").decode()
