"""An annotator's page: one HTML file that opens from disk, asks nothing of any network, and gives back one JSON file.

What is judged comes from datasets that anybody may have written. The package is a JSON block that cannot end early, its
texts reach the page as text alone, and the policy in the page's head lets nothing run but the script whose digest it
names, and nothing load but the images inside.
"""

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markdown_it import MarkdownIt
from markupsafe import Markup

from validation.annotation.package import Package
from validation.annotation.texts import LANGUAGES, default_guidelines, texts

TEMPLATES = Path(__file__).parent / "templates"
SCRIPTS = ("judgements.js.j2", "drawing.js.j2", "page.js.j2")
_MARKDOWN = ("heading", "lheading", "list", "fence", "code", "emphasis", "backticks", "escape", "newline", "entity")
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f\ud800-\udfff]"
)


def page(package: Package) -> str:
    """The page as HTML, some 60 kB and the images. Without guidelines in the package it has ours, in every language."""
    style, script = _file("page.css.j2"), "".join(map(_file, SCRIPTS))
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            style=Markup(style),
            style_digest=_digest(style),
            script=Markup(script),
            script_digest=_digest(script),
            texts={language: texts(language) for language in LANGUAGES},
            guidelines=_guidelines(package),
            package=json_block(package.to_json()),
            page_texts=json_block({language: _page_texts(language) for language in LANGUAGES}),
        )
    )


def json_block(value: Mapping[str, Any]) -> Markup:
    """JSON for a <script> element: ASCII, and without a character that could end the element or start another."""
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    for mark in "&<>":
        text = text.replace(mark, f"\\u{ord(mark):04x}")
    return Markup(text)


def render_markdown(text: str) -> Markup:
    """Guidelines as HTML: headings (from <h2> down), paragraphs, lists, emphasis and code, each as its script runs.

    Everything else, HTML, links and images too, stays the text that it is; characters that draw nothing but change
    what is read appear by their number.
    """
    renderer = MarkdownIt("zero", {"html": False}).enable([*_MARKDOWN])
    tokens = renderer.parse(_INVISIBLE.sub(lambda found: f"[U+{ord(found[0]):04X}]", text.replace("\r\n", "\n")))
    for token in tokens:
        if token.level == 0 and token.nesting >= 0:
            token.attrSet("dir", "auto")
        if token.type.startswith("heading"):
            token.tag = f"h{min(6, int(token.tag[1]) + 1)}"
    return Markup(renderer.renderer.render(tokens, renderer.options, {}))


def _guidelines(package: Package) -> dict[str, Markup]:
    """The guidelines by the language of the page that shows them; "": whatever its language."""
    if package.guidelines.strip():
        return {"": render_markdown(package.guidelines)}
    return {language: render_markdown(default_guidelines(package.task, language)) for language in LANGUAGES}


def _page_texts(language: str) -> dict[str, Any]:
    return {name: text for name, text in texts(language).items() if name != "guidelines_text"}


@cache
def _file(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    """How a content security policy names an inline script or style."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
