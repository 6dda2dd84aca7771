"""The guard: nothing that is not public is asked, however it is written, resolved or led to."""

import asyncio
import ipaddress
import pickle
import socket
from collections.abc import Iterator
from typing import Any

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawlers.guard import Blocked, Guard, is_public, parse, tls_context

PUBLIC = "93.184.215.14"


def code(url: str, guard: Guard | None = None) -> str:
    try:
        (guard or Guard()).check(url)
    except Blocked as error:
        return error.code if str(error).count("\n") == 0 else "more than one line"
    return ""


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/", "http://127.1/", "http://2130706433/", "http://0x7f000001/", "http://0x7f.0.0.1/",
        "http://0177.0.0.1/", "http://127.0.0.1./", "http://１２７.0.0.1/", "http://0/", "http://0.0.0.0/",
        "http://10.1.2.3/", "http://172.16.0.1/", "http://192.168.1.1/", "http://100.64.0.1/", "http://169.254.169.254/",
        "http://224.0.0.1/", "http://255.255.255.255/", "http://198.18.0.1/", "https://127.0.0.1/", "http://[::1]/",
        "http://[::]/", "http://[::ffff:127.0.0.1]/", "http://[::ffff:7f00:1]/", "http://[::127.0.0.1]/",
        "http://[fe80::1]/", "http://[fc00::1]/", "http://[ff02::1]/", "http://[64:ff9b::10.0.0.1]/",
        "http://[2002:7f00:1::]/", "http://[2001:db8::1]/",
    ],
)  # fmt: skip
def test_an_address_that_is_not_public_is_refused_in_every_notation(url: str) -> None:
    assert code(url) == "blocked_address"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://example.org/a.jpg", ""),
        ("HTTPS://example.org", ""),
        ("https://例え.jp/画像.jpg", ""),
        (f"http://{PUBLIC}/", ""),
        ("http://[2606:2800:21f::1]/", ""),
        ("http://[64:ff9b::8.8.8.8]/", ""),
        ("  http://example.org/a b.jpg\n", ""),
        ("file:///etc/passwd", "blocked_scheme"),
        ("ftp://example.org/", "blocked_scheme"),
        ("gopher://example.org/", "blocked_scheme"),
        ("//example.org/a.jpg", "blocked_scheme"),
        ("picture of a cat.jpg", "blocked_scheme"),
        ("", "blocked_scheme"),
        ("http://example.org:22/", "blocked_port"),
        ("http://example.org:8080/", "blocked_port"),
        ("http://example.org:0/", "blocked_port"),
        ("http://example.org:99999/", "bad_url"),
        ("http://user:secret@example.org/", "bad_url"),
        ("http://user@example.org/", "bad_url"),
        ("http:///a.jpg", "bad_url"),
        ("http://[::1/", "bad_url"),
    ],
)
def test_scheme_port_and_form(url: str, expected: str) -> None:
    assert code(url) == expected


def test_a_password_is_not_repeated_in_the_message() -> None:
    with pytest.raises(Blocked) as caught:
        Guard().check("http://me:hunter2@example.org/")
    assert "hunter2" not in str(caught.value)


def test_what_is_allowed_is_one_host_and_port() -> None:
    guard = Guard(frozenset({"127.0.0.1:8800", "[::1]:8800", "printer.local"}))
    assert code("http://127.0.0.1:8800/", guard) == code("http://[::1]:8800/", guard) == ""
    assert code("http://printer.local:631/", guard) == ""
    assert code("http://127.0.0.1:8801/", guard) == "blocked_port"
    assert code("http://127.0.0.1/", guard) == "blocked_address"


def test_a_signed_url_is_asked_as_it_is_written() -> None:
    url = "https://example.org/a%2Fb%7E(1).jpg?X-Sig=a%2Bb%3D&e=%41"
    assert str(Guard().check(url)) == url


def test_a_blocked_url_survives_a_trip_between_processes() -> None:
    error = pickle.loads(pickle.dumps(Blocked("blocked_port", "http://example.org:22/: no")))
    assert (error.code, str(error)) == ("blocked_port", "http://example.org:22/: no")


def test_the_tls_context_is_made_once_and_checks_certificates() -> None:
    assert tls_context() is tls_context()
    assert tls_context().check_hostname


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_is_as_public_as_every_wrapping_of_it(address: ipaddress.IPv4Address) -> None:
    number = int(address)
    assert is_public(address) == (address.is_global and not address.is_multicast)
    for wrapped in ((0xFFFF << 32) | number, (0x64FF9B << 96) | number, (0x2002 << 112) | (number << 80)):
        assert is_public(ipaddress.IPv6Address(wrapped)) == is_public(address)


