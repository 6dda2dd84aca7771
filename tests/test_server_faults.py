"""What a server does at its worst moments: it fails one request, is busy when asked what it can do, repeats the key."""

import json
import re
import socket
import threading
from typing import Any

import pytest
from aiohttp import web

from tests.lying_server import TEXT, LyingServer, Reply, completion, cut_short, refuses, says
from tests.scripted_engine import honest, translated
from translators import LocalMemory, TranslatorError, Unit, translate
from translators.fewshot import retry, server_engine
from translators.fewshot.chat_api import parse_models, published_name, published_revision
from translators.fewshot.engine import Message, Request
from translators.fewshot.prompts import load_prompt
from translators.fewshot.server_engine import ServerEngine
from translators.fewshot.translator import FewShotTranslator

KEY = "sk-very-secret-0123456789"
VLLM = ({"id": "latxa", "owned_by": "vllm", "root": "/models/latxa", "max_model_len": 4096},)


def asking(seed: int = 1) -> Request:
    return Request((Message("user", "Is it red?"),), seed, 32, 0.7, 0.15)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "BASE_SECONDS", 0.01)
    monkeypatch.delenv(server_engine.KEY_VARIABLE, raising=False)


def test_a_poisonous_unit_fails_by_name_and_no_other() -> None:
    async def chat(request: web.Request) -> web.StreamResponse:
        query = (await request.json())["messages"][-1]["content"]
        texts = json.loads(query[query.index('{"texts"') :])["texts"]
        if "poison" in texts[0]:
            return await refuses(500, "CUDA error")(request)
        return await says(completion(json.dumps({"texts": [f"eu {text}" for text in texts]})))(request)

    asked = [Unit("caption+caption", (f"A cat number {number}.", "A cup")) for number in range(301)]
    asked[150] = Unit("caption+caption", ("A poisonous cat.", "A cup"))
    with LyingServer(always=chat) as server:
        made = FewShotTranslator(load_prompt("generic"), ServerEngine(server.url), source="en", target="eu")
        answers, account = translate(asked, made, LocalMemory(":memory:"))
        made.close()
    assert [answer.texts for answer in answers if not answer.error] == [
        tuple(f"eu {text}" for text in unit.texts) for unit in asked if unit != asked[150]
    ]
    assert str(answers[150].error).startswith("NoAnswer: the server answers others, but not this request: HTTP 500")
    assert account.costs["requests"] == 301, "what is lost on the way is not asked for in parts"


def test_units_come_through_a_server_that_lies_between() -> None:
    """A 429, a broken body, an answer cut off, a lie, and the rest honest: nothing is lost or swapped."""

    async def chat(request: web.Request) -> web.StreamResponse:
        body = await request.json()
        turns = tuple(Message(turn["role"], turn["content"]) for turn in body["messages"])
        made = honest(Request(turns, body["seed"], body["max_tokens"], body["temperature"], body["top_p"]))
        return await says(completion(made.text))(request)

    faults = [
        refuses(429, headers={"Retry-After": "0"}),
        cut_short,
        says(completion("Zer", "length")),
        says(completion()),
    ]
    with LyingServer(*faults, always=chat) as server:
        engine = ServerEngine(server.url)
        made = FewShotTranslator(load_prompt("vqav2_eu"), engine, source="en", target="eu")
        asked = [Unit("question+answer", (f"What is thing {number}?", f"a cup {number}")) for number in range(30)]
        answers = made.translate(asked)
        made.close()
    assert [answer.texts for answer in answers] == [tuple(map(translated, unit.texts)) for unit in asked]
    counters = made.take_counters()
    assert (counters["requests"], counters["refused/Truncated"], counters["refused/MissingField"]) == (32, 1, 1)


def test_a_poisonous_request_fails_alone_when_no_other_is_asked() -> None:
    with LyingServer(*[refuses(500, "CUDA error")] * 6) as server:
        engine = ServerEngine(server.url)
        answer = engine.submit(asking()).result(30)
        assert (answer.finish, answer.unanswered) == ("error", True)
        assert engine.submit(asking(2)).result(30).text == f"{TEXT} 2"
        engine.close()


def test_a_server_whose_model_answers_nothing_is_gone_though_it_lists_its_models() -> None:
    with LyingServer(always=cut_short) as server:
        engine = ServerEngine(server.url, attempts=4)
        server.hello = refuses(503)
        with pytest.raises(TranslatorError, match=r"stopped answering: ClientPayloadError.*asked 4 times"):
            engine.submit(asking()).result(30)
        engine.close()
        assert len(server.seen) == 4


