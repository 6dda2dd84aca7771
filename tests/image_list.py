"""Images of every form that Pillow reads, and a list of URLs among which all kinds of trouble are planted.

`draw_images` makes the files that `image_server` serves; `plant` makes the list, and says of each URL what a
downloader must find.
"""

import hashlib
import io
import random
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

SMALL = ((96, 64), (64, 96), (80, 80), (120, 60))
LARGE = (
    (300, 200), (500, 375), (640, 480), (800, 600), (1024, 683),
    (1024, 768), (1280, 853), (1600, 1067), (600, 900), (2000, 1333),
)  # fmt: skip


@dataclass(frozen=True)
class Planted:
    """A URL and its truth: the class it must end with and, for a success, the file it must be."""

    key: int
    kind: str
    url: str
    code: str
    file: str
    sha256: str


@dataclass(frozen=True)
class Kind:
    """A kind of trouble: the class of its outcome, how many of it among 2,000 URLs, on which files, its URLs if odd."""

    code: str
    count: int
    files: str = "good"
    url: str = "http://{host}/{kind}/{key}/{file}"


KINDS = {
    "redirect": Kind("success", 20),
    "flaky": Kind("success", 20),
    "busy": Kind("success", 10),
    "chunked": Kind("success", 20),
    "slow": Kind("success", 10),
    "noai-for-others": Kind("success", 5),
    "wrong-extension": Kind("success", 10, "wrong"),
    "404": Kind("http_404", 200),
    "410": Kind("http_410", 10),
    "403": Kind("http_4xx", 10),
    "451": Kind("http_4xx", 5),
    "500": Kind("http_5xx", 5),
    "refusing": Kind("rate_limited", 3),
    "silent": Kind("timeout", 40),
    "drip": Kind("timeout", 4),
    "reset": Kind("connection", 5),
    "closed": Kind("connection", 3, url="http://{closed}/{key}/{file}"),
    "tls": Kind("tls", 3, url="https://{host}/{kind}/{key}/{file}"),
    "unresolvable": Kind("dns", 3, url="http://no-such-host-{key}.invalid/{file}"),
    "short": Kind("truncated_body", 40),
    "cut": Kind("truncated_body", 10, "cuttable"),
    "empty": Kind("empty_body", 5),
    "html": Kind("html", 20),
    "polyglot": Kind("not_an_image", 5),
    "squeezed": Kind("not_an_image", 2, "squeezed"),
    "corrupt": Kind("undecodable", 6, "corrupt"),
    "bomb": Kind("too_many_pixels", 4, "bomb"),
    "frames": Kind("too_many_pixels", 2, "frames"),
    "endless": Kind("too_large", 2, "jpeg"),
    "other-bytes": Kind("sha256_mismatch", 5),
    "loop": Kind("redirect_loop", 3),
    "noai": Kind("robots_optout", 10),
    "noai-for-us": Kind("robots_optout", 3),
    "disallowed": Kind("robots_optout", 5),
    "to-private": Kind("blocked", 3),
    "to-file": Kind("blocked", 3),
    "local-file": Kind("blocked", 2, url="file://{folder}/{file}"),
    "ftp": Kind("blocked", 2, url="ftp://{host}/{key}/{file}"),
    "private": Kind("blocked", 3, url="http://10.255.255.1/{key}/{file}"),
    "metadata": Kind("blocked", 2, url="http://169.254.169.254/{key}/{file}"),
    "mapped": Kind("blocked", 2, url="http://[::ffff:127.0.0.1]/{key}/{file}"),
    "localhost": Kind("blocked", 2, url="http://localhost/{key}/{file}"),
    "no-url": Kind("blocked", 3, url="pictures/{key} of a cat.jpg"),
}


