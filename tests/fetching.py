"""A recipe of one line: rows with a URL, and then their images. Run as a program, like any recipe."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from builders.engine import Row, Stage, flag, main
from builders.stages.fetch import Fetch, FetchConfig
from builders.stages.ingest import Ingest


class Reader:
    source = "urls"
    schema = pa.schema(
        [(name, pa.string()) for name in ("id", "split", "name", "image_url", "image_sha256", "image_file")],
    )

    def preflight(self) -> list[str]:
        return []

    def row(self, raw: Mapping[str, Any], row: Row, counters: Counter[str]) -> Row:
        return {
            "id": row["id"], "split": row["split"], "name": raw["name"], "image_url": raw["url"],
            "image_sha256": raw.get("sha256"), "image_file": None,
        }  # fmt: skip


@dataclass(frozen=True)
class Config(FetchConfig):
    input: tuple[str, ...] = flag((), "rows", fingerprint=False)


def stages(config: Config) -> list[Stage]:
    return [
        Ingest(config.input, Reader(), config.shard_rows, config.limit),
        Fetch(Reader.schema, config),
    ]


if __name__ == "__main__":
    main("fetching", Config, stages, "Images by URL.", "")