@pytest.mark.parametrize("busy", [refuses(503, "loading"), cut_short, says(b"<html>busy</html>")])
def test_a_busy_moment_does_not_change_what_a_server_can_do(busy: Reply) -> None:
    with LyingServer() as server:
        server.hello = busy
        with pytest.raises(TranslatorError, match=r"lists liar but does not say what it can do: .*start again"):
            ServerEngine(server.url)


def test_a_busy_moment_does_not_make_vllm_another_server() -> None:
    with LyingServer(models=VLLM, version_reply=refuses(503, "loading")) as server:
        with pytest.raises(TranslatorError, match="lists latxa but does not say what it can do: HTTP 503: loading"):
            ServerEngine(server.url)


@pytest.mark.parametrize(
    "reply", [refuses(400, "response_format: no"), says(completion(None)), says(completion('{"number": "3"}'))]
)
def test_a_server_that_says_no_binds_nothing(reply: Reply) -> None:
    with LyingServer() as server:
        server.hello = reply
        assert ServerEngine(server.url).structures == frozenset()


def test_a_key_that_the_server_repeats_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(server_engine.KEY_VARIABLE, KEY)
    escaped = json.dumps(completion(f"Bai {KEY}")).replace("sk-very", "\\u0073k-very").encode()
    cut = refuses(400, "x" * 290 + KEY)
    replies = [says(completion("x", f"bad {KEY}")), says(completion(KEY)), says(escaped), cut]
    away = says(b"", 307, {"Location": f"/v1?key={KEY}"})
    with LyingServer(*replies, always=away, models=[{"id": f"liar {KEY}", "root": KEY}]) as server:
        engine = ServerEngine(server.url)
        answers = [engine.submit(asking(seed)).result(30) for seed in range(len(replies))]
        with pytest.raises(TranslatorError, match="redirects to /v1") as caught:
            engine.submit(asking()).result(30)
        engine.close()
    assert "sk-very" not in f"{answers} {caught.value} {engine.name} {engine.revision}"
    assert answers[2].text == "Bai …"


def test_a_redirect_to_no_text_gives_one_line() -> None:
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listening.accept()
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 302 Found\r\nLocation: http://x/\xe9\r\nContent-Length: 0\r\n\r\n")

    threading.Thread(target=serve, daemon=True).start()
    with pytest.raises(TranslatorError, match=r"redirects to http://x/\?, which is not followed"):
        ServerEngine(f"http://127.0.0.1:{listening.getsockname()[1]}")
    listening.close()


def test_vllm_is_told_the_day_and_no_other_server() -> None:
    for models, told in ((VLLM, {"date_string": "26 Jul 2024"}), (({"id": "liar"},), None)):
        with LyingServer(models=models, version="0.32.0") as server:
            engine = ServerEngine(server.url)
            engine.submit(asking()).result(30)
            engine.close()
            assert server.seen[0].get("chat_template_kwargs") == told


def test_models_that_cannot_be_shown_are_not_offered() -> None:
    names = ["a\x1b]0;evil\x07", "b\ud800", "c" * 10_000, "", "good", "fine"]
    body = json.dumps({"data": [{"id": name} for name in names]}).encode()
    assert list(parse_models(body)) == ["good", "fine"]


@pytest.mark.parametrize(
    ("card", "name", "revision"),
    [
        ({"id": "/home/me/secret/latxa/", "root": "/home/me/secret/latxa/", "owned_by": "vllm"}, "latxa", None),
        ({"id": "../models/latxa.gguf", "owned_by": "llamacpp"}, "latxa.gguf", None),
        ({"id": "C:\\models\\latxa"}, "latxa", None),
        ({"id": "s3://bucket/latxa"}, "latxa", None),
        ({"id": "latxa", "root": "x\x1b[31m"}, "latxa", None),
        ({"id": "HiTZ/Latxa", "root": "HiTZ/Latxa", "owned_by": "vllm"}, "HiTZ/Latxa", "HiTZ/Latxa"),
        ({"id": "latxa", "owned_by": "nobody"}, "latxa", "nobody"),
        ({"id": "latxa", "root": 3}, "latxa", ""),
    ],
)
def test_a_path_of_the_server_is_not_published(card: dict[str, Any], name: str, revision: str | None) -> None:
    assert published_name(card["id"]) == name
    made = published_revision(card)
    assert re.fullmatch("[0-9a-f]{12}", made) if revision is None else made == revision


def test_a_model_named_by_its_folder_is_still_asked_for_by_it() -> None:
    with LyingServer(models=[{"id": "/models/latxa"}]) as server:
        engine = ServerEngine(server.url)
        engine.submit(asking()).result(30)
        engine.close()
        assert engine.name == "latxa"
        assert server.seen[0]["model"] == "/models/latxa"
