"""The client of MediaWiki against a server that lies: what may heal is asked again, nothing wrong is believed."""

import asyncio
import gzip
import json
import pickle
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from crawlers import transport
from crawlers.api import WIKIPEDIA, Unready, in_path, judge
from crawlers.cache import Cache
from crawlers.guard import Guard
from crawlers.mediawiki import Client, FileInfo, Gone, PageRef, WikiError, family_of, followed, together
from crawlers.pages import plain
from crawlers.polite import Gate
from tests.lying_wiki import (
    CONTACT,
    LyingWiki,
    Reply,
    bomb,
    cut_short,
    endless,
    hang,
    leads,
    leaping,
    packed,
    page,
    refuses,
    reset,
    says,
)  # fmt: skip

GOOD = {"batchcomplete": True, "query": {"pages": [{"pageid": 7, "title": "A"}]}}
PAGE = PageRef("en", "Woman / Hat?", 12, 345, "Q1", "Q1", 5000, 3, "ok", "Woman / Hat?")
PARSED = {"parse": {"title": "Woman", "pageid": 12, "revid": 345, "text": "<p>She wears a hat.</p>"}}


def asking(
    work: Callable[[Client], Awaitable[Any]], *replies: Reply, always: Reply | None = None, seconds: float = 0.0
) -> tuple[Any, LyingWiki, Client]:
    """What a client makes of a server that replies so; an error is a result too."""

    async def main() -> tuple[Any, LyingWiki, Client]:
        async with LyingWiki(*replies, always=always, seconds=seconds) as wiki, wiki.client() as client:
            try:
                return await work(client), wiki, client
            except WikiError as error:
                return error, wiki, client

    return leaping(main())


async def query(client: Client) -> Any:
    return await client.query("en", "listing", titles="A")


def test_every_request_is_polite() -> None:
    answer, wiki, client = asking(query, says(GOOD))
    assert answer == [{"pageid": 7, "title": "A"}]
    (seen,) = wiki.seen
    assert seen.path.startswith("/en/w/api.php?")
    assert seen.headers["User-Agent"].startswith(f"BabelVision/0.1 ({CONTACT})")
    assert seen.headers["Accept-Encoding"] == "gzip"
    assert seen.params.items() >= {"maxlag": "5", "formatversion": "2", "errorformat": "plaintext"}.items()
    assert client.requests == {"listing": 1}


HEALS = {
    "maxlag": refuses("maxlag", {"Retry-After": "5", "X-Database-Lag": "7"}),
    "maxlag, as of old": refuses("maxlag", {"Retry-After": "5"}, old=True),
    "ratelimited": refuses("ratelimited"),
    "readonly": refuses("readonly"),
    "internal_api_error_DBQueryError": refuses("internal_api_error_DBQueryError"),
    "429": page(429),
    "429 Retry-After": page(429, {"Retry-After": "30"}),
    "503": page(503),
    "503 Retry-After, odd": page(503, {"Retry-After": "when we are back"}),
    "502 with JSON": says(GOOD, 502),
    "html": page(200),
    "garbled: nothing": says(b""),
    "garbled: cut off": says(json.dumps(GOOD).encode()[:-9]),
    "garbled: a list": says([GOOD]),
    "garbled: a number": says(7),
    "garbled: no UTF-8": says(b'{"query": "\xff"}'),
    "garbled: half a gzip": packed(gzip.compress(json.dumps(GOOD).encode())[:-12]),
    "garbled: no gzip": packed(b"{}"),
    "unreadable query": says({"query": [1]}),
    "unreadable pages": says({"query": {"pages": {"7": {}}}}),
    "unreadable page": says({"query": {"pages": ["A"]}}),
    "unreadable continue": says({"continue": ["a"]}),
    "timeout": hang,
    "broken: reset": reset,
    "broken: cut short": cut_short,
}


@pytest.mark.parametrize("name", HEALS)
def test_what_may_heal_is_asked_again(name: str) -> None:
    answer, wiki, client = asking(query, HEALS[name], HEALS[name], says(GOOD))
    assert answer == [{"pageid": 7, "title": "A"}]
    reason = name.split()[0].strip(":,")
    assert client.requests == {"listing": 1, f"retried/{reason}": 2}
    assert len(wiki.seen) == client.requests.total()


