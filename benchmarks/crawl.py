"""What crawling costs: requests a page, and the share of the allowed rate that is used, on a family of real MediaWikis.

    python benchmarks/crawl.py [--per-minute 600] [--rounds 3]

The whole of the tests' family is crawled with an empty cache each round: listing, text, files, edits and page views.
The share is that of the requests sent among those that the rate allows between the first and the last one; the few
that may go at once at the start are not counted. It says nothing about a server that is slower than the rate.
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
from collections import Counter, defaultdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from crawlers.article import read_article
from crawlers.cache import Cache
from crawlers.discover import discover
from crawlers.guard import Guard
from crawlers.mediawiki import Client, PageRef, family_of
from crawlers.polite import BURST, Gate
from tests.wiki.corpus import LANGUAGES
from tests.wiki.family import WikiFamily, what_is_missing, wiki_family

TEMPLATE = "Template:Infobox artwork"
MONTHS = ("202507", "202509")


async def crawl(client: Client) -> list[PageRef]:
    """All that the recipe asks about every page; returns the listing."""
    pages = await discover(client, LANGUAGES, [TEMPLATE], [])
    there = [page for page in pages if page.state == "ok"]

    async def one(page: PageRef) -> tuple[str, str]:
        rendered = await client.html(page, "zh-hans" if page.language == "zh" else "")
        if page.language == "en":
            await asyncio.gather(client.edits(page), client.views(page, *MONTHS))
        return page.language, read_article(rendered.html, page.language).infobox_image

    images: dict[str, set[str]] = defaultdict(set)
    for language, image in await asyncio.gather(*map(one, there)):
        images[language] |= {image} - {""}
    await asyncio.gather(*(client.files(language, sorted(names)) for language, names in images.items()))
    return pages


async def measured(family: WikiFamily, per_minute: float, cache: Path) -> tuple[Counter[str], int]:
    """Requests by kind, and pages."""
    guard = Guard(frozenset({family.base.removeprefix("http://")}))
    async with Client(
        family_of(family.base), "benchmark@example.org", Gate(per_minute), Cache(cache), guard, crawl="benchmark"
    ) as client:
        pages = await crawl(client)
    return client.requests, len(pages)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--per-minute", type=float, default=600)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    if missing := what_is_missing():
        parser.error(missing)
    figures: dict[str, list[float]] = {"requests-per-page": [], "rate-share": []}
    print(f"{'round':>5}{'requests':>10}{'pages':>7}{'seconds':>9}{'share':>7}  by kind")
    with wiki_family() as family, tempfile.TemporaryDirectory() as place:
        for turn in range(arguments.rounds + 1):  # the first one warms the server up
            family.forget_requests()
            requests, pages = asyncio.run(measured(family, arguments.per_minute, Path(place) / f"{turn}.sqlite"))
            asked = [request.start for request in family.requests()]
            assert len(asked) == requests.total(), f"{requests.total()} sent, {len(asked)} came"
            seconds = max(asked) - min(asked)
            share = (len(asked) - BURST) / (arguments.per_minute / 60 * seconds)
            kinds = ", ".join(f"{kind} {count}" for kind, count in sorted(requests.items()))
            print(f"{turn or 'warm':>5}{len(asked):10}{pages:7}{seconds:9.2f}{share:7.3f}  {kinds}")
            if turn:
                figures["requests-per-page"].append(len(asked) / pages)
                figures["rate-share"].append(share)
    for name, values in figures.items():
        print(f"RATIO {name} {statistics.median(values):.3f} {min(values):.3f} {max(values):.3f}")


if __name__ == "__main__":
    main()
