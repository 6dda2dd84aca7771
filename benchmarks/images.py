"""What downloading costs: ours against img2dataset 1.47, on the same server, list and cores.

    python benchmarks/images.py [--images 3000] [--rounds 3]

A server on loopback plays eight hosts. For speed it has good images alone, as photo collections have them (128 KB,
0.7 megapixels; eight in ten plain JPEG): once to be kept as they are, once brought to a shorter side of 256 and
encoded as JPEG 95. Ours is the stage's own code, writing Parquet: two forked processes for download only, as many as
a stage has on two cores; one with two threads for resizing, where decoders let other threads run. img2dataset writes
Parquet too. Its settings are the fastest found for it on two cores: two processes of 32 threads, no EXIF, and for
download only no decoding at all. A run's time is from the server's first request to the last file written, so that
the start of Python and its libraries is left out; the lines `rate-…-whole` count it, as whoever waits does. Memory is
the largest proportional set size (PSS) of all its processes together.

Then 2,000 URLs with 43 kinds of trouble, once each: which outcomes were right. img2dataset is right here if it calls a
success what is one; it retries, and compares checksums. Its wrong pixels are successes that are not the picture.

img2dataset lives in an environment of its own, `.venv-img2dataset`, which is made here.
"""

import argparse
import io
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image, ImageOps

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.image_list import LARGE, Planted, draw_images, plant  # noqa: E402
from tests.image_server import ImageServer  # noqa: E402

PEER = ROOT / ".venv-img2dataset"
HOSTS, DRAWN, SHARD = 8, 135, 250
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Cost:
    """What a run cost: seconds, from its first request and from its start; CPU seconds, after its first request and
    before; and bytes at the peak."""

    seconds: float
    whole: float
    cpu: float
    start: float
    memory: int


class Watch(threading.Thread):
    """Samples a process and all below it: CPU seconds so far, and proportional set size."""

    def __init__(self, process: int) -> None:
        super().__init__(daemon=True)
        self.process, self.samples, self.ended = process, [(time.time(), 0.0, 0)], threading.Event()

    def run(self) -> None:
        while not self.ended.wait(0.1):
            cpu = memory = 0.0
            for process in tree(self.process):
                try:
                    numbers = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
                    cpu += sum(map(int, numbers[11:15])) / TICKS
                    rollup = Path(f"/proc/{process}/smaps_rollup").read_text()
                    memory += next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
                except (OSError, StopIteration):
                    continue  # it has just ended
            self.samples.append((time.time(), max(cpu, self.samples[-1][1]), int(memory * 1024)))

    def cpu_at(self, moment: float) -> float:
        """CPU seconds of the tree until then."""
        for (before, least, _), (after, most, _) in pairwise(self.samples):
            if before <= moment <= after:
                return least + (most - least) * (moment - before) / (after - before)
        return self.samples[-1][1]


def tree(process: int) -> list[int]:
    """The process and all below it."""
    found = [process]
    for each in found:
        for children in Path(f"/proc/{each}/task").glob("*/children"):
            try:
                found += map(int, children.read_text().split())
            except OSError:
                continue
    return found


def watched(command: Sequence[str], out: Path, server: ImageServer, log: Path) -> Cost:
    """Run a downloader to its end and say what it cost. Raises SystemExit with the end of its log when it fails."""
    began = time.time()
    with log.open("w") as file:
        process = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT, env=os.environ | {
            "NO_ALBUMENTATIONS_UPDATE": "1", "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore",
        })  # fmt: skip
        watch = Watch(process.pid)
        watch.start()
        _, status, used = os.wait4(process.pid, 0)
        watch.ended.set()
        watch.join()
    if status:
        raise SystemExit(f"{command[0]} failed:\n{log.read_text()[-2000:]}")
    first, last = server.first_asked(), max(path.stat().st_mtime for path in out.rglob("*.parquet"))
    start = watch.cpu_at(first)
    return Cost(
        seconds=last - first,
        whole=last - began,
        cpu=used.ru_utime + used.ru_stime - start,
        start=start,
        memory=max(sample[2] for sample in watch.samples),
    )


