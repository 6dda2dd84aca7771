"""What the columns of a dataset hold, learnt from its records: the Arrow schema that loses nothing of them.

JSON has no schema, and real files change a field's type from row to row: one number is 3 and the next 3.5, a `context`
is text here and a list there, an object has other keys in every row. So every record has a *shape*, and the shape of a
column is the join of those of its values: missing is nothing, an integer beside a fraction is a fraction, objects have
the keys of both. What has no such common shape is published as JSON text. `join` is commutative, associative and
idempotent, so that files may be read in any order and in parts.
"""

import base64
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import time
from functools import reduce
from typing import Any, Literal

import pyarrow as pa

from builders.transforms.paths import Path

Kind = Literal["null", "bool", "small", "int", "float", "text", "exact", "list", "object", "scalars", "json"]

IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])  # as `datasets` stores one
STATED = b"huggingface"  # the key of `datasets` in the metadata of a schema
MAX_KEYS = 64
MAX_DEPTH = 8
EXACT_IN_A_FLOAT = 2**53
SCALARS = ("bool", "small", "int", "float", "text", "scalars")
ARROW = {"null": pa.string(), "bool": pa.bool_(), "small": pa.int64(), "int": pa.int64(), "float": pa.float64()}


@dataclass(frozen=True)
class Shape:
    """What stands in one place of all records.

    `small` are integers that a float holds exactly, `int` those of 64 bits. `exact` is an Arrow type that JSON lacks,
    `type`. `scalars` is text here and a number there; `json` is what nothing but JSON text can hold. `keys` are in the
    order in which they were first seen, which is no part of what a shape is.
    """

    kind: Kind
    item: "Shape | None" = None
    keys: Mapping[str, "Shape"] = field(default_factory=dict)
    type: pa.DataType | None = None


NULL, BOOL, SMALL, INT, FLOAT = Shape("null"), Shape("bool"), Shape("small"), Shape("int"), Shape("float")
TEXT, SCALAR, JSON = Shape("text"), Shape("scalars"), Shape("json")
LIST, OBJECT = Shape("list", item=NULL), Shape("object")
PLAIN = {type(None): NULL, bool: BOOL, float: FLOAT, str: TEXT}


def shape_of(value: Any) -> Shape:
    """The shape of a JSON value. What lies deeper than `MAX_DEPTH`, or has more than `MAX_KEYS` keys, is JSON text."""
    return widened(NULL, value)


def widened(shape: Shape, value: Any, depth: int = 0) -> Shape:
    """The join of a shape and that of a value; the same object where the shape holds the value already."""
    plain = PLAIN.get(type(value))
    if plain is not None:
        return shape if shape is plain else join(shape, plain)
    if isinstance(value, int):
        return join(shape, SMALL if abs(value) <= EXACT_IN_A_FLOAT else INT if -(2**63) <= value < 2**63 else JSON)
    if depth == MAX_DEPTH:
        return join(shape, JSON)
    empty = LIST if isinstance(value, list) else OBJECT
    if shape.kind == "null":
        shape = empty
    if shape.kind != empty.kind:
        return join(shape, widened(NULL, value, depth))
    if isinstance(value, list):
        assert shape.item
        item = reduce(lambda known, each: widened(known, each, depth + 1), value, shape.item)
        return shape if item is shape.item else Shape("list", item=item)
    changed = {}
    for key, each in value.items():
        known = shape.keys.get(key)
        new = widened(known or NULL, each, depth + 1)
        if new is not known:
            changed[key] = new
    return _object({**shape.keys, **changed}) if changed else shape


def join(one: Shape, other: Shape) -> Shape:
    """The smallest shape that holds what either holds."""
    if one is other or other.kind == "null":
        return one
    if one.kind == "null":
        return other
    if one.kind == other.kind == "list":
        assert one.item
        assert other.item
        item = join(one.item, other.item)
        return one if item is one.item else Shape("list", item=item)
    if one.kind == other.kind == "object":
        joined = {key: join(one.keys.get(key, NULL), shape) for key, shape in other.keys.items()}
        same = all(one.keys.get(key) is shape for key, shape in joined.items())
        return one if same else _object({**one.keys, **joined})
    if one == other:
        return one
    one, other = _loosened(one), _loosened(other)
    kinds = {one.kind, other.kind}
    if len(kinds) == 1:
        return one
    if kinds == {"small", "int"}:
        return INT
    if kinds == {"small", "float"}:
        return FLOAT
    return SCALAR if kinds <= set(SCALARS) else JSON


def _object(keys: Mapping[str, Shape]) -> Shape:
    return Shape("object", keys=keys) if len(keys) <= MAX_KEYS else JSON


def _loosened(shape: Shape) -> Shape:
    """The shape among those of JSON that an Arrow type comes next to."""
    kind = shape.type
    if kind is None:
        return shape
    if pa.types.is_integer(kind) and kind != pa.uint64():
        return SMALL if kind.bit_width <= 32 else INT
    return FLOAT if pa.types.is_floating(kind) else TEXT


