"""A chat engine against a server that lies: what is worth another try is tried again, within bounds, and only that."""

import json
import logging
import threading
import time
from concurrent.futures import Future, wait
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.lying_server import (
    TEXT,
    LyingServer,
    Reply,
    completion,
    cut_short,
    good,
    hang,
    refuses,
    reset,
    says,
    trickle,
)  # fmt: skip
from translators import TranslatorError
from translators.fewshot import retry, server_engine
from translators.fewshot.chat_api import FaultyAnswer, base_address, message_in, parse_answer
from translators.fewshot.engine import Answer, Message, Request
from translators.fewshot.server_engine import ServerEngine

KEY = "sk-very-secret-0123456789"
VLLM = ({"id": "latxa", "owned_by": "vllm", "root": "/models/latxa", "max_model_len": 4096},)


def asking(seed: int = 1, **changes: Any) -> Request:
    return Request((Message("user", "Is it red?"),), seed, 32, 0.7, 0.15, **changes)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "BASE_SECONDS", 0.01)
    monkeypatch.delenv(server_engine.KEY_VARIABLE, raising=False)


def answer_of(server: LyingServer, *, request: Request | None = None, **options: Any) -> Answer:
    engine = ServerEngine(server.url, **({"request_seconds": 20.0} | options))
    try:
        return engine.submit(request or asking()).result(30)
    finally:
        engine.close()


