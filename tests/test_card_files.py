"""What the card shows and what lies beside it: examples, plots, the manifest; and the card of an unfinished build."""

import hashlib
import io
import json
import re
import xml.etree.ElementTree as ET
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from upath import UPath

from cards.accounts import by_language
from cards.build import Counts, Losses, Reason
from cards.card import card_text, load_card, write_card
from cards.dataset import Part, dataset_shards
from cards.distributions import lengths
from cards.examples import draw_examples
from cards.plots import Panel, bars, histograms
from tests.crawled_build import write_crawled_build
from tests.sample_build import FINGERPRINT, HOSTILE, edit_build, one_image, scene, write_sample_build

CARD = load_card("multiinstruct-it")
SHOWN = replace(CARD, images_shown={"images": "Image: [us](https://example.org), CC0."})
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def build(tmp_path: Path) -> UPath:
    return write_sample_build(UPath(tmp_path / "out"), rows=20, paint=one_image)


def files_of(build: UPath) -> dict[str, bytes]:
    root = Path(str(build)) / "dataset"
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def test_the_manifest_lists_every_file_but_the_card_and_itself(build: UPath) -> None:
    write_card(build, SHOWN)
    manifest = json.loads((build / "dataset" / "manifest.json").read_text())
    files = files_of(build)
    listed = {file["path"]: file for file in manifest["files"]}
    assert listed.keys() == files.keys() - {"README.md", "manifest.json"}
    for path, file in listed.items():
        assert (file["bytes"], file["sha256"]) == (len(files[path]), hashlib.sha256(files[path]).hexdigest())
        assert ("rows" in file) == path.endswith(".parquet")
    assert sum(file.get("rows", 0) for file in listed.values()) == manifest["rows"] == 20
    assert (manifest["name"], manifest["fingerprint"]) == ("multiinstruct-it", FINGERPRINT)
    assert "finished" not in manifest


def test_the_same_build_gives_the_same_bytes(build: UPath) -> None:
    write_card(build, SHOWN)
    first = files_of(build)
    edit_build(build, started="2031-01-01", finished="2031-01-02", seconds=3.0)
    write_card(build, SHOWN)
    assert files_of(build) == first


def test_what_an_earlier_card_showed_is_taken_away(build: UPath) -> None:
    write_card(build, SHOWN)
    assert (build / "dataset" / "assets" / "example-1.jpg").is_file()
    write_card(build, CARD)
    assert not list((build / "dataset" / "assets").glob("*.jpg"))
    assert "example-1.jpg" not in (build / "dataset" / "manifest.json").read_text()


def test_a_card_shows_files_that_are_there(build: UPath) -> None:
    text = write_card(build, SHOWN).read_text(encoding="utf-8")
    shown = re.findall(r"\]\((assets/[^)]+)\)", text)
    assert len(shown) > 5
    assert sorted(shown) == sorted(path for path in files_of(build) if path.startswith("assets/"))
    assert card_text(build, SHOWN) == text


def test_images_are_shown_only_where_the_recipe_allows_it(build: UPath) -> None:
    for card, allowed in ((SHOWN, True), (CARD, False), (replace(CARD, images_shown={"image": "x"}), False)):
        text = write_card(build, card).read_text(encoding="utf-8")
        images = len(re.findall(r"!\[The image of the row.*\]\(assets/example-\d\.jpg\)", text))
        assert bool(images) == allowed
        assert text.count("Image: [us](https://example.org), CC0.") == images
        assert text.count("| human |") == 4


def test_an_image_of_the_card_has_its_boxes_and_none_of_the_original_but_pixels(tmp_path: Path) -> None:
    def paint(number: int) -> bytes:
        out = io.BytesIO()
        Image.open(io.BytesIO(scene(0))).save(out, "JPEG", comment=b"secret", quality=95)
        return out.getvalue()

    build = write_sample_build(UPath(tmp_path), rows=20, paint=paint)
    examples = draw_examples(dataset_shards(build), "a", {"images": "Us."})
    assert [example.task for example in examples if example.boxes]
    for example in examples:
        image = Image.open(io.BytesIO(example.image))
        assert image.format == "JPEG"
        assert max(image.size) <= 480
        assert b"secret" not in example.image
        plain = Image.open(io.BytesIO(scene(0))).resize(image.size)
        apart = np.abs(np.asarray(image, float) - np.asarray(plain, float)).max(axis=2)
        assert bool((apart > 80).sum() > 300) == example.boxes


def test_examples_are_of_different_tasks_and_drawn_by_seed(build: UPath) -> None:
    shards = dataset_shards(build)
    drawn = draw_examples(shards, "a", {})
    assert len({example.task for example in drawn}) == 4
    assert drawn == draw_examples(shards, "a", {})
    assert [example.id for example in drawn] != [example.id for example in draw_examples(shards, "b", {})]


def test_a_picture_that_cannot_be_read_is_left_out(tmp_path: Path) -> None:
    build = write_sample_build(UPath(tmp_path), rows=20, paint=lambda number: b"no image")
    assert not [example for example in draw_examples(dataset_shards(build), "a", {"images": "Us."}) if example.asset]
    write_card(build, SHOWN)


def test_lengths_are_counted_in_characters(build: UPath) -> None:
    found = lengths(dataset_shards(build), "a")
    assert {name: values.size for name, values in found.items()} == {"prompts": 20, "answers": 20}
    assert min(found["answers"]) == len("casa")
    crawled = lengths(dataset_shards(write_crawled_build(build / "crawled")), "a")
    assert crawled["prompts"].size == crawled["answers"].size == 52


