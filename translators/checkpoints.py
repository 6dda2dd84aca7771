"""Where a sequence-to-sequence model lies, what names this very model, and its files, weights last.

A build is planned long before a GPU is there, so a checkpoint is found and read without its weights; they are
fetched, at the revision that was planned, when a worker loads them.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from translators.units import TranslatorError

TOKENISER_FILES = {"t5": ("spiece.model",), "marian": ("source.spm", "target.spm", "vocab.json")}
"""The files that a checkpoint of each known `model_type` must have beside its config.json and its weights."""

_SMALL_FILES = ["config.json", "tokenizer_config.json", *(name for names in TOKENISER_FILES.values() for name in names)]
_HASHED = (".json", ".jinja", ".model", ".spm", ".safetensors", ".bin")
_WHOLE_BYTES = 1 << 28
_BLOCK_BYTES = 1 << 20
_BLOCKS = 64
_HEADER_BYTES = 100_000_000


@dataclass(frozen=True)
class SpecialTokens:
    """Token ids with a meaning of their own: decoding begins with `start` and is over at `end`."""

    start: int
    pad: int
    end: int
    unknown: int


@dataclass(frozen=True)
class Checkpoint:
    """A model found: `given` is what --model said, `folder` has all files but perhaps the weights.

    `config` is its config.json, and `family` that file's model_type: `t5` or `marian`. `revision` is the Hub's
    commit, or a digest of a local folder's files. What is in this package does not change.
    """

    given: str
    folder: Path
    name: str
    revision: str
    config: Mapping[str, Any]
    origin: Literal["folder", "hub", "package"]

    @property
    def family(self) -> str:
        return str(self.config["model_type"])


def find_checkpoint(model: str) -> Checkpoint:
    """A model by local folder or Hub name. Fetches no weights. Raises `TranslatorError`."""
    folder = Path(model)
    origin: Literal["folder", "hub"] = "folder" if folder.is_dir() else "hub"
    if origin == "folder":
        name, revision = folder.resolve().name, digest_of(folder)
    elif model.startswith((".", "/", "~")):
        raise TranslatorError(f"--model {model}: no such folder")
    else:
        folder = from_hub(model, _SMALL_FILES)
        name, revision = model, folder.name
    config = read_json(folder / "config.json", model)
    family = config.get("model_type")
    if not isinstance(family, str) or family not in TOKENISER_FILES:
        raise TranslatorError(
            f"--model {model}: config.json says model_type {family!r}; "
            "sequence-to-sequence translation knows t5 (MADLAD-400) and marian"
        )
    absent = [file for file in TOKENISER_FILES[family] if not (folder / file).is_file()]
    if absent:
        raise TranslatorError(f"--model {model}: {' and '.join(absent)} missing; a {family} checkpoint has them")
    return Checkpoint(model, folder, name, revision, config, origin)


def fetch_weights(checkpoint: Checkpoint) -> Path:
    """The folder of a checkpoint's files with its weights, still of its revision. Raises `TranslatorError`."""
    if checkpoint.origin == "package":
        return checkpoint.folder
    if checkpoint.origin == "folder":
        revision = digest_of(checkpoint.folder)
        if revision != checkpoint.revision:
            raise TranslatorError(
                f"--model {checkpoint.given} changed from {checkpoint.revision} to {revision} since the build began"
            )
        return checkpoint.folder
    files = [*_SMALL_FILES, "model*.safetensors*"]
    folder = from_hub(checkpoint.given, files, checkpoint.revision)
    if not any(folder.glob("*.safetensors")):
        folder = from_hub(checkpoint.given, [*files, "pytorch_model*.bin*"], checkpoint.revision)
    return folder


def read_json(path: Path, model: str) -> dict[str, Any]:
    """A checkpoint's JSON file. Raises `TranslatorError`."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise TranslatorError(
            f"--model {model}: {path.name} missing; a T5 or Marian checkpoint in Hugging Face's format has it"
        ) from error
    except (OSError, ValueError) as error:
        raise TranslatorError(f"--model {model}: {path.name} is not to be read as JSON: {error}") from error
    if not isinstance(found, dict):
        raise TranslatorError(f"--model {model}: {path.name} holds a {type(found).__name__}, not an object")
    return found


def whole_number(checkpoint: Checkpoint, name: str, default: int | None = None) -> int:
    """A whole number of config.json; `default` where it is absent or null. Raises `TranslatorError`."""
    found = checkpoint.config.get(name)
    number = default if found is None else found
    if not isinstance(number, int):
        raise TranslatorError(
            f"--model {checkpoint.given}: config.json says {name} {found!r}; it must be a whole number"
        )
    return number


def from_hub(model: str, patterns: list[str], revision: str | None = None) -> Path:
    """The folder of a Hub model's files that match `patterns`. Raises `TranslatorError`."""
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(model, revision=revision, allow_patterns=patterns))
    except Exception as error:
        raise TranslatorError(
            f"--model {model}: neither a folder here nor to be had from the Hub ({type(error).__name__}); "
            "check the name, or download it and give its folder"
        ) from error


def lfs_pointers(folder: Path) -> list[str]:
    """The names of a folder's files that Git LFS has not fetched."""
    return [path.name for path in _files(folder) if _head(path).startswith(b"version https://git-lfs")]


def _files(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.iterdir()) if path.suffix in _HASHED and path.is_file()]


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(64)


def digest_of(folder: Path) -> str:
    """A local checkpoint's revision, by the content of its files. Raises `TranslatorError`."""
    made_of = hashlib.sha256()
    try:
        for path in _files(folder):
            state = path.stat()
            made_of.update(f"{path.name} {_digest_of_file(path, state.st_size, state.st_mtime_ns)}".encode())
    except OSError as error:
        raise TranslatorError(f"--model {folder} is not to be read: {error}") from error
    return made_of.hexdigest()[:12]


@cache
def _digest_of_file(path: Path, size: int, modified: int) -> str:
    """A file's sha256, read once a process as long as its size and time of change stay.

    Of more than 256 MiB, the size, the header of a safetensors file (at most 100 MB, safetensors' own limit), and 64
    blocks of 1 MiB spread over the file: another training differs in every block, and 140 GB are not to be read twice
    in each worker. What changes only between the blocks, such as a single layer that was edited, is not seen.
    """
    with path.open("rb") as file:
        if size <= _WHOLE_BYTES:
            return hashlib.file_digest(file, "sha256").hexdigest()
        made_of = hashlib.sha256(str(size).encode())
        if path.suffix == ".safetensors":
            made_of.update(file.read(min(int.from_bytes(file.read(8), "little"), _HEADER_BYTES)))
        for block in range(_BLOCKS):
            file.seek((size - _BLOCK_BYTES) * block // (_BLOCKS - 1))
            made_of.update(file.read(_BLOCK_BYTES))
        return made_of.hexdigest()
