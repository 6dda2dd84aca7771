"""What a person corrected is what translation with that memory says from then on, and no model is asked for it."""

import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from translators import LocalMemory, Translation, Unit, translate
from translators.corrections import corrections

MADE = 1_700_000_000_000_000
WORDS = ("a cup", "Two dogs", "Is it red?", "A cup. Two dogs.", "una tazza", "Due cani.", "perché?", "2", "C. et al.")
GLUE = (
    "",
    " ",
    "\n",
    " <image> ",
    "<box>[1, 2, 3, 4]</box>",
    " (A) ",
    "; ",
    "||||",
    " https://a.example/x ",
    "Options: ",
)
TEXTS = st.lists(st.sampled_from(WORDS + GLUE), min_size=1, max_size=7).map("".join).filter(str.strip)


@dataclass
class Machine:
    """Says every text in capitals, and writes down what it is asked."""

    together: bool
    asked: list[Unit] = field(default_factory=list)
    name, revision, source, warning = "machine", "1", "en", None
    settings: Mapping[str, str] = field(default_factory=lambda: {"target": "it"})

    def translate(self, units: Sequence[Unit]) -> list[Translation]:
        self.asked += units
        return [Translation(tuple(map(str.upper, unit.texts)), -0.5) for unit in units]

    def count_tokens(self, units: Sequence[Unit]) -> int:
        return len(units)


def said(machine: Machine, memory: LocalMemory, unit: Unit) -> tuple[str, ...]:
    ((answer,), _) = translate([unit], machine, memory)
    assert answer.error is None
    return answer.texts


@pytest.mark.parametrize("together", [False, True])
@given(sources=st.lists(TEXTS, min_size=1, max_size=3), data=st.data())
def test_what_enters_the_memory_gives_the_persons_text_and_asks_no_model(
    together: bool, sources: list[str], data: st.DataObject
) -> None:
    unit = Unit("question", tuple(sources if together else sources[:1]))
    machine, memory = Machine(together), LocalMemory(":memory:")
    was = said(machine, memory, unit)
    now = tuple(data.draw(st.one_of(st.just(text), TEXTS)) for text in was)
    machine.asked.clear()
    entries = corrections(machine, "it", unit, was, now, MADE)
    if entries is not None:
        memory.add(entries)
        again = said(machine, memory, unit)
        assert [text.strip() for text in again] == [text.strip() for text in now]
        assert machine.asked == []
    memory.close()


@pytest.mark.parametrize(
    ("together", "sources", "now", "by"),
    [
        (False, ["A cup."], ["Una tazza."], "human"),
        (False, ["A cup. A dog."], ["Una tazza. Un cane."], "human"),
        (False, ["Two cups. A dog."], ["TWO CUPS. Un cane."], "machine"),
        (False, ["A cup."], ["A CUP."], "machine"),
        (False, ["2"], ["2"], "machine"),
        (True, ["A cup.", "A dog."], ["A CUP.", "Un cane."], "human"),
    ],
)
def test_a_text_is_a_humans_where_every_piece_of_it_is(
    together: bool, sources: list[str], now: list[str], by: str
) -> None:
    unit, machine, memory = Unit("question", tuple(sources)), Machine(together), LocalMemory(":memory:")
    was = said(machine, memory, unit)
    memory.add(corrections(machine, "it", unit, was, now, MADE) or [])
    ((answer,), _) = translate([unit], machine, memory)
    assert (list(answer.texts), answer.by) == (now, by)
    memory.close()


@pytest.mark.parametrize(
    ("source", "was", "now", "texts"),
    [
        ("A red cup.", "UNA TAZZA.", "Una tazza rossa.", {"A red cup.": "Una tazza rossa."}),
        ("A cup. A dog.", "UNA TAZZA. UN CANE.", "UNA TAZZA. Un cane.", {"A dog.": "Un cane."}),
        ("<image>\nA cup.", "<image>\nX", "<image>\nUna tazza. Rossa.", {"A cup.": "Una tazza. Rossa."}),
        ("(A) a cup; (B) a dog", "(A) X (B) Y", "(A) tazza; (B) cane", {"a cup;": "tazza;", "a dog": "cane"}),
        ("two", "DUE", "2", {"two": "2"}),
        ("  A   cup ", "X", " Una tazza", {"A cup": "Una tazza"}),
    ],
)
def test_a_correction_enters_by_the_pieces_that_a_person_changed(
    source: str, was: str, now: str, texts: dict[str, str]
) -> None:
    entries = corrections(Machine(False), "it", Unit("question", (source,)), [was], [now], MADE)
    assert entries is not None
    assert {entry.source[0]: entry.target[0] for entry in entries} == texts
    assert {(entry.by, entry.made, entry.score, entry.kind) for entry in entries} == {("human", MADE, None, "question")}


@pytest.mark.parametrize(
    ("source", "now"),
    [
        ("A cup. A dog.", "Una tazza e un cane."),
        ("A cup <image> and a dog.", "Un cane e una tazza <image>."),
        ("42", "quarantadue"),
        ("A cup\nA dog", "Una tazza\n\nUn cane"),
        ("A dog. A dog.", "Un cane. Una cagna."),
    ],
)
def test_what_is_not_cut_as_its_source_is_does_not_enter(source: str, now: str) -> None:
    assert corrections(Machine(False), "it", Unit("question", (source,)), [source.upper()], [now], MADE) is None


def test_a_unit_that_is_translated_together_enters_whole() -> None:
    unit = Unit("question+option", ("Which?", "2"))
    entries = corrections(Machine(True), "it", unit, ["QUALE?", "2"], ["Quale dei due?", "2"], MADE)
    assert entries is not None
    ((source, target),) = ((entry.source, entry.target) for entry in entries)
    assert (source, target) == (("Which?", "2"), ("Quale dei due?", "2"))
    assert corrections(Machine(True), "it", unit, ["QUALE?", "2"], ["Quale?", "due"], MADE) is None


def test_the_newest_human_stays_whatever_comes_again(tmp_path: Path) -> None:
    memory = LocalMemory(tmp_path / "memory.sqlite")
    machine, unit = Machine(False), Unit("caption", ("A cup.",))
    said(machine, memory, unit)
    first, second = (
        corrections(machine, "it", unit, ["A CUP."], [text], MADE + later)
        for later, text in enumerate(("Una tazza.", "Una coppa."))
    )
    assert first
    assert second
    assert memory.add(first) == 1
    assert (memory.add(second), memory.add(second), memory.add(first)) == (1, 0, 0)
    assert said(machine, memory, unit) == ("Una coppa.",)
    memory.close()
    command = [sys.executable, "-m", "translators", "memory", "stats", str(tmp_path / "memory.sqlite")]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert re.search(r"by a human +1\n", shown)
