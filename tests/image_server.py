"""A fast image server on loopback, in a process of its own, that plants trouble: what the first part of a path names.

    python tests/image_server.py FOLDER [HOSTS]

serves the files of FOLDER as `/<trouble>/<anything>/<file>` on 127.0.0.1, 127.0.0.2, … and prints its port, and
another one on which nothing listens; it has an inner one, too, that nobody should be led to. It is written on
`asyncio.Protocol`, so that a benchmark measures its clients.
"""

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, Self

CONTENT_TYPES = {
    ".jpg": "image/jpeg", ".png": "image/png", ".webp": "image/webp", ".gif": "image/gif", ".svg": "image/svg+xml",
}  # fmt: skip
ENDLESS_BYTES = 400 << 20
DRIP_SECONDS, DRIP_BYTES = 0.5, 60


class Answer(asyncio.Protocol):
    """One connection: requests come one after the other, and each gets what its path asks for."""

    files: dict[str, bytes]
    inner_port: int
    asked: ClassVar["Counter[str]"] = Counter()
    first: float = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport, self.received, self.flowing = transport, b"", asyncio.Event()
        self.flowing.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self.flowing.set()

    def pause_writing(self) -> None:
        self.flowing.clear()

    def resume_writing(self) -> None:
        self.flowing.set()

    def data_received(self, data: bytes) -> None:
        self.received += data
        if self.received[:1] == b"\x16":  # a client that says hello in TLS
            return self.reply(400, b"<html>This port speaks HTTP</html>", length=0)
        while b"\r\n\r\n" in self.received:
            head, self.received = self.received.split(b"\r\n\r\n", 1)
            self.answer(head.split(b" ", 2)[1].decode())
        return None

    def answer(self, path: str) -> None:
        if path == "/asked":
            return self.reply(200, json.dumps({"first": Answer.first, "paths": Answer.asked}).encode())
        if path == "/robots.txt":
            return self.reply(200, b"User-agent: *\nDisallow: /disallowed/\n", "text/plain")
        Answer.first = Answer.first or time.time()
        before, Answer.asked[path] = Answer.asked[path], Answer.asked[path] + 1
        trouble, name = path.split("/", 2)[1], path.rsplit("/", 1)[1]
        if name not in self.files:
            return self.reply(404, b"<html>Not found</html>")
        kind = CONTENT_TYPES[Path(name).suffix]
        TROUBLES.get(trouble, good)(self, path, self.files[name], kind, before)
        return None

    def reply(
        self, status: int, body: bytes = b"", kind: str = "text/html", *headers: str, length: int | None = None
    ) -> None:
        """A whole answer; with a `length` that is not the body's, the connection ends after it."""
        lines = (f"HTTP/1.1 {status} Said", f"Content-Type: {kind}", *headers)
        self.transport.write(
            "".join(f"{line}\r\n" for line in lines).encode()
            + b"Content-Length: %d\r\n\r\n" % (len(body) if length is None else length)
        )
        self.transport.write(body)
        if length is not None:
            self.transport.close()

    def begin_without_length(self, kind: str) -> None:
        """The head of an answer that ends when the connection does."""
        self.transport.write(f"HTTP/1.1 200 Said\r\nContent-Type: {kind}\r\nConnection: close\r\n\r\n".encode())

    def go_on(self, write: Any) -> None:
        """Write for as long as it takes, beside the other connections."""
        task = asyncio.get_running_loop().create_task(write)
        running.add(task)
        task.add_done_callback(running.discard)


running: set["asyncio.Task[None]"] = set()
Trouble = Callable[[Answer, str, bytes, str, int], None]


def good(to: Answer, path: str, body: bytes, kind: str, before: int) -> None:
    to.reply(200, body, kind)


def status(code: int) -> Trouble:
    return lambda to, path, body, kind, before: to.reply(code, b"<html>Sorry</html>")


def tagged(value: str) -> Trouble:
    return lambda to, path, body, kind, before: to.reply(200, body, kind, f"X-Robots-Tag: {value}")


def busy(code: int, times: int) -> Trouble:
    """Refuses that often, with a Retry-After, and is good then."""

    def trouble(to: Answer, path: str, body: bytes, kind: str, before: int) -> None:
        if before < times:
            to.reply(code, b"", "text/html", "Retry-After: 1")
        else:
            to.reply(200, body, kind)

    return trouble


def elsewhere(target: str) -> Trouble:
    def trouble(to: Answer, path: str, body: bytes, kind: str, before: int) -> None:
        place = target.format(path=path, name=path.rsplit("/", 1)[1], n=path.split("/")[2], inner=to.inner_port)
        to.reply(302, b"", "text/html", f"Location: {place}")

    return trouble


def silent(to: Answer, path: str, body: bytes, kind: str, before: int) -> None:
    """Never answers."""


def slow(to: Answer, path: str, body: bytes, kind: str, before: int) -> None:
    asyncio.get_running_loop().call_later(0.2, to.reply, 200, body, kind)


