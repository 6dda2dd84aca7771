"""`python -m validation import`, as the lead of a round runs it."""

import csv
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.judged_round import ITEMS, TEXTS, export, item_id, judgement, make_round, save
from validation.__main__ import main
from validation.annotation.exports import exporter
from validation.annotation.package import Item, Package
from validation.annotation.rounds import Round

ROOT = Path(__file__).resolve().parents[1]


def test_a_line_for_every_annotator_and_then_what_comes_next(tmp_path: Path) -> None:
    out = tmp_path / "my build"
    make_round(out, ("ane", "jon", "miren"))
    save(tmp_path / "in/ane.json", export([judgement(item_id("ane", number)) for number in range(ITEMS)]))
    save(tmp_path / "in/jon.json", export([judgement(item_id("jon", 1))], "jon"))
    save(tmp_path / "in/old/jon.json", export([judgement(item_id("jon", 2))], "jon"))
    command = [sys.executable, "-m", "validation", "import", out, tmp_path / "in"]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert ran.stderr == ""
    assert ran.returncode == 0
    assert ran.stdout.splitlines() == [
        f"not looked into: {tmp_path / 'in/old'}",
        "round-1",
        "  ane: 6 new, 0 changed, 0 unchanged; 6 of 6 judged",
        "  jon: 1 new, 0 changed, 0 unchanged; 1 of 6 judged, 5 missing",
        "  miren: 0 new, 0 changed, 0 unchanged; 0 of 6 judged, 6 missing",
        f"next     python -m validation agree '{out}' --round round-1",
    ]


def test_a_file_that_comes_twice_changes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = make_round(tmp_path)
    path = save(tmp_path / "ane.json", export([judgement(item_id("ane", 0)), judgement(item_id("ane", 1))]))
    assert main(["import", str(tmp_path), str(path)]) == 0
    written = made.judgements_path("ane").stat()
    assert main(["import", str(tmp_path), str(path), str(path)]) == 0
    assert "ane: 0 new, 0 changed, 2 unchanged; 2 of 6 judged, 4 missing" in capsys.readouterr().out
    assert made.judgements_path("ane").stat().st_mtime_ns == written.st_mtime_ns


