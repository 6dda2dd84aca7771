"""What the translation memory costs at a million entries, beside the simplest things that would do its work.

    python benchmarks/memory.py [--entries 1000000] [--folder /tmp/memory]

Questions and captions of VQA's length, written and looked up 512 at a time, in rounds that alternate between the
contenders: the memory; a SQLite table of texts by key with default settings; LMDB, where `pip install lmdb` was run;
and a Python dict, which answers from main memory and is pickled to disk whole after each round.
A ratio above 1 says that the memory is faster.
"""

import argparse
import json
import multiprocessing
import pickle
import random
import resource
import sqlite3
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from translators.memory import TranslationMemory, key
from translators.memory_files import export, import_
from translators.units import Translation, Unit

TRANSLATOR = json.dumps(
    {"backend": "ctranslate2", "decoding": "greedy", "name": "google/madlad400-3b-mt", "precision": "int8_bfloat16",
     "revision": "0" * 40, "source": "en", "target": "it"}
)  # fmt: skip
BATCH, ROUNDS, LOOK_UPS = 512, 5, 100_000
WHAT = ("put", "hit", "miss")
NOUNS = ["man", "woman", "dog", "cat", "umbrella", "skateboard", "giraffe", "kitchen", "bench", "sandwich", "train"]
WORDS = ["red", "wooden", "small", "striped", "left", "behind", "under", "standing", "holding", "wearing", "next", "to"]
Item = tuple[bytes, Unit, Translation]


def items(start: int, count: int) -> Iterator[list[Item]]:
    """Batches of distinct entries of four to eighteen words."""
    chance = random.Random(start)
    for first in range(start, start + count, BATCH):
        batch = []
        for number in range(first, min(first + BATCH, start + count)):
            words = [chance.choice(NOUNS), *chance.choices(WORDS, k=chance.randint(1, 15)), chance.choice(NOUNS)]
            source = f"is the {' '.join(words)} {number}?"
            unit = Unit("question", (source,))
            answer = Translation((f"{source[::-1]} è?",), -round(chance.random(), 4))
            batch.append((key(TRANSLATOR, unit), unit, answer))
        yield batch


class Ours:
    """The translation memory."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "memory.sqlite"
        self.memory = TranslationMemory(self.path)

    def put(self, batch: list[Item]) -> None:
        self.memory.put(TRANSLATOR, batch)

    def get(self, keys: list[bytes]) -> int:
        return len(self.memory.get(keys))


class PlainSQLite:
    """What one writes first: a table of texts by key, in a file with default settings."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "plain.sqlite"
        self.db = sqlite3.connect(self.path)
        self.db.execute("CREATE TABLE memory (key BLOB PRIMARY KEY, value TEXT)")

    def put(self, batch: list[Item]) -> None:
        with self.db:
            self.db.executemany(
                "INSERT OR IGNORE INTO memory VALUES (?, ?)",
                [(key, json.dumps([TRANSLATOR, unit.kind, unit.texts, t.texts, t.score])) for key, unit, t in batch],
            )

    def get(self, keys: list[bytes]) -> int:
        marks = ",".join("?" * len(keys))
        rows = self.db.execute(f"SELECT key, value FROM memory WHERE key IN ({marks})", keys)
        return len({key: json.loads(value) for key, value in rows})


class LMDB:
    """A memory-mapped B-tree of the same values."""

    def __init__(self, folder: Path) -> None:
        import lmdb  # type: ignore[import-not-found]

        self.path = folder / "lmdb"
        self.db: Any = lmdb.open(str(self.path), subdir=False, map_size=1 << 33, metasync=False)

    def put(self, batch: list[Item]) -> None:
        with self.db.begin(write=True) as transaction:
            for item, unit, t in batch:
                value = json.dumps([TRANSLATOR, unit.kind, unit.texts, t.texts, t.score]).encode()
                transaction.put(item, value, overwrite=False)

    def get(self, keys: list[bytes]) -> int:
        with self.db.begin() as transaction:
            values = [(item, transaction.get(item)) for item in keys]
        return len({item: json.loads(value) for item, value in values if value is not None})


