"""What a form's records become at ingest: rows, with their images in packs, in every language, and nothing unsaid."""

import base64
import hashlib
import io
import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from upath import UPath

from builders.engine import Outcome, RowError, StageError
from builders.sources.items import Form, ImageAt, Item
from builders.sources.records import FileOptions
from builders.stages.ingest import FormReader, Ingest
from builders.stages.packs import read_packed
from builders.transforms.fields import field


def png(colour: tuple[int, int, int]) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (8, 8), colour).save(file, "PNG")
    return file.getvalue()


def read_form(raw: Mapping[str, Any], language: str, counters: Counter[str]) -> Item:
    if "question" not in raw:
        raise RowError("MissingField", "field 'question' is missing")
    image = raw.get("image")
    if isinstance(image, Mapping):
        at = ImageAt(data=image["bytes"], path=image["path"])
    elif isinstance(image, str) and "." not in image:
        at = ImageAt(data=base64.b64decode(image))
    else:
        at = ImageAt(path=image, url=raw.get("url"))
    counters["read"] += 1
    return Item([field("question", "question", raw["question"])], {"n": raw.get("n")}, at, raw.get("split") or "")


FORM = Form("toy", "A toy.", pa.schema([]), (), read_form, lambda told, kept: {}, lambda raw: True)


class Run:
    """An ingest without the engine: its rows by shard, and what became of them."""

    def __init__(self, out: Path, path: Path, reader: FormReader, dry_run: bool = False, **options: Any) -> None:
        build: Any = SimpleNamespace(config=SimpleNamespace(dry_run=dry_run), out=UPath(out), inputs=[], records={})
        stage = Ingest((str(path),), reader, 3, 0, files=FileOptions(), **options)
        assert stage.preflight(build) == []
        self.tasks = stage.plan(build, [])
        self.outcome = Outcome()
        for task in self.tasks:
            rows = stage.read(UPath(out), task.source)
            assert len(rows) == task.rows
            self.outcome.add(stage.process(rows))


def test_images_that_records_carry_lie_in_packs_and_not_in_rows(tmp_path: Path) -> None:
    red, blue = png((255, 0, 0)), png((0, 0, 255))
    rows = [
        {"question": "What is red?", "image": {"bytes": red, "path": "red.png"}},
        {"question": "What is not?", "image": {"bytes": red, "path": "red.png"}},
        {"question": "What is blue?", "image": {"bytes": blue, "path": None}},
        {"question": "What is broken?", "image": {"bytes": red[:-30], "path": "cut.png"}},
        {"question": "What is red?", "image": {"bytes": red, "path": "red.png"}},
    ]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "val.parquet")
    outcome = Run(tmp_path / "out", tmp_path / "val.parquet", FormReader(FORM, "it")).outcome
    assert [item.error_class for item in outcome.failed] == ["BadImage"]
    assert "val.parquet, row 4" in outcome.failed[0].message
    stored = [read_packed(UPath(tmp_path / "out"), row["image_file"]) for row in outcome.written]
    assert stored == [red, red, blue, red]
    first, second, third, _ = outcome.written
    assert first["image_file"] == second["image_file"]
    assert first["image_sha256"] == hashlib.sha256(red).hexdigest()
    assert [first["split"], first["language"], first["image_path"]] == ["validation", "it", "red.png"]
    source = json.loads(first["source"])
    assert source["image"] == {"sha256": first["image_sha256"], "path": "red.png"}
    assert json.loads(third["layout"]) == {"n": None}
    assert outcome.counters == {"read": 4, "split/validation": 4}
    dry = Run(tmp_path / "dry", tmp_path / "val.parquet", FormReader(FORM, "it"), dry_run=True).outcome
    assert [row["id"] for row in dry.written] == [row["id"] for row in outcome.written]
    assert not (tmp_path / "dry").exists()


