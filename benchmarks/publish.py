"""What publishing costs: our stage against `datasets`, on the same rows, images and core.

    python benchmarks/publish.py [--rows 5000] [--more 20000] [--rounds 3]

Rows as the compose stage writes them, in shards of 2,000, each with a JPEG of about 37 kB in a file of its own. Ours is
what a worker of the stage does, without Ray: plan, then shard after shard to the last file written. The peer is
`Dataset.from_generator(…).to_parquet` with its own settings, in the order of its generator. Ours decodes every image to
its end before it is published; so that both do the same work, so does the peer's generator. `…-unchecked` has a peer
that takes images as they come, while ours decodes them still.

Each runs in a process of its own that imports what it needs before the clock starts. The rate is by the clock, `cpu`
by the seconds of its processor time. Memory is the largest proportional set size (PSS) of the process and all below
it. `publish-memory-growth` is ours with `--more` rows over ours with `--rows`.
"""

import argparse
import hashlib
import io
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.images import Watch  # noqa: E402
from builders.engine import FileRef, ShardRecord  # noqa: E402
from builders.engine.config import BuildConfig  # noqa: E402
from builders.engine.files import location, read_columns, read_json, write_json, write_table  # noqa: E402
from builders.engine.worker import LEASE, Bench, Job  # noqa: E402
from builders.sources.images import read_whole  # noqa: E402
from builders.stages.compose import Compose  # noqa: E402
from builders.stages.publish import Publish  # noqa: E402
from builders.transforms.fields import CHECKS, CONVERSATIONS, field  # noqa: E402
from builders.transforms.multiinstruct import ROWS  # noqa: E402

SHARD_ROWS, DRAWN = 2000, 64
WORDS = (
    "casa",
    "gatto",
    "rosso",
    "sopra",
    "tavolo",
    "bicchiere",
    "donna",
    "uomo",
    "cane",
    "finestra",
    "verde",
    "strada",
)
TOOLS = ("ours", "datasets", "datasets-unchecked")


def draw(folder: Path) -> list[bytes]:
    """JPEGs of 37 kB: a gradient with noise."""
    folder.mkdir()
    drawn = []
    for number in range(DRAWN):
        chance = np.random.default_rng(number)
        ramp = np.linspace(0, 200, 480)[None, :, None] * np.linspace(0.3, 1, 360)[:, None, None]
        pixels = (ramp + chance.normal(20, 9, (360, 480, 3))).clip(0, 255).astype(np.uint8)
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "JPEG", quality=80)
        drawn.append(file.getvalue())
    return drawn


def make_rows(folder: Path, count: int) -> None:
    """Composed shards, and the images that they name; no two images are alike, by a comment in each."""
    drawn, chance = draw(folder / "images"), random.Random(0)
    schema = Compose(ROWS.append(CHECKS), CONVERSATIONS, lambda row, counters: None).schema
    rows = []
    for number in range(count):
        data, comment = drawn[number % DRAWN], b"%016d" % number
        path = folder / "images" / f"{number:08d}.jpg"
        path.write_bytes(data[:2] + b"\xff\xfe\x00\x12" + comment + data[2:])
        texts = [" ".join(chance.choices(WORDS, k=12)) for _ in range(4)]
        fields = [field(name, "question", text, target=text[::-1]) for name, text in zip("abcd", texts, strict=True)]
        rows.append(
            {
                "id": hashlib.sha256(comment).hexdigest()[:32], "split": "train", "task_name": f"task-{number % 50}",
                "image_file": str(path), "image_path": path.name, "source": "benchmark", "layout": "plain",
                "fields": fields, "checks": [{"filter": "length", "field": "a", "figure": 1.0}],
                "conversations": [{"from": "human", "value": texts[0]}, {"from": "gpt", "value": texts[1]}],
            }
        )  # fmt: skip
    records = []
    for start in range(0, count, SHARD_ROWS):
        shard = sorted(rows[start : start + SHARD_ROWS], key=lambda row: str(row["id"]))
        table = pa.Table.from_pylist(shard, schema=schema)
        ref = write_table(location(folder), f"composed/{start:08d}.parquet", table, **Compose.parquet)
        records.append(vars(ref))
    write_json(location(folder) / "composed.json", records)


def composed(folder: Path) -> list[FileRef]:
    return [FileRef(**item) for item in read_json(location(folder) / "composed.json")]


