"""What is published of pages, whatever shards they came in: prompts, splits and the sum of both."""

import json
import random
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from builders.engine import Build, FileRef, Row, ShardRecord, worker
from builders.engine.files import write_table
from builders.engine.worker import Bench, Job
from builders.multiexpart import Config, stages
from builders.stages.features import SHARD_BYTES
from builders.stages.listing import page_id
from builders.stages.pictures import Pictures
from builders.stages.publish_artworks import PublishArtworks
from builders.stages.wiki import WikiDoor
from builders.transforms.artworks.alignment import undecided
from cards.dataset import dataset_shards
from crawlers.cache import Cache
from crawlers.images import Limits
from crawlers.outcomes import CODES, MAY_HEAL
from crawlers.pages import PageRef

LANGUAGES = ("en", "it", "ja")


def rows_of(artworks: int) -> list[Row]:
    """Pages as they come to the last stage: every third artwork has all languages, of which one shows another file."""
    rows = []
    for number in range(1, artworks + 1):
        for language in LANGUAGES if number % 3 == 0 else LANGUAGES[: 1 + number % 2]:
            title = f"P{number}"
            ref = PageRef(language, title, number, number, f"Q{number}", f"Q{number}", 900, 3, "ok", title)
            sections = [
                {"index": index, "level": min(index, 1), "path": ["History"] * min(index, 1), "text": text, "links": []}
                for index, text in enumerate([f"{language} {number}", "It was sold.", ""][: 2 + number % 2])
            ]
            rows.append(
                {
                    "id": page_id(ref),
                    "artwork": ref.artwork,
                    "qid": ref.qid,
                    "language": language,
                    "page_id": number,
                    "revision": number,
                    "title": ref.title,
                    "en_title": ref.title,
                    "page_url": f"https://{language}.example/{number}",
                    "image_file": f"{number}.png",
                    "image_url": f"https://files.example/{number}.png",
                    "sha1": f"{number}{language * (number == 6)}",
                    "sections": sections,
                    "with_text": 2,
                    "without_text": number % 2,
                    "views": number * 7 % 31,
                    "links": number,
                    "edits": number % 5,
                    "references": 3,
                    "versions": 4,
                    "length": 1000 - number,
                }
            )  # fmt: skip
    return rows


@dataclass
class Published:
    """The last stage, run over rows without Ray."""

    stage: PublishArtworks
    build: Build
    before: list[ShardRecord]
    after: list[ShardRecord]
    bench: Bench

    def rows(self, config: str) -> dict[str, list[Row]]:
        """The rows of a configuration by split."""
        found: dict[str, list[Row]] = {}
        for path in sorted(Path(str(self.build.out), "dataset", config).glob("*.parquet")):
            found.setdefault(path.name.split("-")[0], []).extend(pq.read_table(path).to_pylist())
        return found

    def bytes(self) -> dict[str, bytes]:
        root = Path(str(self.build.out))
        return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("dataset/*/*.parquet"))}


def publish(folder: Path, rows: list[Row], shard_rows: int, shard_bytes: int = SHARD_BYTES, **flags: Any) -> Published:
    config = Config(output=str(folder), contact="tests@example.org", languages=LANGUAGES, rows_per_file=100, **flags)
    *_, upstream, last = stages(config)
    assert isinstance(last, PublishArtworks)
    last.shard_bytes = shard_bytes
    build = Build("multiexpart", config, [last])
    assert last.preflight(build) == []
    build.lease.take()
    before = []
    for index in range(0, len(rows), shard_rows):
        shard = sorted(rows[index : index + shard_rows], key=lambda row: str(row["id"]))
        table = pa.Table.from_pylist(shard, schema=upstream.schema)
        ref = write_table(build.out, f"stages/before/{index:05d}.parquet", table, **upstream.parquet)
        before.append(record(f"{index:05d}", ref))
    bench = Bench(str(build.out), last, build.folder(last), build.lease.run)
    after = [
        bench.run(Job(task.shard, task.shard, task.digest, task.source, 0, task.rows))
        for task in last.plan(build, before)
    ]
    last.check_sum(before, after)
    return Published(last, build, before, after, bench)


def record(shard: str, ref: FileRef) -> ShardRecord:
    return ShardRecord(shard, "thumbnails", shard, "", 0, ref.rows, ref, None, None)


def test_the_dataset_is_the_same_whatever_shards_its_pages_came_in(tmp_path: Path) -> None:
    rows = rows_of(24)
    one = publish(tmp_path / "one", rows, 7)
    random.Random(3).shuffle(rows)
    other = publish(tmp_path / "other", rows, 50)
    assert one.bytes() == other.bytes()
    assert {path.split("/")[1] for path in one.bytes()} == {"pages", "full", "alignment-3"}


