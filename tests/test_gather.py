"""Samples gathered from datasets, without Ray: which ids they have, and where their images lie."""

import base64
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from builders.sources.built import datasets_at
from builders.sources.images import Images
from builders.stages.gather import Gather
from builders.stages.mix import SAMPLES
from tests.stage_alone import StageAlone


def talk(*texts: str) -> list[dict[str, str]]:
    return [{"from": ("human", "gpt")[place % 2], "value": text} for place, text in enumerate(texts)]


Gathered = tuple[list[dict[str, Any]], list[dict[str, Any]], int]


def gathered(folder: Path, given: dict[str, list[dict[str, Any]]], images: Images = "embed") -> Gathered:
    """The samples and failed rows of files `language=name`, and how many shards have copies that are refused."""
    for name, records in given.items():
        (folder / name.partition("=")[2]).write_text(json.dumps(records))
    paths = [f"{language}={folder}/{name}" for language, _, name in (each.partition("=") for each in given)]
    stage = Gather(
        datasets_at(paths, "v", "eu"), (), images, other="en", shard_rows=100, limit=0, flags={"v": "--input"}
    )
    alone = StageAlone(folder / "out", stage, [], SAMPLES, 100)
    alone.build.inputs = []
    shards = [alone.run(task) for task in alone.tasks()]
    rows = [row for shard in shards for row in alone.of(shard)]
    return rows, alone.failed(shards), sum(shard.rejected is not None for shard in shards)


def picture(number: int) -> str:
    file = io.BytesIO()
    Image.new("RGB", (8, 8), (number, 0, 0)).save(file, "PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def test_ids_of_other_peoples_datasets_name_no_samples(tmp_path: Path) -> None:
    id = "d41d8cd98f00b204e9800998ecf8427e"
    basque, english = ([{"id": id, "conversations": talk(f"{word} {n}", "a")} for n in range(5)] for word in "qz")
    rows, _, rejected = gathered(tmp_path, {"eu=eu.json": basque, "en=en.json": english})
    assert (len({row["id"] for row in rows}), len(rows), rejected) == (10, 10, 0)


def test_an_image_is_packed_once_for_all_samples_of_a_shard(tmp_path: Path) -> None:
    rows = [{"image": picture(n % 3), "conversations": talk(f"<image>\n{n}?", "a")} for n in range(12)]
    files = {row["image_file"] for row in gathered(tmp_path, {"eu=eu.json": rows})[0]}
    (pack,) = (tmp_path / "out/images").glob("*.tar")
    with tarfile.open(pack) as tar:
        assert len(files) == len(tar.getmembers()) == 3


@pytest.mark.parametrize(
    ("record", "path", "embed"),
    [
        ({"image": "https://a.org/b.jpg"}, "at https://a.org/b.jpg", "https://a.org/b.jpg is not fetched"),
        ({"image": None, "image_url": "https://a.org/b.jpg"}, "at https://a.org/b.jpg", "is not fetched"),
        ({"image": picture(1)}, "has no path", ""),
        ({"image": "b.jpg"}, "", "b.jpg is not there"),
    ],
)
def test_an_image_without_a_file_fails_by_name(record: dict[str, Any], path: str, embed: str, tmp_path: Path) -> None:
    images: dict[Images, str] = {"path": path, "embed": embed}
    for how, said in images.items():
        (tmp_path / how).mkdir()
        record |= {"conversations": talk("<image>\nZer?", "a")}
        _, failed, _ = gathered(tmp_path / how, {"eu=eu.json": [record]}, how)
        assert [row["error_class"] for row in failed] == ["MissingImage"] * bool(said)
        assert all(said in row["message"] for row in failed)
