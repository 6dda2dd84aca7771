"""Alignment: the same file, a picture that looks the same, people's word; and what a hash can and cannot tell."""

import io
import random
import struct
import zlib
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageOps

from builders.transforms.artworks.alignment import (
    DIFFERENT,
    LARGEST_PIXELS,
    OUTCOMES,
    SAME,
    AlignedSet,
    Outcome,
    PagePicture,
    Verdict,
    align,
    alignment_report,
    compare,
    distance,
    pair_id,
    pair_ids,
    perceptual_hash,
    set_names,
    to_look_at,
    undecided,
)

CODECS = 2  # bits that another version of a codec may move
ALIKE, UNLIKE, UNSURE = 0b1111, (1 << 40) - 1, (1 << 20) - 1


def page(artwork: str, language: str, sha1: str = "same", bits: int | None = None, qid: str = "") -> PagePicture:
    hashed = None if bits is None else f"{bits:016x}"
    url = f"https://{language}.wikipedia.org/wiki/{artwork}"
    return PagePicture(
        f"{artwork}{language}", artwork, qid or artwork, language, artwork, url, f"{sha1}.jpg", sha1, hashed
    )


def outcome(pages: list[PagePicture], decisions: dict[str, Verdict] | None = None) -> Outcome | None:
    languages = sorted({page.language for page in pages})
    return align(pages, [languages], decisions or {})[0].outcomes.get("Q1")


@pytest.mark.parametrize(
    ("other", "expected", "why"),
    [
        (page("Q1", "it"), "same_file", ""),
        (page("Q1", "it", "b", ALIKE), "same_picture", ""),
        (page("Q1", "it", "b", UNLIKE), "different", ""),
        (page("Q1", "it", "b", UNSURE), "undecided", "20 of 64 bits differ"),
        (page("Q1", "it", "b"), "undecided", "a picture could not be compared"),
        (page("Q1", "it", ""), "undecided", "a picture could not be compared"),
        (page("Q1", "it", qid="Q2"), "undecided", "two items: Q1 and Q2"),
    ],
)
def test_two_pages_are_compared(other: PagePicture, expected: Outcome, why: str) -> None:
    english = page("Q1", "en", bits=0)
    found = compare(english, other, {})
    assert (found.outcome, found.why) == (expected, why)
    assert compare(english, other, {found.id: "same"}).outcome == "by_people"
    assert compare(english, other, {found.id: "different"}).outcome == "different"


def test_the_thresholds_themselves() -> None:
    english = page("Q1", "en", "a", 0)
    found = [compare(english, page("Q1", "it", "b", (1 << bits) - 1), {}).outcome for bits in range(65)]
    expected = ["same_picture"] * (SAME + 1) + ["undecided"] * (DIFFERENT - SAME - 1) + ["different"] * (65 - DIFFERENT)
    assert found == expected


def test_an_artwork_is_aligned_when_all_its_pictures_are_the_same() -> None:
    english = page("Q1", "en", "a", 0)
    same, alike = page("Q1", "it", "a"), page("Q1", "ja", "b", ALIKE)
    unsure, unlike = page("Q1", "zh", "c", UNSURE), page("Q1", "ru", "d", UNLIKE)
    assert outcome([english, same]) == "same_file"
    assert outcome([english, same, alike]) == "same_picture"
    assert outcome([english, same, alike, unsure]) == "undecided"
    assert outcome([english, same, alike, unsure, unlike]) == "different"
    assert outcome([english, same, unsure], {pair_id(english, unsure): "same"}) == "by_people"
    assert align([english, same], [("en", "it", "ja")], {})[0].outcomes == {}


def test_a_set_without_the_source_language_is_compared_with_its_first() -> None:
    pages = [page("Q1", "en", "a", UNLIKE), page("Q1", "it", "b", 0), page("Q1", "ja", "b", 0)]
    assert align(pages, [("it", "ja")], {})[0].outcomes == {"Q1": "same_file"}
    assert align(pages, [("it", "ja", "en")], {})[0].outcomes == {"Q1": "different"}


