"""Sentence shapes of visual questions. They end with a question mark in both languages."""

from random import Random

from translators.demo import italian
from translators.demo.lexicon import (
    ANIMALS,
    CLOTHES,
    FOOD,
    ITEMS,
    LEXICON,
    OBJECTS,
    PEOPLE,
    PLACES,
    ROOMS,
    SHAPES,
    SURFACES,
    THINGS,
    VEHICLES,
    WHOLES_AND_PARTS,
)
from translators.demo.phrases import (
    Pair,
    acting_on,
    any_plural,
    bare,
    beside,
    clothes,
    definite,
    doing,
    in_picture,
    indefinite,
    inside,
    on_surface,
    pair,
    pronoun,
    suiting,
    where,
)

WORDS = LEXICON.words
COLOUR_SPELLINGS = ("colour", "color")
CATEGORIES = (
    ("animal", "animale"),
    ("object", "oggetto"),
    ("fruit", "frutto"),
    ("vehicle", "veicolo"),
    ("food", "cibo"),
    ("toy", "giocattolo"),
)


def what_colour(rng: Random) -> Pair:
    spelling = rng.choice(COLOUR_SPELLINGS)
    thing = definite(rng, *THINGS, ANIMALS, SURFACES, colour=False)
    if rng.random() < 0.25:
        text = f"qual è il colore {thing.after('di')}?"
        return pair(f"what is the {spelling} of {thing.english}?", text, thing)
    text = f"di che colore {thing.copula} {thing.italian}?"
    return pair(f"what {spelling} {thing.is_} {thing.english}?", text, thing)


def what_colour_there(rng: Random) -> Pair:
    spelling = rng.choice(COLOUR_SPELLINGS)
    thing, place = definite(rng, *THINGS, ANIMALS, colour=False, demonstrative=False), where(rng)
    english = f"what {spelling} {thing.is_} {thing.english} {place.english}?"
    text = f"di che colore {thing.copula} {thing.italian} {place.italian}?"
    return pair(english, text, thing, place)


def what_colour_clothes(rng: Random) -> Pair:
    spelling = rng.choice(COLOUR_SPELLINGS)
    who = definite(rng, PEOPLE, plural=False)
    garment = bare(rng, CLOTHES, plural=False, adjectives=False)
    garment_text = italian.join(italian.definite_article(garment.core, garment.gender), garment.core)
    if rng.random() < 0.5:
        text = f"di che colore è {garment_text} {who.after('di')}?"
        return pair(f"what {spelling} is {who.english}'s {garment.english}?", text, who)
    text = f"di che colore è {garment_text} che indossa {who.italian}?"
    return pair(f"what {spelling} {garment.english} is {who.english} wearing?", text, who)


def what_material(rng: Random) -> Pair:
    thing = definite(rng, ITEMS, OBJECTS, SURFACES)
    if rng.random() < 0.5:
        text = f"di che cosa {thing.copula} {thing.agree('fatto')} {thing.italian}?"
        return pair(f"what {thing.is_} {thing.english} made of?", text, thing)
    text = f"di che materiale {thing.copula} {thing.italian}?"
    return pair(f"what material {thing.is_} {thing.english} made of?", text, thing)


def is_made_of(rng: Random) -> Pair:
    thing = definite(rng, ITEMS, OBJECTS, SURFACES)
    material = rng.choice(list(WORDS["materials"]))
    text = f"{thing.italian} {thing.copula} {italian.of(WORDS['materials'][material])}?"
    return pair(f"{thing.is_} {thing.english} made of {material}?", text, thing)


def what_shape(rng: Random) -> Pair:
    thing = definite(rng, ITEMS, OBJECTS, SURFACES)
    if rng.random() < 0.5:
        return pair(f"what is the shape of {thing.english}?", f"qual è la forma {thing.after('di')}?", thing)
    text = f"che forma {thing.choose('ha', 'hanno')} {thing.italian}?"
    return pair(f"what shape {thing.is_} {thing.english}?", text, thing)


def how_many(rng: Random) -> Pair:
    things = bare(rng, *THINGS, ANIMALS, PEOPLE, plural=True)
    many = "quante" if things.gender == "f" else "quanti"
    kind = rng.randrange(6)
    if kind == 0:
        return pair(f"how many {things.english} are there?", f"{many} {things.italian} ci sono?", things)
    if kind == 1:
        return pair(f"how many {things.english} can you see?", f"{many} {things.italian} si vedono?", things)
    there = rng.choice(("are", "are there"))
    place = in_picture(rng) if kind < 4 else where(rng)
    english = f"how many {things.english} {there} {place.english}?"
    return pair(english, f"{many} {things.italian} ci sono {place.italian}?", things, place)


