"""The articles of the family: invented paintings in ten languages, every difficulty planted, the truth known.

What an article says comes from words/LANGUAGE.yaml, what is special about an artwork from artworks.yaml. Nothing is
copied from anywhere. `make_corpus` gives the pages of every wiki and what a crawl should make of each.
"""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.wiki.prose import NO_SPELLING, Draft, Piece, Section, fill, link, plain

HERE = Path(__file__).parent
LANGUAGES = ("en", "it", "ja", "zh", "ru", "fr", "es", "de", "nl", "sv")
REFUSED = {"none": "no_infobox_image_v1", "absent": "no_such_file_v1"}
TITLES_OF_NOBODY = (
    "Lamp",
    "Marta Velli",
    "Museo Civico di Vell",
    "Museo civico di Vell",
    "玛尔塔·维利",
    "ヴェル市立美術館",
)


@dataclass(frozen=True)
class Truth:
    """What a crawl should make of one page.

    `artwork`: the English title. `item`: "" where Wikidata has none. `image`: the file in the infobox, "" none.
    `picture`: what that file shows, as in artworks.yaml. `refused`: the filter that keeps the page out, "" none.
    `references`: footnotes. `versions`: languages that the artwork is linked in, its own included. `edits`: revisions.
    """

    language: str
    title: str
    artwork: str
    item: str = ""
    image: str = ""
    picture: str = "same"
    licence: str = ""
    refused: str = ""
    sections: tuple[Section, ...] = ()
    references: int = 0
    versions: int = 1
    edits: int = 1


@dataclass(frozen=True)
class Page:
    """A page of a wiki: its title with its namespace, and what it said at each revision, oldest first."""

    title: str
    revisions: tuple[str, ...]
    namespace: int = 0


@dataclass
class Corpus:
    """The pages of each wiki, the truth of the articles, the sitelinks of each item."""

    pages: dict[str, list[Page]] = field(default_factory=lambda: {language: [] for language in LANGUAGES})
    truth: list[Truth] = field(default_factory=list)
    items: dict[str, dict[str, str]] = field(default_factory=dict)


def load(name: str) -> Any:
    return yaml.safe_load((HERE / name).read_text(encoding="utf-8"))


def file_name(artwork: str, picture: str) -> str:
    """The file that shows an artwork. Names are as awkward as titles."""
    if picture == "none":
        return ""
    shown = {
        "same": "(Velli)", "scan": "- scan", "other": "- studio copy", "detail": "- detail", "absent": "- lost",
        "local": "(rights held)",
    }[picture]  # fmt: skip
    name = artwork.replace("/", "-").replace('"', "")
    return f"{name} {shown}.{'png' if artwork.startswith('C') else 'jpg'}"


def pieces_of(words: Mapping[str, Any], title: str, other: str, year: int) -> dict[str, Piece]:
    """What the places of a sentence are filled with, for one article."""
    artist, rival, third = words["people"]
    museum, second = words["museums"]
    centimetres = 40 + year % 97
    within = words["headings"]["history"]
    labels = words.get("labels", ("", ""))
    made = {
        "title": Piece(f"'''''{title}'''''", title),
        "plain": plain(title),
        "artist": link(artist),
        "rival": link(rival),
        "owner": link(third, labels[0]),
        "museum": link(museum),
        "museum2": link(second),
        "elsewhere": link(f"{second}#3", labels[1]),
        "other": Piece("''") + link(other) + Piece("''"),
        "renamed": link(f"{other} (1)", other),
        "within": Piece(f"[[#{within}|{within}]]", within),
        "abroad": Piece("{{ill|Otto Brandl|de|Otto Brandl (Maler)}}", "Otto Brandl", (("Otto Brandl", "Otto Brandl"),)),
        "year": plain(str(year)),
        "circa": Piece(f"{{{{circa|{year - 3}}}}}", f"c. {year - 3}"),
        "size": Piece(
            f"{{{{convert|{centimetres}|cm|{words['unit']}}}}}",
            f"{centimetres} cm ({round(centimetres * 0.393701)} {words['unit']})",
        ),
        "maths": Piece(r"<math>\tfrac{a}{b} \approx 1.6</math>", r"\tfrac{a}{b} \approx 1.6"),
        "quoted": Piece(f"{{{{quoted|{words['quote']}}}}}", f"“{words['quote']}”"),
        "foreign": Piece("{{nowrap|{{lang|la|terra {{nowrap|viridis}}}}}}", "terra viridis"),
        "hyphened": Piece("can&shy;dle&#8203;light", "candlelight"),
        "ruby": Piece("{{ruby|琥珀|こはく}}", "琥珀"),
        "variant": Piece("-{zh-hans:绘画;zh-hant:繪畫}-", "绘画"),
        "cited": Piece("[https://example.org/vell Vell 1911]", "Vell 1911"),
        "url": Piece("[https://example.org/7]"),
        "unsourced": Piece("{{Citation needed}}"),
        "short": Piece("{{sfn|Vell 1911}}"),
        "hidden": Piece("{{sort key|zz}}<!-- [[Nobody]] -->"),
        "note": Piece(f"{{{{efn|[[{rival}]], 1911.}}}}"),
        "ref": Piece(f"<ref>{{{{cite book |author={rival} |title=Lamps |year=1911 |publisher=[[{museum}]]}}}}</ref>"),
        "named": Piece('<ref name="inventory">[[Inventory]], p. 4</ref>'),
    }  # fmt: skip
    if "trail" in words:
        wikitext, shown, target = words["trail"]
        made["trail"] = Piece(wikitext, shown, ((shown, target),))
    return made


