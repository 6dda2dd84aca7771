"""The rounds of a build: where their files are, the lead's plan, and the judgements that came back.

OUT/validation/agreement.json            what `agree` found, of every round
OUT/validation/verdicts.json             what `agree --apply` decided, row by row
OUT/validation/<round>/plan.json         who judges what; the lead's alone
OUT/validation/<round>/packages/         what annotators get
OUT/validation/<round>/judgements/<annotator>.json
"""

import json
import os
import re
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from validation.annotation.package import Task, Text
from validation.annotation.problem import Problem

PLAN_FORMAT = "vlm-plan/1"
JUDGEMENTS_FORMAT = "vlm-annotations/1"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True)
class Assigned:
    """An item of a package, and what the annotator does not know of it.

    `gold` is the label that it is known to deserve ("": not gold); gold items count in no rate. `left` is the system
    (0 or 1 in `Plan.systems`) whose answer stands left, of a pair.
    """

    item_id: str
    row: str
    shared: bool
    gold: str = ""
    left: int = 0


@dataclass(frozen=True)
class Assignment:
    """A package and who judges it; `adjudicates`: its labels decide whatever it judged."""

    package_id: str
    annotator: str
    package_sha256: str
    items: tuple[Assigned, ...]
    adjudicates: bool = False


@dataclass(frozen=True)
class PlannedRow:
    """A row that is judged: its stratum ("" where there are none) and its texts as annotators see them."""

    row: str
    stratum: str
    texts: tuple[Text, ...]


@dataclass(frozen=True)
class Plan:
    """Who judges what. `population` is the number of rows that were drawn from; `systems` name the two of a pair.

    `rows` are those drawn and those of gold items. `config` and `split` are the part of the dataset that was asked
    for, "" where it was not said.
    """

    build: str
    fingerprint: str
    round: str
    task: Task
    seed: int
    stratify: str
    population: int
    source_language: str
    target_language: str
    created: str
    rows: tuple[PlannedRow, ...]
    assignments: tuple[Assignment, ...]
    systems: tuple[str, ...] = ()
    config: str = ""
    split: str = ""


@dataclass(frozen=True)
class Judgement:
    """What an annotator said of an item. `ms`: active milliseconds on it. `at`: when, ISO 8601 in UTC.

    `corrections`: the text that a field should have, by the field's name.
    """

    item_id: str
    label: str
    reasons: tuple[str, ...] = ()
    comment: str = ""
    corrections: Mapping[str, str] | None = None
    ms: int = 0
    at: str = ""


@dataclass(frozen=True)
class Round:
    """One round in its folder."""

    folder: Path

    @property
    def plan_path(self) -> Path:
        return self.folder / "plan.json"

    @property
    def packages(self) -> Path:
        return self.folder / "packages"

    def judgements_path(self, annotator: str) -> Path:
        return self.folder / "judgements" / f"{annotator}.json"

    def plan(self) -> Plan:
        """The round's plan. Raises `Problem`."""
        try:
            return _plan(json.loads(self.plan_path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            raise Problem(f"{self.plan_path} is not there: `python -m validation sample BUILD …` makes it") from None
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise Problem(
                f"{self.plan_path}: not a plan as `python -m validation sample` writes it: {error}"
            ) from error

    def write_plan(self, plan: Plan) -> None:
        write_json(self.plan_path, {"format": PLAN_FORMAT} | asdict(plan))

    def judgements(self, annotator: str) -> tuple[Judgement, ...]:
        """What has been imported of an annotator, in the order of item ids; none where nothing has come back."""
        path = self.judgements_path(annotator)
        try:
            return tuple(_judgement(item) for item in json.loads(path.read_text(encoding="utf-8"))["judgements"])
        except FileNotFoundError:
            return ()
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise Problem(f"{path}: not judgements as `python -m validation import` writes them: {error}") from error


def build_folder(given: str) -> Path:
    """The folder that holds `validation/`: the build's, where the folder given is the dataset in a build.

    What a dataset's folder holds is published, and a plan must not be: not where it is given as `.`, or by a link.
    """
    for path in map(Path, (os.path.abspath(given), os.path.realpath(given))):
        if path.name == "dataset" and (path.parent / "build.json").is_file():
            return path.parent
    return Path(given)


def rounds(out: Path) -> list[Round]:
    """The rounds of a build, the oldest plan first."""
    plans = (out / "validation").glob("*/plan.json")
    found = [Round(path.parent) for path in plans]
    return sorted(found, key=lambda each: (each.plan().created, each.folder.name))


def find_round(out: Path, name: str = "") -> Round:
    """The round of this name, or the newest. Raises `Problem` naming those there are."""
    found = rounds(out)
    if not found:
        raise Problem(f"{out / 'validation'} holds no round: `python -m validation sample {out} …` makes one")
    for each in found:
        if name == each.folder.name:
            return each
    if name:
        raise Problem(
            f"--round {name}: there is no such round; there are {', '.join(one.folder.name for one in found)}"
        )
    return found[-1]


def write_json(path: Path, value: Any) -> None:
    """Write JSON so that a reader sees the old file or the new one, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        with beside.open("w", encoding="utf-8") as file:
            json.dump(value, file, ensure_ascii=False, indent=1)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def _plan(value: dict[str, Any]) -> Plan:
    if value.pop("format") != PLAN_FORMAT:
        raise ValueError(f"its format is not {PLAN_FORMAT}")
    value["rows"] = tuple(
        PlannedRow(row["row"], row["stratum"], tuple(Text(**text) for text in row["texts"])) for row in value["rows"]
    )
    value["assignments"] = tuple(
        Assignment(**{**each, "items": tuple(Assigned(**item) for item in each["items"])})
        for each in value["assignments"]
    )
    value["systems"] = tuple(value["systems"])
    return Plan(**value)


def _judgement(value: dict[str, Any]) -> Judgement:
    return Judgement(**{**value, "reasons": tuple(value["reasons"])})
