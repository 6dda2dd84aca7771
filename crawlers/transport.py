"""One question to a server and its answer: cached, polite, repeated while it may heal, read before it is believed."""

import asyncio
import time
import zlib
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Self, TypeVar
from urllib.parse import urlencode

import aiohttp
from yarl import URL

from crawlers.api import Family, Unready, WikiError, judge
from crawlers.cache import Cache
from crawlers.guard import Blocked, Guard
from crawlers.polite import Gate, Silence, jittered, retry_after, user_agent

ATTEMPTS = 12
FEW_ATTEMPTS = 3
REQUEST_SECONDS = 60.0
MAX_BYTES = 64 << 20
MAX_URL = 4000
MAX_HOPS = 3
LONGEST_SECONDS = 1e9
REDIRECTS = frozenset({301, 302, 303, 307, 308})
TELLING = ("action", "list", "titles", "pageids", "oldid", "ids")
UNREADABLE = "unreadable"
UNREAD = (LookupError, TypeError, ValueError, AttributeError)

T = TypeVar("T")


class Transport:
    """`async with Transport(…) as transport:`, in one event loop; raises `WikiError` and `CacheError`.

    `contact`: who runs this, for the servers' owners. `crawl`: the name of this crawl; what belongs to no revision is
    asked once a crawl. `seconds`: how long one attempt may take. `requests` counts what was sent: the first attempt
    under its kind, any other under retried/REASON.
    """

    def __init__(
        self,
        family: Family,
        contact: str,
        gate: Gate,
        cache: Cache,
        guard: Guard,
        crawl: str = "",
        *,
        seconds: float = REQUEST_SECONDS,
    ) -> None:
        self.family, self.gate, self.cache, self.guard, self.crawl = family, gate, cache, guard, crawl
        self.agent, self.seconds = user_agent(contact), seconds
        self.requests: Counter[str] = Counter()
        self.answered, self.answer_seconds = 0, 0.0
        self._met: set[str] = set()
        self._under_way: dict[str, asyncio.Task[bytes]] = {}

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=self.guard.connector(limit=self.gate.concurrent),
            headers={"User-Agent": self.agent, "Accept-Encoding": "gzip"},
            timeout=aiohttp.ClientTimeout(total=self.seconds),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            middlewares=[ask_once],
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._under_way.values():
            task.cancel()
        await asyncio.gather(*self._under_way.values(), return_exceptions=True)
        await self._session.close()

    async def ask(
        self, where: str, params: dict[str, str], kind: str, key: str | None, read: Callable[[dict[str, Any]], T]
    ) -> T:
        """An answer, read: from the cache, from a request under way, or from the wiki."""
        url = where
        if "://" not in where:
            url = self.family.api_of(where)
            params = {"format": "json", "formatversion": "2", "errorformat": "plaintext", "errorlang": "en",
                      "maxlag": "5"} | params  # fmt: skip
        key = key or f"{self.crawl} {url} {urlencode(sorted(params.items()))}"
        body = self.cache.get(key)
        if body is not None:
            try:
                return read(judge(200, {}, body))
            except (WikiError, Unready, *UNREAD):
                pass  # another version's: ask again
        task = self._under_way.get(key)
        if task is None:
            task = self._under_way[key] = asyncio.create_task(self._fetch(url, params, kind, key, read))
            task.add_done_callback(lambda _: self._under_way.pop(key))
        try:
            return read(judge(200, {}, await asyncio.shield(task)))
        except Silence as error:
            raise WikiError("silence", str(error)) from None

    async def _fetch(
        self, url: str, params: dict[str, str], kind: str, key: str, read: Callable[[dict[str, Any]], Any]
    ) -> bytes:
        """Ask until there is an answer that can be read, and cache it; returns the JSON as it came."""
        called = kind
        for attempt in range(1, ATTEMPTS + 1):
            last = attempt == ATTEMPTS
            try:
                status, headers, body = await self._send(url, params, called)
                answer = judge(status, headers, body)
                _check(answer, read)
                self.cache.put(key, body)
                return body
            except Unready as error:
                failure = error
                last = last or (attempt >= FEW_ATTEMPTS and error.reason == UNREADABLE)
            except aiohttp.ClientConnectorError as error:
                failure = Unready("unreachable", f"{error}; is the address right?")
                last = last or (attempt >= FEW_ATTEMPTS and URL(url).host not in self._met)
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                reason = "timeout" if isinstance(error, TimeoutError) else "broken"
                failure = Unready(reason, f"no whole answer: {type(error).__name__}: {error}".rstrip(": "))
            except WikiError as error:
                raise type(error)(error.code, f"{_line(url, params)}: {error}") from None
            self._pause(failure, url)
            if last:
                raise WikiError(failure.reason, f"{_line(url, params)}: {failure.message} (asked {attempt} times)")
            called = f"retried/{failure.reason}"
            await asyncio.sleep(jittered(0 if failure.retry_after else attempt - 1))
        raise AssertionError

    def _pause(self, failure: Unready, url: str) -> None:
        """Let everyone wait as long as the server says; raises `Silence` where that is too long."""
        seconds = retry_after(failure.retry_after, time.time())
        if seconds is None:
            return
        until = datetime.now(UTC) + timedelta(seconds=min(seconds, LONGEST_SECONDS))
        line = f"{url}: {failure.message}; it wants no request before {until:%Y-%m-%d %H:%M} UTC"
        self.gate.pause(seconds, f"{line}: give the same command again then")
        self.gate.check()

    async def _send(self, url: str, params: dict[str, str], called: str) -> tuple[int, Mapping[str, str], bytes]:
        """One attempt, through the gate: status, headers and body. A redirect is followed within the same server."""
        target = URL(url)
        for _ in range(MAX_HOPS):
            try:
                self.guard.check(target)
                response, body = await self._send_once(target, params, called)
            except Blocked as error:
                raise WikiError(error.code, str(error)) from error
            location = response.headers.get("Location")
            if response.status not in REDIRECTS or not location:
                return response.status, response.headers, body
            before, target = target, target.join(URL(location))
            if target.origin() != before.origin():
                raise WikiError(
                    "redirected", f"it leads to {target.origin()}, which is not asked; is the address right?"
                )
            params, called = {}, "redirected"
        raise WikiError("redirected", f"it leads on and on, {MAX_HOPS} times; is the address right?")

    async def _send_once(
        self, target: URL, params: dict[str, str], called: str
    ) -> tuple[aiohttp.ClientResponse, bytes]:
        loop = asyncio.get_running_loop()
        async with self.gate.slot():
            self.requests[called] += 1
            self.cache.count(self.crawl, called)
            started = loop.time()
            if len(urlencode(params)) > MAX_URL:
                asked = self._session.post(target, data=params, allow_redirects=False)
            else:
                asked = self._session.get(target, params=params or None, allow_redirects=False)
            async with asked as response:
                self._met.add(target.host or "")
                body = await _body(response)
            self.answered += 1
            self.answer_seconds += loop.time() - started
            return response, body


