"""The dataset card: what somebody must know before training on the dataset, from the build's own figures.

A recipe says what only people know (licences, limits, whom to cite) in a `Card`; every count comes from
the build. The Hub refuses nothing that a card claims, so the checks are here: a card is not written for
an unfinished build, without a licence, or with counts that differ from the files beside it.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import yaml
from upath import UPath

from cards.accounts import by_language, copies
from cards.build import Build, disagreements, read_build, read_losses, rows_seen
from cards.charts import charts_of
from cards.citations import citations
from cards.columns import described, image_column, original_language
from cards.dataset import (
    Part,
    Shard,
    configs,
    dataset_shards,
    images_by_licence,
    parts,
    rows_by_language,
    rows_by_task,
    rows_folder,
)
from cards.examples import draw_examples
from cards.lmms_eval import FOLDER as TASKS
from cards.lmms_eval import lmms_eval_tasks
from cards.manifest import write_manifest
from cards.metadata import (
    LANGUAGE,
    config_entries,
    dataset_info,
    size_category,
    source_dataset,
    unknown_values,
)
from cards.mixtures import training_sets
from cards.publish import CARD
from cards.samples import worth_showing
from cards.text import code as code_span
from cards.text import language_name, markdown_environment
from cards.unfinished import counts_by_files, missing
from cards.validation import (
    ACCEPTANCE,
    AGREEMENTS,
    Validation,
    applied,
    in_a_sentence,
    interval,
    lower_bound,
    read_validation,
)
from cards.values import card_values

NOT_STATED = "unknown"  # the Hub's word for a licence that nobody knows
LICENCES_SHOWN = 40
STRATA_SHOWN = 12
FIELDS_SHOWN = 6
ASSETS = "assets"
RECIPES = Path(__file__).parent / "recipes"


@dataclass(frozen=True)
class Source:
    """A dataset that the rows or the images come from. `url` is its page and `hub_id` its name on the Hub, "" if none.

    `citation` is how its makers want to be cited, in BibTeX.
    """

    name: str
    url: str
    licence: str
    gives: str = ""
    hub_id: str = ""
    citation: str = ""


@dataclass(frozen=True, kw_only=True)
class Card:
    """What a recipe says about its dataset. Texts are Markdown.

    `language` and `source_language` are ISO 639 codes; `licence` is the Hub's identifier of that of the texts
    (`apache-2.0`), `unknown` where nobody has decided it; `other` needs `licence_name` and, where its text is,
    `licence_link`. `image_licence` is that of the images, in words. `decoding` says how the translator decodes.

    A dataset that is `crawled` was written by people and not translated; one that is `mixed` has the rows of others, as
    they are. Either may hold several languages: `languages`, of which the card names those that the rows say they are
    in, or all where rows do not say. `attribution` tells how to credit its texts and images. `columns` says what those
    columns hold that mean something of their own here. `default_config` is what `load_dataset` opens when no
    configuration is named.

    `images_shown` are the images of which the card may show small copies with boxes drawn on them: the name of a folder
    in `image_path`, and whom to credit. None are shown of the others. `personal` says what the rows hold about people,
    `personal_images` what is added where their images are in the dataset, `contact` who takes a row down. `citation` is
    the work that the dataset follows, in BibTeX.

    `acceptance` is the share of rows that people must find acceptable before the dataset is published, 0 for none;
    `judge_all` asks for all rows to be judged, not a sample; `validation` is what is said while nobody has judged any.

    `lmms_eval` is the benchmark, of those in `cards/lmms_eval_tasks`, whose tasks are written beside the dataset, and
    `evaluation` says how they score.
    """

    pretty_name: str
    summary: str
    sources: tuple[Source, ...]
    task_categories: tuple[str, ...]
    licence: str
    made: Literal["translated", "crawled", "mixed"] = "translated"
    language: str = ""
    languages: tuple[str, ...] = ()
    source_language: str = "en"
    default_config: str = ""
    licence_name: str = ""
    licence_link: str = ""
    image_licence: str = "of each source"
    repo_id: str = ""
    tags: tuple[str, ...] = ()
    method: str = ""
    decoding: str = ""
    acceptance: float = 0.0
    judge_all: bool = False
    validation: str = "No human judgement of these rows is recorded with this build."
    attribution: str = ""
    limits: tuple[str, ...] = ()
    images_shown: Mapping[str, str] = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)
    personal: str = ""
    personal_images: str = ""
    contact: str = ""
    citation: str = ""
    lmms_eval: str = ""
    evaluation: str = ""

    def __post_init__(self) -> None:
        given = self.acceptance
        if isinstance(given, bool) or not isinstance(given, int | float) or not 0 <= given <= 1:
            raise ValueError(f"acceptance is {given!r}, expected a share from 0 (none is needed) to 1, such as 0.8")


@dataclass(frozen=True)
class Drawn:
    """The text of a card, and by their names the files in `assets/` that it shows and those in `lmms_eval/`."""

    text: str
    assets: Mapping[str, bytes]
    tasks: Mapping[str, bytes]


def write_card(out: UPath, recipe: Card, *, partial: bool = False) -> UPath:
    """Write `README.md`, what it shows in `assets/`, tasks for lmms-eval and `manifest.json` into `out/dataset`.

    Returns the card's path.

    Raises ValueError as `card_text` does; nothing is written then.
    """
    card = _draw(out, recipe, (), partial)
    _replace(out / "dataset" / ASSETS, card.assets)
    _replace(out / "dataset" / TASKS, card.tasks)
    path = out / "dataset" / CARD
    path.write_text(card.text, encoding="utf-8", errors="replace", newline="\n")
    start = len((out / "dataset").path.rstrip("/")) + 1
    write_manifest(out, read_build(out), {shard.path.path[start:]: shard.rows for shard in dataset_shards(out)})
    return path


def _replace(folder: UPath, files: Mapping[str, bytes]) -> None:
    """Let the folder hold these files and no others."""
    if files:
        folder.mkdir(parents=True, exist_ok=True)
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.is_file() and path.name not in files:
            path.unlink()
    for name, content in files.items():
        (folder / name).write_bytes(content)


def card_text(out: UPath, recipe: Card, overruled: Sequence[str] = (), *, partial: bool = False) -> str:
    """The card of the build in `out`; `overruled` is what stands against it and was published nevertheless.

    Raises ValueError, naming every problem at once, when the recipe lacks what the Hub's metadata needs, when the
    build's counts do not add up or differ from the files, or when it is not finished; if it is `partial`, the card
    says what is missing and counts what the files hold.
    """
    return _draw(out, recipe, overruled, partial).text


def _draw(out: UPath, recipe: Card, overruled: Sequence[str], partial: bool) -> Drawn:
    build = read_build(out)
    partial = partial and build.status != "finished"
    shards = sorted(dataset_shards(out), key=lambda shard: shard.config != recipe.default_config)
    rejected = read_losses(out / "rejected", "filter", build.fingerprint)
    failed = read_losses(out / "failed", "error_class", build.fingerprint)
    written = sum(shard.rows for shard in shards)
    counts = counts_by_files(build, shards, rejected, failed) if partial else build.counts
    problems = _problems(build, shards, recipe, partial)
    problems += [] if partial else disagreements(build, written, rejected, failed, rows_folder(shards))
    validation = read_validation(out, build)
    problems += [validation.problem] if validation.problem else []
    splits = parts(shards)
    languages = _languages(recipe, splits)
    original = original_language(shards, recipe.source_language) if recipe.made == "translated" else ""
    spoken = list(dict.fromkeys([*languages, *([original] if original else [])]))
    metadata = _metadata(build, shards, splits, spoken, recipe) if splits else {}
    problems += unknown_values(metadata)
    if problems or counts is None:
        raise ValueError(f"{out / 'dataset' / CARD}: no card is written:\n- " + "\n- ".join(problems))
    row_languages = languages if rows_by_language(splits) else []
    tasks = sorted(rows_by_task(shards).items(), key=lambda item: (-item[1], item[0]))
    seed = build.fingerprint or build.name
    charts = charts_of(shards, seed, tasks, rows_by_language(splits) if recipe.made == "crawled" else {})
    examples = draw_examples(worth_showing(shards, original), seed, recipe.images_shown)
    shown = {example.asset: example.image for example in examples if example.asset}
    name = re.sub(r"[^a-z0-9]+", "_", build.card.lower())
    tasks_beside = lmms_eval_tasks(recipe.lmms_eval, name, shards, splits) if recipe.lmms_eval else {}
    text = (
        markdown_environment()
        .get_template("card.md.j2")
        .render(
            metadata=yaml.safe_dump(metadata, sort_keys=False, allow_unicode=True),
            card=recipe,
            licence="" if recipe.licence == NOT_STATED else recipe.licence_name or recipe.licence,
            build=build,
            counts=counts,
            missing=missing(out, build, shards, counts) if partial else [],
            configs=configs(shards),
            splits=splits,
            row_languages=row_languages,
            accounts=by_language(languages, counts, splits, rejected, failed),
            tasks=tasks,
            losses=[
                (called, losses, {reason.name: rows_seen(build, reason, counts) for reason in losses.reasons})
                for called, losses in (("rejected by", rejected), ("failed with", failed))
                if losses.rows
            ],
            schemas=described(shards, {**_renamed(build), **recipe.columns}, recipe.source_language),
            images=image_column(shards),
            charts=charts,
            examples=examples,
            fields_shown=FIELDS_SHOWN,
            licences_shown=LICENCES_SHOWN,
            licences=images_by_licence(shards).most_common() if recipe.made == "crawled" else [],
            config={name: _plain(value) for name, value in build.public_config.items()},
            settings={name: _plain(value) for name, value in build.translator_settings.items()},
            languages=[language_name(code) for code in languages],
            translated=[language_name(code) for code in languages if code != original],
            original=language_name(original) if original else "",
            copies=copies(build, shards, original),
            mixture=training_sets(build),
            conversations=len(configs(shards)) == 1 and bool(shards[0].first(["conversations"])),
            language_name=language_name,
            source_language=language_name(recipe.source_language),
            citations=citations(build, recipe),
            validation=validation,
            judged=_judged(validation, recipe),
            acceptance=ACCEPTANCE,
            agreements=AGREEMENTS,
            interval=interval,
            lower_bound=lower_bound(validation.accepted) if validation.accepted else 0.0,
            strata_shown=STRATA_SHOWN,
            human_rejected=applied(build, "rejected"),
            human_corrected=applied(build, "corrected"),
            overruled=overruled,
            task_group=name if tasks_beside else "",
        )
    )
    return Drawn(text, {chart.asset: chart.svg.encode("utf-8") for chart in charts} | shown, tasks_beside)


def _problems(build: Build, shards: Sequence[Shard], recipe: Card, partial: bool) -> list[str]:
    found = []
    if build.status != "finished" and not partial:
        found.append(f"the build's status is {build.status or 'unknown'!r}, expected 'finished'")
    if not shards:
        found.append("dataset/data/ holds no Parquet file")
    name = "languages" if recipe.languages else "language"
    given = [(name, code) for code in recipe.languages or (recipe.language,)]
    for name, code in (*given, ("source_language", recipe.source_language)):
        if not LANGUAGE.fullmatch(code):
            found.append(f"Card.{name} is {code!r}, expected an ISO 639 code such as 'it'")
    if recipe.default_config and recipe.default_config not in configs(shards):
        found.append(f"Card.default_config is {recipe.default_config!r}, but there are {', '.join(configs(shards))}")
    for name in ("pretty_name", "summary", "licence", "sources", "task_categories"):
        if not getattr(recipe, name):
            found.append(f"Card.{name} is empty")
    if recipe.licence == "other" and not (recipe.licence_name and recipe.licence_link):
        found.append("Card.licence is 'other': Card.licence_name must say which, Card.licence_link where its text is")
    return found


def _judged(validation: Validation, recipe: Card) -> str:
    """What is said of human judgements in one sentence."""
    if validation.accepted is not None:
        return in_a_sentence(validation.accepted)
    elsewhere = " Judgements of another version of it are." if validation.elsewhere else ""
    return recipe.validation.replace("\n", " ") + elsewhere


def _languages(recipe: Card, splits: Sequence[Part]) -> list[str]:
    """The languages of the dataset: the recipe's, and where the rows say theirs, those that have rows."""
    stated = recipe.languages or (recipe.language,)
    found = rows_by_language(splits)
    return [code for code in dict.fromkeys((*stated, *found)) if not found or code in found]


