"""A client of MediaWiki that a server's owner would welcome, and that believes no answer before it has looked at it.

All of one crawl goes through one `Client`: one gate for the rate, one cache. What belongs to a revision is cached for
ever, all else for one crawl; nothing is asked twice, not even at the same time.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, TypeVar

from crawlers.api import Family, Gone, WikiError, family_of
from crawlers.pages import FileInfo, PageRef, Rendered, State, file_info, plain
from crawlers.transport import UNREAD, UNREADABLE, Transport

__all__ = ["Client", "Family", "FileInfo", "Gone", "PageRef", "Rendered", "State", "WikiError", "family_of"]

MAX_PIECES = 5000
MAX_EMPTY_PIECES = 50
BATCH = 50
THUMBNAIL_WIDTH = 330
NO_TITLE = re.compile(r"[\x00-\x1f\x7f#<>\[\]{}|\ufffd\ud800-\udfff]")
MAX_TITLE_BYTES = 255
METADATA = "LicenseShortName|License|LicenseUrl|UsageTerms|Artist|Credit"

T = TypeVar("T")


class Client(Transport):
    """`async with Client(family, contact, gate, cache, guard, crawl) as client:`. Every call raises `WikiError`."""

    async def get(self, where: str, params: dict[str, str], kind: str, key: str | None = None) -> dict[str, Any]:
        """One call: of a language's action API, or of a URL. Its answer is cached under `key`, or within this crawl."""
        return await self.ask(where, params, kind, key, lambda answer: answer)

    async def pieces(self, language: str, kind: str, **params: str) -> AsyncIterator[dict[str, Any]]:
        """The `query` part of every answer to one query, continued until it is complete."""
        seen: set[tuple[tuple[str, str], ...]] = set()
        more: dict[str, str] = {}
        empty = 0
        while True:
            piece, more = await self.ask(language, {"action": "query"} | params | more, kind, None, _piece)
            yield piece
            if not more:
                return
            state = tuple(sorted(more.items()))
            empty = 0 if piece else empty + 1
            if state in seen or len(seen) >= MAX_PIECES or empty >= MAX_EMPTY_PIECES:
                raise WikiError(
                    "endless",
                    f"{self.family.api_of(language)} {params}: the answer goes on and on, {len(seen) + 1} times",
                )
            seen.add(state)

    async def query(self, language: str, kind: str, **params: str) -> list[dict[str, Any]]:
        """The pages of a query, as they come, each with all that the answers say of it: lists arrive in pieces."""
        pages, _ = await self.query_titles(language, kind, **params)
        return pages

    async def query_titles(
        self, language: str, kind: str, **params: str
    ) -> tuple[list[dict[str, Any]], dict[str, str]]:
        """The pages of a query as `query`, and the titles that the wiki reads as others: normalised or redirects."""
        pages: dict[Any, dict[str, Any]] = {}
        leads: dict[str, str] = {}
        async for piece in self.pieces(language, kind, **params):
            with readable(f"{self.family.api_of(language)} on pages"):
                for page in piece.get("pages", ()):
                    _merge(pages.setdefault(page.get("pageid") or page.get("title"), {}), page)
                for lead in (*piece.get("normalized", ()), *piece.get("redirects", ())):
                    leads[str(lead["from"])] = str(lead["to"])
        return list(pages.values()), leads

    async def html(self, page: PageRef, variant: str = "") -> Rendered:
        """A page as it was at its revision, in a variant of its language ("zh-hans"), its title too where it has one
        there. Raises `Gone` too.
        """

        def read(answer: dict[str, Any]) -> Rendered:
            parsed = answer["parse"]
            text, title = parsed["text"], parsed["title"]
            if not isinstance(text, str) or not isinstance(title, str) or parsed["revid"] != page.revision:
                raise ValueError(f"of revision {parsed['revid']!r}")
            shown = parsed.get("displaytitle")
            converted = plain(shown) if variant and isinstance(shown, str) else ""
            title = converted if is_title(converted) else title
            return Rendered(page.language, int(parsed["pageid"]), page.revision, title, text)

        params = {
            "action": "parse", "oldid": str(page.revision), "prop": "text|revid|displaytitle",
            "disableeditsection": "1", "disablelimitreport": "1", "disabletoc": "1",
        }  # fmt: skip
        if variant:
            params["variant"] = variant
        return await self.ask(page.language, params, "parse", self.html_key(page, variant), read)

    def html_key(self, page: PageRef, variant: str = "") -> str:
        """The key in the cache of a page's text."""
        return " ".join(filter(None, ["html", self.family.api_of(page.language), str(page.revision), variant]))

    async def files(self, language: str, names: Sequence[str]) -> dict[str, FileInfo]:
        """What a wiki says of files, by name (without "File:"); a file that is not there is not in the answer."""
        wanted = sorted(filter(is_title, set(names)))
        answers = await together(self._files(language, some) for some in batches(wanted))
        return {name: file for answer in answers for name, file in answer.items()}

    async def _files(self, language: str, names: Sequence[str]) -> dict[str, FileInfo]:
        titles = {name: "File:" + name.replace("_", " ") for name in names}
        pages, leads = await self.query_titles(
            language, "files", titles="|".join(titles.values()), redirects="1", prop="imageinfo",
            iiprop="url|size|mime|sha1|extmetadata", iiurlwidth=str(THUMBNAIL_WIDTH), iiextmetadatafilter=METADATA,
        )  # fmt: skip
        found = {page.get("title"): page for page in pages}
        there = {name: found.get(followed(title, leads), {}) for name, title in titles.items()}
        with readable(f"{self.family.api_of(language)} on files"):
            files = {name: file_info(name, page) for name, page in there.items()}
        return {name: file for name, file in files.items() if file}

    async def edits(self, page: PageRef) -> int | None:
        """How many edits made a page what it is; None where it has been moved or deleted since it was listed."""
        url = self.family.edits_of(page.language, page.title)
        try:
            return await self.ask(url, {}, "edits", self.edits_key(page), lambda answer: int(answer["count"]))
        except WikiError as error:
            if error.code == "not_found":
                return None
            raise

    def edits_key(self, page: PageRef) -> str:
        """The key in the cache of a page's number of edits."""
        return f"edits {self.family.rest.format(language=page.language)} {page.page_id} {page.revision}"

    async def views(self, page: PageRef, first: str, last: str) -> int:
        """How often people read a page from the month `first` to `last` ("202507"), both included; no data is 0."""
        if not self.family.views:
            return 0
        url = self.family.views_of(page.language, page.title, first, last)
        key = self.views_key(page, first, last)
        try:
            return await self.ask(
                url, {}, "views", key, lambda answer: sum(int(each["views"]) for each in answer["items"])
            )
        except WikiError as error:
            if error.code == "not_found":
                self.cache.put(key, b'{"items": []}')
                return 0
            raise

    def views_key(self, page: PageRef, first: str, last: str) -> str:
        """The key in the cache of a page's views: for ever once the last month is over."""
        over = last < datetime.now(UTC).strftime("%Y%m")
        return ("views " if over else f"{self.crawl} views ") + self.family.views_of(
            page.language, page.title, first, last
        )


