"""Boxes: from absolute pixels of the original image to [0, 1], so that they do not depend on its resolution.

A box is `x1 y1 x2 y2` with the origin at the top left. Sources write it as text ("7 174 440 329", full float
repr) or as four numbers; we write `[0.120, 0.340, 0.560, 0.780]` (Italian paper, section 3.1).
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

DECIMALS = 3


class BadBox(ValueError):
    """What stands there is no box, or one without area: never guessed, never repaired."""


@dataclass(frozen=True)
class Box:
    """`x1 y1 x2 y2`; in pixels or in [0, 1], as the context says."""

    x1: float
    y1: float
    x2: float
    y2: float

    def __str__(self) -> str:
        return "[" + ", ".join(f"{value:.{DECIMALS}f}" for value in (self.x1, self.y1, self.x2, self.y2)) + "]"


def parse_box(value: object) -> Box:
    """A box in pixels from its text or its four numbers. Raises `BadBox`."""
    numbers = value.split() if isinstance(value, str) and "_" not in value else value
    if not isinstance(numbers, list | tuple) or len(numbers) != 4 or any(isinstance(n, bool) for n in numbers):
        raise BadBox(f"{value!r} is no box: four numbers x1 y1 x2 y2 are expected")
    try:
        x1, y1, x2, y2 = (float(number) for number in numbers)
    except (TypeError, ValueError, OverflowError):
        raise BadBox(f"{value!r} is no box: four numbers x1 y1 x2 y2 are expected") from None
    if not all(math.isfinite(number) for number in (x1, y1, x2, y2)):
        raise BadBox(f"{value!r} is no box: its numbers are not finite")
    return Box(x1, y1, x2, y2)


def box_text(value: object) -> str:
    """A box as upstream writes it inside prompts and sentences: its numbers joined by one blank.

    Raises `BadBox` for what is neither text nor a list of numbers.
    """
    if isinstance(value, str):
        return value
    if not isinstance(value, list) or any(isinstance(n, bool) or not isinstance(n, int | float) for n in value):
        raise BadBox(f"{str(value)[:100]!r} is no box: four numbers x1 y1 x2 y2 are expected")
    return " ".join(str(number) for number in value)


def normalise(box: Box, width: int, height: int) -> tuple[Box, bool]:
    """A pixel box in [0, 1] of an image of `width` x `height`, and whether it had to be clamped.

    Raises `BadBox` for a box without area, or with none inside the image.
    """
    if box.x2 <= box.x1 or box.y2 <= box.y1:
        raise BadBox(f"box {_pixels(box)} has no area: x1 < x2 and y1 < y2 are expected")
    inside = Box(
        min(max(box.x1 / width, 0.0), 1.0),
        min(max(box.y1 / height, 0.0), 1.0),
        min(max(box.x2 / width, 0.0), 1.0),
        min(max(box.y2 / height, 0.0), 1.0),
    )
    if inside.x2 <= inside.x1 or inside.y2 <= inside.y1:
        raise BadBox(f"box {_pixels(box)} lies outside its image of {width} x {height} pixels")
    clamped = box.x1 < 0 or box.y1 < 0 or box.x2 > width or box.y2 > height
    return inside, clamped


def _pixels(box: Box) -> str:
    return f"{box.x1:g} {box.y1:g} {box.x2:g} {box.y2:g}"


def replace_boxes(text: str, shown: Mapping[str, str]) -> str:
    """`text` with every known box string in it as we write it. Other digits (years, counts) stay as they are."""
    if not shown:
        return text
    known = "|".join(re.escape(raw) for raw in sorted(shown, key=len, reverse=True))
    return re.sub(rf"(?<![\d.]){f'({known})'}(?!\d|\.\d)", lambda match: shown[match[1]], text)
