"""The dataset card: what somebody must know before training on the dataset, from the build's own figures.

A recipe says what only people know (licences, limits, whom to cite) in a `Card`; every count comes from
the build. The Hub refuses nothing that a card claims, so the checks are here: a card is not written for
an unfinished build, without a licence, or with counts that differ from the files beside it.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml
from huggingface_hub import DatasetCardData
from upath import UPath

from cards.build import Build, disagreements, read_build, read_losses, rows_seen
from cards.columns import described
from cards.dataset import (
    Part,
    Shard,
    configs,
    dataset_shards,
    folder_of,
    images_by_licence,
    parts,
    rows_by_language,
    rows_by_task,
    rows_folder,
)
from cards.text import language_name, markdown_environment
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

LICENCES_SHOWN = 40
STRATA_SHOWN = 12
RECIPES = Path(__file__).parent / "recipes"

_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_SIZES = (
    (10**3, "n<1K"),
    (10**4, "1K<n<10K"),
    (10**5, "10K<n<100K"),
    (10**6, "100K<n<1M"),
    (10**7, "1M<n<10M"),
    (10**8, "10M<n<100M"),
    (10**9, "100M<n<1B"),
)


@dataclass(frozen=True)
class Source:
    """A dataset that the rows or the images come from. `hub_id` is its name on the Hub, if it is there."""

    name: str
    url: str
    licence: str
    gives: str = ""
    hub_id: str = ""


@dataclass(frozen=True, kw_only=True)
class Card:
    """What a recipe says about its dataset. Texts are Markdown.

    `language` and `source_language` are ISO 639 codes; `licence` is the Hub's identifier (`apache-2.0`),
    and `other` needs `licence_name` and `licence_link`. `decoding` says how the translator decodes.

    A dataset that is `crawled` was written by people and not translated. It may hold several languages: `languages`,
    of which the card names those that the rows say they are in, or all where rows do not say. `attribution` tells how
    to credit its texts and images. `default_config` is what `load_dataset` opens when no configuration is named.

    `acceptance` is the share of rows that people must find acceptable before the dataset is published, 0 for none;
    `validation` is what is said while nobody has judged any.
    """

    pretty_name: str
    summary: str
    sources: tuple[Source, ...]
    task_categories: tuple[str, ...]
    licence: str
    made: Literal["translated", "crawled"] = "translated"
    language: str = ""
    languages: tuple[str, ...] = ()
    source_language: str = "en"
    default_config: str = ""
    licence_name: str = ""
    licence_link: str = ""
    repo_id: str = ""
    tags: tuple[str, ...] = ()
    method: str = ""
    decoding: str = ""
    acceptance: float = 0.0
    validation: str = "No human judgement of these rows is recorded with this build."
    attribution: str = ""
    limits: tuple[str, ...] = ()
    contact: str = ""
    citation: str = ""

    def __post_init__(self) -> None:
        given = self.acceptance
        if isinstance(given, bool) or not isinstance(given, int | float) or not 0 <= given <= 1:
            raise ValueError(f"acceptance is {given!r}, expected a share from 0 (none is needed) to 1, such as 0.8")


def write_card(out: UPath, recipe: Card) -> UPath:
    """Write `out/dataset/README.md` for the finished build in `out`, and return its path.

    Raises ValueError as `card_text` does.
    """
    text = card_text(out, recipe)
    path = out / "dataset" / "README.md"
    path.write_text(text, encoding="utf-8", errors="replace", newline="\n")
    return path


def card_text(out: UPath, recipe: Card, overruled: Sequence[str] = ()) -> str:
    """The card of the finished build in `out`; `overruled` is what stands against it and was published nevertheless.

    Raises ValueError, naming every problem at once, when the build is not finished, when its counts do
    not add up or differ from the files, or when the recipe lacks what the Hub's metadata needs.
    """
    build = read_build(out)
    shards = sorted(dataset_shards(out), key=lambda shard: shard.config != recipe.default_config)
    rejected = read_losses(out / "rejected", "filter", build.fingerprint)
    failed = read_losses(out / "failed", "error_class", build.fingerprint)
    written = sum(shard.rows for shard in shards)
    problems = _problems(build, shards, recipe)
    problems += disagreements(build, written, rejected, failed, rows_folder(shards))
    validation = read_validation(out, build)
    problems += [validation.problem] if validation.problem else []
    if problems or build.counts is None:
        raise ValueError(f"{out / 'dataset' / 'README.md'}: no card is written:\n- " + "\n- ".join(problems))
    splits = parts(shards)
    languages = _languages(recipe, splits)
    return (
        markdown_environment()
        .get_template("card.md.j2")
        .render(
            metadata=_metadata(build, splits, languages, recipe).to_yaml(),
            card=recipe,
            build=build,
            counts=build.counts,
            configs=configs(shards),
            splits=splits,
            row_languages=languages if rows_by_language(splits) else [],
            tasks=sorted(rows_by_task(shards).items(), key=lambda item: (-item[1], item[0])),
            losses=[
                (called, losses, {reason.name: rows_seen(build, reason, build.counts) for reason in losses.reasons})
                for called, losses in (("rejected by", rejected), ("failed with", failed))
                if losses.rows
            ],
            schemas=described(shards),
            licences_shown=LICENCES_SHOWN,
            licences=images_by_licence(shards).most_common() if recipe.made == "crawled" else [],
            config={name: _plain(value) for name, value in build.public_config.items()},
            settings={name: _plain(value) for name, value in build.translator_settings.items()},
            languages=[language_name(code) for code in languages],
            source_language=language_name(recipe.source_language),
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
        )
    )


def _problems(build: Build, shards: Sequence[Shard], recipe: Card) -> list[str]:
    found = []
    if build.status != "finished":
        found.append(f"the build's status is {build.status or 'unknown'!r}, expected 'finished'")
    if not shards:
        found.append("dataset/data/ holds no Parquet file")
    name = "languages" if recipe.languages else "language"
    given = [(name, code) for code in recipe.languages or (recipe.language,)]
    for name, code in (*given, ("source_language", recipe.source_language)):
        if not _LANGUAGE.fullmatch(code):
            found.append(f"Card.{name} is {code!r}, expected an ISO 639 code such as 'it'")
    if recipe.default_config and recipe.default_config not in configs(shards):
        found.append(f"Card.default_config is {recipe.default_config!r}, but there are {', '.join(configs(shards))}")
    for name in ("pretty_name", "summary", "licence", "sources", "task_categories"):
        if not getattr(recipe, name):
            found.append(f"Card.{name} is empty")
    if recipe.licence == "other" and not (recipe.licence_name and recipe.licence_link):
        found.append("Card.licence is 'other': Card.licence_name and Card.licence_link must say which")
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


def _metadata(build: Build, splits: Sequence[Part], languages: list[str], recipe: Card) -> DatasetCardData:
    extra: dict[str, Any] = {}
    if recipe.licence == "other":
        extra = {"license_name": recipe.licence_name, "license_link": recipe.licence_link}
    crawled = recipe.made == "crawled"
    creators = ["found" if crawled else "machine-generated"]
    if applied(build, "corrected"):
        creators.append(
            "expert-generated"
        )  # a judgement leaves nothing in the rows; a correction is a text by a person
    tags = [] if crawled else ["machine-translated"]
    tags += ["vision-language", *(["not-for-training"] if build.warning else []), *recipe.tags]
    return DatasetCardData(
        pretty_name=recipe.pretty_name,
        language=[code for code in languages if _LANGUAGE.fullmatch(code)],
        license=recipe.licence,
        annotations_creators=creators,
        language_creators=list(creators),
        multilinguality=["multilingual" if len(languages) > 1 else "monolingual"],
        size_categories=[_size_category(sum(part.rows for part in splits))],
        source_datasets=[source.hub_id or f"extended|other-{_slug(source.name)}" for source in recipe.sources],
        task_categories=list(recipe.task_categories),
        tags=list(dict.fromkeys(tags)),
        configs=[
            {
                "config_name": config,
                "data_files": [
                    {"split": part.split, "path": f"{folder_of(config)}/{part.split}-*.parquet"}
                    for part in splits
                    if part.config == config
                ],
                **({"default": True} if config == recipe.default_config else {}),
            }
            for config in dict.fromkeys(part.config for part in splits)
        ],
        **extra,
    )


def _size_category(rows: int) -> str:
    return next((name for limit, name in _SIZES if rows < limit), "n>1B")


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def _plain(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def load_card(name: str) -> Card:
    """The card of a recipe, from `cards/recipes/<name>.yaml`. Raises ValueError naming the ones there are."""
    card = find_card(name)
    if card is None:
        raise ValueError(f"no card {name!r}; there are {sorted(file.stem for file in RECIPES.glob('*.yaml'))}")
    return card


def find_card(name: str) -> Card | None:
    """The card of a recipe, or None where it has none. Raises ValueError, naming the file, for an impossible one."""
    path = next((file for file in RECIPES.glob("*.yaml") if file.stem == name), None)
    if path is None:
        return None
    fields: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    fields["sources"] = [Source(**source) for source in fields["sources"]]
    fields = {name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()}
    try:
        return Card(**fields)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path}: {error}") from error
