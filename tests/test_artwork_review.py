"""The review page: what it shows cannot run, what a person decides comes back, and nothing else does."""

import base64
import hashlib
import io
import json
import re
import shutil
from pathlib import Path

import pytest
from PIL import Image

from builders.transforms.artworks.alignment import PagePicture, compare
from builders.transforms.artworks.review import LARGEST_FILE, read_decisions, review_page
from tests.pages import Page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
HOSTILE = "\"'></bdi></script><script src=http://evil.example/x.js></script><img src=x onerror=alert(1)>\u202e{{ 7*7 }}"


def picture(red: int) -> bytes:
    data = io.BytesIO()
    Image.new("RGB", (60, 40), (red, 80, 40)).save(data, "PNG")
    return data.getvalue()


def page(artwork: str, language: str, text: str = "Title", url: str = "") -> PagePicture:
    url = url or f"https://{language}.wikipedia.org/wiki/{artwork}"
    return PagePicture(artwork + language, artwork, artwork, language, text, url, f"{text}.jpg", f"{language}{artwork}")


PAIRS = [
    compare(page("Q1", "en", "Mona Lisa"), page("Q1", "it", "Gioconda"), {}),
    compare(page("Q2", "en"), page("Q2", "ja", HOSTILE, "javascript:alert(1)"), {}),
    compare(
        page("en:7", "en", HOSTILE, "https://en.wikipedia.org/wiki/%22%3E"),
        page("en:7", HOSTILE, url="//evil.example/"),
        {},
    ),
]
THUMBNAILS = {"Q1en": picture(200), "Q1it": picture(180), "Q2en": picture(90), "Q2ja": b"no picture"}


def test_every_pair_is_asked_with_what_is_known_of_it() -> None:
    made = Page(review_page(PAIRS, THUMBNAILS))
    assert [article["data-id"] for article in made.of("article")] == [pair.id for pair in PAIRS]
    assert len(made.of("img")) == 3
    text = " ".join(" ".join(made.words).split())
    for words in ("Mona Lisa", "Gioconda", "Gioconda.jpg", "Italian", "Q1", "a picture could not be compared"):
        assert words in text
    assert text.count("The picture could not be fetched.") == 2
    assert text.count("The picture cannot be shown here.") == 1


def test_what_comes_from_outside_is_shown_and_does_nothing() -> None:
    text = review_page(PAIRS, THUMBNAILS)
    made = Page(text)
    assert "{{ 7*7 }}" in " ".join(made.words)
    assert "\u202e" not in text
    (script,) = made.of("script")
    assert not script
    (policy,) = [each["content"] for each in made.of("meta") if each.get("http-equiv")]
    ours = re.search("<script>(.*)</script>", text, re.S)
    assert ours is not None
    digest = base64.b64encode(hashlib.sha256(ours[1].encode()).digest()).decode()
    assert policy is not None
    assert f"script-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert {link["href"] for link in made.of("a")} == {
        "https://en.wikipedia.org/wiki/Q1",
        "https://it.wikipedia.org/wiki/Q1",
        "https://en.wikipedia.org/wiki/Q2",
        "https://en.wikipedia.org/wiki/%22%3E",
    }
    for tag, attributes in made.elements:
        assert tag not in {"iframe", "object", "embed", "link", "base", "form"}
        assert not [name for name in attributes if name.startswith("on")]
        assert (attributes.get("src") or "data:image/jpeg;base64,").startswith("data:image/jpeg;base64,")
        assert (attributes.get("href") or "https://").startswith("https://")


def test_decisions_are_read(tmp_path: Path) -> None:
    file = tmp_path / "decisions.json"
    decisions = {PAIRS[0].id: "same", PAIRS[2].id: "different"}
    file.write_text(json.dumps({"review": "0123", "decisions": decisions}))
    assert read_decisions(str(file)) == decisions


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "a JSON file that the review page saved is expected"),
        ('{"decisions": {', "a JSON file"),
        ("[" * 100_000, "a JSON file"),
        (f'{{"decisions": {"9" * 5000}}}', "a JSON file"),
        ('{"decisions": {"Q1/0123456789ab": "same", "Q1/0123456789ab": "different"}}', "a key is given twice"),
        ("[]", r'\{"decisions": \{…\}\} is expected'),
        ('{"decisions": ["Q1"]}', r'\{"decisions": \{…\}\} is expected'),
        ('{"decisions": {"Q1": "same"}}', "'Q1' is no pair's id; one like 'Q12418/0123456789ab'"),
        ('{"decisions": {"Q1/0123456789ab": "Same"}}', "Q1/0123456789ab is 'Same'; 'same' or 'different'"),
        ('{"decisions": {"Q1/0123456789ab": ["same"]}}', "'same' or 'different' is expected"),
        (" " * (LARGEST_FILE + 1), "a file of decisions has at most 10,000,000"),
    ],
    ids=["empty", "cut", "deep", "number", "twice", "list", "decisions", "id", "verdict", "type", "too large"],
)
def test_what_is_no_file_of_decisions_is_an_error(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "decisions.json"
    file.write_text(text)
    with pytest.raises(ValueError, match=message) as raised:
        read_decisions(str(file))
    assert str(raised.value).startswith(str(file))


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="nothing.json: the decisions cannot be read"):
        read_decisions(str(tmp_path / "nothing.json"))
    (tmp_path / "latin.json").write_bytes(b'{"decisions": {"\xe9": "same"}}')
    with pytest.raises(ValueError, match="latin.json: a JSON file"):
        read_decisions(str(tmp_path / "latin.json"))


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")
def test_a_person_judges_by_keyboard_and_saves(tmp_path: Path) -> None:
    playwright = pytest.importorskip("playwright.sync_api")
    (tmp_path / "review.html").write_text(review_page(PAIRS, THUMBNAILS), encoding="utf-8")
    address = (tmp_path / "review.html").as_uri()
    saved = tmp_path / "decisions.json"
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        tab = browser.new_page(viewport={"width": 390, "height": 844})
        asked: list[str] = []
        wrong: list[str] = []
        tab.on("request", lambda request: asked.append(request.url))
        tab.on("pageerror", lambda error: wrong.append(str(error)))
        tab.on("console", lambda said: wrong.append(said.text))
        tab.on("dialog", lambda dialog: wrong.append(dialog.message))
        tab.goto(address)
        assert tab.locator("article:visible").get_attribute("data-id") == PAIRS[0].id
        assert tab.evaluate("document.documentElement.scrollWidth") == 390
        for key in ("s", "ArrowRight", "ArrowLeft", "ArrowRight", "D"):
            tab.keyboard.press(key)
        assert tab.locator("#end").is_visible()
        assert tab.locator("#open").inner_text() == "1"
        tab.reload()
        assert tab.locator("article:visible").get_attribute("data-id") == PAIRS[1].id
        assert tab.locator("#judged").inner_text() == "2"
        tab.keyboard.press("ArrowLeft")
        tab.keyboard.press("d")
        tab.locator("article:visible [data-verdict=same]").click()
        with tab.expect_download() as download:
            tab.locator(".top button").click()
        download.value.save_as(saved)
        browser.close()
    assert not wrong
    assert all(url.startswith(("file://", "data:", "blob:")) for url in asked)
    assert read_decisions(str(saved)) == {
        PAIRS[0].id: "different",
        PAIRS[1].id: "same",
        PAIRS[2].id: "different",
    }
