"""Rows about parts of a picture: boxes in the instruction, in the options or in the answer."""

from builders.demo.records import Boxes, Row, as_string, number_of, path_of, shuffled
from builders.demo.scenes import Box, Scene
from builders.demo.whole_image import YES_NO, a, relation_of

ATTRIBUTES = ("red", "blue", "green", "yellow", "white", "black", "grey", "brown")
OVERLAP_QUESTIONS = {
    "select_overlap_most_region": "Choose the region that shares the largest area with it.",
    "select_overlap_least_region": "Choose the region that shares the smallest area with it.",
    "select_overlaped_region": "Choose a region that overlaps it.",
    "select_nonoverlaped_region": "Choose a region that does not overlap it.",
}


def boxes_of(scene: Scene, names: tuple[str, ...]) -> Boxes:
    return tuple(scene.find(name).box for name in names)


def shared_area(first: Box, second: Box) -> int:
    wide = min(first[2], second[2]) - max(first[0], second[0])
    high = min(first[3], second[3]) - max(first[1], second[1])
    return max(0, wide) * max(0, high)


def _coco(task: str, scene: Scene, instruction: str) -> tuple[str, str, str, str, str]:
    return task, "coco2014", f"mscoco_detection2014_{number_of(scene)}", path_of(scene), instruction


def _genome(task: str, scene: Scene, instruction: str) -> tuple[str, str, str, str, str]:
    return task, "visualgenome", f"visualgenome_VG_{number_of(scene)}", path_of(scene), instruction


def object_name(scene: Scene, name: str) -> Row:
    item = scene.find(name)
    instruction = f"Name the object in the region {as_string(item.box)}."
    return Row(*_coco("object_grounding", scene, instruction), item.noun, region=(item.box,))


def region_caption(scene: Scene, name: str, phrase: str) -> Row:
    box = scene.find(name).box
    return Row(*_genome("GC", scene, f"Describe the region {as_string(box)}."), phrase, region=(box,))


def region_caption_selection(scene: Scene, name: str, options: tuple[str, ...]) -> Row:
    """The caption is the object's name with its article; `options` are the other captions."""
    item = scene.find(name)
    phrase = a(item.name)
    return Row(
        *_genome("GC_selection", scene, f"Choose the caption of {as_string(item.box)}."),
        phrase,
        region=(item.box,),
        options=shuffled((phrase, *options), scene.key + name),
    )


def region_caption_match(scene: Scene, name: str, phrase: str, true: bool) -> Row:
    box = scene.find(name).box
    yes, no = (
        "the text describes the content of the region",
        "the text does not describe the given part of the image",
    )
    instruction = f'Does "{phrase}" describe {as_string(box)}?'
    return Row(
        *_genome("region_caption_match", scene, instruction),
        yes if true else no,
        text=phrase,
        region=(box,),
        options=(yes, no),
    )


def object_region_match(scene: Scene, name: str, noun: str) -> Row:
    item = scene.find(name)
    yes, no = "the region has the object", "the region does not have the object"
    return Row(
        *_coco("object_region_match", scene, f'Is "{noun}" in {as_string(item.box)}?'),
        yes if noun == item.noun else no,
        text=noun,
        region=(item.box,),
        options=(yes, no),
    )


def object_description(scene: Scene, name: str, phrase: str) -> Row:
    box = scene.find(name).box
    instruction = f"Describe the object in {as_string(box)} so that it can be told from the others."
    return Row(*_coco("object_description_generate", scene, instruction), phrase, region=(box,))


def attribute(scene: Scene, name: str) -> Row:
    item = scene.find(name)
    others = tuple(word for word in ATTRIBUTES if word != item.colour)[:5]
    return Row(
        "visual_attribute",
        "vaw",
        f"visual_attribute_{number_of(scene)}",
        path_of(scene),
        f"Choose an attribute of the object in {as_string(item.box)}.",
        item.colour,
        region=(item.box,),
        options=shuffled((item.colour, *others), scene.key + name),
    )


def object_match(scene: Scene, first: Box, second: Box, same: bool) -> Row:
    yes, no = "Yes, two objects are the same", "No, two objects are different"
    instruction = f"Do {as_string(first)}||||{as_string(second)} show the same kind of object?"
    return Row(
        *_coco("object_match", scene, instruction),
        yes if same else no,
        region=(first, second),
        options=(yes, no),
    )


def objects_in_regions(scene: Scene, task: str, shown: tuple[str, ...], asked: tuple[str, ...]) -> Row:
    """`region_object_selection` asks for the nouns that the regions show, the other task for the rest."""
    nouns = tuple(scene.find(name).noun for name in shown)
    wanted = task == "region_object_selection"
    chosen = [noun for noun in asked if (noun in nouns) == wanted]
    regions = boxes_of(scene, shown)
    where = "||||".join(as_string(box) for box in regions)
    return Row(
        *_coco(task, scene, f"Which objects are {'in' if wanted else 'missing from'} the regions {where}?"),
        ", ".join(chosen) or "None",
        region=regions,
        options=(*asked, "None"),
        meta={"region_obj": list(nouns)},
    )


