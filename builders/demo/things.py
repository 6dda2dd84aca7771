"""How things that stand about are drawn: one function a noun, each filling its pen's box."""

from collections.abc import Callable
from math import cos, pi, sin

from builders.demo.drawing import Pen, Rgb, darker, lighter

INK: Rgb = (58, 56, 66)
GLASS: Rgb = (196, 224, 238)
STEM: Rgb = (98, 146, 84)
SILVER: Rgb = (206, 212, 220)


def _ball(pen: Pen, colour: Rgb) -> None:
    pen.oval(0, 0, 1, 1, colour)
    pen.slice(0.0, 0.0, 1, 1, (20, 160), darker(colour, 0.14))
    pen.oval(0.06, 0.03, 0.94, 0.8, colour)
    pen.oval(0.24, 0.14, 0.46, 0.34, lighter(colour, 0.55))


def _box(pen: Pen, colour: Rgb) -> None:
    pen.poly([(0, 0.22), (0.16, 0), (1, 0), (0.84, 0.22)], lighter(colour, 0.3))
    pen.poly([(0.84, 0.22), (1, 0), (1, 0.8), (0.84, 1)], darker(colour, 0.25))
    pen.rect(0, 0.22, 0.84, 1, colour)
    pen.rect(0.35, 0.22, 0.49, 1, lighter(colour, 0.35))


def _book(pen: Pen, colour: Rgb) -> None:
    pen.rect(0, 0, 1, 1, colour, 0.1)
    pen.rect(0, 0.12, 1, 0.18, lighter(colour, 0.55))
    pen.rect(0, 0.82, 1, 0.88, lighter(colour, 0.55))
    pen.rect(0.3, 0.36, 0.7, 0.64, lighter(colour, 0.3), 0.1)


def _chair(pen: Pen, colour: Rgb) -> None:
    for x in (0.06, 0.84):
        pen.rect(x, 0.5, x + 0.1, 1, darker(colour, 0.28), 0.03)
    pen.rect(0.06, 0, 0.94, 0.42, colour, 0.12)
    pen.rect(0.18, 0.09, 0.82, 0.33, lighter(colour, 0.16), 0.08)
    for x in (0.16, 0.76):
        pen.rect(x, 0.4, x + 0.08, 0.56, darker(colour, 0.2))
    pen.rect(0, 0.54, 1, 0.66, darker(colour, 0.08), 0.06)


def _bag(pen: Pen, colour: Rgb) -> None:
    pen.arc((0.25, 0.0, 0.75, 0.6), (180, 360), 0.07, darker(colour, 0.35))
    pen.poly([(0.06, 0.3), (0.94, 0.3), (1, 1), (0, 1)], colour)
    pen.poly([(0.06, 0.3), (0.94, 0.3), (0.955, 0.46), (0.045, 0.46)], darker(colour, 0.16))
    pen.oval(0.43, 0.5, 0.57, 0.6, (246, 214, 120))


def _umbrella(pen: Pen, colour: Rgb) -> None:
    pen.line([(0.5, 0.05), (0.5, 0.985)], 0.03, (128, 96, 74))
    for x, shade in ((0.0, colour), (0.17, lighter(colour, 0.45)), (0.36, colour)):
        pen.slice(x, 0, 1 - x, 0.9, (180, 360), shade)


def _bicycle(pen: Pen, colour: Rgb) -> None:
    for x in (0.0, 0.6):
        pen.ring(x, 0.36, x + 0.4, 1, 0.06, INK)
        pen.oval(x + 0.18, 0.64, x + 0.22, 0.72, SILVER)
    frame = ([(0.2, 0.68), (0.36, 0.3), (0.7, 0.3), (0.8, 0.68)], [(0.36, 0.3), (0.48, 0.7), (0.7, 0.3)])
    for points in (*frame, [(0.2, 0.68), (0.48, 0.7)], [(0.7, 0.32), (0.66, 0.05), (0.76, 0.05)]):
        pen.line(points, 0.06, colour)
    pen.line([(0.29, 0.19), (0.43, 0.19)], 0.07, INK)
    pen.line([(0.36, 0.2), (0.36, 0.3)], 0.05, colour)


def _wheel(pen: Pen, x: float, y: float, wide: float) -> None:
    high = wide * pen.width / pen.height
    pen.oval(x, y, x + wide, y + high, INK)
    pen.oval(x + wide * 0.28, y + high * 0.28, x + wide * 0.72, y + high * 0.72, SILVER)