def how_many_doing(rng: Random) -> Pair:
    things = bare(rng, ANIMALS, PEOPLE, plural=True)
    many = "quante" if things.gender == "f" else "quanti"
    if things.noun in PEOPLE.nouns and rng.random() < 0.4:
        garment = indefinite(rng, CLOTHES, plural=False)
        text = f"{many} {things.italian} indossano {garment.italian}?"
        return pair(f"how many {things.english} are wearing {garment.english}?", text, things, garment)
    action = doing(rng, things)
    text = f"{many} {things.italian} stanno {action.gerund}?"
    return pair(f"how many {things.english} are {action.english}?", text, things)


def is_there(rng: Random) -> Pair:
    thing = indefinite(rng, *THINGS, ANIMALS, PEOPLE, plural=False)
    place = in_picture(rng) if rng.random() < 0.25 else where(rng)
    english = f"is there {thing.english} {place.english}?"
    return pair(english, f"c'è {thing.italian} {place.italian}?", thing, place)


def are_there(rng: Random) -> Pair:
    draw = any_plural(rng, *THINGS, ANIMALS, PEOPLE)
    if rng.random() < 0.4:
        draw = indefinite(rng, *THINGS, ANIMALS, PEOPLE, plural=True)
    place = in_picture(rng) if rng.random() < 0.25 else where(rng)
    return pair(f"are there {draw.english} {place.english}?", f"ci sono {draw.italian} {place.italian}?", draw, place)


def is_coloured(rng: Random) -> Pair:
    group = rng.choice((*THINGS, ANIMALS, SURFACES, PEOPLE))
    thing = definite(rng, group, adjectives=False)
    first, second = rng.sample(suiting(group, thing.noun), 2)
    english = f"{thing.is_} {thing.english} {first.english}"
    text = f"{thing.italian} {thing.copula} {thing.agree(first.italian)}"
    pairs = {(thing.noun.english, first.english)}
    if rng.random() < 0.2:
        english, text = f"{english} or {second.english}", f"{text} o {thing.agree(second.italian)}"
        pairs.add((thing.noun.english, second.english))
    return Pair(f"{english}?", f"{text}?", frozenset(pairs))


def is_it_there(rng: Random) -> Pair:
    thing, place = definite(rng, *THINGS, ANIMALS, PEOPLE), where(rng)
    text = f"{thing.italian} {thing.copula} {place.italian}?"
    return pair(f"{thing.is_} {thing.english} {place.english}?", text, thing, place)


def where_is(rng: Random) -> Pair:
    thing = definite(rng, *THINGS, ANIMALS, PEOPLE)
    start = thing.choose("dov'è", "dove sono")
    return pair(f"where {thing.is_} {thing.english}?", f"{start} {thing.italian}?", thing)


def where_doing(rng: Random) -> Pair:
    who = definite(rng, PEOPLE, ANIMALS)
    if rng.random() < 0.6:
        english, adjective = rng.choice(list(WORDS["postures"].items()))
        start = who.choose("dov'è", "dove sono")
        text = f"{start} {who.agree(adjective)} {who.italian}?"
    else:
        action = doing(rng, who)
        english, text = action.english, f"dove {who.sta} {action.gerund} {who.italian}?"
    return pair(f"where {who.is_} {who.english} {english}?", text, who)


def photo_taken(rng: Random) -> Pair:
    english = rng.choice(("picture", "photo", "image"))
    this = rng.choice((("the", "la"), ("this", "questa")))
    if rng.random() < 0.4:
        word, text = rng.choice((("where", "dove"), ("when", "quando")))
        return Pair(f"{word} was {this[0]} {english} taken?", f"{text} è stata scattata {this[1]} foto?")
    when, when_text = rng.choice(list(WORDS["circumstances"].items()))
    return Pair(f"was {this[0]} {english} taken {when}?", f"{this[1]} foto è stata scattata {when_text}?")


def what_doing(rng: Random) -> Pair:
    who = definite(rng, PEOPLE, ANIMALS)
    english, text = f"what {who.is_} {who.english} doing", f"che cosa {who.sta} facendo {who.italian}"
    if rng.random() < 0.7:
        return pair(f"{english}?", f"{text}?", who)
    place = where(rng)
    return pair(f"{english} {place.english}?", f"{text} {place.italian}?", who, place)


