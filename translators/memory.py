"""The translation memory: what was translated once, under the same settings, is never paid for again.

One SQLite file in WAL mode: a crash costs at most the transaction in flight, and any number of readers may look in.
Free of Ray; in a build one named actor owns the file (`builders/stages/translate.py`).
"""

import hashlib
import json
import sqlite3
import time
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path

from translators.units import Translation, Translator, Unit

SCHEMA = """
CREATE TABLE IF NOT EXISTS translation (
  key BLOB PRIMARY KEY, translator TEXT NOT NULL, kind TEXT NOT NULL, source TEXT NOT NULL, target TEXT NOT NULL,
  score REAL, note TEXT, made REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS speed (
  translator TEXT PRIMARY KEY, tokens INTEGER NOT NULL, seconds REAL NOT NULL
) WITHOUT ROWID;
"""
BATCH = 500


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
    made_of = json.dumps([translator, unit.kind, unit.texts], ensure_ascii=False)
    return hashlib.sha256(made_of.encode("utf-8", "surrogatepass")).digest()[:16]


class TranslationMemory:
    """A translation memory in one file (or `:memory:`). Safe for one writer and many readers."""

    def __init__(self, path: str | Path) -> None:
        if str(path) != ":memory:":
            Path(path).parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(str(path), timeout=60, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.executescript(SCHEMA)

    def get(self, keys: Sequence[bytes]) -> dict[bytes, Translation]:
        """The translations that are remembered, by key."""
        found = {}
        for start in range(0, len(keys), BATCH):
            some = keys[start : start + BATCH]
            marks = ",".join("?" * len(some))
            for row in self._db.execute(
                f"SELECT key, target, score, note FROM translation WHERE key IN ({marks})", list(some)
            ):
                found[row[0]] = Translation(tuple(json.loads(row[1])), row[2], row[3])
        return found

    def put(self, translator: str, items: Iterable[tuple[bytes, Unit, Translation]]) -> None:
        """Remember translations, in one transaction. Errors are not remembered; the first answer stays."""
        now = time.time()
        rows = [
            (
                key,
                translator,
                unit.kind,
                json.dumps(unit.texts, ensure_ascii=False),
                json.dumps(made.texts, ensure_ascii=False),
                made.score,
                made.note,
                now,
            )
            for key, unit, made in items
            if made.error is None
        ]
        with self._db:
            self._db.executemany("INSERT OR IGNORE INTO translation VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)

    def add_speed(self, translator: str, tokens: int, seconds: float) -> None:
        """Add to what is known of a translator's speed, for the next forecast."""
        with self._db:
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
