"""A package as a Potato task, and the annotations that Potato writes back.

Potato gives back an item's id and what was answered, nothing else, so that an item's id says all that identifies it.
Start it with `--host 127.0.0.1`, or it serves the whole network.

Potato 2.12 writes an item's data into a script element of its page without escaping it: `</script>` in a text would end
the element and run what follows. In what Potato is given, a word joiner, which nobody sees, follows every such `<`.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from validation.annotation.exports import Export, shared
from validation.annotation.package import REASONS, Item, Package
from validation.annotation.problem import Problem
from validation.annotation.reading import parse_json, read_text, shown
from validation.annotation.rounds import Judgement

_SIDES = {"A": "left", "B": "right", "tie": "tie"}
_CORRECTED = "corrected "
_JOINER = "\u2060"
_ENDS_SCRIPT = re.compile(r"<(?=[/!s])", re.IGNORECASE)
_TEXT_AREA = {"textarea": {"on": True, "rows": 2, "cols": 60}}


def write(package: Package, folder: Path) -> list[Path]:
    """Write a task's folder, `<annotator>/`, with `config.yaml` and `items.jsonl`."""
    task = folder / package.annotator
    task.mkdir(parents=True, exist_ok=True)
    sha256 = package.sha256
    items, config = task / "items.jsonl", task / "config.yaml"
    lines = [json.dumps(_item(package, sha256, item)) + "\n" for item in package.items]
    items.write_text("".join(lines), encoding="utf-8", newline="\n")
    settings = yaml.safe_dump(_config(package), sort_keys=False, allow_unicode=True)
    config.write_text(settings, encoding="utf-8", newline="\n")
    return [config, items]


def read(path: Path, annotator: str = "") -> list[Export]:
    """The judgements in the `annotations.jsonl` that Potato exports; items without a label are not judged.

    They are `annotator`'s, or of the user who logged in; a package that several users judged is refused.
    """
    found, users = [], dict[str, str]()
    at = shared.saved_at(path)
    for where, line in _lines(path):
        package_id, sha256, item_id = shared.parse_reference(
            shared.text_of(line.get("instance_id"), where), f"{where}, instance_id"
        )
        judgement = _judgement(item_id, shared.mapping_of(line.get("labels"), f"{where}, labels"), at, where)
        if not judgement:
            continue
        user = shared.text_of(line.get("user_id"), f"{where}, user_id")
        if users.setdefault(package_id, user) != user:
            raise Problem(
                f"{where}: {package_id} is judged by {shown(users[package_id])} and by {shown(user)}, "
                "but a package is for one annotator; take the lines of all others out"
            )
        found.append(shared.Found(package_id, sha256, annotator or user, judgement))
    return shared.as_exports(found, path)


def _item(package: Package, sha256: str, item: Item) -> dict[str, Any]:
    texts = []
    for text in item.texts:
        for language, words in ((package.source_language, text.source), (package.target_language, text.target)):
            texts.append({"speaker": _inert(f"{text.name} · {language}"), "text": _inert(words)})
    return {
        "id": shared.reference(package.package_id, sha256, item.item_id),
        "image": shared.data_uri(item),
        "image_note": _inert(item.image_note),
        "texts": texts,
        "answers": [_inert(item.left), _inert(item.right)],
        "votes": _inert("\n\n".join(shared.votes(item))),
        "conversation": _inert(shared.conversation(item)),
    }


def _config(package: Package) -> dict[str, Any]:
    displayed = {"image": "image", "image_note": "text", "texts": "dialogue", "votes": "text", "conversation": "text"}
    if not any(item.image_note for item in package.items):
        del displayed["image_note"]
    if not any(item.votes for item in package.items):
        del displayed["votes"]
    return {
        "annotation_instructions": _inert(shared.guidelines(package)),
        "annotation_task_name": package.package_id,  # Potato keeps its pages by this name, and two must not share one
        "task_dir": ".",
        "output_annotation_dir": "annotations",
        "output_annotation_format": "jsonl",
        "auto_export_interval": 0,  # after every answer: Potato's own minute leaves out the last ones
        "data_files": ["items.jsonl"],
        "item_properties": {"id_key": "id", "text_key": "conversation"},
        "user_config": {"allow_all_users": True},
        "require_password": False,
        "assignment_strategy": "fixed_order",
        "instance_display": {"fields": [{"key": key, "type": kind, "label": key} for key, kind in displayed.items()]},
        "annotation_schemes": list(_schemes(package)),
    }


