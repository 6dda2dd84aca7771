"""When the Hub is asked again and when it is not, by its headers, its status, and the errors that the client raises."""

import email.utils
from collections.abc import Callable

import httpx2
import pytest
from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled
from hypothesis import given
from hypothesis import strategies as st

from cards import retry
from cards.retry import RETRIED, Failure, asked_to_wait, failure_of, persist, wait_seconds

NOW = 1_700_000_000.0


def refused(status: int, headers: dict[str, str] | None = None) -> HfHubHTTPError:
    response = httpx2.Response(status, headers=headers, request=httpx2.Request("POST", "http://hub.example"))
    return HfHubHTTPError("refused", response=response, server_message="no")


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("headers", "limited", "seconds"),
    [
        ({}, True, None),
        ({"RateLimit": '"api";r=0;t=55'}, True, 55),
        ({"ratelimit": '"api"; r = 0 ; t = 55'}, True, 55),
        ({"RateLimit": '"api";r=0;t=55'}, False, None),
        ({"RateLimit": '"api";r=3;t=55'}, True, None),
        ({"RateLimit": '"api";r=3;t=55', "Retry-After": "7"}, True, 7),
        ({"RateLimit": '"api";r=0;t=55', "Retry-After": "7"}, True, 55),
        ({"Retry-After": "0"}, False, 0),
        ({"Retry-After": "-5"}, False, 0),
        ({"retry-after": email.utils.formatdate(NOW + 30)}, False, 30),
        ({"Retry-After": email.utils.formatdate(NOW - 30)}, False, 0),
        ({"Retry-After": "inf"}, False, None),
        ({"Retry-After": "nan"}, False, None),
        ({"Retry-After": "soon"}, False, None),
        ({"RateLimit": "junk"}, True, None),
    ],
)
def test_what_the_headers_ask_for(headers: dict[str, str], limited: bool, seconds: float | None) -> None:
    assert asked_to_wait(headers, NOW, limited=limited) == seconds


@given(st.text(), st.text(), st.booleans())
def test_any_headers_can_be_read(limit: str, after: str, limited: bool) -> None:
    asked = asked_to_wait({"RateLimit": limit, "Retry-After": after}, NOW, limited=limited)
    assert asked is None or asked >= 0


@given(st.integers(0, 10_000), st.none() | st.floats(0, 1e6))
def test_a_wait_is_what_was_asked_for_and_jitter(attempt: int, asked: float | None) -> None:
    shortest = wait_seconds(attempt, asked, lambda low, high: low)
    longest = wait_seconds(attempt, asked, lambda low, high: high)
    assert shortest == (asked or 0)
    assert shortest < longest <= shortest + (retry.BASE_SECONDS if asked is not None else retry.CAP_SECONDS)


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (refused(503), Failure(503, "no")),
        (refused(429, {"RateLimit": '"api";r=0;t=9'}), Failure(429, "no", 9)),
        (caused(RuntimeError("Error while uploading 'x' to the Hub."), refused(403)), Failure(403, "no")),
        (httpx2.ConnectError("refused"), Failure(None, "refused")),
        (httpx2.ReadTimeout(""), Failure(None, "ReadTimeout")),
        (caused(OSError("x"), httpx2.RemoteProtocolError("gone")), Failure(None, "gone")),
        (ConnectionResetError("reset"), Failure(None, "reset")),
        (ConnectionError("error (503 Service Unavailable)"), Failure(503, "error (503 Service Unavailable)")),
        (PermissionError("error (403 Forbidden)"), Failure(403, "error (403 Forbidden)")),
        (PermissionError(13, "Permission denied", "train.parquet"), None),
        (OfflineModeIsEnabled("offline"), None),
        (RuntimeError("the disk is full"), None),
        (FileNotFoundError("x"), None),
        (ValueError("x"), None),
    ],
)  # fmt: skip
def test_the_failure_behind_an_error(error: Exception, failure: Failure | None) -> None:
    assert failure_of(error) == failure


def test_a_ring_of_causes_ends() -> None:
    first, second = ValueError("a"), ValueError("b")
    first.__cause__, second.__cause__ = second, first
    assert failure_of(first) is None


def failing(*errors: Exception) -> tuple[Callable[[], str], list[Exception]]:
    left = list(errors)

    def call() -> str:
        if left:
            raise left.pop(0)
        return "done"

    return call, left


@pytest.mark.parametrize("status", sorted(RETRIED))
def test_it_asks_until_it_gets_it(monkeypatch: pytest.MonkeyPatch, status: int) -> None:
    waits: list[float] = []
    monkeypatch.setattr("cards.retry.time.sleep", waits.append)
    call, _ = failing(refused(status), httpx2.ReadError("gone"), refused(status, {"Retry-After": "5"}))
    heard: list[str] = []
    assert persist(call, "committing", heard.append) == "done"
    assert len(waits) == 3
    assert waits[2] >= 5
    assert [line.split(";")[0] for line in heard] == [
        f"committing: {status}", "committing: gone", f"committing: {status}"
    ]  # fmt: skip


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 410, 413, 422, 501, 507])
def test_what_no_waiting_mends_is_raised_at_once(status: int) -> None:
    call, left = failing(refused(status), refused(503))
    with pytest.raises(HfHubHTTPError):
        persist(call, "committing", print)
    assert len(left) == 1


def test_it_does_not_wait_longer_than_its_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr("cards.retry.time.sleep", waits.append)
    call, left = failing(refused(429, {"RateLimit": '"api";r=0;t=100'}), refused(503))
    with pytest.raises(HfHubHTTPError):
        persist(call, "committing", print, patience=60)
    assert (waits, len(left)) == ([], 1)


def test_patience_is_of_all_waits_together(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr("cards.retry.time.sleep", waits.append)
    call, left = failing(*(refused(503, {"Retry-After": "25"}) for _ in range(9)))
    with pytest.raises(HfHubHTTPError):
        persist(call, "committing", print, patience=60)
    assert (len(waits), len(left)) == (2, 6)
