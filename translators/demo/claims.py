"""Sentence shapes of claims about a picture and of answers that are whole sentences."""

from random import Random

from translators.demo import italian
from translators.demo.lexicon import (
    ANIMALS,
    CLOTHES,
    ITEMS,
    LEXICON,
    OBJECTS,
    PEOPLE,
    PLACES,
    ROOMS,
    SHAPES,
    SURFACES,
    THINGS,
)
from translators.demo.phrases import (
    PICTURES,
    Pair,
    bare,
    clothes,
    definite,
    english_article,
    in_picture,
    indefinite,
    inside,
    pair,
    pronoun,
    suiting,
    where,
)

WORDS = LEXICON.words


def thing_is_coloured(rng: Random) -> Pair:
    """*the box is red*, *yes, the box is red*, *the box is not red*."""
    group = rng.choice((*THINGS, ANIMALS, SURFACES))
    thing = definite(rng, group, adjectives=False)
    adjective = rng.choice(suiting(group, thing.noun))
    pairs = frozenset({(thing.noun.english, adjective.english)})
    form = thing.agree(adjective.italian)
    kind = rng.randrange(5)
    if kind == 0:
        not_english = rng.choice((f"{thing.is_} not", f"{thing.is_}n't"))
        text = f"{thing.italian} non {thing.copula} {form}"
        return Pair(f"{thing.english} {not_english} {adjective.english}", text, pairs)
    english, text = f"{thing.english} {thing.is_} {adjective.english}", f"{thing.italian} {thing.copula} {form}"
    if kind == 1:
        return Pair(f"yes, {english}", f"sì, {text}", pairs)
    if kind == 2:
        return Pair(f"no, {english}", f"no, {text}", pairs)
    return Pair(english, text, pairs)


def person_is(rng: Random) -> Pair:
    who = definite(rng, PEOPLE, adjectives=False)
    adjective = rng.choice(suiting(PEOPLE, who.noun))
    pairs = frozenset({(who.noun.english, adjective.english)})
    text = f"{who.italian} {who.copula} {who.agree(adjective.italian)}"
    return Pair(f"{who.english} {who.is_} {adjective.english}", text, pairs)


def made_of(rng: Random) -> Pair:
    thing = definite(rng, ITEMS, OBJECTS, SURFACES)
    material = rng.choice(list(WORDS["materials"]))
    english = f"{thing.english} {thing.is_} made of {material}"
    text = f"{thing.italian} {thing.copula} {thing.agree('fatto')} {italian.of(WORDS['materials'][material])}"
    return pair(english, text, thing)


def taken_when(rng: Random) -> Pair:
    english, _ = rng.choice(PICTURES)
    if rng.random() < 0.7:
        when, text = rng.choice(list(WORDS["circumstances"].items()))
        return Pair(f"the {english} was taken {when}", f"la foto è stata scattata {text}")
    place = inside(rng)
    return pair(f"the {english} was taken {place.english}", f"la foto è stata scattata {place.italian}", place)


def comparison(rng: Random) -> Pair:
    people = rng.random() < 0.3
    groups = (PEOPLE,) if people else THINGS
    scale = (("older", "anziano"), ("younger", "giovane"), ("taller", "alto"))
    sizes = (("bigger", "grande"), ("larger", "grande"), ("smaller", "piccolo"), ("heavier", "pesante"))
    english, adjective = rng.choice(scale if people else sizes)
    first, second = definite(rng, *groups, plural=False), definite(rng, *groups, plural=False)
    text = f"{first.italian} è più {first.agree(adjective)} {second.after('di')}"
    return pair(f"{first.english} is {english} than {second.english}", text, first, second)


def no_such_thing(rng: Random) -> Pair:
    things = bare(rng, *THINGS, ANIMALS, PEOPLE, plural=True)
    place = in_picture(rng) if rng.random() < 0.5 else where(rng)
    text = f"non ci sono {things.italian} {place.italian}"
    return pair(f"there are no {things.english} {place.english}", text, things, place)


