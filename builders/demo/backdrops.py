"""What is behind the objects of a scene, and what happens to the whole picture at the end."""

from collections.abc import Callable

from PIL import Image, ImageFilter

from builders.demo.drawing import Canvas, Paint, Pen, Rgb, darker, lighter

GRASS: Rgb = (146, 198, 122)
SKY: Rgb = (156, 208, 240)
PALE: Rgb = (230, 244, 250)
SAND: Rgb = (246, 222, 168)
ROAD: Rgb = (128, 132, 142)
WATER: Rgb = (104, 176, 208)


def _cloud(pen: Pen, x: float, y: float, wide: float) -> None:
    high = wide * 0.3 * pen.width / pen.height
    paint: Paint = (255, 255, 255, 225)
    pen.rect(x, y + high * 0.5, x + wide, y + high, paint, 0.05)
    pen.oval(x + wide * 0.15, y + high * 0.1, x + wide * 0.55, y + high, paint)
    pen.oval(x + wide * 0.42, y + high * 0.25, x + wide * 0.82, y + high, paint)


def _sky(canvas: Canvas, width: int, height: int, horizon: float) -> Pen:
    canvas.fade((0, 0, width, height * horizon), SKY, PALE)
    pen = canvas.pen((0, 0, width, height))
    side = 0.13 * min(width, height)
    sun = canvas.pen((width * 0.82, height * 0.06, width * 0.82 + side, height * 0.06 + side))
    sun.oval(-0.25, -0.25, 1.25, 1.25, (255, 244, 200, 120))
    sun.oval(0, 0, 1, 1, (255, 222, 128))
    _cloud(pen, 0.08, 0.1, 0.2)
    _cloud(pen, 0.5, 0.05, 0.16)
    return pen


def _meadow(canvas: Canvas, width: int, height: int) -> None:
    pen = _sky(canvas, width, height, 0.62)
    pen.oval(-0.3, 0.42, 0.55, 1.1, (172, 212, 148))
    pen.oval(0.35, 0.46, 1.35, 1.1, (160, 206, 136))
    canvas.fade((0, height * 0.62, width, height), GRASS, darker(GRASS, 0.12))
    for step in range(16):
        x, y = (step * 0.37 + 0.05) % 1, 0.68 + (step * 0.23) % 0.3
        pen.line([(x, y), (x + 0.006, y - 0.018)], 0.005, darker(GRASS, 0.2))
        pen.line([(x + 0.012, y), (x + 0.02, y - 0.014)], 0.005, darker(GRASS, 0.2))


def _sports(canvas: Canvas, width: int, height: int) -> None:
    pen = _sky(canvas, width, height, 0.4)
    pen.rect(0, 0.3, 1, 0.4, (176, 184, 198))
    for step in range(60):
        shade = ((222, 120, 110), (246, 214, 120), (120, 160, 210), (250, 250, 246))[step * 7 % 4]
        pen.oval(step / 60, 0.31 + step % 2 * 0.035, step / 60 + 0.012, 0.33 + step % 2 * 0.035, shade)
    for step in range(6):
        shade = GRASS if step % 2 else darker(GRASS, 0.07)
        pen.rect(0, 0.4 + step * 0.1, 1, 0.5 + step * 0.1, shade)
    pen.rect(0, 0.47, 1, 0.48, (250, 250, 246))
    pen.arc((0.3, 0.62, 0.7, 1.1), (180, 360), 0.012, (250, 250, 246))


def _street(canvas: Canvas, width: int, height: int) -> None:
    pen = _sky(canvas, width, height, 0.62)
    houses: tuple[tuple[float, float, float, Rgb], ...] = (
        (0.0, 0.2, 0.24, (236, 196, 160)),
        (0.22, 0.2, 0.3, (226, 168, 144)),
        (0.42, 0.24, 0.18, (244, 220, 172)),
        (0.66, 0.16, 0.34, (196, 204, 190)),
        (0.82, 0.18, 0.26, (232, 184, 152)),
    )
    for x, wide, top, colour in houses:
        pen.rect(x, top, x + wide, 0.68, colour)
        pen.rect(x, top, x + wide, top + 0.025, darker(colour, 0.2))
        for column in range(int(wide / 0.06)):
            left = x + 0.02 + column * 0.06
            for row in range(3):
                pen.rect(left, top + 0.06 + row * 0.11, left + 0.032, top + 0.13 + row * 0.11, (246, 250, 250))
    pen.rect(0, 0.66, 1, 0.74, (206, 206, 206))
    pen.rect(0, 0.735, 1, 0.75, (178, 178, 180))
    canvas.fade((0, height * 0.75, width, height), ROAD, darker(ROAD, 0.12))
    for step in range(7):
        pen.rect(0.02 + step * 0.15, 0.9, 0.1 + step * 0.15, 0.915, (240, 236, 220))


def _beach(canvas: Canvas, width: int, height: int) -> None:
    pen = _sky(canvas, width, height, 0.4)
    canvas.fade((0, height * 0.4, width, height * 0.64), darker(WATER, 0.12), lighter(WATER, 0.2))
    for step in range(9):
        x, y = (step * 0.31) % 1, 0.44 + (step * 0.07) % 0.17
        pen.line([(x, y), (x + 0.06, y)], 0.005, (255, 255, 255, 120))
    canvas.fade((0, height * 0.64, width, height), SAND, darker(SAND, 0.1))
    for step in range(8):
        pen.oval(step / 7 - 0.1, 0.62, step / 7 + 0.1, 0.66, (250, 244, 226))