@pytest.mark.parametrize(
    "fault",
    [
        *(refuses(status) for status in sorted(retry.RETRIED)),
        refuses(429, headers={"Retry-After": "0"}),
        refuses(503, headers={"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}),
        refuses(503, headers={"Retry-After": "soon"}),
        says(b""),
        says(b'{"choices": [{"mess'),
        says(b"<html>busy</html>"),
        says(b"[" * 100_000),
        says([]),
        says({"choices": []}),
        says({"choices": ["yes"]}),
        says({"choices": {}}),
        says(completion(choices=[{"finish_reason": "stop"}])),
        says(completion(None)),
        says(completion(["a", "b"])),
        says(completion(17)),
        says(completion(finish=None)),
        says(completion(finish=3)),
        says(b'{"choices": [{"message": {"content": "\\ud83d"}, "finish_reason": "stop"}]}'),
        says(b" " * 300_000),
        cut_short,
        reset,
    ],
)
def test_a_fault_that_may_pass_is_asked_again(fault: Reply, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_engine, "MAX_BODY_BYTES", 200_000)
    with LyingServer(fault, fault) as server:
        assert answer_of(server) == Answer(f"{TEXT} 1", "stop", 7, 5)
        assert len(server.seen) == 3
        assert server.seen[0] == server.seen[1] == server.seen[2]


@pytest.mark.parametrize("fault", [says({"choices": []}), says(completion(None)), says(b"no JSON"), cut_short])
def test_a_fault_that_stays_ends_within_bounds(fault: Reply) -> None:
    with LyingServer(always=fault) as server:
        engine = ServerEngine(server.url, attempts=4)
        answer = engine.submit(asking()).result(30)
        assert (answer.finish, answer.unanswered) == ("error", fault is cut_short)
        assert "asked 4 times" in str(answer.error)
        engine.close()
        assert len(server.seen) == 4


@pytest.mark.parametrize(
    ("status", "message", "says_what"),
    [
        (400, "This model's maximum context length is 64 tokens.", "HTTP 400.*maximum context length is 64"),
        (413, "Payload Too Large", "HTTP 413"),
        (422, "inputs are too long", "HTTP 422.*too long"),
        (400, "Grammar error: invalid regex", "Grammar error"),
    ],
)
def test_a_request_that_is_refused_is_its_own_fault(status: int, message: str, says_what: str) -> None:
    with LyingServer(refuses(status, message)) as server:
        engine = ServerEngine(server.url)
        answer = engine.submit(asking()).result(30)
        assert answer.finish == "error"
        assert answer.text == ""
        with pytest.raises(AssertionError, match=says_what):
            raise AssertionError(answer.error)
        assert engine.submit(asking(2)).result(30).text == f"{TEXT} 2"
        engine.close()
        assert len(server.seen) == 2


@pytest.mark.parametrize(
    ("reply", "hint"),
    [
        (refuses(401, f"Incorrect key: {KEY}"), "environment variable BABELVISION_API_KEY"),
        (refuses(403), "may not use"),
        (refuses(404), "check the address"),
        (refuses(422, "unknown field seed"), "unknown field seed"),
        (refuses(405), "OpenAI-compatible"),
        (says(b"", 204), "204"),
        (says(b"", 307, {"Location": "http://127.0.0.1:9/elsewhere"}), "redirects to http://127.0.0.1:9/elsewhere"),
    ],
)
def test_a_server_that_refuses_us_is_not_asked_again(
    reply: Reply, hint: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv(server_engine.KEY_VARIABLE, KEY)
    caplog.set_level(logging.DEBUG)
    with LyingServer(always=reply) as server:
        engine = ServerEngine(server.url)
        with pytest.raises(TranslatorError, match=hint) as caught:
            engine.submit(asking()).result(30)
        assert server.url in str(caught.value)
        assert len(server.seen) == 1
        with pytest.raises(TranslatorError, match=hint):
            engine.submit(asking(2)).result(1)
        assert len(server.seen) == 1
        assert KEY not in f"{caught.value!r} {caught.value.__cause__!r} {engine!r} {engine.settings} {engine._line!r}"
        engine.close()
    assert KEY not in caplog.text
    assert server.headers[-1]["Authorization"] == f"Bearer {KEY}"


def test_retry_after_is_honoured() -> None:
    with LyingServer(refuses(429, headers={"Retry-After": "1"})) as server:
        began = time.monotonic()
        assert answer_of(server).finish == "stop"
        assert time.monotonic() - began >= 1.0


@pytest.mark.parametrize("never", [hang, trickle])
def test_an_answer_that_never_comes_is_asked_for_once_more(never: Reply) -> None:
    with LyingServer(never) as server:
        assert answer_of(server, request_seconds=1.0).text == f"{TEXT} 1"
        assert len(server.seen) == 2
    with LyingServer(always=never) as server:
        engine = ServerEngine(server.url, request_seconds=1.0)
        server.hello = never
        with pytest.raises(TranslatorError, match=r"stopped answering: no reply within 0.5 s \(asked [12] times\)"):
            engine.submit(asking()).result(30)
        engine.close()
        assert 1 <= len(server.seen) <= 2


def test_requests_in_flight_are_bounded_and_answers_do_not_mix() -> None:
    async def slow(request: Any) -> Any:
        import asyncio

        await asyncio.sleep(0.02)
        return await good(request)

    with LyingServer(always=slow) as server:
        engine = ServerEngine(server.url, in_flight=5)
        answers: dict[int, Future[Answer]] = {}

        def submit(seeds: range) -> None:
            for seed in seeds:
                answers[seed] = engine.submit(asking(seed))

        threads = [threading.Thread(target=submit, args=[range(start, start + 30)]) for start in (0, 100)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert {seed: made.result(30).text for seed, made in answers.items()} == {s: f"{TEXT} {s}" for s in answers}
        engine.close()
        assert server.most_at_once == 5
        assert len(server.seen) == 60


def test_a_poisonous_request_fails_alone_while_others_succeed() -> None:
    async def picky(request: Any) -> Any:
        body = await request.json()
        return await (refuses(500, "CUDA error") if body["seed"] == 13 else good)(request)

    with LyingServer(always=picky) as server:
        engine = ServerEngine(server.url, in_flight=4)
        answers = [engine.submit(asking(seed)) for seed in range(200)]
        made = [item.result(30) for item in answers]
        engine.close()
    assert [item.finish == "error" for item in made] == [seed == 13 for seed in range(200)]
    assert "not this request: HTTP 500: CUDA error (asked 6 times)" in str(made[13].error)


def test_a_storm_passes() -> None:
    storm = [refuses(500 + 3 * (index % 2), headers={"Retry-After": "0"}) for index in range(60)]
    with LyingServer(*storm) as server:
        engine = ServerEngine(server.url, in_flight=32)
        made = [item.result(60) for item in [engine.submit(asking(seed)) for seed in range(100)]]
        engine.close()
        assert [item.text for item in made] == [f"{TEXT} {seed}" for seed in range(100)]
        assert len(server.seen) == 160


def test_a_server_that_dies_fails_everything_fast_and_keeps_what_was_answered() -> None:
    with LyingServer() as server:
        engine = ServerEngine(server.url, in_flight=8)
        before = [engine.submit(asking(seed)) for seed in range(20)]
        wait(before, 30)
        server.replies = [hang] * 8
        server.always = hang
        during = [engine.submit(asking(seed)) for seed in range(500)]
        while len(server.seen) < 28:
            time.sleep(0.01)
        server.stop()
        for item in during:
            with pytest.raises(TranslatorError, match="has stopped answering"):
                item.result(20)
        with pytest.raises(TranslatorError, match="has stopped answering"):
            engine.submit(asking()).result(0)
        assert [item.result(0).text for item in before] == [f"{TEXT} {seed}" for seed in range(20)]
        engine.close()


def test_close_ends_what_waits() -> None:
    with LyingServer(always=hang) as server:
        engine = ServerEngine(server.url, in_flight=2)
        waiting = [engine.submit(asking(seed)) for seed in range(10)]
        while len(server.seen) < 2:
            time.sleep(0.01)
        engine.close()
        for item in [*waiting, engine.submit(asking())]:
            with pytest.raises(TranslatorError, match="closed"):
                item.result(5)
        engine.close()


def test_what_the_server_says_of_itself() -> None:
    with LyingServer(models=VLLM, version="0.32.0") as server:
        engine = ServerEngine(server.url + "/v1/")
        assert engine.name == "latxa"
        assert engine.structures == {"regex", "json"}
        schema = {"type": "object"}
        engine.submit(asking(schema=schema)).result(10)
        engine.submit(asking(pattern="a+")).result(10)
        engine.close()
        assert [body.get("structured_outputs") for body in server.seen] == [{"json": schema}, {"regex": "a+"}]
        assert not any("guided" in name for body in server.seen for name in body)
    with LyingServer() as server:
        engine = ServerEngine(server.url)
        assert (engine.name, engine.revision, engine.structures) == ("liar", "nobody", frozenset())


def test_a_bound_form_is_believed_only_when_it_binds() -> None:
    class Binding(LyingServer):
        async def _chat(self, request: Any) -> Any:
            body = await request.json()
            bound = body.get("response_format", {}).get("json_schema", {}).get("name") == "answer"
            return await says(completion('{"number": 3}' if bound else "Hello."))(request)

    with Binding() as server:
        assert ServerEngine(server.url).structures == {"json"}


@pytest.mark.parametrize(
    ("models", "model", "hint"),
    [
        (VLLM, "latxo", "does not serve --model latxo; did you mean latxa?"),
        (VLLM, "gemma", "it serves latxa"),
        ((*VLLM, {"id": "b"}), "", "several models or none; choose one with --model: b, latxa"),
        ((), "", "several models or none"),
        (({"id": "short", "max_model_len": 512},), "", "context of 512 tokens, and 2048 are needed"),
    ],
)
def test_a_model_that_is_not_served(models: Any, model: str, hint: str) -> None:
    with LyingServer(models=models) as server:
        with pytest.raises(TranslatorError) as caught:
            ServerEngine(server.url, model)
        assert hint in str(caught.value)


def test_a_server_that_is_not_there_or_is_none() -> None:
    with LyingServer(models_reply=says(b"<html>hello</html>")) as server:
        with pytest.raises(TranslatorError, match="/v1/models: the reply is no JSON"):
            ServerEngine(server.url)
    with pytest.raises(TranslatorError, match="is a server running there"):
        ServerEngine(server.url)
    with LyingServer(models_reply=refuses(401)) as server:
        with pytest.raises(TranslatorError, match="BABELVISION_API_KEY"):
            ServerEngine(server.url)


@pytest.mark.parametrize(
    ("url", "hint"),
    [
        ("http://me:secret@host:8000", "BABELVISION_API_KEY"),
        *(
            (url, "expected")
            for url in ("localhost:8000", "ftp://host", "http://", "http://host/v1?key=1", "", "http://[")
        ),
        ("http://host:port", "Port could not be cast"),
        ("http://a..b:8000", "idna"),
        ("http://" + "a" * 70 + ".com", "idna"),
        ("http://host/\x1b[31m", "expected"),
    ],
)
def test_an_address_that_is_none(url: str, hint: str) -> None:
    with pytest.raises(TranslatorError, match=hint) as caught:
        base_address(url)
    assert "secret" not in str(caught.value)


def test_a_key_of_two_lines_is_refused_unseen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(server_engine.KEY_VARIABLE, f"{KEY}\nX-Evil: 1")
    with pytest.raises(TranslatorError, match="one line") as caught:
        ServerEngine("http://127.0.0.1:9")
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("url", ["http://a:1", "http://a:1/", "http://a:1/v1", "http://a:1/v1/"])
def test_an_address_with_or_without_v1(url: str) -> None:
    assert base_address(url) == "http://a:1"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["choices", "message", "content", "finish_reason", "usage", "error"]), inner)
    ),
    max_leaves=12,
)


