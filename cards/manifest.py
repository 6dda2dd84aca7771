"""`dataset/manifest.json`: what a published dataset consists of, and what made it.

Whoever has the dataset can check with it that every file is whole, and can build it again. It holds no time and no
path of the machine, so the same build has the same manifest.
"""

import json
from collections.abc import Mapping
from typing import Any

from upath import UPath

from cards.build import Build
from cards.publish import MANIFEST, Recorded, digest, listed_files, recorded_files

FORMAT = "babelvision-manifest/1"


def write_manifest(out: UPath, build: Build, rows: Mapping[str, int]) -> UPath:
    """Write `out/dataset/manifest.json` and return its path; `rows` says how many rows which files hold.

    A file is `path` (from `dataset/`), `bytes`, `sha256` and, if it holds rows, `rows`. The sha256 of a shard is the
    one that the stage which wrote it recorded, while the size is still that; that of any other file is computed.
    The card, the manifest itself, and what else may lie in the folder are no part of it.
    """
    recorded = recorded_files(out)
    listed = [_entry(path, name, recorded.get(name), rows) for name, path in listed_files(out)]
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


def _entry(path: UPath, name: str, recorded: Recorded | None, rows: Mapping[str, int]) -> dict[str, Any]:
    size = path.stat().st_size
    sha256 = recorded.sha256 if recorded and recorded.bytes == size else digest(path)[1]
    return {"path": name, "bytes": size, "sha256": sha256} | ({"rows": rows[name]} if name in rows else {})
