"""Datasets of the Hub by name: the files that `load_dataset` would take, pinned, and of those only what is needed.

They are read by a program that has the loopback Hub for the Hub, through the real `datasets` and `huggingface_hub`.
"""

import hashlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.conftest import ROOT
from tests.hub import Fault, Hub
from tests.hub.store import Change

READ = """
import json, sys
from builders.sources import records

for line in sys.stdin:
    answers = []
    for given, options in json.loads(line):
        try:
            files, slices = records.scan((given,), 3, 0, records.FileOptions(**options))
            rows = [[piece.split, raw.value] for piece in slices for raw in records.read(piece)]
            answers.append({"files": [[file.path, file.rows, file.bytes, file.sha256] for file in files], "rows": rows})
        except records.BadFiles as error:
            answers.append({"problems": error.problems})
    print(json.dumps(answers), flush=True)
"""
CONFIGS = b"""---
configs:
- config_name: small
  data_files:
  - split: tiny
    path: small/*.json
- config_name: large
  data_files:
  - split: train
    path: large/rows.csv
---
"""
CONVERTED = "refs/convert/parquet"


def parquet(rows: int) -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.table({"q": [f"question {number}" for number in range(rows)]}), file, row_group_size=4)
    return file.getvalue()


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    with Hub(tmp_path_factory.mktemp("hub")) as running:
        put(running, "babel/plain", {"data/train-00000-of-00001.parquet": parquet(10),
                                     "data/test-00000-of-00001.parquet": parquet(2)})  # fmt: skip
        put(
            running,
            "babel/configs",
            {"README.md": CONFIGS, "small/a.json": b'[{"q": "1"}]', "large/rows.csv": b"q\n2\n"},
        )
        put(running, "babel/secret", {"train.jsonl": b'{"q": "secret"}\n'}, private=True)
        put(running, "acme/secret", {"train.jsonl": b'{"q": "secret"}\n'}, private=True)
        put(running, "babel/pictures", {"train/cat/a.jpg": b"a", "train/cat/b.jpg": b"b"})
        put(running, "babel/script", {"script.py": b"raise SystemExit"})
        put(running, "babel/script", {"default/train/0000.parquet": parquet(3)}, branch=CONVERTED)
        put(running, "babel/parts", {"README.md": b"nothing"})
        put(
            running,
            "babel/parts",
            {"a/partial-train/0.parquet": parquet(3), "b/test/0.parquet": parquet(1)},
            branch=CONVERTED,
        )
        yield running


def put(hub: Hub, repo: str, files: dict[str, bytes], private: bool = False, branch: str = "main") -> str:
    """Commit files, Parquet ones in LFS as the Hub keeps them; returns the commit's id."""
    hub.store.create(repo, private)
    changes = []
    for path, content in files.items():
        if path.endswith(".parquet"):
            sha256 = hashlib.sha256(content).hexdigest()
            hub.store.lfs(sha256).write_bytes(content)
            changes.append(Change(path, sha256=sha256))
        else:
            changes.append(Change(path, content=content))
    if branch not in hub.repo(repo).branches:
        hub.repo(repo).branches[branch] = hub.repo(repo).branches["main"]
        changes += [Change(path) for path in hub.repo(repo).resolve("main").tree]
    return hub.store.commit(repo, branch, "files", changes, None).oid


class Program:
    """A program that reads what it is told to, with the Hub in its environment."""

    def __init__(self, hub: Hub, **environment: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", READ], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env=os.environ | dict(hub.environment()) | {"PYTHONPATH": str(ROOT)} | environment,
        )  # fmt: skip

    def __call__(self, *cases: tuple[str, dict[str, Any]]) -> list[dict[str, Any]]:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps(cases) + "\n")
        self.process.stdin.flush()
        answers: list[dict[str, Any]] = json.loads(self.process.stdout.readline())
        return answers

    def close(self) -> None:
        self.process.communicate()


@pytest.fixture(scope="module")
def read(hub: Hub) -> Iterator[Program]:
    program = Program(hub)
    yield program
    program.close()


def questions(count: int) -> list[dict[str, str]]:
    return [{"q": f"question {number}"} for number in range(count)]


def test_a_name_stands_for_the_files_of_its_splits(hub: Hub, read: Program) -> None:
    whole, small, large, single = read(
        ("babel/plain", {}),
        ("babel/configs", {"config": "small"}),
        ("babel/configs", {"config": "large", "splits": ["train"]}),
        ("hf://datasets/babel/configs/large/rows.csv", {}),
    )
    assert whole["rows"] == [["train", row] for row in questions(10)] + [["test", row] for row in questions(2)]
    assert whole["files"] == [
        [f"babel/plain/data/{split}-00000-of-00001.parquet", rows, len(data), hashlib.sha256(data).hexdigest()]
        for split, rows, data in (("train", 10, parquet(10)), ("test", 2, parquet(2)))
    ]
    assert small["rows"] == [["tiny", {"q": "1"}]]
    assert large["rows"] == single["rows"] == [["train", {"q": "2"}]]