@given(json_values)
def test_any_json_is_an_answer_or_faulty(value: Any) -> None:
    try:
        answer = parse_answer(json.dumps(value).encode())
    except FaultyAnswer:
        return
    assert answer.finish in ("stop", "length", "error")
    answer.text.encode()


@given(st.binary() | json_values.map(lambda value: json.dumps(value).encode()))
def test_any_refusal_fits_on_a_line(body: bytes) -> None:
    words = message_in(body)
    assert len(words) <= 301
    assert words.isprintable()


@given(st.integers(0, 10_000))
def test_full_jitter_is_bounded_and_grows(attempt: int) -> None:
    limits: list[float] = []
    retry.jittered(attempt, lambda low, high: limits.append(high) or low)
    assert limits == [min(retry.CAP_SECONDS, retry.BASE_SECONDS * 2 ** min(attempt, 60))]
    assert 0 <= retry.jittered(attempt) <= retry.CAP_SECONDS


@given(st.text() | st.floats().map(str) | st.integers().map(str))
def test_retry_after_is_bounded_whatever_it_says(header: str) -> None:
    seconds = retry.retry_after(header, 1.7e9)
    assert seconds is None or 0 <= seconds <= retry.RETRY_AFTER_CAP_SECONDS


def test_retry_after_in_seconds_and_as_a_date() -> None:
    assert retry.retry_after("7", 0) == 7
    assert retry.retry_after("Thu, 01 Jan 1970 00:01:00 GMT", 10.0) == 50
    assert retry.retry_after("3600", 0) == retry.RETRY_AFTER_CAP_SECONDS
    assert retry.retry_after(None, 0) is retry.retry_after("soon", 0) is None
