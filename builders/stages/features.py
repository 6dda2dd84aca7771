"""What `datasets` must know of a schema that Arrow cannot say: that a column holds images."""

import json
from collections.abc import Mapping
from typing import Any

import pyarrow as pa


def with_features(schema: pa.Schema, special: Mapping[str, Any] | None = None) -> pa.Schema:
    """The schema with its `datasets` features in the metadata; `special` are those that are no plain values."""
    features = {name: feature(schema.field(name).type) for name in schema.names} | dict(special or {})
    return schema.with_metadata({"huggingface": json.dumps({"info": {"features": features}})})


def feature(kind: pa.DataType) -> Any:
    """A `datasets` feature as its schema metadata writes it."""
    if pa.types.is_list(kind):
        return {"feature": feature(kind.value_type), "_type": "List"}
    if pa.types.is_struct(kind):
        return {item.name: feature(item.type) for item in kind}
    return {"dtype": {"float": "float32", "double": "float64"}.get(str(kind), str(kind)), "_type": "Value"}
