"""How people and animals are drawn."""

from collections.abc import Callable
from dataclasses import dataclass

from builders.demo.drawing import Pen, Rgb, darker, lighter

INK: Rgb = (58, 56, 66)


@dataclass(frozen=True)
class Look:
    hair: Rgb
    skin: Rgb
    legs: Rgb
    long_hair: bool = False
    skirt: bool = False
    beard: bool = False


LOOKS = {
    "man": Look((84, 62, 50), (236, 190, 158), (72, 84, 112), beard=True),
    "woman": Look((122, 74, 48), (242, 200, 170), (64, 72, 96), long_hair=True, skirt=True),
    "boy": Look((66, 54, 52), (214, 162, 126), (86, 104, 138)),
    "girl": Look((196, 138, 66), (246, 208, 180), (120, 92, 140), long_hair=True, skirt=True),
    "child": Look((148, 96, 56), (244, 204, 174), (88, 120, 112)),
    "player": Look((60, 50, 48), (204, 150, 112), (240, 240, 240)),
}


def _head(pen: Pen, look: Look) -> None:
    if look.long_hair:
        pen.rect(0.04, 0.15, 0.96, 1.0, look.hair, 0.42)
    pen.oval(0.08, 0.0, 0.92, 0.78, look.hair)
    pen.oval(0.14, 0.16, 0.86, 0.98, look.skin)
    pen.slice(0.12, 0.0, 0.88, 0.72, (190, 350), look.hair)
    for x in (0.35, 0.65):
        pen.oval(x - 0.045, 0.5, x + 0.045, 0.6, INK)
        pen.oval(x - 0.13, 0.64, x + 0.07, 0.76, (238, 130, 120, 70))
    if look.beard:
        pen.slice(0.16, 0.3, 0.84, 0.98, (25, 155), look.hair)
        pen.oval(0.38, 0.7, 0.62, 0.84, (246, 236, 230))
    else:
        pen.arc((0.38, 0.58, 0.62, 0.8), (20, 160), 0.035, (170, 82, 78))


def _hand(pen: Pen, x: float, y: float, skin: Rgb, size: float = 0.03) -> None:
    wide = size * pen.height / pen.width
    pen.oval(x - wide, y - size, x + wide, y + size, skin)


def _arm(pen: Pen, points: list[tuple[float, float]], shirt: Rgb, skin: Rgb) -> None:
    pen.line(points, 0.06, shirt)
    _hand(pen, *points[-1], skin)


def _standing(pen: Pen, shirt: Rgb, look: Look, holding: bool) -> None:
    for x in (0.31, 0.53):
        pen.rect(x, 0.58, x + 0.17, 0.97, look.skin if look.skirt else look.legs, 0.05)
        pen.rect(x - 0.04, 0.945, x + 0.18, 1.0, INK, 0.06)
    pen.rect(0.43, 0.17, 0.57, 0.28, darker(look.skin, 0.1))
    if look.skirt:
        pen.poly([(0.3, 0.5), (0.7, 0.5), (0.84, 0.78), (0.16, 0.78)], look.legs)
    _arm(pen, [(0.29, 0.3), (0.17, 0.43), (0.1, 0.56)], darker(shirt, 0.12), look.skin)
    pen.rect(0.24, 0.245, 0.76, 0.62, shirt, 0.2)
    pen.rect(0.24, 0.45, 0.76, 0.62, shirt, 0.05)
    hand = [(0.73, 0.3), (0.83, 0.44), (0.92, 0.4)] if holding else [(0.71, 0.3), (0.83, 0.43), (0.9, 0.56)]
    _arm(pen, hand, darker(shirt, 0.12), look.skin)
    _head(pen.part(0.255, 0.0, 0.745, 0.23), look)


def _sitting(pen: Pen, shirt: Rgb, look: Look) -> None:
    for x in (0.27, 0.55):
        pen.rect(x, 0.66, x + 0.18, 0.97, look.skin if look.skirt else look.legs, 0.06)
        pen.rect(x - 0.03, 0.935, x + 0.19, 1.0, INK, 0.06)
    pen.rect(0.43, 0.2, 0.57, 0.33, darker(look.skin, 0.1))
    _arm(pen, [(0.29, 0.38), (0.13, 0.52), (0.24, 0.66)], darker(shirt, 0.12), look.skin)
    _arm(pen, [(0.71, 0.38), (0.87, 0.52), (0.76, 0.66)], darker(shirt, 0.12), look.skin)
    pen.rect(0.25, 0.3, 0.75, 0.7, shirt, 0.2)
    pen.rect(0.22, 0.62, 0.78, 0.76, look.legs, 0.12)
    _head(pen.part(0.23, 0.0, 0.77, 0.28), look)


