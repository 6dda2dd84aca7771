"""One attempt to get one file: redirects followed by hand and checked, the body bounded and judged while it streams."""

import asyncio
import socket
import ssl
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

import aiohttp
from yarl import URL

from crawlers.guard import Blocked, Guard, parse
from crawlers.outcomes import Failed
from crawlers.polite import retry_after
from crawlers.transport import ask_once

REDIRECTS = 5
REDIRECT_STATUSES = frozenset({301, 302, 303, 307, 308})
PASSING_FAULTS = frozenset({500, 502, 503, 504})

Judge = Callable[[bytes, str], object]
Slot = Callable[[], AbstractAsyncContextManager[None]]
Permit = Callable[[URL], Awaitable[None]]
Inspect = Callable[[aiohttp.ClientResponse], None]


@dataclass(frozen=True)
class Body:
    """What a server sent, and under which URL after redirects."""

    url: str
    data: bytes


def new_session(connector: aiohttp.TCPConnector, agent: str, stall: float) -> aiohttp.ClientSession:
    """A session for files of strangers: no cookies, no proxies of the environment, nothing decompressed.

    `stall`: seconds to wait for a connection, and between two reads.
    """
    return aiohttp.ClientSession(
        connector=connector,
        headers={"User-Agent": agent, "Accept": "image/*,*/*;q=0.5"},
        skip_auto_headers=("Accept-Encoding",),
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
        middlewares=[ask_once],
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=stall, sock_read=stall),
    )


async def fetch(
    session: aiohttp.ClientSession,
    guard: Guard,
    target: URL,
    *,
    seconds: float,
    max_bytes: int,
    slot: Slot,
    permit: Permit,
    inspect: Inspect,
    judge: Judge,
    judge_at: int,
) -> Body:
    """Get a file. Raises `Failed`, or whatever `classify` makes a `Failed` of.

    `target` has passed the `guard`; what redirects lead to is checked here.
    `seconds` is the time it may take, without the waiting for a `slot` of the gate, which every request passes.
    `permit` is asked before every request, `inspect` sees the headers of a file that is there, `judge` its
    first `judge_at` bytes with the Content-Type; each raises `Failed` to stop.
    """
    for _ in range(REDIRECTS + 1):
        await permit(target)
        async with slot():
            began = time.monotonic()
            async with asyncio.timeout(seconds), session.get(target, allow_redirects=False) as response:
                if response.status not in REDIRECT_STATUSES:
                    _check_status(response)
                    inspect(response)
                    return Body(str(target), await _read(response, max_bytes, judge, judge_at))
                to = response.headers.get("Location")
        seconds -= time.monotonic() - began
        if not to:
            raise Failed("redirect_loop", f"{target}: status {response.status} without a Location")
        target = guard.check(target.join(parse(to)))
    raise Failed("redirect_loop", f"more than {REDIRECTS} redirects, the last to {target}")


def _check_status(response: aiohttp.ClientResponse) -> None:
    status = response.status
    if status == 200:
        return
    message = f"status {status} {response.reason or ''}".strip()
    wait = retry_after(response.headers.get("Retry-After"), time.time())
    if status == 429:
        raise Failed("rate_limited", message, again=True, wait=wait)
    if status >= 500:
        raise Failed("http_5xx", message, again=status in PASSING_FAULTS, wait=wait)
    if status in (404, 410):
        raise Failed(f"http_{status}", message)
    if status >= 400:
        raise Failed("http_4xx", message)
    raise Failed("empty_body" if status in (204, 205) else "connection", f"{message}, where 200 was expected")


async def _read(response: aiohttp.ClientResponse, max_bytes: int, judge: Judge, judge_at: int) -> bytes:
    """The body, stopped as soon as it is too large or its beginning is wrong."""
    announced = response.content_length
    if announced is not None and announced > max_bytes:
        raise Failed("too_large", f"{announced:,} bytes announced; at most {max_bytes:,} are taken")
    parts: list[bytes] = []
    size, judged = 0, False
    while part := await response.content.readany():
        parts.append(part)
        size += len(part)
        if not judged and size >= judge_at:
            judge(b"".join(parts)[:judge_at], response.content_type)
            judged = True
        if size > max_bytes:
            raise Failed("too_large", f"more than {max_bytes:,} bytes")
    data = parts[0] if len(parts) == 1 else b"".join(parts)
    if not data:
        raise Failed("empty_body", "an answer without a byte")
    if not judged:
        judge(data, response.content_type)
    return data


def classify(error: Exception) -> Failed | None:
    """The outcome that an exception of an attempt stands for; None for one that is no outcome but a mistake."""
    message = f"{type(error).__name__}: {error}"
    match error:
        case Failed():
            return error
        case Blocked():
            return Failed("blocked", f"{error.code}: {error}")
        case TimeoutError():
            return Failed("timeout", str(error) or "no whole answer in time", again=True)
        case aiohttp.ClientConnectorDNSError():
            passing = getattr(error.os_error, "errno", None) == socket.EAI_AGAIN
            return Failed("dns", message, again=passing)
        case aiohttp.ClientSSLError() | ssl.SSLError() | ssl.CertificateError():
            return Failed("tls", message)
        case aiohttp.ClientPayloadError():
            return Failed("truncated_body", message, again=True)
        case aiohttp.ClientResponseError():
            return Failed("connection", f"no HTTP: {message}")
        case aiohttp.InvalidURL() | ValueError():
            return Failed("blocked", f"bad_url: {message}")
        case aiohttp.ClientError() | OSError() | asyncio.IncompleteReadError():
            return Failed("connection", message, again=True)
    return None
