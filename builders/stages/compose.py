"""Compose: the translated fields of a row become what a model is trained on."""

from collections import Counter
from collections.abc import Callable
from typing import Any, ClassVar

import pyarrow as pa

from builders.engine import Row, RowStage


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
