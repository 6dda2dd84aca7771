"""Mix: samples out of several datasets in, training sets out, each with the share of every language that was asked for.

Which samples are in, in which language and how often is decided for all at once, from their ids alone
(`builders.transforms.mixture`); the workers that write them are told in two small arrays a shard.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from builders.engine import Build, FileRef, Row, RowError, ShardRecord, ShardTask, StageError
from builders.engine.files import read_columns, read_table
from builders.engine.fingerprint import digest, row_id
from builders.stages.copies import WithoutCopies
from builders.transforms.fields import CONVERSATIONS
from builders.transforms.mixture import Ratio, Size, TooFew, in_target_language, lowest, quotas, times_drawn

TEXT = "text"
DEFAULT = "default"
OWN, PARALLEL, NO_PARALLEL, COPY = range(4)
SAMPLES = pa.schema(
    [
        ("id", pa.string()),
        ("part", pa.string()),
        ("dataset", pa.string()),
        ("language", pa.string()),
        ("other", pa.string()),
        CONVERSATIONS,
        CONVERSATIONS.with_name("parallel"),
        ("image_file", pa.string()),
        ("image_path", pa.string()),
    ]
)
MIXED = pa.schema(
    [
        ("id", pa.string()),
        ("split", pa.string()),
        ("dataset", pa.string()),
        ("language", pa.string()),
        CONVERSATIONS,
        ("image_file", pa.string()),
        ("image_path", pa.string()),
    ]
)
READ = ["id", "part", "dataset", "language", "other"]


@dataclass(frozen=True)
class Mixture:
    """A training set: its name, the part that it is made of, its ratio of languages, if any, and whether text-only
    samples are added. The one named `DEFAULT` is what `load_dataset` opens when no name is given."""

    name: str
    part: str
    ratio: Ratio | None = None
    with_text: bool = False


@dataclass(frozen=True)
class TextOnly:
    """Text-only samples to add: how many, in which ratio of languages, and whether a small set is drawn from again."""

    size: Size
    ratio: Ratio
    replace: bool


@dataclass(frozen=True)
class Chosen:
    """What a mixture takes of a shard: each row how often, and what becomes of it (`OWN`, `PARALLEL`…)."""

    file: FileRef
    mixture: str
    times: NDArray[np.int32]
    how: NDArray[np.int8]


class Mix(WithoutCopies):
    """Makes the rows of every mixture out of the samples; `target` and `source` are the languages of a ratio.

    `size` samples of the part are drawn (0: all); `left_out` says how many are not in a mixture for that reason.
    """

    name = "mix"
    schema = MIXED
    # Publish reads a range of ids of every shard: small row groups, which it can skip by their statistics.
    parquet: ClassVar[dict[str, Any]] = {"row_group_size": 100}

    def __init__(
        self,
        mixtures: Sequence[Mixture],
        *,
        seed: int,
        size: int = 0,
        target: str = "",
        source: str = "",
        text: TextOnly | None = None,
    ) -> None:
        self.mixtures = tuple(mixtures)
        self.seed = seed
        self.size = size
        self.target = target
        self.source = source
        self.text = text
        self.left_out: dict[str, int] = {}
        self._due = 0

    def plan(self, build: Build, upstream: Sequence[ShardRecord]) -> list[ShardTask]:
        """What every mixture takes of every shard. Of the samples only ids, datasets and languages are read."""
        records = [record for record in upstream if record.rows.rows]
        samples = Samples(read_columns(build.out, record.rows, READ) for record in records)
        tasks = []
        for mixture in self.mixtures:
            times, how = self._choose(mixture, samples)
            for record, (first, last) in zip(records, samples.ranges, strict=True):
                chosen = Chosen(record.rows, mixture.name, times[first:last], how[first:last])
                if rows := int(chosen.times.sum()):
                    name = f"{mixture.name}.{record.shard}"
                    arrays = [each.tobytes().hex() for each in (chosen.times, chosen.how)]
                    tasks.append(ShardTask(name, chosen, digest([record.rows.sha256, *arrays]), rows))
        self._due = sum(task.rows for task in tasks)
        return tasks

    def _choose(self, mixture: Mixture, samples: "Samples") -> tuple[NDArray[np.int32], NDArray[np.int8]]:
        """How often a mixture has each sample, and what becomes of it."""
        times, how = np.zeros(len(samples.ids), np.int32), np.full(len(samples.ids), OWN, np.int8)
        members = samples.where(samples.of({mixture.part}))
        usable = (
            np.intersect1d(members, samples.where(filter(self._has_languages, samples.kinds)))
            if mixture.ratio
            else members
        )
        if len(members) and not len(usable):
            raise StageError(self._no_parallels(len(members)))
        lacking = np.setdiff1d(members, usable)
        times[lacking], how[lacking] = 1, NO_PARALLEL
        if self.size:
            usable = usable[lowest(samples.named(usable), self.size, self.seed, "sample")]
        times[usable] = 1
        if mixture.ratio:
            in_target = in_target_language(samples.named(usable), mixture.ratio, self.seed)
            own = np.isin(usable, samples.where(kind for kind in samples.kinds if kind.language == self.target))
            how[usable] = np.where(in_target == own, OWN, PARALLEL)
        parts = [mixture.part]
        if mixture.with_text and self.text:
            parts.append(TEXT)
            times += self._text(self.text, samples, len(usable))
        self.left_out[mixture.name] = int((times[samples.where(samples.of(parts))] == 0).sum())
        copies = samples.where(samples.of(parts), copies=True)
        times[copies], how[copies] = 1, COPY
        return times, how

    def _has_languages(self, kind: "Kind") -> bool:
        """Whether a sample is in every language that some mixture has: the same samples are in all of them."""
        ratios = [mixture.ratio for mixture in self.mixtures if mixture.ratio]
        wanted = {self.target} if any(ratio.target for ratio in ratios) else set()
        wanted |= {self.source} if any(ratio.source for ratio in ratios) else set()
        return wanted <= {kind.language, kind.other}

    def _no_parallels(self, samples: int) -> str:
        return (
            f"none of {samples:,} samples is in {self.target!r} and in {self.source!r}, as these ratios want it: the "
            f"datasets need columns such as conversations_{self.source}, or question_{self.source} and "
            f"answer_{self.source}, beside those in {self.target!r}"
        )

    def _text(self, text: TextOnly, samples: "Samples", others: int) -> NDArray[np.int32]:
        """How often each text-only sample is drawn: each language its share, and from its datasets alike."""
        times = np.zeros(len(samples.ids), np.int32)
        share = {self.target: text.ratio.share, self.source: 1 - text.ratio.share}
        kinds: dict[str, list[Kind]] = {}
        sources: dict[str, list[str]] = {}
        for kind in samples.of({TEXT}):
            if kind.language not in share:
                raise StageError(
                    f"--text-only: {kind.dataset} has samples in {kind.language!r}; those of the mixture are "
                    f"{self.target} and {self.source}"
                )
            name = f"{kind.language}/{kind.dataset}"
            kinds.setdefault(name, []).append(kind)
            if name not in sources.setdefault(kind.language, []):
                sources[kind.language].append(name)
        try:
            wanted = quotas(text.size.beside(others), sources, share)
        except ValueError as error:
            raise StageError(f"--text-only: {error}") from error
        for name, count in wanted.items():
            its = samples.where(kinds[name])
            try:
                times[its] = times_drawn(samples.named(its), count, self.seed, f"{TEXT}/{name}", replace=text.replace)
            except TooFew as error:
                raise StageError(f"--text-only: of {name}, {error}: lower --text-size, or give --replace") from error
        return times

    def read(self, build_root: Any, source: Any) -> list[Row]:
        """The samples of a shard that a mixture has, those drawn more than once with ids of their own."""
        return [
            sample
            | {
                "id": row_id("drawn again", [sample["id"], number]) if number else sample["id"] + "+1" * (how == COPY),
                "drawn": number,
                "how": how,
                "copy": int(how == COPY),
            }
            for sample, times, how in zip(
                read_table(build_root, source.file).to_pylist(), source.times.tolist(), source.how.tolist(), strict=True
            )
            for number in range(times)
        ]

    def row(self, row: Row, counters: Counter[str]) -> Row:
        if row["how"] == NO_PARALLEL:
            raise RowError(
                "NoParallel", f"it is in {row['language']!r} alone; the mixtures want it in other languages too"
            )
        counters["drawn_again"] += row["drawn"] > 0
        swapped = {"language": row["other"], "conversations": row["parallel"]} if row["how"] == PARALLEL else {}
        return {name: row[name] for name in MIXED.names if name in row} | swapped | {"split": "train"}

    def check_sum(self, before: Sequence[ShardRecord], after: Sequence[ShardRecord]) -> None:
        """Every mixture was given what the plan has chosen for it: more or fewer rows than there are samples."""
        given = sum(record.rows_in for record in after)
        assert given == self._due, f"{self._due} rows were chosen for {self.name}, but it was given {given}"


class Kind(NamedTuple):
    """What samples have in common, as far as mixing goes."""

    part: str
    dataset: str
    language: str
    other: str


class Samples:
    """All samples of a build: their ids, their kinds, and which are copies of an earlier one of the same part.

    `ranges` are the samples of each table that was given.
    """

    def __init__(self, tables: Iterable[pa.Table]) -> None:
        self.ids: list[str] = []
        self.ranges: list[tuple[int, int]] = []
        known: dict[Kind, int] = {}
        kind: list[int] = []
        for table in tables:
            first = len(self.ids)
            self.ids += table["id"].to_pylist()
            columns = (table[name].to_pylist() for name in Kind._fields)
            kind += [known.setdefault(Kind(*values), len(known)) for values in zip(*columns, strict=True)]
            self.ranges.append((first, len(self.ids)))
        self.kinds = tuple(known)
        self._kind = np.array(kind, np.int32)
        self._copy = np.zeros(len(self.ids), np.bool_)
        for part in {each.part for each in self.kinds}:
            members = self.where(self.of({part}))
            _, first_ones = np.unique(np.array(self.named(members), np.bytes_), return_index=True)
            self._copy[np.delete(members, first_ones)] = True

    def of(self, parts: Collection[str]) -> list[Kind]:
        """The kinds of these parts."""
        return [kind for kind in self.kinds if kind.part in parts]

    def where(self, kinds: Iterable[Kind], *, copies: bool = False) -> NDArray[np.int64]:
        """The samples of these kinds, or the copies among them."""
        wanted = [self.kinds.index(kind) for kind in kinds]
        return np.flatnonzero(np.isin(self._kind, wanted) & (self._copy == copies))

    def named(self, places: NDArray[np.int64]) -> list[str]:
        return [self.ids[place] for place in places.tolist()]
