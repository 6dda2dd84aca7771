"""The smallest recipe there is, for `overhead.py`: count the words of a text."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from builders.engine import BuildConfig, Row, RowStage, Stage, flag, main
from builders.stages.ingest import Ingest

ROWS = pa.schema([("id", pa.string()), ("split", pa.string()), ("n", pa.int64()), ("text", pa.string())])


class Reader:
    source = "words"
    schema = ROWS

    def preflight(self) -> list[str]:
        return []

    def row(self, raw: Mapping[str, Any], row: Row, counters: Counter[str]) -> Row:
        return {"id": row["id"], "split": row["split"], "n": raw["n"], "text": raw["text"]}


class Words(RowStage):
    name = "words"
    schema = ROWS.append(pa.field("words", pa.int64()))

    def row(self, row: Row, counters: Counter[str]) -> Row:
        return row | {"words": len(row["text"].split())}


@dataclass(frozen=True)
class Config(BuildConfig):
    input: tuple[str, ...] = flag((), "rows", fingerprint=False)


def stages(config: Config) -> list[Stage]:
    return [Ingest(config.input, Reader(), config.shard_rows, config.limit), Words()]


if __name__ == "__main__":
    main("words", Config, stages, "Counts words.", "")
