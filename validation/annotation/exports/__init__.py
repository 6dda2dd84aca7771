"""A package for those who already judge with another tool, and what that tool gives back.

Each format is a module with two functions: `write` makes the files to load into the tool, `read` takes the tool's own
export. What identifies a judgement (package, its digest, item) travels through the tool with every item, so that an
export needs nothing beside it. What is shared, gold or of which system never leaves the plan.
"""

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, cast

from validation.annotation.package import Package
from validation.annotation.rounds import Judgement

_MODULES = {"label-studio": "label_studio", "potato": "potato", "argilla": "argilla", "csv": "table"}
FORMATS = tuple(_MODULES)


@dataclass(frozen=True)
class Export:
    """What a file says that an annotator judged of a package; nothing of it has been held against a plan."""

    package_id: str
    package_sha256: str
    annotator: str
    judgements: tuple[Judgement, ...]


class Exporter(Protocol):
    """A format."""

    def write(self, package: Package, folder: Path) -> list[Path]:
        """Write the package into the format's `folder`, which need not be there; the paths of what was written.

        Files of this annotator's are replaced; those of others, and what a tool has put there since, stay.
        """

    def read(self, path: Path, annotator: str = "") -> list[Export]:
        """The judgements in the tool's export at `path`, an `Export` for each package that it holds judgements of.

        `annotator` is whose they are; without it, whom the file names, and "" where it names nobody. Raises `Problem`
        naming file, item and field.
        """


def exporter(name: str) -> Exporter:
    """The format of this name, one of `FORMATS`; loaded only when asked for."""
    return cast(Exporter, importlib.import_module(f"{__name__}.{_MODULES[name]}"))
