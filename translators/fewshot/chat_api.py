"""What goes over the wire to an OpenAI-compatible server and what comes back, which is not trusted.

Format: https://platform.openai.com/docs/api-reference/chat; vLLM's additions: `structured_outputs`, `top_k`, `min_p`,
`repetition_penalty` (the older `guided_json` is ignored in silence since vLLM 0.12).
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from translators.fewshot.engine import TEMPLATE_DATE, Answer, Message, Request
from translators.units import TranslatorError

CONTEXT_WORDS = re.compile(
    r"context.{0,9}(length|window|size)|maximum.{0,20}(length|tokens)|too long|max_model_len", re.I
)
MESSAGE_CHARACTERS = 300
ID_CHARACTERS = 200
PATH = re.compile(r"[/.~\\]|[A-Za-z]:[/\\]|\w+://|[^\\]*\\")
PATH_SEPARATOR = re.compile(r"[/\\]")
BYTES_PER_TOKEN = 3
TOKENS_PER_TURN = 8

PROBE_SCHEMA = {
    "type": "object",
    "properties": {"number": {"type": "integer"}},
    "required": ["number"],
    "additionalProperties": False,
}
HELLO = Request((Message("user", "Say: hello."),), 0, 32, 0.0, 1.0)
PROBE = replace(HELLO, schema=PROBE_SCHEMA)


class FaultyAnswer(Exception):
    """A reply that is no answer: not JSON, no choices, no text. Worth asking again."""


def base_address(url: str) -> str:
    """A server's address without `/v1` and without a slash at the end. Raises `TranslatorError` for what is none."""
    try:
        parts = urlsplit(url)
        host, user, _ = parts.hostname, parts.username, parts.port
        (host or "").encode("idna")  # as whoever looks the name up does
    except ValueError as error:
        raise TranslatorError(f"--server: {error}; expected something like http://127.0.0.1:8000") from error
    if user is not None:
        raise TranslatorError(
            f"--server {parts.scheme}://…@{host}: no user and password in an address; "
            "put the server's key into the environment variable BABELVISION_API_KEY"
        )
    clean = url.isprintable() and " " not in url
    if not clean or parts.scheme not in ("http", "https") or not host or parts.query or parts.fragment:
        raise TranslatorError(f"--server {url!r}: expected an address such as http://127.0.0.1:8000")
    return url.rstrip("/").removesuffix("/v1").rstrip("/")


def chat_body(request: Request, model: str, vllm: bool) -> dict[str, Any]:
    """The JSON body of a chat completion. To vLLM it says everything, lest the model's own defaults come in.

    Nor does today's date, into a template that takes it from outside as Llama 3's do; one that asks the server's clock
    in any case makes answers that change with the day, which no request can prevent.
    """
    body: dict[str, Any] = {
        "model": model,
        "messages": [{"role": message.role, "content": message.content} for message in request.messages],
        "seed": request.seed,
        "max_tokens": request.max_tokens,
        "temperature": request.temperature,
        "top_p": request.top_p,
    }
    if vllm:
        body |= {"top_k": 0, "min_p": 0.0, "repetition_penalty": 1.0}
        body["chat_template_kwargs"] = {"date_string": TEMPLATE_DATE}
        if request.pattern is not None:
            body["structured_outputs"] = {"regex": request.pattern}
        elif request.schema is not None:
            body["structured_outputs"] = {"json": dict(request.schema)}
    elif request.schema is not None:
        shape = {"name": "answer", "strict": True, "schema": dict(request.schema)}
        body["response_format"] = {"type": "json_schema", "json_schema": shape}
    return body


