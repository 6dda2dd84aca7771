"""What people said of a sample of the rows, as the card, the report and the gate read it.

`validation/agreement.json` holds every round of judgements with its figures. A round counts for the build that it was
drawn from and for no other: the fingerprint decides. The file may have been edited, cut or sent around, so a figure
that cannot be is a problem that is said, never a number that is shown; and judgements may have come in since, so each
round says which files its figures are of.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

from upath import UPath

from cards.build import Build
from cards.fields import count_of, list_of, mapping_of, number_of, read_object, text_of
from cards.text import share

AGREEMENT = "validation/agreement.json"
VERDICTS = "validation/verdicts.json"
FORMAT = "vlm-agreement/1"
ACCEPTANCE = {"acceptance_items": "acceptance, rows", "acceptance_judgements": "acceptance, judgements"}
AGREEMENTS = {
    "agreement_majority": "with the majority",
    "agreement_pairwise": "pairwise",
    "cohen_mean_pairs": "Cohen’s kappa, mean",
    "fleiss": "Fleiss’ kappa",
    "krippendorff_alpha": "Krippendorff’s alpha",
    "gwet_ac1": "Gwet’s AC1",
}
PREFERENCES = ("preference_0", "tie", "preference_1")
_ROUND = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_Z = NormalDist().inv_cdf(0.975)


@dataclass(frozen=True)
class Figure:
    """A figure of `n` units with its 95 % interval; `undefined` says why it has no value.

    Rates are shares from 0 to 1, agreement beyond chance is from -1 to 1. `interval` says how `low` and `high` were
    found.
    """

    value: float | None
    n: int
    unit: str
    low: float | None
    high: float | None
    interval: str
    definition: str
    undefined: str


@dataclass(frozen=True)
class Annotator:
    """An annotator's part in a round. `gold` is how many gold items were judged right, and how many there were."""

    name: str
    planned: int
    judgements: int
    missing: int
    acceptance: Figure
    agreement: Figure
    median_seconds: float | None
    too_fast: int
    gold: tuple[int, int]


@dataclass(frozen=True)
class Stratum:
    name: str
    rows: int
    judgements: int
    acceptance: Figure


@dataclass(frozen=True)
class Round:
    """One draw and what came back. `population` is the number of rows drawn from; `systems` name the two of a pair.

    `files_sha256` is of the plan and the judgements that the figures are of.
    """

    name: str
    task: str
    fingerprint: str
    created: str
    stratify: str
    systems: tuple[str, ...]
    population: int
    items: int
    shared: int
    planned: int
    received: int
    missing: int
    first: str
    last: str
    labels: Mapping[str, int]
    figures: Mapping[str, Figure]
    annotators: tuple[Annotator, ...]
    strata: tuple[Stratum, ...]
    reasons: tuple[tuple[str, int], ...]
    majority: Mapping[str, int]
    adjudicated: int
    open_ties: int
    corrections: int
    warnings: tuple[str, ...]
    files_sha256: str

    @property
    def at_work(self) -> int:
        """How many annotators gave a judgement."""
        return sum(1 for each in self.annotators if each.judgements)


@dataclass(frozen=True)
class Validation:
    """The judgements that count for a build.

    `accepted` is the newest round that asked whether its rows are acceptable; `paired` the newest that compared two
    systems; `earlier` the older ones about acceptance. `elsewhere` counts rounds that were drawn from another build.
    `outdated` names the rounds of which judgements came in, or were changed, after the figures were made.
    `problem` says what is wrong with the file; there are no rounds then.
    """

    accepted: Round | None = None
    paired: Round | None = None
    earlier: tuple[Round, ...] = ()
    elsewhere: int = 0
    outdated: tuple[str, ...] = ()
    problem: str = ""


