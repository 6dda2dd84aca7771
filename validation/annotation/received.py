"""A file that came back: what it is, told by what it holds, and what it says.

Anybody may have written it. Our own format is read here, field by field; other tools' by their readers (`exports`).
Nothing is held against a plan yet: `checks` does that.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from validation.annotation.exports import Export, exporter
from validation.annotation.problem import Problem
from validation.annotation.reading import load_json, shown
from validation.annotation.rounds import JUDGEMENTS_FORMAT, Judgement

MOST_BYTES = 20 << 20  # an export of 5,000 items, each with a comment and a correction, takes 2 MB
MOST_BYTES_WITH_IMAGES = 200 << 20  # Label Studio and Argilla give the images back too
MOST_TOLD = 10  # of what is wrong with a file
SUFFIXES = (".json", ".jsonl", ".csv")

_HEAD = 4096
_SEND = "the file that the page saves with its button for export is expected"


@dataclass(frozen=True)
class Received:
    """What a file gave: its exports, and what is wrong with the judgements that are left out of them.

    `tool` is the other tool whose file it is, "" where it is ours. With more than `MOST_TOLD` problems, the rest of the
    file has not been looked at.
    """

    path: Path
    exports: tuple[Export, ...]
    problems: tuple[str, ...] = ()
    tool: str = ""


def list_files(paths: Sequence[Path]) -> list[Path]:
    """The files to read: those given, and of a folder the files and Argilla data sets directly in it, by name.

    Raises `Problem` where there is nothing.
    """
    found: dict[Path, None] = {}
    for path in paths:
        if not path.exists():
            raise Problem(f"{path}: there is no such file or folder")
        if not path.is_dir() or _is_argilla(path):
            found[path] = None
            continue
        inside = [each for each in sorted(path.iterdir()) if _may_hold_judgements(each)]
        if not inside:
            raise Problem(f"{path}: the folder holds no file of judgements ({', '.join(SUFFIXES)})")
        found.update(dict.fromkeys(inside))
    return list(found)


def folders_inside(paths: Sequence[Path]) -> list[Path]:
    """The folders in the folders given, which `list_files` does not look into."""
    given = (path for path in paths if path.is_dir() and not _is_argilla(path))
    inside = (each for path in given for each in sorted(path.iterdir()) if each.is_dir())
    return [each for each in inside if not _is_argilla(each) and not each.name.startswith(".")]


def read_export(path: Path, annotator: str = "") -> Received:
    """What the file says, in whichever format it is; `annotator` is for files of other tools: whose they are.

    Raises `Problem` for a file that is unreadable as a whole.
    """
    tool = _tool(path)
    if tool:
        return Received(path, tuple(exporter(tool).read(path, annotator)), tool=tool)
    return _read_ours(path)


def _may_hold_judgements(path: Path) -> bool:
    if path.name.startswith("."):
        return False
    return _is_argilla(path) if path.is_dir() else path.suffix.lower() in SUFFIXES


def _is_argilla(path: Path) -> bool:
    return (path / ".argilla").is_dir()


def _tool(path: Path) -> str:
    """Which other tool's file this is, by its first bytes and its name; "" is our own. Raises `Problem`."""
    if _is_argilla(path):
        _refuse_above(path / "records.json", MOST_BYTES_WITH_IMAGES)
        return "argilla"
    head = _head(path)
    if head.startswith(b"["):
        _refuse_above(path, MOST_BYTES_WITH_IMAGES)
        return "argilla" if path.name == "records.json" else "label-studio"
    _refuse_above(path, MOST_BYTES)
    if path.suffix.lower() == ".jsonl":
        return "potato"
    if head.startswith(b"{"):
        return ""
    if head.startswith(b"<"):
        raise Problem(f"{path}: this is a page, not what was judged on it: {_SEND}")
    if head.startswith(b"PK\x03\x04"):
        raise Problem(f"{path}: a zip archive or a spreadsheet: unpack it, or save the table as CSV")
    if path.suffix.lower() == ".csv":
        return "csv"
    raise Problem(f"{path}: neither JSON nor a CSV table: {_SEND}, or another tool's JSON, JSON lines or CSV")


def _head(path: Path) -> bytes:
    """The first bytes of a regular file, after a byte order mark and blanks."""
    if not path.is_file():
        raise Problem(f"{path}: not a regular file: {_SEND}")
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError as error:
        raise Problem(f"{path}: cannot be read: {error}") from error
    return head.removeprefix(b"\xef\xbb\xbf").lstrip()


def _refuse_above(path: Path, most: int) -> None:
    try:
        size = path.stat().st_size
    except OSError as error:
        raise Problem(f"{path}: cannot be read: {error}") from error
    if size > most:
        raise Problem(f"{path}: {size:,} bytes; a file of judgements has at most {most:,}")


def _read_ours(path: Path) -> Received:
    data = _object(path)
    if data.get("format") != JUDGEMENTS_FORMAT:
        raise Problem(f"{path}: format: {shown(data.get('format'))}; {JUDGEMENTS_FORMAT!r} is expected: {_SEND}")
    for key in ("package_id", "package_sha256", "annotator"):
        if not _is_text(data.get(key)):
            raise Problem(f"{path}: {key}: {shown(data.get(key))}; a text is expected: {_SEND}")
    entries = data.get("judgements")
    if not isinstance(entries, list):
        raise Problem(f"{path}: judgements: {shown(entries)}; a list is expected: {_SEND}")
    judgements, problems = [], []
    for number, entry in enumerate(entries, 1):
        wrong = list(islice(_misshapen(entry, number), MOST_TOLD + 1))
        problems += wrong
        if len(problems) > MOST_TOLD:
            break
        if not wrong:
            judgements.append(Judgement(**{**entry, "reasons": tuple(entry.get("reasons", ()))}))
    export = Export(data["package_id"], data["package_sha256"], data["annotator"], tuple(judgements))
    return Received(path, (export,), tuple(problems))


def _object(path: Path) -> dict[str, Any]:
    data = load_json(path)
    if not isinstance(data, dict):
        raise Problem(f"{path}: {shown(data)}; an object is expected: {_SEND}")
    return data


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(map(_is_text, value))


def _is_text_by_name(value: Any) -> bool:
    return value is None or (isinstance(value, dict) and all(map(_is_text, value.values())))


def _is_whole_number(value: Any) -> bool:
    return type(value) is int  # a bool is an int too


_SHAPES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "item_id": (_is_text, "a text"),
    "label": (_is_text, "a text"),
    "at": (_is_text, "a text"),
    "reasons": (_is_texts, "a list of texts"),
    "comment": (_is_text, "a text"),
    "corrections": (_is_text_by_name, "an object of texts, or null,"),
    "ms": (_is_whole_number, "a whole number"),
}
_NEEDED = ("item_id", "label", "at")


def _misshapen(entry: Any, number: int) -> Iterator[str]:
    """What is wrong with the shape of a judgement, each with its place in the file."""
    if not isinstance(entry, dict):
        yield f"judgement {number}: {shown(entry)}; an object is expected"
        return
    item = entry.get("item_id")
    where = f"item {shown(item)}" if _is_text(item) else f"judgement {number}"
    for key in _NEEDED:
        if key not in entry:
            yield f"{where}: {key}: it is missing"
    for key, value in entry.items():
        if key not in _SHAPES:
            yield f"{where}: {shown(key)} is no field of a judgement; there are {', '.join(_SHAPES)}"
            continue
        is_right, expected = _SHAPES[key]
        if not is_right(value):
            yield f"{where}: {key}: {shown(value)}; {expected} is expected"
