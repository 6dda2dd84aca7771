"""Packages for other tools: they load there, run nothing there, and what the tools give back is read or refused."""

import base64
import csv
import io
import json
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.sample_build import HOSTILE
from validation.annotation import page
from validation.annotation.exports import FORMATS, exporter, label_studio, shared
from validation.annotation.exports.table import guarded, unguarded
from validation.annotation.package import LABELS, REASONS, Item, Package, Text, Turn, Vote
from validation.annotation.problem import Problem
from validation.annotation.rounds import Judgement
from validation.annotation.texts import default_guidelines

SPOKEN = f'=HYPERLINK("http://evil.example") <!-- {HOSTILE} \ud800\x00 $texts {{{{idx}}}}'
FORMULAS = ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "\0=1", "  =1", "＝1", "＋1", "－1", "＠1")
SOME_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"), max_size=12)
ODD_TEXT = st.text(st.sampled_from("'=+-@\t 0123/.:％＝a<é"), max_size=6)
KEYS = ("annotations", "data", "result", "from_name", "value", "label", "texts", "updated_at", "responses", "labels")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(KEYS),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)


def jpeg_uri(size: tuple[int, int] = (64, 48)) -> str:
    buffer = io.BytesIO()
    Image.new("RGB", size, "white").save(buffer, "JPEG")
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"


PLAIN = Item(
    "it-0",
    (Text("question", "What is it?", "Che cos'è?"), Text("answer", "3/4", "3/4")),
    (Turn("human", "Che cos'è?"), Turn("gpt", "3/4")),
    ((0.25, 0.25, 0.75, 0.75),),
    jpeg_uri(),
    64,
    48,
)
NASTY = Item(
    "it-1",
    (Text("question", SPOKEN, SPOKEN),),
    (Turn("human", SPOKEN),),
    image_note="the image is broken",
    votes=(Vote("reject", ("meaning",), SPOKEN, {"question": SPOKEN}), Vote("accept")),
)
ACCEPT = Package("demo.round-1.ane", "ane", "accept", "demo", "en", "it", "", (PLAIN, NASTY))
PAIR = replace(
    ACCEPT,
    package_id="demo.round-2.ane",
    task="pair",
    items=tuple(replace(item, left=f"L {SPOKEN}", right=f"R {SPOKEN}") for item in ACCEPT.items),
)
SAID = (
    Judgement("it-0", "reject", ("meaning", "grammar"), "non va: =1", {"answer": "=tre quarti\nsu una riga"}),
    Judgement("it-1", "accept"),
)
CHOSEN = (Judgement("it-0", "tie"), Judgement("it-1", "right", comment="più chiara"))


def write(name: str, package: Package, folder: Path) -> list[Path]:
    return exporter(name).write(package, folder / name)


def timeless(judgements: Sequence[Judgement]) -> tuple[Judgement, ...]:
    return tuple(replace(each, at="", ms=0) for each in judgements)


def read_one(name: str, path: Path, package: Package, annotator: str = "ane") -> tuple[Judgement, ...]:
    (export,) = exporter(name).read(path, annotator)
    assert (export.package_id, export.package_sha256) == (package.package_id, package.sha256)
    assert export.annotator == annotator
    return export.judgements


def fill_table(package: Package, said: Sequence[Judgement], folder: Path) -> list[list[str]]:
    """The table that `write` makes, filled in."""
    path = write("csv", package, folder)[0]
    table = list(csv.reader(io.StringIO(path.read_text("utf-8-sig"), newline="")))
    head = table[0]
    for row, judgement in zip(table[1:], said, strict=True):
        row[head.index("label")] = judgement.label
        row[head.index("comment")] = guarded(judgement.comment)
        if "reasons" in head:
            row[head.index("reasons")] = ", ".join(judgement.reasons)
        for number in range(1, 3):
            if f"field_{number}" in head and row[head.index(f"field_{number}")] in (judgement.corrections or {}):
                text = (judgement.corrections or {})[row[head.index(f"field_{number}")]]
                row[head.index(f"corrected_{number}")] = guarded(text)
    return table


