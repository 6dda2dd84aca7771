"""Distributions for the card as SVG files: each stands alone, with its own ground, axis and words.

A card is read on a light page and on a dark one, and an image in it cannot know which; so a plot brings its ground
with it. Files hold no script and no address.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from cards.distributions import Floats
from cards.svg import ticks
from cards.text import figure, visible

WIDTH = 760
BARS_SHOWN = 20
LONGEST_LABEL = 36
_MARGIN, _LEFT, _RIGHT = 24, 24, 24
_PANEL, _ROW = 150, 24
_LABELS = 270
_INK, _FAINT, _GROUND, _FILL, _BAND, _EDGE = "#1f2328", "#59636e", "#ffffff", "#2f6f9f", "#e8eff5", "#d1d9e0"


@dataclass(frozen=True)
class Panel:
    """Values of one kind between `low` and `high`; those beyond stand in the last columns, and are counted."""

    title: str
    values: Floats
    low: float
    high: float

    @property
    def words(self) -> str:
        """What the panel shows, for whoever does not see it."""
        p5, median, p95 = (figure(float(v)) for v in np.percentile(self.values, [5, 50, 95]))
        beyond = int(((self.values < self.low) | (self.values > self.high)).sum())
        outside = f"; {beyond:,} beyond the ends" if beyond else ""
        return f"{self.title}: median {median}, 5 % below {p5}, 5 % above {p95}; {self.values.size:,} values{outside}"


def histograms(panels: Sequence[Panel], bins: int = 48) -> str:
    """The panels under one another. A band is from the 5th to the 95th percentile, the line is the median."""
    height = _MARGIN + (_PANEL + 62) * len(panels)
    drawn = [_panel(panel, _MARGIN + (_PANEL + 62) * number, bins) for number, panel in enumerate(panels)]
    return _document(height, ". ".join(panel.words for panel in panels), Markup("").join(drawn))


def bars(title: str, counts: Sequence[tuple[str, int]]) -> str:
    """A bar for each of the first `BARS_SHOWN` labels, and a line about the others."""
    shown, others = counts[:BARS_SHOWN], counts[BARS_SHOWN:]
    rest = f"and {len(others):,} others with {sum(count for _, count in others):,}" if others else ""
    top = max(count for _, count in shown)
    room = WIDTH - _LABELS - _RIGHT - 60
    pieces = [_text(_LEFT, _MARGIN + 12, title, weight=600)]
    for number, (label, count) in enumerate(shown):
        y = _MARGIN + 26 + _ROW * number
        pieces.append(_text(_LABELS - 8, y + 15, _safe(label), anchor="end"))
        pieces.append(_rect(_LABELS, y + 3, max(1.0, room * count / top), _ROW - 7, _FILL))
        pieces.append(_text(_LABELS + room * count / top + 6, y + 15, f"{count:,}", fill=_FAINT))
    end = _MARGIN + 26 + _ROW * len(shown)
    if rest:
        pieces.append(_text(_LABELS, end + 15, rest, fill=_FAINT))
    words = f"{title}: " + ", ".join(
        [*(f"{_safe(label)} {count:,}" for label, count in shown), *([rest] if rest else [])]
    )
    return _document(end + (_ROW if rest else 0) + 16, words, Markup("").join(pieces))


def _panel(panel: Panel, top: float, bins: int) -> Markup:
    room, base = WIDTH - _LEFT - _RIGHT, top + 22 + _PANEL
    low, high, values = panel.low, panel.high, panel.values
    counts, _ = np.histogram(np.clip(values, low, high), bins=bins, range=(low, high))
    p5, median, p95 = (_LEFT + room * _at(float(v), low, high) for v in np.percentile(values, [5, 50, 95]))
    each = room / bins
    pieces = [
        _text(_LEFT, top + 12, panel.title, weight=600),
        _rect(p5, top + 22, p95 - p5, _PANEL, _BAND),
    ]
    for number, count in enumerate(int(count) for count in counts):
        if count:
            height = max(1.0, (_PANEL - 6) * count / int(counts.max()))
            pieces.append(_rect(_LEFT + each * number + 0.8, base - height, each - 1.6, height, _FILL))
    line = Markup('<path d="M{:.1f} {:.1f}V{:.1f}" stroke="{}" stroke-width="{}"{}/>')
    pieces.append(line.format(median, top + 22, base, _INK, 1.5, Markup(' stroke-dasharray="4 3"')))
    side = "end" if median > WIDTH - 140 else "start"
    number_of = f"median {figure(float(np.median(values)))}"
    pieces.append(_text(median + (-5 if side == "end" else 5), top + 34, number_of, anchor=side, size=12))
    pieces.append(_rect(_LEFT, base, room, 1, _FAINT))
    for tick in ticks(low, high):
        x = _LEFT + room * _at(tick, low, high)
        pieces.append(line.format(x, base, base + 4, _FAINT, 1, ""))
        anchor = "start" if x < _LEFT + 8 else "end" if x > WIDTH - _RIGHT - 8 else "middle"
        pieces.append(_text(x, base + 18, figure(tick), anchor=anchor, size=12, fill=_FAINT))
    return Markup("").join(pieces)


def _at(value: float, low: float, high: float) -> float:
    return min(1.0, max(0.0, (value - low) / (high - low)))


def _document(height: float, words: str, content: Markup) -> str:
    return Markup(
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {w} {h:.0f}" width="{w}" height="{h:.0f}" role="img" '
        'font-family="system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif" font-size="13">'
        '<title>{words}</title><rect x="0.5" y="0.5" width="{iw}" height="{ih:.0f}" rx="8" fill="{ground}" '
        'stroke="{edge}"/>{content}</svg>\n'
    ).format(w=WIDTH, h=height, iw=WIDTH - 1, ih=height - 1, words=words, ground=_GROUND, edge=_EDGE, content=content)


def _rect(x: float, y: float, width: float, height: float, fill: str) -> Markup:
    shape = Markup('<rect x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" fill="{}"/>')
    return shape.format(x, y, width, height, fill)


def _text(
    x: float, y: float, words: str, anchor: str = "start", size: int = 13, weight: int = 400, fill: str = _INK
) -> Markup:
    shape = Markup('<text x="{:.1f}" y="{:.1f}" text-anchor="{}" font-size="{}" font-weight="{}" fill="{}">{}</text>')
    return shape.format(x, y, anchor, size, weight, fill, words)


def _safe(label: str) -> str:
    """A label from outside: short, on one line, with characters that XML allows."""
    line = visible(" ".join(label.split()))
    return line if len(line) <= LONGEST_LABEL else f"{line[: LONGEST_LABEL - 1]}…"
