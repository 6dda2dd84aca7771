"""The build at a glance: one HTML page that a person reads before anybody trains on the rows.

The page is one file with no script and no address outside itself: it opens from a disk, a ticket or an
archive, years later, and what the rows hold cannot make it call anywhere (a content security policy
says so to the browser as well). The same build gives the same bytes.
"""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from markupsafe import Markup
from upath import UPath

from cards import crawled, distributions, svg
from cards.accounts import copies
from cards.build import (
    Build,
    Counts,
    Losses,
    Stage,
    counts_of,
    disagreements,
    read_build,
    read_losses,
)
from cards.card import find_card
from cards.dataset import configs, dataset_shards, parts, rows_by_language, rows_by_task, rows_folder
from cards.fields import list_of
from cards.judged import judged
from cards.samples import draw_samples, worth_showing
from cards.text import LANGUAGE, enumerated, html_environment, language_name
from cards.validation import Validation, has_verdicts_to_apply, read_validation

TASKS_SHOWN = 80
INPUTS_SHOWN = 40

_MEMORY = ("units", "memory_hits", "duplicates")
_SHOWN = (*_MEMORY, "translated")


@dataclass(frozen=True)
class Step:
    """A stage of the funnel. `excess` is how many more rows came out than went in (negative: fewer)."""

    stage: Stage
    drawing: Markup
    excess: int


@dataclass(frozen=True)
class Task:
    name: str
    counts: Counts
    bar: Markup


@dataclass(frozen=True)
class Pace:
    stage: Stage
    bar: Markup
    rows_a_second: float | None


@dataclass(frozen=True)
class Memory:
    """How many translation units there were, and how many the translator was asked for."""

    units: float
    hits: float
    duplicates: float
    asked: float
    bar: Markup


@dataclass(frozen=True)
class Language:
    code: str
    name: str


def write_report(out: UPath) -> UPath:
    """Write `out/report.html` for the finished build in `out`, and return its path.

    Raises FileNotFoundError or ValueError when `build.json` is missing or unreadable; what a build does
    not have is left out of the page.
    """
    build = read_build(out)
    seed = build.fingerprint or build.name
    shards = dataset_shards(out)
    rejected = read_losses(out / "rejected", "filter", seed)
    failed = read_losses(out / "failed", "error_class", seed)
    written = sum(shard.rows for shard in shards)
    counts = counts_of(build, written, rejected, failed)
    splits = parts(shards)
    languages = _languages(build, rows_by_language(splits))
    measures = distributions.measure(shards, seed)
    validation = read_validation(out, build)
    recipe = find_card(build.card)
    original = recipe.source_language if recipe and recipe.made == "translated" else ""
    shown = worth_showing(shards, original)
    tasks = _tasks(rows_by_task(shards), rejected, failed)
    page = (
        html_environment()
        .get_template("report.html.j2")
        .render(
            build=build,
            counts=counts,
            copies=copies(build, shards, original),
            original=language_name(original),
            overview=_overview(counts),
            problems=_problems(build, validation)
            + disagreements(build, written, rejected, failed, rows_folder(shards)),
            judged=judged(validation, build, recipe.acceptance if recipe else 0.0, has_verdicts_to_apply(out, build)),
            splits=splits,
            configs=configs(shards),
            languages=[language_name(code) for code in languages],
            row_languages=languages,
            balance=crawled.read_balance(out),
            alignment=crawled.read_alignment(out),
            requests=crawled.requests(build),
            dropped=crawled.dropped_sections(build),
            steps=_steps(build),
            losses=[("rejected", "filter", rejected), ("failed", "error class", failed)],
            loss_bars=_loss_bars(rejected, failed),
            tasks=tasks[:TASKS_SHOWN],
            tasks_hidden=tasks[TASKS_SHOWN:],
            measures=measures,
            sampled=measures.rows < written,
            log_scores=bool(measures.scores.size and measures.scores.max() <= 0),
            ratios=distributions.ratio_histogram(measures.ratios),
            scores=distributions.score_histogram(measures.scores),
            memory=_memory(build),
            paces=_paces(build),
            inputs=build.inputs[:INPUTS_SHOWN],
            counters=_other_counters(build),
            samples=draw_samples(shown, seed, _image_roots(out, build)),
            rows_shown=sum(shard.rows for shard in shown),
            config={name: _plain(value) for name, value in build.config.items()},
            settings={name: _plain(value) for name, value in build.translator_settings.items()},
            source=_language(build.config, ("source_language", "from"), "en"),
            target=_language(build.config, ("target_language", "to"), ""),
        )
    )
    path = out / "report.html"
    path.write_text(page, encoding="utf-8", errors="replace", newline="\n")
    return path


def _problems(build: Build, validation: Validation) -> list[str]:
    unfinished = f"The build is not finished: its status is “{build.status or 'unknown'}”."
    damaged = f"The judgements cannot be shown: {validation.problem}."
    return [*([unfinished] if build.status != "finished" else []), *([damaged] if validation.problem else [])]


