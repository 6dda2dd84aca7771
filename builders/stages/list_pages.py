"""List: which pages there are; those that are known to be none are named before anything is asked about them.

The listing is made in the driver's preflight, so that what a crawl will ask of the wikis is known before it begins.
"""

import asyncio
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
from rich.console import Console

from builders.engine import Build, FileRef, InputFile, Outcome, Rejection, Row, ShardRecord, ShardTask, Stage
from builders.engine.files import is_local, location, read_table
from builders.engine.fingerprint import digest
from builders.stages.crawl_config import CrawlConfig
from builders.stages.listing import (
    LISTING,
    PAGES,
    forget_crawl,
    page_id,
    read_crawl,
    read_pages,
    write_crawl,
    write_pages,
)
from builders.stages.survey import new_crawl, outlook, survey
from builders.stages.wiki import Access, WikiDoor
from crawlers.cache import CacheError
from crawlers.discover import Forecast
from crawlers.dumps import DumpError
from crawlers.mediawiki import PageRef, WikiError

REQUESTS_A_PAGE = 3
NOT_THERE = frozenset({"empty", "no_such_template", "no_such_wiki"})
STATES = {
    "missing": ("missing_page_v1", "no page of this title; a red link or deleted: 0 allowed"),
    "disambiguation": ("disambiguation_v1", "a disambiguation page: 0 allowed"),
    "redirect_elsewhere": ("redirect_elsewhere_v1", "leads to the page of another artwork: 0 allowed"),
}


@dataclass(frozen=True)
class Slice:
    """Rows `first..last` of the listing."""

    file: FileRef
    first: int
    last: int


def shard_minutes(config: CrawlConfig) -> float:
    """How long a worker may be at a shard that no other disturbs, every request asked twice."""
    return 2 * REQUESTS_A_PAGE * config.shard_rows / config.requests_per_minute


def most_workers(config: CrawlConfig) -> int:
    """How many workers may wait for one another without one of them being taken for hung (0: any number)."""
    return 0 if config.dumps else max(1, int(config.shard_minutes / shard_minutes(config)))


def _others_object(own: Stage, build: Build) -> bool:
    """Whether another stage finds something wrong: it will say so itself, and then no wiki need be asked."""
    return any(stage.preflight(build) for stage in build.stages if stage is not own)


class ListPages(Stage):
    """The listing as rows; red links, disambiguation pages and pages of other artworks are refused."""

    name = "list"
    schema = pa.schema([("id", pa.string()), *LISTING])

    def __init__(self, config: CrawlConfig, door: WikiDoor) -> None:
        self.config = config
        self.door = door
        self.months = ("", "")
        self.rest: Forecast
        self._listing: FileRef
        self.pages: list[PageRef] = []

    def preflight(self, build: Build) -> list[str]:
        """Flags first; then the listing, which needs the network unless OUT has it already."""
        problems = self.config.crawl_problems()
        cache = location(self.config.cache or str(build.out / "crawl/cache.sqlite"))
        if not is_local(cache):
            problems.append(f"--cache {cache}: needs a local or shared disk; SQLite does not live in object stores")
        problems = problems or self._waiting()
        if problems or not self.config.output or self.config.problems() or _others_object(self, build):
            return problems
        try:
            self._list(build, str(cache))
        except WikiError as error:
            if error.code in NOT_THERE:
                forget_crawl(build.out)
            return [str(error)]
        except ValueError as error:
            return [str(error)]
        except CacheError as error:
            return [f"--cache: {error}"]
        except DumpError as error:
            return [f"--dumps: {error}"]
        return []

    def _waiting(self) -> list[str]:
        """Whether workers would wait for one another until they are taken for hung, retries included."""
        config, minutes = self.config, shard_minutes(self.config)
        if config.dumps or minutes * max(1, config.workers) <= config.shard_minutes:
            return []
        most = minutes * max(1, config.workers)
        line = (
            f"with {config.shard_rows} pages in hand each, at {config.requests_per_minute:g} requests a minute, a "
            f"shard may take {most:.0f} minutes, and --shard-minutes is {config.shard_minutes:g}"
        )
        if minutes <= config.shard_minutes:
            fit = most_workers(config)
            return [f"--workers {config.workers}: {line}: use --workers {fit}; more would only wait"]
        rows = int(config.shard_rows * config.shard_minutes / minutes)
        smaller = f"--shard-rows {rows} or " if rows else ""
        return [f"--shard-rows {config.shard_rows}: {line}: use {smaller}--shard-minutes {math.ceil(minutes)}"]

    def _list(self, build: Build, cache: str) -> None:
        """Read the listing that is there, or make it; say what the rest will ask."""
        config = self.config
        asked = {
            "wiki_base": config.wiki_base, "languages": list(config.wanted_languages),
            "source_language": config.source_language, "templates": list(config.wanted_templates),
            "categories": list(config.wanted_categories), "counterparts": config.counterparts, "limit": config.limit,
            "views": config.views, "dumps": [location(dump).name for dump in config.dumps],
        }  # fmt: skip
        crawl = read_crawl(build.out)
        if crawl is None or (crawl.asked != asked and not (build.out / "build.json").is_file()):
            crawl = new_crawl(config.views, asked)
            write_crawl(build.out, crawl)
        self.months = crawl.months
        self.door.access = access = Access(
            config.wiki_base, config.contact, config.requests_per_minute, cache, crawl.name, config.allowed,
            str(Path(cache).with_name("dumps.sqlite")) if config.dumps else "",
        )  # fmt: skip
        saved = read_pages(build.out)
        pages, self.rest = asyncio.run(survey(config, access, saved[1] if saved else None, self.months))
        if saved is None:
            write_pages(build.out, pages)
            saved = read_pages(build.out)
        assert saved
        self._listing, self.pages = saved
        build.inputs = [InputFile(PAGES, self._listing.bytes, self._listing.rows, self._listing.sha256)]
        build.identity["crawl"] = {"from": "dumps" if config.dumps else "wikis", "views": "-".join(crawl.months)}
        Console().print(outlook(self.pages, self.rest, config), highlight=False, soft_wrap=True)

    def plan(self, build: Build, upstream: Sequence[ShardRecord]) -> list[ShardTask]:
        """Slices of one language each."""
        tasks, first = [], 0
        while first < len(self.pages):
            last = first
            while last < min(len(self.pages), first + self.config.shard_rows) and (
                self.pages[last].language == self.pages[first].language
            ):
                last += 1
            made_of = digest([asdict(page) for page in self.pages[first:last]])
            name = f"{self.pages[first].language}-{first:06d}"
            tasks.append(ShardTask(name, Slice(self._listing, first, last), made_of, last - first))
            first = last
        return tasks

    def read(self, build_root: Any, source: Any) -> list[Row]:
        rows = read_table(build_root, source.file).slice(source.first, source.last - source.first).to_pylist()
        return [{"id": page_id(PageRef(**row)), **row} for row in rows]

    def process(self, rows: list[Row]) -> Outcome:
        outcome = Outcome()
        for row in rows:
            if row["state"] == "ok":
                outcome.written.append(row)
            else:
                filter, threshold = STATES[row["state"]]
                outcome.rejected.append(Rejection(row["id"], filter, "title", 1.0, threshold))
        return outcome