@pytest.mark.parametrize(
    ("name", "attempts"),
    [("503", transport.ATTEMPTS), ("timeout", transport.ATTEMPTS), ("maxlag", transport.ATTEMPTS),
     ("garbled: nothing", transport.ATTEMPTS), ("unreadable query", transport.FEW_ATTEMPTS)],
)  # fmt: skip
def test_nothing_is_asked_for_ever(name: str, attempts: int) -> None:
    answer, wiki, client = asking(query, always=HEALS[name])
    assert answer.code == name.split()[0].strip(":,")
    assert len(wiki.seen) == client.requests.total() == attempts
    assert wiki.seen[-1].time - wiki.seen[0].time < attempts * (transport.REQUEST_SECONDS + 60)
    assert_one_line(answer, "/en/w/api.php", f"asked {attempts} times")


NEVER_HEALS = {
    "http_403": page(403),
    "http_401": says({"detail": "log in"}, 401),
    "http_404": page(404),
    "http_400": says(b"", 400),
    "http_304": says(b"", 304),
    "readapidenied": refuses("readapidenied"),
    "toomanyvalues": refuses("toomanyvalues", old=True),
    "unknown": says({"error": "boom"}),
    "redirected": leads("http://127.0.0.1:1/en/w/api.php"),
    "redirected to https": leads("https://example.org/"),
    "too_large": bomb(65 << 20),
    "bad_encoding": packed(b"\x0b\x02\x80{}\x03", "br"),
    "silence of 429": page(429, {"Retry-After": "86400"}),
    "silence of 503": page(503, {"Retry-After": format_datetime(datetime.now(UTC) + timedelta(days=2), usegmt=True)}),
    "silence of maxlag": refuses("maxlag", {"Retry-After": "7200"}),
}


@pytest.mark.parametrize("name", NEVER_HEALS)
def test_what_will_not_heal_is_asked_once(name: str) -> None:
    answer, wiki, client = asking(query, always=NEVER_HEALS[name])
    assert isinstance(answer, WikiError)
    assert answer.code == name.split()[0]
    assert len(wiki.seen) == client.requests.total() == 1
    assert_one_line(answer, "/en/w/api.php")


def test_a_body_without_an_end_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "MAX_BYTES", 3 << 20)
    answer, wiki, _ = asking(query, always=endless)
    assert answer.code == "too_large"
    assert len(wiki.seen) == 1


def assert_one_line(error: Exception, *parts: str) -> None:
    text = str(error)
    assert "\n" not in text
    assert "<" not in text
    assert len(text) < 600
    for part in parts:
        assert part in text


def test_a_wait_is_named_and_the_page_of_html_is_told_in_words() -> None:
    answer, _, _ = asking(query, always=NEVER_HEALS["silence of 429"])
    day = f"{datetime.now(UTC) + timedelta(days=1):%Y-%m-%d}"
    assert_one_line(answer, f"no request before {day}", "give the same command again", "HTTP 429: Error Our robot")


def test_a_server_that_wants_silence_gets_it() -> None:
    """Of many calls, what is under way ends; all others fail in the same words at once, and so does a later one."""

    async def work(client: Client) -> Any:
        began = asyncio.get_running_loop().time()
        calls = [client.query("en", "listing", titles=str(number)) for number in range(40)]
        answers = await asyncio.gather(*calls, return_exceptions=True)
        answers += await asyncio.gather(query(client), client.edits(PAGE), return_exceptions=True)
        return answers, asyncio.get_running_loop().time() - began

    (answers, took), wiki, _ = asking(work, says(GOOD), always=page(429, {"Retry-After": "3600"}))
    errors = [answer for answer in answers if isinstance(answer, WikiError)]
    assert len(errors) == len(answers) - 1
    assert {error.code for error in errors} == {"silence"}
    assert len({str(error) for error in errors}) == 1
    assert len(wiki.seen) <= 4
    assert took < 600


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_after_retry_after_nobody_starts_early(form: str) -> None:
    """One of many requests is told to wait: what is under way ends, and no other starts before then."""

    async def work(client: Client) -> Any:
        return await together(client.query("en", "listing", titles=str(number)) for number in range(30))

    async def busy(request: web.Request) -> web.StreamResponse:
        told.append(asyncio.get_running_loop().time())
        date = format_datetime(datetime.now(UTC) + timedelta(seconds=400), usegmt=True)
        return await page(429, {"Retry-After": "400" if form == "seconds" else date})(request)

    told: list[float] = []
    answers, wiki, client = asking(work, says(GOOD), busy, always=says(GOOD), seconds=0.5)
    assert len(answers) == 30
    assert client.requests == {"listing": 30, "retried/429": 1}
    late = [seen for seen in wiki.seen if seen.time > told[0]]
    assert len(late) >= 26
    assert min(seen.time for seen in late) >= told[0] + 380  # a date has no fractions, and real time passes


