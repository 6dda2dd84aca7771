"""Images by URL: politely, safely, and each URL accounted for under exactly one of the `CODES`.

A list of URLs is a list of strangers' orders and half of it is dead. What is asked is decided by `guard`, `robots` and
the limits; what comes back is judged while it streams; only what may heal is asked again.
"""

import asyncio
import hashlib
import itertools
import time
from collections import Counter, OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from types import TracebackType
from typing import Any, Self

import aiohttp
from yarl import URL

from crawlers.guard import Blocked, Guard
from crawlers.outcomes import CODES, Failed
from crawlers.pictures import HEAD_BYTES, Bounds, Picture, Resize, has_end, read_header, sniff, treated
from crawlers.polite import Gate, jittered
from crawlers.robots import MAX_BYTES as ROBOTS_BYTES
from crawlers.robots import Rules, opted_out, read_rules
from crawlers.transfer import Body, Inspect, Judge, Permit, classify, fetch, new_session

__all__ = ["CODES", "Downloader", "Limits", "Request", "Result", "download"]

AHEAD = 4  # requests that wait for their host, for each that may be in flight
HOSTS_REMEMBERED = 20_000
QUICK_BYTES = 1 << 20  # hashed sooner than another thread is woken and the lock of the interpreter passed on twice
REFUSALS_BEFORE_PAUSE = 3
ONCE_MORE = frozenset({"timeout", "truncated_body"})
NO_ROBOTS = frozenset({"http_404", "http_410", "http_4xx", "empty_body"})


@dataclass(frozen=True)
class Request:
    """An image to get: `key` is the caller's, `sha256` the hex digest that its bytes should have ("": not known)."""

    key: Any
    url: str
    sha256: str = ""


@dataclass(frozen=True)
class Limits:
    """What one URL and one host may cost.

    `seconds`: one attempt, redirects included, and the longest `Retry-After` that is waited for. `stall`: seconds for
    a connection, and between two reads. `retries`: attempts after the first, for what may heal. `bytes`: of a
    body. `pixels`, `frames`: of what is decoded. `per_host`, `concurrent`: requests at once.
    """

    seconds: float = 30.0
    stall: float = 10.0
    retries: int = 2
    bytes: int = 50 << 20
    pixels: int = Bounds.pixels
    frames: int = Bounds.frames
    per_host: int = 8
    concurrent: int = 64


@dataclass(frozen=True)
class Result:
    """How a URL ended: `code`, and `message` where that is not "success".

    `data` are the image's bytes: as sent, or resized; of an image with `sha256_mismatch` as sent; else empty.
    `width`, `height` in pixels as stored in `data`, `orientation` as its EXIF data says (1: upright).
    `sha256` is of the bytes as sent, `url` the last one asked.
    """

    request: Request
    code: str
    message: str = ""
    data: bytes = b""
    format: str = ""
    width: int = 0
    height: int = 0
    orientation: int = 1
    sha256: str = ""
    url: str = ""
    attempts: int = 1


@dataclass
class _Host:
    """What is known of one host and port."""

    places: asyncio.Semaphore
    rules: "asyncio.Task[Rules] | None" = None
    refusals: int = 0
    paused_until: float = 0.0


