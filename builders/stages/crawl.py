"""Crawl: the pages of a listing in, their sections, picture and figures out; every page that is no use is named.

The listing is made in the driver's preflight, so that what a crawl asks of a wiki is known before it begins.
Workers parse; one actor asks, at the pace that the wikis' operators allow.
"""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyarrow as pa
import ray
from rich.console import Console

from builders.engine import (
    Build,
    InputFile,
    Outcome,
    Rejection,
    Row,
    RowError,
    ShardRecord,
    ShardTask,
    Stage,
)
from builders.engine.files import FileRef, is_local, location, read_table
from builders.engine.fingerprint import digest
from builders.engine.main import pool_size
from builders.engine.stage import failure
from builders.stages.crawl_config import CrawlConfig
from builders.stages.listing import PAGES, page_id, read_crawl, read_pages, write_crawl, write_pages
from builders.stages.survey import new_crawl, outlook, survey
from builders.stages.wiki import Access, Answer, Ask, WikiDoor
from crawlers.article import Article, read_article
from crawlers.cache import CacheError
from crawlers.dumps import DumpError
from crawlers.mediawiki import FileInfo, PageRef, WikiError, family_of
from crawlers.sections import drop_sections

LINK = pa.struct([("text", pa.string()), ("target", pa.string())])
SECTION = pa.struct(
    [
        ("index", pa.int32()),
        ("level", pa.int32()),
        ("path", pa.list_(pa.string())),
        ("text", pa.string()),
        ("links", pa.list_(LINK)),
    ]
)
PAGE = pa.schema(
    [
        ("id", pa.string()),
        ("artwork", pa.string()),
        ("qid", pa.string()),
        ("language", pa.string()),
        ("page_id", pa.int64()),
        ("revision", pa.int64()),
        ("title", pa.string()),
        ("en_title", pa.string()),
        ("page_url", pa.string()),
        ("image_file", pa.string()),
        ("image_url", pa.string()),
        ("thumbnail_url", pa.string()),
        ("width", pa.int32()),
        ("height", pa.int32()),
        ("mime", pa.string()),
        ("sha1", pa.string()),
        ("repository", pa.string()),
        ("licence", pa.string()),
        ("licence_url", pa.string()),
        ("author", pa.string()),
        ("credit", pa.string()),
        ("description_url", pa.string()),
        ("sections", pa.list_(SECTION)),
        ("with_text", pa.int32()),
        ("without_text", pa.int32()),
        ("views", pa.int64()),
        ("links", pa.int64()),
        ("edits", pa.int64()),
        ("references", pa.int64()),
        ("versions", pa.int64()),
        ("length", pa.int64()),
    ]
)
REQUESTS_A_PAGE = 3
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


