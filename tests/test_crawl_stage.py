"""The stages of the crawl on a small wiki that counts what it is asked, and what is published of pages made here."""

import json
import math
import re
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pyarrow as pa
import pytest
import ray
from hypothesis import given
from hypothesis import strategies as st

from builders.engine import Build, Outcome, Stage, StageError
from builders.engine.files import location
from builders.engine.main import pool_size
from builders.multiexpart import Config
from builders.stages.crawl import CrawlPages
from builders.stages.crawl_config import CrawlConfig, alignment_sets, months_before
from builders.stages.list_pages import ListPages
from builders.stages.listing import page_id, read_pages, write_pages
from builders.stages.pictures import is_free
from builders.stages.survey import outlook
from builders.stages.thumbnails import Thumbnails
from builders.stages.wiki import FAILURES_IN_A_ROW, Access, Ask, Problem, WikiDoor, Wikis
from crawlers.discover import Forecast
from crawlers.pages import PageRef
from tests.lying_wiki import LyingWiki, Reply, leaping, refuses, says

PROSE = "The painting hangs in a mill. " * 30
INFOBOX = (
    '<table class="infobox"><tr><td><a href="/wiki/File:{file}" class="image">'
    '<img src="/images/a/a0/{file}" width="250" height="200"></a></td></tr></table>'
)


@dataclass
class SmallWiki:
    """Wikis of pages by revision; `asked` has what was asked, `refusal` is an HTTP status for everything."""

    base: str
    pages: dict[int, str] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    refusal: int = 0
    seconds: float = 0.0

    def answer(self, path: str, query: dict[str, str]) -> tuple[int, Any]:
        if self.refusal:
            return self.refusal, {"refused": True}
        if path.endswith("/edits"):
            return 200, {"count": 7}
        if "/metrics/" in path:
            return 200, {"items": [{"views": 20}, {"views": 3}]}
        if query.get("action") == "parse":
            revision = int(query["oldid"])
            self.asked[str(revision)] += 1
            time.sleep(self.seconds)
            if revision not in self.pages:
                return 200, {"errors": [{"code": "nosuchrevid", "text": "There is no such revision"}]}
            text = f'<div class="mw-parser-output">{self.pages[revision]}</div>'
            return 200, {"parse": {"title": f"P{revision}", "pageid": revision, "revid": revision, "text": text}}
        titles = query["titles"].split("|")
        return 200, {"batchcomplete": True, "query": {"pages": [file_page(title) for title in titles]}}


def file_page(title: str) -> dict[str, Any]:
    if "Lost" in title:
        return {"title": title, "ns": 6, "missing": True}
    if "Gone" in title:
        return {"title": title, "ns": 6, "imageinfo": [{"filemissing": True}]}
    if "Odd" in title:
        return {"title": title, "ns": 6, "imageinfo": 5}
    info = {
        "url": f"http://files.example/{title}", "thumburl": f"http://files.example/330/{title}", "width": 640,
        "height": 480, "mime": "image/png", "sha1": title, "descriptionurl": f"http://files.example/about/{title}",
        "extmetadata": {"LicenseShortName": {"value": "CC BY 4.0"}, "Artist": {"value": "<b>Ada</b> Velli"}},
    }  # fmt: skip
    return {"title": title, "ns": 6, "imagerepository": "shared", "imageinfo": [info]}


@pytest.fixture
def wiki() -> Iterator[SmallWiki]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            status, value = small.answer(parts.path, query)
            body = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: Any) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        small = SmallWiki(f"http://127.0.0.1:{server.server_port}")
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield small
        server.shutdown()


def access(base: str, folder: Path) -> Access:
    host = base.removeprefix("http://")
    return Access(base, "tests@example.org", 60_000, str(folder / "cache.sqlite"), "now", frozenset({host}))


def page(revision: int, language: str = "en", state: str = "ok", **others: Any) -> PageRef:
    made = {
        "language": language, "title": f"P{revision}", "page_id": revision, "revision": revision,
        "artwork": f"Q{revision}", "qid": f"Q{revision}", "bytes": 900, "versions": 4, "state": state,
        "en_title": f"P{revision}",
    }  # fmt: skip
    return PageRef(**(made | others))