def read_validation(out: UPath, build: Build) -> Validation:
    """The rounds of `out/validation/agreement.json` that are about this build and have judgements."""
    path = out / AGREEMENT
    try:
        rounds = _rounds(read_object(path))
    except FileNotFoundError:
        return Validation()
    except (ValueError, OSError, RecursionError) as error:
        said = str(error).removeprefix(f"{path}: ")
        return Validation(
            problem=f"{AGREEMENT}: not figures as `python -m validation agree` writes them ({said}); move it away, "
            "then run `agree --round` for each round"
        )
    judged = [each for each in rounds if each.received]
    mine = [each for each in judged if each.fingerprint == build.fingerprint]
    accept, pair = ([each for each in mine if each.task == task] for task in ("accept", "pair"))
    return Validation(
        accepted=accept[-1] if accept else None,
        paired=pair[-1] if pair else None,
        earlier=tuple(accept[:-1]),
        elsewhere=len(judged) - len(mine),
        outdated=_outdated(out, rounds, build),
    )


def has_verdicts_to_apply(out: UPath, build: Build) -> bool:
    """Whether `out/validation/verdicts.json` says of rows what this build has not applied to them."""
    path = out / VERDICTS
    return path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() != build.verdicts_sha256


def applied(build: Build, verdict: str) -> int:
    """The rows that were `rejected`, or the texts that were `corrected`, by people, as the build's stages counted."""
    return round(sum(stage.counters.get(f"human_{verdict}", 0) for stage in build.stages))


def interval(figure: Figure) -> str:
    """A rate's interval in words: `74.5 to 89.1 %`; "" where it has none."""
    if figure.low is None or figure.high is None:
        return ""
    return f"{100 * figure.low:.1f} to {100 * figure.high:.1f} %"


def lower_bound(found: Round) -> float:
    """The lower bound of the Wilson interval of the share of rows that were accepted."""
    rate = found.figures["acceptance_items"]
    return wilson(rate.value or 0, rate.n)[0]


def wilson(share: float, n: int) -> tuple[float, float]:
    """Wilson's 95 % score interval of a share of `n` > 0 independent trials, as `agree` finds it.

    Wilson, "Probable inference, the law of succession, and statistical inference", 1927.
    """
    share, square = round(share * n) / n, _Z**2 / n
    centre = (share + square / 2) / (1 + square)
    half = _Z / (1 + square) * (share * (1 - share) / n + square / (4 * n)) ** 0.5
    return max(0.0, centre - half), min(1.0, centre + half)


def in_a_sentence(found: Round) -> str:
    """How many rows how many people accepted, for where there is room for one sentence alone. Markdown."""
    rate = found.figures["acceptance_items"]
    people = f"{found.at_work} annotator{'s' if found.at_work != 1 else ''}"
    return (
        f"{people} judged a sample of {rate.n:,} row{'s' if rate.n != 1 else ''}, drawn from {found.population:,}, and "
        f"accepted {found.majority.get('accept', 0):,}: {share(rate.value or 0, 1)} (95 % interval {interval(rate)})."
    )


def _outdated(out: UPath, rounds: Sequence[Round], build: Build) -> tuple[str, ...]:
    """The rounds of which there are other judgements than the file counts, or of which it counts none."""
    folder, known = out / "validation", {each.name for each in rounds}
    mine = {each.name: each.files_sha256 for each in rounds if each.fingerprint == build.fingerprint}
    changed = {name for name, digest in mine.items() if digest != _files_sha256(folder / name)}
    uncounted = {path.parent.parent.name for path in folder.glob("*/judgements/*.json")} - known
    return tuple(sorted(changed | uncounted))


