"""The translation memory and what is built on it: keys, duplicates, claims, crashes."""

import multiprocessing
import os
import signal
import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import ray

from builders.stages import shared_memory as stage
from translators import LocalMemory, Translation, TranslationMemory, TranslatorError, Unit, translate
from translators.memory import identity, key, normalised


class Shouter:
    """A translator that counts what it is asked."""

    name, revision, together, source, warning = "shouter", "1", False, "en", None

    def __init__(self, **settings: str) -> None:
        self.settings = {"target": "it", **settings}
        self.asked: list[Unit] = []

    def translate(self, units: Sequence[Unit]) -> list[Translation]:
        self.asked += units
        return [
            Translation((), error="too long")
            if "LONG" in unit.texts[0]
            else Translation(tuple(t.upper() for t in unit.texts), -0.5)
            for unit in units
        ]

    def count_tokens(self, units: Sequence[Unit]) -> int:
        return sum(len(text.split()) for unit in units for text in unit.texts)


def captions(*texts: str) -> list[Unit]:
    return [Unit("caption", (text,)) for text in texts]


def test_each_distinct_text_is_translated_once_and_placeholders_never() -> None:
    shouter, memory = Shouter(), LocalMemory(":memory:")
    made, account = translate(captions("a cat", "<image>\na dog", "a cat", "12.5", "a  dog"), shouter, memory)
    assert [item.texts for item in made] == [("A CAT",), ("<image>\nA DOG",), ("A CAT",), ("12.5",), ("A DOG",)]
    assert [unit.texts for unit in shouter.asked] == [("a cat",), ("a dog",)]
    assert (account.units, account.duplicates, account.translated) == (4, 2, 2)
    again, account = translate(captions("a dog", "a bird"), shouter, memory)
    assert [item.texts for item in again] == [("A DOG",), ("A BIRD",)]
    assert (account.memory_hits, account.translated) == (1, 1)


def test_an_error_is_returned_and_not_remembered() -> None:
    shouter, memory = Shouter(), LocalMemory(":memory:")
    for _ in range(2):
        made, account = translate(captions("a LONG text", "a cat"), shouter, memory)
        assert made[0].error == "too long"
        assert made[1].texts == ("A CAT",)
    assert [unit.texts[0] for unit in shouter.asked].count("a LONG text") == 2
    assert len(memory) == 1


def test_the_key_holds_everything_that_changes_the_output() -> None:
    unit = Unit("caption", ("a cat",))
    keys = {
        key(identity(translator), some)
        for translator in (Shouter(), Shouter(target="eu"), Shouter(beams="4"))
        for some in (unit, Unit("answer", ("a cat",)), Unit("caption", ("a dog",)), Unit("caption", ("a", "cat")))
    }
    assert len(keys) == 12
    assert normalised("a  cat\n") == "a cat"
    assert normalised("cafe\u0301") == "caf\u00e9"


def test_units_that_belong_together_reach_the_translator_together() -> None:
    shouter, memory = Shouter(), LocalMemory(":memory:")
    shouter.together = True
    unit = Unit("question+option+option", ("is it red?", "(A) red", "(B) blue"))
    made, account = translate([unit, unit], shouter, memory)
    assert [item.texts for item in made] == [("IS IT RED?", "(A) RED", "(B) BLUE")] * 2
    assert [asked.texts for asked in shouter.asked] == [("is it red?", "red", "blue")]
    assert account.duplicates == 1


def test_a_text_is_taken_apart_into_sentences_and_put_together_again() -> None:
    shouter, memory = Shouter(), LocalMemory(":memory:")
    made, account = translate(captions("A cat sits.  It is red!\n<image> It is red!"), shouter, memory)
    assert made[0].texts == ("A CAT SITS.  IT IS RED!\n<image> IT IS RED!",)
    assert [asked.texts for asked in shouter.asked] == [("A cat sits.",), ("It is red!",)]
    assert (account.units, account.duplicates) == (3, 1)


def test_a_text_that_goes_with_others_keeps_its_lines_and_its_inner_marks() -> None:
    shouter, memory = Shouter(), LocalMemory(":memory:")
    shouter.together = True
    unit = Unit("question+option+option", ("<image>\nwhat is in  [1, 2]\nor here?", "2", "a dog"))
    made, _ = translate([unit, Unit("option", ("12",))], shouter, memory)
    assert [asked.texts for asked in shouter.asked] == [("what is in [1, 2]\nor here?", "2", "a dog")]
    assert made[0].texts == ("<image>\nWHAT IS IN [1, 2]\nOR HERE?", "2", "A DOG")
    assert made[1].texts == ("12",)


