"""The demo's sample: its rows must be true of its pictures, and its bad rows must be bad as announced."""

import json
from collections import Counter
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageChops

from builders.demo import bad_rows as bad_rows_module
from builders.demo import catalogue
from builders.demo.album import SCENES
from builders.demo.bad_rows import bad_rows
from builders.demo.drawing import new_canvas
from builders.demo.records import Row
from builders.demo.regions import shared_area
from builders.demo.sample import Sample, write_sample
from builders.demo.scenes import Box, draw_object
from builders.sources.multiinstruct_tasks import TASKS


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    return write_sample(tmp_path_factory.mktemp("demo"))


def good_rows() -> tuple[Row, ...]:
    return catalogue.training_rows() + catalogue.testing_rows() + catalogue.per_task_rows()


def records(path: Path) -> list[dict[str, Any]]:
    """The rows of a file, without its lines that are no JSON."""
    found = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            found.append(json.loads(line))
        except json.JSONDecodeError:
            continue
    return found


def image_of(row: Row, root: Path) -> Path:
    """Found by the longest end of the row's path that exists under the root."""
    parts = Path(row.image_path).parts
    return next(
        path for start in range(len(parts)) if (path := root.joinpath(*parts[start:])).is_file() and parts[start] != "/"
    )


def boxes_of(row: Row) -> list[Box]:
    named = chain.from_iterable((row.named_regions or {}).values())
    answers = row.target if not isinstance(row.target, str) else ()
    return [box for box in (*row.region, *row.options, *named, *answers) if not isinstance(box, str)]


def test_row_counts_and_tasks(sample: Sample) -> None:
    lines = sum(len(path.read_text(encoding="utf-8").splitlines()) for path in sample.inputs)
    bad = bad_rows(catalogue.training_rows()[0])
    assert lines == len(good_rows()) + len(bad)
    assert 100 <= lines <= 140
    assert 0.08 <= len(bad) / lines <= 0.15
    names = {record["task_name"] for path in sample.inputs for record in records(path)}
    assert names - set(TASKS) == {"VQA_colour"}
    assert len(names) >= 45


def test_same_bytes_every_time(sample: Sample, tmp_path: Path) -> None:
    again = write_sample(tmp_path)
    first, second = sample.images_root.parent, again.images_root.parent
    files = sorted(path.relative_to(first) for path in first.rglob("*") if path.is_file())
    assert files == sorted(path.relative_to(second) for path in second.rglob("*") if path.is_file())
    assert all((first / name).read_bytes() == (second / name).read_bytes() for name in files)


def test_boxes_of_good_rows_are_inside_their_images(sample: Sample) -> None:
    for row in good_rows():
        with Image.open(image_of(row, sample.images_root)) as picture:
            width, height = picture.size
        for x1, y1, x2, y2 in boxes_of(row):
            assert 0 <= x1 < x2 <= width, row
            assert 0 <= y1 < y2 <= height, row


def test_images_open_and_have_the_size_of_their_scene(sample: Sample) -> None:
    for scene in SCENES.values():
        with Image.open(sample.images_root / scene.file) as picture:
            picture.load()
            assert sorted(picture.size) == sorted(scene.size)


def test_objects_fill_their_boxes() -> None:
    for scene in SCENES.values():
        for item in scene.objects:
            canvas = new_canvas(*scene.size)
            canvas.image.paste((255, 0, 255), (0, 0, *canvas.image.size))
            empty = canvas.finish()
            draw_object(canvas, item)
            drawn = ImageChops.difference(canvas.finish(), empty).getbbox()
            assert drawn is not None
            side = max(item.box[2] - item.box[0], item.box[3] - item.box[1])
            slack = [abs(a - b) / side for a, b in zip(drawn, item.box, strict=True)]
            assert max(slack) <= 0.05, (scene.key, item, drawn)


def test_both_forms(sample: Sample) -> None:
    assembled = [path for path in sample.inputs if path.parent == sample.images_root.parent]
    per_task = [path for path in sample.inputs if path not in assembled]
    assert {path.name for path in assembled} == {"train.jsonl", "test.jsonl"}
    assert {path.name for path in per_task} == {"train.jsonl", "valid.jsonl"}
    for record in chain.from_iterable(map(records, assembled)):
        assert record["target"] == record["target_txt"]
        assert record["prompt"]
        assert all(isinstance(box, str) for box in record.get("region", []))
    for path in per_task:
        for record in records(path):
            assert path.parent.name == f"{record['image_source']}+{record['task_name']}"
            assert not {"prompt", "target"} & set(record)
            assert all(isinstance(box, list) for box in record.get("region", []))
            gives_boxes = TASKS[record["task_name"]].answer in ("boxes", "box_option")
            assert ("target_txt" in record) is not gives_boxes


