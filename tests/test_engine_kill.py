"""SIGKILL the driver at any instant, give the same command again: the same dataset, byte for byte, and no row twice."""

import errno
import json
import pickle
import random
import signal
import time
from collections import Counter
from pathlib import Path

import pytest

from builders.engine import files, ledger
from builders.engine.lease import Held, Lease, Lost
from builders.engine.ledger import ShardRecord
from builders.engine.stage import ShardTask
from builders.engine.worker import LEASE, Bench, Job
from tests.conftest import Toy
from tests.toy import Concatenate


@pytest.fixture
def expected(toy: Toy) -> dict[str, bytes]:
    """The dataset of a build of these rows that nothing interrupted."""
    undisturbed = Toy(toy.folder / "undisturbed", toy.address, toy.flags)
    undisturbed.folder.mkdir()
    undisturbed.write([{"n": n} for n in range(60)])
    assert undisturbed.run().status == 0
    return undisturbed.dataset_bytes()


@pytest.mark.long
def test_killed_at_random_instants(toy: Toy, expected: dict[str, bytes]) -> None:
    toy.write([{"n": n} for n in range(60)])
    chance = random.Random(7)
    for _ in range(4):
        process = toy.start("--slow", "0.05")
        time.sleep(chance.uniform(1.0, 7.0))
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=30)
    ran = toy.run()
    assert ran.status == 0, ran.text
    assert toy.dataset_bytes() == expected
    assert Counter(row["id"] for row in toy.rows()).most_common(1)[0][1] == 1
    assert toy.counts() == {"rows_in": 60, "rows_written": 60, "rows_rejected": 0, "rows_failed": 0}
    assert not list(toy.out.rglob("*.tmp")), "no temporary file is left behind"


def test_killed_from_within_loses_only_the_shards_in_flight(toy: Toy, expected: dict[str, bytes]) -> None:
    """A worker kills the driver while it looks at row 35; what was recorded by then is not looked at again."""
    rows: list[dict[str, object]] = [{"n": n} for n in range(60)]
    toy.write(rows)
    killer = Toy(toy.folder / "killer", toy.address, [*toy.flags, "--workers", "1"])
    killer.folder.mkdir()
    rows[35] = {"n": 35, "do": f"kill-driver:{toy.folder / 'killed'}"}
    killer.write(rows)
    process = killer.start()
    process.communicate(timeout=120)
    assert process.returncode == -signal.SIGKILL
    recorded = [json.loads(path.read_text()) for path in (killer.out / "stages/01-work/ledger").glob("*.json")]
    assert sum(record["rows_written"] for record in recorded) == 30
    assert killer.run().status == 0
    counts = Counter(killer.calls())
    assert all(counts[n] == 1 for n in range(30)), "finished shards are not looked at again"
    assert all(counts[n] <= 2 for n in range(30, 40)), "the shard in flight is looked at twice"
    assert all(counts[n] == 1 for n in range(40, 60))
    assert len(killer.rows()) == 60


class _Crash(BaseException):
    """The machine goes away."""


