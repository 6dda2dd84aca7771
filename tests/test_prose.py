"""What a reader sees of an article's markup: words and numbers, no marks of editors nor what these leave."""

import pytest

from tests.test_article import lead


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("<ruby><rb>琥珀</rb><rp>（</rp><rt>こはく</rt><rp>）</rp></ruby>の港", "琥珀の港"),
        ("ＡＢＣ　ﾊﾝｶｸ", "ＡＢＣ　ﾊﾝｶｸ"),
        ("cafe\u0301 pa\u00adper\u200b\ufeff 1\u202f000", "café paper 1 000"),
        ('<span style="Display : none ;color:red">x</span>a<b style="display:inline">b</b>', "ab"),
        ('<span hidden>x</span>a<span aria-hidden="true">b</span>', "ab"),
        ('XIX<sup style="font-size:70%">e</sup> siècle<sup class="reference">[4]</sup>', "XIXe siècle"),
        ('<span class="geo-default"><span class="geo">1; 2</span></span>a', "a"),
        ("half \ud800a character", "half a character"),
        ("<pre>one\ntwo</pre>three\nfour", "one\ntwo\nthree four"),
        ('<span class="tex">$x^2$</span>, <math alttext="{\\displaystyle y}"><mi>y</mi></math>', "x^2, y"),
        ('<div class="noprint">x</div><details><summary>a</summary>b</details>', "a\nb"),
        ("a<script>x</script><style>y</style><noscript>z</noscript><!-- w --><template>v</template>", "a"),
        ('<a href="/wiki/Template:X">Template:X</a><a href="./Vorlage:Y">Vorlage:Y</a>a', "a"),
    ],
)
def test_what_is_prose(body: str, text: str) -> None:
    assert lead(body) == text


MARK = '<sup>&nbsp;[<i><a href="{}">{}</a></i>]</sup>'


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ('A (<span class="IPA nopopups noexcerpt">/a/</span>; Italian: <i>B</i>)', "A (/a/; Italian: B)"),
        ('A (<b class="noprint">x</b>; Italian: <i>B</i>) is', "A (Italian: B) is"),
        ('A (it. B, French: <b class="noprint">x</b>) is', "A (it. B, French) is"),
        (
            'A (<b class="noprint">x</b>[<style>y</style>]; <i hidden>z</i>), f() and (<style>y</style>b)',
            "A, f() and (b)",
        ),
        ('《甲》（<b class="noprint">x</b>）是（乙，<b class="noprint">x</b>）', "《甲》是（乙）"),
        ('a, <i class="sortkey">x</i>b; <i hidden>x</i>; c <i hidden>x</i>. d <i hidden>x</i>e', "a, b; c. d e"),
        ("a <i hidden>x</i> ; b :<i hidden>x</i> c 1,<i hidden>x</i>000 <i hidden>x</i>.5", "a ; b : c 1,000 .5"),
        ('a<br><sup class="ext-phonos-attribution"><a href="/wiki/File:A.ogg">ⓘ</a></sup> b', "a\nb"),
    ],
)
def test_what_is_left_out_leaves_no_debris(body: str, text: str) -> None:
    assert lead(body) == text


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("10<sup>6</sup> m<sup> 2</sup> 5·10<sup>−3</sup> H<sub>2</sub>O", "10⁶ m² 5·10⁻³ H₂O"),
        ("SO<sub>4</sub><sup>2−</sup> x<sup>1/2</sup> a<sub>1,5</sub>", "SO₄²⁻ x^{1/2} a_{1,5}"),
        ('SO<b class="template-chem2-su"><span>2−</span><span>4</span></b>', "SO²⁻₄"),
        ("2<sup>n</sup> x<sub>n−1</sub>", "2ⁿ xₙ₋₁"),
        ("Pb<b><sup>2+</sup><br><sub>3</sub></b>", "Pb²⁺₃"),
        ("1<sup>er</sup> XIX<sup>e</sup> 16<sup>th</sup> n<sup>o</sup> M<sup>me</sup>", "1er XIXe 16th no Mme"),
        ('<span class="frac">3<span class="sr-only">+</span>1⁄2</span>', "3 1⁄2"),
        (
            '<span class="frac">3<i class="sr-only">+</i><span class="num">1</span>⁄<span class="den">2</span></span>',
            "3 1⁄2",
        ),
        ('<span class="frac nowrap">3<i class="visualhide">&nbsp;</i><sup>1</sup>⁄<sub>2</sub></span>', "3 ¹⁄₂"),
        (
            '<span class="sfrac">5<i class="sr-only">+</i><span class="tion"><span class="num">1</span>'
            '<i class="sr-only">/</i><span class="den">2</span></span></span>',
            "5 1⁄2",
        ),
        ('a<span class="sr-only">+</span>b', "ab"),
    ],
)
def test_a_number_stays_the_number_that_it_is(body: str, text: str) -> None:
    assert lead(body) == text


@pytest.mark.parametrize(
    "mark",
    [
        MARK.format("/wiki/Wikipedia:Verificabilidad", "cita requerida"),
        MARK.format("./Wikipedia:Bronvermelding", "bron?"),
        MARK.format("/wiki/Wikipedia:K%C3%A4llh%C3%A4nvisningar", "källa behövs"),
        MARK.format("/wiki/%D0%92%D0%9F:%D0%A1", "источник не указан 10 дней"),
        MARK.format("/wiki/Wikipedia:%E8%A6%81%E5%87%BA%E5%85%B8", "要出典"),
        MARK.format("/wiki/Aiuto:Uso_delle_fonti", "senza fonte"),
        MARK.format("#endnote_a", "a"),
        '<sup class="need_ref_tag">[<a href="/wiki/A">réf. nécessaire</a>]</sup>',
        ' <small>(<a href="/wiki/Wikipedia:Media_help">help</a>·<a href="/wiki/File:A.ogg">info</a>)</small>',
        ' (<small><a href="/wiki/Bestand:A.ogg">uitspraak</a> (<a href="/wiki/Wikipedia:U">uitleg</a>)</small>)',
        '<sup><a href="/wiki/Help:Installing_Japanese_character_sets">?</a></sup>',
    ],
)
def test_marks_of_editors_and_of_notes_are_no_prose(mark: str) -> None:
    assert lead(f"claim{mark}, more") == "claim, more"


def test_a_raised_or_small_link_to_an_article_is_prose() -> None:
    assert (
        lead('a<sup>[<a href="/wiki/Sic">sic</a>]</sup> <small><a href="/wiki/M">m</a><sup>2</sup></small>')
        == "a[sic] m²"
    )


@pytest.mark.parametrize(
    "gone",
    [
        '<a href="/w/index.php?title=Special:Upload&amp;wpDestFile=Gone.jpg" class="new">File:Gone.jpg</a>',
        '<a href="./File:Gone.jpg" class="new"><span class="mw-file-element mw-broken-media">File:Gone.jpg</span></a>',
    ],
)
def test_a_missing_file_leaves_no_words(gone: str) -> None:
    assert lead(f'<p>Text {gone} after <a href="/wiki/File:A.jpg">the photograph</a>.</p>') == (
        "Text after the photograph."
    )


@pytest.mark.parametrize(
    "quiet", ["sup.reference", "div.hatnote", "div.bandeau-section", "div.infobox_v3", "span.iw__note"]
)
def test_a_box_takes_all_that_is_in_it(quiet: str) -> None:
    tag, name = quiet.split(".")
    assert lead(f'a <{tag} class="x {name}"><p>no <a href="/wiki/B">b</a></p></{tag}>c') in ("a c", "a\nc")
