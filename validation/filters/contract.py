"""What a filter is, and how pairs of texts are put before filters."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, fields
from math import inf
from typing import ClassVar, Literal


@dataclass(frozen=True)
class Pair:
    """One field of one row, before and after.

    `score` is the mean log-probability per token that the translator gave. `note` is what the translator says
    against its own work, for example "unknown word 'parade'". `kind` is the field's kind, for example "question".
    `sharing` is the number of unlike sources in the whole build whose translation is this very target
    (`validation.filters.sharing`), or None where nobody has looked.
    """

    field: str
    source: str
    target: str
    source_language: str
    target_language: str
    score: float | None = None
    note: str | None = None
    kind: str = ""
    sharing: int | None = None


@dataclass(frozen=True)
class Finding:
    """What one filter found on one pair; `threshold` is for a reader, for example "0.5 to 2"."""

    filter: str
    field: str
    figure: float
    threshold: str
    accepted: bool


@dataclass(frozen=True)
class Filter(ABC):
    """One test of one pair; see the docstring of `validation.filters` for the contract."""

    name: ClassVar[str]
    refuses: ClassVar[Literal["high", "low", "both"]] = "high"  # the side of the figures that is refused
    has_model: ClassVar[bool] = False

    @abstractmethod
    def measure(self, pair: Pair) -> float | None:
        """The figure, or None where the filter does not apply."""

    def measure_all(self, pairs: Sequence[Pair]) -> list[float | None]:
        """The figure of each pair, in order; a filter with a model takes them in batches."""
        return [self.measure(pair) for pair in pairs]

    @abstractmethod
    def bounds(self, pair: Pair) -> tuple[float, float]:
        """The lowest and the highest figure that pass for `pair`."""

    def allows(self, pair: Pair) -> str:
        """What would have passed, in words."""
        low, high = self.bounds(pair)
        if low == -inf and high == inf:
            return "allowed: any"
        if low == -inf or low == high:
            return f"allowed: at most {high:g}"
        return f"allowed: at least {low:g}" if high == inf else f"allowed: {low:g} to {high:g}"

    def accepts(self, pair: Pair, figure: float) -> bool:
        """Whether `figure` is within the bounds; NaN never is."""
        low, high = self.bounds(pair)
        return low <= figure <= high

    def problem(self) -> str | None:
        """Why this filter cannot work here, and what to do, known without loading a model; None if it can."""
        return None

    def load(self) -> None:
        """Load the model, if there is one, before the first pair; once in a process."""

    def margin(self, pair: Pair, figure: float) -> float:
        """How far within the bounds `figure` is, on the side that is refused; negative outside, NaN for NaN."""
        low, high = self.bounds(pair)
        sides = {"low": figure - low, "high": high - figure}
        return sides[self.refuses] if self.refuses in sides else min(sides.values())


def thresholds(one: Filter) -> dict[str, float | None]:
    """What of a filter can be set: its numeric fields with their values."""
    kinds = (int, float, float | None)
    return {item.name: getattr(one, item.name) for item in fields(one) if item.type in kinds}


def about(one: Filter) -> str:
    """What a filter looks for, in words: the first paragraph of its docstring."""
    return " ".join((type(one).__doc__ or "").split("\n\n")[0].split())


@dataclass(frozen=True)
class AtMost(Filter):
    """A filter whose figure counts faults; up to `allowed` of them pass."""

    allowed: int = 0

    def bounds(self, pair: Pair) -> tuple[float, float]:
        return 0, self.allowed


def check(pairs: Sequence[Pair], filters: Sequence[Filter]) -> list[Finding]:
    """One finding for each pair and each filter that applies to it, accepted or not, in their order."""
    return [finding for findings in check_each(pairs, filters) for finding in findings]


def check_each(pairs: Sequence[Pair], filters: Sequence[Filter]) -> list[list[Finding]]:
    """The findings of each pair, in the order of the filters."""
    measured = [each.measure_all(pairs) for each in filters]
    return [
        [
            Finding(each.name, pair.field, figure, each.allows(pair), each.accepts(pair, figure))
            for each, figures in zip(filters, measured, strict=True)
            if (figure := figures[place]) is not None
        ]
        for place, pair in enumerate(pairs)
    ]
