"""A few rows for the card, drawn by the build's fingerprint, as somebody would see them who opens the dataset.

An image is shown only where the recipe says that its licence allows a small copy with boxes drawn on it; the text of
a row that has another image is shown without it.
"""

import io
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from cards.dataset import Shard
from cards.samples import find_boxes, rows_at, shrunk
from cards.svg import Box

EXAMPLES = 4
DRAWN = 60
SIDE = 480
_COLOURS = ("#d1495b", "#1d6fa5", "#2a7f4f", "#8f5a00", "#7d3c98", "#00707a", "#b03a00", "#4a4e69")
_COLUMNS = (
    "id",
    "image_path",
    "conversations",
    "task_name",
    "split",
    "translations",
    "template",
    "prompt",
    "gold",
    "source_lang",
    "target_lang",
    "image_page",
    "image_licence",
)


@dataclass(frozen=True)
class Example:
    """A row. `turns` are (speaker, language or "", text), `fields` (name, source, target) of what was translated.

    `image` is the JPEG, `asset` its name; `boxes` says that boxes are drawn on it, and `credit` whose image it is.
    """

    id: str
    task: str
    split: str
    turns: tuple[tuple[str, str, str], ...]
    fields: tuple[tuple[str, str, str], ...]
    image_page: str = ""
    image_licence: str = ""
    asset: str = ""
    image: bytes = b""
    boxes: bool = False
    credit: str = ""


def draw_examples(shards: Sequence[Shard], seed: str, shown: Mapping[str, str]) -> tuple[Example, ...]:
    """At most `EXAMPLES` rows, of different tasks where there are; those whose image may be shown come first.

    `shown` maps the name of a folder in `image_path` to the credit of the images in it.
    """
    total = sum(shard.rows for shard in shards)
    drawn = random.Random(f"card/{seed}").sample(range(total), min(DRAWN, total))
    rows = dict(rows_at(shards, drawn, _COLUMNS))
    by_image = sorted(drawn, key=lambda number: not _credit(rows[number], shown))
    chosen: list[int] = []
    for again in (False, True):
        for number in by_image:
            tasks = {_task(rows[taken]) for taken in chosen}
            if len(chosen) < EXAMPLES and number not in chosen and (again or _task(rows[number]) not in tasks):
                chosen.append(number)
    with_image = [number for number in chosen if _credit(rows[number], shown)]
    images = {number: row.get("image") for number, row in rows_at(shards, with_image, ("image",))}
    examples = []
    for place, number in enumerate(chosen, 1):
        example = _example(rows[number])
        picture = _picture(images.get(number), rows[number].get("conversations") or ())
        if picture:
            credit = _credit(rows[number], shown)
            boxes = bool(find_boxes(rows[number].get("conversations") or ()))
            example = replace(example, asset=f"example-{place}.jpg", image=picture, boxes=boxes, credit=credit)
        examples.append(example)
    return tuple(examples)


def _example(row: Mapping[str, Any]) -> Example:
    said = [turn for turn in row.get("conversations") or () if turn]
    turns = [(_string(turn.get("from")), "", _string(turn.get("value"))) for turn in said] or [
        (called, _string(row.get(language)), _string(row[called]))
        for called, language in (("prompt", "source_lang"), ("gold", "target_lang"))
        if row.get(called)
    ]
    return Example(
        id=_string(row.get("id")),
        task=_task(row),
        split=_string(row.get("split")),
        turns=tuple(turns),
        fields=tuple(
            (_string(item.get("field")), _string(item.get("source")), _string(item.get("target")))
            for item in row.get("translations") or ()
        ),
        image_page=_string(row.get("image_page")),
        image_licence=_string(row.get("image_licence")),
    )


def _task(row: Mapping[str, Any]) -> str:
    return _string(row.get("task_name") or row.get("template"))


def _credit(row: Mapping[str, Any], shown: Mapping[str, str]) -> str:
    folders = PurePosixPath(_string(row.get("image_path"))).parts[:-1]
    return next((shown[folder] for folder in folders if folder in shown), "")


def _picture(image: object, turns: Sequence[Mapping[str, Any]]) -> bytes:
    """The JPEG of an embedded image with the row's boxes drawn on it; nothing where it cannot be read."""
    data = image.get("bytes") if isinstance(image, dict) else None
    if not data:
        return b""
    try:
        small = shrunk(data, SIDE)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return b""
    for box in find_boxes([turn for turn in turns if turn]).values():
        if box.fits:
            _draw(small, box)
    out = io.BytesIO()
    small.save(out, "JPEG", quality=80, optimize=True)
    return out.getvalue()


def _draw(image: Image.Image, box: Box) -> None:
    """A box with a light rim and its number; a box that the answer must name has a thicker line."""
    pen = ImageDraw.Draw(image)
    x1, y1, x2, y2 = box.x1 * image.width, box.y1 * image.height, box.x2 * image.width, box.y2 * image.height
    colour, width = _COLOURS[box.colour], 4 if box.in_answer else 2
    pen.rectangle((x1, y1, x2, y2), outline="white", width=width + 2)
    pen.rectangle((x1 + 1, y1 + 1, max(x1 + 1, x2 - 1), max(y1 + 1, y2 - 1)), outline=colour, width=width)
    font = ImageFont.load_default(14)
    label = str(box.number)
    wide = pen.textlength(label, font=font) + 8
    left, top = max(0.0, min(x1, image.width - wide)), max(0.0, y1 - 18 if y1 >= 18 else y1)
    pen.rectangle((left, top, left + wide, top + 18), fill=colour)
    pen.text((left + 4, top + 1), label, fill="white", font=font)


def _string(value: object) -> str:
    return "" if value is None else str(value)
