"""Rendered articles as sections of clean prose: real MediaWiki, both parsers' newer markup, and pages made to hurt."""

import re
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawlers.article import Article, Link, Section, read_article
from crawlers.links import article_of, file_of
from crawlers.markup import formula, tidy

ARTICLES = Path(__file__).with_name("articles")
SECTIONS = (
    Section(
        0, 0, (),
        "Amber Harbour (Porto d'ambra) is a painting by Marta Velli. It measures 40 cm (16 in).",
        (Link("Marta Velli", "Marta Velli"),),
    ),
    Section(1, 1, ("Description",), "The ratio is close to a/b; see Vell 1911, below.", ()),
    Section(
        2, 2, ("Description", "Layers"),
        "the lantern, after Jan\nits copy by Otto Brandl\nthe boat",
        (Link("Jan", "Jan Oosterwijk"), Link("Otto Brandl", "Otto Brandl (painter)")),
    ),
    Section(
        3, 3, ("Description", "Layers", "Grounds"),
        "White.\nChalk\nTwo coats, as in his other panels.",
        (Link("his other panels", "Jan Oosterwijk"),),
    ),
    Section(
        4, 1, ("History",),
        "The light arrives\nbefore the subject.\nBy the gate the water waits\nand no one counts the oars\n"
        "Front\ntwo figures\nAmber Harbour hangs in the café; it is lost.",
        (Link("café", 'Café "Vell"'),),
    ),
    Section(5, 1, ("History",), "", ()),
    Section(6, 1, ("References",), "", ()),
)  # fmt: skip


def page(body: str) -> str:
    return f'<div class="mw-content-ltr mw-parser-output">{body}</div>'


def lead(body: str, language: str = "en") -> str:
    return read_article(page(body), language).sections[0].text


@pytest.mark.parametrize("parser", ["legacy", "parsoid"])
def test_both_parsers_give_the_same_article(parser: str) -> None:
    article = read_article((ARTICLES / f"en_{parser}.html").read_text("utf-8"), "en")
    assert article.sections == SECTIONS
    assert article == Article(SECTIONS, "Amber Harbour (Velli).jpg", infobox=True, references=2, links=4)


@pytest.mark.parametrize(
    ("href", "target"),
    [
        ("/wiki/Mona_Lisa_(Prado)#History", "Mona Lisa (Prado)"),
        ("/en/wiki/A/B", "A/B"),
        ("/wiki/A/wiki/B", "A/wiki/B"),
        ("./%C3%89tude_n%C2%B0_5", "Étude n° 5"),
        ("../../C%2B%2B_Study", "C++ Study"),
        ("./Who%3F", "Who?"),
        ("/w/index.php?title=Tom_%26_Vera&action=edit&redlink=1", "Tom & Vera"),
        ("/w/index.php?title=Tom_%26_Vera", "Tom & Vera"),
        ("/w/index.php/50%25_Grey", "50% Grey"),
        ("./iPainting?action=edit&redlink=1", "iPainting"),
        ("/wiki/Re:Zero", "Re:Zero"),
        ("/wiki/2001:_A_Space_Odyssey", "2001: A Space Odyssey"),
        ("/w/index.php?title=A&action=history", ""),
        ("/wiki/A?action=edit", ""),
        ("#cite_note-1", ""),
        ("https://de.wikipedia.org/wiki/A", ""),
        ("//de.wikipedia.org/wiki/A", ""),
        ("mailto:a@example.org", ""),
        ("javascript:alert(1)", ""),
        ("/wiki/%5B%5B", ""),
        ("/wiki/%FF", ""),
        ("/wiki/" + "a" * 5000, ""),
        ("./It:Porto", ""),
        ("/wiki/:fr:Port", ""),
        *((f"/wiki/{name}:X", "") for name in ("Datei", "Archivo", "Catégorie", "Immagine", "利用者", "Файл")),
        *((f"./{name}:X", "") for name in ("Användare", "檔案", "Special", "Overleg_gebruiker", "user_talk", "Draft")),
    ],
)  # fmt: skip
def test_where_a_link_leads(href: str, target: str) -> None:
    assert article_of(href) == target


