"""Options and answers that agree: what is equal in the source stays equal in a translation, what differs, different.

A model that translates a list may give one word in two ways, or two words in one. A benchmark's right answer is an
index into its options, or one of ten people's answers, so the first is put right and the second refused.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from builders.engine import RowError


def plain(text: str) -> str:
    """A text without what readers overlook: case and blanks."""
    return " ".join(text.split()).casefold()


def first_equals(texts: Sequence[str], alike: Callable[[str], str] = str.strip) -> list[int]:
    """For every text, the index of the first one that is the same but for blanks around it, or `alike` otherwise."""
    seen: dict[str, int] = {}
    return [seen.setdefault(alike(text), index) for index, text in enumerate(texts)]


def told_list(told: Mapping[str, str], name: str, equals: Sequence[int]) -> list[str]:
    """The texts of `name.0`, `name.1`… with one text for all that were equal: their most frequent, or first, one."""
    chosen: dict[int, str] = {}
    for first in dict.fromkeys(equals):
        group = [told[f"{name}.{index}"].strip() for index, other in enumerate(equals) if other == first]
        chosen[first] = Counter(group).most_common(1)[0][0]
    return [chosen[first] for first in equals]


def told_options(told: Mapping[str, str], name: str, equals: Sequence[int], alike: Sequence[int]) -> list[str]:
    """As `told_list`; raises `RowError` OptionsCollapse when two that differed have become one and the same.

    What counts is more than case: `alike` are the indexes of the first option that is `plain`ly the same. Options that
    differ in case alone, as in questions on spelling, may stay so, but must not become equal.
    """
    options = told_list(told, name, equals)
    for how, before in ((str.strip, equals), (plain, alike)):
        seen: dict[str, int] = {}
        for index, (option, first) in enumerate(zip(options, before, strict=True)):
            other = seen.setdefault(how(option), first)
            if other != first:
                raise RowError(
                    "OptionsCollapse", f"options {other} and {index} have become one and the same: {option[:60]!r}"
                )
    return options