def plant(folder: Path, hosts: Sequence[str], closed: str, count: int = 2000, seed: int = 5) -> list[Planted]:
    """`count` URLs of the files in `folder` in a random order, every kind of trouble among them.

    `hosts` are the server's HOST:PORTs, `closed` one on which nothing listens.
    """
    kinds = [kind for kind, about in KINDS.items() for _ in range(max(1, about.count * count // 2000))]
    kinds += ["good"] * (count - len(kinds))
    chance = random.Random(seed)
    chance.shuffle(kinds)
    hashes = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}
    forms = {
        "good": [name for name in hashes if name.startswith("good-")],
        "jpeg": [name for name in hashes if name.startswith("good-") and name.endswith(".jpg")],
        "cuttable": [name for name in hashes if name.startswith("good-") and not name.endswith(".gif")],
    }
    planted = []
    for key, kind in enumerate(kinds):
        about = KINDS.get(kind, Kind("success", 0))
        if about.files not in forms:
            forms[about.files] = [name for name in hashes if name.startswith(f"{about.files}-")]
        file = forms[about.files][key % len(forms[about.files])]
        url = about.url.format(
            host=hosts[key % len(hosts)], closed=closed, kind=kind, key=f"{key:05d}", file=file, folder=folder
        )
        sha256 = hashes[file] if kind != "other-bytes" else hashlib.sha256(b"other").hexdigest()
        planted.append(Planted(key, kind, url, about.code, file, sha256))
    return planted


def draw_images(folder: Path, sizes: Sequence[tuple[int, int]], count: int, seed: int = 5) -> None:
    """Write `count` good images, `good-NNN-<form>.<extension>`, and those that are trouble by themselves."""
    numbers = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    for n in range(count):
        form, extension, options = FORMS[n % len(FORMS)]
        image = as_form(photo(numbers, *sizes[n % len(sizes)]), form)
        image.save(folder / f"good-{n:03d}-{form}{extension}", **options)
    image = photo(numbers, *sizes[0])
    image.save(folder / "wrong-0.jpg", "PNG")
    (folder / "corrupt-0.jpg").write_bytes(without_tables(encoded(image, "JPEG")))
    (folder / "corrupt-1.png").write_bytes(png(*image.size, b"\x78\x9c" + numbers.bytes(500)))
    for n, side in enumerate((20_000, 30_000)):
        (folder / f"bomb-{n}.png").write_bytes(png(side, side, zeros((side + 1) * side)))
    (folder / "squeezed-0.jpg").write_bytes(gzip_of_zeros(300 << 20))
    (folder / "frames-0.gif").write_bytes(gif_of_many(5000))


SHRUNK = {"png": 2, "palette": 4, "sixteen": 4, "transparent": 4}
TURNED = Image.Exif()
TURNED[0x0112] = 6

# The mixture of a photo collection: eight in ten are plain JPEG files.
FORMS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    *(("plain", ".jpg", {"quality": quality}) for quality in (75, 85, 92) * 6),
    ("progressive", ".jpg", {"quality": 85, "progressive": True}),
    ("progressive", ".jpg", {"quality": 75, "progressive": True}),
    ("png", ".png", {}),
    ("webp", ".webp", {"quality": 80}),
    ("palette", ".gif", {}),
    ("cmyk", ".jpg", {"quality": 85}),
    ("turned", ".jpg", {"quality": 85, "exif": TURNED}),
    ("sixteen", ".png", {}),
    ("transparent", ".png", {"transparency": 0}),
)


def photo(numbers: np.random.Generator, width: int, height: int) -> Image.Image:
    """Noise of two scales: it compresses as photographs do, about 130 KB a megapixel."""

    def noise(grain: int, resample: Image.Resampling) -> Image.Image:
        small = numbers.integers(0, 256, (height // grain + 2, width // grain + 2, 3), dtype=np.uint8)
        return Image.fromarray(small).resize((width, height), resample)

    return Image.blend(noise(48, Image.Resampling.BICUBIC), noise(6, Image.Resampling.BILINEAR), 0.25)


def as_form(image: Image.Image, form: str) -> Image.Image:
    """The image in the colours of a form; what compresses badly is smaller, as it is in the wild."""
    if form in SHRUNK:
        image = image.reduce(SHRUNK[form])
    if form in ("palette", "transparent"):
        return image.quantize(64)
    if form == "cmyk":
        return image.convert("CMYK")
    if form == "sixteen":
        return Image.fromarray(np.asarray(image.convert("L"), dtype=np.uint16) * 257)
    return image


def encoded(image: Image.Image, form: str) -> bytes:
    out = io.BytesIO()
    image.save(out, form)
    return out.getvalue()


def without_tables(jpeg: bytes) -> bytes:
    """The JPEG file without its quantisation tables: size and end are in order, and nobody can decode it."""
    place, kept = 2, [jpeg[:2]]
    while jpeg[place + 1] != 0xDA:
        (length,) = struct.unpack(">H", jpeg[place + 2 : place + 4])
        kept += [jpeg[place : place + 2 + length]] if jpeg[place + 1] != 0xDB else []
        place += 2 + length
    return b"".join((*kept, jpeg[place:]))


def png(width: int, height: int, data: bytes) -> bytes:
    """A grey PNG file around compressed data."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def zeros(count: int) -> bytes:
    """What zlib makes of `count` zeros, without compressing them all: one flushed block, again and again."""

    def block(length: int, how: int) -> bytes:
        packer = zlib.compressobj(9, zlib.DEFLATED, -15)
        return packer.compress(bytes(length)) + packer.flush(how)

    many, rest = divmod(count, 1 << 20)
    checksum = struct.pack(">I", (count % 65521) << 16 | 1)
    return b"\x78\xda" + block(1 << 20, zlib.Z_FULL_FLUSH) * many + block(rest, zlib.Z_FINISH) + checksum


def gzip_of_zeros(count: int) -> bytes:
    """A gzip file, a thousandth of what it unpacks to."""
    return b"\x1f\x8b\x08" + bytes(7) + zeros(count)[2:-4] + struct.pack("<II", zlib.crc32(bytes(count)), count)


def gif_of_many(frames: int) -> bytes:
    """A GIF file of 1,000 x 1,000 pixels in which each of the frames changes one."""
    screen = b"GIF89a" + struct.pack("<HHBBB", 1000, 1000, 0x80, 0, 0) + b"\x00\x00\x00\xff\xff\xff"
    frame = b"\x21\xf9\x04\x00\x01\x00\x00\x00\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x4c\x01\x00"
    return screen + frame * frames + b"\x3b"
