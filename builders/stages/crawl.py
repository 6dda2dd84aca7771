"""Crawl: the pages of a listing in, their sections, picture and figures out; every page that is no use is named.

Workers parse; one actor asks, at the pace that the wikis' operators allow.
"""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any
from urllib.parse import quote

import pyarrow as pa

from builders.engine import (
    Build,
    Outcome,
    Rejection,
    Row,
    RowError,
    Stage,
)
from builders.engine.stage import failure
from builders.stages.crawl_config import CrawlConfig
from builders.stages.list_pages import ListPages, most_workers
from builders.stages.listing import page_of
from builders.stages.survey import at_most, duration
from builders.stages.wiki import Answer, Ask, WikiDoor
from crawlers.article import Article, read_article
from crawlers.mediawiki import FileInfo, PageRef, family_of
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


class CrawlPages(Stage):
    """Gives every page of the listing its sections and links, its picture with licence, and its indicators."""

    name = "crawl"
    schema = PAGE

    def __init__(self, config: CrawlConfig, listing: ListPages, door: WikiDoor) -> None:
        self.config = config
        self.listing = listing
        self.door = door
        self.months = ("", "")

    @property
    def most_workers(self) -> int:
        """As many as the rate feeds."""
        return most_workers(self.config)

    def forecast(self, build: Build, rows: list[Row], scale: float) -> dict[str, Any]:
        """Requests by kind, those that the cache spares, and the time of the rest."""
        rest = self.listing.rest
        figures: dict[str, Any] = {"requests": sum(rest.requests.values())}
        figures |= {f"  {kind}": count for kind, count in sorted(rest.requests.items())}
        images = at_most(self.listing.pages, self.config)
        figures |= {kind: f"at most {count:,}, beside these" for kind, count in images.items() if count}
        return figures | {
            "answers in the cache": sum(rest.cached.values()),
            "time": f"about {duration(rest.seconds)} at {self.config.requests_per_minute:g} requests a minute",
        }

    def start(self, build: Build) -> None:
        self.months = self.listing.months
        self.door.start()

    def process(self, rows: list[Row]) -> Outcome:
        outcome = Outcome()
        wanted = {row["id"]: page_of(row) for row in rows}
        read = dict(self._read(wanted, outcome))
        files, unsaid = self._files(wanted, read)
        for id, (answer, article) in read.items():
            page = wanted[id]
            file = files.get((page.language, article.infobox_image))
            if page.language in unsaid:
                outcome.failed.append(failure(id, unsaid[page.language]))
            elif file:
                outcome.written.append(self._row(id, page, answer, article, file))
            else:
                outcome.rejected.append(Rejection(id, "no_such_file_v1", "image_file", 0.0, "files of the name: 1"))
        self.door.count_sent(outcome.counters)
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
    ) -> tuple[dict[tuple[str, str], FileInfo], dict[str, RowError]]:
        """What the wikis know of the pages' pictures, by language and file name, or by language why it is not said."""
        names: dict[str, set[str]] = {}
        for row, (_, article) in read.items():
            names.setdefault(wanted[row].language, set()).add(article.infobox_image)
        files: dict[tuple[str, str], FileInfo] = {}
        unsaid: dict[str, RowError] = {}
        for language, its in names.items():
            try:
                files |= {(language, name): file for name, file in self.door.files(language, sorted(its)).items()}
            except RowError as error:
                unsaid[language] = error
        return files, unsaid

    def _row(self, row: str, page: PageRef, answer: Answer, article: Article, file: FileInfo) -> Row:
        with_text = sum(bool(section.text.strip()) for section in article.sections)
        return {
            "id": row,
            "artwork": page.artwork,
            "qid": page.qid or None,
            "language": page.language,
            "page_id": page.page_id,
            "revision": page.revision,
            "title": answer.rendered.title if answer.rendered and self._ask(page).variant else page.title,
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
