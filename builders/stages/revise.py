"""Revise: what people decided of the rows they judged. What they rejected is dropped, what they corrected is replaced.

OUT/validation/verdicts.json says so. It is no part of what names a build: the same command applies it in the same
place, and makes only those shards again that hold such rows, and what comes of them. What people wrote also enters the
translation memory; it stays there when they take it back, and another build with that memory has it from there.
"""

import sqlite3
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace

import pyarrow as pa
import pyarrow.compute as pc

from builders.engine import (
    Build,
    FileRef,
    Outcome,
    Rejection,
    Row,
    RowError,
    RowStage,
    ShardRecord,
    ShardTask,
    StageError,
    ledger,
)
from builders.engine.files import read_columns, read_json
from builders.engine.fingerprint import digest
from builders.stages.translate import Translate, units_of
from translators import TranslationMemory, Translator, TranslatorError
from translators.corrections import corrections
from translators.memory import Entry
from validation.annotation.problem import Problem
from validation.annotation.verdicts import PLACE, Verdict, Verdicts, read_verdicts
from validation.filters import Pair
from validation.filters.debris import Debris
from validation.filters.kept import OptionLabels, Placeholders

FILTER = "human_validation"
KEPT = (Placeholders(), OptionLabels(), Debris())
NAMED_ROWS = 5


class Revise(RowStage):
    """Applies the verdicts to rows of `schema`, `translate` being the stage that translated them."""

    name = "revise"

    def __init__(self, schema: pa.Schema, translate: Translate) -> None:
        self.schema = schema
        self.translate = translate
        self.verdicts = Verdicts((), (), {})
        self._memories: list[Entry] = []

    def preflight(self, build: Build) -> list[str]:
        """Read the verdicts, if there are any, and have `build.json` say which they are."""
        path = build.out / PLACE
        if not path.is_file():
            return []
        try:
            self.verdicts = read_verdicts(path)
        except Problem as problem:
            return [str(problem)]
        build.applied["verdicts"] = {
            "sha256": self.verdicts.sha256,
            "rounds": list(self.verdicts.rounds),
            "rejected": self.verdicts.count("reject"),
            "corrected": self.verdicts.count("correct"),
            "open": len(self.verdicts.open),
        }
        if not _is_finished(build):
            return []
        return self._strangers(build, ledger.load(build.out, build.folder(build.stages[0])))

    def _strangers(self, build: Build, ingested: Iterable[ShardRecord]) -> list[str]:
        """What is wrong with verdicts on rows that the build never had."""
        unknown = set(self.verdicts.rows)
        for record in ingested:
            if unknown:
                unknown -= _ids_in(build, record.rows, unknown)
        if not unknown:
            return []
        more = f" and {len(unknown) - NAMED_ROWS} more" if len(unknown) > NAMED_ROWS else ""
        return [
            f"{build.out / PLACE}: no such row is in this build: {', '.join(sorted(unknown)[:NAMED_ROWS])}{more}; "
            "these verdicts are of another build, or their ids were changed: take those rows out of the file"
        ]

    def plan(self, build: Build, upstream: Sequence[ShardRecord]) -> list[ShardTask]:
        """The shards as they come; the digest of one that holds judged rows holds their verdicts too."""
        tasks = super().plan(build, upstream)
        if not self.verdicts.rows:
            return tasks
        if problems := self._strangers(build, build.records[build.stages[0].name]):
            raise StageError(problems[0])
        held = [_ids_in(build, task.source, self.verdicts.rows) for task in tasks]
        self._remember(build, [task.source for task, ids in zip(tasks, held, strict=True) if ids])
        return [
            replace(task, digest=digest([task.digest, {row: asdict(self.verdicts.rows[row]) for row in ids}]))
            if ids
            else task
            for task, ids in zip(tasks, held, strict=True)
        ]

    def _remember(self, build: Build, shards: Sequence[FileRef]) -> None:
        """Make entries for the translation memory of what was corrected, and count what cannot enter it."""
        ids = [row for row, verdict in self.verdicts.rows.items() if verdict.texts]
        if not ids:
            return
        try:
            translators = self.translate.load()
        except TranslatorError as error:
            raise StageError(str(error)) from error
        self._memories, lost = [], 0
        columns = [name for name in ("id", "language", "fields", "checks") if name in self.schema.names]
        for shard in shards:
            for row in read_columns(build.out, shard, columns, pc.field("id").isin(ids)).to_pylist():
                target = self.translate.language(row)
                entries, left = memories(row, self.verdicts.rows[row["id"]], translators[target], target)
                self._memories += entries
                lost += left
        build.applied["verdicts"]["human_not_remembered"] = lost

    def process(self, rows: list[Row]) -> Outcome:
        verdicts = self.verdicts.rows
        rejected = {row["id"] for row in rows if row["id"] in verdicts and verdicts[row["id"]].verdict == "reject"}
        outcome = super().process([row for row in rows if row["id"] not in rejected])
        outcome.rejected += [_rejection(row, verdicts[row]) for row in sorted(rejected)]
        outcome.counters += Counter(human_rejected=len(rejected))
        return outcome

    def row(self, row: Row, counters: Counter[str]) -> Row:
        verdict = self.verdicts.rows.get(row["id"])
        if verdict is None:
            return row
        counters["human_corrected"] += len(verdict.texts)
        return corrected(row, verdict)

    def finish(self, build: Build) -> None:
        """Remember what people wrote: whoever translates with this memory from now on gets it without a model."""
        if not self._memories:
            return
        try:
            memory = TranslationMemory(self.translate.memory_path)
            try:
                memory.add(self._memories)
            finally:
                memory.close()
        except (TranslatorError, sqlite3.Error) as error:
            path = self.translate.memory_path
            raise StageError(
                f"--memory {path}: corrections are in the dataset, but not in the memory: {error}"
            ) from error


