"""What a form makes of a record, by a translator that puts texts into angle quotes, or says what it is told."""

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from builders.sources.items import Form, Item


def read(form: Form, raw: Mapping[str, Any], language: str = "eu", counters: Counter[str] | None = None) -> Item:
    """The item of a record; its fields' names are unique, and what is kept survives JSON."""
    item = form.read(raw, language, Counter() if counters is None else counters)
    assert len({each["name"] for each in item.fields}) == len(item.fields)
    assert json.loads(json.dumps(item.kept)) == item.kept
    return item


def translated(form: Form, item: Item, says: Mapping[str, str] = {}) -> dict[str, Any]:
    """The columns in the target language. `says` are translations by field name or by source text."""
    told = {
        each["name"]: each["target"]
        if each["by"] != "machine"
        else says.get(each["name"], says.get(each["source"], f"«{each['source']}»"))
        for each in item.fields
    }
    return _composed(form, item, told)


def original(form: Form, item: Item) -> dict[str, Any]:
    """The columns in the source's language, from the same item."""
    return _composed(form, item, {each["name"]: each["source"] for each in item.fields})


def _composed(form: Form, item: Item, told: Mapping[str, str]) -> dict[str, Any]:
    made = form.compose(told, item.kept)
    assert made.keys() == set(form.columns.names)
    (row,) = pa.Table.from_pylist([made], schema=form.columns).to_pylist()
    return dict(row)