def save_table(path: Path, table: list[list[str]], encoding: str = "utf-8", **dialect: Any) -> Path:
    buffer = io.StringIO(newline="")
    csv.writer(buffer, **dialect).writerows(table)
    path.write_text(buffer.getvalue(), encoding=encoding, newline="")
    return path


def label_studio_export(package: Package, said: Sequence[Judgement], folder: Path) -> list[dict[str, Any]]:
    """The tasks that `write` makes, as Label Studio 1.23 exports them as JSON."""
    tasks, _ = write("label-studio", package, folder)
    exported = []
    for number, (task, judgement) in enumerate(zip(json.loads(tasks.read_text()), said, strict=True), start=1):
        results = [result("label", "choices", [judgement.label])]
        if judgement.reasons:
            results.append(result("reasons", "choices", list(judgement.reasons)))
        if judgement.comment:
            results.append(result("comment", "textarea", [judgement.comment + "\n"]))
        names = [text["name"] for text in task["data"]["texts"]]
        results += [
            result(f"corrected_{names.index(name)}", "textarea", [text])
            for name, text in (judgement.corrections or {}).items()
        ]
        exported.append({"id": number, "annotations": [annotation(results)], "drafts": [], "predictions": []} | task)
    return exported


def result(control: str, kind: str, values: list[str]) -> dict[str, Any]:
    value = {"choices" if kind == "choices" else "text": values}
    return {"value": value, "id": "x", "from_name": control, "to_name": "any", "type": kind, "origin": "manual"}