def test_a_crash_at_every_step_of_writing_a_shard_leaves_nothing_half_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Crash before every single file operation of a shard in turn; the ledger never names what is not whole."""
    stage = Concatenate()
    source, task = _source(tmp_path)
    job = Job("00000", "00000", task.digest, source, 0, task.rows)
    real = files.os.replace
    crashes = 0
    for crash_at in range(10):
        steps = 0

        def replace(old: str, new: str, crash_at: int = crash_at) -> None:
            nonlocal steps
            if steps == crash_at:
                raise _Crash
            steps += 1
            real(old, new)

        monkeypatch.setattr(files.os, "replace", replace)
        try:
            Bench(str(tmp_path), stage, "02-last", "me").run(job)
        except _Crash:
            crashes += 1
            assert ledger.load(files.location(tmp_path), "02-last") == []
            continue
        break
    assert crashes == 2, "a shard is two renames: its rows, then its record"
    (record,) = ledger.load(files.location(tmp_path), "02-last")
    assert ledger.is_current(files.location(tmp_path), record, {"00000": task})
    assert files.read_table(files.location(tmp_path), record.rows).num_rows == task.rows


def test_a_record_does_not_stand_when_its_file_is_short_or_its_input_changed(tmp_path: Path) -> None:
    root = files.location(tmp_path)
    source, task = _source(tmp_path)
    record = Bench(str(tmp_path), Concatenate(), "02-last", "me").run(
        Job("00000", "00000", task.digest, source, 0, task.rows)
    )
    assert ledger.is_current(root, record, {"00000": task})
    assert not ledger.is_current(root, record, {"00000": ShardTask("00000", source, "another digest", task.rows)})
    path = tmp_path / record.rows.path
    path.write_bytes(path.read_bytes()[:-1])
    assert not ledger.is_current(root, record, {"00000": task})
    with pytest.raises(files.DamagedFile, match="has changed"):
        files.read_table(root, record.rows)


def test_a_worker_of_a_run_that_was_taken_over_records_nothing_and_touches_no_shard(tmp_path: Path) -> None:
    source, task = _source(tmp_path)
    bench = Bench(str(tmp_path), Concatenate(), "02-last", "an older run")
    theirs = tmp_path / bench.stage.destination("02-last", "00000")
    theirs.parent.mkdir(parents=True)
    theirs.write_bytes(b"of the run that took over")
    with pytest.raises(Exception, match="taken this build over"):
        bench.run(Job("00000", "00000", task.digest, source, 0, task.rows))
    assert ledger.load(files.location(tmp_path), "02-last") == []
    assert theirs.read_bytes() == b"of the run that took over"


def _source(root: Path) -> tuple[files.FileRef, ShardTask]:
    """A finished shard to read from, and the lease that lets it be recorded."""
    import pyarrow as pa

    rows = [{"id": f"{n:032x}", "split": "train", "n": n, "do": "", "product": 2 * n} for n in range(5)]
    table = pa.Table.from_pylist(rows, schema=Concatenate.schema)
    source = files.write_table(files.location(root), "in.parquet", table)
    files.write_json(files.location(root) / LEASE, {"run": "me"})
    return source, ShardTask("00000", source, source.sha256, 5)


def test_the_ledger_refuses_a_sum_that_does_not_add_up() -> None:
    rows = files.FileRef("rows.parquet", 7, 1, "")
    record = ShardRecord("00000", "work", "00000", "digest", 0, 10, rows, None, None)
    with pytest.raises(AssertionError, match="10 rows in, but 7 written"):
        record.check()


def test_what_a_worker_returns_holds_no_row(tmp_path: Path) -> None:
    source, task = _source(tmp_path)
    record = Bench(str(tmp_path), Concatenate(), "02-last", "me").run(Job("00000", "00000", task.digest, source, 0, 5))
    returned = pickle.dumps(record)
    assert len(returned) < 2000
    assert b"product" not in returned
    assert f"{4:032x}".encode() not in returned


def test_a_full_disk_records_nothing_and_is_no_rows_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, task = _source(tmp_path)

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    bench = Bench(str(tmp_path), Concatenate(), "02-last", "me")
    with pytest.raises(OSError, match="No space left"):
        bench.run(Job("00000", "00000", task.digest, source, 0, task.rows))
    monkeypatch.undo()
    assert ledger.load(files.location(tmp_path), "02-last") == []
    assert not list(tmp_path.rglob("*.tmp"))
    assert bench.run(Job("00000", "00000", task.digest, source, 0, task.rows)).rows.rows == task.rows


def test_a_run_that_was_out_of_reach_does_not_take_its_build_back(tmp_path: Path) -> None:
    root = files.location(tmp_path)
    old, new = Lease(root), Lease(root)
    old.take()
    files.write_json(root / LEASE, files.read_json(root / LEASE) | {"pid": 2**22 + 1})
    new.take()
    old._renewed = -1000.0
    with pytest.raises(Lost, match="another one has taken its build over"):
        old.renew()
    old.release()
    assert files.read_json(root / LEASE)["run"] == new.run
    with pytest.raises(Held, match="another run is writing this build"):
        Lease(root).take()


def test_records_that_overlap_or_leave_a_gap_are_an_error() -> None:
    task = ShardTask("00000", None, "digest", 10)

    def record(first: int, last: int) -> ShardRecord:
        rows = files.FileRef("rows.parquet", last - first, 1, "")
        return ShardRecord("00000", "work", "00000", "digest", first, last, rows, None, None)

    ledger.check_tiles(task, [record(5, 10), record(0, 5)])
    for records in ([record(0, 10), record(0, 5)], [record(0, 4), record(5, 10)], [record(0, 9)]):
        with pytest.raises(AssertionError, match="shard 00000"):
            ledger.check_tiles(task, records)
    assert ledger.missing(task, [record(2, 4), record(6, 8)]) == [(0, 2), (4, 6), (8, 10)]
