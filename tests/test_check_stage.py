"""The check stage on a whole build: what it says of a row must not depend on shards, workers, resumes or retries."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from builders.engine import Build, StageError
from builders.stages.check import BackTranslator, Check
from tests.conftest import ROOT, environment
from tests.toy_check import SCHEMA, Config
from validation.filters import configured_filters

NOUNS = (("dog", "cane"), ("cat", "gatto"), ("horse", "cavallo"), ("bird", "uccello"), ("child", "bambino"))
PLACES = (("garden", "giardino"), ("river", "fiume"), ("forest", "bosco"), ("castle", "castello"))
THREE = (
    "A woman is cutting fresh vegetables in the kitchen.",
    "The old train has left the empty station.",
    "Several boats were sailing under the bridge.",
)
SLIPPED = "Una donna taglia le verdure fresche in cucina."
LATE = "Due uomini riparano una vecchia barca di legno."


@dataclass
class CheckBuild:
    """A build of `toy_check.py` in a folder of its own."""

    folder: Path
    address: str
    name: str = "out"

    @property
    def out(self) -> Path:
        return self.folder / self.name

    def run(self, *flags: str) -> None:
        command = [sys.executable, str(ROOT / "tests/toy_check.py"), "--input", str(self.folder / "train.jsonl")]
        ran = subprocess.run(
            [*command, "--output", str(self.out), *flags],
            env=environment(self.address),
            capture_output=True, text=True, timeout=200, check=False,
        )  # fmt: skip
        assert ran.returncode == 0, ran.stdout + ran.stderr

    def checks(self) -> dict[str, dict[str, float]]:
        """Of every row written, its source and the figures of its checks."""
        rows = self._rows("stages/02-check")
        return {row["fields"][0]["source"]: {item["filter"]: item["figure"] for item in row["checks"]} for row in rows}

    def refused(self) -> dict[str, tuple[str, float]]:
        """Of every row refused, its source, the filter and the figure."""
        rows = self._rows("rejected")
        return {json.loads(row["row"])["fields"][0]["source"]: (row["filter"], row["figure"]) for row in rows}

    def _rows(self, folder: str) -> list[dict[str, Any]]:
        return [
            row for path in sorted((self.out / folder).glob("*.parquet")) for row in pq.read_table(path).to_pylist()
        ]

    def ledger(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in (self.out / "stages/02-check/ledger").glob("*.json")}


def write_rows(folder: Path) -> None:
    """Twenty good rows; three that share a target; two paraphrases that rightly do; two of which one comes late."""
    rows: list[dict[str, Any]] = [
        {"source": f"The {noun} is resting near the {place}.", "target": f"Il {nome} riposa vicino al {luogo}."}
        for noun, nome in NOUNS
        for place, luogo in PLACES
    ]
    for place, source in zip((2, 9, 20), THREE, strict=True):
        rows.insert(place, {"source": source, "target": SLIPPED})
    rows[4:4] = [
        {"source": "A man is riding a horse on the beach.", "target": "Un uomo cavalca un cavallo in spiaggia."}
    ]
    rows.insert(
        16, {"source": "A man rides a horse on the beach.", "target": "Un uomo cavalca un cavallo in spiaggia."}
    )
    rows.insert(6, {"source": "Two men are repairing an old wooden boat.", "target": LATE})
    rows.insert(18, {"source": "Some girls were playing football after school.", "target": LATE, "broken": True})
    (folder / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


@pytest.fixture
def build(tmp_path: Path, cluster: str) -> CheckBuild:
    write_rows(tmp_path)
    return CheckBuild(tmp_path, cluster)


def test_what_is_shared_is_found_however_rows_are_cut_and_whenever_they_come(build: CheckBuild) -> None:
    build.run("--shard-rows", "5", "--workers", "2")
    assert "Two men are repairing an old wooden boat." in build.checks()
    assert {name: figure for name, (_, figure) in build.refused().items()} == dict.fromkeys(THREE, 2)
    before = build.ledger()
    build.run("--shard-rows", "5", "--workers", "2", "--healed", "--retry-failed", "Broken")
    said, after = (build.checks(), build.refused()), build.ledger()
    again = {name for name, record in after.items() if record != before.get(name)}
    assert len(again) == 2, "the late row's shard, and the one with the same target"
    assert build.refused()["Two men are repairing an old wooden boat."] == ("shared_target_v1", 1)
    assert build.checks()["A man rides a horse on the beach."]["shared_target_v1"] == 0
    assert (len(build.checks()), len(build.refused())) == (22, 5)

    lost = sorted(after)[1]
    (build.out / "stages/02-check/ledger" / lost).unlink()
    build.run("--shard-rows", "5", "--workers", "2", "--healed")
    assert (build.checks(), build.refused()) == said
    assert {name for name, record in build.ledger().items() if record != after[name]} == {lost}

    whole = CheckBuild(build.folder, build.address, "whole")
    whole.run("--shard-rows", "100", "--workers", "1", "--healed")
    assert (whole.checks(), whole.refused()) == said


def test_a_model_that_does_not_load_is_no_rows_fault(tmp_path: Path, cluster: str) -> None:
    pytest.importorskip("sentence_transformers")
    stage = Check(SCHEMA, configured_filters(similarity=str(tmp_path)), "en", "it")
    assert stage.gpu
    stage.start(Build("toy", Config(), [stage]))
    with pytest.raises(StageError, match="filter similarity_v1"):
        stage.open()


def test_a_translator_back_is_known_to_be_missing_before_any_work() -> None:
    back = BackTranslator("demo", "en", "it")
    stage = Check(SCHEMA, configured_filters(translate_back=back), "en", "it")
    [problem] = stage.preflight(Build("toy", Config(), [stage]))
    assert problem.startswith("--back-translation demo: ")
