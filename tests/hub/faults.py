"""What goes wrong at the Hub, and what was asked of it: a layer around the server that the server knows nothing of."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send


@dataclass
class Fault:
    """What happens to the next `times` requests whose "METHOD /path" matches.

    They are answered with `status`, or `dropped` (the connection breaks), or `hung` (no answer comes). `late`: the
    request is carried out first, and only its answer is lost.
    """

    match: str
    status: int | Literal["dropped", "hung"]
    times: int = 1
    message: str = "injected"
    headers: Mapping[str, str] = field(default_factory=dict)
    late: bool = False


class Faults:
    """An ASGI application around another: notes every request, and breaks those that `planned` faults match."""

    def __init__(self, inner: ASGIApp) -> None:
        self.inner = inner
        self.planned: list[Fault] = []
        self.requests: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.inner(scope, receive, send)
            return
        # The path as it was sent: a revision such as refs%2Fpr%2F1 is one segment of it.
        scope = dict(scope, path=scope["raw_path"].decode().partition("?")[0])
        asked = f"{scope['method']} {scope['path']}"
        self.requests.append(asked)
        for fault in self.planned:
            if fault.times > 0 and re.search(fault.match, asked):
                fault.times -= 1
                if fault.late:
                    await self.inner(scope, receive, _unheard)
                await _fail(fault, scope, receive, send)
                return
        await self.inner(scope, receive, send)


async def _unheard(message: Message) -> None:
    """Where the answer to a request goes that nobody gets."""


async def _fail(fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
    if fault.status == "dropped":
        cycle: Any = getattr(send, "__self__", None)  # uvicorn's own object of this request: it has the socket
        cycle.transport.abort()
    elif fault.status == "hung":
        await asyncio.sleep(3600)
    else:
        await JSONResponse({"error": fault.message}, fault.status, dict(fault.headers))(scope, receive, send)
