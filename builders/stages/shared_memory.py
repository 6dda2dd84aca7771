"""The translation memory of a build, in one named actor: what is known, and who translates what is not."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from builders.engine import StageError
from translators import Translation, TranslationMemory, Unit

CLAIM_SECONDS = 900.0
ANSWER_SECONDS = 300.0


def start_memory(path: str) -> Any:
    """The actor that owns the memory at `path`, on this node."""
    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    return (
        ray.remote(SharedMemory)
        .options(num_cpus=0, scheduling_strategy=here, max_restarts=-1, max_task_retries=-1)
        .remote(path)
    )


@dataclass
class _Owner:
    """Who has claimed something: when it was last heard of, its worker, and that worker's answer to come."""

    heard: float
    handle: Any = None
    pulse: Any = None

    def lives(self) -> bool:
        """Whether it may still deliver. A busy worker answers in a thread of its own, a dead one fails at once."""
        if self.pulse is not None and ray.wait([self.pulse], timeout=0)[0]:
            try:
                ray.get(self.pulse)
            except ray.exceptions.RayError:
                return False
            self.pulse, self.heard = None, time.monotonic()
        if self.handle is not None:
            self.pulse = self.pulse or self.handle.__ray_ready__.remote()
        return time.monotonic() - self.heard <= CLAIM_SECONDS


class SharedMemory:
    """A translation memory that divides the work.

    A worker claims what it is about to translate; another that needs the same unit waits for it instead of
    paying again. A claim lapses when its owner gives it back, is dead, or has not been heard of for long. An
    owner is one call in one worker, since a worker has several shards in hand.
    """

    def __init__(self, path: str) -> None:
        self.memory = TranslationMemory(path)
        self.claims: dict[bytes, str] = {}
        self.owners: dict[str, _Owner] = {}

    def claim(self, owner: str, keys: list[bytes], handle: Any = None) -> tuple[dict[bytes, Translation], list[bytes]]:
        self._hear(owner, handle)
        found = self.memory.get(keys)
        free = [item for item in keys if item not in found]
        others = {self.claims.get(item, owner) for item in free} - {owner}
        gone = {other for other in others if other not in self.owners or not self.owners[other].lives()}
        for other in gone:
            self.owners.pop(other, None)
        mine = [item for item in free if self.claims.get(item, owner) in gone | {owner}]
        self.claims |= dict.fromkeys(mine, owner)
        return found, mine

    def put(self, owner: str, translator: str, items: list[tuple[bytes, Unit, Translation]]) -> None:
        self._hear(owner)
        self.memory.put(translator, items)
        for item, _, _ in items:
            self.claims.pop(item, None)

    def release(self, owner: str, keys: list[bytes]) -> None:
        for item in keys:
            if self.claims.get(item) == owner:
                del self.claims[item]
        self.owners.pop(owner, None)

    def add_speed(self, translator: str, tokens: int, seconds: float) -> None:
        self.memory.add_speed(translator, tokens, seconds)

    def _hear(self, owner: str, handle: Any = None) -> None:
        known = self.owners.setdefault(owner, _Owner(0.0))
        known.heard, known.handle = time.monotonic(), known.handle or handle


class MemoryClient:
    """The shared memory as one call of `translate` wants it: every question waits for its answer, with a deadline."""

    def __init__(self, actor: Any) -> None:
        self.actor = actor
        here = ray.get_runtime_context()
        self.worker = here.current_actor if here.get_actor_id() else None
        self.owner = f"{here.get_actor_id() or 'task'}/{uuid4().hex[:8]}"

    def claim(self, keys: Sequence[bytes]) -> tuple[dict[bytes, Translation], list[bytes]]:
        answer: tuple[dict[bytes, Translation], list[bytes]] = self._ask("claim", self.owner, list(keys), self.worker)
        return answer

    def put(self, translator: str, items: Iterable[tuple[bytes, Unit, Translation]]) -> None:
        self._ask("put", self.owner, translator, list(items))

    def release(self, keys: Sequence[bytes]) -> None:
        self._ask("release", self.owner, list(keys))

    def add_speed(self, translator: str, tokens: int, seconds: float) -> None:
        self._ask("add_speed", translator, tokens, seconds)

    def _ask(self, method: str, *arguments: Any) -> Any:
        try:
            return ray.get(getattr(self.actor, method).remote(*arguments), timeout=ANSWER_SECONDS)
        except ray.exceptions.RayError as error:
            cause = getattr(error, "cause", None) or error
            raise StageError(f"the translation memory: {type(cause).__name__}: {cause}") from error