def find_phrase(scene: Scene, name: str, phrase: str) -> Row:
    """VG: a phrase in, its box out."""
    box = scene.find(name).box
    instruction = f'Find the region that "{phrase}" describes.'
    return Row(*_genome("VG", scene, instruction), (box,), text=phrase, region=(box,))


def choose_box(scene: Scene, task: str, name: str, phrase: str, others: tuple[str, ...]) -> Row:
    """VG_selection, object_region_selection, descriptive_object_region_select."""
    return choose_among(scene, task, scene.find(name).box, phrase, boxes_of(scene, others))


def choose_among(scene: Scene, task: str, box: Box, phrase: str, others: Boxes) -> Row:
    head = _genome if task == "VG_selection" else _coco
    options = shuffled((box, *others), scene.key + phrase)
    instruction = f'Choose the region of "{phrase}".'
    return Row(*head(task, scene, instruction), (box,), text=phrase, region=(box,), options=options)


def all_regions(scene: Scene, noun: str) -> Row:
    boxes = tuple(item.box for item in scene.all(noun))
    instruction = f'Give every region with "{noun}".'
    return Row(*_coco("region_generation", scene, instruction), boxes, text=noun, region=boxes)


def described_region(scene: Scene, name: str, phrase: str) -> Row:
    box = scene.find(name).box
    instruction = f'Where is "{phrase}"?'
    return Row(*_coco("descriptive_object_region_generate", scene, instruction), (box,), text=phrase, region=(box,))


def relationship(scene: Scene, task: str, index: int) -> Row:
    """object_relationship and the four tasks that leave out its subject or its object."""
    subject, relation, landmark = relation_of(scene, index)
    first, second = scene.find(subject), scene.find(landmark)
    meta: dict[str, object] = {"subject": first.noun, "object": second.noun}
    head = (task, "visualgenome", f"visualgenome_object_relationship_{number_of(scene)}", path_of(scene))
    one, other = as_string(first.box), as_string(second.box)
    if task == "object_relationship":
        instruction = f"What is the relationship between {one} and {other}?"
        return Row(*head, instruction, relation, region=(first.box, second.box), meta=meta)
    meta["relation"] = relation
    if task in ("visual_object_identification", "visual_subject_identification"):
        known, answer = (one, second.noun) if task == "visual_object_identification" else (other, first.noun)
        instruction = f'Name the other end of "{relation}" with {known}.'
        return Row(*head, instruction, answer, region=(first.box, second.box), meta=meta)
    known, box = (one, second.box) if task == "visual_object_region" else (other, first.box)
    return Row(
        *head,
        f'Give the region of the other end of "{relation}" with {known}.',
        (box,),
        region=(box,),
        named_regions={"subject": (first.box,), "object": (second.box,)},
        meta=meta,
    )


def overlap(scene: Scene, task: str, given: Box, target: str, others: tuple[str, ...]) -> Row:
    box = scene.find(target).box
    options = shuffled((box, *boxes_of(scene, others)), task + scene.key)
    return Row(
        *_genome(task, scene, f"Given region: {as_string(given)}. {OVERLAP_QUESTIONS[task]}"),
        (box,),
        region=(box,),
        options=options,
        named_regions={"given_region": (given,)},
    )


def whether_overlap(scene: Scene, first: str, second: str) -> Row:
    given, box = boxes_of(scene, (first, second))
    return Row(
        *_genome("if_region_overlap", scene, f"Does {as_string(box)} overlap {as_string(given)}?"),
        "yes" if shared_area(given, box) else "no",
        region=(box,),
        options=YES_NO,
        named_regions={"given_region": (given,)},
    )


def grounded_question(scene: Scene, question: str, name: str, others: tuple[str, ...]) -> Row:
    box = scene.find(name).box
    options = shuffled((box, *boxes_of(scene, others)), question)
    return Row(
        "grounded_VQA",
        "Visual7W",
        f"visual7w_pointing_{number_of(scene)}",
        path_of(scene, "bare"),
        question,
        (box,),
        question=question,
        region=(box,),
        options=options,
        meta={"object": scene.find(name).noun, "question_type": "which"},
    )


def named_people_question(
    scene: Scene, people: tuple[str, ...], question: str, answer: str, others: tuple[str, ...]
) -> Row:
    """VCR: "person 2" is the first of `people`, and so on; the row gives their boxes.

    Real rows number all people of an image and name those they speak of, so the numbers need not begin at 1.
    """
    named: dict[str, Boxes] = {f"person {index}": (scene.find(name).box,) for index, name in enumerate(people, start=2)}
    where = " ".join(f"{name} is in {as_string(boxes[0])}." for name, boxes in named.items())
    return Row(
        "commonsense_VQA",
        "vcr",
        f"vcr_val-{number_of(scene)}",
        path_of(scene, "bare"),
        f"{question} {where}",
        answer,
        question=question,
        options=shuffled((answer, *others), question),
        named_regions=named,
    )
