"""What the formats share: an item's identity, its picture and its texts as a tool shows them, and reading with care."""

import base64
import io
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

from validation.annotation.exports import Export
from validation.annotation.package import REASONS, Item, Package
from validation.annotation.problem import Problem
from validation.annotation.reading import shown
from validation.annotation.rounds import NAME, Judgement
from validation.annotation.texts import default_guidelines

BOX_COLOURS = ("#d7263d", "#1565c0", "#1b7f3b", "#a3149b", "#b85c00", "#00838f", "#5e35b1", "#6d6a00")  # as on the page

_IDENTITY = ("package_id", "package_sha256", "item_id")
_UNSHOWABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u202d\u202e\ud800-\udfff]")
_REFERENCE = re.compile(rf"({NAME.pattern}):([0-9a-f]{{64}}):({NAME.pattern})")


@dataclass(frozen=True)
class Found:
    """A judgement as a file gives it, and what it says it is about."""

    package_id: str
    package_sha256: str
    annotator: str
    judgement: Judgement


def reference(package_id: str, sha256: str, item_id: str) -> str:
    """An item's identity in one word, for tools that give back nothing but an id."""
    return f"{package_id}:{sha256}:{item_id}"


def parse_reference(text: str, where: str) -> tuple[str, str, str]:
    """Package, digest and item of a `reference`. Raises `Problem`, saying `where`."""
    match = _REFERENCE.fullmatch(text)
    if not match:
        raise Problem(f"{where}: the id {shown(text)} is none of a package; leave ids as they were written")
    return match[1], match[2], match[3]


def identity(package_id: str, sha256: str, item_id: str) -> dict[str, str]:
    """An item's identity for tools that give back an item's data."""
    return {"package_id": package_id, "package_sha256": sha256, "item_id": item_id}


def parse_identity(data: Mapping[str, Any], where: str) -> tuple[str, str, str]:
    """Package, digest and item of what holds an `identity`. Raises `Problem`, saying `where`."""
    for name in _IDENTITY:
        if not isinstance(data.get(name), str):
            raise Problem(
                f"{where}, {name}: {shown(data.get(name))}; the text that the package was written with is due"
            )
    return data["package_id"], data["package_sha256"], data["item_id"]


def storable(text: str) -> str:
    """The text with what no tool can store or show (control characters, half surrogates) as a replacement character."""
    return _UNSHOWABLE.sub("\ufffd", text)


def jpeg(item: Item) -> bytes:
    """The item's image as a JPEG with its boxes drawn and numbered; empty where the item has none."""
    if not item.image:
        return b""
    data = base64.b64decode(item.image.partition(";base64,")[2], validate=True)
    if not item.boxes:
        return data
    with Image.open(io.BytesIO(data), formats=["JPEG"]) as opened:
        image = opened.convert("RGB")
    _draw_boxes(image, item.boxes)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def data_uri(item: Item) -> str:
    """`jpeg` as a data URI, or empty: no tool is ever given a place to fetch from."""
    data = jpeg(item)
    return f"data:image/jpeg;base64,{base64.b64encode(data).decode('ascii')}" if data else ""


def conversation(item: Item) -> str:
    """The conversation that the row became, turn by turn."""
    return storable("\n\n".join(f"{turn.speaker}: {turn.text}" for turn in item.conversation))


def guidelines(package: Package) -> str:
    """The lead's guidelines, or ours in the language that is judged (in English where we have none), as Markdown."""
    language = package.target_language.partition("-")[0]
    return storable(package.guidelines if package.guidelines.strip() else default_guidelines(package.task, language))


def votes(item: Item) -> list[str]:
    """For whoever adjudicates: what each of the others said."""
    said = []
    for vote in item.votes:
        lines = [vote.label + (f" ({', '.join(vote.reasons)})" if vote.reasons else "")]
        if vote.comment:
            lines.append(vote.comment)
        lines += [f"{name} → {text}" for name, text in (vote.corrections or {}).items()]
        said.append(storable("\n".join(lines)))
    return said


