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
    when the person wrote them, in microseconds since 1970. A piece that they left as it was is not theirs.
    """
    before, after = (_by_piece(translator, target, unit, texts) for texts in (was, now))
    if after is None:
        return None
    changed = {piece: texts for piece, texts in after.items() if before is None or before[piece] != texts}
    name = identity(translator)
    return [
        Entry(key(name, piece), name, piece.kind, piece.texts, texts, None, None, made, "human")
        for piece, texts in changed.items()
    ]


def _by_piece(
    translator: Translator, target: str, unit: Unit, given: Sequence[str]
) -> dict[Unit, tuple[str, ...]] | None:
    """What the translator is asked for of a unit, and what is to be said to each so that the unit's texts are `given`.

    None where no translations of the pieces give these texts, or where a piece would have two.
    """
    cut = take_apart(unit, translator)
    found = [_translations(pieces, text, target) for pieces, text in zip(cut, given, strict=True)]
    if None in found:
        return None
    known = [texts for texts in found if texts is not None]
    asked = asked_for(unit, cut, translator.together)
    targets: list[tuple[str, ...]] = [(text,) for texts in known for text in texts]
    if translator.together and asked:
        targets = [tuple(texts[0] if texts else text for texts, text in zip(known, unit.texts, strict=True))]
    made = dict(zip(asked, targets, strict=True))
    return made if all(made[piece] == texts for piece, texts in zip(asked, targets, strict=True)) else None


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
