"""Pictures for annotators: small, without metadata, from nowhere but the build; and the boxes on them."""

import io
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, PngImagePlugin

from tests.asked_round import ask, row, write_dataset
from tests.sample_build import scene
from validation.annotation.pictures import NO_PICTURE, NOT_THERE, UNREADABLE, encode, find_picture
from validation.annotation.problem import Problem
from validation.annotation.rows import as_item, read_rows


def jpeg(size: tuple[int, int] = (300, 200), **more: Any) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, "red").save(out, "JPEG", **more)
    return out.getvalue()


def test_a_picture_leaves_its_metadata_behind():
    exif = Image.new("RGB", (1, 1)).getexif()
    exif[0x010E], exif[0x0112] = "SECRET place", 6
    data = jpeg(exif=exif, comment=b"SECRET comment", xmp=b"SECRET xmp", icc_profile=b"SECRET" * 30)
    picture = encode(data)
    assert data.count(b"SECRET") > 3
    assert b"SECRET" not in (picture.data or b"")
    assert (picture.width, picture.height) == (300, 200)  # boxes are shares of the pixels as stored


def test_pictures_are_small_and_on_white():
    noise = Image.effect_noise((1500, 1100), 90).convert("RGB")
    out = io.BytesIO()
    noise.save(out, "PNG", compress_level=1)
    picture = encode(out.getvalue())
    assert len(picture.data or b"") <= 150_000
    assert max(picture.width, picture.height) <= 1024
    assert encode(out.getvalue(), 64).width == 64
    clear = io.BytesIO()
    Image.new("RGBA", (8, 8), (0, 0, 0, 0)).save(clear, "PNG")
    assert Image.open(io.BytesIO(encode(clear.getvalue()).data or b"")).getpixel((4, 4)) == (255, 255, 255)
    deep = io.BytesIO()
    Image.linear_gradient("L").convert("I").point(lambda value: value * 200).convert("I;16").save(deep, "PNG")
    low, high = Image.open(io.BytesIO(encode(deep.getvalue()).data or b"")).convert("L").getextrema()
    assert (low < 10, high > 245) == (True, True)


def bomb() -> bytes:
    """A PNG of a few bytes that says it has 30,000 x 30,000 pixels."""
    out = io.BytesIO()
    chunks = PngImagePlugin.putchunk
    out.write(b"\x89PNG\r\n\x1a\n")
    chunks(out, b"IHDR", (30_000).to_bytes(4, "big") * 2 + b"\x08\x02\x00\x00\x00")
    chunks(out, b"IDAT", b"")
    chunks(out, b"IEND", b"")
    return out.getvalue()


@pytest.mark.parametrize("data", [b"no image", b"<svg xmlns='http://www.w3.org/2000/svg'/>", bomb(), jpeg()[:400]])
def test_a_picture_that_cannot_be_read_says_so_without_a_word_of_it(data: bytes):
    picture = find_picture({"bytes": data, "path": "/home/lead/secret.jpg"}, [])
    assert (picture.data, picture.note, picture.uri) == (None, UNREADABLE, "")


def test_a_path_is_opened_under_the_build_alone(tmp_path: Path):
    out = tmp_path / "out"
    (out / "images").mkdir(parents=True)
    (out / "images/a.jpg").write_bytes(scene(0))
    (tmp_path / "secret.jpg").write_bytes(scene(1))
    (out / "images/link.jpg").symlink_to(tmp_path / "secret.jpg")
    for path in ("images/a.jpg", str(out / "images/a.jpg")):
        assert find_picture(path, [out]).width == 640
        assert find_picture({"bytes": None, "path": path}, [out]).width == 640
    hostile = (
        "../secret.jpg",
        str(tmp_path / "secret.jpg"),
        "images/link.jpg",
        "images",
        "http://x.example/a.jpg",
        "a\0b",
    )
    assert {find_picture(path, [out]).note for path in hostile} == {NOT_THERE}
    assert {find_picture(image, [out]).note for image in (None, "", {"bytes": b"", "path": ""}, [1])} == {NO_PICTURE}


def cached_dataset(tmp_path: Path, rows: int = 3) -> Path:
    """A dataset as `hf download` leaves it in the cache: links to blobs."""
    blobs, snapshot = tmp_path / "datasets--x--y/blobs", tmp_path / "datasets--x--y/snapshots/0a1b"
    blobs.mkdir(parents=True)
    for number in range(rows):
        (blobs / f"{number}").write_bytes(scene(number))
        link = snapshot / f"images/{number}.jpg"
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(f"../../../blobs/{number}")
    write_dataset(snapshot, [row(n, image={"bytes": None, "path": f"images/{n}.jpg"}) for n in range(rows)])
    return snapshot


def test_a_dataset_in_the_hub_s_cache_shows_its_pictures(tmp_path: Path):
    out = cached_dataset(tmp_path)
    assert ask(out, "ane", shared=3, own=0).without_picture == ()
    (tmp_path / "secret.jpg").write_bytes(scene(1))
    (out / "images/link.jpg").symlink_to(tmp_path / "secret.jpg")
    assert find_picture("images/link.jpg", [out]).note == NOT_THERE
    (out / "images/0.jpg").unlink()
    assert ask(out, "ane", shared=3, own=0).without_picture == ("row-000",)


def test_a_dataset_without_its_picture_files_is_told(tmp_path: Path):
    out = cached_dataset(tmp_path)
    elsewhere = write_dataset(tmp_path / "copy", [row(9, image=None)], "data/test-00000-of-00002").parent
    (out / "data/test-00000-of-00001.parquet").rename(elsewhere / "test-00001-of-00002.parquet")
    with pytest.raises(Problem, match="of 3 rows drawn that name a picture, none .*`hf download .* --local-dir"):
        ask(tmp_path / "copy", "ane", shared=4, own=0)


def test_boxes_are_read_from_the_conversation(tmp_path: Path):
    turns = [
        "[0.1, 0.2, 0.3, 0.4] e [0.100, 0.2, 0.3, 0.4]",
        "[0.5,0.5,0.9,1.0] [0.9, 0.1, 0.2, 0.3] [0.1, 0.1, 1.5, 0.2]",
    ]
    write_dataset(tmp_path, [row(1, conversations=[{"from": "human", "value": text} for text in turns])])
    found = read_rows(tmp_path, ["row-001"])["row-001"]
    assert found.boxes == ((0.1, 0.2, 0.3, 0.4), (0.5, 0.5, 0.9, 1.0))
    item = as_item(found, "x", left="a")
    assert (item.item_id, item.left, item.boxes, item.image_note) == ("x", "a", found.boxes, UNREADABLE)
