"""MultiInstruct's rows, from both on-disk forms to one record.

Form A (`training_data/<source>+<task>/train.jsonl`) has boxes as four numbers and no `target_txt` where the
target is a box; form B (the assembled `train.jsonl`) has boxes as text and a `target_txt` always. A record is
built from the structured fields, never by parsing `prompt`, whose templates leave options out or print them twice.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from builders.engine import RowError, nearest
from builders.sources.multiinstruct_tasks import TASKS, Task
from builders.transforms.boxes import BadBox, box_text
from builders.transforms.options import TargetNotAmongOptions, find_targets

TEXT_FIELDS = ("question", "text")


@dataclass(frozen=True)
class Record:
    """One row of MultiInstruct, with its boxes as upstream writes them (pixels).

    `texts`: what an instruction quotes, by name; `steps.0`, `dialogue.0.q` and `names.0` are numbered parts.
    `boxes`: the boxes an instruction names, by field. `options` are texts, or boxes where `task.answer` is
    `box_option`; `targets` are one or more of them, or the answer text, or the answer's boxes.
    """

    task: Task
    texts: Mapping[str, str]
    boxes: Mapping[str, tuple[str, ...]]
    options: tuple[str, ...]
    targets: tuple[str, ...]
    image_path: str
    unique_id: str

    @property
    def has_boxes(self) -> bool:
        return bool(self.boxes) or self.task.answer in ("boxes", "box_option")


def read_record(raw: Mapping[str, Any]) -> Record:
    """A record from a row of either form.

    Raises `RowError`: UnknownTask, MissingField, WrongType, BadBox, TargetNotAmongOptions.
    """
    task = _task(raw)
    try:
        return _record(raw, task)
    except BadBox as error:
        raise RowError("BadBox", str(error)) from error


def _record(raw: Mapping[str, Any], task: Task) -> Record:
    options = _options(raw, task)
    texts = {name: _text(raw, name) for name in TEXT_FIELDS if name in task.fields}
    texts |= _parts(raw, task)
    return Record(
        task=task,
        texts=texts,
        boxes=_boxes(raw, task),
        options=options,
        targets=_targets(raw, task, options),
        image_path=_text(raw, "image_path"),
        unique_id=str(raw.get("unique_id", "")),
    )


def _task(raw: Mapping[str, Any]) -> Task:
    name = _text(raw, "task_name")
    if name not in TASKS:
        raise RowError("UnknownTask", f"task_name {name!r} is no task of MultiInstruct{nearest(name, list(TASKS))}")
    return TASKS[name]


def _text(raw: Mapping[str, Any], name: str) -> str:
    value = raw.get(name)
    if value is None:
        raise RowError("MissingField", f"field {name!r} is missing; a row of this task has one")
    if not isinstance(value, str):
        raise RowError("WrongType", f"field {name!r} is {type(value).__name__}; text is expected")
    if not value.strip():
        raise RowError("MissingField", f"field {name!r} is empty")
    return value


def _list(holder: Mapping[str, Any], name: str) -> list[Any]:
    value = holder.get(name)
    if not isinstance(value, list):
        kind = "missing" if value is None else type(value).__name__
        raise RowError(
            "MissingField" if value is None else "WrongType", f"field {name!r} is {kind}; a list is expected"
        )
    return value


def _meta(raw: Mapping[str, Any]) -> Mapping[str, Any]:
    value = raw.get("meta_data")
    return value if isinstance(value, dict) else {}


def _parts(raw: Mapping[str, Any], task: Task) -> dict[str, str]:
    """The texts that lie deeper in a row: goal, steps, relation, context, dialogue, names."""
    meta, parts = _meta(raw), {}
    if "goal" in task.fields:
        parts["goal"] = _text(meta, "method")
    if "relation" in task.fields:
        parts["relation"] = _text(meta, "relation")
    if "context" in task.fields:
        parts["context"] = _text(raw, "context")
    if "steps" in task.fields:
        steps = _done_steps(_list(raw, "context"), _text(raw, "text"))
        parts |= {f"steps.{index}": step for index, step in enumerate(steps)}
    if "dialogue" in task.fields:
        for index, turn in enumerate(_list(meta, "dialog_hist")):
            if not isinstance(turn, dict):
                raise RowError("WrongType", "meta_data.dialog_hist holds something that is no {q, a} turn")
            parts |= {f"dialogue.{index}.{part}": _text(turn, part) for part in ("q", "a")}
    if "named_regions" in task.fields:
        parts |= {f"names.{index}": name for index, name in enumerate(_named_regions(raw))}
    return parts


def _done_steps(context: Sequence[Any], current: str) -> list[str]:
    """The steps before the current one.

    Upstream shares one list between all rows of a method, so `context` also holds the current step and
    those after it, the target among them; an instruction that lists them would give the answer away.
    """
    if not all(isinstance(step, str) for step in context):
        raise RowError("WrongType", "field 'context' holds something that is no text")
    steps = [step for step in context if step.strip()]
    return steps[: steps.index(current)] if current in steps else steps


def _named_regions(raw: Mapping[str, Any]) -> dict[str, list[Any]]:
    """VCR's names ("person 1") and their boxes; form A has four numbers a name, form B a list of one box."""
    regions = _meta(raw).get("object_regions")
    if not isinstance(regions, dict):
        raise RowError("MissingField", "field 'meta_data.object_regions' is missing; a row of this task has one")
    return {name: _as_boxes(value, f"meta_data.object_regions.{name}") for name, value in regions.items()}


