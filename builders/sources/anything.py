"""Any dataset: a form made from the names of its fields, for data that nobody wrote a form for.

Every text at the paths that are named becomes a field; everything else of a record waits beside them and is published
as it was. What the columns are is learnt from the files: from the schema of Parquet, from all the records of JSON.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from builders.engine import Row, RowError, nearest
from builders.engine.files import location
from builders.sources import records
from builders.sources.forms.values import image
from builders.sources.items import Form, ImageAt, Item
from builders.sources.slices import FileOptions, Slice
from builders.transforms.fields import field
from builders.transforms.infer import kind_of
from builders.transforms.paths import Path, PathError, Place, find, name_of, put, unknown
from builders.transforms.shape import (
    TEXT,
    Shape,
    arrow_type,
    as_json,
    as_published,
    columns_of,
    is_utf8,
    join,
    shape_of_type,
    with_text_at,
)

IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
IMAGE_SHAPE = shape_of_type(IMAGE)


@dataclass(frozen=True)
class Learnt:
    """What files hold: the shape of every column, and how many records said so (those of Parquet and tables did not
    have to be read)."""

    columns: Mapping[str, Shape]
    slices: Sequence[Slice]

    @property
    def images(self) -> list[str]:
        """The columns that carry an image each, as `datasets` writes it."""
        return [name for name, shape in self.columns.items() if shape == IMAGE_SHAPE]


@dataclass(frozen=True)
class Plan:
    """What to do with a record. `fields` are translated, `together` are those of them that make one unit, `columns`
    are published, and `image` is the column that carries or names the image ("" for none)."""

    fields: tuple[Path, ...]
    columns: Mapping[str, Shape]
    together: tuple[tuple[Path, ...], ...] = ()
    image: str = ""


def learn(inputs: Sequence[str], limit: int, options: FileOptions) -> Learnt:
    """What the columns of these files hold, in one pass that keeps no records. Raises `ValueError`."""
    try:
        _, slices = records.scan(inputs, 2**31, limit, options)
        columns: dict[str, Shape] = {}
        for piece in slices:
            for name, shape in _columns(piece).items():
                columns[name] = join(columns[name], shape) if name in columns else shape
    except records.BadFiles as error:
        raise ValueError("\n".join(f"--source {problem}" for problem in error.problems)) from error
    except records.BadFile as error:
        raise ValueError(f"--source {error}") from error
    return Learnt({name: shape for name, shape in columns.items() if is_utf8(name)}, slices)


def _columns(piece: Slice) -> Mapping[str, Shape]:
    if piece.kind == "table":
        return dict.fromkeys(piece.columns, TEXT)
    if piece.kind == "parquet":
        with location(piece.path).open("rb") as file:
            return {column.name: shape_of_type(column.type) for column in pq.read_schema(file)}
    return columns_of(raw.value for raw in records.read(piece) if raw.value is not None)


def make_plan(
    learnt: Learnt,
    fields: Sequence[Path],
    together: Sequence[Sequence[Path]] = (),
    keep: Sequence[str] | None = None,
    image: str = "",
) -> Plan:
    """What to do with the records of these files. Raises `ValueError` with all that does not fit them.

    `keep` are the columns to publish beside those of the fields (None: all). Without `image`, a column that carries
    images is found by its type.
    """
    names = list(learnt.columns)
    skeleton = {name: _skeleton(shape) for name, shape in learnt.columns.items()}
    problems = [f"--fields {path}: {said}" for path in fields if (said := _misfit(path, skeleton, learnt.columns))]
    problems += [
        f"--together {path}: it is not among --fields{nearest(str(path), [str(each) for each in fields])}"
        for group in together for path in group if path not in fields
    ]  # fmt: skip
    for flag, given in (("--keep", keep or ()), ("--image", (image,) if image else ())):
        problems += [f"{flag} {name}: no such column{nearest(name, names)}" for name in given if name not in names]
    if problems:
        raise ValueError("\n".join(problems))
    image = image or next(iter(learnt.images), "")
    wanted = {path.column for path in fields} | set(names if keep is None else keep)
    columns = {
        name: shape
        for name, shape in learnt.columns.items()
        if name in wanted and not (name == image and _carries(shape))
    }
    for path in fields:
        columns = with_text_at(columns, path)
    return Plan(tuple(fields), columns, tuple(tuple(group) for group in together), image)


def _carries(shape: Shape) -> bool:
    """Whether a column has the bytes of images, not only their names."""
    return shape.kind == "exact" or shape == IMAGE_SHAPE or (shape.item is not None and _carries(shape.item))


def _skeleton(shape: Shape) -> Any:
    """A record in which every path leads somewhere that leads somewhere in any record."""
    if shape.kind == "object":
        return {key: _skeleton(item) for key, item in shape.keys.items()}
    if shape.kind == "list" and shape.item:
        return [_skeleton(shape.item)]
    if shape.kind == "exact":
        return b"" if shape.type and pa.types.is_binary(shape.type) else 0
    return {"text": "text", "scalars": "text", "bool": False, "null": None, "json": None}.get(shape.kind, 0)


def _misfit(path: Path, skeleton: Mapping[str, Any], columns: Mapping[str, Shape]) -> str:
    """Why a path leads to no text in these columns; nothing where it does, or may."""
    try:
        found = find(path, skeleton)
    except PathError as error:
        return str(error)
    if not found:
        return f"no record has it; {unknown(path, skeleton)}"
    if not any(value is None or isinstance(value, str) for _, value in found):
        return "it holds no text"
    return ""


def form_of(plan: Plan, name: str) -> Form:
    """The form of the records that a plan is for."""
    return Form(
        name=name,
        about="fields named on the command line",
        columns=pa.schema([(name, arrow_type(shape)) for name, shape in plan.columns.items()]),
        texts=tuple(dict.fromkeys(path.column for path in plan.fields)),
        read=Reading(plan),
        compose=Composing(plan),
        recognises=_never,
    )


def _never(raw: Mapping[str, Any]) -> bool:
    return False


@dataclass(frozen=True)
class Reading:
    """How a record is read by a plan."""

    plan: Plan

    def __call__(self, raw: Mapping[str, Any], language: str, counters: Counter[str]) -> Item:
        """The texts of a record, and all of it that is published. Raises `RowError`: OtherShape, BadImage."""
        fields: dict[str, Row] = {}
        units: dict[Any, int] = {}
        for path in self.plan.fields:
            places = _find(path, raw)
            counters[f"absent/{path}"] += not places
            for place, value in places:
                what = _left(value)
                if what:
                    counters[f"{what}/{path}"] += 1
                if isinstance(value, str) and value.strip():
                    unit = units.setdefault(_unit(self.plan.together, path, place), len(units))
                    made = field(name_of(place), kind_of(path), value, unit=unit)
                    fields[made["name"]] = made | ({"target": value, "by": "verbatim"} if what else {})
        kept = {name: as_json(raw.get(name)) for name in self.plan.columns}
        return Item(list(fields.values()), kept, image(raw, self.plan.image) if self.plan.image else ImageAt())


def _find(path: Path, record: Mapping[str, Any]) -> list[tuple[Place, Any]]:
    try:
        return find(path, record)
    except PathError as error:
        raise RowError("OtherShape", f"--fields {path}: {error}") from error


def _left(value: Any) -> str:
    """Why a value stays as it is, in a word; nothing for a text to translate."""
    if value is None:
        return "null"
    if not isinstance(value, str):
        return "no_text"
    if not value.strip():
        return "empty"
    return "" if any(map(str.isalpha, value)) else "without_letters"


def _unit(together: Sequence[Sequence[Path]], path: Path, place: Place) -> Any:
    """What is the same for the texts of one unit, and for no others.

    A group of paths within the items of one list, such as `qa[].question,qa[].answer`, makes a unit of every item.
    """
    for number, group in enumerate(together):
        if path in group:
            return number, place[: _shared(group)] if len(group) > 1 else ()
    return place


def _shared(group: Sequence[Path]) -> int:
    """How many steps the paths of a group have in common, up to the last list."""
    rows = zip(*(path.steps for path in group), strict=False)
    same = [steps[0] for steps in takewhile(lambda steps: len(set(steps)) == 1, rows)]
    return max((place + 1 for place, step in enumerate(same) if step is None), default=0)


@dataclass(frozen=True)
class Composing:
    """How the texts come back into a record."""

    plan: Plan

    def __call__(self, told: Mapping[str, str], kept: Mapping[str, Any]) -> Row:
        """The columns of a record, with these texts where the fields stood. Raises `RowError`: OtherShape."""
        record: Any = kept
        for path in self.plan.fields:
            for place, _ in _find(path, kept):
                if (name := name_of(place)) in told:
                    record = put(record, place, told[name])
        try:
            return {name: as_published(record[name], shape) for name, shape in self.plan.columns.items()}
        except ValueError as error:
            raise RowError("OtherShape", str(error)) from error
