"""Packages as files: the page for everybody, and what other tools load."""

import uuid
from collections.abc import Sequence
from pathlib import Path

from validation.annotation.exports import FORMATS as EXPORTS
from validation.annotation.exports import exporter
from validation.annotation.package import Package
from validation.annotation.rounds import Round

PAGE = "html"
FORMATS = (PAGE, *EXPORTS)


def write_packages(round: Round, packages: Sequence[Package], formats: Sequence[str]) -> list[Path]:
    """Write every package in every one of `formats` into the round's folder; the paths of what was written."""
    written: list[Path] = []
    for package in packages:
        for name in formats:
            if name == PAGE:
                written.append(_write_page(round.packages / f"{package.annotator}.html", package))
            else:
                written += exporter(name).write(package, round.packages / name)
    return list(dict.fromkeys(written))


def _write_page(path: Path, package: Package) -> Path:
    from validation.annotation.page import page

    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        beside.write_text(page(package), encoding="utf-8", newline="\n")
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    return path