def _car(pen: Pen, colour: Rgb) -> None:
    pen.poly([(0.17, 0.45), (0.3, 0.03), (0.68, 0.03), (0.86, 0.45)], darker(colour, 0.08))
    pen.rect(0.3, 0.0, 0.68, 0.2, darker(colour, 0.08), 0.1)
    pen.poly([(0.24, 0.43), (0.34, 0.12), (0.48, 0.12), (0.48, 0.43)], GLASS)
    pen.poly([(0.52, 0.43), (0.52, 0.12), (0.66, 0.12), (0.79, 0.43)], GLASS)
    pen.rect(0, 0.4, 1, 0.82, colour, 0.22)
    pen.rect(0, 0.62, 1, 0.82, darker(colour, 0.14), 0.18)
    pen.oval(0.93, 0.48, 1.0, 0.62, (255, 236, 170))
    pen.rect(0.5, 0.48, 0.58, 0.52, lighter(colour, 0.5), 0.02)
    for x in (0.14, 0.68):
        _wheel(pen, x, 1 - 0.18 * pen.width / pen.height, 0.18)


def _bus(pen: Pen, colour: Rgb) -> None:
    pen.rect(0, 0, 1, 0.88, colour, 0.1)
    pen.rect(0, 0.6, 1, 0.88, darker(colour, 0.15), 0.08)
    for index in range(4):
        pen.rect(0.04 + index * 0.18, 0.14, 0.19 + index * 0.18, 0.46, GLASS, 0.04)
    pen.rect(0.78, 0.14, 0.9, 0.8, lighter(GLASS, 0.2), 0.03)
    pen.rect(0.93, 0.14, 1, 0.52, GLASS, 0.02)
    pen.rect(0, 0.5, 0.76, 0.55, lighter(colour, 0.5))
    for x in (0.12, 0.62):
        _wheel(pen, x, 1 - 0.13 * pen.width / pen.height, 0.13)


def _truck(pen: Pen, colour: Rgb) -> None:
    pen.rect(0, 0, 0.66, 0.82, lighter(colour, 0.55), 0.05)
    pen.rect(0.05, 0.08, 0.61, 0.2, lighter(colour, 0.25), 0.03)
    pen.rect(0.68, 0.24, 1, 0.84, colour, 0.12)
    pen.rect(0.78, 0.32, 0.97, 0.54, GLASS, 0.05)
    pen.rect(0, 0.76, 1, 0.84, darker(colour, 0.4))
    for x in (0.1, 0.28, 0.76):
        _wheel(pen, x, 1 - 0.15 * pen.width / pen.height, 0.15)


def _train(pen: Pen, colour: Rgb) -> None:
    pen.rect(0, 0, 0.9, 0.86, colour, 0.1)
    pen.poly([(0.8, 0.0), (0.9, 0.06), (1, 0.7), (0.98, 0.86), (0.8, 0.86)], colour)
    pen.poly([(0.84, 0.14), (0.895, 0.14), (0.945, 0.44), (0.84, 0.44)], GLASS)
    for index in range(5):
        pen.rect(0.04 + index * 0.155, 0.16, 0.16 + index * 0.155, 0.44, GLASS, 0.05)
    pen.rect(0, 0.56, 0.98, 0.66, lighter(colour, 0.6))
    for x in (0.06, 0.2, 0.62, 0.76):
        _wheel(pen, x, 1 - 0.09 * pen.width / pen.height, 0.09)


def _boat(pen: Pen, colour: Rgb) -> None:
    pen.rect(0.48, 0, 0.51, 0.74, (120, 92, 72))
    pen.poly([(0.53, 0.02), (0.53, 0.64), (0.94, 0.64)], (252, 250, 244))
    pen.poly([(0.46, 0.14), (0.46, 0.64), (0.14, 0.64)], (236, 234, 226))
    pen.poly([(0, 0.7), (1, 0.7), (0.84, 1), (0.16, 1)], colour)
    pen.poly([(0, 0.7), (1, 0.7), (0.965, 0.77), (0.035, 0.77)], lighter(colour, 0.45))


def _airplane(pen: Pen, colour: Rgb) -> None:
    pen.poly([(0.02, 0.06), (0.12, 0.0), (0.26, 0.42), (0.1, 0.5)], darker(colour, 0.2))
    pen.poly([(0.5, 0.42), (0.36, 0.06), (0.46, 0.06), (0.66, 0.42)], darker(colour, 0.24))
    pen.rect(0.04, 0.34, 1, 0.72, colour, 0.4)
    pen.poly([(0.0, 0.4), (0.2, 0.36), (0.2, 0.7)], colour)
    for index in range(6):
        pen.oval(0.32 + index * 0.08, 0.44, 0.36 + index * 0.08, 0.54, GLASS)
    pen.rect(0.86, 0.42, 0.95, 0.52, INK, 0.05)
    pen.poly([(0.42, 0.58), (0.64, 0.58), (0.4, 1), (0.3, 1)], darker(colour, 0.12))


def _kite(pen: Pen, colour: Rgb) -> None:
    pen.line([(0.5, 0.68), (0.6, 0.78), (0.44, 0.88), (0.5, 0.985)], 0.02, INK)
    pen.poly([(0.5, 0), (1, 0.32), (0.5, 0.7), (0, 0.32)], colour)
    pen.poly([(0.5, 0), (0.5, 0.32), (0, 0.32)], lighter(colour, 0.4))
    pen.poly([(0.5, 0.7), (0.5, 0.32), (1, 0.32)], darker(colour, 0.2))


