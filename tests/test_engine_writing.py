"""A shard's file grows row group by row group, is trusted in parts, and is either there whole or not there."""

from collections.abc import Iterator
from itertools import chain, pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from upath import UPath

from builders.engine import Outcome, Rejection, Row, RowError, Stage, StageError, files, worker
from builders.engine.worker import LEASE, Bench, Job, grouped, weight

SCHEMA = pa.schema([("id", pa.string()), ("n", pa.int64()), ("data", pa.binary())])


class Piecewise(Stage):
    """Hands out rows in pieces; rejects every seventh row, and fails every fifth until it is healed."""

    name = "piecewise"
    schema = SCHEMA

    def __init__(self, pieces: list[list[int]], healed: bool = False) -> None:
        self.pieces, self.healed = pieces, healed
        self.seen: list[int] = []

    def batches(self, build_root: Any, source: Any) -> Iterator[list[Row]]:
        for piece in self.pieces:
            yield [row(n) for n in piece]

    def process(self, rows: list[Row]) -> Outcome:
        self.seen.append(len(rows))
        if not self.healed and any(row["n"] % 5 == 0 for row in rows):
            raise RowError("Fifth", "a fifth row")
        refused = [row for row in rows if row["n"] % 7 == 0]
        return Outcome(
            written=[row for row in reversed(rows) if row not in refused],
            rejected=[Rejection(row["id"], "seventh", "n", 7.0, "none") for row in refused],
        )


def row(n: int, size: int = 3) -> Row:
    return {"id": f"{n:04d}", "n": n, "data": bytes(size)}


def bench(folder: Path, stage: Stage) -> Bench:
    files.write_json(files.location(folder) / LEASE, {"run": "me"})
    return Bench(str(folder), stage, "01-piecewise", "me")


def written(folder: Path, file: files.FileRef) -> list[int]:
    numbers: list[int] = files.read_table(files.location(folder), file)["n"].to_pylist()
    return numbers


@given(st.lists(st.integers(0, 60)), st.integers(1, 5))
def test_groups_hold_every_row_once_and_no_more_than_they_may(sizes: list[int], most: int) -> None:
    rows = [row(n, size) for n, size in enumerate(sizes)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(worker, "GROUP_BYTES", 64)
        groups = list(grouped(rows, most))
    assert list(chain.from_iterable(groups)) == rows
    for group in groups:
        assert 1 <= len(group) <= most
        assert len(group) == 1 or sum(map(weight, group)) <= 64


def test_batches_become_one_file_in_the_order_of_ids_and_every_row_is_accounted_for(tmp_path: Path) -> None:
    stage = Piecewise([[3, 1, 2], [4, 5, 6, 7], [8], [11, 10, 9]])
    record = bench(tmp_path, stage).run(Job("00000", "00000", "digest", None, 0, 11))
    assert written(tmp_path, record.rows) == [1, 2, 3, 4, 6, 8, 9, 11]
    assert (record.rows_in, record.rows_rejected, record.rows_failed) == (11, 1, 2)
    assert max(stage.seen) == 4, "the stage is given a piece at a time"


def test_a_part_of_a_shard_is_cut_across_batches(tmp_path: Path) -> None:
    stage = Piecewise([[1, 2, 3], [4, 6], [8, 9, 11], [12]])
    record = bench(tmp_path, stage).run(Job("00000.2-7", "00000", "digest", None, 2, 7))
    assert written(tmp_path, record.rows) == [3, 4, 6, 8, 9]
    assert stage.seen == [1, 2, 2]


def test_failed_rows_that_are_retried_come_in_their_places(tmp_path: Path) -> None:
    pieces = [[1, 2, 3], [4, 5, 6, 7], [8], [9, 10, 11]]
    first = bench(tmp_path, Piecewise(pieces)).run(Job("00000", "00000", "digest", None, 0, 11))
    healed = Piecewise(pieces, healed=True)
    retry = Job("00000", "00000", "digest", None, 0, 11, retry=first, retry_ids=("0005",))
    record = bench(tmp_path, healed).run(retry)
    assert written(tmp_path, record.rows) == [1, 2, 3, 4, 5, 6, 8, 9, 11]
    assert healed.seen == [1]
    assert (record.rows_rejected, record.rows_failed, record.attempts) == (1, 1, 2)


def test_batches_out_of_order_are_an_error_and_leave_nothing(tmp_path: Path) -> None:
    with pytest.raises(StageError, match="row 0001 after row 0003"):
        bench(tmp_path, Piecewise([[2, 3], [1]])).run(Job("00000", "00000", "digest", None, 0, 3))
    assert not list(tmp_path.rglob("*.parquet"))
    assert not list(tmp_path.rglob("*.tmp"))


def test_a_group_is_in_the_file_before_the_next_one_is_made(tmp_path: Path) -> None:
    sizes: list[int] = []

    def groups() -> Iterator[pa.Table]:
        for start in range(0, 40, 10):
            sizes.append(sum(path.stat().st_size for path in tmp_path.glob(".*")))
            yield pa.Table.from_pylist([row(n, 1000) for n in range(start, start + 10)], schema=SCHEMA)

    options = {"compression": "none", "use_dictionary": False}
    ref = files.write_groups(files.location(tmp_path), "a.parquet", SCHEMA, groups(), **options)
    assert all(after - before > 10_000 for before, after in pairwise(sizes))
    assert pq.read_metadata(tmp_path / "a.parquet").num_row_groups == 4
    assert (ref.rows, ref.bytes) == (40, (tmp_path / "a.parquet").stat().st_size)


def test_an_object_store_gets_the_file_whole_or_not_at_all() -> None:
    root = UPath("memory://writing/build")

    def broken() -> Iterator[pa.Table]:
        yield pa.Table.from_pylist([row(1)], schema=SCHEMA)
        raise OSError("the reader went away")

    with pytest.raises(OSError, match="went away"):
        files.write_groups(root, "a.parquet", SCHEMA, broken())
    assert not (root / "a.parquet").exists()
    ref = files.write_table(root, "a.parquet", pa.Table.from_pylist([row(1)], schema=SCHEMA))
    assert files.read_columns(root, ref, ["n"])["n"].to_pylist() == [1]
    assert [group["n"].to_pylist() for group in files.read_groups(root, ref)] == [[1]]


def test_a_part_of_a_file_is_read_alone_and_a_flipped_byte_in_it_is_found(tmp_path: Path) -> None:
    root = files.location(tmp_path)
    table = pa.Table.from_pylist([row(n, 50) for n in range(400)], schema=SCHEMA)
    ref = files.write_table(root, "a.parquet", table, row_group_size=100)
    path = tmp_path / "a.parquet"
    good, metadata = path.read_bytes(), pq.read_metadata(path)
    wanted = (pc.field("id") >= "0120") & (pc.field("id") < "0180")
    for group in range(4):
        for column in range(2):
            chunk = metadata.row_group(group).column(column)
            data = bytearray(good)
            start = chunk.dictionary_page_offset or chunk.data_page_offset
            data[start + chunk.total_compressed_size // 2] ^= 1
            path.write_bytes(data)
            if group == 1:
                with pytest.raises(files.DamagedFile, match=r"a\.parquet has changed.*delete it"):
                    files.read_columns(root, ref, ["id", "n"], wanted)
            else:
                assert files.read_columns(root, ref, ["id", "n"], wanted)["n"].to_pylist() == list(range(120, 180))
    path.write_bytes(good[:-1])
    with pytest.raises(files.DamagedFile, match="has changed"):
        files.read_columns(root, ref, ["id"])