def _running(pen: Pen, shirt: Rgb, look: Look) -> None:
    pen.line([(0.44, 0.6), (0.3, 0.76), (0.08, 0.74)], 0.085, darker(look.legs, 0.12))
    pen.line([(0.03, 0.69), (0.05, 0.78)], 0.05, INK)
    pen.line([(0.5, 0.6), (0.74, 0.72), (0.7, 0.95)], 0.085, look.legs)
    pen.line([(0.7, 0.975), (0.82, 0.975)], 0.05, INK)
    _arm(pen, [(0.42, 0.32), (0.2, 0.42), (0.1, 0.33)], darker(shirt, 0.18), look.skin)
    pen.line([(0.52, 0.34), (0.46, 0.56)], 0.21, shirt)
    _arm(pen, [(0.56, 0.33), (0.74, 0.46), (0.93, 0.36)], darker(shirt, 0.12), look.skin)
    pen.line([(0.55, 0.2), (0.54, 0.27)], 0.06, darker(look.skin, 0.1))
    _head(pen.part(0.385, 0.0, 0.775, 0.24), look)


def draw_person(pen: Pen, noun: str, shirt: Rgb, pose: str) -> None:
    look = LOOKS[noun]
    if pose == "sitting":
        _sitting(pen, shirt, look)
    elif pose == "running":
        _running(pen, shirt, look)
    else:
        _standing(pen, shirt, look, holding=pose == "holding")


def _legs(pen: Pen, colour: Rgb, top: float, xs: tuple[float, ...], wide: float, hoof: Rgb) -> None:
    for index, x in enumerate(xs):
        shade = darker(colour, 0.16) if index % 2 else colour
        pen.rect(x, top, x + wide, 1.0, shade, 0.05)
        pen.rect(x, 0.94, x + wide, 1.0, hoof, 0.03)


def _dog(pen: Pen, colour: Rgb, pose: str) -> None:
    if pose == "running":
        for points in ([(0.2, 0.62), (0.1, 0.8), (0.04, 0.96)], [(0.26, 0.66), (0.34, 0.82), (0.26, 0.96)]):
            pen.line(points, 0.1, darker(colour, 0.14))
        for points in ([(0.62, 0.62), (0.78, 0.76), (0.9, 0.92)], [(0.6, 0.64), (0.6, 0.82), (0.7, 0.95)]):
            pen.line(points, 0.1, colour)
    else:
        _legs(pen, colour, 0.55, (0.16, 0.27, 0.56, 0.67), 0.08, darker(colour, 0.25))
    pen.line([(0.14, 0.44), (0.06, 0.3), (0.045, 0.14)], 0.08, darker(colour, 0.1))
    pen.rect(0.1, 0.36, 0.76, 0.72, colour, 0.28)
    pen.poly([(0.54, 0.4), (0.76, 0.52), (0.86, 0.3), (0.66, 0.14)], colour)
    pen.line([(0.645, 0.38), (0.79, 0.42)], 0.05, (222, 78, 70))
    pen.rect(0.78, 0.16, 1.0, 0.35, lighter(colour, 0.25), 0.12)
    pen.oval(0.62, 0.0, 0.9, 0.38, colour)
    pen.oval(0.6, 0.02, 0.72, 0.36, darker(colour, 0.3))
    pen.oval(0.93, 0.15, 1.0, 0.24, INK)
    pen.oval(0.795, 0.12, 0.83, 0.18, INK)


def _cat(pen: Pen, colour: Rgb, pose: str) -> None:
    if pose == "sleeping":
        pen.oval(0.0, 0.02, 0.86, 1.0, colour)
        pen.arc((0.06, 0.2, 0.9, 0.99), (60, 150), 0.14, darker(colour, 0.18))
        head = pen.part(0.6, 0.3, 1.0, 0.96)
    else:
        pen.line([(0.2, 0.9), (0.06, 0.84), (0.09, 0.6)], 0.07, darker(colour, 0.14))
        pen.oval(0.12, 0.38, 0.98, 0.99, darker(colour, 0.06))
        pen.rect(0.12, 0.7, 0.98, 1.0, darker(colour, 0.06), 0.2)
        for x in (0.39, 0.57):
            pen.rect(x, 0.62, x + 0.13, 1.0, colour, 0.1)
        head = pen.part(0.1, 0.0, 1.0, 0.5)
    for points in ([(0.06, 0.5), (0.1, 0.0), (0.46, 0.24)], [(0.94, 0.5), (0.9, 0.0), (0.54, 0.24)]):
        head.poly(points, darker(colour, 0.1))
    head.oval(0.0, 0.12, 1.0, 1.0, lighter(colour, 0.12))
    for x in (0.3, 0.7):
        if pose == "sleeping":
            head.arc((x - 0.1, 0.42, x + 0.1, 0.6), (10, 170), 0.05, INK)
        else:
            head.oval(x - 0.07, 0.42, x + 0.07, 0.62, INK)
    head.poly([(0.43, 0.66), (0.57, 0.66), (0.5, 0.76)], (232, 128, 134))


