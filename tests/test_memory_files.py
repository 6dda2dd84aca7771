"""The memory's file: its versions, its authors, and the way to Parquet and back."""

import json
import re
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from translators import Translation, TranslationMemory, TranslatorError, Unit
from translators.memory import Entry, MemoryFileError, key
from translators.memory_files import SCHEMA, export, import_

MADLAD = json.dumps({"name": "madlad", "revision": "1", "target": "it"})
LATXA = json.dumps({"name": "latxa", "revision": "2", "target": "eu"})
CAT, DOG = Unit("caption", ("a cat",)), Unit("question+option", ("which?", "a dog"))


def filled(path: str | Path = ":memory:") -> TranslationMemory:
    memory = TranslationMemory(path)
    memory.put(MADLAD, [(key(MADLAD, CAT), CAT, Translation(("un gatto",), -0.25, "unsure"))])
    memory.put(LATXA, [(key(LATXA, DOG), DOG, Translation(("zein?", "txakur bat")))])
    return memory


def known(memory: TranslationMemory, unit: Unit, translator: str = MADLAD) -> Translation | None:
    return memory.get([key(translator, unit)]).get(key(translator, unit))


def test_a_human_has_the_last_word() -> None:
    memory, at = TranslationMemory(":memory:"), key(MADLAD, CAT)
    memory.put(MADLAD, [(at, CAT, Translation(("gatto",), -0.5))])
    memory.put(MADLAD, [(at, CAT, Translation(("cane",), -0.1))])
    assert known(memory, CAT) == Translation(("gatto",), -0.5), "a machine does not replace a machine"
    memory.put(MADLAD, [(at, CAT, Translation(("un gatto",)))], by="human")
    memory.put(MADLAD, [(at, CAT, Translation(("cane",), -0.1))])
    assert known(memory, CAT) == Translation(("un gatto",), by="human"), "nor a human"
    memory.put(MADLAD, [(at, CAT, Translation(("il gatto",)))], by="human")
    assert known(memory, CAT) == Translation(("il gatto",), by="human"), "a human may think again"
    assert memory.stats().authors == {"machine": 0, "human": 1}


def test_threads_write_at_once(tmp_path: Path) -> None:
    memory = TranslationMemory(tmp_path / "memory.sqlite")

    def write(worker: int) -> None:
        for n in range(40):
            unit = Unit("caption", (f"{worker} {n}",))
            memory.put(MADLAD, [(key(MADLAD, unit), unit, Translation(("x",)))])
            memory.add_speed(MADLAD, 1, 1.0)
            assert memory.get([key(MADLAD, unit)])

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(8)))
    assert (len(memory), memory.stats().entries, memory.speed(MADLAD)) == (320, 320, 1.0)


def test_what_is_no_unicode_is_not_remembered() -> None:
    memory = TranslationMemory(":memory:")
    memory.put(MADLAD, [(b"1" * 16, CAT, Translation(("\ud83d",))), (key(MADLAD, CAT), CAT, Translation(("gatto",)))])
    assert [entry.target for entry in memory.entries()] == [("gatto",)]


@pytest.mark.parametrize("score", [float("inf"), float("-inf"), float("nan")])
def test_a_score_that_is_not_finite_is_none(score: float) -> None:
    memory = TranslationMemory(":memory:")
    memory.put(MADLAD, [(key(MADLAD, CAT), CAT, Translation(("gatto",), score))])
    assert known(memory, CAT) == Translation(("gatto",))


def test_stats() -> None:
    stats = filled().stats()
    assert (stats.entries, stats.source_characters, stats.target_characters) == (2, 5 + 6 + 5, 8 + 5 + 10)
    assert stats.translators == {LATXA: 1, MADLAD: 1}
    assert stats.kinds == {"caption": 1, "question+option": 1}
    assert stats.bytes > 0
    assert stats.oldest
    assert stats.newest
    assert abs(stats.newest.timestamp() - time.time()) < 60
    assert TranslationMemory(":memory:").stats().oldest is None


