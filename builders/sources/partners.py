"""Records that are completed from other files, by key: VQAv2's annotations, GQA's images, MMBench's repeated images.

The other files become an index on the disk of every machine that reads records: SQLite, made once from a stream of
records, so that it may be larger than memory. Only the fields that are taken are in it.
"""

import base64
import json
import os
import sqlite3
import stat
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

from builders.engine import InputFile, RowError
from builders.engine.fingerprint import digest
from builders.sources import records
from builders.sources.slices import BadFile, FileOptions, Slice


@dataclass(frozen=True)
class Partner:
    """Where a record's partner is: in one of `inputs`, the record whose field `key` is what `on(record)` gives.

    `take` are the fields that come from it, and `check` those that must be alike where both have them. A record for
    which `on` gives None needs no partner; one that `offers` says no of is none. `what` is what the other records are
    called in messages, and `named` the flag that gave them.
    """

    inputs: tuple[str, ...]
    key: str
    on: Callable[[Mapping[str, Any]], Any]
    take: tuple[str, ...]
    offers: Callable[[Mapping[str, Any]], bool] = bool
    check: tuple[str, ...] = ()
    what: str = "record"
    named: str = "--input"


@dataclass(frozen=True)
class Index:
    """The partners in `slices` by their key. `digest` names it: what is in it, and what is taken of that."""

    partner: Partner
    slices: tuple[Slice, ...]
    digest: str

    def make(self) -> Path:
        """Its file on this machine, written now if it is not there. Raises `BadFile` or `OSError`."""
        path = _folder() / f"{self.digest}.sqlite"
        with FileLock(f"{path}.lock"):
            if not path.is_file():
                beside = path.with_suffix(".tmp")
                beside.unlink(missing_ok=True)
                try:
                    _write(beside, self.partner, self.slices)
                except sqlite3.Error as error:
                    raise OSError(f"{beside}: {error}; TMPDIR names another folder, with more room") from error
                os.replace(beside, path)
        return path

    def remove(self) -> None:
        """Delete its file on this machine, if there is one."""
        (_folder() / f"{self.digest}.sqlite").unlink(missing_ok=True)

    def complete(self, raw: Mapping[str, Any], counters: Counter[str]) -> dict[str, Any]:
        """A record with what its partner has. Raises `RowError`: NoPartner, PartnerDiffers."""
        key = self.partner.on(raw)
        if key is None:
            return dict(raw)
        row = self._connection().execute("SELECT record FROM partners WHERE key = ?", (str(key),)).fetchone()
        if row is None:
            files = ", ".join(dict.fromkeys(piece.name for piece in self.slices))
            raise RowError(
                "NoPartner", f"no {self.partner.what} has {str(key)[:80]!r} as its {self.partner.key!r} in {files}"
            )
        found = json.loads(row[0])
        for name in self.partner.check:
            if name in raw and name in found and raw[name] != found[name]:
                raise RowError(
                    "PartnerDiffers",
                    f"{name!r} is {raw[name]!r} here and {found[name]!r} in the {self.partner.what} with the same key",
                )
        counters[f"completed/{self.partner.what}"] += 1
        return dict(raw) | {name: found[name] for name in self.partner.take if name in found}

    def _connection(self) -> sqlite3.Connection:
        if self.digest not in _OPEN:
            place = f"{self.make().as_uri()}?mode=ro&immutable=1"
            _OPEN[self.digest] = sqlite3.connect(place, uri=True, check_same_thread=False)
        return _OPEN[self.digest]


_OPEN: dict[str, sqlite3.Connection] = {}


def scan(partner: Partner, shard_rows: int) -> tuple[list[InputFile], Index]:
    """The files of a partner, as the fingerprint knows them, and the index that is to be made. Raises `BadFiles`."""
    files, slices = records.scan(partner.inputs, shard_rows, 0, FileOptions())
    named = digest([[file.sha256 for file in files], partner.key, *partner.take, *partner.check])
    return files, Index(partner, tuple(slices), named)


def _write(path: Path, partner: Partner, slices: Sequence[Slice]) -> None:
    """Raises `BadFile` when two records have one key and are not alike. One that cannot be read has no key."""
    taken = (*partner.take, *partner.check)
    connection = sqlite3.connect(path)
    try:
        connection.executescript(
            "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;"
            "CREATE TABLE partners (key TEXT PRIMARY KEY, record TEXT NOT NULL) WITHOUT ROWID"
        )
        for piece in slices:
            for raw in records.read(piece):
                key = raw.value.get(partner.key) if raw.value else None
                if raw.value is None or key is None or not partner.offers(raw.value):
                    continue
                record = json.dumps({name: raw.value[name] for name in taken if name in raw.value}, default=_in_base64)
                known = connection.execute("SELECT record FROM partners WHERE key = ?", (str(key),)).fetchone()
                if known and known[0] != record:
                    raise BadFile(
                        f"{raw.file}, {raw.unit} {raw.number}: a second {partner.what} whose {partner.key!r} is "
                        f"{key!r}, unlike the first; give files in which each key stands once"
                    )
                connection.execute("INSERT OR IGNORE INTO partners VALUES (?, ?)", (str(key), record))
        connection.commit()
    finally:
        connection.close()


def _in_base64(value: Any) -> str:
    """An image's bytes as JSON can hold them; forms read base64 wherever they read bytes."""
    if not isinstance(value, bytes):
        raise TypeError(f"{type(value).__name__} has no JSON form")
    return base64.b64encode(value).decode("ascii")


def _folder() -> Path:
    """A folder of this machine for indexes, which nobody else can write to. Raises `OSError`."""
    path = Path(tempfile.gettempdir()) / f"babelvision-{os.getuid()}"
    path.mkdir(mode=0o700, exist_ok=True)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o022:
        raise OSError(f"{path} is not a folder of this user alone; delete it, or set TMPDIR to another folder")
    return path
