"""A real HTTP server on loopback that speaks the chat API and can lie in every way that servers do.

`replies` are what it does with the chat completions that arrive, one after the other; when they are used up, `always`.
To the hello by which an engine finds out what it can do, and whether it is still there, it replies `hello`.
"""

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future
from typing import Any, Self

from aiohttp import web

Reply = Callable[[web.Request], Awaitable[web.StreamResponse]]
TEXT = "Bai, gorria da."


def completion(text: Any = TEXT, finish: Any = "stop", **changes: Any) -> dict[str, Any]:
    """A chat completion, right but for `changes`."""
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": finish}
    usage = {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}
    return {"id": "x", "object": "chat.completion", "choices": [choice], "usage": usage} | changes


def says(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Reply:
    """Reply with JSON, or with bytes as they are."""
    body = value if isinstance(value, bytes) else json.dumps(value).encode()

    async def reply(request: web.Request) -> web.StreamResponse:
        return web.Response(status=status, body=body, headers=headers, content_type="application/json")

    return reply


def refuses(status: int, message: str = "no", headers: dict[str, str] | None = None) -> Reply:
    return says({"error": {"message": message, "type": "x", "code": status}}, status, headers)


async def good(request: web.Request) -> web.StreamResponse:
    """Say back the seed, so that every answer can be told from the others."""
    body = await request.json()
    return await says(completion(f"{TEXT} {body['seed']}"))(request)


async def hang(request: web.Request) -> web.StreamResponse:
    await asyncio.sleep(3600)
    raise AssertionError


async def reset(request: web.Request) -> web.StreamResponse:
    """Break the connection without a word."""
    assert request.transport is not None
    request.transport.abort()
    await asyncio.sleep(3600)
    raise AssertionError


async def cut_short(request: web.Request) -> web.StreamResponse:
    """Promise a whole answer, send half of it and close."""
    body = json.dumps(completion()).encode()
    response = web.StreamResponse(headers={"Content-Length": str(len(body))})
    await response.prepare(request)
    await response.write(body[: len(body) // 2])
    assert request.transport is not None
    request.transport.close()
    return response


async def trickle(request: web.Request) -> web.StreamResponse:
    """A byte now and then, for ever."""
    response = web.StreamResponse()
    await response.prepare(request)
    while True:
        await response.write(b" ")
        await asyncio.sleep(0.05)


class LyingServer:
    """`with LyingServer(…) as server:`; `url` is its address, `seen` are the bodies of the chat completions so far, and
    `headers` those of every request of any kind.
    """

    def __init__(
        self,
        *replies: Reply,
        always: Reply = good,
        models: Sequence[dict[str, Any]] = ({"id": "liar", "owned_by": "nobody"},),
        version: str = "",
        models_reply: Reply | None = None,
        version_reply: Reply | None = None,
    ) -> None:
        self.replies, self.always = list(replies), always
        self.seen: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.at_once = self.most_at_once = 0
        self.version = version_reply or (says({"version": version}) if version else refuses(404))
        self.hello = says(completion("Hello."))
        self.models = models_reply or says({"object": "list", "data": list(models)})

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        self.headers.append(dict(request.headers))
        body = await request.json()
        if body["messages"][-1]["content"] == "Say: hello.":
            return await self.hello(request)
        self.seen.append(body)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            return await (self.replies.pop(0) if self.replies else self.always)(request)
        finally:
            self.at_once -= 1

    async def _models(self, request: web.Request) -> web.StreamResponse:
        self.headers.append(dict(request.headers))
        return await self.models(request)

    async def _version(self, request: web.Request) -> web.StreamResponse:
        return await self.version(request)

    async def _serve(self, ready: "Future[int]") -> None:
        app = web.Application()
        app.router.add_post("/v1/chat/completions", self._chat)
        app.router.add_get("/v1/models", self._models)
        app.router.add_get("/version", self._version)
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        ready.set_result(runner.addresses[0][1])
        await self._stop.wait()
        await runner.cleanup()

    def __enter__(self) -> Self:
        ready: Future[int] = Future()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve(ready)), daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{ready.result(10)}"
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Stop listening; connections that are open end."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(10)
