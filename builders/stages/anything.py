"""Ingest for a dataset that nobody wrote a recipe for: what no recipe knows, the build says itself.

What was translated and what was found of the columns goes into `build.json`, and from there, with the name, the
licence and the languages, onto the card.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx2

from builders.engine import Build
from builders.engine.files import location
from builders.sources.hub_files import NAME
from builders.stages.ingest import Ingest
from builders.transforms.paths import parse_paths
from cards.text import enumerated, language_name

TRANSLATED = "as in the source, its texts translated"


@dataclass(frozen=True)
class About:
    """What is known of a dataset: its `source` (files, or a name on the Hub, at `revision`), its licence if it was
    given, the target languages, and what was `found` of its columns."""

    source: Sequence[str]
    revision: str
    licence: str
    languages: Sequence[str]
    found: Mapping[str, Any]


class IngestAnything(Ingest):
    """Ingest that says in `build.json` what the dataset is."""

    def __init__(self, about: About, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.about = about

    def preflight(self, build: Build) -> list[str]:
        problems = super().preflight(build)
        if not problems:
            build.applied["translate_any"] = dict(self.about.found)
            build.applied["card_values"] = said_on_the_card(self.about)
        return problems


def on_the_hub(given: str) -> bool:
    """Whether a source is the name of a dataset on the Hub."""
    return bool(NAME.fullmatch(given)) and not location(given).exists()


def said_on_the_card(about: About) -> dict[str, Any]:
    """What the card of this dataset says: see `cards.values`."""
    names = [given for given in about.source if on_the_hub(given)]
    said = enumerated([language_name(code) for code in about.languages])
    sources: list[dict[str, str]] = [
        {
            "name": name,
            "hub_id": name,
            "url": f"https://huggingface.co/datasets/{name}",
            "licence": about.licence or hub_licence(name, about.revision),
            "gives": _gives(about.found),
        }
        for name in names
    ]
    if files := sorted({location(given).name for given in about.source if not on_the_hub(given)}):
        sources.append({"name": ", ".join(files), "url": "", "licence": about.licence, "gives": _gives(about.found)})
    name = ", ".join(source["name"].rpartition("/")[2] for source in sources)
    return {
        "pretty_name": f"{name} in {said}",
        "language": about.languages[0],
        "languages": list(about.languages),
        "licence": about.licence,
        "sources": sources,
        "columns": {path.column: TRANSLATED for path in parse_paths(about.found.get("fields", ()))},
    }


def hub_licence(name: str, revision: str) -> str:
    """The licence that a dataset's card on the Hub states; nothing where that cannot be known."""
    from huggingface_hub import HfApi  # which reads the environment once, and workers have theirs from `Ingest.open`

    try:
        data = HfApi().dataset_info(name, revision=revision or None).card_data
    except (httpx2.HTTPError, OSError, ValueError):
        return ""
    stated = getattr(data, "license", None)
    return ", ".join(stated) if isinstance(stated, list) else str(stated or "")


def _gives(found: Mapping[str, Any]) -> str:
    """What the source gave, in a line, and what of it is not in its own shape here."""
    if "form" in found:
        return f"everything; its texts, as the form {found['form']} reads them, are translated here"
    said = f"everything; translated here: {', '.join(found['fields'])}"
    if found["split_column"]:
        said += f"; a row is in the split that its column {found['split_column']} names, if that is a known one"
    said = "; ".join([said, *found["notes"]])
    text = found["as_json_text"]
    return (
        f"{said}; published as JSON text: {', '.join(f'{path} ({why})' for path, why in text.items())}"
        if text
        else said
    )
