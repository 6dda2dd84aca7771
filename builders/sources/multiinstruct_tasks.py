"""The tasks of MultiInstruct, by name: which fields an instruction may use and what the answer is.

Taken from the upstream code (VT-NLP/MultiInstruct: `instruction_templates.py`, `build_dataset.py` and
`data_preprocessor/`), training and test. A row whose task is not here fails by name: nothing is guessed.
"""

from dataclasses import dataclass
from typing import Literal

Answer = Literal["text", "verbatim", "boxes", "option", "options", "box_option"]


@dataclass(frozen=True)
class Task:
    """One task of MultiInstruct.

    `fields`: what an instruction may name, e.g. `{question}` or `{region}`.
    `answer`: `text` is translated; `verbatim` is text in the image and stays; `boxes` are boxes;
    `option` is one of the row's options, `options` some of them, `box_option` one whose options are boxes.
    `closed`: the options are labels, and come from the glossary alone.
    `verbatim`: fields that are text in the image, and stay as they are.
    `fixed_options`: the options of a task whose rows do not carry them.
    """

    name: str
    fields: tuple[str, ...]
    answer: Answer
    closed: bool = False
    verbatim: tuple[str, ...] = ()
    fixed_options: tuple[str, ...] = ()


def _tdiuc(kind: str, closed: bool = False) -> Task:
    return Task(f"VQA_{kind}", ("question",), "option", closed)


_ALL = (
    # Captions and questions about the whole image
    Task("image_caption", (), "text"),
    Task("open-domain_VQA", ("question",), "text"),
    Task("VQA", ("question",), "option"),
    Task("ITM", ("text",), "option", closed=True),
    Task("image_text_selection", (), "option"),
    Task("question_image_match", ("question",), "option", closed=True),
    Task("image_quality", (), "option", closed=True),
    # One region in, a phrase out
    Task("GC", ("region",), "text"),
    Task("GC_selection", ("region",), "option"),
    Task("object_grounding", ("region",), "text"),
    Task("object_description_generate", ("region",), "text"),
    Task("region_caption_match", ("region", "text"), "option", closed=True),
    Task("object_region_match", ("region", "text"), "option", closed=True),
    Task("visual_attribute", ("region",), "option"),
    # Several regions in
    Task("object_match", ("region", "region_2"), "option", closed=True),
    Task("missing_object_selection", ("regions",), "options"),
    Task("region_object_selection", ("regions",), "options"),
    Task("object_relationship", ("subject_region", "object_region"), "text"),
    Task("visual_object_identification", ("subject_region", "relation"), "text"),
    Task("visual_subject_identification", ("object_region", "relation"), "text"),
    # A region out
    Task("VG", ("text",), "boxes"),
    Task("VG_selection", ("text",), "box_option"),
    Task("object_region_selection", ("text",), "box_option"),
    Task("region_generation", ("text",), "boxes"),
    Task("descriptive_object_region_generate", ("text",), "boxes"),
    Task("descriptive_object_region_select", ("text",), "box_option"),
    Task("visual_object_region", ("subject_region", "relation"), "boxes"),
    Task("visual_subject_region", ("object_region", "relation"), "boxes"),
    Task("select_overlap_most_region", ("given_region",), "box_option"),
    Task("select_overlap_least_region", ("given_region",), "box_option"),
    Task("select_overlaped_region", ("given_region",), "box_option"),
    Task("select_nonoverlaped_region", ("given_region",), "box_option"),
    Task("if_region_overlap", ("given_region", "region"), "option", closed=True),
    # Text in the image (COCO-Text): `text` is what is written there
    Task("text_localization", ("text",), "box_option", verbatim=("text",)),
    Task("text_legibility", ("region",), "option", closed=True),
    Task("text_type", ("region",), "option", closed=True),
    Task("region_text_match", ("region", "text"), "option", closed=True, verbatim=("text",)),
    # Claims and wikiHow
    Task("multimodal_factual_checking", ("context", "text"), "option", closed=True),
    Task("wikihow_next_step", ("goal", "steps", "text"), "text"),
    Task("wikihow_text_image_step_order", ("goal", "text"), "option", True, (), ("next", "previous")),
    Task("wikihow_image_text_step_order", ("goal", "text"), "option", True, (), ("next", "previous")),
    Task("wikihow_immediate_next_step_selection", ("goal",), "option"),
    # TDIUC
    _tdiuc("activity_recognition"),
    _tdiuc("attribute"),
    _tdiuc("color"),
    _tdiuc("counting"),
    _tdiuc("object_presence", closed=True),
    _tdiuc("object_recognition"),
    _tdiuc("positional_reasoning"),
    _tdiuc("scene_recognition"),
    _tdiuc("sentiment_understanding"),
    _tdiuc("sport_recognition"),
    _tdiuc("utility_affordance"),
    # Test tasks
    Task("visual_nli", ("text",), "option", closed=True),
    Task("natural_language_visual_reasoning", ("text",), "option", closed=True),
    Task("visual_spatial_reasoning", ("text",), "option", closed=True),
    Task("commonsense_VQA", ("question", "named_regions"), "option"),
    Task("grounded_VQA", ("question",), "box_option"),
    Task("text_vqa", ("question",), "verbatim"),
    Task("visual_dialog", ("question", "dialogue"), "text"),
    Task("visual_text_extraction", (), "verbatim"),
    Task("medic_damage_severity", (), "option", closed=True),
    Task("medic_informative", (), "option", closed=True),
    Task("medic_disaster_types", (), "option", closed=True),
)

TASKS = {task.name: task for task in _ALL}
