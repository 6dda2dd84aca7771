"""The report: it says what happened, agrees with the files, and nothing in it runs or calls anywhere."""

import json
import re
import shutil
import subprocess
import tracemalloc
from base64 import b64decode
from io import BytesIO
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from upath import UPath

from cards import distributions
from cards.build import read_losses
from cards.dataset import dataset_shards
from cards.distributions import measure, score_histogram
from cards.report import write_report
from cards.samples import find_boxes, prepare, thumbnail
from cards.svg import funnel_step, stacked_bar, ticks
from cards.text import md, moment, seconds, share, size
from tests.pages import Page
from tests.sample_build import FINGERPRINT, HOSTILE, HOSTILE_TASK, edit_build, scene, write_sample_build

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
RUNS_OR_CALLS = {"script", "iframe", "object", "embed", "link", "base", "form", "audio", "video", "source"}


@pytest.fixture
def build(tmp_path: Path) -> UPath:
    return write_sample_build(UPath(tmp_path / "out"))


def report_of(build: UPath) -> str:
    return write_report(build).read_text(encoding="utf-8")


def test_says_what_happened(build: UPath) -> None:
    text = Page(report_of(build)).text
    assert "71 rows went in; 60 were written (48 train, 6 validation, 6 test), 9 rejected by a filter" in text
    assert "44 min 28 s" in text
    assert "21 November 2025, 10:48 UTC" in text
    assert "Of 412 units the translator was asked for 275" in text
    for word in ("length_ratio", "repetition", "JSONDecodeError", "object_grounding", FINGERPRINT, "0.4 to 2.5"):
        assert word in text
    assert "Look into this first" not in text
    assert "Do not train" not in text


@pytest.mark.parametrize(
    ("to", "said"),
    [("it", "English to Italian"), ("it,eu", "English to Italian and Basque"), ("it,eu,fr", "Basque and French")],
)
def test_every_target_language_is_named(build: UPath, to: str, said: str) -> None:
    edit_build(build, config={"to": to})
    assert said in write_report(build).read_text()


def test_a_translator_with_a_warning_is_loud(tmp_path: Path) -> None:
    text = Page(report_of(write_sample_build(UPath(tmp_path), warning="It knows 300 words."))).text
    assert "Do not train on these rows" in text
    assert "It knows 300 words." in text


def test_counts_that_disagree_are_named(build: UPath) -> None:
    edit_build(
        build,
        status="running",
        counts={"rows_in": 80, "rows_written": 61, "rows_rejected": 9, "rows_failed": 2},
    )
    text = Page(report_of(build)).text
    assert "The build is not finished: its status is “running”" in text
    assert "80 in, but 61 written, 9 rejected and 2 failed" in text
    assert "build.json says 61 rows written, but dataset/data/ holds 60" in text


def test_hostile_text_stays_text(build: UPath) -> None:
    edit_build(
        build,
        name=HOSTILE,
        status=HOSTILE,
        command=HOSTILE,
        fingerprint=HOSTILE,
        versions={HOSTILE: HOSTILE},
        config={HOSTILE: {HOSTILE: [HOSTILE]}, "to": HOSTILE, "images": [HOSTILE]},
        inputs=[{"path": HOSTILE, "sha256": HOSTILE}],
        translator={"name": HOSTILE, "revision": HOSTILE, "warning": HOSTILE},
        finished=HOSTILE,
    )
    page = Page(report_of(build))
    assert HOSTILE_TASK.split("`")[0] in page.text
    for tag, attributes in page.elements:
        assert tag not in RUNS_OR_CALLS
        assert not [name for name in attributes if name.startswith("on")]
        assert (attributes.get("src") or "data:image/jpeg;base64,").startswith("data:image/jpeg;base64,")
        assert (attributes.get("href") or "#").startswith("#")
        assert "url(" not in (attributes.get("style") or "")
    assert "{{ 7*7 }}" in page.text


def test_a_hostile_row_is_shown_as_it_is(tmp_path: Path) -> None:
    text = report_of(write_sample_build(UPath(tmp_path), rows=20))
    shown = "".join(re.findall(r'<div class="said">(.*?)</div>', text, re.S))
    assert "&lt;img src=x onerror=alert(1)&gt;" in shown
    assert '<span class="invisible">U+202E</span>' in shown
    assert "not a box in the image</b>[0.900, 0.200, 0.400, 1.300]" in shown
    assert shown.count('<bdi dir="auto">') == 40
    assert not re.search(
        "[\u202a-\u202e\u2066-\u2069\u200e\u200f\ud800-\udfff]", re.sub(r' (title|alt)="[^"]*"', "", text)
    )