def test_targets_are_among_the_options() -> None:
    for row in good_rows():
        answer = TASKS[row.task].answer
        if row.options and answer == "options":
            assert set(str(row.target).split(", ")) <= set(row.options), row
        elif row.options:
            assert (row.target if isinstance(row.target, str) else row.target[0]) in row.options, row
        assert len(set(row.options)) == len(row.options), row
        assert isinstance(row.target, str) is (answer not in ("boxes", "box_option")), row


HOLDS = {
    "to the left of": lambda a, b: a[0] + a[2] < b[0] + b[2] and a[0] < b[0],
    "to the right of": lambda a, b: a[0] + a[2] > b[0] + b[2] and a[2] > b[2],
    "above": lambda a, b: a[3] <= b[1] and a[0] < b[2] and b[0] < a[2],
    "under": lambda a, b: a[1] > b[1] and a[0] < b[2] and b[0] < a[2],
    "on": lambda a, b: b[1] - 1 <= a[3] <= b[3] and a[1] < b[3] and a[0] < b[2] and b[0] < a[2],
    "next to": lambda a, b: max(a[0], b[0]) - min(a[2], b[2]) < 60,
    "behind": lambda a, b: a[3] <= b[3],
    "in front of": lambda a, b: a[3] > b[3],
}


def test_relations_hold_in_the_drawing() -> None:
    for scene in SCENES.values():
        for subject, relation, landmark in scene.relations:
            first, second = scene.find(subject).box, scene.find(landmark).box
            assert HOLDS[relation](first, second), (scene.key, subject, relation)


def test_overlap_answers_are_right() -> None:
    tested = set()
    for row in good_rows():
        if not row.task.startswith("select_") or isinstance(row.target, str):
            continue
        assert row.named_regions is not None
        given = row.named_regions["given_region"][0]
        target = shared_area(given, row.target[0])
        others = [shared_area(given, box) for box in boxes_of(row) if box in row.options and box != row.target[0]]
        right = {
            "select_overlap_most_region": all(target > other for other in others),
            "select_overlap_least_region": all(target < other for other in others),
            "select_overlaped_region": target > 0 and not any(others),
            "select_nonoverlaped_region": target == 0 and all(others),
        }
        assert right[row.task], row
        tested.add(row.task)
    assert len(tested) == 4


def test_every_announced_bad_row_occurs_in_the_file(sample: Sample) -> None:
    table = [line.split("|")[1:3] for line in (bad_rows_module.__doc__ or "").splitlines() if line.startswith("|")]
    announced = {reason.strip(): int(count) for reason, count in table[2:]}
    bad = bad_rows(catalogue.training_rows()[0])
    assert announced == Counter(row.reason for row in bad)
    written = Counter(sample.inputs[0].read_text(encoding="utf-8").splitlines())
    assert all(written[row.line] == (2 if row.reason == "duplicate row" else 1) for row in bad)
    assert [count for count in written.values() if count > 1] == [2]


def test_bad_rows_are_bad_as_announced(sample: Sample) -> None:
    lines = {row.reason: row.line for row in bad_rows(catalogue.training_rows()[0])}
    with pytest.raises(json.JSONDecodeError):
        json.loads(lines.pop("not JSON"))
    rows: dict[str, dict[str, Any]] = {reason: json.loads(line) for reason, line in lines.items()}
    assert int(rows["box outside the image"]["target_txt"].split()[2]) > SCENES["street"].size[0]
    left, _, right, _ = rows["degenerate box"]["region"][0].split()
    assert int(right) < int(left)
    assert not list(sample.images_root.rglob(Path(rows["missing image"]["image_path"]).name))
    assert rows["target not among options"]["target_txt"] not in rows["target not among options"]["options"]
    assert "question" not in rows["missing field"]
    assert len(set(rows["duplicate options"]["options"])) == len(rows["duplicate options"]["options"]) - 2
    assert len(rows["more options than letters"]["options"]) == 30
