"""What is published of pages, whatever shards they came in: prompts, splits and the sum of both."""

import json
import random
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from builders.engine import Build, FileRef, Row, ShardRecord
from builders.engine.files import write_table
from builders.engine.worker import Bench, Job
from builders.multiexpart import Config, stages
from builders.stages.listing import page_id
from builders.stages.publish_artworks import PublishArtworks
from builders.stages.thumbnails import Thumbnails
from builders.transforms.artworks.alignment import undecided
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

    def rows(self, config: str) -> dict[str, list[Row]]:
        """The rows of a configuration by split."""
        found: dict[str, list[Row]] = {}
        for path in sorted(Path(str(self.build.out), "dataset", config).glob("*.parquet")):
            found.setdefault(path.name.split("-")[0], []).extend(pq.read_table(path).to_pylist())
        return found

    def bytes(self) -> dict[str, bytes]:
        root = Path(str(self.build.out))
        return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("dataset/*/*.parquet"))}


def publish(folder: Path, rows: list[Row], shard_rows: int, **flags: Any) -> Published:
    config = Config(output=str(folder), contact="tests@example.org", languages=LANGUAGES, rows_per_file=100, **flags)
    *_, thumbnails, last = stages(config)
    assert isinstance(thumbnails, Thumbnails)
    assert isinstance(last, PublishArtworks)
    build = Build("multiexpart", config, [last])
    assert last.preflight(build) == []
    build.lease.take()
    before = []
    for index in range(0, len(rows), shard_rows):
        shard = sorted(rows[index : index + shard_rows], key=lambda row: str(row["id"]))
        table = pa.Table.from_pylist(shard, schema=thumbnails.schema)
        ref = write_table(build.out, f"stages/before/{index:05d}.parquet", table)
        before.append(record(f"{index:05d}", ref))
    bench = Bench(str(build.out), last, build.folder(last), build.lease.run)
    after = [
        bench.run(Job(task.shard, task.shard, task.digest, task.source, 0, task.rows))
        for task in last.plan(build, before)
    ]
    last.check_sum(before, after)
    return Published(last, build, before, after)


def record(shard: str, ref: FileRef) -> ShardRecord:
    return ShardRecord(shard, "thumbnails", shard, "", 0, ref.rows, ref, None, None)


def test_the_dataset_is_the_same_whatever_shards_its_pages_came_in(tmp_path: Path) -> None:
    rows = rows_of(24)
    one = publish(tmp_path / "one", rows, 7)
    random.Random(3).shuffle(rows)
    other = publish(tmp_path / "other", rows, 50)
    assert one.bytes() == other.bytes()
    assert {path.split("/")[1] for path in one.bytes()} == {"pages", "full", "alignment-3"}


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
