"""The two failure budgets, and the deadlines, on a real Ray: rows that raise, kill or hang; workers that die."""

import itertools
import json
import os
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.conftest import Toy


def numbered(count: int, **special: dict[int, str]) -> list[dict[str, object]]:
    do = special.get("do", {})
    return [{"n": n, **({"do": do[n]} if n in do else {})} for n in range(count)]


def test_a_raised_exception_costs_its_row_alone(toy: Toy) -> None:
    toy.write(numbered(30, do={3: "raise:Broken", 17: "value-error"}))
    ran = toy.run()
    assert ran.status == 0, ran.text
    assert toy.counts() == {"rows_in": 30, "rows_written": 28, "rows_rejected": 0, "rows_failed": 2}
    failed = {json.loads(row["row"])["n"]: row for row in toy.rows("failed")}
    assert {n: row["error_class"] for n, row in failed.items()} == {3: "Broken", 17: "ValueError"}
    assert failed[3]["message"] == "row 3 is broken"
    assert failed[3]["stage"] == "work"
    assert {row["n"] for row in toy.rows()} == set(range(30)) - {3, 17}


def test_a_row_that_kills_its_worker_is_found_and_set_aside(toy: Toy) -> None:
    toy.write(numbered(40, do={13: "exit", 27: "exit"}))
    ran = toy.run()
    assert ran.status == 0, ran.text
    assert toy.counts() == {"rows_in": 40, "rows_written": 38, "rows_rejected": 0, "rows_failed": 2}
    failed = {json.loads(row["row"])["n"]: row["error_class"] for row in toy.rows("failed")}
    assert failed == {13: "WorkerDied", 27: "WorkerDied"}
    assert sorted(row["n"] for row in toy.rows()) == sorted(set(range(40)) - {13, 27})
    assert toy.run().status == 0
    before = len(toy.calls())
    assert toy.run().status == 0
    assert len(toy.calls()) == before, "a finished build looks at no row again"


@pytest.mark.long
def test_shards_in_hand_beside_a_killer_are_done_again_and_never_blamed(toy: Toy) -> None:
    toy.write(numbered(120, do={13: "exit", 57: "exit", 58: "exit"}))
    ran = toy.run("--overlap", "3", "--slow", "0.02")
    assert ran.status == 0, ran.text
    failed = {json.loads(row["row"])["n"]: row["error_class"] for row in toy.rows("failed")}
    assert failed == {13: "WorkerDied", 57: "WorkerDied", 58: "WorkerDied"}
    assert sorted(row["n"] for row in toy.rows()) == sorted(set(range(120)) - {13, 57, 58})


