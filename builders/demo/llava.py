"""Writes the sample of `builders/llava_it.py`: LLaVA's two forms over the demo's drawn pictures.

Captions and conversations are ours, and state only what their scene says. Some rows are wrong on purpose:

| reason                      | what becomes of it                                             |
|-----------------------------|----------------------------------------------------------------|
| a copy of a row             | rejected: an exact copy                                        |
| words beyond the model      | rejected: everyday English that the demo model does not know   |
| an instruction of nobody's  | written: it is not in the closed set, so a machine translates it |
| an empty caption            | failed: EmptyTurn                                              |
| an image that is not there  | failed: MissingImage                                           |
| two images                  | failed: SeveralImages                                          |
| nobody answers              | failed: TurnOrder                                              |
| a turn of nobody known      | failed: UnknownRole                                            |
| `<image>` without an image  | failed: ImageTokens                                            |
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from builders.demo.album import SCENES
from builders.demo.scenes import Scene, write_image
from builders.demo.whole_image import NUMBER_WORDS, a, acts, plural, relation_of, sentence, states, there_is
from builders.sources.forms.llava import IMAGE_TOKEN, INSTRUCTIONS

Record = dict[str, Any]
Exchange = tuple[str, str]

# Upstream leaves the order to chance; here every other row has the image first.
PLACES = ("{text}\n" + IMAGE_TOKEN, IMAGE_TOKEN + "\n{text}")


@dataclass(frozen=True)
class Sample:
    """The files to build from, in LLaVA-Pretrain's form and in LLaVA-Instruct's, and the folder of their images."""

    inputs: tuple[Path, Path]
    images_root: Path


def pretraining_file(scene: Scene) -> str:
    return f"00453/{_number(scene):09d}.jpg"


def conversation_file(scene: Scene) -> str:
    return f"{_number(scene):012d}.jpg"


def _number(scene: Scene) -> int:
    return 4_530_000 + list(SCENES).index(scene.key)


def captioned(scene: Scene, instruction: str, caption: str, place: int) -> Record:
    """A row of LLaVA-Pretrain: an instruction and a caption."""
    asked = PLACES[place % 2].format(text=instruction)
    return _record(scene, pretraining_file(scene), (asked, caption))


def talk(scene: Scene, place: int, *exchanges: Exchange) -> Record:
    """A row of LLaVA-Instruct's conversations; the image stands in the first turn."""
    (first, answer), *others = exchanges
    said = [(PLACES[place % 2].format(text=first), answer), *others]
    return _record(scene, conversation_file(scene), *said)


def _record(scene: Scene, image: str, *exchanges: Exchange) -> Record:
    turns = [
        {"from": role, "value": text} for pair in exchanges for role, text in zip(("human", "gpt"), pair, strict=True)
    ]
    return {"id": Path(image).stem, "image": image, "conversations": turns}


def where(scene: Scene, index: int) -> Exchange:
    subject, _, _ = relation_of(scene, index)
    return f"Where is the {subject}?", states(scene, index)


def colour(scene: Scene, noun: str) -> Exchange:
    return f"What color is the {noun}?", sentence(f"the {noun} is {scene.find(noun).colour}")


def doing(scene: Scene, name: str) -> Exchange:
    return f"What is the {name} doing?", f"The {name} is {scene.find(name).pose} {scene.place}."


def presence(scene: Scene, noun: str) -> Exchange:
    there = f"Yes, there is {a(noun)} in the picture." if scene.has(noun) else ""
    return f"Is there {a(noun)} in the picture?", there or f"There are no {plural(noun)} in the picture."


def count(scene: Scene, noun: str) -> Exchange:
    return f"How many {plural(noun)} are there?", NUMBER_WORDS[len(scene.all(noun))].capitalize() + "."


def pretraining_rows() -> list[Record]:
    """Every instruction of the closed set at least once, with captions as they are written on the web."""
    s = SCENES
    captions = [
        *((s[key], there_is(s[key], 0)) for key in ("kitchen", "desk", "living room", "bedroom", "fruit", "street")),
        *((s[key], acts(s[key], who)) for key, who in (("park", "dog"), ("street", "woman"), ("station", "man"))),
        (s["farm"], "a brown horse in front of the house"),
        (s["lake"], "three ducks in the lake"),
        (s["party"], "a pink cake on the table"),
        (s["shop"], "a yellow car to the right of the green truck"),
    ]
    instructions = [entry["en"] for entry in yaml.safe_load(INSTRUCTIONS.read_text(encoding="utf-8"))["instructions"]]
    return [
        captioned(scene, instructions[n % len(instructions)], caption[0].lower() + caption[1:].rstrip("."), n)
        for n, (scene, caption) in enumerate(captions)
    ]


def conversation_rows() -> list[Record]:
    s = SCENES
    return [
        talk(s["kitchen"], 0, where(s["kitchen"], 0), colour(s["kitchen"], "bottle"), presence(s["kitchen"], "horse")),
        talk(s["park"], 1, doing(s["park"], "dog"), where(s["park"], 0)),
        talk(s["street"], 0, colour(s["street"], "bus"), doing(s["street"], "woman"), where(s["street"], 2)),
        talk(s["beach"], 1, presence(s["beach"], "boat"), colour(s["beach"], "ball")),
        talk(s["lake"], 0, count(s["lake"], "duck"), colour(s["lake"], "boat")),
        talk(s["bedroom"], 1, where(s["bedroom"], 3), colour(s["bedroom"], "pillow"), where(s["bedroom"], 1)),
        talk(s["farm"], 0, count(s["farm"], "cow"), where(s["farm"], 0)),
        talk(s["station"], 1, doing(s["station"], "man"), colour(s["station"], "train")),
    ]


def bad_rows(original: Record) -> list[Record]:
    """One of each reason in the table above; `original` is a row to be copied."""
    s = SCENES
    fine = talk(s["shelf"], 0, where(s["shelf"], 0))
    asked, answer = fine["conversations"]
    lost = captioned(s["sky"], "Describe the image concisely.", "a red kite in the park", 0)
    return [
        original,
        captioned(
            s["fire"], "Describe the image concisely.", "commuters hurry past during another gloomy rush hour", 0
        ),
        captioned(s["garden"], "Choose a picture.", "a girl holding a yellow umbrella", 1),
        captioned(s["sky"], "Describe the image concisely.", "", 0),
        lost | {"image": "00453/004539999.jpg"},
        fine | {"id": "two", "image": [fine["image"], fine["image"]]},
        fine | {"id": "unanswered", "conversations": [asked]},
        fine | {"id": "narrated", "conversations": [asked | {"from": "narrator"}, answer]},
        {"id": "text", "conversations": [asked, answer]},
    ]


def write_sample(folder: Path) -> Sample:
    """Writes the sample under `folder`; the same bytes every time."""
    root = folder / "images"
    pretraining, conversations = pretraining_rows(), conversation_rows()
    bad = bad_rows(original=pretraining[0])
    named = [record.get("image") for record in (*pretraining, *conversations, *bad)]
    for scene in SCENES.values():
        for file in (pretraining_file(scene), conversation_file(scene)):
            if file in named:
                write_image(replace(scene, file=file), root)
    return Sample(
        (
            _write(folder / "blip_laion_cc_sbu_sample.json", [*pretraining, *bad[:5]]),
            _write(folder / "conversation_sample.json", [*conversations, *bad[5:]]),
        ),
        root,
    )


def _write(path: Path, records: Sequence[Record]) -> Path:
    path.write_text(json.dumps(records, ensure_ascii=False), encoding="utf-8")
    return path