class Downloader:
    """Downloads on one event loop with one session: `async with Downloader(limits, guard, agent) as downloader`.

    `gate`, if given, is passed by every request. `decode`: every image is decoded to its end, in `threads` threads;
    otherwise only its beginning, its end and its header are looked at, on the loop itself. `resize` decodes too.
    `counters` counts requests, retries, bytes, and hosts without a robots.txt to be had (they are asked nevertheless).
    """

    def __init__(
        self,
        limits: Limits,
        guard: Guard,
        agent: str,
        gate: Gate | None = None,
        *,
        resize: Resize | None = None,
        decode: bool = False,
        threads: int = 1,
    ) -> None:
        self.limits, self.guard, self.agent, self.gate = limits, guard, agent, gate
        self.resize, self.decode = resize, decode or resize is not None
        self.bounds = Bounds(limits.pixels, limits.frames)
        self.counters: Counter[str] = Counter()
        self._hosts: OrderedDict[tuple[str, str | None, int | None], _Host] = OrderedDict()
        self._places = asyncio.Semaphore(limits.concurrent)
        self._threads = ThreadPoolExecutor(threads, "decode")
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        limits = self.limits
        connector = self.guard.connector(limit=0, limit_per_host=limits.per_host)
        self._session = new_session(connector, self.agent, limits.stall)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._session
        await self._session.close()
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def one(self, request: Request) -> Result:
        """Download one image. Raises for no URL."""
        results: list[Result] = []

        async def keep(result: Result) -> None:
            results.append(result)

        await self._run(request, keep)
        return results[0]

    async def stream(self, requests: Iterable[Request]) -> AsyncIterator[Result]:
        """The results as they come, in no order; at most `limits.concurrent` bodies are held, read or not.

        Some requests wait ahead for their hosts, so that a slow host holds up the others only in a list sorted by host.
        """
        done: asyncio.Queue[Result | Exception | None] = asyncio.Queue(maxsize=1)
        source = iter(requests)

        async def work() -> None:
            try:
                for request in source:
                    await self._run(request, done.put)
                await done.put(None)
            except Exception as error:
                await done.put(error)

        tasks = [asyncio.create_task(work()) for _ in range(self.limits.concurrent * (1 + AHEAD))]
        at_work = len(tasks)
        try:
            while at_work:
                result = await done.get()
                if isinstance(result, Exception):
                    raise result
                if result is None:
                    at_work -= 1
                else:
                    yield result
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, request: Request, deliver: Callable[[Result], Awaitable[None]]) -> None:
        """Attempt until it ends; a result is handed over before its place is given back, so that bodies are few."""
        try:
            target = self.guard.check(request.url)
        except Blocked as error:
            await deliver(Result(request, "blocked", f"{error.code}: {error}"))
            return
        host = self._host(target)
        for attempt in itertools.count(1):
            async with host.places:
                while (pause := host.paused_until - time.monotonic()) > 0:
                    await asyncio.sleep(pause)
                async with self._places:
                    result, wait = await self._attempt(request, target, host, attempt)
                    if wait is None:
                        await deliver(result)
                        return
            self.counters["retries"] += 1
            await asyncio.sleep(wait)

    async def _attempt(self, request: Request, target: URL, host: _Host, attempt: int) -> tuple[Result, float | None]:
        """How an attempt ended, and the seconds after which there shall be another (None: never)."""
        try:
            body = await self._fetch(target, self.limits.bytes, self._permit, _opt_out, sniff)
            host.refusals = 0
            self.counters["bytes"] += len(body.data)
            return await self._judged(request, body, attempt), None
        except Exception as error:
            failed = classify(error)
            if failed is None:
                raise
            return Result(request, failed.code, str(failed), attempts=attempt), self._wait(host, failed, attempt)

    async def _fetch(self, url: URL, max_bytes: int, permit: Permit, inspect: Inspect, judge: Judge) -> Body:
        assert self._session
        return await fetch(
            self._session, self.guard, url, seconds=self.limits.seconds, max_bytes=max_bytes, slot=self._slot,
            permit=permit, inspect=inspect, judge=judge, judge_at=HEAD_BYTES,
        )  # fmt: skip

    def _slot(self) -> AbstractAsyncContextManager[None]:
        self.counters["requests"] += 1
        return self.gate.slot() if self.gate else nullcontext()

    async def _judged(self, request: Request, body: Body, attempt: int) -> Result:
        """The image that a body is. Raises `Failed`."""
        examine = partial(_examined, body.data, self.bounds, self.resize, self.decode)
        if self.decode or len(body.data) > QUICK_BYTES:
            picture, digest = await asyncio.get_running_loop().run_in_executor(self._threads, examine)
        else:
            picture, digest = examine()
        code, message = "success", ""
        if request.sha256 and digest != request.sha256.lower():
            code, message = "sha256_mismatch", f"sha256 {digest}, where {request.sha256} was expected"
            picture = replace(picture, data=body.data)
        return Result(
            request, code, message, picture.data, picture.format, picture.width, picture.height, picture.orientation,
            digest, body.url, attempt,
        )  # fmt: skip

    def _wait(self, host: _Host, failed: Failed, attempt: int) -> float | None:
        """The seconds before the next attempt, or None; a host that refuses again and again is left in peace."""
        wait = jittered(attempt - 1) + (failed.wait or 0.0)
        if self.gate and failed.wait:  # whole, however impatient this row is: the gate's other callers obey it too
            self.gate.pause(failed.wait, f"{failed}: it wants no request for {failed.wait:.0f} s; try again then")
        if failed.code == "rate_limited":
            host.refusals += 1
            if not self.gate and host.refusals >= REFUSALS_BEFORE_PAUSE:
                host.paused_until = time.monotonic() + min(wait, self.limits.seconds)
        retries = min(1, self.limits.retries) if failed.code in ONCE_MORE else self.limits.retries
        hopeless = not failed.again or attempt > retries or (failed.wait or 0.0) > self.limits.seconds
        return None if hopeless else wait

    def _host(self, url: URL) -> _Host:
        key = (url.scheme, url.raw_host, url.port)
        host = self._hosts.get(key)
        if host is None:
            host = self._hosts[key] = _Host(asyncio.Semaphore(self.limits.per_host))
            if len(self._hosts) > HOSTS_REMEMBERED:
                self._hosts.popitem(last=False)
        return host

    async def _permit(self, target: URL) -> None:
        """Raises `Failed` for a URL that its host's robots.txt excludes, which is read once."""
        host = self._host(target)
        if host.rules is None:
            host.rules = asyncio.create_task(self._read_rules(target))
        rules = host.rules.result() if host.rules.done() else await asyncio.shield(host.rules)
        if rules.rules and not rules.allows(target.raw_path_qs):
            raise Failed("robots_optout", f"{target}: excluded by robots.txt")

    async def _read_rules(self, target: URL) -> Rules:
        """A host's rules; none where there is no robots.txt, or (counted) where it cannot be had."""
        try:
            where = target.origin().with_path("/robots.txt")
            body = await self._fetch(where, ROBOTS_BYTES, _anything, _anything_goes, _no_judgement)
        except Exception as error:
            failed = classify(error)
            if failed is None:
                raise
            if failed.code not in NO_ROBOTS:
                self.counters["robots.txt/unreachable"] += 1
            return Rules()
        return read_rules(body.data.decode(errors="replace"))


