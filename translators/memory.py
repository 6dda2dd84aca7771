"""The translation memory: what was translated once, under the same settings, is never paid for again.

One SQLite file in WAL mode: a crash costs at most the transaction in flight, and any number of readers may look in.
Free of Ray; in a build one named actor owns the file (`builders/stages/translate.py`).
"""

import hashlib
import json
import math
import sqlite3
import threading
import time
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from translators.units import By, Translation, Translator, TranslatorError, Unit

VERSION = 1
SCHEMA = """
CREATE TABLE translator (id INTEGER PRIMARY KEY, identity TEXT NOT NULL UNIQUE);
CREATE TABLE translation (
  id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, translator INTEGER NOT NULL REFERENCES translator,
  kind TEXT NOT NULL, source TEXT NOT NULL, target TEXT NOT NULL, score REAL, note TEXT,
  made INTEGER NOT NULL, human INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS speed (
  translator TEXT PRIMARY KEY, tokens INTEGER NOT NULL, seconds REAL NOT NULL
) WITHOUT ROWID;
"""
TABLES = {"translator", "translation", "speed"}
FROM_VERSION_0 = """
INSERT INTO translator (identity) SELECT DISTINCT translator FROM before;
INSERT INTO translation (key, translator, kind, source, target, score, note, made, human)
  SELECT before.key, translator.id, kind, source, target, score, note, CAST(round(made * 1e6) AS INTEGER), 0
  FROM before JOIN translator ON identity = before.translator ORDER BY made, before.key;
DROP TABLE before;
"""
ADD = """
INSERT INTO translation (key, translator, kind, source, target, score, note, made, human)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (key) DO UPDATE SET
  target = excluded.target, score = excluded.score, note = excluded.note, made = excluded.made, human = 1
WHERE excluded.human AND (NOT human OR excluded.made > made)
"""
BATCH = 500
ADD_ROWS = 5000
CACHE_KIB = 64 * 1024

_json = json.JSONEncoder(ensure_ascii=False).encode


class MemoryFileError(TranslatorError):
    """The file is no translation memory that this version can use."""


class Entry(NamedTuple):
    """One remembered translation. `translator` is an `identity`, `made` microseconds since 1970 (UTC)."""

    key: bytes
    translator: str
    kind: str
    source: tuple[str, ...]
    target: tuple[str, ...]
    score: float | None
    note: str | None
    made: int
    by: By


@dataclass(frozen=True)
class Stats:
    """What a memory holds. Entries by translator (its `identity`), kind and author; `bytes` are the file's."""

    entries: int
    translators: dict[str, int]
    kinds: dict[str, int]
    authors: dict[By, int]
    source_characters: int
    target_characters: int
    bytes: int
    oldest: datetime | None
    newest: datetime | None


def identity(translator: Translator) -> str:
    """Everything that decides what a translator makes of a text, as one canonical string."""
    return json.dumps(
        {"name": translator.name, "revision": translator.revision, **translator.settings},
        sort_keys=True,
        ensure_ascii=False,
    )