def _files_sha256(folder: UPath) -> str:
    """The digest of a round's plan and judgements as `agree` makes it, of those that are there."""
    paths = {f"judgements/{path.name}": path for path in (folder / "judgements").glob("*.json")}
    found = hashlib.sha256()
    for name, path in sorted((paths | {"plan.json": folder / "plan.json"}).items()):
        if path.is_file():
            found.update(name.encode(errors="surrogateescape") + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()


def _rounds(raw: Mapping[str, Any]) -> list[Round]:
    if text_of(raw, "format") != FORMAT or not isinstance(raw.get("rounds"), list):
        raise ValueError(f"expected the format {FORMAT} and a list of rounds")
    rounds = []
    for number, each in enumerate(raw["rounds"], 1):
        if not isinstance(each, dict):
            raise ValueError(f"round {number} is no JSON object")
        try:
            rounds.append(_round(each))
        except ValueError as error:
            raise ValueError(f"round {number} ({text_of(each, 'round')!r:.80}): {error}") from error
    return rounds


def _round(raw: Mapping[str, Any]) -> Round:
    if not _ROUND.fullmatch(text_of(raw, "round")):
        raise ValueError("expected a folder's name")
    task, received, planned = text_of(raw, "task"), mapping_of(raw, "received"), mapping_of(raw, "planned")
    if task not in ("accept", "pair"):
        raise ValueError(f"task is {task!r}, expected 'accept' or 'pair'")
    figures = {name: _figure(mapping_of(raw, "figures"), name) for name in mapping_of(raw, "figures")}
    found = Round(
        name=text_of(raw, "round"),
        task=task,
        fingerprint=text_of(raw, "fingerprint"),
        created=text_of(raw, "created"),
        stratify=text_of(raw, "stratify"),
        systems=tuple(str(name) for name in list_of(raw, "systems")),
        population=_count(raw, "population"),
        items=_count(planned, "items"),
        shared=_count(planned, "shared"),
        planned=_count(planned, "judgements"),
        received=_count(received, "judgements"),
        missing=_count(received, "missing"),
        first=text_of(received, "first"),
        last=text_of(received, "last"),
        labels=_counts(raw, "labels"),
        figures=figures,
        annotators=tuple(_annotator(each) for each in list_of(raw, "annotators") if isinstance(each, dict)),
        strata=tuple(_stratum(each) for each in list_of(raw, "strata") if isinstance(each, dict)),
        reasons=tuple(sorted(_counts(raw, "reasons").items(), key=lambda item: (-item[1], item[0]))),
        majority=_counts(raw, "majority"),
        adjudicated=_count(raw, "adjudicated"),
        open_ties=len(list_of(raw, "open_ties")),
        corrections=_count(raw, "corrections"),
        warnings=tuple(str(warning) for warning in list_of(raw, "warnings")),
        files_sha256=text_of(raw, "files_sha256"),
    )
    if found.received:
        for name in ACCEPTANCE if task == "accept" else PREFERENCES:
            _check_rate(name, figures.get(name))
    return found


def _check_rate(name: str, figure: Figure | None) -> None:
    if figure is None or not figure.n or figure.value is None or not 0 <= figure.value <= 1:
        raise ValueError(f"figures.{name} is no share of what was judged")
    low, high = figure.low or 0, 1 if figure.high is None else figure.high
    if figure.interval.startswith("Wilson") and not low <= figure.value <= high:
        raise ValueError(f"figures.{name}: {figure.value} is not in its interval, {low} to {high}")


def _figure(raw: Mapping[str, Any], name: str) -> Figure:
    its = mapping_of(raw, name)
    value, low, high = (number_of(its, key) for key in ("value", "low", "high"))
    if any(each is not None and not -1 <= each <= 1 for each in (value, low, high)):
        raise ValueError(f"figures.{name} is {value} ({low} to {high}), expected numbers from -1 to 1")
    return Figure(
        value=value,
        n=_count(its, "n"),
        unit=text_of(its, "unit"),
        low=low,
        high=high,
        interval=text_of(its, "interval"),
        definition=text_of(its, "definition"),
        undefined=text_of(its, "undefined"),
    )


def _annotator(raw: Mapping[str, Any]) -> Annotator:
    gold = mapping_of(raw, "gold")
    return Annotator(
        name=text_of(raw, "annotator"),
        planned=_count(raw, "planned"),
        judgements=_count(raw, "judgements"),
        missing=_count(raw, "missing"),
        acceptance=_figure(raw, "acceptance"),
        agreement=_figure(raw, "agreement_majority"),
        median_seconds=number_of(raw, "median_seconds"),
        too_fast=_count(raw, "too_fast"),
        gold=(_count(gold, "right"), _count(gold, "of")),
    )


def _stratum(raw: Mapping[str, Any]) -> Stratum:
    name, acceptance = text_of(raw, "stratum"), _figure(raw, "acceptance")
    return Stratum(name, _count(raw, "rows"), _count(raw, "judgements"), acceptance)


def _counts(raw: Mapping[str, Any], key: str) -> dict[str, int]:
    counted = mapping_of(raw, key)
    return {name: _count(counted, name) for name in counted}


def _count(raw: Mapping[str, Any], key: str) -> int:
    count = count_of(raw, key)
    if count < 0:
        raise ValueError(f"{key} is {count}, expected a count")
    return count
