"""When to ask a server again, and how long to wait first: exponential backoff with full jitter.

Full jitter draws the wait from all of [0, limit], so that clients who failed together do not come back together
(M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
"""

import email.utils
import math
import random
from collections.abc import Callable

BASE_SECONDS = 1.0
CAP_SECONDS = 30.0
RETRY_AFTER_CAP_SECONDS = 120.0
RETRIED = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})


def jittered(attempt: int, uniform: Callable[[float, float], float] = random.uniform) -> float:
    """Seconds to wait after attempt number `attempt` (from 0) failed: uniform between 0 and a limit that doubles."""
    return uniform(0.0, min(CAP_SECONDS, BASE_SECONDS * 2.0 ** min(attempt, 60)))


def retry_after(header: str | None, now: float) -> float | None:
    """Seconds that a `Retry-After` header asks for (RFC 9110, 10.2.3: seconds or an HTTP date), at most
    `RETRY_AFTER_CAP_SECONDS`; None when it says nothing that can be understood. `now` is Unix time.
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
    return min(max(seconds, 0.0), RETRY_AFTER_CAP_SECONDS) if math.isfinite(seconds) else None


def wait_seconds(attempt: int, header: str | None, now: float) -> float:
    """How long to wait before the next attempt: what the server asks for, and jitter on top."""
    asked = retry_after(header, now)
    return jittered(attempt) if asked is None else asked + jittered(0)