def _as_boxes(value: Any, where: str) -> list[Any]:
    if isinstance(value, list) and len(value) == 4 and all(isinstance(item, int | float) for item in value):
        return [value]
    if not isinstance(value, list) or not value:
        raise RowError("WrongType", f"field {where!r} holds no box")
    return value


def _boxes(raw: Mapping[str, Any], task: Task) -> dict[str, tuple[str, ...]]:
    """The boxes that the task's instructions name, by field."""
    boxes: dict[str, tuple[str, ...]] = {}
    named = {"region": 0, "region_2": 1}
    if task.name == "visual_object_identification":
        named = {"subject_region": 0}
    elif task.name == "visual_subject_identification":
        named = {"object_region": 1}
    elif task.name == "object_relationship":
        named = {"subject_region": 0, "object_region": 1}
    for field in task.fields:
        if field in named:
            boxes[field] = (_region(raw, named[field]),)
        elif field == "regions":
            boxes[field] = tuple(box_text(box) for box in _region_list(raw))
        elif field in ("given_region", "subject_region", "object_region"):
            key = field if field == "given_region" else field.removesuffix("_region")
            boxes[field] = (box_text(_named_regions_of(raw, key)[0]),)
        elif field == "named_regions":
            for index, value in enumerate(_named_regions(raw).values()):
                boxes[f"names.{index}"] = tuple(box_text(box) for box in value)
    return boxes


def _named_regions_of(raw: Mapping[str, Any], key: str) -> list[Any]:
    regions = _named_regions(raw)
    if key not in regions:
        raise RowError("MissingField", f"field 'meta_data.object_regions.{key}' is missing")
    return regions[key]


def _region_list(raw: Mapping[str, Any]) -> list[Any]:
    regions = _list(raw, "region")
    if not regions:
        raise RowError("MissingField", "field 'region' is an empty list")
    return regions


def _region(raw: Mapping[str, Any], index: int) -> str:
    regions = _region_list(raw)
    if len(regions) <= index:
        raise RowError("MissingField", f"field 'region' has {len(regions)} boxes; this task needs {index + 1}")
    return box_text(regions[index])


def _options(raw: Mapping[str, Any], task: Task) -> tuple[str, ...]:
    if task.answer not in ("option", "options", "box_option"):
        return ()
    if task.fixed_options:
        return task.fixed_options
    meta = _meta(raw)
    # MEDIC rows list the labels of three tasks; the task's own are beside them.
    own = meta.get("options") if task.name.startswith("medic_") else None
    options = own if isinstance(own, list) else _list(raw, "options")
    if task.answer == "box_option":
        return tuple(box_text(option) for option in options)
    if not all(isinstance(option, str) for option in options):
        raise RowError("WrongType", "field 'options' holds something that is no text")
    return tuple(option.strip() for option in options if option.strip())


def _targets(raw: Mapping[str, Any], task: Task, options: Sequence[str]) -> tuple[str, ...]:
    if task.answer == "boxes":
        return tuple(box_text(box) for box in _region_list(raw))
    if task.answer == "box_option" and raw.get("target_txt") is None:
        target = _region(raw, 0)
    else:
        target = _text(raw, "target_txt")
    if task.answer in ("text", "verbatim"):
        return (target,)
    try:
        return tuple(find_targets(target, options, several=task.answer == "options"))
    except TargetNotAmongOptions as error:
        raise RowError("TargetNotAmongOptions", f"field 'target_txt': {error}") from error