def test_at_most_three_requests_are_open_whatever_callers_do() -> None:
    async def work(client: Client) -> Any:
        calls = [client.query("en", "listing", titles=str(number)) for number in range(20)]
        calls += [client.query("it", "listing", titles=str(number)) for number in range(20)]
        return await together(calls)

    _, wiki, client = asking(work, seconds=1.0)
    assert wiki.most_at_once == 3
    assert len(wiki.seen) == 40 == client.answered
    assert client.answer_seconds >= 40


def test_a_server_that_is_not_there_is_not_asked_for_long() -> None:
    async def main() -> tuple[WikiError, Client]:
        async with LyingWiki() as wiki:
            client = wiki.client()
        async with client:
            with pytest.raises(WikiError) as error:
                await query(client)
            return error.value, client

    error, client = leaping(main())
    assert error.code == "unreachable"
    assert_one_line(error, "is the address right?")
    assert not client.requests.keys() - {"listing", "retried/unreachable"}
    assert client.requests.total() == transport.FEW_ATTEMPTS


def test_a_private_address_is_not_asked() -> None:
    async def main() -> WikiError:
        async with LyingWiki() as wiki:
            async with Client(family_of(wiki.base), CONTACT, Gate(60), Cache(":memory:"), Guard()) as client:
                with pytest.raises(WikiError) as error:
                    await query(client)
        assert not wiki.seen
        return error.value

    error = leaping(main())
    assert error.code.startswith("blocked_")
    assert_one_line(error)


def test_a_redirect_within_the_server_is_followed() -> None:
    async def work(client: Client) -> Any:
        return await client.edits(PAGE)

    answer, wiki, client = asking(work, leads("/en/w/rest.php/v1/page/Woman/history/counts/edits"), says({"count": 9}))
    assert answer == 9
    assert wiki.seen[0].path == "/en/w/rest.php/v1/page/Woman_%2F_Hat%3F/history/counts/edits"
    assert wiki.seen[1].path == "/en/w/rest.php/v1/page/Woman/history/counts/edits"
    assert client.requests == {"edits": 1, "redirected": 1}
    answer, wiki, _ = asking(query, always=leads("/en/w/api.php"))
    assert answer.code == "redirected"
    assert len(wiki.seen) == transport.MAX_HOPS


# Continuation

PIECES = [
    {"continue": {"lllang": "1|it", "continue": "||"},
     "query": {"normalized": [{"from": "a", "to": "A"}],
               "pages": [{"pageid": 1, "title": "A", "length": 5, "langlinks": [{"lang": "de"}]},
                         {"pageid": 2, "title": "B", "pageprops": {"x": "1"}}]}},
    {"continue": {"lllang": "2|fr", "continue": "||"},
     "query": {"pages": [{"pageid": 1, "title": "A", "langlinks": [{"lang": "it"}]}, {"pageid": 2, "title": "B"}]}},
    {"continue": {"gapcontinue": "C", "continue": "-"}, "batchcomplete": True,
     "query": {"pages": [{"pageid": 1, "title": "A"}, {"pageid": 2, "title": "B", "langlinks": [{"lang": "fr"}]}]}},
    {"continue": {"gapcontinue": "D", "continue": "-"}, "batchcomplete": True},
    {"batchcomplete": True, "query": {"pages": [{"ns": 0, "title": "Z", "missing": True}]}},
]  # fmt: skip


