"""Translation by a chat model that may lie: ask, read strictly, ask again, ask for less, and then fail by name.

A unit is asked for as a whole, at most twice with different seeds. If both answers are refused, each of its texts is
asked for by itself with the prompt's simpler query, again at most twice; if one of these fails, so does the unit.
Blank texts are not asked for and come back as they are.
A request that the engine cannot answer at all, such as one longer than the context, is not repeated; if it was lost on
the way, neither is its unit asked for in parts.

Seeds come from the settings, the unit and the attempt, so a rerun asks the same. All units of a call are asked at
once, and an answer is read when it comes: the engine's batch never waits for the slowest of a group.
"""

import hashlib
import json
import math
import queue
import threading
from collections import Counter
from collections.abc import Generator, Sequence
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass, replace
from functools import cache

from translators.fewshot.answers import CONTROL, Refused, answer_pattern, answer_schema, imitates, read
from translators.fewshot.engine import Answer, Engine, Message, Request
from translators.fewshot.prompts import Prompt
from translators.fewshot.queries import Part, in_languages, messages, parts_of, single_messages, written
from translators.units import Translation, TranslatorError, Unit

ATTEMPTS = 2
SPARE_TOKENS = 16
QUOTED = 60

_Steps = Generator[list[Request], list[Answer], Translation]


@dataclass
class _Question:
    """Something to ask: these parts in the prompt's query, or, with `alone`, one text in the simpler query."""

    parts: tuple[Part, ...]
    alone: bool
    values: list[tuple[str, ...]] | None = None
    refused: int = 0
    failure: str = ""
    began: str = ""
    hopeless: bool = False
    unanswered: bool = False


