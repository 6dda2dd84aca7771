"""The good rows of the sample, by the file that they are written to."""

from builders.demo import regions, written_words
from builders.demo import whole_image as image
from builders.demo.album import SCENES
from builders.demo.records import Row


def training_rows() -> tuple[Row, ...]:
    """Rows of the assembled `train.jsonl`."""
    s = SCENES
    return (
        image.caption(s["kitchen"], image.there_is(s["kitchen"], 0)),
        image.caption(s["park"], image.acts(s["park"], "dog")),
        image.caption(s["beach"], image.thing_somewhere(s["beach"], 0)),
        image.caption(s["sky"], image.there_is(s["sky"], 1)),
        image.caption(s["lake"], "Three ducks are swimming in the lake."),
        image.open_question(s["street"], "VQAv2", "What color is the bus?", "blue"),
        image.open_question(s["party"], "GQA", "Is the cake on the table?", "yes"),
        image.open_question(s["farm"], "ok_vqa", "What animal is in front of the house?", "horse"),
        image.open_question(s["shelf"], "visualgenome", "Where is the grey cat?", "on the shelf"),
        image.four_answers(
            s["living room"],
            "Where is the black cat?",
            "On the sofa.",
            ("Under the table.", "In the garden.", "Behind the lamp."),
        ),
        image.four_answers(
            s["garden"],
            "What is the girl holding?",
            "A yellow umbrella.",
            ("A red ball.", "A blue book.", "Two apples."),
        ),
        image.colour_question(s["street"], "car"),
        image.colour_question(s["desk"], "phone"),
        image.colour_question(s["sky"], "kite"),
        image.count_question(s["lake"], "duck"),
        image.count_question(s["farm"], "cow"),
        image.count_question(s["party"], "cup"),
        image.presence_question(s["beach"], "boat"),
        image.presence_question(s["park"], "train"),
        image.position_question(s["desk"], 3),
        image.position_question(s["station"], 0),
        image.activity_question(s["street"], "woman"),
        image.tdiuc(s["lake"], "activity_recognition", "What are the ducks doing?", "swimming", image.ACTIVITIES),
        image.tdiuc(
            s["party"],
            "attribute",
            "What is the table made of?",
            "wood",
            ("glass", "metal", "stone", "paper"),
        ),
        image.tdiuc(
            s["fruit"],
            "object_recognition",
            "What fruit is on the plate?",
            "banana",
            ("lemon", "pear", "peach"),
        ),
        image.tdiuc(
            s["bedroom"],
            "scene_recognition",
            "What room is this?",
            "bedroom",
            ("kitchen", "bathroom", "office"),
        ),
        image.tdiuc(
            s["field"],
            "sport_recognition",
            "What sport are the players playing?",
            "soccer",
            ("tennis", "baseball", "basketball"),
        ),
        image.tdiuc(s["garden"], "sentiment_understanding", "Is the girl happy?", "yes", ("no",)),
        image.text_match(s["bedroom"], image.states(s["bedroom"], 0), true=True),
        image.text_match(s["station"], image.thing_somewhere(s["kitchen"], 3), true=False),
        image.caption_selection(
            s["farm"],
            image.there_is(s["farm"], 0),
            tuple(image.there_is(s[key], 1) for key in ("shelf", "desk", "beach")),
        ),
        image.question_match(s["garden"], "umbrella", "yellow"),
        image.question_match(s["street"], "horse", "brown"),
        image.quality(s["blurred cup"]),
        image.quality(s["dark bottle"]),
        image.quality(s["turned chair"]),
        image.claim(s["street"], "There is a blue bus in the street.", "The bus is blue.", "yes"),
        image.claim(s["beach"], "There is a boat in the water.", "The boat is red.", "no"),
        image.claim(s["park"], "There is a boy in the park.", "The picture was taken in summer.", "not sure"),
        regions.object_name(s["kitchen"], "bottle"),
        regions.object_name(s["farm"], "horse"),
        regions.region_caption(s["shelf"], "orange box", "an orange box"),
        regions.object_description(s["street"], "bus", "the blue bus"),
        regions.object_region_match(s["sky"], "kite", "kite"),
        regions.object_region_match(s["beach"], "yellow ball", "boat"),
        regions.attribute(s["desk"], "phone"),
        regions.attribute(s["bedroom"], "green book"),
        regions.object_match(s["lake"], s["lake"].objects[1].box, s["lake"].objects[3].box, same=True),
        regions.objects_in_regions(
            s["beach"], "region_object_selection", ("purple bag", "boat"), ("boat", "horse", "bag")
        ),
        regions.objects_in_regions(s["sky"], "missing_object_selection", ("airplane", "kite"), ("kite", "airplane")),
        regions.relationship(s["living room"], "object_relationship", 0),
        regions.relationship(s["desk"], "object_relationship", 1),
        regions.relationship(s["bedroom"], "visual_subject_identification", 1),
        regions.relationship(s["living room"], "visual_object_identification", 1),
        regions.relationship(s["shelf"], "visual_object_region", 0),
        regions.relationship(s["desk"], "visual_subject_region", 3),
        regions.find_phrase(s["bedroom"], "purple bed", "a purple bed"),
        regions.find_phrase(s["living room"], "yellow pillow", "a yellow pillow on the sofa"),
        regions.choose_box(
            s["desk"], "VG_selection", "white cup", "a white cup", ("red book", "blue book", "black phone")
        ),
        regions.all_regions(s["garden"], "flower"),
        regions.all_regions(s["fruit"], "apple"),
        regions.described_region(s["kitchen"], "red cup", "a red cup on the table"),
        regions.choose_box(
            s["kitchen"],
            "descriptive_object_region_select",
            "blue bottle",
            "the blue bottle",
            ("red cup", "green apple", "yellow vase", "table", "white plate"),
        ),
        regions.overlap(
            s["shelf"],
            "select_overlap_most_region",
            (60, 250, 140, 400),
            "red book",
            ("blue book", "white vase", "yellow clock"),
        ),
        regions.overlap(
            s["desk"],
            "select_nonoverlaped_region",
            (220, 180, 440, 320),
            "green bag",
            ("red book", "white cup", "desk"),
        ),
        regions.whether_overlap(s["bedroom"], "purple bed", "pink pillow"),
        written_words.word_place(s["note"], "PANE"),
        written_words.word_match(s["shop"], "MERCATO", "MERCATO"),
        written_words.word_type(s["street"], "BAR"),
        written_words.word_legibility(s["station"], "ROMA"),
        written_words.next_step(
            s["party"],
            "Baking a cake",
            ("Mix the flour and the sugar.", "Add the milk.", "Put the dough in the oven."),
            "Add the milk.",
        ),
        written_words.step_order(
            s["party"], "wikihow_text_image_step_order", "Baking a cake", "Put the dough in the oven.", "next"
        ),
        written_words.step_order(
            s["painted chair"],
            "wikihow_image_text_step_order",
            "Painting a chair",
            "Wash the paintbrush.",
            "next",
        ),
        written_words.following_step(
            s["painted chair"],
            "Painting a chair",
            "Wash the paintbrush.",
            ("Clean the chair.", "Cut the paper.", "Add the sugar."),
        ),
    )


