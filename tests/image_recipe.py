"""A recipe of one stage of interest: rows with a URL in, images out. Run as a program, like any recipe."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from builders.engine import Row, Stage, flag, main
from builders.stages.fetch import Fetch, FetchConfig
from builders.stages.ingest import Ingest

SCHEMA = pa.schema([(name, pa.string()) for name in ("id", "split", "kind", "code", "url", "sha256")])


class Reader:
    source = "images"
    schema = SCHEMA

    def preflight(self) -> list[str]:
        return []

    def row(self, raw: Mapping[str, Any], row: Row, counters: Counter[str]) -> Row:
        return {"id": row["id"], "split": row["split"]} | {name: raw[name] for name in SCHEMA.names[2:]}


@dataclass(frozen=True)
class Config(FetchConfig):
    input: tuple[str, ...] = flag((), "rows", fingerprint=False)


def stages(config: Config) -> list[Stage]:
    return [
        Ingest(config.input, Reader(), config.shard_rows, config.limit),
        Fetch(SCHEMA, config, url="url", sha256="sha256"),
    ]


if __name__ == "__main__":
    main("images", Config, stages, "Downloads images.", "")
