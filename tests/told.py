"""What a form makes of a record, by a translator that puts texts into angle quotes, or says what it is told."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from builders.sources.items import ITEMS, Form, Item
from builders.stages.compose import COMPOSED, COMPOSED_SOURCE, ComposeForm


def read(form: Form, raw: Mapping[str, Any], language: str = "eu", counters: Counter[str] | None = None) -> Item:
    """The item of a record; its fields' names are unique, and what is kept survives JSON."""
    item = form.read(raw, language, Counter() if counters is None else counters)
    assert len({each["name"] for each in item.fields}) == len(item.fields)
    assert json.loads(json.dumps(item.kept)) == item.kept
    return item


def translated(form: Form, item: Item, says: Mapping[str, str] = {}) -> dict[str, Any]:
    """The columns in the target language. `says` are translations by field name or by source text."""
    fields = [
        each | {"target": says.get(each["name"], says.get(each["source"], f"«{each['source']}»"))}
        if each["by"] == "machine"
        else each
        for each in item.fields
    ]
    return _composed(form, fields, item, COMPOSED)


def original(form: Form, item: Item) -> dict[str, Any]:
    """The columns in the source's language, from the same item."""
    return _composed(form, [each | {"target": each["source"]} for each in item.fields], item, COMPOSED_SOURCE)


def _composed(form: Form, fields: Sequence[Mapping[str, Any]], item: Item, column: str) -> dict[str, Any]:
    """What the compose stage makes of these fields, as it comes back from a file."""
    row = {"fields": fields, "layout": json.dumps(item.kept)}
    made = ComposeForm(ITEMS, form, parallel="config").row(row, Counter())
    (back,) = pa.Table.from_pylist([made[column]], schema=form.columns).to_pylist()
    return dict(back)
