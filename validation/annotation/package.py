"""An annotator's package: what is to be judged, and nothing else.

Which items are shared, which are hidden gold, and which system stands left, are in the `plan`, never here. The same
package is written as a page (`page`), or for another tool (`exports`).
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

FORMAT = "vlm-package/1"

Task = Literal["accept", "pair"]
LABELS: Mapping[Task, tuple[str, ...]] = {"accept": ("accept", "reject", "unsure"), "pair": ("left", "tie", "right")}
REASONS = ("meaning", "grammar", "not-target-language", "image-mismatch", "other")


@dataclass(frozen=True)
class Text:
    """A field of a row: its name, the source text and its translation."""

    name: str
    source: str
    target: str


@dataclass(frozen=True)
class Turn:
    """A turn of the conversation that the row became."""

    speaker: str
    text: str


@dataclass(frozen=True)
class Vote:
    """What an annotator, who is not named, said of an item that others are to decide."""

    label: str
    reasons: tuple[str, ...] = ()
    comment: str = ""
    corrections: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Item:
    """One thing to judge.

    `image` is a data URI of a JPEG of `width` x `height` pixels, or empty, and `image_note` says why. `boxes` are
    `x1 y1 x2 y2` as shares of the image's sides. In a pair, `left` and `right` are the answers to compare, and
    `texts` what was asked. `votes` are there only for whoever adjudicates.
    """

    item_id: str
    texts: tuple[Text, ...]
    conversation: tuple[Turn, ...] = ()
    boxes: tuple[tuple[float, float, float, float], ...] = ()
    image: str = ""
    width: int = 0
    height: int = 0
    image_note: str = ""
    left: str = ""
    right: str = ""
    votes: tuple[Vote, ...] = ()


@dataclass(frozen=True)
class Package:
    """What one annotator gets. Languages are ISO 639 codes; `guidelines` are Markdown."""

    package_id: str
    annotator: str
    task: Task
    title: str
    source_language: str
    target_language: str
    guidelines: str
    items: tuple[Item, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        return LABELS[self.task]

    def to_json(self) -> dict[str, Any]:
        """The package as a page embeds it, with its own digest."""
        value = {"format": FORMAT} | asdict(self) | {"labels": self.labels, "reasons": REASONS}
        return value | {"package_sha256": _digest(value)}

    @property
    def sha256(self) -> str:
        """The digest by which judgements say what they judge."""
        digest: str = self.to_json()["package_sha256"]
        return digest


def _digest(value: Mapping[str, Any]) -> str:
    canonical = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()
