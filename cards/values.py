"""What a build says about its own card, where no recipe knows what dataset it makes.

`builders/translate_any.py` writes `card_values` into `build.json`: the dataset's name, its languages, its sources and
its licence, and what its columns hold, as its flags and the source's own card gave them. They are texts from outside:
they are shown as such, and only the values that a card lets a build say are taken.
"""

from collections.abc import Mapping
from typing import Any

from cards.fields import list_of, mapping_of, text_of
from cards.metadata import unknown_values
from cards.text import md, visible

_TEXTS = ("pretty_name", "language", "source_language")
_OF_SOURCE = ("name", "url", "licence", "gives", "hub_id")


def card_values(given: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a card that `given` has, harmless in Markdown.

    A licence that the Hub does not know becomes `unknown`; what the source's makers call it stays with the source.
    """
    values: dict[str, Any] = {name: text for name in _TEXTS if (text := text_of(given, name))}
    if languages := tuple(str(code) for code in list_of(given, "languages")):
        values["languages"] = languages
    if licence := text_of(given, "licence"):
        values["licence"] = "unknown" if unknown_values({"license": licence}) else licence
    if sources := [item for item in list_of(given, "sources") if isinstance(item, dict)]:
        values["sources"] = [_source(item) for item in sources]
    if columns := mapping_of(given, "columns"):
        values["columns"] = {name: md(text) for name, text in columns.items()}
    return values


def _source(item: Mapping[str, Any]) -> dict[str, str]:
    """A source of a card; its address only if it is one of the web."""
    told = {name: text_of(item, name) for name in _OF_SOURCE}
    shown = {name: md(told[name]) for name in ("name", "licence", "gives")}
    url = visible(told["url"])
    link = url if url.startswith(("https://", "http://")) and not set(url) & set(" ()<>\"'\\|\n") else ""
    return shown | {"url": link, "hub_id": told["hub_id"], "licence": shown["licence"] or "unknown"}
