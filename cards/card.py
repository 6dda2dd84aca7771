"""The dataset card: what somebody must know before training on the dataset, from the build's own figures.

A recipe says what only people know (licences, limits, whom to cite) in a `Card`; every count comes from
the build. The Hub refuses nothing that a card claims, so the checks are here: a card is not written for
an unfinished build, without a licence, or with counts that differ from the files beside it.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from huggingface_hub import DatasetCardData
from upath import UPath

from cards.build import (
    Build,
    Shard,
    dataset_shards,
    disagreements,
    read_build,
    read_losses,
    rows_by_split,
    rows_by_task,
)
from cards.text import language_name, markdown_environment

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
_COLUMNS = {
    "id": "the row's identifier, made from its content and its source; the same in every build",
    "image": "the image (as bytes and file name), or the path of its file",
    "image_path": "where the image lies in the source dataset",
    "conversations": "the turns, each with `from` (`human` or `gpt`) and `value`; the first begins with "
    "`<image>`. Boxes are `[x1, y1, x2, y2]`, shares of the image's width and height, origin at the top left",
    "task_name": "the task, by its name in the source dataset",
    "split": "the split that the row belongs to",
    "source": "the row before translation, as JSON",
    "translations": "every translated field: `field`, `source`, `target`, the translator's `score` and, in `by`, "
    "whether it is from the machine, a glossary, or left as it is",
    "translator": "the model that translated the row",
    "translator_revision": "the model's revision",
    "checks": "what the filters measured: `filter`, `field` and `figure`",
}


@dataclass(frozen=True)
class Source:
    """A dataset that the rows or the images come from. `hub_id` is its name on the Hub, if it is there."""

    name: str
    url: str
    licence: str
    gives: str = ""
    hub_id: str = ""


@dataclass(frozen=True)
class Card:
    """What a recipe says about its dataset. Texts are Markdown.

    `language` and `source_language` are ISO 639 codes; `licence` is the Hub's identifier (`apache-2.0`),
    and `other` needs `licence_name` and `licence_link`. `decoding` says how the translator decodes.
    """

    pretty_name: str
    language: str
    summary: str
    sources: tuple[Source, ...]
    task_categories: tuple[str, ...]
    licence: str
    source_language: str = "en"
    licence_name: str = ""
    licence_link: str = ""
    repo_id: str = ""
    tags: tuple[str, ...] = ()
    method: str = ""
    decoding: str = ""
    validation: str = "No human judgement of these rows is recorded with this build."
    limits: tuple[str, ...] = ()
    contact: str = ""
    citation: str = ""


def write_card(out: UPath, recipe: Card) -> UPath:
    """Write `out/dataset/README.md` for the finished build in `out`, and return its path.

    Raises ValueError, naming every problem at once, when the build is not finished, when its counts do
    not add up or differ from the files, or when the recipe lacks what the Hub's metadata needs.
    """
    build = read_build(out)
    shards = dataset_shards(out)
    rejected = read_losses(out / "rejected", "filter", build.fingerprint)
    failed = read_losses(out / "failed", "error_class", build.fingerprint)
    written = sum(shard.rows for shard in shards)
    problems = _problems(build, shards, recipe) + disagreements(build, written, rejected, failed)
    if problems:
        raise ValueError(f"{out / 'dataset' / 'README.md'}: no card is written:\n- " + "\n- ".join(problems))
    splits = rows_by_split(shards)
    page = (
        markdown_environment()
        .get_template("card.md.j2")
        .render(
            metadata=_metadata(build, splits, recipe).to_yaml(),
            card=recipe,
            build=build,
            counts=build.counts,
            splits=splits,
            tasks=sorted(rows_by_task(shards).items(), key=lambda item: (-item[1], item[0])),
            rejected=rejected,
            failed=failed,
            columns=[
                (name, kind.replace("<element: ", "<"), _COLUMNS.get(name, "")) for name, kind in shards[0].columns
            ],
            config={name: _plain(value) for name, value in build.public_config.items()},
            settings={name: _plain(value) for name, value in build.translator_settings.items()},
            language=language_name(recipe.language),
            source_language=language_name(recipe.source_language),
        )
    )
    path = out / "dataset" / "README.md"
    path.write_text(page, encoding="utf-8", errors="replace", newline="\n")
    return path


def _problems(build: Build, shards: tuple[Shard, ...], recipe: Card) -> list[str]:
    found = []
    if build.status != "finished":
        found.append(f"the build's status is {build.status or 'unknown'!r}, expected 'finished'")
    if not shards:
        found.append("dataset/data/ holds no Parquet file")
    for name in ("language", "source_language"):
        if not _LANGUAGE.fullmatch(getattr(recipe, name)):
            found.append(f"Card.{name} is {getattr(recipe, name)!r}, expected an ISO 639 code such as 'it'")
    for name in ("pretty_name", "summary", "licence", "sources", "task_categories"):
        if not getattr(recipe, name):
            found.append(f"Card.{name} is empty")
    if recipe.licence == "other" and not (recipe.licence_name and recipe.licence_link):
        found.append("Card.licence is 'other': Card.licence_name and Card.licence_link must say which")
    return found


def _metadata(build: Build, splits: Mapping[str, int], recipe: Card) -> DatasetCardData:
    extra: dict[str, Any] = {}
    if recipe.licence == "other":
        extra = {"license_name": recipe.licence_name, "license_link": recipe.licence_link}
    tags = ["machine-translated", "vision-language", *(["not-for-training"] if build.warning else []), *recipe.tags]
    return DatasetCardData(
        pretty_name=recipe.pretty_name,
        language=[recipe.language],
        license=recipe.licence,
        annotations_creators=["machine-generated"],
        language_creators=["machine-generated"],
        multilinguality=["monolingual"],
        size_categories=[_size_category(sum(splits.values()))],
        source_datasets=[source.hub_id or f"extended|other-{_slug(source.name)}" for source in recipe.sources],
        task_categories=list(recipe.task_categories),
        tags=list(dict.fromkeys(tags)),
        configs=[
            {
                "config_name": "default",
                "data_files": [{"split": split, "path": f"data/{split}-*.parquet"} for split in splits],
            }
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
    path = Path(__file__).parent / "recipes" / f"{name}.yaml"
    if not path.is_file():
        raise ValueError(f"no card {name!r}; there are {sorted(file.stem for file in path.parent.glob('*.yaml'))}")
    fields: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    fields["sources"] = [Source(**source) for source in fields["sources"]]
    fields = {name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()}
    return Card(**fields)
