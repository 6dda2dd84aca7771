"""Noun phrases, places and verb phrases, built in English and Italian at once.

A `Phrase` keeps what a sentence needs to agree with it; a `Pair` is a finished text in both languages.
"""

from dataclasses import dataclass
from functools import cache
from random import Random

from translators.demo import italian
from translators.demo.italian import Gender
from translators.demo.lexicon import (
    ANIMALS,
    CABINS,
    CLOTHES,
    COLOUR_NOUNS,
    FOOD,
    FURNISHINGS,
    ITEMS,
    LEXICON,
    OPEN_SPACES,
    PAIRED_CLOTHES,
    PEOPLE,
    PLACES,
    ROOMS,
    SOFT_GROUNDS,
    SURFACES,
    VEHICLES,
    Adjective,
    Group,
    Noun,
    Verb,
    fitting,
)

NounAdjective = tuple[str, str]
NO_PAIRS: frozenset[NounAdjective] = frozenset()
PICTURES = (("picture", "immagine"), ("image", "immagine"), ("photo", "foto"))


@dataclass(frozen=True)
class Pair:
    """A text in both languages, without capital or full stop, and its English noun-adjective pairs."""

    english: str
    italian: str
    pairs: frozenset[NounAdjective] = NO_PAIRS


@dataclass(frozen=True)
class Phrase:
    """A noun phrase; `core` is the Italian without its determiner, `article` tells whether that is *il*."""

    english: str
    italian: str
    core: str
    noun: Noun
    plural: bool = False
    article: bool = False
    pairs: frozenset[NounAdjective] = NO_PAIRS

    @property
    def gender(self) -> Gender:
        return self.noun.gender

    @property
    def is_(self) -> str:
        return "are" if self.plural else "is"

    @property
    def does(self) -> str:
        return "do" if self.plural else "does"

    @property
    def copula(self) -> str:
        return self.choose("è", "sono")

    @property
    def there(self) -> str:
        return self.choose("c'è", "ci sono")

    @property
    def sta(self) -> str:
        return self.choose("sta", "stanno")

    def choose(self, singular: str, plural: str) -> str:
        return plural if self.plural else singular

    def agree(self, adjective: str) -> str:
        return italian.inflected(adjective, self.gender, self.plural)

    def after(self, preposition: str) -> str:
        """This phrase after an Italian preposition, melted with the article: *accanto all'albero*."""
        *head, last = preposition.split(" ")
        if self.article and last in italian.CONTRACTED:
            melted = italian.contracted(last, self.core, self.gender, self.plural)
            return italian.join(*head, melted, self.core)
        return f"{preposition} {self.italian}"


def suiting(group: Group, noun: Noun) -> list[Adjective]:
    """The colours and other adjectives, materials apart, that can be said of a noun of this group."""
    fit = fitting(group, noun)
    return [*fit.colours, *fit.adjectives]


def pair(english: str, italian_text: str, *parts: Phrase | Pair) -> Pair:
    return Pair(english, italian_text, frozenset().union(*(part.pairs for part in parts)))


def english_article(word: str) -> str:
    return "an" if word[0].lower() in "aeiou" else "a"


@cache
def _entries(groups: tuple[Group, ...]) -> tuple[tuple[Noun, Group], ...]:
    return tuple((noun, group) for group in groups for noun in group.nouns)


def _draw_adjectives(rng: Random, noun: Noun, group: Group, colour: bool = True) -> list[Adjective]:
    """None, one or two adjectives, in English order: size, age or state, then colour, then material."""
    fit = fitting(group, noun)
    drawn: list[Adjective] = []
    chance = rng.random()
    if fit.adjectives and (chance < 0.2 or 0.5 < chance < 0.57):
        drawn.append(rng.choice(fit.adjectives))
    if colour and fit.colours and 0.2 < chance < 0.57:
        drawn.append(rng.choice(fit.colours))
    if fit.materials and (0.45 < chance < 0.5 or 0.57 < chance < 0.63):
        drawn.append(rng.choice(fit.materials))
    return drawn


