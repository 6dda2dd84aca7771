"""A pen that draws in the coordinates of a box, so that every object fills the box that its rows state.

Everything is drawn `SCALE` times larger and reduced once at the end: Pillow's shapes have no smooth edges.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from PIL import Image, ImageDraw, ImageFont

SCALE = 3

Rgb = tuple[int, int, int]
Paint = tuple[int, ...]
Point = tuple[float, float]

COLOURS: dict[str, Rgb] = {
    "red": (222, 78, 70),
    "blue": (66, 122, 196),
    "green": (92, 166, 98),
    "yellow": (247, 200, 72),
    "black": (56, 58, 68),
    "white": (250, 249, 245),
    "brown": (150, 104, 72),
    "grey": (152, 158, 168),
    "orange": (242, 146, 62),
    "pink": (241, 152, 178),
    "purple": (140, 104, 182),
}


def darker(colour: Rgb, share: float = 0.18) -> Rgb:
    red, green, blue = (round(part * (1 - share)) for part in colour)
    return red, green, blue


def lighter(colour: Rgb, share: float = 0.3) -> Rgb:
    red, green, blue = (round(part + (255 - part) * share) for part in colour)
    return red, green, blue


@dataclass(frozen=True)
class Pen:
    """Draws inside one box; coordinates are shares of the box, (0, 0) its top left, (1, 1) its bottom right.

    Line widths and radii are shares of the box's height and of its smaller side.
    """

    draw: ImageDraw.ImageDraw
    left: float
    top: float
    width: float
    height: float
    flip: bool = False

    def at(self, x: float, y: float) -> Point:
        return self.left + (1 - x if self.flip else x) * self.width, self.top + y * self.height

    def _span(self, x1: float, y1: float, x2: float, y2: float) -> tuple[float, float, float, float]:
        (a, b), (c, d) = self.at(x1, y1), self.at(x2, y2)
        return min(a, c), min(b, d), max(a, c) - 1, max(b, d) - 1

    def part(self, x1: float, y1: float, x2: float, y2: float) -> "Pen":
        left, top, right, bottom = self._span(x1, y1, x2, y2)
        return replace(self, left=left, top=top, width=right + 1 - left, height=bottom + 1 - top)

    def oval(self, x1: float, y1: float, x2: float, y2: float, fill: Paint) -> None:
        self.draw.ellipse(self._span(x1, y1, x2, y2), fill=fill)

    def rect(self, x1: float, y1: float, x2: float, y2: float, fill: Paint, radius: float = 0.0) -> None:
        span = self._span(x1, y1, x2, y2)
        round_by = min(radius * min(self.width, self.height), (span[2] - span[0]) / 2, (span[3] - span[1]) / 2)
        self.draw.rounded_rectangle(span, radius=round_by, fill=fill)

    def poly(self, points: Sequence[Point], fill: Paint) -> None:
        self.draw.polygon([self.at(x, y) for x, y in points], fill=fill)

    def line(self, points: Sequence[Point], width: float, fill: Paint) -> None:
        thick = max(1, round(width * self.height))
        places = [self.at(x, y) for x, y in points]
        self.draw.line(places, fill=fill, width=thick)
        for x, y in places:
            half = thick / 2 - 0.5
            self.draw.ellipse((x - half, y - half, x + half, y + half), fill=fill)

    def slice(self, x1: float, y1: float, x2: float, y2: float, angles: Point, fill: Paint) -> None:
        """A slice of an oval between two angles in degrees, clockwise from three o'clock."""
        start, end = (180 - angles[1], 180 - angles[0]) if self.flip else angles
        self.draw.pieslice(self._span(x1, y1, x2, y2), start, end, fill=fill)

    def ring(self, x1: float, y1: float, x2: float, y2: float, width: float, fill: Paint) -> None:
        self.draw.ellipse(self._span(x1, y1, x2, y2), outline=fill, width=max(1, round(width * self.height)))

    def arc(self, span: tuple[float, float, float, float], angles: Point, width: float, fill: Paint) -> None:
        start, end = (180 - angles[1], 180 - angles[0]) if self.flip else angles
        thick = max(1, round(width * self.height))
        self.draw.arc(self._span(*span), start, end, fill=fill, width=thick)

    def write(self, text: str, fill: Paint) -> None:
        """Capital letters that fill the box, in the font that Pillow itself carries."""
        size = self.height
        font = ImageFont.load_default(size)
        for _ in range(2):
            left, top, right, bottom = self.draw.textbbox((0, 0), text, font=font)
            share = min(self.height / (bottom - top), self.width / (right - left))
            size *= share
            font = ImageFont.load_default(size)
        left, top, right, bottom = self.draw.textbbox((0, 0), text, font=font)
        x = self.left + (self.width - (right - left)) / 2 - left
        y = self.top + (self.height - (bottom - top)) / 2 - top
        self.draw.text((x, y), text, font=font, fill=fill)


@dataclass(frozen=True)
class Canvas:
    """A picture in the making, `SCALE` times its final size."""

    image: Image.Image
    draw: ImageDraw.ImageDraw

    def pen(self, box: tuple[float, float, float, float], flip: bool = False) -> Pen:
        """A pen for a box in pixels of the final picture."""
        x1, y1, x2, y2 = (value * SCALE for value in box)
        return Pen(self.draw, x1, y1, x2 - x1, y2 - y1, flip)

    def fade(self, box: tuple[float, float, float, float], top: Rgb, bottom: Rgb) -> None:
        """Fills a box with a colour that turns into another from top to bottom."""
        x1, y1, x2, y2 = (round(value * SCALE) for value in box)
        for y in range(y1, y2):
            share = (y - y1) / max(1, y2 - y1 - 1)
            colour = tuple(round(a + (b - a) * share) for a, b in zip(top, bottom, strict=True))
            self.draw.line((x1, y, x2, y), fill=colour)

    def finish(self) -> Image.Image:
        width, height = self.image.size
        return self.image.resize((width // SCALE, height // SCALE), Image.Resampling.BOX)


def new_canvas(width: int, height: int) -> Canvas:
    image = Image.new("RGB", (width * SCALE, height * SCALE), (255, 255, 255))
    return Canvas(image, ImageDraw.Draw(image, "RGBA"))
