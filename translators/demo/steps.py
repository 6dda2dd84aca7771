"""Sentence shapes of how-to texts: the steps, told as to a friend, and the goals."""

from random import Random

from translators.demo import italian
from translators.demo.lexicon import (
    ANIMALS,
    CLOTHES,
    CRAFT_SUPPLIES,
    FOOD,
    INGREDIENTS,
    ITEMS,
    LEXICON,
    OBJECTS,
    PEOPLE,
    ROOMS,
    SHAPES,
    SURFACES,
    VEHICLES,
)
from translators.demo.phrases import (
    Pair,
    definite,
    english_article,
    indefinite,
    pair,
)

WORDS = LEXICON.words
COLOURS = LEXICON.adjectives["colours"]

STEPS_ON = (
    ("wash", "lava", (FOOD, CLOTHES, VEHICLES, ITEMS)),
    ("clean", "pulisci", (SURFACES, OBJECTS, ITEMS)),
    ("cut", "taglia", (FOOD, CRAFT_SUPPLIES)),
    ("take", "prendi", (ITEMS, CLOTHES, CRAFT_SUPPLIES)),
    ("choose", "scegli", (ITEMS, CLOTHES, OBJECTS)),
    ("draw", "disegna", (SHAPES, ANIMALS, OBJECTS)),
    ("measure", "misura", (OBJECTS, SURFACES, INGREDIENTS)),
    ("remove", "togli", (OBJECTS, ITEMS, CLOTHES)),
    ("decorate", "decora", (OBJECTS, ITEMS)),
    ("fold", "piega", (CRAFT_SUPPLIES, CLOTHES)),
    ("add", "aggiungi", (INGREDIENTS, FOOD)),
    ("heat", "scalda", (INGREDIENTS,)),
    ("buy", "compra", (ITEMS, FOOD, CLOTHES, CRAFT_SUPPLIES, INGREDIENTS)),
    ("open", "apri", (OBJECTS, ITEMS)),
    ("close", "chiudi", (OBJECTS, ITEMS)),
    ("feed", "nutri", (ANIMALS,)),
)
# English -ing form and infinitive, Italian, the groups of its objects, and the nouns if not all of the groups
GOALS_ON = (
    (
        "making",
        "make",
        "costruire",
        (OBJECTS, ITEMS),
        "kite, box, toy, lamp, ladder, doll, tent, fence, mirror, clock, vase",
    ),
    (
        "building",
        "build",
        "costruire",
        (OBJECTS, SURFACES),
        "house, tower, fence, gate, wall, bridge, bench, table, bed, shelf",
    ),
    ("baking", "bake", "preparare", (FOOD,), "cake, pizza, cookie, donut"),
    ("painting", "paint", "dipingere", (OBJECTS, SURFACES, VEHICLES), ""),
    ("drawing", "draw", "disegnare", (ANIMALS, PEOPLE, SHAPES, VEHICLES, ITEMS), ""),
    ("repairing", "repair", "riparare", (VEHICLES,), ""),
    (
        "fixing",
        "fix",
        "riparare",
        (OBJECTS,),
        "chair, clock, lamp, refrigerator, oven, sink, door, window, fence, gate",
    ),
    ("cleaning", "clean", "pulire", (OBJECTS, SURFACES, ROOMS), ""),
    ("sewing", "sew", "cucire", (CLOTHES,), "shirt, jacket, coat, scarf, dress, skirt, tie, T-shirt, cap"),
    ("choosing", "choose", "scegliere", (CLOTHES, VEHICLES, ITEMS), ""),
    ("decorating", "decorate", "decorare", (ROOMS, OBJECTS), ""),
    ("washing", "wash", "lavare", (CLOTHES, VEHICLES, ANIMALS), ""),
)


def step_on_thing(rng: Random) -> Pair:
    """*Cut the paper.*, *Draw a small circle on the wall.*"""
    english, imperative, groups = rng.choice(STEPS_ON)
    thing = definite(rng, *groups, demonstrative=False)
    if thing.noun.countable and rng.random() < 0.4:
        thing = indefinite(rng, *[group for group in groups if group.nouns[0].countable])
    if english in ("cut", "take") and rng.random() < 0.2:
        tool = indefinite(rng, ITEMS, plural=False)
        text = f"{imperative} {thing.italian} con {tool.italian}"
        return pair(f"{english} {thing.english} with {tool.english}", text, thing, tool)
    return pair(f"{english} {thing.english}", f"{imperative} {thing.italian}", thing)