def test_an_image_in_base64_is_packed_and_its_text_is_not_kept(tmp_path: Path) -> None:
    red = png((255, 0, 0))
    text = base64.b64encode(red).decode()
    (tmp_path / "test.tsv").write_text(f"question\timage\nWhat is this?\t{text}\n")
    (row,) = Run(tmp_path / "out", tmp_path / "test.tsv", FormReader(FORM, "eu")).outcome.written
    assert read_packed(UPath(tmp_path / "out"), row["image_file"]) == red
    assert json.loads(row["source"]) == {"question": "What is this?", "image": {"sha256": row["image_sha256"]}}


@pytest.mark.parametrize(("needed", "lost"), [("no", 0), ("named", 1), ("every", 2)])
def test_an_image_that_is_missing_is_counted_or_costs_its_row(
    tmp_path: Path, needed: Literal["no", "named", "every"], lost: int
) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "red.png").write_bytes(png((255, 0, 0)))
    names = ["train2017/red.png", "none.png", None]
    rows = [{"question": "What?", "n": number, "image": name} for number, name in enumerate(names)]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    reader = FormReader(FORM, "it", (str(tmp_path / "images"),), needs_image=needed)
    outcome = Run(tmp_path / "out", tmp_path / "rows.jsonl", reader).outcome
    assert outcome.written[0]["image_file"] == str(tmp_path / "images" / "red.png")
    assert [item.error_class for item in outcome.failed] == ["MissingImage"] * lost
    if not lost:
        assert outcome.counters["images_missing"] == 1
        assert [row["image_path"] for row in outcome.written] == names
    assert FormReader(FORM, "it", (str(tmp_path / "none"),)).preflight() == [
        f"--images {tmp_path / 'none'}: no such folder"
    ]


def test_every_language_has_rows_and_ids_of_its_own(tmp_path: Path) -> None:
    rows = [{"question": f"What is {number}?", "split": "dev"} for number in range(5)] + [{"q": 1}]
    (tmp_path / "rows.json").write_text(json.dumps(rows))
    run = Run(tmp_path / "out", tmp_path / "rows.json", FormReader(FORM, "it,eu"), languages=("it", "eu"))
    assert [task.shard for task in run.tasks] == ["00000-it", "00000-eu", "00001-it", "00001-eu"]
    assert len({task.digest for task in run.tasks}) == 4
    assert Counter(row["language"] for row in run.outcome.written) == {"it": 5, "eu": 5}
    assert len({row["id"] for row in run.outcome.written}) == 10
    assert run.outcome.counters["split/dev"] == 10
    assert [item.error_class for item in run.outcome.failed] == ["MissingField"] * 2
    alone = Run(tmp_path / "out", tmp_path / "rows.json", FormReader(FORM, "it")).outcome
    assert {row["id"] for row in alone.written}.isdisjoint(row["id"] for row in run.outcome.written)


def test_a_file_that_changes_under_a_build_stops_it_by_name(tmp_path: Path) -> None:
    (tmp_path / "rows.json").write_text(json.dumps([{"question": "What?"}] * 3))
    run = Run(tmp_path / "out", tmp_path / "rows.json", FormReader(FORM, "it"))
    (tmp_path / "rows.json").write_text(json.dumps([{"question": "What?"}]))
    stage = Ingest((), FormReader(FORM, "it"), 3, 0)
    with pytest.raises(StageError, match="rows.json has changed since it was scanned"):
        stage.read(UPath(tmp_path / "out"), run.tasks[0].source)


def test_several_languages_are_refused_where_one_is_made(tmp_path: Path) -> None:
    (tmp_path / "rows.json").write_text(json.dumps([{"question": "What?"}]))
    build: Any = SimpleNamespace(config=SimpleNamespace(dry_run=True), out=UPath(tmp_path), inputs=[], records={})
    stage = Ingest((str(tmp_path / "rows.json"),), FormReader(FORM, "it,eu"), 3, 0, files=FileOptions())
    assert stage.preflight(build) == ["--to it,eu: this recipe makes one language at a time; give one"]
