"""Sentence shapes of region captions: noun phrases that point at a part of the picture."""

from random import Random

from translators.demo import italian
from translators.demo.lexicon import (
    ANIMALS,
    FOOD,
    HUMAN_PARTS,
    INGREDIENTS,
    LEXICON,
    OBJECTS,
    PEOPLE,
    SURFACES,
    THINGS,
    WHOLES_AND_PARTS,
)
from translators.demo.phrases import (
    Pair,
    Phrase,
    bare,
    definite,
    english_article,
    indefinite,
    pair,
    where,
)

WORDS = LEXICON.words


def named_thing(rng: Random) -> Pair:
    thing = rng.choice((bare, definite, indefinite))(rng, *THINGS, SURFACES, ANIMALS, PEOPLE)
    return pair(thing.english, thing.italian, thing)


def two_coloured(rng: Random) -> Pair:
    """*black and white* is *bianco e nero* in Italian, whichever comes first in English."""
    group = rng.choice((*THINGS, ANIMALS))
    thing = bare(rng, group, plural=False, adjectives=False)
    first, second = rng.sample(group.colours, 2)
    if rng.random() < 0.15:
        first, second = rng.sample([colour for colour in group.colours if colour.english in ("black", "white")], 2)
    forms = [thing.agree(first.italian), thing.agree(second.italian)]
    if {first.english, second.english} == {"black", "white"}:
        forms = [thing.agree("bianco"), thing.agree("nero")]
    pairs = frozenset((thing.noun.english, colour.english) for colour in (first, second))
    english = f"{first.english} and {second.english} {thing.english}"
    text = f"{thing.core} {' e '.join(forms)}"
    if rng.random() < 0.5:
        return Pair(english, text, pairs)
    return Pair(
        f"{english_article(english)} {english}",
        italian.join(italian.indefinite_article(text, thing.gender), text),
        pairs,
    )


def part_of(rng: Random) -> Pair:
    """*the handle of the cup*, *wheel of a red car*."""
    wholes, parts = rng.choice((*WHOLES_AND_PARTS, (PEOPLE, HUMAN_PARTS)))
    whole = rng.choice((definite, definite, indefinite))(rng, wholes, plural=False)
    part = bare(rng, parts) if rng.random() < 0.4 else definite(rng, parts, demonstrative=False)
    return pair(f"{part.english} of {whole.english}", f"{part.italian} {whole.after('di')}", whole)


def someones_part(rng: Random) -> Pair:
    """*the man's hand*."""
    whole, part = rng.choice((definite, indefinite))(rng, PEOPLE, plural=False), bare(rng, HUMAN_PARTS)
    article = italian.definite_article(part.core, part.gender, part.plural)
    return pair(f"{whole.english}'s {part.english}", italian.join(article, part.core, whole.after("di")), whole)


def telegraphic(rng: Random) -> Pair:
    """*cup on table*: English drops both articles, Italian only the first."""
    relations = {english: text for english, text in WORDS["relations"].items() if english != "on top of"}
    relation = rng.choice(list(relations))
    thing = bare(rng, *THINGS, ANIMALS, PEOPLE)
    landmark = bare(rng, SURFACES if relation == "on" else OBJECTS, plural=False)
    article = italian.definite_article(landmark.core, landmark.gender)
    whole = Phrase("", italian.join(article, landmark.core), landmark.core, landmark.noun, article=True)
    english = f"{thing.english} {relation} {landmark.english}"
    return pair(english, f"{thing.italian} {whole.after(relations[relation])}", thing, landmark)


def bare_thing_somewhere(rng: Random) -> Pair:
    """*red cup on the table*."""
    thing, place = bare(rng, *THINGS, ANIMALS, PEOPLE, plural=False), where(rng)
    return pair(f"{thing.english} {place.english}", f"{thing.italian} {place.italian}", thing, place)


def thing_at_side(rng: Random) -> Pair:
    thing = definite(rng, *THINGS, ANIMALS, PEOPLE, demonstrative=False)
    side = rng.choice(("on the left", "on the right", "in the middle", "in the background"))
    return pair(f"{thing.english} {side}", f"{thing.italian} {WORDS['fixed_answers'][side]}", thing)


def container(rng: Random) -> Pair:
    """*a bowl of rice*, *plate of strawberries*."""
    english, text = rng.choice(
        (("a bowl", "una ciotola"), ("a plate", "un piatto"), ("a cup", "una tazza"), ("a basket", "un cestino"))
    )
    if rng.random() < 0.4:
        english, text = english.split(" ")[1], text.split(" ")[1]
    if english.endswith(("bowl", "cup")) and rng.random() < 0.7:
        content = rng.choice(INGREDIENTS.nouns)
        return Pair(f"{english} of {content.english}", f"{text} {italian.of(content.italian)}")
    fruit = bare(rng, FOOD, plural=True)
    return pair(f"{english} of {fruit.english}", f"{text} di {fruit.italian}", fruit)