def shape_of_type(kind: pa.DataType) -> Shape:
    """The shape of an Arrow type. A map is a list of keys with values, a dictionary what it stands for, and a span of
    time, which JSON can only describe, is text. A small decimal is one of 128 bits, the least that `datasets` has."""
    if isinstance(kind, pa.BaseExtensionType):
        return shape_of_type(kind.storage_type)
    if pa.types.is_dictionary(kind):
        return shape_of_type(kind.value_type)
    if pa.types.is_map(kind):
        return Shape(
            "list", item=_object({"key": shape_of_type(kind.key_type), "value": shape_of_type(kind.item_type)})
        )
    if pa.types.is_struct(kind) and kind.num_fields:
        return Shape("object", keys={item.name: shape_of_type(item.type) for item in kind})
    if isinstance(getattr(kind, "value_type", None), pa.DataType):
        return Shape("list", item=shape_of_type(kind.value_type))
    if any(test(kind) for test in (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)):
        return TEXT
    if pa.types.is_duration(kind) or pa.types.is_interval(kind):
        return TEXT
    if pa.types.is_decimal(kind) and kind.bit_width < 128:
        return Shape("exact", type=pa.decimal128(kind.precision, kind.scale))
    if pa.types.is_binary_view(kind):
        return Shape("exact", type=pa.binary())
    plain = {pa.null(): NULL, pa.bool_(): BOOL, pa.int64(): INT, pa.float64(): FLOAT, pa.float16(): FLOAT}
    return plain.get(kind) or Shape("exact", type=kind)


def columns_of(records: Iterable[Mapping[str, Any]], known: Mapping[str, Shape] | None = None) -> dict[str, Shape]:
    """The shape of every column of all records, joined to those that are known already."""
    columns = dict(known or {})
    for record in records:
        for name, value in record.items():
            columns[name] = widened(columns.get(name, NULL), value)
    return columns


def with_text_at(columns: Mapping[str, Shape], path: Path) -> dict[str, Shape]:
    """The columns, where a path to be translated leads to text beside numbers: there the numbers are text, too."""
    shape = _with_text_at(columns[path.column], path.steps[1:])
    return {**columns, path.column: shape}


def _with_text_at(shape: Shape, steps: tuple[str | None, ...]) -> Shape:
    if shape.kind == "scalars" and not steps:
        return TEXT
    if shape.kind == "list" and shape.item:
        return replace(shape, item=_with_text_at(shape.item, steps[1:] if steps and steps[0] is None else steps))
    if shape.kind == "object" and steps and steps[0] in shape.keys:
        key = str(steps[0])
        return replace(shape, keys={**shape.keys, key: _with_text_at(shape.keys[key], steps[1:])})
    return shape


def arrow_type(shape: Shape) -> pa.DataType:
    """How a shape is published."""
    if shape.type is not None:
        return shape.type
    if shape.kind == "list" and shape.item:
        return pa.list_(arrow_type(shape.item))
    if shape.kind == "object" and _is_struct(shape):
        return pa.struct([(key, arrow_type(item)) for key, item in shape.keys.items()])
    return ARROW.get(shape.kind, pa.string())


def _is_struct(shape: Shape) -> bool:
    """Whether an object can be a struct: Parquet has none without keys, and knows UTF-8 alone."""
    return bool(shape.keys) and all(is_utf8(key) for key in shape.keys)


def is_utf8(text: str) -> bool:
    """Whether a text is one that UTF-8 can write; JSON can hold halves of characters."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def as_json(value: Any) -> Any:
    """A record as JSON alone: bytes as base64."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, Mapping):
        return {key: as_json(item) for key, item in value.items()}
    return [as_json(item) for item in value] if isinstance(value, list) else value


def as_published(value: Any, shape: Shape) -> Any:
    """A value of a record, as `as_json` made it, as its column holds it.

    Times and decimals are text in JSON, a map is a list of pairs (`builders.sources.parquet_rows.plain`). Raises
    `ValueError` for a value that its shape does not hold.
    """
    if value is None:
        return None
    match shape.kind:
        case "list" if isinstance(value, list):
            assert shape.item
            return [as_published(item, shape.item) for item in value]
        case "object" if isinstance(value, Mapping):
            if not _is_struct(shape):
                return json.dumps(value, ensure_ascii=False)
            return {key: as_published(value.get(key), item) for key, item in shape.keys.items()}
        case "object" if shape.keys.keys() == {"key", "value"} and isinstance(value, list) and len(value) == 2:
            return as_published({"key": value[0], "value": value[1]}, shape)
        case "exact":
            return _exact(value, shape.type)
        case "text" if isinstance(value, str):
            return value
        case "text" if isinstance(value, int | float):
            return json.dumps(value)
        case "scalars" | "json":
            return json.dumps(value, ensure_ascii=False)
        case "float" if isinstance(value, int | float):
            return float(value)
        case "bool" | "small" | "int" if isinstance(value, int):
            return value
    raise ValueError(f"{json.dumps(value)[:80]} stands where {shape.kind} is expected")


def _exact(value: Any, kind: pa.DataType) -> Any:
    """A value of an Arrow type that JSON lacks, from its form in JSON."""
    if not isinstance(value, str):
        return value
    if pa.types.is_time(kind):
        return time.fromisoformat(value)
    if any(test(kind) for test in (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_fixed_size_binary)):
        return base64.b64decode(value)
    return pa.scalar(value).cast(kind).as_py()


def as_text(columns: Mapping[str, Shape]) -> Iterator[tuple[str, str]]:
    """What is published as JSON text: where, as a path, and why."""
    for name, shape in columns.items():
        yield from _as_text((name,), shape)


def _as_text(steps: tuple[str | None, ...], shape: Shape) -> Iterator[tuple[str, str]]:
    if shape.kind == "json":
        yield (
            str(Path(steps)),
            f"records differ there, or it is deeper than {MAX_DEPTH} levels or has over {MAX_KEYS} keys",
        )
    elif shape.kind == "scalars":
        yield str(Path(steps)), "text in some records, numbers or true and false in others"
    elif shape.kind == "object" and not _is_struct(shape):
        yield str(Path(steps)), "an object that has no keys that Parquet could name"
    elif shape.kind == "list" and shape.item:
        yield from _as_text((*steps, None), shape.item)
    for key, item in shape.keys.items() if shape.kind != "object" or _is_struct(shape) else ():
        yield from _as_text((*steps, key), item)
