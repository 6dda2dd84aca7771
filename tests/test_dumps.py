"""Wikimedia Enterprise snapshots: which pages are taken, in what order, and what damage is said to be."""

import gzip
import io
import json
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crawlers import dumps
from crawlers.article import read_article
from crawlers.dumps import DumpError, Reading

HTML = '<section data-mw-section-id="0"><p>{}</p></section>'


def record(language: str, page_id: int, title: str, qid: str = "", revision: int = 0, **changed: Any) -> dict[str, Any]:
    return (
        {
            "name": title,
            "identifier": page_id,
            "url": f"https://{language}.wikipedia.org/wiki/{title}",
            "date_modified": "2026-10-01T00:00:00Z",
            "namespace": {"identifier": 0},
            "in_language": {"identifier": language},
            "is_part_of": {"identifier": f"{language.replace('-', '_')}wiki"},
            "version": {"identifier": revision or 1000 + page_id, "size": {"value": 77, "unit_text": "B"}},
            "article_body": {"html": HTML.format(title), "wikitext": title},
            "license": [{"name": "CC BY-SA 4.0", "url": "https://creativecommons.org/licenses/by-sa/4.0/"}],
            "templates": [{"name": "Template:Infobox artwork"}],
            "categories": [{"name": "Category:Paintings"}],
            "redirects": [],
        }
        | ({"main_entity": {"identifier": qid, "url": "x"}} if qid else {})
        | changed
    )


def lines(records: Iterable[Mapping[str, Any]]) -> bytes:
    return b"".join(json.dumps(one, ensure_ascii=False).encode() + b"\n" for one in records)


def write(path: Path, records: Iterable[Mapping[str, Any]]) -> Path:
    data = lines(records)
    if path.name.endswith(".tar.gz"):
        with tarfile.open(path, "w:gz") as archive:
            half = data.index(b"\n") + 1
            for name, part in (("a_0.ndjson", data[:half]), ("a_1.ndjson", data[half:])):
                header = tarfile.TarInfo(name)
                header.size = len(part)
                archive.addfile(header, io.BytesIO(part))
    else:
        path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


@pytest.fixture
def family(tmp_path: Path) -> list[Path]:
    english = [
        record("en", 1, "Amber Harbour", "Q11"),
        record("en", 2, "A person", "Q12", templates=[{"name": "Template:Infobox person"}]),
        record("en", 3, "Black Orchard", "Q13", templates=[{"name": "Template:Artwork box"}]),
        record("en", 4, "Without an item"),
        record("en", 1, "Amber Harbour (renamed)", "Q11", revision=2000),
    ]
    italian = [
        record("it", 7, "Porto d'ambra", "Q11", templates=[]),
        record("it", 8, "Altro", "Q99"),
        record("it", 9, "Senza", templates=[]),
    ]
    japanese = [record("ja", 5, "黒い果樹園", "Q13", templates=[{"name": "Template:Infobox 美術品"}])]
    return [
        write(tmp_path / "ja.ndjson", japanese),
        write(tmp_path / "enwiki_0.tar.gz", english),
        write(tmp_path / "it.ndjson.gz", italian),
    ]


def test_artworks_of_the_source_and_their_counterparts_by_item(family: list[Path]) -> None:
    found = dumps.discover(family, ["en", "it", "ja"], ["infobox_artwork", "Template:artwork box"])
    assert [(page.artwork, page.language, page.title) for page in found] == [
        ("Q11", "en", "Amber Harbour (renamed)"),
        ("Q11", "it", "Porto d'ambra"),
        ("Q13", "en", "Black Orchard"),
        ("Q13", "ja", "黒い果樹園"),
        ("en:4", "en", "Without an item"),
    ]
    assert {page.versions for page in found} == {0}, "the dumps given say nothing of other languages"
    assert {page.en_title for page in found[:2]} == {"Amber Harbour (renamed)"}
    assert found[0].revision == 2000
    assert found[0].bytes == 77


def test_a_category_or_a_limit_chooses_the_artworks(family: list[Path]) -> None:
    assert len({page.artwork for page in dumps.discover(family, ["en"], [], ["category:paintings"])}) == 4
    assert [page.artwork for page in dumps.discover(family, ["ja"], ["Infobox artwork"], limit=1)] == ["Q11"]


def test_the_html_of_each_page_comes_once_at_its_revision(family: list[Path]) -> None:
    pages = dumps.discover(family, ["en", "it", "ja"], ["Infobox artwork"])
    found = {(page.language, page.page_id): page for page in dumps.rendered(family, pages)}
    assert set(found) == {("en", 1), ("it", 7), ("en", 4)}
    article = read_article(found["en", 1].html, "en")
    assert article.sections[0].text == "Amber Harbour (renamed)"


