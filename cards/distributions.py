"""How long the translations are beside their sources, and how sure the translator was.

A length ratio far from the others is the cheapest sign of a translation that stopped early, repeated
itself or answered instead of translating. A large build is sampled by whole row groups, drawn by the
build's fingerprint: the figures are then those of at most `SAMPLED_ROWS` rows, and the page says so.
"""

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from markupsafe import Markup

from cards import svg
from cards.dataset import Shard
from cards.text import figure

SAMPLED_ROWS = 50_000
RATIO_HIGH = 2.5

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Measures:
    """Of `rows` rows, the length ratio and the score of every translated field that has one."""

    rows: int
    ratios: Floats
    scores: Floats


@dataclass(frozen=True)
class Histogram:
    """A drawn distribution. Positions are shares of the width, 0 to 1; percentiles are of all values."""

    drawing: Markup
    values: int
    ticks: tuple[tuple[float, str], ...]
    median: float
    median_at: float
    low: float
    high: float
    below: int
    above: int


def measure(shards: tuple[Shard, ...], seed: str) -> Measures:
    """Read the `translations` column of all rows, or of `SAMPLED_ROWS` in row groups drawn by `seed`."""
    rows = 0
    ratios: list[Floats] = []
    scores: list[Floats] = []
    for shard, groups in _drawn(shards, seed, "translations"):
        with shard.path.open("rb") as file:
            batches = pq.ParquetFile(file).iter_batches(2048, row_groups=groups, columns=["translations"])
            for whole in batches:
                batch = whole.slice(0, SAMPLED_ROWS - rows)
                rows += batch.num_rows
                fields = _by_machine(batch.column(0).flatten())
                ratios.append(_ratios(fields))
                scores.append(_scores(fields))
                if rows == SAMPLED_ROWS:
                    break
    nothing: list[Floats] = [np.empty(0)]
    return Measures(rows, np.concatenate(ratios or nothing), np.concatenate(scores or nothing))


def lengths(shards: Sequence[Shard], seed: str) -> dict[str, Floats]:
    """Characters of every prompt and of every answer, of all rows or of those that `measure` would draw."""
    found: dict[str, list[Floats]] = {"prompts": [], "answers": []}
    for shard, groups in _drawn(shards, seed, "conversations"):
        for batch in _batches(shard, groups, ["conversations"]):
            turns = batch.column(0).flatten()
            speaker, value = _column(turns, "from"), _column(turns, "value")
            if speaker is not None and value is not None:
                human = pc.equal(speaker, "human")
                found["prompts"].append(_floats(pc.utf8_length(value.filter(human))))
                found["answers"].append(_floats(pc.utf8_length(value.filter(pc.invert(human)))))
    for name, column in (("prompts", "prompt"), ("answers", "gold")):
        for shard, groups in _drawn(shards, seed, column):
            found[name] += [_floats(pc.utf8_length(batch.column(0))) for batch in _batches(shard, groups, [column])]
    return {name: known for name, each in found.items() if (known := _known(each)).size}


def ratio_histogram(ratios: Floats) -> Histogram | None:
    return _histogram(ratios, 0, RATIO_HIGH, 50)


def score_histogram(scores: Floats) -> Histogram | None:
    """Scores between 0 and 1 on that scale; log-probabilities up to 0, which is certain; others on their own."""
    if not scores.size:
        return None
    low, high = float(scores.min()), float(scores.max())
    if low >= 0 and high <= 1:
        low, high = 0, 1
    else:
        low, high = (float(v) for v in np.percentile(scores, [0.5, 99.5]))
        pad = (high - low) * 0.05 or abs(low) or 1
        low, high = low - pad, 0 if high <= 0 else high + pad
    return _histogram(scores, low, high, 50)


def _histogram(values: Floats, low: float, high: float, bins: int) -> Histogram | None:
    if not values.size:
        return None
    below, above = int((values < low).sum()), int((values > high).sum())
    counts, edges = np.histogram(np.clip(values, low, high), bins=bins, range=(low, high))
    p5, median, p95 = (float(v) for v in np.percentile(values, [5, 50, 95]))
    return Histogram(
        drawing=svg.histogram(
            [int(c) for c in counts], _titles(counts, edges), (_at(p5, low, high), _at(p95, low, high))
        ),
        values=int(values.size),
        ticks=tuple((_at(v, low, high), figure(v)) for v in svg.ticks(low, high)),
        median=median,
        median_at=_at(median, low, high),
        low=p5,
        high=p95,
        below=below,
        above=above,
    )


def _titles(counts: npt.NDArray[Any], edges: Floats) -> list[str]:
    spans = zip(edges[:-1], edges[1:], counts, strict=True)
    return [f"{start:.3g} to {end:.3g}: {count:,}" for start, end, count in spans]


def _at(value: float, low: float, high: float) -> float:
    return min(1.0, max(0.0, (value - low) / (high - low)))


def _drawn(shards: Sequence[Shard], seed: str, column: str) -> list[tuple[Shard, list[int]]]:
    """Row groups of at least `SAMPLED_ROWS` rows that have the column, or all there are."""
    groups = [
        (number, group, rows)
        for number, shard in enumerate(shards)
        if column in dict(shard.columns)
        for group, rows in enumerate(shard.row_groups)
    ]
    if sum(rows for _, _, rows in groups) > SAMPLED_ROWS:
        random.Random(seed).shuffle(groups)
    taken = 0
    chosen: dict[int, list[int]] = defaultdict(list)
    for number, group, rows in groups:
        if taken >= SAMPLED_ROWS:
            break
        chosen[number].append(group)
        taken += rows
    return [(shards[number], sorted(chosen[number])) for number in sorted(chosen)]


def _batches(shard: Shard, groups: list[int], columns: list[str]) -> Iterator[pa.RecordBatch]:
    with shard.path.open("rb") as file:
        yield from pq.ParquetFile(file).iter_batches(2048, row_groups=groups, columns=columns)


def _known(each: Sequence[Floats]) -> Floats:
    every: Floats = np.concatenate([np.empty(0), *each])
    known: Floats = every[~np.isnan(every)]
    return known


def _by_machine(fields: pa.Array) -> pa.Array:
    """The fields that the translator translated, not those from a glossary or left as they are."""
    by = _column(fields, "by")
    return fields if by is None else fields.filter(pc.equal(by, "machine"))


def _ratios(fields: pa.Array) -> Floats:
    lengths = [_column(fields, name) for name in ("source", "target")]
    if any(column is None for column in lengths):
        return np.empty(0)
    source, target = (_floats(pc.utf8_length(column)) for column in lengths)
    known = (source > 0) & ~np.isnan(target)
    ratios: Floats = target[known] / source[known]
    return ratios


def _scores(fields: pa.Array) -> Floats:
    column = _column(fields, "score")
    if column is None:
        return np.empty(0)
    scores = _floats(column)
    finite: Floats = scores[np.isfinite(scores)]
    return finite


def _column(fields: pa.Array, name: str) -> pa.Array | None:
    names: Sequence[str] = [field.name for field in fields.type]
    return pc.struct_field(fields, [names.index(name)]) if name in names else None


def _floats(column: pa.Array) -> Floats:
    return np.asarray(column.cast(pa.float64()).to_numpy(zero_copy_only=False), dtype=np.float64)
