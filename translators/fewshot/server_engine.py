"""Few-shot translation by any OpenAI-compatible server: `vllm serve`, llama.cpp, a hosted model.

A server may be slow, busy, wrong or gone. What is worth another try is tried again (`retry.py`), within bounds. A
request that fails at every attempt fails by itself while the model answers others, or, if none was asked meanwhile, a
plain hello; when it does not, the server is gone and every request fails at once.
"""

import asyncio
import difflib
import json
import os
import threading
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import aiohttp

from translators.fewshot import KEY_VARIABLE, chat_api
from translators.fewshot.chat_api import FaultyAnswer
from translators.fewshot.engine import Answer, Message, Request, Structure
from translators.fewshot.retry import RETRIED, wait_seconds
from translators.units import TranslatorError

MAX_BODY_BYTES = 8 << 20
PROBE_ATTEMPTS = 3
CLOSE_SECONDS = 10.0
ADVICE = {
    401: f"put its key into the environment variable {KEY_VARIABLE}",
    402: "it wants to be paid first",
    403: f"the key in {KEY_VARIABLE} may not use this model",
    404: "check the address and the model's name",
    422: "it does not take these requests; is it an OpenAI-compatible chat server?",
}
T = TypeVar("T")


class Unanswered(Exception):
    """No attempt got an answer: no connection, no reply in time, a server in trouble."""


class Refused(Exception):
    """The server refuses this very request: too long, or its bound form is none."""


@dataclass(frozen=True)
class Served:
    """What a server says of a model. `name` and `revision` are for everyone to see (see `chat_api`), and never of
    `created`, which vLLM and others set to the time of asking.
    """

    model: str
    name: str
    revision: str
    vllm: bool
    structures: frozenset[Structure]


@dataclass(frozen=True)
class Line:
    """How to reach a server, and how long and often to try.

    `request_seconds` bounds a request with all its attempts; one attempt may take half of it, so that a reply that
    never comes is asked for once more.
    """

    base: str
    key: str
    in_flight: int
    request_seconds: float
    connect_seconds: float
    attempts: int

    def __repr__(self) -> str:
        return f"Line({self.base})"

    @asynccontextmanager
    async def session(self) -> AsyncIterator[aiohttp.ClientSession]:
        """Connections to the server that are kept and used again; no cookies, no proxy from the environment."""
        async with aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self.in_flight),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"Authorization": f"Bearer {self.key}"} if self.key else {},
            timeout=aiohttp.ClientTimeout(total=self.request_seconds / 2, sock_connect=self.connect_seconds),
        ) as session:
            yield session

    def hidden(self, words: str) -> str:
        """A server's words without our key, which some repeat."""
        return words.replace(self.key, "…") if self.key else words

    def quoted(self, words: object) -> str:
        """Words that hold some of the server's, on one line of an error and without our key."""
        return self.hidden(chat_api.shortened(self.hidden(str(words))))


async def ask(
    line: Line, session: aiohttp.ClientSession, path: str, body: Mapping[str, Any] | None, parse: Callable[[bytes], T]
) -> T:
    """GET `path`, or POST `body` to it, until `parse` makes something of the reply.

    Raises `TranslatorError` (the server refuses us), `Refused` (this request), and when the attempts or the time are
    used up `Unanswered` or `FaultyAnswer`.
    """
    data = None if body is None else json.dumps(body).encode()
    deadline = time.monotonic() + line.request_seconds
    for attempt in range(line.attempts):
        header = None
        try:
            status, header, reply = await _exchange(session, line.base + path, data)
            reply = reply.replace(line.key.encode(), b"...") if line.key else reply
            if status == 200:
                return parse(reply)
            problem: Exception = Unanswered(_refusal(line, status, reply, header))
        except FaultyAnswer as error:
            problem = error
        except aiohttp.ClientSSLError as error:
            raise TranslatorError(
                f"{line.base}: {line.quoted(error)}; check its certificate, or http for https"
            ) from error
        except TimeoutError:
            problem = Unanswered(f"no reply within {line.request_seconds / 2:g} s")
        except (aiohttp.ClientError, OSError) as error:
            problem = Unanswered(f"{type(error).__name__}: {line.quoted(error)}")
        wait = wait_seconds(attempt, header, time.time())
        if attempt + 1 == line.attempts or time.monotonic() + wait > deadline:
            break
        await asyncio.sleep(wait)
    raise type(problem)(f"{line.hidden(str(problem))} (asked {attempt + 1} times)") from problem