def test_a_shard_that_was_halved_and_tried_again_is_read_like_any_other(tmp_path: Path) -> None:
    published = publish(tmp_path / "out", rows_of(24), 7)
    root, stage = published.build.out, published.stage
    whole = {shard.path.name: shard for shard in dataset_shards(root) if shard.config == "full"}
    task = next(task for task in stage.plan(published.build, published.before) if task.shard.startswith("full.test-"))
    for first, last in ((0, 5), (5, task.rows)):
        published.bench.run(Job(f"{task.shard}.{first}-{last}", task.shard, task.digest, task.source, first, last))
    Path(str(root), stage.destination("", task.shard)).unlink()
    halved = {shard.path.name: shard for shard in dataset_shards(root) if shard.config == "full"}
    assert len(halved) == len(whole) + 1
    assert sum(shard.rows for shard in halved.values()) == sum(shard.rows for shard in whole.values())
    assert {shard.split for shard in halved.values()} == {"train", "validation", "test"}


def test_no_text_of_a_training_page_answers_a_test_prompt(tmp_path: Path) -> None:
    published = publish(tmp_path / "out", rows_of(24), 10)
    split_of = {
        (row["language"], row["page_id"]): split for split, rows in published.rows("pages").items() for row in rows
    }
    english = Counter(split for (language, _), split in split_of.items() if language == "en")
    assert english == {"train": 13, "validation": 4, "test": 7}, "seven are aligned, more than a fifth of 24"
    assert {split for (language, _), split in split_of.items() if language != "en"} == {"test"}
    full = published.rows("full")
    assert set(full) == {"train", "validation", "test"}
    for split, rows in full.items():
        assert {split_of[row["target_lang"], row["page_id"]] for row in rows} == {split}
    directions = Counter(
        (row["source_lang"] == "en", row["target_lang"] == "en") for rows in full.values() for row in rows
    )
    assert min(directions.values()) > 0
    assert len(directions) == 4
    aligned = published.rows("alignment-3")
    assert set(aligned) == {"test"}
    artworks = {row["artwork"] for row in aligned["test"]}
    assert artworks == {f"Q{number}" for number in range(3, 25, 3)} - {"Q6"}, "Q6 shows another file in each language"
    assert {row["artwork"] for row in published.rows("pages")["test"] if "alignment-3" in row["alignments"]} == artworks
    ids = [row["id"] for config in ("full", "alignment-3") for rows in published.rows(config).values() for row in rows]
    assert len(set(ids)) == len(ids)


def test_the_sum_of_prompts_tells_a_lost_shard(tmp_path: Path) -> None:
    published = publish(tmp_path / "out", rows_of(12), 10)
    lost = [each for each in published.after if not each.shard.startswith("full.test-00000")]
    with pytest.raises(AssertionError, match="prompts are due"):
        published.stage.check_sum(published.before, lost)
    with pytest.raises(AssertionError, match="pages were written"):
        published.stage.check_sum(published.before[1:], published.after)


def test_directions_that_were_not_asked_for_are_not_there(tmp_path: Path) -> None:
    published = publish(tmp_path / "out", rows_of(12), 10, directions=("En-En", "En-L"))
    rows = [row for each in published.rows("full").values() for row in each]
    assert {row["source_lang"] for row in rows} == {"en"}
    assert {row["target_lang"] for row in rows} == set(LANGUAGES)


def test_people_decide_what_the_pictures_leave_open(tmp_path: Path) -> None:
    published = publish(tmp_path / "out", rows_of(12), 10)
    pairs = [each.id for each in undecided(published.stage._aligned)]
    assert {pair.split("/")[0] for pair in pairs} == {"Q6"}
    decisions = tmp_path / "decisions.json"
    decisions.write_text(json.dumps({"decisions": dict.fromkeys([*pairs, "Q99/0123456789ab"], "same")}))
    decided = publish(tmp_path / "decided", rows_of(12), 10, decisions=str(decisions))
    assert "Q6" in {row["artwork"] for row in decided.rows("alignment-3")["test"]}
    assert "Q6" not in {row["artwork"] for row in published.rows("alignment-3")["test"]}
    assert [(each.path, each.rows) for each in decided.build.inputs] == [("decisions.json", len(pairs) + 1)]


class Answers(WikiDoor):
    """A door behind which every picture ends as its URL says."""

    def images(self, asks: Mapping[str, tuple[str, str]]) -> Iterator[tuple[str, tuple[str, bytes]]]:
        for row, (code, _) in asks.items():
            yield row, (code, b"a picture" if code == "success" else b"")

    def count_sent(self, counters: Counter[str]) -> None: ...


def test_a_picture_that_will_never_come_stays_an_address() -> None:
    rows: list[Row] = [
        {"id": code, "image_url": code, "sha1": "", "image_file": "A.jpg", "mime": "image/jpeg", "licence": "CC0"}
        for code in CODES
    ]
    rows.append(rows[0] | {"id": "restricted", "licence": "Fair use"})
    rows.append(rows[0] | {"id": "drawing", "mime": "image/svg+xml"})
    outcome = Pictures(Answers(), pa.schema([("id", pa.string())])).process(rows)
    assert {failure.id: failure.error_class for failure in outcome.failed} == {code: code for code in MAY_HEAL}
    assert {"timeout", "http_5xx", "rate_limited"} <= MAY_HEAL < CODES.keys()
    written = {row["id"]: row["image"] for row in outcome.written}
    assert written.pop("success") == {"bytes": b"a picture", "path": "A.jpg"}
    for_good = CODES.keys() - MAY_HEAL - {"success"}
    assert {"too_large", "too_many_pixels", "not_an_image", "undecodable", "http_404"} <= for_good
    assert written == dict.fromkeys([*for_good, "restricted", "drawing"])
    assert outcome.counters == {
        f"by_link/{reason}": 1 for reason in [*for_good, "licence", "format"]
    }  # fmt: skip