class Author:
    """Writes the articles of one language."""

    def __init__(self, language: str) -> None:
        self.words = load(f"words/{language}.yaml")
        self.infobox = load("templates.yaml")["infobox"][language]
        self.headings: dict[str, str] = self.words["headings"]
        self.traditional = str.maketrans(self.words.get("traditional", {}))
        self.dropped = frozenset(self.headings[name] for name in self.words["dropped"])

    def article(
        self, title: str, other: str, year: int, image: str, other_image: str, page: Mapping[str, str]
    ) -> Draft:
        """An article about a painting, with what is special about it as artworks.yaml says."""
        draft = Draft(self.dropped)
        pieces = pieces_of(self.words, title, other, year)
        spelling = self.traditional if page.get("written") == "traditional" else {}
        length = page.get("length", "usual")
        museum, artist = self.words["museums"][0], self.words["people"][0]
        draft.unread("{{Short description|A painting}}")
        if length == "thorough":
            draft.unread(f"{{{{Maintenance}}}}\n{{{{Main|{other}}}}}\n{{{{Coord}}}}")
        if page.get("infobox") != "none":
            name = self.infobox["redirect"] if page.get("infobox") == "renamed" else self.infobox["name"]
            picture = f"| image = {image}\n| caption = {{{{circa|{year}}}}} ([[Nobody]])\n" if image else ""
            draft.unread(
                f"{{{{{name}\n| title = {title}\n{picture}| artist = [[{artist}]]\n| museum = [[{museum}]]\n}}}}"
            )
        draft.unread(f"[[File:{other_image}|thumb|left|A study for [[{other}]]{{{{Citation needed}}}}]]")
        if length == "stub":
            draft.prose(fill(self.words["sentences"]["lead"][0], pieces, spelling))
            return draft
        self._paragraph(draft, "lead", pieces, spelling)
        if length == "thorough":
            self._thorough_body(draft, pieces, other, other_image)
        else:
            for name in ("description", "history", "reception"):
                draft.heading(2, self.headings[name], spelling=spelling)
                self._paragraph(draft, name, pieces, spelling)
        self._end(draft, other, other_image, length == "thorough")
        return draft

    def _paragraph(
        self, draft: Draft, name: str, pieces: Mapping[str, Piece], spelling: Mapping[int, str] = NO_SPELLING
    ) -> None:
        between = self.words["between"]
        done = Piece("")
        for number, sentence in enumerate(self.words["sentences"][name]):
            done += plain(between if number else "") + fill(sentence, pieces, spelling)
        draft.prose(done)

    def _thorough_body(self, draft: Draft, pieces: Mapping[str, Piece], other: str, other_image: str) -> None:
        headings, sentences = self.headings, self.words["sentences"]

        def section(signs: int, name: str, sentence: str = "", mark: str = "") -> None:
            draft.heading(signs, headings[name], mark)
            self._paragraph(draft, sentence or name, pieces)

        section(2, "description")
        section(3, "composition", mark=pieces["ref"].wikitext)
        items = [Piece("* ") + fill(text, pieces, NO_SPELLING) for text in sentences["list"]]
        draft.wrapped(
            "",
            [items[0], *(Piece("** ") + fill(text, pieces, NO_SPELLING) for text in sentences["sublist"]), items[1]],
            "",
        )
        draft.unread(f'<gallery mode="packed">\nFile:{other_image}|[[{other}]]\n</gallery>')
        draft.heading(3, headings["colour"])
        draft.unread(f"{{{{Quote box|quote={self.words['quote']}|source=[[{self.words['people'][2]}]]}}}}")
        self._paragraph(draft, "colour", pieces)
        section(4, "pigments")
        draft.unread(
            '{| class="wikitable"\n|+ [[Nobody]]\n! 1 !! 2\n|-\n| [[Lead white]] || {{lang|la|terra viridis}}\n|}'
        )
        section(5, "layers")
        section(6, "grounds")
        section(2, "technique")
        section(4, "underdrawing")
        draft.heading(2, headings["history"])
        draft.unread(f"{{{{Main|{other}}}}}")
        self._paragraph(draft, "history", pieces)
        section(3, "provenance")
        section(3, "restoration", mark=" <!-- unread -->{{sort key|zz}}")
        section(3, "provenance", "provenance2")
        section(2, "reception")
        draft.wrapped("<blockquote>", [plain(self.words["quote"])], "</blockquote>")
        if "trailing" in self.words:
            draft.prose(fill(self.words["trailing"], pieces, NO_SPELLING))
        draft.heading(3, headings["verses"])
        draft.wrapped("<poem>", [plain(line) for line in sentences["verses"]], "</poem>")
        terms = sentences["terms"]
        draft.wrapped("", [Piece(";:"[number % 2] + " ") + plain(term) for number, term in enumerate(terms)], "")

    def _end(self, draft: Draft, other: str, other_image: str, thorough: bool) -> None:
        """The sections that every article ends with: most of them are not about the painting."""
        headings = self.headings
        if thorough:
            draft.heading(2, headings["gallery"])
            draft.unread(f"<gallery>\nFile:{other_image}|[[{other}]]\n</gallery>")
            draft.heading(2, headings["see_also"])
            draft.prose(link(other), "* ")
            draft.heading(3, headings["further"])
            draft.prose(Piece("{{cite book |author=Vell |title=Gates |year=1911}}", "Vell (1911). Gates."), "* ")
            draft.heading(2, headings["notes"])
            draft.unread("{{notelist}}")
        draft.heading(2, headings["references"])
        draft.unread("{{reflist}}" if thorough else "{{notelist}}{{reflist}}")
        draft.heading(2, headings["external"])
        draft.prose(Piece("[https://example.org/catalogue Catalogue 7]", "Catalogue 7"), "* ")
        draft.unread(f"{{{{Navbox|{other}|Nobody|{self.words['people'][1]}}}}}")