def testing_rows() -> tuple[Row, ...]:
    """Rows of the assembled `test.jsonl`."""
    s = SCENES
    return (
        image.entailment(s["park"], "A boy is sitting on the bench.", "yes"),
        image.entailment(s["desk"], "The cup is red.", "no"),
        image.entailment(s["beach"], "The child is tired.", "not sure"),
        image.spatial_claim(s["kitchen"], image.states(s["kitchen"], 3), true=True),
        image.spatial_claim(s["living room"], image.states(s["living room"], 0, swap="under"), true=False),
        image.shapes_claim(s["shapes"], "The star is yellow.", true=True),
        image.shapes_claim(s["shapes"], "There are no hearts in the picture.", true=True),
        image.shapes_claim(s["shapes"], "All the squares are green.", true=False),
        image.dialogue(s["party"], (), "Is there a cake in the picture?", "yes"),
        image.dialogue(
            s["park"],
            (("Is there a dog in the picture?", "yes"), ("What color is the dog?", "brown")),
            "Is the dog on the bench?",
            "no",
        ),
        image.disaster(s["fire"], "damage_severity", "severe damage"),
        image.disaster(s["fire"], "disaster_types", "fire"),
        image.disaster(s["flood"], "informative", "informative"),
        image.disaster(s["flood"], "disaster_types", "flood"),
        regions.grounded_question(
            s["street"], "Which vehicle is in front of the bus?", "bicycle", ("red car", "blue bus", "sign")
        ),
        regions.named_people_question(
            s["park"],
            ("boy",),
            "Where is person 2 sitting?",
            "On the bench.",
            ("On the sofa.", "Under the table.", "In the car."),
        ),
        written_words.word_question(s["street"], "What is on the sign?", "BAR"),
        written_words.all_words(s["note"]),
    )


def per_task_rows() -> tuple[Row, ...]:
    """Rows of the form with one file a task; the third of a task is for validation."""
    s = SCENES
    return (
        image.caption(s["farm"], image.thing_somewhere(s["farm"], 0)),
        image.caption(s["station"], image.there_is(s["station"], 0)),
        image.caption(s["living room"], "A black cat is sleeping on the sofa."),
        image.colour_question(s["bedroom"], "bed"),
        image.colour_question(s["beach"], "umbrella"),
        image.colour_question(s["farm"], "horse"),
        image.text_match(s["lake"], image.states(s["lake"], 0), true=True),
        regions.find_phrase(s["desk"], "green bag", "a green bag under the desk"),
        regions.find_phrase(s["shelf"], "white vase", "white vase"),
        regions.find_phrase(s["bedroom"], "yellow lamp", "yellow lamp"),
        regions.all_regions(s["party"], "balloon"),
        regions.choose_box(
            s["shelf"], "VG_selection", "grey cat", "a grey cat", ("red book", "orange box", "yellow lamp")
        ),
        regions.choose_box(
            s["shop"], "object_region_selection", "yellow car", "car", ("green truck", "red hat", "man")
        ),
        regions.region_caption_selection(s["bedroom"], "pink pillow", ("a green book", "a yellow lamp", "a red boat")),
        regions.region_caption_match(s["living room"], "white lamp", "a white lamp", true=True),
        regions.object_name(s["beach"], "boat"),
        regions.objects_in_regions(
            s["kitchen"],
            "missing_object_selection",
            ("red cup", "yellow vase"),
            ("cup", "bus", "vase", "horse"),
        ),
        regions.relationship(s["bedroom"], "visual_object_region", 0),
        regions.overlap(
            s["living room"],
            "select_overlap_least_region",
            (300, 240, 500, 400),
            "rug",
            ("black cat", "sofa"),
        ),
        regions.overlap(
            s["bedroom"],
            "select_overlaped_region",
            (320, 230, 460, 320),
            "green book",
            ("pink pillow", "yellow lamp", "mirror"),
        ),
        regions.whether_overlap(s["desk"], "lamp", "phone"),
        written_words.word_match(s["station"], "ROMA", "MILANO"),
    )