def test_other_namespaces_and_other_projects_are_no_articles(tmp_path: Path) -> None:
    path = write(
        tmp_path / "x.ndjson",
        [
            record("en", 1, "Category:X", namespace={"identifier": 14}),
            record("en", 2, "Word", is_part_of={"identifier": "enwiktionary"}),
            record("zh-yue", 3, "畫"),
        ],
    )
    assert [(page.language, page.page_id) for page in dumps.pages_of([path], categories=["Paintings"])] == [
        ("zh-yue", 3)
    ]


@pytest.mark.parametrize("ascii_only", [True, False])
@pytest.mark.parametrize("name", ["Infobox 美術品", "Infobox Gemälde", 'A "quoted" & <odd> box', "𝔊", "Modèle", "A/B"])
def test_no_way_to_write_json_hides_a_name(tmp_path: Path, name: str, ascii_only: bool) -> None:
    text = json.dumps(record("ja", 1, "T", templates=[{"name": f"Template:{name}"}]), ensure_ascii=ascii_only)
    path = tmp_path / "x.ndjson"
    for written in (
        text,
        text.replace("&", "\\u0026").replace("<", "\\u003c").replace("/", "\\/"),
        text.replace(": ", ":"),
    ):
        path.write_text(written + "\n", encoding="utf-8")
        assert [page.page_id for page in dumps.pages_of([path], templates=[name])] == [1]


def test_lines_that_cannot_be_read_are_named_and_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dumps, "LONGEST_LINE", 5000)
    good = lines([record("en", 1, "One")])
    wrong = record("en", 2, "Two", version={"identifier": "soon"})
    headless = {key: value for key, value in record("en", 3, "Three").items() if key != "article_body"}
    bad_json = good.replace(b'"name"', b"name", 1)
    long = lines([record("en", 4, "Four", article_body={"html": "x" * 20_000})])
    path = tmp_path / "x.ndjson"
    path.write_bytes(
        good + lines([wrong, headless]) + bad_json + long + b"\n" + lines([record("en", 5, "Five")]) + good[:250]
    )
    reading = Reading()
    found = list(dumps.pages_of([path], templates=["Infobox artwork"], reading=reading))
    assert [page.page_id for page in found] == [1, 5]
    assert reading.passed_over == {"incomplete": 2, "not_json": 1, "too_long": 1, "cut": 1}
    assert reading.named[-1] == f"{path}, line 8: cut"


@pytest.mark.parametrize("name", ["x.tar.gz", "x.ndjson.gz"])
def test_a_damaged_dump_is_named_with_the_place(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / name, [record("en", number, f"Page {number}") for number in range(300)])
    whole = path.read_bytes()
    for damaged in (whole[: len(whole) // 2], whole[:200] + bytes(80) + whole[280:], b"no gzip at all"):
        path.write_bytes(damaged)
        with pytest.raises(
            DumpError, match=rf"{name}: damaged near byte \d+ of {len(damaged)}, after .*download it again"
        ):
            list(dumps.pages_of([path], templates=["Infobox artwork"]))


def test_no_artwork_at_all_is_said(family: list[Path]) -> None:
    with pytest.raises(DumpError, match=r"no article of en in .*enwiki_0\.tar\.gz transcludes or is in: Infobox boat"):
        dumps.discover(family, ["it"], ["Infobox boat"])


def test_pages_of_some_languages_alone(family: list[Path]) -> None:
    found = dumps.pages_of(family, items=["Q11", "Q13"], languages=["it", "ja"])
    assert [(page.language, page.qid) for page in found] == [("ja", "Q13"), ("it", "Q11")]


def test_a_language_without_a_dump_is_named(family: list[Path]) -> None:
    with pytest.raises(DumpError, match="no dump of de, sv among the 3 files, which are of ja, en, it"):
        dumps.discover(family, ["en", "de", "sv"], ["Infobox artwork"])
    family[0].write_bytes(b"")
    with pytest.raises(DumpError, match=r"ja\.ndjson: no article of a Wikipedia in it"):
        dumps.discover(family, ["en"], ["Infobox artwork"])


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["identifier", "name", "html", "x"]), inner)
    ),
    max_leaves=6,
)
FIELDS = [
    "name",
    "identifier",
    "is_part_of",
    "version",
    "article_body",
    "main_entity",
    "templates",
    "license",
    "namespace",
]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(changed=st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=3), whole=VALUES)
def test_a_field_of_any_type_breaks_nothing(tmp_path: Path, changed: dict[str, Any], whole: Any) -> None:
    path = tmp_path / "x.ndjson"
    path.write_bytes(
        lines([record("en", 1, "One", "Q1", **changed)])
        + json.dumps(whole).encode()
        + b"\n"
        + lines([record("en", 2, "Two")])
    )
    reading = Reading()
    found = list(
        dumps.pages_of([path], templates=["Infobox artwork"], categories=["Paintings"], items=["Q1"], reading=reading)
    )
    assert found[-1].page_id == 2
    assert all(isinstance(page.title, str) and isinstance(page.qid, str) for page in found)