def footnotes(wikitext: str) -> int:
    """How many notes stand at the end of an article: one that is used again is one."""
    return wikitext.count("<ref>") + wikitext.count("{{efn|") + ('<ref name="inventory">' in wikitext)


def make_corpus() -> Corpus:
    corpus = Corpus()
    authors = {language: Author(language) for language in LANGUAGES}
    artworks: list[dict[str, Any]] = load("artworks.yaml")
    for number, artwork in enumerate(artworks):
        _add_artwork(corpus, authors, artworks, number, artwork)
    for language, author in authors.items():
        _add_rest(corpus, language, author)
    return corpus


def _add_artwork(
    corpus: Corpus, authors: Mapping[str, Author], artworks: list[dict[str, Any]], number: int, artwork: dict[str, Any]
) -> None:
    titles: dict[str, str] = artwork["titles"]
    english = titles["en"]
    item = f"Q{9_000_000 + number}" if artwork.get("item", True) else ""
    ends = artwork.get("leads_to", {})
    linked = titles | artwork.get("linked_as", {}) | {language: title for language, (title, _) in ends.items()}
    linked |= artwork.get("outside", {})
    if item:
        there = {language: title for language, title in linked.items() if ends.get(language, ["", ""])[1] != "nothing"}
        corpus.items[item] = {f"{language}wiki": title for language, title in there.items()}
    for language, title in titles.items():
        page = artwork.get("pages", {}).get(language, {})
        others = [other["titles"][language] for other in artworks if language in other["titles"]]
        other = others[(others.index(title) + 1) % len(others)]
        picture = page.get("picture", "same")
        image = file_name(english, picture)
        draft = authors[language].article(
            title, other, 1480 + 7 * number, image, file_name("Black Orchard", "same"), page
        )
        ending = f"[[Category:Paintings]]\n{{{{#wikidata_item:{item}}}}}" if item else "[[Category:Paintings]]"
        ending += "".join(f"\n[[{code}:{name}]]" for code, name in linked.items() if code != language)
        edits = 1 + zlib.crc32(f"{language}:{title}".encode()) % 9
        earlier = tuple(f"{draft.blocks[0]}\n\nDraft {edit + 1} of ''{title}''." for edit in range(edits - 1))
        corpus.pages[language].append(Page(title, (*earlier, f"{draft.wikitext}\n\n{ending}")))
        refused = "no_infobox_v1" if page.get("infobox") == "none" else REFUSED.get(picture, "")
        refused = refused or ("stub_v1" if page.get("length") == "stub" else "")
        image = "" if refused == "no_infobox_v1" else image
        corpus.truth.append(
            Truth(
                language, title, english, item, image, picture, artwork.get("licence", "PD-Art"), refused,
                tuple(draft.sections), footnotes(draft.wikitext), len(linked), edits,
            )
        )  # fmt: skip
    for language, title in artwork.get("linked_as", {}).items():
        _add_redirect(corpus, authors[language], language, title, titles[language])
    for language, (title, end) in ends.items():
        refused = {"nothing": "missing_page_v1", "disambiguation": "disambiguation_v1"}.get(
            end, "redirect_elsewhere_v1"
        )
        corpus.truth.append(Truth(language, title, english, item, refused=refused, versions=len(linked)))
        if end == "disambiguation":
            corpus.pages[language].append(
                Page(title, (f"* [[{title} A]]\n* [[{title} B]]\n{{{{{authors[language].words['disambiguation']}}}}}",))
            )
        elif end != "nothing":
            _add_redirect(corpus, authors[language], language, title, end)