def corrected(row: Row, verdict: Verdict) -> Row:
    """The row with the texts that people wrote, and without what was measured on those before.

    Raises `RowError`: `StaleVerdict` where a field does not say what was judged, `BadCorrection` where a text lacks
    what its source must keep, or has what belongs to no text.
    """
    fields = {item["name"]: item for item in row["fields"]}
    for name, said in verdict.texts.items():
        item = fields.get(name)
        if item is None or item["source"] != said.source or item["target"] not in (said.was, said.text):
            raise RowError(
                "StaleVerdict",
                f"field {name!r} is not what was judged in {verdict.round}: it was translated anew since, or is gone; "
                f"judge the row again, or take it out of {PLACE}",
            )
        pair = Pair(name, said.source, said.text, "", "")
        if _structure(said.text) not in (_structure(said.source), _structure(said.was)):
            raise RowError(
                "BadCorrection",
                f'field {name!r}: the correction {said.text[:80]!r} has other numbers of lines and of "|" than its '
                f"source {said.source[:80]!r}; mend it in {PLACE}",
            )
        if any(each.measure(pair) for each in KEPT):
            raise RowError(
                "BadCorrection",
                f"field {name!r}: the correction {said.text[:80]!r} does not keep the tags, boxes, URLs, code, "
                f"{{fields}}, option labels and brackets of its source {said.source[:80]!r}, or brings marks of chats "
                f"or of machines that the source has not; mend it in {PLACE}",
            )
    human = {"by": "human", "score": None, "note": None}
    return row | {
        "fields": [
            item | human | {"target": verdict.texts[item["name"]].text} if item["name"] in verdict.texts else item
            for item in row["fields"]
        ],
        "checks": [item for item in row["checks"] if item["field"] not in verdict.texts],
    }


def _structure(text: str) -> tuple[int, int]:
    """Lines, and marks that datasets cut a text at."""
    return len(text.strip().splitlines()), text.count("|")


def memories(row: Row, verdict: Verdict, translator: Translator, target: str) -> tuple[list[Entry], int]:
    """What to remember of a row as it was before its correction, and how many corrected fields cannot be remembered.

    Those are the fields that no model is asked for, and those that are not cut as their source is.
    """
    try:
        corrected(row, verdict)
    except RowError:
        return [], 0
    found: list[Entry] = []
    left = set(verdict.texts)
    for unit, fields in units_of(row, translator.together):
        here = {item["name"] for item in fields} & left
        if not here:
            continue
        was = [verdict.texts[item["name"]].was if item["name"] in here else item["target"] for item in fields]
        now = [verdict.texts[item["name"]].text if item["name"] in here else item["target"] for item in fields]
        entries = corrections(translator, target, unit, was, now, max(verdict.texts[name].made for name in here))
        if entries is not None:
            found += entries
            left -= here
    return found, len(left)


def _rejection(row: str, verdict: Verdict) -> Rejection:
    accepting, judged = verdict.votes["accept"], sum(verdict.votes.values())
    decided = "an adjudicator decided" if verdict.adjudicated else "the most frequent label counts"
    figure = accepting / judged if judged else 0.0
    return Rejection(row, FILTER, "row", figure, f"accepted by {accepting} of {judged} judges; {decided}")


def _is_finished(build: Build) -> bool:
    path = build.out / "build.json"
    return path.is_file() and read_json(path)["status"] == "finished"


def _ids_in(build: Build, shard: FileRef, ids: Iterable[str]) -> set[str]:
    """Those of `ids` that a shard holds."""
    return set(read_columns(build.out, shard, ["id"], pc.field("id").isin(list(ids)))["id"].to_pylist())