texts = st.lists(st.text(min_size=1).filter(str.strip), min_size=1, max_size=3).map(tuple)
scores = st.none() | st.floats(allow_nan=False)
answers = st.builds(
    lambda unit, score, note: (unit, score, note), texts, scores, st.none() | st.text("añ\n", max_size=3)
)


@settings(max_examples=30, deadline=None)
@given(st.dictionaries(st.tuples(st.sampled_from([MADLAD, LATXA]), texts), answers, max_size=8), st.booleans())
def test_export_and_import_give_back_the_memory(
    tmp_path_factory: pytest.TempPathFactory, made: dict[Any, Any], human: bool
) -> None:
    path = tmp_path_factory.mktemp("memory") / "memory.parquet"
    memory, copy = TranslationMemory(":memory:"), TranslationMemory(":memory:")
    for (translator, source), (target, score, note) in made.items():
        unit = Unit("caption", source)
        answer = Translation((target * 3)[: len(source)], score, note)
        memory.put(translator, [(key(translator, unit), unit, answer)], by="human" if human else "machine")
    assert export(memory, path) == len(made)
    assert import_(copy, [path]) == (len(made), len(made))
    assert list(copy.entries()) == list(memory.entries())
    assert import_(copy, [path, path]) == (2 * len(made), 0), "importing again changes nothing"
    assert pq.read_schema(path).equals(SCHEMA)


def test_import_keeps_what_machines_said_here_and_takes_what_humans_said_there(tmp_path: Path) -> None:
    here, there = filled(), TranslationMemory(":memory:")
    there.put(MADLAD, [(key(MADLAD, CAT), CAT, Translation(("MACCHINA",)))])
    there.put(LATXA, [(key(LATXA, DOG), DOG, Translation(("GIZAKIA", "BAT")))], by="human")
    export(there, tmp_path / "there.parquet")
    assert import_(here, [tmp_path / "there.parquet"]) == (2, 1)
    assert known(here, CAT) == Translation(("un gatto",), -0.25, "unsure")
    assert known(here, DOG, LATXA) == Translation(("GIZAKIA", "BAT"), by="human")