def test_an_answer_with_too_few_texts_is_an_error() -> None:
    shouter, memory = Shouter(), LocalMemory(":memory:")
    shouter.together = True
    shouter.translate = lambda units: [Translation(("ONE",)) for _ in units]  # type: ignore[method-assign]
    made, _ = translate([Unit("question+option", ("one?", "two"))], shouter, memory)
    assert made[0].error == "shouter gave 1 texts for 2"
    assert len(memory) == 0


def _write_for_ever(path: str) -> None:
    memory = TranslationMemory(path)
    settings = identity(Shouter())
    for n in range(1_000_000):
        units = captions(*(f"{n} {m}" for m in range(20)))
        memory.put(settings, [(key(settings, unit), unit, Translation(("x",))) for unit in units])


def test_a_writer_that_is_killed_leaves_whole_transactions(tmp_path: Path) -> None:
    path = str(tmp_path / "memory.sqlite")
    for _ in range(3):
        writer = multiprocessing.get_context("spawn").Process(target=_write_for_ever, args=(path,))
        writer.start()
        before = len(TranslationMemory(path))
        while len(TranslationMemory(path)) < before + 200:
            time.sleep(0.02)
        assert writer.pid
        os.kill(writer.pid, signal.SIGKILL)
        writer.join()
        assert len(TranslationMemory(path)) % 20 == 0
        assert sqlite3.connect(path).execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_two_workers_share_the_work_and_a_lost_claim_lapses(monkeypatch: pytest.MonkeyPatch) -> None:
    shared = stage.SharedMemory(":memory:")
    settings = identity(Shouter())
    units = {key(settings, unit): unit for unit in captions("a", "b", "c")}
    keys = list(units)
    assert shared.claim("one", keys[:2]) == ({}, keys[:2])
    assert shared.claim("two", keys) == ({}, keys[2:]), "what the first has claimed is not the second's"
    shared.put("one", settings, [(keys[0], units[keys[0]], Translation(("A",)))])
    found, mine = shared.claim("two", keys)
    assert list(found) == [keys[0]]
    assert mine == [keys[2]]
    now = time.monotonic()
    monkeypatch.setattr(stage.time, "monotonic", lambda: now + stage.CLAIM_SECONDS + 1)
    assert keys[1] in shared.claim("two", keys)[1], "a worker that is not heard of keeps nothing for ever"


def test_what_a_failed_call_had_claimed_is_given_back() -> None:
    class Sharing(LocalMemory):
        shared = stage.SharedMemory(":memory:")

        def claim(self, keys: Sequence[bytes]) -> tuple[dict[bytes, Translation], list[bytes]]:
            return self.shared.claim("one", list(keys))

        def release(self, keys: Sequence[bytes]) -> None:
            self.shared.release("one", list(keys))

    shouter, memory = Shouter(), Sharing(":memory:")
    unit = captions("a cat")[0]
    keys = [key(identity(shouter), unit)]

    def fails(units: Sequence[Unit]) -> list[Translation]:
        assert memory.shared.claim("two", keys) == ({}, []), "claimed while it is translated"
        raise TranslatorError("out of memory")

    shouter.translate = fails  # type: ignore[method-assign]
    with pytest.raises(TranslatorError):
        translate([unit], shouter, memory)
    assert memory.shared.claim("two", keys) == ({}, keys)


@ray.remote
class Claimant:
    """A worker that claims units and is busy, or dies."""

    def claim(self, memory: Any, keys: list[bytes]) -> list[bytes]:
        return stage.MemoryClient(memory).claim(keys)[1]

    def work(self) -> None:
        time.sleep(1000)


def test_the_claims_of_a_dead_worker_are_free_at_once(cluster: str) -> None:
    memory = ray.remote(stage.SharedMemory).options(num_cpus=0).remote(":memory:")
    one, two = (Claimant.options(num_cpus=0).remote() for _ in range(2))  # type: ignore[attr-defined]
    keys = [b"a", b"b"]
    assert ray.get(one.claim.remote(memory, keys)) == keys
    one.work.remote()
    assert ray.get(two.claim.remote(memory, keys)) == [], "the first worker is busy"
    ray.kill(one)
    deadline = time.monotonic() + 20
    while ray.get(two.claim.remote(memory, keys)) != keys:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_speed_is_measured_and_kept(tmp_path: Path) -> None:
    memory = TranslationMemory(tmp_path / "memory.sqlite")
    assert memory.speed("x") is None
    memory.add_speed("x", 1000, 2.0)
    memory.add_speed("x", 500, 1.0)
    assert memory.speed("x") == 500
