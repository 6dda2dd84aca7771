"""Manners towards servers: who asks, how often, how many at once, and that what was answered is kept."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawlers.cache import Cache, CacheError
from crawlers.polite import BURST, CAP_SECONDS, MINUTE, Gate, jittered, retry_after, user_agent
from tests.lying_wiki import leaping

ROUNDING = 1e-5


@pytest.mark.parametrize("contact", ["me@example.org", " a.b+c@lab.example.ac.uk ", "https://example.org/~me?x=1"])
def test_the_user_agent_names_the_operator(contact: str) -> None:
    agent = user_agent(contact)
    assert agent.startswith(f"BabelVision/0.1 ({contact.strip()}) aiohttp/")
    assert agent.isprintable()


@pytest.mark.parametrize(
    "contact",
    ["", "me", "me@", "@example.org", "me@example", "example.org", "ftp://example.org", "http://", "https://localhost/",
     "me@example.org\r\nX: y", "https://example.org/ a", "https://example.org/)", "a@b.org, c@d.org", "https://[x.y"],
)  # fmt: skip
def test_whom_nobody_can_reach_is_refused_in_one_line(contact: str) -> None:
    with pytest.raises(ValueError, match="expected the e-mail address or the http") as error:
        user_agent(contact)
    assert "\n" not in str(error.value)


@given(attempt=st.integers(0, 2000), share=st.floats(0, 1))
def test_waits_grow_and_end(attempt: int, share: float) -> None:
    seconds = jittered(attempt, lambda low, high: low + share * (high - low))
    assert 0 <= seconds <= min(CAP_SECONDS, 2.0 ** min(attempt, 100))


NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("5", 5), ("0", 0), ("0.5", 0.5), ("-3", 0), ("", None), (None, None), ("soon", None), ("inf", None),
        ("nan", None), (format_datetime(NOW + timedelta(seconds=90), usegmt=True), 90),
        (format_datetime(NOW - timedelta(days=1), usegmt=True), 0), ("Sat, 99 Nov 2026 12:00:00 GMT", None),
    ],
)  # fmt: skip
def test_retry_after_in_seconds_or_as_a_date(header: str | None, seconds: float | None) -> None:
    assert retry_after(header, NOW.timestamp()) == seconds


async def _starts(gate: Gate, durations: list[float]) -> tuple[list[float], int]:
    """When requests of these durations started, all asked for at once, and how many were under way together."""
    loop = asyncio.get_running_loop()
    starts: list[float] = []
    at_once = most = 0

    async def one(seconds: float) -> None:
        nonlocal at_once, most
        async with gate.slot():
            starts.append(loop.time())
            at_once += 1
            most = max(most, at_once)
            await asyncio.sleep(seconds)
            at_once -= 1

    await asyncio.gather(*map(one, durations))
    return starts, most


@given(
    per_minute=st.floats(1, 400),
    concurrent=st.integers(1, 4),
    durations=st.lists(st.floats(0, 40), min_size=1, max_size=60),
)
def test_the_rate_is_never_above_the_limit_whatever_is_asked(
    per_minute: float, concurrent: int, durations: list[float]
) -> None:
    starts, most = leaping(_starts(Gate(per_minute, concurrent), durations), patience=0)
    assert len(starts) == len(durations)
    assert starts == sorted(starts)
    assert most <= concurrent
    for first, start in enumerate(starts):
        within = [each for each in starts[first:] if each < start + MINUTE - ROUNDING]
        assert len(within) <= per_minute
        for number, each in enumerate(starts[first:], 1):
            assert number <= BURST + (each - start + ROUNDING) * per_minute / MINUTE


@pytest.mark.parametrize("per_minute", [10, 200, 700])
def test_the_rate_that_is_allowed_is_used(per_minute: int) -> None:
    starts, _ = leaping(_starts(Gate(per_minute), [0.1] * per_minute * 3), patience=0)
    share = (len(starts) - 1) / ((starts[-1] - starts[0]) * per_minute / MINUTE)
    assert 0.95 <= share <= 1.2


def test_in_a_pause_nobody_starts_and_nobody_is_lost() -> None:
    async def main() -> tuple[float, list[float]]:
        loop = asyncio.get_running_loop()
        gate = Gate(600)
        asked = asyncio.create_task(_starts(gate, [0.0] * 20))
        await asyncio.sleep(0.5)
        until = loop.time() + 300
        gate.pause(300)
        gate.pause(10)
        return until, (await asked)[0]

    until, starts = leaping(main(), patience=0)
    early = [start for start in starts if start < until]
    assert len(starts) == 20
    assert 0 < len(early) < 20
    assert max(early) <= until - 300


def test_a_place_is_free_again_after_a_failure() -> None:
    async def main() -> int:
        gate = Gate(60_000, 1)
        for _ in range(5):
            with pytest.raises(RuntimeError):
                async with gate.slot():
                    raise RuntimeError
        waiting = asyncio.create_task(_starts(gate, [0.0]))
        await asyncio.sleep(0)
        waiting.cancel()
        return len((await _starts(gate, [0.0] * 5))[0])

    assert leaping(main(), patience=0) == 5


@pytest.mark.parametrize(("per_minute", "concurrent"), [(0, 3), (0.5, 3), (-1, 3), (float("nan"), 3), (200, 0)])
def test_a_gate_has_a_limit(per_minute: float, concurrent: int) -> None:
    with pytest.raises(ValueError, match="expected at least 1 of each"):
        Gate(per_minute, concurrent)


@settings(max_examples=20)
@given(items=st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), st.binary(max_size=2000)))
def test_what_is_put_in_comes_out(items: dict[str, bytes]) -> None:
    cache = Cache(":memory:")
    for key, body in items.items():
        cache.put(key, b"before")
        cache.put(key, body)
    assert {key: cache.get(key) for key in items} == items
    assert cache.has([*items, "?" * 40]) == set(items)
    assert cache.get("?" * 40) is None
    cache.close()


WRITER = """
import os, sys
from crawlers.cache import Cache
cache = Cache(sys.argv[1])
for number in range(1_000_000):
    cache.put(f"key {number}", os.urandom(20_000) + str(number).encode())
    print(number, flush=True)
