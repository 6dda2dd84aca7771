"""Twenty rows of the dataset, drawn by the build's fingerprint, prepared to be looked at.

A row holds a conversation, or a prompt and the text that answers it.

Counts do not show a box that lies on the wrong object or an answer that no longer fits its question;
looking does. Boxes are read from the conversation as the model will read it, never from the source, so
what the page draws is what the model learns. Images are re-encoded small by Pillow: no byte of the
original, its metadata included, reaches the page.
"""

import base64
import io
import json
import random
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import pyarrow.parquet as pq
from markupsafe import Markup
from PIL import Image
from upath import UPath

from cards.dataset import ONLY_CONFIG, Shard
from cards.svg import Box, box_overlay
from cards.text import LANGUAGE, LONGEST_TEXT, escaped, shortened

ROWS = 20
LONGEST_GOLD = 1_500
LONG_SIDE = 480
LARGEST_URI = 150_000
LARGEST_PIXELS = 100_000_000

_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")
_ENCODINGS = ((LONG_SIDE, 82), (LONG_SIDE, 60), (320, 60), (240, 40))
_NUMBER = r"\s*(-?\d+\.\d+)\s*"
_BOX = re.compile(rf"\[{_NUMBER},{_NUMBER},{_NUMBER},{_NUMBER}\]")
_COLUMNS = (
    "id",
    "image",
    "image_path",
    "conversations",
    "task_name",
    "split",
    "source",
    "translations",
    "checks",
    "template",
    "prompt",
    "gold",
    "source_lang",
    "target_lang",
    "image_url",
)
_ASKS = ("conversations", "prompt")


@dataclass(frozen=True)
class Picture:
    """A thumbnail as a data URI and its size in pixels; or why there is none, unless the row has but a link."""

    uri: str
    width: int
    height: int
    problem: str


@dataclass(frozen=True)
class Turn:
    """What a speaker says, and in which language where the row says it."""

    speaker: str
    text: Markup
    language: str = ""


@dataclass(frozen=True)
class Sample:
    id: str
    task: str
    split: str
    picture: Picture
    image_path: str
    overlay: Markup
    boxes: tuple[Box, ...]
    turns: tuple[Turn, ...]
    translations: tuple[Mapping[str, Any], ...]
    checks: tuple[Mapping[str, Any], ...]
    source: str


def worth_showing(shards: Sequence[Shard], original: str = "") -> tuple[Shard, ...]:
    """The shards whose rows ask something; all, where none do. Not those of the configuration `original`, if there are
    others: its rows are the same ones in the language that they were translated from."""
    told = [shard for shard in shards if shard.config != original] or shards
    return tuple(shard for shard in told if shard.first(_ASKS)) or tuple(told)


def draw_samples(shards: tuple[Shard, ...], seed: str, roots: Sequence[UPath]) -> tuple[Sample, ...]:
    """`ROWS` rows drawn by `seed`, in the order of the draw; only the row groups that hold them are read.

    An image that is a path is opened only if it lies under one of `roots`.
    """
    total = sum(shard.rows for shard in shards)
    drawn = random.Random(seed).sample(range(total), min(ROWS, total))
    found = {number: prepare(row, roots) for number, row in rows_at(shards, drawn, _COLUMNS)}
    return tuple(found[row] for row in drawn)


def rows_at(
    shards: Sequence[Shard], numbers: Sequence[int], columns: Sequence[str]
) -> Iterator[tuple[int, dict[str, Any]]]:
    """The rows of these numbers, counted through all `shards`: their `split` and those of `columns` that there are.

    Only the row groups that hold them are read.
    """
    start = 0
    for shard in shards:
        wanted = [row for row in numbers if start <= row < start + shard.rows]
        if wanted:
            with shard.path.open("rb") as file:
                parquet = pq.ParquetFile(file)
                first = start
                for group, rows in enumerate(shard.row_groups):
                    here = sorted(row for row in wanted if first <= row < first + rows)
                    if here:
                        for number, row in zip(here, _read(parquet, group, here, first, columns), strict=True):
                            yield number, {"split": _place(shard)} | row
                    first += rows
        start += shard.rows


def prepare(row: Mapping[str, Any], roots: Sequence[UPath]) -> Sample:
    """A row of the dataset as the page shows it; columns that are missing show as empty."""
    turns = [turn for turn in row.get("conversations") or _prompt_and_gold(row) if turn]
    boxes = find_boxes(turns)
    linked = not row.get("image") and bool(row.get("image_url"))
    picture = Picture("", 0, 0, "") if linked else _picture(row.get("image"), roots)
    return Sample(
        id=_string(row.get("id")),
        task=_string(row.get("task_name") or row.get("template")),
        split=_string(row.get("split")),
        picture=picture,
        image_path=_string(row.get("image_path") or row.get("image_url")),
        overlay=box_overlay(tuple(boxes.values()), picture.width, picture.height) if picture.uri else Markup(""),
        boxes=tuple(boxes.values()),
        turns=tuple(
            Turn(_string(t.get("from")), marked(_string(t.get("value")), boxes), _language(t.get("lang")))
            for t in turns
        ),
        translations=tuple(row.get("translations") or ()),
        checks=tuple(row.get("checks") or ()),
        source=_indented(_string(row.get("source"))),
    )


