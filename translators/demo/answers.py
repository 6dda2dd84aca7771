"""Short texts: answers of a word or a few, answer options, attributes, relations."""

from random import Random

from translators.demo.lexicon import (
    ANIMALS,
    LEXICON,
    PEOPLE,
    PLACES,
    ROOMS,
    SURFACES,
    THINGS,
)
from translators.demo.phrases import (
    Pair,
    acting_on,
    bare,
    clothes,
    definite,
    indefinite,
    pair,
    where,
)

WORDS = LEXICON.words
COLOURS = LEXICON.adjectives["colours"]
LISTED = tuple(
    entry
    for table in ("fixed_answers", "numbers", "materials", "sports", "weather", "times", "circumstances")
    for entry in WORDS[table].items()
)


# --- answers --------------------------------------------------------------------------------------


def listed(rng: Random) -> Pair:
    """A whole answer from one of the closed lists."""
    return Pair(*rng.choice(LISTED))


def digits(rng: Random) -> Pair:
    number = str(rng.randint(0, 20))
    return Pair(number, number)


def colour(rng: Random) -> Pair:
    first, second = rng.sample(COLOURS, 2)
    if rng.random() < 0.6:
        return Pair(first.english, first.italian)
    text = f"{first.italian} e {second.italian}"
    if {first.english, second.english} == {"black", "white"}:
        text = "bianco e nero"
    return Pair(f"{first.english} and {second.english}", text)


def attribute(rng: Random) -> Pair:
    """An adjective alone: masculine singular."""
    tables = (
        "colours",
        "sizes",
        "ages",
        "praise",
        "condition",
        "states",
        "forms",
        "looks",
        "tastes",
        "moods",
        "settings",
    )
    adjective = rng.choice(LEXICON.adjectives[rng.choice(tables)])
    return Pair(adjective.english, adjective.italian)


def naming(rng: Random) -> Pair:
    thing = bare(rng, *THINGS, ANIMALS, PEOPLE, SURFACES, ROOMS, PLACES, adjectives=False)
    return pair(thing.english, thing.italian, thing)


def noun_phrase(rng: Random) -> Pair:
    draw = rng.choice((bare, indefinite, indefinite, definite))
    thing = draw(rng, *THINGS, ANIMALS, PEOPLE, SURFACES)
    return pair(thing.english, thing.italian, thing)


def place_phrase(rng: Random) -> Pair:
    return where(rng)


def activity(rng: Random) -> Pair:
    """*running* answers "what is he doing?": Italian names the activity by its infinitive."""
    verb = rng.choice(LEXICON.verbs[rng.choice(("human", "animal"))])
    return Pair(verb.english, verb.infinitive)


def activity_on(rng: Random) -> Pair:
    action = acting_on(rng)
    return Pair(action.english, action.infinitive, action.pairs)


def two_things(rng: Random) -> Pair:
    first, second = (indefinite(rng, *THINGS, ANIMALS, PEOPLE, plural=False) for _ in range(2))
    return pair(f"{first.english} and {second.english}", f"{first.italian} e {second.italian}", first, second)


def listing(rng: Random) -> Pair:
    """*boat, bag*: names of objects, separated by commas."""
    things = [bare(rng, *THINGS, ANIMALS, PEOPLE, plural=False, adjectives=False) for _ in range(rng.randint(2, 4))]
    return Pair(", ".join(thing.english for thing in things), ", ".join(thing.italian for thing in things))


def relation(rng: Random) -> Pair:
    return Pair(*rng.choice(list({**WORDS["relations"], **WORDS["relation_words"]}.items())))


def wearing_phrase(rng: Random) -> Pair:
    """*wearing a blue jacket*, as an answer or a relation: *indossa una giacca blu*."""
    garment = clothes(rng)
    return pair(f"wearing {garment.english}", f"indossa {garment.italian}", garment)


# --- options --------------------------------------------------------------------------------------


def labelled_option(rng: Random) -> Pair:
    """An option that still carries its label: *A. a red box*, *(b) the cat*."""
    option = rng.choice((noun_phrase, noun_phrase, where, colour, activity, listed))(rng)
    label = rng.choice("ABCDEabcde12345")
    template = rng.choice(("{}. {}", "({}) {}", "{}) {}"))
    return pair(template.format(label, option.english), template.format(label, option.italian), option)