def all_are(rng: Random) -> Pair:
    group = rng.choice((*THINGS, ANIMALS, PEOPLE))
    things = definite(rng, group, plural=True, adjectives=False, demonstrative=False)
    adjective = rng.choice([a for a in suiting(group, things.noun) if not a.before])
    every = "tutte" if things.gender == "f" else "tutti"
    text = f"{every} {things.italian} sono {things.agree(adjective.italian)}"
    pairs = frozenset({(things.noun.english, adjective.english)})
    return Pair(f"all {things.english} are {adjective.english}", text, pairs)


def only_one(rng: Random) -> Pair:
    thing, place = bare(rng, *THINGS, ANIMALS, PEOPLE, plural=False), where(rng)
    article = italian.indefinite_article(thing.core, thing.gender)
    text = f"c'è solo {italian.join(article, thing.core)} {place.italian}"
    return pair(f"there is only one {thing.english} {place.english}", text, thing, place)


def yes_there_is(rng: Random) -> Pair:
    thing, place = indefinite(rng, *THINGS, ANIMALS, PEOPLE), where(rng)
    text = f"sì, {thing.there} {thing.italian} {place.italian}"
    return pair(f"yes, there {thing.is_} {thing.english} {place.english}", text, thing, place)


def wears_colour(rng: Random) -> Pair:
    """*the man's jacket is blue*."""
    who = definite(rng, PEOPLE, plural=False, demonstrative=False)
    garment = bare(rng, CLOTHES, plural=False, adjectives=False)
    colour = rng.choice(CLOTHES.colours)
    article = italian.definite_article(garment.core, garment.gender)
    text = f"{italian.join(article, garment.core)} {who.after('di')} è {garment.agree(colour.italian)}"
    pairs = who.pairs | {(garment.noun.english, colour.english)}
    return Pair(f"{who.english}'s {garment.english} is {colour.english}", text, pairs)


def weather_is(rng: Random) -> Pair:
    return Pair(*rng.choice(list(WORDS["weather_sentences"].items())))


def resembles(rng: Random) -> Pair:
    thing = definite(rng, OBJECTS, ITEMS, plural=False)
    shape = bare(rng, SHAPES, plural=False, adjectives=False)
    article = italian.indefinite_article(shape.core, shape.gender)
    english = f"{thing.english} looks like {english_article(shape.english)} {shape.english}"
    return pair(english, f"{thing.italian} sembra {italian.join(article, shape.core)}", thing)


def this_is(rng: Random) -> Pair:
    """*this is a kitchen*: Italian *questo* agrees with what it points at."""
    thing = indefinite(rng, *THINGS, ANIMALS, PEOPLE, ROOMS, PLACES, plural=False)
    this = "questa" if thing.gender == "f" else "questo"
    return pair(f"this is {thing.english}", f"{this} è {thing.italian}", thing)


def it_is(rng: Random) -> Pair:
    thing = indefinite(rng, *THINGS, ANIMALS, PEOPLE, SURFACES, plural=False)
    return pair(f"it is {thing.english}", f"è {thing.italian}", thing)


def it_is_there(rng: Random) -> Pair:
    place = where(rng)
    if rng.random() < 0.5:
        return pair(f"they are {place.english}", f"sono {place.italian}", place)
    return pair(f"it is {place.english}", f"è {place.italian}", place)


def pronoun_is_doing(rng: Random) -> Pair:
    who, is_, plural = pronoun(rng)
    if rng.random() < 0.3:
        garment = clothes(rng)
        text = f"{'indossano' if plural else 'indossa'} {garment.italian}"
        return pair(f"{who} {is_} wearing {garment.english}", text, garment)
    verb = rng.choice(LEXICON.verbs["human"])
    return Pair(f"{who} {is_} {verb.english}", f"{'stanno' if plural else 'sta'} {verb.gerund}")