def _schemes(package: Package) -> Iterator[dict[str, Any]]:
    required = {"label_requirement": {"required": True}}
    if package.task == "pair":
        sides = {"items_key": "answers", "labels": ["left (A)", "right (B)"], "allow_tie": True, "tie_label": "tie"}
        yield _scheme("label", "pairwise", **sides, **required)
    else:
        yield _scheme("label", "radio", labels=list(package.labels), sequential_key_binding=True, **required)
        yield _scheme("reasons", "multiselect", labels=list(REASONS))
    yield _scheme("comment", "text", **_TEXT_AREA)
    if package.task == "accept":
        names = dict.fromkeys(text.name for item in package.items for text in item.texts)
        yield from (_scheme(f"{_CORRECTED}{_inert(name)}", "text", **_TEXT_AREA) for name in names)


def _scheme(name: str, kind: str, **more: Any) -> dict[str, Any]:
    return {"annotation_type": kind, "name": name, "description": name, **more}


def _inert(text: str) -> str:
    return _ENDS_SCRIPT.sub(f"<{_JOINER}", shared.storable(text))


def _restored(text: str) -> str:
    return text.replace(f"<{_JOINER}", "<")


def _lines(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for number, line in enumerate(read_text(path).split("\n"), start=1):
        if line.strip():
            where = f"{path}, line {number}"
            yield where, shared.mapping_of(parse_json(line, where), where)


def _judgement(item_id: str, labels: Mapping[str, Any], at: str, where: str) -> Judgement | None:
    label = _choice(labels, where)
    reasons = shared.parse_reasons(_ticked(labels, "reasons", where), f"{where}, reasons")
    comment = _text(labels, "comment", where)
    corrections = {
        _restored(name.removeprefix(_CORRECTED)): text
        for name in labels
        if name.startswith(_CORRECTED) and (text := _text(labels, name, where))
    }
    if label:
        return Judgement(item_id, label, reasons, comment, corrections or None, at=at)
    if reasons or comment or corrections:
        raise Problem(f"{where}: item {item_id} has reasons, a comment or a correction, but no label; give one")
    return None


def _choice(labels: Mapping[str, Any], where: str) -> str:
    """The one label of an item, or empty: `{"accept": "accept"}`, or `{"selection": "A"}` of a pair."""
    given = shared.mapping_of(labels.get("label", {}), f"{where}, label")
    if set(given) == {"selection"}:
        side = shared.text_of(given["selection"], f"{where}, label")
        if side and side not in _SIDES:
            raise Problem(f"{where}, label: {shown(side)} is none of {', '.join(_SIDES)}")
        return _SIDES.get(side, "")
    ticked = _ticked(labels, "label", where)
    if len(ticked) > 1:
        raise Problem(f"{where}, label: {shown(ticked)}; one label is expected")
    return ticked[0] if ticked else ""


def _ticked(labels: Mapping[str, Any], name: str, where: str) -> list[str]:
    return [key for key, value in shared.mapping_of(labels.get(name, {}), f"{where}, {name}").items() if value]


def _text(labels: Mapping[str, Any], name: str, where: str) -> str:
    boxes = list(shared.mapping_of(labels.get(name, {}), f"{where}, {name}").values())
    if len(boxes) > 1:
        raise Problem(f"{where}, {name}: {len(boxes)} texts; one is expected")
    return _restored(shared.text_of(boxes[0], f"{where}, {name}")).strip() if boxes else ""