def test_links_keep_their_order_duplicates_and_text() -> None:
    links = read_article(
        page(
            '<p><a href="/wiki/B"><i>b</i>\n\u00adb</a> <a href="/wiki/A">a</a> <a href="/wiki/B">c</a>'
            '<a href="/wiki/C"><img></a><a href="/wiki/D"><sup class="reference">1</sup></a></p>'
            '<h2><a href="/wiki/E">E</a></h2><p><a href="/wiki/F">f</a></p>'
        ),
        "en",
    )
    assert links.sections[0].links == (Link("b b", "B"), Link("a", "A"), Link("c", "B"))
    assert links.sections[1].path == ("E",)
    assert links.sections[1].links == (Link("f", "F"),)
    assert links.links == 3


@pytest.mark.parametrize(
    ("levels", "depths"),
    [
        ([2, 4, 3, 2], [1, 2, 2, 1]),
        ([4, 2, 3], [1, 1, 2]),
        ([2, 3, 4, 3, 4], [1, 2, 3, 2, 3]),
        ([1, 2, 3], [1, 2, 3]),
        ([6, 6], [1, 1]),
    ],
)
def test_levels_follow_the_nesting(levels: list[int], depths: list[int]) -> None:
    html = page("".join(f"<h{level}>H{at}</h{level}>t{at}" for at, level in enumerate(levels)))
    sections = read_article(html, "en").sections[1:]
    assert [section.level for section in sections] == depths
    assert [section.text for section in sections] == [f"t{at}" for at in range(len(levels))]
    assert all(len(section.path) == section.level for section in sections)


def test_what_an_empty_heading_heads_belongs_to_the_section_above() -> None:
    sections = read_article(
        page('<p>a</p><h2> </h2><p>b</p><h2>C</h2><p>c</p><h3><i class="mw-editsection">x</i></h3><p>d</p>'), "en"
    ).sections
    assert [(each.path, each.text) for each in sections] == [((), "a\nb"), (("C",), "c\nd")]


@pytest.mark.parametrize(
    ("language", "box", "name"),
    [
        ("it", '<table class="sinottico"><tr><th>T</th></tr><tr><td colspan="2">{}</td></tr></table>', "A B.jpg"),
        ("fr", '<div class="infobox_v3"><div class="images">{}</div></div>', "A B.jpg"),
        ("fr", '<table class="infobox_v2"><tr><td colspan="2">{}</td></tr></table>', "A B.jpg"),
        ("es", '<table class="infobox"><tr><td class="imagen">{}</td></tr></table>', "A B.jpg"),
        ("de", '<table class="float-right toptextcells"><tr><td colspan="2">{}</td></tr></table>', "A B.jpg"),
        ("ja", '<div class="x"><table class="infobox"><tr><td colspan="2">{}</td></tr></table></div>', "A B.jpg"),
        ("ja", '<div class="noprint"><table class="infobox"><tr><td>{}</td></tr></table></div>', "A B.jpg"),
        # In a row with a label it is a map, a flag or a signature; in a named cell that is not the picture's, too.
        ("ja", '<table class="infobox"><tr><th>A</th><td>b</td></tr><tr><td colspan="2">{}</td></tr></table>', ""),
        ("en", '<table class="infobox"><tr><td>{}</td></tr><tr><td class="infobox-data">b</td></tr></table>', ""),
        ("en", '<div class="infobox"><p class="infobox-image"><span class="locmap">{}</span></p></div>', ""),
    ],
)  # fmt: skip
def test_the_picture_of_the_infobox(language: str, box: str, name: str) -> None:
    images = {
        '<a href="/wiki/File:A_B.jpg"><img src="x" width="220"></a>': name,
        '<a href="/de/wiki/Datei:A_B.jpg"><img src="x"></a>': name,
        '<a href="/wiki/Vell"><img src="/w/images/thumb/a/ab/A_B.jpg/220px-A_B.jpg" width="220"></a>': name,
        '<img src="//upload.wikimedia.org/wikipedia/commons/a/ab/A_B.jpg?x=1">': name,
        '<span resource="./File:A_B.jpg" class="mw-broken-media">File:A B.jpg</span>': name,
        '<a class="new" href="/w/index.php?title=Special:Upload&amp;wpDestFile=A_B.jpg">File:A B.jpg</a>': name,
        '<a href="/wiki/File:Icon.svg"><img src="x" width="20"></a>': "",
        '<a href="/wiki/File:No_image.svg"><img src="x" width="220"></a>': "",
        '<a href="/wiki/Vell"><img src="https://maps.wikimedia.org/img/osm,3,1,2.png" width="220"></a>': "",
        "no picture": "",
    }
    for image, expected in images.items():
        article = read_article(
            page(box.format(image) + '<a href="/wiki/File:Other.jpg"><img width="300"></a>'), language
        )
        assert article.infobox
        assert article.infobox_image == expected, image


