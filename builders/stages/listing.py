"""The listing of a crawl: which pages there are, made once in the driver and kept beside the build.

It is the build's input: every later run of the same OUT reads it instead of asking again, so that a crawl that
takes days has one answer to the question which pages it is about.
"""

import hashlib
import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from upath import UPath

from builders.engine import Row
from builders.engine.files import DamagedFile, FileRef, read_json, write_json, write_table
from builders.engine.fingerprint import canonical, row_id
from crawlers.mediawiki import PageRef

PAGES = "crawl/pages.parquet"
CRAWL = "crawl/crawl.json"
LISTING = pa.schema([(item.name, pa.int64() if item.type in (int, "int") else pa.string()) for item in fields(PageRef)])


Listing = tuple[FileRef, list[PageRef]]


@dataclass(frozen=True)
class Crawl:
    """A crawl: its name, which is when it began, the months of views it takes, and what its listing depends on."""

    name: str
    months: tuple[str, str]
    asked: dict[str, Any]


def read_crawl(out: UPath) -> Crawl | None:
    """The crawl that was begun in `out`, if any."""
    if not (out / CRAWL).is_file():
        return None
    value = read_json(out / CRAWL)
    return Crawl(value["name"], (value["months"][0], value["months"][1]), value["asked"])


def write_crawl(out: UPath, crawl: Crawl) -> None:
    """Begin a crawl in `out`: a listing of another one there no longer counts."""
    (out / PAGES).unlink(missing_ok=True)
    write_json(out / CRAWL, canonical(crawl))


def forget_crawl(out: UPath) -> None:
    """Undo `write_crawl`: what was answered is not to be answered from the cache again."""
    (out / CRAWL).unlink(missing_ok=True)


def write_pages(out: UPath, pages: Sequence[PageRef]) -> None:
    """Keep the listing, page by page of each language, so that a shard asks about many files of one wiki at once."""
    ordered = sorted(pages, key=lambda page: page.language)
    write_table(out, PAGES, pa.Table.from_pylist([asdict(page) for page in ordered], schema=LISTING))


def read_pages(out: UPath) -> Listing | None:
    """The listing in `out`, if there is a whole one."""
    path = out / PAGES
    if not path.is_file():
        return None
    data = path.read_bytes()
    try:
        table = pq.read_table(io.BytesIO(data))
    except pa.ArrowInvalid as error:
        raise DamagedFile(f"{path}: {error}; delete it to list the pages again") from error
    ref = FileRef(PAGES, table.num_rows, len(data), hashlib.sha256(data).hexdigest())
    return ref, [PageRef(**row) for row in table.to_pylist()]


def page_id(page: PageRef) -> str:
    """The id of a page's row: its content is the revision; where there is no page to take, the title that led there."""
    found = {"page_id": page.page_id, "revision": page.revision}
    led = {"artwork": page.artwork, "title": page.title}
    return row_id(f"wikipedia/{page.language}", found if page.state == "ok" else led)


def page_of(row: Row) -> PageRef:
    """The page of a listing's row."""
    return PageRef(**{name: row[name] for name in LISTING.names})
