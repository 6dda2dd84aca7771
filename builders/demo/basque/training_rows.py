"""Rows in the manner of CC3M and of Pixmo-AskModelAnything about the drawn scenes: a scene's key, and what is said of
it. A row without a scene has a link that is broken.
"""

CAPTIONS = [  # CC3M's captions are tokenised and in lower case
    ("kitchen", "a red cup and a green apple on the table in the kitchen ."),
    ("park", "a boy sits on a bench in the park , and a brown dog runs ."),
    ("street", "a woman walks past a blue bus and a red car ."),
    ("beach", "a child 's yellow ball on the beach , next to a purple bag ."),
    ("lake", "three ducks swim in front of a red boat ."),
    ("farm", "two white cows and a brown horse in the field ."),
    ("station", "a man waits on a bench , and the train is here ."),
    (None, "a picture that is not on the web any more ."),
]

ASKED = [
    (
        "kitchen",
        "What is on the kitchen table? Describe it for someone who cannot see the picture.",
        "There is a red cup on the brown table. Next to it is a white plate with a green apple.",
    ),
    (
        "park",
        "Why is the dog running?",
        "The dog may be running after the blue ball. The boy on the bench has perhaps thrown it.",
    ),
    (
        "beach",
        "Is this a good day to go to the beach?",
        "Yes, the sun is shining. A child sits under a red umbrella, and a blue boat is on the sea.",
    ),
    ("lake", "Write a short title for this picture.", "Three ducks and a red boat on the lake"),
    (None, "What can I buy in this street?", "The shop in this street sells bread and milk."),
]