def parse_reasons(words: Iterable[str], where: str) -> tuple[str, ...]:
    """Reasons in any letter case, each once, in the order of `REASONS`. Raises `Problem`, saying `where`."""
    given = {word.strip().casefold() for word in words} - {""}
    if unknown := sorted(given - set(REASONS)):
        raise Problem(f"{where}: the reason {shown(unknown[0])} is none of {', '.join(REASONS)}")
    return tuple(reason for reason in REASONS if reason in given)


def text_of(value: Any, where: str) -> str:
    """The value, which must be a text; nothing counts as empty. Raises `Problem`, saying `where`."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Problem(f"{where}: {shown(value)} is not a text")
    return value


def mapping_of(value: Any, where: str) -> Mapping[str, Any]:
    """The value, which must be a JSON object. Raises `Problem`, saying `where`."""
    if not isinstance(value, dict):
        raise Problem(f"{where}: {shown(value)} is not a JSON object")
    return value


def list_of(value: Any, where: str) -> list[Any]:
    """The value, which must be a JSON list. Raises `Problem`, saying `where`."""
    if not isinstance(value, list):
        raise Problem(f"{where}: {shown(value)} is not a JSON list")
    return value


def time_of(value: Any, where: str) -> str:
    """An ISO 8601 time with its zone, as UTC to the millisecond. Raises `Problem`, saying `where`."""
    try:
        moment = datetime.fromisoformat(text_of(value, where))
        if moment.tzinfo is None:
            raise ValueError
        return utc(moment)
    except (ValueError, OverflowError):
        raise Problem(f"{where}: {shown(value)} is not a time with its zone, as 2026-01-31T12:00:00Z") from None


def saved_at(path: Path) -> str:
    """When the file was last written: the time of judgements in formats without times. Raises `Problem`."""
    try:
        return utc(datetime.fromtimestamp(path.stat().st_mtime, UTC))
    except OSError as error:
        raise Problem(f"{path}: cannot be read: {error.strerror}") from error


def utc(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def as_exports(found: Iterable[Found], path: Path) -> list[Export]:
    """The judgements by package and annotator. Raises `Problem` where an item is judged twice."""
    groups: dict[tuple[str, str, str], dict[str, Judgement]] = {}
    for each in found:
        judgements = groups.setdefault((each.package_id, each.package_sha256, each.annotator), {})
        item = each.judgement.item_id
        if item in judgements:
            raise Problem(f"{path}: item {item} of {each.package_id} is there twice; keep the one that holds")
        judgements[item] = each.judgement
    return [Export(*key, tuple(judgements.values())) for key, judgements in groups.items()]


def _draw_boxes(image: Image.Image, boxes: Iterable[tuple[float, float, float, float]]) -> None:
    """Draw boxes with their numbers above them, or below where there is no room: inside would hide what is small."""
    draw = ImageDraw.Draw(image)
    width, height = image.size
    line = max(2, max(image.size) // 250)
    size = max(12, max(image.size) // 40)
    for number, (x1, y1, x2, y2) in enumerate(boxes, start=1):
        colour = BOX_COLOURS[(number - 1) % len(BOX_COLOURS)]
        left, right = sorted((x1 * width, x2 * width))
        top, bottom = sorted((y1 * height, y2 * height))
        draw.rectangle((left, top, right, bottom), outline=colour, width=line)
        wide, high = draw.textbbox((0, 0), str(number), font_size=size)[2:]
        wide, high = wide + 2 * line, high + 2 * line
        x = max(0, min(left, width - wide))
        y = top - high if top >= high else bottom if bottom + high <= height else top
        draw.rectangle((x, y, x + wide, y + high), fill=colour)
        draw.text((x + line, y + line), str(number), fill="white", font_size=size)