def short(to: Answer, path: str, body: bytes, kind: str, before: int) -> None:
    to.reply(200, body[: len(body) * 6 // 10], kind, length=len(body))


def cut(to: Answer, path: str, body: bytes, kind: str, before: int) -> None:
    to.begin_without_length(kind)
    to.transport.write(body[: len(body) * 6 // 10])
    to.transport.close()


def chunked(to: Answer, path: str, body: bytes, kind: str, before: int) -> None:
    to.transport.write(f"HTTP/1.1 200 Said\r\nContent-Type: {kind}\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
    for start in range(0, len(body), 10_000):
        piece = body[start : start + 10_000]
        to.transport.write(b"%x\r\n%b\r\n" % (len(piece), piece))
    to.transport.write(b"0\r\n\r\n")


def html(to: Answer, path: str, body: bytes, kind: str, before: int) -> None:
    to.reply(200, b"<!DOCTYPE html>\n<html><body>Please log in to see this picture</body></html>", kind)


def polyglot(to: Answer, path: str, body: bytes, kind: str, before: int) -> None:
    page = b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
    to.reply(200, page, kind)


def empty(to: Answer, path: str, body: bytes, kind: str, before: int) -> None:
    to.reply(200, b"", kind)


def reset(to: Answer, path: str, body: bytes, kind: str, before: int) -> None:
    linger = (1).to_bytes(4, sys.byteorder) + (0).to_bytes(4, sys.byteorder)
    to.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    to.transport.abort()


def drip(to: Answer, path: str, body: bytes, kind: str, before: int) -> None:
    """A byte now and then: a client that only limits the wait for the next byte sits here for half a minute."""

    async def write() -> None:
        for place in range(DRIP_BYTES):
            to.transport.write(body[place : place + 1])
            await asyncio.sleep(DRIP_SECONDS)
            if to.transport.is_closing():
                return
        to.transport.close()

    to.transport.write(f"HTTP/1.1 200 Said\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n".encode())
    to.go_on(write())


def endless(to: Answer, path: str, body: bytes, kind: str, before: int) -> None:
    """Begins as a good image, lacks its end, and goes on."""

    async def write() -> None:
        to.transport.write(body[:-2])
        for _ in range(0, ENDLESS_BYTES, 1 << 18):
            if to.transport.is_closing():
                return
            to.transport.write(b"\x55" * (1 << 18))
            await to.flowing.wait()
        to.transport.close()

    to.begin_without_length(kind)
    to.go_on(write())


def squeezed(to: Answer, path: str, body: bytes, kind: str, before: int) -> None:
    """The file is a gzip file, which a client may unpack before it looks at it."""
    to.reply(200, body, kind, "Content-Encoding: gzip")


TROUBLES: dict[str, Trouble] = {
    "404": status(404), "410": status(410), "403": status(403), "451": status(451), "500": status(500),
    "silent": silent, "drip": drip, "slow": slow, "short": short, "cut": cut, "chunked": chunked, "html": html,
    "polyglot": polyglot, "empty": empty, "reset": reset, "endless": endless, "squeezed": squeezed,
    "flaky": busy(503, 1), "busy": busy(429, 2), "refusing": busy(429, 1_000_000),
    "redirect": elsewhere("/good/{n}/{name}"), "loop": elsewhere("{path}"),
    "to-private": elsewhere("http://127.0.0.1:{inner}/inner/{n}/{name}"), "to-file": elsewhere("file:///etc/hostname"),
    "noai": tagged("noai, noimageai"), "noai-for-us": tagged("babelvision: noindex"),
    "noai-for-others": tagged("somebot: noai"),
}  # fmt: skip


async def serve(folder: Path, hosts: int) -> None:
    Answer.files = {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix in CONTENT_TYPES}
    with socket.socket() as closed, socket.socket() as inner, socket.socket() as outer:
        for each in (closed, inner, outer):
            each.bind(("127.0.0.1", 0))
        Answer.inner_port, port = inner.getsockname()[1], outer.getsockname()[1]
        loop = asyncio.get_running_loop()
        for each in (inner, outer):
            await loop.create_server(Answer, sock=each, backlog=4096)
        for host in range(2, hosts + 1):
            await loop.create_server(Answer, f"127.0.0.{host}", port, backlog=4096)
        print(json.dumps({"port": port, "closed": closed.getsockname()[1]}), flush=True)
        # The process goes when the one that started it does: its end of the pipe is closed then.
        await loop.run_in_executor(None, sys.stdin.read)
        os._exit(0)


class ImageServer:
    """`with ImageServer(folder) as server:`; `hosts` are its addresses, each HOST:PORT."""

    def __init__(self, folder: Path, hosts: int = 1) -> None:
        self.folder, self.count = folder, hosts

    def __enter__(self) -> Self:
        self.process = subprocess.Popen(
            [sys.executable, __file__, str(self.folder), str(self.count)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        assert self.process.stdout is not None
        ports = json.loads(self.process.stdout.readline())
        self.hosts = [f"127.0.0.{host}:{ports['port']}" for host in range(1, self.count + 1)]
        self.closed = f"127.0.0.1:{ports['closed']}"
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()

    def asked(self) -> Counter[str]:
        """How often each path was asked for so far."""
        return Counter(self._told()["paths"])

    def first_asked(self) -> float:
        """When the first image was asked for, in seconds of `time.time`."""
        return float(self._told()["first"])

    def _told(self) -> Any:
        with urllib.request.urlopen(f"http://{self.hosts[0]}/asked", timeout=10) as answer:
            return json.load(answer)


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1))
