"""Records that lie in two files are completed by key; what is missing, doubled or different is named."""

import base64
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from builders.engine import Build, BuildConfig, RowError, StageError
from builders.sources import partners
from builders.sources.forms import FORMS, gqa, mmbench, vqav2
from builders.sources.partners import Index, Partner
from builders.sources.slices import FileOptions
from builders.stages.ingest import FormReader
from builders.stages.ingest_joined import JoinedIngest
from tests.nasty_server import picture

ANSWERS = [{"answer": "net", "answer_confidence": "yes", "answer_id": number} for number in range(1, 11)]


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


def _annotation(number: int, **other: Any) -> dict[str, Any]:
    return {"question_id": number, "image_id": number // 10, "answers": ANSWERS, "answer_type": "other",
            "multiple_choice_answer": "net", "question_type": "what is", **other}  # fmt: skip


def _official(folder: Path, questions: int, annotations: list[dict[str, Any]]) -> tuple[str, str]:
    """VQAv2's two files, with what their makers write around the lists."""
    asked = [
        {"image_id": number // 10, "question": f"What is behind number {number}?", "question_id": number}
        for number in range(10, 10 + questions)
    ]
    around = {"info": {"year": 2017}, "license": {"name": "CC BY 4.0"}, "data_subtype": "val2014"}
    files = {
        "v2_OpenEnded_mscoco_val2014_questions.json": around | {"task_type": "Open-Ended", "questions": asked},
        "v2_mscoco_val2014_annotations.json": around | {"annotations": annotations},
    }
    for name, value in files.items():
        (folder / name).write_text(json.dumps(value))
    first, second = (str(folder / name) for name in files)
    return first, second


def _ingested(stage: JoinedIngest, build: Build) -> tuple[list[dict[str, Any]], list[str], Counter[str]]:
    """What the stage writes, the messages of what fails, and the counters."""
    assert stage.preflight(build) == []
    stage.open()
    written, failed, counters = [], [], Counter[str]()
    for task in stage.plan(build, []):
        outcome = stage.process(stage.read(build.out, task.source))
        written += outcome.written
        failed += [f"{each.error_class} {each.message}" for each in outcome.failed]
        counters += outcome.counters
    return written, failed, counters


def _stage(build_folder: Path, questions: str, annotations: str) -> tuple[JoinedIngest, Build]:
    partner = vqav2.annotations((annotations,), "--annotations")
    stage = JoinedIngest((questions,), FormReader(FORMS["vqav2"], "eu"), 3, 0, partner, FileOptions())
    return stage, Build("test", BuildConfig(output=str(build_folder), dry_run=True), [stage])


def test_questions_get_their_annotations(tmp_path: Path) -> None:
    """Out of order, over several shards; leftovers can be told from what `build.json` says."""
    annotations = [_annotation(number) for number in reversed(range(10, 30))]
    stage, build = _stage(tmp_path / "out", *_official(tmp_path, 8, annotations))
    rows, failed, counters = _ingested(stage, build)
    assert not failed
    assert [row["split"] for row in rows] == ["validation"] * 8
    assert {row["image_path"] for row in rows} == {"COCO_val2014_000000000001.jpg"}
    assert all(len(row["fields"]) == 11 for row in rows)
    assert counters["completed/annotation"] == 8
    assert build.applied["partners"] == {"annotation": 20}
    assert [file.path for file in build.inputs] == [
        "v2_OpenEnded_mscoco_val2014_questions.json", "v2_mscoco_val2014_annotations.json",
    ]  # fmt: skip


def test_other_annotations_are_other_rows(tmp_path: Path) -> None:
    """A shard's digest and the build's inputs change with the annotations alone."""
    digests = []
    for answer in ("net", "ball"):
        files = _official(tmp_path, 2, [_annotation(n, multiple_choice_answer=answer) for n in (10, 11)])
        stage, build = _stage(tmp_path / "out", *files)
        stage.preflight(build)
        digests.append([task.digest for task in stage.plan(build, [])])
    assert digests[0] != digests[1]


def test_a_missing_partner_costs_its_row_by_name(tmp_path: Path) -> None:
    stage, build = _stage(tmp_path / "out", *_official(tmp_path, 3, [_annotation(10), _annotation(12)]))
    rows, failed, _ = _ingested(stage, build)
    assert len(rows) == 2
    (message,) = failed
    assert message.startswith("NoPartner v2_OpenEnded_mscoco_val2014_questions.json, record 2: no annotation has '11'")
    assert "v2_mscoco_val2014_annotations.json" in message


def test_a_partner_of_another_image_is_refused(tmp_path: Path) -> None:
    stage, build = _stage(tmp_path / "out", *_official(tmp_path, 1, [_annotation(10, image_id=7)]))
    rows, failed, _ = _ingested(stage, build)
    assert not rows
    assert failed[0].startswith("PartnerDiffers")
    assert "'image_id' is 1 here and 7" in failed[0]


def test_a_key_that_stands_twice(tmp_path: Path) -> None:
    """Alike it is taken once; unlike, the build does not begin, and the place is named."""
    stage, build = _stage(tmp_path / "out", *_official(tmp_path, 1, [_annotation(10), _annotation(10)]))
    assert len(_ingested(stage, build)[0]) == 1
    files = _official(tmp_path, 1, [_annotation(10), _annotation(10, multiple_choice_answer="ball")])
    stage, build = _stage(tmp_path / "out", *files)
    stage.preflight(build)
    with pytest.raises(StageError, match=r"--annotations v2_mscoco.*record 2: a second annotation .* is 10"):
        stage.open()


def test_a_partner_file_that_is_not_there_is_a_problem(tmp_path: Path) -> None:
    questions, annotations = _official(tmp_path, 1, [_annotation(10)])
    stage, build = _stage(tmp_path / "out", questions, annotations.replace("annotations", "annotation"))
    (problem,) = stage.preflight(build)
    assert problem.startswith("--annotations")
    assert "did you mean v2_mscoco_val2014_annotations.json" in problem


def test_the_index_is_removed_at_the_end_and_made_anew(tmp_path: Path) -> None:
    _, index = _index(tmp_path, [_annotation(10)])
    path = index.make()
    before = path.stat().st_ino
    assert index.make().stat().st_ino == before  # another worker of the machine finds it
    index.remove()
    assert not path.exists()
    assert index.make() == path


def _index(folder: Path, annotations: list[dict[str, Any]]) -> tuple[Partner, Index]:
    partner = vqav2.annotations((_official(folder, 1, annotations)[1],), "--annotations")
    return partner, partners.scan(partner, 10)[1]


def test_a_folder_that_others_can_write_to_is_not_trusted(tmp_path: Path) -> None:
    _, index = _index(tmp_path, [_annotation(10)])
    folder = index.make().parent
    index.remove()
    folder.chmod(0o777)
    with pytest.raises(OSError, match="not a folder of this user alone"):
        index.make()


def test_gqa_gets_its_images_from_another_configuration(tmp_path: Path) -> None:
    """Images are bytes in Parquet, and come through the index as they were. The question's own id stays."""
    pictures = {"n1": picture("PNG", 1), "n2": picture("PNG", 2)}
    table = pa.table({"id": list(pictures), "image": [{"bytes": data, "path": None} for data in pictures.values()]})
    pq.write_table(table, tmp_path / "images.parquet")
    _, index = partners.scan(gqa.images((str(tmp_path / "images.parquet"),), "--images-config"), 10)
    raw = {"id": "q7", "imageId": "n2", "question": "What colour is it?", "answer": "blue"}
    item = FORMS["gqa"].read(index.complete(raw, Counter()), "it", Counter())
    assert item.image.data == pictures["n2"]
    assert item.kept["id"] == "q7"
    with pytest.raises(RowError, match="no image has 'n3' as its 'id' in images.parquet"):
        index.complete(raw | {"imageId": "n3"}, Counter())


def test_mmbench_rows_take_the_image_of_another_row(tmp_path: Path) -> None:
    encoded = base64.b64encode(picture("PNG", 3)).decode()
    rows = [(1, encoded), (1000001, "1"), (2, "3"), (3, "1")]
    lines = [f"{index}\tWhat is it?\tnan\tA cat\tA dog\tnan\tnan\tB\t{image}" for index, image in rows]
    file = tmp_path / "MMBench_DEV_EN.tsv"
    file.write_text("\n".join(["index\tquestion\thint\tA\tB\tC\tD\tanswer\timage", *lines]))
    partner = mmbench.images_of_other_rows((str(file),), "--input")
    stage = JoinedIngest((str(file),), FormReader(FORMS["mmbench"], "it"), 10, 0, partner, FileOptions())
    build = Build("test", BuildConfig(output=str(tmp_path / "out"), dry_run=True), [stage])
    written, failed, counters = _ingested(stage, build)
    assert len({row["image_sha256"] for row in written}) == 1
    assert [json.loads(row["layout"])["index"] for row in written] == [1, 1000001, 3]
    assert counters["completed/row with its image"] == 2
    (message,) = failed
    assert message.startswith("NoPartner")
    assert "'3'" in message  # row 3 has none of its own either
    assert len(build.inputs) == 1
