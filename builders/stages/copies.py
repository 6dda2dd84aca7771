"""Rows that are there twice: the first is kept, its copies are refused by name.

An id is made from a row's content, so that copies have the same id. Ingest finds those of one shard, and publish,
where all rows of a dataset shard meet, finds the others.
"""

from collections import Counter

from builders.engine import Outcome, Rejection, Row, RowStage

DUPLICATE = "duplicate_row_v1"
ALLOWED = "copy of a row that is kept; allowed: none"


def number_copies(rows: list[Row], seen: Counter[str] | None = None) -> list[Row]:
    """Give every row its `copy` (0 for the first with its id), and a copy an id of its own.

    `seen` counts the ids of the rows before these, where there are such.
    """
    seen = Counter() if seen is None else seen
    for row in rows:
        row["copy"] = seen[row["id"]]
        seen[row["id"]] += 1
        if row["copy"]:
            row["id"] += f"+{row['copy']}"
    return rows


class WithoutCopies(RowStage):
    """A row stage that refuses the copies among rows that went through `number_copies`."""

    def process(self, rows: list[Row]) -> Outcome:
        outcome = super().process([row for row in rows if not row["copy"]])
        outcome.rejected += [
            Rejection(row["id"], DUPLICATE, "row", float(row["copy"]), ALLOWED) for row in rows if row["copy"]
        ]
        return outcome
