"""`--infer`: look at the first rows of an unknown dataset, say what its columns are, and end with a command to run."""

import json
import shlex
import sys
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

import pyarrow.parquet as pq
from rich.console import Console
from rich.table import Table
from rich.text import Text

from builders.engine.files import location
from builders.engine.main import REFUSED
from builders.sources import records
from builders.sources.anything import Unread, notes, refusing
from builders.sources.forms import FORMS
from builders.sources.slices import FileOptions, Slice
from builders.transforms.infer import Column, survey, together
from builders.transforms.paths import Path

ROWS = 300
LOOKS_LIKE = 0.9


def propose(inputs: Sequence[str], files: FileOptions, program: Sequence[str], problems: Sequence[str] = ()) -> None:
    """Print what the columns of these inputs are; `program` is how the command to go on with begins. Exits with 2 where
    they cannot be read, or where there are `problems`."""
    console = Console()
    try:
        if not inputs:
            raise ValueError("--source is missing: name files, folders or a dataset on the Hub")
        if problems:
            raise ValueError("\n".join(problems))
        rows, said = first_rows(inputs, files)
    except ValueError as error:
        console.print("[bold red]refused:[/] ", end="")
        console.print(str(error), highlight=False, markup=False, soft_wrap=True)
        sys.exit(REFUSED)
    for line in said:
        console.print(line, highlight=False, markup=False, soft_wrap=True)
    show_proposal(rows, [*program, "--source", *inputs, *_flags(files)], console)


def _flags(files: FileOptions) -> list[str]:
    """The flags of `translate_any` that these options came from."""
    single = {"--records": files.records, "--subset": files.config, "--revision": files.revision}
    words = [word for flag, value in single.items() if value for word in (flag, value)]
    return words + (["--split", *files.splits] if files.splits else [])


def first_rows(inputs: Sequence[str], options: FileOptions) -> tuple[list[Mapping[str, Any]], list[str]]:
    """Some hundred rows, the first ones of every file, and what is to be said of how they were read. Raises
    `ValueError`."""
    unread = Unread()
    with refusing():
        _, slices = records.scan(inputs, ROWS, 0, options)
        first = list({piece.path: piece for piece in reversed(slices)}.values())[::-1][:ROWS]
        each = max(1, ROWS // max(1, len(first)))
        rows: list[Mapping[str, Any]] = [
            row for piece in first for row in unread.readable(islice(records.read(piece), each))
        ]
    if not rows:
        unread.refuse(inputs)
    said = notes(slices) + class_labels(first)
    if unread.count:
        said.append(
            f"{unread.count:,} beside them cannot be read, and would fail in a build; the first: {unread.first}"
        )
    return rows, said


def class_labels(slices: Sequence[Slice]) -> list[str]:
    """The columns of Parquet files whose numbers stand for names by the features of `datasets`, a line each."""
    lines = []
    for piece in slices:
        if piece.kind == "parquet":
            with location(piece.path).open("rb") as file:
                features = _features(pq.read_schema(file).metadata)
            lines += [
                f"{name} holds the numbers of {_short(', '.join(map(str, feature['names'])))}; they stay numbers"
                for name, feature in features.items()
                if isinstance(feature, dict) and feature.get("_type") == "ClassLabel" and "names" in feature
            ]
    return list(dict.fromkeys(lines))


def _features(metadata: Mapping[bytes, bytes] | None) -> Mapping[str, Any]:
    try:
        return dict(json.loads((metadata or {}).get(b"huggingface", b"{}"))["info"]["features"])
    except (ValueError, KeyError, TypeError):
        return {}


def recognised(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The forms that nearly all of these rows look like."""
    return [
        name for name, form in FORMS.items()
        if rows and sum(form.recognises(row) for row in rows) >= LOOKS_LIKE * len(rows)
    ]  # fmt: skip


def show_proposal(rows: Sequence[Mapping[str, Any]], command: Sequence[str], console: Console) -> None:
    """A line a column, what belongs together, and the command that would translate what is proposed.

    `command` is that command up to the source, such as `python builders/translate_any.py --source FILE`.
    """
    columns = survey(rows)
    groups = together(columns)
    console.print(_table(columns, len(rows)))
    fields = [column.path for column in columns if column.translate]
    for group in groups:
        console.print(
            f"{_and(group)} belong together: a chat model translates them in one go, knowing the one from the other.",
            highlight=False,
        )
    for name in recognised(rows):
        console.print(
            f"The rows look like {name} ({FORMS[name].about}): its form knows more about them. In place of --fields:\n"
            f"  --form {name}",
            highlight=False,
        )
    if not fields:
        console.print("No column holds English text for a translator. If one does, name it: --fields COLUMN")
        return
    words = [*command, "--fields", ",".join(map(str, fields))]
    for group in groups:
        words += ["--together", ",".join(map(str, group))]
    console.print("To translate what is proposed (add --dry-run for a forecast, --limit 100 for a trial):")
    console.print(f"  {shlex.join([*words, '--to', 'it', '--output', 'OUT'])}", highlight=False, soft_wrap=True)


def _table(columns: Sequence[Column], rows: int) -> Table:
    table = Table(title=f"the first {rows:,} rows", title_justify="left", pad_edge=False)
    table.add_column("field", overflow="fold", max_width=34)
    table.add_column("what it is", overflow="fold")
    table.add_column("words", justify="right", no_wrap=True)
    table.add_column("distinct", justify="right", no_wrap=True)
    table.add_column("translate", no_wrap=True)
    for column in columns:
        texts = column.translate
        what = Text(column.what)
        if column.example and column.translate and "closed set" not in column.what:
            what.append(f"\n“{_short(column.example)}”", style="dim")
        table.add_row(
            Text(str(column.path)),
            what,
            f"{column.words:.0f}" if texts else "",
            f"{column.distinct:.0%}" if texts else "",
            Text("yes", style="bold green") if column.translate else "",
        )
    return table


def _short(text: str, most: int = 48) -> str:
    shown = "".join(sign if sign.isprintable() else " " for sign in text)
    return shown if len(shown) <= most else f"{shown[: most - 1]}…"


def _and(paths: Sequence[Path]) -> str:
    return f"{', '.join(map(str, paths[:-1]))} and {paths[-1]}"
