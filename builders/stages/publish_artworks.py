"""Publish the artworks: the pages, and the prompts about them, as configurations that `load_dataset` opens by name.

`pages` has a row a page; `full` and every `alignment-N` have a row a prompt. Into which split an English page goes, and
which artworks are the same in several languages, depends on all pages: the driver decides it, from the few columns
that it takes. A shard holds pages of one split by language and id, whatever shards they came through.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from rich.console import Console
from upath import UPath

from builders.engine import Build, FileRef, InputFile, Outcome, Row, ShardRecord, ShardTask, Stage
from builders.engine.files import location, read_columns, write_bytes, write_json
from builders.engine.fingerprint import digest
from builders.stages.crawl import PAGE, SECTION
from builders.stages.features import SHARD_BYTES, destination, layout, sweep_dataset, with_features
from builders.stages.shown import show
from builders.stages.thumbnails import TAKEN, picture_of
from builders.transforms.artworks.alignment import (
    AlignedSet,
    Verdict,
    align,
    alignment_report,
    pair_ids,
    undecided,
)
from builders.transforms.artworks.prompts import languages
from builders.transforms.artworks.records import (
    DIRECTIONS,
    RECORDS,
    TEMPLATES,
    TEXT_LICENCE,
    TEXT_LICENCE_URL,
    Direction,
    records,
    text_page,
)
from builders.transforms.artworks.review import read_decisions, review_page
from builders.transforms.artworks.split import INDICATORS, SPLITS, split_pages
from builders.transforms.shape import IMAGE

T = TypeVar("T")

PAGES, FULL = "pages", "full"
PAGES_PER_FILE, PICTURES_AT_ONCE = 500, 8
REVIEW = "review/alignment.html"
COLUMNS = [*TAKEN, "page_id", "phash", "with_text", "without_text", *INDICATORS]
PUBLISHED = with_features(
    pa.schema(
        [
            ("id", pa.string()),
            ("artwork", pa.string()),
            ("qid", pa.string()),
            ("language", pa.string()),
            ("title", pa.string()),
            ("en_title", pa.string()),
            ("alignments", pa.list_(pa.string())),
            ("image_url", pa.string()),
            ("sections", pa.list_(SECTION)),
            *((indicator, pa.int64()) for indicator in INDICATORS),
            ("page_id", pa.int64()),
            ("revision", pa.int64()),
            ("page_url", pa.string()),
            ("text_licence", pa.string()),
            ("text_licence_url", pa.string()),
            ("image_file", pa.string()),
            ("image_width", pa.int32()),
            ("image_height", pa.int32()),
            ("image_mime", pa.string()),
            ("image_sha1", pa.string()),
            ("image_repository", pa.string()),
            ("image_page", pa.string()),
            ("image_author", pa.string()),
            ("image_credit", pa.string()),
            ("image_licence", pa.string()),
            ("image_licence_url", pa.string()),
        ]
    )
)
WITH_IMAGES = with_features(PUBLISHED.insert(0, pa.field("image", IMAGE)), {"image": {"_type": "Image"}})
PROMPTS = with_features(RECORDS)
RENAMED = {
    "image_width": "width", "image_height": "height", "image_mime": "mime", "image_sha1": "sha1",
    "image_repository": "repository", "image_page": "description_url", "image_author": "author",
    "image_credit": "credit", "image_licence": "licence", "image_licence_url": "licence_url",
}  # fmt: skip


@dataclass(frozen=True)
class Asked:
    """A page, the page of the same artwork in the source language, and the direction of the prompts about it."""

    page: str
    source: str | None
    direction: Direction


@dataclass(frozen=True)
class Part:
    """What one dataset shard holds: prompts, or pages with the sets in which they are aligned; and their files."""

    config: str
    files: tuple[FileRef, ...]
    asked: tuple[Asked, ...] = ()
    pages: tuple[tuple[str, tuple[str, ...]], ...] = ()


class PublishArtworks(Stage):
    """Writes `dataset/<config>/<split>-NNNNN-of-NNNNN.parquet`, then the card of this name and the report."""

    name = "publish"
    schema = PROMPTS

    def __init__(
        self,
        sets: Sequence[tuple[str, ...]],
        source_language: str,
        *,
        directions: Sequence[str],
        decisions: str,
        rows_per_file: int,
        seed: int,
        embed: bool,
        card: str,
        shard_bytes: int = SHARD_BYTES,
    ) -> None:
        self.sets = tuple(sets)
        self.card = card
        self.embed = embed
        self.source_language = source_language
        self.directions = tuple(each for each in DIRECTIONS if each in directions)
        self.decisions = decisions
        self.rows_per_file = rows_per_file
        self.shard_bytes = shard_bytes
        self.seed = seed
        self._pages: dict[str, Row] = {}
        self._aligned: list[AlignedSet] = []
        self._splits: dict[str, str] = {}
        self._balance: dict[str, Any] = {}
        self._verdicts: dict[str, Verdict] = {}
        self._pages_per_file = PAGES_PER_FILE
        self._due = 0
        self._counters: Counter[str] = Counter()

    def preflight(self, build: Build) -> list[str]:
        """The decisions, which are an input of the build; `build.json` says which card the dataset has."""
        build.applied["card"] = self.card
        if self.decisions:
            try:
                self._verdicts = read_decisions(self.decisions)
            except ValueError as error:
                return [f"--decisions {error}"]
            data = location(self.decisions).read_bytes()
            digits = hashlib.sha256(data).hexdigest()
            build.inputs.append(InputFile("decisions.json", len(data), len(self._verdicts), digits))
        return []

    def plan(self, build: Build, upstream: Sequence[ShardRecord]) -> list[ShardTask]:
        """Align, split, and cut every split of every configuration into shards of about `rows_per_file` rows.

        Those of pages with their pictures have `SHARD_BYTES`, about, where that is less.
        """
        pages = [
            row | {"file": record.rows}
            for record in upstream
            for row in read_columns(build.out, record.rows, COLUMNS).to_pylist()
        ]
        pages.sort(key=lambda page: (page["language"], page["id"]))
        self._pages = {page["id"]: page for page in pages}
        pictures = [picture_of(page) for page in pages]
        self._aligned = align(pictures, self.sets, self._verdicts, self.source_language)
        self._say_unused(pair_ids(pictures, self.sets, self.source_language))
        self._split(pages)
        if self.embed:
            self._pages_per_file = self._pages_of_a_shard(build.out, [record.rows for record in upstream])
        tasks = self._page_tasks()
        self._due = 0
        for config, members in {FULL: pages, **self._members(pages)}.items():
            tasks += self._prompt_tasks(config, members)
        return tasks

    def _say_unused(self, pairs: set[str]) -> None:
        unused = sorted(self._verdicts.keys() - pairs)
        if unused:
            Console().print(
                f"{self.decisions}: {len(unused)} of {len(self._verdicts)} decisions are about pictures that no page "
                f"shows any more, the first {unused[0]}: they decide nothing",
                highlight=False, markup=False, soft_wrap=True,
            )  # fmt: skip

    def _members(self, pages: Sequence[Row]) -> dict[str, list[Row]]:
        """The pages of each set of languages, by its name."""
        members = {}
        for aligned in self._aligned:
            artworks, its = set(aligned.artworks), set(aligned.languages)
            members[aligned.name] = [page for page in pages if page["artwork"] in artworks and page["language"] in its]
        return members

    def _page_tasks(self) -> list[ShardTask]:
        names: dict[str, tuple[str, ...]] = {}
        for config, members in self._members(list(self._pages.values())).items():
            names |= {page["id"]: (*names.get(page["id"], ()), config) for page in members}
        tasks = []
        for split in SPLITS:
            its = [((row, names.get(row, ())), 1) for row in self._pages if self._splits[row] == split]
            for name, items, rows in _cut(f"{PAGES}.{split}", its, self._pages_per_file):
                part = Part(PAGES, self._files(row for row, _ in items), pages=tuple(items))
                tasks.append(ShardTask(name, part, digest([name, asdict(part)]), rows))
        return tasks

    def _pages_of_a_shard(self, root: UPath, files: Sequence[FileRef]) -> int:
        """The pages that make `shard_bytes`, `rows_per_file` at most: by what all of them take before compression, as
        the footers of their files say, so that no picture is looked at."""
        rows = size = 0
        for file in files:
            with (root / file.path).open("rb") as stream:
                metadata = pq.read_metadata(stream)
            rows += metadata.num_rows
            size += sum(metadata.row_group(index).total_byte_size for index in range(metadata.num_row_groups))
        return max(1, min(self.rows_per_file, self.shard_bytes * rows // max(1, size)))

    def _prompt_tasks(self, config: str, members: Iterable[Row]) -> list[ShardTask]:
        """The prompts about some pages, each in the split of the page whose text answers it."""
        sources = {page["artwork"]: page for page in self._pages.values() if page["language"] == self.source_language}
        asked: dict[str, list[tuple[Asked, int]]] = {}
        for page in members:
            source = sources.get(page["artwork"])
            for direction in self._directions(page["language"]):
                text = text_page(direction, page, source)
                if text and text["with_text"]:
                    item = Asked(page["id"], source["id"] if source else None, direction)
                    asked.setdefault(text["id"], []).append((item, TEMPLATES * text["with_text"]))
                    self._due += TEMPLATES * (text["with_text"] + text["without_text"])
        tasks = []
        for split in SPLITS:
            its = [item for row in self._pages if self._splits[row] == split for item in asked.get(row, ())]
            for name, items, rows in _cut(f"{config}.{split}", its, self.rows_per_file):
                files = self._files(row for item in items for row in (item.page, item.source) if row)
                part = Part(config, files, asked=tuple(items))
                tasks.append(ShardTask(name, part, digest([name, asdict(part)]), rows))
        return tasks

    def _directions(self, language: str) -> list[Direction]:
        """The directions in which a page is asked about, of those whose instructions have templates."""
        own = language == self.source_language
        return [
            direction
            for direction in self.directions
            if own == (direction == "En-En")
            and (self.source_language if direction.startswith("En") else language) in languages()
        ]

    def _split(self, pages: Sequence[Row]) -> None:
        """Into which split each page goes; only those in the source language are split."""
        aligned = {artwork for each in self._aligned for artwork in each.artworks}
        own = [
            page | {name: page[name] or 0 for name in INDICATORS}
            for page in pages
            if page["language"] == self.source_language
        ]
        split = split_pages(own, {page["page_id"] for page in own if page["artwork"] in aligned}, self.seed)
        self._splits = {page["id"]: "test" for page in pages}
        self._splits |= {page["id"]: split.of_page[page["page_id"]] for page in own}
        self._balance = dict(split.report)

    def _files(self, rows: Iterable[str]) -> tuple[FileRef, ...]:
        """The files that hold these pages."""
        found = {self._pages[row]["file"] for row in rows}
        return tuple(sorted(found, key=lambda file: file.path))

    def destination(self, folder: str, shard: str) -> str:
        return destination(shard)

    def batches(self, build_root: Any, source: Any) -> Iterator[list[Row]]:
        """Pages with their pictures a few at a time, since a picture may have 50 MB; all else at once."""
        if not (self.embed and source.pages):
            yield from super().batches(build_root, source)
            return
        pages = sorted(source.pages)
        for start in range(0, len(pages), PICTURES_AT_ONCE):
            few = tuple(pages[start : start + PICTURES_AT_ONCE])
            yield self.read(build_root, replace(source, files=self._files(row for row, _ in few), pages=few))

    def read(self, build_root: Any, source: Any) -> list[Row]:
        """The pages of a shard, or the prompts about them."""
        ids = {row for row, _ in source.pages} | {row for item in source.asked for row in (item.page, item.source)}
        wanted = pc.field("id").isin(sorted(filter(None, ids)))
        columns = [*PAGE.names, "image"] if self.embed and source.pages else PAGE.names
        tables = (read_columns(build_root, file, columns, wanted) for file in source.files)
        pages = {row["id"]: row for table in tables for row in table.to_pylist()}
        assert self.overlap == 1, "the counters are of the one shard that a worker has in hand"
        self._counters = Counter()
        return [_published(pages[row], names) for row, names in source.pages] + [
            row
            for item in source.asked
            for row in records(
                pages[item.page], pages.get(item.source), source.config, self._counters, (item.direction,),
                self.source_language,
            )
        ]  # fmt: skip

    def written_as(self, source: Any) -> tuple[pa.Schema, dict[str, Any]]:
        schema = PROMPTS if source.asked else WITH_IMAGES if self.embed else PUBLISHED
        return schema, layout(schema)

    def process(self, rows: list[Row]) -> Outcome:
        return Outcome(written=rows, counters=self._counters)

    def check_sum(self, before: Sequence[ShardRecord], after: Sequence[ShardRecord]) -> None:
        """Every page is published, and every section is asked about by every template and direction or has no text."""
        wrote = sum(record.rows.rows for record in before)
        pages = sum(record.rows_in for record in after if record.shard.startswith(f"{PAGES}."))
        assert pages == wrote, f"{wrote} pages were written for {self.name}, but it was given {pages}"
        prompts = sum(record.rows_in for record in after) - pages
        empty = sum(
            count for record in after for name, count in record.counters.items() if name.startswith("without_text/")
        )
        assert prompts + empty == self._due, (
            f"{self._due} prompts are due, but {prompts} were made, and {empty} are of sections without text"
        )

    def finish(self, build: Build) -> None:
        sweep_dataset(build.out, build.records[self.name])
        write_json(build.out / "balance.json", self._balance)
        write_json(build.out / "alignment.json", alignment_report(self._aligned))
        self._write_review(build)
        show(build)

    def _write_review(self, build: Build) -> None:
        """The page for people, where there is something to decide."""
        path, open_questions = build.out / REVIEW, undecided(self._aligned)
        if not open_questions:
            path.unlink(missing_ok=True)
            return
        ids = sorted({page.id for each in open_questions for page in (each.reference, each.other)})
        thumbnails = {
            row["id"]: row["thumbnail"]
            for file in self._files(ids)
            for row in read_columns(build.out, file, ["id", "thumbnail"]).filter(pc.field("id").isin(ids)).to_pylist()
        }
        write_bytes(path, review_page(open_questions, thumbnails).encode())
        Console().print(
            f"{len(open_questions)} pairs of pictures are for people to judge: open {path}, then build again with "
            "--decisions and the file that it saves",
            highlight=False, markup=False, soft_wrap=True,
        )  # fmt: skip


def _cut(prefix: str, items: Iterable[tuple[T, int]], rows_per_file: int) -> list[tuple[str, list[T], int]]:
    """Items, given with their rows, as shards: name, items, rows. A shard is full once it has `rows_per_file`."""
    shards: list[tuple[list[T], int]] = []
    for item, count in items:
        if not shards or shards[-1][1] >= rows_per_file:
            shards.append(([], 0))
        its, rows = shards[-1]
        its.append(item)
        shards[-1] = (its, rows + count)
    return [(f"{prefix}-{index:05d}-of-{len(shards):05d}", its, rows) for index, (its, rows) in enumerate(shards)]


def _published(page: Row, alignments: Sequence[str]) -> Row:
    """A page as the dataset has it."""
    made = {name: page[RENAMED.get(name, name)] for name in WITH_IMAGES.names if RENAMED.get(name, name) in page}
    return made | {"alignments": list(alignments), "text_licence": TEXT_LICENCE, "text_licence_url": TEXT_LICENCE_URL}
