"""Small datasets of a few words a row, and rounds drawn from them."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from validation.annotation.planning import Planned, Request, plan_round

TEXT = pa.struct([(name, pa.string()) for name in ("field", "source", "target")])
TURN = pa.struct([("from", pa.string()), ("value", pa.string())])
SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("image", pa.struct([("bytes", pa.binary()), ("path", pa.string())])),
        ("conversations", pa.list_(TURN)),
        ("task_name", pa.string()),
        ("translations", pa.list_(TEXT)),
    ]
)


def row(number: int, **changes: Any) -> dict[str, Any]:
    """A question with its answer; its text says its number."""
    question = f"Che cosa c'è nel riquadro {number}?"
    return {
        "id": f"row-{number:03d}",
        "image": {"bytes": b"no image" * 8, "path": None},
        "conversations": [
            {"from": "human", "value": f"<image>\n{question}"},
            {"from": "gpt", "value": "una casa"},
        ],
        "task_name": "VQA" if number % 3 else "caption",
        "translations": [
            {
                "field": "question",
                "source": f"What is in box {number}?",
                "target": f"Che cosa c'è nel riquadro {number}?",
            },
            {"field": "answer", "source": "a house", "target": "una casa"},
        ],
    } | changes


def write_dataset(
    out: Path, rows: Sequence[dict[str, Any]], name: str = "data/test-00000-of-00001", groups: int = 10
) -> Path:
    path = out / f"{name}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(list(rows), schema=SCHEMA), path, row_group_size=groups, compression="none")
    return path


def write_lines(path: Path, *lines: Any) -> Path:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def ask(out: Path, *names: str, shared: int = 3, own: int = 2, **more: Any) -> Planned:
    """A round in Italian of `names`, or of two annotators."""
    return plan_round(Request(out, "round-1", names or ("ane", "jon"), shared, own, target_language="it", **more))
