"""MultiInstruct, from a record in English to a conversation in another language (Italian paper, section 3.1).

Two steps, with translation and its checks between them: `to_row` normalises boxes and lays out what is to
be translated; `to_conversation` puts the translated fields into a hand-written instruction.
"""

import json
import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from builders.engine import Row, RowError, nearest
from builders.sources.images import BadImage, FoundImage, ImageFinder
from builders.sources.multiinstruct import Record, read_record
from builders.sources.multiinstruct_tasks import TASKS
from builders.transforms.boxes import BadBox, normalise, parse_box, replace_boxes
from builders.transforms.fields import FIELDS, field
from builders.transforms.instructions import Instructions
from builders.transforms.options import LaidOut, TargetNotAmongOptions, choose_style, lay_out

IMAGE_TOKEN = "<image>"
KINDS = {"steps": "step", "names": "name", "options": "option", "target": "answer"}
STRIPPED = ("text", "goal", "relation")

ROWS = pa.schema(
    [
        ("id", pa.string()),
        ("split", pa.string()),
        ("task_name", pa.string()),
        ("image_file", pa.string()),
        ("image_path", pa.string()),
        ("source", pa.string()),
        ("layout", pa.string()),
        FIELDS,
    ]
)


@dataclass(frozen=True)
class MultiInstruct:
    """The reader that the ingest stage takes: a raw row in, a row of `ROWS` out."""

    images: tuple[str, ...]
    instructions: Instructions
    source: str = "multiinstruct"
    schema: pa.Schema = ROWS

    def preflight(self) -> list[str]:
        return [f"--images {root.path}: no such folder" for root in ImageFinder(self.images).roots if not root.is_dir()]

    def row(self, raw: Mapping[str, Any], row: Row, counters: Counter[str]) -> Row:
        record = read_record(raw)
        try:
            image = ImageFinder(self.images).find(record.image_path)
        except BadImage as error:
            raise RowError("BadImage", str(error)) from error
        counters["images_missing"] += image is None
        return to_row(record, image, self.instructions, counters) | {
            "id": row["id"],
            "split": row["split"],
            "source": json.dumps(raw, ensure_ascii=False),
        }


def to_row(record: Record, image: FoundImage | None, instructions: Instructions, counters: Counter[str]) -> Row:
    """A record as a row: boxes in [0, 1], closed labels from the glossary, the rest for the translator.

    Raises `RowError`: MissingImage, BadBox, UnknownLabel.
    """
    task = record.task
    if record.has_boxes and image is None:
        raise RowError("MissingImage", f"no image {record.image_path!r} under --images, and its boxes need its size")
    shown = _normalise_all(record, image, counters) if image else {}
    texts = {name: replace_boxes(text, shown) for name, text in record.texts.items()}
    if "question" in texts and task.name == "visual_dialog" and not texts["question"].rstrip().endswith("?"):
        texts["question"] = texts["question"].rstrip() + "?"
    fields = [
        field(name, _kind(name), text, target=text, by="verbatim")
        if name in task.verbatim
        else field(name, _kind(name), text)
        for name, text in texts.items()
    ]
    if task.answer in ("option", "options"):
        options = list(dict.fromkeys(replace_boxes(option, shown) for option in record.options))
        fields += [_labelled(record, f"options.{i}", option, instructions) for i, option in enumerate(options)]
        targets = [options.index(replace_boxes(target, shown)) for target in record.targets]
    elif task.answer == "box_option":
        options = list(dict.fromkeys(shown[option] for option in record.options))
        targets = [options.index(shown[target]) for target in record.targets]
    else:
        options, targets = [], []
    counters["options_merged"] += len(record.options) - len(options)
    if task.answer == "text":
        fields.append(_labelled(record, "target", replace_boxes(record.targets[0], shown), instructions))
    elif task.answer == "verbatim":
        fields.append(field("target", "answer", record.targets[0], target=record.targets[0], by="verbatim"))
    layout = {
        "boxes": {name: [shown[box] for box in boxes] for name, boxes in record.boxes.items()},
        "box_options": options if task.answer == "box_option" else [],
        "answer_boxes": [shown[box] for box in record.targets] if task.answer == "boxes" else [],
        "targets": targets,
    }
    return {
        "task_name": task.name,
        "image_file": str(image.path) if image else None,
        "image_path": record.image_path,
        "layout": json.dumps(layout),
        "fields": fields,
    }


def _kind(name: str) -> str:
    """The kind of a field: `dialogue.0.a` is an answer, `steps.1` a step, `question` a question."""
    first, *rest = name.split(".")
    if first == "dialogue":
        return "question" if rest[-1] == "q" else "answer"
    return KINDS.get(first, first)


