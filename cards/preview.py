"""The card as one HTML page, for a look before it is pushed: the metadata as the Hub shows it, then the text.

The page stands alone: images of the card are inlined, and nothing in it runs or calls anywhere. The Hub renders
Markdown by itself and in its own clothes, so what it shows looks alike and not the same.
"""

import base64
import html
import re
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import OptionsDict
from markupsafe import Markup
from upath import UPath

from cards.build import read_build
from cards.fields import count_of, list_of, read_object, text_of
from cards.publish import MANIFEST
from cards.text import html_environment, language_name

PREVIEW = "preview.html"
_FENCE = re.compile(r"^---\n", re.MULTILINE)
_ASSET = re.compile(r"assets/([\w-]+\.(svg|jpg))")
_TYPES = {"svg": "image/svg+xml", "jpg": "image/jpeg"}
_OURS = re.compile(r"<details><summary>[^<>&]*</summary>\s*|</details>\s*|<br>")
_PILLS = {
    "task_categories": "Tasks",
    "language": "Languages",
    "size_categories": "Size",
    "multilinguality": "Multilinguality",
    "annotations_creators": "Annotations by",
    "language_creators": "Texts by",
    "source_datasets": "Sources",
    "license": "Licence",
    "tags": "Tags",
}


@dataclass(frozen=True)
class Listed:
    """A file as the manifest lists it; `rows` is 0 for one that holds none."""

    path: str
    bytes: int
    rows: int


def write_preview(out: UPath, card: str) -> UPath:
    """Write `out/preview.html` from the text of a card, whose images are in `out/dataset`, and return its path."""
    build = read_build(out)
    metadata, text = _split(card)
    page = (
        html_environment()
        .get_template("preview.html.j2")
        .render(
            name=build.name,
            title=metadata.get("pretty_name") or build.name,
            pills=[(called, _values(key, metadata)) for key, called in _PILLS.items() if metadata.get(key)],
            configs=[each for each in list_of(metadata, "configs") if isinstance(each, dict)],
            files=_files(out / "dataset" / MANIFEST),
            card=Markup(rendered(text, out / "dataset")),
        )
    )
    written = out / PREVIEW
    written.write_text(page, encoding="utf-8", errors="replace", newline="\n")
    return written


def rendered(text: str, root: UPath) -> str:
    """The Markdown of a card as HTML, its images taken from `root`; of HTML in it only what our template writes."""
    markdown = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    markdown.add_render_rule("html_block", _html)
    markdown.add_render_rule("html_inline", _html)
    markdown.add_render_rule("table_open", _table_open)
    markdown.add_render_rule("table_close", _table_close)

    def image(
        renderer: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: MutableMapping[str, Any]
    ) -> str:
        token = tokens[index]
        words = html.escape(renderer.renderInlineAsText(token.children, options, env))
        uri = _inlined(root, str(token.attrGet("src") or ""))
        return f'<img src="{uri}" alt="{words}">' if uri else f'<span class="missing">no such image: {words}</span>'

    markdown.add_render_rule("image", image)
    return str(markdown.render(text))


def _html(
    renderer: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: MutableMapping[str, Any]
) -> str:
    content = tokens[index].content
    return content if _OURS.fullmatch(content) else html.escape(content)


def _table_open(
    renderer: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: MutableMapping[str, Any]
) -> str:
    return '<div class="scroll" tabindex="0"><table>\n'


def _table_close(
    renderer: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: MutableMapping[str, Any]
) -> str:
    return "</table></div>\n"


def _inlined(root: UPath, source: str) -> str:
    match = _ASSET.fullmatch(source)
    if not match or not (path := root / "assets" / match[1]).is_file():
        return ""
    return f"data:{_TYPES[match[2]]};base64,{base64.b64encode(path.read_bytes()).decode('ascii')}"


def _split(card: str) -> tuple[Mapping[str, Any], str]:
    _, metadata, text = _FENCE.split(card, maxsplit=2)
    return yaml.safe_load(metadata), text


def _values(key: str, metadata: Mapping[str, Any]) -> list[str]:
    given = metadata[key]
    values = [str(value) for value in (given if isinstance(given, list) else [given])]
    if key == "language":
        return [f"{language_name(code)} ({code})" for code in values]
    if key == "license" and values == ["other"]:
        return [f"other ({metadata.get('license_name', 'not named')})"]
    return values


def _files(path: UPath) -> list[Listed]:
    if not path.is_file():
        return []
    listed = (item for item in list_of(read_object(path), "files") if isinstance(item, dict))
    return [Listed(text_of(item, "path"), count_of(item, "bytes"), count_of(item, "rows")) for item in listed]