def parse_json(body: bytes) -> Any:
    """A body's JSON. Raises `FaultyAnswer`."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise FaultyAnswer(f"the reply is no JSON ({type(error).__name__}): {shortened(body)!r}") from error


def parse_answer(body: bytes) -> Answer:
    """The answer in a chat completion. Raises `FaultyAnswer` unless it has a text and a reason to end."""
    reply = parse_json(body)
    choices = reply.get("choices") if isinstance(reply, dict) else None
    choice = choices[0] if isinstance(choices, list) and choices else None
    if not isinstance(choice, dict):
        raise FaultyAnswer("the reply has no choices")
    finish = choice.get("finish_reason")
    if not isinstance(finish, str):
        raise FaultyAnswer("the reply has no finish_reason")
    message = choice.get("message")
    text = message.get("content") if isinstance(message, dict) else None
    usage = reply.get("usage")
    prompt_tokens, tokens = (_count(usage, name) for name in ("prompt_tokens", "completion_tokens"))
    if finish not in ("stop", "length"):
        return Answer("", "error", prompt_tokens, tokens, f"the server ended it with {shortened(finish)!r}")
    if not isinstance(text, str):
        raise FaultyAnswer("the reply has no text")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise FaultyAnswer("the reply's text has half a surrogate pair") from error
    return Answer(text, finish, prompt_tokens, tokens)


def is_bound(body: bytes) -> bool:
    """Whether the reply to `PROBE` keeps to its schema. Raises `FaultyAnswer` for one that is no JSON at all."""
    parse_json(body)
    try:
        said = parse_json(parse_answer(body).text.encode())
    except FaultyAnswer:
        return False
    return isinstance(said, dict) and set(said) == {"number"} and type(said["number"]) is int


def _count(usage: Any, name: str) -> int:
    value = usage.get(name) if isinstance(usage, dict) else None
    return value if type(value) is int and 0 <= value < 2**31 else 0


def is_too_long(message: str) -> bool:
    """Whether a server's refusal is about a prompt that is longer than its context."""
    return CONTEXT_WORDS.search(message) is not None


def message_in(body: bytes) -> str:
    """A server's own words in an error reply: `{"error": {"message": …}}`, a variation of it, or plain text."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return shortened(body)
    for name in ("error", "message", "detail"):
        found = found.get(name, found) if isinstance(found, dict) else found
    return shortened(found if isinstance(found, str) else json.dumps(found))


def shortened(words: str | bytes) -> str:
    """A foreign text fit for one line of an error."""
    words = words[: 8 * MESSAGE_CHARACTERS]
    text = " ".join((words if isinstance(words, str) else words.decode("utf-8", "replace")).split())
    text = "".join(letter if letter.isprintable() else "?" for letter in text)
    return text if len(text) <= MESSAGE_CHARACTERS else text[:MESSAGE_CHARACTERS] + "…"


def parse_models(body: bytes) -> dict[str, Mapping[str, Any]]:
    """The models of `GET /v1/models`, by id; those whose id cannot be shown are left out. Raises `FaultyAnswer`."""
    reply = parse_json(body)
    data = reply.get("data") if isinstance(reply, dict) else None
    if not isinstance(data, list):
        raise FaultyAnswer("the reply lists no models")
    cards = [card for card in data if isinstance(card, dict) and isinstance(card.get("id"), str)]
    return {card["id"]: card for card in cards if 0 < len(card["id"]) <= ID_CHARACTERS and card["id"].isprintable()}


def published_name(model: str) -> str:
    """A model's id as datasets may name it: of a path on the server, the last part."""
    return PATH_SEPARATOR.split(model.rstrip("/\\"))[-1] or digest(model) if PATH.match(model) else model


def published_revision(card: Mapping[str, Any]) -> str:
    """What tells a model's weights apart: the name they came from (`root`), or else who owns it; of a path on the
    server, or what cannot be shown, a digest.
    """
    given = [card.get("root"), card["id"] if PATH.match(card["id"]) else None, card.get("owned_by")]
    words = next((item for item in given if isinstance(item, str)), "")
    fit = len(words) <= ID_CHARACTERS and words.isprintable() and not PATH.match(words)
    return words if fit else digest(words)


def digest(words: str) -> str:
    return hashlib.sha256(words.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def estimated_tokens(messages: Sequence[Message]) -> int:
    """Tokens of a chat prompt, on the high side: a token for three bytes, and the marks of each turn."""
    return sum(
        len(item.content.encode("utf-8", "surrogatepass")) // BYTES_PER_TOKEN + 1 + TOKENS_PER_TURN for item in messages
    )
