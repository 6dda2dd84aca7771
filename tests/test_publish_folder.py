"""Publishing to a folder or a store: shards first, the card last, every copy read again."""

import uuid
from pathlib import Path

import pytest
from upath import UPath

from cards.cli import main
from cards.publish import Folder, dataset_files, publish
from tests.published_build import build_to_publish, sha256_of


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> UPath:
    return build_to_publish(UPath(tmp_path_factory.mktemp("build") / "out"))


@pytest.fixture(params=["path", "file", "memory"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> UPath:
    name = uuid.uuid4().hex
    return UPath(
        {"path": f"{tmp_path}/{name}", "file": f"file://{tmp_path}/{name}", "memory": f"memory://{name}/d"}[
            request.param
        ]
    )


def held(place: UPath) -> dict[str, str]:
    start = len(place.path) + 1
    return {path.path[start:]: sha256_of(path.read_bytes()) for path in place.rglob("*") if path.is_file()}


def test_a_place_gets_the_files_and_then_the_card(build: UPath, place: UPath) -> None:
    files = dataset_files(build)
    assert files[-1].path == "manifest.json"
    assert main(["publish", str(build), "--to", str(place), "--allow-unvalidated"]) == 0
    there = held(place)
    assert set(there) == {"README.md", *(file.path for file in files)}
    assert there.items() >= {(file.path, file.sha256) for file in files}
    assert main(["publish", str(build), "--to", str(place), "--allow-unvalidated"]) == 0
    assert held(place) == there


def test_a_place_is_never_overwritten(build: UPath, place: UPath, capsys: pytest.CaptureFixture[str]) -> None:
    publish(build, "a card", Folder(place))
    other = place / "data" / "train-00000-of-00001.parquet"
    other.write_bytes(b"another version")
    assert main(["publish", str(build), "--to", str(place), "--allow-unvalidated"]) == 2
    assert "is no file of this dataset: give a folder that is empty or not there" in capsys.readouterr().err
    assert other.read_bytes() == b"another version"
    assert (place / "README.md").read_bytes() == b"a card"


def test_a_card_of_somebody_else_is_not_replaced(
    build: UPath, place: UPath, capsys: pytest.CaptureFixture[str]
) -> None:
    place.mkdir(parents=True, exist_ok=True)
    (place / "README.md").write_text("# Mine")
    assert main(["publish", str(build), "--to", str(place), "--allow-unvalidated"]) == 2
    assert "README.md is not the card of this dataset: give a folder that is empty or not" in capsys.readouterr().err
    assert held(place) == {"README.md": sha256_of(b"# Mine")}


@pytest.mark.parametrize("inside", ["", "dataset", "dataset/data/copy", "stages/../dataset"])
def test_a_build_is_not_published_into_itself(build: UPath, inside: str, capsys: pytest.CaptureFixture[str]) -> None:
    before = held(build)
    for place in (f"{build}/{inside}", f"file://{build}/{inside}"):
        assert main(["publish", str(build), "--to", place, "--allow-unvalidated"]) == 2
        assert f"--to {place} lies in the build: give a folder outside of" in capsys.readouterr().err
    assert held(build) == before


@pytest.mark.parametrize("flags", [["--revision", "v1"], ["--public"]])
def test_what_only_the_hub_has_is_refused(
    build: UPath, place: UPath, flags: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["publish", str(build), "--to", str(place), "--allow-unvalidated", *flags]) == 2
    assert "--revision and --public are of a dataset of the Hub" in capsys.readouterr().err
    assert not place.exists()


def test_a_copy_that_differs_is_not_shown(build: UPath, place: UPath, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cards.publish._pour", lambda content, into: into.write(b"bits that fell over"))
    with pytest.raises(ValueError, match="the copy differs from"):
        publish(build, "a card", Folder(place))
    assert held(place) == {}
    monkeypatch.undo()
    publish(build, "a card", Folder(place))
    assert "README.md" in held(place)


def test_a_store_that_is_not_installed_is_one_line(build: UPath, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["publish", str(build), "--to", "s3://bucket/data", "--allow-unvalidated"]) == 2
    assert "s3fs" in capsys.readouterr().err
    assert main(["publish", str(build), "--to", "nosuch://bucket/data", "--allow-unvalidated"]) == 2
    assert "nosuch" in capsys.readouterr().err
