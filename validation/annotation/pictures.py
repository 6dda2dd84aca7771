"""A row's picture as annotators see it: decoded under bounds, and encoded again as a JPEG without metadata.

No byte of the original reaches a package: EXIF, XMP and comments may say where and by whom a picture was taken.
"""

import base64
import io
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, cast

from PIL import Image

LONG_SIDE = 1024
LARGEST_PIXELS = 100_000_000
LARGEST_FILE = 200_000_000
WANTED_BYTES = 150_000
NO_PICTURE = "This row has no picture."
NOT_THERE = "The picture of this row is not in the dataset's folder."
UNREADABLE = "The picture of this row cannot be read."

_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")
_ENCODINGS = ((1.0, 85), (1.0, 70), (0.75, 70), (0.5, 60))  # share of the side, quality


@dataclass(frozen=True)
class Picture:
    """A JPEG and its size in pixels, or `note`, which says why there is none."""

    data: bytes | None = None
    width: int = 0
    height: int = 0
    note: str = ""

    @property
    def uri(self) -> str:
        """The picture as a data URI; empty where there is none."""
        return "" if self.data is None else "data:image/jpeg;base64," + base64.b64encode(self.data).decode("ascii")


def find_picture(image: Any, roots: Sequence[Path], side: int = LONG_SIDE) -> Picture:
    """The picture in a row's column `image`: a struct of bytes and path, bytes, or a path to a file under `roots`."""
    try:
        data, path = (image.get("bytes"), image.get("path")) if isinstance(image, dict) else (image, image)
        if isinstance(data, bytes) and data:
            return encode(data, side)
        if not path or not isinstance(path, str):
            return Picture(note=NO_PICTURE)
        file = _file_under(roots, path)
        return encode(file.read_bytes(), side) if file else Picture(note=NOT_THERE)
    except (OSError, ValueError, SyntaxError, MemoryError, Image.DecompressionBombError):
        return Picture(note=UNREADABLE)


def encode(data: bytes, side: int = LONG_SIDE) -> Picture:
    """Encode an image again, its longest side at most `side` pixels, in about `WANTED_BYTES` or fewer.

    Only the first frame is read. Boxes are shares of the stored pixels, so an orientation in the metadata is not
    applied. Raises ValueError, OSError or what else Pillow raises where it cannot read the image or the image has
    more than `LARGEST_PIXELS`.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
            if image.width * image.height > LARGEST_PIXELS:
                raise ValueError(f"{image.width} x {image.height} pixels are too many")
            image.draft("RGB", (side, side))
            shown = _on_white(image)
    for share, quality in _ENCODINGS:
        shown.thumbnail((share * side, share * side), Image.Resampling.LANCZOS)
        shown.info.clear()  # Pillow writes the comment and the XMP that it finds here
        out = io.BytesIO()
        shown.save(out, "JPEG", quality=quality, optimize=True)
        if out.tell() <= WANTED_BYTES:
            break
    return Picture(out.getvalue(), shown.width, shown.height)


def _on_white(image: Image.Image) -> Image.Image:
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        layer = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")
    if image.mode.startswith(("I", "F")):  # deep grey: Pillow would show all above 255 as white
        low, high = cast(tuple[float, float], image.getextrema())
        scale = 255 / (high - low or 1)
        return image.point(lambda value: value * scale - low * scale).convert("L").convert("RGB")
    return image.convert("RGB")


def _file_under(roots: Sequence[Path], path: str) -> Path | None:
    """The file that a row names: a row cannot make us open what is not a file of the build, by a link neither."""
    if ".." not in PurePosixPath(path).parts and "\\" not in path and "\0" not in path:
        for root in roots:
            file = (root / path).resolve()
            inside = any(file.is_relative_to(each) for each in _stores(root.resolve()))
            if inside and file.is_file() and file.stat().st_size <= LARGEST_FILE:
                return file
    return None


def _stores(root: Path) -> list[Path]:
    """Where files of a folder may lie: in it; a snapshot in a Hugging Face cache is links to the blobs beside it."""
    return [root, root.parents[1] / "blobs"] if root.parent.name == "snapshots" else [root]
