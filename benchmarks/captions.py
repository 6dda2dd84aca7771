"""A recipe that translates one text a row and keeps the time, for `translation.py` and `fewshot.py`."""

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from builders.engine import Outcome, Row, Stage, flag, main
from builders.stages.ingest import Ingest
from builders.stages.translate import Translate, TranslationConfig
from builders.transforms.fields import FIELDS, field

ROWS = pa.schema([("id", pa.string()), ("split", pa.string()), FIELDS])


class Reader:
    source = "captions"
    schema = ROWS

    def preflight(self) -> list[str]:
        return []

    def row(self, raw: Mapping[str, Any], row: Row, counters: Counter[str]) -> Row:
        fields = [field("caption", raw.get("kind", "caption"), raw["text"])]
        return {"id": row["id"], "split": row["split"], "fields": fields}


class Timed(Translate):
    """Writes down when a worker is ready and when it is done with a shard: what lies between is the pool's time."""

    clock: str = ""

    def note(self) -> None:
        with Path(self.clock).open("a") as file:
            file.write(f"{time.time()}\n")

    def open(self) -> None:
        super().open()
        self.note()

    def process(self, rows: list[Row]) -> Outcome:
        outcome = super().process(rows)
        self.note()
        return outcome


@dataclass(frozen=True)
class Config(TranslationConfig):
    input: tuple[str, ...] = flag((), "rows", fingerprint=False)
    clock: str = flag("", "file of times", fingerprint=False)


def stages(config: Config) -> list[Stage]:
    translate = Timed(ROWS, config)
    translate.clock = config.clock
    return [Ingest(config.input, Reader(), config.shard_rows, config.limit), translate]


if __name__ == "__main__":
    main("captions", Config, stages, "Translates captions.", "")
