"""A wiki's HTTP interface that says what it is told to say: what a server does at its worst moments, one at a time.

Each reply of a script answers one request, one after the other; when they are used up, `always`. Server and client
share one loop, whose time leaps over every wait (`leaping`): a client that waits for hours is tested in milliseconds,
and every request has the time at which it came.
"""

import asyncio
import gzip
import json
import selectors
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Self, TypeVar

from aiohttp import web

from crawlers.cache import Cache
from crawlers.guard import Guard
from crawlers.mediawiki import Client, family_of
from crawlers.polite import Gate

Reply = Callable[[web.Request], Awaitable[web.StreamResponse]]
T = TypeVar("T")
PATIENCE_SECONDS = 0.01
CONTACT = "tests@example.org"


class _LeapingSelector(selectors.DefaultSelector):
    """Waits a moment for what is under way; when nothing comes, it says that the whole time has passed."""

    def __init__(self, patience: float) -> None:
        super().__init__()
        self.patience, self.leapt = patience, 0.0

    def select(self, timeout: float | None = None) -> Any:
        if timeout is None or timeout <= 0:
            return super().select(timeout)
        events = super().select(min(timeout, self.patience))
        if not events:
            self.leapt += timeout
        return events


class _LeapingLoop(asyncio.SelectorEventLoop):
    def __init__(self, patience: float) -> None:
        self.selector = _LeapingSelector(patience)
        super().__init__(self.selector)

    def time(self) -> float:
        return self.selector.leapt + (super().time() if self.selector.patience else 0.0)


def leaping(work: Coroutine[Any, Any, T], patience: float = PATIENCE_SECONDS) -> T:
    """Run a coroutine in a loop whose time leaps over every wait; without patience, time is made of leaps alone."""
    with asyncio.Runner(loop_factory=lambda: _LeapingLoop(patience)) as runner:
        return runner.run(work)


def says(value: Any, status: int = 200, headers: dict[str, str] | None = None, kind: str = "application/json") -> Reply:
    """Reply with JSON, or with bytes as they are."""
    body = value if isinstance(value, bytes) else json.dumps(value).encode()

    async def reply(request: web.Request) -> web.StreamResponse:
        return web.Response(status=status, body=body, headers=headers, content_type=kind)

    return reply


def page(status: int, headers: dict[str, str] | None = None) -> Reply:
    """A proxy's page of HTML."""
    html = b"<!DOCTYPE html><html><head><style>b {}</style></head><body><h1>Error</h1>Our robot policy</body></html>"
    return says(html, status, headers, "text/html")


def refuses(code: str, headers: dict[str, str] | None = None, *, old: bool = False) -> Reply:
    """The API's error, which comes with status 200, in its present or its old format."""
    error = {"code": code, "info": "no"} if old else [{"code": code, "text": "no", "module": "main"}]
    return says({"error" if old else "errors": error}, headers=headers)


def leads(to: str, status: int = 301) -> Reply:
    return says(b"", status, {"Location": to})


def packed(body: bytes, encoding: str = "gzip") -> Reply:
    return says(body, headers={"Content-Encoding": encoding})


def bomb(size: int) -> Reply:
    """A small answer that unpacks to `size` bytes."""
    return packed(gzip.compress(b"\0" * size))


async def hang(request: web.Request) -> web.StreamResponse:
    await asyncio.sleep(1e9)
    raise AssertionError


async def reset(request: web.Request) -> web.StreamResponse:
    """Break the connection without a word."""
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def cut_short(request: web.Request) -> web.StreamResponse:
    """Promise more than is sent, and close."""
    response = web.StreamResponse(headers={"Content-Length": "1000"})
    await response.prepare(request)
    await response.write(b'{"batchcomplete": true, "que')
    assert request.transport is not None
    request.transport.close()
    return response


async def endless(request: web.Request) -> web.StreamResponse:
    """A body without an end."""
    response = web.StreamResponse()
    await response.prepare(request)
    while True:
        await response.write(b" " * (1 << 20))


@dataclass(frozen=True)
class Seen:
    """A request as it came, with the loop's time."""

    method: str
    path: str
    params: dict[str, str]
    headers: dict[str, str]
    time: float


class LyingWiki:
    """`async with LyingWiki(…) as wiki:`; `seen` are the requests, `most_at_once` is how many were open together."""

    def __init__(self, *replies: Reply, always: Reply | None = None, seconds: float = 0.0) -> None:
        self.replies, self.always, self.seconds = list(replies), always or says({"batchcomplete": True}), seconds
        self.seen: list[Seen] = []
        self.at_once = self.most_at_once = 0

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        params = {**request.query, **{name: str(value) for name, value in (await request.post()).items()}}
        now = asyncio.get_running_loop().time()
        self.seen.append(Seen(request.method, request.raw_path, params, dict(request.headers), now))
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            if self.seconds:
                await asyncio.sleep(self.seconds)
            return await (self.replies.pop(0) if self.replies else self.always)(request)
        finally:
            self.at_once -= 1

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.host = f"127.0.0.1:{self._runner.addresses[0][1]}"
        self.base = f"http://{self.host}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    def client(self, *, cache: Cache | None = None, per_minute: float = 60_000, crawl: str = "crawl") -> Client:
        guard = Guard(frozenset({self.host}))
        return Client(family_of(self.base), CONTACT, Gate(per_minute), cache or Cache(":memory:"), guard, crawl)