async def _exchange(session: aiohttp.ClientSession, url: str, data: bytes | None) -> tuple[int, str | None, bytes]:
    """One request: the status, what says when or where to ask again, and the body."""
    method, headers = ("GET", {}) if data is None else ("POST", {"Content-Type": "application/json"})
    async with session.request(method, url, data=data, headers=headers, allow_redirects=False) as response:
        body = bytearray()
        async for chunk in response.content.iter_any():
            body += chunk
            if len(body) > MAX_BODY_BYTES:
                raise FaultyAnswer(f"the reply is larger than {MAX_BODY_BYTES} bytes")
        says = response.headers.get("Location" if 300 <= response.status < 400 else "Retry-After")
        return response.status, says, bytes(body)


def _refusal(line: Line, status: int, reply: bytes, header: str | None) -> str:
    """What to say of a status other than 200 that is worth another try. Raises for one that is not."""
    words = line.hidden(chat_api.message_in(reply))
    if status in RETRIED:
        return f"HTTP {status}: {words}"
    if status in (400, 413) or (status == 422 and chat_api.is_too_long(words)):
        raise Refused(f"the server refuses the request (HTTP {status}): {words}")
    if 300 <= status < 400:
        where = line.quoted(header or "nowhere")
        raise TranslatorError(f"{line.base} redirects to {where}, which is not followed; give that address")
    advice = ADVICE.get(status, "expected an OpenAI-compatible chat server")
    raise TranslatorError(f"{line.base} answers HTTP {status}: {words}; {advice}")


async def probe(line: Line, model: str, context: int) -> Served:
    """What the server says of `model`, or of the only one it serves. Raises `TranslatorError`."""
    line = replace(line, attempts=min(line.attempts, PROBE_ATTEMPTS))
    async with line.session() as session:
        try:
            cards = await ask(line, session, "/v1/models", None, chat_api.parse_models)
        except (Unanswered, FaultyAnswer, Refused) as error:
            raise TranslatorError(
                f"{line.base}/v1/models: {error}; is a server running there? e.g. vllm serve MODEL --port 8000"
            ) from error
        card = cards[_chosen(line, model, list(cards))]
        length = card.get("max_model_len")
        if isinstance(length, int) and length < context:
            raise TranslatorError(
                f"{line.base} serves {card['id']} with a context of {length} tokens, and {context} are needed; "
                f"start it with --max-model-len {context}, or ask for a shorter context"
            )
        try:
            vllm = card.get("owned_by") == "vllm" and await _has_version(line, session)
            structures = frozenset[Structure]({"regex", "json"} if vllm else ())
            if not vllm and await _binds_json(line, session, card["id"]):
                structures = frozenset({"json"})
        except (Unanswered, FaultyAnswer) as error:
            raise TranslatorError(
                f"{line.base} lists {line.hidden(card['id'])} but does not say what it can do: {error}; "
                "start again when it is ready"
            ) from error
        name, revision = (
            line.hidden(made) for made in (chat_api.published_name(card["id"]), chat_api.published_revision(card))
        )
        return Served(card["id"], name, revision, vllm, structures)


