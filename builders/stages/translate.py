"""Translate: the fields of every row, each distinct text once in the whole build.

Workers hold the model; one named actor holds the translation memory, hands out what is known and lets two
workers that need the same text share the work.
"""

import time
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from builders.engine import Build, Failure, Outcome, Row, Stage, StageError
from builders.engine.files import is_local, location
from builders.engine.main import pool_size
from translators import Translation, TranslationMemory, Translator, TranslatorError, Unit, load_translator, translate
from translators.memory import identity, key
from translators.translate import distinct_pieces

CLAIM_SECONDS = 900.0
ANSWER_SECONDS = 300.0
KIND_JOINT = "+"


class SharedMemory:
    """The translation memory of a build, in an actor of its own.

    A worker claims what it is about to translate; another that needs the same unit waits for it instead of
    paying again. A claim lapses when its owner is dead, or has not been heard of for long.
    """

    def __init__(self, path: str) -> None:
        self.memory = TranslationMemory(path)
        self.claims: dict[bytes, str] = {}
        self.heard: dict[str, float] = {}
        self.handles: dict[str, Any] = {}
        self.pulse: dict[str, Any] = {}

    def claim(self, worker: str, keys: list[bytes], handle: Any = None) -> tuple[dict[bytes, Translation], list[bytes]]:
        self.heard[worker] = time.monotonic()
        if handle is not None and worker not in self.pulse:
            self.handles[worker], self.pulse[worker] = handle, handle.__ray_ready__.remote()
        found = self.memory.get(keys)
        free = [item for item in keys if item not in found]
        owners = {self.claims.get(item, worker) for item in free}
        gone = {owner for owner in owners if owner != worker and not self._lives(owner)}
        mine = [item for item in free if self.claims.get(item, worker) in gone | {worker}]
        self.claims |= dict.fromkeys(mine, worker)
        return found, mine

    def _lives(self, worker: str) -> bool:
        """Whether a worker may still deliver. A busy one answers its call later, a dead one fails it at once."""
        if time.monotonic() - self.heard[worker] > CLAIM_SECONDS:
            return False
        if worker not in self.pulse:
            return True
        answered, _ = ray.wait([self.pulse[worker]], timeout=0)
        if answered:
            try:
                ray.get(answered)
            except ray.exceptions.RayError:
                return False
            self.pulse[worker] = self.handles[worker].__ray_ready__.remote()
        return True

    def put(self, worker: str, translator: str, items: list[tuple[bytes, Unit, Translation]]) -> None:
        self.heard[worker] = time.monotonic()
        self.memory.put(translator, items)
        for item, _, _ in items:
            self.claims.pop(item, None)

    def add_speed(self, translator: str, tokens: int, seconds: float) -> None:
        self.memory.add_speed(translator, tokens, seconds)


class MemoryClient:
    """The shared memory as `translate` wants it: every call waits for its answer, with a deadline."""

    def __init__(self, actor: Any) -> None:
        self.actor = actor
        self.worker = ray.get_runtime_context().get_actor_id() or "driver"

    def claim(self, keys: Sequence[bytes]) -> tuple[dict[bytes, Translation], list[bytes]]:
        handle = ray.get_runtime_context().current_actor
        answer: tuple[dict[bytes, Translation], list[bytes]] = self._ask(
            self.actor.claim, self.worker, list(keys), handle
        )
        return answer

    def put(self, translator: str, items: Iterable[tuple[bytes, Unit, Translation]]) -> None:
        self._ask(self.actor.put, self.worker, translator, list(items))

    def add_speed(self, translator: str, tokens: int, seconds: float) -> None:
        self._ask(self.actor.add_speed, translator, tokens, seconds)

    def _ask(self, method: Any, *arguments: Any) -> Any:
        try:
            return ray.get(method.remote(*arguments), timeout=ANSWER_SECONDS)
        except ray.exceptions.RayError as error:
            raise StageError(f"the translation memory does not answer: {error}") from error