def _described(noun: Noun, adjectives: list[Adjective], plural: bool) -> tuple[str, str]:
    """Adjectives and noun in English and Italian, without a determiner."""
    english = " ".join([a.english for a in adjectives] + [noun.english_plural if plural else noun.english])
    word = noun.italian_plural if plural else noun.italian
    after = [italian.inflected(a.italian, noun.gender, plural) for a in reversed(adjectives) if not a.before]
    if adjectives and adjectives[-1].italian.startswith("di "):
        after = after[1:] + after[:1]
    before = [italian.preposed(a.italian, word, noun.gender, plural) for a in adjectives if a.before]
    return english, italian.join(*before, word, *after)


def _draw(
    rng: Random, groups: tuple[Group, ...], plural: bool | None, adjectives: bool, colour: bool
) -> tuple[Noun, list[Adjective], bool]:
    noun, group = rng.choice(_entries(groups))
    if not noun.countable:
        plural = False
    elif plural is None:
        plural = rng.random() < 0.28
    return noun, _draw_adjectives(rng, noun, group, colour) if adjectives else [], plural


def _phrase(
    noun: Noun, drawn: list[Adjective], plural: bool, english_determiner: str, determiner: str, article: bool
) -> Phrase:
    english, core = _described(noun, drawn, plural)
    return Phrase(
        english=f"{english_determiner} {english}".strip(),
        italian=italian.join(determiner, core),
        core=core,
        noun=noun,
        plural=plural,
        article=article,
        pairs=frozenset((noun.english, adjective.english) for adjective in drawn),
    )


def definite(
    rng: Random,
    *groups: Group,
    plural: bool | None = None,
    adjectives: bool = True,
    colour: bool = True,
    demonstrative: bool = True,
) -> Phrase:
    """*the red box*, and now and then *this box* or *those boxes*."""
    noun, drawn, plural = _draw(rng, groups, plural, adjectives, colour)
    core = _described(noun, drawn, plural)[1]
    chance = rng.random()
    if demonstrative and noun.countable and chance < 0.05:
        english, word, article = ("these" if plural else "this"), italian.this(core, noun.gender, plural), False
    elif demonstrative and noun.countable and chance < 0.1:
        english, word, article = ("those" if plural else "that"), italian.that(core, noun.gender, plural), False
    else:
        english, word, article = "the", italian.definite_article(core, noun.gender, plural), True
    return _phrase(noun, drawn, plural, english, word, article)


def indefinite(rng: Random, *groups: Group, plural: bool | None = None, adjectives: bool = True) -> Phrase:
    """*a red box*, *three boxes*, *3 boxes*, *some boxes*."""
    noun, drawn, plural = _draw(rng, groups, plural, adjectives, True)
    english, core = _described(noun, drawn, plural)
    if not plural:
        article = italian.indefinite_article(core, noun.gender)
        return _phrase(noun, drawn, plural, english_article(english), article, False)
    chance = rng.random()
    if chance < 0.2:
        return _phrase(noun, drawn, plural, "some", "alcune" if noun.gender == "f" else "alcuni", False)
    if chance < 0.35:
        digits = str(rng.randint(2, 12))
        return _phrase(noun, drawn, plural, digits, digits, False)
    number = rng.choice(list(LEXICON.words["numbers"]))
    return _phrase(noun, drawn, plural, number, LEXICON.words["numbers"][number], False)


def any_plural(rng: Random, *groups: Group) -> Phrase:
    """*any boxes*, in Italian with the partitive: *delle scatole*."""
    noun, drawn, plural = _draw(rng, groups, True, True, True)
    core = _described(noun, drawn, plural)[1]
    return _phrase(noun, drawn, plural, "any", italian.contracted("di", core, noun.gender, True), False)


def bare(rng: Random, *groups: Group, plural: bool | None = None, adjectives: bool = True) -> Phrase:
    """*red box*, without any determiner."""
    noun, drawn, plural = _draw(rng, groups, plural, adjectives, True)
    while noun.english in COLOUR_NOUNS:
        noun, drawn, plural = _draw(rng, groups, plural, adjectives, True)
    return _phrase(noun, drawn, plural, "", "", False)


def someone(rng: Random) -> Phrase:
    return rng.choice((indefinite, definite))(rng, PEOPLE, ANIMALS)


