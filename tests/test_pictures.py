"""Bytes that should be an image: what they are, whether they are whole, and the right pixels made smaller."""

import io
import struct
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms

from crawlers.outcomes import Failed
from crawlers.pictures import (
    FORMATS,
    HEAD_BYTES,
    Bounds,
    Picture,
    Resize,
    extension,
    has_end,
    read_header,
    read_resize,
    sniff,
    treated,
)

MARKED = ("JPEG", "PNG", "GIF", "WEBP", "BMP", "AVIF")


def scene(width: int = 96, height: int = 64) -> Image.Image:
    """Red above left, green above right, blue below left, white below right: every turn and mirroring shows."""
    image = Image.new("RGB", (width, height), "white")
    image.paste((220, 20, 20), (0, 0, width // 2, height // 2))
    image.paste((20, 200, 20), (width // 2, 0, width, height // 2))
    image.paste((20, 20, 220), (0, height // 2, width // 2, height))
    return image


def noise(width: int = 96, height: int = 64) -> Image.Image:
    return Image.fromarray(np.random.default_rng(3).integers(0, 256, (height, width, 3), dtype=np.uint8))


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def opened(picture: Picture) -> Image.Image:
    image = Image.open(io.BytesIO(picture.data))
    image.load()
    assert (image.format, *image.size) == (picture.format, picture.width, picture.height)
    return image


def corners(image: Image.Image) -> str:
    """The colours at the centres of the four quarters, from above left, by first letter."""
    width, height = image.size
    letters = ""
    for y in (height // 4, height * 3 // 4):
        for x in (width // 4, width * 3 // 4):
            red, green, blue = image.convert("RGB").getpixel((x, y))  # type: ignore[misc]
            letters += "w" if min(red, green, blue) > 180 else "rgb"[[red, green, blue].index(max(red, green, blue))]
    return letters


def code(data: bytes, kind: str, bounds: Bounds = Bounds(), resize: Resize | None = None) -> str:  # noqa: B008
    try:
        treated(data, kind, bounds, resize)
    except Failed as failed:
        return failed.code
    return "success"


@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_is_known_by_its_beginning_and_read_from_its_header(kind: str) -> None:
    data = encoded(noise(), kind)
    assert sniff(data[:HEAD_BYTES]) == kind
    assert has_end(data, kind)
    header = read_header(data, kind, Bounds())
    assert (header.width, header.height, header.orientation) == (96, 64, 1)
    assert treated(data, kind, Bounds(), None).data == data


@pytest.mark.parametrize("kind", MARKED)
def test_a_file_that_is_cut_off_anywhere_has_no_end(kind: str) -> None:
    data = encoded(noise(), kind)
    for length in (*range(HEAD_BYTES, len(data) - 2, 331), len(data) - 2):
        assert not has_end(data[:length], kind)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
def test_padding_after_the_end_does_no_harm(kind: str) -> None:
    assert has_end(encoded(noise(), kind) + b"\0" * 1000, kind)


def test_the_end_of_an_exif_thumbnail_is_not_the_end_of_the_image() -> None:
    image = encoded(noise(), "JPEG")
    thumbnail = b"Exif\0\0" + encoded(scene(32, 32), "JPEG")
    data = image[:2] + b"\xff\xe1" + struct.pack(">H", len(thumbnail) + 2) + thumbnail + image[2:]
    assert has_end(data, "JPEG")
    assert not has_end(data[:-100], "JPEG")
    assert not has_end(data[: len(thumbnail) + 20], "JPEG")


@given(
    st.sampled_from([{}, {"progressive": True}, {"comment": b"\xff\xd8"}, {"icc_profile": bytes(70_000)}]),
    st.sampled_from(["L", "RGB", "CMYK"]), st.integers(1, 300), st.integers(1, 300), st.lists(st.integers(0, 10**9)),
)  # fmt: skip
def test_the_quick_look_at_a_jpeg_header_sees_what_pillow_sees(
    options: dict[str, Any], mode: str, width: int, height: int, damaged: list[int]
) -> None:
    data = bytearray(encoded(Image.new(mode, (width, height)), "JPEG", **options))
    if not damaged:
        header = read_header(bytes(data), "JPEG", Bounds())
        assert (header.width, header.height, header.orientation) == (width, height, 1)
    for place in damaged:
        data[place % len(data)] = place % 256
    try:
        header = read_header(bytes(data), "JPEG", Bounds())
        seen = Image.open(io.BytesIO(data), formats=("JPEG",))
    except (Failed, OSError):
        return
    assert (header.width, header.height) == seen.size


TURNED = Image.Exif()
TURNED[0x0112] = 6


@given(
    st.sampled_from([{}, {"quality": 1}, {"lossless": True}, {"exif": TURNED}, {"icc_profile": bytes(300)}]),
    st.sampled_from(["RGB", "RGBA"]), st.integers(1, 99), st.integers(1, 99),
    st.lists(st.integers(0, 10**9), max_size=4),
)  # fmt: skip
def test_the_quick_look_at_a_webp_header_sees_what_pillow_sees(
    options: dict[str, Any], mode: str, width: int, height: int, damaged: list[int]
) -> None:
    data = bytearray(encoded(Image.new(mode, (width, height)), "WEBP", **options))
    for place in damaged:
        data[place % min(60, len(data))] = place % 256
    try:
        header = read_header(bytes(data), "WEBP", Bounds())
        seen = Image.open(io.BytesIO(data), formats=("WEBP",))
    except (Failed, OSError):
        assert damaged
        return
    assert (header.width, header.height) == seen.size
    assert damaged or header.orientation == (6 if "exif" in options else 1)


def test_a_palette_is_kept_where_the_image_is_small_enough() -> None:
    data = encoded(scene().quantize(8), "PNG", transparency=0)
    assert treated(data, "PNG", Bounds(), Resize("longest", 96)).data == data


@given(st.binary(max_size=200))
def test_any_bytes_are_judged(data: bytes) -> None:
    for kind in FORMATS:
        try:
            assert sniff(data) in FORMATS
            has_end(data, kind)
            read_header(data, kind, Bounds())
        except Failed:
            pass


@pytest.mark.parametrize(
    ("head", "said", "expected"),
    [
        (b"<!DOCTYPE html><html>", "image/jpeg", "html"),
        (b"\xef\xbb\xbf \r\n<HTML>", "", "html"),
        (b"Please log in", "text/html", "html"),
        (b'<?xml version="1.0"?><svg>', "image/svg+xml", "not_an_image"),
        (b'{"error": "gone"}', "application/json", "not_an_image"),
        (b"\x1f\x8b\x08", "image/jpeg", "not_an_image"),
        (b"BM and other words that begin so", "", "not_an_image"),
        (b"%PDF-1.7", "image/png", "not_an_image"),
    ],
)
def test_what_is_no_image_is_told_by_its_beginning(head: bytes, said: str, expected: str) -> None:
    with pytest.raises(Failed) as caught:
        sniff(head, said)
    assert caught.value.code == expected


def png(width: int, height: int, pixels: bytes) -> bytes:
    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_bombs_are_refused_before_they_are_decoded() -> None:
    for side in (10_001, 30_000):
        bomb = png(side, side, zlib.compress(b""))
        assert code(bomb, "PNG") == "too_many_pixels"
        with pytest.raises(Failed, match="pixels"):
            read_header(bomb, "PNG", Bounds())
    film = encoded(scene(8, 8), "GIF", save_all=True, append_images=[noise(8, 8), scene(8, 8)] * 4)
    assert code(film, "GIF", Bounds(frames=5)) == "too_many_pixels"
    assert code(film, "GIF") == "success"


def test_what_cannot_be_decoded_says_so() -> None:
    assert code(png(9, 9, b"\x78\x9c rubbish"), "PNG") == "undecodable"
    assert code(png(0, 9, zlib.compress(b"")), "PNG") == "undecodable"
    assert code(b"\xff\xd8\xff" + bytes(100), "JPEG") == "undecodable"
    assert code(encoded(noise(), "PNG")[:-200] + encoded(noise(), "PNG")[-12:], "PNG") == "undecodable"
    levels = Image.fromarray(np.linspace(0, 1, 64, dtype=np.float32).reshape(8, 8))
    assert code(encoded(levels, "TIFF"), "TIFF", resize=Resize("longest", 4)) == "undecodable"


@given(
    st.sampled_from(["longest", "shortest"]), st.integers(1, 3000), st.integers(1, 9000), st.integers(1, 9000)
)  # fmt: skip
def test_a_size_keeps_its_proportions_and_never_grows(side: str, pixels: int, width: int, height: int) -> None:
    new = Resize(side, pixels).size(width, height)
    measure = max if side == "longest" else min
    assert measure(new) == min(pixels, measure(width, height))
    assert 1 <= new[0] <= width
    assert 1 <= new[1] <= height
    scale = measure(new) / measure(width, height)
    assert abs(new[0] - width * scale) <= 1
    assert abs(new[1] - height * scale) <= 1


def test_resize_flags() -> None:
    assert read_resize("keep") is None
    assert read_resize("shortest:256") == Resize("shortest", 256)
    for text in ("", "256", "longest", "longest:", "longest:0", "longest:-3", "width:9", "longest:1e3", "longest:²"):
        with pytest.raises(ValueError, match="expected keep"):
            read_resize(text)
    assert [extension(kind) for kind in ("JPEG", "PNG", "TIFF")] == ["jpg", "png", "tif"]


# How a camera stores what is upright, by EXIF orientation: where its first row and first column are (CIPA DC-008).
STORED: dict[int, Callable[[Any], Any]] = {
    1: lambda upright: upright,
    2: np.fliplr,
    3: lambda upright: np.rot90(upright, 2),
    4: np.flipud,
    5: lambda upright: upright.swapaxes(0, 1),
    6: lambda upright: np.rot90(upright, 1),
    7: lambda upright: np.rot90(upright, 2).swapaxes(0, 1),
    8: lambda upright: np.rot90(upright, -1),
}


@pytest.mark.parametrize("turn", range(1, 9))
def test_exif_orientation_is_told_when_kept_and_applied_when_made_smaller(turn: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = turn
    stored = Image.fromarray(np.ascontiguousarray(STORED[turn](np.asarray(scene()))))
    data = encoded(stored, "JPEG", exif=exif, quality=95)
    kept = treated(data, "JPEG", Bounds(), None)
    assert (kept.data, kept.orientation, kept.width, kept.height) == (data, turn, *stored.size)
    made = treated(data, "JPEG", Bounds(), Resize("longest", 48))
    assert (made.width, made.height, made.orientation) == (48, 32, 1)
    assert corners(opened(made)) == "rgbw"
    assert "exif" not in opened(made).info


def test_sixteen_bits_become_eight_without_losing_the_picture() -> None:
    levels = np.linspace(0, 0xFFFF, 96 * 64).reshape(64, 96)
    data = encoded(Image.fromarray(levels.astype(np.uint16)), "PNG")
    made = opened(treated(data, "PNG", Bounds(), Resize("longest", 95)))
    small = np.asarray(Image.fromarray((levels / 257).astype(np.uint8)).resize(made.size))
    assert made.mode == "L"
    assert np.abs(np.asarray(made).astype(int) - small.astype(int)).mean() < 3


@pytest.mark.parametrize("mode", ["RGB", "L", "P", "CMYK", "1", "LA", "RGBA", "YCbCr"])
def test_every_mode_becomes_a_plain_picture(mode: str) -> None:
    kind = {"CMYK": "TIFF", "YCbCr": "JPEG"}.get(mode, "PNG")
    data = encoded(scene().convert(mode), kind)
    made = opened(treated(data, kind, Bounds(), Resize("longest", 48)))
    assert made.format == "JPEG", "an alpha channel that hides nothing is left out"
    assert made.mode == ("L" if mode in ("L", "1") else "RGB")
    if mode not in ("L", "1", "LA"):
        assert corners(made) == "rgbw"


def test_transparency_is_kept_as_png() -> None:
    clear = scene().convert("RGBA")
    clear.paste((0, 0, 0, 0), (48, 32, 96, 64))
    palette = encoded(clear.quantize(8), "PNG")
    for data in (encoded(clear, "PNG"), palette):
        made = opened(treated(data, "PNG", Bounds(), Resize("shortest", 16)))
        assert (made.format, made.mode, made.size) == ("PNG", "RGBA", (24, 16))
        assert made.getpixel((20, 13))[3] == 0  # type: ignore[index]
        assert made.getpixel((2, 2))[3] == 255  # type: ignore[index]


def test_an_icc_profile_is_kept_with_the_bytes_and_applied_when_made_smaller() -> None:
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    standard = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swapped = _with_swapped_primaries(standard)
    data = encoded(scene(), "PNG", icc_profile=swapped)
    assert treated(data, "PNG", Bounds(), None).data == data
    made = opened(treated(data, "PNG", Bounds(), Resize("longest", 48)))
    assert corners(made) == "bgrw", "the profile says that its red is blue"
    assert "icc_profile" not in made.info
    for harmless in (standard, lab, b"no profile"):
        made = opened(treated(encoded(scene(), "PNG", icc_profile=harmless), "PNG", Bounds(), Resize("longest", 48)))
        assert corners(made) == "rgbw"


def _with_swapped_primaries(profile: bytes) -> bytes:
    """The sRGB profile with the tags of red and blue exchanged, and another name."""
    count = int.from_bytes(profile[128:132])
    table = bytearray(profile)
    for n in range(count):
        at = 132 + 12 * n
        name = bytes(table[at : at + 4])
        table[at : at + 4] = {b"rXYZ": b"bXYZ", b"bXYZ": b"rXYZ"}.get(name, name)
    return (
        bytes(table)
        .replace("sRGB".encode("utf-16-be"), "tRGB".encode("utf-16-be"))
        .replace(b"sRGB built", b"tRGB built")
    )


def test_an_image_that_is_small_enough_keeps_its_bytes_if_it_is_plain() -> None:
    plain = encoded(noise(), "JPEG")
    assert treated(plain, "JPEG", Bounds(), Resize("longest", 96)).data == plain
    for kind, image in (("GIF", scene()), ("BMP", scene()), ("JPEG", scene().convert("CMYK"))):
        made = treated(encoded(image, kind), kind, Bounds(), Resize("longest", 500))
        assert (made.format, made.width, made.height) == ("JPEG", 96, 64)


def test_a_large_jpeg_made_small_is_as_good_as_one_decoded_whole() -> None:
    big = Image.effect_noise((64, 48), 60).resize((1600, 1200), Image.Resampling.BICUBIC).convert("RGB")
    data = encoded(big, "JPEG", quality=95)
    made = np.asarray(opened(treated(data, "JPEG", Bounds(), Resize("longest", 256)))).astype(int)
    whole = np.asarray(big.resize((256, 192), Image.Resampling.LANCZOS)).astype(int)
    assert np.abs(made - whole).mean() < 2