class FewShotTranslator:
    """Translation of whole units from `source` into `target` (ISO 639-1) by a chat model behind `engine`.

    `seed` gives other samples of the same distribution. `wait_seconds` is how long no answer at all may come while some
    are awaited. Raises `TranslatorError` if the prompt is for other languages.
    """

    together = True

    def __init__(
        self, prompt: Prompt, engine: Engine, *, source: str, target: str, seed: int = 0, wait_seconds: float = 600
    ) -> None:
        self._prompt = in_languages(prompt, source, target)
        self._given = prompt, seed
        self._engine = engine
        self._wait_seconds = wait_seconds
        form = "json" if prompt.format == "json" else "regex"
        self._structure = form if form in engine.structures else "none"
        self.name, self.revision, self.source = engine.name, engine.revision, source
        decoding = prompt.decoding
        self.settings = {
            "source": source,
            "target": target,
            "prompt": f"{prompt.name} {prompt.version} {prompt.digest}",
            "decoding": f"temperature {decoding.temperature:g}, top_p {decoding.top_p:g}, context {decoding.context}",
            "structure": self._structure,
            "seed": str(seed),
            **{f"engine {name}": value for name, value in engine.settings.items()},
        }
        self.warning: str | None = None
        if "latxa" in engine.name.casefold() and target != "eu":
            self.warning = (
                f"{engine.name} is made for Basque, and its makers promise nothing for other languages; "
                f"it translated into {target!r} here."
            )
        self._identity = json.dumps([self.name, self.revision, self.settings], sort_keys=True)
        self._empty_turn_tokens = cache(lambda: engine.count_tokens([Message("user", "")]))
        self._frame_tokens = cache(self._count_frame_tokens)
        self._counters: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._loading = threading.Lock()
        self._loaded = False

    def into(self, target: str) -> "FewShotTranslator":
        """The same engine for another target. Raises `TranslatorError` if the prompt is for other languages."""
        prompt, seed = self._given
        return FewShotTranslator(
            prompt, self._engine, source=self.source, target=target, seed=seed, wait_seconds=self._wait_seconds
        )

    def load(self) -> None:
        """Load the engine's model or reach its server, once. Raises `TranslatorError`."""
        with self._loading:
            if not self._loaded:
                self._engine.load()
                self._loaded = True

    def close(self) -> None:
        self._engine.close()

    def take_counters(self) -> Counter[str]:
        """What was done since the last call: `requests`, of them `asked_again`, their `prompt_tokens` and
        `answer_tokens`; units that went `field_by_field`; answers `refused/<class>`, and requests with `no_answer`.
        """
        with self._lock:
            taken, self._counters = self._counters, Counter()
        return taken

    def count_tokens(self, units: Sequence[Unit]) -> int:
        """Tokens of the texts alone, without the prompt around them."""
        return sum(self._text_tokens(text) for unit in units for text in unit.texts)

    def translate(self, units: Sequence[Unit]) -> list[Translation]:
        self.load()
        return _run([self._steps(unit) for unit in units], self._engine, self._wait_seconds)

    def _steps(self, unit: Unit) -> _Steps:
        """One unit's requests, a list at a time, and what came of them."""
        try:
            parts = tuple(parts_of(self._prompt, unit))
        except ValueError as error:
            return Translation((), error=f"WrongKind: {error}")
        if fault := _fault(unit):
            return Translation((), error=fault)
        if not parts:
            return Translation(unit.texts)
        whole = _Question(parts, alone=False)
        if not any(imitates(self._prompt, part) for part in parts):
            yield from self._ask(unit, [whole])
        if whole.values is not None:
            return _translation(unit, parts, whole.values)
        if whole.unanswered:
            return Translation((), error=whole.failure)
        self._count(field_by_field=1)
        alone = {piece: _Question((piece,), alone=True) for part in parts for piece in _pieces(part)}
        yield from self._ask(unit, list(alone.values()))
        made = {piece: question.values[0][0] for piece, question in alone.items() if question.values is not None}
        for piece, question in alone.items():
            if piece not in made:
                return Translation((), error=_why(question, [whole, *alone.values()]))
        return _translation(unit, parts, [tuple(made[piece] for piece in _pieces(part)) for part in parts])

    def _ask(self, unit: Unit, questions: list[_Question]) -> Generator[list[Request], list[Answer], None]:
        """Ask until every question is answered, or one of them is hopeless or was asked often enough."""
        for attempt in range(ATTEMPTS):
            left = [question for question in questions if question.values is None]
            requests = [request for question in left if (request := self._request(unit, question, attempt))]
            if not requests or any(question.hopeless for question in left):
                return
            self._count(requests=len(requests), asked_again=len(requests) if attempt else 0)
            for question, answer in zip(left, (yield requests), strict=True):
                self._take(question, answer)

    def _request(self, unit: Unit, question: _Question, attempt: int) -> Request | None:
        """The request for a question; None, and the question hopeless, if the context has no room for it."""
        prompt, decoding = self._prompt, self._prompt.decoding
        source = sum(self._text_tokens(written(prompt, part)) for part in question.parts)
        frame = self._frame_tokens(tuple(map(_blank, question.parts)), question.alone)
        room = decoding.context - frame - source - SPARE_TOKENS
        if room < source:
            question.hopeless = True
            question.failure = (
                f"PromptTooLong: {source} tokens of text in a prompt of {frame} leave {max(0, room)} "
                f"of the context of {decoding.context} for the answer"
            )
            return None
        chat = single_messages(prompt, question.parts[0]) if question.alone else messages(prompt, question.parts)
        made_of = [self._identity, unit.kind, unit.texts, attempt]
        made_of += [(part.field.name, part.texts) for part in question.parts] if question.alone else []
        return Request(
            chat,
            seed=int.from_bytes(hashlib.sha256(json.dumps(made_of).encode()).digest()[:8], "big") >> 1,
            max_tokens=min(room, math.ceil(decoding.tokens_per_source_token * source) + decoding.extra_tokens),
            temperature=decoding.temperature,
            top_p=decoding.top_p,
            pattern=answer_pattern(question.parts) if self._structure == "regex" else None,
            schema=answer_schema(question.parts) if self._structure == "json" else None,
        )

    def _take(self, question: _Question, answer: Answer) -> None:
        """Read an answer into its question."""
        self._count(prompt_tokens=answer.prompt_tokens, answer_tokens=answer.tokens)
        if answer.finish == "error":
            question.hopeless, question.unanswered = True, answer.unanswered
            question.failure = f"NoAnswer: {answer.error}"
            self._count(no_answer=1)
            return
        try:
            question.values = read(self._prompt, question.parts, answer)
        except Refused as refused:
            question.refused += 1
            question.failure = f"{refused.kind}: {refused}"
            question.began = answer.text[:QUOTED]
            self._count(**{f"refused/{refused.kind}": 1})

    def _text_tokens(self, text: str) -> int:
        """Tokens of a text, at least one: what it adds to an empty turn."""
        return max(1, self._engine.count_tokens([Message("user", text)]) - self._empty_turn_tokens())

    def _count_frame_tokens(self, parts: tuple[Part, ...], alone: bool) -> int:
        """Tokens of the chat around the texts."""
        return self._engine.count_tokens(
            single_messages(self._prompt, parts[0]) if alone else messages(self._prompt, parts)
        )

    def _count(self, **figures: int) -> None:
        with self._lock:
            self._counters.update({name: figure for name, figure in figures.items() if figure})


