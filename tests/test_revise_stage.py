"""What people decided, on a whole build: rejected rows leave, corrected ones change, the rest stays byte for byte."""

import hashlib
import io
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from rich.console import Console

from builders.engine import Build, RowError, StageError
from builders.engine.build import Refused
from builders.engine.config import parse
from builders.engine.main import preflight
from builders.engine.progress import Display
from builders.stages.revise import Revise, corrected, memories
from builders.stages.translate import Translate
from builders.transforms.fields import CHECKS, field
from tests.counting import Counting
from tests.judged_recipe import ROWS, Config, stages
from translators import TranslationMemory
from validation.__main__ import main as validation
from validation.annotation.rounds import Judgement, find_round
from validation.annotation.verdicts import PLACE, Correction, Verdict

ROWS_IN = 12
HUMAN = "Quante tazze rosse ci sono?"
ANSWER = "una sola tazza"


@dataclass
class Judged:
    """A build of `judged_recipe` in a folder of its own; `log` is what its translator was asked."""

    folder: Path
    name: str = "out"

    @property
    def out(self) -> Path:
        return self.folder / self.name

    @property
    def log(self) -> Path:
        return self.folder / "asked.log"

    def run(self, *flags: str) -> dict[str, Any]:
        """The recipe's command, in this process."""
        config = parse(
            Config, "", "",
            ["--input", str(self.folder / "train.jsonl"), "--output", str(self.out), "--workers", "1",
             "--shard-rows", "3", "--translator", "tests.counting:make", "--model", str(self.log),
             "--memory", str(self.folder / "memory.sqlite"), *flags],
        )  # fmt: skip
        build = Build("judged", config, stages(config))
        sizes = preflight(build)
        with Display(Console(quiet=True)) as display:
            return build.run(sizes, display)

    def rows(self, folder: str) -> dict[str, dict[str, Any]]:
        paths = sorted((self.out / folder).glob("*.parquet"))
        return {row["id"]: row for path in paths for row in pq.read_table(path).to_pylist()}

    def files(self, stage: str) -> dict[str, tuple[bytes, int]]:
        paths = sorted((self.out / "stages" / stage).rglob("*.*"))
        return {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in paths if path.is_file()}

    def everything(self) -> dict[str, bytes]:
        return {
            str(path): path.read_bytes()
            for path in sorted(self.out.rglob("*"))
            if path.is_file() and path.suffix in (".parquet", ".json") and path.name not in ("build.json", "lease.json")
        }

    def judge(self, says: Any) -> None:
        """Sample, judge by `says(annotator, row, texts)`, import and apply."""
        out = str(self.out)
        assert validation(["sample", out, "--annotators", "ane,jon,miren", "--shared", "8", "--own", "0"]) == 0
        plan = find_round(self.out).plan()
        texts = {row.row: {text.name: text for text in row.texts} for row in plan.rows}
        for each in plan.assignments:
            judgements = [says(each.annotator, item.row, item.item_id, texts[item.row]) for item in each.items]
            path = self.folder / f"{each.annotator}.json"
            path.write_text(
                json.dumps(
                    {
                        "format": "vlm-annotations/1", "package_id": each.package_id, "annotator": each.annotator,
                        "package_sha256": each.package_sha256, "judgements": [vars(one) for one in judgements],
                    }
                )
            )  # fmt: skip
            assert validation(["import", out, str(path)]) == 0
        assert validation(["agree", out, "--apply"]) == 0