def _add_redirect(corpus: Corpus, author: Author, language: str, title: str, target: str, namespace: int = 0) -> None:
    corpus.pages[language].append(Page(title, (f"{author.words['redirect']} [[{target}]]",), namespace))


def _add_rest(corpus: Corpus, language: str, author: Author) -> None:
    """Templates, redirects that articles link to, some of the pages named (the rest are red), a user's draft."""
    pages = corpus.pages[language]
    texts = load("templates.yaml")
    for name, text in (texts["every"] | {author.words["disambiguation"]: texts["disambiguation"]}).items():
        pages.append(Page(f"Template:{name}", (text,), 10))
    infobox = author.infobox
    pages.append(Page(f"Template:{infobox['name']}", (f"<includeonly>{infobox['text']}</includeonly>",), 10))
    if "redirect" in infobox:
        _add_redirect(corpus, author, language, f"Template:{infobox['redirect']}", f"Template:{infobox['name']}", 10)
    for truth in [truth for truth in corpus.truth if truth.language == language and truth.sections][:3]:
        _add_redirect(corpus, author, language, f"{truth.title} (1)", truth.title)
    named = {*author.words["people"], *author.words["museums"], "Lamp"}
    pages += [Page(title, (f"'''{title}'''.",)) for title in sorted(named & set(TITLES_OF_NOBODY))]
    pages.append(Page("User:Somebody/Draft", (f"{{{{{infobox['name']}|title=Draft|artist=A|museum=B}}}} Not yet.",), 2))
    if language == "en":
        pages.append(Page("Vell school", ("'''The Vell school''' is a group of painters.\n\n[[Category:Paintings]]",)))
