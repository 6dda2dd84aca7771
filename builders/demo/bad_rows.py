"""Rows that are wrong on purpose, so that the demo's report shows what a build does with each kind.

| reason                   | rows | what becomes of them                                           |
|--------------------------|------|----------------------------------------------------------------|
| duplicate row            | 1    | rejected: an exact copy of another line                        |
| unknown task             | 1    | failed: no task of that name, a near miss is named             |
| box outside the image    | 1    | written: the box is clamped, and counted                       |
| degenerate box           | 1    | failed: its right side is left of its left side                |
| missing image            | 1    | failed: a box cannot be scaled without its image               |
| target not among options | 1    | failed: no option equals the target                            |
| not JSON                 | 1    | failed: the line breaks off                                    |
| missing field            | 1    | failed: the task needs a question                              |
| words beyond the model   | 6    | rejected: everyday English that the demo model was not trained on |
| duplicate options        | 1    | written: equal options are merged                              |
| more options than letters | 1   | written: thirty boxes, so the options are numbered             |
"""

import json
from dataclasses import dataclass, replace

from builders.demo import regions
from builders.demo import whole_image as image
from builders.demo.album import SCENES
from builders.demo.records import Row, assembled, number_of


@dataclass(frozen=True)
class BadRow:
    """`reason` is a row of the table above; `line` is written as it is."""

    reason: str
    line: str


def as_line(row: Row) -> str:
    return json.dumps(assembled(row), ensure_ascii=False)


def _rows_beyond_the_model() -> tuple[Row, ...]:
    s = SCENES
    return (
        image.caption(s["kitchen"], "Somebody forgot breakfast leftovers beside the sunny windowsill."),
        image.caption(s["park"], "A playful terrier sprints toward its favourite squeaky treat."),
        image.caption(s["beach"], "Gentle waves wash ashore while a toddler dreams of sandcastles."),
        image.open_question(s["street"], "VQAv2", "How much does a single bus ticket cost?", "two euros"),
        image.text_match(s["shop"], "Commuters hurry past the bakery during rush hour.", true=False),
        image.four_answers(
            s["living room"],
            "Why does the cat seem so relaxed?",
            "Because nobody disturbs its nap.",
            ("Because it hates thunder.", "Because dinner was late.", "Because guests arrived."),
        ),
    )


def bad_rows(original: Row) -> tuple[BadRow, ...]:
    """All of them, for the assembled `train.jsonl`, where `original` is a good row to be copied."""
    s = SCENES
    colour = image.colour_question(s["fruit"], "plate")
    car = s["street"].find("car").box
    beyond = (car[0], car[1], s["street"].size[0] + 36, car[3])
    chair = s["painted chair"].find("chair").box
    turned = (chair[2], chair[1], chair[0], chair[3])
    lost = regions.find_phrase(s["sky"], "airplane", "a white airplane")
    no_question = {name: value for name, value in assembled(colour).items() if name != "question"}
    merged = image.tdiuc(
        s["farm"],
        "object_recognition",
        "What animal is in front of the house?",
        "horse",
        ("cat", "duck", "bird"),
    )
    circles = tuple(item.box for item in s["dots"].all("circle"))
    broken = as_line(image.count_question(s["fruit"], "apple"))
    wrong = (
        ("duplicate row", as_line(original)),
        ("unknown task", as_line(replace(colour, task="VQA_colour"))),
        (
            "box outside the image",
            as_line(replace(regions.find_phrase(s["street"], "car", "a red car"), target=(beyond,), region=(beyond,))),
        ),
        (
            "degenerate box",
            as_line(replace(regions.object_name(s["painted chair"], "chair"), region=(turned,))),
        ),
        (
            "missing image",
            as_line(replace(lost, image_path=lost.image_path.replace(number_of(s["sky"]), "000000700999"))),
        ),
        (
            "target not among options",
            as_line(replace(image.colour_question(s["party"], "cake"), target="golden")),
        ),
        ("not JSON", broken[: len(broken) // 2]),
        ("missing field", json.dumps(no_question)),
        *(("words beyond the model", as_line(row)) for row in _rows_beyond_the_model()),
        ("duplicate options", as_line(replace(merged, options=(*merged.options, "cat", "duck")))),
        (
            "more options than letters",
            as_line(
                regions.choose_among(
                    s["dots"],
                    "descriptive_object_region_select",
                    s["dots"].find("red star").box,
                    "a red star",
                    circles,
                )
            ),
        ),
    )
    return tuple(BadRow(reason, line) for reason, line in wrong)
