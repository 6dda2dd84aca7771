"""The preview: the card as a page that shows what will be published, and in which nothing runs or calls."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from upath import UPath

from cards.card import load_card, write_card
from cards.cli import main
from cards.preview import rendered, write_preview
from tests.pages import Page
from tests.sample_build import HOSTILE, one_image, write_sample_build
from tests.test_report import RUNS_OR_CALLS

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture
def build(tmp_path: Path) -> UPath:
    out = write_sample_build(UPath(tmp_path / "out"), rows=20, paint=one_image)
    card = load_card("multiinstruct-it")
    write_card(out, replace(card, licence="other", licence_name="per-image", licence_link="https://example.org/images"))
    return out


def previewed(build: UPath) -> UPath:
    """The page of the card as it is in the build."""
    return write_preview(build, (build / "dataset" / "README.md").read_text(encoding="utf-8"))


def test_shows_the_metadata_the_text_and_the_files(build: UPath) -> None:
    page = Page(previewed(build).read_text(encoding="utf-8"))
    for words in ("visual-question-answering", "Italian (it)", "n<1K", "other (per-image)", "Every row, accounted for"):
        assert words in page.text
    manifest = json.loads((build / "dataset" / "manifest.json").read_text())
    assert f"{len(manifest['files'])} files beside the card" in page.text
    assert "data/train-00000-of-00001.parquet" in page.text


def test_images_are_those_of_the_card_and_inlined(build: UPath) -> None:
    card = (build / "dataset" / "README.md").read_text(encoding="utf-8")
    page = Page(previewed(build).read_text(encoding="utf-8"))
    sources = [attributes["src"] or "" for tag, attributes in page.elements if tag == "img"]
    assert len(sources) == card.count("](assets/") > 2
    assert all(source.startswith(("data:image/svg+xml;base64,", "data:image/jpeg;base64,")) for source in sources)


def test_nothing_in_it_runs_or_calls(build: UPath) -> None:
    card = (build / "dataset" / "README.md").read_text(encoding="utf-8")
    hostile = f"{HOSTILE}\n\n<details><summary><script>alert(1)</script></summary>\n\n<iframe src=//evil.example>\n\n"
    page = write_preview(build, f"{card}{hostile}[a](javascript:alert(1))")
    for tag, attributes in Page(page.read_text(encoding="utf-8")).elements:
        assert tag not in RUNS_OR_CALLS
        assert not [name for name in attributes if name.startswith("on")]
        assert (attributes.get("src") or "data:").startswith("data:")
        assert not (attributes.get("href") or "").startswith("javascript:")


@pytest.mark.parametrize(
    "source", ["../build.json", "assets/../../secret.jpg", "/etc/passwd", "http://evil.example/a.jpg", "assets/no.jpg"]
)
def test_an_image_from_elsewhere_is_not_shown(build: UPath, source: str) -> None:
    (build / "secret.jpg").write_bytes(b"secret")
    text = rendered(f"![a picture]({source})", build / "dataset")
    assert "<img" not in text
    assert "no such image: a picture" in text


def test_the_html_that_the_card_writes_itself_stays(build: UPath) -> None:
    page = Page(previewed(build).read_text(encoding="utf-8"))
    assert "details" in {tag for tag, _ in page.elements}
    assert "<details>" not in page.text
    assert "<br>" not in page.text


def test_it_is_the_card_that_would_be_pushed(build: UPath) -> None:
    (build / "dataset" / "README.md").write_text("an old card")
    assert main(["preview", str(build), "--repo", "babel/vqa-it", "--allow-unvalidated"]) == 0
    page = Page((build / "preview.html").read_text(encoding="utf-8"))
    assert "Published although not validated yet" in page.text
    assert 'load_dataset("babel/vqa-it"' in page.text
    assert main(["preview", str(build)]) == 0
    assert "Published although" not in (build / "preview.html").read_text(encoding="utf-8")


def test_the_command_says_where_the_page_is(build: UPath, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["preview", str(build)]) == 0
    assert capsys.readouterr().out == f"preview  {build}/preview.html\n"


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here to look at the page in")
@pytest.mark.parametrize("width", [1280, 390])
def test_a_browser_shows_it_whole(build: UPath, width: int) -> None:
    sync_api = pytest.importorskip("playwright.sync_api")
    path = previewed(build)
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": width, "height": 900})
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        page.on("request", lambda request: said.append(request.url) if request.url.startswith("http") else None)
        page.goto(f"file://{path}")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate("[...document.images].every(image => image.complete && image.naturalWidth > 0)")
        browser.close()
    assert said == []
    assert "default-src 'none'" in path.read_text(encoding="utf-8")
