"""Any dataset: a form made from the names of its fields, for data that nobody wrote a form for.

Every text at the paths that are named becomes a field; everything else of a record waits beside them and is published
as it was. What the columns are is learnt from the files: from the schema of Parquet, from all the records of JSON.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from dataclasses import field as field_of_class
from itertools import takewhile
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from builders.engine import Row, RowError, nearest
from builders.engine.files import location
from builders.sources import records, tables
from builders.sources.forms.values import image
from builders.sources.items import Form, ImageAt, Item
from builders.sources.slices import FileOptions, Raw, Slice, known_split
from builders.transforms.fields import field
from builders.transforms.infer import kind_of
from builders.transforms.paths import Path, PathError, Place, find, name_of, put, unknown
from builders.transforms.shape import (
    IMAGE,
    STATED,
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

IMAGE_SHAPE = shape_of_type(IMAGE)


@dataclass(frozen=True)
class Learnt:
    """What files hold: the shape of every column, and how many records said so (those of Parquet and tables did not
    have to be read). `stated` are the `datasets` features that all files which have a column state of it, if any."""

    columns: Mapping[str, Shape]
    slices: Sequence[Slice]
    stated: Mapping[str, Any] = field_of_class(default_factory=dict)

    @property
    def notes(self) -> list[str]:
        return notes(self.slices)

    @property
    def images(self) -> list[str]:
        """The columns that carry an image each, as `datasets` writes it."""
        return [name for name, shape in self.columns.items() if shape == IMAGE_SHAPE]


@dataclass
class Unread:
    """The records that cannot be read: how many, and the first one's place and error."""

    count: int = 0
    first: str = ""

    def readable(self, found: Iterable[Raw]) -> Iterator[dict[str, Any]]:
        """The values of these records, but of those that cannot be read, which are counted."""
        for raw in found:
            if raw.value is None:
                self.first = self.first or f"{raw.file}, {raw.unit} {raw.number}: {raw.error}"
                self.count += 1
            else:
                yield raw.value

    def refuse(self, inputs: Sequence[str]) -> None:
        """Say that nothing at all could be read. Raises `ValueError`."""
        why = f" that can be read: {self.first}" if self.count else ""
        raise ValueError(f"--source {' '.join(inputs)} holds no records{why}")


@dataclass(frozen=True)
class Plan:
    """What to do with a record. `fields` are translated, `together` are those of them that make one unit, `columns`
    are published, and `image` is the column that carries or names the image ("" for none). `split` is the column that
    names the split of its row ("" for none); `stated` as in `Learnt`."""

    fields: tuple[Path, ...]
    columns: Mapping[str, Shape]
    together: tuple[tuple[Path, ...], ...] = ()
    image: str = ""
    split: str = ""
    stated: Mapping[str, Any] = field_of_class(default_factory=dict)


def learn(inputs: Sequence[str], limit: int, options: FileOptions) -> Learnt:
    """What the columns of these files hold, in one pass that keeps no records. Raises `ValueError`."""
    unread = Unread()
    with refusing():
        _, slices = records.scan(inputs, 2**31, limit, options)
        columns: dict[str, Shape] = {}
        stated: dict[str, Any] = {}
        for piece in slices:
            found, features = _columns(piece, unread)
            for name, shape in found.items():
                known = stated.setdefault(name, features.get(name))
                stated[name] = known if known == features.get(name) else None
                columns[name] = join(columns[name], shape) if name in columns else shape
    if not columns:
        unread.refuse(inputs)
    return Learnt({name: shape for name, shape in columns.items() if is_utf8(name)}, slices, stated)


def notes(slices: Sequence[Slice]) -> list[str]:
    """What is to be said of how files are read, a line each."""
    signs = {";": "semicolons", "\t": "tabs"}
    return [f"{name} has {signs[sign]} between its cells" for name, sign in tables.unusual(slices).items()]


@contextmanager
def refusing() -> Iterator[None]:
    """What is wrong with files becomes a `ValueError` that names the flag they came from."""
    try:
        yield
    except records.BadFiles as error:
        raise ValueError("\n".join(f"--source {problem}" for problem in error.problems)) from error
    except records.BadFile as error:
        raise ValueError(f"--source {error}") from error


def _columns(piece: Slice, unread: Unread) -> tuple[Mapping[str, Shape], Mapping[str, Any]]:
    """The shapes of the columns of a slice, and what its file states of them as `datasets` does."""
    if piece.kind == "table":
        return dict.fromkeys(piece.columns, TEXT), {}
    if piece.kind == "parquet":
        with location(piece.path).open("rb") as file:
            schema = pq.read_schema(file)
        return {column.name: shape_of_type(column.type) for column in schema}, _stated(schema)
    return columns_of(unread.readable(records.read(piece))), {}


def _stated(schema: pa.Schema) -> Mapping[str, Any]:
    """The `datasets` features in a schema's metadata, which anybody may have written."""
    try:
        features = json.loads((schema.metadata or {})[STATED])["info"]["features"]
    except (KeyError, TypeError, ValueError, RecursionError):
        return {}
    return features if isinstance(features, Mapping) else {}


def make_plan(
    learnt: Learnt,
    fields: Sequence[Path],
    together: Sequence[Sequence[Path]] = (),
    keep: Sequence[str] | None = None,
    image: str = "",
    splits: bool = False,
) -> Plan:
    """What to do with the records of these files. Raises `ValueError` with all that does not fit them.

    `keep` are the columns to publish beside those of the fields (None: all). Without `image`, a column that carries
    images is found by its type. With `splits`, a row is in the split that its column `split` names.
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
    if image in names and learnt.columns[image].kind == "list":
        problems.append(
            f"--image {image}: it holds lists, and a row has one image; without --image it is published as it is"
        )
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
    split = "split" if splits and "split" in names else ""
    return Plan(tuple(fields), columns, tuple(tuple(group) for group in together), image, split, learnt.stated)


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
    """The form of the records that a plan is for. A column says what its source stated of it, for `with_features`."""
    return Form(
        name=name,
        about="fields named on the command line",
        columns=pa.schema(
            [
                pa.field(name, arrow_type(shape), metadata={STATED: json.dumps(plan.stated.get(name))})
                for name, shape in plan.columns.items()
            ]
        ),
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
                    text = field(name_of(place), kind_of(path), value, unit=unit)
                    fields[text["name"]] = text | ({"target": value, "by": "verbatim"} if what else {})
        kept = {name: as_json(raw.get(name)) for name in self.plan.columns}
        at = image(raw, self.plan.image) if self.plan.image else ImageAt()
        return Item(list(fields.values()), kept, at, self._split(raw, counters))

    def _split(self, raw: Mapping[str, Any], counters: Counter[str]) -> str:
        said = raw.get(self.plan.split) if self.plan.split else None
        split = known_split(said) if isinstance(said, str) else ""
        if said not in (None, "") and not split:
            counters["split_not_known"] += 1
        return split


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
