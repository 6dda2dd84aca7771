"""Italian morphology for the demo grammar: articles, elision, contracted prepositions and agreement.

Each function looks at the word that follows, as a speaker does: *lo zaino* but *il vecchio zaino*.
"""

from typing import Literal

Gender = Literal["m", "f"]

VOWELS = frozenset("aeiouàèéìòùh")  # an initial h is silent: l'hot dog
CONTRACTED = {"di": "de", "a": "a", "da": "da", "in": "ne", "su": "su"}
# masculine singular before a plain consonant, an impure one, a vowel; the same in the plural
PATTERNS: dict[str, tuple[str, str, str, str, str, str]] = {
    "il": ("il", "lo", "l'", "i", "gli", "gli"),
    "quello": ("quel", "quello", "quell'", "quei", "quegli", "quegli"),
    "bello": ("bel", "bello", "bell'", "bei", "begli", "begli"),
}
FEMININE: dict[str, tuple[str, str, str]] = {
    "il": ("la", "l'", "le"),
    "quello": ("quella", "quell'", "quelle"),
    "bello": ("bella", "bell'", "belle"),
}


def starts_with_vowel(word: str) -> bool:
    return word[0].lower() in VOWELS


def starts_impure(word: str) -> bool:
    """Whether a masculine word takes *lo* and *uno*: s + consonant, z, ps, pn, gn, x, y."""
    word = word.lower()
    return word[0] in "zxy" or word[:2] in ("ps", "pn", "gn") or (word[0] == "s" and word[1] not in VOWELS)


def join(*words: str) -> str:
    """Words with blanks between them, but none after an apostrophe: *l'* and *amica* give *l'amica*."""
    return " ".join(word for word in words if word).replace("' ", "'")


def _patterned(word_class: str, following: str, gender: Gender, plural: bool) -> str:
    vowel = starts_with_vowel(following)
    if gender == "f":
        before_consonant, before_vowel, plural_form = FEMININE[word_class]
        return plural_form if plural else before_vowel if vowel else before_consonant
    column = 2 if vowel else 1 if starts_impure(following) else 0
    return PATTERNS[word_class][column + (3 if plural else 0)]


def definite_article(following: str, gender: Gender, plural: bool = False) -> str:
    """*il, lo, la, l', i, gli, le*."""
    return _patterned("il", following, gender, plural)


def indefinite_article(following: str, gender: Gender) -> str:
    """*un, uno, una, un'*."""
    if gender == "f":
        return "un'" if starts_with_vowel(following) else "una"
    return "uno" if starts_impure(following) else "un"


def that(following: str, gender: Gender, plural: bool = False) -> str:
    """*quel, quello, quella, quell', quei, quegli, quelle*."""
    return _patterned("quello", following, gender, plural)


def this(following: str, gender: Gender, plural: bool = False) -> str:
    """*questo, questa, quest', questi, queste*."""
    if plural:
        return "queste" if gender == "f" else "questi"
    if starts_with_vowel(following):
        return "quest'"
    return "questa" if gender == "f" else "questo"


def contracted(preposition: str, following: str, gender: Gender, plural: bool = False) -> str:
    """A simple preposition melted into the definite article: *dello, nell', sugli, alla, dai*."""
    article = definite_article(following, gender, plural)
    ending = {"il": "l", "lo": "llo", "la": "lla", "l'": "ll'", "i": "i", "gli": "gli", "le": "lle"}[article]
    return CONTRACTED[preposition] + ending


def inflected(adjective: str, gender: Gender, plural: bool = False) -> str:
    """An adjective's form, from its masculine singular: *rosso, rossa, rossi, rosse*; *bianco, bianchi*.

    Words that do not end in -o or -e, and phrases such as *di legno*, do not vary.
    """
    if " " in adjective or adjective in ("beige", "blu", "rosa", "viola"):
        return adjective
    if adjective.endswith("e"):
        return adjective[:-1] + "i" if plural else adjective
    if not adjective.endswith("o"):
        return adjective
    stem = adjective[:-1]
    if not plural:
        return stem + ("a" if gender == "f" else "o")
    if stem[-1] in "cg":
        stem += "h"
    if gender == "f":
        return stem + "e"
    return stem if stem.endswith("i") else stem + "i"


def preposed(adjective: str, following: str, gender: Gender, plural: bool = False) -> str:
    """The form that an adjective takes before its noun: *bel cane*, *bell'albero*, *begli zaini*."""
    if adjective == "bello":
        return _patterned("bello", following, gender, plural)
    return inflected(adjective, gender, plural)


def of(uncountable: str) -> str:
    """*di legno*, *d'oro*: di and a noun without an article."""
    return join("d'" if starts_with_vowel(uncountable) else "di", uncountable)
