"""What our own texts are made of: sentences, names, numbers, placeholders, labels, quotations.

The faults are planted by these. They know our pairs and need to be right about no other text; nothing here is
taken from the filters, which would otherwise be measured by themselves.
"""

import re
import unicodedata

from tests.parallel import Good

PLACEHOLDER = re.compile(r"<image>|\[[\w., ]+\]|https?://\S*\w|\{\w+\}|`[^`]+`")
LABEL = re.compile(r"(?:^|(?<=\s))(?:\([A-D1-4]\)|[A-D1-4]\.(?!\d))", re.MULTILINE)
_NUMBER = re.compile(r"(?<![\w.])\d+(?:[.,:\u00a0]\d+)*")
_SENTENCE_END = re.compile(r"(?<!Dr\.)(?<!Dra\.)(?<=[.!?»“\"])\s+(?=[^\W\d_a-zа-я]|[¿«„\"])")
_QUOTED = re.compile(r"\"[^\"]+\"|«[^»]+»|„[^“]+“")
WORD = re.compile(r"[^\W\d_]+")
_CYRILLIC = dict(zip("abcdefghijklmnopqrstuvwxyz", "абцдефгхийклмнопкрстуввхйз", strict=True))
_LATIN = dict(
    zip(
        "абвгдежзийклмнопрстуфхцчшщъыьэюя",
        [*"abvgde", "zh", *"ziyklmnoprstuf", "kh", "ts", "ch", "sh", "shch", "", "y", "", "e", "yu", "ya"],
        strict=True,
    )
)
_OPENING_NAMES = {"Jon", "Mikel", "Miren"}  # names that begin a sentence; the other words there are none


def sentences(text: str) -> list[str]:
    """The sentences of one of our own texts; option lists are none."""
    return [text] if LABEL.search(text) else _SENTENCE_END.split(text)


def lower_words(text: str) -> int:
    """Words that are no names: short answers like "NASA" are their own translation."""
    return sum(word[0].islower() and len(word) > 2 for word in WORD.findall(PLACEHOLDER.sub(" ", text)))


def numbers(text: str) -> list[tuple[int, int]]:
    """Where a text has numbers in digits, those of placeholders and labels apart."""
    taken = [range(*found.span()) for pattern in (PLACEHOLDER, LABEL) for found in pattern.finditer(text)]
    return [found.span() for found in _NUMBER.finditer(text) if not any(found.start() in span for span in taken)]


def quotation(one: Good) -> re.Match[str] | None:
    """What the target quotes, with its marks, where the source quotes something."""
    return _QUOTED.search(one.target) if '"' in one.source else None


def names(one: Good) -> list[re.Match[str]]:
    """Names of the target that begin like one of the source's; a word that opens a sentence there is none."""
    opening = {sentence.split()[0].strip('"') for sentence in sentences(one.source)} - _OPENING_NAMES
    stems = {word[:4].casefold() for word in WORD.findall(hidden(one.source)) if _is_name(word) and word not in opening}
    found = [word for word in WORD.finditer(hidden(one.target)) if _is_name(word[0])]
    return [name for name in found if {name[0][:4].casefold(), transliterated(name[0])[:4].casefold()} & stems]


def _is_name(word: str) -> bool:
    return word[0].isupper() and (len(word) > 2 or (len(word) > 1 and word.isupper()))


def hidden(text: str) -> str:
    """The text with blanks in the place of its placeholders and labels."""
    for pattern in (PLACEHOLDER, LABEL):
        text = pattern.sub(lambda found: " " * len(found[0]), text)
    return text


def transliterated(text: str) -> str:
    """Latin letters in Cyrillic and Cyrillic ones in Latin, without accents."""
    plain = "".join(sign for sign in unicodedata.normalize("NFD", text) if not unicodedata.combining(sign))
    changed = (_LATIN.get(sign.lower(), _CYRILLIC.get(sign.lower(), sign)) for sign in plain)
    return "".join(new.capitalize() if old.isupper() else new for old, new in zip(plain, changed, strict=True))
