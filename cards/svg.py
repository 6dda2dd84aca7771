"""Small drawings as inline SVG: stacked bars, a funnel's steps, a histogram, dots, boxes on an image.

Drawings stretch to the width they are given and hold no text but box numbers, so labels stay at their
size on a narrow screen; colours are classes of the page's style sheet and follow light and dark.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

_WIDTH = 1000.0
_THINNEST = 5.0
BOX_COLOURS = 8


@dataclass(frozen=True)
class Box:
    """A box as the conversation writes it: x1 y1 x2 y2 in [0, 1], origin at the top left.

    `number` is its order of appearance; `in_answer` says that the model must write it.
    """

    x1: float
    y1: float
    x2: float
    y2: float
    number: int
    in_answer: bool

    @property
    def fits(self) -> bool:
        return 0 <= self.x1 < self.x2 <= 1 and 0 <= self.y1 < self.y2 <= 1

    @property
    def colour(self) -> int:
        return (self.number - 1) % BOX_COLOURS


def stacked_bar(parts: Sequence[tuple[str, float]], whole: float) -> Markup:
    """Segments `(class, amount)` beside one another, `whole` being the full width.

    A segment that is not zero is never thinner than can be seen.
    """
    return _svg("bar", 10, _segments(parts, whole, 10))


def funnel_step(parts: Sequence[tuple[str, float]], following: float, whole: float) -> Markup:
    """A stage's bar and, under it, the band that leads its first part to the next stage's rows."""
    lead = max(parts[0][1] if parts else 0.0, 0.0) / whole * _WIDTH if whole else 0.0
    end = following / whole * _WIDTH if whole else 0.0
    band = f'<path class="band" d="M0 58 L{lead:.1f} 58 L{end:.1f} 100 L0 100 Z"/>' if following else ""
    return _svg("flow", 100, _segments(parts, whole, 58) + Markup(band))


def histogram(counts: Sequence[int], labels: Sequence[str], shade: tuple[float, float] | None) -> Markup:
    """Bars as high as `counts`, each with its label as a tooltip; `shade` is a band in shares of width."""
    top = max(counts, default=0)
    each = _WIDTH / max(1, len(counts))
    pieces: list[Markup] = []
    if shade is not None:
        pieces.append(_rect("shade", shade[0] * _WIDTH, 0, (shade[1] - shade[0]) * _WIDTH, 100))
    for i, (count, label) in enumerate(zip(counts, labels, strict=True)):
        if count:
            height = max(0.8, 100 * count / top)
            pieces.append(
                Markup('<rect class="column" x="{}" y="{}" width="{}" height="{}"><title>{}</title></rect>').format(
                    f"{i * each + each * 0.06:.2f}",
                    f"{100 - height:.2f}",
                    f"{each * 0.88:.2f}",
                    f"{height:.2f}",
                    label,
                )
            )
    return _svg("histogram", 100, Markup("").join(pieces))


def dots(places: Sequence[float | None]) -> Markup:
    """A dot at each place, a share of the width, each on a line of its own: the first of class `s0`, then `s1`…

    A dot is a stroke without length and with a round cap, so it stays round however wide the drawing is stretched.
    """
    height = 20 * len(places)
    pieces = [Markup('<path class="middle" d="M{} 0V{}"/>').format(f"{_WIDTH / 2:.0f}", height)]
    for line, place in enumerate(places):
        if place is not None:
            shape = Markup('<path class="dot s{}" d="M{} {}h0"/>')
            pieces.append(shape.format(line, _along(place), 20 * line + 10))
    return _svg("dots", height, Markup("").join(pieces))


def whisker(low: float | None, value: float | None, high: float | None, lines: Sequence[float] = ()) -> Markup:
    """A dot at `value` on the line of its interval, and an upright line at each of `lines`; all in shares of the width.

    What is unknown is left out; like all strokes here, they stay as thick as they are however wide the drawing is.
    """
    pieces = [Markup('<path class="upright" d="M{} 0V20"/>').format(_along(place)) for place in lines]
    if low is not None and high is not None:
        ends = Markup('<path class="reach" d="M{0} 10H{1}M{0} 5V15M{1} 5V15"/>')
        pieces.append(ends.format(_along(low), _along(high)))
    if value is not None:
        pieces.append(Markup('<path class="at" d="M{} 10h0"/>').format(_along(value)))
    return _svg("whisker", 20, Markup("").join(pieces))


def box_overlay(boxes: Sequence[Box], width: int, height: int) -> Markup:
    """The boxes that fit, over an image of `width` x `height` pixels.

    Solid: the answer holds the box; dashed: only the prompt does. Labels stand above
    their boxes where there is room, and move right rather than lie on one another.
    """
    shapes: list[Markup] = []
    tags: list[Markup] = []
    taken: set[tuple[int, int]] = set()
    for box in boxes:
        if not box.fits:
            continue
        x, y = box.x1 * width, box.y1 * height
        w, h = (box.x2 - box.x1) * width, (box.y2 - box.y1) * height
        place = f'x="{x:.1f}" y="{y:.1f}" width="{w:.1f}" height="{h:.1f}"'
        kind = "answer" if box.in_answer else "prompt"
        shapes.append(Markup(f'<rect class="halo" {place}/><rect class="edge c{box.colour} {kind}" {place}/>'))
        tag = 11 + 9 * len(str(box.number))
        left, top = min(x, width - tag), y - 18 if y >= 18 else y
        while (round(left / 10), round(top / 9)) in taken and left + 2 * tag <= width:
            left += tag
        taken.add((round(left / 10), round(top / 9)))
        tags.append(
            Markup(
                f'<g transform="translate({left:.1f} {top:.1f})"><rect class="tag c{box.colour}" '
                f'width="{tag}" height="18"/><text x="{tag / 2}" y="13.5">{box.number}</text></g>'
            )
        )
    return Markup(f'<svg class="overlay" viewBox="0 0 {width} {height}" aria-hidden="true">{{}}{{}}</svg>').format(
        Markup("").join(shapes), Markup("").join(tags)
    )


def ticks(low: float, high: float, wanted: int = 6) -> list[float]:
    """Round values between `low` and `high`, about `wanted` of them."""
    if not high > low:
        return [low]
    rough = (high - low) / wanted
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [round(i * step, 10) for i in range(first, last + 1)]


def _along(place: float) -> str:
    return f"{min(1, max(0, place)) * _WIDTH:.1f}"


def _segments(parts: Sequence[tuple[str, float]], whole: float, height: float) -> Markup:
    if whole <= 0:
        return Markup("")
    widths = [max(_THINNEST, amount / whole * _WIDTH) if amount > 0 else 0.0 for _, amount in parts]
    excess = sum(widths) - max(_WIDTH * sum(max(0.0, a) for _, a in parts) / whole, 0.0)
    if widths and excess > 0:
        widest = max(range(len(widths)), key=widths.__getitem__)
        widths[widest] = max(_THINNEST, widths[widest] - excess)
    pieces: list[Markup] = []
    x = 0.0
    for (kind, _), width in zip(parts, widths, strict=True):
        if width:
            pieces.append(_rect(kind, x, 0, width, height))
        x += width
    return Markup("").join(pieces)


def _rect(kind: str, x: float, y: float, width: float, height: float) -> Markup:
    return Markup('<rect class="{}" x="{}" y="{}" width="{}" height="{}"/>').format(
        kind, f"{x:.2f}", f"{y:.2f}", f"{width:.2f}", f"{height:.2f}"
    )


def _svg(kind: str, height: int, content: Markup) -> Markup:
    return Markup('<svg class="{}" viewBox="0 0 {} {}" preserveAspectRatio="none" aria-hidden="true">{}</svg>').format(
        kind, f"{_WIDTH:.0f}", height, content
    )
