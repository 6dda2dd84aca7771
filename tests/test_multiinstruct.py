"""MultiInstruct's rows in their odd forms: what a record holds, what fails by name, what a conversation says."""

import copy
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from upath import UPath

from builders.engine import RowError
from builders.sources import records
from builders.sources.images import BadImage, FoundImage, ImageFinder, measure, read_whole
from builders.sources.multiinstruct import read_record
from builders.sources.multiinstruct_tasks import TASKS
from builders.sources.slices import split_of
from builders.stages import ingest
from builders.stages.ingest import Ingest
from builders.transforms.instructions import load_instructions
from builders.transforms.multiinstruct import MultiInstruct, to_conversation, to_row

ITALIAN = load_instructions("it")
IMAGE = FoundImage(UPath("/images/a.jpg"), 100, 200)
OPTIONS_B = ["10 20 30 40", "50 60 70 80"]


def raw(task: str, **fields: Any) -> dict[str, Any]:
    return {"unique_id": "x_1", "task_name": task, "image_path": "./raw/a.jpg", **fields}


def make(row: dict[str, Any], image: FoundImage | None = IMAGE) -> dict[str, Any]:
    return to_row(read_record(row), image, ITALIAN, Counter()) | {"id": "0" * 32}


def translated(row: dict[str, Any]) -> dict[str, Any]:
    """A row as the translate stage leaves it, with a translation that shows where it went."""
    for item in row["fields"]:
        if item["by"] == "machine":
            item["target"] = f"IT({item['source'].strip()})"
    return row


def converse(row: dict[str, Any], seed: int = 0) -> tuple[str, str]:
    prompt, answer = to_conversation(translated(make(row)), Counter(), ITALIAN, seed)
    assert (prompt["from"], answer["from"]) == ("human", "gpt")
    assert prompt["value"].startswith("<image>\n")
    return prompt["value"], answer["value"]


def example(task: str) -> dict[str, Any]:
    """A good row of a task, in the assembled form."""
    kind = TASKS[task]
    row = raw(task)
    if "question" in kind.fields:
        row["question"] = "Is it red?"
    if "text" in kind.fields:
        row["text"] = "a red cup."
    if "context" in kind.fields:
        row["context"] = "It was said."
    if "steps" in kind.fields:
        row["context"] = ["Cut it.", "a red cup.", "Glue it."]
    row["region"] = ["10 20 30 40", "50 60 70 80"] if kind.answer != "box_option" else ["10 20 30 40"]
    row["meta_data"] = {
        "method": "Making a kite",
        "relation": "on",
        "dialog_hist": [{"q": "is it day?", "a": "yes"}],
        "object_regions": {
            "given_region": ["1 2 3 4"], "subject": ["1 2 3 4"], "object": ["5 6 7 8"], "person 1": ["1 2 3 4"],
        },
    }  # fmt: skip
    labels = list(ITALIAN.glossary.get(task, {}))[:2] or ["yes", "no"]
    row["options"] = OPTIONS_B if kind.answer == "box_option" else labels if kind.closed else ["red", "blue", "None"]
    row["target_txt"] = row["options"][0] if kind.answer.endswith(("option", "options")) else "a red cup"
    if kind.answer == "boxes":
        row["target_txt"] = " ".join(row["region"])
    if kind.fixed_options:
        del row["options"]
        row["target_txt"] = "next"
    return row


@pytest.mark.parametrize("task", sorted(TASKS))
def test_every_task_becomes_a_conversation_in_every_style(task: str) -> None:
    seen = set()
    for seed in range(24):
        prompt, answer = converse(example(task), seed)
        guide = prompt.splitlines()[-1]
        assert guide in ITALIAN.guides.values()
        assert "{" not in prompt
        assert answer
        kind = TASKS[task].answer
        if kind == "boxes":
            assert guide == ITALIAN.guides["box"]
            assert answer == "[0.100, 0.100, 0.300, 0.200] [0.500, 0.300, 0.700, 0.400]"
        elif kind in ("text", "verbatim"):
            assert guide == ITALIAN.guides["text"]
        else:
            last = [line for line in prompt.splitlines() if line][-2]
            assert ITALIAN.options in prompt.splitlines()
            if guide == ITALIAN.guides["number"]:
                assert answer == "1"
                assert last[0].isdigit()
            elif guide == ITALIAN.guides["letter"]:
                assert answer in ("A", "a")
            else:
                assert guide == ITALIAN.guides["box" if kind == "box_option" else "text"]
        seen.add(prompt)
    assert len(seen) >= 5, "instructions and styles vary with the seed"


