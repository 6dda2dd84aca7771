"""From fields to translated fields: placeholders out, duplicates once, memory first, then the model.

This is what a build's translate stage and a notebook user both call.
"""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from translators import placeholders
from translators.memory import identity, key, normalised
from translators.units import Translation, Translator, Unit

CHUNK_UNITS = 512


class Memory(Protocol):
    """What a translation memory must do; `claim` divides the work between workers that need the same units."""

    def claim(self, keys: Sequence[bytes]) -> tuple[dict[bytes, Translation], list[bytes]]:
        """What is known of `keys`, and those of the rest that the caller is to translate now."""
        ...

    def put(self, translator: str, items: Iterable[tuple[bytes, Unit, Translation]]) -> None: ...

    def add_speed(self, translator: str, tokens: int, seconds: float) -> None: ...


@dataclass
class Account:
    """What a call cost. `units` are all that were asked for; each is a duplicate, a memory hit or translated."""

    units: int = 0
    duplicates: int = 0
    memory_hits: int = 0
    translated: int = 0
    tokens: int = 0
    seconds: float = 0.0
    errors: int = 0


WAIT_SECONDS = 0.2


def translate(units: Sequence[Unit], translator: Translator, memory: Memory) -> tuple[list[Translation], Account]:
    """Translate units, each distinct piece once.

    Returns one translation a unit, in order, and what it cost. A unit of which a piece fails has an `error`.
    """
    pieces = [placeholders.split(text) for unit in units for text in unit.texts]
    wanted = _wanted(units, pieces, translator.together)
    settings = identity(translator)
    keys = {piece: key(settings, piece) for group in wanted for piece in group}
    account = Account(units=sum(map(len, wanted)))
    known = _look_up_or_translate({keys[piece]: piece for piece in keys}, translator, settings, memory, account)
    account.duplicates = account.units - len(keys)
    answers = iter(pieces)
    return [
        _assemble(unit, [next(answers) for _ in unit.texts], [known[keys[piece]] for piece in group])
        for unit, group in zip(units, wanted, strict=True)
    ], account


def distinct_pieces(units: Sequence[Unit], together: bool) -> tuple[list[Unit], int]:
    """The distinct pieces that units come down to, and how many there were before: for a forecast."""
    pieces = [placeholders.split(text) for unit in units for text in unit.texts]
    wanted = [piece for group in _wanted(units, pieces, together) for piece in group]
    return list(dict.fromkeys(wanted)), len(wanted)


def _wanted(units: Sequence[Unit], pieces: list[placeholders.Pieces], together: bool) -> list[list[Unit]]:
    """For every unit, what to ask the translator: its texts at once, or each piece of text by itself."""
    split = iter(pieces)
    groups = []
    for unit in units:
        flat = tuple(normalised(text) for _ in unit.texts for text in placeholders.texts(next(split)))
        if together:
            groups.append([Unit(unit.kind, flat)] if flat else [])
        else:
            groups.append([Unit(unit.kind, (text,)) for text in flat])
    return groups


def _look_up_or_translate(
    pieces: dict[bytes, Unit], translator: Translator, settings: str, memory: Memory, account: Account
) -> dict[bytes, Translation]:
    """Everything asked for, by key: remembered, translated here, or translated meanwhile by another worker."""
    known: dict[bytes, Translation] = {}
    left = list(pieces)
    while left:
        found, mine = memory.claim(left)
        account.memory_hits += len(found)
        known |= found
        for start in range(0, len(mine), CHUNK_UNITS):
            chunk = mine[start : start + CHUNK_UNITS]
            began = time.perf_counter()
            made = translator.translate([pieces[item] for item in chunk])
            seconds = time.perf_counter() - began
            if len(made) != len(chunk):
                raise ValueError(f"{translator.name} was given {len(chunk)} units and returned {len(made)}")
            memory.put(settings, [(item, pieces[item], answer) for item, answer in zip(chunk, made, strict=True)])
            tokens = translator.count_tokens([pieces[item] for item in chunk])
            memory.add_speed(settings, tokens, seconds)
            known |= dict(zip(chunk, made, strict=True))
            account.translated += len(chunk)
            account.tokens += tokens
            account.seconds += seconds
            account.errors += sum(answer.error is not None for answer in made)
        left = [item for item in left if item not in known]
        if left and not mine:
            time.sleep(WAIT_SECONDS)
    return known


def _assemble(unit: Unit, pieces: list[placeholders.Pieces], made: list[Translation]) -> Translation:
    """A unit's translation from those of its pieces; as sure as the least sure of them."""
    errors = [answer.error for answer in made if answer.error]
    if errors:
        return Translation((), error="; ".join(errors))
    texts = iter([text for answer in made for text in answer.texts])
    joined = tuple(placeholders.join(split, [next(texts) for _ in placeholders.texts(split)]) for split in pieces)
    scores = [answer.score for answer in made if answer.score is not None]
    notes = dict.fromkeys(answer.note for answer in made if answer.note)
    return Translation(joined, min(scores, default=None), "; ".join(note for note in notes if note) or None)
