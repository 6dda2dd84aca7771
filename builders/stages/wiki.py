"""The wikis of a build, behind one named door: a single actor asks them, whatever the number of workers.

A wiki's operator allows so many requests a minute and three at once to whoever crawls, not to each of their
processes. So one actor holds the connections, the token bucket and the cache of responses, and workers ask it.
Everything it is asked is answered from the cache the second time: an actor that died may be asked again.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, TypeVar

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from builders.engine import RowError, StageError
from crawlers.api import of_server
from crawlers.cache import Cache
from crawlers.guard import Guard
from crawlers.images import Downloader, Limits, Request
from crawlers.mediawiki import Client, FileInfo, Gone, PageRef, Rendered, WikiError, family_of
from crawlers.polite import Gate, Silence

T = TypeVar("T")

SILENCE_SECONDS = 3600.0
AT_ONCE = 10_000
HOPELESS = frozenset({"silence", "unreachable", "redirected", "readapidenied", "bad_encoding", "http_401", "http_403"})
FAILURES_IN_A_ROW = 20
FILES_AT_ONCE = 2


@dataclass(frozen=True)
class Access:
    """How the wikis are reached, by whom and how fast, and where their responses are kept.

    `crawl` names the crawl: responses that belong to no revision are kept under it. `allow` are the hosts (with
    ports) that may be private. `texts` is the file that holds the pages' HTML where it came from dumps: then no page is
    asked for, nor its edits and views.
    """

    base: str
    contact: str
    per_minute: float
    cache: str
    crawl: str
    allow: frozenset[str] = frozenset()
    texts: str = ""

    async def open(self, stack: AsyncExitStack) -> Client:
        """A client in this event loop, closed with `stack`."""
        cache = Cache(self.cache)
        stack.callback(cache.close)
        guard, gate = Guard(self.allow), Gate(self.per_minute)
        client = Client(family_of(self.base), self.contact, gate, cache, guard, crawl=self.crawl)
        return await stack.enter_async_context(client)


@dataclass(frozen=True)
class Problem:
    """Why a wiki did not give what it was asked for."""

    code: str
    message: str
    gone: bool
    hopeless: bool

    def error(self) -> Exception:
        """What to raise for it: the failure of one row, or of the whole stage when no row would fare better."""
        return StageError(self.message) if self.hopeless else RowError(self.code, self.message)


@dataclass(frozen=True)
class Ask:
    """A page to ask for; with `months` also how often it was edited until now and viewed in those."""

    page: PageRef
    variant: str = ""
    months: tuple[str, str] | None = None


@dataclass(frozen=True)
class Answer:
    """A page as the wiki gave it: its HTML, and for pages that were asked about it, edits and views."""

    rendered: Rendered | None = None
    edits: int | None = None
    views: int | None = None
    problem: Problem | None = None


class Wikis:
    """The actor's body. What goes wrong is returned, not raised: an exception's class may not travel."""

    def __init__(self, access: Access) -> None:
        self.access = access
        self._stack = AsyncExitStack()
        self._opening = asyncio.Lock()
        self._client: Client | None = None
        self._downloader: Downloader | None = None
        self._texts: Cache | None = None
        self._downloads: dict[str, asyncio.Task[tuple[str, bytes] | Problem]] = {}
        self._failures = 0

    async def page(self, ask: Ask) -> Answer:
        client = await self._open()
        if self._texts:
            return _from_dump(self._texts.get(text_key(ask.page)), ask.page)
        try:
            rendered, edits, views = await client.html(ask.page, ask.variant), None, None
            if ask.months:
                edits, views = await client.edits(ask.page), await client.views(ask.page, *ask.months)
            self._failures = 0
            return Answer(rendered, edits, views)
        except WikiError as error:
            return Answer(problem=self._problem(error))

    async def files(self, language: str, names: list[str]) -> dict[str, FileInfo] | Problem:
        client = await self._open()
        try:
            found = await client.files(language, names)
            self._failures = 0
            return found
        except WikiError as error:
            return self._problem(error)

    async def image(self, url: str, sha1: str) -> tuple[str, bytes] | Problem:
        """An image's bytes, or how the download ended otherwise. `sha1` is of the file that it shows."""
        client = await self._open()
        key = f"image {sha1} {url}"
        data = client.cache.get(key)
        if data:
            return "success", data
        task = self._downloads.get(key)
        if task is None:
            task = self._downloads[key] = asyncio.create_task(self._download(client, key, url))
            task.add_done_callback(lambda _: self._downloads.pop(key))
        return await task

    async def _download(self, client: Client, key: str, url: str) -> tuple[str, bytes] | Problem:
        assert self._downloader
        try:
            result = await self._downloader.one(Request(key, url))
        except Silence as error:
            return self._problem(WikiError("silence", str(error)))
        finally:
            client.cache.count(client.crawl, "images", self._downloader.counters.pop("requests", 0))
        if result.code == "success":
            client.cache.put(key, result.data, level=0)
            return result.code, result.data
        return result.code, b""

    async def sent(self) -> Counter[str]:
        """The requests of this crawl, by kind, since this was last asked: the listing's and a dead actor's too."""
        client = await self._open()
        return client.cache.untold(client.crawl)

    def _problem(self, error: WikiError) -> Problem:
        self._failures = self._failures + 1 if of_server(error.code) else 0
        return Problem(error.code, str(error), isinstance(error, Gone), _hopeless(error, self._failures))

    async def _open(self) -> Client:
        async with self._opening:
            if self._client is None:
                client = await self.access.open(self._stack)
                if self.access.texts:
                    self._texts = Cache(self.access.texts)
                self._downloader = await self._stack.enter_async_context(
                    Downloader(Limits(per_host=FILES_AT_ONCE), client.guard, client.agent, client.gate)
                )
                self._client = client
        return self._client