def with_pictures(artworks: int) -> list[Row]:
    """Pages with their pictures, of which some pages have none."""
    return [
        row | {"image": {"bytes": row["id"].encode() * 99, "path": row["image_file"]} if row["page_id"] % 5 else None}
        for row in rows_of(artworks)
    ]


def test_large_pictures_are_published_as_they_are_and_can_be_read_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Arrow reads at most 2 GiB of a row group's pictures, so that the largest that are taken must fit."""
    rows = with_pictures(18)
    assert worker.GROUP_BYTES + Limits.bytes < 1 << 31
    monkeypatch.setattr(worker, "GROUP_BYTES", 10_000)
    published = publish(tmp_path / "out", rows, 100, images="embed")
    found = [row for its in published.rows("pages").values() for row in its]
    assert {row["page_url"]: row["image"] for row in found} == {row["page_url"]: row["image"] for row in rows}
    files = [pq.ParquetFile(path) for path in tmp_path.rglob("*.parquet") if "image" in pq.read_schema(path).names]
    assert {"before", "pages"} == {path.parent.name for path in tmp_path.rglob("*.parquet")} - {"full", "alignment-3"}
    assert max(file.metadata.num_rows for file in files if file.metadata.num_row_groups > 1) > 8
    for file in files:
        for index in range(file.metadata.num_row_groups):
            group = file.metadata.row_group(index)
            column = next(group.column(i) for i in range(group.num_columns) if is_picture(group.column(i)))
            if "alignments" in file.schema_arrow.names:
                assert column.total_uncompressed_size < worker.GROUP_BYTES
            else:
                assert group.num_rows * Limits.bytes < 1 << 31
            assert column.compression == "UNCOMPRESSED"
            assert not column.has_dictionary_page
    assert json.loads(files[-1].schema_arrow.metadata[b"huggingface"])["info"]["features"]["image"]["_type"] == "Image"


def test_pages_with_pictures_are_cut_by_bytes(tmp_path: Path) -> None:
    rows = with_pictures(36)

    def files(name: str, shard_bytes: int, shard_rows: int = 20) -> dict[str, int]:
        published = publish(tmp_path / name, rows, shard_rows, shard_bytes, images="embed")
        return {path: len(data) for path, data in published.bytes().items() if "/pages/train" in path}

    few = files("few", 10_000)
    assert len(few) > 3
    assert max(few.values()) < 30_000, "a file of so many columns has 14 kB to begin with"
    assert files("again", 10_000, 33).keys() == few.keys(), "whatever shards they came through"


def is_picture(column: Any) -> bool:
    return bool(column.path_in_schema == "image.bytes")


def test_prompts_are_made_without_a_look_at_the_pictures(tmp_path: Path) -> None:
    published = publish(tmp_path / "out", with_pictures(12), 10, images="embed")
    before = published.bytes()
    for record_ in published.before:
        damage_pictures(Path(str(published.build.out), record_.rows.path))
    tasks = published.stage.plan(published.build, published.before)
    for task in tasks:
        job = Job(task.shard, task.shard, task.digest, task.source, 0, task.rows)
        if task.source.asked:
            published.bench.run(job)
        else:
            with pytest.raises(Exception, match="[Pp]arquet|Thrift|page"):
                published.bench.run(job)
    assert published.bytes() == before


def damage_pictures(path: Path) -> None:
    """Overwrite the pictures in a file, so that whoever reads them fails."""
    metadata = pq.read_metadata(path)
    data = bytearray(path.read_bytes())
    for index in range(metadata.num_row_groups):
        group = metadata.row_group(index)
        for column in filter(is_picture, map(group.column, range(group.num_columns))):
            first, size = column.data_page_offset, column.total_compressed_size
            data[first : first + size] = b"\xff" * size
    path.write_bytes(data)


def test_pictures_are_carried_by_the_last_stage_alone() -> None:
    config = Config(languages=LANGUAGES, images="embed")
    assert [stage.name for stage in stages(config) if "image" in stage.schema.names] == ["pictures"]
    assert "image" not in [name for stage in stages(Config(languages=LANGUAGES)) for name in stage.schema.names]


def test_pictures_are_kept_without_compressing_them_again(tmp_path: Path) -> None:
    body, sizes = bytes(1 << 20), {}
    for name, options in {"text": {}, "picture": {"level": 0}}.items():
        cache = Cache(tmp_path / name)
        cache.put("key", body, **options)
        assert cache.get("key") == body
        cache.close()
        sizes[name] = (tmp_path / name).stat().st_size
    assert sizes["text"] < len(body) < sizes["picture"]