def what_of_person(rng: Random) -> Pair:
    """*what is the man holding / wearing / looking at / riding / eating?*"""
    who = definite(rng, PEOPLE)
    english, text = rng.choice(
        (
            ("holding", who.choose("tiene in mano", "tengono in mano")),
            ("wearing", who.choose("indossa", "indossano")),
            ("looking at", f"{who.sta} guardando"),
            ("eating", f"{who.sta} mangiando"),
            ("carrying", f"{who.sta} portando"),
            ("reading", f"{who.sta} leggendo"),
            ("washing", f"{who.sta} lavando"),
            ("pointing at", f"{who.sta} indicando"),
            ("driving", f"{who.sta} guidando"),
        )
    )
    return pair(f"what {who.is_} {who.english} {english}?", f"che cosa {text} {who.italian}?", who)


def what_riding(rng: Random) -> Pair:
    who = definite(rng, PEOPLE)
    text = f"su che cosa si {who.sta} spostando {who.italian}?"
    return pair(f"what {who.is_} {who.english} riding?", text, who)


def what_sport(rng: Random) -> Pair:
    who = definite(rng, PEOPLE)
    return pair(f"what sport {who.is_} {who.english} playing?", f"a che sport {who.sta} giocando {who.italian}?", who)


def is_doing(rng: Random) -> Pair:
    who = definite(rng, PEOPLE, ANIMALS)
    action = doing(rng, who)
    return pair(f"{who.is_} {who.english} {action.english}?", f"{who.italian} {who.sta} {action.gerund}?", who)


def is_acting_on(rng: Random) -> Pair:
    who, action = definite(rng, PEOPLE), acting_on(rng)
    english = f"{who.is_} {who.english} {action.english}?"
    return Pair(english, f"{who.italian} {who.sta} {action.gerund}?", who.pairs | action.pairs)


def is_holding(rng: Random) -> Pair:
    who, thing = definite(rng, PEOPLE), indefinite(rng, ITEMS, FOOD)
    text = f"{who.italian} {who.choose('tiene', 'tengono')} in mano {thing.italian}?"
    return pair(f"{who.is_} {who.english} holding {thing.english}?", text, who, thing)


def is_wearing(rng: Random) -> Pair:
    who, garment = definite(rng, PEOPLE), clothes(rng)
    text = f"{who.italian} {who.choose('indossa', 'indossano')} {garment.italian}?"
    return pair(f"{who.is_} {who.english} wearing {garment.english}?", text, who, garment)


def what_is_there(rng: Random) -> Pair:
    place = rng.choice((on_surface, beside, inside))(rng)
    if rng.random() < 0.2:
        english, text = rng.choice((("background", "sullo sfondo"), ("foreground", "in primo piano")))
        return Pair(f"what can be seen in the {english}?", f"che cosa si vede {text}?")
    return pair(f"what is {place.english}?", f"che cosa c'è {place.italian}?", place)


def which_category(rng: Random) -> Pair:
    english, noun = rng.choice(CATEGORIES)
    kind = rng.randrange(4)
    if kind == 0:
        return Pair(f"what {english} is this?", f"che {noun} è questo?")
    if kind == 1:
        return Pair(f"what kind of {english} is this?", f"che tipo di {noun} è questo?")
    place = where(rng)
    word = rng.choice(("which", "what"))
    return pair(f"{word} {english} is {place.english}?", f"quale {noun} c'è {place.italian}?", place)


def what_kind(rng: Random) -> Pair:
    place = where(rng)
    english, noun = rng.choice(CATEGORIES)
    text = f"che tipo di {noun} c'è {place.italian}?"
    return pair(f"what kind of {english} is {place.english}?", text, place)


def which_is_bigger(rng: Random) -> Pair:
    first, second = definite(rng, *THINGS, plural=False), definite(rng, *THINGS, plural=False)
    english, text = rng.choice(
        (("bigger", "grande"), ("larger", "grande"), ("smaller", "piccolo"), ("heavier", "pesante"))
    )
    if rng.random() < 0.5:
        question, start = f"which object is {english}", f"quale oggetto è più {text}"
    else:
        question, start = f"which is {english}", f"che cosa è più {text}"
    return pair(
        f"{question}, {first.english} or {second.english}?",
        f"{start}, {first.italian} o {second.italian}?",
        first,
        second,
    )


def which_room(rng: Random) -> Pair:
    thing = definite(rng, OBJECTS, ANIMALS, PEOPLE)
    text = f"in quale stanza si {thing.choose('trova', 'trovano')} {thing.italian}?"
    return pair(f"which room {thing.is_} {thing.english} in?", text, thing)