def ours(folder: Path) -> int:
    """Publish with the stage's own code; returns the rows written."""
    root = location(folder)
    write_json(root / LEASE, {"run": "benchmark"})
    before = [
        ShardRecord(file.path, "compose", file.path, "", 0, file.rows, file, None, None) for file in composed(folder)
    ]
    stage = Publish("embed", rows_per_file=1_000_000, card="")
    stage.translator = {"name": "benchmark", "revision": "0"}
    bench = Bench(str(root), stage, "05-publish", "benchmark")
    build: Any = SimpleNamespace(out=root, config=BuildConfig(), applied={})
    tasks = stage.plan(build, before)
    return sum(
        bench.run(Job(task.shard, task.shard, task.digest, task.source, 0, task.rows)).rows.rows for task in tasks
    )


def theirs(folder: Path, check: bool) -> int:
    """Publish with `datasets`; returns the rows written."""
    import datasets

    def rows() -> Iterator[dict[str, Any]]:
        for file in composed(folder):
            for row in read_columns(location(folder), file, stage_columns).to_pylist():
                path = Path(row.pop("image_file"))
                data = read_whole(location(path)) if check else path.read_bytes()
                yield row | {"image": {"bytes": data, "path": path.name}}

    stage_columns = [
        "id",
        "image_file",
        "image_path",
        "conversations",
        "task_name",
        "split",
        "source",
        "fields",
        "checks",
    ]
    first = next(rows())
    features = datasets.Features.from_arrow_schema(
        pa.Table.from_pylist([{name: value for name, value in first.items() if name != "image"}]).schema
    ) | {"image": datasets.Image()}
    data = datasets.Dataset.from_generator(rows, features=datasets.Features(features), cache_dir=str(folder / "cache"))
    data.to_parquet(str(folder / "theirs.parquet"))
    return len(data)


def part(tool: str, folder: Path) -> None:
    """In a process of its own: one tool, timed."""
    if tool != "ours":
        import datasets

        datasets.disable_progress_bars()
    began, cpu = time.perf_counter(), time.process_time()
    rows = ours(folder) if tool == "ours" else theirs(folder, check=tool == "datasets")
    print(rows, time.perf_counter() - began, time.process_time() - cpu)


def measure(tool: str, folder: Path) -> tuple[float, float, float]:
    """Rows a second of the clock, and of processor time, and megabytes at the peak."""
    for left in ("dataset", "stages", "cache"):
        shutil.rmtree(folder / left, ignore_errors=True)
    command = [sys.executable, __file__, "--part", tool, str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    watch = Watch(process.pid)
    watch.start()
    out, err = process.communicate()
    watch.ended.set()
    watch.join()
    if process.returncode:
        raise SystemExit(f"{tool} failed:\n{err[-2000:]}")
    rows, seconds, cpu = out.split()[-3:]
    assert int(rows) == sum(file.rows for file in composed(folder)), f"{tool} wrote {rows} rows"
    return int(rows) / float(seconds), int(rows) / float(cpu), max(sample[2] for sample in watch.samples) / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=5000)
    parser.add_argument("--more", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--part", nargs=2, metavar=("TOOL", "FOLDER"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.part:
        part(arguments.part[0], Path(arguments.part[1]))
        return
    folder = Path(tempfile.mkdtemp(prefix="babelvision-benchmark-"))
    few, more = folder / "few", folder / "more"
    for place, count in ((few, arguments.rows), (more, arguments.more)):
        place.mkdir()
        make_rows(place, count)
    ratios: dict[str, list[float]] = {}
    for turn in range(arguments.rounds):
        found = {tool: measure(tool, few) for tool in TOOLS} | {"ours, more": measure("ours", more)}
        for name, (rate, cpu, memory) in found.items():
            rows = arguments.more if name == "ours, more" else arguments.rows
            print(
                f"round {turn + 1}, {rows:,} rows, {name}: {rate:,.0f} rows/s, {cpu:,.0f} a CPU s, {memory:,.0f} MB",
                flush=True,
            )
        for name, ratio in (
            ("publish-rate", found["ours"][0] / found["datasets"][0]),
            ("publish-rate-unchecked", found["ours"][0] / found["datasets-unchecked"][0]),
            ("publish-cpu", found["ours"][1] / found["datasets"][1]),
            ("publish-cpu-unchecked", found["ours"][1] / found["datasets-unchecked"][1]),
            ("publish-memory", found["ours"][2] / found["datasets"][2]),
            ("publish-memory-growth", found["ours, more"][2] / found["ours"][2]),
        ):
            ratios.setdefault(name, []).append(ratio)
    shutil.rmtree(folder)
    print("rate, cpu: ours over theirs; memory: ours over theirs, and ours with more rows over ours with fewer")
    for name, values in ratios.items():
        print(f"RATIO {name} {statistics.median(values):.3f} {min(values):.3f} {max(values):.3f}")


if __name__ == "__main__":
    main()