@dataclass(frozen=True)
class Task:
    """One thing that both tools are asked to do: its name, and the flags by which each does it."""

    name: str
    ours: tuple[str, ...]
    theirs: tuple[str, ...]


RESIZED = ("--resize_mode", "keep_ratio", "--image_size", "256", "--resize_only_if_bigger", "True")
TASKS = (
    Task("download", ("--concurrent", "4", "--processes", "2"), ("--disable_all_reencoding", "True")),
    Task("resize", ("--concurrent", "8", "--threads", "2", "--resize", "shortest:256"), RESIZED),
)
AMID_TROUBLE = Task(
    "trouble",
    ("--concurrent", "64", "--threads", "2", "--resize", "shortest:256", "--timeout", "5"),
    (
        *RESIZED,
        "--timeout",
        "5",
        "--retries",
        "2",
        "--verify_hash",
        '["sha256","sha256"]',
        "--max_image_area",
        "1e8",
        "--user_agent_token",
        "BabelVision",
    ),
)


def our_command(urls: Path, out: Path, allowed: Sequence[str], task: Task) -> list[str]:
    return [
        sys.executable, str(ROOT / "benchmarks/images_ours.py"), str(urls), str(out), *task.ours,
        "--allow-host", *allowed,
    ]  # fmt: skip


def their_command(urls: Path, out: Path, task: Task) -> list[str]:
    return [
        str(PEER / "bin/img2dataset"), "--url_list", str(urls), "--input_format", "parquet", "--url_col", "url",
        "--save_additional_columns", '["key_of_list"]', "--output_folder", str(out), "--output_format", "parquet",
        "--number_sample_per_shard", str(SHARD), "--processes_count", "2", "--thread_count", "32",
        "--extract_exif", "False", *task.theirs,
    ]  # fmt: skip


def run(
    tool: str, task: Task, images: Path, folder: Path, choose: Callable[[ImageServer], list[Planted]]
) -> tuple[Cost, list[Planted], dict[int, dict[str, Any]], int]:
    """One tool on one list: the cost, the list, its Parquet's rows by key, and the requests led to the inner port."""
    out, urls = folder / "out", folder / "urls.parquet"
    shutil.rmtree(out, ignore_errors=True)
    with ImageServer(images, HOSTS) as server:
        planted = choose(server)
        keys, columns = [one.key for one in planted], [[one.url for one in planted], [one.sha256 for one in planted]]
        pq.write_table(pa.table([keys, keys, *columns], names=["key", "key_of_list", "url", "sha256"]), urls)
        ours = tool == "ours"
        command = (
            our_command(urls, out, (*server.hosts, server.closed), task) if ours else their_command(urls, out, task)
        )
        cost = watched(command, out, server, folder / "log")
        inner = sum(path.startswith("/inner/") for path in server.asked())
    key = "key" if ours else "key_of_list"
    rows = [row for path in out.glob("*.parquet") for row in pq.read_table(path).to_pylist()]
    found = {int(row[key]): row for row in rows}
    assert len(found) == len(rows) == len(planted), f"{tool}: {len(rows)} rows for {len(planted)} URLs"
    return cost, planted, found, inner


def speed(task: Task, images: Path, folder: Path, count: int) -> dict[str, Cost]:
    """Both tools on `count` good images."""

    def choose(server: ImageServer) -> list[Planted]:
        return [one for one in plant(images, server.hosts, server.closed, 2 * count) if one.kind == "good"][:count]

    costs = {}
    for tool in ("ours", "theirs"):
        cost, planted, found, _ = run(tool, task, images, folder, choose)
        bad = [row for row in found.values() if (row.get("code") or row.get("status")) != "success"]
        assert not bad, f"{tool}: {len(bad)} of {count} good images failed, the first with {bad[0]}"
        costs[tool] = cost
    return costs


