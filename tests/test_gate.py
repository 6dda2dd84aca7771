"""The gate and what is behind it: nothing is published that people did not accept, unless somebody says so aloud."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from upath import UPath

from cards import card as cards
from cards.card import load_card
from cards.cli import main
from cards.gate import ALLOW_DEMO_MODEL, ALLOW_NO_LICENCE, ALLOW_UNVALIDATED, overruled, refusals
from cards.publish import Folder, dataset_files, publish
from cards.validation import wilson
from tests.judged_round import export, item_id, judgement, make_round, save
from tests.sample_build import HOSTILE, one_image, sample_round, write_agreement, write_sample_build
from validation.annotation.agreement import agree
from validation.annotation.figures import proportion
from validation.annotation.judgements import import_files

CARD = load_card("multiinstruct-it-demo")


@pytest.fixture
def build(tmp_path: Path) -> UPath:
    return write_sample_build(UPath(tmp_path / "out"), rows=10, paint=one_image)


def accepted(rows: int, of: int = 100, **changes: Any) -> dict[str, Any]:
    """A round that accepted so many rows, and has no files."""
    raw = sample_round(**({"files_sha256": hashlib.sha256().hexdigest()} | changes))
    raw["figures"]["acceptance_items"] |= {"value": round(rows / of, 6), "n": of, "low": 0, "high": 1}
    return raw


def files_of(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("rounds", "said"),
    [
        ([], "no judgement is recorded"),
        ([accepted(87)], "accepted too rarely (the recipe needs that people accept 80 % of the rows; of 100 judged"),
        ([accepted(152, 177)], "they accepted 85.9 %, which may be as little as 79.98 %"),
        ([accepted(1, 1)], "they accepted 100 %, which may be as little as 20.65 %"),
        ([accepted(95, fingerprint="another")], "the judgements on record are of another build"),
        ([accepted(95, received={"judgements": 0})], "no judgement is recorded"),
        ([accepted(95), accepted(80)], "as little as 71.12 %"),
    ],
)
def test_too_little_acceptance_is_refused(build: UPath, rounds: list[dict[str, Any]], said: str) -> None:
    if rounds:
        write_agreement(build, *rounds)
    (refusal,) = refusals(build, CARD)
    assert said in refusal
    assert ALLOW_UNVALIDATED in refusal
    assert refusals(build, CARD, [ALLOW_UNVALIDATED]) == []
    assert refusals(build, replace(CARD, acceptance=0)) == []


@pytest.mark.parametrize("rows", [88, 99])
def test_enough_acceptance_is_published(build: UPath, tmp_path: Path, rows: int) -> None:
    write_agreement(build, accepted(10), accepted(rows))
    assert main(["publish", str(build), "--to", str(tmp_path / "pub")]) == 0
    card = (tmp_path / "pub" / "README.md").read_text()
    assert "Published although" not in card
    assert ": met." in card


def test_every_objection_is_said_at_once_and_confessed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    build = write_sample_build(UPath(tmp_path / "out"), rows=10, warning=HOSTILE, paint=one_image)
    command = ["publish", str(build), "--to", str(tmp_path / "pub")]
    assert main(command) == 2
    errors = capsys.readouterr().err.splitlines()
    assert len(errors) == 2
    assert all(line.startswith("error: ") for line in errors)
    assert ALLOW_UNVALIDATED in errors[0]
    assert ALLOW_DEMO_MODEL in errors[1]
    assert not (tmp_path / "pub").exists()
    assert main([*command, ALLOW_UNVALIDATED]) == 2
    assert main([*command, ALLOW_UNVALIDATED, ALLOW_DEMO_MODEL]) == 0
    card = (tmp_path / "pub" / "README.md").read_text()
    assert "> **Published although** not validated yet" in card
    assert "> **Published although** translated by the demo model" in card
    assert overruled(build, CARD, [ALLOW_DEMO_MODEL])[0].startswith("translated by")


@pytest.mark.parametrize("licence", ["", "unknown"])
def test_a_card_without_a_licence_is_published_only_when_told_so(
    build: UPath, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], licence: str
) -> None:
    raw = yaml.safe_load((cards.RECIPES / "multiinstruct-it-demo.yaml").read_text()) | {
        "licence": licence,
        "acceptance": 0,
    }
    (tmp_path / "multiinstruct-it-demo.yaml").write_text(yaml.safe_dump(raw))
    monkeypatch.setattr(cards, "RECIPES", tmp_path)
    command = ["publish", str(build), "--to", str(tmp_path / "pub")]
    assert main(command) == 2
    assert ALLOW_NO_LICENCE in capsys.readouterr().err
    assert main([*command, ALLOW_NO_LICENCE]) == 0
    card = (tmp_path / "pub" / "README.md").read_text()
    assert yaml.safe_load(card.split("---\n")[1])["license"] == "unknown"
    assert "Published although** no licence is stated" in card
    assert "| Licence of the texts | not stated |" in card
    assert "No licence is stated for the translations. English texts keep" in card


def test_multiinstruct_waits_for_a_licence(build: UPath) -> None:
    write_agreement(build, accepted(95))
    (refusal,) = refusals(build, load_card("multiinstruct-it"))
    assert refusal.startswith("no licence is stated. Write `licence` into")


@pytest.mark.parametrize("given", [80, -0.1, 1.01, "0.8", True, None, float("nan")])
def test_an_acceptance_is_a_share(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: Any) -> None:
    raw = yaml.safe_load((cards.RECIPES / "multiinstruct-it.yaml").read_text()) | {"acceptance": given}
    (tmp_path / "odd.yaml").write_text(yaml.safe_dump(raw))
    monkeypatch.setattr(cards, "RECIPES", tmp_path)
    with pytest.raises(ValueError, match=r"odd\.yaml: acceptance is .*, expected a share from 0"):
        load_card("odd")


def test_publishing_twice_changes_nothing_and_never_replaces_other_files(build: UPath, tmp_path: Path) -> None:
    folder = tmp_path / "pub"
    files = publish(build, "card", Folder(folder))
    assert files_of(folder) == {"README.md", *(file.path for file in files)}
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*.parquet")}
    publish(build, "another card", Folder(folder))
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*.parquet")} == before
    assert (folder / "README.md").read_text() == "another card"
    changed = next(iter(before))
    changed.write_bytes(b"another version")
    with pytest.raises(ValueError, match=f"{changed.name} is no file of this dataset: give a folder that is empty"):
        publish(build, "card", Folder(folder))
    assert changed.read_bytes() == b"another version"
    assert main(["publish", str(build), "--to", str(build), ALLOW_UNVALIDATED]) == 2


def test_a_publication_that_broke_off_goes_on_and_had_no_card(build: UPath, tmp_path: Path) -> None:
    folder, files = tmp_path / "pub", dataset_files(build)
    (folder / "data").mkdir(parents=True)
    (folder / "data" / ".train.tmp").write_bytes(b"half of a shard, when the power went")
    lost = replace(files[-1], sha256="0" * 64)
    with pytest.raises(ValueError, match="the copy differs from"):
        Folder(folder).put([*files[:-1], lost])
    assert "README.md" not in files_of(folder)
    assert not (folder / files[-1].path).exists()
    publish(build, "card", Folder(folder))
    assert {file.path: file.sha256 for file in dataset_files(build)} == {file.path: file.sha256 for file in files}
    assert (folder / files[-1].path).read_bytes() == files[-1].source.read_bytes()


def test_a_file_that_is_not_the_build_s_is_not_published(build: UPath, tmp_path: Path) -> None:
    (shard, *_) = dataset_files(build)
    ledger = build / "stages" / "04-publish" / "ledger"
    ledger.mkdir(parents=True)
    rows = {"path": f"dataset/{shard.path}", "sha256": shard.sha256}
    (ledger / "a.json").write_text(json.dumps({"rows": rows}))
    assert shard in dataset_files(build)
    shard.source.write_bytes(shard.source.read_bytes() + b"\n")
    with pytest.raises(ValueError, match="it was changed since"):
        publish(build, "card", Folder(tmp_path / "pub"))
    assert not (tmp_path / "pub").exists()


def test_refresh_writes_what_it_can_and_says_what_not(build: UPath, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["refresh", str(build)]) == 0
    assert (build / "report.html").is_file()
    assert "multiinstruct" in (build / "dataset" / "README.md").read_text().lower()
    raw = json.loads((build / "build.json").read_text())
    (build / "build.json").write_text(json.dumps(raw | {"status": "running"}))
    assert main(["refresh", str(build)]) == 2
    assert "status is 'running'" in capsys.readouterr().err
    for name in ("unknown", "../recipes/multiexpart", "a\0b", "x" * 5000):
        (build / "build.json").write_text(json.dumps(raw | {"card": name}))
        assert main(["refresh", str(build)]) in (0, 2)
    (build / "build.json").write_text(json.dumps(raw | {"name": "unknown", "card": ""}))
    capsys.readouterr()
    assert main(["refresh", str(build)]) == 0
    assert "card     none: there is no cards/recipes/unknown.yaml" in capsys.readouterr().out
    assert main(["refresh", str(build / "nothing")]) == 2
    assert main(["publish", str(build), "--to", "x"]) == 2


@pytest.mark.parametrize(
    ("says", "title"),
    [
        ({}, "MultiInstruct in Italian, demo sample"),
        ({"card": "multiinstruct-it"}, "MultiInstruct in Italian"),
        ({"card": "", "name": "multiinstruct-it"}, "MultiInstruct in Italian"),
    ],
)
def test_the_build_says_which_card_is_its_own(build: UPath, tmp_path: Path, says: dict[str, str], title: str) -> None:
    raw = json.loads((build / "build.json").read_text())
    (build / "build.json").write_text(json.dumps(raw | says))
    assert main(["refresh", str(build)]) == 0
    allowed = [ALLOW_UNVALIDATED, ALLOW_NO_LICENCE]
    assert main(["publish", str(build), "--to", str(tmp_path / "pub"), *allowed]) == 0
    for card in (build / "dataset" / "README.md", tmp_path / "pub" / "README.md"):
        assert f"pretty_name: {title}\n" in card.read_text()


def test_what_people_decided_must_be_in_the_dataset(build: UPath) -> None:
    write_agreement(build, accepted(95))
    verdicts = build / "validation" / "verdicts.json"
    verdicts.write_bytes(b'{"format": "vlm-verdicts/1"}')
    (refusal,) = refusals(build, CARD)
    assert refusal.startswith("what people decided of its rows is not applied to them yet. Run the recipe's command")
    raw = json.loads((build / "build.json").read_text())
    raw["verdicts"] = {"sha256": hashlib.sha256(verdicts.read_bytes()).hexdigest()}
    (build / "build.json").write_text(json.dumps(raw))
    assert refusals(build, CARD) == []


def test_no_flag_publishes_a_build_whose_judgements_cannot_be_read(build: UPath, tmp_path: Path) -> None:
    write_agreement(build, accepted(95, task="pair"))
    (refusal,) = refusals(build, CARD, [ALLOW_UNVALIDATED])
    assert "--allow" not in refusal
    assert "figures.preference_0 is no share" in refusal
    assert "move it away, then run `agree --round` for each round" in refusal.lower()
    assert refusals(build, replace(CARD, acceptance=0)) == [refusal]
    assert main(["publish", str(build), "--to", str(tmp_path / "pub"), ALLOW_UNVALIDATED]) == 2


def test_an_interval_that_was_written_into_the_file_convinces_nobody(build: UPath) -> None:
    raw = accepted(8, 10)
    raw["figures"]["acceptance_items"] |= {"low": 0.8, "wilson": [0.9, 1.0]}
    write_agreement(build, raw)
    assert "as little as 49.02 %" in refusals(build, CARD)[0]


@given(st.integers(1, 100_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_gate_and_agree_find_the_same_interval(counts: tuple[int, int]) -> None:
    rows, of = counts
    found = proportion(rows, of, "rows", "")
    assert wilson(found.value or 0, of) == pytest.approx((found.low, found.high), abs=1e-6)


def test_judgements_that_come_in_after_the_figures_stand_against_them(build: UPath) -> None:
    made = make_round(Path(build))
    exports = [
        save(Path(build) / f"{name}.json", export([judgement(item_id(name, 0))], name)) for name in ("ane", "jon")
    ]
    import_files(Path(build), exports[:1])
    digest = agree(made)["files_sha256"]
    write_agreement(build, accepted(95, files_sha256=digest))
    assert refusals(build, CARD) == []
    import_files(Path(build), exports[1:])
    (refusal,) = refusals(build, CARD)
    assert "round-1" in refusal
    assert "Run `python -m validation agree" in refusal
    assert "--round round-1` again" in refusal
    assert refusals(build, replace(CARD, acceptance=0)) == [refusal]
    assert refusals(build, CARD, [ALLOW_UNVALIDATED]) == []
    assert agree(made)["files_sha256"] != digest
    write_agreement(build, accepted(95, files_sha256=agree(made)["files_sha256"]))
    assert refusals(build, CARD) == []
    make_round(Path(build), name="round-2")
    assert refusals(build, CARD) == []
    import_files(Path(build), [save(Path(build) / "ane.json", export([judgement(item_id("ane", 0))], name="round-2"))])
    assert "judgements of round-2 came in" in refusals(build, CARD)[0]
