"""A small recipe whose rows people judge: every stage of a real one, without filters, and with a translator of toys."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from builders.engine import Row, Stage, flag
from builders.stages.check import Check
from builders.stages.compose import Compose
from builders.stages.ingest import Ingest
from builders.stages.publish import Publish
from builders.stages.revise import Revise
from builders.stages.translate import Translate, TranslationConfig
from builders.transforms.fields import CHECKS, CONVERSATIONS, FIELDS, field

TEXTS = ("id", "task_name", "image_file", "image_path", "split", "source")
ROWS = pa.schema([*((name, pa.string()) for name in TEXTS), FIELDS])


class Reader:
    source = "judged"
    schema = ROWS

    def preflight(self) -> list[str]:
        return []

    def row(self, raw: Mapping[str, Any], row: Row, counters: Counter[str]) -> Row:
        fields = [
            field("question", "question", raw["question"]),
            field("answer", "answer", raw["answer"]),
            field("label", "option", "yes", target="sì", by="glossary"),
        ]
        same = {"task_name": "VQA", "image_file": None, "image_path": "a.jpg", "source": "{}"}
        return {"id": row["id"], "split": row["split"], "fields": fields} | same


@dataclass(frozen=True)
class Config(TranslationConfig):
    input: tuple[str, ...] = flag((), "rows", fingerprint=False)


def converse(row: Row, counters: Counter[str]) -> list[dict[str, str]]:
    told = {item["name"]: item["target"] for item in row["fields"]}
    turns = (("human", f"<image>\n{told['question']}"), ("gpt", told["answer"]))
    return [{"from": speaker, "value": value} for speaker, value in turns]


def stages(config: Config) -> list[Stage]:
    translate, checked = Translate(ROWS, config), ROWS.append(CHECKS)
    return [
        Ingest(config.input, Reader(), config.shard_rows, config.limit),
        translate,
        Check(ROWS, (), "en", config.to),
        Revise(checked, translate),
        Compose(checked, CONVERSATIONS, converse),
        Publish("path", rows_per_file=4, card="multiinstruct-it"),
    ]
