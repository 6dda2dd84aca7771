"""The fields of a row that hold language: what every recipe hands to translate, check and publish.

A row's `fields` is a list of structs. `unit` groups fields that are translated together, `kind` is the field's
kind for the translation memory, and `by` says who gave the target: the machine, the glossary, a person who
corrected it, or nobody because the text stays as it is.
"""

from typing import Any, Literal

import pyarrow as pa

By = Literal["machine", "glossary", "verbatim", "human"]

FIELD = pa.struct(
    [
        ("unit", pa.int32()),
        ("name", pa.string()),
        ("kind", pa.string()),
        ("by", pa.string()),
        ("source", pa.string()),
        ("target", pa.string()),
        ("score", pa.float32()),
        ("note", pa.string()),
    ]
)
FIELDS = pa.field("fields", pa.list_(FIELD))
CHECKS = pa.field(
    "checks",
    pa.list_(pa.struct([("filter", pa.string()), ("field", pa.string()), ("figure", pa.float64())])),
)
CONVERSATIONS = pa.field("conversations", pa.list_(pa.struct([("from", pa.string()), ("value", pa.string())])))


def field(
    name: str, kind: str, source: str, *, unit: int = 0, target: str | None = None, by: By = "machine"
) -> dict[str, Any]:
    """One field; without a `target` it is the machine's to translate."""
    return {
        "unit": unit,
        "name": name,
        "kind": kind,
        "by": by,
        "source": source,
        "target": target,
        "score": None,
        "note": None,
    }
