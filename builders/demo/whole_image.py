"""Rows about a whole picture: captions, questions, claims, steps. One function a family of tasks."""

from builders.demo.records import Row, number_of, path_of, shuffled
from builders.demo.scenes import Scene

COLOUR_OPTIONS = ("red", "blue", "green", "yellow", "white", "black", "purple", "pink")
NUMBER_WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven")
YES_NO = ("no", "yes")
ACTIVITIES = ("walking", "eating", "swimming", "jumping", "playing")
FLAW_LABELS = ("no flaws", "blur", "rotation", "too bright", "too dark", "other", "obscured", "bad framing")
MEDIC = {
    "damage_severity": ("severe damage", "mild damage", "little or none damage"),
    "informative": ("informative", "not informative"),
    "disaster_types": (
        "earthquake",
        "fire",
        "flood",
        "hurricane",
        "landslide",
        "not disaster",
        "other disaster",
    ),
}


def a(name: str) -> str:
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def plural(noun: str) -> str:
    return noun + ("es" if noun.endswith(("x", "s", "ch")) else "s")


def sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def relation_of(scene: Scene, index: int) -> tuple[str, str, str]:
    """A relation of the scene, its words checked against the objects that stand there."""
    subject, relation, landmark = scene.relations[index]
    scene.find(subject)
    scene.find(landmark)
    return subject, relation, landmark


def there_is(scene: Scene, index: int) -> str:
    subject, relation, landmark = relation_of(scene, index)
    return sentence(f"there is {a(subject)} {relation} the {landmark}")


def thing_somewhere(scene: Scene, index: int) -> str:
    subject, relation, landmark = relation_of(scene, index)
    return sentence(f"{a(subject)} {relation} the {landmark}")


def states(scene: Scene, index: int, swap: str = "") -> str:
    """A true statement, or a false one where `swap` replaces its relation."""
    subject, relation, landmark = relation_of(scene, index)
    return sentence(f"the {subject} is {swap or relation} the {landmark}")


def acts(scene: Scene, name: str) -> str:
    return sentence(f"{a(name)} is {scene.find(name).pose} {scene.place}")


def caption(scene: Scene, text: str) -> Row:
    return Row(
        "image_caption",
        "coco2014",
        f"mscoco_caption2014_{number_of(scene)}",
        path_of(scene),
        "Say in one sentence what the image shows.",
        text,
    )


def open_question(scene: Scene, source: str, question: str, answer: str) -> Row:
    """`source` is one of VQAv2, GQA, ok_vqa, visualgenome; ok_vqa keeps its ten answers."""
    prefix = {"ok_vqa": "ok_vqa_train", "visualgenome": "visualgenome_VG"}.get(source, source)
    return Row(
        "open-domain_VQA",
        {"VQAv2": "coco2014", "ok_vqa": "mscoco2014"}.get(source, source),
        f"{prefix}_{number_of(scene)}",
        path_of(scene, "bare" if source == "ok_vqa" else "relative"),
        question,
        answer,
        question=question,
        meta={"answers": [answer] * 10} if source == "ok_vqa" else None,
    )


def four_answers(scene: Scene, question: str, answer: str, others: tuple[str, ...]) -> Row:
    """Visual7W: four answers written as sentences."""
    options = shuffled((answer, *others), question)
    return Row(
        "VQA",
        "Visual7W",
        f"visual7w_{number_of(scene)}",
        path_of(scene, "bare"),
        question,
        answer,
        question=question,
        options=options,
        meta={"question_type": question.split(" ")[0].lower()},
    )


def tdiuc(scene: Scene, kind: str, question: str, answer: str, others: tuple[str, ...]) -> Row:
    options = shuffled((answer, *(other for other in others if other != answer)), kind + question)
    return Row(
        f"VQA_{kind}",
        "coco2014",
        f"VQA_{kind}_{number_of(scene)}",
        path_of(scene),
        f"Answer the question about the image. {question}",
        answer,
        question=question,
        options=options,
    )


def colour_question(scene: Scene, noun: str) -> Row:
    return tdiuc(scene, "color", f"What color is the {noun}?", scene.find(noun).colour, COLOUR_OPTIONS)


def count_question(scene: Scene, noun: str) -> Row:
    count = NUMBER_WORDS[len(scene.all(noun))]
    return tdiuc(scene, "counting", f"How many {plural(noun)} are there?", count, NUMBER_WORDS)


def presence_question(scene: Scene, name: str) -> Row:
    answer = "yes" if scene.has(name) else "no"
    return tdiuc(scene, "object_presence", f"Is there {a(name)} in the picture?", answer, YES_NO)


