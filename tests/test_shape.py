"""The shapes of columns: joined in any order they are the same, and what is published says what the records said."""

import json
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.transforms.paths import parse_path
from builders.transforms.shape import (
    JSON,
    MAX_KEYS,
    NULL,
    SCALAR,
    TEXT,
    Shape,
    arrow_type,
    as_published,
    as_text,
    columns_of,
    join,
    shape_of,
    shape_of_type,
    widened,
    with_text_at,
)

SCALARS = (
    st.none() | st.booleans() | st.integers() | st.integers(-9, 9) | st.floats(allow_nan=False) | st.text(max_size=4)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["a", "b", "c.d"]), inner, max_size=3),
    max_leaves=12,
)
TYPES = [pa.int32(), pa.int64(), pa.float32(), pa.float64(), pa.bool_(), pa.string(), pa.timestamp("us"), pa.uint64(),
         pa.list_(pa.int16()), pa.struct([("a", pa.int8())])]  # fmt: skip
SHAPES = VALUES.map(shape_of) | st.sampled_from(TYPES).map(shape_of_type)


@given(SHAPES, SHAPES, SHAPES)
def test_shapes_are_joined_in_any_order(a: Shape, b: Shape, c: Shape) -> None:
    assert join(a, b) == join(b, a)
    assert join(a, join(b, c)) == join(join(a, b), c)
    assert join(a, a) == a
    assert join(a, NULL) == a
    assert join(join(a, b), b) == join(a, b)


@given(SHAPES, VALUES)
def test_a_shape_is_widened_by_a_value_as_by_its_shape(shape: Shape, value: Any) -> None:
    wider = widened(shape, value)
    assert wider == join(shape, shape_of(value))
    assert widened(wider, value) is wider


def means(published: Any, value: Any, shape: Shape) -> bool:
    """Whether what is published says what the record says; a missing key is as good as nothing."""
    if value is None or published is None:
        return value is None and published is None
    if pa.types.is_string(arrow_type(shape)) and shape != TEXT:
        return bool(json.loads(published) == value and type(json.loads(published)) is type(value))
    if isinstance(value, dict):
        keys = {key: item for key, item in published.items() if item is not None or key in value}
        return keys.keys() == value.keys() and all(means(keys[key], value[key], shape.keys[key]) for key in keys)
    if isinstance(value, list):
        assert shape.item
        pairs = zip(published, value, strict=True)
        return all(means(one, other, shape.item) for one, other in pairs)
    return bool(published == value)


@given(st.lists(VALUES, min_size=1, max_size=5))
def test_a_column_holds_all_its_values(values: list[Any]) -> None:
    shape = columns_of({"column": value} for value in values)["column"]
    column = pa.array([as_published(value, shape) for value in values], arrow_type(shape))
    for published, value in zip(column.to_pylist(), values, strict=True):
        assert means(published, value, shape), (published, value, shape)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1, None, 2], pa.int64()),
        ([1, 2.5], pa.float64()),
        ([2**53 + 1, 2.5], pa.string()),
        ([2**63], pa.string()),
        ([True, 1], pa.string()),
        (["a", 1], pa.string()),
        (["a", ["a"]], pa.string()),
        ([[], None], pa.list_(pa.string())),
        ([{}], pa.string()),
        ([{"a": 1}, {"b": [0.5]}], pa.struct([("a", pa.int64()), ("b", pa.list_(pa.float64()))])),
        ([{"\ud800": 1}], pa.string()),
        ([{str(number): 1} for number in range(MAX_KEYS + 1)], pa.string()),
        ([None], pa.string()),
    ],
)
def test_the_type_of_a_column(values: list[Any], kind: pa.DataType) -> None:
    assert arrow_type(columns_of({"column": value} for value in values)["column"]) == kind


@pytest.mark.parametrize(
    ("kind", "published"),
    [
        (pa.int32(), pa.int32()),
        (pa.dictionary(pa.int8(), pa.string()), pa.string()),
        (pa.large_list(pa.large_string()), pa.list_(pa.string())),
        (pa.list_(pa.float32(), 4), pa.list_(pa.float32())),
        (pa.timestamp("ns", "UTC"), pa.timestamp("ns", "UTC")),
        (pa.map_(pa.string(), pa.int8()), pa.list_(pa.struct([("key", pa.string()), ("value", pa.int8())]))),
        (pa.null(), pa.string()),
    ],
)
def test_a_type_of_arrow_stays(kind: pa.DataType, published: pa.DataType) -> None:
    assert arrow_type(shape_of_type(kind)) == published


def test_numbers_among_texts_to_translate_are_text_and_elsewhere_json() -> None:
    columns = columns_of([{"a": [{"t": ["x", 3], "n": "x"}]}, {"a": [{"t": [True], "n": 3}]}])
    assert columns["a"].item
    assert columns["a"].item.keys["n"] == SCALAR
    texts = with_text_at(columns, parse_path("a[].t"))["a"]
    assert as_published([{"t": ["x", 3, True, None], "n": "x"}], texts) == [{"t": ["x", "3", "true", None], "n": '"x"'}]
    assert [place for place, _ in as_text({"a": texts})] == ["a[].n"]


def test_a_value_of_another_shape_is_refused() -> None:
    for value, shape in (("x", shape_of(3)), ([1], TEXT), ({"a": 1}, shape_of([1])), (1.5, shape_of(1))):
        with pytest.raises(ValueError, match="is expected"):
            as_published(value, shape)
    assert as_published({"a": [1]}, JSON) == '{"a": [1]}'
