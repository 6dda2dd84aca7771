"""An engine whose model is a function: it answers as a test says, lies as a test says, in any order, or never."""

import queue
import random
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future

from translators.fewshot.engine import Answer, Message, Request, Structure

Reply = Callable[[Request], Answer | BaseException | None]


class ScriptedEngine:
    """Answers from a thread of its own. `reply` gives an answer, an exception to raise, or None for no answer ever.

    With `shuffled`, requests are held back until nothing came for a moment, and then answered in that random order.
    A token is a word. `requests` are those that came, in order.
    """

    def __init__(
        self,
        reply: Reply,
        *,
        shuffled: int | None = None,
        structures: frozenset[Structure] = frozenset(),
        name: str = "scripted",
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self.name, self.revision, self.settings, self.structures = name, "1", settings or {}, structures
        self.requests: list[Request] = []
        self.loads = 0
        self.closed = False
        self._reply = reply
        self._random = None if shuffled is None else random.Random(shuffled)
        self._queue: queue.SimpleQueue[tuple[Request, Future[Answer]] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, daemon=True)

    def load(self) -> None:
        self.loads += 1
        self._thread.start()

    def submit(self, request: Request) -> "Future[Answer]":
        future: Future[Answer] = Future()
        self.requests.append(request)
        self._queue.put((request, future))
        return future

    def count_tokens(self, messages: Sequence[Message]) -> int:
        return sum(len(message.content.split()) + 4 for message in messages)

    def close(self) -> None:
        self.closed = True
        self._queue.put(None)

    def _work(self) -> None:
        while True:
            held = [self._queue.get()]
            while self._random is not None:
                try:
                    held.append(self._queue.get(timeout=0.02))
                except queue.Empty:
                    self._random.shuffle(held)
                    break
            for item in held:
                if item is None:
                    return
                request, future = item
                answer = self._reply(request)
                if answer is None or not future.set_running_or_notify_cancel():
                    continue
                if isinstance(answer, BaseException):
                    future.set_exception(answer)
                else:
                    future.set_result(answer)


def said(text: str) -> Answer:
    """An answer that ended by itself."""
    return Answer(text, "stop", prompt_tokens=10, tokens=len(text.split()))


def question_of(request: Request) -> str:
    """What the user asks in the end."""
    return request.messages[-1].content


def honest(request: Request) -> Answer:
    """What a good model answers to the Basque prompts: every text with "-eu" after each word that holds a letter."""
    query = question_of(request)
    if alone := re.fullmatch(r"Translate the following .*: (\*{0,2}\w+:\*{0,2}) and then .*\.\n(.*)", query, re.DOTALL):
        return said(f"{alone[1]} {translated(alone[2])}")
    question = re.search(r"Question:(?:\*\*)? ?(.*?)(?=\s*(?:\*\*)?Answer:|\Z)", query, re.DOTALL)
    answer = re.search(r"Answer:(?:\*\*)? ?(.*)", query, re.DOTALL)
    fields = [f"**Galdera:** {translated(question[1])}"] if question else []
    return said(" ".join([*fields, *([f"**Erantzuna:** {translated(answer[1])}"] if answer else [])]))


def translated(text: str) -> str:
    """A stand-in for a translation that keeps numbers and punctuation."""
    return re.sub(r"[^\W\d_]+", lambda word: f"{word[0]}-eu", text)
