"""Articles from Wikimedia Enterprise's HTML snapshots, so that nobody need crawl at scale.

A snapshot is one wiki's articles as JSON Lines, in a `.tar.gz` of several files or as `.ndjson` and `.ndjson.gz`. It is
read as a stream, a line at a time; a line that no wanted name or number occurs in is not even parsed. Fields:
https://enterprise.wikimedia.com/docs/data-dictionary/. Its HTML is Parsoid's: Chinese is as its authors wrote it, in
simplified and traditional characters, not converted to one of them.
"""

import gzip
import json
import re
import tarfile
import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import orjson

from crawlers.links import bare_name
from crawlers.pages import PageRef, Rendered

LONGEST_LINE = 64 << 20
NAMED_LINES = 20
UNKNOWN = 0
_BLOCK = 1 << 20
_DAMAGE = (EOFError, zlib.error, gzip.BadGzipFile, tarfile.TarError)

_MAIN_ENTITY = re.compile(rb'"main_entity"\s*:\s*\{[^{}]*?"identifier"\s*:\s*"(Q\d+)"')
_NUMBERS = re.compile(rb'"identifier"\s*:\s*(\d+)')
# A writer of JSON may escape these; what lies between them is searched for.
_ESCAPED = re.compile(r"[\x00-\x1f\"\\/<>&'\x7f\u2028\u2029]")


class DumpError(Exception):
    """A dump that cannot be read on, or a language without one: one clear line."""


@dataclass
class Reading:
    """How many lines were passed over, by reason: "cut", "too_long", "not_json", "incomplete".

    The first few of each reason are in `named` with file and number.
    """

    passed_over: Counter[str] = field(default_factory=Counter)
    named: list[str] = field(default_factory=list)

    def pass_over(self, reason: str, where: str) -> None:
        self.passed_over[reason] += 1
        if self.passed_over[reason] <= NAMED_LINES:
            self.named.append(f"{where}: {reason}")


@dataclass(frozen=True)
class DumpPage:
    """An article of a dump. `bytes` is the wikitext's length, 0 if not said; `qid` is "" without a Wikidata item."""

    language: str
    title: str
    page_id: int
    revision: int
    qid: str
    bytes: int
    templates: frozenset[str]
    categories: frozenset[str]
    html: str


def pages_of(
    paths: Sequence[Path],
    *,
    templates: Collection[str] = (),
    categories: Collection[str] = (),
    items: Collection[str] = (),
    languages: Collection[str] = (),
    reading: Reading | None = None,
) -> Iterator[DumpPage]:
    """The articles that transclude one of `templates`, are in one of `categories` or are about one of `items` (QIDs).

    `languages`: of these alone; empty is any. Names stand with or without their namespace; a template's redirects are
    named as templates. A page may come twice with different revisions, as in the dumps. Raises `DumpError`.
    """
    templates, categories, items = set(map(bare_name, templates)), set(map(bare_name, categories)), set(items)
    needles = [needle for name in (*templates, *categories) for needle in _needles(name)]

    def maybe(line: bytes) -> bool:
        return any(needle in line for needle in needles) or (bool(items) and _maybe_about(line, items))

    for page in _read(paths, maybe, reading or Reading()):
        if languages and page.language not in languages:
            continue
        if page.qid in items or not templates.isdisjoint(page.templates) or not categories.isdisjoint(page.categories):
            yield page


def discover(
    paths: Sequence[Path],
    languages: Sequence[str],
    templates: Sequence[str],
    categories: Sequence[str] = (),
    *,
    source: str = "en",
    limit: int = 0,
    reading: Reading | None = None,
) -> list[PageRef]:
    """The pages of artworks, artwork by artwork in the source's order, the source language first.

    The source's dumps say which artworks there are (`limit`: at most so many), the others' are searched for the same
    Wikidata items. Of several revisions of a page the newest counts. `versions` is 0, not known: the dumps given are
    no measure of all Wikipedias. Raises `DumpError` for a language without a dump and where there is no artwork at all.
    """
    dumps: dict[str, list[Path]] = defaultdict(list)
    for path in paths:
        dumps[language_of(path)].append(path)
    if missing := [language for language in dict.fromkeys((source, *languages)) if language not in dumps]:
        raise DumpError(
            f"no dump of {', '.join(missing)} among the {len(paths)} files, which are of {', '.join(dumps)}"
        )
    found: dict[str, dict[str, PageRef]] = {}
    wanted = pages_of(dumps[source], templates=templates, categories=categories, reading=reading)
    for page in wanted:
        artwork = page.qid or f"{source}:{page.page_id}"
        _keep_newest(found.setdefault(artwork, {}), _reference(page, artwork, page.title))
        if limit and len(found) == limit:
            break
    if not found:
        names = ", ".join((*templates, *categories))
        raise DumpError(f"no article of {source} in {', '.join(map(str, dumps[source]))} transcludes or is in: {names}")
    items = {artwork for artwork in found if artwork.startswith("Q")}
    for language in languages:
        if language != source:
            for page in pages_of(dumps[language], items=items, reading=reading):
                _keep_newest(found[page.qid], _reference(page, page.qid, found[page.qid][source].title))
    return [
        pages[language]
        for pages in found.values()
        for language in dict.fromkeys((source, *languages))
        if language in pages
    ]