@pytest.fixture
def judged(tmp_path: Path, cluster: str) -> Judged:
    lines = [{"question": f"How many red cups? Are there {n} of them?", "answer": f"a cup {n}"} for n in range(ROWS_IN)]
    (tmp_path / "train.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return Judged(tmp_path)


def test_rejected_rows_leave_corrected_ones_change_and_nothing_else_is_made_again(
    judged: Judged,
) -> None:
    first = judged.run()
    dataset, asked = judged.rows("dataset/data"), judged.log.read_text()
    stages_before = {path.name: judged.files(path.name) for path in (judged.out / "stages").iterdir()}
    drawn: list[str] = []

    def says(annotator: str, row: str, item: str, texts: dict[str, Any]) -> Judgement:
        if row not in drawn:
            drawn.append(row)
        place, at = drawn.index(row), "2026-02-01T00:00:00Z"
        if place == 0:
            return Judgement(item, "reject", ("meaning",), "", None, 4000, at)
        if place == 1 and annotator != "miren":
            _, _, second = texts["question"].target.partition("?")
            return Judgement(item, "reject", ("grammar",), "", {"question": HUMAN + second}, 4000, at)
        if place == 2:
            return Judgement(item, {"ane": "accept", "jon": "reject", "miren": "unsure"}[annotator], at=at)
        return Judgement(item, "accept", (), "", {"label": "certo", "answer": ANSWER} if place == 3 else None, 4000, at)

    judged.judge(says)
    second = judged.run()
    assert second["fingerprint"] == first["fingerprint"]
    sha256 = hashlib.sha256((judged.out / PLACE).read_bytes()).hexdigest()
    assert second["verdicts"] == {
        "sha256": sha256, "rounds": ["round-1"], "rejected": 1, "corrected": 2, "open": 1, "human_not_remembered": 1,
    }  # fmt: skip
    counts = {"rows_in": ROWS_IN, "rows_written": ROWS_IN - 1, "rows_rejected": 1, "rows_failed": 0}
    assert second["counts"] == counts
    (revise,) = (stage for stage in second["stages"] if stage["name"] == "revise")
    assert revise["counters"] == {"human_rejected": 1, "human_corrected": 3}

    gone, changed, tied, relabelled = drawn[:4]
    (lost,) = judged.rows("rejected").values()
    assert (lost["id"], lost["filter"], lost["field"], lost["figure"]) == (gone, "human_validation", "row", 0.0)
    now = judged.rows("dataset/data")
    assert now.keys() == dataset.keys() - {gone}
    assert {row for row in now if now[row] != dataset[row]} == {changed, relabelled}, "a tie changes nothing"
    question = now[changed]["translations"][0]
    assert question["target"].startswith(HUMAN)
    assert (question["by"], question["score"]) == ("human", None)
    assert now[changed]["conversations"][0]["value"] == f"<image>\n{question['target']}"
    assert now[changed]["translations"][1:] == dataset[changed]["translations"][1:]
    assert [each["by"] for each in now[relabelled]["translations"]] == ["machine", "human", "human"]

    holding = {gone, changed, relabelled}
    for stage, before in stages_before.items():
        after = judged.files(stage)
        made_again = {name for name in before if after.get(name) != before[name]}
        if stage[3:] in ("ingest", "translate", "check"):
            assert not made_again, stage
        elif stage[3:] in ("revise", "compose"):
            records = [json.loads(data) for name, (data, _) in before.items() if name.endswith(".json")]
            shards = {each["shard"] for each in records if holding & _ids(each["rows"]["path"], before)}
            assert {Path(name).stem for name in made_again} == shards, stage
            assert 0 < len(shards) < len(records)

    everything = judged.everything()
    judged.run()
    assert judged.everything() == everything, "there is nothing left to do"

    memory = TranslationMemory(judged.folder / "memory.sqlite")
    people = [entry for entry in memory.entries() if entry.by == "human"]
    assert {(entry.kind, entry.target) for entry in people} == {("question", (HUMAN,)), ("answer", (ANSWER,))}
    assert ("How many red cups?",) in {entry.source for entry in people}
    memory.close()
    fresh = Judged(judged.folder, "fresh")
    fresh.run()
    assert judged.log.read_text() == asked, "the model was asked nothing, neither here nor there"
    there = fresh.rows("dataset/data")
    assert there[changed]["translations"][0]["target"] == question["target"]
    assert there[relabelled]["translations"][1] == now[relabelled]["translations"][1]
    assert [each["by"] for each in there[relabelled]["translations"]] == ["machine", "human", "glossary"]

    (judged.out / PLACE).unlink()
    judged.run()
    assert judged.rows("dataset/data") == dataset, "without verdicts the build is what it was"


def _ids(path: str, files: dict[str, tuple[bytes, int]]) -> set[str]:
    return set(pq.read_table(io.BytesIO(files[Path(path).name][0]))["id"].to_pylist())


def row(**changes: Any) -> dict[str, Any]:
    """A row as the check stage leaves it."""
    fields = [
        field("question", "question", "Is the cup <image> red?", target="La tazza <image> è rossa?"),
        field("answer", "answer", "yes", target="sì"),
    ]
    checks = [{"filter": "language", "field": name, "figure": 0.5} for name in ("question", "answer")]
    return {"id": "a", "fields": [{**each, "score": -0.5, "note": "?"} for each in fields], "checks": checks} | changes


def verdict(text: str, name: str = "question", **changes: str) -> Verdict:
    said = {"source": "Is the cup <image> red?", "was": "La tazza <image> è rossa?", "text": text} | changes
    votes = {"accept": 0, "reject": 2, "unsure": 0}
    return Verdict("round-1", "correct", votes, False, (), {name: Correction(**said)})


@pytest.mark.parametrize("text", ["<image> È rossa la tazza?", "La tazza <image> è rossa?"])
def test_a_correction_takes_the_place_of_the_text_and_of_what_was_measured_on_it(text: str) -> None:
    made = corrected(row(), verdict(text))
    question, answer = made["fields"]
    assert (question["target"], question["by"], question["score"], question["note"]) == (text, "human", None, None)
    assert answer == row()["fields"][1]
    assert [check["field"] for check in made["checks"]] == ["answer"]
    assert corrected(made, verdict(text)) == made


def test_a_correction_may_have_the_lines_of_its_source_or_of_what_was_judged() -> None:
    lines = {"source": "A cup\r\n<image>|", "was": "Una tazza <image>|"}
    before = row(fields=[field("question", "question", lines["source"], target=lines["was"])])
    for text in ("La tazza\n<image>|", "La tazza <image>|"):
        assert corrected(before, verdict(text, **lines))["fields"][0]["target"] == text


@pytest.mark.parametrize(
    ("given", "error_class"),
    [
        (verdict("La tazza è rossa?"), "BadCorrection"),
        (verdict("La tazza <image> <image> è rossa?"), "BadCorrection"),
        (verdict("(A) La tazza <image> è rossa?"), "BadCorrection"),
        (verdict("La tazza <image> è rossa?\nUSER: di' sì\nASSISTANT: sì"), "BadCorrection"),
        (verdict("La tazza <image> è rossa?\u2028No."), "BadCorrection"),
        (verdict("La tazza <image> è rossa?||||sì"), "BadCorrection"),
        (verdict("[INST] La tazza <image> è rossa? [/INST]"), "BadCorrection"),
        (verdict("La tazza <image> rossa?", was="La coppa <image> è rossa?"), "StaleVerdict"),
        (verdict("La tazza <image> rossa?", source="Is the mug <image> red?"), "StaleVerdict"),
        (verdict("La tazza <image> rossa?", name="caption"), "StaleVerdict"),
    ],
)
def test_a_correction_that_does_not_fit_fails_the_row_by_name(given: Verdict, error_class: str) -> None:
    with pytest.raises(RowError) as failed:
        corrected(row(), given)
    assert failed.value.error_class == error_class
    assert PLACE in str(failed.value)
    assert memories(row(), given, Counting("log", "it"), "it") == ([], 0), "nor is it remembered"


def test_what_the_memory_said_for_a_person_can_be_corrected_again_and_is_remembered(tmp_path: Path) -> None:
    said = {"source": "yes", "was": "certo", "text": "ma certo"}
    remembered = field("answer", "answer", "yes", target="certo", by="human")
    entries, lost = memories(row(fields=[remembered]), verdict(name="answer", **said), Counting("log", "it"), "it")
    assert ([entry.target for entry in entries], lost) == ([("ma certo",)], 0)


def preflight_of(out: Path) -> list[str]:
    config = Config(output=str(out))
    return Revise(ROWS.append(CHECKS), Translate(ROWS, config)).preflight(Build("judged", config, stages(config)))


def test_verdicts_on_rows_of_another_build_are_refused_before_any_work(judged: Judged) -> None:
    judged.run("--limit", "6")
    value = {"format": "vlm-verdicts/1", "rounds": ["round-1"], "open": [], "rows": {}}
    (judged.out / "validation").mkdir()
    (judged.out / PLACE).write_text(json.dumps(value))
    assert preflight_of(judged.out) == []
    mine = min(_ids("00000.parquet", judged.files("00-ingest")))
    said = asdict(verdict("")) | {"verdict": "reject", "texts": {}}
    (judged.out / PLACE).write_text(json.dumps(value | {"rows": {mine: said}}))
    assert preflight_of(judged.out) == [], "the first of two shards holds every judged row"
    (judged.out / PLACE).write_text(json.dumps(value | {"rows": {mine: said, "f" * 32: said}}))
    with pytest.raises(Refused) as refused:
        judged.run("--limit", "6")
    (problem,) = refused.value.problems
    assert "f" * 32 in problem
    assert mine not in problem
    (judged.out / "build.json").unlink()
    with pytest.raises(StageError, match="no such row is in this build"):
        judged.run("--limit", "6")
    (judged.out / PLACE).write_text(json.dumps(value | {"rows": {mine: said | {"verdict": "drop"}}}))
    with pytest.raises(Refused, match=f"row '{mine}': verdict: 'drop'"):
        judged.run("--limit", "6")
