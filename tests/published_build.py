"""A small build to publish, in several versions, and a way to push it to the loopback Hub without a program."""

import hashlib
import json
from collections.abc import Callable
from typing import Any

from huggingface_hub import HfApi
from upath import UPath

from cards.build import read_build
from cards.card import load_card, write_card
from cards.hub import Plan, items, plan, push
from cards.publish import dataset_files
from tests.hub import Hub
from tests.hub.server import TOKEN
from tests.sample_build import one_image, write_sample_build

NAME = "multiinstruct-it"
REPO = "babel/multiinstruct-it"
CARD = "---\nlicense: mit\n---\nA card.\n"


def build_to_publish(out: UPath, rows: int = 20) -> UPath:
    """A finished build with its card, what the card shows, and its manifest."""
    write_sample_build(out, rows, paint=one_image)
    write_card(out, load_card(read_build(out).card))
    return out


def write_manifest(out: UPath, name: str = NAME) -> None:
    """The manifest of what is in `out/dataset` now, of the build `name`."""
    root = out / "dataset"
    paths = sorted(
        path for path in root.rglob("*") if path.is_file() and path.name not in ("manifest.json", "README.md")
    )
    files = [
        {"path": str(path.relative_to(root)), "bytes": path.stat().st_size, "sha256": sha256_of(path.read_bytes())}
        for path in paths
    ]
    (root / "manifest.json").write_text(json.dumps({"name": name, "files": files}))


def sha256_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


class Pusher:
    """Pushes builds to `hub` as its owner does, without asking. `heard` is what was said meanwhile."""

    def __init__(self, hub: Hub, token: str = TOKEN) -> None:
        self.api = HfApi(endpoint=hub.url, token=token)
        self.heard: list[str] = []

    def plan(self, out: UPath, repo: str = REPO, name: str = NAME, card: str = CARD) -> Plan:
        return plan(self.api, repo, name, items(dataset_files(out), card))

    def push(self, out: UPath, public: bool = False, tag: str = "", **changes: Any) -> str:
        return self.go(self.plan(out, **changes), public, tag)

    def go(self, planned: Plan, public: bool = False, tag: str = "", say: Callable[[str], None] | None = None) -> str:
        return push(self.api, NAME, planned, public, tag, say or self.heard.append)
