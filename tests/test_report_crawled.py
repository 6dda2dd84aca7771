"""The report of a crawled build: balance, alignment, requests, and losses by language; nothing in it runs or calls."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from upath import UPath

from cards.build import read_build
from cards.crawled import read_alignment, read_balance, requests
from cards.report import write_report
from cards.svg import dots
from tests.crawled_build import INDICATORS, write_crawled_build
from tests.sample_build import HOSTILE, write_sample_build
from tests.test_report import RUNS_OR_CALLS, Page


@pytest.fixture
def build(tmp_path: Path) -> UPath:
    return write_crawled_build(UPath(tmp_path / "out"))


def report_of(build: UPath) -> str:
    return write_report(build).read_text(encoding="utf-8")


def edit(path: UPath, **changes: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_says_what_happened(build: UPath) -> None:
    text = Page(report_of(build)).text
    assert (
        "30 rows went in, and 52 more were made out of them between stages; 77 were written in 3 configurations, "
        "4 rejected by a filter, and 1 failed." in text
    )
    assert "Of these rows, 52 were made out of those that the stage before wrote." in text
    assert "English, Italian, Japanese" in text
    assert "configuration split rows en it ja" in text
    assert "full test 37 3 16 18" in text
    for word in ("Look into this first", "the target language", "task unknown", "Translation units", "Do not train"):
        assert word not in text


def test_the_funnel_begins_a_new_scale_where_rows_are_made(build: UPath) -> None:
    steps = re.findall(r'<svg class="flow".*?</svg>', report_of(build))
    widths = [re.findall(r'<rect class="written" x="0.00" y="0.00" width="([\d.]+)"', step) for step in steps]
    assert widths == [["833.33"], ["833.33"], ["1000.00"]]
    assert 'd="M0 58 L833.3 58 L1000.0 100 L0 100 Z"' in steps[1]


def test_losses_say_in_which_languages(build: UPath) -> None:
    text = Page(report_of(build)).text
    assert "stub_v1 3 75 % · crawl ja 2 · it 1" in text
    assert "WikiError 1 100 % · crawl ja 1" in text


def test_the_balance_is_drawn_and_told(build: UPath) -> None:
    balance = read_balance(build)
    assert balance
    assert [split.name for split in balance.splits] == ["train", "validation", "test"]
    assert tuple(indicator.name for indicator in balance.indicators) == INDICATORS
    assert re.findall(r'class="dot (s\d)" d="M([\d.]+) ', balance.indicators[0].drawing) == [
        ("s0", "400.0"),
        ("s1", "500.0"),
        ("s2", "700.0"),
    ]
    assert ("0.5", 0.5) in [(label, round(at, 3)) for at, label in balance.ticks]
    text = Page(report_of(build)).text
    assert "The largest gap between two splits is 0.03 . 2 pages were in the test split from the start" in text
    assert "aligned. Note: the others are split 6:2 ." in text
    assert "views train 1,204 validation 1,180 test 1,391" in text


def test_a_split_that_is_far_off_is_still_on_the_axis(build: UPath) -> None:
    path = build / "balance.json"
    splits = json.loads(path.read_text())["splits"]
    splits["test"]["mean_rank"]["views"] = 1.0
    splits["train"]["mean_rank"]["links"] = None
    edit(path, splits=splits)
    balance = read_balance(build)
    assert balance
    assert 'class="dot s2" d="M1000.0 ' in balance.indicators[0].drawing
    assert 'class="dot s0"' not in balance.indicators[1].drawing


def test_alignment_sets_are_counted(build: UPath) -> None:
    (only,) = read_alignment(build)
    assert (only.name, only.languages, only.artworks) == ("alignment-3", ("English", "Italian", "Japanese"), 2)
    text = Page(report_of(build)).text
    assert "same file 1 same picture 1 by people 0 undecided 1 different 2 aligned 2" in text
    assert "What is undecided is in review/ , for people." in text


def test_requests_are_counted_by_kind_and_what_was_asked_again_apart(build: UPath) -> None:
    sent = requests(read_build(build))
    assert sent
    assert sent.total == 30 + 3 + 10 + 10 + 4 + 3
    assert sent.kinds[0][:2] == ("parse", 30)
    assert sent.repeated == (("maxlag", 2), ("429", 1))
    text = Page(report_of(build)).text
    assert "60 were sent for 30 pages. 3 of them were asked again, because of maxlag (2), 429 (1)." in text
    assert "See also 11" in text


def test_rows_show_prompt_and_gold_in_their_languages(build: UPath) -> None:
    page = report_of(build)
    assert '<div class="said" lang="ja"><bdi dir="auto">画家は1873年' in page
    assert "20 of 52 rows" in Page(page).text
    assert page.count("https://upload.example/") == 20
    assert "The row has no conversation" not in page


def test_hostile_text_stays_text(build: UPath) -> None:
    splits = {HOSTILE: {"pages": 1, "mean_rank": {HOSTILE: 0.5}, "mean": {HOSTILE: 1}}}
    edit(build / "balance.json", splits=splits, indicators=[HOSTILE, 3], largest_gap=HOSTILE)
    edit(build / "alignment.json", sets={HOSTILE: {"languages": [HOSTILE, 1], "artworks": HOSTILE}, "x": 3})
    edit(build / "build.json", config={"languages": [HOSTILE, 5]})
    page = Page(report_of(build))
    assert "{{ 7*7 }}" in page.text
    for tag, attributes in page.elements:
        assert tag not in RUNS_OR_CALLS
        assert not [name for name in attributes if name.startswith("on")]
        assert (attributes.get("href") or "#").startswith("#")
        assert "src" not in attributes


def test_what_a_build_lacks_is_left_out(build: UPath, tmp_path: Path) -> None:
    for name in ("balance", "alignment"):
        (build / f"{name}.json").unlink()
    edit(build / "build.json", stages=[])
    for page in (report_of(build), report_of(write_sample_build(UPath(tmp_path / "other")))):
        assert not {"balance", "alignment", "crawl"} & set(re.findall(r'<section id="(\w+)"', page))


@pytest.mark.parametrize("name", ["balance", "alignment"])
def test_a_file_that_is_no_json_object_is_named(build: UPath, name: str) -> None:
    (build / f"{name}.json").write_text("[1, 2")
    with pytest.raises(ValueError, match=rf"{name}\.json: expected a JSON object"):
        write_report(build)


def test_a_crawled_build_in_an_object_store_is_read_there() -> None:
    path = write_report(write_crawled_build(UPath("memory://crawled/out")))
    assert "in 3 configurations" in Page(path.read_text(encoding="utf-8")).text


@given(st.lists(st.none() | st.floats(allow_nan=False), max_size=5))
def test_every_dot_is_drawn_on_its_line_and_inside(places: list[float | None]) -> None:
    drawn = re.findall(r'class="dot s(\d)" d="M([\d.]+) (\d+)h0"', dots(places))
    assert [int(line) for line, _, _ in drawn] == [line for line, place in enumerate(places) if place is not None]
    assert all(0 <= float(x) <= 1000 and int(y) == 20 * int(line) + 10 for line, x, y in drawn)
