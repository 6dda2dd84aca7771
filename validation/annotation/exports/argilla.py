"""A package as an Argilla dataset on disk, and such a folder back.

`rg.Dataset.from_disk` loads the folder into a server, `Dataset.to_disk` writes it again with what was answered. Its
records do not say which responses were submitted; a record that needs one submitted response and is completed does.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from validation.annotation.exports import Export, shared
from validation.annotation.package import REASONS, Item, Package
from validation.annotation.problem import Problem
from validation.annotation.reading import load_json, shown
from validation.annotation.rounds import Judgement, write_json

_NUMBERED = re.compile(r"corrected_([1-9][0-9]?)")


def write(package: Package, folder: Path) -> list[Path]:
    """Write the dataset's folder, `<annotator>/`."""
    dataset = folder / package.annotator
    texts = max((len(item.texts) for item in package.items), default=0)
    sha256 = package.sha256
    name = re.sub("[^A-Za-z0-9_-]", "-", package.package_id)
    write_json(dataset / ".argilla" / "dataset.json", {"name": name})
    write_json(dataset / ".argilla" / "settings.json", _settings(package, texts))
    write_json(dataset / "records.json", [_record(package, sha256, item) for item in package.items])
    return [dataset]


def read(path: Path, annotator: str = "") -> list[Export]:
    """The judgements in a dataset's folder, or in its `records.json`: the submitted responses of completed records.

    Argilla's numbers for users say nothing, so that it is `annotator` who judged, or nobody ("").
    """
    records = path / "records.json" if path.is_dir() else path
    found, users = [], dict[str, str]()
    at = shared.saved_at(records)
    for number, value in enumerate(shared.list_of(load_json(records), str(records)), start=1):
        where = f"{records}, record {number}"
        record = shared.mapping_of(value, where)
        if record.get("status") != "completed":
            continue
        metadata = shared.mapping_of(record.get("metadata"), f"{where}, metadata")
        package_id, sha256, item_id = shared.parse_identity(metadata, f"{where}, metadata")
        answers = {}
        for question, response in _submitted(record, where):
            user = shared.text_of(response.get("user_id"), f"{where}, user_id")
            if users.setdefault(package_id, user) != user:
                raise Problem(
                    f"{where}: {package_id} is answered by users {shown(users[package_id])} and "
                    f"{shown(user)}, but a package is for one annotator; take the answers of all others out"
                )
            if question in answers:
                raise Problem(f"{where}: {shown(question)} is answered twice")
            answers[question] = response.get("value")
        if answers:
            judgement = _judgement(item_id, metadata, answers, at, where)
            found.append(shared.Found(package_id, sha256, annotator, judgement))
    return shared.as_exports(found, records)


def _settings(package: Package, texts: int) -> dict[str, Any]:
    pair = package.task == "pair"
    fields = [_field("image", {"type": "image"}), _field("image_note", _TEXT)]
    for number in range(1, texts + 1):
        fields += [_field(f"source_{number}", _TEXT), _field(f"target_{number}", _TEXT)]
    fields += [_field(name, _TEXT) for name in ("left", "right") if pair]
    fields += [_field(name, _TEXT) for name in ("votes", "conversation")]
    questions = [_question("label", "label_selection", package.labels, required=True)]
    if not pair:
        questions.append(_question("reasons", "multi_label_selection", REASONS))
    questions.append(_question("comment", "text"))
    if not pair:
        questions += [_question(f"corrected_{number}", "text") for number in range(1, texts + 1)]
    return {
        "guidelines": shared.guidelines(package),
        "allow_extra_metadata": True,
        "distribution": {"strategy": "overlap", "min_submitted": 1},
        "fields": fields,
        "questions": questions,
        "metadata": [],
        "vectors": [],
    }


_TEXT = {"type": "text", "use_markdown": False}


def _field(name: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": name, "title": name, "required": name == "conversation", "settings": settings}


def _question(name: str, kind: str, labels: Iterable[str] = (), required: bool = False) -> dict[str, Any]:
    settings: dict[str, Any] = {"type": kind}
    if kind == "text":
        settings["use_markdown"] = False
    else:
        settings["options"] = [{"value": label, "text": label, "description": None} for label in labels]
        settings["visible_options"] = len(settings["options"])
    return {"name": name, "title": name, "description": None, "required": required, "settings": settings}


def _record(package: Package, sha256: str, item: Item) -> dict[str, Any]:
    fields = {
        "image": shared.data_uri(item),
        "image_note": item.image_note,
        "votes": "\n\n".join(shared.votes(item)),
        "left": item.left,
        "right": item.right,
        "conversation": shared.conversation(item) or " ",
    }
    for number, text in enumerate(item.texts, start=1):
        fields[f"source_{number}"] = f"{text.name} · {package.source_language}\n{text.source}"
        fields[f"target_{number}"] = text.target
    names = {f"field_{number}": text.name for number, text in enumerate(item.texts, start=1)}
    return {
        "id": item.item_id,
        "fields": {name: shared.storable(text) for name, text in fields.items() if text},
        "metadata": shared.identity(package.package_id, sha256, item.item_id) | names,
        "suggestions": {},
        "responses": {},
        "vectors": {},
        "status": "pending",
    }


def _submitted(record: Mapping[str, Any], where: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for question, values in shared.mapping_of(record.get("responses"), f"{where}, responses").items():
        for value in shared.list_of(values, f"{where}, responses"):
            response = shared.mapping_of(value, f"{where}, responses")
            if response.get("status", "submitted") == "submitted":
                yield question, response


def _judgement(item_id: str, metadata: Mapping[str, Any], answers: Mapping[str, Any], at: str, where: str) -> Judgement:
    label = shared.text_of(answers.get("label"), f"{where}, label")
    if not label:
        raise Problem(f"{where}: item {item_id} is submitted without a label; give one")
    reasons = shared.list_of(answers.get("reasons", []), f"{where}, reasons")
    words = [shared.text_of(each, f"{where}, reasons") for each in reasons]
    corrections = {}
    for question, value in answers.items():
        text = shared.text_of(value, f"{where}, {question}").strip() if _NUMBERED.fullmatch(question) else ""
        if text:
            name = metadata.get(f"field_{question.removeprefix('corrected_')}")
            if not isinstance(name, str) or name in corrections:
                raise Problem(f"{where}, {question}: the record's metadata does not say of which field this is")
            corrections[name] = text
    comment = shared.text_of(answers.get("comment"), f"{where}, comment").strip()
    return Judgement(
        item_id, label, shared.parse_reasons(words, f"{where}, reasons"), comment, corrections or None, at=at
    )
