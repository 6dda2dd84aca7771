"""`dataset/manifest.json`: what a published dataset consists of, and what made it.

Whoever has the dataset can check with it that every file is whole, and can build it again. It holds no time and no
path of the machine, so the same build has the same manifest.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from upath import UPath

from cards.build import Build
from cards.fields import count_of, mapping_of, read_object, text_of
from cards.publish import CARD, MANIFEST

FORMAT = "babelvision-manifest/1"
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Recorded:
    """What the ledger says of a file."""

    bytes: int
    sha256: str


def write_manifest(out: UPath, build: Build, rows: Mapping[str, int]) -> UPath:
    """Write `out/dataset/manifest.json` and return its path; `rows` says how many rows which files hold.

    A file is `path` (from `dataset/`), `bytes`, `sha256` and, if it holds rows, `rows`. The sha256 of a shard is the
    one that the stage which wrote it recorded, while the size is still that; that of any other file is computed.
    Hidden files, the card and the manifest itself are no part of it.
    """
    recorded = _recorded(out)
    listed = [_entry(path, name, recorded.get(f"dataset/{name}"), rows) for name, path in dataset_paths(out)]
    content = {
        "format": FORMAT,
        "name": build.name,
        "fingerprint": build.fingerprint,
        "command": build.public_command,
        "translator": {"name": build.translator, "revision": build.translator_revision},
        "versions": dict(build.versions),
        "rows": sum(rows.values()),
        "files": listed,
    }
    path = out / "dataset" / MANIFEST
    text = json.dumps(content, ensure_ascii=False, indent=1)
    path.write_text(text + "\n", encoding="utf-8", errors="replace", newline="\n")
    return path


def dataset_paths(out: UPath) -> list[tuple[str, UPath]]:
    """The files of `out/dataset` that a manifest lists, by their path from there, sorted."""
    root = out / "dataset"
    start = len(root.path.rstrip("/")) + 1
    found = {path.path[start:]: path for path in root.rglob("*") if path.is_file()}
    return sorted(
        (name, path)
        for name, path in found.items()
        if name not in (CARD, MANIFEST) and not any(part.startswith(".") for part in name.split("/"))
    )


def _entry(path: UPath, name: str, recorded: Recorded | None, rows: Mapping[str, int]) -> dict[str, Any]:
    size = path.stat().st_size
    sha256 = recorded.sha256 if recorded and recorded.bytes == size else _sha256(path)
    return {"path": name, "bytes": size, "sha256": sha256} | ({"rows": rows[name]} if name in rows else {})


def _recorded(out: UPath) -> dict[str, Recorded]:
    """What the last stage recorded of the files that it wrote, by path; nothing where the build has no ledger."""
    folders = sorted(out.glob("stages/*/ledger"), key=str)
    records = [mapping_of(read_object(path), "rows") for path in folders[-1].glob("*.json")] if folders else []
    return {
        text_of(record, "path"): Recorded(count_of(record, "bytes"), text_of(record, "sha256"))
        for record in records
        if text_of(record, "sha256")
    }


def _sha256(path: UPath) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
