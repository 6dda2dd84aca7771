"""The annotator's page as a file: nothing in it can run or load but what it names, and it speaks six languages."""

import base64
import hashlib
import json
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.pages import Page
from validation.annotation.package import LABELS, REASONS, Item, Package, Text, Turn
from validation.annotation.page import SCRIPTS, TEMPLATES, json_block, page, render_markdown
from validation.annotation.texts import LANGUAGES, default_guidelines, texts

HOSTILE = (
    "\"'></bdi></script><script src=http://evil.example/x.js></script><!--<script> <img src=x onerror=alert(1)>"
    "\u202e{{ 7*7 }}\u2028\ud800"
)
PACKAGE = Package(
    package_id="toy.round-1.ane",
    annotator="ane",
    task="accept",
    title=HOSTILE,
    source_language="en",
    target_language="eu",
    guidelines="",
    items=(Item("it-1", (Text(HOSTILE, HOSTILE, HOSTILE),), (Turn(HOSTILE, HOSTILE),), image_note=HOSTILE),),
)
PIECES = (
    *("<img src=x onerror=alert(1)>", "[a](javascript:alert(1))", "![i](http://evil.example/i.png)", "<b>", "&lt;"),
    *("http://evil.example", "<http://evil.example>", "[a]: http://evil.example\n", "\u202e", "\ud800", "\x00"),
    *("# ", "- ", "1. ", "> ", "*", "**", "`", "```", "|", "\\", " ", "    ", "\n\n", "\r\n", "x"),
)
PROSE = {"h2", "h3", "h4", "h5", "h6", "p", "ul", "ol", "li", "em", "strong", "code", "pre", "br"}


def embedded(text: str, name: str) -> object:
    found = re.search(rf'<script type="application/json" id="{name}">(.*?)</script>', text, re.S)
    assert found is not None
    return json.loads(found[1])


def test_the_page_holds_the_package_and_nothing_that_loads_or_runs() -> None:
    text = page(PACKAGE)
    text.encode("utf-8")
    assert embedded(text, "package") == json.loads(json.dumps(PACKAGE.to_json()))
    made = Page(text)
    for tag, attributes in made.elements:
        assert tag not in {"iframe", "object", "embed", "link", "base", "form", "img", "a", "svg"}
        assert not [name for name in attributes if name.startswith("on") or name in ("src", "href", "style")]
    assert [each.get("type") for each in made.of("script")] == ["application/json", "application/json", None]
    assert "alert(1)" not in text.replace(str(json_block(PACKAGE.to_json())), "")


def test_the_policy_names_the_script_and_the_style_by_their_digests() -> None:
    text = page(PACKAGE)
    (policy,) = [each["content"] for each in Page(text).of("meta") if each.get("http-equiv")]
    assert policy is not None
    for tag, name in (("script", "script-src"), ("style", "style-src")):
        inside = re.search(rf"<{tag}>(.*?)</{tag}>", text, re.S)
        assert inside is not None
        digest = base64.b64encode(hashlib.sha256(inside[1].encode()).digest()).decode()
        assert f"{name} 'sha256-{digest}';" in policy
    for rule in ("default-src 'none'", "img-src data:;", "connect-src 'none'", "base-uri 'none'", "form-action 'none'"):
        assert rule in policy
    assert "unsafe" not in policy


@given(st.dictionaries(st.text(), st.text(st.characters(exclude_categories=[]))))
def test_no_text_ends_the_block_that_holds_it(value: dict[str, str]) -> None:
    block = str(json_block(value))
    assert block.isascii()
    assert not re.search("[<>&]", block)
    assert json.loads(block) == json.loads(json.dumps(value))


@given(st.lists(st.sampled_from(PIECES)).map("".join))
def test_guidelines_become_prose_and_nothing_else(text: str) -> None:
    html = str(render_markdown(text))
    html.encode("utf-8")
    assert "\u202e" not in html
    for tag, attributes in Page(html).elements:
        assert tag in PROSE
        assert set(attributes) <= {"start", "class", "dir"}


def test_markdown_is_rendered_and_links_stay_text() -> None:
    html = str(
        render_markdown("# One\n\nA *b* **c** `<d>`.\n\n- e\n\n1. f\n\n## Two\n[g](http://h.example) <b>i</b> \u202e")
    )
    assert html == (
        '<h2 dir="auto">One</h2>\n<p dir="auto">A <em>b</em> <strong>c</strong> <code>&lt;d&gt;</code>.</p>\n'
        '<ul dir="auto">\n<li>e</li>\n</ul>\n<ol dir="auto">\n<li>f</li>\n</ol>\n<h3 dir="auto">Two</h3>\n'
        '<p dir="auto">[g](http://h.example) &lt;b&gt;i&lt;/b&gt; [U+202E]</p>\n'
    )


