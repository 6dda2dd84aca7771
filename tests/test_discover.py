"""What there is to crawl: from a family of real wikis, and from one that changes while it is listed."""

import asyncio
import urllib.request
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web

from crawlers.api import Unready, judge
from crawlers.cache import Cache
from crawlers.discover import Forecast, discover, forecast
from crawlers.guard import Guard
from crawlers.languages import LANGUAGES, check_languages, is_wikipedia, site_id
from crawlers.mediawiki import Client, Gone, PageRef, WikiError, family_of, together
from crawlers.polite import Gate
from tests.lying_wiki import CONTACT, LyingWiki, Reply, leaping, page, says
from tests.wiki.corpus import LANGUAGES as TEN
from tests.wiki.corpus import Truth
from tests.wiki.family import Asked, WikiFamily

INFOBOX = ["Template:Infobox artwork"]
STATES = {
    "missing_page_v1": "missing",
    "disambiguation_v1": "disambiguation",
    "redirect_elsewhere_v1": "redirect_elsewhere",
}


def on(
    family: WikiFamily,
    work: Callable[[Client], Awaitable[Any]],
    *,
    cache: Cache | None = None,
    crawl: str = "",
) -> Any:
    """What a client does on the family; without a cache it is asked anew."""

    async def main() -> Any:
        guard = Guard(frozenset({family.base.removeprefix("http://")}))
        store = cache or Cache(":memory:")
        async with Client(family_of(family.base), CONTACT, Gate(60_000), store, guard, crawl) as client:
            return await work(client)

    return asyncio.run(main())


def listing(languages: Any = TEN, templates: Any = INFOBOX, categories: Any = (), **options: Any) -> Any:
    return lambda client: discover(client, languages, templates, categories, **options)


def expected(truth: list[Truth]) -> set[tuple[Any, ...]]:
    return {
        (each.language, each.title, STATES.get(each.refused, "ok"), each.item, each.versions, each.artwork)
        for each in truth
    }


def found(pages: list[PageRef]) -> set[tuple[Any, ...]]:
    return {(each.language, each.title, each.state, each.qid, each.versions, each.en_title) for each in pages}


@pytest.fixture(scope="module")
def cache() -> Cache:
    """What was asked for in this module: PHP takes its time."""
    return Cache(":memory:")


@pytest.fixture(scope="module")
def whole(family: WikiFamily, cache: Cache) -> tuple[list[PageRef], list[Asked], list[tuple[str, int, int]]]:
    """The pages of all ten languages, the requests for them as the server saw them, and the progress told."""
    steps: list[tuple[str, int, int]] = []
    family.forget_requests()
    pages = on(family, listing(progress=lambda *step: steps.append(step)), cache=cache)
    return pages, family.requests(), steps


def test_every_page_of_every_language_is_found_and_no_other(family: WikiFamily, whole: Any) -> None:
    pages, asked, steps = whole
    assert found(pages) == expected(family.corpus.truth)
    assert len(pages) == len(family.corpus.truth)
    artworks = list(dict.fromkeys(each.artwork for each in pages))
    assert len(artworks) == 28
    order = [(artworks.index(each.artwork), TEN.index(each.language)) for each in pages]
    assert order == sorted(order), "artwork by artwork, the source language first"
    assert all(bool(each.page_id) == bool(each.bytes) == (each.state in ("ok", "disambiguation")) for each in pages)
    here = [each for each in pages if each.state == "ok"]
    assert len({(each.language, each.revision) for each in here}) == len(here)
    assert {each.artwork for each in pages if not each.qid} == {
        f"en:{each.page_id}" for each in pages if each.language == "en" and not each.qid
    }
    assert len(asked) == 23, "ten wikis, the template, its two names, a batch a language"
    assert {each.agent.split("/")[0] for each in asked} == {"BabelVision"}
    assert {each.params["maxlag"] for each in asked} == {"5"}
    assert steps[-1][1] == steps[-1][2] > 0