def inside(rng: Random) -> Pair:
    """*in the park*, *in a small kitchen*; Italian drops the article in *in cucina*."""
    if rng.random() < 0.15:
        place = indefinite(rng, ROOMS, PLACES, plural=False)
        return pair(f"in {place.english}", f"in {place.italian}", place)
    place = definite(rng, ROOMS, PLACES, OPEN_SPACES, CABINS, plural=False, demonstrative=False)
    if not place.pairs and place.noun.english in LEXICON.places_without_article:
        return pair(f"in {place.english}", f"in {place.core}", place)
    return pair(f"in {place.english}", place.after("in"), place)


def on_surface(rng: Random) -> Pair:
    surface = definite(rng, SURFACES, SURFACES, SURFACES, SOFT_GROUNDS, plural=False)
    if rng.random() < 0.12:
        surface = indefinite(rng, SURFACES, plural=False)
    return pair(f"on {surface.english}", surface.after("su"), surface)


def beside(rng: Random) -> Pair:
    """Any spatial relation to one thing, or *between* two."""
    groups = rng.choice((FURNISHINGS, (VEHICLES,), (PEOPLE,), (ANIMALS,), (FOOD, ITEMS)))
    determined = definite if rng.random() < 0.75 else indefinite
    landmark = determined(rng, *groups, plural=False)
    if rng.random() < 0.06:
        other = definite(rng, *groups, plural=False)
        english = f"between {landmark.english} and {other.english}"
        return pair(english, f"tra {landmark.italian} e {other.italian}", landmark, other)
    relations = LEXICON.words["relations"]
    relation = rng.choice(list(relations))
    return pair(f"{relation} {landmark.english}", landmark.after(relations[relation]), landmark)


def where(rng: Random) -> Pair:
    """Any place: on a surface, in a room, beside a thing."""
    chance = rng.random()
    return on_surface(rng) if chance < 0.3 else inside(rng) if chance < 0.5 else beside(rng)


def in_picture(rng: Random) -> Pair:
    """*in the photo*."""
    english, noun = rng.choice(PICTURES)
    return Pair(f"in the {english}", italian.join(italian.contracted("in", noun, "f"), noun))


def clothes(rng: Random) -> Phrase:
    """*a blue jacket* or *black shoes*."""
    if rng.random() < 0.2:
        return bare(rng, PAIRED_CLOTHES, plural=True)
    return indefinite(rng, CLOTHES, plural=False)


def pronoun(rng: Random) -> tuple[str, str, bool]:
    """*he is*, *she is*, *they are*: Italian leaves the pronoun out and keeps the verb's number."""
    return rng.choice((("he", "is", False), ("she", "is", False), ("they", "are", True)))


@dataclass(frozen=True)
class Action:
    """A verb and its object: English -ing form, Italian gerund, third persons and infinitive."""

    english: str
    gerund: str
    singular: str
    plural: str
    infinitive: str
    pairs: frozenset[NounAdjective] = NO_PAIRS

    def of(self, subject: Phrase) -> str:
        return subject.choose(self.singular, self.plural)


def _with_object(verb: Verb, thing: Phrase) -> Action:
    return Action(
        english=f"{verb.english} {thing.english}",
        gerund=f"{verb.gerund} {thing.italian}",
        singular=f"{verb.singular} {thing.italian}",
        plural=f"{verb.plural} {thing.italian}",
        infinitive=f"{verb.infinitive} {thing.italian}",
        pairs=thing.pairs,
    )


def acting_on(rng: Random) -> Action:
    """A transitive verb with its object: *washing the red car*."""
    table, groups = rng.choice(
        (
            ("on_items", (ITEMS,)),
            ("on_vehicles", (VEHICLES,)),
            ("on_food", (FOOD,)),
            ("on_animals", (ANIMALS,)),
        )
    )
    determined = definite if rng.random() < 0.4 else indefinite
    return _with_object(rng.choice(LEXICON.verbs[table]), determined(rng, *groups))


def doing(rng: Random, subject: Phrase) -> Action:
    """An intransitive verb that suits a person or an animal."""
    verb = rng.choice(LEXICON.verbs["human" if subject.noun in PEOPLE.nouns else "animal"])
    return Action(verb.english, verb.gerund, verb.singular, verb.plural, verb.infinitive)