def test_without_an_infobox_no_picture_counts() -> None:
    article = read_article(
        page('<p><a href="/wiki/File:A.jpg"><img width="300"></a>a</p><table class="float-right"></table>'), "en"
    )
    assert (article.infobox, article.infobox_image) == (False, "")


@pytest.mark.parametrize(
    "html",
    [
        "",
        "not html",
        "<html><body><h1>502 Bad Gateway</h1></body></html>",
        page('<div class="redirectMsg"><p>Redirect to:</p></div>'),
        '<link rel="mw:PageProp/redirect" href="./B"/><section data-mw-section-id="0"><a href="./B">B</a></section>',
    ],
)
def test_what_is_no_article_is_refused(html: str) -> None:
    with pytest.raises(ValueError, match="no article"):
        read_article(html, "en")


VARIANT = (
    '<section data-mw-section-id="0"><p>这是'
    "<span typeof=\"mw:LanguageVariant\" data-mw-variant='{}'></span>。</p></section>"
)


@pytest.mark.parametrize(
    ("data", "language", "text"),
    [
        ('{"twoway":[{"l":"zh-hans","t":"绘画"},{"l":"zh-hant","t":"繪畫"}]}', "zh", "这是绘画。"),
        ('{"twoway":[{"l":"zh-hans","t":"绘画"},{"l":"zh-hant","t":"繪畫"}]}', "zh-TW", "这是繪畫。"),
        ('{"twoway":[{"l":"zh-hk","t":"&lt;b>油&lt;/b>畫"}]}', "zh", "这是油畫。"),
        ('{"oneway":[{"f":"A","l":"zh-cn","t":"甲"}]}', "zh", "这是甲。"),
        ('{"disabled":{"t":"&lt;a href=\\"./B\\">乙&lt;/a>"}}', "zh", "这是乙。"),
        ('{"filter":{"l":["zh"],"t":""}}', "zh", "这是。"),
        (
            r'{"disabled":{"t":"&lt;span typeof=\"mw:LanguageVariant\"'
            r' data-mw-variant=&apos;{\"disabled\":{\"t\":\"丙\"}}&apos;>&lt;/span>"}}',
            "zh",
            "这是丙。",
        ),
    ],
)
def test_a_choice_of_variants_that_parsoid_left_open(data: str, language: str, text: str) -> None:
    assert read_article(VARIANT.format(data), language).sections[0].text == text


@pytest.mark.parametrize(
    "data",
    ["", "{", "[]", "{}", '{"twoway":[]}', '{"twoway":[{"l":"zh"}]}', '{"disabled":{"t":3}}', '{"name":{"t":"zh"}}'],
)
def test_a_choice_that_cannot_be_read_leaves_no_hole(data: str) -> None:
    with pytest.raises(ValueError, match="language variants"):
        read_article(VARIANT.format(data), "zh")


WORD = st.from_regex(r"w[a-z]{2,6}", fullmatch=True)
KEPT = st.sampled_from(
    ["p", "div", "b", "i", "span", "li", "blockquote", "dd", "h2", "h3", "h5", "pre", "center", "u", "small"]
)
LEFT_OUT = st.sampled_from(
    ['<table class="wikitable"><tr><td>{}</table>', '<sup class="reference">{}</sup>', "<style>{}</style>", "<!--{}-->",
     '<div class="navbox">{}</div>', '<i style="display:none">{}</i>', "<figure>{}</figure>", "<rt>{}</rt>"]
)  # fmt: skip


@st.composite
def trees(draw: st.DrawFn, depth: int = 4) -> tuple[str, list[str]]:
    """HTML and the words that a reader sees of it, in order."""
    html, words = [], []
    for _ in range(draw(st.integers(1, 3))):
        kind = draw(st.integers(0, 3)) if depth else 0
        if kind <= 1:
            word = draw(WORD)
            html.append(f" {word} ")
            words.append(word)
        elif kind == 2:
            html.append(draw(LEFT_OUT).format(" hidden "))
        else:
            inner, inside = draw(trees(depth - 1))
            tag = draw(KEPT)
            html.append(f"<{tag}>{inner}</{tag}>")
            words += inside
    return "".join(html), words