def _fault(unit: Unit) -> str:
    """Why a unit must not be shown to a chat model, or nothing."""
    for number, text in enumerate(unit.texts, 1):
        if control := CONTROL.search(text):
            return f"ControlToken: text {number} holds {control[0]!r}, which a chat model takes for the chat's own"
        if any("\ud800" <= character <= "\udfff" for character in text):
            return f"Malformed: text {number} holds half a surrogate pair; it is no valid Unicode"
    return ""


def _blank(part: Part) -> Part:
    return replace(part, texts=("",) * len(part.texts))


def _pieces(part: Part) -> list[Part]:
    """A part's texts as parts of one text each; equal texts of one kind are equal."""
    return [
        replace(part, texts=(text,), kinds=(kind,), places=(0,))
        for text, kind in zip(part.texts, part.kinds, strict=True)
    ]


def _translation(unit: Unit, parts: Sequence[Part], values: Sequence[tuple[str, ...]]) -> Translation:
    """The values, which go by field, in the unit's order; blank texts, which were not asked for, as they are."""
    by_place = {
        place: text
        for part, texts in zip(parts, values, strict=True)
        for place, text in zip(part.places, texts, strict=True)
    }
    return Translation(tuple(by_place.get(place, text) for place, text in enumerate(unit.texts)))


def _why(failed: _Question, asked: Sequence[_Question]) -> str:
    """The error of a unit: what is wrong with the last answer, and how often it was tried."""
    refused = sum(question.refused for question in asked)
    if not refused:
        return failed.failure
    began = failed.began or next(question.began for question in asked if question.began)
    return f"{failed.failure} ({refused} answer{'s' * (refused > 1)} refused; the last began {began!r})"


def _run(steps: Sequence[_Steps], engine: Engine, wait_seconds: float) -> list[Translation]:
    """Run all steps to their ends, each going on when its own requests are answered."""
    done: list[Translation | None] = [None] * len(steps)
    awaited: dict[Future[Answer], tuple[int, int]] = {}
    answers: list[dict[int, Answer]] = [{} for _ in steps]
    expected = [0] * len(steps)
    arrived: queue.SimpleQueue[Future[Answer]] = queue.SimpleQueue()

    def start(index: int, requests: list[Request]) -> None:
        answers[index], expected[index] = {}, len(requests)
        for place, request in enumerate(requests):
            future = engine.submit(request)
            awaited[future] = index, place
            future.add_done_callback(arrived.put)

    def go_on(index: int) -> None:
        given = [answers[index][place] for place in range(expected[index])]
        try:
            start(index, steps[index].send(given) if given else next(steps[index]))
        except StopIteration as stop:
            done[index] = stop.value

    try:
        for index in range(len(steps)):
            go_on(index)
        while awaited:
            future = arrived.get(timeout=wait_seconds)
            index, place = awaited.pop(future)
            answers[index][place] = future.result()
            if len(answers[index]) == expected[index]:
                go_on(index)
    except queue.Empty:
        raise TranslatorError(
            f"{engine.name} gave no answer for {wait_seconds:g} s, and {len(awaited)} requests wait for one"
        ) from None
    except CancelledError as error:
        raise TranslatorError(f"{engine.name} was closed with {len(awaited) + 1} requests waiting") from error
    finally:
        for future in awaited:
            future.cancel()
    return [item for item in done if item is not None]
