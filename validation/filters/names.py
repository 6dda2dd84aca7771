"""Filters on what a text calls by name or quotes: people, places, acronyms, model numbers, the words on a sign."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import ClassVar

from validation.filters.contract import AtMost, Filter, Pair
from validation.filters.texts import QUOTED, SPAN, language, quoted

_TOKEN = re.compile(r"[^\W_]++(?:[-.][^\W_]++)*+|[^\w\s]")
_MODEL_NUMBER = re.compile(r"(?<![\w-])(?=[A-Za-z-]*\d)[A-Za-z]{1,4}+-?\d{1,5}+[A-Za-z]{0,2}+(?![\w-])")
_ACRONYM = re.compile(r"[^\W\d_a-zа-я]{2,}")
_ROMAN = re.compile(r"[IVX]+")
_LONGEST = 6_000  # characters: every name is compared with every word
_JOINERS = frozenset({"of", "the", "de", "del", "della", "di", "da", "du", "la", "von", "van", "y", "el", "al"})
_INITIAL = frozenset('.!?…:"“„«‘([-–—)*•¿¡')
# What English writes with a capital and others do not, or say in another way.
_NOT_NAMES = """i mr mrs ms miss dr sir st monday tuesday wednesday thursday friday saturday sunday january february
    march april may june july august september october november december english german british american french dutch
    greek swiss thai czech arab arabic hindu muslim jewish jew welsh scots spanish irish danish swedish finnish polish
    turkish scottish iraqi israeli pakistani internet tv ok am pm bc ad bce ce atm bbq rv id earth god christ christmas
    easter halloween bible lord ferris"""
_NO_NAMES = frozenset(_NOT_NAMES.split())
_NATIONALITY = re.compile(r"[a-z]{3,}(?:ese|ian|ians|ean|can|cans|tholic|christians?|buddhists?|gothic|victorian)")
_NO_CAPITALS = frozenset({"de", "lb"})  # every noun has a capital, so that a capital says nothing
_CYRILLIC = str.maketrans("абвгдеёзийклмнопрстуфхцчшыэю", "abvgdeezijklmnoprstufhccsyeu", "ъь") | {
    ord("ж"): "zh",
    ord("щ"): "s",
    ord("я"): "ia",
}


@dataclass(frozen=True)
class Names(Filter):
    """Names of the source that the target neither has nor puts another name for.

    Figure: the share lost of the names inside sentences (capitalised words in a row are one name; an acronym, which
    may be a common noun, counts as half a one lost) and of the model numbers ("A320"). A name is kept by a word that
    looks like it ("Mikel" by "Mikelek", "Florence" by "Firenze"), or, since "Netherlands" is "Paesi Bassi", by any
    capitalised word inside a sentence that nothing else accounts for. In German, where these are everywhere, a noun
    with the same first letter will do. So half of the names that are lost are not missed; precision goes first.

    Capitals that say nothing are left out: sentence beginnings, titles in capitals throughout, weekdays, months,
    nationalities. Applies to sources in languages other than German, targets in Latin and Cyrillic letters.
    """

    name: ClassVar[str] = "names_v1"
    max_lost: float = 0.5

    def measure(self, pair: Pair) -> float | None:
        to = language(pair.target_language)
        if max(len(pair.source), len(pair.target)) > _LONGEST:
            return None
        source, target = (SPAN.sub(" . ", text) for text in (pair.source, pair.target))
        numbers = _MODEL_NUMBER.findall(source)
        lost: float = sum(number.casefold() not in target.casefold() for number in numbers)
        wanted = [] if language(pair.source_language) in _NO_CAPITALS else list(_names(source))
        if not any(map(str.isupper, target)) and not re.search(r"[A-Za-zа-яё]", target):
            wanted = []
        if not wanted and not numbers:
            return None
        lost += _lost(wanted, target, loosely=to in _NO_CAPITALS)
        return lost / (len(wanted) + len(numbers))

    def bounds(self, pair: Pair) -> tuple[float, float]:
        return 0, self.max_lost


@dataclass(frozen=True)
class Quotes(AtMost):
    """Quoted strings of the source that are quoted no more: what a sign says, what somebody said, a title.

    Figure: how many fewer quoted strings the target has. What is between the marks, and their form, are free.
    """

    name: ClassVar[str] = "quotes_v1"

    def measure(self, pair: Pair) -> float | None:
        source = len(quoted(SPAN.sub(" ", pair.source)))
        return float(max(0, source - len(quoted(SPAN.sub(" ", pair.target))))) if source else None


def _names(text: str) -> Iterator[list[str]]:
    """The names inside the sentences of a text, each as its capitalised words."""
    tokens = _TOKEN.findall(QUOTED.sub(" . ", text))
    words = [token for token in tokens if token[0].isalpha()]
    if sum(word[0].isupper() for word in words) > 0.6 * len(words) and len(words) > 3:
        return
    name: list[str] = []
    begins = True
    for token in [*tokens, "."]:
        if _is_name(token) and not begins:
            name.append(token)
        elif not (name and token in _JOINERS):
            if name:
                yield name
            name = []
        begins = token in _INITIAL


def _is_name(token: str) -> bool:
    plain = token.casefold()
    if len(token) < 2 or not token[0].isupper() or any(map(str.isdecimal, token)) or token[1] == "-":
        return False
    return plain not in _NO_NAMES and not _NATIONALITY.fullmatch(plain)


def _lost(names: Sequence[list[str]], target: str, *, loosely: bool) -> float:
    """How many of `names` nothing in a target stands for; of acronyms, half as many."""
    tokens = _TOKEN.findall(target)
    words = [token for token in tokens if token[0].isalnum()]
    keepers = [[word for word in words if any(_alike(one, word) for one in name)] for name in names]
    unmatched = [name for name, kept in zip(names, keepers, strict=True) if not kept]
    taken = {word for kept in keepers for word in kept}
    spare = [word for word in _capitalised(tokens) if word not in taken]
    if loosely:
        initials = {_plain(word)[:1] for word in words if word[0].isupper()}
        unmatched = [name for name in unmatched if not any(_plain(word)[:1] in initials for word in name)]
        spare = [word for word in spare if _ACRONYM.match(word)]
    acronyms = sum(all(map(_ACRONYM.match, name)) for name in unmatched)
    lost = max(0, len(unmatched) - len(spare))
    return lost - min(lost, acronyms) / 2


def _capitalised(tokens: Sequence[str]) -> Iterator[str]:
    """The capitalised words inside the sentences of a target, and its acronyms."""
    begins = True
    for token in tokens:
        named = token[0].isupper() and len(token) > 1 and not _ROMAN.fullmatch(token)
        if named and (not begins or _ACRONYM.match(token)):
            yield token
        begins = token in _INITIAL


def _alike(name: str, word: str) -> bool:
    """Whether a word may be a name in another language, or inflected."""
    one, other = _plain(name), _plain(word)
    if name.isupper():
        return one in other or sorted(one) == sorted(other)
    if len(one) < 3 or len(other) < 3:
        return one == other
    return one[:4] == other[:4] or one in other or SequenceMatcher(None, one, other).ratio() >= 0.6


def _plain(word: str) -> str:
    """A word in small Latin letters without accents."""
    letters = unicodedata.normalize("NFKD", word.casefold().translate(_CYRILLIC))
    return "".join(letter for letter in letters if letter.isalpha()).translate({ord("k"): "c", ord("w"): "v"})