def annotation(results: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    times = {"created_at": "2026-03-01T10:00:00.123456Z", "updated_at": "2026-03-01T10:00:00.123456Z"}
    return {"completed_by": 1, "result": results, "was_cancelled": False, "lead_time": 6.807} | times | more


def flattened(exported: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same as JSON_MIN: one value bare, several under their key."""
    rows = []
    for task in exported:
        (one,) = task["annotations"]
        row = task["data"] | {"id": task["id"], "annotator": one["completed_by"], "annotation_id": 1}
        row |= {key: one[key] for key in ("created_at", "updated_at", "lead_time")}
        for each in one["result"]:
            ((key, values),) = each["value"].items()
            row[each["from_name"]] = values[0] if len(values) == 1 else {key: values}
        rows.append(row)
    return rows


def potato_export(package: Package, said: Sequence[Judgement], folder: Path) -> list[dict[str, Any]]:
    """The items that `write` makes, as Potato 2.12 exports what was said of them."""
    _, items = write("potato", package, folder)
    lines = []
    for item, judgement in zip(map(json.loads, items.read_text().splitlines()), said, strict=True):
        side = {"left": "A", "right": "B", "tie": "tie"}.get(judgement.label)
        labels: dict[str, Any] = {"label": {"selection": side} if side else {judgement.label: judgement.label}}
        if judgement.reasons:
            labels["reasons"] = {reason: reason for reason in judgement.reasons}
        if judgement.comment:
            labels["comment"] = {"text_box": judgement.comment}
        for name, text in (judgement.corrections or {}).items():
            labels[f"corrected {name}"] = {"text_box": text}
        lines.append({"instance_id": item["id"], "user_id": "ane", "labels": labels, "spans": {}, "links": {}})
    return lines


def save_lines(path: Path, lines: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def argilla_records(package: Package, said: Sequence[Judgement], folder: Path) -> list[dict[str, Any]]:
    """The records that `write` makes, as Argilla 2.8 writes them to disk with their responses."""
    (dataset,) = write("argilla", package, folder)
    records = json.loads((dataset / "records.json").read_text())
    for record, judgement in zip(records, said, strict=True):
        values: dict[str, Any] = {"label": judgement.label}
        if judgement.reasons:
            values["reasons"] = list(judgement.reasons)
        if judgement.comment:
            values["comment"] = judgement.comment
        for name, text in (judgement.corrections or {}).items():
            number = next(key for key, value in record["metadata"].items() if value == name).removeprefix("field_")
            values[f"corrected_{number}"] = text
        record["responses"] = {name: [{"value": value, "user_id": "u"}] for name, value in values.items()}
        record["status"] = "completed"
    return records


def save(path: Path, value: Any) -> Path:
    path.write_text(json.dumps(value))
    return path


@pytest.mark.parametrize(("package", "said"), [(ACCEPT, SAID), (PAIR, CHOSEN)], ids=["accept", "pair"])
def test_what_was_said_comes_back_from_every_tool(package: Package, said: tuple[Judgement, ...], tmp_path: Path):
    studio = label_studio_export(package, said, tmp_path)
    files = {
        "label-studio": [save(tmp_path / "ls.json", studio), save(tmp_path / "min.json", flattened(studio))],
        "potato": [save_lines(tmp_path / "annotations.jsonl", potato_export(package, said, tmp_path))],
        "argilla": [save(tmp_path / "records.json", argilla_records(package, said, tmp_path))],
        "csv": [save_table(tmp_path / "back.csv", fill_table(package, said, tmp_path))],
    }
    assert set(files) == set(FORMATS)
    for name, paths in files.items():
        for path in paths:
            assert timeless(read_one(name, path, package)) == said


@pytest.mark.parametrize("name", FORMATS)
def test_nothing_judged_is_no_judgement(name: str, tmp_path: Path):
    written = write(name, ACCEPT, tmp_path)[0]
    if name == "potato":
        written = save_lines(tmp_path / "annotations.jsonl", [])
    if name == "label-studio":
        with pytest.raises(Problem, match="these are the tasks, not Label Studio's export"):
            exporter(name).read(written)
        tasks = [task | {"annotations": []} for task in json.loads(written.read_text())]
        written = save(tmp_path / "back.json", tasks)
    assert exporter(name).read(written) == []


@pytest.mark.parametrize("package", [ACCEPT, PAIR], ids=["accept", "pair"])
def test_a_package_names_no_place_to_fetch_from_and_writes_twice_the_same(package: Package, tmp_path: Path):
    for name in FORMATS:
        write(name, package, tmp_path)
        first = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
        write(name, package, tmp_path)
        assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == first
    for record in json.loads((tmp_path / "label-studio/ane.json").read_text()):
        assert all(image["image"].startswith("data:image/jpeg;base64,") for image in record["data"]["images"])
    for line in (tmp_path / "potato/ane/items.jsonl").read_text().splitlines():
        assert json.loads(line)["image"].startswith(("data:image/jpeg;base64,",)) or not json.loads(line)["image"]
    for record in json.loads((tmp_path / "argilla/ane/records.json").read_text()):
        assert record["fields"].get("image", "data:image/jpeg;base64,").startswith("data:image/jpeg;base64,")


def test_boxes_are_drawn_into_the_picture(tmp_path: Path):
    write("csv", ACCEPT, tmp_path)
    with Image.open(tmp_path / "csv/ane/it-0.jpg") as image:
        assert image.size == (64, 48)
        assert min(image.getpixel((48, 30))) < 128  # the right side of the box
        assert min(image.getpixel((4, 4))) > 240
    assert not (tmp_path / "csv/ane/it-1.jpg").exists()


@pytest.mark.parametrize(("top", "number"), [(0.5, 0.45), (0.0, 0.15)])
def test_the_number_of_a_small_box_hides_nothing_in_it(top: float, number: float):
    item = replace(PLAIN, image=jpeg_uri((300, 200)), boxes=((0.9, top, 0.96, top + 0.1),))
    with Image.open(io.BytesIO(shared.jpeg(item))) as image:
        assert min(image.getpixel((279, round(200 * (top + 0.05))))) > 240
        assert min(image.getpixel((271, round(200 * number)))) < 128


def test_boxes_have_the_page_s_colours():
    style = (Path(page.__file__).parent / "templates/page.css.j2").read_text()
    assert tuple(re.findall(r"--c\d: (#[0-9a-f]{6})", style)) == shared.BOX_COLOURS


@pytest.mark.parametrize(
    ("package", "said"),
    [
        (ACCEPT, default_guidelines("accept", "it")),
        (replace(PAIR, target_language="xx"), default_guidelines("pair", "en")),
        (replace(ACCEPT, guidelines="# Ours\n</script> è <b>"), "# Ours\n</script> è <b>"),
    ],
)
def test_guidelines_go_with_every_package(package: Package, said: str, tmp_path: Path):
    for name in FORMATS:
        write(name, package, tmp_path)
    assert (tmp_path / "csv/ane-guidelines.txt").read_text() == said
    assert json.loads((tmp_path / "argilla/ane/.argilla/settings.json").read_text())["guidelines"] == said
    tasks = json.loads((tmp_path / "label-studio/ane.json").read_text())
    assert {task["data"]["guidelines"] for task in tasks} == {said}
    settings = yaml.safe_load((tmp_path / "potato/ane/config.yaml").read_text())
    assert settings["annotation_instructions"].replace("\u2060", "") == said
    assert "</script>" not in settings["annotation_instructions"]


# The table


@given(ODD_TEXT | SOME_TEXT)
def test_a_guarded_text_is_no_formula_and_comes_back(text: str):
    assert unguarded(guarded(text)) == text
    assert not guarded(text).lstrip().startswith(tuple("=+-@＝＋－＠"))


@pytest.mark.parametrize(
    "text", [*FORMULAS, "3/4", "1-2", "007", "10:10", "1e5", "1.5", "12345678901234567890", "50 %"]
)
def test_what_a_spreadsheet_would_take_for_something_else_is_guarded(text: str):
    assert guarded(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "12", "0", "tre quarti", "'tis", "a=1", "3 cats", "…"])
def test_other_texts_are_left_alone(text: str):
    assert guarded(text) == unguarded(text) == text


def test_every_cell_is_quoted_and_none_is_a_formula(tmp_path: Path):
    path, pictures, _ = write("csv", ACCEPT, tmp_path)
    raw = path.read_bytes()
    assert raw.startswith(b'\xef\xbb\xbf"id",')
    table = list(csv.reader(io.StringIO(raw.decode("utf-8-sig"), newline="")))
    quoted = io.StringIO(newline="")
    csv.writer(quoted, quoting=csv.QUOTE_ALL).writerows(table)
    assert quoted.getvalue() == raw.decode("utf-8-sig")
    assert not [cell for row in table for cell in row if re.match(r"\s*[=+\-@\t\r\n\0＝＋－＠]", cell)]
    assert {"label", "reasons", "comment", "corrected_1", "corrected_2"} <= set(table[0])
    assert (pictures.parent / table[1][table[0].index("image")]).is_file()
    assert table[2][table[0].index("image")] == "the image is broken"


SPREADSHEETS = {
    "Excel, English": {"encoding": "utf-8-sig", "quoting": csv.QUOTE_MINIMAL},
    "Excel, Italian": {"encoding": "utf-8-sig", "quoting": csv.QUOTE_MINIMAL, "delimiter": ";"},
    "LibreOffice": {"quoting": csv.QUOTE_MINIMAL, "lineterminator": "\n"},
    "LibreOffice, all quoted": {"quoting": csv.QUOTE_ALL, "lineterminator": "\n", "delimiter": ";"},
    "tabs": {"quoting": csv.QUOTE_MINIMAL, "delimiter": "\t"},
}


@pytest.mark.parametrize("dialect", SPREADSHEETS.values(), ids=SPREADSHEETS)
def test_a_table_is_read_as_any_spreadsheet_saves_it(dialect: dict[str, Any], tmp_path: Path):
    table = [[*row, ""] for row in fill_table(ACCEPT, SAID, tmp_path)]  # an empty column at the end
    table[1][1], table[1][2] = " REJECT ", "Meaning;grammar"
    path = save_table(tmp_path / "back.csv", [*table, [""] * len(table[0])], **dialect)
    os.utime(path, (1_772_359_200, 1_772_359_200))
    read = read_one("csv", path, ACCEPT)
    assert timeless(read) == SAID
    assert {each.at for each in read} == {"2026-03-01T10:00:00.000Z"}


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(comment=SOME_TEXT.map(str.strip), text=ODD_TEXT, dialect=st.sampled_from(list(SPREADSHEETS.values())))
def test_texts_come_back_from_a_table_exactly(comment: str, text: str, dialect: dict[str, Any], tmp_path: Path):
    corrections = {"answer": text} if text.strip() else None
    said = (Judgement("it-0", "unsure", (), comment, corrections), Judgement("it-1", "accept"))
    path = save_table(tmp_path / "back.csv", fill_table(ACCEPT, said, tmp_path), **dialect)
    assert timeless(read_one("csv", path, ACCEPT)) == said


def change(row: int, column: str, text: str) -> Callable[[list[list[str]]], None]:
    def apply(table: list[list[str]]) -> None:
        table[row][table[0].index(column)] = text

    return apply


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (change(1, "label", "ok"), "column label"),
        (change(1, "reasons", "ugly"), "column reasons"),
        (change(1, "id", "it-0"), "leave ids as they were"),
        (change(2, "label", ""), ""),
        (change(1, "label", ""), "no label"),
        (change(1, "field_2", ""), "column corrected_2"),
        (change(0, "comment", "note"), "column comment is missing"),
        (change(0, "conversation", "label"), "'label' is there twice"),
        (change(0, "id", "ID no"), "must start with the column id"),
        (lambda table: table.append(table[1]), "it-0 of demo.round-1.ane is there twice"),
        (lambda table: table[1].append("more"), "more cells"),
    ],
)
def test_a_table_that_is_not_clear_is_refused(spoil: Callable[[Any], None], told: str, tmp_path: Path):
    table = fill_table(ACCEPT, SAID, tmp_path)
    spoil(table)
    path = save_table(tmp_path / "back.csv", table)
    if not told:  # a line without anything is simply not judged
        assert [each.item_id for each in read_one("csv", path, ACCEPT)] == ["it-0"]
        return
    with pytest.raises(Problem) as problem:
        exporter("csv").read(path, "ane")
    assert str(path) in str(problem.value)
    assert told in str(problem.value).replace('"', "'")


def test_a_table_in_an_old_code_page_is_refused(tmp_path: Path):
    table = [["id", "label", "comment"], ["x", "reject", "è così"]]
    with pytest.raises(Problem, match="not UTF-8"):
        exporter("csv").read(save_table(tmp_path / "back.csv", table, "cp1252"))


# Label Studio


@pytest.mark.parametrize("task", LABELS)
def test_the_interface_is_sound_and_holds_no_text_of_a_dataset(task: Any, tmp_path: Path):
    package = ACCEPT if task == "accept" else PAIR
    _, path = write("label-studio", package, tmp_path)
    view = ElementTree.fromstring(path.read_text())
    assert "evil.example" not in path.read_text()
    names = [element.get("name") for element in view.iter() if element.get("name")]
    assert len(names) == len(set(names))
    assert {element.get("toName") for element in view.iter()} - {None} <= set(names)
    assert [choice.get("value") for choice in view.findall(".//Choices[@name='label']/Choice")] == list(LABELS[task])
    reasons = view.findall(".//Choices[@name='reasons']/Choice")
    assert [choice.get("value") for choice in reasons] == (list(REASONS) if task == "accept" else [])
    used = {name for element in view.iter() for name in re.findall(r"\$([a-z_]+)", " ".join(element.attrib.values()))}
    for record in json.loads((tmp_path / "label-studio/ane.json").read_text()):
        assert used <= set(record["data"])


@pytest.mark.parametrize("task", LABELS)
def test_label_studio_takes_the_interface(task: Any):
    sdk = pytest.importorskip("label_studio_sdk.label_interface", reason="label-studio-sdk is not installed")
    sdk.LabelInterface(label_studio.config(task)).validate()


def test_skipped_tasks_are_not_judged_and_the_newest_annotation_holds(tmp_path: Path):
    exported = label_studio_export(ACCEPT, SAID, tmp_path)
    exported[0]["annotations"] += [
        annotation([result("label", "choices", ["unsure"])], updated_at="2026-03-02T11:00:00+02:00", lead_time=None),
        annotation([result("label", "choices", ["accept"])], updated_at="2026-03-01T09:00:00Z"),
    ]
    exported[1]["annotations"] = [annotation([], was_cancelled=True)]
    read = read_one("label-studio", save(tmp_path / "back.json", exported), ACCEPT)
    assert read == (Judgement("it-0", "unsure", at="2026-03-02T09:00:00.000Z"),)


def test_tasks_that_nobody_annotated_are_not_judged(tmp_path: Path):
    studio = label_studio_export(ACCEPT, SAID, tmp_path)
    flat = flattened(studio)
    bare = dict.fromkeys(("annotator", "annotation_id", "created_at", "updated_at", "lead_time"))
    flat[0] = studio[0]["data"] | {"id": 1} | bare
    studio[0]["annotations"] = []
    for value in (studio, flat):
        assert timeless(read_one("label-studio", save(tmp_path / "back.json", value), ACCEPT)) == SAID[1:]


def test_a_package_annotated_by_two_is_refused(tmp_path: Path):
    exported = label_studio_export(ACCEPT, SAID, tmp_path)
    exported[1]["annotations"][0]["completed_by"] = 2
    for value in (exported, flattened(exported)):
        with pytest.raises(Problem, match="by users 1 and 2"):
            exporter("label-studio").read(save(tmp_path / "back.json", value), "ane")


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        ({"result": [result("label", "choices", ["accept", "reject"])]}, "one label"),
        ({"result": []}, "one label"),
        ({"result": [result("label", "choices", ["accept"])] * 2}, "answered twice"),
        ({"result": [result("label", "choices", ["reject"]), result("reasons", "choices", ["ugly"])]}, "reasons"),
        ({"result": [result("label", "choices", ["reject"]), result("comment", "textarea", ["a", "b"])]}, "2 texts"),
        ({"updated_at": "yesterday"}, "updated_at"),
        ({"updated_at": "2026-03-01T10:00:00"}, "updated_at"),
        ({"lead_time": -1}, "lead_time"),
        ({"lead_time": True}, "lead_time"),
    ],
)
def test_an_annotation_that_is_not_clear_is_refused(spoil: dict[str, Any], told: str, tmp_path: Path):
    exported = label_studio_export(ACCEPT, SAID, tmp_path)
    exported[1]["annotations"][0] |= spoil
    path = save(tmp_path / "back.json", exported)
    with pytest.raises(Problem) as problem:
        exporter("label-studio").read(path, "ane")
    assert str(problem.value).startswith(f"{path}, task 2")
    assert told in str(problem.value)


# Potato and Argilla


def test_potato_gets_settings_it_can_read_and_nothing_that_ends_a_script(tmp_path: Path):
    for package in (ACCEPT, PAIR):
        config, items = write("potato", package, tmp_path)
        value = yaml.safe_load(config.read_text())
        schemes = {scheme["name"]: scheme for scheme in value["annotation_schemes"]}
        assert value["annotation_task_name"] == package.package_id
        assert schemes["label"]["annotation_type"] == ("radio" if package is ACCEPT else "pairwise")
        assert ("corrected answer" in schemes) == (package is ACCEPT)
        given = "\n".join(map(json.dumps, map(json.loads, items.read_text().splitlines()))).lower()
        assert not re.search(r"<(/|!|script)", given + config.read_text().lower())


def test_a_text_copied_from_potato_is_what_it_was(tmp_path: Path):
    package = replace(ACCEPT, items=(replace(PLAIN, texts=(Text("answer", "a", "b </script> c <b>"),)),))
    _, items = write("potato", package, tmp_path)
    shown = json.loads(items.read_text())["texts"][1]["text"]
    assert shown != "b </script> c <b>"
    said = (Judgement("it-0", "reject", corrections={"answer": shown + "!"}),)
    path = save_lines(tmp_path / "annotations.jsonl", potato_export(package, said, tmp_path))
    assert read_one("potato", path, package)[0].corrections == {"answer": "b </script> c <b>!"}


def test_potato_says_who_logged_in_unless_told(tmp_path: Path):
    path = save_lines(tmp_path / "annotations.jsonl", potato_export(ACCEPT, SAID, tmp_path))
    assert exporter("potato").read(path)[0].annotator == "ane"
    assert exporter("potato").read(path, "jon")[0].annotator == "jon"


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        ({"user_id": "jon"}, "one annotator"),
        ({"instance_id": "it-1"}, "instance_id"),
        ({"labels": {"label": {"accept": "accept", "reject": "reject"}}}, "one label"),
        ({"labels": {"label": {"selection": "C"}}}, "none of A, B, tie"),
        ({"labels": {"comment": {"text_box": "ma"}}}, "no label"),
        ({"labels": {"label": {"reject": "reject"}, "comment": {"a": "x", "b": "y"}}}, "2 texts"),
        ({"labels": []}, "labels"),
    ],
)
def test_a_line_of_potato_that_is_not_clear_is_refused(spoil: dict[str, Any], told: str, tmp_path: Path):
    lines = potato_export(ACCEPT, SAID, tmp_path)
    lines[1] |= spoil
    path = save_lines(tmp_path / "annotations.jsonl", lines)
    with pytest.raises(Problem) as problem:
        exporter("potato").read(path)
    assert str(problem.value).startswith(f"{path}, line 2")
    assert told in str(problem.value)


def test_argilla_records_count_when_they_are_submitted(tmp_path: Path):
    records = argilla_records(ACCEPT, SAID, tmp_path)
    records[0]["status"] = "pending"
    for answers in records[1]["responses"].values():
        answers.append({"value": "reject", "user_id": "another", "status": "draft"})
    read = read_one("argilla", save(tmp_path / "records.json", records), ACCEPT)
    assert timeless(read) == SAID[1:]


@pytest.mark.parametrize(
    ("responses", "told"),
    [
        ({"label": [{"value": "accept", "user_id": "another"}]}, "one annotator"),
        ({"label": [{"value": "accept", "user_id": "u"}] * 2}, "answered twice"),
        ({"comment": [{"value": "ma", "user_id": "u"}]}, "without a label"),
        (
            {"label": [{"value": "accept", "user_id": "u"}], "corrected_9": [{"value": "x", "user_id": "u"}]},
            "corrected_9",
        ),
        ({"label": [{"value": ["accept"], "user_id": "u"}]}, "not a text"),
    ],
)
def test_an_argilla_record_that_is_not_clear_is_refused(responses: Any, told: str, tmp_path: Path):
    records = argilla_records(ACCEPT, SAID, tmp_path)
    records[1]["responses"] = responses
    path = save(tmp_path / "records.json", records)
    with pytest.raises(Problem) as problem:
        exporter("argilla").read(path)
    assert str(problem.value).startswith(f"{path}, record 2")
    assert told in str(problem.value)


# Anything at all


def says_or_reads(name: str, path: Path) -> bool:
    """Whether the file is read, or refused by its name; any other exception passes through."""
    try:
        return all(export.judgements for export in exporter(name).read(path))
    except Problem as problem:
        return str(path) in str(problem)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(value=JSON, name=st.sampled_from(["label-studio", "potato", "argilla"]), many=st.booleans(), known=st.booleans())
def test_any_json_is_read_or_refused(value: Any, name: str, many: bool, known: bool, tmp_path: Path):
    if known and isinstance(value, dict):
        identity = shared.identity("p", "0" * 64, "i")
        value = {
            "data": identity,
            "metadata": identity,
            "instance_id": f"p:{'0' * 64}:i",
            "status": "completed",
        } | value
    path = save(tmp_path / "back.json", [value] if many else value)
    assert says_or_reads(name, path)


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.binary(max_size=40) | SOME_TEXT.map(lambda text: f"id,label,comment\n{text}".encode()))
def test_any_bytes_are_read_or_refused(data: bytes, tmp_path: Path):
    path = tmp_path / "back"
    path.write_bytes(data)
    for name in FORMATS:
        assert says_or_reads(name, path)


@pytest.mark.parametrize("name", FORMATS)
def test_a_file_that_is_not_there_is_a_problem(name: str, tmp_path: Path):
    with pytest.raises(Problem, match="cannot be read"):
        exporter(name).read(tmp_path / "none")