def who_is(rng: Random) -> Pair:
    kind = rng.randrange(5)
    if kind == 0:
        thing = definite(rng, ITEMS, FOOD, plural=False)
        return pair(f"who is holding {thing.english}?", f"chi tiene in mano {thing.italian}?", thing)
    if kind == 1:
        garment = clothes(rng)
        return pair(f"who is wearing {garment.english}?", f"chi indossa {garment.italian}?", garment)
    if kind == 2:
        place = rng.choice((on_surface, beside))(rng)
        english, adjective = rng.choice(list(WORDS["postures"].items()))
        return pair(f"who is {english} {place.english}?", f"chi è {adjective} {place.italian}?", place)
    if kind == 3:
        verb = rng.choice(LEXICON.verbs["human"])
        return Pair(f"who is {verb.english}?", f"chi sta {verb.gerund}?")
    action = acting_on(rng)
    return Pair(f"who is {action.english}?", f"chi sta {action.gerund}?", action.pairs)


def does_have(rng: Random) -> Pair:
    """*does the cup have a handle?*, *does the man have a backpack?*"""
    if rng.random() < 0.4:
        wholes, parts = rng.choice(WHOLES_AND_PARTS)
        owner, thing = definite(rng, wholes), indefinite(rng, parts)
    else:
        owner, thing = definite(rng, PEOPLE), indefinite(rng, ITEMS)
    text = f"{owner.italian} {owner.choose('ha', 'hanno')} {thing.italian}?"
    return pair(f"{owner.does} {owner.english} have {thing.english}?", text, owner, thing)


def has_in_hand(rng: Random) -> Pair:
    who = definite(rng, PEOPLE, plural=False)
    if who.noun.italian not in ("uomo", "ragazzo", "signora", "donna", "ragazza"):
        text = f"che cosa ha {who.italian}?"
        return pair(f"what does {who.english} have?", text, who)
    owner = "her" if who.gender == "f" else "his"
    return pair(f"what does {who.english} have in {owner} hand?", f"che cosa ha in mano {who.italian}?", who)


def do_you_see(rng: Random) -> Pair:
    shape = indefinite(rng, SHAPES, plural=False)
    place = in_picture(rng) if rng.random() < 0.5 else on_surface(rng)
    return pair(f"do you see {shape.english} {place.english}?", f"vedi {shape.italian} {place.italian}?", shape, place)


def how_is_it(rng: Random) -> Pair:
    thing = definite(rng, ITEMS, FOOD, VEHICLES, OBJECTS, ANIMALS, plural=False)
    if rng.random() < 0.5:
        return pair(f"how big is {thing.english}?", f"quanto è grande {thing.italian}?", thing)
    return pair(f"what does {thing.english} look like?", f"che aspetto ha {thing.italian}?", thing)


def how_old(rng: Random) -> Pair:
    who = definite(rng, PEOPLE, ANIMALS)
    text = f"quanti anni {who.choose('ha', 'hanno')} {who.italian}?"
    return pair(f"how old {who.is_} {who.english}?", text, who)


def is_this(rng: Random) -> Pair:
    thing = indefinite(rng, *THINGS, ANIMALS, PEOPLE, ROOMS, PLACES, plural=False)
    this = "questa" if thing.gender == "f" else "questo"
    return pair(f"is this {thing.english}?", f"{this} è {thing.italian}?", thing)


def pronoun_question(rng: Random) -> Pair:
    who, is_, plural = pronoun(rng)
    english, text = rng.choice(
        (
            ("doing", "stanno facendo" if plural else "sta facendo"),
            ("wearing", "indossano" if plural else "indossa"),
            ("holding", "tengono in mano" if plural else "tiene in mano"),
            ("eating", "stanno mangiando" if plural else "sta mangiando"),
            ("looking at", "stanno guardando" if plural else "sta guardando"),
        )
    )
    return Pair(f"what {is_} {who} {english}?", f"che cosa {text}?")


def numbered_person(rng: Random) -> Pair:
    """*what is person 1 doing?*, as in tasks that number the people of a picture."""
    number = rng.randint(1, 9)
    english, text = rng.choice(list(WORDS["of_a_numbered_person"].items()))
    return Pair(english.format(f"person {number}"), text.format(f"la persona {number}"))


def fixed_question(rng: Random) -> Pair:
    return Pair(*rng.choice(list(WORDS["fixed_questions"].items())))