def _lake(canvas: Canvas, width: int, height: int) -> None:
    pen = _sky(canvas, width, height, 0.42)
    pen.oval(-0.2, 0.28, 0.5, 0.7, (132, 184, 128))
    pen.oval(0.4, 0.3, 1.3, 0.7, (150, 196, 136))
    canvas.fade((0, height * 0.42, width, height), lighter(WATER, 0.25), darker(WATER, 0.1))
    for step in range(14):
        x, y = (step * 0.37) % 1, 0.47 + (step * 0.11) % 0.5
        pen.line([(x, y), (x + 0.07, y)], 0.005, (255, 255, 255, 110))


def _air(canvas: Canvas, width: int, height: int) -> None:
    pen = _sky(canvas, width, height, 0.86)
    _cloud(pen, 0.3, 0.42, 0.24)
    pen.oval(-0.2, 0.72, 0.6, 1.3, lighter(GRASS, 0.15))
    pen.oval(0.3, 0.76, 1.3, 1.3, GRASS)


def _room(wall: Rgb, floor: Rgb, window: bool) -> Callable[[Canvas, int, int], None]:
    def draw(canvas: Canvas, width: int, height: int) -> None:
        canvas.fade((0, 0, width, height * 0.74), lighter(wall, 0.3), wall)
        canvas.fade((0, height * 0.74, width, height), floor, darker(floor, 0.12))
        pen = canvas.pen((0, 0, width, height))
        pen.rect(0, 0.73, 1, 0.755, (250, 247, 240))
        for step in range(9):
            pen.line([(step / 8, 0.757), (step / 8 + (step - 4) * 0.03, 1)], 0.003, darker(floor, 0.12))
        if window:
            pen.rect(0.66, 0.08, 0.94, 0.44, (252, 250, 244))
            canvas.fade((width * 0.68, height * 0.105, width * 0.92, height * 0.415), SKY, PALE)
            _cloud(pen, 0.71, 0.18, 0.1)
            pen.rect(0.795, 0.1, 0.805, 0.42, (252, 250, 244))
            pen.rect(0.67, 0.255, 0.93, 0.27, (252, 250, 244))
            pen.rect(0.645, 0.44, 0.955, 0.465, (240, 234, 222))

    return draw


def _plain(colour: Rgb) -> Callable[[Canvas, int, int], None]:
    def draw(canvas: Canvas, width: int, height: int) -> None:
        canvas.fade((0, 0, width, height), lighter(colour, 0.4), colour)

    return draw


BACKDROPS: dict[str, Callable[[Canvas, int, int], None]] = {
    "meadow": _meadow,
    "sports": _sports,
    "street": _street,
    "beach": _beach,
    "lake": _lake,
    "sky": _air,
    "cream room": _room((246, 224, 184), (206, 164, 122), window=True),
    "green room": _room((196, 218, 200), (190, 150, 116), window=True),
    "blue room": _room((190, 208, 226), (196, 160, 128), window=False),
    "rose room": _room((240, 206, 198), (202, 162, 132), window=True),
    "paper": _plain((238, 240, 244)),
    "card": _plain((228, 216, 198)),
}


def flames(canvas: Canvas, width: int, height: int) -> None:
    pen = canvas.pen((width * 0.29, height * 0.1, width * 0.71, height * 0.8))
    for x, y, size in ((0.3, 0.0, 0.3), (0.5, -0.1, 0.36), (0.66, 0.02, 0.3), (0.42, 0.1, 0.26)):
        pen.oval(x - size / 2, y, x + size / 2, y + size, (110, 108, 114, 130))
    for x, top, base in ((0.18, 0.24, 0.62), (0.36, 0.1, 0.5), (0.58, 0.16, 0.52), (0.78, 0.26, 0.64)):
        for share, colour in ((1.0, (236, 98, 56)), (0.7, (248, 164, 62)), (0.4, (254, 226, 128))):
            peak = base - (base - top) * share
            pen.oval(x - 0.09 * share, base - 0.24 * share, x + 0.09 * share, base + 0.02, colour)
            side, low = 0.085 * share, base - 0.1 * share
            pen.poly([(x - side, low), (x, peak), (x + side, low)], colour)


def flood(canvas: Canvas, width: int, height: int) -> None:
    pen = canvas.pen((0, 0, width, height))
    pen.rect(0, 0.7, 1, 1, (146, 128, 100, 236))
    for step in range(16):
        x, y = (step * 0.37) % 1, 0.72 + (step * 0.11) % 0.26
        pen.line([(x, y), (x + 0.09, y)], 0.006, (222, 208, 184, 170))


OVERLAYS: dict[str, Callable[[Canvas, int, int], None]] = {"fire": flames, "flood": flood}

FLAWS: dict[str, Callable[[Image.Image], Image.Image]] = {
    "blur": lambda image: image.filter(ImageFilter.GaussianBlur(7)),
    "too dark": lambda image: image.point(lambda value: value * 0.22),
    "rotation": lambda image: image.transpose(Image.Transpose.ROTATE_90),
}
