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
from typing import Any, NamedTuple

from upath import UPath

from builders.engine import Row, RowError
from builders.engine.files import location, read_json
from builders.sources import hub_files
from builders.sources.forms.llava import IMAGE_TOKEN, check_order, check_tokens, said_by
from builders.sources.forms.values import as_text, given, image, text
from builders.sources.items import ImageAt
from translators.fewshot.queries import LANGUAGES

MANIFEST = "babelvision-manifest/"
_LANGUAGE = re.compile("[a-z]{2,3}")
SHAPES = ("conversations", "messages", "question", "caption", "instruction")


@dataclass(frozen=True)
class Dataset:
    """A dataset to take samples from, for one `part` of a mixture.

    `language` is that of the rows which do not say theirs. `path` is where its files are: a file, a folder of files, or
    its name on the Hub, where it may have several configurations, of which `config` is wanted. Of a folder or a dataset
    on the Hub the training split is read, a file whole. With `own_ids`, rows keep those that a build of ours gave them.
    """

    name: str
    path: str
    config: str
    part: str
    language: str
    own_ids: bool = False


@dataclass(frozen=True)
class Sample:
    """A conversation from human to gpt and back, perhaps about an image; `parallel` is the same in another language."""

    turns: list[Row]
    parallel: list[Row] | None
    image: ImageAt


class _Place(NamedTuple):
    """What a dataset is called; the file, folder or name on the Hub that has its rows; and its configuration there.

    `language` is the one that it says it is in, "" where it says none; `ours`, whether a build of ours made it.
    """

    name: str
    path: str
    config: str = ""
    language: str = ""
    ours: bool = False


def datasets_at(given: Sequence[str], part: str, language: str) -> list[Dataset]:
    """The datasets of a flag: files, folders, builds of ours, or names on the Hub, each perhaps as `language=path`.

    `language`, that of `--to`, is the one of a dataset of which none is said. Translations of ours have the ids of
    their sources: those that are in another language get ids of their own, or they would be copies of each other.

    Raises `ValueError` for a dataset of several configurations, of which one must be named, and for one that is in
    another language, by the name of its configuration or by its build, unless that was said.
    """
    made = []
    for each in given:
        start, equals, rest = each.partition("=")
        said, path = (start, rest) if equals and _LANGUAGE.fullmatch(start) else ("", each)
        place = _place(path)
        if not said and place.language not in ("", language):
            raise ValueError(
                f"{each} is in {place.language!r}, and --to is {language!r}: give --to {place.language}, or "
                f"{place.language}={each} if the mixture is to have it all the same"
            )
        own_ids = place.ours and said in ("", language)
        made.append(Dataset(place.name, place.path, place.config, part, said or language, own_ids))
    return made


def _place(given: str) -> _Place:
    path = location(given)
    if path.is_file():
        return _Place(path.name.partition(".")[0], given)
    if not path.is_dir():
        name, _, config = given.partition(":")
        if hub_files.NAME.fullmatch(name):
            return _Place(given.replace(":", "/"), name, config, config if config in LANGUAGES else "")
        return _Place(given, given)
    path = path / "dataset" if (path / "build.json").is_file() else path
    if (path / "manifest.json").is_file():
        configs = sorted({file.parent.name for file in path.glob("*/*.parquet")})
        if len(configs) > 1 and "data" not in configs:
            raise ValueError(f"{given} has the configurations {', '.join(configs)}: name one, as {path / configs[0]}")
        path = path / ("data" if "data" in configs else configs[0]) if configs else path
    manifest = path.parent / "manifest.json"
    written = read_json(manifest) if manifest.is_file() else {}
    language = path.name if path.name in LANGUAGES else _target(path.parent.parent / "build.json")
    if not written:
        return _Place(path.name, str(path), language=language)
    name = written.get("name", path.parent.parent.name) + f"/{path.name}" * (path.name != "data")
    ours = str(written.get("format")).startswith(MANIFEST)
    return _Place(name, str(path), language=language, ours=ours)


def _target(build: UPath) -> str:
    """The language that a build translated into; "" where it did not, or into several."""
    translator = read_json(build).get("translator") if build.is_file() else None
    target: str = ((translator or {}).get("settings") or {}).get("target", "")
    return "" if "," in target else target


def read_sample(raw: Mapping[str, Any], other: str, counters: Counter[str]) -> Sample:
    """A record as a sample; `other` is the language of what lies beside its texts, as in `conversations_en`.

    `<image>` stands where it stood; where a record has an image and does not say so, it comes first. What a system says
    is put before what the human says first. What gpt says before anybody asked is left out, as LLaVA's own loader does,
    and so is a last question that nobody answers. Raises `RowError`: MissingField, WrongType, SeveralImages, BadImage,
    UnknownRole, TurnOrder, EmptyTurn, ImageTokens, or ParallelDiffers.
    """
    found = image(raw, "image", "images")
    lies = given(raw, "image_path", "image_url")
    if lies is not None:
        is_url = as_text(lies, "image_path").startswith(("http://", "https://"))
        found = replace(found, path=None if is_url else lies, url=lies if is_url else None)
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
    return [{"from": role, "value": value} for role, value in said_by(raw, name)]


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
    check_order([turn["from"] for turn in turns], counters)
    said = [dict(turn) for turn in turns]
    system = said.pop(0)["value"] if said[0]["from"] == "system" else ""
    if said[0]["from"] == "gpt":
        said.pop(0)
    if said[-1]["from"] == "human":
        counters["unanswered_turns"] += 1
        said.pop()
    for turn in said:
        if not turn["value"].strip():
            raise RowError("EmptyTurn", f"a turn by {turn['from']} says nothing")
    if system.strip():
        counters["system_turns"] += 1
        said[0]["value"] = f"{system}\n\n{said[0]['value']}"
    tokens = sum(turn["value"].count(IMAGE_TOKEN) for turn in said)
    check_tokens(tokens, has_image, counters)
    if has_image and not tokens:
        said[0]["value"] = f"{IMAGE_TOKEN}\n{said[0]['value']}"
    return said
