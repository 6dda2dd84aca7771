"""One target for unlike sources: what a model says when it has nothing to say, or rows that slipped by one.

Whether a target is shared is known only when all translations are, so it is worked out from 16 bytes a
translation: a digest of the target, and a sketch of the source, in which alike sources look alike. Sources that
say the same in other words ("A man rides a horse", "A man is riding a horse") rightly share a translation; only
unlike ones count.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from validation.filters.contract import AtMost, Pair
from validation.filters.texts import WORD

MIN_WORDS = 6
SAID = np.dtype([("target", np.uint64), ("source", np.uint64)])
Said = np.ndarray[Any, np.dtype[np.void]]


@dataclass(frozen=True)
class SharedTarget(AtMost):
    """The same translation for sources that have little in common.

    Figure: `Pair.sharing`. Applies where it is known and the target has 6 words or more: "sì", "divano" and
    "sul tavolo" are the right answer to many things.
    """

    name: ClassVar[str] = "shared_target_v1"

    def measure(self, pair: Pair) -> float | None:
        if pair.sharing is None or not is_long(pair.target):
            return None
        return float(pair.sharing)


def is_long(target: str) -> bool:
    return len(WORD.findall(target)) >= MIN_WORDS


def said(texts: Iterable[tuple[str, str]]) -> Said:
    """What (source, target) texts come down to: an array of `SAID`, sorted, each row once, short targets left out."""
    rows = {(digest(target), sketch(source)) for source, target in texts if is_long(target)}
    return np.array(sorted(rows), dtype=SAID)


def shared(parts: Sequence[Said]) -> Said:
    """The rows of all `parts` whose target has several sources, sorted, each once: the table for `sharing`."""
    rows = np.unique(np.concatenate([np.empty(0, SAID), *parts]))
    _, place, count = np.unique(rows["target"], return_inverse=True, return_counts=True)
    several: Said = rows[count[place] > 1]
    return several


def sharing(table: Said, source: str, target: str) -> int:
    """In how many sources unlike `source` the table has this target."""
    wanted, own = np.uint64(digest(target)), sketch(source)
    low, high = (np.searchsorted(table["target"], wanted, side) for side in ("left", "right"))
    return sum(_unlike(own, int(other)) for other in table["source"][low:high])


def digest(target: str) -> int:
    """Eight bytes of a text's words, whatever their case and punctuation."""
    words = " ".join(WORD.findall(target.casefold()))
    return int.from_bytes(hashlib.blake2b(words.encode(errors="replace"), digest_size=8).digest(), "big")


def sketch(source: str) -> int:
    """The beginnings of a text's words as a set of 64 bits; of one or two letters only where there is no other."""
    words = WORD.findall(source.casefold())
    bits = 0
    for word in [word for word in words if len(word) > 2] or words:
        bits |= 1 << hashlib.blake2b(word[:3].encode(errors="replace"), digest_size=1).digest()[0] % 64
    return bits


def _unlike(one: int, other: int) -> bool:
    """Whether less than half of what either sketch has is in both."""
    return 2 * (one & other).bit_count() < (one | other).bit_count()
