"""The rows of a dataset, read by columns and row groups: ids first, then only the groups that hold what was drawn."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from validation.annotation.builds import Build, open_build, open_parquet
from validation.annotation.package import Item, Text, Turn
from validation.annotation.pictures import LONG_SIDE, Picture, find_picture
from validation.annotation.problem import Problem

Progress = Callable[[int], None]

_NUMBER = r"\s*(-?\d+\.\d+)\s*"
_BOX = re.compile(rf"\[{_NUMBER},{_NUMBER},{_NUMBER},{_NUMBER}\]")
_COLUMNS = ("id", "translations", "conversations", "image")
_FIELDS = ("field", "source", "target")
_FIELD_NAMES = re.compile(r"translations\.\w+\.\w+\.field")
_IDS_AT_ONCE = 16_384
_ROWS_AT_ONCE = 256
_BYTES_AT_ONCE = 16_000_000


@dataclass(frozen=True)
class Row:
    """A row as it is judged. `boxes`: `x1 y1 x2 y2` as shares of the picture's sides, as the conversation has them."""

    id: str
    texts: tuple[Text, ...]
    conversation: tuple[Turn, ...]
    boxes: tuple[tuple[float, float, float, float], ...]
    picture: Picture


class Listed(NamedTuple):
    """A row that may be drawn: its stratum ("" where none is asked for) and how many translations it holds."""

    id: str
    stratum: str
    translations: int


def each_row(build: Build, stratify: str = "") -> Iterator[Listed]:
    """Every row, in the order of the files; only ids, strata and the fields' names are read. Raises `Problem`."""
    for path in build.files:
        with open_parquet(path) as parquet:
            _check(path, parquet.schema_arrow, stratify)
            leaves = (parquet.schema.column(number).path for number in range(len(parquet.schema)))
            fields = [leaf for leaf in leaves if _FIELD_NAMES.fullmatch(leaf)]
            columns = ["id", *fields, *([stratify] if stratify else [])]
            for batch in parquet.iter_batches(batch_size=_IDS_AT_ONCE, columns=columns):
                ids = batch.column("id").to_pylist()
                counts = pc.list_value_length(batch.column("translations")).to_pylist()
                strata = batch.column(stratify).cast(pa.string()).to_pylist() if stratify else [""] * len(ids)
                if not all(ids):
                    raise Problem(f"{path}: a row has no id; every row needs one of its own")
                for row, stratum, count in zip(ids, strata, counts, strict=True):
                    yield Listed(row, stratum or "", count or 0)


def list_rows(out: Path, stratify: str = "", config: str = "", split: str = "") -> list[tuple[str, str]]:
    """The id and the stratum of every row that has translations to judge."""
    rows = each_row(open_build(out, config, split), stratify)
    return [(row.id, row.stratum) for row in rows if row.translations]


def read_rows(
    out: Path,
    ids: Collection[str],
    config: str = "",
    split: str = "",
    progress: Progress | None = None,
    side: int = LONG_SIDE,
) -> dict[str, Row]:
    """The rows of these ids, with pictures of at most `side` pixels; `progress` is told how many have been read.

    Raises `Problem` for an id that is not there, or twice.
    """
    build = open_build(out, config, split)
    wanted = set(ids)  # not an Arrow array: making one would load pandas, half a second
    found: dict[str, Row] = {}
    for path in build.files:
        with open_parquet(path) as parquet:
            _check(path, parquet.schema_arrow, "")
            for row in _wanted_rows(parquet, wanted):
                if row["id"] in found:
                    raise Problem(f"{path}: the id {row['id']!r} is there twice; every row needs one of its own")
                found[row["id"]] = _row(row, build.roots, side)
                if progress:
                    progress(len(found))
    if missing := [row for row in ids if row not in found]:
        raise Problem(f"{out}: {len(missing)} of {len(ids)} rows are not in this dataset, the first is {missing[0]!r}")
    return found


def as_item(row: Row, item_id: str, **more: Any) -> Item:
    """The row as an item of a package; `more` are fields of the item that are not the row's own."""
    own: dict[str, Any] = {
        "texts": row.texts,
        "conversation": row.conversation,
        "boxes": row.boxes,
        "image": row.picture.uri,
        "width": row.picture.width,
        "height": row.picture.height,
        "image_note": row.picture.note,
    }
    return Item(item_id=item_id, **(own | more))


def _check(path: Path, schema: pa.Schema, stratify: str) -> None:
    """Raise `Problem` where the columns that are read are not there or of another type."""
    names = schema.names
    if "id" not in names or not _is_text(schema.field("id").type):
        raise Problem(f"{path}: no column `id` of strings; expected a dataset as a build publishes it")
    if "translations" not in names:
        raise Problem(
            f"{path}: no column `translations`; expected one of lists of {{field, source, target}}, as a build that "
            f"translates publishes it. There are {', '.join(names)}"
        )
    kind = schema.field("translations").type
    inner = kind.value_type if pa.types.is_list(kind) or pa.types.is_large_list(kind) else None
    if inner is None or not pa.types.is_struct(inner) or any(inner.get_field_index(name) < 0 for name in _FIELDS):
        raise Problem(f"{path}: column `translations` is {kind}; expected lists of {{field, source, target}}")
    if stratify and (stratify not in names or not _is_text(schema.field(stratify).type)):
        texts = [field.name for field in schema if _is_text(field.type) and field.name not in ("id", "source")]
        raise Problem(f"--stratify {stratify}: {path} has no such column of strings; there are {', '.join(texts)}")


def _is_text(kind: pa.DataType) -> bool:
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _wanted_rows(parquet: pq.ParquetFile, wanted: Collection[str]) -> Iterator[dict[str, Any]]:
    columns = [name for name in _COLUMNS if name in parquet.schema_arrow.names]
    for group in range(parquet.num_row_groups):
        ids = parquet.read_row_group(group, columns=["id"]).column("id").to_pylist()
        places = [place for place, row in enumerate(ids) if row in wanted]
        if not places:
            continue
        size = parquet.metadata.row_group(group).total_byte_size / len(ids)
        rows = max(1, min(_ROWS_AT_ONCE, int(_BYTES_AT_ONCE / (size + 1))))
        first = 0
        for batch in parquet.iter_batches(batch_size=rows, row_groups=[group], columns=columns):
            for place in places:
                if first <= place < first + batch.num_rows:
                    yield from batch.slice(place - first, 1).to_pylist()
            first += batch.num_rows
            if first > places[-1]:
                break


def _row(row: Mapping[str, Any], roots: Sequence[Path], side: int) -> Row:
    turns = [turn for turn in row.get("conversations") or () if turn]
    return Row(
        id=row["id"],
        texts=tuple(Text(*(_string(text.get(name)) for name in _FIELDS)) for text in row["translations"] or () if text),
        conversation=tuple(Turn(_string(turn.get("from")), _string(turn.get("value"))) for turn in turns),
        boxes=_boxes(_string(turn.get("value")) for turn in turns),
        picture=find_picture(row.get("image"), roots, side),
    )


def _boxes(texts: Iterator[str]) -> tuple[tuple[float, float, float, float], ...]:
    """The boxes that lie in the picture, in the order in which they appear; equal ones are one."""
    values = [tuple(float(value) for value in match.groups()) for text in texts for match in _BOX.finditer(text)]
    return tuple(
        (x1, y1, x2, y2) for x1, y1, x2, y2 in dict.fromkeys(values) if 0 <= x1 < x2 <= 1 and 0 <= y1 < y2 <= 1
    )


def _string(value: object) -> str:
    return "" if value is None else str(value)
