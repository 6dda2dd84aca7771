"""The build, or the dataset alone, that rows are drawn from: its files, its name, its languages.

Only footers and small JSON files are read here.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from validation.annotation.problem import Problem

SOURCE_LANGUAGE = "en"
LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")

_SHARD = re.compile(r"([A-Za-z0-9_]+?)(-\d{5}-of-\d{5}(-[0-9a-f]+)?)?\.parquet")
_ONLY_CONFIG = "data"
_FRONT_MATTER = re.compile(r"---\r?\n(.*?)\r?\n---\r?\n", re.DOTALL)


@dataclass(frozen=True)
class Build:
    """What is drawn from. `files` are the dataset's of one configuration; `roots`: where pictures may lie."""

    name: str
    fingerprint: str
    source_language: str
    target_language: str
    files: tuple[Path, ...]
    roots: tuple[Path, ...]


def open_build(out: Path, config: str = "", split: str = "") -> Build:
    """The build in `out`, or the dataset in `out`; `config` and `split` name the part to draw from.

    Languages are "" where nothing says them. Raises `Problem`.
    """
    if not out.is_dir():
        raise Problem(f"{out}: no such folder; give a build's folder, or a dataset's folder with data/*.parquet")
    made = _read_json(out / "build.json")
    dataset = out / "dataset" if (out / "dataset").is_dir() else out
    settings = made.get("config")
    settings = settings if isinstance(settings, dict) else {}
    images = settings.get("images")
    folders = [Path(each) for each in images if isinstance(each, str)] if isinstance(images, list) else []
    name = made.get("name")
    return Build(
        name=name if isinstance(name, str) and name else out.absolute().name,
        fingerprint=str(made.get("fingerprint") or ""),
        source_language=_language(settings, ("source_language", "from", "source")) or SOURCE_LANGUAGE,
        target_language=_language(settings, ("target_language", "to")) or _card_language(dataset / "README.md"),
        files=_files(dataset, config, split),
        roots=(dataset, out, *folders),
    )


def _files(dataset: Path, config: str, split: str) -> tuple[Path, ...]:
    """The Parquet files of a configuration and a split, in the order of their names."""
    folders = {folder.name: files for folder in sorted(dataset.iterdir()) if (files := _parquet_files(folder))}
    if not folders:
        raise Problem(f"{dataset} holds no data/*.parquet: give a finished build's folder or a dataset's folder")
    if config and config not in folders:
        raise Problem(f"--config {config}: {dataset} has no such configuration; there are {', '.join(folders)}")
    if not config and len(folders) > 1:
        raise Problem(f"{dataset} has several configurations: say --config with one of {', '.join(folders)}")
    files = folders[config or next(iter(folders))]
    splits: dict[str, list[Path]] = {}
    for file in files:
        match = _SHARD.fullmatch(file.name)
        if match is None:
            raise Problem(f"{file}: expected a name such as train-00000-of-00001.parquet")
        splits.setdefault(match[1], []).append(file)
    if split and split not in splits:
        raise Problem(f"--split {split}: {files[0].parent} has no such split; there are {', '.join(splits)}")
    return tuple(splits[split] if split else files)


def _parquet_files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.parquet")) if folder.is_dir() else []


def _read_json(path: Path) -> Mapping[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        raise Problem(f"{path}: not JSON as a build writes it: {error}") from error
    return value if isinstance(value, dict) else {}


def _language(settings: Mapping[str, Any], names: Sequence[str]) -> str:
    values = (settings.get(name) for name in names)
    return next((value for value in values if isinstance(value, str) and LANGUAGE.fullmatch(value)), "")


def _card_language(card: Path) -> str:
    """The one language that a dataset's card names; "" where there is no card, or it names several."""
    import yaml

    try:
        match = _FRONT_MATTER.match(card.read_text(encoding="utf-8"))
        stated = yaml.safe_load(match[1]) if match else {}
    except (OSError, ValueError, yaml.YAMLError):
        return ""
    languages = stated.get("language") if isinstance(stated, dict) else None
    languages = [languages] if isinstance(languages, str) else languages
    if isinstance(languages, list) and len(languages) == 1:
        return _language({"language": languages[0]}, ["language"])
    return ""


@contextmanager
def open_parquet(path: Path) -> Iterator[pq.ParquetFile]:
    """A file, to be read page by page. What cannot be read in it raises `Problem`."""
    try:
        with pq.ParquetFile(path, pre_buffer=False, buffer_size=1 << 20) as parquet:
            yield parquet
    except (OSError, ValueError, pa.ArrowException) as error:
        raise Problem(f"{path}: not a Parquet file that can be read: {error}") from error