def _chosen(line: Line, model: str, served: Sequence[str]) -> str:
    """The id of the model that is meant. Raises `TranslatorError`."""
    if model in served:
        return model
    if not model and len(served) == 1:
        return served[0]
    listed = line.hidden(", ".join(sorted(served)[:20])) or "none"
    if not model:
        raise TranslatorError(f"{line.base} serves several models or none; choose one with --model: {listed}")
    near = difflib.get_close_matches(model, served, n=2, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else f"it serves {listed}"
    raise TranslatorError(f"{line.base} does not serve --model {model}; {hint}")


async def _has_version(line: Line, session: aiohttp.ClientSession) -> bool:
    """Whether the server tells its version where vLLM does. Raises `Unanswered` when it cannot say now."""
    try:
        told = await ask(line, session, "/version", None, chat_api.parse_json)
    except (TranslatorError, FaultyAnswer, Refused):
        return False
    return isinstance(told, dict) and isinstance(told.get("version"), str)


async def _binds_json(line: Line, session: aiohttp.ClientSession, model: str) -> bool:
    """Whether `response_format` binds this server's answers: asked to say hello, it must give our schema's number.

    Raises `Unanswered` or `FaultyAnswer` when it cannot say now.
    """
    try:
        body = chat_api.chat_body(chat_api.PROBE, model, vllm=False)
        return await ask(line, session, "/v1/chat/completions", body, chat_api.is_bound)
    except Refused:
        return False


class ServerEngine:
    """A chat model behind an OpenAI-compatible server, at most `in_flight` requests at a time.

    `url` may end in `/v1` or not; `model` may be left out where the server has only one. The server's key, if it wants
    one, is taken from the environment variable BABELVISION_API_KEY and shown nowhere. Making an engine asks the server
    for its models; raises `TranslatorError` when it does not answer or does not have the model.
    """

    def __init__(
        self,
        url: str,
        model: str = "",
        *,
        in_flight: int = 64,
        request_seconds: float = 300.0,
        connect_seconds: float = 10.0,
        attempts: int = 6,
        context: int = 2048,
    ) -> None:
        key = os.environ.get(KEY_VARIABLE, "").strip()
        if not (key.isascii() and key.isprintable()):
            raise TranslatorError(f"{KEY_VARIABLE}: a key is one line of ASCII characters")
        base = chat_api.base_address(url)
        self._line = Line(base, key, in_flight, request_seconds, connect_seconds, attempts)
        with ThreadPoolExecutor(1) as thread:  # asyncio.run needs a thread without a loop: a notebook's has one
            served = thread.submit(asyncio.run, probe(self._line, model, context)).result()
        self.name, self.revision, self.structures = served.name, served.revision, served.structures
        self.settings: Mapping[str, str] = {"engine": "vllm server" if served.vllm else "server"}
        self._served = served
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._broken = ""
        self._last_success = 0.0

    def load(self) -> None:
        """Start the thread that keeps the connections."""
        with self._lock:
            self._start()

    def _start(self) -> None:
        if self._thread is None:
            ready: Future[None] = Future()
            self._thread = threading.Thread(
                target=lambda: asyncio.run(self._serve(ready)), name="server-engine", daemon=True
            )
            self._thread.start()
            ready.result()

    async def _serve(self, ready: "Future[None]") -> None:
        """Keep the connections open until `close`."""
        self._loop, self._closing = asyncio.get_running_loop(), asyncio.Event()
        self._gate, self._greeting = asyncio.Semaphore(self._line.in_flight), asyncio.Lock()
        self._tasks: set[asyncio.Task[Answer]] = set()
        async with self._line.session() as self._session:
            ready.set_result(None)
            await self._closing.wait()
            self._fail(f"{self._line.base}: the engine was closed")
            while others := asyncio.all_tasks() - {asyncio.current_task()}:
                await asyncio.wait(others)

    def submit(self, request: Request) -> "Future[Answer]":
        with self._lock:
            if self._broken:
                refused: Future[Answer] = Future()
                refused.set_exception(TranslatorError(self._broken))
                return refused
            self._start()
            return asyncio.run_coroutine_threadsafe(self._answer(request), self._loop)

    async def _answer(self, request: Request) -> Answer:
        """One request, from its turn in the queue to its answer; ends at once when the engine breaks."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            async with self._gate:
                if self._broken:
                    raise TranslatorError(self._broken)
                return await self._asked(request)
        except TranslatorError as error:
            self._fail(str(error))
            raise
        except asyncio.CancelledError:
            if self._broken:
                raise TranslatorError(self._broken) from None
            raise
        finally:
            self._tasks.discard(task)

    async def _asked(self, request: Request) -> Answer:
        began = time.monotonic()
        try:
            answer = await self._exchanged(self._line, request)
        except FaultyAnswer as error:
            return Answer("", "error", error=str(error))
        except Unanswered as error:
            async with self._greeting:
                if self._last_success < began and not await self._greets():
                    raise TranslatorError(f"{self._line.base} has stopped answering: {error}") from error
            reason = f"the server answers others, but not this request: {error}"
            return Answer("", "error", error=reason, unanswered=True)
        hidden = self._line.hidden
        return replace(answer, text=hidden(answer.text), error=hidden(answer.error) if answer.error else None)

    async def _exchanged(self, line: Line, request: Request) -> Answer:
        """What the server says to a request, be it no. Raises `Unanswered`, `FaultyAnswer` or `TranslatorError`."""
        body = chat_api.chat_body(request, self._served.model, self._served.vllm)
        try:
            answer = await ask(line, self._session, "/v1/chat/completions", body, chat_api.parse_answer)
        except Refused as error:
            answer = Answer("", "error", error=str(error))
        self._last_success = time.monotonic()
        return answer

    async def _greets(self) -> bool:
        """Whether the model still answers anything: the list of models may come from a server whose model is stuck."""
        line = self._line
        shorter = replace(line, attempts=min(line.attempts, PROBE_ATTEMPTS), request_seconds=line.request_seconds / 2)
        try:
            await self._exchanged(shorter, chat_api.HELLO)
        except (Unanswered, FaultyAnswer):
            return False
        return True

    def _fail(self, reason: str) -> None:
        """Break the engine: every request that waits, and every later one, fails with `reason`."""
        self._broken = self._broken or reason
        for task in self._tasks - {asyncio.current_task()}:
            task.cancel()

    def count_tokens(self, messages: Sequence[Message]) -> int:
        return chat_api.estimated_tokens(messages)

    def close(self) -> None:
        with self._lock:
            self._broken = self._broken or f"{self._line.base}: the engine was closed"
            thread, self._thread = self._thread, None
            if thread is not None:
                self._loop.call_soon_threadsafe(self._closing.set)
        if thread is not None:
            thread.join(CLOSE_SECONDS)
