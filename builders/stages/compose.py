"""Compose: the translated fields of a row become what a model is trained on."""

import json
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from typing import Any, ClassVar, Literal

import pyarrow as pa

from builders.engine import Row, RowError, RowStage, StageError
from builders.sources.items import Form

Parallel = Literal["", "columns", "config"]
COMPOSED, COMPOSED_SOURCE = "composed", "composed_source"


class Compose(RowStage):
    """Adds `column` to a row by a pure function of `(row, counters)`."""

    name = "compose"
    # Publish reads a range of ids of every shard: small row groups, which it can skip by their statistics.
    parquet: ClassVar[dict[str, Any]] = {"row_group_size": 100}

    def __init__(self, schema: pa.Schema, column: pa.Field, function: Callable[[Row, Counter[str]], Any]) -> None:
        self.schema = schema.append(column)
        self.column = column.name
        self.function = function

    def row(self, row: Row, counters: Counter[str]) -> Row:
        made = row | {self.column: self.function(row, counters)}
        counters[f"task/{row['task_name']}"] += 1
        return made


class ComposeForm(RowStage):
    """Adds what a form makes of a row's fields, as one struct that `Publish` takes apart.

    `parallel` is what the form makes of the same fields in the `source` language: "" leaves it out; "columns" puts
    `<column>_<source>` beside every column that holds language; "config" publishes it as a configuration of its own.
    `columns` is what to tell `Publish`.
    """

    name = "compose"
    parquet = Compose.parquet

    def __init__(self, schema: pa.Schema, form: Form, parallel: Parallel = "", source: str = "en") -> None:
        self.form = form
        self.parallel = parallel
        names = form.columns.names
        self.beside = {name: free(f"{name}_{source}", names) for name in form.texts} if parallel == "columns" else {}
        self.columns = pa.schema(
            [
                field.with_name(name)
                for field in form.columns
                for name in (field.name, self.beside.get(field.name))
                if name
            ]
        )
        self.schema = schema.append(pa.field(COMPOSED, pa.struct(list(self.columns))))
        if parallel == "config":
            self.schema = self.schema.append(pa.field(COMPOSED_SOURCE, pa.struct(list(form.columns))))

    def row(self, row: Row, counters: Counter[str]) -> Row:
        kept = json.loads(row["layout"])
        composed = self._composed({item["name"]: item["target"] for item in row["fields"]}, kept)
        made = row | {COMPOSED: composed}
        if self.parallel:
            told = self._composed({item["name"]: item["source"] for item in row["fields"]}, kept)
            if self.parallel == "config":
                return made | {COMPOSED_SOURCE: told}
            composed |= {new: told[name] for name, new in self.beside.items()}
        return made

    def _composed(self, told: Mapping[str, str], kept: Mapping[str, Any]) -> Row:
        """What the form makes of these texts. Raises `RowError` where that has not the types of its columns."""
        made = dict(self.form.compose(told, kept))
        if made.keys() != set(self.form.columns.names):
            raise StageError(
                f"form {self.form.name} makes {', '.join(sorted(made))}; its columns are "
                f"{', '.join(sorted(self.form.columns.names))}"
            )
        for column in self.form.columns:
            value = made[column.name]
            try:
                if pa.types.is_list(column.type) and isinstance(value, str | bytes):
                    raise TypeError("a text, which would be taken for a list of its letters")
                pa.array([value], column.type)
            except (pa.ArrowException, ValueError, TypeError, OverflowError) as error:
                raise RowError("WrongType", f"column {column.name!r}: expected {column.type}: {error}") from error
        return made


def free(name: str, taken: Collection[str]) -> str:
    """The name, with `source_` before it as often as it takes to be none of these."""
    while name in taken:
        name = f"source_{name}"
    return name