class PickledDict:
    """No database: a dict of targets, written whole at the end of each round (and lost in between)."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "dict.pickle"
        self.known: dict[bytes, tuple[str, ...]] = {}

    def put(self, batch: list[Item]) -> None:
        for item, _, answer in batch:
            self.known.setdefault(item, answer.texts)

    def get(self, keys: list[bytes]) -> int:
        return len({item: self.known[item] for item in keys if item in self.known})


def rate(count: int, work: Callable[[], object]) -> float:
    """Things a second."""
    began = time.perf_counter()
    work()
    return count / (time.perf_counter() - began)


def fill(contender: Any, batches: list[list[Item]]) -> None:
    for batch in batches:
        contender.put(batch)
    if isinstance(contender, PickledDict):
        contender.path.write_bytes(pickle.dumps(contender.known))


def look_up(contender: Any, keys: list[bytes], wanted: int) -> None:
    found = sum(contender.get(keys[start : start + BATCH]) for start in range(0, len(keys), BATCH))
    if found != wanted:
        raise SystemExit(f"{type(contender).__name__} found {found} of {wanted}")


def compare(folder: Path, entries: int) -> None:
    """Time each contender in turn, with `entries` more in each round, and print the table and the ratios."""
    contenders: list[Any] = [Ours(folder), PlainSQLite(folder), PickledDict(folder)]
    try:
        contenders.append(LMDB(folder))
    except ImportError:
        print("LMDB is not installed; it is left out")
    rates: dict[tuple[str, str], list[float]] = defaultdict(list)
    chance, keys = random.Random(0), list[bytes]()
    for turn in range(ROUNDS):
        batches = list(items(turn * entries, entries))
        keys += [item for batch in batches for item, _, _ in batch]
        hits, misses = chance.choices(keys, k=LOOK_UPS), [chance.randbytes(16) for _ in range(LOOK_UPS)]
        hits = list(dict.fromkeys(hits))
        for contender in contenders:
            name = type(contender).__name__
            rates[name, "put"].append(rate(entries, partial(fill, contender, batches)))
            rates[name, "hit"].append(rate(len(hits), partial(look_up, contender, hits, len(hits))))
            rates[name, "miss"].append(rate(len(misses), partial(look_up, contender, misses, 0)))
    contenders[0].memory.close()
    print(f"{len(keys):,} entries, medians of {ROUNDS} rounds")
    print(f"{'':<12} {'written/s':>12} {'found/s':>12} {'missed/s':>12} {'file, MB':>12}")
    for contender in contenders:
        name = type(contender).__name__
        figures = [statistics.median(rates[name, what]) for what in WHAT]
        print(f"{name:<12}", *(f"{figure:>12,.0f}" for figure in [*figures, contender.path.stat().st_size / 1e6]))
    for contender in contenders[1:]:
        name = type(contender).__name__
        for what in WHAT:
            ratios = [ours / peer for ours, peer in zip(rates["Ours", what], rates[name, what], strict=True)]
            print(
                f"RATIO memory-{what}-vs-{name.lower()} "
                f"{statistics.median(ratios):.3f} {min(ratios):.3f} {max(ratios):.3f}"
            )


def to_parquet_and_back(folder: Path) -> None:
    """Export the memory and import it into a new one, and print what that takes."""
    memory, path = TranslationMemory(folder / "memory.sqlite"), folder / "memory.parquet"
    count = len(memory)
    written = rate(count, lambda: export(memory, path))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"export: {written:,.0f} entries/s, file {path.stat().st_size / 1e6:,.0f} MB, peak memory {peak:,.0f} MiB")
    copy = TranslationMemory(folder / "copy.sqlite")
    read = rate(count, lambda: import_(copy, [path]))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"import: {read:,.0f} entries/s, peak memory {peak:,.0f} MiB")
    print(f"stats: {1 / rate(1, copy.stats):.1f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, help="where the files go; by default a temporary folder")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        for work in (
            partial(compare, Path(folder), arguments.entries // ROUNDS),
            partial(to_parquet_and_back, Path(folder)),
        ):
            process = multiprocessing.get_context("spawn").Process(target=work)  # so that peaks do not add up
            process.start()
            process.join()
            if process.exitcode:
                raise SystemExit(process.exitcode)


if __name__ == "__main__":
    main()