def _parts(counts: Counts) -> list[tuple[str, float]]:
    return [
        ("written", counts.rows_written),
        ("rejected", counts.rows_rejected),
        ("failed", counts.rows_failed),
    ]


def _overview(counts: Counts) -> Markup:
    return svg.stacked_bar(_parts(counts), max(counts.rows_in, sum(amount for _, amount in _parts(counts))))


def _loss_bars(rejected: Losses, failed: Losses) -> dict[tuple[str, str], Markup]:
    return {
        (reason.name, kind): svg.stacked_bar([(kind, reason.rows)], losses.rows)
        for kind, losses in (("rejected", rejected), ("failed", failed))
        for reason in losses.reasons
    }


def _steps(build: Build) -> list[Step]:
    """The stages, drawn; where a stage makes its rows out of those before it, a scale of its own begins."""
    scales: list[int] = []
    scale_of = []
    for stage in build.stages:
        if stage.made or not scales:
            scales.append(0)
        scales[-1] = max(scales[-1], stage.counts.rows_in, stage.counts.rows_written)
        scale_of.append(len(scales) - 1)
    steps = []
    for number, stage in enumerate(build.stages):
        whole, after = scales[scale_of[number]], 0.0
        if number + 1 < len(build.stages):
            after = build.stages[number + 1].counts.rows_in / (scales[scale_of[number + 1]] or 1) * whole
        steps.append(Step(stage, svg.funnel_step(_parts(stage.counts), after, whole), -stage.counts.left_over))
    return steps


def _tasks(written: Counter[str], rejected: Losses, failed: Losses) -> list[Task]:
    names = {*written, *rejected.tasks, *failed.tasks}
    if names <= {""}:
        return []
    counts = {
        name: Counts(
            written[name] + rejected.tasks.get(name, 0) + failed.tasks.get(name, 0),
            written[name],
            rejected.tasks.get(name, 0),
            failed.tasks.get(name, 0),
        )
        for name in names
    }
    largest = max((each.rows_in for each in counts.values()), default=0)
    ordered = sorted(counts.items(), key=lambda item: (-item[1].rows_in, item[0]))
    return [Task(name, each, svg.stacked_bar(_parts(each), largest)) for name, each in ordered]


def _memory(build: Build) -> Memory | None:
    units, hits, duplicates = (sum(stage.counters.get(name, 0) for stage in build.stages) for name in _MEMORY)
    if not units:
        return None
    asked = sum(stage.counters.get("translated", 0) for stage in build.stages) or max(0, units - hits - duplicates)
    bar = svg.stacked_bar([("written", asked), ("hits", hits), ("duplicates", duplicates)], units)
    return Memory(units, hits, duplicates, asked, bar)


def _paces(build: Build) -> list[Pace]:
    longest = max((stage.seconds or 0 for stage in build.stages), default=0)
    return [
        Pace(
            stage,
            svg.stacked_bar([("ink", stage.seconds or 0)], longest),
            stage.counts.rows_in / stage.seconds if stage.seconds else None,
        )
        for stage in build.stages
        if stage.seconds is not None
    ]


def _other_counters(build: Build) -> list[tuple[str, str, float]]:
    noted = []
    for stage in build.stages:
        others = {name: value for name, value in stage.counters.items() if name not in _SHOWN and "/" not in name}
        if real := others.pop("real_tokens", 0):
            others["tokens with padding, for each token of text"] = others.pop("padded_tokens", 0) / real
        noted += [(stage.name, name.replace("_", " "), value) for name, value in others.items()]
    return noted


def _language(config: Mapping[str, object], names: tuple[str, ...], otherwise: str) -> Language:
    """The language that a build's flags name; several, as in `it,eu`, have a name together and no code."""
    for given in (*(config.get(name) for name in names), otherwise):
        codes = given.split(",") if isinstance(given, str) else []
        if codes and all(map(LANGUAGE.fullmatch, codes)):
            called = enumerated([language_name(code) for code in codes])
            return Language(codes[0].replace("_", "-") if len(codes) == 1 else "", called)
    return Language("", "the target language")


def _languages(build: Build, found: Mapping[str, int]) -> list[str]:
    """The languages that rows are in, as the build was asked for them, then the others."""
    asked = [word for text in list_of(build.config, "languages") for word in str(text).replace(",", " ").split()]
    return [code for code in dict.fromkeys((*asked, *found)) if code in found]


def _image_roots(out: UPath, build: Build) -> list[UPath]:
    """Where the rows' images may lie: the dataset, the build, and the folders given as its `images`."""
    given = build.config.get("images")
    folders = [UPath(folder) for folder in given if isinstance(folder, str)] if isinstance(given, list) else []
    return [root for folder in (out / "dataset", out, *folders) for root in (folder, folder.absolute())]


def _plain(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
