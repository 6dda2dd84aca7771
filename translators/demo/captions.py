"""Sentence shapes of captions.

A shape draws its words and returns one `Pair` without capital or full stop; `grammar.py` adds those.
"""

from random import Random

from translators.demo import italian
from translators.demo.lexicon import (
    ANIMALS,
    FOOD,
    ITEMS,
    LEXICON,
    OBJECTS,
    PAIRED_CLOTHES,
    PEOPLE,
    THINGS,
    VEHICLES,
)
from translators.demo.phrases import (
    PICTURES,
    Pair,
    acting_on,
    bare,
    beside,
    clothes,
    definite,
    doing,
    indefinite,
    inside,
    on_surface,
    pair,
    someone,
    suiting,
    where,
)

WORDS = LEXICON.words


def thing_somewhere(rng: Random) -> Pair:
    thing, place = indefinite(rng, *THINGS, ANIMALS, PEOPLE), where(rng)
    return pair(f"{thing.english} {place.english}", f"{thing.italian} {place.italian}", thing, place)


def there_is(rng: Random) -> Pair:
    thing, place = indefinite(rng, *THINGS, ANIMALS, PEOPLE), where(rng)
    english = f"there {thing.is_} {thing.english} {place.english}"
    return pair(english, f"{thing.there} {thing.italian} {place.italian}", thing, place)


def thing_is_somewhere(rng: Random) -> Pair:
    thing, place = rng.choice((definite, indefinite))(rng, *THINGS, ANIMALS, PEOPLE), where(rng)
    english = f"{thing.english} {thing.is_} {place.english}"
    return pair(english, f"{thing.italian} {thing.copula} {place.italian}", thing, place)


def someone_is_doing(rng: Random) -> Pair:
    who = someone(rng)
    action = doing(rng, who)
    english, text = f"{who.english} {who.is_} {action.english}", f"{who.italian} {who.sta} {action.gerund}"
    if rng.random() < 0.3:
        return pair(english, text, who)
    place = where(rng)
    return pair(f"{english} {place.english}", f"{text} {place.italian}", who, place)


def someone_doing(rng: Random) -> Pair:
    """The participle of captions, which Italian turns into a relative clause."""
    who, place = indefinite(rng, PEOPLE, ANIMALS), where(rng)
    action = doing(rng, who)
    english = f"{who.english} {action.english} {place.english}"
    return pair(english, f"{who.italian} che {action.of(who)} {place.italian}", who, place)


def someone_is_acting_on(rng: Random) -> Pair:
    who, action = rng.choice((definite, indefinite))(rng, PEOPLE), acting_on(rng)
    english = f"{who.english} {who.is_} {action.english}"
    return Pair(english, f"{who.italian} {who.sta} {action.gerund}", who.pairs | action.pairs)


def someone_acting_on(rng: Random) -> Pair:
    who, action = indefinite(rng, PEOPLE), acting_on(rng)
    english = f"{who.english} {action.english}"
    return Pair(english, f"{who.italian} che {action.of(who)}", who.pairs | action.pairs)


def posture(rng: Random) -> Pair:
    who, place = someone(rng), rng.choice((on_surface, beside, inside))(rng)
    english, adjective = rng.choice(list(WORDS["postures"].items()))
    text = f"{who.italian} {who.copula} {who.agree(adjective)} {place.italian}"
    return pair(f"{who.english} {who.is_} {english} {place.english}", text, who, place)


def posture_phrase(rng: Random) -> Pair:
    who, place = indefinite(rng, PEOPLE, ANIMALS), rng.choice((on_surface, beside))(rng)
    english, adjective = rng.choice(list(WORDS["postures"].items()))
    text = f"{who.italian} {who.agree(adjective)} {place.italian}"
    return pair(f"{who.english} {english} {place.english}", text, who, place)


def parked(rng: Random) -> Pair:
    vehicle, place = rng.choice((definite, indefinite))(rng, VEHICLES), where(rng)
    english = f"{vehicle.english} {vehicle.is_} parked {place.english}"
    text = f"{vehicle.italian} {vehicle.copula} {vehicle.agree('parcheggiato')} {place.italian}"
    return pair(english, text, vehicle, place)


def holding(rng: Random) -> Pair:
    who, thing = rng.choice((definite, indefinite))(rng, PEOPLE), indefinite(rng, ITEMS, FOOD)
    text = f"{who.italian} {who.choose('tiene', 'tengono')} in mano {thing.italian}"
    return pair(f"{who.english} {who.is_} holding {thing.english}", text, who, thing)


