"""What a report shows of a crawled build alone: how the split is balanced, what is aligned, and what was asked of whom.

The recipe writes `balance.json` and `alignment.json` beside `build.json`; requests are counters of the stages. What
a build lacks is left out.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup
from upath import UPath

from cards import svg
from cards.build import Build
from cards.fields import count_of, list_of, mapping_of, number_of, read_object, text_of
from cards.text import figure, language_name

NARROWEST = 0.05
HEADINGS_SHOWN = 12
_FATES = ("same_file", "same_picture", "by_people", "undecided", "different")
_DRAWN = {"artworks": "written", "undecided": "undecided", "different": "duplicates"}
_REPEATED = "retried/"


@dataclass(frozen=True)
class Split:
    name: str
    pages: int


@dataclass(frozen=True)
class Indicator:
    """An indicator's mean rank in every split, drawn, and its mean in every split."""

    name: str
    drawing: Markup
    ranks: tuple[float | None, ...]
    means: tuple[float | None, ...]


@dataclass(frozen=True)
class Balance:
    """How alike the splits are. Ranks are shares, 0 the least of all pages and 1 the most.

    `note` is what the recipe says of the split beside its figures.
    """

    splits: tuple[Split, ...]
    indicators: tuple[Indicator, ...]
    ticks: tuple[tuple[float, str], ...]
    fixed_in_test: int
    largest_gap: float | None
    note: str


@dataclass(frozen=True)
class AlignmentSet:
    """Artworks that have a page in all `languages`: `artworks` are aligned, the fates say how each was judged."""

    name: str
    languages: tuple[str, ...]
    artworks: int
    fates: Mapping[str, int]
    drawing: Markup


@dataclass(frozen=True)
class Requests:
    """Requests by kind, the most frequent first, and those of them that were asked again, by the reason."""

    total: int
    kinds: tuple[tuple[str, int, Markup], ...]
    repeated: tuple[tuple[str, int], ...]


def read_balance(out: UPath) -> Balance | None:
    """`out/balance.json`, or None where there is none. Raises ValueError when it is not a JSON object."""
    path = out / "balance.json"
    raw = read_object(path) if path.is_file() else {}
    splits = {name: mapping_of(mapping_of(raw, "splits"), name) for name in mapping_of(raw, "splits")}
    names = [name for name in list_of(raw, "indicators") if isinstance(name, str)]
    if not splits or not names:
        return None
    ranks = {name: [number_of(mapping_of(split, "mean_rank"), name) for split in splits.values()] for name in names}
    known = [rank for each in ranks.values() for rank in each if rank is not None]
    reach = min(0.5, max([NARROWEST, *(1.15 * abs(rank - 0.5) for rank in known)]))
    low, high = 0.5 - reach, 0.5 + reach
    return Balance(
        splits=tuple(Split(name, count_of(split, "pages")) for name, split in splits.items()),
        indicators=tuple(
            Indicator(
                name.replace("_", " "),
                svg.dots([None if rank is None else (rank - low) / (high - low) for rank in ranks[name]]),
                tuple(ranks[name]),
                tuple(number_of(mapping_of(split, "mean"), name) for split in splits.values()),
            )
            for name in names
        ),
        ticks=tuple(((tick - low) / (high - low), figure(tick)) for tick in svg.ticks(low, high, 4)),
        fixed_in_test=count_of(raw, "fixed_in_test"),
        largest_gap=number_of(raw, "largest_gap"),
        note=text_of(raw, "note"),
    )


def read_alignment(out: UPath) -> list[AlignmentSet]:
    """The sets of `out/alignment.json`, the one with most languages first; none where there is no such file."""
    path = out / "alignment.json"
    sets = mapping_of(read_object(path), "sets") if path.is_file() else {}
    return sorted(
        (_alignment_set(name, mapping_of(sets, name)) for name in sets),
        key=lambda each: (-len(each.languages), each.name),
    )


def requests(build: Build) -> Requests | None:
    """What the stages' `requests/…` counters say was sent; None where none was counted."""
    sent = _counted(build, "requests/")
    if not sent:
        return None
    kinds = [(name, count) for name, count in sent.most_common() if not name.startswith(_REPEATED)]
    most = max((count for _, count in kinds), default=0)
    return Requests(
        total=sent.total(),
        kinds=tuple((name, count, svg.stacked_bar([("ink", count)], most)) for name, count in kinds),
        repeated=tuple(
            (name.removeprefix(_REPEATED), count) for name, count in sent.most_common() if name.startswith(_REPEATED)
        ),
    )


def dropped_sections(build: Build) -> list[tuple[str, int]]:
    """The headings whose sections were left out most often, from the stages' `dropped/…` counters."""
    return _counted(build, "dropped/").most_common(HEADINGS_SHOWN)


def _counted(build: Build, prefix: str) -> Counter[str]:
    found: Counter[str] = Counter()
    for stage in build.stages:
        for name, count in stage.counters.items():
            if name.startswith(prefix):
                found[name.removeprefix(prefix)] += round(count)
    return found


def _alignment_set(name: str, raw: Mapping[str, Any]) -> AlignmentSet:
    parts = [(kind, count_of(raw, key)) for key, kind in _DRAWN.items()]
    return AlignmentSet(
        name,
        tuple(language_name(code) for code in list_of(raw, "languages") if isinstance(code, str)),
        count_of(raw, "artworks"),
        {fate: count_of(raw, fate) for fate in _FATES},
        svg.stacked_bar(parts, sum(count for _, count in parts)),
    )
