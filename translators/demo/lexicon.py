"""The words of the demo grammar, read from lexicon.yaml, and which adjectives go with which nouns."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import cast

import yaml

from translators.demo.italian import Gender


@dataclass(frozen=True)
class Noun:
    """An uncountable noun has empty plurals."""

    english: str
    english_plural: str
    italian: str
    italian_plural: str
    gender: Gender

    @property
    def countable(self) -> bool:
        return bool(self.english_plural)


@dataclass(frozen=True)
class Adjective:
    """`italian` is the masculine singular; `before` tells whether it precedes the noun."""

    english: str
    italian: str
    before: bool = False


@dataclass(frozen=True)
class Verb:
    """`english` is the -ing form."""

    english: str
    gerund: str
    singular: str
    plural: str
    infinitive: str


@dataclass(frozen=True, eq=False)
class Group:
    """Nouns of one sort and the adjectives that suit most of them; `fits` keeps some to fewer nouns."""

    nouns: tuple[Noun, ...]
    colours: tuple[Adjective, ...] = ()
    adjectives: tuple[Adjective, ...] = ()
    materials: tuple[Adjective, ...] = ()


@dataclass(frozen=True)
class Lexicon:
    """Every table of lexicon.yaml by its name there; `words` maps English to Italian phrases."""

    nouns: dict[str, tuple[Noun, ...]]
    adjectives: dict[str, tuple[Adjective, ...]]
    verbs: dict[str, tuple[Verb, ...]]
    fits: dict[str, frozenset[str]]
    places_without_article: frozenset[str]
    words: dict[str, dict[str, str]]

    def all_nouns(self) -> tuple[Noun, ...]:
        return tuple(dict.fromkeys(noun for group in self.nouns.values() for noun in group))


def _rows(table: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.split(",")] for line in table.strip().splitlines()]


def _noun(cells: list[str]) -> Noun:
    english, english_plural, italian, italian_plural, gender = (cell if cell != "-" else "" for cell in cells)
    return Noun(english, english_plural, italian, italian_plural, cast(Gender, gender))


def load(path: Path) -> Lexicon:
    tables = yaml.safe_load(path.read_text(encoding="utf-8"))
    return Lexicon(
        nouns={name: tuple(map(_noun, _rows(text))) for name, text in tables["nouns"].items()},
        adjectives={
            name: tuple(Adjective(row[0], row[1], "before" in row[2:]) for row in _rows(text))
            for name, text in tables["adjectives"].items()
        },
        fits={adjective: frozenset(_rows(text)[0]) for adjective, text in tables["fits"].items()},
        places_without_article=frozenset(_rows(tables["places_without_article"])[0]),
        verbs={name: tuple(Verb(*row) for row in _rows(text)) for name, text in tables["verbs"].items()},
        words=tables["words"],
    )


LEXICON = load(Path(__file__).with_name("lexicon.yaml"))
# A noun that is a colour too ("orange") is never used bare or with a colour: nobody could tell which it is.
COLOUR_NOUNS = frozenset(a.english for a in LEXICON.adjectives["colours"]) & frozenset(
    noun.english for noun in LEXICON.all_nouns()
)


@cache
def fitting(group: Group, noun: Noun) -> Group:
    """The noun alone with those adjectives of its group that suit it. A noun that is a colour too takes no colour."""

    def suits(adjective: Adjective) -> bool:
        return noun.english in LEXICON.fits.get(adjective.english, (noun.english,))

    return Group(
        nouns=(noun,),
        colours=() if noun.english in COLOUR_NOUNS else tuple(filter(suits, group.colours)),
        adjectives=tuple(filter(suits, group.adjectives)),
        materials=tuple(filter(suits, group.materials)),
    )


def _group(noun_table: str, adjective_tables: str = "", colours: str = "", materials: bool = False) -> Group:
    return Group(
        nouns=LEXICON.nouns[noun_table],
        colours=LEXICON.adjectives[colours] if colours else (),
        adjectives=tuple(a for name in adjective_tables.split() for a in LEXICON.adjectives[name]),
        materials=LEXICON.adjectives["materials"] if materials else (),
    )


ANIMALS = _group("animals", "sizes ages moods praise", "coats")
PEOPLE = _group("people", "human")
ITEMS = _group("items", "sizes ages condition states praise", "colours", materials=True)
OBJECTS = _group("objects", "sizes ages condition states forms looks praise", "colours", materials=True)
VEHICLES = _group("vehicles", "sizes ages condition states looks", "colours")
FOOD = _group("food", "sizes tastes", "colours")
CLOTHES = _group("clothes", "ages condition looks forms praise", "colours")
PAIRED_CLOTHES = _group("paired_clothes", "ages condition looks", "colours")
SHAPES = _group("shapes", "sizes looks", "colours", materials=True)
SURFACES = _group("surfaces", "sizes ages condition states forms", "colours", materials=True)
SOFT_GROUNDS = _group("soft_grounds")
ROOMS = _group("rooms", "sizes settings praise")
PLACES = _group("places", "sizes settings praise")
OPEN_SPACES = _group("open_spaces")
INGREDIENTS = _group("ingredients")
CRAFT_SUPPLIES = _group("craft_supplies")

THINGS = (ITEMS, OBJECTS, VEHICLES, FOOD, CLOTHES, SHAPES)
FURNISHINGS = (ITEMS, OBJECTS, SURFACES)


def _named(group: Group, *names: str) -> Group:
    nouns = tuple(noun for noun in group.nouns if noun.english in names)
    return Group(nouns, group.colours, group.adjectives, group.materials)


WHOLES_AND_PARTS = (
    (_named(ITEMS, "cup", "mug", "bag", "suitcase", "umbrella"), _group("cup_parts")),
    (_named(VEHICLES, "car", "bus", "truck", "train"), _group("vehicle_parts")),
    (_named(OBJECTS, "chair", "mirror"), _group("furniture_parts")),
    (_named(SURFACES, "table", "bench", "desk"), _group("furniture_parts")),
    (ANIMALS, _group("animal_parts")),
)
CABINS = _named(VEHICLES, "car", "bus", "truck", "boat", "train", "airplane", "helicopter")
HUMAN_PARTS = _group("human_parts")