def test_both_forms_give_the_same_conversation() -> None:
    """Form A has boxes as numbers, and no target where the target is a box."""
    for task in (
        "VG",
        "VG_selection",
        "select_overlap_most_region",
        "object_match",
        "commonsense_VQA",
        "region_generation",
    ):
        assembled = example(task)
        per_task = copy.deepcopy(assembled)
        per_task["region"] = [[float(n) if n == "10" else int(n) for n in box.split()] for box in assembled["region"]]
        regions = per_task["meta_data"]["object_regions"]
        per_task["meta_data"]["object_regions"] = {
            # VCR's form A has one flat box a name.
            name: [int(n) for n in boxes[0].split()]
            if task == "commonsense_VQA"
            else [[int(n) for n in boxes[0].split()]]
            for name, boxes in regions.items()
        }
        if TASKS[task].answer in ("boxes", "box_option"):
            del per_task["target_txt"]
        if TASKS[task].answer == "box_option":
            per_task["options"] = [[int(n) for n in box.split()] for box in OPTIONS_B]
            per_task["region"] = [[10, 20, 30, 40]]
        assert converse(per_task) == converse(assembled), task


@pytest.mark.parametrize(
    ("change", "error_class", "says"),
    [
        ({"task_name": "VQA_colour"}, "UnknownTask", "did you mean VQA_color"),
        ({"task_name": 7}, "WrongType", "field 'task_name' is int"),
        ({"question": None}, "MissingField", "field 'question' is missing"),
        ({"question": "  "}, "MissingField", "field 'question' is empty"),
        ({"options": "red||||blue"}, "WrongType", "field 'options' is str; a list is expected"),
        ({"options": ["red", 7]}, "WrongType", "no text"),
        ({"target_txt": "green"}, "TargetNotAmongOptions", "target 'green' is not among the options"),
        ({"image_path": None}, "MissingField", "image_path"),
    ],
)
def test_what_is_wrong_with_a_row_is_named(change: dict[str, Any], error_class: str, says: str) -> None:
    row = raw("VQA_color", question="What color is it?", options=["red", "blue"], target_txt="red") | change
    with pytest.raises(RowError, match=says) as raised:
        read_record(row)
    assert raised.value.error_class == error_class


def test_boxes_are_never_guessed() -> None:
    with pytest.raises(RowError, match="its boxes need its size") as raised:
        make(example("VG"), None)
    assert raised.value.error_class == "MissingImage"
    for box, says in (
        ("30 20 10 40", "no area"),
        ("1 2 3", "no box"),
        ("150 20 160 40", "outside its image of 100 x 200"),
    ):
        with pytest.raises(RowError, match=says) as raised:
            make(example("VG") | {"region": [box]})
        assert raised.value.error_class == "BadBox"
    assert make(example("image_caption"), None)["image_file"] is None


def test_a_box_beyond_the_edge_is_clamped_and_counted() -> None:
    counters: Counter[str] = Counter()
    row = to_row(read_record(example("VG") | {"region": ["-5 20 130 40"]}), IMAGE, ITALIAN, counters)
    assert json.loads(row["layout"])["answer_boxes"] == ["[0.000, 0.100, 1.000, 0.200]"]
    assert counters["boxes_clamped"] == 1


def test_boxes_inside_sentences_are_normalised_and_years_are_not() -> None:
    row = example("commonsense_VQA") | {
        "question": "In 1999, what does the person 1 in 1 2 3 4 do?",
        "options": ["the one in 1 2 3 4.", "nothing"],
        "target_txt": "the one in 1 2 3 4.",
    }
    made = {item["name"]: item["source"] for item in make(row)["fields"]}
    assert made["question"] == "In 1999, what does the person 1 in [0.010, 0.010, 0.030, 0.020] do?"
    assert made["options.0"] == "the one in [0.010, 0.010, 0.030, 0.020]."