def _from_dump(html: bytes | None, page: PageRef) -> Answer:
    if html is None:
        return Answer(problem=Problem("no_text", f"{page.title} of {page.language} is not in the dump", False, False))
    return Answer(Rendered(page.language, page.page_id, page.revision, page.title, html.decode()))


def text_key(page: PageRef) -> str:
    """Under what a page's HTML from a dump is kept."""
    return f"{page.language} {page.page_id} {page.revision}"


def _hopeless(error: WikiError, in_a_row: int) -> bool:
    """Whether no other page would fare better: the server refuses everything, or has answered nothing for long."""
    return error.code in HOPELESS or error.code.startswith("blocked_") or in_a_row >= FAILURES_IN_A_ROW


class WikiDoor:
    """The actor as the stages of one build share it: started once in the driver, asked by every worker."""

    access: Access | None = None
    _actor: Any = None

    def start(self) -> None:
        """Start the actor on this node, where the cache lies, unless it runs already. `access` must be known."""
        if self._actor is None:
            here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
            self._actor = (
                ray.remote(Wikis)
                .options(
                    num_cpus=0,
                    scheduling_strategy=here,
                    max_restarts=-1,
                    max_task_retries=-1,
                    max_concurrency=AT_ONCE,
                )
                .remote(self.access)
            )

    def pages(self, asks: Mapping[str, Ask]) -> Iterator[tuple[str, Answer]]:
        """All that is asked for, each as it comes, under the id it was given under. Raises `StageError`."""
        return _as_they_come({self._actor.page.remote(ask): row for row, ask in asks.items()})

    def images(self, asks: Mapping[str, tuple[str, str]]) -> Iterator[tuple[str, tuple[str, bytes]]]:
        """Images by URL and the SHA-1 of the file they show, as `pages`: how it ended, and the bytes."""
        for row, got in _as_they_come({self._actor.image.remote(*ask): row for row, ask in asks.items()}):
            if isinstance(got, Problem):
                raise got.error()
            yield row, got

    def files(self, language: str, names: Sequence[str]) -> dict[str, FileInfo]:
        """What a wiki and its shared repository know of files, by name; absent: not there.

        Raises `RowError` where the wiki does not say it of these files, and `StageError`.
        """
        found = _get(self._actor.files.remote(language, list(names)))
        if isinstance(found, Problem):
            raise found.error()
        known: dict[str, FileInfo] = found
        return known

    def count_sent(self, counters: Counter[str]) -> None:
        """Add the requests sent since anybody last did so to the counters of a shard, as `requests/KIND`."""
        counters.update({f"requests/{kind}": count for kind, count in _get(self._actor.sent.remote()).items()})


def _as_they_come(waiting: dict[Any, str]) -> Iterator[tuple[str, Any]]:
    while waiting:
        ready, _ = ray.wait(list(waiting), timeout=SILENCE_SECONDS)
        if not ready:
            raise StageError(f"the wikis' actor has not answered for {SILENCE_SECONDS:g} s")
        for ref in ready:
            yield waiting.pop(ref), _get(ref)


def _get(ref: Any) -> Any:
    try:
        return ray.get(ref, timeout=SILENCE_SECONDS)
    except ray.exceptions.RayError as error:
        cause = getattr(error, "cause", None) or error
        raise StageError(f"the wikis' actor: {type(cause).__name__}: {cause}") from error