def _clock(pen: Pen, colour: Rgb) -> None:
    pen.oval(0, 0, 1, 1, colour)
    pen.oval(0.1, 0.1, 0.9, 0.9, (252, 250, 244))
    for hour in range(12):
        x, y = 0.5 + 0.33 * cos(hour * pi / 6), 0.5 + 0.33 * sin(hour * pi / 6)
        pen.oval(x - 0.02, y - 0.02, x + 0.02, y + 0.02, INK)
    pen.line([(0.5, 0.5), (0.5, 0.24)], 0.04, INK)
    pen.line([(0.5, 0.5), (0.68, 0.6)], 0.05, INK)


def _phone(pen: Pen, colour: Rgb) -> None:
    pen.rect(0, 0, 1, 1, colour, 0.16)
    pen.rect(0.09, 0.08, 0.91, 0.88, (184, 220, 236), 0.06)
    pen.oval(0.42, 0.905, 0.58, 0.975, lighter(colour, 0.5))


def _mirror(pen: Pen, colour: Rgb) -> None:
    pen.oval(0, 0, 1, 1, colour)
    pen.oval(0.1, 0.07, 0.9, 0.93, (206, 230, 240))
    pen.poly([(0.3, 0.62), (0.6, 0.2), (0.68, 0.24), (0.36, 0.7)], (238, 247, 250))


def _flower(pen: Pen, colour: Rgb) -> None:
    pen.line([(0.5, 0.3), (0.5, 0.98)], 0.04, STEM)
    pen.oval(0.5, 0.66, 0.86, 0.8, STEM)
    pen.oval(0.14, 0.74, 0.5, 0.88, darker(STEM, 0.12))
    wide = 0.48
    high = wide * pen.width / pen.height
    for index in range(6):
        x, y = 0.5 + 0.6 * wide * cos(index * pi / 3), high + 0.6 * high * sin(index * pi / 3)
        pen.oval(x - wide * 0.42, y - high * 0.42, x + wide * 0.42, y + high * 0.42, colour)
    pen.oval(0.5 - wide * 0.32, high * 0.68, 0.5 + wide * 0.32, high * 1.32, (255, 222, 120))


def _tree(pen: Pen, colour: Rgb) -> None:
    pen.poly([(0.43, 1), (0.46, 0.5), (0.54, 0.5), (0.57, 1)], (134, 98, 72))
    pen.oval(0.0, 0.24, 0.6, 0.66, darker(colour, 0.12))
    pen.oval(0.4, 0.24, 1.0, 0.66, darker(colour, 0.08))
    pen.oval(0.16, 0.0, 0.84, 0.52, colour)
    pen.oval(0.26, 0.06, 0.54, 0.26, lighter(colour, 0.2))


def _house(pen: Pen, colour: Rgb) -> None:
    pen.rect(0.7, 0.04, 0.8, 0.3, darker(colour, 0.4))
    pen.rect(0.08, 0.36, 0.92, 1, colour)
    pen.poly([(0.5, 0), (1, 0.4), (0, 0.4)], (168, 88, 76))
    for x in (0.18, 0.64):
        pen.rect(x, 0.5, x + 0.18, 0.7, (250, 246, 236))
        pen.rect(x + 0.02, 0.52, x + 0.16, 0.68, GLASS)
    pen.rect(0.43, 0.62, 0.57, 1, darker(colour, 0.45))


def _sign(pen: Pen, colour: Rgb) -> None:
    pen.rect(0, 0, 1, 1, darker(colour, 0.3), 0.14)
    pen.rect(0.02, 0.06, 0.98, 0.94, colour, 0.12)


def _balloon(pen: Pen, colour: Rgb) -> None:
    pen.line([(0.5, 0.6), (0.44, 0.8), (0.54, 0.985)], 0.014, (120, 118, 124))
    pen.oval(0, 0, 1, 0.62, colour)
    pen.poly([(0.5, 0.58), (0.58, 0.66), (0.42, 0.66)], darker(colour, 0.15))
    pen.oval(0.2, 0.09, 0.42, 0.25, lighter(colour, 0.5))


THINGS: dict[str, Callable[[Pen, Rgb], None]] = {
    "ball": _ball,
    "box": _box,
    "book": _book,
    "chair": _chair,
    "bag": _bag,
    "umbrella": _umbrella,
    "bicycle": _bicycle,
    "car": _car,
    "bus": _bus,
    "truck": _truck,
    "train": _train,
    "boat": _boat,
    "airplane": _airplane,
    "kite": _kite,
    "clock": _clock,
    "phone": _phone,
    "mirror": _mirror,
    "flower": _flower,
    "tree": _tree,
    "house": _house,
    "sign": _sign,
    "balloon": _balloon,
}