def test_several_targets_become_several_identifiers_and_none_is_a_label() -> None:
    row = raw(
        "region_object_selection", region=OPTIONS_B, options=["sheep", "giraffe", "None"], target_txt="giraffe, sheep"
    )
    answers = {converse(row, seed)[1] for seed in range(30)}
    assert answers == {"1, 2", "A, B", "a, b", "IT(sheep), IT(giraffe)"}
    row["target_txt"] = "None"
    assert {converse(row, seed)[1] for seed in range(30)} == {"3", "C", "c", "Nessuno"}


def test_more_than_26_boxes_get_numbers_and_duplicates_are_merged() -> None:
    boxes = [f"{n} 1 {n + 5} 9" for n in range(40)] + ["0 1 5 9"]
    row = raw("object_region_selection", text="cup", options=boxes, region=["39 1 44 9"], target_txt="39 1 44 9")
    prompts = [converse(row, seed) for seed in range(20)]
    assert {answer for _, answer in prompts} == {"40"}
    counters: Counter[str] = Counter()
    to_row(read_record(row), IMAGE, ITALIAN, counters)
    assert counters["options_merged"] == 1


def test_medic_rows_offer_their_own_labels_alone() -> None:
    own = ["severe damage", "mild damage", "little or none damage"]
    row = raw(
        "medic_damage_severity", options=[*own, "fire", "flood"], target_txt="mild damage", meta_data={"options": own}
    )
    assert read_record(row).options == tuple(own)


def test_the_steps_done_do_not_give_the_answer_away() -> None:
    row = example("wikihow_next_step") | {"target_txt": "Glue it."}
    told = [item["source"] for item in make(row)["fields"] if item["name"].startswith("steps")]
    assert told == ["Cut it."]
    row["context"] = []
    assert any(ITALIAN.empty["steps"] in converse(row, seed)[0] for seed in range(20))


def test_text_in_the_image_stays_as_it_is() -> None:
    prompt, answer = converse(raw("text_vqa", question="What is written?", target_txt="stop here"))
    assert answer == "stop here"
    assert "IT(What is written?)" in prompt
    prompt, _ = converse(raw("text_localization", text="peene", options=OPTIONS_B, region=OPTIONS_B[:1]))
    assert "«peene»" in prompt or "peene" in prompt
    assert "IT(" not in prompt


def test_a_closed_label_that_nobody_translated_fails_by_name() -> None:
    with pytest.raises(RowError, match="'blurry' is not in the it glossary; did you mean blur") as raised:
        make(raw("image_quality", options=["blurry", "too dark"], target_txt="blurry"))
    assert raised.value.error_class == "UnknownLabel"


def test_options_that_become_one_fail_and_an_image_token_in_the_text_too() -> None:
    row = translated(make(raw("VQA", question="Which?", options=["big", "large"], target_txt="big")))
    for item in row["fields"]:
        if item["name"].startswith("options"):
            item["target"] = "grande"
    with pytest.raises(RowError, match="one and the same: 'grande'"):
        to_conversation(row, Counter(), ITALIAN, 0)
    with pytest.raises(RowError, match="stands for the image alone"):
        converse(raw("open-domain_VQA", question="Is <image> red?", target_txt="yes"))


def test_images_are_found_by_suffix_and_never_outside_the_roots(tmp_path: Path) -> None:
    (tmp_path / "root/train2014").mkdir(parents=True)
    Image.new("RGB", (30, 20)).save(tmp_path / "root/train2014/a.png")
    Image.new("RGB", (5, 5)).save(tmp_path / "secret.png")
    finder = ImageFinder([str(tmp_path / "root")])
    for path in ("./raw_datasets/MSCOCO2014/train2014/a.png", "/home/somebody/train2014/a.png", "train2014/a.png"):
        found = finder.find(path)
        assert found
        assert (found.width, found.height) == (30, 20)
    assert finder.find("a.png") is None
    assert finder.find("../secret.png") is None
    (tmp_path / "root/bad.png").write_text("<html>404</html>")
    with pytest.raises(Exception, match="no image we take"):
        finder.find("x/bad.png")


LINES = (
    b'\xef\xbb\xbf{"task_name": "VQA_counting"}\r\n\n  \n{"broken": \n[1, 2]\n{"x": NaN}\n'
    b'{"t": "\\ud800"}\n\xff\xfe\n{"task_name": "VQA_counting"}\n'
)