def test_the_same_build_gives_the_same_page(build: UPath) -> None:
    first = report_of(build)
    assert report_of(build) == first
    edit_build(build, fingerprint="another")
    ids = re.compile(r"of 20</span>|<code class=\"id\" title=\"(\w{32})\"")
    assert ids.findall(report_of(build)) != ids.findall(first)


def test_no_byte_of_the_original_but_its_pixels_reaches_the_page() -> None:
    out = BytesIO()
    exif = Image.Exif()
    exif[0x013B] = "secret author"
    Image.new("RGB", (64, 64), "red").save(
        out, "JPEG", comment=b"secret comment", exif=exif, icc_profile=b"secret profile", dpi=(123, 123)
    )
    assert out.getvalue().count(b"secret") == 3
    assert b"secret" not in b64decode(thumbnail(out.getvalue()).uri.split(",")[1])


def test_boxes_wear_one_colour_in_text_and_image() -> None:
    box, other = "[0.100, 0.200, 0.300, 0.400]", "[0.500, 0.500, 0.900, 0.900]"
    turns = [{"from": "human", "value": f"<image>\nA: {box} B: {other}"}, {"from": "gpt", "value": other}]
    sample = prepare({"conversations": turns, "image": {"bytes": scene(0), "path": "a.jpg"}}, [])
    assert [(b.number, b.in_answer, b.fits) for b in sample.boxes] == [(1, False, True), (2, True, True)]
    assert f'<span class="box c1"><b>2</b>{other}</span>' in sample.turns[1].text
    assert '<rect class="edge c0 prompt" x="48.0" y="63.0" width="96.0" height="63.0"/>' in sample.overlay
    assert '<rect class="edge c1 answer" x="240.0" y="157.5"' in sample.overlay
    assert '<span class="token">&lt;image&gt;</span>\nA: ' in sample.turns[0].text


@pytest.mark.parametrize("text", ["[1, 2, 3, 4]", "[0.1, 0.2, 0.3]", "[0.1, 0.2, 0.3, 0.4, 0.5]", "0.1 0.2 0.3 0.4"])
def test_other_lists_of_numbers_are_not_boxes(text: str) -> None:
    assert not find_boxes([{"from": "human", "value": text}])


def test_images_are_small_and_without_metadata() -> None:
    original = BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010E] = "SECRET PLACE"
    noise = np.random.default_rng(0).integers(0, 255, (3000, 2000, 3), dtype=np.uint8)
    Image.fromarray(noise).save(original, "JPEG", exif=exif)
    picture = thumbnail(original.getvalue())
    assert len(picture.uri) <= 150_000
    assert (picture.width, picture.height) in {(320, 480), (213, 320), (160, 240)}
    assert "SECRET PLACE" not in picture.uri


@pytest.mark.parametrize("data", [b"not an image", b"<svg xmlns='http://www.w3.org/2000/svg'/>", scene(0)[:400]])
def test_an_image_that_cannot_be_read_is_said(data: bytes) -> None:
    sample = prepare({"id": "a", "image": {"bytes": data, "path": None}}, [])
    assert sample.picture.problem.startswith("The image cannot be shown")
    assert not sample.overlay


def test_images_by_path_stay_under_their_folder(tmp_path: Path) -> None:
    build = write_sample_build(UPath(tmp_path / "out"), rows=20, images="path")
    assert report_of(build).count('src="data:image/jpeg') == 19
    (tmp_path / "secret.jpg").write_bytes(scene(0))
    for path in ("../../secret.jpg", str(tmp_path / "secret.jpg"), "http://evil.example/a.jpg", "a\\..\\b"):
        assert "is no file under" in prepare({"image": path}, [build / "dataset"]).picture.problem
    given = prepare({"image": str(tmp_path / "secret.jpg")}, [build / "dataset", UPath(tmp_path)])
    assert given.picture.uri.startswith("data:image/jpeg;base64,")


def test_a_bare_build_still_has_a_page(tmp_path: Path) -> None:
    (tmp_path / "build.json").write_text("{}")
    text = Page(report_of(UPath(tmp_path))).text
    assert "its status is “unknown”" in text
    assert "build.json has no counts" in text
    with pytest.raises(FileNotFoundError, match="a finished build's folder"):
        write_report(UPath(tmp_path / "nothing"))
    (tmp_path / "build.json").write_text("[1")
    with pytest.raises(ValueError, match=r"build\.json: expected a JSON object"):
        write_report(UPath(tmp_path))