def find_boxes(turns: Iterable[Mapping[str, Any]]) -> dict[tuple[float, ...], Box]:
    """The boxes of a conversation by their values, numbered as they appear; equal boxes are one box."""
    order: dict[tuple[float, ...], bool] = {}
    for turn in turns:
        answers = _string(turn.get("from")) != "human"
        for match in _BOX.finditer(_string(turn.get("value"))):
            values = _values(match)
            order[values] = order.get(values, False) or answers
    return {
        values: Box(values[0], values[1], values[2], values[3], number, in_answer)
        for number, (values, in_answer) in enumerate(order.items(), start=1)
    }


def marked(text: str, boxes: Mapping[tuple[float, ...], Box]) -> Markup:
    """A turn as HTML: boxes wear the number and colour that they have on the image, `<image>` is a token."""
    text = shortened(text, LONGEST_TEXT)
    pieces: list[Markup] = []
    start = 0
    for match in _BOX.finditer(text):
        box = boxes[_values(match)]
        pieces.append(_with_tokens(text[start : match.start()]))
        if box.fits:
            mark = Markup('<span class="box c{}"><b>{}</b>{}</span>').format(box.colour, box.number, match[0])
        else:
            mark = Markup('<span class="box broken"><b>not a box in the image</b>{}</span>').format(match[0])
        pieces.append(mark)
        start = match.end()
    pieces.append(_with_tokens(text[start:]))
    return Markup('<bdi dir="auto">{}</bdi>').format(Markup("").join(pieces))


def thumbnail(data: bytes) -> Picture:
    """Re-encode an image as a JPEG of at most `LONG_SIDE` pixels, in the orientation it is stored in.

    Raises ValueError or OSError as `shrunk` does.
    """
    for side, quality in _ENCODINGS:
        small = shrunk(data, side)
        out = io.BytesIO()
        small.save(out, "JPEG", quality=quality, optimize=True)
        uri = "data:image/jpeg;base64," + base64.b64encode(out.getvalue()).decode("ascii")
        if len(uri) <= LARGEST_URI:
            return Picture(uri, small.width, small.height, "")
    raise ValueError("too large even as a small thumbnail")


def shrunk(data: bytes, side: int) -> Image.Image:
    """The pixels of an encoded image, at most `side` wide and high, on white, without any of its metadata.

    Boxes are shares of the stored pixels, so an orientation in the metadata is not applied. Raises
    ValueError or OSError when Pillow cannot read it or it has more than `LARGEST_PIXELS`.
    """
    with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
        if image.width * image.height > LARGEST_PIXELS:
            raise ValueError(f"{image.width} x {image.height} pixels are too many")
        image.draft("RGB", (side, side))
        small = _on_white(image)
        small.thumbnail((side, side), Image.Resampling.LANCZOS)
        small.info.clear()  # Pillow would write a comment that it finds here into the new file
        return small


def _read(
    parquet: pq.ParquetFile, group: int, rows: list[int], first: int, columns: Sequence[str]
) -> list[dict[str, Any]]:
    names = set(parquet.schema_arrow.names)
    table = parquet.read_row_group(group, columns=[name for name in columns if name in names])
    return [table.slice(row - first, 1).to_pylist()[0] for row in rows]


def _place(shard: Shard) -> str:
    return shard.split if shard.config == ONLY_CONFIG else f"{shard.config} {shard.split}"


def _prompt_and_gold(row: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The two turns of a row that has a prompt and the text that answers it."""
    return [
        {"from": called, "value": shortened(_string(row[called]), LONGEST_GOLD), "lang": row.get(language)}
        for called, language in (("prompt", "source_lang"), ("gold", "target_lang"))
        if row.get(called)
    ]


def _picture(image: object, roots: Sequence[UPath]) -> Picture:
    try:
        if isinstance(image, dict):
            data, image = image.get("bytes"), image.get("path")
            if data:
                return thumbnail(data)
        if not image:
            return Picture("", 0, 0, "The row has no image.")
        return thumbnail(_file_under(roots, str(image)).read_bytes())
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        return Picture("", 0, 0, f"The image cannot be shown: {error}")


def _file_under(roots: Sequence[UPath], path: str) -> UPath:
    """The file that a row names, wherever it names it: a row cannot make us open what is not an image of the build."""
    plain = ".." not in PurePosixPath(path).parts and "\\" not in path
    for root in roots:
        inside = path.removeprefix(str(root).rstrip("/") + "/")
        if plain and not inside.startswith("/") and ":" not in inside and (file := root / inside).is_file():
            return file
    raise ValueError(f"{path} is no file under {', '.join(str(root) for root in roots)}")


def _on_white(image: Image.Image) -> Image.Image:
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        layer = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")
    return image.convert("RGB")


def _with_tokens(text: str) -> Markup:
    token = Markup('<span class="token">&lt;image&gt;</span>')
    return token.join(escaped(piece) for piece in text.split("<image>"))


def _values(match: re.Match[str]) -> tuple[float, ...]:
    return tuple(float(value) for value in match.groups())


def _indented(text: str) -> str:
    try:
        return json.dumps(json.loads(text), ensure_ascii=False, indent=2)
    except (ValueError, RecursionError):
        return text


def _language(code: object) -> str:
    return code if isinstance(code, str) and LANGUAGE.fullmatch(code) else ""


def _string(value: object) -> str:
    return "" if value is None else str(value)
