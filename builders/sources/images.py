"""Find and measure the images that rows name.

Rows carry other people's paths (`./raw_datasets/…`, `/projects/lab/…`), so an image is looked for under the
given roots by ever shorter suffixes of its path. Only the header is read here; what is no image, or
is too large to be one, is an error and never a guess.
"""

import io
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO, Literal

from PIL import Image, UnidentifiedImageError
from upath import UPath

from builders.engine.files import location

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")
MAX_BYTES = 50 << 20
MAX_PIXELS = 100_000_000
MAX_FOLDERS = 32


Images = Literal["embed", "path"]


def images_argument(words: Sequence[str]) -> tuple[tuple[str, ...], Images]:
    """`--images DIR… [embed|path]`: the folders to look in, and whether they are published (unless told `path`)."""
    how: list[Images] = [word for word in words if word in ("embed", "path")]  # type: ignore[misc]
    return tuple(word for word in words if word not in ("embed", "path")), how[-1] if how else "embed"


class BadImage(Exception):
    """A file that is no image we take."""


@dataclass(frozen=True)
class FoundImage:
    """An image on disk: where, and its size in pixels as stored."""

    path: UPath
    width: int
    height: int


class ImageFinder:
    """Finds images under some roots."""

    def __init__(self, roots: Sequence[str]) -> None:
        self.roots = [location(root) for root in roots]

    def find(self, image_path: str) -> FoundImage | None:
        """The image a row names, or None when no root has it. Raises `BadImage`."""
        parts = [part for part in image_path.replace("\\", "/").split("/") if part not in ("", ".", "..")]
        parts = parts[-MAX_FOLDERS:]
        for start in range(len(parts)):
            for root in self.roots:
                path = root.joinpath(*parts[start:])
                if path.is_file():
                    return measure(path)
        return None


def read_whole(path: UPath) -> bytes:
    """An image's bytes, once they have been decoded to their end. Raises `BadImage`."""
    measure(path)
    data = path.read_bytes()
    _decode(data, str(path))
    return data


def check_whole(data: bytes, where: str) -> None:
    """Assert that bytes are an image that we take and decode to their end. Raises `BadImage`, which says `where`."""
    _check_size(len(data), where)
    _pixels(io.BytesIO(data), where)
    _decode(data, where)


def measure(path: UPath) -> FoundImage:
    """Width and height from an image's header. Raises `BadImage`."""
    _check_size(path.stat().st_size, str(path))
    with path.open("rb") as file:
        return FoundImage(path, *_pixels(file, str(path)))


def _check_size(size: int, where: str) -> None:
    if size > MAX_BYTES:
        raise BadImage(f"{where} has {size:,} bytes; at most {MAX_BYTES:,} are taken")


def _pixels(file: IO[bytes], where: str) -> tuple[int, int]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(file, formats=FORMATS) as image:
                width, height = image.size
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise BadImage(f"{where} is no image we take ({', '.join(FORMATS)}): {error}") from error
    if width * height > MAX_PIXELS or not width or not height:
        raise BadImage(f"{where} has {width} x {height} pixels")
    return width, height


def _decode(data: bytes, where: str) -> None:
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            image.draft(image.mode, (1, 1))  # a JPEG is read to its end all the same, and small
            image.load()
    except (OSError, ValueError, SyntaxError) as error:
        raise BadImage(f"{where} does not decode: {error}") from error
