"""When to ask the Hub again, and how long to wait first.

The Hub's client retries what it sends, but not the commit, which is what publishing hangs on. Full jitter draws the
wait from all of [0, limit], so that programs who failed together do not come back together (M. Brooker, "Exponential
Backoff And Jitter", AWS Architecture Blog, 2015); what the Hub asks for in its headers comes first
(https://huggingface.co/docs/hub/rate-limits).
"""

import email.utils
import math
import random
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

from httpx2 import TransportError
from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

T = TypeVar("T")

BASE_SECONDS = 1.0
CAP_SECONDS = 60.0
PATIENCE_SECONDS = 3900.0  # the Hub counts commits by the hour
# Worth another try: not now (408, 425, 429), somebody else was first (409, 412), and the server's own faults.
RETRIED = frozenset({408, 409, 412, 425, 429, 500, 502, 503, 504, 520, 522, 524})
_LIMIT = re.compile(r"\br\s*=\s*(\d+)\s*;\s*t\s*=\s*(\d+)")
_STATUS = re.compile(r"\b([45]\d\d) [A-Z][a-z]+")


@dataclass(frozen=True)
class Failure:
    """What went wrong between us and the Hub: the status that it answered with, or None when it did not answer.

    `message` is the Hub's own, or the connection's. `wait` is how many seconds the Hub asks us to wait.
    """

    status: int | None
    message: str
    wait: float | None = None

    @property
    def retried(self) -> bool:
        return self.status is None or self.status in RETRIED


def failure_of(error: BaseException) -> Failure | None:
    """The failure behind `error`, which its causes may tell; None where it is none of the Hub or the network."""
    for cause in _causes(error):
        if isinstance(cause, HfHubHTTPError):
            message = cause.server_message or str(cause)
            status = cause.response.status_code
            return Failure(status, message, asked_to_wait(cause.response.headers, time.time(), limited=status == 429))
        if isinstance(cause, OfflineModeIsEnabled):
            return None
        if isinstance(cause, TransportError):
            return Failure(None, str(cause) or type(cause).__name__)
        # hf_xet has no errors of its own: the status of an answer is in the text.
        if isinstance(cause, ConnectionError | TimeoutError | PermissionError | RuntimeError):
            if match := _STATUS.search(str(cause)):
                return Failure(int(match[1]), str(cause))
            if isinstance(cause, ConnectionError | TimeoutError):
                return Failure(None, str(cause) or type(cause).__name__)
    return None


def asked_to_wait(headers: Mapping[str, str], now: float, *, limited: bool) -> float | None:
    """Seconds until the Hub wants to be asked again; None when its headers do not say. `now` is Unix time.

    `RateLimit: "api";r=0;t=55` is on every answer, and is the reason of a refusal only when it is `limited` and
    nothing remains; else `Retry-After` says (RFC 9110, 10.2.3: seconds or an HTTP date).
    """
    named = {name.lower(): value for name, value in headers.items()}
    match = _LIMIT.search(named.get("ratelimit", ""))
    if limited and match and int(match[1]) == 0:
        return float(match[2])
    asked = named.get("retry-after", "")
    try:
        seconds = float(asked)
    except ValueError:
        try:
            seconds = email.utils.parsedate_to_datetime(asked).timestamp() - now
        except (ValueError, TypeError, OverflowError):
            return None
    return max(seconds, 0.0) if math.isfinite(seconds) else None


def wait_seconds(attempt: int, asked: float | None, uniform: Callable[[float, float], float] = random.uniform) -> float:
    """How long to wait after attempt number `attempt` (from 0) failed: what was asked for, and jitter on top."""
    limit = BASE_SECONDS if asked is not None else min(CAP_SECONDS, BASE_SECONDS * 2.0 ** min(attempt, 60))
    return (asked or 0.0) + uniform(0.0, limit)


def persist(call: Callable[[], T], doing: str, say: Callable[[str], None], patience: float = PATIENCE_SECONDS) -> T:
    """What `call` returns, asked until it does. `say` hears of every wait, by what we were `doing`.

    Raises what the last attempt raised: at once what no waiting mends, and the rest when the waits would come to more
    than `patience` seconds. What the attempts themselves take is no waiting: an upload may break off after hours.
    """
    waited = 0.0
    attempt = 0
    while True:
        try:
            return call()
        except Exception as error:
            failure = failure_of(error)
            if failure is None or not failure.retried:
                raise
            seconds = wait_seconds(attempt, failure.wait)
            if waited + seconds > patience:
                raise
            said = failure.status or failure.message
            say(f"{doing}: {said}; again in {seconds:.1f} s")
            time.sleep(seconds)
            waited += seconds
            attempt += 1


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    found: BaseException | None = error
    while found is not None and id(found) not in seen:
        seen.add(id(found))
        yield found
        found = found.__cause__ or found.__context__