def test_people_are_asked_once_for_a_pair_and_not_where_all_is_lost() -> None:
    pages = [
        page("Q1", "en", "a", 0), page("Q1", "it", "b", UNSURE), page("Q1", "ja", "b", UNSURE),
        page("Q2", "en", "a", 0), page("Q2", "it", "b", UNSURE), page("Q2", "ja", "c", UNLIKE),
    ]  # fmt: skip
    sets = align(pages, [("en", "it", "ja"), ("en", "ja")], {})
    asked = undecided(sets)
    assert [each.id for each in asked] == [pair_id(pages[0], pages[1])]
    assert alignment_report(sets)["sets"]["alignment-3"] == {
        "languages": ["en", "it", "ja"],
        "artworks": 0,
        "same_file": 0,
        "same_picture": 0,
        "by_people": 0,
        "undecided": 1,
        "different": 1,
    }
    decided = align(pages, [("en", "it", "ja")], {each.id: "same" for each in asked})
    assert decided[0].artworks == ("Q1",)
    assert not undecided(decided)
    assert {each.id for each in asked} < pair_ids(pages, [("en", "it", "ja")])


def test_only_pictures_of_candidates_whose_files_differ_are_looked_at() -> None:
    pages = [
        page("Q1", "en", "a"), page("Q1", "it", "a"), page("Q1", "ja", "b"),
        page("Q2", "en", "a"), page("Q2", "it", "a"),
        page("Q3", "en", "a"), page("Q3", "ja", "b"),
    ]  # fmt: skip
    assert to_look_at(pages, [("en", "it", "ja"), ("en", "it")]) == {"Q1en", "Q1ja"}


def test_a_decision_is_about_two_files_and_no_others() -> None:
    english, italian = page("Q1", "en", "a"), page("Q1", "it", "b")
    known = pair_id(english, italian)
    assert known.startswith("Q1/")
    assert pair_id(english, page("Q1", "ja", "b")) == known
    others = [
        pair_id(english, page("Q1", "it", "c")),
        pair_id(italian, english),
        pair_id(page("Q2", "en", "a"), italian),
    ]
    assert known not in others


def test_names_of_sets() -> None:
    assert set_names([("en", "it", "ja"), ("en", "it")]) == {
        "alignment-3": ("en", "it", "ja"),
        "alignment-2": ("en", "it"),
    }
    assert list(set_names([("ja", "en"), ("en", "it")])) == ["alignment-2-en-ja", "alignment-2-en-it"]
    for sets, message in (
        ([("en",)], "two languages or more"),
        ([("en", "en")], "each once"),
        ([("en", "it"), ("it", "en")], "twice"),
    ):
        with pytest.raises(ValueError, match=message):
            set_names(sets)


def test_two_pages_of_an_artwork_in_one_language_are_an_error() -> None:
    pages = [page("Q1", "en"), replace(page("Q1", "en"), id="other", title="Copy")]
    with pytest.raises(ValueError, match="Q1 has two pages in en: 'Q1' and 'Copy'"):
        align(pages, [("en", "it")], {})


PAGES = st.lists(
    st.tuples(st.integers(0, 3), st.sampled_from(["en", "it", "ja"]), st.sampled_from("ab"), st.integers(0, 40)),
    unique_by=lambda each: each[:2],
)


@given(PAGES, st.randoms(use_true_random=False))
def test_the_order_of_pages_does_not_matter(rows: list[tuple[int, str, str, int]], chance: random.Random) -> None:
    pages = [page(f"Q{n}", language, sha1, (1 << bits) - 1) for n, language, sha1, bits in rows]
    shuffled = pages.copy()
    chance.shuffle(shuffled)
    sets = [("en", "it", "ja"), ("en", "it")]

    def made(pages: list[PagePicture]) -> list[AlignedSet]:
        return align(pages, sets, {})

    assert made(pages) == made(shuffled)
    for aligned in made(pages):
        report = alignment_report([aligned])["sets"][aligned.name]
        assert sum(report[name] for name in OUTCOMES) == len(aligned.outcomes)
        assert sum(report[name] for name in OUTCOMES[:3]) == report["artworks"] == len(aligned.artworks)


def painting(seed: int) -> Image.Image:
    """Coloured shapes before a graded ground, soft-edged, with the grain of a photograph; 320 x 240 pixels."""
    chance = np.random.default_rng(seed)
    top, bottom = chance.integers(0, 256, (2, 3))
    shade = np.linspace(0, 1, 240)[:, None, None]
    ground = np.broadcast_to(top * (1 - shade) + bottom * shade, (240, 320, 3))
    image = Image.fromarray(ground.astype(np.uint8))
    draw = ImageDraw.Draw(image)
    for _ in range(chance.integers(4, 14)):
        x, y, width, height = (chance.integers(low, high) for low, high in ((0, 320), (0, 240), (8, 80), (8, 60)))
        shape = draw.ellipse if chance.random() < 0.6 else draw.rectangle
        shape((x - width, y - height, x + width, y + height), fill=tuple(int(v) for v in chance.integers(0, 256, 3)))
    soft = np.asarray(image.filter(ImageFilter.GaussianBlur(1.2))) + chance.normal(0, 6, (240, 320, 3))
    return Image.fromarray(soft.clip(0, 255).astype(np.uint8))


