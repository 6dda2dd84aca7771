"""Samples to train on, read from datasets that are built already: ours, or any with conversations.

    conversations [{from, value}], messages [{role, content}], question and answer, caption,
    or instruction, input and output; with an image or without

What lies beside it in another language, such as `conversations_en` beside `conversations`, is the same sample in that
language.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from builders.engine import Row, RowError
from builders.engine.files import location, read_json
from builders.sources import hub_files
from builders.sources.forms.llava import ROLES
from builders.sources.forms.values import as_text, given, image, structs, text
from builders.sources.items import ImageAt
from builders.transforms.chat_templates import IMAGE_TOKEN, NotATemplate, exchanges

_LANGUAGE = re.compile("[a-z]{2,3}")
SHAPES = ("conversations", "messages", "question", "caption", "instruction")


@dataclass(frozen=True)
class Dataset:
    """A dataset to take samples from, for one `part` of a mixture.

    `language` is that of the rows which do not say theirs. `path` is where its files are: a file, a folder of files, or
    its name on the Hub, where it may have several configurations, of which `config` is wanted. Of a folder or a dataset
    on the Hub the training split is read, a file whole.
    """

    name: str
    path: str
    config: str
    part: str
    language: str


@dataclass(frozen=True)
class Sample:
    """A conversation from human to gpt and back, perhaps about an image; `parallel` is the same in another language."""

    turns: list[Row]
    parallel: list[Row] | None
    image: ImageAt


def datasets_at(given: Sequence[str], part: str, language: str) -> list[Dataset]:
    """The datasets of a flag: files, folders, builds of ours, or names on the Hub, each perhaps as `language=path`.

    Raises `ValueError` for a dataset of several configurations, of which one must be named.
    """
    made = []
    for each in given:
        start, equals, rest = each.partition("=")
        said, path = (start, rest) if equals and _LANGUAGE.fullmatch(start) else (language, each)
        made.append(Dataset(*_place(path), part, said))
    return made


def _place(given: str) -> tuple[str, str, str]:
    """What a dataset is called; the file, folder or name on the Hub that has its rows; and its configuration there."""
    path = location(given)
    if path.is_file():
        return path.name.partition(".")[0], given, ""
    if not path.is_dir():
        name, _, config = given.partition(":")
        on_hub = hub_files.NAME.fullmatch(name)
        return (given.replace(":", "/"), name, config) if on_hub else (given, given, "")
    path = path / "dataset" if (path / "build.json").is_file() else path
    if (path / "manifest.json").is_file():
        configs = sorted({file.parent.name for file in path.glob("*/*.parquet")})
        if len(configs) > 1 and "data" not in configs:
            raise ValueError(f"{given} has the configurations {', '.join(configs)}: name one, as {path / configs[0]}")
        path = path / ("data" if "data" in configs else configs[0]) if configs else path
    manifest = path.parent / "manifest.json"
    if not manifest.is_file():
        return path.name, str(path), ""
    name = read_json(manifest).get("name", path.parent.parent.name)
    return name + f"/{path.name}" * (path.name != "data"), str(path), ""


def read_sample(raw: Mapping[str, Any], other: str, counters: Counter[str]) -> Sample:
    """A record as a sample; `other` is the language of what lies beside its texts, as in `conversations_en`.

    `<image>` stands where it stood; where a record has an image and does not say so, it comes first. What a system says
    is put before what the human says first, and what gpt says before anybody asked is left out, as LLaVA's own loader
    does. Raises `RowError`: MissingField, WrongType, SeveralImages, BadImage, UnknownRole, TurnOrder, EmptyTurn,
    MissingImage, ImageTokens, or ParallelDiffers.
    """
    found = image(raw, "image", "images")
    path = given(raw, "image_path", "image_url")
    if path is not None:
        found = replace(found, path=as_text(path, "image_path"))
    shape = next((name for name in SHAPES if given(raw, name) is not None), None)
    if shape is None:
        raise RowError("MissingField", f"no field {', '.join(SHAPES[:-1])} or {SHAPES[-1]}: nothing to train on")
    turns = _talk(_TURNS[shape](raw, ""), found != ImageAt(), counters)
    if given(raw, f"{shape}_{other}") is None:
        return Sample(turns, None, found)
    parallel = _talk(_TURNS[shape](raw, f"_{other}"), found != ImageAt(), Counter())
    if len(parallel) != len(turns):
        raise RowError("ParallelDiffers", f"{len(turns)} turns, and {len(parallel)} beside them in {other!r}")
    return Sample(turns, parallel, found)


def _conversation(raw: Mapping[str, Any], name: str) -> list[Row]:
    """Who speaks, in LLaVA's words, and what is said."""
    turns = []
    for place, turn in enumerate(structs(given(raw, name), name)):
        where = f"{name}[{place}]"
        speaker = given(turn, "from", "role")
        if str(speaker).lower() not in ROLES:
            raise RowError("UnknownRole", f"{where} is by {speaker!r}; expected one of {', '.join(ROLES)}")
        value = given(turn, "value", "content")
        if isinstance(value, list):
            parts = (
                IMAGE_TOKEN if part.get("type") == "image" else as_text(part.get("text"), where)
                for part in structs(value, where)
            )
            value = "\n".join(parts)
        turns.append({"from": ROLES[str(speaker).lower()], "value": "" if value is None else as_text(value, where)})
    return turns