class CrawlPages(Stage):
    """Gives every page of the listing its sections and links, its picture with licence, and its indicators."""

    name = "crawl"
    schema = PAGE

    def __init__(self, config: CrawlConfig, door: WikiDoor) -> None:
        self.config = config
        self.door = door
        self.access: Access | None = None
        self.months = ("", "")
        self._listing: FileRef | None = None
        self._pages: list[PageRef] = []

    def preflight(self, build: Build) -> list[str]:
        """Flags first; then the listing, which needs the network unless OUT has it already."""
        problems = self.config.crawl_problems()
        cache = location(self.config.cache or str(build.out / "crawl/cache.sqlite"))
        if not is_local(cache):
            problems.append(f"--cache {cache}: needs a local or shared disk; SQLite does not live in object stores")
        problems += self._waiting(pool_size(self, self.config, ray.cluster_resources()).workers)
        if problems or not self.config.output or self.config.problems():
            return problems
        try:
            self._list(build, str(cache))
        except (WikiError, ValueError) as error:
            return [str(error)]
        except CacheError as error:
            return [f"--cache: {error}"]
        except DumpError as error:
            return [f"--dumps: {error}"]
        return []

    def _waiting(self, workers: int) -> list[str]:
        """Whether so many workers would wait for one another until they are taken for hung."""
        config = self.config
        minutes = REQUESTS_A_PAGE * config.shard_rows / config.requests_per_minute
        if workers == 1 or minutes * workers <= config.shard_minutes:
            return []
        fit = max(1, int(config.shard_minutes / minutes))
        return [
            f"--workers {workers}: with {config.shard_rows} pages in hand each, at {config.requests_per_minute:g} "
            f"requests a minute, a shard takes {minutes * workers:.0f} minutes, and --shard-minutes is "
            f"{config.shard_minutes:g}: use --workers {fit}; more would only wait"
        ]

    def _list(self, build: Build, cache: str) -> None:
        """Read the listing that is there, or make it; say what the rest will ask."""
        config = self.config
        asked = {
            "wiki_base": config.wiki_base, "languages": list(config.wanted_languages),
            "source_language": config.source_language, "templates": list(config.templates),
            "categories": list(config.categories), "counterparts": config.counterparts, "limit": config.limit,
            "views": config.views, "dumps": [location(dump).name for dump in config.dumps],
        }  # fmt: skip
        crawl = read_crawl(build.out)
        if crawl is None or (crawl.asked != asked and not (build.out / "build.json").is_file()):
            crawl = new_crawl(config.views, asked)
            write_crawl(build.out, crawl)
        self.months = crawl.months
        self.access = Access(
            config.wiki_base, config.contact, config.requests_per_minute, cache, crawl.name, config.allowed,
            str(Path(cache).with_name("dumps.sqlite")) if config.dumps else "",
        )  # fmt: skip
        saved = read_pages(build.out)
        pages, rest = asyncio.run(survey(config, self.access, saved[1] if saved else None, self.months))
        if saved is None:
            write_pages(build.out, pages)
            saved = read_pages(build.out)
        assert saved
        self._listing, self._pages = saved
        build.inputs = [InputFile(PAGES, self._listing.bytes, self._listing.rows, self._listing.sha256)]
        build.identity["crawl"] = {"from": "dumps" if config.dumps else "wikis", "views": "-".join(crawl.months)}
        Console().print(outlook(self._pages, rest, config), highlight=False, soft_wrap=True)

    def plan(self, build: Build, upstream: Sequence[ShardRecord]) -> list[ShardTask]:
        """Slices of one language each."""
        assert self._listing
        tasks, first = [], 0
        while first < len(self._pages):
            last = first
            while last < min(len(self._pages), first + self.config.shard_rows) and (
                self._pages[last].language == self._pages[first].language
            ):
                last += 1
            made_of = digest([asdict(page) for page in self._pages[first:last]])
            name = f"{self._pages[first].language}-{first:06d}"
            tasks.append(ShardTask(name, Slice(self._listing, first, last), made_of, last - first))
            first = last
        return tasks

    def start(self, build: Build) -> None:
        assert self.access
        self.door.start(self.access)

    def read(self, build_root: Any, source: Any) -> list[Row]:
        rows = read_table(build_root, source.file).slice(source.first, source.last - source.first).to_pylist()
        return [{"id": page_id(PageRef(**row)), **row} for row in rows]

    def process(self, rows: list[Row]) -> Outcome:
        outcome = Outcome()
        wanted: dict[str, PageRef] = {}
        for row in rows:
            page = PageRef(**{name: value for name, value in row.items() if name != "id"})
            if page.state == "ok":
                wanted[row["id"]] = page
            else:
                filter, threshold = STATES[page.state]
                outcome.rejected.append(Rejection(row["id"], filter, "title", 1.0, threshold))
        read = dict(self._read(wanted, outcome))
        files = self._files(wanted, read)
        for id, (answer, article) in read.items():
            page = wanted[id]
            file = files.get((page.language, article.infobox_image))
            if file:
                outcome.written.append(self._row(id, page, answer, article, file))
            else:
                outcome.rejected.append(Rejection(id, "no_such_file_v1", "image_file", 0.0, "files of the name: 1"))
        return outcome

    def _read(self, wanted: dict[str, PageRef], outcome: Outcome) -> Iterator[tuple[str, tuple[Answer, Article]]]:
        """What the wikis answer, parsed, by row; pages that are no use go to `outcome`."""
        asks = {row: self._ask(page) for row, page in wanted.items()}
        for row, answer in self.door.pages(asks):
            try:
                if answer.problem and answer.problem.gone:
                    outcome.rejected.append(Rejection(row, "deleted_in_crawl_v1", "revision", 0.0, "revisions: 1"))
                    continue
                if answer.problem:
                    raise answer.problem.error()
                assert answer.rendered
                article = read_article(answer.rendered.html, asks[row].variant or wanted[row].language)
            except (RowError, ValueError) as error:
                outcome.failed.append(failure(row, error))
                continue
            kept, dropped = drop_sections(article, wanted[row].language)
            outcome.counters.update({f"dropped/{heading}": count for heading, count in dropped.items()})
            refused = self._refusal(row, kept)
            if refused:
                outcome.rejected.append(refused)
            else:
                yield row, (answer, kept)

    def _ask(self, page: PageRef) -> Ask:
        """What to ask about a page: edits and views only where they decide about the split."""
        variant = self.config.variant if self.config.variant.startswith(f"{page.language}-") else ""
        return Ask(page, variant, self.months if page.language == self.config.source_language else None)

    def _refusal(self, row: str, article: Article) -> Rejection | None:
        """Why a page is no use to anybody who wants an artwork's picture explained, if so."""
        if not article.infobox:
            return Rejection(row, "no_infobox_v1", "infobox", 0.0, "infoboxes: 1")
        if not article.infobox_image:
            return Rejection(row, "no_infobox_image_v1", "image_file", 0.0, "pictures in the infobox: 1")
        prose = sum(len(section.text.encode()) for section in article.sections)
        if prose < self.config.minimum_bytes:
            return Rejection(row, "stub_v1", "sections", float(prose), f">= {self.config.minimum_bytes} bytes of prose")
        return None

    def _files(
        self, wanted: dict[str, PageRef], read: dict[str, tuple[Answer, Article]]
    ) -> dict[tuple[str, str], FileInfo]:
        """What the wikis know of the pages' pictures, by language and file name."""
        names: dict[str, set[str]] = {}
        for row, (_, article) in read.items():
            names.setdefault(wanted[row].language, set()).add(article.infobox_image)
        return {
            (language, name): file
            for language, its in names.items()
            for name, file in self.door.files(language, sorted(its)).items()
        }

    def _row(self, row: str, page: PageRef, answer: Answer, article: Article, file: FileInfo) -> Row:
        with_text = sum(bool(section.text.strip()) for section in article.sections)
        return {
            "id": row,
            "artwork": page.artwork,
            "qid": page.qid or None,
            "language": page.language,
            "page_id": page.page_id,
            "revision": page.revision,
            "title": page.title,
            "en_title": page.en_title,
            "page_url": page_url(self.config.wiki_base, page),
            "image_file": file.name,
            "image_url": file.url,
            "thumbnail_url": file.thumbnail_url,
            "width": file.width,
            "height": file.height,
            "mime": file.mime,
            "sha1": file.sha1,
            "repository": file.repository,
            "licence": file.licence,
            "licence_url": file.licence_url,
            "author": file.author,
            "credit": file.credit,
            "description_url": file.description_url,
            "sections": [asdict(section) for section in article.sections],
            "with_text": with_text,
            "without_text": len(article.sections) - with_text,
            "views": answer.views,
            "links": article.links,
            "edits": answer.edits,
            "references": article.references,
            "versions": page.versions,
            "length": page.bytes,
        }


def page_url(base: str, page: PageRef) -> str:
    """The page at its revision, as an attribution must name it."""
    folder = family_of(base).api.format(language=page.language).removesuffix("api.php")
    return f"{folder}index.php?title={quote(page.title.replace(' ', '_'), safe='')}&oldid={page.revision}"