def someone_holding(rng: Random) -> Pair:
    who, thing = indefinite(rng, PEOPLE), indefinite(rng, ITEMS, FOOD)
    text = f"{who.italian} che {who.choose('tiene', 'tengono')} in mano {thing.italian}"
    return pair(f"{who.english} holding {thing.english}", text, who, thing)


def wearing(rng: Random) -> Pair:
    who, garment = rng.choice((definite, indefinite))(rng, PEOPLE), clothes(rng)
    text = f"{who.italian} {who.choose('indossa', 'indossano')} {garment.italian}"
    return pair(f"{who.english} {who.is_} wearing {garment.english}", text, who, garment)


def in_clothes(rng: Random) -> Pair:
    """*man in a blue jacket*: Italian says *con*."""
    who, garment = rng.choice((bare, indefinite, definite))(rng, PEOPLE), clothes(rng)
    return pair(f"{who.english} in {garment.english}", f"{who.italian} con {garment.italian}", who, garment)


def with_thing(rng: Random) -> Pair:
    who, thing = rng.choice((bare, indefinite))(rng, PEOPLE), indefinite(rng, ITEMS, plural=False)
    return pair(f"{who.english} with {thing.english}", f"{who.italian} con {thing.italian}", who, thing)


def picture_shows(rng: Random) -> Pair:
    english, noun = rng.choice(PICTURES)
    first, second = indefinite(rng, *THINGS, ANIMALS, PEOPLE), indefinite(rng, *THINGS, ANIMALS)
    text = italian.join(italian.definite_article(noun, "f"), f"{noun} mostra {first.italian}")
    if rng.random() < 0.4:
        return pair(f"the {english} shows {first.english}", text, first)
    english = f"the {english} shows {first.english} and {second.english}"
    return pair(english, f"{text} e {second.italian}", first, second)


def photo_of(rng: Random) -> Pair:
    english, noun = rng.choice((("a picture", "un'immagine"), ("an image", "un'immagine"), ("a photo", "una foto")))
    thing, place = indefinite(rng, *THINGS, ANIMALS, PEOPLE), where(rng)
    return pair(
        f"{english} of {thing.english} {place.english}",
        f"{noun} di {thing.italian} {place.italian}",
        thing,
        place,
    )


def seen_in_background(rng: Random) -> Pair:
    thing = indefinite(rng, OBJECTS, VEHICLES, ANIMALS, PEOPLE)
    where_english, where_italian = rng.choice(
        (
            ("in the background", "sullo sfondo"),
            ("in the foreground", "in primo piano"),
            ("in the distance", "in lontananza"),
            ("in the middle", "al centro"),
        )
    )
    if rng.random() < 0.5:
        english = f"{thing.english} can be seen {where_english}"
        return pair(english, f"{where_italian} si {thing.choose('vede', 'vedono')} {thing.italian}", thing)
    english = f"{where_english} there {thing.is_} {thing.english}"
    return pair(english, f"{where_italian} {thing.there} {thing.italian}", thing)


def two_sentences(rng: Random) -> Pair:
    thing, place = indefinite(rng, *THINGS, ANIMALS, plural=False, adjectives=False), where(rng)
    group = next(group for group in (*THINGS, ANIMALS) if thing.noun in group.nouns)
    colour = rng.choice(suiting(group, thing.noun))
    article = italian.definite_article(thing.core, thing.gender).capitalize()
    again = italian.join(article, thing.core)
    english = f"{thing.english} is {place.english}. The {thing.noun.english} is {colour.english}"
    text = f"{thing.italian} è {place.italian}. {again} è {thing.agree(colour.italian)}"
    return Pair(english, text, place.pairs | {(thing.noun.english, colour.english)})


def group_of(rng: Random) -> Pair:
    english, text, groups = rng.choice(
        (
            ("a group of", "un gruppo di", (PEOPLE, ANIMALS)),
            ("a row of", "una fila di", (OBJECTS, VEHICLES, PEOPLE)),
            ("a pile of", "una pila di", (ITEMS,)),
            ("a pair of", "un paio di", (PAIRED_CLOTHES,)),
            ("a lot of", "molto", (PEOPLE, ANIMALS, VEHICLES, FOOD)),
        )
    )
    things = bare(rng, *groups, plural=True)
    if text == "molto":
        text = "molte" if things.gender == "f" else "molti"
    place = where(rng)
    return pair(
        f"{english} {things.english} {place.english}", f"{text} {things.italian} {place.italian}", things, place
    )


def plural_things(rng: Random) -> Pair:
    things, place = bare(rng, *THINGS, ANIMALS, PEOPLE, plural=True), where(rng)
    return pair(f"{things.english} {place.english}", f"{things.italian} {place.italian}", things, place)
