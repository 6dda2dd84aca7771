"""Which artworks have a page with the same picture in every language of a set (MultiExpArt, section 4, step 3).

The paper matches English titles and lets people look at every picture. Here pages belong together by their Wikidata
item, and a picture is the same if it is the same file or looks the same. What neither settles is left undecided for
people, whose word counts above all.

Looks are compared by a perceptual hash of 64 bits (`imagehash.phash`) and the number of bits that differ. On 40
generated pictures of 320 x 240 pixels (tests/test_artwork_alignment.py) that were:

    change                                   median   largest
    resized, recompressed, in grey                0         4
    brighter, or in a warmer light                2         6
    2.5 % cut off each side                       6        12
    5 % cut off each side                        10        16
    a frame of 5 % on each side                  16        26
    a frame of 10 % on each side                 22        34
    another picture                              32   smallest 20

So up to `SAME` bits it is the same picture, with a margin to the 20 of another one, and from `DIFFERENT` bits on a
frame or a cut hardly explains it. Another view of the same sculpture is a different picture to a hash; people may say
otherwise.
"""

import hashlib
import io
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import imagehash
import numpy as np
from PIL import Image, ImageOps

SAME = 8
DIFFERENT = 30
LARGEST_PIXELS = 50_000_000
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP")
_DRAFT = (256, 256)
_FLAT = 3.0

Outcome = Literal["same_file", "same_picture", "by_people", "undecided", "different"]
Verdict = Literal["same", "different"]
OUTCOMES: tuple[Outcome, ...] = ("same_file", "same_picture", "by_people", "undecided", "different")


@dataclass(frozen=True)
class PagePicture:
    """What alignment must know of a page: the artwork it is about and the picture in its infobox.

    `id` is the page's row id. `phash` is that of `perceptual_hash`; None where the picture was not looked at or could
    not be.
    """

    id: str
    artwork: str
    qid: str
    language: str
    title: str
    url: str
    file: str
    sha1: str
    phash: str | None = None


@dataclass(frozen=True)
class Comparison:
    """A page's picture against that of its artwork's reference page; `distance` in bits of 64, where hashes say it."""

    reference: PagePicture
    other: PagePicture
    outcome: Outcome
    distance: int | None = None
    why: str = ""

    @property
    def id(self) -> str:
        return pair_id(self.reference, self.other)


@dataclass(frozen=True)
class AlignedSet:
    """The artworks that have a page in each of `languages`, by name, with what was found of each."""

    name: str
    languages: tuple[str, ...]
    outcomes: Mapping[str, Outcome]
    comparisons: tuple[Comparison, ...]

    @property
    def artworks(self) -> tuple[str, ...]:
        """Those that are aligned."""
        return tuple(artwork for artwork, outcome in self.outcomes.items() if outcome in OUTCOMES[:3])


def align(
    pages: Iterable[PagePicture],
    sets: Sequence[Sequence[str]],
    decisions: Mapping[str, Verdict],
    source_language: str = "en",
) -> list[AlignedSet]:
    """Align pages over each set of languages, by name as in `set_names`; `decisions` are people's, by `pair_id`.

    Pictures are compared with that of the source language's page, or of the set's first language where the set
    lacks it. Of an artwork's pictures the worst counts. Raises `ValueError` for an artwork with two pages in one
    language.
    """
    by_artwork = _by_artwork(pages)
    aligned = []
    for name, languages in set_names(sets).items():
        outcomes: dict[str, Outcome] = {}
        comparisons: list[Comparison] = []
        for reference, others in _candidates(by_artwork, languages, source_language):
            found = [compare(reference, other, decisions) for other in others]
            outcomes[reference.artwork] = max((each.outcome for each in found), key=OUTCOMES.index)
            comparisons += found
        aligned.append(AlignedSet(name, languages, outcomes, tuple(comparisons)))
    return aligned


def compare(reference: PagePicture, other: PagePicture, decisions: Mapping[str, Verdict]) -> Comparison:
    """Whether two pages of an artwork show the same picture."""
    verdict = decisions.get(pair_id(reference, other))
    if verdict is not None:
        return Comparison(reference, other, "by_people" if verdict == "same" else "different")
    if reference.qid and other.qid and reference.qid != other.qid:
        return Comparison(reference, other, "undecided", why=f"two items: {reference.qid} and {other.qid}")
    if reference.sha1 and reference.sha1 == other.sha1:
        return Comparison(reference, other, "same_file")
    if reference.phash is None or other.phash is None:
        return Comparison(reference, other, "undecided", why="a picture could not be compared")
    bits = distance(reference.phash, other.phash)
    if bits <= SAME:
        return Comparison(reference, other, "same_picture", bits)
    if bits >= DIFFERENT:
        return Comparison(reference, other, "different", bits)
    return Comparison(reference, other, "undecided", bits, f"{bits} of 64 bits differ")


def undecided(sets: Iterable[AlignedSet]) -> list[Comparison]:
    """What people are asked: each pair of pictures once, and only where nothing else rules the artwork out."""
    asked = {
        each.id: each
        for aligned in sets
        for each in aligned.comparisons
        if each.outcome == "undecided" and aligned.outcomes[each.reference.artwork] == "undecided"
    }
    return sorted(asked.values(), key=lambda each: (each.reference.artwork, each.other.language, each.id))


