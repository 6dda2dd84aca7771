"""The report's section on human validation: every figure drawn, warnings in words, hostile names inert."""

import hashlib
import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from playwright.sync_api import sync_playwright
from upath import UPath

from cards.report import write_report
from cards.svg import whisker
from tests.sample_build import (
    HOSTILE,
    edit_build,
    one_image,
    sample_pairs,
    sample_round,
    write_agreement,
    write_sample_build,
)
from tests.test_report import RUNS_OR_CALLS, Page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
SHARES = st.floats(-2, 2)


@pytest.fixture
def build(tmp_path: Path) -> UPath:
    return write_sample_build(UPath(tmp_path / "out"), rows=10, paint=one_image)


def section_of(build: UPath, *rounds: dict[str, Any]) -> str:
    if rounds:
        write_agreement(build, *rounds)
    page = write_report(build).read_text(encoding="utf-8")
    found = re.search(r'<section id="judged">.*?</section>', page, re.S)
    return found[0] if found else ""


def test_every_figure_is_drawn_and_written(build: UPath) -> None:
    section = section_of(build, sample_round())
    text = Page(section).text
    for said in (
        "4 annotators judged a sample of 40 rows, drawn from 60",
        "Of 64 judgements, 2 have not come back",
        "70.9 to 92.9 %",
        "0.938",
        "−0.110 to 0.200",
        "undefined: all labels are equal",
        "Not accepted often enough to be published.",
        "6.1 s",
        "15 of 16",
        "meaning",
        "VG_selection",
        "1 is open",
        "None of what this round decided has changed the rows yet",
    ):
        assert said in text
    assert section.count('<svg class="whisker"') == 2 + 6 + 4 + 3
    assert section.count('class="at"') == 2 + 5 + 4 + 3
    assert section.count('class="upright"') == 2 + 6 + 4 + 3
    needed = re.findall(r'class="upright" d="M([\d.]+) 0V20"', section)
    assert needed.count("800.0") == 2 + 4 + 3


def test_a_share_stands_where_the_axis_says(build: UPath) -> None:
    section = section_of(build, sample_round())
    assert 'd="M709.3 10H929.4M709.3 5V15M929.4 5V15"' in section
    assert 'class="at" d="M850.0 10h0"' in section
    assert 'class="at" d="M168.0 10h0"' in section  # Fleiss' kappa of -0.04 on an axis from -0.25 to 1
    assert '<span style="left:20.0%">0</span>' in section


def test_hostile_names_and_warnings_stay_text(build: UPath) -> None:
    raw = sample_round(stratify=HOSTILE, received={"judgements": 62}, labels={HOSTILE: 3}, majority={HOSTILE: 3})
    raw["figures"] = {
        name: value | {"unit": HOSTILE, "definition": HOSTILE, "undefined": HOSTILE, "interval": HOSTILE}
        for name, value in raw["figures"].items()
    }
    page = Page(section_of(build, raw, sample_pairs()))
    assert page.text.count("<img src=x onerror=alert(1)>") > 10
    for tag, attributes in page.elements:
        assert tag not in {*RUNS_OR_CALLS, "img", "a"}
        assert not [name for name in attributes if name.startswith("on")]
    assert "\u202e" not in page.text


def test_what_the_recipe_needs_is_said_before_and_after_anybody_judged(build: UPath) -> None:
    assert "Nobody has judged these rows yet. The recipe needs an acceptance of 80 %" in Page(section_of(build)).text
    raw = sample_round()
    raw["figures"]["acceptance_items"] |= {"value": 0.95, "high": 0.99}
    assert "Accepted often enough." in Page(section_of(build, raw)).text
    edit_build(build, card="a-card-that-is-not-there")
    assert "The recipe needs" not in Page(section_of(build, raw)).text
    (build / "validation" / "agreement.json").unlink()
    assert section_of(build) == ""


def test_rounds_of_another_build_are_named_as_such(build: UPath) -> None:
    text = Page(section_of(build, sample_round(fingerprint="x"), sample_pairs(fingerprint="y"))).text
    assert "2 rounds in validation/ judged the rows of another build" in text
    assert "Acceptance" not in text


