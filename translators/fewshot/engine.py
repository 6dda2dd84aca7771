"""What few-shot translation asks of an engine, be it vLLM in this process or a server elsewhere."""

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal, Protocol

Structure = Literal["regex", "json"]
DAY = date(2024, 7, 26)
TEMPLATE_DATE = DAY.strftime("%d %b %Y")
"""Today, to templates that write it into the prompt as Llama 3's do: always the same, or no answer would come twice."""


@dataclass(frozen=True)
class Message:
    """One turn of a chat: `role` is `system`, `user` or `assistant`."""

    role: str
    content: str


@dataclass(frozen=True)
class Request:
    """One answer to sample. `pattern` (a regular expression) or `schema` (JSON schema) bind its form, where the
    engine's `structures` has `regex` or `json`.
    """

    messages: tuple[Message, ...]
    seed: int
    max_tokens: int
    temperature: float
    top_p: float
    pattern: str | None = None
    schema: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Answer:
    """What the model said. `finish` is `stop`, `length` (cut off), or `error`, and then `error` says why no text
    came: this request's own fault, such as a prompt longer than the context. With `unanswered` every attempt was lost
    on the way or in the server's own trouble, so that less text would fare no better.
    """

    text: str
    finish: str
    prompt_tokens: int = 0
    tokens: int = 0
    error: str | None = None
    unanswered: bool = False


class Engine(Protocol):
    """A chat model that answers many requests at once; every method may be called from several threads.

    `name` and `revision` name the model and `settings` whatever else of the engine changes its answers: all go
    into the translation memory's key, so they are known before `load`. `structures` are the bound forms it has.
    """

    name: str
    revision: str
    settings: Mapping[str, str]
    structures: frozenset[Structure]

    def load(self) -> None:
        """Load the weights or reach the server, once. Raises `TranslatorError`."""
        ...

    def submit(self, request: Request) -> "Future[Answer]":
        """Queue a request. Its future raises `TranslatorError` when the engine itself is broken."""
        ...

    def count_tokens(self, messages: Sequence[Message]) -> int:
        """Tokens of a prompt as the model counts them, or an estimate where only the server knows; loads no weights."""
        ...

    def close(self) -> None:
        """Let go of the model or the connections. Nothing may be submitted afterwards."""
        ...