class Translate(Stage):
    """Gives every machine field of a row its target, score and note."""

    name = "translate"
    gpu = True

    def __init__(
        self,
        schema: pa.Schema,
        model: str,
        target: str,
        *,
        memory: str = "",
        factory: str = "",
        batch_tokens: int = 4096,
    ) -> None:
        self.schema = schema
        self.arguments = (model, target)
        self.options: dict[str, Any] = {"factory": factory, "batch_tokens": batch_tokens}
        self.memory_path = memory
        self._memory: Any = None
        self._translator: Translator | None = None

    def preflight(self, build: Build) -> list[str]:
        """The translator, without its weights; it becomes part of what names the build."""
        gpus = pool_size(self, build.config, ray.cluster_resources()).gpus
        self.options["dtype"] = "bfloat16" if gpus else "float32"
        try:
            translator = self.load()
        except TranslatorError as error:
            return [str(error)]
        build.identity["translator"] = {
            "name": translator.name,
            "revision": translator.revision,
            "settings": dict(translator.settings),
            "warning": translator.warning,
        }
        self.memory_path = self.memory_path or str(build.out / "memory.sqlite")
        if not is_local(location(self.memory_path)):
            return [f"--memory {self.memory_path}: needs a local or shared disk; SQLite does not live in object stores"]
        self.memory_path = str(location(self.memory_path))
        return []

    def load(self) -> Translator:
        return load_translator(*self.arguments, **self.options)

    def forecast(self, build: Build, rows: list[Row]) -> dict[str, Any]:
        """Units, how many are distinct, remembered, and left to translate, and their tokens."""
        translator = self.load()
        fields = [item for row in rows for item in row["fields"]]
        groups = [_units(row, translator.together) for row in rows]
        distinct, pieces = distinct_pieces([unit for group in groups for unit, _ in group], translator.together)
        settings = identity(translator)
        keys = {key(settings, unit): unit for unit in distinct}
        memory = (
            TranslationMemory(self.memory_path) if Path(self.memory_path).is_file() else TranslationMemory(":memory:")
        )
        known = memory.get(list(keys))
        left = [unit for item, unit in keys.items() if item not in known]
        tokens, speed = translator.count_tokens(left), memory.speed(settings)
        memory.close()
        figures: dict[str, Any] = {
            "translator": f"{translator.name} ({translator.revision})",
            "fields": len(fields),
            "  from the glossary or kept as they are": sum(item["by"] != "machine" for item in fields),
            "translation units": pieces,
            "  duplicates": pieces - len(keys),
            "  in the memory": len(known),
            "  to translate": len(left),
            "source tokens to translate": tokens,
        }
        hours = (
            f"{tokens / speed / 3600:.2g} (at {speed:,.0f} tokens/s, measured)"
            if speed
            else "unknown: no speed measured yet"
        )
        return figures | {"worker hours of translation": hours}

    def start(self, build: Build) -> None:
        if self._memory is None:
            here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
            self._memory = (
                ray.remote(SharedMemory)
                .options(name="memory", num_cpus=0, scheduling_strategy=here, max_restarts=-1, max_task_retries=-1)
                .remote(self.memory_path)
            )

    def open(self) -> None:
        """Load the model's weights now, so that a model that does not load is found before any row is."""
        import torch

        torch.set_num_threads(max(1, int(ray.get_runtime_context().get_assigned_resources().get("CPU", 1))))
        self._translator = self.load()
        try:
            getattr(self._translator, "load", lambda: None)()
        except TranslatorError as error:
            raise StageError(str(error)) from error

    def process(self, rows: list[Row]) -> Outcome:
        assert self._translator
        asked = [(row, fields, unit) for row in rows for unit, fields in _units(row, self._translator.together)]
        try:
            made, account = translate([unit for _, _, unit in asked], self._translator, MemoryClient(self._memory))
        except TranslatorError as error:
            raise StageError(str(error)) from error
        errors: dict[str, str] = {}
        for (row, fields, _), answer in zip(asked, made, strict=True):
            if answer.error:
                errors[row["id"]] = f"field {fields[0]['name']!r}: {answer.error}"
                continue
            for item, text in zip(fields, answer.texts, strict=True):
                item |= {"target": text, "score": answer.score, "note": answer.note}
        return Outcome(
            written=[row for row in rows if row["id"] not in errors],
            failed=[Failure(row, "TranslationFailed", message) for row, message in errors.items()],
            counters=Counter(
                units=account.units,
                duplicates=account.duplicates,
                memory_hits=account.memory_hits,
                translated=account.translated,
                source_tokens=account.tokens,
            ),
        )


def _units(row: Row, together: bool) -> list[tuple[Unit, list[Row]]]:
    """The units of a row's machine fields, each with the fields it stands for."""
    fields = [item for item in row["fields"] if item["by"] == "machine"]
    if not together:
        return [(Unit(item["kind"], (item["source"],)), [item]) for item in fields]
    groups: dict[int, list[Row]] = {}
    for item in fields:
        groups.setdefault(item["unit"], []).append(item)
    return [
        (Unit(KIND_JOINT.join(item["kind"] for item in group), tuple(item["source"] for item in group)), group)
        for group in groups.values()
    ]