def test_what_people_decided_is_said_to_be_applied_or_not(build: UPath) -> None:
    verdicts = b'{"format": "vlm-verdicts/1", "rows": {}}'
    write_agreement(build, sample_round())
    (build / "validation" / "verdicts.json").write_bytes(verdicts)
    assert "the recipe’s command does that, given again" in Page(section_of(build)).text
    raw = json.loads((build / "build.json").read_text())
    raw["stages"][3]["counters"] |= {"human_rejected": 4, "human_corrected": 3}
    applied = {"sha256": hashlib.sha256(verdicts).hexdigest(), "rounds": ["round-1"]}
    edit_build(build, stages=raw["stages"], verdicts=applied)
    text = Page(section_of(build)).text
    assert "4 rows were left out because people rejected them, and 3 texts were replaced by what people wrote" in text
    assert "The figures are of the rows as they were before." in text
    assert "changed the rows yet" not in text
    raw["stages"][3]["counters"] |= {"human_rejected": 1, "human_corrected": 1}
    edit_build(build, stages=raw["stages"], verdicts=applied | {"rounds": ["round-0"]})
    text = Page(section_of(build)).text
    assert "Earlier rounds had removed 1 row and replaced 1 text." in text
    assert "None of what this round decided has changed the rows yet" in text
    assert "as they were before" not in text
    edit_build(build, stages=raw["stages"], verdicts=applied)
    assert "1 row was left out because people rejected it, and 1 text was replaced" in Page(section_of(build)).text
    (build / "validation" / "verdicts.json").write_bytes(verdicts + b"\n")
    assert "Not all of what this round decided has changed the rows yet" in Page(section_of(build)).text


def test_figures_of_other_judgements_than_there_are_now_are_said_to_be(build: UPath) -> None:
    late = "Judgements of round-1 came in, or were changed, after the figures were made"
    assert late in Page(section_of(build, sample_round())).text
    assert late not in Page(section_of(build, sample_round(files_sha256=hashlib.sha256().hexdigest()))).text


def test_two_systems_are_compared_by_name(build: UPath) -> None:
    text = Page(section_of(build, sample_pairs(systems=["latxa", "gpt"]))).text
    assert "compared the answers of latxa and gpt ( round-2 ), not knowing which was whose" in text
    for said in ("latxa 10 50 %", "no difference 4 20 %", "gpt 5 25 %", "annotators divided 1 5 %"):
        assert said in text
    for said in ("rows: latxa", "30.0 to 70.0 %", "left, of preferences", "42.0 to 69.0 %"):
        assert said in text


@given(SHARES | st.none(), SHARES | st.none(), SHARES | st.none(), st.lists(SHARES, max_size=3))
def test_a_whisker_stays_within_its_drawing(
    low: float | None, value: float | None, high: float | None, lines: list[float]
) -> None:
    drawing = str(whisker(low, value, high, lines))
    places = [float(place) for place in re.findall(r"[MH](-?[\d.]+)", drawing)]
    assert all(0 <= place <= 1000 for place in places)
    assert drawing.count('class="upright"') == len(lines)
    assert ('class="at"' in drawing) == (value is not None)
    assert ('class="reach"' in drawing) == (low is not None and high is not None)


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")
def test_the_section_fits_wide_and_narrow_screens_light_and_dark(build: UPath, tmp_path: Path) -> None:
    write_agreement(build, sample_round(), sample_pairs())
    address = write_report(build).as_uri()
    grounds = set()
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        for width, scheme in ((1280, "light"), (390, "light"), (390, "dark")):
            page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)  # type: ignore[arg-type]
            page.goto(address)
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            drawings = page.locator("#judged svg.whisker")
            assert min(drawings.nth(n).bounding_box()["width"] for n in range(drawings.count())) >= 100  # type: ignore[index]
            assert set(page.locator("#judged code").evaluate_all("all => all.map(e => e.getClientRects().length)")) == {
                1
            }
            grounds.add(page.evaluate("getComputedStyle(document.querySelector('#judged .at')).stroke"))
            page.close()
        browser.close()
    assert len(grounds) == 2