async def ask_once(request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Of its own accord, aiohttp sends a request again whose connection broke: past the gate, and uncounted. Not so."""
    try:
        return await send(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise aiohttp.ClientConnectionError(str(error)) from error


async def _body(response: aiohttp.ClientResponse) -> bytes:
    """A body as it is after its Content-Encoding, at most `MAX_BYTES`, however far it would unpack."""
    encoding = response.headers.get("Content-Encoding", "identity").lower()
    if encoding not in ("identity", "gzip", "x-gzip", "deflate"):
        raise WikiError("bad_encoding", f"a body in {encoding!r}, which nobody asked for")
    unpack = zlib.decompressobj(wbits=47) if encoding != "identity" else None
    body = bytearray()
    async for chunk in response.content.iter_chunked(1 << 16):
        try:
            body += unpack.decompress(chunk, MAX_BYTES + 1 - len(body)) if unpack else chunk
        except zlib.error as error:
            raise Unready("garbled", f"the answer is no {encoding}: {error}") from error
        if len(body) > MAX_BYTES:
            raise WikiError("too_large", f"an answer of more than {MAX_BYTES >> 20} MiB")
    if unpack and not unpack.eof:
        raise Unready("garbled", f"the answer ends in the middle of its {encoding}")
    return bytes(body)


def _check(answer: dict[str, Any], read: Callable[[dict[str, Any]], Any]) -> None:
    """Raise `Unready` for an answer that cannot be read as the one expected."""
    try:
        read(answer)
    except UNREAD as error:
        raise Unready(UNREADABLE, f"not the answer expected: {type(error).__name__}: {error}") from error


def _line(url: str, params: dict[str, str]) -> str:
    """A request as a part of a line: the URL and the parameters that tell it from others, shortened."""
    own = {name: params[name] for name in TELLING if name in params}
    return f"{url} {urlencode(own)[:120]}".rstrip()
