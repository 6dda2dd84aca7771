"""A rendered article as a tree of sections in clean prose, with its links and the picture of its infobox.

From HTML, not from wikitext: the server has expanded the templates, so that "an over tall … says ." cannot happen.
Both parsers of MediaWiki are read, the legacy one (`action=parse`) and Parsoid (REST, Wikimedia Enterprise).
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice

from selectolax.lexbor import LexborHTMLParser, LexborNode

from crawlers import infobox
from crawlers.links import article_of, file_of, is_about_wiki, is_no_text
from crawlers.markup import BLOCKS, DROPPED, INFOBOXES, SEPARATORS, formula, is_prose, script, tidy
from crawlers.nesting import check_nesting

DEEPEST_LEVEL = 3
_SCRIPT_PIECES = 20
_LARGEST_MARK = 40
_LONGEST_MARK = 80
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_FRACTIONS = frozenset({"frac", "sfrac", "tion"})
_HIDDEN_SIGNS = frozenset({"sr-only", "visualhide"})
_SIGNS_OF_FRACTIONS = {"+": " ", "": " ", "/": "⁄"}
_SIMPLIFIED = ("zh-hans", "zh-cn", "zh-sg", "zh-my", "zh")
_TRADITIONAL = ("zh-hant", "zh-tw", "zh-hk", "zh-mo", "zh")


@dataclass(frozen=True)
class Link:
    """A link in the prose to an article of the same wiki: its text as it stands in the section, and the title."""

    text: str
    target: str


@dataclass(frozen=True)
class Section:
    """A section's own text, without its subsections'.

    `index` counts in the page's order from the lead, 0. `level` is 0 for the lead, 1 for sections, 2 for subsections,
    3 for subsubsections; `path` holds as many headings, outermost first. A paragraph or an item of a list is a line
    of `text`.
    """

    index: int
    level: int
    path: tuple[str, ...]
    text: str
    links: tuple[Link, ...]


@dataclass(frozen=True)
class Article:
    """`references` counts the notes, `links` the distinct articles that the prose links to."""

    sections: tuple[Section, ...]
    infobox_image: str
    infobox: bool
    references: int
    links: int


def read_article(html: str, language: str) -> Article:
    """The article in `html` as MediaWiki renders it.

    Levels follow the nesting, as MediaWiki numbers headings: a skipped level is none. What is deeper than a
    subsubsection stays in its text, heading and all. `language` decides which words of a language with variants
    stand where Parsoid left the choice open: "zh" takes the simplified, "zh-hant" or "zh-tw" the traditional ones.

    Raises `ValueError` on what is no article (a redirect, an error page, no page of MediaWiki at all) and on a
    choice between variants that cannot be read, since a hole in the text would go unnoticed.
    """
    check_nesting(html)
    tree = LexborHTMLParser(html)
    parsoid = tree.css_first("[data-mw-section-id]") is not None
    root = tree.body if parsoid else tree.css_first(".mw-parser-output")
    if root is None:
        raise ValueError("no article: the HTML has no text of MediaWiki (no mw-parser-output, no Parsoid section)")
    if tree.css_first('.redirectMsg, link[rel="mw:PageProp/redirect"]'):
        raise ValueError("no article: the page is a redirect")
    title = tree.css_first("title")
    reader = _Reader(language, tidy(title.text()) if title is not None else "")
    reader.read(root)
    return Article(
        sections=tuple(reader.sections),
        infobox_image=infobox.picture_of(reader.infobox) if reader.infobox is not None else "",
        infobox=reader.infobox is not None,
        references=len(tree.css('li[id^="cite_note"]')),
        links=len({link.target for section in reader.sections for link in section.links}),
    )


class _Reader:
    """One pass over the elements, in order, without recursion: a page may nest as deep as it likes."""

    def __init__(self, language: str, title: str) -> None:
        self.language, self.title = language, title
        self.sections: list[Section] = []
        self.infobox: LexborNode | None = None
        self._headings: list[tuple[int, str]] = []
        self._path: tuple[str, ...] = ()
        self._pieces: list[str] = []
        self._links: list[Link] = []
        self._in_heading = False
        self._preformatted = 0

    def read(self, root: LexborNode) -> None:
        node = root.first_child
        waiting: list[tuple[LexborNode | None, Callable[[], None]]] = []
        while node is not None or waiting:
            if node is None:
                node, leave = waiting.pop()
                leave()
            elif node.is_text_node:
                text = node.text_content or ""
                self._pieces.append(text if self._preformatted else text.replace("\n", " "))
                node = node.next
            elif node.is_element_node:
                inside, leave = self._enter(node)
                waiting.append((node.next, leave))
                node = inside
            else:
                node = node.next
        self._close_section()

    def _enter(self, node: LexborNode) -> tuple[LexborNode | None, Callable[[], None]]:
        """Where to go on inside `node` (`None`: nowhere), and what is to be done after it."""
        tag, attributes = node.tag or "", node.attributes
        classes = frozenset((attributes.get("class") or "").split())
        if "mwe-math-element" in classes or "tex" in classes or tag == "math":
            self._pieces.append(_latex(node))
            return None, _nothing
        if not _HIDDEN_SIGNS.isdisjoint(classes) and (sign := _of_fraction(node)):
            self._pieces.append(sign)
            return None, _nothing
        if not is_prose(tag, classes, attributes) or (tag in ("sup", "small") and _is_mark(node)):
            self._look_for_infobox(node, classes)
            self._pieces.append(DROPPED)
            return None, _nothing
        if "mw:LanguageVariant" in (attributes.get("typeof") or "").split():
            return _variant(attributes.get("data-mw-variant") or "", self.language), _nothing
        if tag in _HEADINGS and not self._in_heading:
            return node.first_child, self._heading(_HEADINGS[tag])
        if tag == "a":
            href = attributes.get("href") or ""
            if is_no_text(href):
                self._pieces.append(DROPPED)
                return None, _nothing
            return node.first_child, self._link(href)
        if place := _script_place(node):
            return node.first_child, self._script(place)
        if tag in BLOCKS and not _is_stacked(node):
            self._pieces.append("\n")
            self._preformatted += tag == "pre"
            return node.first_child, self._end_preformatted if tag == "pre" else self._end_block
        return node.first_child, _nothing

    def _end_block(self) -> None:
        self._pieces.append("\n")

    def _end_preformatted(self) -> None:
        self._preformatted -= 1
        self._end_block()

    def _look_for_infobox(self, node: LexborNode, classes: frozenset[str]) -> None:
        if self.infobox is not None:
            return
        if not INFOBOXES.isdisjoint(classes):
            self.infobox = node
        elif not self._headings:
            german = self.language == "de" and node.tag == "table" and "float-right" in classes
            self.infobox = node if german else node.css_first(infobox.SELECTOR)

    def _link(self, href: str) -> Callable[[], None]:
        target = article_of(href)
        if not target or target == self.title or self._in_heading:
            return _nothing
        pieces, start = self._pieces, len(self._pieces)

        def leave() -> None:
            written = "".join(pieces[start:])
            text = tidy(written).strip(SEPARATORS + " ") if DROPPED in written else tidy(written)
            if text and pieces is self._pieces:
                self._links.append(Link(text, target))

        return leave

    def _script(self, tag: str) -> Callable[[], None]:
        pieces, start = self._pieces, len(self._pieces)

        def leave() -> None:
            written = pieces[start : start + _SCRIPT_PIECES]
            if len(written) < _SCRIPT_PIECES:
                pieces[start:] = [script(tag, "".join(written))]

        return leave

    def _heading(self, level: int) -> Callable[[], None]:
        prose, self._pieces, self._in_heading = self._pieces, [], True

        def leave() -> None:
            heading = tidy("".join(self._pieces)).replace("\n", " ")
            self._pieces, self._in_heading = prose, False
            if not heading:
                self._end_block()
                return
            while self._headings and self._headings[-1][0] >= level:
                self._headings.pop()
            self._headings.append((level, heading))
            if len(self._headings) > DEEPEST_LEVEL:
                self._pieces.append(f"\n{heading}\n")
            else:
                self._close_section()
                self._path = tuple(heading for _, heading in self._headings)

        return leave

    def _close_section(self) -> None:
        text = tidy("".join(self._pieces))
        self.sections.append(Section(len(self.sections), len(self._path), self._path, text, tuple(self._links)))
        self._pieces, self._links = [], []


def _nothing() -> None:
    pass


def _of_fraction(node: LexborNode) -> str:
    """What the eye has where a fraction says "+" or "/" to the ear alone; `""` if `node` is in no fraction."""
    around = (node.parent.attributes.get("class") if node.parent is not None else "") or ""
    return "" if _FRACTIONS.isdisjoint(around.split()) else _SIGNS_OF_FRACTIONS.get(node.text().strip(), "")


def _script_place(node: LexborNode) -> str:
    """ "sup" or "sub" where the text is raised or lowered. A chemical formula may have both, one above the other."""
    if node.tag in ("sup", "sub"):
        return node.tag
    around = node.parent.attributes.get("class") if node.parent is not None else None
    if around != "template-chem2-su":
        return ""
    return "sup" if node.prev is None else "sub"


def _is_stacked(node: LexborNode) -> bool:
    """Whether a `br` only puts a lowered text below a raised one."""
    before, after = node.prev, node.next
    return node.tag == "br" and before is not None and after is not None and (before.tag, after.tag) == ("sup", "sub")


def _is_mark(node: LexborNode) -> bool:
    """Whether a `sup` or `small` is for editors and listeners, as "[citation needed]" or "(help · info)".

    Its links say so: they lead to pages about the wiki, to files or, in brackets, to notes, and none to an article.
    """
    inside = list(islice(node.traverse(include_text=True), _LARGEST_MARK))
    targets = [link.attributes.get("href") or "" for link in inside if link.tag == "a"]
    if len(inside) == _LARGEST_MARK or not targets or any(map(article_of, targets)):
        return False
    said = "".join(piece.text_content or "" for piece in inside if piece.is_text_node)
    if node.tag == "sup" and said.lstrip()[:1] in ("[", "［"):
        return True
    return len(said) <= _LONGEST_MARK and any(is_about_wiki(target) or file_of(target) for target in targets)


def _latex(node: LexborNode) -> str:
    if annotation := node.css_first("annotation"):
        return formula(annotation.text())
    if image := node.css_first("img[alt]"):
        return formula(image.attributes.get("alt") or "")
    return formula(node.attributes.get("alttext") or node.text())


def _variant(data: str, language: str) -> LexborNode | None:
    """What stands in `language` where Parsoid kept all words of `-{…}-`.

    Its forms: https://www.mediawiki.org/wiki/Specs/HTML#Language_conversion_blocks
    """
    try:
        choice = json.loads(data)
        if "twoway" in choice or "oneway" in choice:
            words = {rule["l"]: rule["t"] for rule in choice.get("twoway") or choice["oneway"]}
            order = _TRADITIONAL if language.lower() in _TRADITIONAL[:-1] else _SIMPLIFIED
            text = words[next((variant for variant in (language.lower(), *order) if variant in words), min(words))]
        else:
            text = (choice.get("disabled") or choice["filter"])["t"]
        check_nesting(text)
        body = LexborHTMLParser("<body>" + text).body
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ValueError(f"a choice between language variants that cannot be read: {data[:80]!r}") from None
    return body.first_child if body is not None else None