def crawl(wiki: SmallWiki, folder: Path, pages: list[PageRef]) -> Outcome:
    """What the crawl stage makes of pages, as its worker does."""
    config = CrawlConfig(wiki_base=wiki.base, output=str(folder), contact="tests@example.org")
    door = WikiDoor()
    listing = ListPages(config, door)
    stage = CrawlPages(config, listing, door)
    stage.months = ("202401", "202402")
    door.access = access(wiki.base, folder)
    door.start()
    return stage.process([{"id": page_id(each), **asdict(each)} for each in pages])


def test_a_page_becomes_sections_picture_and_figures(wiki: SmallWiki, cluster: str, tmp_path: Path) -> None:
    heading = '<h2><span class="mw-headline" id="H">History</span></h2>'
    text = (
        INFOBOX.format(file="A.png")
        + f'<p>{PROSE}<a href="/wiki/Mill" title="Mill">a mill</a></p>{heading}<p>It was sold.</p>'
    )
    wiki.pages = {1: text, 2: text}
    outcome = crawl(wiki, tmp_path, [page(1), page(2, "it", en_title="P1")])
    assert not outcome.failed
    assert not outcome.rejected
    rows = {row["language"]: row for row in outcome.written}
    assert [section["path"] for section in rows["en"]["sections"]] == [(), ("History",)]
    assert rows["en"]["sections"][0]["links"] == ({"text": "a mill", "target": "Mill"},)
    assert (rows["en"]["edits"], rows["en"]["views"], rows["en"]["links"], rows["en"]["length"]) == (7, 23, 1, 900)
    assert (rows["it"]["edits"], rows["it"]["views"]) == (None, None), "only the source language is split by them"
    assert rows["it"]["page_url"] == f"{wiki.base}/it/w/index.php?title=P2&oldid=2"
    assert (rows["it"]["image_file"], rows["it"]["licence"], rows["it"]["author"]) == (
        "A.png",
        "CC BY 4.0",
        "Ada Velli",
    )


def test_every_page_that_is_no_use_is_named(wiki: SmallWiki, cluster: str, tmp_path: Path) -> None:
    picture = INFOBOX.format(file="A.png")
    wiki.pages = {
        1: f"<p>{PROSE}</p>",
        2: f'<table class="infobox"><tr><td>1503</td></tr></table><p>{PROSE}</p>',
        3: f"{picture}<p>Short.</p>",
        4: INFOBOX.format(file="Lost.png") + f"<p>{PROSE}</p>",
        6: f"{picture}<p>{PROSE}</p>",
        7: INFOBOX.format(file="Gone.png") + f"<p>{PROSE}</p>",
    }
    pages = [page(revision) for revision in range(1, 8)]
    outcome = crawl(wiki, tmp_path, pages)
    names = {page_id(each): each.revision for each in pages}
    assert {names[each.id]: each.filter for each in outcome.rejected} == {
        1: "no_infobox_v1",
        2: "no_infobox_image_v1",
        3: "stub_v1",
        4: "no_such_file_v1",
        5: "deleted_in_crawl_v1",
        7: "no_such_file_v1",
    }
    assert [row["revision"] for row in outcome.written] == [6]


def test_what_the_listing_knows_to_be_no_page_is_refused_unasked() -> None:
    states = ("missing", "disambiguation", "redirect_elsewhere")
    pages = [page(1), *(page(0, state=state, artwork=state) for state in states)]
    stage = ListPages(CrawlConfig(), WikiDoor())
    outcome = stage.process([{"id": page_id(each), **asdict(each)} for each in pages])
    assert [row["id"] for row in outcome.written] == [page_id(page(1))]
    assert {each.id: each.filter for each in outcome.rejected} == {
        page_id(pages[1]): "missing_page_v1",
        page_id(pages[2]): "disambiguation_v1",
        page_id(pages[3]): "redirect_elsewhere_v1",
    }


def test_a_page_that_is_no_article_fails_alone(wiki: SmallWiki, cluster: str, tmp_path: Path) -> None:
    wiki.pages = {1: '<div class="redirectMsg">elsewhere</div>', 2: INFOBOX.format(file="A.png") + f"<p>{PROSE}</p>"}
    outcome = crawl(wiki, tmp_path, [page(1), page(2)])
    assert [(each.id, each.error_class) for each in outcome.failed] == [(page_id(page(1)), "ValueError")]
    assert len(outcome.written) == 1