@given(st.ip_addresses(v=6))
def test_no_local_ipv6_address_is_public(address: ipaddress.IPv6Address) -> None:
    if address.is_private or address.is_link_local or address.is_multicast or address.is_loopback:
        assert not is_public(address)


@given(st.ip_addresses(network="127.0.0.0/8") | st.ip_addresses(network="10.0.0.0/8"), st.data())
def test_no_notation_of_a_private_address_passes(address: ipaddress.IPv4Address, data: st.DataObject) -> None:
    """As `inet_aton` reads it: one to four parts, each decimal, octal or hexadecimal."""
    parts = data.draw(st.integers(1, 4))
    number = int(address)
    values = [(number >> (8 * (3 - n))) & 0xFF for n in range(parts - 1)] + [number & ((1 << (8 * (5 - parts))) - 1)]
    text = ".".join(data.draw(st.sampled_from((str, hex, "0{:o}".format)))(value) for value in values)
    assert socket.inet_aton(text) == address.packed
    assert code(f"http://{text}/") == "blocked_address"


@given(st.text(max_size=60))
def test_any_text_is_refused_or_parsed(text: str) -> None:
    for url in (text, f"http://{text}", f"http://example.org/{text}"):
        code(url)


# At connect time, against a real server on loopback.


class Names:
    """A name server: what each name resolves to, answer after answer; the last one is repeated."""

    def __init__(self, **answers: list[list[str]]) -> None:
        self.answers = answers
        self.asked = 0

    def __call__(self, host: str, port: int, **_: Any) -> list[Any]:
        self.asked += 1
        answers = self.answers[host.partition(".")[0]]
        addresses = answers.pop(0) if len(answers) > 1 else answers[0]
        return [
            (socket.AF_INET6 if ":" in each else socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port))
            for each in addresses
        ]


@pytest.fixture
def port() -> Iterator[int]:
    """A port that a server would listen on; the guard must not even try it."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.settimeout(0)
        yield listener.getsockname()[1]
        with pytest.raises(BlockingIOError):
            listener.accept()


async def ask(guard: Guard, *urls: str) -> list[str]:
    """How asking each URL with one connector ends, without `check`: what the socket itself lets through."""
    ends = []
    async with aiohttp.ClientSession(connector=guard.connector(ttl_dns_cache=0)) as session:
        for url in urls:
            try:
                async with session.get(parse(url), timeout=aiohttp.ClientTimeout(5)):
                    ends.append("answered")
            except Exception as error:
                ends.append(getattr(error, "code", type(error).__name__))
    return ends


def test_a_socket_to_a_literal_address_is_refused(port: int) -> None:
    urls = (f"http://127.0.0.1:{port}/", f"http://[::1]:{port}/", f"http://[::ffff:127.0.0.1]:{port}/")
    assert asyncio.run(ask(Guard(), *urls)) == ["blocked_address"] * 3


def test_a_name_of_this_machine_is_refused(port: int) -> None:
    assert asyncio.run(ask(Guard(), f"http://localhost:{port}/")) == ["blocked_address"]


def test_a_name_with_one_private_answer_among_public_ones_is_refused(port: int) -> None:
    names = Names(mixed=[[PUBLIC, "127.0.0.1"]], wrapped=[["::ffff:127.0.0.1"]], odd=[["no address"]])
    urls = [f"http://{name}.test:{port}/" for name in ("mixed", "wrapped", "odd")]
    assert asyncio.run(ask(Guard(lookup=names), *urls)) == ["blocked_address"] * 3


def test_a_name_that_turns_private_is_refused_then(port: int) -> None:
    """Rebinding: the first answer is harmless, the second one is this machine."""
    names = Names(turning=[["255.255.255.255"], ["127.0.0.1"]], public=[[PUBLIC]])
    ends = asyncio.run(ask(Guard(lookup=names), f"http://turning.test:{port}/", f"http://turning.test:{port}/"))
    assert ends == ["blocked_address"] * 2
    assert names.asked == 2


def test_an_allowed_name_is_connected_and_its_address_under_another_port_is_not() -> None:
    async def both() -> list[str]:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        other = await asyncio.start_server(answer, "127.0.0.1", 0)
        ports = [each.sockets[0].getsockname()[1] for each in (server, other)]
        guard = Guard(frozenset({f"wiki.test:{ports[0]}"}), Names(wiki=[["127.0.0.1"]]))
        ends = await ask(guard, f"http://wiki.test:{ports[0]}/", f"http://127.0.0.1:{ports[1]}/")
        server.close()
        other.close()
        return ends

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        writer.close()

    assert asyncio.run(both()) == ["answered", "blocked_address"]
