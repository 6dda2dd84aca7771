"""Where a crawler may connect to: public addresses over http and https, whatever a list of URLs or a redirect says.

A URL of a data set is an order from a stranger: it can name the cloud's metadata service, a printer, or a host whose
name resolves to one. A check of the URL alone is not enough, since names are resolved later and aiohttp never
resolves a literal address; so the addresses themselves are checked when the socket is made.
"""

import asyncio
import ipaddress
import re
import socket
import ssl
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

PORTS = {"http": 80, "https": 443}
LOOKUP_THREADS = 32
DNS_SECONDS = 300
NUMERIC_HOST = re.compile(r"(0x[0-9a-f]*|[0-9]+)(\.(0x[0-9a-f]*|[0-9]+))*\.?")
PLAIN_URL = re.compile(r"https?://[a-z0-9.-]+(:[0-9]+)?/[!#-;=?-\[\]_a-z~]*")
GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
TRANSLATED = ipaddress.IPv6Network("64:ff9b::/96")

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
Lookup = Callable[..., list[Any]]


class Blocked(Exception):
    """A URL that is not asked. `code`: blocked_scheme, blocked_address, blocked_port or bad_url."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)
        self.code = code

    def __str__(self) -> str:
        return str(self.args[1])


@dataclass(frozen=True)
class Guard:
    """What may be asked.

    `allow`: hosts ("host", or "host:port") that may be private and on any port. `lookup`: the `getaddrinfo` to ask.
    """

    allow: frozenset[str] = frozenset()
    lookup: Lookup = socket.getaddrinfo

    def check(self, url: str | URL) -> URL:
        """The URL, parsed, so that what was checked is what is asked. Raises `Blocked`."""
        parsed = parse(url)
        host, port = parsed.raw_host or "", parsed.port or 0
        if parsed.scheme not in PORTS:
            raise Blocked("blocked_scheme", f"{parsed}: only http and https are asked, not {parsed.scheme!r}")
        if not host:
            raise Blocked("bad_url", f"{parsed}: names no host")
        if parsed.user is not None or parsed.password is not None:
            raise Blocked("bad_url", f"{parsed.with_user(None)}: a URL with a user or password is not asked")
        if self.allows(host, port):
            return parsed
        if port not in PORTS.values():
            raise Blocked("blocked_port", f"{parsed}: port {port} is not asked; --allow-host {host}:{port} allows it")
        address = literal(host)
        if address is None and NUMERIC_HOST.fullmatch(host):
            raise Blocked("blocked_address", f"{parsed}: {host} is a number, not a name nor a plain IPv4 address")
        if address is not None and not is_public(address):
            raise Blocked("blocked_address", _refusal(host, port, str(address)))
        return parsed

    def allows(self, host: str, port: int) -> bool:
        """Whether --allow-host names this host, so that it may be private and on this port."""
        name = f"[{host}]" if ":" in host else host
        return bool(self.allow & {host, name, f"{name}:{port}"})

    def connector(self, **options: Any) -> aiohttp.TCPConnector:
        """A connector that opens sockets to permitted addresses only, else raises `Blocked`.

        `options` are those of `aiohttp.TCPConnector`. Called inside a running loop.
        """
        resolver = _Resolver(self)
        defaults: dict[str, Any] = {"ssl": tls_context(), "ttl_dns_cache": DNS_SECONDS}
        own = {"resolver": resolver, "socket_factory": resolver.socket}
        return aiohttp.TCPConnector(**defaults | options | own)


class _Resolver(AbstractResolver):
    """Resolves names, refuses a name with any address that is not public, and makes the sockets."""

    def __init__(self, guard: Guard) -> None:
        self.guard = guard
        self.allowed: set[tuple[str, int]] = set()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(
            lookup_threads(), lambda: self.guard.lookup(host, port, type=socket.SOCK_STREAM, family=family)
        )
        addresses = [(each[0], each[2], str(each[4][0])) for each in found]
        if self.guard.allows(host, port):
            self.allowed.update((text, port) for _, _, text in addresses)
        else:
            for _, _, text in addresses:
                if not _is_public(text):
                    raise Blocked("blocked_address", _refusal(host, port, text))
        return [
            ResolveResult(hostname=host, host=text, port=port, family=kind, proto=proto, flags=socket.AI_NUMERICHOST)
            for kind, proto, text in addresses
        ]

    def socket(self, info: Any) -> socket.socket:
        """A socket for one answer of `getaddrinfo`: the last look at an address, literal or resolved."""
        kind, sort, proto, _, (text, port, *_) = info
        if not (_is_public(text) or (text, port) in self.allowed or self.guard.allows(text, port)):
            raise Blocked("blocked_address", _refusal(text, port, text))
        return socket.socket(kind, sort, proto)

    async def close(self) -> None:
        """Nothing is held."""


@cache
def tls_context() -> ssl.SSLContext:
    """The process's one TLS context: it costs 30 ms to make, since the system's certificates are read."""
    return ssl.create_default_context()


@cache
def lookup_threads() -> ThreadPoolExecutor:
    """Threads that resolve names: the loop's own few would all wait for the name servers of dead domains."""
    return ThreadPoolExecutor(LOOKUP_THREADS, "lookup")


def parse(url: str | URL) -> URL:
    """A URL, quoted where it must be and else left as it is, for a signature may cover it. Raises `Blocked`."""
    if isinstance(url, URL):
        return url
    try:
        parsed = URL(url.strip(), encoded=PLAIN_URL.fullmatch(url.strip()) is not None)
        parsed.port  # noqa: B018  (raises for a port that is none)
        return parsed
    except ValueError as error:
        raise Blocked("bad_url", f"{url[:300]!r} is no URL: {error}") from error


def literal(host: str) -> IPAddress | None:
    """The address that a host is written as, or None for a name."""
    try:
        return ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return None


def is_public(address: IPAddress) -> bool:
    """Whether an address is one of the public internet, also where an IPv4 address is wrapped in an IPv6 one."""
    if isinstance(address, ipaddress.IPv4Address):
        return address.is_global and not address.is_multicast
    wrapped = address.ipv4_mapped or address.sixtofour
    if wrapped is None and address in TRANSLATED:
        wrapped = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    if wrapped is not None:
        return is_public(wrapped)
    return address in GLOBAL_UNICAST and address.is_global


def _is_public(text: str) -> bool:
    address = literal(text)
    return address is not None and is_public(address)


def _refusal(host: str, port: int, address: str) -> str:
    where = host if host == address else f"{host} ({address})"
    return f"{where}: not an address of the public internet; --allow-host {host}:{port} allows it"