def rendered(paths: Sequence[Path], pages: Iterable[PageRef], reading: Reading | None = None) -> Iterator[Rendered]:
    """The HTML of `pages`, each once, in the order of the dumps. Raises `DumpError`."""
    wanted = {(page.language, page.page_id, page.revision) for page in pages}
    revisions = {str(revision).encode() for _, _, revision in wanted}
    for page in _read(paths, lambda line: not revisions.isdisjoint(_NUMBERS.findall(line)), reading or Reading()):
        key = (page.language, page.page_id, page.revision)
        if key in wanted:
            wanted.discard(key)
            yield Rendered(page.language, page.page_id, page.revision, page.title, page.html)


def language_of(path: Path) -> str:
    """The language of the Wikipedia that the dump is of, by its first article. Raises `DumpError` if it has none."""
    for page in _read([path], lambda line: True, Reading()):
        return page.language
    raise DumpError(f"{path}: no article of a Wikipedia in it; expected a Wikimedia Enterprise snapshot of namespace 0")


def _keep_newest(pages: dict[str, PageRef], page: PageRef) -> None:
    known = pages.get(page.language)
    if known is None or page.revision > known.revision:
        pages[page.language] = page


def _reference(page: DumpPage, artwork: str, source_title: str) -> PageRef:
    return PageRef(
        language=page.language,
        title=page.title,
        page_id=page.page_id,
        revision=page.revision,
        artwork=artwork,
        qid=page.qid,
        bytes=page.bytes,
        versions=UNKNOWN,
        state="ok",
        en_title=source_title,
    )


def _needles(name: str) -> set[bytes]:
    """Bytes of which one occurs in every line that has `name`, however its JSON escapes characters."""
    longest = max(_ESCAPED.split(name), key=len)
    escaped = json.dumps(longest).strip('"')
    return {longest.encode(), escaped.encode(), re.sub(r"(?<=\\u)[0-9a-f]{4}", _upper, escaped).encode()}


def _upper(found: re.Match[str]) -> str:
    return found[0].upper()


def _maybe_about(line: bytes, items: Collection[str]) -> bool:
    start = line.find(b'"main_entity"')
    if start < 0:
        return False
    found = _MAIN_ENTITY.match(line, start)
    return found is None or found[1].decode() in items


def _read(paths: Sequence[Path], maybe: Callable[[bytes], bool], reading: Reading) -> Iterator[DumpPage]:
    """The articles of Wikipedias among the lines for which `maybe` holds."""
    for path in paths:
        for where, line in _lines(path):
            if line is not None and not line.strip():
                continue
            if line is None:
                reading.pass_over("too_long", where)
            elif not line.rstrip().endswith(b"}"):
                reading.pass_over("cut", where)
            elif maybe(line):
                try:
                    page = _page(orjson.loads(line))
                except orjson.JSONDecodeError:
                    reading.pass_over("not_json", where)
                except (AttributeError, KeyError, TypeError, ValueError):
                    reading.pass_over("incomplete", where)
                else:
                    if page is not None:
                        yield page


def _page(record: Any) -> DumpPage | None:
    """The article in a line's JSON; `None` for what is no article of a Wikipedia."""
    wiki = record["is_part_of"]["identifier"]
    if not wiki.endswith("wiki") or (record.get("namespace") or {}).get("identifier", 0) != 0:
        return None
    version = record["version"]
    body = record["article_body"]
    size = (version.get("size") or {}).get("value") or len((body.get("wikitext") or "").encode())
    return DumpPage(
        language=wiki.removesuffix("wiki").replace("_", "-"),
        title=_text(record["name"]),
        page_id=_number(record["identifier"]),
        revision=_number(version["identifier"]),
        qid=_text((record.get("main_entity") or {}).get("identifier", "")),
        bytes=_number(size),
        templates=_names(record, "templates"),
        categories=_names(record, "categories"),
        html=_text(body["html"]),
    )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"a text was expected, not {value!r:.80}")
    return value


def _number(value: Any) -> int:
    if not isinstance(value, int) or not 0 <= value < 1 << 63:
        raise TypeError(f"a number was expected, not {value!r:.80}")
    return value


def _names(record: Any, kind: str) -> frozenset[str]:
    return frozenset(bare_name(_text(entry["name"])) for entry in record.get(kind) or ())


def _lines(path: Path) -> Iterator[tuple[str, bytes | None]]:
    """Each line with its place; `None` for one of more than `LONGEST_LINE` bytes. Raises `DumpError` on damage."""
    where = str(path)
    with path.open("rb") as raw:
        try:
            for name, stream in _members(path, raw):
                number = 0
                while line := stream.readline(LONGEST_LINE):
                    number += 1
                    where = f"{path}{name}, line {number}"
                    whole = line.endswith(b"\n") or len(line) < LONGEST_LINE
                    while not whole and (rest := stream.readline(_BLOCK)):
                        whole = rest.endswith(b"\n")
                        line = b""
                    yield where, line or None
        except _DAMAGE as error:
            raise DumpError(
                f"{path}: damaged near byte {raw.tell()} of {path.stat().st_size}, after {where}: {error}; "
                "download it again"
            ) from error


def _members(path: Path, raw: IO[bytes]) -> Iterator[tuple[str, IO[bytes] | gzip.GzipFile]]:
    """The files in a dump that hold lines, each with how to name it after the dump's own name."""
    if path.name.endswith((".tar.gz", ".tgz")):
        with gzip.GzipFile(fileobj=raw) as unpacked, tarfile.open(fileobj=unpacked, mode="r|") as archive:
            for member in archive:
                if stream := archive.extractfile(member):
                    yield f" ({member.name})", stream
    elif path.suffix == ".gz":
        with gzip.GzipFile(fileobj=raw) as unpacked:
            yield "", unpacked
    else:
        yield "", raw