def _asked(raw: Mapping[str, Any], end: str) -> list[Row]:
    return _pair(text(raw, f"question{end}"), text(raw, f"answer{end}"))


def _captioned(raw: Mapping[str, Any], end: str) -> list[Row]:
    """LLaVA's plain form: the image, and what it shows."""
    return _pair(IMAGE_TOKEN, text(raw, f"caption{end}"))


def _instructed(raw: Mapping[str, Any], end: str) -> list[Row]:
    asked = text(raw, f"instruction{end}")
    beside = given(raw, f"input{end}")
    if beside is not None:
        asked += "\n\n" + as_text(beside, f"input{end}")
    return _pair(asked, text(raw, f"output{end}", f"response{end}"))


def _pair(asked: str, answered: str) -> list[Row]:
    return [{"from": "human", "value": asked}, {"from": "gpt", "value": answered}]


_TURNS = {
    "conversations": lambda raw, end: _conversation(raw, f"conversations{end}"),
    "messages": lambda raw, end: _conversation(raw, f"messages{end}"),
    "question": _asked,
    "caption": _captioned,
    "instruction": _instructed,
}


def _talk(turns: Sequence[Row], has_image: bool, counters: Counter[str]) -> list[Row]:
    """Human and gpt in turn, with one `<image>` where there is an image."""
    said = [dict(turn) for turn in turns]
    system = said.pop(0)["value"] if said and said[0]["from"] == "system" else ""
    if len(said) > 1 and said[0]["from"] == "gpt":
        counters["leading_gpt_turns"] += 1
        said = said[1:]
    for turn in said:
        if not turn["value"].strip():
            raise RowError("EmptyTurn", f"a turn by {turn['from']} says nothing")
    if system.strip() and said:
        counters["system_turns"] += 1
        said[0]["value"] = f"{system}\n\n{said[0]['value']}"
    try:
        exchanges(said)
    except NotATemplate as error:
        raise RowError("TurnOrder", str(error)) from error
    tokens = sum(turn["value"].count(IMAGE_TOKEN) for turn in said)
    if tokens and not has_image:
        raise RowError("MissingImage", f"it says {IMAGE_TOKEN}, and the record names none")
    if tokens > 1:
        raise RowError("ImageTokens", f"{tokens} {IMAGE_TOKEN} for one image")
    if has_image and not tokens:
        counters["image_not_named"] += 1
        said[0]["value"] = f"{IMAGE_TOKEN}\n{said[0]['value']}"
    return said
