"""Check: a translation is untrusted until the filters have passed it."""

from collections import Counter
from collections.abc import Sequence

import pyarrow as pa

from builders.engine import Outcome, Rejection, Row, Stage
from builders.transforms.fields import CHECKS
from validation.filters import Filter, Pair, check

FIGURE_DIGITS = 4


class Check(Stage):
    """Refuses a row when a filter refuses one of its machine-translated fields; keeps every figure."""

    name = "check"

    def __init__(self, schema: pa.Schema, filters: Sequence[Filter], source: str, target: str) -> None:
        self.schema = schema.append(CHECKS)
        self.filters = tuple(filters)
        self.languages = (source, target)

    def process(self, rows: list[Row]) -> Outcome:
        outcome = Outcome()
        for row in rows:
            pairs = [
                Pair(item["name"], item["source"], item["target"], *self.languages, item["score"], item["note"])
                for item in row["fields"]
                if item["by"] == "machine"
            ]
            findings = check(pairs, self.filters)
            refused = [finding for finding in findings if not finding.accepted]
            outcome.counters += Counter(f"refused/{finding.filter}" for finding in refused)
            if refused:
                worst = refused[0]
                outcome.rejected.append(Rejection(row["id"], worst.filter, worst.field, worst.figure, worst.threshold))
                continue
            row["checks"] = [
                {"filter": item.filter, "field": item.field, "figure": round(item.figure, FIGURE_DIGITS)}
                for item in findings
            ]
            outcome.written.append(row)
        return outcome
