"""A recipe of one stage of interest: rows with a URL in, images out. Run as a program, like any recipe."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from builders.engine import Row, Stage, flag, main
from builders.stages.fetch import Fetch, FetchConfig
from builders.stages.ingest import Ingest

SCHEMA = pa.schema(
    [(name, pa.string()) for name in ("id", "split", "kind", "code", "image_url", "image_sha256", "image_file")]
)


class Reader:
    source = "images"
    schema = SCHEMA

    def preflight(self) -> list[str]:
        return []

    def row(self, raw: Mapping[str, Any], row: Row, counters: Counter[str]) -> Row:
        same = {"id": row["id"], "split": row["split"], "kind": raw["kind"], "code": raw["code"]}
        return same | {"image_url": raw["url"], "image_sha256": raw["sha256"], "image_file": None}


@dataclass(frozen=True)
class Config(FetchConfig):
    input: tuple[str, ...] = flag((), "rows", fingerprint=False)


def stages(config: Config) -> list[Stage]:
    return [
        Ingest(config.input, Reader(), config.shard_rows, config.limit),
        Fetch(SCHEMA, config),
    ]


if __name__ == "__main__":
    main("images", Config, stages, "Downloads images.", "")