def test_counterparts_by_wikidata(family: WikiFamily, cache: Cache) -> None:
    pages = on(family, listing(counterparts="wikidata"), cache=cache)
    known = [each for each in family.corpus.truth if each.item or each.language == "en"]
    lacking = {"Vanitas con limone": 0}  # an item has no link to what is not there
    titles = {(each.language, each.title) for each in known if each.title not in lacking}
    assert {(each.language, each.title) for each in pages} == titles
    assert {each.state for each in pages} == {"ok", "disambiguation", "redirect_elsewhere"}
    versions = {each.title: each.versions for each in pages if each.language == "en"}
    assert versions["Black Orchard"] == 12
    assert versions["Olive Annunciation"] == 1


def test_some_languages_a_limit_and_a_category(family: WikiFamily, whole: Any, cache: Cache) -> None:
    pages = whole[0]

    def again(*arguments: Any, **options: Any) -> list[PageRef]:
        listed: list[PageRef] = on(family, listing(*arguments, **options), cache=cache)
        return listed

    assert again(["ja", "en"]) == [each for each in pages if each.language in ("en", "ja")]
    assert again(["ja"]) == [each for each in pages if each.language == "ja"]
    first = list(dict.fromkeys(each.artwork for each in pages))[:5]
    assert again(["en", "ja"], limit=5) == [
        each for each in pages if each.artwork in first and each.language in ("en", "ja")
    ]
    both = again(["en"], [], ["Paintings"])
    titles = {each.title for each in pages if each.language == "en"}
    assert {each.title for each in both} == titles | {"Vell school"}
    assert again(["en"], INFOBOX, ["Category:Paintings"]) == both
    by_old_name = again(["en"], ["infobox_artwork", "Template:Infobox painting"])
    assert by_old_name == [each for each in pages if each.language == "en"]