async def download(
    requests: Iterable[Request], limits: Limits, guard: Guard, agent: str, gate: Gate | None = None, **treatment: Any
) -> AsyncIterator[Result]:
    """The results of some requests as they come; `treatment` is that of `Downloader`."""
    async with Downloader(limits, guard, agent, gate, **treatment) as downloader:
        async for result in downloader.stream(requests):
            yield result


def _examined(data: bytes, bounds: Bounds, resize: Resize | None, decode: bool) -> tuple[Picture, str]:
    """The image that some bytes are, treated, and their sha256. Raises `Failed`."""
    kind = sniff(data[:HEAD_BYTES])
    if not has_end(data, kind):
        raise Failed("truncated_body", f"{len(data):,} bytes of {kind} without its end")
    if decode:
        picture = treated(data, kind, bounds, resize)
    else:
        header = read_header(data, kind, bounds)
        picture = Picture(data, kind, header.width, header.height, header.orientation)
    return picture, hashlib.sha256(data).hexdigest()


def _opt_out(response: aiohttp.ClientResponse) -> None:
    directive = opted_out(response.headers.getall("X-Robots-Tag", ()))
    if directive:
        raise Failed("robots_optout", f"{response.url}: X-Robots-Tag says {directive}")


async def _anything(target: URL) -> None:
    """Every URL may be asked."""


def _anything_goes(response: aiohttp.ClientResponse) -> None:
    """No header matters."""


def _no_judgement(head: bytes, said: str) -> None:
    """Any beginning will do."""
