"""Check: a translation is untrusted until the filters have passed it.

Whether a target is the translation of several sources is a question to the whole build, so it is asked before any
shard is checked: tasks reduce every shard to 16 bytes a translation, the driver keeps those that are shared.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from hashlib import sha256
from typing import Any

import numpy as np
import pyarrow as pa
import ray

from builders.engine import (
    Build,
    BuildConfig,
    FileRef,
    Outcome,
    Rejection,
    Row,
    ShardRecord,
    ShardTask,
    Stage,
    StageError,
    flag,
)
from builders.engine.files import location, read_columns
from builders.engine.fingerprint import digest
from builders.transforms.fields import CHECKS
from translators import LocalMemory, Translator, TranslatorError, Unit, load_translator, translate
from validation.filters import BackTranslation, Filter, Pair, check_each, configured_filters
from validation.filters.sharing import Said, said, shared, sharing

FIGURE_DIGITS = 4
READING_AT_ONCE = 16  # tasks, on a cluster that has as many CPUs
READING_SECONDS = 600.0


@dataclass(frozen=True)
class CheckConfig(BuildConfig):
    """The flags of every recipe that checks translations."""

    thresholds: tuple[str, ...] = flag(
        (), "filter thresholds, like length_ratio_v1.widened=1.5 (`python -m validation filters list`)", metavar="F.T=X"
    )
    similarity: str = flag(
        "", "refuse by the cosine of a sentence-transformers model, like sentence-transformers/LaBSE", metavar="MODEL"
    )
    quality_estimation: str = flag("", "refuse by a CrossEncoder's estimate of the quality", metavar="MODEL")
    back_translation: str = flag(
        "", "refuse by the chrF of a translation back into the source's language", metavar="MODEL"
    )


@dataclass(frozen=True)
class BackTranslator:
    """What the filter `BackTranslation` asks: a translator from `target` into `source`, loaded once a process."""

    model: str
    source: str
    target: str

    def problems(self) -> list[str]:
        try:
            load_translator(self.model, self.source, source=self.target)
        except TranslatorError as error:
            return [f"--back-translation {self.model}: {error}"]
        return []

    def __call__(self, texts: Sequence[str]) -> list[str | None]:
        """One translation a text, None where it failed. Raises `TranslatorError` when there is no such translator."""
        if not texts:
            _loaded(self)
            return []
        memory = LocalMemory(":memory:")
        try:
            made, _ = translate([Unit("", (text,)) for text in texts], _loaded(self), memory)
        finally:
            memory.close()
        return [None if answer.error else answer.texts[0] for answer in made]


def filters_for(config: CheckConfig, source: str, target: str) -> tuple[Filter, ...]:
    """The filters that the flags ask for; `target` is one language, or several parted by commas.

    Raises `ValueError` for a threshold that there is not, and for several languages to translate back from.
    """
    if config.back_translation and "," in target:
        raise ValueError(f"--back-translation {config.back_translation}: give one target language, not {target}")
    back = BackTranslator(config.back_translation, source, target) if config.back_translation else None
    return configured_filters(
        config.thresholds,
        similarity=config.similarity,
        quality_estimation=config.quality_estimation,
        translate_back=back,
    )


class Check(Stage):
    """Refuses a row when a filter refuses one of its machine-translated fields; keeps every figure.

    A shard is checked again when its rows have changed, or who else shares their targets. A row that names its
    `language` was translated into that one, others into `target`.
    """

    name = "check"

    def __init__(self, schema: pa.Schema, filters: Sequence[Filter], source: str, target: str) -> None:
        self.schema = schema.append(CHECKS)
        self.filters = tuple(filters)
        self.source, self.target = source, target
        self.gpu = any(each.has_model for each in self.filters)
        self._shared: Said = shared([])
        self._everywhere: Any = None

    def preflight(self, build: Build) -> list[str]:
        problems = [problem for each in self.filters if (problem := each.problem())]
        for each in self.filters:
            if isinstance(each, BackTranslation) and isinstance(each.translate_back, BackTranslator):
                problems += each.translate_back.problems()
        return problems

    def plan(self, build: Build, upstream: Sequence[ShardRecord]) -> list[ShardTask]:
        tasks = super().plan(build, upstream)
        parts = _said_in_all(build, [task.source for task in tasks])
        self._shared = shared(parts)
        return [
            replace(task, digest=digest([task.digest, _fingerprint(self._shared, part)]))
            for task, part in zip(tasks, parts, strict=True)
        ]

    def start(self, build: Build) -> None:
        self._everywhere = ray.put(self._shared)
        self._shared = shared([])

    def open(self) -> None:
        """Load the filters' models; one that does not load is no row's fault."""
        self._shared = ray.get(self._everywhere, timeout=READING_SECONDS)
        for each in self.filters:
            try:
                each.load()
            except Exception as error:
                raise StageError(f"filter {each.name}: {error}") from error

    def close(self) -> None:
        _loaded.cache_clear()

    def process(self, rows: list[Row]) -> Outcome:
        outcome = Outcome()
        fields = [(row, item) for row in rows for item in _machine_fields(row)]
        try:
            findings = check_each([self._pair(row, item) for row, item in fields], self.filters)
        except TranslatorError as error:  # of the translation back: no row's fault
            raise StageError(str(error)) from error
        by_row: dict[str, list[Any]] = {row["id"]: [] for row in rows}
        for (row, _), found in zip(fields, findings, strict=True):
            by_row[row["id"]] += found
        for row in rows:
            refused = [finding for finding in by_row[row["id"]] if not finding.accepted]
            outcome.counters += Counter(f"refused/{finding.filter}" for finding in refused)
            if refused:
                worst = refused[0]
                outcome.rejected.append(Rejection(row["id"], worst.filter, worst.field, worst.figure, worst.threshold))
                continue
            row["checks"] = [
                {"filter": item.filter, "field": item.field, "figure": round(item.figure, FIGURE_DIGITS)}
                for item in by_row[row["id"]]
            ]
            outcome.written.append(row)
        return outcome

    def _pair(self, row: Row, item: Row) -> Pair:
        return Pair(
            item["name"],
            item["source"],
            item["target"],
            self.source,
            row.get("language") or self.target,
            score=item["score"],
            note=item["note"],
            kind=item["kind"],
            sharing=sharing(self._shared, item["source"], item["target"]),
        )


@cache
def _loaded(asked: BackTranslator) -> Translator:
    import torch

    device = "cuda" if torch.cuda.is_available() else "cpu"
    translator = load_translator(asked.model, asked.source, source=asked.target, device=device)
    getattr(translator, "load", lambda: None)()
    return translator


def _machine_fields(row: Row) -> Iterator[Row]:
    return (item for item in row["fields"] if item["by"] == "machine")


def _said_in_all(build: Build, shards: Sequence[FileRef]) -> list[Said]:
    """What each shard's translations come down to. No row passes through here.

    The tasks take no CPU of their own: the workers of the stage before may hold them all, idle.
    """
    read = ray.remote(num_cpus=0)(_said_in)
    at_once = max(1, min(READING_AT_ONCE, int(ray.cluster_resources().get("CPU", 1))))
    left, made = list(enumerate(shards)), dict[int, Said]()
    running: dict[Any, int] = {}
    while left or running:
        while left and len(running) < at_once:
            place, shard = left.pop(0)
            running[read.remote(str(build.out), shard)] = place
        ready, _ = ray.wait(list(running), timeout=READING_SECONDS)
        if not ready:
            raise StageError(f"check: no shard of {len(running)} could be read in {READING_SECONDS:g} seconds")
        try:
            made[running.pop(ready[0])] = ray.get(ready[0])
        except ray.exceptions.RayError as error:
            raise StageError(f"check: the translations cannot be read: {error}") from error
    return [made[place] for place in range(len(shards))]


def _said_in(root: str, shard: FileRef) -> Said:
    table = read_columns(location(root), shard, ["fields"])
    rows = ({"fields": fields.as_py()} for fields in table["fields"])
    return said((item["source"], item["target"]) for row in rows for item in _machine_fields(row))


def _fingerprint(table: Said, part: Said) -> str:
    """What of `table` decides the figures of a shard."""
    return sha256(table[np.isin(table["target"], part["target"])].tobytes()).hexdigest()
