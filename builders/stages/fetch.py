"""Fetch: the image behind a row's URL, or the reason why there is none.

A recipe puts this stage after rows that have a URL; everything about the network is in `crawlers.images`. Images make
large shards: a worker holds those of one shard, so `--shard-rows` is a few hundred here rather than thousands.
"""

import asyncio
import threading
from collections import Counter
from collections.abc import Coroutine, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

import pyarrow as pa
import ray

from builders.engine import Build, BuildConfig, Failure, Outcome, Rejection, Row, Stage, flag
from builders.engine.files import location, write_bytes
from builders.engine.main import pool_size
from builders.stages.features import layout
from crawlers.guard import Guard
from crawlers.images import Downloader, Limits, Request, Result
from crawlers.pictures import MOST_PIXELS, extension, read_resize
from crawlers.polite import user_agent

OPTED_OUT = "robots_optout_v1"
QUARANTINE = "quarantine"
IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])

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
    """Adds the image of the URL in the column `url`, and what is known of it.

    New columns: `into` (bytes and a file name, as `datasets` stores an `Image`), `<into>_sha256` (of the bytes that the
    server sent), `width` and `height` (pixels as stored). `sha256` names a column with the hex digest that the bytes
    should have: an image with other bytes fails, and lies in the build's `quarantine/`. All are null where `url` is.
    """

    name = "fetch"
    overlap = 2

    def __init__(
        self, schema: pa.Schema, config: FetchConfig, url: str = "image_url", sha256: str = "", into: str = "image"
    ) -> None:
        self.schema = schema
        for column in ((into, IMAGE), (f"{into}_sha256", pa.string()), ("width", pa.int32()), ("height", pa.int32())):
            self.schema = self.schema.append(pa.field(*column))
        self.config, self.url, self.sha256, self.into = config, url, sha256, into
        self.quarantine = ""
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

    def written_as(self, source: Any) -> tuple[pa.Schema, dict[str, Any]]:
        return self.schema, layout(self.schema)

    def start(self, build: Build) -> None:
        self.quarantine = str(build.out / QUARANTINE)
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
        nothing = dict.fromkeys((self.into, f"{self.into}_sha256", "width", "height"))
        outcome = Outcome(written=[row | nothing for row in rows if row[self.url] is None])
        outcome.add(self._wait_for(self._downloaded([row for row in rows if row[self.url] is not None])))
        return outcome

    async def _downloaded(self, rows: list[Row]) -> Outcome:
        assert self._downloader
        outcome = Outcome()
        async for result in self._downloader.stream(self._requests(rows)):
            row = result.request.key
            outcome.counters[f"outcome/{result.code}"] += 1
            if result.code == "success":
                outcome.written.append(row | self._columns(row["id"], result))
            elif result.code == "robots_optout":
                outcome.rejected.append(Rejection(row["id"], OPTED_OUT, self.url, 1.0, result.message))
            else:
                outcome.failed.append(Failure(row["id"], result.code, self._message(result)))
        outcome.counters += self._downloader.counters
        self._downloader.counters = Counter()
        return outcome

    def _requests(self, rows: list[Row]) -> Iterable[Request]:
        return (Request(row, row[self.url], (row[self.sha256] or "") if self.sha256 else "") for row in rows)

    def _columns(self, row: str, result: Result) -> Row:
        return {
            self.into: {"bytes": result.data, "path": f"{row}.{extension(result.format)}"},
            f"{self.into}_sha256": result.sha256,
            "width": result.width,
            "height": result.height,
        }

    def _message(self, result: Result) -> str:
        """What went wrong, with the URL; bytes that are not the expected ones are put aside first."""
        message = result.message
        if result.code == "sha256_mismatch":
            name = f"{result.sha256}.{extension(result.format)}"
            write_bytes(location(self.quarantine) / name, result.data)
            message += f"; the bytes are in {QUARANTINE}/{name}"
        return message if result.request.url in message else f"{result.request.url}: {message}"


def _run(loop: asyncio.AbstractEventLoop) -> None:
    loop.run_forever()
    loop.close()