def test_files_described_in_another_way_than_expected_cost_their_rows(
    wiki: SmallWiki, cluster: str, tmp_path: Path
) -> None:
    wiki.pages = {1: INFOBOX.format(file="Odd.png") + f"<p>{PROSE}</p>", 2: INFOBOX.format(file="A.png") + PROSE}
    outcome = crawl(wiki, tmp_path, [page(1), page(2, "it")])
    assert [(each.id, each.error_class) for each in outcome.failed] == [(page_id(page(1)), "unreadable")]
    assert [row["language"] for row in outcome.written] == ["it"]


def test_a_wiki_that_refuses_us_stops_the_stage_at_once(wiki: SmallWiki, cluster: str, tmp_path: Path) -> None:
    wiki.refusal = 403
    with pytest.raises(StageError, match="HTTP 403"):
        crawl(wiki, tmp_path, [page(revision) for revision in range(1, 50)])
    wiki.base = "http://127.0.0.1:9"
    with pytest.raises(StageError, match=r"127\.0\.0\.1:9"):
        crawl(wiki, tmp_path / "gone", [page(1)])


def asked_of_the_actor(folder: Path, reply: Reply, times: int) -> list[Problem | None]:
    """What goes wrong when the actor's body is asked for pages, one after the other."""

    async def main() -> list[Problem | None]:
        async with LyingWiki(always=reply) as lying:
            wikis = Wikis(access(lying.base, folder))
            problems = [(await wikis.page(Ask(page(revision)))).problem for revision in range(1, times + 1)]
            await wikis._stack.aclose()
            return problems

    return leaping(main())


def test_pages_that_the_wiki_cannot_render_never_stop_the_stage(tmp_path: Path) -> None:
    problems = asked_of_the_actor(tmp_path, refuses("rendererror"), 2 * FAILURES_IN_A_ROW)
    assert {(each.code, each.hopeless) for each in problems if each} == {("rendererror", False)}


def test_a_server_that_answers_nothing_for_long_stops_the_stage(tmp_path: Path) -> None:
    problems = asked_of_the_actor(tmp_path, says({}, 503), FAILURES_IN_A_ROW)
    assert [each.hopeless for each in problems if each] == [False] * (FAILURES_IN_A_ROW - 1) + [True]


def test_a_server_that_wants_silence_stops_the_stage_at_once(tmp_path: Path) -> None:
    [problem] = asked_of_the_actor(tmp_path, says({}, 429, {"Retry-After": "3600"}), 1)
    assert problem
    assert problem.hopeless
    assert "give the same command again" in problem.message


def test_an_actor_that_dies_asks_again_only_for_what_it_had_in_flight(
    wiki: SmallWiki, cluster: str, tmp_path: Path
) -> None:
    wiki.pages, wiki.seconds = dict.fromkeys(range(1, 61), PROSE), 0.02
    door = WikiDoor()
    door.access = access(wiki.base, tmp_path)
    door.start()
    got: list[str] = []
    for row, answer in door.pages({str(revision): Ask(page(revision)) for revision in wiki.pages}):
        assert answer.rendered
        assert answer.rendered.revision == int(row)
        got.append(row)
        if len(got) == 20:
            ray.kill(door._actor, no_restart=False)
    assert sorted(got, key=int) == [str(revision) for revision in wiki.pages]
    assert sum(count - 1 for count in wiki.asked.values()) <= 3
    sent: Counter[str] = Counter()
    door.count_sent(sent)
    # The dead actor's too, but for what it was sending when it died: three at once.
    assert sent.keys() == {"requests/parse"}
    assert abs(sent.total() - wiki.asked.total()) <= 3


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ({"contact": ""}, "--contact"),
        ({"contact": "nobody"}, "--contact"),
        ({"languages": ("en,itt",)}, "did you mean"),
        ({"languages": ("it,ja",)}, "lacks the source language en"),
        ({"wiki_base": "http://10.0.0.7:8800"}, "--wiki-base"),
        ({"wiki_base": "ftp://wiki.example"}, "--wiki-base"),
        ({"views": "202513-202601"}, "--views"),
        ({"views": "202602-202601"}, "--views"),
        ({"dumps": ("nowhere.ndjson",)}, "no such file"),
        ({"templates": ("",)}, "--templates and --categories are both empty"),
        ({"templates": (), "categories": (" ",)}, "--templates and --categories are both empty"),
        *(({"requests_per_minute": rate}, "--requests-per-minute") for rate in (0.0, 0.5, math.nan, math.inf, -1.0)),
    ],
)
def test_a_wrong_flag_is_one_line(flags: dict[str, Any], said: str) -> None:
    good = {"contact": "me@example.org", "wiki_base": "http://127.0.0.1:8800", "languages": ("en,it", "ja")}
    assert CrawlConfig(**good).crawl_problems() == []
    [problem] = CrawlConfig(**(good | flags)).crawl_problems()
    assert said in problem
    assert "\n" not in problem