def test_what_is_wrong_is_told_and_no_escape_reaches_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_round(tmp_path)
    bad = judgement("\x1b[2J\u202e\x07", comment="\x1b]0;title\x07")
    path = save(tmp_path / "ane\x1b[31m.json", export([bad, judgement(item_id("ane", 0), label="\x9b31m")]))
    assert main(["import", str(tmp_path), str(path)]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    first, *others = said.err.splitlines()
    assert first == "error: nothing was imported, from any of the files:"
    assert len(others) == 2
    assert all(each.isprintable() for each in others)
    assert not (tmp_path / "validation/round-1/judgements").exists()


def test_a_full_disk_is_told_and_the_old_file_stays(tmp_path: Path) -> None:
    made = make_round(tmp_path)
    main(["import", str(tmp_path), str(save(tmp_path / "1.json", export([judgement(item_id("ane", 0))])))])
    before = made.judgements_path("ane").read_bytes()
    later = save(tmp_path / "2.json", export([judgement(item_id("ane", 1))]))
    full = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({len(before)}, {len(before)}))\n"
    command = f"{full}import sys; from validation.__main__ import main; sys.exit(main(sys.argv[1:]))"
    ran = subprocess.run(
        [sys.executable, "-c", command, "import", tmp_path, later], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "ane.json: cannot be written: " in ran.stderr
    assert made.judgements_path("ane").read_bytes() == before
    assert [path.name for path in made.judgements_path("ane").parent.iterdir()] == ["ane.json"]


def test_the_dataset_of_a_build_is_its_build(tmp_path: Path) -> None:
    made = make_round(tmp_path)
    (tmp_path / "dataset").mkdir()
    (tmp_path / "build.json").write_text("{}")
    path = save(tmp_path / "ane.json", export([judgement(item_id("ane", 0))]))
    assert main(["import", str(tmp_path / "dataset"), str(path)]) == 0
    assert len(made.judgements("ane")) == 1


def package(made: Round) -> Package:
    """The first package of a round with all that it shows, as its plan then has it."""
    plan = made.plan()
    first = plan.assignments[0]
    items = tuple(Item(each.item_id, TEXTS) for each in first.items)
    whole = Package(first.package_id, first.annotator, plan.task, "build", "en", "it", "", items)
    made.write_plan(replace(plan, assignments=(replace(first, package_sha256=whole.sha256), *plan.assignments[1:])))
    return whole


def as_table(made: Round, folder: Path) -> Path:
    return exporter("csv").write(package(made), folder)[0]


def label_studio(judged: Package, folder: Path) -> Path:
    """Its first item rejected, as Label Studio exports it."""
    tasks, _ = exporter("label-studio").write(judged, folder)
    first, *others = json.loads(tasks.read_text())
    result = {"from_name": "label", "to_name": "conversation", "type": "choices", "value": {"choices": ["reject"]}}
    annotation = {"completed_by": 1, "updated_at": "2026-02-01T00:00:00.5Z", "lead_time": 3.25, "result": [result]}
    annotated = [first | {"annotations": [annotation]}, *({"annotations": []} | other for other in others)]
    return save(folder / "project-1-at-2026.json", annotated)


def potato(judged: Package, folder: Path) -> Path:
    """Its first item rejected, as Potato exports it."""
    _, items = exporter("potato").write(judged, folder)
    first = json.loads(items.read_text().splitlines()[0])
    line = {"instance_id": first["id"], "user_id": "ane", "labels": {"label": {"reject": "reject"}}}
    return save(folder / "annotations.jsonl", line | {"spans": {}, "links": {}})


def argilla(judged: Package, folder: Path) -> Path:
    """Its first item rejected, as Argilla exports it: a folder."""
    (dataset,) = exporter("argilla").write(judged, folder)
    records = json.loads((dataset / "records.json").read_text())
    response = {"value": "reject", "user_id": "9b3f", "status": "submitted"}
    records[0] |= {"status": "completed", "responses": {"label": [response]}}
    save(dataset / "records.json", records)
    return dataset


@pytest.mark.parametrize("judge", [label_studio, potato, argilla])
def test_the_file_of_another_tool_is_known_by_itself_and_in_a_folder(
    tmp_path: Path, judge: Callable[[Package, Path], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    made = make_round(tmp_path)
    path = judge(package(made), tmp_path / "tool")
    assert main(["import", str(tmp_path), str(path)]) == 0
    (kept,) = made.judgements("ane")
    assert (kept.item_id, kept.label, kept.at.endswith("Z")) == (item_id("ane", 0), "reject", True)
    (tmp_path / "in").mkdir()
    path.rename(tmp_path / "in" / path.name)
    assert main(["import", str(tmp_path), str(tmp_path / "in")]) == 0
    assert "ane: 0 new, 0 changed, 1 unchanged; 1 of 6 judged, 5 missing" in capsys.readouterr().out


def fill_in(table: Path, saved: int, **cells: str) -> Path:
    """The table with its first line filled in, as a spreadsheet saved it at that second."""
    with table.open(encoding="utf-8-sig", newline="") as file:
        first, *others = csv.DictReader(file)
    filled = table.with_name("filled.csv")
    with filled.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(first), delimiter=";")
        writer.writeheader()
        writer.writerows([first | cells, *others])
    os.utime(filled, (saved, saved))
    return filled


def test_a_table_is_as_new_as_its_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = make_round(tmp_path)
    table = as_table(made, tmp_path / "csv")
    cells = {"label": "REJECT", "reasons": "grammar", "corrected_2": "Una gatta."}
    assert main(["import", str(tmp_path), str(fill_in(table, 1_770_000_000, **cells)), "--annotator", "ane"]) == 0
    (kept,) = made.judgements("ane")
    assert (kept.label, kept.reasons, kept.corrections) == ("reject", ("grammar",), {"answer": "Una gatta."})
    assert kept.at == "2026-02-02T02:40:00.000Z"
    assert main(["import", str(tmp_path), str(fill_in(table, 1_770_000_900, **cells))]) == 0
    assert "ane: 0 new, 0 changed, 1 unchanged" in capsys.readouterr().out
    assert main(["import", str(tmp_path), str(fill_in(table, 1_770_000_500, label="accept"))]) == 0
    assert "ane: 0 new, 0 changed, 0 unchanged, 1 older, not taken; 1 of 6" in capsys.readouterr().out
    assert made.judgements("ane")[0].label == "reject"
    assert main(["import", str(tmp_path), str(fill_in(table, 1_770_000_999, label="accept"))]) == 0
    assert made.judgements("ane")[0].label == "accept"


def test_the_wrong_annotator_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = make_round(tmp_path)
    filled = fill_in(as_table(made, tmp_path / "csv"), 1_770_000_000, label="accept")
    assert main(["import", str(tmp_path), str(filled), "--annotator", "jon"]) == 2
    assert (
        "'jon'; round-1.ane was made for ane: if it is ane who judged it, say --annotator ane"
        in capsys.readouterr().err
    )


def test_a_reader_that_stops_reading_is_no_error(tmp_path: Path) -> None:
    made = make_round(tmp_path)
    path = save(tmp_path / "ane.json", export([judgement(item_id("ane", 0))]))
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "validation", "import", tmp_path, path]
    ran = subprocess.run(command, cwd=ROOT, stdout=writer, stderr=subprocess.PIPE, text=True, timeout=60)
    os.close(writer)
    assert (ran.returncode, ran.stderr) == (1, "")
    assert len(made.judgements("ane")) == 1


def test_help_has_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["import", "--help"])
    assert "python -m validation import OUT ane.json jon.json" in capsys.readouterr().out
