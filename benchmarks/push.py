"""What a push costs: `python -m cards publish` against `Dataset.push_to_hub`, to a Hub on this machine.

    python benchmarks/push.py [--rows 5000] [--rounds 3]

The same Parquet shard, with images of about 37 kB, is pushed to two repositories of the tests' Hub, which keeps files
by their chunks as the real one does (Xet); the client is `huggingface_hub` with `hf_xet` for both. Then 1 % more rows
are put among the others, and both push again; and once more, with nothing changed. Ours sends the file as it lies
there, and reads it for its sha256 before; `push_to_hub` loads it and writes it anew.

Each runs in a process of its own that imports what it needs before the clock starts; the Hub is another, on the same
cores. Memory is the largest proportional set size (PSS) of the process. `push-more-bytes` is what the Hub's store grew
by at the second push. There ours loses: a row that comes in between shifts the ends of all row groups after it, and
ours have 100 rows, as the Hub asks of images for its viewer, where those of `datasets` have 100 MB.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from upath import UPath

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.images import Watch  # noqa: E402
from benchmarks.publish import make_rows, ours  # noqa: E402
from tests.hub.server import Hub  # noqa: E402
from tests.published_build import write_manifest  # noqa: E402

NAME, CARD = "benchmark", "---\nlicense: mit\n---\nA card.\n"
TOOLS = ("ours", "push_to_hub")


def push_ours(data: Path, repo: str) -> None:
    from huggingface_hub import HfApi

    from cards.hub import items, plan, push
    from cards.publish import dataset_files

    api, files = HfApi(), dataset_files(UPath(data.parents[1]))
    push(api, NAME, plan(api, repo, NAME, items(files, CARD)), False, "", lambda line: None)


def push_theirs(data: Path, repo: str, cache: Path) -> None:
    import datasets

    rows = datasets.load_dataset("parquet", data_files=str(data / "*.parquet"), split="train", cache_dir=str(cache))
    rows.push_to_hub(repo)


def part(tool: str, data: Path, repo: str) -> None:
    """In a process of its own: one push, timed."""
    import datasets

    datasets.disable_progress_bars()
    with tempfile.TemporaryDirectory(dir=data.parent) as cache:
        began = time.perf_counter()
        push_ours(data, repo) if tool == "ours" else push_theirs(data, repo, Path(cache))
        print(time.perf_counter() - began)


def measure(tool: str, data: Path, hub: Hub) -> tuple[float, float, float]:
    """Seconds of a push, megabytes at the peak, and megabytes that the Hub's store grew by."""
    assert hub.chunks
    before = stored(hub.chunks)
    command = [sys.executable, __file__, "--part", tool, str(data), f"babel/{tool.replace('_', '-')}"]
    environment = os.environ | dict(hub.environment())
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    watch = Watch(process.pid)
    watch.start()
    out, err = process.communicate()
    watch.ended.set()
    watch.join()
    if process.returncode:
        raise SystemExit(f"{tool} failed:\n{err[-2000:]}")
    return float(out.split()[-1]), max(sample[2] for sample in watch.samples) / 1e6, stored(hub.chunks) - before


def stored(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=5000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--part", nargs=3, metavar=("TOOL", "FOLDER", "REPO"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.part:
        tool, data, repo = arguments.part
        part(tool, Path(data), repo)
        return
    folder = Path(tempfile.mkdtemp(prefix="babelvision-benchmark-"))
    versions = []
    for rows in (arguments.rows, arguments.rows + arguments.rows // 100):
        place = folder / str(rows)
        place.mkdir()
        make_rows(place, rows)
        ours(place)
        write_manifest(UPath(place), NAME)
        versions.append(place / "dataset" / "data")
    ratios: dict[str, list[float]] = {}
    for turn in range(arguments.rounds):
        found = {}
        for tool in TOOLS:
            with Hub(folder / f"hub-{turn}-{tool}", xet_store=True) as hub:
                first, more, again = (measure(tool, data, hub) for data in (versions[0], versions[1], versions[1]))
            shutil.rmtree(hub.root)
            found[tool] = first, more, again
            for name, (seconds, memory, sent) in zip(("first", "1 % more", "again"), found[tool], strict=True):
                print(
                    f"round {turn + 1}, {tool}, {name}: {seconds:.1f} s, {memory:,.0f} MB, sent {sent:,.1f} MB",
                    flush=True,
                )
        for name, push, figure, over in (
            ("push-rate", 0, 0, "theirs"), ("push-memory", 0, 1, "ours"),
            ("push-more-rate", 1, 0, "theirs"), ("push-more-bytes", 1, 2, "ours"), ("push-again-rate", 2, 0, "theirs"),
        ):  # fmt: skip
            mine, other = found["ours"][push][figure], found["push_to_hub"][push][figure]
            ratios.setdefault(name, []).append(mine / other if over == "ours" else other / mine)
    shutil.rmtree(folder)
    print("rates: ours over theirs; memory and bytes: ours over theirs")
    for name, values in ratios.items():
        print(f"RATIO {name} {statistics.median(values):.3f} {min(values):.3f} {max(values):.3f}")


if __name__ == "__main__":
    main()