def _horse(pen: Pen, colour: Rgb, pose: str) -> None:
    _legs(pen, colour, 0.58, (0.16, 0.25, 0.56, 0.65), 0.065, INK)
    pen.poly([(0.14, 0.42), (0.0, 0.5), (0.02, 0.8), (0.09, 0.56), (0.2, 0.5)], darker(colour, 0.42))
    pen.rect(0.11, 0.38, 0.75, 0.7, colour, 0.3)
    pen.poly([(0.54, 0.46), (0.74, 0.62), (0.86, 0.24), (0.7, 0.06)], colour)
    pen.line([(0.56, 0.4), (0.63, 0.2), (0.71, 0.06)], 0.09, darker(colour, 0.42))
    pen.poly([(0.7, 0.08), (0.82, 0.05), (1.0, 0.28), (0.96, 0.38), (0.86, 0.36), (0.74, 0.28)], colour)
    pen.poly([(0.93, 0.2), (1.0, 0.28), (0.96, 0.38), (0.9, 0.36)], lighter(colour, 0.3))
    pen.poly([(0.73, 0.1), (0.76, 0.0), (0.8, 0.09)], darker(colour, 0.2))
    pen.oval(0.825, 0.14, 0.85, 0.19, INK)


def _cow(pen: Pen, colour: Rgb, pose: str) -> None:
    _legs(pen, colour, 0.6, (0.15, 0.25, 0.56, 0.66), 0.08, INK)
    pen.line([(0.11, 0.3), (0.04, 0.44), (0.03, 0.64)], 0.035, darker(colour, 0.3))
    pen.oval(0.36, 0.62, 0.52, 0.8, (241, 178, 180))
    pen.rect(0.09, 0.22, 0.77, 0.72, colour, 0.2)
    pen.oval(0.17, 0.26, 0.37, 0.5, darker(colour, 0.55))
    pen.oval(0.45, 0.38, 0.63, 0.64, darker(colour, 0.55))
    for points in ([(0.76, 0.12), (0.73, 0.0)], [(0.88, 0.12), (0.91, 0.0)]):
        pen.line(points, 0.04, (222, 208, 176))
    pen.oval(0.64, 0.1, 0.75, 0.22, darker(colour, 0.3))
    pen.oval(0.9, 0.1, 1.0, 0.22, darker(colour, 0.3))
    pen.rect(0.7, 0.06, 0.95, 0.5, colour, 0.16)
    pen.rect(0.7, 0.32, 0.95, 0.52, (243, 190, 188), 0.14)
    for x in (0.765, 0.885):
        pen.oval(x - 0.018, 0.2, x + 0.018, 0.26, INK)
        pen.oval(x - 0.018, 0.39, x + 0.018, 0.44, (190, 122, 122))


def _bird(pen: Pen, colour: Rgb, pose: str) -> None:
    for x in (0.46, 0.58):
        pen.line([(x, 0.8), (x, 0.975)], 0.045, (228, 150, 60))
    pen.poly([(0.0, 0.62), (0.0, 0.84), (0.36, 0.72), (0.3, 0.5)], darker(colour, 0.3))
    pen.oval(0.18, 0.3, 0.82, 0.9, colour)
    pen.oval(0.5, 0.04, 0.88, 0.52, colour)
    pen.oval(0.46, 0.48, 0.78, 0.88, lighter(colour, 0.45))
    pen.oval(0.2, 0.42, 0.56, 0.74, darker(colour, 0.2))
    pen.poly([(0.85, 0.2), (1.0, 0.3), (0.84, 0.36)], (242, 168, 62))
    pen.oval(0.7, 0.18, 0.78, 0.28, INK)


def _duck(pen: Pen, colour: Rgb, pose: str) -> None:
    pen.poly([(0.0, 0.48), (0.3, 0.62), (0.16, 0.86)], darker(colour, 0.08))
    pen.oval(0.06, 0.46, 0.82, 1.0, colour)
    pen.rect(0.56, 0.24, 0.74, 0.74, colour, 0.1)
    pen.oval(0.52, 0.0, 0.86, 0.46, colour)
    pen.oval(0.18, 0.56, 0.58, 0.86, darker(colour, 0.13))
    pen.poly([(0.82, 0.2), (1.0, 0.28), (0.99, 0.36), (0.82, 0.38)], (240, 140, 54))
    pen.oval(0.7, 0.14, 0.755, 0.22, INK)


ANIMALS: dict[str, Callable[[Pen, Rgb, str], None]] = {
    "dog": _dog,
    "cat": _cat,
    "horse": _horse,
    "cow": _cow,
    "bird": _bird,
    "duck": _duck,
}