@given(st.lists(st.tuples(st.text(), st.integers(1, 10**9)), min_size=1, max_size=40))
def test_bars_are_xml_whatever_they_name(counts: list[tuple[str, int]]) -> None:
    root = ET.fromstring(bars("Rows", counts))
    assert {element.tag for element in root.iter()} <= {f"{SVG}{tag}" for tag in ("svg", "title", "rect", "text")}
    assert all(float(each.get("width", 0)) >= 0 for each in root.iter(f"{SVG}rect"))


def test_a_plot_names_hostile_tasks_as_text(build: UPath) -> None:
    write_card(build, CARD)
    for path in (build / "dataset" / "assets").glob("*.svg"):
        root = ET.fromstring(path.read_text(encoding="utf-8"))
        assert {element.tag.removeprefix(SVG) for element in root.iter()} <= {"svg", "title", "rect", "text", "path"}
        assert not [name for element in root.iter() for name in element.attrib if "href" in name or name[:2] == "on"]
    root = ET.fromstring(bars("Rows", [(HOSTILE, 3), ("a", 1)]))
    assert "<img" in "".join(root.itertext())
    assert "\u202e" not in "".join(root.itertext())


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=200), st.floats(-100, 100), st.floats(0.001, 1000))
def test_a_histogram_holds_every_value(values: list[float], low: float, span: float) -> None:
    panel = Panel("Values", np.array(values), low, low + span)
    root = ET.fromstring(histograms([panel, panel], bins=10))
    for rect in root.iter(f"{SVG}rect"):
        assert 0 <= float(rect.get("x", -1)) <= 760
        assert float(rect.get("width", -1)) >= 0
    beyond = sum(1 for value in values if not low <= value <= low + span)
    assert (f"; {beyond:,} beyond the ends" in panel.words) == (beyond > 0)


def test_an_unfinished_build_has_a_card_only_when_asked_and_it_says_what_is_missing(build: UPath) -> None:
    edit_build(build, status="stopped", counts={}, stages=[])
    (build / "dataset" / "data" / "train-00000-of-00001.parquet").rename(
        build / "dataset" / "data" / "train-00001-of-00003.parquet"
    )
    (build / "stages" / "00-ingest" / "ledger").mkdir(parents=True)
    for number in range(2):
        (build / "stages" / "00-ingest" / "ledger" / f"{number:05d}.json").write_text("{}")
    inputs = [{"path": "train.jsonl", "bytes": 48_211, "rows": 100, "sha256": "ab" * 32}]
    edit_build(build, inputs=inputs)
    with pytest.raises(ValueError, match="status is 'stopped'"):
        write_card(build, CARD)
    text = write_card(build, CARD, partial=True).read_text(encoding="utf-8")
    head = text[: text.index("## Load it")]
    assert "Not complete" in head
    assert "its status is stopped;" in head
    assert "ingest 2;" in head
    assert "default, train: 1 of 3 files are there;" in head
    assert "69 of 100 rows are neither written nor refused yet." in head
    assert "100 rows went in: 20 were written, 9 rejected by a filter, 2 failed" in text


def test_a_finished_build_has_the_same_card_however_it_is_asked_for(build: UPath) -> None:
    assert card_text(build, CARD, partial=True) == card_text(build, CARD)


@pytest.mark.parametrize("partial", [False, True])
def test_without_rows_there_is_no_card(tmp_path: Path, partial: bool) -> None:
    build = write_sample_build(UPath(tmp_path), rows=10, paint=one_image)
    for path in (build / "dataset" / "data").glob("*.parquet"):
        path.unlink()
    with pytest.raises(ValueError, match="holds no Parquet file"):
        write_card(build, CARD, partial=partial)


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["it", "fr", ""])), max_size=30),
    st.lists(st.sampled_from(["it", "fr", ""]), max_size=10),
    st.lists(st.sampled_from(["it", "fr", ""]), max_size=30),
)
def test_accounts_lose_no_row(rejected: list[tuple[str, str]], failed: list[str], written: list[str]) -> None:
    def losses(rows: list[tuple[str, str]]) -> Losses:
        reasons = []
        for name in sorted({name for name, _ in rows}):
            its = [language for reason, language in rows if reason == name]
            languages = {code: its.count(code) for code in ("it", "fr") if code in its}
            reasons.append(Reason(name, ("check",), len(its), languages, ()))
        return Losses(len(rows), tuple(reasons), {})

    refused, broken = losses(rejected), losses([("E", code) for code in failed])
    part = Part("default", "train", len(written), Counter(code for code in written if code))
    counts = Counts(len(rejected) + len(failed) + len(written), len(written), len(rejected), len(failed))
    accounts = by_language(["it", "fr"], counts, [part], refused, broken)
    assert sum(each.written for each in accounts.languages) == len(written)
    assert sum(each.failed for each in accounts.languages) == len(failed)
    assert sum(sum(each.refused.values()) for each in accounts.languages) == len(rejected)
    for each in accounts.languages:
        if each.rows_in is not None:
            assert each.rows_in == each.written + sum(each.refused.values()) + each.failed


def test_reasons_beyond_the_first_eight_are_one_column() -> None:
    reasons = tuple(Reason(f"r{number}", (), 20 - number, {}, ()) for number in range(11))
    lost = Losses(sum(reason.rows for reason in reasons), reasons, {})
    counts = Counts(lost.rows + 5, 5, lost.rows, 0)
    accounts = by_language(["it"], counts, [Part("default", "train", 5, Counter())], lost, Losses(0, (), {}))
    assert accounts.reasons[-1] == "other reasons"
    assert accounts.languages[0].refused["other reasons"] == 12 + 11 + 10