def test_a_loopback_that_is_named_is_allowed_and_no_other_host() -> None:
    config = CrawlConfig(wiki_base="http://localhost:8800", allow_host=("wiki.lan",))
    assert config.allowed == {"localhost:8800", "wiki.lan"}
    assert CrawlConfig(wiki_base="http://10.0.0.7:8800").allowed == frozenset()
    assert CrawlConfig().allowed == frozenset()


def test_sets_of_languages() -> None:
    assert alignment_sets((), Config().wanted_languages) == (Config().wanted_languages, ("en", "es", "fr", "it", "ja"))
    assert alignment_sets((), ("en", "it", "ja")) == (("en", "it", "ja"),)
    assert alignment_sets((), ("en",)) == ()
    assert alignment_sets(("en,it",), ("en", "it", "ja")) == (("en", "it"),)
    with pytest.raises(ValueError, match="de is not among"):
        alignment_sets(("en,de",), ("en", "it"))
    with pytest.raises(ValueError, match="two languages"):
        alignment_sets(("en",), ("en", "it"))


@given(st.integers(2016, 2100), st.integers(1, 12))
def test_the_twelve_months_before(year: int, month: int) -> None:
    first, last = months_before(year, month)
    count = int(last[:4]) * 12 + int(last[4:]) - int(first[:4]) * 12 - int(first[4:]) + 1
    assert count == 12
    assert int(last[:4]) * 12 + int(last[4:]) + 1 == year * 12 + month


def test_licences_that_let_a_picture_be_passed_on() -> None:
    free = ("Public domain", "PD-Art", "CC0", "CC BY 4.0", "CC BY-SA 3.0", "cc-by-sa-4.0", "CC BY-SA 2.5,2.0")
    bound = ("", "CC BY-NC 4.0", "CC BY-NC-SA 2.0", "CC BY-ND 4.0", "Fair use", "GFDL", "Copyrighted", "cc-by-sa-nc")
    assert [is_free(licence) for licence in free] == [True] * len(free)
    assert [is_free(licence) for licence in bound] == [False] * len(bound)


def test_the_listing_is_kept_language_by_language(tmp_path: Path) -> None:
    out = location(tmp_path)
    assert read_pages(out) is None
    pages = [page(number, language) for number in (1, 2) for language in ("en", "it")]
    write_pages(out, pages)
    found = read_pages(out)
    assert found
    assert found[1] == [pages[0], pages[2], pages[1], pages[3]]


def test_pages_of_a_dump_are_read_and_not_asked_for(wiki: SmallWiki, cluster: str, tmp_path: Path) -> None:
    body = INFOBOX.format(file="A.png").replace('href="/wiki/', 'href="./')
    section = f'<section data-mw-section-id="0">{body}<p>{PROSE}</p></section>'
    html = f'<html><body class="mw-parser-output">{section}</body></html>'
    article = {
        "name": "The Mill", "identifier": 4, "namespace": {"identifier": 0}, "version": {"identifier": 11},
        "main_entity": {"identifier": "Q4"}, "is_part_of": {"identifier": "enwiki"},
        "templates": [{"name": "Template:Infobox artwork"}], "article_body": {"html": html},
    }  # fmt: skip
    dump = tmp_path / "enwiki.ndjson"
    dump.write_text(json.dumps(article) + "\n")
    config = CrawlConfig(
        wiki_base=wiki.base, output=str(tmp_path / "out"), contact="tests@example.org", languages=("en",),
        dumps=(str(dump),), requests_per_minute=60_000.0,
    )  # fmt: skip
    door = WikiDoor()
    listing = ListPages(config, door)
    stage = CrawlPages(config, listing, door)
    build = Build("test", config, [listing, stage])
    assert listing.preflight(build) == []
    [task] = listing.plan(build, [])
    stage.start(build)
    outcome = stage.process(listing.process(listing.read(build.out, task.source)).written)
    assert [(row["title"], row["revision"], row["edits"], row["views"]) for row in outcome.written] == [
        ("The Mill", 11, None, None)
    ]
    assert outcome.counters == {"requests/files": 1}
    assert not wiki.asked


