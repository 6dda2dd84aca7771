"""One local Ray for all tests, and a way to run a recipe as a user does: as a program."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import ray
from hypothesis import settings

from tests.wiki.fixture import family  # noqa: F401  (a fixture)

# The suite gives one verdict a commit: the same examples each time. `HYPOTHESIS_PROFILE=explore` looks for new ones.
settings.register_profile("same-each-time", deadline=None, derandomize=True)
settings.register_profile("explore", deadline=None, max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same-each-time"))

ROOT = Path(__file__).resolve().parents[1]
TOY = ROOT / "tests" / "toy.py"


@pytest.fixture(scope="session")
def cluster() -> Iterator[str]:
    """The address of a Ray cluster of four CPUs on this machine."""
    ray.init(num_cpus=4, include_dashboard=False, log_to_driver=False, object_store_memory=200 << 20)
    yield ray.get_runtime_context().gcs_address
    ray.shutdown()


def environment(address: str) -> dict[str, str]:
    """What a program needs to run this clone on the cluster at `address`."""
    return os.environ | {"RAY_ADDRESS": address, "PYTHONPATH": str(ROOT), "COLUMNS": "200"}


@dataclass
class Ran:
    """A program that has ended: its exit status and all it printed."""

    status: int
    text: str


@dataclass
class Toy:
    """A build of the toy recipe in a folder of its own."""

    folder: Path
    address: str
    flags: list[str] = field(default_factory=list)

    @property
    def out(self) -> Path:
        return self.folder / "out"

    def write(self, rows: list[dict[str, Any]], name: str = "train.jsonl") -> None:
        (self.folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows))

    def command(self, *flags: str) -> list[str]:
        return [
            sys.executable, str(TOY), "--input", str(self.folder / "train.jsonl"), "--output", str(self.out),
            "--log", str(self.folder / "calls.log"), *self.flags, *flags,
        ]  # fmt: skip

    def environment(self) -> dict[str, str]:
        return environment(self.address)

    def start(self, *flags: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            self.command(*flags), env=self.environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def run(self, *flags: str) -> Ran:
        process = self.start(*flags)
        text, _ = process.communicate(timeout=240)
        return Ran(process.returncode, text)

    def calls(self) -> list[int]:
        """The rows that workers looked at, in order."""
        log = self.folder / "calls.log"
        return [int(line.split()[0]) for line in log.read_text().splitlines()] if log.exists() else []

    def counts(self) -> dict[str, int]:
        counts: dict[str, int] = self.build()["counts"]
        return counts

    def build(self) -> dict[str, Any]:
        value: dict[str, Any] = json.loads((self.out / "build.json").read_text())
        return value

    def rows(self, folder: str = "dataset/data") -> list[dict[str, Any]]:
        return [
            row for path in sorted((self.out / folder).glob("*.parquet")) for row in pq.read_table(path).to_pylist()
        ]

    def dataset_bytes(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in sorted((self.out / "dataset").rglob("*.parquet"))}


@pytest.fixture
def toy(tmp_path: Path, cluster: str) -> Toy:
    return Toy(tmp_path, cluster, ["--shard-rows", "10", "--workers", "2"])


@pytest.fixture(scope="module")
def conversions(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A cache of converted models for a module's tests alone, which run on one thread."""
    import torch

    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BABELVISION_CACHE", str(folder))
        torch.set_num_threads(1)
        yield folder


@pytest.fixture(scope="module")
def untrained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A T5 with random weights: it never finds an end, or finds it anywhere."""
    from tests.checkpoints import make_t5

    return make_t5(tmp_path_factory.mktemp("untrained"))