def to_look_at(pages: Iterable[PagePicture], sets: Sequence[Sequence[str]], source_language: str = "en") -> set[str]:
    """The ids of the pages whose pictures need a perceptual hash: of candidates, where the files differ."""
    by_artwork = _by_artwork(pages)
    return {
        page.id
        for languages in set_names(sets).values()
        for reference, others in _candidates(by_artwork, languages, source_language)
        for other in others
        if not reference.sha1 or reference.sha1 != other.sha1
        for page in (reference, other)
    }


def pair_id(reference: PagePicture, other: PagePicture) -> str:
    """The id under which people's decision is kept: "Q12418/" and 12 hex digits of the items' and the files' digest.

    It is the same for all languages that show the same file, and another one as soon as a page shows another.
    """
    made_of = "\n".join(part for page in (reference, other) for part in (page.qid, page.sha1 or page.file))
    return f"{reference.artwork}/{hashlib.sha256(made_of.encode()).hexdigest()[:12]}"


def pair_ids(pages: Iterable[PagePicture], sets: Sequence[Sequence[str]], source_language: str = "en") -> set[str]:
    """The ids of all pairs that people may have decided."""
    by_artwork = _by_artwork(pages)
    return {
        pair_id(reference, other)
        for languages in set_names(sets).values()
        for reference, others in _candidates(by_artwork, languages, source_language)
        for other in others
    }


def set_names(sets: Sequence[Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """Names for sets of languages: `alignment-5` by their number, with the languages after it where two have as many.

    Raises `ValueError` for a set of fewer than two languages, with one twice, or given twice.
    """
    for languages in sets:
        if len(languages) < 2 or len(set(languages)) < len(languages):
            raise ValueError(f"alignment {','.join(languages)!r}: two languages or more are expected, each once")
    sizes = Counter(len(languages) for languages in sets)
    names: dict[str, tuple[str, ...]] = {}
    for languages in sets:
        size = len(languages)
        name = f"alignment-{size}" if sizes[size] == 1 else "-".join(["alignment", str(size), *sorted(languages)])
        if name in names:
            raise ValueError(f"alignment {','.join(languages)!r} is given twice")
        names[name] = tuple(languages)
    return names


def alignment_report(sets: Iterable[AlignedSet]) -> dict[str, Any]:
    """What `alignment.json` says: for each set its languages, how many artworks are aligned, and how that was found."""
    return {
        "sets": {
            aligned.name: {"languages": list(aligned.languages), "artworks": len(aligned.artworks)}
            | {outcome: list(aligned.outcomes.values()).count(outcome) for outcome in OUTCOMES}
            for aligned in sets
        }
    }


def perceptual_hash(data: bytes) -> str:
    """The perceptual hash of an image's bytes, as 16 hex digits.

    Transparency is taken as white, and the orientation that EXIF gives is applied. Raises `ValueError` for what is
    no image, has more than `LARGEST_PIXELS` pixels, or is of one tone, so that its hash would be noise.
    """
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            width, height = image.size
            if width * height > LARGEST_PIXELS:
                raise ValueError(f"{width} x {height} pixels; at most {LARGEST_PIXELS:,} are looked at")
            image.draft("L", _DRAFT)
            upright = ImageOps.exif_transpose(image)
            if upright.has_transparency_data:
                upright = Image.alpha_composite(Image.new("RGBA", upright.size, "white"), upright.convert("RGBA"))
            if upright.mode.startswith("I;16"):
                upright = upright.convert("I").point(lambda value: value / 257)
            grey = upright.convert("L").resize((32, 32), Image.Resampling.LANCZOS)
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError(f"no image that can be read: {error}") from error
    if float(np.asarray(grey).std()) < _FLAT:
        raise ValueError("a picture of one tone, which a hash cannot tell from another")
    return str(imagehash.phash(grey))


def distance(one: str, other: str) -> int:
    """The number of bits in which two hashes differ, 0 to 64."""
    return (int(one, 16) ^ int(other, 16)).bit_count()


def _by_artwork(pages: Iterable[PagePicture]) -> dict[str, dict[str, PagePicture]]:
    found: dict[str, dict[str, PagePicture]] = {}
    for page in pages:
        there = found.setdefault(page.artwork, {}).setdefault(page.language, page)
        if there != page:
            raise ValueError(
                f"{page.artwork} has two pages in {page.language}: {there.title!r} and {page.title!r}; one is expected"
            )
    return dict(sorted(found.items()))


def _candidates(
    by_artwork: Mapping[str, Mapping[str, PagePicture]], languages: Collection[str], source_language: str
) -> Iterable[tuple[PagePicture, list[PagePicture]]]:
    """Every artwork with a page in all `languages`: the reference page and the others."""
    first, *rest = sorted(languages, key=lambda language: language != source_language)
    for pages in by_artwork.values():
        if all(language in pages for language in languages):
            yield pages[first], [pages[language] for language in rest]