def test_a_worker_has_as_many_shards_in_hand_as_its_stage_allows(toy: Toy) -> None:
    """Two shards of one worker, a row each at a time: their rows alternate in its log."""
    toy.write(numbered(20))
    assert toy.run("--workers", "1", "--overlap", "2", "--slow", "0.1").status == 0
    shards = [n // 10 for n in toy.calls()]
    assert sum(one != next_ for one, next_ in itertools.pairwise(shards)) > 3
    assert toy.counts()["rows_written"] == 20


def test_a_fault_that_is_no_rows_costs_the_shards_in_hand_no_row(toy: Toy, tmp_path: Path) -> None:
    toy.write(numbered(60, do={4: f"server-gone:{tmp_path / 'gone'}"}))
    assert toy.run("--overlap", "3", "--slow", "0.02").status == 0
    assert toy.counts() == {"rows_in": 60, "rows_written": 60, "rows_rejected": 0, "rows_failed": 0}


def test_a_worker_that_is_killed_is_replaced_and_its_shard_rerun(toy: Toy, tmp_path: Path) -> None:
    toy.write(numbered(30, do={14: f"die-once:{tmp_path / 'died'}"}))
    ran = toy.run()
    assert ran.status == 0, ran.text
    assert toy.counts()["rows_written"] == 30
    assert Counter(toy.calls())[14] == 2
    assert all(count == 1 for n, count in Counter(toy.calls()).items() if n // 10 != 1), "only its shard is rerun"


def test_a_row_that_hangs_is_found_by_the_deadline(toy: Toy) -> None:
    toy.write(numbered(6, do={4: "hang"}))
    ran = toy.run("--shard-minutes", "0.03", "--shard-rows", "3")
    assert ran.status == 0, ran.text
    failed = {json.loads(row["row"])["n"]: row["error_class"] for row in toy.rows("failed")}
    assert failed == {4: "WorkerHung"}
    assert len(toy.rows()) == 5


def test_workers_that_cannot_start_stop_the_build_with_their_last_output(toy: Toy, tmp_path: Path) -> None:
    toy.write(numbered(10))
    (tmp_path / "no-start").touch()
    ran = toy.run()
    assert ran.status == 3
    assert "died while starting" in ran.text
    assert "same command" in ran.text
    (tmp_path / "no-start").unlink()
    assert toy.run().status == 0
    assert toy.counts()["rows_written"] == 10


def test_what_is_no_rows_fault_goes_to_another_worker(toy: Toy, tmp_path: Path) -> None:
    toy.write(numbered(10, do={4: f"server-gone:{tmp_path / 'gone'}"}))
    ran = toy.run()
    assert ran.status == 0, ran.text
    assert toy.counts() == {"rows_in": 10, "rows_written": 10, "rows_rejected": 0, "rows_failed": 0}
    workers = [line.split()[1] for line in (tmp_path / "calls.log").read_text().splitlines() if line.startswith("4 ")]
    assert len(set(workers)) == 2


def test_a_lost_row_stops_the_build_and_is_named(toy: Toy) -> None:
    toy.write(numbered(10, do={7: "lose"}))
    ran = toy.run()
    assert ran.status == 3
    assert "stage last was given 10 rows and accounted for 9; lost: " in ran.text


def test_retry_failed_runs_those_rows_alone(toy: Toy) -> None:
    toy.write(numbered(30, do={3: "raise:Broken", 4: "raise:Other", 17: "raise:Broken"}))
    assert toy.run().status == 0
    assert toy.counts()["rows_failed"] == 3
    ran = toy.run("--retry-failed", "Brken")
    assert ran.status == 2
    assert "--retry-failed Brken: no row has failed so; there are Broken, Other" in ran.text
    before = len(toy.calls())
    assert toy.run("--retry-failed", "Broken", "--healed").status == 0
    assert sorted(toy.calls()[before:]) == [3, 17]
    assert toy.counts() == {"rows_in": 30, "rows_written": 29, "rows_rejected": 0, "rows_failed": 1}
    assert toy.run("--retry-failed").status == 0
    assert toy.calls()[-1] == 4, "row 4 is tried again, and fails again"
    assert [row["attempts"] for row in toy.rows("failed")] == [3]
    assert toy.run("--retry-failed", "--healed").status == 0
    assert toy.counts()["rows_failed"] == 0
    healed = toy.dataset_bytes()

    other = Toy(toy.folder / "other", toy.address, toy.flags)
    other.folder.mkdir()
    other.write(numbered(30, do={3: "raise:Broken", 4: "raise:Other", 17: "raise:Broken"}))
    assert other.run("--healed").status == 0
    assert [row["n"] for row in other.rows()] == [row["n"] for row in toy.rows()]
    assert list(other.dataset_bytes()) == list(healed)


@pytest.mark.long
def test_retry_of_a_deadly_row_costs_the_others_nothing(toy: Toy) -> None:
    toy.write(numbered(10, do={2: "raise:Broken", 5: "exit", 8: "raise:Broken"}))
    assert toy.run().status == 0
    assert toy.counts()["rows_failed"] == 3
    ran = toy.run("--retry-failed", "--healed")
    assert ran.status == 0, ran.text
    assert toy.counts() == {"rows_in": 10, "rows_written": 9, "rows_rejected": 0, "rows_failed": 1}


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_the_work_in_hand_and_says_how_to_go_on(toy: Toy, how: signal.Signals) -> None:
    toy.write(numbered(40))
    process = toy.start("--slow", "0.3")
    _wait_for_calls(toy, 3)
    process.send_signal(how)
    text, _ = process.communicate(timeout=30)
    assert len(set(toy.calls())) < 40, "it does not wait for the shards that are left"
    assert process.returncode == 130
    assert "same command" in text
    assert "Traceback" not in text
    assert toy.build()["status"] == "interrupted"
    ran = toy.run()
    assert ran.status == 0, ran.text
    assert [row["n"] for row in sorted(toy.rows(), key=lambda row: row["n"])] == list(range(40))


def test_a_second_run_on_the_same_build_is_refused(toy: Toy) -> None:
    toy.write(numbered(20))
    first = toy.start("--slow", "0.3")
    _wait_for_calls(toy, 1)
    second = toy.run()
    assert second.status == 2
    assert f"process {first.pid}" in second.text
    first.send_signal(signal.SIGINT)
    first.communicate(timeout=30)


def _wait_for_calls(toy: Toy, count: int) -> None:
    deadline = time.monotonic() + 60
    while len(toy.calls()) < count:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_driver_on_its_own_machine_takes_its_workers_with_it(tmp_path: Path) -> None:
    """Without a cluster, a driver that is killed leaves no Ray process behind that could still write."""
    toy = Toy(tmp_path, "", ["--shard-rows", "10", "--workers", "2"])
    toy.write(numbered(40))
    environment = {key: value for key, value in toy.environment().items() if key != "RAY_ADDRESS"}
    with subprocess.Popen(
        toy.command("--slow", "0.3"), env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        _wait_for_calls(toy, 2)
        process.kill()
    workers = {int(line.split()[1]) for line in (tmp_path / "calls.log").read_text().splitlines()}
    deadline = time.monotonic() + 20
    while any(_alive(pid) for pid in workers):
        assert time.monotonic() < deadline, "workers outlive their driver"
        time.sleep(0.2)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