def _labelled(record: Record, name: str, text: str, instructions: Instructions) -> Row:
    """An option or answer: from the glossary where it is there; a closed vocabulary knows no other way."""
    label = instructions.label(record.task.name, text)
    if label is not None:
        return field(name, _kind(name), text, target=label, by="glossary")
    if record.task.closed:
        hint = nearest(text.strip().lower(), instructions.labels(record.task.name))
        raise RowError(
            "UnknownLabel", f"field 'options': {text!r} is not in the {instructions.language} glossary{hint}"
        )
    return field(name, _kind(name), text)


def _normalise_all(record: Record, image: FoundImage, counters: Counter[str]) -> dict[str, str]:
    """Every box of a record, from its text in pixels to how we show it."""
    places = dict(record.boxes)
    if record.task.answer == "box_option":
        places["options"] = record.options
    if record.task.answer in ("boxes", "box_option"):
        places["target"] = record.targets
    shown = {}
    for name, boxes in places.items():
        for raw in boxes:
            if raw in shown:
                continue
            try:
                box, clamped = normalise(parse_box(raw), image.width, image.height)
            except BadBox as error:
                raise RowError("BadBox", f"field {name!r}: {error}") from error
            counters["boxes"] += 1
            counters["boxes_clamped"] += clamped
            shown[raw] = str(box)
    return shown


def to_conversation(row: Row, counters: Counter[str], instructions: Instructions, seed: int) -> list[dict[str, str]]:
    """The conversation of a translated row, in LLaVA's format, `<image>` first.

    The instruction and the option style are chosen by `seed` and the row's id. Raises `RowError`.
    """
    chance = random.Random(f"{seed}/{row['id']}")
    task, layout = TASKS[row["task_name"]], json.loads(row["layout"])
    told = {item["name"]: item["target"] for item in row["fields"]}
    lines = [instructions.choose(task.name, chance).format(**_values(told, layout, instructions))]
    guide = "box" if task.answer == "boxes" else "text"
    if task.answer in ("option", "options", "box_option"):
        laid_out = _options(told, layout, chance)
        counters["options_merged"] += laid_out.merged
        lines += [instructions.options, *laid_out.lines]
        answer = laid_out.answer
        guide = {"number": "number", "upper": "letter", "lower": "letter"}.get(
            laid_out.style, "box" if task.answer == "box_option" else "text"
        )
    else:
        answer = " ".join(layout["answer_boxes"]) or told["target"]
    prompt = "\n".join([*lines, instructions.guides[guide]])
    if IMAGE_TOKEN in prompt + answer:
        raise RowError("ImageTokenInText", f"the text holds {IMAGE_TOKEN!r}, which stands for the image alone")
    return [{"from": "human", "value": f"{IMAGE_TOKEN}\n{prompt}"}, {"from": "gpt", "value": answer}]


def _options(told: Mapping[str, str], layout: Mapping[str, Any], chance: random.Random) -> LaidOut:
    options = layout["box_options"] or [
        told[f"options.{index}"].strip() for index in range(sum(name.startswith("options.") for name in told))
    ]
    try:
        laid_out = lay_out(
            options, [options[index] for index in layout["targets"]], choose_style(len(set(options)), chance)
        )
    except TargetNotAmongOptions as error:
        raise RowError("TargetNotAmongOptions", str(error)) from error
    if len(laid_out.lines) < min(2, len(options)):
        raise RowError("OptionsCollapse", f"the {len(options)} options have become one and the same: {options[0]!r}")
    return laid_out


def _values(told: Mapping[str, str], layout: Mapping[str, Any], instructions: Instructions) -> dict[str, str]:
    """What an instruction's fields stand for."""
    values = {name: _quoted(text) if name in STRIPPED else text.strip() for name, text in told.items()}
    values |= {name: ", ".join(boxes) for name, boxes in layout["boxes"].items()}
    values["steps"] = "\n".join(f"- {step}" for step in _numbered(told, "steps")) or instructions.empty["steps"]
    turns = zip(_numbered(told, "dialogue", ".q"), _numbered(told, "dialogue", ".a"), strict=True)
    values["dialogue"] = "\n".join(f"- {question} {answer}" for question, answer in turns)
    values["dialogue"] = values["dialogue"] or instructions.empty["dialogue"]
    names = _numbered(told, "names")
    values["named_regions"] = "; ".join(
        f"{name}: {', '.join(layout['boxes'][f'names.{index}'])}" for index, name in enumerate(names)
    )
    return values


def _numbered(told: Mapping[str, str], name: str, part: str = "") -> list[str]:
    """The texts of `name.0`, `name.1`… in order."""
    found: list[str] = []
    while (key := f"{name}.{len(found)}{part}") in told:
        found.append(told[key].strip())
    return found


def _quoted(text: str) -> str:
    """A text as it stands inside quotation marks in a sentence: without its one final full stop."""
    text = text.strip()
    return text[:-1] if text.endswith(".") and not text.endswith("..") else text