def test_only_the_chosen_splits_are_read(hub: Hub, read: Program) -> None:
    hub.forget()
    (chosen,) = read(("babel/plain", {"splits": ["test"]}))
    assert chosen["rows"] == [["test", row] for row in questions(2)]
    assert hub.asked("GET .*/resolve/.*test-00000")
    assert hub.asked("/resolve/.*train-00000") == []


def test_what_is_read_stays_the_commit_that_was_scanned(hub: Hub, read: Program) -> None:
    """The revision is resolved once; the bytes are asked for by the commit's id."""
    before = put(hub, "babel/moving", {"train.jsonl": b'{"q": "before"}\n'})
    put(hub, "babel/moving", {"train.jsonl": b'{"q": "after"}\n'})
    hub.forget()
    old, new, file = read(
        ("babel/moving", {"revision": before}),
        ("babel/moving", {}),
        ("hf://datasets/babel/moving/train.jsonl", {}),
    )
    assert old["rows"] == [["train", {"q": "before"}]]
    assert new["rows"] == file["rows"] == [["train", {"q": "after"}]]
    assert all("/resolve/main/" not in asked for asked in hub.asked("GET .*/resolve/.*jsonl"))


def test_what_must_be_chosen_or_is_not_there_is_one_line_that_says_so(hub: Hub, read: Program) -> None:
    cases = [
        (("babel/configs", {}), "choose one of babel/configs by --subset: small, large"),
        (("babel/configs", {"config": "smal"}), "no configuration 'smal'; did you mean small?"),
        (("babel/plain", {"splits": ["tset"]}), "no split 'tset'; did you mean test?; it has train, test"),
        (("babel/plain", {"revision": "v9"}), "Revision 'v9' doesn't exist"),
        (("babel/none", {}), "is no file or folder here; on the Hub: Dataset 'babel/none' doesn't exist"),
        (("acme/secret", {}), "cannot be accessed (a private or gated one is seen by those who have access"),
        (("hf://datasets/acme/secret/train.jsonl", {}), "hf://datasets/acme/secret/train.jsonl; on the Hub:"),
        (("babel/pictures", {}), f"cat/a.jpg is none of the files that are read (.jsonl, .ndjson, .json, .csv, .tsv, "
                                 f".parquet); the Hub may have converted the dataset: try --revision {CONVERTED}"),
        (("babel/script", {}), f"scripts are no longer supported, but found script.py; the Hub may have converted the "
                               f"dataset: try --revision {CONVERTED}"),
    ]  # fmt: skip
    for answer, (_, said) in zip(read(*(case for case, _ in cases)), cases, strict=True):
        (problem,) = answer["problems"]
        assert said in problem
        assert "\n" not in problem


def test_a_token_opens_what_is_private(hub: Hub, read: Program) -> None:
    (mine,) = read(("babel/secret", {}))
    assert mine["rows"] == [["train", {"q": "secret"}]]
    program = Program(hub, HF_TOKEN="", HF_HUB_DISABLE_IMPLICIT_TOKEN="1")
    (nobody,) = program(("babel/secret", {}))
    program.close()
    assert "HF_TOKEN" in nobody["problems"][0]


def test_a_gated_dataset_is_called_so(hub: Hub, read: Program) -> None:
    hub.fails(Fault("/babel/plain/resolve/", 403, 99, "Access to dataset is restricted", {"X-Error-Code": "GatedRepo"}))
    (gated,) = read(("babel/plain", {}))
    hub.fails()
    (problem,) = gated["problems"]
    assert "gated dataset" in problem
    assert "HF_TOKEN" in problem


def test_the_hubs_own_conversion_is_read_by_its_revision(hub: Hub, read: Program) -> None:
    script, several, b, part, folder = read(
        ("babel/script", {"revision": CONVERTED}),
        ("babel/parts", {"revision": CONVERTED}),
        ("babel/parts", {"revision": CONVERTED, "config": "b"}),
        ("babel/parts", {"revision": CONVERTED, "config": "a"}),
        ("hf://datasets/babel/parts@refs%2Fconvert%2Fparquet/a/partial-train", {}),
    )
    assert script["rows"] == [["train", row] for row in questions(3)]
    assert several["problems"] == ["choose a configuration of babel/parts by --subset: a, b"]
    assert b["rows"] == [["test", row] for row in questions(1)]
    assert "converted only the first part of train" in part["problems"][0]
    assert "hf://datasets/babel/parts@refs%2Fconvert%2Fparquet/a/partial-train" in part["problems"][0]
    assert len(folder["rows"]) == 3


def test_a_hub_that_stumbles_is_asked_again(hub: Hub, read: Program) -> None:
    stumbles = [Fault("GET .*/resolve/.*test-00000", 503), Fault("GET .*/resolve/.*test-00000", "dropped")]
    hub.fails(*stumbles)
    (answer,) = read(("babel/plain", {"splits": ["test"]}))
    assert len(answer["rows"]) == 2
    assert [fault.times for fault in stumbles] == [0, 0]