@pytest.mark.parametrize("complete", [True, False])
def test_a_page_is_merged_from_all_its_pieces(complete: bool) -> None:
    pieces = [{name: part for name, part in piece.items() if complete or name != "batchcomplete"} for piece in PIECES]
    answer, wiki, _ = asking(query, *map(says, pieces), always=page(404))
    assert answer == [
        {"pageid": 1, "title": "A", "length": 5, "langlinks": [{"lang": "de"}, {"lang": "it"}]},
        {"pageid": 2, "title": "B", "pageprops": {"x": "1"}, "langlinks": [{"lang": "fr"}]},
        {"ns": 0, "title": "Z", "missing": True},
    ]
    assert [seen.params.get("lllang") for seen in wiki.seen] == [None, "1|it", "2|fr", None, None]
    assert [seen.params.get("gapcontinue") for seen in wiki.seen] == [None, None, None, "C", "D"]
    assert all(seen.params["titles"] == "A" for seen in wiki.seen)


@pytest.mark.parametrize("kind", ["the same", "nothing new", "ever new"])
def test_a_continuation_without_an_end_is_given_up(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crawlers.mediawiki.MAX_PIECES", 80)

    async def reply(request: web.Request) -> web.StreamResponse:
        token = "x" if kind == "the same" else request.query.get("gapcontinue", "") + "x"
        found = {} if kind == "nothing new" else GOOD["query"]
        return await says({"continue": {"gapcontinue": token}, "query": found})(request)

    answer, wiki, _ = asking(query, always=reply)
    assert answer.code == "endless"
    assert_one_line(answer)
    assert len(wiki.seen) == {"the same": 2, "nothing new": 50, "ever new": 81}[kind]


def test_many_long_titles_are_sent_as_a_form() -> None:
    titles = "|".join(f"Портрет неизвестной & дамы #{number}?" for number in range(50))

    async def work(client: Client) -> Any:
        return await client.query("ru", "properties", titles=titles)

    _, wiki, _ = asking(work)
    (seen,) = wiki.seen
    assert (seen.method, seen.path, seen.params["titles"]) == ("POST", "/ru/w/api.php", titles)
    assert seen.params["maxlag"] == "5"


# Cache


def test_nothing_is_asked_twice_in_a_crawl() -> None:
    """Not by the same client, not at the same time, not by a client after a restart."""

    async def main() -> tuple[list[Any], LyingWiki]:
        cache = Cache(":memory:")
        async with LyingWiki(always=says(GOOD), seconds=1.0) as wiki:
            async with wiki.client(cache=cache) as client:
                answers = await together(query(client) for _ in range(5))
                answers.append(await query(client))
            async with wiki.client(cache=cache) as client:
                answers.append(await query(client))
                assert not client.requests
            async with wiki.client(cache=cache, crawl="another") as client:
                answers.append(await query(client))
            return answers, wiki

    answers, wiki = leaping(main())
    assert len(wiki.seen) == 2
    assert all(answer == GOOD["query"]["pages"] for answer in answers)


def test_a_caller_who_gives_up_does_not_take_the_answer_from_another() -> None:
    async def work(client: Client) -> Any:
        first, second = (asyncio.create_task(query(client)) for _ in range(2))
        await asyncio.sleep(0.5)
        first.cancel()
        return await second

    answer, wiki, _ = asking(work, says(GOOD), always=page(404), seconds=1.0)
    assert answer == GOOD["query"]["pages"]
    assert len(wiki.seen) == 1


def test_what_is_wrong_is_not_kept() -> None:
    """Neither an error nor what has not the shape of an answer; and a cache of such is not believed."""

    async def main() -> LyingWiki:
        cache = Cache(":memory:")
        async with LyingWiki(refuses("readapidenied"), says({"query": 1}), always=says(GOOD)) as wiki:
            async with wiki.client(cache=cache) as client:
                with pytest.raises(WikiError):
                    await query(client)
                assert await query(client) == GOOD["query"]["pages"]
                cache.put(client.html_key(PAGE), b'{"parse": {}}')
                cache.put(client.edits_key(PAGE), b"<html>")
                wiki.replies = [says(PARSED), says({"count": 3})]
                assert (await client.html(PAGE)).html == PARSED["parse"]["text"]
                assert await client.edits(PAGE) == 3
            return wiki

    assert len(leaping(main()).seen) == 5


def test_what_belongs_to_a_revision_is_kept_for_ever() -> None:
    async def main() -> tuple[list[str], LyingWiki]:
        cache = Cache(":memory:")
        replies = [says(PARSED), says(PARSED), says({"count": 3}), says({"items": [{"views": 4}, {"views": 6}]})]
        async with LyingWiki(*replies, always=page(500)) as wiki:
            for crawl in ("one", "two"):
                async with wiki.client(cache=cache, crawl=crawl) as client:
                    await client.html(PAGE)
                    await client.html(PAGE, "zh-hans")
                    assert await client.edits(PAGE) == 3
                    assert await client.views(PAGE, "202507", "202606") == 10
            return [seen.path for seen in wiki.seen], wiki

    paths, wiki = leaping(main())
    assert len(paths) == 4
    assert wiki.seen[0].params.items() >= {"action": "parse", "oldid": "345"}.items()
    assert "variant" not in wiki.seen[0].params
    assert wiki.seen[1].params["variant"] == "zh-hans"
    assert paths[3] == (
        "/api/rest_v1/metrics/pageviews/per-article/en.wikipedia.org/all-access/user/Woman_%2F_Hat%3F/monthly/"
        "20250701/20260630"
    )


def test_views_of_a_month_that_is_not_over_are_kept_for_a_crawl() -> None:
    async def work(client: Client) -> Any:
        months = [(datetime.now(UTC) + timedelta(days=days)).strftime("%Y%m") for days in (-40, 0)]
        return [client.crawl in client.views_key(PAGE, "202501", month) for month in months]

    assert asking(work)[0] == [False, True]


# Pages and files


@pytest.mark.parametrize(
    ("shown", "title"),
    [('<span class="mw-page-title-main"><i>女人与帽子</i></span>', "女人与帽子"), ("", "Woman"), ("<b></b>", "Woman"),
     ('<span style="display:none">x</span>', "Woman"), ("a|b", "Woman"), (None, "Woman"), ({}, "Woman")],
)  # fmt: skip
def test_a_title_is_of_the_variant_where_there_is_one(shown: Any, title: str) -> None:
    answer = says({"parse": PARSED["parse"] | {"displaytitle": shown}})
    rendered, _, _ = asking(lambda client: client.html(PAGE, "zh-hans"), answer)
    assert rendered.title == title
    rendered, wiki, _ = asking(lambda client: client.html(PAGE), answer)
    assert rendered.title == "Woman"
    assert "displaytitle" in wiki.seen[0].params["prop"]


@pytest.mark.parametrize("code", ["nosuchrevid", "missingtitle", "permissiondenied"])
def test_a_page_that_is_gone_has_its_own_error(code: str) -> None:
    answer, wiki, _ = asking(lambda client: client.html(PAGE), always=refuses(code))
    assert isinstance(answer, Gone)
    assert answer.code == code
    assert len(wiki.seen) == 1
    assert_one_line(answer, "oldid=345")


def test_the_edits_of_a_page_that_was_moved_are_not_known() -> None:
    answer, _, _ = asking(lambda client: client.edits(PAGE), always=says({"errorKey": "rest-nonexistent-title"}, 404))
    assert answer is None


@pytest.mark.parametrize(
    "wrong",
    [{}, {"parse": None}, {"parse": {**PARSED["parse"], "revid": 346}}, {"parse": {**PARSED["parse"], "text": {}}}],
)
def test_another_page_than_the_one_asked_for_is_not_taken(wrong: dict[str, Any]) -> None:
    answer, wiki, _ = asking(lambda client: client.html(PAGE), always=says(wrong))
    assert answer.code == "unreadable"
    assert len(wiki.seen) == transport.FEW_ATTEMPTS


def test_no_data_on_views_is_none_but_no_such_service_is_an_error() -> None:
    answer, _, _ = asking(lambda client: client.views(PAGE, "202501", "202512"), says({"title": "Not found."}, 404))
    assert answer == 0
    answer, _, _ = asking(lambda client: client.views(PAGE, "202501", "202512"), page(404))
    assert answer.code == "http_404"


def test_files_are_asked_for_by_fifty_and_described_in_plain_text() -> None:
    info = {
        "url": "https://u/Hat.jpg", "thumburl": "https://u/330px-Hat.jpg", "width": 900, "height": 700, "sha1": "ab",
        "mime": "image/jpeg", "descriptionurl": "https://c/File:Hat.jpg",
        "extmetadata": {
            "LicenseShortName": {"value": " CC BY-SA 4.0 "}, "License": {"value": "cc-by-sa-4.0"},
            "LicenseUrl": {"value": "https://cc/by-sa"}, "Credit": {"value": 5},
            "Artist": {"value": '<a href="/X">A. &amp; B.</a><style>p{}</style>\n<span style="display: none">x</span>'},
        },
    }  # fmt: skip

    async def reply(request: web.Request) -> web.StreamResponse:
        titles = dict(await request.post() or request.query)["titles"].split("|")
        assert len(titles) <= 50
        shared = {"missing": True, "known": True, "imagerepository": "shared", "imageinfo": [info]}
        pages: list[dict[str, Any]] = [{"title": "File:Hat 0.jpg", **shared}]
        pages += [
            {"title": t, "imagerepository": "local", "imageinfo": [{**info, "extmetadata": {}}]} for t in titles[2:]
        ]
        pages.append({"title": titles[1], "missing": True, "imagerepository": ""})
        leads = [{"from": titles[0], "to": "File:Hat 0.jpg"}]
        return await says({"query": {"pages": pages, "normalized": leads}})(request)

    names = ["hat_0.jpg", *(f"Kat {number:03}.jpg" for number in range(119))]
    none = ["", "a|b.jpg", "<x>", "x" * 300, "a\0b", "\ud800"]
    files, wiki, _ = asking(lambda client: client.files("it", [*reversed(names), *names, *none]), always=reply)
    assert len(wiki.seen) == 3
    assert len(files) == 117
    whole = files["Kat 000.jpg"]
    assert whole == FileInfo(
        "Kat 000.jpg", "https://u/Hat.jpg", "https://u/330px-Hat.jpg", 900, 700, "image/jpeg", "ab",
        "https://c/File:Hat.jpg", "shared", "CC BY-SA 4.0", "https://cc/by-sa", "A. & B.", "5",
    )  # fmt: skip
    assert {(file.repository, file.licence) for file in files.values()} == {
        ("shared", "CC BY-SA 4.0"), ("local", ""),
    }  # fmt: skip


FILE = {"url": "https://u/A.jpg", "width": 9, "height": 7, "sha1": "ab", "mime": "image/jpeg"}


@pytest.mark.parametrize(
    "info",
    [[], [{}], [{"filemissing": True}], [{**FILE, "filemissing": True}]]
    + [[{name: part for name, part in FILE.items() if name != lost}] for lost in FILE],
)
def test_a_file_that_is_lost_or_not_whole_is_not_there(info: list[Any]) -> None:
    pages = [{"title": "File:A.jpg", "imageinfo": info}, {"title": "File:B.jpg", "imageinfo": [FILE]}]
    files, _, _ = asking(lambda client: client.files("en", ["A.jpg", "B.jpg"]), says({"query": {"pages": pages}}))
    assert list(files) == ["B.jpg"]


@pytest.mark.parametrize(
    "odd",
    [{"imageinfo": 5}, {"imageinfo": [5]}, {"imageinfo": ["url"]}, {"imageinfo": [{**FILE, "width": "wide"}]},
     {"imageinfo": [{**FILE, "extmetadata": [1]}]}, {"title": ["File:A.jpg"]}],
)  # fmt: skip
def test_a_file_described_in_another_way_than_expected_is_an_error_of_the_wiki(odd: dict[str, Any]) -> None:
    answer, _, _ = asking(
        lambda client: client.files("en", ["A.jpg"]),
        always=says({"query": {"pages": [{"title": "File:A.jpg"} | odd]}}),
    )
    assert isinstance(answer, WikiError)
    assert answer.code == "unreadable"
    assert_one_line(answer, "/en/w/api.php", "not the answer expected")


# Pure functions


@pytest.mark.parametrize(
    ("base", "api"),
    [
        ("", "https://it.wikipedia.org/w/api.php"),
        ("https://{language}.wikipedia.org/w/api.php", "https://it.wikipedia.org/w/api.php"),
        ("http://127.0.0.1:8800/", "http://127.0.0.1:8800/it/w/api.php"),
        ("https://wikis.example.org/{language}/api.php", "https://wikis.example.org/it/api.php"),
    ],
)
def test_the_address_of_a_family(base: str, api: str) -> None:
    family = family_of(base)
    assert family.api_of("it") == api
    assert family.edits_of("it", "È già / qui").endswith(
        "/rest.php/v1/page/%C3%88_gi%C3%A0_%2F_qui/history/counts/edits"
    )
    assert bool(family.wikidata) == bool(family.views) == ("example.org" not in base)


def test_wikipedias_own_addresses() -> None:
    assert family_of("") == WIKIPEDIA
    assert WIKIPEDIA.wikidata == "https://www.wikidata.org/w/api.php"
    assert WIKIPEDIA.views_of("ja", "モナ", "202401", "202402") == (
        "https://wikimedia.org/api/rest_v1/metrics/pageviews/per-article/ja.wikipedia.org/all-access/user/"
        "%E3%83%A2%E3%83%8A/monthly/20240101/20240229"
    )


@pytest.mark.parametrize(
    "base", ["wiki", "ftp://x.org", "http://", "http://a@b.org", "http://x.org/?a", "http://{lang}.x.org/w/api.php",
             "http://{language}.x.org/", "http://x.org/{}", "http://[x", "http://x.org/{language}{0}/api.php"],
)  # fmt: skip
def test_an_address_of_nothing_is_refused_in_one_line(base: str) -> None:
    with pytest.raises(ValueError, match="address of wikis") as error:
        family_of(base)
    assert "\n" not in str(error.value)


NAMES = st.sampled_from(["error", "errors", "code", "text", "query", "pages", "continue", "parse", "x"])
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=5),
    lambda each: st.lists(each, max_size=3) | st.dictionaries(NAMES, each, max_size=3),
    max_leaves=8,
)