def test_an_export_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "memory.parquet"
    path.write_text("old")
    memory = filled()
    memory._db.execute("UPDATE translation SET source = 'no JSON' WHERE id = 2")
    with pytest.raises(ValueError, match="Expecting value"):
        export(memory, path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


BAD_ROWS: list[tuple[dict[str, Any], str]] = [
    ({"key": b"0" * 16}, "its key is 3030"),
    ({"kind": "question"}, "its key is"),
    ({"translator": LATXA}, "its key is"),
    ({"source": ["a dog"]}, "its key is"),
    ({"translator": "madlad"}, "no JSON object"),
    ({"translator": "[" * 9999}, "no JSON object"),
    ({"source": []}, "source is empty"),
    ({"source": [""]}, "source is empty"),
    ({"target": []}, "0 targets for 1 sources"),
    ({"target": ["x" * 1_000_001]}, "more than"),
    ({"score": float("nan")}, "score nan is no finite number"),
    ({"score": float("inf")}, "score inf is no finite number"),
    ({"target": [" "], "by": "human"}, "a human's translation is empty"),
    ({"by": "god"}, "neither 'machine' nor 'human'"),
    ({"made": 4_000_000_000_000_000}, "in the future"),
]


@pytest.mark.parametrize(("change", "message"), BAD_ROWS)
def test_a_bad_row_refuses_the_whole_import(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    memory, good, bad = TranslationMemory(":memory:"), tmp_path / "good.parquet", tmp_path / "bad.parquet"
    export(filled(), good)
    rows = pq.read_table(good).to_pylist()
    pq.write_table(pa.Table.from_pylist([rows[1], rows[0] | change], schema=SCHEMA), bad)
    with pytest.raises(MemoryFileError, match=re.escape(f"{bad}, row 2: ") + ".*" + message):
        import_(memory, [good, bad])
    assert memory.stats().entries == 0
    assert memory.stats().translators == {}


def _absent(table: pa.Table) -> pa.Table:
    return table.drop_columns(["kind"])


def _retyped(table: pa.Table) -> pa.Table:
    return table.set_column(0, "key", table["key"].cast(pa.binary()))


def _null(table: pa.Table) -> pa.Table:
    return table.set_column(2, "kind", pa.array([None, "caption"]))


@pytest.mark.parametrize(("change", "named"), [(_absent, "kind"), (_retyped, "key"), (_null, "nullability")])
def test_other_columns_are_refused(tmp_path: Path, change: Callable[[pa.Table], pa.Table], named: str) -> None:
    export(filled(), tmp_path / "memory.parquet")
    bad = tmp_path / "bad.parquet"
    pq.write_table(change(pq.read_table(tmp_path / "memory.parquet")), bad)
    with pytest.raises(MemoryFileError, match=f"columns of `memory export`: {named}"):
        import_(TranslationMemory(":memory:"), [bad])


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1" + b"\xff" * 100 + b"PAR1", None])
def test_what_is_no_parquet_file_is_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "bad.parquet"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(MemoryFileError, match="bad.parquet"):
        import_(TranslationMemory(":memory:"), [path])


VERSION_0 = """
CREATE TABLE translation (
  key BLOB PRIMARY KEY, translator TEXT NOT NULL, kind TEXT NOT NULL, source TEXT NOT NULL, target TEXT NOT NULL,
  score REAL, note TEXT, made REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE speed (translator TEXT PRIMARY KEY, tokens INTEGER NOT NULL, seconds REAL NOT NULL) WITHOUT ROWID;
INSERT INTO speed VALUES ('x', 1000, 2.0);
"""


def test_a_file_of_version_0_is_brought_up_to_date(tmp_path: Path) -> None:
    path = tmp_path / "memory.sqlite"
    old = sqlite3.connect(path)
    old.executescript(VERSION_0)
    for translator, unit, target, made in [(MADLAD, CAT, ["un gatto"], 1e9), (LATXA, DOG, ["zein?", "bat"], 2.5)]:
        row = (key(translator, unit), translator, unit.kind, json.dumps(unit.texts), json.dumps(target))
        old.execute("INSERT INTO translation VALUES (?, ?, ?, ?, ?, -0.5, NULL, ?)", (*row, made))
    old.commit()
    old.close()
    for _ in range(2):
        memory = TranslationMemory(path)
        assert memory.speed("x") == 500
        assert list(memory.entries()) == [
            Entry(key(LATXA, DOG), LATXA, DOG.kind, DOG.texts, ("zein?", "bat"), -0.5, None, 2_500_000, "machine"),
            Entry(key(MADLAD, CAT), MADLAD, CAT.kind, CAT.texts, ("un gatto",), -0.5, None, 10**15, "machine"),
        ]
        memory.close()


def test_a_newer_file_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "memory.sqlite"
    filled(path).close()
    with sqlite3.connect(path) as newer:
        newer.execute("PRAGMA user_version = 7")
    with pytest.raises(MemoryFileError, match="memory.sqlite: of version 7.* up to 1; update babelvision"):
        TranslationMemory(path)


@pytest.mark.parametrize("version", [0, 1])
def test_another_programs_database_is_left_alone(tmp_path: Path, version: int) -> None:
    path = tmp_path / "places.sqlite"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE places (name TEXT)")
        other.execute(f"PRAGMA user_version = {version}")
    with pytest.raises(MemoryFileError, match="another program's database, with the tables places"):
        TranslationMemory(path)
    assert sqlite3.connect(path).execute("SELECT name FROM sqlite_master").fetchall() == [("places",)]


def test_what_is_no_database_gives_one_line(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("buy milk\n" * 100)
    for bad in (path, tmp_path, path / "below.sqlite"):
        with pytest.raises(TranslatorError, match=re.escape(f"translation memory {bad}: ")) as caught:
            TranslationMemory(bad)
        assert "\n" not in str(caught.value)
    assert path.read_text() == "buy milk\n" * 100
