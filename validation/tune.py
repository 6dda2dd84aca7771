"""What filters find in a build, measured again: where their thresholds cut the distribution, and which rows lie there.

Reads what the translate stage wrote, before any filter refused a row, so that a threshold can be moved both ways.
"""

import heapq
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from math import floor, inf, isfinite, isnan, log10
from random import Random
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from upath import UPath

from validation.filters import Filter, LengthRatio, Pair, configured_filters
from validation.filters.contract import thresholds
from validation.filters.sharing import said, shared, sharing

PERCENTILES = (1, 5, 25, 50, 75, 95, 99)
REFUSED_SHARES = (0.01, 0.02, 0.05)
NEAREST = 8
ENOUGH = 100  # rows below which no threshold is suggested


class NoBuild(Exception):
    """A folder that is no build with translations; the message names what is missing and says what to do."""


@dataclass(frozen=True)
class Measured:
    """A pair, its figure, and how far within the filter's bounds that is (negative: refused)."""

    pair: Pair
    figure: float
    margin: float


@dataclass(frozen=True)
class Suggestion:
    """A threshold for a share to refuse, and the share of the pairs measured that it really refuses."""

    asked: float
    setting: str
    refuses: float


@dataclass(frozen=True)
class Spread:
    """What one filter finds: `measured` are the pairs to which it applies, by margin, the worst first."""

    filter: Filter
    measured: tuple[Measured, ...]

    @property
    def refused(self) -> int:
        return sum(not each.margin >= 0 for each in self.measured)

    @property
    def _rises(self) -> bool:
        """Whether a higher threshold lets more rows pass."""
        return self.filter.refuses == "high" or isinstance(self.filter, LengthRatio)

    def percentiles(self) -> dict[int, float]:
        """The figures at `PERCENTILES`; none where nothing was measured."""
        figures = [each.figure for each in self.measured if not isnan(each.figure)]
        return {p: float(np.percentile(figures, p)) for p in PERCENTILES} if figures else {}

    def nearest(self) -> tuple[list[Measured], list[Measured]]:
        """The rows nearest the line: refused, and passed; those nearest it first. Each text once."""
        refused = _distinct(reversed(self.measured[: self.refused]))
        return refused, _distinct(self.measured[self.refused :])

    def suggestions(self) -> list[Suggestion]:
        """Thresholds that would refuse about each of `REFUSED_SHARES`, and never more; none for few rows."""
        name, now = next(iter(thresholds(self.filter).items()), ("", None))
        if now is None or len(self.measured) < ENOUGH:
            return []
        needed = sorted((self._passing(each, now) for each in self.measured), reverse=self._rises)
        made = []
        for share in REFUSED_SHARES:
            value = needed[int(share * len(needed))] or 0.0  # no -0
            changed: Filter = replace(self.filter, **{name: value})
            refuses = sum(not changed.accepts(each.pair, each.figure) for each in self.measured)
            made.append(Suggestion(share, f"{self.filter.name}.{name}={value:g}", refuses / len(self.measured)))
        return made

    def _passing(self, one: Measured, now: float) -> float:
        """The threshold, rounded outwards, at which `one` just passes, where it is `now`."""
        if isinstance(self.filter, LengthRatio):
            low, high = replace(self.filter, widened=1.0).bounds(one.pair)
            return _up(max(low / one.figure, one.figure / high) * (1 + 1e-12)) if one.figure else inf
        return _up(now - one.margin) if self._rises else -_up(-now - one.margin)


def spreads(filters: Sequence[Filter], pairs: Sequence[Pair]) -> list[Spread]:
    """What each filter finds in `pairs`."""
    made = []
    for each in filters:
        found = [
            Measured(pair, figure, each.margin(pair, figure))
            for pair, figure in zip(pairs, each.measure_all(pairs), strict=True)
            if figure is not None
        ]
        found.sort(key=lambda one: (not isnan(one.margin), one.margin, one.pair.source, one.pair.target))
        made.append(Spread(each, tuple(found)))
    return made


def build_filters(out: UPath, only: Sequence[str] = ()) -> list[Filter]:
    """The filters of a build with its thresholds, or those of the names `only`. Raises `NoBuild` or `ValueError`.

    A filter that translates back needs a translator and is left out.
    """
    config = _config(out)
    filters = configured_filters(
        config.get("thresholds") or (),
        similarity=config.get("similarity") or "",
        quality_estimation=config.get("quality_estimation") or "",
    )
    known = [each.name for each in filters]
    if unknown := [name for name in only if name not in known]:
        raise ValueError(f"--filter {unknown[0]}: no such filter in this build; there are {', '.join(known)}")
    return [each for each in filters if not only or each.name in only]


def sample_pairs(out: UPath, most: int) -> tuple[list[Pair], int]:
    """Up to `most` machine-translated fields of a build, drawn evenly and always the same, and how many there are."""
    config, files = _config(out), _translated(out)
    source, target = config.get("source") or "en", config.get("to")
    if not target:
        raise NoBuild(f"{out / 'build.json'} says no target language (config.to)")
    table = shared([said((item["source"], item["target"]) for item in _fields(file)) for file in files])
    chance, count = Random(0), 0
    drawn: list[tuple[float, int, dict[str, Any]]] = []
    for item in (item for file in files for item in _fields(file)):
        count += 1
        entry = (-chance.random(), count, item)
        if len(drawn) < most:
            heapq.heappush(drawn, entry)
        else:
            heapq.heappushpop(drawn, entry)
    texts = [item for _, _, item in sorted(drawn, key=lambda entry: entry[1])]
    return [_pair(item, source, target, sharing(table, item["source"], item["target"])) for item in texts], count


def _pair(item: dict[str, Any], source: str, target: str, others: int) -> Pair:
    given = {each.name: item[each.name] for each in fields(Pair) if each.name in item}
    return Pair(
        item["name"], given.pop("source"), given.pop("target"), source, target, **given, sharing=others
    )  # fmt: skip


def _config(out: UPath) -> dict[str, Any]:
    path = out / "build.json"
    if not path.is_file():
        raise NoBuild(f"{path} is not there: OUT is the folder that a recipe was given as --output")
    config: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))["config"]
    return config


def _translated(out: UPath) -> list[UPath]:
    files = sorted(out.glob("stages/*-translate/*.parquet"), key=str)
    if not files:
        raise NoBuild(f"{out / 'stages'} holds no translations (*-translate/*.parquet): run the build first")
    return files


def _fields(file: UPath) -> Iterator[dict[str, Any]]:
    with file.open("rb") as stream:
        for batch in pq.ParquetFile(stream).iter_batches(columns=["fields"]):
            for row in batch["fields"].to_pylist():
                yield from (item for item in row if item["by"] == "machine")


def _distinct(rows: Iterator[Measured] | Sequence[Measured]) -> list[Measured]:
    """The first few rows whose texts are not there yet."""
    found: dict[tuple[str, str], Measured] = {}
    for each in rows:
        found.setdefault((each.pair.source, each.pair.target), each)
        if len(found) == NEAREST:
            break
    return list(found.values())


def _up(value: float) -> float:
    """The next number of three significant digits that is not below `value`."""
    if not value or not isfinite(value):
        return value
    unit = 10.0 ** (floor(log10(abs(value))) - 2)
    rounded = float(f"{round(value / unit) * unit:.6g}")
    return rounded if rounded >= value else float(f"{(round(value / unit) + 1) * unit:.6g}")