@given(
    status=st.sampled_from([200, 200, 200, 204, 302, 400, 403, 404, 418, 429, 500, 503, 599]),
    body=json_values.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=20),
    header=st.none() | st.text(max_size=4),
)
def test_every_answer_is_an_object_or_one_of_two_errors(status: int, body: bytes, header: str | None) -> None:
    result = judged(status, {} if header is None else {"Retry-After": header}, body)
    if isinstance(result, dict):
        assert status == 200
        assert result == json.loads(body)
        assert not result.get("error")
        return
    text = result.message if isinstance(result, Unready) else str(result)
    assert text.isprintable()
    assert len(text) < 300
    assert isinstance(result, WikiError) or result.retry_after == header


def judged(status: int, headers: dict[str, str], body: bytes) -> dict[str, Any] | WikiError | Unready:
    try:
        return judge(status, headers, body)
    except (WikiError, Unready) as error:
        return error


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_title_fits_into_a_path(title: str) -> None:
    assert not set(in_path(title)) & set("/?#&+ %\\") - {"%"}


@given(st.dictionaries(st.sampled_from("abcde"), st.sampled_from("abcde")), st.sampled_from("abcdef"))
def test_leads_are_followed_to_an_end_even_in_circles(leads: dict[str, str], start: str) -> None:
    assert followed(start, {}) == start
    end = followed(start, leads)
    assert end not in leads or followed(leads[end], leads) in leads


@pytest.mark.parametrize(
    ("html", "text"),
    [("", ""), ("CC0", "CC0"), ("<p>a</p>\n <p>b &lt; c</p>", "a b < c"), ("<script>x</script>y", "y"),
     ('Unknown author<span style="display:none">Unknown author</span>', "Unknown author"), ("a\u00a0b", "a b")],
)  # fmt: skip
def test_the_apis_html_as_text(html: str, text: str) -> None:
    assert plain(html) == text


def test_errors_cross_processes() -> None:
    for error in (WikiError("429", "busy"), Gone("nosuchrevid", "gone")):
        copy = pickle.loads(pickle.dumps(error))
        assert (type(copy), str(copy), copy.code) == (type(error), str(error), error.code)
