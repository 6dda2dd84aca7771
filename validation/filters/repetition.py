"""Loops: how often a text repeats itself, in words and in strings."""

import re
from collections import Counter
from itertools import pairwise

from validation.filters.texts import WORD, extract

_LOOP = re.compile(r"([^\W\d_].{0,31}?)\1{3,}", re.DOTALL)


def repeats(text: str) -> tuple[int, int, int]:
    """Occurrences of the commonest 4 words, longest run of one word, longest run of one string."""
    text = extract(text.casefold())
    words = WORD.findall(text)
    grams = Counter(zip(words, words[1:], words[2:], words[3:], strict=False))
    run = longest = 1
    for word, following in pairwise(words):
        run = run + 1 if word == following else 1
        longest = max(longest, run)
    loop = max((len(match[0]) // len(match[1]) for match in _LOOP.finditer(text)), default=1)
    return max(grams.values(), default=0), longest, loop
