"""A package as a table for a spreadsheet: one line per item, its picture beside the table, empty cells to fill in.

A spreadsheet runs what looks like a formula and turns what looks like a number or a date into one, so such a text is
written with an apostrophe before it, which reading takes off again (OWASP, "CSV Injection"). The file starts with a
byte order mark: without it Excel reads UTF-8 as the machine's old code page, and annotators would judge broken accents.

What spreadsheets save is read: separated by comma, semicolon or tab, quoted or not, with or without the mark. A table
has no times, so that all its judgements are as old as the file.
"""

import csv
import io
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from validation.annotation.exports import Export, shared
from validation.annotation.package import LABELS, Item, Package
from validation.annotation.problem import Problem
from validation.annotation.reading import read_text, shown
from validation.annotation.rounds import Judgement

_LABELS = frozenset(label for labels in LABELS.values() for label in labels)
_FORMULA = r"\s*[=+\-@\t\r\n\0＝＋－＠]"
_NUMBER = r"(?!(?:0|[1-9]\d{0,14})\Z)[\s.,:/%]*\d[\dEe\s.,:/%+-]*\Z"
_GUARDABLE = re.compile(rf"'*(?:{_FORMULA}|{_NUMBER})")
_HEADER = re.compile(r'"?id"?([,;\t])')


def write(package: Package, folder: Path) -> list[Path]:
    """Write `<annotator>.csv`, its pictures in a folder of that name, and `<annotator>-guidelines.txt`."""
    texts = max((len(item.texts) for item in package.items), default=0)
    columns = _columns(package, texts)
    buffer = io.StringIO(newline="")
    table = csv.writer(buffer, quoting=csv.QUOTE_ALL)
    table.writerow(columns)
    pictures, sha256 = folder / package.annotator, package.sha256
    pictures.mkdir(parents=True, exist_ok=True)
    for item in package.items:
        cells = _cells(package, item) | {"id": shared.reference(package.package_id, sha256, item.item_id)}
        if data := shared.jpeg(item):
            name = f"{item.item_id}.jpg"
            (pictures / name).write_bytes(data)
            cells["image"] = f"{pictures.name}/{name}"
        table.writerow([guarded(shared.storable(cells.get(column, ""))) for column in columns])
    path = folder / f"{package.annotator}.csv"
    path.write_text(buffer.getvalue(), encoding="utf-8-sig", newline="")
    guidelines = folder / f"{package.annotator}-guidelines.txt"
    guidelines.write_text(shared.guidelines(package), encoding="utf-8")
    return [path, pictures, guidelines]


def read(path: Path, annotator: str = "") -> list[Export]:
    """The judgements in a table that `write` wrote and a spreadsheet saved; a line without a label is not judged.

    A table does not say who filled it in: `annotator`, or nobody ("").
    """
    at = shared.saved_at(path)
    found = []
    for where, row in _rows(path):
        package_id, sha256, item_id = shared.parse_reference(row["id"].strip(), where)
        judgement = _judgement(item_id, row, at, where)
        if judgement:
            found.append(shared.Found(package_id, sha256, annotator, judgement))
    return shared.as_exports(found, path)


def guarded(text: str) -> str:
    """The text, with an apostrophe before it where a spreadsheet would take it for anything else."""
    return f"'{text}" if _GUARDABLE.match(text) else text


def unguarded(text: str) -> str:
    """The text that was `guarded`."""
    return text[1:] if text.startswith("'") and _GUARDABLE.match(text[1:]) else text


def _columns(package: Package, texts: int) -> list[str]:
    columns = ["id", "label", "reasons", "comment"] if package.task == "accept" else ["id", "label", "comment"]
    if any(item.votes for item in package.items):
        columns.append("votes")
    columns.append("image")
    fields = ("field", "source", "translation", "corrected") if package.task == "accept" else ("source", "translation")
    columns += [f"{field}_{number}" for number in range(1, texts + 1) for field in fields]
    return [*columns, *(("left", "right") if package.task == "pair" else ()), "conversation"]


def _cells(package: Package, item: Item) -> dict[str, str]:
    cells = {"image": item.image_note, "votes": "\n\n".join(shared.votes(item)), "left": item.left, "right": item.right}
    for number, text in enumerate(item.texts, start=1):
        cells |= {f"field_{number}": text.name, f"source_{number}": text.source, f"translation_{number}": text.target}
    return cells | {"conversation": shared.conversation(item)}


def _rows(path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    text = read_text(path)
    header = _HEADER.match(text)
    if not header:
        raise Problem(
            f"{path}: its first line must start with the column id: a table that `python -m validation sample` wrote"
        )
    table = csv.reader(io.StringIO(text, newline=""), delimiter=header[1], strict=True)
    try:
        columns = next(table)
        if missing := {"id", "label", "comment"} - set(columns):
            raise Problem(f"{path}: the column {min(missing)} is missing; leave the first line as it was")
        named = [column for column in columns if column]
        if twice := {column for column in named if named.count(column) > 1}:
            raise Problem(f"{path}: the column {shown(min(twice))} is there twice")
        for cells in table:
            where = f"{path}, line {table.line_num}"
            if any(cell.strip() for cell in cells[len(columns) :]):
                raise Problem(f"{where}: more cells than the first line has columns")
            if any(cell.strip() for cell in cells):
                yield where, {column: unguarded(cell) for column, cell in zip(columns, cells, strict=False)}
    except csv.Error as error:
        raise Problem(f"{path}, line {table.line_num}: not a table as spreadsheets save it: {error}") from None


def _judgement(item_id: str, row: Mapping[str, str], at: str, where: str) -> Judgement | None:
    label, comment = row.get("label", "").strip().casefold(), row.get("comment", "")
    reasons = shared.parse_reasons(re.split(r"[\s,;]+", row.get("reasons", "")), f"{where}, column reasons")
    corrections = _corrections(row, where)
    if not label:
        if reasons or comment.strip() or corrections:
            raise Problem(f"{where}: it has reasons, a comment or a correction, but no label; give one")
        return None
    if label not in _LABELS:
        expected = " | ".join(", ".join(labels) for labels in LABELS.values())
        raise Problem(f"{where}, column label: {shown(label)} is none of {expected}")
    return Judgement(item_id, label, reasons, comment if comment.strip() else "", corrections or None, at=at)


def _corrections(row: Mapping[str, str], where: str) -> dict[str, str]:
    corrections = {}
    for column, text in row.items():
        stem, _, number = column.rpartition("_")
        if stem != "corrected" or not text.strip():
            continue
        name = row.get(f"field_{number}", "")
        if not name or name in corrections:
            raise Problem(f"{where}, column {column}: the text has no field; leave the column field_{number} as it was")
        corrections[name] = text
    return corrections