def amid_trouble(images: Path, folder: Path) -> None:
    """Both tools on 2,000 URLs of all kinds: print what they made of them."""
    for tool in ("ours", "theirs"):
        cost, planted, found, inner = run(
            tool, AMID_TROUBLE, images, folder, lambda server: plant(images, server.hosts, server.closed)
        )
        pictures = sum(is_picture(images, one, found[one.key]) for one in planted if one.code == "success")
        wrong: Counter[str] = Counter()
        for one in planted:
            row = found[one.key]
            if tool == "ours":
                wrong[one.kind] += row["code"] != one.code
            else:
                wrong[one.kind] += (row["status"] == "success") != (one.code == "success")
        messages = {row["message"] if tool == "ours" else row["error_message"] for row in found.values()}
        classes = len({row["code"] for row in found.values()}) if tool == "ours" else len(messages)
        print(
            f"{tool} amid trouble: {len(planted) - wrong.total():,} of {len(planted):,} outcomes right, in {classes} "
            f"classes; {pictures:,} of {sum(one.code == 'success' for one in planted):,} pictures saved right; "
            f"{inner} requests led to an inner port; {cost.seconds:.0f} s, {cost.memory / 1e6:,.0f} MB"
        )
        print("  wrong: " + (", ".join(f"{kind} {count}" for kind, count in wrong.most_common() if count) or "none"))


def is_picture(images: Path, one: Planted, row: dict[str, Any]) -> bool:
    """Whether what was saved shows the file, upright and in its colours, on a background of white."""
    data = row.get("image") or row.get("jpg")
    if not data:
        return False
    with Image.open(images / one.file) as file, Image.open(io.BytesIO(data)) as saved:
        upright = ImageOps.exif_transpose(file)
        if abs(upright.width / upright.height - saved.width / saved.height) > 0.05:
            return False
        seen = [
            np.asarray(on_white(each).resize((24, 24), Image.Resampling.BOX), dtype=float) for each in (upright, saved)
        ]
    return float(np.abs(seen[0] - seen[1]).mean()) < 12


def on_white(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16"):
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8)).convert("RGB")
    image = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")


def install_peer() -> None:
    """Make img2dataset's environment, once."""
    if (PEER / "installed").exists():
        return
    python = sys.executable
    for command in (
        [python, "-m", "venv", "--clear", str(PEER)],
        [
            str(PEER / "bin/python"),
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "img2dataset==1.47.0",
        ],
    ):
        ran = subprocess.run(command, capture_output=True, text=True)
        if ran.returncode:
            raise SystemExit(f"img2dataset 1.47.0 does not install in {PEER}, so there is nothing to compare with:\n"
                             f"{(ran.stderr or ran.stdout).strip().splitlines()[-1]}")  # fmt: skip
    (PEER / ".gitignore").write_text("*\n")
    (PEER / "installed").touch()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=3000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    install_peer()
    folder = Path(tempfile.mkdtemp(prefix="babelvision-benchmark-"))
    draw_images(folder / "images", LARGE, DRAWN)
    ratios: dict[str, list[float]] = {}
    for turn in range(arguments.rounds):
        for task in TASKS:
            costs = speed(task, folder / "images", folder, arguments.images)
            for tool, cost in costs.items():
                print(
                    f"round {turn + 1}, {task.name}, {tool}: {arguments.images / cost.seconds:,.0f} images/s, "
                    f"{1000 * cost.cpu / arguments.images:.2f} CPU ms an image after {cost.start:.1f} CPU s of start, "
                    f"{cost.memory / 1e6:,.0f} MB",
                    flush=True,
                )
            ours, theirs = costs["ours"], costs["theirs"]
            for name, ratio in (
                (f"rate-{task.name}", theirs.seconds / ours.seconds),
                (f"rate-{task.name}-whole", theirs.whole / ours.whole),
                (f"cpu-{task.name}", theirs.cpu / ours.cpu),
                (f"memory-{task.name}", ours.memory / theirs.memory),
                ("memory", ours.memory / theirs.memory),
            ):
                ratios.setdefault(name, []).append(ratio)
    amid_trouble(folder / "images", folder)
    shutil.rmtree(folder)
    print("rate: ours over theirs; cpu: theirs over ours; memory: ours over theirs")
    for name, values in ratios.items():
        print(f"RATIO {name} {statistics.median(values):.3f} {min(values):.3f} {max(values):.3f}")


if __name__ == "__main__":
    main()
