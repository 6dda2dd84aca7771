"""From fields to translated fields: placeholders out, sentences apart, duplicates once, memory first, then the model.

This is what a build's translate stage and a notebook user both call.
"""

import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from translators import placeholders, sentences
from translators.memory import TranslationMemory, identity, key, normalised
from translators.placeholders import Pieces
from translators.units import Translation, Translator, Unit

CHUNK_UNITS = 8192
"""Units that go to the translator at once: many, so that batches of like lengths fill up."""
CHUNK_TOGETHER = 256
"""The same where units are answered one by one: few, so that what is done is soon remembered."""
WAIT_SECONDS = 0.2


class Memory(Protocol):
    """What a translation memory must do; `claim` divides the work between workers that need the same units."""

    def claim(self, keys: Sequence[bytes]) -> tuple[dict[bytes, Translation], list[bytes]]:
        """What is known of `keys`, and those of the rest that the caller is to translate now."""
        ...

    def put(self, translator: str, items: Iterable[tuple[bytes, Unit, Translation]]) -> None: ...

    def release(self, keys: Sequence[bytes]) -> None:
        """Give back what was claimed and not put, for others to translate."""
        ...

    def add_speed(self, translator: str, tokens: int, seconds: float) -> None: ...


class LocalMemory(TranslationMemory):
    """A translation memory for one process: what it does not know is always the caller's to translate."""

    def claim(self, keys: Sequence[bytes]) -> tuple[dict[bytes, Translation], list[bytes]]:
        found = self.get(keys)
        return found, [item for item in keys if item not in found]

    def release(self, keys: Sequence[bytes]) -> None:
        pass


@dataclass
class Account:
    """What a call cost. `units` are all that were asked for; each is a duplicate, a memory hit or translated.

    `tokens` are of the sources translated. `costs` are the translator's own figures, such as padded tokens.
    """

    units: int = 0
    duplicates: int = 0
    memory_hits: int = 0
    translated: int = 0
    tokens: int = 0
    errors: int = 0
    costs: Counter[str] = field(default_factory=Counter)


def translate(units: Sequence[Unit], translator: Translator, memory: Memory) -> tuple[list[Translation], Account]:
    """Translate units, each distinct piece once.

    Returns one translation a unit, in order, and what it cost. A unit of which a piece fails has an `error`.
    """
    cut = [take_apart(unit, translator) for unit in units]
    wanted = [asked_for(unit, pieces, translator.together) for unit, pieces in zip(units, cut, strict=True)]
    settings = identity(translator)
    keys = {piece: key(settings, piece) for group in wanted for piece in group}
    account = Account(units=sum(map(len, wanted)))
    known = _look_up_or_translate({keys[piece]: piece for piece in keys}, translator, settings, memory, account)
    account.duplicates = account.units - len(keys)
    return [
        _assemble(pieces, [known[keys[piece]] for piece in group], translator.together)
        for pieces, group in zip(cut, wanted, strict=True)
    ], account


def distinct_pieces(units: Sequence[Unit], translator: Translator) -> tuple[list[Unit], int]:
    """The distinct pieces that units come down to, and how many there were before: for a forecast."""
    wanted = [piece for unit in units for piece in asked_for(unit, take_apart(unit, translator), translator.together)]
    return list(dict.fromkeys(wanted)), len(wanted)


def take_apart(unit: Unit, translator: Translator) -> list[Pieces]:
    """A unit's texts, each cut into what the translator sees and what it does not."""
    if translator.together:
        return [placeholders.whole(text) for text in unit.texts]
    return [sentences.split_pieces(placeholders.split(text), translator.source) for text in unit.texts]


def asked_for(unit: Unit, cut: list[Pieces], together: bool) -> list[Unit]:
    """What to ask the translator for a unit: its texts at once, or each piece of text by itself.

    A text without a translatable part goes along unchanged with the others of its unit: an option "2" keeps its place.
    """
    if not together:
        return [Unit(unit.kind, (normalised(text),)) for pieces in cut for text in placeholders.texts(pieces)]
    if not any(any(pieces.translatable) for pieces in cut):
        return []
    texts = [placeholders.texts(pieces) or [text] for pieces, text in zip(cut, unit.texts, strict=True)]
    return [Unit(unit.kind, tuple("\n".join(map(normalised, text.splitlines())) for (text,) in texts))]


