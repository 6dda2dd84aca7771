"""How furniture, tableware, food and plain shapes are drawn: one function a noun, each filling its box."""

from collections.abc import Callable
from math import cos, pi, sin

from builders.demo.drawing import Pen, Point, Rgb, darker, lighter

STEM: Rgb = (98, 146, 84)
WOOD: Rgb = (176, 124, 84)


def _cup(pen: Pen, colour: Rgb) -> None:
    pen.ring(0.6, 0.24, 1.0, 0.76, 0.09, darker(colour, 0.12))
    pen.poly([(0, 0.07), (0.78, 0.07), (0.68, 1), (0.1, 1)], colour)
    pen.poly([(0.6, 0.07), (0.78, 0.07), (0.68, 1), (0.52, 1)], darker(colour, 0.12))
    pen.oval(0, 0, 0.78, 0.17, lighter(colour, 0.3))
    pen.oval(0.06, 0.03, 0.72, 0.15, (110, 74, 54))


def _plate(pen: Pen, colour: Rgb) -> None:
    pen.oval(0, 0.12, 1, 1, darker(colour, 0.18))
    pen.oval(0, 0, 1, 0.86, colour)
    pen.oval(0.16, 0.15, 0.84, 0.68, darker(colour, 0.06))


def _bottle(pen: Pen, colour: Rgb) -> None:
    pen.rect(0.36, 0, 0.64, 0.1, darker(colour, 0.35), 0.05)
    pen.rect(0.39, 0.08, 0.61, 0.36, colour)
    pen.rect(0, 0.3, 1, 1, colour, 0.32)
    pen.rect(0, 0.54, 1, 0.8, (248, 244, 232))
    pen.rect(0.14, 0.36, 0.24, 0.52, lighter(colour, 0.5), 0.1)


def _vase(pen: Pen, colour: Rgb) -> None:
    pen.poly([(0.2, 0.04), (0.8, 0.04), (0.68, 0.32), (0.32, 0.32)], colour)
    pen.oval(0, 0.2, 1, 0.92, colour)
    pen.poly([(0.22, 0.8), (0.78, 0.8), (0.74, 1), (0.26, 1)], darker(colour, 0.12))
    pen.oval(0.2, 0, 0.8, 0.09, darker(colour, 0.3))
    pen.oval(0.16, 0.34, 0.34, 0.62, lighter(colour, 0.45))


def _lamp(pen: Pen, colour: Rgb) -> None:
    pen.rect(0.46, 0.4, 0.54, 0.96, (134, 122, 116))
    pen.oval(0.22, 0.9, 0.78, 1, (112, 102, 98))
    pen.poly([(0.28, 0), (0.72, 0), (1, 0.48), (0, 0.48)], colour)
    pen.poly([(0.56, 0), (0.72, 0), (1, 0.48), (0.68, 0.48)], darker(colour, 0.1))
    pen.oval(0.36, 0.46, 0.64, 0.54, (255, 243, 196))


def _pillow(pen: Pen, colour: Rgb) -> None:
    pen.rect(0.02, 0.04, 0.98, 0.96, colour, 0.36)
    for x, y in ((0, 0), (0.84, 0), (0, 0.72), (0.84, 0.72)):
        pen.oval(x, y, x + 0.16, y + 0.28, colour)
    pen.arc((0.14, 0.3, 0.86, 0.9), (25, 155), 0.05, darker(colour, 0.12))


def _apple(pen: Pen, colour: Rgb) -> None:
    pen.line([(0.5, 0.28), (0.54, 0.04)], 0.06, (112, 80, 58))
    pen.oval(0.54, 0.03, 0.84, 0.2, STEM)
    pen.oval(0.0, 0.18, 0.62, 1, colour)
    pen.oval(0.38, 0.18, 1.0, 1, colour)
    pen.oval(0.14, 0.3, 0.3, 0.5, lighter(colour, 0.5))


def _banana(pen: Pen, colour: Rgb) -> None:
    outer = [(0.5 - 0.5 * cos(pi * step / 16), sin(pi * step / 16)) for step in range(17)]
    inner = [(0.5 - 0.42 * cos(pi * step / 16), 0.6 * sin(pi * step / 16)) for step in range(16, -1, -1)]
    pen.poly(outer + inner, colour)
    for x in (0.0, 0.92):
        pen.oval(x, 0.0, x + 0.08, 0.14, darker(colour, 0.45))


def _orange(pen: Pen, colour: Rgb) -> None:
    pen.oval(0, 0, 1, 1, darker(colour, 0.14))
    pen.oval(0.03, 0.0, 0.97, 0.86, colour)
    pen.oval(0.24, 0.14, 0.46, 0.34, lighter(colour, 0.5))
    pen.oval(0.44, 0.02, 0.56, 0.12, STEM)


def _cake(pen: Pen, colour: Rgb) -> None:
    for x in (0.28, 0.5, 0.72):
        pen.rect(x - 0.02, 0.08, x + 0.02, 0.34, (120, 176, 214))
        pen.oval(x - 0.03, 0, x + 0.03, 0.13, (255, 190, 84))
    pen.rect(0, 0.3, 1, 1, (244, 222, 188), 0.1)
    pen.rect(0, 0.3, 1, 0.52, colour, 0.1)
    for index in range(6):
        deep = 0.66 if index % 2 else 0.59
        pen.rect(index / 6, 0.42, (index + 1) / 6, deep, colour, 0.09)
    pen.rect(0, 0.78, 1, 0.84, colour)