def test_more_workers_than_the_rate_feeds_are_refused_before_they_seem_hung() -> None:
    assert waiting(workers=20) == []
    [problem] = waiting(workers=64)
    assert problem.endswith("use --workers 20; more would only wait")
    assert waiting(workers=20) == []
    assert waiting(workers=64, dumps=("a.ndjson",)) == []


def test_without_a_number_of_workers_there_are_as_many_as_the_rate_feeds() -> None:
    config = CrawlConfig()
    stage = CrawlPages(config, ListPages(config, WikiDoor()), WikiDoor())
    assert waiting() == []
    assert [pool_size(stage, config, {"CPU": cpus}).workers for cpus in (4.0, 64.0)] == [4, 20]


@pytest.mark.parametrize(("rows", "minutes"), [(100, 60.0), (1, 0.5), (7, 3.0)])
@pytest.mark.parametrize("workers", [0, 1])
def test_a_rate_too_low_for_a_single_worker_gets_advice_that_works(rows: int, minutes: float, workers: int) -> None:
    flags: dict[str, Any] = {"requests_per_minute": 4.0, "shard_rows": rows, "shard_minutes": minutes}
    [problem] = waiting(workers=workers, **flags)
    advice = problem.rpartition(": use ")[2]
    for flag, value in re.findall(r"--([a-z-]+) (\d+)", advice):
        assert waiting(workers=workers, **flags | {flag.replace("-", "_"): int(value)}) == []
    assert "--shard-minutes" in advice


def waiting(**flags: Any) -> list[str]:
    return ListPages(CrawlConfig(**flags), WikiDoor())._waiting()


def test_what_cannot_be_foretold_is_said_to_be_at_most_so_much() -> None:
    pages = [page(1), page(2, "it", artwork="Q1"), page(3), page(0, "ja", "missing", artwork="Q1")]
    rest = Forecast({"parse": 3}, {}, 60)
    assert "Besides, at most 2 thumbnails: up to 1 minute more" in outlook(pages, rest, CrawlConfig())
    assert "at most 2 thumbnails and 3 pictures:" in outlook(pages, rest, CrawlConfig(images="embed"))
    assert "at most" not in outlook(pages[2:], rest, CrawlConfig())


class Objecting(Stage):
    """A stage with something against every build."""

    name = "objecting"
    schema = pa.schema([])

    def preflight(self, build: Build) -> list[str]:
        return ["--decisions nope.json: no such file"]

    def process(self, rows: list[Any]) -> Outcome:
        raise AssertionError


def test_no_wiki_is_asked_while_another_stage_objects(wiki: SmallWiki, tmp_path: Path) -> None:
    config = CrawlConfig(wiki_base=wiki.base, output=str(tmp_path), contact="tests@example.org")
    listing = ListPages(config, WikiDoor())
    assert listing.preflight(Build("test", config, [listing, Objecting()])) == []
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("code", "failed", "counted"),
    [("http_5xx", ["http_5xx"], {}), ("timeout", ["timeout"], {}), ("http_404", [], {"thumbnail/http_404": 1}),
     ("undecodable", [], {"thumbnail/undecodable": 1}), ("success", [], {"thumbnail/no_hash": 1})],
)  # fmt: skip
def test_a_thumbnail_that_may_come_another_day_fails_its_row(
    code: str, failed: list[str], counted: dict[str, int]
) -> None:
    class Door(WikiDoor):
        def images(self, asks: Mapping[str, tuple[str, str]]) -> Iterator[tuple[str, tuple[str, bytes]]]:
            yield from ((id, (code, b"no image" if code == "success" else b"")) for id in asks)

        def count_sent(self, counters: Counter[str]) -> None: ...

    stage = Thumbnails([("en", "it")], "en", Door())
    stage._wanted = {"a"}
    rows = [{"id": id, "thumbnail_url": "http://u", "sha1": id} for id in "ab"]
    outcome = stage.process(rows)
    assert [each.error_class for each in outcome.failed] == failed
    assert outcome.counters == counted
    assert [row["id"] for row in outcome.written] == (["b"] if failed else ["a", "b"])
    assert all(row["phash"] is None for row in outcome.written)