def _look_up_or_translate(
    pieces: dict[bytes, Unit], translator: Translator, settings: str, memory: Memory, account: Account
) -> dict[bytes, Translation]:
    """Everything asked for, by key: remembered, translated here, or translated meanwhile by another worker."""
    known: dict[bytes, Translation] = {}
    left = list(pieces)
    while left:
        found, mine = memory.claim(left)
        account.memory_hits += len(found)
        size = CHUNK_TOGETHER if translator.together else CHUNK_UNITS
        known |= found
        try:
            for start in range(0, len(mine), size):
                chunk = {item: pieces[item] for item in mine[start : start + size]}
                known |= _translate_chunk(chunk, translator, settings, memory, account)
        finally:
            memory.release([item for item in mine if item not in known])
        left = [item for item in left if item not in known]
        if left and not mine:
            time.sleep(WAIT_SECONDS)
    return known


def _translate_chunk(
    chunk: dict[bytes, Unit], translator: Translator, settings: str, memory: Memory, account: Account
) -> dict[bytes, Translation]:
    """Translate some distinct pieces and remember them."""
    units = list(chunk.values())
    with _busy.work() as seconds:
        made = translator.translate(units)
    if len(made) != len(units):
        raise ValueError(f"{translator.name} was given {len(units)} units and returned {len(made)}")
    made = [_whole(translator, unit, answer) for unit, answer in zip(units, made, strict=True)]
    memory.put(settings, [(item, unit, answer) for (item, unit), answer in zip(chunk.items(), made, strict=True)])
    tokens = translator.count_tokens(units)
    memory.add_speed(settings, tokens, sum(seconds))
    account.translated += len(units)
    account.tokens += tokens
    account.errors += sum(answer.error is not None for answer in made)
    account.costs += getattr(translator, "take_counters", Counter)()
    return dict(zip(chunk, made, strict=True))


def _whole(translator: Translator, unit: Unit, answer: Translation) -> Translation:
    """An answer that has as many texts as it was given, or an error."""
    if answer.error or len(answer.texts) == len(unit.texts):
        return answer
    return Translation((), error=f"{translator.name} gave {len(answer.texts)} texts for {len(unit.texts)}")


def _assemble(cut: list[Pieces], made: list[Translation], together: bool) -> Translation:
    """A unit's translation from those of its pieces; as sure as the least sure of them, and a human's if all are."""
    errors = dict.fromkeys(answer.error for answer in made if answer.error)
    if errors:
        return Translation((), error="; ".join(error for error in errors if error))
    given = iter([text for answer in made for text in answer.texts])
    joined = []
    for pieces in cut:
        seen = placeholders.texts(pieces)
        texts = [next(given) for _ in seen]
        if together and not seen and made:
            next(given)  # it went along unchanged
        joined.append(placeholders.join(pieces, texts))
    scores = [answer.score for answer in made if answer.score is not None]
    notes = dict.fromkeys(answer.note for answer in made if answer.note)
    note = "; ".join(note for note in notes if note) or None
    human = bool(made) and all(answer.by == "human" for answer in made)
    return Translation(tuple(joined), min(scores, default=None), note, by="human" if human else "machine")


class _Busy:
    """The time in which this process had anything to translate, however many threads had at once."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.active = 0
        self.since = 0.0

    @contextmanager
    def work(self) -> Iterator[list[float]]:
        """Seconds since the last time were told to anyone are told to whoever ends first."""
        told: list[float] = []
        with self.lock:
            if not self.active:
                self.since = time.perf_counter()
            self.active += 1
        try:
            yield told
        finally:
            with self.lock:
                now = time.perf_counter()
                told.append(now - self.since)
                self.since = now
                self.active -= 1


_busy = _Busy()
