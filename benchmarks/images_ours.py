"""Our side of `images.py`, a program of its own: worker processes that download a list and write Parquet as it comes.

    python benchmarks/images_ours.py URLS.parquet OUT --processes 1 --threads 2 --resize shortest:256

URLS.parquet has the columns key, url and sha256; OUT gets a file a process, with the columns key, code, message,
width, height, sha256 and image. One image in the list is in one of them.
"""

import argparse
import asyncio
import gc
import multiprocessing
from array import array
from itertools import accumulate
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from crawlers.guard import Guard
from crawlers.images import Downloader, Limits, Request, Result
from crawlers.pictures import read_resize

SCHEMA = pa.schema(
    [
        ("key", pa.int64()),
        ("code", pa.string()),
        ("message", pa.string()),
        ("width", pa.int64()),
        ("height", pa.int64()),
        ("sha256", pa.string()),
        ("image", pa.binary()),
    ]
)
ROWS_PER_GROUP = 20  # as the stage has them
# Images are compressed already, no two are alike, and nobody wants the smallest: Parquet shall take them as they are.
AS_THEY_ARE = {"compression": "none", "use_dictionary": False, "write_statistics": False}


def work(arguments: argparse.Namespace, number: int, start: Barrier) -> None:
    """Download this process's part of the list, as soon as all processes are there."""
    pa.set_memory_pool(pa.system_memory_pool())  # gives back what it no longer needs
    rows = pq.ParquetFile(arguments.urls).read(use_threads=False).to_pylist()[number :: arguments.processes]
    start.wait(60)
    with pq.ParquetWriter(arguments.out / f"{number}.parquet", SCHEMA, **AS_THEY_ARE) as writer:
        asyncio.run(download(arguments, rows, writer))


async def download(arguments: argparse.Namespace, rows: list[dict[str, Any]], writer: pq.ParquetWriter) -> None:
    limits = Limits(
        seconds=arguments.timeout,
        stall=arguments.timeout,
        per_host=arguments.concurrent,
        concurrent=arguments.concurrent,
    )
    guard = Guard(frozenset(arguments.allow_host))
    requests = (Request(row["key"], row["url"], row["sha256"]) for row in rows)
    group: list[dict[str, Any]] = []
    async with Downloader(
        limits, guard, "BabelVision-benchmark/0.1 (images@example.org)", resize=read_resize(arguments.resize),
        decode=arguments.decode, threads=arguments.threads,
    ) as downloader:  # fmt: skip
        async for result in downloader.stream(requests):
            group.append(row_of(result))
            if len(group) == ROWS_PER_GROUP:
                writer.write_table(table(group))
                group.clear()
    writer.write_table(table(group))


def table(rows: list[dict[str, Any]]) -> pa.Table:
    """The rows as Arrow has them, put together by hand: `pa.array` loads pandas, 45 MB that nobody needs here."""
    return pa.Table.from_arrays(
        [column(field.type, [row[field.name] for row in rows]) for field in SCHEMA], schema=SCHEMA
    )


def column(kind: pa.DataType, values: list[Any]) -> pa.Array:
    if kind == pa.int64():
        return pa.Array.from_buffers(kind, len(values), [None, pa.py_buffer(array("q", values))])
    pieces = [value.encode() if isinstance(value, str) else value for value in values]
    ends = array("i", accumulate(map(len, pieces), initial=0))
    return pa.Array.from_buffers(kind, len(values), [None, pa.py_buffer(ends), pa.py_buffer(b"".join(pieces))])


def row_of(result: Result) -> dict[str, Any]:
    return {
        "key": result.request.key, "code": result.code, "message": result.message, "width": result.width,
        "height": result.height, "sha256": result.sha256, "image": result.data,
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("urls", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--concurrent", type=int, default=32)
    parser.add_argument("--timeout", type=float, default=10.0)
    parser.add_argument("--resize", default="keep")
    parser.add_argument("--decode", action="store_true")
    parser.add_argument("--allow-host", nargs="*", default=())
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True)
    context = multiprocessing.get_context("fork")  # the libraries are in memory once
    gc.freeze()  # and stay so: a collection would write into their pages
    start = context.Barrier(arguments.processes)
    others = [context.Process(target=work, args=(arguments, number, start)) for number in range(1, arguments.processes)]
    for process in others:
        process.start()
    work(arguments, 0, start)
    for process in others:
        process.join()
        if process.exitcode:
            raise SystemExit(f"a worker process ended with status {process.exitcode}")


if __name__ == "__main__":
    main()