def _hat(pen: Pen, colour: Rgb) -> None:
    pen.rect(0, 0.72, 1, 1, darker(colour, 0.12), 0.4)
    pen.rect(0.2, 0, 0.8, 0.84, colour, 0.3)
    pen.rect(0.2, 0.56, 0.8, 0.74, darker(colour, 0.35))


def _circle(pen: Pen, colour: Rgb) -> None:
    pen.oval(0, 0, 1, 1, colour)


def _square(pen: Pen, colour: Rgb) -> None:
    pen.rect(0, 0, 1, 1, colour)


def _triangle(pen: Pen, colour: Rgb) -> None:
    pen.poly([(0.5, 0), (1, 1), (0, 1)], colour)


def _star(pen: Pen, colour: Rgb) -> None:
    points: list[Point] = []
    for index in range(10):
        size = 0.526 if index % 2 == 0 else 0.21
        angle = -pi / 2 + index * pi / 5
        points.append((0.5 + size * cos(angle), 0.553 + size * 1.051 * sin(angle)))
    pen.poly(points, colour)


def _table(pen: Pen, colour: Rgb) -> None:
    for x in (0.06, 0.88):
        pen.rect(x, 0.1, x + 0.06, 1, darker(colour, 0.24))
    pen.rect(0, 0, 1, 0.16, colour, 0.04)
    pen.rect(0.03, 0.16, 0.97, 0.24, darker(colour, 0.16))


def _desk(pen: Pen, colour: Rgb) -> None:
    pen.rect(0.05, 0.1, 0.11, 1, darker(colour, 0.24))
    pen.rect(0.66, 0.1, 0.95, 1, darker(colour, 0.16))
    for y in (0.2, 0.46, 0.72):
        pen.rect(0.69, y, 0.92, y + 0.2, lighter(colour, 0.08), 0.02)
        pen.oval(0.79, y + 0.08, 0.82, y + 0.13, darker(colour, 0.5))
    pen.rect(0, 0, 1, 0.13, colour, 0.04)


def _sofa(pen: Pen, colour: Rgb) -> None:
    for x in (0.08, 0.86):
        pen.rect(x, 0.86, x + 0.06, 1, (112, 84, 66))
    pen.rect(0.06, 0, 0.94, 0.7, colour, 0.16)
    pen.rect(0.1, 0.48, 0.9, 0.86, lighter(colour, 0.14), 0.1)
    pen.rect(0.495, 0.5, 0.505, 0.86, darker(colour, 0.14))
    pen.rect(0, 0.3, 0.14, 0.92, darker(colour, 0.1), 0.14)
    pen.rect(0.86, 0.3, 1, 0.92, darker(colour, 0.1), 0.14)


def _bed(pen: Pen, colour: Rgb) -> None:
    pen.rect(0, 0, 0.07, 1, WOOD, 0.05)
    pen.rect(0.94, 0.4, 1, 1, WOOD, 0.05)
    pen.rect(0.04, 0.72, 0.96, 0.88, darker(WOOD, 0.15))
    pen.rect(0.06, 0.46, 0.95, 0.76, (246, 244, 238), 0.08)
    pen.rect(0.36, 0.42, 0.95, 0.78, colour, 0.1)
    pen.rect(0.36, 0.42, 0.46, 0.78, lighter(colour, 0.4), 0.08)


def _shelf(pen: Pen, colour: Rgb) -> None:
    pen.rect(0, 0, 1, 1, darker(colour, 0.1))
    for y in (0.06, 0.54):
        pen.rect(0.04, y, 0.96, y + 0.42, darker(colour, 0.38))
    pen.rect(0.04, 0.48, 0.96, 0.54, lighter(colour, 0.1))


def _bench(pen: Pen, colour: Rgb) -> None:
    for x in (0.08, 0.86):
        pen.rect(x, 0.1, x + 0.06, 1, (92, 94, 102), 0.03)
    for y in (0.0, 0.2):
        pen.rect(0, y, 1, y + 0.15, colour, 0.06)
    pen.rect(0, 0.52, 1, 0.68, darker(colour, 0.1), 0.06)


def _rug(pen: Pen, colour: Rgb) -> None:
    pen.oval(0, 0, 1, 1, colour)
    pen.oval(0.08, 0.1, 0.92, 0.9, lighter(colour, 0.4))
    pen.oval(0.16, 0.2, 0.84, 0.8, colour)


HOUSEHOLD: dict[str, Callable[[Pen, Rgb], None]] = {
    "cup": _cup,
    "plate": _plate,
    "bottle": _bottle,
    "vase": _vase,
    "lamp": _lamp,
    "pillow": _pillow,
    "apple": _apple,
    "banana": _banana,
    "orange": _orange,
    "cake": _cake,
    "hat": _hat,
    "circle": _circle,
    "square": _square,
    "triangle": _triangle,
    "star": _star,
    "table": _table,
    "desk": _desk,
    "sofa": _sofa,
    "bed": _bed,
    "shelf": _shelf,
    "bench": _bench,
    "rug": _rug,
}
