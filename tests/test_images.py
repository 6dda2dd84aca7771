"""Downloads against a server on loopback that misbehaves in every way: one code each, and no request too many."""

import asyncio
import hashlib
import itertools
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from crawlers.guard import Guard
from crawlers.images import CODES, Downloader, Limits, Request, Result, download
from crawlers.pictures import Resize
from crawlers.polite import Gate, user_agent
from tests.nasty_server import (
    PICTURE,
    Answer,
    Server,
    Visit,
    cut,
    drip,
    endless,
    good,
    half_a_chunk,
    hang,
    healed,
    missing,
    no_http,
    onwards,
    picture,
    reset,
    robots,
    said,
    short,
)

AGENT = user_agent("me@example.org")
QUICK = Limits(seconds=2.5, stall=1.5, bytes=200_000)


def fetched(server: Server, *paths: str, limits: Limits = QUICK, sha256: str = "", **options: Any) -> list[Result]:
    """Download some paths of the server, or whole URLs; the results in this order."""

    async def run() -> list[Result]:
        async with server.running():
            guard = Guard(frozenset({server.host}), **options.pop("guard", {}))
            async with Downloader(limits, guard, AGENT, **options) as downloader:
                urls = [path.format(host=server.host) if ":" in path else server.url + path for path in paths]
                requests = [Request(n, url, sha256) for n, url in enumerate(urls)]
                results = [result async for result in downloader.stream(requests)]
                server.counters = downloader.counters
                return sorted(results, key=lambda result: result.request.key)

    return asyncio.run(run())


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Back-off as always, in hundredths of its seconds."""
    monkeypatch.setattr("crawlers.polite.BASE_SECONDS", 0.01)


ENDS: dict[str, tuple[Answer, str, int]] = {
    # how a path answers, the code it ends with, and how often it is asked with two retries
    "good": (good, "success", 1),
    "moved": (said(302, "Location: /good"), "success", 1),
    "gone": (missing, "http_404", 1),
    "goner": (said(410), "http_410", 1),
    "forbidden": (said(403), "http_4xx", 1),
    "broken": (said(500), "http_5xx", 3),
    "unable": (said(501), "http_5xx", 1),
    "busy": (said(429), "rate_limited", 3),
    "tomorrow": (said(429, "Retry-After: 86400"), "rate_limited", 1),
    "healed": (healed(503), "success", 2),
    "calmed": (healed(429, "Retry-After: 0", after=2), "success", 3),
    "hang": (hang, "timeout", 2),
    "drip": (drip, "timeout", 2),
    "reset": (reset, "connection", 3),
    "mail": (no_http, "connection", 1),
    "short": (short, "truncated_body", 2),
    "chunk": (half_a_chunk, "truncated_body", 2),
    "cut": (cut, "truncated_body", 1),
    "empty": (said(200, body=b""), "empty_body", 1),
    "nothing": (said(204, body=b""), "empty_body", 1),
    "endless": (endless, "too_large", 1),
    "large": (said(200, body=PICTURE + bytes(200_000)), "too_large", 1),
    "page": (said(200, body=b"<!DOCTYPE html><html>log in</html>"), "html", 1),
    "text": (said(200, "Content-Type: image/jpeg", body=b"no picture"), "not_an_image", 1),
    "squeezed": (said(200, "Content-Encoding: gzip", body=b"\x1f\x8b\x08" + bytes(99)), "not_an_image", 1),
    "rubbish": (said(200, body=picture("PNG")[:300] + picture("PNG")[-12:]), "undecodable", 1),
    "headless": (said(200, body=b"\xff\xd8\xff\xda" + bytes(3000) + b"\xff\xd9"), "undecodable", 1),
    "loop": (said(302, "Location: /loop"), "redirect_loop", 6),
    "nowhere": (said(301), "redirect_loop", 1),
    "inward": (said(302, "Location: http://169.254.169.254/latest/meta-data/"), "blocked", 1),
    "file": (said(302, "Location: file:///etc/passwd"), "blocked", 1),
    "ssh": (said(302, "Location: http://127.0.0.1:22/"), "blocked", 1),
    "odd": (said(302, "Location: http://[::1/"), "blocked", 1),
    "noai": (said(200, "X-Robots-Tag: noai", body=PICTURE), "robots_optout", 1),
    "kept": (good, "robots_optout", 0),
    "tokept": (said(302, "Location: /kept/a"), "robots_optout", 1),
}


def test_every_trouble_ends_with_its_code_and_is_asked_again_only_if_it_may_heal() -> None:
    server = Server(robots=robots, **{name: answer for name, (answer, _, _) in ENDS.items()})
    results = fetched(server, *(f"/{name}/" for name in ENDS), decode=True)
    assert {name: result.code for name, result in zip(ENDS, results, strict=True)} == {
        name: code for name, (_, code, _) in ENDS.items()
    }
    asked = {name: server.asked[f"/{name}/"] + server.asked[f"/{name}"] for name in ENDS}
    assert asked == {name: times for name, (_, _, times) in ENDS.items()} | {"good": 2}, "a redirect leads there too"
    assert server.asked["/robots.txt"] == 1
    assert all(result.message for result in results if result.code != "success")
    assert all(not result.data for result in results if result.code != "success")


def test_urls_that_are_never_asked_and_hosts_that_are_not_there() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        ends = {
            f"http://localhost:{port}/a.jpg": "connection",
            "file:///etc/passwd": "blocked",
            "a cat, sitting": "blocked",
            "http://10.0.0.1/a.jpg": "blocked",
            "http://[::ffff:127.0.0.1]/a.jpg": "blocked",
            "http://2130706433/a.jpg": "blocked",
            "http://no-such-host.invalid/a.jpg": "dns",
            f"http://{'a' * 300}.org/a.jpg": "blocked",
        }

        async def run() -> list[Result]:
            server = Server()
            async with server.running():
                urls = [url.format(host=server.host) for url in ends]
                guard = Guard(frozenset({server.host, f"localhost:{port}"}))
                found = [result async for result in download((Request(url, url) for url in urls), QUICK, guard, AGENT)]
            return sorted(found, key=lambda result: urls.index(result.request.key))

        results = asyncio.run(run())
    assert [result.code for result in results] == list(ends.values()), [result.message for result in results]
    codes = {code for _, code, _ in ENDS.values()} | set(ends.values())
    assert codes | {"sha256_mismatch", "too_many_pixels", "tls"} == set(CODES), "every code is provoked in this file"


def test_what_a_result_says() -> None:
    server = Server(good=good, moved=said(302, "Location: /good"))
    plain, moved = fetched(server, "/good", "/moved")
    digest = hashlib.sha256(PICTURE).hexdigest()
    for result in (plain, moved):
        assert (result.data, result.sha256, result.format) == (PICTURE, digest, "JPEG")
        assert (result.width, result.height, result.orientation, result.attempts) == (120, 90, 1, 1)
        assert result.url == f"{server.url}/good"
    (small,) = fetched(Server(good=good), "/good", resize=Resize("longest", 60))
    assert (small.width, small.height, small.sha256) == (60, 45, digest)
    assert len(small.data) < len(PICTURE)


def test_the_request_names_who_asks_and_neither_cookies_nor_packing() -> None:
    server = Server(good=good, jar=said(302, "Set-Cookie: a=b", "Location: /good"))
    fetched(server, "/jar", "/good")
    for headers in server.headers:
        assert headers["user-agent"] == AGENT
        assert not {"accept-encoding", "cookie", "referer"} & set(headers)


def test_bytes_that_the_list_did_not_promise_are_a_class_of_their_own() -> None:
    digest = hashlib.sha256(PICTURE).hexdigest()
    (right,) = fetched(Server(good=good), "/good", sha256=digest.upper())
    (wrong,) = fetched(Server(good=good), "/good", sha256="0" * 64, resize=Resize("longest", 60))
    assert right.code == "success"
    assert (wrong.code, wrong.data, wrong.sha256) == ("sha256_mismatch", PICTURE, digest)


def test_more_pixels_than_allowed() -> None:
    (result,) = fetched(Server(good=good), "/good", limits=Limits(pixels=120 * 90 - 1))
    assert result.code == "too_many_pixels"


def test_as_many_redirects_as_are_followed_and_one_more() -> None:
    five, six = fetched(Server(onwards=onwards), "/onwards/5", "/onwards/6")
    assert (five.code, six.code) == ("success", "redirect_loop")


def test_only_decoding_finds_a_fault_within_a_whole_file() -> None:
    whole = picture("PNG")
    broken = whole[:1000] + bytes(100) + whole[1100:]
    for decode, code in ((False, "success"), (True, "undecodable")):
        (result,) = fetched(Server(a=said(200, body=broken)), "/a", decode=decode)
        assert result.code == code


def test_a_server_says_when_to_come_back() -> None:
    server = Server(a=healed(503, "Retry-After: 1"))
    began = time.monotonic()
    (result,) = fetched(server, "/a", limits=Limits(seconds=2.0))
    assert (result.code, result.attempts) == ("success", 2)
    assert time.monotonic() - began >= 1.0


def test_a_host_that_refuses_everybody_is_left_in_peace() -> None:
    """After three refusals in a row nobody is sent there before the time that it named."""
    times = []

    async def refuse(visit: Visit) -> None:
        times.append(time.monotonic())
        visit.reply(429, b"", "Retry-After: 1")

    async def run() -> list[Result]:
        server = Server(a=refuse)
        async with server.running():
            requests = [Request(n, f"{server.url}/a/{n}") for n in range(5)]
            limits = Limits(seconds=5.0, retries=0, per_host=1)
            return [each async for each in download(requests, limits, Guard(frozenset({server.host})), AGENT)]

    assert {result.code for result in asyncio.run(run())} == {"rate_limited"}
    assert min(later - sooner for sooner, later in itertools.pairwise(times[2:])) >= 1.0


def test_a_name_server_that_is_busy_is_asked_again() -> None:
    def lookup(host: str, port: int, **_: Any) -> list[Any]:
        asked.append(host)
        if len(asked) <= 2:  # robots.txt was first
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    asked: list[str] = []
    (result,) = fetched(Server(), "http://busy.test/a.jpg", guard={"lookup": lookup})
    assert (result.code, result.attempts) == ("dns", 2)


@pytest.mark.parametrize(
    ("answer", "counted"), [(said(404), 0), (said(403), 0), (said(503), 1), (hang, 1), (said(302), 1)]
)
def test_without_a_robots_txt_everything_may_be_asked(answer: Answer, counted: int) -> None:
    server = Server(robots=answer, good=good)
    limits = Limits(seconds=1.0, stall=1.0, retries=0, per_host=1)
    assert [result.code for result in fetched(server, "/good", "/good", limits=limits)] == ["success"] * 2
    assert server.counters["robots.txt/unreachable"] == counted
    assert server.asked["/robots.txt"] == 1


def test_a_moved_robots_txt_counts() -> None:
    server = Server(robots=said(301, "Location: /elsewhere"), elsewhere=robots, kept=good)
    assert fetched(server, "/kept/a")[0].code == "robots_optout"


def test_every_request_passes_the_gate_and_a_refusal_closes_it() -> None:
    class Watched(Gate):
        pauses: ClassVar[list[float]] = []

        def pause(self, seconds: float, why: str = "") -> None:
            self.pauses.append(seconds)

    server = Server(moved=said(302, "Location: /a"), a=healed(429, "Retry-After: 1"))
    (result,) = fetched(server, "/moved", limits=Limits(seconds=9.0), gate=Watched(6000))
    assert result.code == "success"
    assert server.counters["requests"] == 5, "robots.txt, and twice a redirect and its end"
    assert Watched.pauses == [1.0]
    server = Server(a=said(503, "Retry-After: 120"))
    (result,) = fetched(server, "/a", limits=Limits(seconds=9.0), gate=Watched(6000))
    assert result.code == "http_5xx"
    assert Watched.pauses == [1.0, 120.0], "a row's patience is not the gate's"


async def slowly(visit: Visit) -> None:
    await asyncio.sleep(0.01)
    await good(visit)


def test_every_url_of_a_stream_ends_once_over_few_connections() -> None:
    server = Server(good=slowly)
    results = fetched(server, *(f"/good/{n}" for n in range(200)), limits=Limits(per_host=6))
    assert [result.request.key for result in results] == list(range(200))
    assert {result.code for result in results} == {"success"}
    assert server.most <= 6
    assert server.connections <= 7, "connections are kept"


def test_at_most_so_many_are_in_flight_or_unread() -> None:
    """A reader that stops stops the downloads: what is held is `concurrent` bodies, one in hand and one on its way."""

    async def run() -> int:
        server = Server(good=good)
        async with server.running():
            requests = (Request(n, f"{server.url}/good/{n}") for n in range(100))
            stream = download(requests, Limits(per_host=50, concurrent=5), Guard(frozenset({server.host})), AGENT)
            async for _ in stream:
                await asyncio.sleep(0.5)
                break
            asked = sum(times for path, times in server.asked.items() if path.startswith("/good"))
            await stream.aclose()  # type: ignore[attr-defined]
            return asked

    assert asyncio.run(run()) <= 5 + 2


def test_a_stream_takes_requests_as_it_goes_and_ends_when_it_is_left() -> None:
    taken = []

    def requests(url: str) -> Iterator[Request]:
        for n in range(100_000):
            taken.append(n)
            yield Request(n, f"{url}/good/{n}")

    async def run() -> int:
        server = Server(good=good)
        async with server.running():
            guard = Guard(frozenset({server.host}))
            stream = download(requests(server.url), Limits(concurrent=4, per_host=4), guard, AGENT)
            async for result in stream:
                if result.request.key >= 50:
                    break
            await stream.aclose()  # type: ignore[attr-defined]
            return sum("Downloader" in str(task.get_coro()) for task in asyncio.all_tasks())

    assert asyncio.run(run()) == 0
    assert len(taken) < 200


def test_a_fault_of_ours_is_raised_and_not_counted_as_the_urls(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise KeyError("a mistake in this program")

    monkeypatch.setattr("crawlers.images.has_end", broken)
    with pytest.raises(KeyError, match="a mistake"):
        fetched(Server(good=good), "/good", "/good", "/good")


@pytest.fixture
def certificate(tmp_path: Path) -> ssl.SSLContext:
    """A server's TLS context with a certificate that only itself vouches for."""
    key, chain = tmp_path / "key.pem", tmp_path / "chain.pem"
    subprocess.run(
        [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-keyout", str(key), "-out", str(chain), "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1",
        ],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    return context


def test_a_certificate_that_nobody_vouches_for(certificate: ssl.SSLContext) -> None:
    async def run() -> tuple[str, int]:
        server = Server(good=good)
        async with server.running(certificate):
            async with Downloader(QUICK, Guard(frozenset({server.host})), AGENT) as downloader:
                result = await downloader.one(Request(1, f"{server.url}/good"))
        assert "certificate" in result.message.lower()
        return result.code, result.attempts

    assert asyncio.run(run()) == ("tls", 1)