@contextmanager
def readable(what: str) -> Iterator[None]:
    """Reading answers in this context raises `WikiError` where a part of them is not of the type that it must be."""
    try:
        yield
    except UNREAD as error:
        raise WikiError(UNREADABLE, f"{what}: not the answer expected: {type(error).__name__}: {error}") from error


async def together(calls: Iterable[Awaitable[T]]) -> list[T]:
    """The results of many calls, in their order; when one fails the others are stopped."""
    tasks = [asyncio.ensure_future(call) for call in calls]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def batches(items: Sequence[T]) -> list[Sequence[T]]:
    """Items by fifty, as many as the API takes of a client without special rights."""
    return [items[start : start + BATCH] for start in range(0, len(items), BATCH)]


def is_title(text: str) -> bool:
    """Whether a wiki can have a page of this title; in a list of titles, any other would be read as something else."""
    return bool(text.strip()) and not NO_TITLE.search(text) and len(text.encode()) <= MAX_TITLE_BYTES


def followed(title: str, leads: dict[str, str]) -> str:
    """Where a title leads in the end."""
    seen = {title}
    while (after := leads.get(title)) is not None and after not in seen:
        title = after
        seen.add(title)
    return title


def _piece(answer: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """The `query` part of an answer, and how to ask for the next; raises where a part has not the type that it must."""
    query, more = answer.get("query", {}), answer.get("continue", {})
    if not isinstance(query, dict) or not isinstance(more, dict):
        raise TypeError("query or continue is no object")
    for name in ("pages", "normalized", "redirects", "embeddedin", "categorymembers"):
        part = query.get(name, [])
        if not isinstance(part, list) or not all(isinstance(each, dict) for each in part):
            raise TypeError(f"{name} is no list of objects")
        if not all(type(each.get("pageid", 0)) is int and isinstance(each.get("title", ""), str) for each in part):
            raise TypeError(f"{name} without ids and titles that are such")
    return query, {str(name): str(value) for name, value in more.items()}


def _merge(whole: dict[str, Any], part: dict[str, Any]) -> None:
    """Add what one answer says of a page to what others said."""
    for name, value in part.items():
        if isinstance(value, list):
            whole[name] = [*whole.get(name, ()), *value]
        elif isinstance(value, dict):
            whole[name] = {**whole.get(name, {}), **value}
        else:
            whole[name] = value
