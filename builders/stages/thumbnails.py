"""Thumbnails: a look at the pictures that must be compared, and at no others.

Pages of an artwork that show the same file show the same picture. Where an artwork could be in an alignment set but
its pages name different files, a small copy of each is fetched and reduced to a perceptual hash; the copy goes on to
the page on which people judge what the hashes leave open. A picture that will never be had leaves the question open;
one that another day may be had is a failed row, to be run again.
"""

from collections.abc import Iterable, Sequence

import pyarrow as pa

from builders.engine import Build, Failure, Outcome, Row, ShardRecord, ShardTask, Stage
from builders.engine.files import read_columns
from builders.engine.fingerprint import digest
from builders.stages.crawl import PAGE
from builders.stages.wiki import WikiDoor
from builders.transforms.artworks.alignment import PagePicture, perceptual_hash, to_look_at
from crawlers.outcomes import MAY_HEAL

PHASH, THUMBNAIL = pa.field("phash", pa.string()), pa.field("thumbnail", pa.binary())
TAKEN = ("id", "artwork", "qid", "language", "title", "page_url", "image_file", "sha1")


class Thumbnails(Stage):
    """Gives the pages whose picture must be compared its perceptual hash and a small copy of it."""

    name = "thumbnails"

    def __init__(
        self, sets: Sequence[tuple[str, ...]], source_language: str, door: WikiDoor, schema: pa.Schema = PAGE
    ) -> None:
        self.schema = schema.append(PHASH).append(THUMBNAIL)
        self.sets = tuple(sets)
        self.source_language = source_language
        self.door = door
        self._wanted: set[str] = set()

    def plan(self, build: Build, upstream: Sequence[ShardRecord]) -> list[ShardTask]:
        """The shards as they come; which of their pictures are wanted depends on the pages of all."""
        rows = {record.shard: read_columns(build.out, record.rows, [*TAKEN]).to_pylist() for record in upstream}
        pictures = [picture_of(row) for its in rows.values() for row in its]
        self._wanted = to_look_at(pictures, self.sets, self.source_language)
        return [
            ShardTask(task.shard, task.source, digest([task.digest, self._wanted_of(rows[task.shard])]), task.rows)
            for task in super().plan(build, upstream)
        ]

    def _wanted_of(self, rows: Iterable[Row]) -> list[str]:
        return sorted(row["id"] for row in rows if row["id"] in self._wanted)

    def start(self, build: Build) -> None:
        self.door.start()

    def process(self, rows: list[Row]) -> Outcome:
        outcome = Outcome()
        by_id = {row["id"]: row | {"phash": None, "thumbnail": None} for row in rows}
        asks = {id: (by_id[id]["thumbnail_url"], by_id[id]["sha1"]) for id in self._wanted_of(rows)}
        for id, (code, data) in self.door.images(asks):
            if code in MAY_HEAL:
                outcome.failed.append(Failure(id, code, f"{by_id.pop(id)['thumbnail_url']}: {code}"))
                continue
            try:
                by_id[id] |= {"phash": perceptual_hash(data), "thumbnail": data} if data else {}
            except ValueError:
                code = "no_hash"
            outcome.counters[f"thumbnail/{code}"] += 1
        outcome.written = list(by_id.values())
        self.door.count_sent(outcome.counters)
        return outcome


def picture_of(row: Row) -> PagePicture:
    """What alignment must know of a page."""
    return PagePicture(
        id=row["id"],
        artwork=row["artwork"],
        qid=row["qid"] or "",
        language=row["language"],
        title=row["title"],
        url=row["page_url"],
        file=row["image_file"],
        sha1=row["sha1"],
        phash=row.get("phash"),
    )