def test_guidelines_of_the_lead_replace_ours_in_every_language() -> None:
    ours = Page(page(PACKAGE))
    assert [each["data-guidelines"] for each in ours.of("div") if "data-guidelines" in each] == list(LANGUAGES)
    assert "When to reject" in " ".join(ours.words)
    theirs = Page(page(replace(PACKAGE, guidelines="Our *own*.")))
    assert [each["data-guidelines"] for each in theirs.of("div") if "data-guidelines" in each] == [""]
    assert "When to reject" not in " ".join(theirs.words)


def test_keys_are_no_part_of_a_buttons_name() -> None:
    keys = Page(page(PACKAGE)).of("kbd")
    assert len(keys) == 3
    assert all(each.get("aria-hidden") == "true" for each in keys)


def names(value: object, path: str = "") -> set[str]:
    if not isinstance(value, dict):
        return {path}
    return {name for key, each in value.items() for name in names(each, f"{path}.{key}")}


def placeholders(value: object) -> object:
    if isinstance(value, dict):
        return {key: placeholders(each) for key, each in value.items()}
    return sorted(re.findall(r"\{\w+\}", str(value)))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_text(language: str) -> None:
    ours, english = texts(language), texts("en")
    assert names(ours) == names(english)
    assert placeholders(ours) == placeholders(english)
    assert set(ours["reasons"]) == set(REASONS)
    assert set(ours["labels"]) == {label for labels in LABELS.values() for label in labels}
    assert set(ours["languages"]) == set(LANGUAGES)
    if language != "en":
        same = [name for name in names(ours) if _at(ours, name) == _at(english, name)]
        assert len(same) < 12, same


def _at(value: object, path: str) -> object:
    for key in path.split(".")[1:]:
        assert isinstance(value, dict)
        value = value[key]
    return value


def test_the_page_uses_every_text_and_no_other() -> None:
    script = "".join((TEMPLATES / name).read_text() for name in SCRIPTS)
    html = (TEMPLATES / "page.html.j2").read_text()
    used = {*re.findall(r"\bsay\.(\w+)", script), *re.findall(r'"((?:resume|storage)_\w+)"', script)}
    used |= {*re.findall(r'data-text="(\w+)"', html), *re.findall(r"\beach\.(\w+)", html), "guidelines_text"}
    assert used == set(texts("en"))


@pytest.mark.parametrize("task", ["accept", "pair"])
def test_our_guidelines_name_the_buttons(task: str) -> None:
    for language in LANGUAGES:
        guidelines, labels = default_guidelines(task, language), texts(language)["labels"]  # type: ignore[arg-type]
        wanted = ("accept", "reject", "unsure") if task == "accept" else ("tie",)
        assert all(f"**{labels[label]}**" in guidelines for label in wanted)
        if task == "accept":
            assert all(f"*{reason}*" in guidelines for reason in texts(language)["reasons"].values())
            assert all(labels[label] in texts(language)["how"] for label in wanted)
    assert default_guidelines("accept", "xx") == default_guidelines("accept", "en")


def colours(block: str) -> dict[str, tuple[float, ...]]:
    found = re.findall(r"--(\w+): #([0-9a-f]{3,6});", block)
    wide = {name: code if len(code) == 6 else "".join(2 * digit for digit in code) for name, code in found}
    return {name: tuple(int(code[place : place + 2], 16) / 255 for place in (0, 2, 4)) for name, code in wide.items()}


def contrast(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    """WCAG 2.2, section 1.4.3: https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio."""

    def luminance(colour: tuple[float, ...]) -> float:
        red, green, blue = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour]
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def test_texts_can_be_read_in_light_and_in_dark() -> None:
    style = (TEMPLATES / "page.css.j2").read_text()
    assert not re.search(r"[{; ]opacity:", style)
    light, dark = map(colours, re.findall(r":root \{(.*?)\}", style, re.S))
    for scheme in (light, light | dark):
        for ink in ("ink", "soft", "accent", "reject"):
            assert contrast(scheme[ink], scheme["paper"]) >= 4.5
            assert contrast(scheme[ink], scheme["panel"]) >= 4.5
        for back in ("accent", "reject", "mark"):
            assert contrast(scheme["on"], scheme[back]) >= 4.5
        assert contrast(scheme["accent"], scheme["band"]) >= 4.5
        assert contrast(scheme["paper"], scheme["soft"]) >= 4.5
        assert contrast(scheme["edge"], scheme["paper"]) >= 3
    for number in range(8):
        assert contrast((1.0, 1.0, 1.0), light[f"c{number}"]) >= 4.5
