"""The card's metadata: what the Hub files a dataset under, and what `datasets` checks when it opens one.

The Hub ignores or refuses a value that it does not know, after everything was uploaded, and `datasets` refuses a
split whose rows are not as many as the card says. So values are checked here, and counts come from the footers of the
files that are published.
"""

import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from cards.dataset import Part, Shard, folder_of

LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")

_VALUES = Path(__file__).with_name("hub_values.yaml")
_SIZES = (
    (10**3, "n<1K"),
    (10**4, "1K<n<10K"),
    (10**5, "10K<n<100K"),
    (10**6, "100K<n<1M"),
    (10**7, "1M<n<10M"),
    (10**8, "10M<n<100M"),
    (10**9, "100M<n<1B"),
    (10**10, "1B<n<10B"),
)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def unknown_values(metadata: Mapping[str, Any]) -> list[str]:
    """What the Hub does not know in a card's metadata, a line each."""
    found = []
    for name, known in _known_values().items():
        given = metadata.get(name) or []
        for value in [given] if isinstance(given, str) else given:
            if value not in known:
                found.append(f"{name} is {value!r}, which the Hub does not know ({_near(value, known)})")
    for code in metadata.get("language") or []:
        if code.split("-")[0] not in _known_languages():
            found.append(f"language is {code!r}, which is no ISO 639 code that the Hub knows")
    return found


def size_category(rows: int) -> str:
    return next((name for limit, name in _SIZES if rows < limit), "10B<n<100B")


def source_dataset(name: str, hub_id: str) -> str:
    """A source as the Hub writes it: a dataset there by its id, another one by its name."""
    return hub_id or f"extended|other-{re.sub(r'[^a-z0-9]+', '-', name.lower()).strip('-')}"


def config_entries(splits: Sequence[Part], default: str) -> list[dict[str, Any]]:
    """`configs`: which files are which split; `default` is the configuration that opens when none is named."""
    return [
        {
            "config_name": config,
            "data_files": [
                {"split": part.split, "path": f"{folder_of(config)}/{part.split}-*.parquet"}
                for part in splits
                if part.config == config
            ],
            **({"default": True} if config == default else {}),
        }
        for config in dict.fromkeys(part.config for part in splits)
    ]


def dataset_info(shards: Sequence[Shard], splits: Sequence[Part]) -> list[dict[str, Any]]:
    """`dataset_info` of every configuration: its features, and rows and bytes of its splits.

    `num_bytes` and `dataset_size` are bytes of the columns before compression, `download_size` is bytes of the files.
    """
    info = []
    for config in dict.fromkeys(part.config for part in splits):
        mine = [shard for shard in shards if shard.config == config]
        info.append(
            {
                "config_name": config,
                **({"features": stated} if (stated := features(_schema(mine[0]))) else {}),
                "splits": [
                    {
                        "name": part.split,
                        "num_bytes": sum(shard.columns_bytes for shard in mine if shard.split == part.split),
                        "num_examples": part.rows,
                    }
                    for part in splits
                    if part.config == config
                ],
                "download_size": sum(shard.file_bytes for shard in mine),
                "dataset_size": sum(shard.columns_bytes for shard in mine),
            }
        )
    return info


def features(schema: pa.Schema) -> list[dict[str, Any]]:
    """The features that the schema's metadata states, as `datasets` writes them in a card; none where it states none,
    and `datasets` then goes by the files."""
    if b"huggingface" not in (schema.metadata or {}):
        return []
    stated: Mapping[str, Any] = json.loads(schema.metadata[b"huggingface"])["info"]["features"]
    return [{"name": name} | _feature(stated[name]) for name in schema.names if stated.keys() >= set(schema.names)]


def _feature(stated: Mapping[str, Any]) -> dict[str, Any]:
    """A feature of the metadata of a schema, in the form of a card's."""
    kind, given = stated.get("_type"), {name: value for name, value in stated.items() if name != "_type"}
    if not isinstance(kind, str):
        return {"struct": [{"name": name} | _feature(item) for name, item in stated.items()]}
    if kind == "Value":
        return given
    if kind == "List":
        of = _feature(given.pop("feature"))
        return {"list": next(iter(of.values())) if of.keys() <= {"dtype"} or of.keys() <= {"struct"} else of, **given}
    if kind == "ClassLabel":  # the Hub wants the keys as text
        given["names"] = {str(number): name for number, name in enumerate(given["names"])}
    called = _CAMEL.sub("_", kind).lower()
    return {"dtype": {called: given} if given else called}


def _schema(shard: Shard) -> pa.Schema:
    with shard.path.open("rb") as file:
        return pq.read_schema(file)


@cache
def _known_values() -> dict[str, frozenset[str]]:
    values: dict[str, str] = yaml.safe_load(_VALUES.read_text(encoding="utf-8"))
    return {name: frozenset(text.split()) for name, text in values.items()}


@cache
def _known_languages() -> frozenset[str]:
    """The codes in the resources of `datasets`, read without importing it, which takes seconds."""
    spec = find_spec("datasets")
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError("datasets is not installed: it says which languages the Hub knows")
    path = Path(spec.submodule_search_locations[0]) / "utils" / "resources" / "languages.json"
    return frozenset(json.loads(path.read_text(encoding="utf-8")))


def _near(value: object, known: frozenset[str]) -> str:
    start = str(value)[:3].lower()
    near = sorted(each for each in known if each.startswith(start)) or sorted(known)
    return f"it knows {', '.join(near[:6])}{', …' if len(near) > 6 else ''}"
