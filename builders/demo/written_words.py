"""Rows about letters in the picture, which stay as they are, and steps of a how-to."""

from builders.demo.records import Row, as_string, number_of, path_of, shuffled
from builders.demo.scenes import Box, Scene

STEP_OPTIONS = ("previous", "next")


def _box_of(scene: Scene, word: str) -> Box:
    return next(writing.box for writing in scene.writings if writing.text == word)


def _coco_text(kind: str, scene: Scene, instruction: str) -> tuple[str, str, str, str, str]:
    unique_id = f"mscoco_{kind}_{number_of(scene)}"
    return kind, "coco2014", unique_id, path_of(scene, "bare"), instruction


def word_place(scene: Scene, word: str) -> Row:
    box = _box_of(scene, word)
    return Row(
        *_coco_text("text_localization", scene, f'Which region says "{word}"?'),
        (box,),
        text=word,
        region=(box,),
        options=tuple(writing.box for writing in scene.writings),
    )


def word_match(scene: Scene, word: str, asked: str) -> Row:
    box = _box_of(scene, word)
    yes, no = (
        "yes, the text matches the text in the region",
        "no, the text is different from the text in the region",
    )
    return Row(
        *_coco_text("region_text_match", scene, f'Does {as_string(box)} say "{asked}"?'),
        yes if asked == word else no,
        text=asked,
        region=(box,),
        options=(yes, no),
    )


def word_type(scene: Scene, word: str) -> Row:
    box = _box_of(scene, word)
    return Row(
        *_coco_text("text_type", scene, f"How was the text in {as_string(box)} written?"),
        "machine printed",
        region=(box,),
        options=("others", "handwritten", "machine printed"),
    )


def word_legibility(scene: Scene, word: str) -> Row:
    box = _box_of(scene, word)
    return Row(
        *_coco_text("text_legibility", scene, f"Can the text in {as_string(box)} be read?"),
        "clear",
        region=(box,),
        options=("not clear and complete", "clear"),
    )


def word_question(scene: Scene, question: str, word: str) -> Row:
    return Row(
        "text_vqa",
        "text_vqa",
        f"text_vqa_val_{number_of(scene)}",
        path_of(scene, "bare"),
        f"Read the image. {question}",
        word,
        question=question,
        meta={"answers": [word] * 10, "image_classes": ["Sign"]},
    )


def all_words(scene: Scene) -> Row:
    return Row(
        "visual_text_extraction",
        "hateful_memes",
        f"hateful_memes_{number_of(scene)}",
        path_of(scene),
        "Which words are in the image?",
        " ".join(writing.text for writing in scene.writings),
        meta={"label": "No"},
    )


def next_step(scene: Scene, goal: str, steps: tuple[str, ...], step: str) -> Row:
    """`context` holds all steps of the method, those to come too, as upstream writes it."""
    return Row(
        "wikihow_next_step",
        "wikihow",
        f"wikihow_next_step_{number_of(scene)}",
        path_of(scene, "bare"),
        f'You are at "{step}" of "{goal}". What comes next?',
        steps[steps.index(step) + 1],
        text=step,
        context=steps,
        meta={"method": goal},
    )


def step_order(scene: Scene, task: str, goal: str, step: str, answer: str) -> Row:
    """These two tasks carry no options; their prompt alone has them."""
    return Row(
        task,
        "wikihow",
        f"{task}_{number_of(scene)}",
        path_of(scene, "foreign" if task == "wikihow_image_text_step_order" else "bare"),
        f'"{step}" and the image are steps of "{goal}". Which one is it, next or previous?'
        f"\n\n[Options]: {'||||'.join(STEP_OPTIONS)}",
        answer,
        text=step,
        meta={"method": goal},
    )


def following_step(scene: Scene, goal: str, step: str, others: tuple[str, ...]) -> Row:
    return Row(
        "wikihow_immediate_next_step_selection",
        "wikihow",
        f"wikihow_immediate_next_step_selection_{number_of(scene)}",
        path_of(scene, "foreign"),
        f'The image is a step of "{goal}". Choose the next one.',
        step,
        options=shuffled((step, *others), goal),
        meta={"method": goal},
    )
