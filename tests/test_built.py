"""Samples as they are found in datasets that are built already."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from builders.engine import RowError
from builders.engine.files import location, write_json
from builders.sources.built import datasets_at, read_sample
from builders.sources.items import ImageAt

TALK = [{"from": "human", "value": "<image>\nZer da?"}, {"from": "gpt", "value": "Katu bat."}]


def said(raw: dict[str, Any]) -> list[str]:
    """What human and gpt say in turn."""
    turns = read_sample(raw, "en", Counter()).turns
    assert [turn["from"] for turn in turns] == ["human", "gpt"] * (len(turns) // 2)
    return [turn["value"] for turn in turns]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ({"conversations": TALK, "image": "a.jpg"}, ["<image>\nZer da?", "Katu bat."]),
        ({"conversations": [{"from": "user", "value": "a\n<image>"}, {"from": "assistant", "value": "b"}],
          "image": "a.jpg"}, ["a\n<image>", "b"]),
        ({"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}, ["a", "b"]),
        ({"messages": [{"role": "system", "content": "Be short."}, {"role": "user", "content": "a"},
                       {"role": "assistant", "content": "b"}]}, ["Be short.\n\na", "b"]),
        ({"messages": [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "a"}]},
                       {"role": "assistant", "content": [{"type": "text", "text": "b"}]}],
          "images": [{"bytes": b"x", "path": None}]}, ["<image>\na", "b"]),
        ({"conversations": [{"from": "gpt", "value": "Hi"}, {"from": "human", "value": "a"},
                            {"from": "gpt", "value": "b"}]}, ["a", "b"]),
        ({"conversations": [*TALK, {"from": "human", "value": "Eta?"}], "image": "a.jpg"},
         ["<image>\nZer da?", "Katu bat."]),
        ({"question": "a?", "answer": "b", "image": {"bytes": b"x", "path": "a.png"}}, ["<image>\na?", "b"]),
        ({"caption": "A cat.", "image": "a.jpg"}, ["<image>", "A cat."]),
        ({"instruction": "Add.", "input": "1 and 2", "output": "3"}, ["Add.\n\n1 and 2", "3"]),
        ({"instruction": "Say b.", "input": "", "output": "b"}, ["Say b.", "b"]),
    ],
)  # fmt: skip
def test_every_shape_becomes_a_conversation(raw: dict[str, Any], expected: list[str]) -> None:
    assert said(raw) == expected


@pytest.mark.parametrize(
    ("raw", "error"),
    [
        ({"text": "a"}, "MissingField"),
        ({"question": "a"}, "MissingField"),
        ({"conversations": []}, "MissingField"),
        ({"messages": [{"role": "system", "content": "a"}]}, "TurnOrder"),
        ({"conversations": [TALK[0]], "image": "a"}, "TurnOrder"),
        ({"conversations": [{"from": "human", "value": "a"}, {"from": "gpt", "value": " "}]}, "EmptyTurn"),
        ({"conversations": [{"from": "tool", "value": "a"}]}, "UnknownRole"),
        ({"conversations": "a"}, "WrongType"),
        ({"conversations": TALK}, "ImageTokens"),
        ({"conversations": TALK * 2, "image": "a.jpg"}, "ImageTokens"),
        ({"conversations": TALK, "images": ["a.jpg", "b.jpg"]}, "SeveralImages"),
        ({"conversations": TALK, "conversations_en": [*TALK, TALK[0] | {"value": "?"}, TALK[1]], "image": "a.jpg"},
         "ParallelDiffers"),
    ],
)  # fmt: skip
def test_what_is_no_sample_says_why(raw: dict[str, Any], error: str) -> None:
    with pytest.raises(RowError) as raised:
        read_sample(raw, "en", Counter())
    assert raised.value.error_class == error


def test_the_parallel_is_the_same_sample_in_another_language() -> None:
    raw = {"question": "Zer da?", "answer": "Katu bat.", "question_en": "What is it?", "answer_en": "A cat.",
           "image": {"bytes": b"x", "path": "a.png"}, "image_path": "train/a.png"}  # fmt: skip
    sample = read_sample(raw, "en", Counter())
    assert sample.parallel == [
        {"from": "human", "value": "<image>\nWhat is it?"}, {"from": "gpt", "value": "A cat."},
    ]  # fmt: skip
    assert sample.image == ImageAt(data=b"x", path="train/a.png")
    assert read_sample(raw, "fr", Counter()).parallel is None


def test_an_image_at_a_url_has_no_path() -> None:
    raw = {"caption": "A cat.", "image": {"bytes": b"x", "path": "0001.jpg"}, "image_url": "https://a.org/b.jpg"}
    assert read_sample(raw, "en", Counter()).image == ImageAt(data=b"x", url="https://a.org/b.jpg")
    raw["image_path"] = "train/b.jpg"
    assert read_sample(raw, "en", Counter()).image == ImageAt(data=b"x", path="train/b.jpg")


def test_a_dataset_is_found_by_its_build_its_folder_or_its_file(tmp_path: Path) -> None:
    for config in ("data", "pretrain"):
        (tmp_path / f"out/dataset/{config}").mkdir(parents=True)
        (tmp_path / f"out/dataset/{config}/train-00000-of-00001.parquet").touch()
    write_json(location(tmp_path / "out/build.json"), {})
    write_json(
        location(tmp_path / "out/dataset/manifest.json"), {"name": "llava-it", "format": "babelvision-manifest/1"}
    )
    (tmp_path / "texts.v2.jsonl").touch()
    (tmp_path / "plain").mkdir()
    data = str(tmp_path / "out/dataset/data")
    found = datasets_at(
        [f"{tmp_path}/out", f"en={tmp_path}/out/dataset", f"{tmp_path}/out/dataset/pretrain", f"{tmp_path}/plain",
         f"{tmp_path}/texts.v2.jsonl", "org/name:it", "org/name:mme", "org/x"],
        "instruct", "it",
    )  # fmt: skip
    assert [(each.name, each.path, each.config, each.language, each.own_ids) for each in found] == [
        ("llava-it", data, "", "it", True),
        ("llava-it", data, "", "en", False),
        ("llava-it/pretrain", f"{tmp_path}/out/dataset/pretrain", "", "it", True),
        ("plain", f"{tmp_path}/plain", "", "it", False),
        ("texts", f"{tmp_path}/texts.v2.jsonl", "", "it", False),
        ("org/name/it", "org/name", "it", "it", False),
        ("org/name/mme", "org/name", "mme", "it", False),
        ("org/x", "org/x", "", "it", False),
    ]
    (tmp_path / "out/dataset/data").rename(tmp_path / "out/dataset/other")
    with pytest.raises(ValueError, match=r"has the configurations other, pretrain: name one, as .*/other"):
        datasets_at([str(tmp_path / "out")], "instruct", "it")


def test_a_dataset_in_another_language_is_taken_only_when_that_is_said(tmp_path: Path) -> None:
    for folder in ("out/dataset/data", "both/dataset/eu", "both/dataset/en"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "train-00000-of-00001.parquet").touch()
    for build, target in (("out", "it"), ("both", "eu,en")):
        write_json(location(tmp_path / build / "build.json"), {"translator": {"settings": {"target": target}}})
        write_json(location(tmp_path / build / "dataset/manifest.json"), {"format": "babelvision-manifest/1"})
    for given, its in (("out", "it"), ("out/dataset", "it"), ("both/dataset/en", "en")):
        with pytest.raises(ValueError, match=rf"{given} is in '{its}', and --to is 'eu': give --to {its}, or {its}=/"):
            datasets_at([f"{tmp_path}/{given}"], "vision", "eu")
        assert [each.language for each in datasets_at([f"{tmp_path}/{given}"], "vision", its)] == [its]
    with pytest.raises(ValueError, match="org/name:en is in 'en'"):
        datasets_at(["org/name:en"], "vision", "eu")
    both = datasets_at([f"{tmp_path}/both/dataset/eu", f"en={tmp_path}/both/dataset/en"], "text", "eu")
    assert [(each.language, each.own_ids) for each in both] == [("eu", True), ("en", False)]
