"""The family of wikis is what the tests of the crawl take it for: real pages, known truth, faults to switch on."""

import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections import Counter
from typing import Any

import pytest

from crawlers.article import read_article
from crawlers.sections import drop_sections
from tests.wiki.corpus import LANGUAGES
from tests.wiki.family import WikiFamily

AGENT = "BabelVision/0.1 (tests@example.org) aiohttp"


def ask(family: WikiFamily, path: str, agent: str = AGENT, timeout: float = 20) -> tuple[int, bytes, dict[str, str]]:
    """What a stranger gets: status, body, headers."""
    request = urllib.request.Request(family.base + path, headers={"User-Agent": agent})
    try:
        with urllib.request.urlopen(request, timeout=timeout) as response:
            return response.status, response.read(), dict(response.headers)
    except urllib.error.HTTPError as error:
        return error.code, error.read(), dict(error.headers)


def pages(answer: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {page["title"]: page for page in answer["query"]["pages"]}


def test_every_page_of_the_truth_is_there(family: WikiFamily) -> None:
    for language in LANGUAGES:
        truth = {page.title: page for page in family.corpus.truth if page.language == language}
        titles = list(truth)
        found = pages(
            family.call(
                language, action="query", titles="|".join(titles), prop="info|pageprops|langlinks", lllimit="500"
            )
        )
        for title, page in truth.items():
            missing = page.refused == "missing_page_v1"
            assert found[title].get("missing", False) == missing
            if page.sections:
                assert found[title].get("pageprops", {}).get("wikibase_item", "") == page.item
                assert len(found[title].get("langlinks", [])) + 1 == page.versions
            assert ("disambiguation" in found[title].get("pageprops", {})) == (page.refused == "disambiguation_v1")


def test_the_infobox_lists_the_artworks_and_nothing_else_in_the_main_namespace(family: WikiFamily) -> None:
    listed = family.call("en", action="query", list="embeddedin", eititle="Template:Infobox artwork", eilimit="500")
    titles = {page["title"] for page in listed["query"]["embeddedin"] if page["ns"] == 0}
    assert titles == {page.title for page in family.corpus.truth if page.language == "en"}
    assert "User:Somebody/Draft" in {page["title"] for page in listed["query"]["embeddedin"]}


def test_chinese_is_converted_and_its_markup_is_gone(family: WikiFamily) -> None:
    for variant, word in (("zh-hans", "绘画"), ("zh-hant", "繪畫")):
        html = family.call("zh", action="parse", page="琥珀港", prop="text", variant=variant)["parse"]["text"]
        assert f"一幅{word}" in html
        assert "-{" not in html


@pytest.mark.parametrize("parser", ["legacy", "parsoid"])
def test_articles_are_read_exactly_whatever_parser_rendered_them(family: WikiFamily, parser: str) -> None:
    """Sections, links and the infobox's picture of every page in every language; of Parsoid, one artwork in all ten."""
    articles = [page for page in family.corpus.truth if page.sections]
    for page in articles if parser == "legacy" else articles[:10]:
        if parser == "legacy":
            variant = {"variant": "zh-hans"} if page.language == "zh" else {}
            html = family.call(page.language, action="parse", page=page.title, prop="text", **variant)["parse"]["text"]
        else:
            name = urllib.parse.quote(page.title.replace(" ", "_"), safe="")
            html = ask(family, f"/{page.language}/w/rest.php/v1/page/{name}/html")[1].decode()
        article = read_article(html, page.language)
        assert [(section.path, section.text) for section in article.sections] == [
            (section.path, section.text) for section in page.sections
        ]
        assert [[(link.text, link.target) for link in section.links] for section in article.sections] == [
            section.links for section in page.sections
        ]
        kept, _ = drop_sections(article, page.language)
        assert [section.index for section in kept.sections] == [
            index for index, section in enumerate(page.sections) if not section.dropped
        ]
        assert (article.infobox_image, article.references) == (page.image, page.references)
        assert article.infobox == (page.refused != "no_infobox_v1")


def test_files_have_their_licence_and_their_place(family: WikiFamily) -> None:
    names = [
        "Tom & Vera (Velli).jpg",
        "Quarry Saints (rights held).jpg",
        "Red Lagoon (Velli).jpg",
        "Pale Rider Study - lost.jpg",
    ]
    found = pages(
        family.call(
            "en",
            action="query",
            titles="|".join(f"File:{name}" for name in names),
            prop="imageinfo",
            iiprop="url|size|extmetadata",
            iiurlwidth="330",
        )
    )
    by_sa, fair, none, lost = (found[f"File:{name}"] for name in names)
    assert by_sa["imagerepository"] == "shared"
    assert by_sa["imageinfo"][0]["extmetadata"]["LicenseShortName"]["value"] == "CC BY-SA 4.0"
    assert fair["imagerepository"] == "local"
    assert fair["imageinfo"][0]["extmetadata"]["LicenseShortName"]["value"] == "Fair use"
    assert "LicenseShortName" not in none["imageinfo"][0]["extmetadata"]
    assert "imageinfo" not in lost
    for url in (by_sa["imageinfo"][0]["thumburl"], fair["imageinfo"][0]["thumburl"], by_sa["imageinfo"][0]["url"]):
        status, body, _ = ask(family, url.removeprefix(family.base))
        assert (status, body[:3]) == (200, b"\xff\xd8\xff")


def test_edits_views_and_sitelinks(family: WikiFamily) -> None:
    for page in [page for page in family.corpus.truth if page.language == "en"][:3]:
        _, body, _ = ask(family, f"/en/w/rest.php/v1/page/{page.title.replace(' ', '_')}/history/counts/edits")
        assert json.loads(body)["count"] == page.edits
    views = "/api/rest_v1/metrics/pageviews/per-article/en.wikipedia.org/all-access/user/{}/monthly/20250701/20250930"
    assert len(json.loads(ask(family, views.format("Amber_Harbour"))[1])["items"]) == 3
    assert ask(family, views.format("St._John_the_Quarryman"))[0] == 404
    _, body, _ = ask(family, "/wikidata/w/api.php?action=wbgetentities&ids=Q9000000|Q1&props=sitelinks&format=json")
    entities = json.loads(body)["entities"]
    assert entities["Q9000000"]["sitelinks"]["jawiki"]["title"] == "琥珀の港"
    assert "missing" in entities["Q1"]


def test_faults_come_when_they_are_planted_and_are_written_down(family: WikiFamily) -> None:
    path = "/en/w/api.php?action=query&meta=siteinfo&format=json&formatversion=2&maxlag=5"
    family.forget_requests()
    with family.faults(every={"503": 3, "429": 4, "truncated": 5}):
        answers = [ask(family, path) for _ in range(10)]
    assert [status for status, _, _ in answers] == [200, 200, 503, 429, 200, 503, 200, 429, 503, 200]
    assert answers[3][2]["Retry-After"] == "1"
    assert json.loads(answers[0][1])["query"]
    for number in (4, 9):
        with pytest.raises(json.JSONDecodeError):
            json.loads(answers[number][1])
    asked = family.requests()
    assert Counter(request.fault for request in asked) == {"": 3, "503": 3, "429": 2, "truncated": 2}
    assert {(request.wiki, request.agent, request.params["meta"]) for request in asked} == {("en", AGENT, "siteinfo")}
    assert all(request.start <= request.end for request in asked)

    with family.faults(lag=7.3):
        status, body, headers = ask(family, path)
        assert (status, json.loads(body)["error"]["code"], headers["Retry-After"]) == (200, "maxlag", "5")
    with family.faults(require_agent=True):
        assert ask(family, path, agent="python-requests/2.32")[0] == 403
        assert ask(family, path)[0] == 200
    with family.faults(per_second=0.5, burst=2):
        assert [ask(family, path)[0] for _ in range(3)] == [200, 200, 429]
    with family.faults(every={"hang": 1}, hang=1):
        with pytest.raises(TimeoutError):
            ask(family, path, timeout=0.3)
    time.sleep(1)
    assert ask(family, path)[0] == 200


def test_a_page_can_be_edited_and_deleted_and_its_revision_stays(family: WikiFamily) -> None:
    first = family.edit("en", "A passing page", "First words.")
    second = family.edit("en", "A passing page", "Second words.")
    assert second > first
    assert "First words" in family.call("en", action="parse", oldid=str(first), prop="text")["parse"]["text"]
    assert family.text("en", "A passing page") == "Second words."
    family.delete("en", "A passing page")
    _, body, _ = ask(family, f"/en/w/api.php?action=parse&oldid={first}&format=json&formatversion=2")
    assert json.loads(body)["error"]["code"] in ("nosuchrevid", "missingtitle", "permissiondenied")