def _metadata(
    build: Build, shards: Sequence[Shard], splits: Sequence[Part], languages: Sequence[str], recipe: Card
) -> dict[str, Any]:
    crawled = recipe.made == "crawled"
    creators = ["found" if crawled else "machine-generated"]
    if applied(build, "corrected"):
        creators.append("expert-generated")  # a judgement leaves nothing in the rows; a correction is a person's text
    tags = [] if crawled else ["machine-translated"]
    tags += ["vision-language", *(["not-for-training"] if build.warning else []), *recipe.tags]
    several = "multilingual" if len(languages) > 1 else "monolingual"
    named = {"license_name": recipe.licence_name, "license_link": recipe.licence_link}
    info = dataset_info(shards, splits)
    return {
        "pretty_name": recipe.pretty_name,
        "language": [code for code in languages if LANGUAGE.fullmatch(code)],
        "license": recipe.licence,
        **(named if recipe.licence == "other" else {}),
        "task_categories": list(recipe.task_categories),
        "size_categories": [size_category(sum(part.rows for part in splits))],
        "source_datasets": [source_dataset(source.name, source.hub_id) for source in recipe.sources],
        "annotations_creators": creators,
        "language_creators": list(creators),
        "multilinguality": [several if crawled else "translation"],
        "tags": list(dict.fromkeys(tags)),
        "configs": config_entries(splits, recipe.default_config),
        "dataset_info": info if len(info) > 1 else info[0],
    }