def normalised(text: str) -> str:
    """A source as it is remembered and translated: Unicode normal form C, runs of blanks as one."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def key(translator: str, unit: Unit) -> bytes:
    """The memory's key of a unit of `normalised` texts under a translator's `identity`: 16 bytes."""
    made_of = _json([translator, unit.kind, unit.texts])
    return hashlib.sha256(made_of.encode("utf-8", "surrogatepass")).digest()[:16]


class TranslationMemory:
    """A translation memory in one file (or `:memory:`). Many threads may use it, and many processes.

    A file of an older version is brought up to date when it is opened. Raises `MemoryFileError`.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = str(path)
        self._writing = threading.Lock()
        try:
            if self.path != ":memory:":
                Path(path).parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(self.path, timeout=60, check_same_thread=False)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=NORMAL")
            self._db.execute(f"PRAGMA cache_size=-{CACHE_KIB}")
            if self._version() != VERSION:
                self._upgrade()
            self._check_tables(TABLES)
        except (sqlite3.Error, OSError) as error:
            raise MemoryFileError(f"translation memory {self.path}: {error}; it must be a SQLite file") from error

    def _version(self) -> int:
        return int(self._db.execute("PRAGMA user_version").fetchone()[0])

    def _upgrade(self) -> None:
        """Make the tables, or make them of an older version's, in one transaction."""
        with self._transaction():
            version = self._version()
            if version > VERSION:
                raise MemoryFileError(
                    f"translation memory {self.path}: of version {version}, and this program knows up to {VERSION}; "
                    "update babelvision, or give another file"
                )
            if version == VERSION:  # another process was faster
                return
            found = self._tables()
            if found:
                self._check_tables({"translation", "speed"})
                self._db.execute("ALTER TABLE translation RENAME TO before")
            for statement in (SCHEMA + FROM_VERSION_0 * bool(found)).split(";"):
                self._db.execute(statement)
            self._db.execute(f"PRAGMA user_version={VERSION}")

    def _tables(self) -> set[str]:
        return {name for (name,) in self._db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}

    def _check_tables(self, needed: set[str]) -> None:
        """Raise `MemoryFileError` unless the file has these tables."""
        found = self._tables()
        if not needed <= found:
            raise MemoryFileError(
                f"translation memory {self.path}: another program's database, with the tables "
                f"{', '.join(sorted(found)[:5]) or '(none)'}; give another file"
            )

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """Everything within is written together, or nothing. Waits for other threads' and processes' writes."""
        with self._writing:
            self._db.execute("BEGIN IMMEDIATE")
            with self._db:
                yield

    def get(self, keys: Sequence[bytes]) -> dict[bytes, Translation]:
        """The translations that are remembered, by key."""
        found = {}
        for start in range(0, len(keys), BATCH):
            some = keys[start : start + BATCH]
            marks = ",".join("?" * len(some))
            for row in self._db.execute(
                f"SELECT key, target, score, note, human FROM translation WHERE key IN ({marks})", list(some)
            ):
                found[row[0]] = Translation(tuple(json.loads(row[1])), row[2], row[3], by=_by(row[4]))
        return found

    def put(self, translator: str, items: Iterable[tuple[bytes, Unit, Translation]], *, by: By = "machine") -> None:
        """Remember translations, in one transaction; errors, and what is no valid Unicode, are not remembered.

        The first answer of a machine stays. A human's replaces it, and an earlier human's. A score that is not
        finite is none.
        """
        now = time.time_ns() // 1000
        self.add(
            Entry(key, translator, unit.kind, unit.texts, made.texts, _finite(made.score), made.note, now, by)
            for key, unit, made in items
            if made.error is None and _is_unicode(*unit.texts, *made.texts, made.note or "")
        )

    def add(self, entries: Iterable[Entry]) -> int:
        """Add entries by the rules of `put`, all or, where `entries` raises, none. Returns how many were added."""
        entries = iter(entries)
        with self._transaction():
            before = self._db.total_changes
            translators: dict[str, int] = {}
            names = 0
            while some := list(islice(entries, ADD_ROWS)):
                for name in {entry.translator for entry in some} - translators.keys():
                    names += self._db.execute(
                        "INSERT OR IGNORE INTO translator (identity) VALUES (?)", (name,)
                    ).rowcount
                    row = self._db.execute("SELECT id FROM translator WHERE identity = ?", (name,)).fetchone()
                    translators[name] = row[0]
                self._db.executemany(ADD, (_row(entry, translators[entry.translator]) for entry in some))
            return self._db.total_changes - before - names

    def entries(self) -> Iterator[Entry]:
        """Every entry, oldest first, as of now: read as it is asked for."""
        for row in self._db.execute(
            "SELECT key, identity, kind, source, target, score, note, made, human FROM translation "
            "JOIN translator ON translator.id = translation.translator ORDER BY translation.id"
        ):
            key, translator, kind, source, target, score, note, made, human = row
            texts = (tuple(json.loads(source)), tuple(json.loads(target)))
            yield Entry(key, translator, kind, *texts, score, note, made, _by(human))

    def stats(self) -> Stats:
        """Counts over the whole memory; reads all of it."""

        def table(query: str) -> dict[str, int]:
            return dict(self._db.execute(query + " ORDER BY 2 DESC, 1").fetchall())

        def characters(column: str) -> int:
            query = f"SELECT total(length(value)) FROM translation, json_each({column})"
            return int(self._db.execute(query).fetchone()[0])

        humans, oldest, newest = self._db.execute(
            "SELECT total(human), min(made), max(made) FROM translation"
        ).fetchone()
        pages, size = (self._db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size"))
        return Stats(
            entries=len(self),
            translators=table(
                "SELECT identity, count(*) FROM translation JOIN translator ON translator.id = translator GROUP BY 1"
            ),
            kinds=table("SELECT kind, count(*) FROM translation GROUP BY 1"),
            authors={"machine": len(self) - int(humans), "human": int(humans)},
            source_characters=characters("source"),
            target_characters=characters("target"),
            bytes=pages * size,
            oldest=None if oldest is None else datetime.fromtimestamp(oldest / 1e6, UTC),
            newest=None if newest is None else datetime.fromtimestamp(newest / 1e6, UTC),
        )

    def add_speed(self, translator: str, tokens: int, seconds: float) -> None:
        """Add to what is known of a translator's speed, for the next forecast."""
        with self._transaction():
            self._db.execute(
                "INSERT INTO speed VALUES (?, ?, ?) ON CONFLICT (translator) DO UPDATE SET "
                "tokens = tokens + excluded.tokens, seconds = seconds + excluded.seconds",
                (translator, tokens, seconds),
            )

    def speed(self, translator: str) -> float | None:
        """Source tokens a second that one worker translated so far, or None."""
        row = self._db.execute("SELECT tokens, seconds FROM speed WHERE translator = ?", (translator,)).fetchone()
        return row[0] / row[1] if row and row[1] else None

    def __len__(self) -> int:
        return int(self._db.execute("SELECT count(*) FROM translation").fetchone()[0])

    def close(self) -> None:
        self._db.close()


def _row(entry: Entry, translator: int) -> tuple[object, ...]:
    source, target = (_json(texts) for texts in (entry.source, entry.target))
    human = entry.by == "human"
    return (entry.key, translator, entry.kind, source, target, entry.score, entry.note, entry.made, human)


def _by(human: int) -> By:
    return "human" if human else "machine"


def _finite(score: float | None) -> float | None:
    return score if score is not None and math.isfinite(score) else None


def _is_unicode(*texts: str) -> bool:
    """Whether texts hold no lone surrogate: a careless model's JSON can, and no file takes them."""
    try:
        "".join(texts).encode()
    except UnicodeEncodeError:
        return False
    return True