def test_a_build_in_an_object_store_is_read_and_written_there() -> None:
    path = write_report(write_sample_build(UPath("memory://store/out"), rows=20, images="path"))
    assert str(path) == "memory://store/out/report.html"
    assert path.read_text(encoding="utf-8").count('src="data:image/jpeg') == 19


def test_counts_are_taken_from_the_files_when_the_build_has_none(build: UPath) -> None:
    edit_build(build, counts=None, stages=None, translator=None, config=None)
    assert "71 rows went in; 60 were written" in Page(report_of(build)).text


def test_a_large_build_is_sampled_by_row_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distributions, "SAMPLED_ROWS", 30)
    build = write_sample_build(UPath(tmp_path))
    measures = measure(dataset_shards(build), "seed")
    assert measures.rows == 30
    assert "Measured on 30 of 60 rows written" in Page(report_of(build)).text


def test_losses_are_counted_in_bounded_memory(tmp_path: Path) -> None:
    folder = UPath(tmp_path / "rejected")
    folder.mkdir()
    row = json.dumps({"task_name": "VQA", "text": "x" * 2000})
    rows = 20_000
    table = pa.table({"id": [f"{i:x}" for i in range(rows)], "filter": ["a", "b"] * (rows // 2), "row": [row] * rows})
    pq.write_table(table, str(folder / "a.parquet"), row_group_size=1000)
    tracemalloc.start()
    losses = read_losses(folder, "filter", "seed")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [(reason.name, reason.rows, len(reason.examples)) for reason in losses.reasons] == [
        ("a", rows // 2, 3),
        ("b", rows // 2, 3),
    ]
    assert losses.tasks == {"VQA": rows}
    assert peak < 12_000_000


def test_scores_that_are_log_probabilities_have_their_own_scale() -> None:
    histogram = score_histogram(np.linspace(-2.0, -0.1, 400))
    assert histogram is not None
    assert {label for _, label in histogram.ticks} >= {"−1.5", "−1", "−0.5", "0"}
    assert all(0 <= at <= 1 for at, _ in histogram.ticks)
    assert score_histogram(np.full(3, -0.5)) is not None
    assert score_histogram(np.empty(0)) is None


def test_a_small_loss_is_still_drawn() -> None:
    widths = [
        float(width) for width in re.findall(r'width="([\d.]+)"', stacked_bar([("a", 99_999), ("b", 1)], 100_000))
    ]
    assert widths == [995.0, 5.0]
    assert "<rect" not in stacked_bar([("a", 0)], 0)
    assert 'd="M0 58 L500.0 58 L250.0 100 L0 100 Z"' in funnel_step([("a", 50)], 25, 100)


def test_figures_read_well() -> None:
    assert [share(1, 100_000), share(99_999, 100_000), share(1, 2), share(1, 0)] == ["< 0.1 %", "> 99.9 %", "50 %", "–"]
    assert [seconds(0.44), seconds(75), seconds(3_840), seconds(None)] == ["0.4 s", "1 min 15 s", "1 h 4 min", "–"]
    assert [size(999), size(48_211), size(3_500_000_000)] == ["999 bytes", "48.2 kB", "3.5 GB"]
    assert [moment("2025-11-21T23:30:00-02:00"), moment("soon")] == ["22 November 2025, 01:30 UTC", "soon"]
    assert ticks(0, 1, 5) == [0, 0.2, 0.4, 0.6, 0.8, 1]
    assert md("a | b\nhttp://x `y` <b>") == r"a \| b http\://x \`y\` &lt;b&gt;"


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")
def test_a_browser_draws_the_page_and_calls_nowhere(tmp_path: Path) -> None:
    path = write_report(write_sample_build(UPath(tmp_path / "out"), rows=20, warning=HOSTILE))
    assert CHROMIUM is not None
    log, shot = tmp_path / "net.json", tmp_path / "page.png"
    flags = "headless no-sandbox disable-gpu disable-quic no-first-run disable-background-networking "
    flags += "disable-component-update disable-sync disable-default-apps hide-scrollbars window-size=390,2000"
    subprocess.run(
        [
            CHROMIUM,
            *(f"--{flag}" for flag in flags.split()),
            f"--user-data-dir={tmp_path / 'profile'}",
            f"--log-net-log={log}",
            f"--screenshot={shot}",
            path.as_uri(),
        ],
        check=True,
        capture_output=True,
        timeout=120,
    )
    assert "evil.example" not in log.read_text(encoding="utf-8", errors="replace")
    with Image.open(shot) as image:
        assert image.size == (390, 2000)
        assert len(image.convert("RGB").getcolors(1 << 24) or []) > 50