def step_put(rng: Random) -> Pair:
    """*Put the flour in the bowl.*, *Place the book on the table.*"""
    thing = definite(rng, ITEMS, INGREDIENTS, INGREDIENTS, FOOD, CRAFT_SUPPLIES, demonstrative=False)
    target = definite(rng, ITEMS, OBJECTS, SURFACES, plural=False, demonstrative=False)
    english, imperative = rng.choice((("put", "metti"), ("place", "metti"), ("pour", "versa"), ("leave", "lascia")))
    preposition, text = rng.choice(
        (("in", "in"), ("into", "in"), ("on", "su"), ("next to", "accanto a"), ("under", "sotto"))
    )
    if english == "pour":
        thing = definite(rng, INGREDIENTS)
    return pair(
        f"{english} {thing.english} {preposition} {target.english}",
        f"{imperative} {thing.italian} {target.after(text)}",
        thing,
        target,
    )


def step_two_things(rng: Random) -> Pair:
    """*Mix the flour and the sugar.*, *Glue the star to the box.*"""
    kind = rng.randrange(4)
    if kind == 0:
        first, second = definite(rng, INGREDIENTS), definite(rng, INGREDIENTS)
        return pair(
            f"mix {first.english} and {second.english}", f"mescola {first.italian} e {second.italian}", first, second
        )
    first = definite(rng, ITEMS, SHAPES, CRAFT_SUPPLIES, demonstrative=False)
    second = definite(rng, OBJECTS, SURFACES, plural=False, demonstrative=False)
    english, link, imperative, preposition = (
        ("glue", "to", "incolla", "a"),
        ("remove", "from", "togli", "da"),
        ("hang", "on", "appendi", "a"),
    )[kind - 1]
    text = f"{imperative} {first.italian} {second.after(preposition)}"
    return pair(f"{english} {first.english} {link} {second.english}", text, first, second)


def step_cover(rng: Random) -> Pair:
    thing, cover = definite(rng, SURFACES, ITEMS, plural=False), definite(rng, CRAFT_SUPPLIES, INGREDIENTS)
    text = f"copri {thing.italian} con {cover.italian}"
    return pair(f"cover {thing.english} with {cover.english}", text, thing, cover)


def step_paint(rng: Random) -> Pair:
    """*Paint the box red.*: the colour stays masculine, *di rosso*."""
    thing = definite(rng, OBJECTS, ITEMS, SURFACES, colour=False)
    shade = rng.choice(COLOURS)
    return pair(f"paint {thing.english} {shade.english}", f"dipingi {thing.italian} di {shade.italian}", thing)


def step_wait(rng: Random) -> Pair:
    number, text = rng.choice(list(WORDS["numbers"].items()))
    unit, unit_text = rng.choice((("minutes", "minuti"), ("hours", "ore"), ("days", "giorni")))
    return Pair(f"wait {number} {unit}", f"aspetta {text} {unit_text}")


def fixed_step(rng: Random) -> Pair:
    return Pair(*rng.choice(list(WORDS["fixed_steps"].items())))


def goal(rng: Random) -> Pair:
    """*Making a kite*, *How to build a house*."""
    gerund, verb, infinitive, groups, names = rng.choice(GOALS_ON)
    nouns = [noun for group in groups for noun in group.nouns]
    noun = rng.choice([noun for noun in nouns if not names or noun.english in names.split(", ")])
    article = italian.indefinite_article(noun.italian, noun.gender)
    object_text = italian.join(article, noun.italian)
    object_english = f"{english_article(noun.english)} {noun.english}"
    if rng.random() < 0.5:
        return Pair(f"{gerund} {object_english}", f"{infinitive} {object_text}")
    return Pair(f"how to {verb} {object_english}", f"come {infinitive} {object_text}")
