"""How a dataset is to be cited, in BibTeX."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from cards.build import Build

if TYPE_CHECKING:
    from cards.card import Card

_CITATIONS = Path(__file__).with_name("citations.yaml")


def citations(build: Build, recipe: "Card") -> list[str]:
    """How to cite this dataset, what it follows, its sources and its translator, in BibTeX.

    Whose it is and where, only the name on the Hub says; it is of the year in which the build was finished.
    """
    account = recipe.repo_id.partition("/")[0].replace("_", r"\_")
    published = [
        f"  author = {{{{{account}}}}},",
        f"  howpublished = {{\\url{{https://huggingface.co/datasets/{recipe.repo_id}}}}},",
        *([f"  year = {{{build.finished[:4]}}},"] if re.match(r"\d{4}-", build.finished, re.ASCII) else []),
    ]
    lines = [
        f"@misc{{{re.sub(r'[^a-z0-9]+', '-', build.card.lower()).strip('-') or 'dataset'},",
        f"  title = {{{recipe.pretty_name}}},",
        *(published if recipe.repo_id else []),
        f"  note = {{Build {build.fingerprint[:12]}}}",
        "}",
    ]
    known: dict[str, str] = yaml.safe_load(_CITATIONS.read_text(encoding="utf-8"))
    model = build.translator.rsplit("/", 1)[-1].lower()
    translator = [text for start, text in known.items() if recipe.made == "translated" and model.startswith(start)]
    every = ["\n".join(lines), recipe.citation, *(source.citation for source in recipe.sources), *translator]
    return [text.strip() for text in every if text]
