"""The plots of the card: lengths, length ratios, the translator's scores, rows of each task or language."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from cards.dataset import Shard
from cards.distributions import RATIO_HIGH, SAMPLED_ROWS, Floats, lengths, measure
from cards.plots import Panel, bars, histograms
from cards.text import language_name, number


@dataclass(frozen=True)
class Chart:
    """A plot: its file in `assets/`, and what it shows in words."""

    asset: str
    svg: str
    words: str


def charts_of(
    shards: Sequence[Shard], seed: str, tasks: Sequence[tuple[str, int]], languages: Mapping[str, int]
) -> list[Chart]:
    """The plots for which the dataset has values; large datasets are sampled, and the words say so."""
    measures = measure(tuple(shards), seed)
    rows = sum(shard.rows for shard in shards)
    sampled = f" Of {number(SAMPLED_ROWS)} rows drawn from {number(rows)}." if rows > SAMPLED_ROWS else ""
    found = [
        _histograms(
            "lengths.svg", [_lengths(f"Characters of {name}", each) for name, each in lengths(shards, seed).items()]
        ),
        _histograms("ratios.svg", [_ratios(measures.ratios)] if measures.ratios.size else []),
        _histograms("scores.svg", [_scores(measures.scores)] if measures.scores.size else []),
    ]
    charts = [Chart(chart.asset, chart.svg, chart.words + sampled) for chart in found if chart]
    if len(tasks) > 1:
        named = [(name or "unknown", count) for name, count in tasks]
        words = f"Rows of each of {len(tasks):,} tasks, the largest first."
        charts.append(Chart("tasks.svg", bars("Rows of each task", named), words))
    if len(languages) > 1:
        counted = sorted(languages.items(), key=lambda item: (-item[1], item[0]))
        named = [(f"{language_name(code)} ({code})", count) for code, count in counted]
        words = f"Rows of each of {len(languages):,} languages, all configurations together."
        charts.append(Chart("languages.svg", bars("Rows of each language", named), words))
    return charts


def _histograms(asset: str, panels: Sequence[Panel]) -> Chart | None:
    if not panels:
        return None
    return Chart(asset, histograms(panels), ". ".join(panel.words for panel in panels) + ".")


def _lengths(title: str, values: Floats) -> Panel:
    return Panel(title, values, 0.0, max(10.0, float(np.percentile(values, 99))))


def _ratios(values: Floats) -> Panel:
    return Panel("Characters of a translation for each of its source", values, 0.0, RATIO_HIGH)


def _scores(values: Floats) -> Panel:
    low, high = float(values.min()), float(values.max())
    if low >= 0 and high <= 1:
        return Panel("The translator’s score", values, 0.0, 1.0)
    low, high = (float(value) for value in np.percentile(values, [0.5, 99.5]))
    pad = (high - low) * 0.05 or abs(low) or 1.0
    return Panel("The translator’s score", values, low - pad, 0.0 if values.max() <= 0 else high + pad)
