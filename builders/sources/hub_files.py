"""The files of a dataset on the Hub, read where they lie: pinned to a commit, and of those only what is asked for.

Which files make which configuration and split is inferred by `datasets` itself, from the README's `configs` or the
names of the files, so that it is what `load_dataset` would give. HF_ENDPOINT, HF_TOKEN and a login count as they do for
the Hub's own client. https://huggingface.co/docs/hub/datasets-data-files-configuration
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import httpx2
from upath import UPath

from builders.engine import nearest
from builders.sources.slices import SUFFIXES, BadFile, FileOptions, Source

NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[\w.-]{1,96}")
CONVERTED = "refs/convert/parquet"
MAYBE_CONVERTED = f"the Hub may have converted the dataset: try --revision {CONVERTED}"
LOG_IN = "a private or gated one is seen by those who have access, after `hf auth login` or with HF_TOKEN set"


def sources(name: str, options: FileOptions) -> list[Source]:
    """The files of the wanted splits of a dataset `org/name`, in the order of its splits. Raises `BadFile`."""
    files = _data_files(name, options)
    unknown = [split for split in options.splits if split not in files]
    if unknown:
        raise BadFile(
            f"{name} has no split {unknown[0]!r}{nearest(unknown[0], list(files))}; it has {', '.join(files)}"
        )
    return [
        _source(name, split, url, options)
        for split, urls in files.items()
        if not options.splits or split in options.splits
        for url in urls
    ]


def _data_files(name: str, options: FileOptions) -> Mapping[str, Sequence[str]]:
    """The `hf://` URLs of every split's files, each with the id of a commit."""
    from datasets import get_dataset_config_names, load_dataset_builder  # a second to import: only for the Hub

    revision = options.revision or None
    where: dict[str, Any] = {"name": options.config or None}
    try:
        if options.revision == CONVERTED:
            where = {"data_dir": _converted(name, options.config)}
        files = load_dataset_builder(name, revision=revision, **where).config.data_files
    except ValueError as error:
        if not str(error).startswith(("Config name is missing", "BuilderConfig")):
            raise BadFile(f"{name}: {str(error).partition(chr(10))[0]}") from error
        known = get_dataset_config_names(name, revision=revision)
        wrong = f"{name} has no configuration {options.config!r}{nearest(options.config, known)}; " * bool(
            options.config
        )
        raise BadFile(f"{wrong}choose one of {name} by --subset: {', '.join(known)}") from error
    except RuntimeError as error:
        raise BadFile(f"{name}: {error}; {MAYBE_CONVERTED}") from error
    except (OSError, httpx2.HTTPError) as error:
        raise _refused(f"{name} is no file or folder here", error) from error
    if not files:
        raise BadFile(f"{name} has no data files; {MAYBE_CONVERTED}")
    return {str(split): list(urls) for split, urls in files.items()}


def pinned(path: UPath) -> UPath:
    """A file or folder of the Hub as it is in the newest commit, or in the revision that it names, and will stay.

    Raises `BadFile`.
    """
    from huggingface_hub import HfApi

    try:
        at = path.fs.resolve_path(path.path)
        commit = HfApi().dataset_info(at.repo_id, revision=at.revision).sha
    except (OSError, httpx2.HTTPError) as error:
        raise _refused(str(path), error) from error
    return UPath(f"hf://datasets/{at.repo_id}@{commit}/{at.path_in_repo}".rstrip("/"))


def _refused(what: str, error: Exception) -> BadFile:
    """What the Hub says, and what may help where it is about access."""
    said = str(error).strip().partition("\n")[0].rstrip(". ")
    help = f" ({LOG_IN})" if re.search("access|gated|Repository Not Found|40[13]", str(error)) else ""
    return BadFile(f"{what}; on the Hub: {said}{help}")


def _converted(name: str, config: str) -> str:
    """The folder of a configuration in the branch where the Hub keeps datasets as Parquet."""
    from huggingface_hub import HfApi

    entries = HfApi().list_repo_tree(name, revision=CONVERTED, repo_type="dataset")
    known = [entry.path for entry in entries if not hasattr(entry, "size")]
    folder = config or (known[0] if len(known) == 1 else "")
    if folder not in known:
        raise BadFile(f"choose a configuration of {name} by --subset: {', '.join(known)}{nearest(folder, known)}")
    return folder


def _source(name: str, split: str, url: str, options: FileOptions) -> Source:
    """A file by its URL; an LFS file's sha256 is known without reading it."""
    path = UPath(url)
    inside = url.partition("@")[2].partition("/")[2]
    if not inside.lower().endswith(SUFFIXES):
        raise BadFile(
            f"{name}: {inside} is none of the files that are read ({', '.join(SUFFIXES)}); {MAYBE_CONVERTED}, or name "
            f"single files as hf://datasets/{name}/FILE"
        )
    if options.revision == CONVERTED and "/partial-" in inside:
        raise BadFile(
            f"{name}: the Hub converted only the first part of {split}; if that is enough, name it: "
            f"hf://datasets/{name}@{CONVERTED.replace('/', '%2F')}/{inside.rpartition('/')[0]}"
        )
    stored = path.fs.info(path.path).get("lfs") or {}
    return Source(path, f"{name}/{inside}", split, stored.get("sha256") or "")
