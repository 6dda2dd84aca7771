"""What is known of a crawl before it begins: its pages, and what asking for them will take."""

import time
from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack, closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from builders.stages.crawl_config import CrawlConfig, months_before
from builders.stages.listing import Crawl
from builders.stages.wiki import Access, text_key
from crawlers import dumps
from crawlers.cache import Cache
from crawlers.discover import Forecast, Progress, discover, forecast
from crawlers.mediawiki import Client, PageRef

SAY_SECONDS = 5.0


def new_crawl(views: str, asked: dict[str, Any]) -> Crawl:
    """A crawl that begins now."""
    now = datetime.now(UTC)
    first, _, last = views.partition("-")
    months = (first, last) if views else months_before(now.year, now.month)
    return Crawl(now.isoformat(timespec="seconds"), months, asked)


async def survey(
    config: CrawlConfig, access: Access, saved: Sequence[PageRef] | None, months: tuple[str, str]
) -> tuple[Sequence[PageRef], Forecast]:
    """The listing, as saved or made now, and what is still to be asked about its pages.

    Raises what `discover` of `crawlers.discover` and of `crawlers.dumps` do, and `CacheError`.
    """
    async with AsyncExitStack() as stack:
        client = await access.open(stack)
        pages = saved or (_from_dumps(config, access.texts) if config.dumps else await _discover(config, client))
        rest = forecast(pages, client, source=config.source_language, views=months, variant=config.variant)
        if config.dumps:
            files = rest.requests["files"]
            rest = Forecast({"files": files}, {}, files * 60 / config.requests_per_minute)
        return pages, rest


async def _discover(config: CrawlConfig, client: Client) -> list[PageRef]:
    return await discover(
        client,
        config.wanted_languages,
        config.wanted_templates,
        config.wanted_categories,
        source=config.source_language,
        limit=config.limit,
        counterparts="wikidata" if config.counterparts == "wikidata" else "langlinks",
        progress=_lines(),
    )


def _lines() -> Progress:
    """A line on the terminal every few seconds."""
    console, said = Console(), time.monotonic()

    def say(what: str, done: int, of: int) -> None:
        nonlocal said
        if time.monotonic() - said > SAY_SECONDS:
            said = time.monotonic()
            console.print(f"{what}: {done:,}{f' of {of:,}' if of else ''}", highlight=False, soft_wrap=True)

    return say


def _from_dumps(config: CrawlConfig, texts: str) -> list[PageRef]:
    """The listing that dumps give; their HTML goes to `texts`."""
    paths, reading = [Path(dump) for dump in config.dumps], dumps.Reading()
    pages = dumps.discover(
        paths, config.wanted_languages, config.wanted_templates, config.wanted_categories,
        source=config.source_language, limit=config.limit, reading=reading,
    )  # fmt: skip
    by_key = {(page.language, page.page_id, page.revision): page for page in pages}
    with closing(Cache(texts)) as cache:
        for each in dumps.rendered(paths, pages):
            cache.put(text_key(by_key[each.language, each.page_id, each.revision]), each.html.encode())
    if reading.passed_over:
        counts = ", ".join(f"{reason} {count:,}" for reason, count in reading.passed_over.most_common())
        where = "; ".join(reading.named[:3])
        Console().print(f"dumps: lines passed over: {counts} ({where})", highlight=False, soft_wrap=True)
    return pages


def at_most(pages: Sequence[PageRef], config: CrawlConfig) -> dict[str, int]:
    """Requests for images by kind, of which it shows only later which are needed: no more than these, once each."""
    there = [page for page in pages if page.state == "ok"]
    languages = Counter(page.artwork for page in there)
    compared = sum(languages[page.artwork] > 1 for page in there)
    return {"thumbnails": compared, "pictures": len(there) if config.images == "embed" else 0}


def outlook(pages: Sequence[PageRef], rest: Forecast, config: CrawlConfig) -> str:
    """How many pages there are, and what the rest will ask of the wikis."""
    found = sum(page.state == "ok" for page in pages)
    artworks = len({page.artwork for page in pages})
    asked, known = sum(rest.requests.values()), sum(rest.cached.values())
    kinds = ", ".join(f"{kind} {count:,}" for kind, count in sorted(rest.requests.items()) if count)
    images = {kind: count for kind, count in at_most(pages, config).items() if count}
    besides = " and ".join(f"{count:,} {kind}" for kind, count in images.items())
    more = duration(sum(images.values()) * 60 / config.requests_per_minute)
    besides = f". Besides, at most {besides}: up to {more} more" if besides else ""
    left_out = (
        " From dumps: edits, views and language versions are not known and count as none." if config.dumps else ""
    )
    return (
        f"{found:,} pages of {artworks:,} artworks in {len(config.wanted_languages)} languages.{left_out} "
        f"To come: {asked:,} requests{f' ({kinds})' if kinds else ''}, {known:,} answers are in the cache; "
        f"about {duration(rest.seconds)} at {config.requests_per_minute:g} requests a minute{besides}"
    )


def duration(seconds: float) -> str:
    """A time in words: hours where there are any, else minutes."""
    minutes = max(1, round(seconds / 60))
    return f"{seconds / 3600:.1f} hours" if minutes >= 90 else f"{minutes} minute{'s' * (minutes > 1)}"