"""


def test_a_cache_whose_process_is_killed_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "new" / "cache.sqlite"
    for _ in range(2):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, path], stdout=subprocess.PIPE, text=True)
        assert writer.stdout is not None
        for _ in range(100):
            writer.stdout.readline()
        with pytest.raises(CacheError, match="another process uses it") as error:
            _impatient(path)
        assert "\n" not in str(error.value)
        os.kill(writer.pid, signal.SIGKILL)
        written = int(writer.communicate()[0].split()[-1])
        cache = Cache(path)
        assert all(str(cache.get(f"key {number}"), "latin-1").endswith(str(number)) for number in range(written + 1))
        cache.close()
        with closing(sqlite3.connect(path)) as database:
            assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def _impatient(path: Path) -> Cache:
    """A cache by a process that does not wait long for another one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("crawlers.cache.OPEN_SECONDS", 0.1)
        return Cache(path)


def test_requests_are_counted_once_whoever_counts_and_whoever_is_told(tmp_path: Path) -> None:
    path = tmp_path / "cache.sqlite"
    for number in (1, 2):
        with closing(Cache(path)) as cache:
            cache.count("one", "listing", number)
            cache.count("two", "listing")
    with closing(Cache(path)) as cache:
        cache.count("one", "parse")
        assert cache.untold("one") == {"listing": 3, "parse": 1}
        cache.count("one", "parse")
    with closing(Cache(path)) as cache:
        assert cache.untold("one") == {"parse": 1}
        assert cache.untold("one") == {}
        assert cache.untold("two") == {"listing": 2}


def test_another_programs_file_is_left_alone(tmp_path: Path) -> None:
    other = tmp_path / "other.sqlite"
    with closing(sqlite3.connect(other)) as database:
        database.execute("CREATE TABLE answer (key TEXT)")
    text = tmp_path / "notes.txt"
    text.write_text("no database, but long enough to be looked at " * 100)
    before = other.read_bytes(), text.read_bytes()
    for path in (other, text, tmp_path):
        with pytest.raises(CacheError, match=str(path)) as error:
            Cache(path)
        assert "\n" not in str(error.value)
    assert (other.read_bytes(), text.read_bytes()) == before