@pytest.mark.parametrize(
    ("work", "error", "words"),
    [
        (listing(templates=["Infobox artwrok"]), WikiError, "has no Template:Infobox artwrok; is the name right?"),
        (listing(templates=["Template:Disambiguation"]), WikiError, "no article on the en wiki uses"),
        (listing(templates=[], categories=["Sculptures"]), WikiError, "Category:Sculptures on the en wiki has no"),
        (listing(templates=["a|b"]), ValueError, "template 'a|b': no title of a wiki"),
        (listing(templates=[]), ValueError, "no template and no category"),
        (listing(["en", "itt"]), ValueError, "language 'itt': Wikipedia has none with this code; did you mean"),
        (listing(["en", "pt"]), WikiError, "language 'pt': this family has no such wiki"),
    ],
)  # fmt: skip
def test_what_cannot_be_listed_is_said_in_one_line(
    family: WikiFamily, cache: Cache, work: Any, error: Any, words: str
) -> None:
    with pytest.raises(error) as caught:
        on(family, work, cache=cache)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_faults_of_the_servers_change_nothing(family: WikiFamily, whole: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crawlers.polite.BASE_SECONDS", 0.01)
    sent: Counter[str] = Counter()

    async def work(client: Client) -> Any:
        pages = await discover(client, ["en", "it", "ja", "ru"], INFOBOX)
        sent.update(client.requests)
        return pages

    with family.faults(every={"503": 3, "truncated": 5, "429": 7}, retry_after=0):
        pages = on(family, work)
    assert pages == [each for each in whole[0] if each.language in ("en", "it", "ja", "ru")]
    assert {"retried/503", "retried/garbled", "retried/429"} <= sent.keys()
    assert sent.total() > 11


def test_a_lag_is_told_from_success(family: WikiFamily) -> None:
    """MediaWiki says so with status 200; the client would wait for the five seconds that it asks for."""
    url = f"{family.base}/en/w/api.php?action=query&meta=siteinfo&maxlag=5&format=json&formatversion=2"
    for form in ("&errorformat=plaintext", ""):
        with family.faults(lag=7.3), urllib.request.urlopen(url + form, timeout=30) as response:
            with pytest.raises(Unready) as caught:
                judge(response.status, response.headers, response.read())
        assert response.status == 200
        assert (caught.value.reason, caught.value.retry_after) == ("maxlag", "5")


def test_a_listing_in_the_smallest_pieces_is_the_same(family: WikiFamily) -> None:
    def properties(**limits: str) -> Any:
        return on(
            family,
            lambda client: client.query(
                "en", "listing", generator="embeddedin", geititle=INFOBOX[0], geinamespace="0",
                prop="langlinks|templates|images|pageprops", **limits,
            ),
        )  # fmt: skip

    whole = properties(geilimit="max", lllimit="max", tllimit="max", imlimit="max")
    family.forget_requests()
    pieces = properties(geilimit="12", lllimit="20", tllimit="150", imlimit="25")
    assert len(family.requests()) > 5
    assert len(whole) == 28
    assert {each["pageid"]: _sorted(each) for each in pieces} == {each["pageid"]: _sorted(each) for each in whole}


def _sorted(page: dict[str, Any]) -> dict[str, Any]:
    return {name: sorted(map(str, part)) if isinstance(part, list) else part for name, part in page.items()}


def test_a_page_edited_or_deleted_after_it_was_listed(family: WikiFamily) -> None:
    """Its text is that of the revision listed; when it is deleted, that is said and not taken for a failure."""
    first = family.edit("en", "Late Changes", "The first text.")
    family.edit("en", "Late Changes", "The second text.")

    async def work(client: Client) -> Any:
        (seen,) = await client.query("en", "properties", titles="Late Changes", prop="info")
        ref = PageRef("en", "Late Changes", seen["pageid"], first, "Q1", "Q1", 15, 1, "ok", "Late Changes")
        before = await client.html(ref)
        assert "The first text." in before.html
        assert before.title == "Late Changes"
        family.delete("en", "Late Changes")
        assert await client.html(ref) == before, "it is kept"
        with pytest.raises(Gone) as caught:
            await client.html(ref, "en")
        return caught.value.code, await client.edits(ref)

    assert on(family, work) == ("nosuchrevid", None)


def test_a_chinese_title_is_of_the_variant_that_is_asked_for(family: WikiFamily) -> None:
    revision = family.edit("zh", "黑色果園", "一幅繪畫。")
    ref = PageRef("zh", "黑色果園", 0, revision, "Q1", "Q1", 15, 1, "ok", "Black Orchard")
    texts = on(family, lambda client: together(client.html(ref, variant) for variant in ("zh-hans", "zh-hant")))
    family.delete("zh", "黑色果園")
    assert [each.title for each in texts] == ["黑色果园", "黑色果園"]


def test_texts_files_edits_and_views(family: WikiFamily, whole: Any, cache: Cache) -> None:
    """Of four artworks, asked for at once: what was forecast is what is asked, and the next crawl asks for nothing."""
    truths = {(each.language, each.title): each for each in family.corpus.truth}
    some = ("Black Orchard", "Iron Venus", "Quarry Saints", "St. John the Quarryman")
    pages = [each for each in whole[0] if each.en_title in some and each.language in ("en", "it", "zh")]
    own = [each for each in pages if each.language == "en"]
    months = ("202501", "202512")
    names = ["Black Orchard (Velli).jpg", "Red_Lagoon_(Velli).jpg", "Quarry Saints (rights held).jpg", "Of nobody.jpg"]

    def told(client: Client) -> Forecast:
        return forecast(pages, client, views=months, variant="zh-hans")

    async def work(client: Client) -> Any:
        before = told(client)
        texts = await together(client.html(each, "zh-hans" if each.language == "zh" else "") for each in pages)
        edits = await together(map(client.edits, own))
        views = await together(client.views(each, *months) for each in own)
        assert client.requests == {kind: before.requests[kind] for kind in ("parse", "edits", "views")}
        return texts, edits, views, await client.files("en", names), before, told(client)

    texts, edits, views, files, before, after = on(family, work, cache=cache)
    assert len(pages) == 9
    assert before.requests == {"parse": 9, "edits": 4, "views": 4, "files": 3}
    assert before.cached == {"parse": 0, "edits": 0, "views": 0}
    assert after.requests == before.cached | {"files": 3}
    assert after.cached == {"parse": 9, "edits": 4, "views": 4}
    assert before.seconds > after.seconds > 0

    assert [(each.language, each.revision, each.page_id) for each in texts] == [
        (each.language, each.revision, each.page_id) for each in pages
    ]
    assert all(f"<b>{each.title}</b>" in each.html for each in texts if each.language != "zh")
    simplified = next(each.html for each in texts if each.language == "zh")
    assert "绘画" in simplified
    assert "繪畫" not in simplified
    assert edits == [truths["en", each.title].edits for each in own]
    viewed = {each.title: number for each, number in zip(own, views, strict=True)}
    assert viewed.pop("St. John the Quarryman") == 0
    assert all(number >= 120 and number % 12 == 0 for number in viewed.values())
    assert {name: (file.licence, file.repository) for name, file in files.items()} == {
        names[0]: ("CC BY-SA 4.0", "shared"), names[1]: ("", "shared"), names[2]: ("Fair use", "local"),
    }  # fmt: skip
    assert all(file.sha1 and file.width and "330px" in file.thumbnail_url for file in files.values())

    async def next_crawl(client: Client) -> Counter[str]:
        await together(client.html(each, "zh-hans" if each.language == "zh" else "") for each in pages)
        await together([*map(client.edits, own), *(client.views(each, *months) for each in own)])
        return client.requests

    assert not on(family, next_crawl, cache=cache, crawl="another")


# A wiki that changes, and one whose links are wrong


def page_of(number: int, title: str, qid: str = "", **more: Any) -> dict[str, Any]:
    props = {"wikibase_item": qid} if qid else {}
    return {"pageid": number, "title": title, "lastrevid": number * 10, "length": 100, "pageprops": props, **more}


def scripted(sources: list[dict[str, Any]], others: dict[str, Any]) -> Reply:
    """A wiki that lists pages 1 to 9 and says of them `sources`, and of any other's titles `others`."""

    async def reply(request: web.Request) -> web.StreamResponse:
        params = {**request.query, **await request.post()}
        answer: dict[str, Any] = {"batchcomplete": True}
        if params.get("list") == "embeddedin":
            pages = [{"pageid": number, "ns": 0, "title": f"Listed {number}"} for number in range(1, len(sources) + 1)]
            answer["query"] = {"embeddedin": pages}
        elif "pageids" in params:
            answer["query"] = {"pages": sources}
        elif params.get("prop") == "redirects":
            answer["query"] = {"pages": [{"pageid": 99, "title": "Template:Infobox artwork"}]}
        elif "titles" in params:
            answer["query"] = others
        return await says(answer)(request)

    return reply


def listed(sources: list[dict[str, Any]], others: dict[str, Any], refuse: str = "\0") -> list[PageRef]:
    """What is listed on a scripted wiki, which must not be asked for a title with `refuse` in it."""

    async def main() -> list[PageRef]:
        async with LyingWiki(always=scripted(sources, others)) as wiki, wiki.client() as client:
            pages = await discover(client, ["en", "it"], INFOBOX)
            assert not any(refuse in seen.params.get("titles", "") for seen in wiki.seen)
            return pages

    return leaping(main())


def test_a_source_page_deleted_while_it_is_listed() -> None:
    pages = listed([{"pageid": 1, "missing": True}, page_of(2, "B", "Q2")], {})
    assert [(each.title, each.state, each.page_id, each.artwork) for each in pages] == [
        ("Listed 1", "missing", 0, "en:1"), ("B", "ok", 2, "Q2"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "odd",
    [{"lastrevid": None}, {"length": "long"}, {"pageprops": 5}, {"langlinks": [5]}, {"langlinks": [{"lang": "it"}]},
     {"pageid": {}}],
)  # fmt: skip
def test_pages_described_in_another_way_than_expected_are_an_error_of_the_wiki(odd: dict[str, Any]) -> None:
    with pytest.raises(WikiError, match="not the answer expected"):
        listed([page_of(1, "A", "Q1") | odd], {})


def test_two_source_pages_of_one_item_stay_two() -> None:
    pages = listed([page_of(1, "A", "Q1"), page_of(2, "B", "Q1"), page_of(3, "C", "Q<1>")], {})
    assert [(each.artwork, each.qid) for each in pages] == [("Q1", "Q1"), ("en:2", "Q1"), ("en:3", "")]


def test_titles_that_lead_elsewhere() -> None:
    """Two artworks never share a page: it is that of whom its own title leads there, then of the first."""
    wanted = ["Vecchio", "Nuovo", "Altro", "Sezione#Parte 2", "bad|<", "fr:X", "minuscolo", "Giro", "Di_nessuno"]
    sources = [
        page_of(number, f"S{number}", f"Q{number}" if number != 9 else "", langlinks=[{"lang": "it", "title": title}])
        for number, title in enumerate(wanted, 1)
    ]
    others = {
        "normalized": [{"from": "minuscolo", "to": "Minuscolo"}],
        "redirects": [
            {"from": "Vecchio", "to": "Nuovo"}, {"from": "Altro", "to": "Pittore", "tofragment": "Opere"},
            {"from": "Minuscolo", "to": "Grande"}, {"from": "Giro", "to": "Tondo"}, {"from": "Tondo", "to": "Giro"},
        ],
        "pages": [
            page_of(11, "Nuovo"), page_of(12, "Pittore", "Q500"), page_of(13, "Sezione", "Q600"),
            {"title": "Bad", "invalid": True, "invalidreason": "x"}, page_of(14, "Grande", "Q7"),
            page_of(15, "Tondo", redirect=True), page_of(16, "Di nessuno", "Q9"),
        ],
    }  # fmt: skip
    pages = [each for each in listed(sources, others, refuse="|<") if each.language == "it"]
    assert [(each.title, each.state, each.page_id) for each in pages] == [
        ("Vecchio", "redirect_elsewhere", 0), ("Nuovo", "ok", 11), ("Altro", "redirect_elsewhere", 0),
        ("Sezione", "redirect_elsewhere", 0), ("bad|<", "missing", 0), ("fr:X", "missing", 0), ("Grande", "ok", 14),
        ("Giro", "redirect_elsewhere", 0), ("Di nessuno", "ok", 16),
    ]  # fmt: skip
    assert [each.artwork for each in pages] == [*(f"Q{number}" for number in range(1, 9)), "en:9"]


def test_a_listing_that_was_interrupted_asks_for_the_rest_only() -> None:
    sources = [page_of(1, "A", "Q1", langlinks=[{"lang": "it", "title": "A"}])]

    async def main() -> tuple[list[PageRef], list[str]]:
        cache = Cache(":memory:")
        async with LyingWiki(always=scripted(sources, {"pages": [page_of(7, "A", "Q1")]})) as wiki:
            good, wiki.always = wiki.always, None
            wiki.replies = [good, good, good, good, page(403)]
            async with wiki.client(cache=cache) as client:
                with pytest.raises(WikiError):
                    await discover(client, ["en", "it"], INFOBOX)
            wiki.always = good
            async with wiki.client(cache=cache) as client:
                pages = await discover(client, ["en", "it"], INFOBOX)
            good_paths = [seen.path for seen in wiki.seen]
            return pages, good_paths

    pages, paths = leaping(main())
    assert [each.state for each in pages] == ["ok", "ok"]
    assert [number for number in Counter(paths).values() if number > 1] == [2], "only what was refused"


def test_wikidata_must_be_there_to_be_asked() -> None:
    async def main() -> None:
        async with LyingWiki() as wiki:
            family = family_of(f"{wiki.base}/{{language}}/w/api.php")
            async with Client(family, CONTACT, Gate(60), Cache(":memory:"), Guard(frozenset({wiki.host}))) as client:
                await discover(client, ["en"], INFOBOX, counterparts="wikidata")

    with pytest.raises(ValueError, match="this family of wikis has none; take langlinks"):
        leaping(main())


def test_languages_and_their_sites() -> None:
    check_languages(["en", "zh", "simple", "be-tarask"])
    assert {site_id(code) for code in ("en", "zh-min-nan", "be-tarask")} == {
        "enwiki", "zh_min_nanwiki", "be_x_oldwiki",
    }  # fmt: skip
    assert all(is_wikipedia(site_id(code)) for code in LANGUAGES - {"nb"})
    assert not any(map(is_wikipedia, ["commonswiki", "specieswiki", "wikidatawiki", "enwikiquote", "frwikisource"]))
    with pytest.raises(ValueError, match="did you mean"):
        check_languages(["en", "iit"])
