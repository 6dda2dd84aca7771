"""The scenes of the sample: what stands where, in which colour, and what is true of it.

A row states only what a scene says, so a row cannot be wrong about its picture.
"""

from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from builders.demo.backdrops import BACKDROPS, FLAWS, OVERLAYS
from builders.demo.drawing import COLOURS, Canvas, new_canvas
from builders.demo.figures import ANIMALS, LOOKS, draw_person
from builders.demo.household import HOUSEHOLD
from builders.demo.things import THINGS

Box = tuple[int, int, int, int]

# Nouns that cast no shadow on the ground.
FLOATING = frozenset(("airplane", "kite", "balloon", "umbrella", "boat", "duck", "clock", "mirror", "sign"))
FLAT = frozenset(("circle", "square", "triangle", "star", "hat", "shelf", "rug"))

VGA, WIDE, TALL = (640, 480), (640, 427), (480, 640)


def coco_file(number: int) -> str:
    return f"train2014/COCO_train2014_000000{number}.jpg"


def genome_file(number: int) -> str:
    return f"VG_100K/{number}.jpg"


@dataclass(frozen=True)
class Placed:
    """One object; of a person, the colour is the shirt's. `box` is x1, y1, x2, y2 in pixels."""

    noun: str
    colour: str
    box: Box
    pose: str = ""
    flip: bool = False

    @property
    def name(self) -> str:
        return self.noun if self.noun in LOOKS else f"{self.colour} {self.noun}"


@dataclass(frozen=True)
class Writing:
    """Letters in the picture."""

    text: str
    box: Box
    colour: str


@dataclass(frozen=True)
class Scene:
    """`place` completes a sentence; `relations` are (subject, relation, object) by name or noun."""

    key: str
    file: str
    size: tuple[int, int]
    backdrop: str
    place: str
    objects: tuple[Placed, ...]
    relations: tuple[tuple[str, str, str], ...] = ()
    writings: tuple[Writing, ...] = ()
    overlay: str = ""
    flaw: str = ""

    def find(self, name: str) -> Placed:
        """The only object of that name, or of that noun."""
        matches = [item for item in self.objects if name in (item.name, item.noun)]
        if len(matches) != 1:
            raise KeyError(f"scene {self.key!r} has {len(matches)} objects named {name!r}, expected one")
        return matches[0]

    def all(self, noun: str) -> tuple[Placed, ...]:
        return tuple(item for item in self.objects if item.noun == noun)

    def has(self, name: str) -> bool:
        return any(name in (item.name, item.noun) for item in self.objects)


def _cast_shadow(canvas: Canvas, item: Placed) -> None:
    x1, _, x2, y2 = item.box
    high = max(6.0, (x2 - x1) * 0.07)
    canvas.pen((x1, y2 - high * 0.6, x2, y2 + high * 0.4)).oval(0.02, 0, 0.98, 1, (40, 40, 60, 45))


def draw_object(canvas: Canvas, item: Placed) -> None:
    """Draws an object inside its box, which it fills."""
    pen = canvas.pen(item.box, item.flip)
    colour = COLOURS[item.colour]
    if item.noun in LOOKS:
        draw_person(pen, item.noun, colour, item.pose)
    elif item.noun in ANIMALS:
        ANIMALS[item.noun](pen, colour, item.pose)
    else:
        (THINGS | HOUSEHOLD)[item.noun](pen, colour)


def draw_scene(scene: Scene) -> Image.Image:
    """The picture of a scene, in its size; a rotated one is turned."""
    width, height = scene.size
    canvas = new_canvas(width, height)
    BACKDROPS[scene.backdrop](canvas, width, height)
    for item in scene.objects:
        if item.noun not in FLOATING | FLAT:
            _cast_shadow(canvas, item)
        draw_object(canvas, item)
    for writing in scene.writings:
        canvas.pen(writing.box).write(writing.text, COLOURS[writing.colour])
    if scene.overlay:
        OVERLAYS[scene.overlay](canvas, width, height)
    image = canvas.finish()
    return FLAWS[scene.flaw](image) if scene.flaw else image


def write_image(scene: Scene, images_root: Path) -> Path:
    path = images_root / scene.file
    path.parent.mkdir(parents=True, exist_ok=True)
    draw_scene(scene).save(path, quality=88)
    return path
