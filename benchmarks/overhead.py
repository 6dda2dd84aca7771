"""What the engine costs a row: a stage's function in a bare loop against the same function in a build.

    python benchmarks/overhead.py [--rows 200000] [--rounds 3]

The limit is one process that reads JSON Lines, calls the function and writes one Parquet file. The build does
the same through two stages with ids, ledger, checksums and accounts, on one worker and on two. Then the
build is killed half-way and resumed: the second figure is the rows a resume does again over those left.
"""

import argparse
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import ray

ROOT = Path(__file__).resolve().parents[1]
SCHEMA = pa.schema([("n", pa.int64()), ("text", pa.string()), ("words", pa.int64())])


def bare_loop(source: Path, target: Path) -> float:
    """Seconds of the plain loop."""
    began = time.perf_counter()
    rows = []
    for line in source.open():
        row = json.loads(line)
        row["words"] = len(row["text"].split())
        rows.append(row)
    pq.write_table(pa.Table.from_pylist(rows, schema=SCHEMA), target, compression="zstd")
    return time.perf_counter() - began


def build(source: Path, out: Path, workers: int, address: str) -> "subprocess.Popen[bytes]":
    command = [
        sys.executable, str(ROOT / "benchmarks/words.py"), "--input", str(source), "--output", str(out),
        "--workers", str(workers),
    ]  # fmt: skip
    environment = os.environ | {"RAY_ADDRESS": address, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)


def stage_seconds(out: Path) -> float:
    """Seconds of a build's stages, without the start of Python and Ray."""
    return float(sum(stage["seconds"] for stage in json.loads((out / "build.json").read_text())["stages"]))


def finished_rows(out: Path) -> int:
    records = (json.loads(path.read_text()) for path in out.glob("stages/*/ledger/*.json"))
    return sum(record["rows_in"] for record in records)


def killed_and_resumed(source: Path, out: Path, rows: int, address: str) -> float:
    """Rows looked at by the resumed run over the rows that the killed one had left (1.0: nothing done twice)."""
    process = build(source, out, 2, address)
    while finished_rows(out) < rows:
        assert process.poll() is None, "the build ended before it was half done"
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    time.sleep(1)
    kept = finished_rows(out)
    before = {path: path.stat().st_mtime_ns for path in out.glob("stages/*/ledger/*.json")}
    assert build(source, out, 2, address).wait() == 0
    again = [path for path in out.glob("stages/*/ledger/*.json") if before.get(path) != path.stat().st_mtime_ns]
    done = sum(json.loads(path.read_text())["rows_in"] for path in again)
    return done / (2 * rows - kept)


def ratio(name: str, values: list[float]) -> None:
    print(f"RATIO {name} {statistics.median(values):.3f} {min(values):.3f} {max(values):.3f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="babelvision-benchmark-"))
    source = folder / "rows.jsonl"
    with source.open("w") as file:
        for n in range(arguments.rows):
            file.write(json.dumps({"n": n, "text": f"row {n} " + "of words and more words " * 12}) + "\n")
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="WARNING")
    address = ray.get_runtime_context().gcs_address
    one, two, resumed = [], [], []
    for turn in range(arguments.rounds + 1):
        limit = bare_loop(source, folder / "bare.parquet")
        seconds = {}
        for workers in (1, 2):
            out = folder / f"out-{turn}-{workers}"
            assert build(source, out, workers, address).wait() == 0
            seconds[workers] = stage_seconds(out)
            shutil.rmtree(out)
        twice = killed_and_resumed(source, folder / f"killed-{turn}", arguments.rows, address)
        if turn:  # the first round warms up
            one.append(seconds[1] / limit)
            two.append(seconds[2] / limit)
            resumed.append(twice)
            print(
                f"round {turn}: bare loop {arguments.rows / limit:,.0f} rows/s, two stages on one worker "
                f"{arguments.rows / seconds[1]:,.0f}, on two {arguments.rows / seconds[2]:,.0f}"
            )
    shutil.rmtree(folder)
    ratio("seconds_one_worker_over_bare_loop", one)
    ratio("seconds_two_workers_over_bare_loop", two)
    ratio("rows_done_by_resume_over_rows_left", resumed)


if __name__ == "__main__":
    main()
