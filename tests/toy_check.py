"""A recipe whose rows come with their translations, to see what the check stage makes of a whole build."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from builders.engine import BuildConfig, Row, RowError, RowStage, Stage, flag, main
from builders.stages.check import Check
from builders.stages.ingest import Ingest
from builders.transforms.fields import FIELDS, field
from validation.filters import configured_filters

SCHEMA = pa.schema([("id", pa.string()), ("split", pa.string()), ("broken", pa.bool_()), FIELDS])


class Reader:
    source = "toy"
    schema = SCHEMA

    def preflight(self) -> list[str]:
        return []

    def row(self, raw: Mapping[str, Any], row: Row, counters: Counter[str]) -> Row:
        fields = [field("text", "caption", raw["source"], target=raw["target"])]
        return {"id": row["id"], "split": row["split"], "broken": raw.get("broken", False), "fields": fields}


@dataclass(frozen=True)
class Config(BuildConfig):
    input: tuple[str, ...] = flag((), "rows", fingerprint=False)
    healed: bool = flag(False, "rows that are broken are so no more", fingerprint=False)
    similarity: str = flag("", "model")


class Translated(RowStage):
    name = "translate"
    schema = SCHEMA

    def __init__(self, healed: bool) -> None:
        self.healed = healed

    def row(self, row: Row, counters: Counter[str]) -> Row:
        if row["broken"] and not self.healed:
            raise RowError("Broken", "not yet")
        return row


def stages(config: Config) -> list[Stage]:
    return [
        Ingest(config.input, Reader(), config.shard_rows, config.limit),
        Translated(config.healed),
        Check(SCHEMA, configured_filters(similarity=config.similarity), "en", "it"),
    ]


if __name__ == "__main__":
    main("toy-check", Config, stages, "Rows with their translations, checked.", "")