def encoded(image: Image.Image, kind: str = "JPEG", quality: int = 90) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, quality=quality)
    return buffer.getvalue()


def header(width: int, height: int) -> bytes:
    """A PNG that says it is so large, and has no pixels."""
    chunks = (b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0), b"IDAT")
    written = (struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk)) for chunk in chunks)
    return b"\x89PNG\r\n\x1a\n" + b"".join(written)


def cut(share: float) -> Callable[[Image.Image], Image.Image]:
    return lambda image: ImageOps.crop(image, (int(share * image.width), int(share * image.height)) * 2)


def framed(share: float) -> Callable[[Image.Image], Image.Image]:
    return lambda image: ImageOps.expand(image, int(share * image.width), (90, 60, 20))


def warmer(image: Image.Image) -> Image.Image:
    return Image.fromarray((np.asarray(image) * np.array([1.15, 1.0, 0.8])).clip(0, 255).astype(np.uint8))


@cache
def paintings() -> list[tuple[Image.Image, str]]:
    """Forty pictures, each with its hash."""
    return [(image, perceptual_hash(encoded(image))) for image in map(painting, range(40))]


@pytest.mark.parametrize(
    ("change", "median", "largest"),
    [
        (lambda image: image.resize((640, 480)), 0, 2),
        (lambda image: image.resize((120, 90)), 0, 2),
        (lambda image: Image.open(io.BytesIO(encoded(image, quality=30))), 0, 4),
        (lambda image: image.convert("L"), 0, 0),
        (lambda image: ImageEnhance.Brightness(image).enhance(1.25), 2, 6),
        (warmer, 2, 6),
        (cut(0.025), 6, 12),
        (cut(0.05), 10, 16),
        (framed(0.05), 16, 26),
        (framed(0.1), 22, 34),
    ],
    ids=["larger", "smaller", "quality 30", "grey", "brighter", "warmer", "cut 2.5", "cut 5", "frame 5", "frame 10"],
)
def test_how_far_a_change_moves_a_picture(
    change: Callable[[Image.Image], Image.Image], median: int, largest: int
) -> None:
    moved = [distance(known, perceptual_hash(encoded(change(image)))) for image, known in paintings()]
    assert np.median(moved) <= median + CODECS
    assert max(moved) <= largest + CODECS


def test_other_pictures_are_far_apart() -> None:
    hashes = [known for _, known in paintings()]
    apart = [distance(one, other) for one, other in combinations(hashes, 2)]
    assert np.median(apart) == 32
    assert min(apart) > 2 * SAME
    assert np.mean(np.array(apart) >= DIFFERENT) > 0.65


def test_a_hash_does_not_depend_on_how_the_picture_is_kept() -> None:
    image, known = paintings()[0]
    turned = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    image.transpose(Image.Transpose.ROTATE_90).save(turned, "JPEG", exif=exif)
    clear = image.convert("RGBA")
    kept = [turned.getvalue(), encoded(image, "PNG"), encoded(clear, "WEBP"), encoded(image.convert("CMYK"))]
    kept.append(encoded(image.convert("P", palette=Image.Palette.ADAPTIVE), "GIF"))
    kept.append(encoded(Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 257), "PNG"))
    assert max(distance(known, perceptual_hash(data)) for data in kept) <= 2


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "no image that can be read"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "no image that can be read"),
        (encoded(Image.effect_noise((200, 200), 60))[:5000], "no image that can be read"),
        (encoded(Image.new("RGB", (300, 300), (0, 47, 167))), "one tone"),
        (header(10_000, LARGEST_PIXELS // 10_000 + 1), "10000 x 5001 pixels; at most 50,000,000"),
        (header(60_000, 60_000), "no image that can be read.*decompression bomb"),
    ],
    ids=["empty", "svg", "truncated", "one tone", "too large", "bomb"],
)
def test_what_cannot_be_hashed_is_an_error(data: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        perceptual_hash(data)
