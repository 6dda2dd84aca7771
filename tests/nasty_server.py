"""A server on loopback, in the test's own event loop, that answers a path as nobody should, and counts the asking."""

import asyncio
import io
import socket
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import numpy as np
from PIL import Image


def picture(kind: str = "JPEG", seed: int = 1) -> bytes:
    file = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 256, (90, 120, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(file, kind)
    return file.getvalue()


PICTURE = picture()
Answer = Callable[["Visit"], Awaitable[None]]


class Visit:
    """One request to the server."""

    def __init__(self, path: str, headers: dict[str, str], nth: int, writer: asyncio.StreamWriter) -> None:
        self.path, self.headers, self.nth, self.writer = path, headers, nth, writer

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    def reply(self, status: int = 200, body: bytes = b"", *headers: str, length: int | None = None) -> None:
        lines = (f"HTTP/1.1 {status} Said", f"Content-Length: {len(body) if length is None else length}", *headers)
        self.send("\r\n".join((*lines, "", "")).encode() + body)


class Server:
    """A server whose `answers` (by the first part of a path) may do anything; unknown paths are 404."""

    def __init__(self, **answers: Answer) -> None:
        self.answers = answers
        self.asked: Counter[str] = Counter()
        self.headers: list[dict[str, str]] = []
        self.connections = self.now = self.most = 0
        self.url = self.host = ""
        self.counters: Counter[str] = Counter()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while head := (await reader.readuntil(b"\r\n\r\n")).decode("latin-1"):
                first, *rest = head.strip().split("\r\n")
                path = first.split(" ")[1]
                headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in rest)}
                self.asked[path] += 1
                self.headers.append(headers)
                visit = Visit(path, headers, self.asked[path], writer)
                self.now += 1
                self.most = max(self.most, self.now)
                try:
                    answer = self.answers.get(path.strip("/").partition("/")[0].partition(".")[0])
                    await (answer(visit) if answer else missing(visit))
                finally:
                    self.now -= 1
                if writer.is_closing():
                    return
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            writer.close()

    @asynccontextmanager
    async def running(self, tls: ssl.SSLContext | None = None) -> AsyncIterator["Server"]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=tls)
        self.host = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        self.url = f"http{'s' if tls else ''}://{self.host}"
        try:
            yield self
        finally:
            server.close()


async def missing(visit: Visit) -> None:
    visit.reply(404, b"<html>not here</html>")


async def good(visit: Visit) -> None:
    visit.reply(200, PICTURE, "Content-Type: image/jpeg")


def said(status: int, *headers: str, body: bytes = b"<html>sorry</html>") -> Answer:
    async def answer(visit: Visit) -> None:
        visit.reply(status, body, *headers)

    return answer


def healed(status: int, *headers: str, after: int = 1) -> Answer:
    """Refuses so often, and is good then."""

    async def answer(visit: Visit) -> None:
        if visit.nth <= after:
            visit.reply(status, b"", *headers)
        else:
            await good(visit)

    return answer


async def hang(visit: Visit) -> None:
    await asyncio.sleep(60)


async def drip(visit: Visit) -> None:
    visit.reply(200, b"", length=len(PICTURE))
    for n in range(200):
        visit.send(PICTURE[n : n + 1])
        await asyncio.sleep(0.05)


async def reset(visit: Visit) -> None:
    visit.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    visit.writer.transport.abort()


async def no_http(visit: Visit) -> None:
    visit.send(b"220 mail.example.org ESMTP\r\n\r\n")
    visit.writer.close()


async def short(visit: Visit) -> None:
    visit.reply(200, PICTURE[:3000], length=len(PICTURE))
    visit.writer.close()


async def cut(visit: Visit) -> None:
    """Without a length, so that only the file itself shows that it is not whole."""
    visit.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + PICTURE[:-2])
    visit.writer.close()


async def half_a_chunk(visit: Visit) -> None:
    visit.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffff\r\n" + PICTURE[:5000])
    visit.writer.close()


async def endless(visit: Visit) -> None:
    visit.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + PICTURE[:-2])
    while not visit.writer.is_closing():
        visit.send(b"\x55" * 50_000)
        await visit.writer.drain()


async def robots(visit: Visit) -> None:
    visit.reply(200, b"User-agent: *\nDisallow: /\n\nUser-agent: BabelVision\nDisallow: /kept/")


async def onwards(visit: Visit) -> None:
    """/onwards/3 needs three redirects."""
    left = int(visit.path.rpartition("/")[2])
    if left:
        visit.reply(302, b"", f"Location: {left - 1}")
    else:
        await good(visit)
