"""What people corrected, as entries of the translation memory: it is remembered, and no model is asked for it again.

A translator is asked for less than a field: a text is cut at its placeholders, and for most translators into its
sentences. So a correction enters piece by piece, and only where its pieces, put where those of the source were, are
the person's text again.
"""

from collections.abc import Iterator, Sequence

from translators import placeholders, sentences
from translators.memory import Entry, identity, key
from translators.placeholders import Pieces
from translators.translate import asked_for, take_apart
from translators.units import Translator, Unit


def corrections(
    translator: Translator, target: str, unit: Unit, was: Sequence[str], now: Sequence[str], made: int
) -> list[Entry] | None:
    """What to remember of a unit that a person corrected, or None if it cannot be cut as its source is.

    `was` are the unit's translations before and `now` after, one a text, in the language `target` (ISO 639); `made` is
    when the person wrote them, in microseconds since 1970. A piece that the person left as it was is not an entry of
    theirs, unless the translator takes all texts of a unit together.
    """
    cut = take_apart(unit, translator)
    asked = asked_for(unit, cut, translator.together)
    after = _all_translations(cut, now, target)
    before = _all_translations(cut, was, target)
    if after is None:
        return None
    if translator.together:
        targets = [tuple(found[0] if found else text for found, text in zip(after, unit.texts, strict=True))]
        changed = [True]
    else:
        targets = [(text,) for found in after for text in found]
        old = None if before is None else [(text,) for found in before for text in found]
        changed = [old is None or text != old[place] for place, text in enumerate(targets)]
    name = identity(translator)
    return [
        Entry(key(name, piece), name, piece.kind, piece.texts, texts, None, None, made, "human")
        for piece, texts, wanted in zip(asked, targets, changed, strict=bool(asked))
        if wanted
    ]


def _all_translations(cut: Sequence[Pieces], texts: Sequence[str], target: str) -> list[list[str]] | None:
    """For each text what to put in the places of its source's pieces; None if a text has no such pieces."""
    found = [_translations(pieces, text, target) for pieces, text in zip(cut, texts, strict=True)]
    return None if None in found else [each for each in found if each is not None]


def _translations(cut: Pieces, text: str, target: str) -> list[str] | None:
    for found in _candidates(cut, text.strip(), target):
        fits = len(found) == sum(cut.translatable) and all(map(str.strip, found))
        if fits and placeholders.join(cut, found).strip() == text.strip():
            return found
    return None


def _candidates(cut: Pieces, text: str, target: str) -> Iterator[list[str]]:
    """Ways to cut a translation: at its sentences, at its placeholders, or where its only piece begins and ends."""
    by_placeholders = placeholders.split(text)
    yield placeholders.texts(sentences.split_pieces(by_placeholders, target))
    yield placeholders.texts(by_placeholders)
    if sum(cut.translatable) == 1:
        place = cut.translatable.index(True)
        before, after = "".join(cut.parts[:place]).lstrip(), "".join(cut.parts[place + 1 :]).rstrip()
        yield [text.removeprefix(before).removesuffix(after)]
