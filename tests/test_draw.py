"""Draw: the lowest ranks by seed; the same rows through any shards; the others are counted by why."""

import hashlib
import json
import random
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders.engine import Row, StageError
from builders.engine.worker import Job
from builders.stages.draw import Draw
from tests.stage_alone import StageAlone

SCHEMA = pa.schema([(name, pa.string()) for name in ("id", "split", "layout")])


def row(number: int, split: str = "train", **kept: Any) -> Row:
    layout = json.dumps({"question_id": number, **kept})
    return {"id": hashlib.sha256(b"%d" % number).hexdigest()[:32], "split": split, "layout": layout}


ROWS = [row(number, "val" if number % 3 else "train", yes_no=number % 2 == 0) for number in range(100)]


def yes_no(kept: Mapping[str, Any]) -> bool:
    return bool(kept["yes_no"])


def drawn(folder: Path, rows: list[Row], shard_rows: int = 30, seed: int = 0, **options: Any) -> list[Row]:
    return StageAlone(folder, Draw(SCHEMA, seed, **options), rows, SCHEMA, shard_rows).rows()


def ids(rows: list[Row]) -> set[str]:
    return {row["id"] for row in rows}


@settings(max_examples=5, deadline=None)
@given(st.integers(7, 60), st.integers(0, 3), st.randoms(use_true_random=False), st.integers(0, 120))
def test_the_same_rows_are_drawn_through_any_shards_and_more_hold_fewer(
    tmp_path_factory: pytest.TempPathFactory, shard_rows: int, seed: int, chance: random.Random, count: int
) -> None:
    def some(name: str, count: int, rows: list[Row]) -> list[Row]:
        return drawn(tmp_path_factory.mktemp(name), rows, shard_rows, seed, count=count)

    shuffled = chance.sample(ROWS, len(ROWS))
    one = drawn(tmp_path_factory.mktemp("one"), ROWS, 30, seed, count=count)
    assert ids(some("other", count, shuffled)) == ids(one)
    assert len(one) == min(count or 100, 100)
    assert ids(one) <= ids(some("more", count and count + 5, ROWS))
    assert all(row in ROWS for row in one)


def test_another_seed_draws_other_rows(tmp_path: Path) -> None:
    found = [frozenset(ids(drawn(tmp_path / str(seed), ROWS, seed=seed, count=10))) for seed in range(5)]
    assert len(set(found)) == 5


def test_what_is_left_out_is_counted_by_why_once_however_the_shard_runs(tmp_path: Path) -> None:
    listed = [str(number) for number in range(60)]
    stage = Draw(SCHEMA, 0, count=7, wanted=yes_no, ids=listed)
    alone = StageAlone(tmp_path / "a", stage, ROWS, SCHEMA, 9, into=4)
    records = alone.records()
    assert len(records) > 1
    counters = sum((Counter(record.counters) for record in records), Counter())
    assert counters == {"left_out/not_listed": 40, "left_out/not_wanted": 30, "left_out/not_drawn": 23}
    rows = [row for record in records for row in alone.of(record)]
    assert len(rows) == 7
    assert all(int(json.loads(row["layout"])["question_id"]) in range(0, 60, 2) for row in rows)

    halved = StageAlone(tmp_path / "b", stage, ROWS, SCHEMA, 9, into=4)
    parts = [
        halved.bench.run(Job(f"{task.shard}.{low}-{high}", task.shard, task.digest, task.source, low, high))
        for task in halved.tasks()
        for low, high in ((0, task.rows // 2), (task.rows // 2, task.rows))
    ]
    stage.check_sum(halved.before, parts)
    assert ids([row for part in parts for row in halved.of(part)]) == ids(rows)


def test_drawn_rows_lie_in_shards_of_the_usual_size(tmp_path: Path) -> None:
    stage = Draw(SCHEMA, 0, wanted=lambda kept: kept["question_id"] < 30)
    alone = StageAlone(tmp_path, stage, ROWS, SCHEMA, 3, into=10)
    assert [record.rows.rows for record in alone.records()] == [12, 12, 6]


def test_copies_of_a_row_are_refused_and_take_nobodys_place(tmp_path: Path) -> None:
    stage = Draw(SCHEMA, 0, count=20)
    (record,) = (alone := StageAlone(tmp_path, stage, ROWS * 2, SCHEMA, 50)).records()
    assert len(alone.of(record)) == 20
    assert record.rejected is not None
    assert record.rejected.rows == 20
    assert record.counters == {"left_out/not_drawn": 160}


@pytest.mark.parametrize(("count", "rows"), [(20, 20), (0, 500), (1000, 500)])
def test_a_forecast_is_of_the_rows_that_will_be_drawn(count: int, rows: int) -> None:
    left, one_in = Draw(SCHEMA, 0, count=count, wanted=yes_no).passed_on(ROWS, 10.0)
    assert ids(left) == ids([row for row in ROWS if yes_no(json.loads(row["layout"]))])
    assert len(left) * one_in == pytest.approx(rows)


def test_ids_that_are_no_rows_are_named(tmp_path: Path) -> None:
    with pytest.raises(StageError, match=r"^2 of 4 listed ids are no row's 'question_id': 100, x$"):
        drawn(tmp_path / "a", ROWS, ids=["1", "x", "99", "100"])
    with pytest.raises(StageError, match="12 of 12 listed .*: a, b, c, d, e, f, g, h, i, j…"):
        drawn(tmp_path / "b", ROWS, ids=list("abcdefghijkl"))
    with pytest.raises(StageError, match="kept no 'image_id', by which rows are listed; it kept question_id, yes_no"):
        drawn(tmp_path / "c", ROWS, ids=["1"], key="image_id")
    with pytest.raises(StageError, match="none of 100 rows is left to draw: 100 left_out/not_wanted"):
        drawn(tmp_path / "d", ROWS, wanted=lambda kept: False)


def test_which_rows_are_listed_names_the_build(tmp_path: Path) -> None:
    def named(listed: list[str]) -> Any:
        alone = StageAlone(tmp_path / "_".join(listed), Draw(SCHEMA, 0, ids=listed), ROWS, SCHEMA, 50)
        alone.tasks()
        return alone.build.identity

    assert named(["1", "2"]) == named(["2", "1"]) != named(["1", "3"])
    assert named([]) == {}