@pytest.mark.parametrize("shard_rows", [1, 2, 100])
def test_every_line_is_a_row_or_a_named_failure(tmp_path: Path, shard_rows: int) -> None:
    (tmp_path / "train.jsonl").write_bytes(LINES)
    files, slices = records.scan((str(tmp_path / "train.jsonl"),), shard_rows)
    assert files[0].rows == 7
    assert sum(piece.rows for piece in slices) == 7
    assert all(piece.rows <= shard_rows for piece in slices)
    stage = Ingest((), MultiInstruct((), ITALIAN), shard_rows, 0)
    rows = [row for piece in slices for row in stage.read(tmp_path, piece)]
    assert [row["line"] for row in rows] == [1, 4, 5, 6, 7, 8, 9]
    outcome = stage.process(rows) if shard_rows == 100 else None
    if outcome:
        assert [item.error_class for item in outcome.failed] == ["MissingField", *["NotJSON"] * 5]
        assert "train.jsonl, line 4" in outcome.failed[1].message
        assert [item.filter for item in outcome.rejected] == ["duplicate_row_v1"]
    assert rows[0]["id"].split("+")[0] == rows[-1]["id"].split("+")[0]


@pytest.mark.parametrize(
    ("path", "split"),
    [
        ("/data/train.jsonl", "train"),
        ("/data/test.jsonl", "test"),
        ("/data/valid.jsonl", "validation"),
        ("/data/val_small.jsonl", "validation"),
        ("/data/training_data/VG+GC/valid.jsonl", "validation"),
        ("/data/testing_data/nlvr/rows.jsonl", "test"),
        ("/data/test/vqa.jsonl", "test"),
        ("/data/devices/rows.jsonl", "train"),
        ("/home/tester/data/rows.jsonl", "train"),
    ],
)
def test_splits_are_read_off_the_path_however_it_is_given(path: str, split: str) -> None:
    assert split_of(UPath(path)) == split


def test_a_file_of_nothing_but_a_byte_order_mark_and_one_row(tmp_path: Path) -> None:
    (tmp_path / "train.jsonl").write_bytes(b'\xef\xbb\xbf\n{"task_name": "VG"}\n')
    files, (piece,) = records.scan((str(tmp_path / "train.jsonl"),), 10)
    assert files[0].rows == piece.rows == len(list(records.read(piece))) == 1


def test_a_line_beyond_all_measure_fails_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingest, "MAX_LINE_BYTES", 20_000)
    deep = "[" * 5000 + "]" * 5000
    (tmp_path / "train.jsonl").write_text(json.dumps({"text": "x" * 30_000}) + "\n" + deep + "\n")
    _, (piece,) = records.scan((str(tmp_path / "train.jsonl"),), 10)
    stage = Ingest((), MultiInstruct((), ITALIAN), 10, 0)
    outcome = stage.process(stage.read(tmp_path, piece))
    assert [item.error_class for item in outcome.failed] == ["NotJSON", "NotJSON"]
    assert "a row has at most 20,000" in outcome.failed[0].message


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("share", [0.25, 0.9, 0.99])
def test_an_image_that_breaks_off_is_no_image(share: float, progressive: bool, tmp_path: Path) -> None:
    Image.effect_noise((200, 200), 50).convert("RGB").save(tmp_path / "a.jpg", progressive=progressive)
    whole = (tmp_path / "a.jpg").read_bytes()
    assert read_whole(UPath(tmp_path / "a.jpg")) == whole
    (tmp_path / "a.jpg").write_bytes(whole[: int(share * len(whole))])
    assert measure(UPath(tmp_path / "a.jpg")).width == 200
    with pytest.raises(BadImage, match="does not decode"):
        read_whole(UPath(tmp_path / "a.jpg"))


@pytest.mark.parametrize(
    "region", [[{"1": 0}], [7], [[1, "2", 3, 4]], ["1_0 2 30 40"], [[1, 2, 10**400, 4]], "1 2 3 4"]
)
def test_what_stands_where_a_box_should_is_named(region: Any) -> None:
    with pytest.raises(RowError) as raised:
        make(example("VG") | {"region": region})
    assert raised.value.error_class in ("BadBox", "WrongType")