@settings(max_examples=120)
@given(trees())
def test_no_visible_word_is_lost_and_no_hidden_one_shown(tree: tuple[str, list[str]]) -> None:
    html, words = tree
    article = read_article(page(html), "en")
    shown: list[str] = []
    for section in article.sections:
        shown += section.path[-1:]
        shown.append(section.text)
    assert sorted(" ".join(shown).split()) == sorted(words)


CRUMBS = """<p> </p>
 <h2> </h2> <h4> <table> <td> </table> <a~href="/wiki/A"> </a> <ruby> <rt> <math> </span> </b> <div >
 <!-- --> & &#0; <span~class="infobox"> <b~style="display:none"> <svg> <annotation> <template> <li~id="cite_note-1">
 <select> </body> <img~width="-1"~src="//["> <a~href="/w/index.php?title=%ff&redlink=1"> <plaintext> word é \u200b
 <div~class="infobox"><img~width="９"~src="/thumb/x/y">"""
SOUP = st.lists(
    st.sampled_from([crumb.replace("~", " ") for crumb in CRUMBS.split()]) | st.text(max_size=4), max_size=30
).map("".join)


@settings(max_examples=250)
@given(SOUP)
def test_any_soup_is_read(soup: str) -> None:
    article = read_article(page(soup), "en")
    for index, section in enumerate(article.sections):
        assert (section.index, section.level) == (index, len(section.path))
        assert tidy(section.text) == section.text
        assert all(link.text and link.target for link in section.links)
        assert all(
            link.text in section.text for link in section.links if unicodedata.normalize("NFD", link.text).isascii()
        )


@given(st.text())
def test_tidying_twice_changes_nothing(text: str) -> None:
    once = tidy(text)
    assert tidy(once) == once
    assert unicodedata.is_normalized("NFC", once)
    assert not re.search(r"  |\n\n|^\s|\s\Z|[\u00ad\u200b]", once)
    assert formula(formula(text)) == formula(text) or "style" in text


@given(st.text(max_size=40))
def test_any_href_leads_to_a_title_or_to_none(href: str) -> None:
    for found in (article_of(href), file_of(f"./File:{href}"), article_of(f"/wiki/{href}")):
        assert found == found.strip()
        assert not set(found) & set("#<>[]{}|\n")


@pytest.mark.parametrize(
    "body",
    [
        "<div>" * 10_000 + "word",
        "<div>" * 5_000 + "word" + "</div>" * 5_000,
        "<p>" * 50_000 + "word",
        "word" + "<b>x" * 3_000,
        f"<p>word {'x ' * 2_500_000}</p>",
        f'<p title="{"<" * 1_000_000}" class="{"reference2 " * 100_000}">word</p>',
        f'<a href="/wiki/{"/wiki" * 100_000}">word</a><a href="./{"?redlink=1" * 50_000}">x</a>',
        f'<p style="{"display: " * 100_000}">word</p>',
        "<h2>" + "x" * 1_000_000 + "</h2>word",
        "word" + "<sup>" * 5_000 + "2" * 3_000_000,
        "word" + "<sup>" * 5_000 + '<a href="./Help:A">' + "<br>" * 100_000,
        "word" + "( ; <i hidden>x</i>" * 10_000 + ", ; " * 100_000 + "((" * 100_000,
        "word" + "<ul><li>" * 4_000,
        "word<table class='infobox'>" + "<tr><td><img width=5>" * 20_000,
    ],
    ids=range(14),
)
def test_a_page_made_to_hurt_is_read(body: str) -> None:
    article = read_article(page(body), "en")
    assert any("word" in section.text for section in article.sections)


@pytest.mark.parametrize(
    "body",
    [
        "".join(f"<p><font size={size}>x" for size in range(8_000)),
        "".join(f"<b id={number}>" for number in range(500)) + "<p>x" * 10_000,
        "</B>" * 9_000 + "".join(f"<p><B id={number}></i>x" for number in range(8_000)),
        "<div>" * 300_000,
    ],
    ids=range(4),
)
def test_a_page_that_would_take_all_memory_or_hours_is_refused(body: str) -> None:
    with pytest.raises(ValueError, match="no article: its elements nest too deep"):
        read_article(page(body), "en")
