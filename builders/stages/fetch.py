"""Fetch: the image behind a row's URL, or the reason why there is none.

A recipe puts this stage after rows that have a URL; everything about the network is in `crawlers.images`. Images go
into a pack as they come, so that a worker holds the few that are on their way.
"""

import asyncio
import hashlib
import threading
from collections import Counter
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import pyarrow as pa
import ray

from builders.engine import Build, BuildConfig, Failure, Outcome, Rejection, Row, Stage, flag
from builders.engine.files import location, write_bytes
from builders.engine.main import pool_size
from builders.stages.packs import Pack, sweep_packs
from crawlers.guard import Guard
from crawlers.images import Downloader, Limits, Request, Result
from crawlers.pictures import MOST_PIXELS, extension, read_resize
from crawlers.polite import user_agent

OPTED_OUT = "robots_optout_v1"
QUARANTINE = "quarantine"

T = TypeVar("T")


@dataclass(frozen=True)
class FetchConfig(BuildConfig):
    """The flags of every recipe that downloads images."""

    contact: str = flag(
        "", "your e-mail address or web page, for the owners of the servers (required; goes into the User-Agent)",
        personal=True, metavar="WHO",
    )  # fmt: skip
    allow_host: tuple[str, ...] = flag(
        (), "hosts that may be private and on any port, for tests", fingerprint=False, metavar="HOST[:PORT]"
    )
    concurrent: int = flag(Limits.concurrent, "downloads at once, a worker", fingerprint=False, above=0, metavar="N")
    per_host: int = flag(
        Limits.per_host, "of these from one host, all workers together (one each at least)", fingerprint=False,
        above=0, metavar="N",
    )  # fmt: skip
    timeout: float = flag(
        Limits.seconds, "seconds that one attempt at an image may take", fingerprint=False, above=0, metavar="X"
    )
    retries: int = flag(
        Limits.retries,
        "further attempts at what may heal: 429, 5xx, a reset…",
        fingerprint=False,
        above=-1,
        metavar="N",
    )
    resize: str = flag(
        "keep", "keep the images as they are, or longest:N or shortest:N (side in pixels)", metavar="HOW"
    )
    decode: bool = flag(True, "decode every image to its end; otherwise only its beginning, end and header are read")
    max_bytes: int = flag(Limits.bytes, "bytes of an image at most", above=0, metavar="N")
    max_pixels: int = flag(Limits.pixels, "pixels of an image at most", above=0, metavar="N")


class Fetch(Stage):
    """Gives a row with an `image_url` its `image_file`, a reference into a pack (`builders.stages.packs`).

    `image_sha256` is the hex digest that the bytes of a row's image should have: an image with other bytes fails, and
    lies in the build's `quarantine/`. Where it is null it becomes that of the bytes stored. A row without a URL, or
    whose image is there, stays as it is. A URL that several rows of a shard have is asked for once.
    """

    name = "fetch"
    overlap = 2

    def __init__(self, schema: pa.Schema, config: FetchConfig) -> None:
        self.schema = schema
        self.config = config
        self.root = location("")
        self.per_host = config.per_host
        self._loop: asyncio.AbstractEventLoop | None = None
        self._downloader: Downloader | None = None

    def preflight(self, build: Build) -> list[str]:
        problems = []
        for name, check in (("contact", user_agent), ("resize", read_resize)):
            try:
                check(getattr(self.config, name))
            except ValueError as error:
                problems.append(f"--{name}: {error}")
        if self.config.max_pixels > MOST_PIXELS:
            problems.append(f"--max-pixels {self.config.max_pixels}: Pillow decodes at most {MOST_PIXELS:,}")
        return problems

    def start(self, build: Build) -> None:
        self.root = build.out
        workers = pool_size(self, self.config, ray.cluster_resources()).workers
        self.per_host = max(1, self.config.per_host // workers)

    def open(self) -> None:
        """An event loop in a thread of its own, for as long as the worker lives: connections outlast a shard."""
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=_run, args=(self._loop,), name="downloads", daemon=True).start()
        self._downloader = self._wait_for(self._opened())

    def close(self) -> None:
        assert self._downloader
        assert self._loop
        self._wait_for(self._downloader.__aexit__(None, None, None))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._downloader = self._loop = None

    async def _opened(self) -> Downloader:
        config = self.config
        limits = Limits(
            seconds=config.timeout,
            stall=min(Limits.stall, config.timeout),
            retries=config.retries,
            bytes=config.max_bytes,
            pixels=config.max_pixels,
            per_host=self.per_host,
            concurrent=config.concurrent,
        )
        guard = Guard(frozenset(config.allow_host))
        threads = max(1, round(config.cpus_per_worker))
        resize = read_resize(config.resize)
        downloader = Downloader(
            limits, guard, user_agent(config.contact), resize=resize, decode=config.decode, threads=threads
        )
        return await downloader.__aenter__()

    def _wait_for(self, work: Coroutine[Any, Any, T]) -> T:
        assert self._loop
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def process(self, rows: list[Row]) -> Outcome:
        asked: dict[tuple[str, str], list[Row]] = {}
        outcome = Outcome()
        for row in rows:
            if row["image_url"] is None or row["image_file"] is not None:
                outcome.written.append(row)
            else:
                asked.setdefault((row["image_url"], row["image_sha256"] or ""), []).append(row)
        with Pack(self.root, self.name) as pack:
            outcome.add(self._wait_for(self._downloaded(asked, pack)))
        return outcome

    async def _downloaded(self, asked: Mapping[tuple[str, str], list[Row]], pack: Pack) -> Outcome:
        assert self._downloader
        outcome = Outcome()
        async for result in self._downloader.stream(Request(rows, *key) for key, rows in asked.items()):
            rows = result.request.key
            outcome.counters[f"outcome/{result.code}"] += len(rows)
            if result.code == "success":
                columns = await asyncio.to_thread(_stored, pack, rows[0]["id"], result)
                outcome.written += [row | columns for row in rows]
            elif result.code == "robots_optout":
                outcome.rejected += [Rejection(row["id"], OPTED_OUT, "image_url", 1.0, result.message) for row in rows]
            else:
                message = self._message(result)
                outcome.failed += [Failure(row["id"], result.code, message) for row in rows]
        outcome.counters += self._downloader.counters
        self._downloader.counters = Counter()
        return outcome

    def _message(self, result: Result) -> str:
        """What went wrong, with the URL; bytes that are not the expected ones are put aside first."""
        message = result.message
        if result.code == "sha256_mismatch":
            name = f"{result.sha256}.{extension(result.format)}"
            write_bytes(self.root / QUARANTINE / name, result.data)
            message += f"; the bytes are in {QUARANTINE}/{name}"
        return message if result.request.url in message else f"{result.request.url}: {message}"

    def finish(self, build: Build) -> None:
        sweep_packs(build.out, self.name, [record.rows for record in build.records[self.name]])


def _stored(pack: Pack, row: str, result: Result) -> Row:
    """Put an image into a pack; returns what its rows say of it."""
    sha256 = result.request.sha256 or hashlib.sha256(result.data).hexdigest()
    return {"image_file": pack.add(f"{row}.{extension(result.format)}", result.data), "image_sha256": sha256}


def _run(loop: asyncio.AbstractEventLoop) -> None:
    loop.run_forever()
    loop.close()
