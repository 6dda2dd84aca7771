"""Manners: who is asking, how often, and when to ask again.

Wikimedia asks of every client a contact in its User-Agent, at most three requests at a time, a rate below its limit
and that `Retry-After` is obeyed (https://www.mediawiki.org/wiki/API:Etiquette,
https://foundation.wikimedia.org/wiki/Policy:Wikimedia_Foundation_User-Agent_Policy). One `Gate` for all that is asked
of one operator keeps all of this, whoever asks.
"""

import asyncio
import email.utils
import math
import random
import re
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import aiohttp

AGENT = "BabelVision/0.1"
BURST = 3
MINUTE = 60.0
BASE_SECONDS = 1.0
CAP_SECONDS = 60.0
NO_TIME = 1e-6
PATIENCE_SECONDS = 600.0

_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(\.[\w-]+)+", re.ASCII)


def user_agent(contact: str) -> str:
    """The User-Agent of an operator whom a server's owner can reach at `contact`: an e-mail address or a web page.

    Raises ValueError.
    """
    contact = contact.strip()
    if not _EMAIL.fullmatch(contact) and not _is_page(contact):
        raise ValueError(
            f"contact {contact!r}: expected the e-mail address or the http(s) page of whoever runs this crawl; "
            "servers' owners write there before they block"
        )
    return f"{AGENT} ({contact}) aiohttp/{aiohttp.__version__}"


def _is_page(contact: str) -> bool:
    try:
        parts = urlsplit(contact)
    except ValueError:
        return False
    plain = contact.isascii() and contact.isprintable() and not set(contact) & set(" ()\"'<>\\")
    return plain and parts.scheme in ("http", "https") and "." in (parts.hostname or "")


def jittered(attempt: int, uniform: Callable[[float, float], float] = random.uniform) -> float:
    """Seconds to wait after attempt number `attempt` (from 0) failed: uniform between 0 and a limit that doubles.

    Full jitter: clients that failed together do not come back together (M. Brooker, "Exponential Backoff And Jitter",
    AWS Architecture Blog, 2015).
    """
    return uniform(0.0, min(CAP_SECONDS, BASE_SECONDS * 2.0 ** min(attempt, 60)))


def retry_after(header: str | None, now: float) -> float | None:
    """Seconds that a `Retry-After` header asks for (RFC 9110, 10.2.3: seconds or an HTTP date); None when it says
    nothing that can be understood. `now` is Unix time.
    """
    if not header:
        return None
    try:
        seconds = float(header)
    except ValueError:
        try:
            seconds = email.utils.parsedate_to_datetime(header).timestamp() - now
        except (ValueError, TypeError, OverflowError):
            return None
    return max(seconds, 0.0) if math.isfinite(seconds) else None


class Silence(Exception):
    """A server wants to be left alone for longer than anybody waits here; the text says until when."""


class Gate:
    """Lets requests through: at most `per_minute` in any minute, `BURST` in quick succession, `concurrent` at once.

    For one event loop. Whoever waits longest goes first. In a pause that has more than `PATIENCE_SECONDS` to go nobody
    waits: everyone gets `Silence`.
    """

    def __init__(self, per_minute: float, concurrent: int = 3) -> None:
        if not 1 <= per_minute < math.inf or concurrent < 1:
            raise ValueError(
                f"{per_minute} requests a minute, {concurrent} at once: expected at least 1 of each, and a limit"
            )
        self.per_minute, self.concurrent = per_minute, concurrent
        self._places, self._turn = asyncio.Semaphore(concurrent), asyncio.Lock()
        self._starts: deque[float] = deque(maxlen=int(per_minute))
        self._tokens, self._counted, self._paused_until = float(BURST), -math.inf, -math.inf
        self._why = ""

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """`async with gate.slot():` around one request: waits for a place and for the rate. Raises `Silence`."""
        async with self._places:
            async with self._turn:
                while (seconds := self._wait()) > NO_TIME:
                    self.check()
                    await asyncio.sleep(seconds)
                self._tokens -= 1
                self._starts.append(_now())
            yield

    def pause(self, seconds: float, why: str = "") -> None:
        """Nobody starts within the next `seconds`; `why` is what they are told whom that is too long."""
        until = _now() + seconds
        if until > self._paused_until:
            # The first words stay, so that everyone who is refused in one pause is told the same.
            told = self._paused_until - _now() > PATIENCE_SECONDS
            self._paused_until, self._why = until, self._why if told else why

    def check(self) -> None:
        """Raises `Silence` in a pause that nobody waits for."""
        if self._paused_until - _now() > PATIENCE_SECONDS:
            raise Silence(self._why)

    def _wait(self) -> float:
        """Seconds until a request may start, as far as is known now."""
        now, rate = _now(), self.per_minute / MINUTE
        self._tokens = min(float(BURST), self._tokens + (now - self._counted) * rate)
        self._counted = now
        waits = [self._paused_until - now, (1 - self._tokens) / rate]
        if len(self._starts) == self._starts.maxlen:
            waits.append(self._starts[0] + MINUTE - now)
        return max(waits)


def _now() -> float:
    """The clock by which the loop's own sleeps are timed."""
    return asyncio.get_running_loop().time()