def activity_question(scene: Scene, name: str) -> Row:
    question = f"What is the {name} doing?"
    return tdiuc(scene, "activity_recognition", question, scene.find(name).pose, ACTIVITIES)


def position_question(scene: Scene, index: int) -> Row:
    """For a relation whose subject is the only one that has it."""
    subject, relation, landmark = relation_of(scene, index)
    others = ("spoon", "bird", "chair", "train", "horse")
    answer = scene.find(subject).noun
    return tdiuc(scene, "positional_reasoning", f"What is {relation} the {landmark}?", answer, others)


def text_match(scene: Scene, text: str, true: bool) -> Row:
    yes, no = (
        "Yes, the text matches the content of the image",
        "No, the text does not match the content of the image",
    )
    return Row(
        "ITM",
        "coco2014",
        f"mscoco_caption2014_{number_of(scene)}",
        path_of(scene),
        f'Is "{text}" about this image?',
        yes if true else no,
        text=text,
        options=(yes, no),
    )


def caption_selection(scene: Scene, text: str, others: tuple[str, ...]) -> Row:
    return Row(
        "image_text_selection",
        "coco2014",
        f"mscoco_caption2014_{number_of(scene)}",
        path_of(scene),
        "Choose the caption of the image.",
        text,
        options=shuffled((text, *others), scene.key),
    )


def question_match(scene: Scene, noun: str, answer: str) -> Row:
    question = f"What color is the {noun}?"
    return Row(
        "question_image_match",
        "coco2014",
        f"VQAv2_{number_of(scene)}",
        path_of(scene, "foreign"),
        f'Can "{question}" be answered from the image?',
        "yes" if scene.has(noun) else "no",
        question=question,
        answer=answer,
        options=YES_NO,
    )


def quality(scene: Scene) -> Row:
    return Row(
        "image_quality",
        "vizwiz",
        f"vizwiz_image_quality_{number_of(scene)}",
        path_of(scene),
        "Name the flaw of the image.",
        scene.flaw or "no flaws",
        options=FLAW_LABELS,
    )


def claim(scene: Scene, context: str, text: str, verdict: str) -> Row:
    return Row(
        "multimodal_factual_checking",
        "mocheg",
        f"mocheg_{number_of(scene)}",
        path_of(scene, "bare"),
        f"Do the image and the context support the claim?\n\nContext: {context}\n\nClaim: {text}",
        verdict,
        text=text,
        context=context,
        options=("not sure", "no", "yes"),
    )


def entailment(scene: Scene, text: str, verdict: str) -> Row:
    """SNLI-VE."""
    return Row(
        "visual_nli",
        "Flickr30K_ID",
        f"Flickr30K_ID_{number_of(scene)}",
        path_of(scene),
        f'Does the image show that "{text}"?',
        verdict,
        text=text,
        options=("no", "yes", "not sure"),
        meta={"caption": thing_somewhere(scene, 0)},
    )


def spatial_claim(scene: Scene, text: str, true: bool) -> Row:
    return Row(
        "visual_spatial_reasoning",
        "VSR",
        f"visual_spatial_reasoning_test_{number_of(scene)}",
        path_of(scene, "bare"),
        f'Is "{text}" right?',
        "yes" if true else "no",
        text=text,
        options=YES_NO,
    )


def shapes_claim(scene: Scene, text: str, true: bool) -> Row:
    return Row(
        "natural_language_visual_reasoning",
        "nlvr",
        f"nlvr_{number_of(scene)}",
        path_of(scene, "bare"),
        f'"{text}" Is this true of the picture?',
        "yes" if true else "no",
        text=text,
        options=YES_NO,
    )


def dialogue(scene: Scene, history: tuple[tuple[str, str], ...], question: str, answer: str) -> Row:
    return Row(
        "visual_dialog",
        "visdial",
        f"visdial_val_{number_of(scene)}",
        path_of(scene, "bare"),
        f"Go on with the conversation about the image.\n\n{question}",
        answer,
        question=question,
        meta={
            "caption": thing_somewhere(scene, 0),
            "dialog_hist": [{"q": asked, "a": said} for asked, said in history],
        },
    )


def disaster(scene: Scene, task_cat: str, label: str) -> Row:
    labels = tuple(label for group in MEDIC.values() for label in group)
    return Row(
        f"medic_{task_cat}",
        "medic",
        f"medic_test_{number_of(scene)}_{task_cat}",
        path_of(scene, "foreign"),
        "Choose the label that fits the image.",
        label,
        options=shuffled(labels, task_cat),
        meta={"task_cat": task_cat, "options": list(MEDIC[task_cat])},
    )
