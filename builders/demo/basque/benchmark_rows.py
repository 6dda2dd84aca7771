"""Rows in the manner of VQAv2, A-OKVQA, PixMo-CapQA and WildVision about the drawn scenes, by a scene's key."""

VQA = [  # a question, its type, the type of its answers, and the ten answers
    ("kitchen", "What color is the cup?", "what color is the", "other", ["red"] * 8 + ["dark red", "red"]),
    ("kitchen", "How many apples are there?", "how many", "number", ["1"] * 10),
    ("street", "Is the bus red?", "is the", "yes/no", ["no"] * 9 + ["yes"]),
    (
        "park", "Where is the boy sitting?", "where is the", "other",
        ["bench", "on bench", "bench", "on a bench", "bench", "bench", "park", "bench", "on bench", "bench"],
    ),
    (
        "beach", "What is under the umbrella?", "what is", "other",
        ["child", "boy", "child", "kid", "child", "child", "boy", "child", "kid", "child"],
    ),
    (
        "lake", "What animals are in the water?", "what animal", "other",
        ["ducks", "ducks", "birds", "ducks", "ducks", "ducks", "ducks", "birds", "ducks", "duck"],
    ),
    ("station", "What is behind the bench?", "what is", "other", ["train"] * 9 + ["red train"]),
    ("farm", "How many cows are there?", "how many", "number", ["2"] * 9 + ["3"]),
]  # fmt: skip

KNOWLEDGE = [  # a question, its four options, the right one's index and what people answered without seeing them
    (
        "park", "What could the boy throw for the dog?", ["ball", "plate", "cup", "pillow"], 0,
        ["ball"] * 9 + ["stick"],
    ),
    (
        "beach", "What does the umbrella protect the child from?", ["snow", "sun", "rain", "dogs"], 1,
        ["sun"] * 8 + ["heat", "sun"],
    ),
    ("field", "How many of the players are running?", ["1", "4", "2", "7"], 2, ["2"] * 10),
    (
        "living room", "What is the cat on the sofa doing?", ["eating", "running", "playing", "sleeping"], 3,
        ["sleeping"] * 10,
    ),
    ("farm", "Which animal here can a person ride?", ["cow", "duck", "horse", "cat"], 2, ["horse"] * 10),
    ("station", "What is the man on the bench waiting for?", ["train", "dinner", "boat", "rain"], 0, ["train"] * 10),
    ("bedroom", "What is the pillow on?", ["couch", "sofa", "table", "bed"], 3, ["bed"] * 10),
]  # fmt: skip

CAPTION_QUESTIONS = [  # what was said in turn: a question, its answer, perhaps further ones
    ("kitchen", ["Is there a red cup on the table?", "Yes"]),
    ("street", ["Is the bus green?", "No."]),
    ("bedroom", ["Is there a mirror in the bedroom?", "Yes."]),
    ("lake", ["How many ducks are there?", "There are three ducks in the water."]),
    ("garden", ["Is the girl holding an umbrella?", "yes"]),
    ("farm", ["Is the horse white?", "No"]),
    ("park", ["What is the dog doing?", "It is running after a ball.", "Is the dog brown?", "Yes, it is."]),
    (None, ["Is there a bird in the picture?", "No"]),
]

WILD = [
    ("kitchen", "What could I cook with what is on this table?"),
    ("street", "Write a short story about the woman in this picture."),
    ("beach", "Is it safe for the child to play here? Explain why."),
    ("note", "Read the two words that are written here."),
    ("shelf", "What does this room say about who lives in it?"),
]
