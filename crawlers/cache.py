"""What has been asked once is not asked again: the answers of servers, by key, in one SQLite file.

Each answer is its own transaction of a write-ahead log: a process that is killed loses at most the answer that it was
writing. One process at a time owns the file. Beside the answers it keeps count of the requests that were sent for them,
since whoever counts them may die and be started again.
"""

import sqlite3
import zlib
from collections import Counter
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

VERSION = 1
SCHEMA = """
    CREATE TABLE IF NOT EXISTS answer (key TEXT NOT NULL UNIQUE, body BLOB NOT NULL);
    CREATE TABLE IF NOT EXISTS sent (crawl TEXT, kind TEXT, number INTEGER, told INTEGER, PRIMARY KEY (crawl, kind))
"""
COUNT = """
    INSERT INTO sent VALUES (?, ?, ?, 0) ON CONFLICT (crawl, kind) DO UPDATE SET number = number + excluded.number
"""
BATCH = 500
OPEN_SECONDS = 10.0


class CacheError(Exception):
    """The file is no cache that this program can use."""


class Cache:
    """Answers by key, in the file at `path` (or `:memory:`). Raises `CacheError`."""

    def __init__(self, path: str | Path) -> None:
        self.path = str(path)
        try:
            if self.path != ":memory:":
                Path(path).parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(self.path, timeout=OPEN_SECONDS, check_same_thread=False, isolation_level=None)
        except (sqlite3.Error, OSError) as error:
            raise CacheError(f"cache {self.path}: {error}; expected the path of a file that can be written") from error
        try:
            self._open()
        except sqlite3.Error as error:
            self.close()
            hint = "it must be a SQLite file of its own"
            if "locked" in str(error):
                hint = "another process uses it; wait for that one, or give another file"
            raise CacheError(f"cache {self.path}: {error}; {hint}") from error

    def _open(self) -> None:
        """Take the file for this process, and make its table or find it as it must be."""
        self._db.execute("PRAGMA locking_mode=EXCLUSIVE")
        version = self._db.execute("PRAGMA user_version").fetchone()[0]
        tables = {name for (name,) in self._db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if (version, tables) not in ((0, set()), (VERSION, {"answer"}), (VERSION, {"answer", "sent"})):
            raise sqlite3.DatabaseError("another program's database")
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.executescript(f"BEGIN IMMEDIATE; {SCHEMA}; PRAGMA user_version={VERSION}; COMMIT")

    def get(self, key: str) -> bytes | None:
        """The answer, or None. One that cannot be read any more counts as none."""
        row = self._db.execute("SELECT body FROM answer WHERE key = ?", (key,)).fetchone()
        try:
            return None if row is None else zlib.decompress(row[0])
        except zlib.error:
            return None

    def put(self, key: str, body: bytes, level: int = 3) -> None:
        """Keep an answer; a later one of the same key replaces it. Raises `CacheError`: a full disk, for one.

        `level` is zlib's: 0 for what is compressed already, such as a picture, which at 3 would take seconds.
        """
        try:
            self._db.execute("INSERT OR REPLACE INTO answer VALUES (?, ?)", (key, zlib.compress(body, level)))
        except sqlite3.Error as error:
            raise CacheError(f"cache {self.path}: {error}; is the disk full?") from error

    def has(self, keys: Iterable[str]) -> set[str]:
        """Those of the keys that have an answer."""
        found: set[str] = set()
        left = iter(keys)
        while some := list(islice(left, BATCH)):
            marks = ",".join("?" * len(some))
            found.update(key for (key,) in self._db.execute(f"SELECT key FROM answer WHERE key IN ({marks})", some))
        return found

    def count(self, crawl: str, kind: str, number: int = 1) -> None:
        """Count requests of a crawl. Raises `CacheError`."""
        try:
            self._db.execute(COUNT, (crawl, kind, number))
        except sqlite3.Error as error:
            raise CacheError(f"cache {self.path}: {error}; is the disk full?") from error

    def untold(self, crawl: str) -> Counter[str]:
        """The requests of a crawl, by kind, that were counted since this was last asked, whoever asked."""
        new = "SELECT kind, number - told FROM sent WHERE crawl = ? AND number > told"
        found = Counter(dict(self._db.execute(new, (crawl,)).fetchall()))
        self._db.execute("UPDATE sent SET told = number WHERE crawl = ?", (crawl,))
        return found

    def close(self) -> None:
        self._db.close()