def _renamed(build: Build) -> dict[str, str]:
    """What the columns hold that were renamed because one of ours has their name."""
    return {name: f"{code_span(was)} of the source dataset" for name, was in build.renamed_columns.items()}


def _plain(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def card_of(build: Build) -> Card:
    """The card of a build, with what it says itself. Raises ValueError as `load_card` does."""
    return load_card(build.card, build.card_values)


def load_card(name: str, values: Mapping[str, Any] = MappingProxyType({})) -> Card:
    """The card of a recipe, from `cards/recipes/<name>.yaml`; `values` are a build's own.

    Raises ValueError naming the ones there are.
    """
    card = find_card(name, values)
    if card is None:
        raise ValueError(f"no card {name!r}; there are {sorted(file.stem for file in RECIPES.glob('*.yaml'))}")
    return card


def find_card(name: str, values: Mapping[str, Any] = MappingProxyType({})) -> Card | None:
    """The card of a recipe, or None where it has none. Raises ValueError, naming the file, for an impossible one."""
    path = next((file for file in RECIPES.glob("*.yaml") if file.stem == name), None)
    if path is None:
        return None
    fields: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8")) | card_values(values)
    fields["sources"] = [Source(**source) for source in fields["sources"]]
    fields = {name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()}
    try:
        return Card(**fields)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path}: {error}") from error
