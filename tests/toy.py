"""A recipe for breaking the engine: each row says what its worker shall do with it.

Run as a program, like any recipe. Every row that a worker looks at is logged by one appended line, so that a test
can count the work that was really done.
"""

import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from builders.engine import Build, BuildConfig, Outcome, Row, RowError, RowStage, Stage, StageError, flag, main
from builders.stages.ingest import Ingest

SCHEMA = pa.schema([("id", pa.string()), ("split", pa.string()), ("n", pa.int64()), ("do", pa.string())])


class Reader:
    source = "toy"
    schema = SCHEMA

    def preflight(self) -> list[str]:
        return []

    def row(self, raw: Mapping[str, Any], row: Row, counters: Counter[str]) -> Row:
        return {"id": row["id"], "split": row["split"], "n": int(raw["n"]), "do": raw.get("do", "")}


@dataclass(frozen=True)
class Config(BuildConfig):
    input: tuple[str, ...] = flag((), "rows", fingerprint=False)
    log: str = flag("", "where every row looked at is logged", fingerprint=False)
    factor: int = flag(2, "what to multiply by")
    slow: float = flag(0.0, "seconds a row", fingerprint=False)
    overlap: int = flag(1, "shards a worker has in hand", fingerprint=False)
    healed: bool = flag(False, "rows that raise do so no more", fingerprint=False)


class Work(RowStage):
    name = "work"
    schema = SCHEMA.append(pa.field("product", pa.int64()))

    def __init__(self, config: Config) -> None:
        self.config = config
        self.overlap = config.overlap

    def open(self) -> None:
        if (Path(self.config.log).parent / "no-start").exists():
            print("the model server says: out of memory", file=sys.stderr, flush=True)
            os._exit(1)

    def row(self, row: Row, counters: Counter[str]) -> Row:
        with open(self.config.log, "a") as log:
            log.write(f"{row['n']} {os.getpid()}\n")
        if self.config.slow:
            time.sleep(self.config.slow)
        do, _, argument = row["do"].partition(":")
        if do == "raise" and not self.config.healed:
            raise RowError(argument or "Broken", f"row {row['n']} is broken")
        if do == "value-error" and not self.config.healed:
            raise ValueError(f"row {row['n']} surprises")
        if do == "exit":
            os._exit(1)
        if do == "hang":
            time.sleep(1000)
        if do == "die-once" and not Path(argument).exists():
            Path(argument).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        if do == "server-gone" and not Path(argument).exists():
            Path(argument).touch()
            raise StageError("the model server is gone")
        if do == "kill-driver" and not Path(argument).exists():
            Path(argument).touch()
            os.kill(int(Path(self.config.log).with_name("driver.pid").read_text()), signal.SIGKILL)
            time.sleep(1000)
        return row | {"product": row["n"] * self.config.factor}


class Drop(Stage):
    """Checks that products are there, and loses a row when told to: the engine must notice."""

    name = "drop"
    schema = Work.schema

    def process(self, rows: list[Row]) -> Outcome:
        return Outcome(written=[row for row in reversed(rows) if row["do"] != "lose"])


class Concatenate(Drop):
    name = "last"

    def destination(self, folder: str, shard: str) -> str:
        return f"dataset/data/{shard}.parquet"

    def finish(self, build: Build) -> None:
        (build.out / "finished").touch()


def stages(config: Config) -> list[Stage]:
    if config.log:
        Path(config.log).with_name("driver.pid").write_text(str(os.getpid()))
    return [Ingest(config.input, Reader(), config.shard_rows, config.limit), Work(config), Concatenate()]


if __name__ == "__main__":
    main("toy", Config, stages, "A recipe for breaking the engine.", "")
