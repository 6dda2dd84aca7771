"""`python -m cards publish --repo` as people run it: what it shows, asks and refuses, and what `datasets` then opens.

Pushing and loading run as programs of their own, against the loopback Hub in LFS and in Xet mode.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from huggingface_hub import constants
from upath import UPath

from cards.cli import main
from cards.publish import dataset_files
from tests.conftest import ROOT, Ran
from tests.hub import Fault, Hub
from tests.hub.server import TOKEN
from tests.published_build import NAME, REPO, Pusher, build_to_publish, write_manifest

COMMIT = "POST .*/commit/"
LOAD = """
import json, sys
from datasets import load_dataset
name = sys.argv[1]
whole = load_dataset(name)
print(json.dumps({
    "name": {split: rows.num_rows for split, rows in whole.items()},
    "config": load_dataset(name, "default", split="train").num_rows,
    "revision": load_dataset(name, revision="v1", split="test").num_rows,
    "streaming": sum(1 for _ in load_dataset(name, split="validation", streaming=True)),
    "image": whole["train"][0]["image"].size,
}))
"""


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    with Hub(tmp_path / "hub") as running:
        yield running


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> UPath:
    return build_to_publish(UPath(tmp_path_factory.mktemp("build") / "out"))


@pytest.fixture
def here(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> Hub:
    """The hub is the Hub for `main` in this process too."""
    for name, value in hub.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(constants, "ENDPOINT", hub.url)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", hub.url + "/{repo_id}/resolve/{revision}/{filename}")
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    return hub


def command(build: UPath, *flags: str, repo: str = REPO) -> list[str]:
    return ["publish", str(build), "--repo", repo, "--allow-unvalidated", *flags]


def start(hub: Hub, *arguments: str, **environment: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, *arguments],
        env=os.environ | dict(hub.environment()) | {"PYTHONPATH": str(ROOT)} | environment,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def ran(process: "subprocess.Popen[str]") -> Ran:
    text, _ = process.communicate(timeout=120)
    return Ran(process.returncode, text)


def error(capsys: pytest.CaptureFixture[str]) -> str:
    """The last line of what a command said, which is what is wrong."""
    return capsys.readouterr().err.splitlines()[-1]


def wait_for(condition: Callable[[], object]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.parametrize("xet", [False, True], ids=["lfs", "xet"])
def test_push_load_push_again(build: UPath, tmp_path: Path, xet: bool) -> None:
    with Hub(tmp_path / "hub", xet_store=xet) as hub:
        publish = ["-m", "cards", *command(build, "--revision", "v1", "--yes")]
        first = ran(start(hub, *publish))
        assert first.status == 0, first.text
        assert "pushed and verified" in first.text
        assert bool(hub.asked("PUT /_lfs")) != xet
        assert bool(hub.asked("xet-write-token")) == xet
        head = hub.repo(REPO).resolve("main")
        loading = start(hub, "-c", LOAD, REPO)
        (tmp_path / "hub" / "home").mkdir(exist_ok=True)
        (tmp_path / "hub" / "home" / "token").write_text(f"{TOKEN}\n")
        again = start(hub, *publish, HF_TOKEN="")  # logged in
        loaded, again_ran = ran(loading), ran(again)
        assert loaded.status == 0, loaded.text
        found = json.loads(loaded.text.splitlines()[-1])
        assert found["name"] == {"train": 16, "validation": 2, "test": 2}
        assert (found["config"], found["streaming"], found["revision"]) == (16, 2, 2)
        assert found["image"] == [640, 420]
        assert again_ran.status == 0, again_ran.text
        assert "nothing to push" in again_ran.text
        assert hub.repo(REPO).resolve("main") == head


@pytest.mark.parametrize(("xet", "stuck"), [(False, "PUT /_lfs"), (True, COMMIT)], ids=["lfs", "xet"])
def test_a_kill_in_mid_upload_costs_nothing_that_was_sent(tmp_path: Path, xet: bool, stuck: str) -> None:
    build = build_to_publish(UPath(tmp_path / "out"))
    with Hub(tmp_path / "hub", xet_store=xet) as hub:
        hub.fails(Fault(stuck, "hung", times=99 if xet else 1))
        publish = ["-m", "cards", *command(build, "--yes")]
        process = start(hub, *publish)
        wait_for(lambda: len(hub.asked(stuck)) >= (1 if xet else 3))
        time.sleep(0.2)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        assert len(hub.repo(REPO).history()) == 1
        stored = {path.name for path in (tmp_path / "hub" / "lfs").iterdir()}
        chunks = stored_bytes(hub)
        assert len(stored) == (0 if xet else 2)
        hub.fails()
        hub.forget()
        done = ran(start(hub, *publish))
        assert done.status == 0, done.text
        assert len(hub.repo(REPO).history()) == 2
        assert not any(request.rpartition("/")[2] in stored for request in hub.asked("PUT /_lfs"))
        assert stored_bytes(hub) == chunks


def stored_bytes(hub: Hub) -> int:
    """The bytes of all chunks that Xet has stored."""
    chunks = hub.chunks / "xet" / "xorbs" / "xorbs" if hub.chunks else None
    return sum(path.stat().st_size for path in chunks.rglob("*") if path.is_file()) if chunks else 0


def test_what_will_be_pushed_is_shown_and_asked(
    here: Hub, build: UPath, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for answer, status in (("", 2), ("n", 2), ("y", 0)):
        monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
        monkeypatch.setattr("builtins.input", lambda _, answer=answer: answer)
        assert main(command(build, "--revision", "v1")) == status
        shown = capsys.readouterr().out
        assert f"push to    {REPO} (new, will be private) as ane" in shown
        assert "revision   main, tag v1" in shown
        assert "gate       overruled: not validated yet" in shown
        assert f"new        {len(dataset_files(build)) + 1} files" in shown
        assert "data/train-00000-of-00001.parquet" in shown
        assert bool(here.store.repos) == (status == 0)


def test_without_a_terminal_nothing_is_pushed_unasked(
    here: Hub, build: UPath, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(command(build)) == 2
    assert error(capsys) == f"error: nobody is there to say yes to pushing to {REPO}: add --yes"
    assert here.store.repos == {}


def test_a_private_dataset_is_not_made_public_unasked(
    here: Hub, build: UPath, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(command(build, "--yes")) == 0
    assert "made public" not in capsys.readouterr().out
    assert main(command(build, "--public")) == 2
    assert error(capsys) == f"error: nobody is there to say yes to making {REPO} public: add --yes"
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    for answer, private in (("n", True), ("y", False)):
        monkeypatch.setattr("builtins.input", lambda _, answer=answer: answer)
        assert main(command(build, "--public")) == (2 if private else 0)
        assert here.repo(REPO).private == private
    assert capsys.readouterr().out.splitlines()[-1].endswith(", made public")


def test_a_card_that_was_edited_there_is_not_replaced_without_a_word(
    here: Hub, build: UPath, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(command(build, "--yes")) == 0
    other = build_to_publish(UPath(tmp_path / "out"), rows=10)
    Pusher(here).api.upload_file(
        path_or_fileobj=b"---\nlicense: mit\n---\n", path_in_repo="README.md", repo_id=REPO, repo_type="dataset",
        commit_message="Whom to\u202e thank",
    )  # fmt: skip
    Pusher(here).api.upload_file(path_or_fileobj=b"MIT", path_in_repo="LICENSE", repo_id=REPO, repo_type="dataset")
    capsys.readouterr()
    assert main(command(other)) == 2
    assert "replaced   README.md, which somebody else changed there: 'Whom toU+202E thank'" in capsys.readouterr().out
    assert main(command(other, "--yes")) == 0
    capsys.readouterr()
    assert main(command(build, "--yes")) == 0
    assert "replaced" not in capsys.readouterr().out


def test_an_old_card_s_claims_go_with_its_files(
    here: Hub, build: UPath, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(command(build, "--yes", "--revision", "v1")) == 0
    other = build_to_publish(UPath(tmp_path / "out"), rows=10)
    capsys.readouterr()
    assert main(command(other, "--yes", "--revision", "v1")) == 2
    assert "has a v1 already" in capsys.readouterr().err
    assert main(command(other, "--yes", "--revision", "v2")) == 0
    shown = capsys.readouterr().out
    assert "changed    " in shown
    assert "(private) as ane" in shown
    (head, before, _) = here.repo(REPO).history()
    assert (here.repo(REPO).tags["v2"], here.repo(REPO).tags["v1"]) == (head.oid, before.oid)
    assert f'load_dataset("{REPO}"' in here.store.path(head.tree["README.md"]).read_text()


REFUSALS: list[tuple[str, list[Fault], dict[str, str], str]] = [
    ("wrong token", [], {"HF_TOKEN": "hf_wrongwrongwrongwrongwrong"}, "the Hub does not accept the token (Invalid"),
    ("no token", [], {"HF_TOKEN": ""}, "no token: set HF_TOKEN, or log in with `hf auth login`"),
    ("no right", [], {"HF_TOKEN": "hf_strangerstrangerstranger"}, f"no right to write to {REPO} (You don't have the"),
    ("no right to commit", [Fault(COMMIT, 403, message="Forbidden: read only")], {}, f"no right to write to {REPO}"),
    (
        "full", [Fault("PUT /_lfs", 403, message="Private repository storage limit reached")], {},
        "no room for it in babel (Private repository storage limit reached): make room, or have the quota raised",
    ),
    ("too large", [Fault(COMMIT, 413, message="Payload too large")], {}, "no room for it in babel (Payload too large)"),
    ("bad request", [Fault(COMMIT, 400, message="bad\n\x1b[31mline")], {}, "the Hub refuses with 400"),
    ("limited", [Fault("GET /api/whoami", 429, message="slow down")], {}, "the Hub has had too many requests ("),
    ("offline", [], {"HF_ENDPOINT": "http://127.0.0.1:9"}, "http://127.0.0.1:9 does not answer (["),
    ("in the open", [], {"HF_ENDPOINT": "http://hub.example"}, "HF_ENDPOINT is http://hub.example: the token would"),
]  # fmt: skip


@pytest.mark.parametrize(("faults", "environment", "said"), [r[1:] for r in REFUSALS], ids=[r[0] for r in REFUSALS])
def test_a_refusal_is_one_clear_line(
    here: Hub, build: UPath, faults: list[Fault], environment: dict[str, str], said: str,
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    here.fails(*faults)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(constants, "ENDPOINT", environment.get("HF_ENDPOINT", here.url))
    assert main(command(build, "--yes")) == 2
    out, err = capfd.readouterr()
    (line,) = [line for line in err.splitlines() if line.startswith("error: ")]
    assert line.startswith(f"error: {said}")
    assert err.endswith(f"{line}\n")
    assert "Traceback" not in err
    assert "\x1b" not in line
    assert TOKEN not in out + err
    assert not [repo for repo in here.store.repos.values() if len(repo.history()) > 1]


def test_names_that_are_none(here: Hub, build: UPath, capsys: pytest.CaptureFixture[str]) -> None:
    (build / "dataset" / "manifest.json").unlink()
    for repo in (
        "multiinstruct",
        "a/b/c",
        "babel/",
        "babel/x y",
        "../x",
        "babel/.x",
        "babel/a--b",
        "a..b/x",
        "a/x.git",
    ):
        assert main(command(build, "--yes", repo=repo)) == 2
        assert error(capsys).startswith(f"error: --repo is {repo!r}, expected an account or organisation")
    for tag in ("v 1", "-v", "a/b", "\u202ev1", "main", "Main", "HEAD", "a..b", "x.lock", "v1.", "v\u0661"):
        assert main(command(build, "--yes", f"--revision={tag}")) == 2
        assert error(capsys).startswith(f"error: --revision is {tag!r}")
    assert here.asked() == []
    assert not (build / "dataset" / "manifest.json").exists()
    assert main(["refresh", str(build)]) == 0


def test_a_name_taken_by_somebody_else(
    here: Hub, build: UPath, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    here.store.create("acme/theirs", private=False)
    here.store.create("acme/hidden", private=True)
    assert main(command(build, "--yes", "--public", repo="acme/theirs")) == 2
    assert error(capsys).startswith("error: no right to write to acme/theirs (Forbidden: you must be a coll")
    assert main(command(build, "--yes", repo="acme/hidden")) == 2
    assert error(capsys).startswith("error: no right to write to acme/hidden (You don't have the rights to")
    another = build_to_publish(UPath(tmp_path / "out"))
    write_manifest(another, "another")
    Pusher(here).push(another, name="another")
    assert main(command(build, "--yes")) == 2
    assert f"{REPO} holds the dataset 'another', and not '{NAME}': give another --repo" in capsys.readouterr().err


def test_public_is_said_aloud(here: Hub, build: UPath, capsys: pytest.CaptureFixture[str]) -> None:
    here.store.create(REPO, private=False)
    assert main(command(build, "--yes")) == 2
    assert f"{REPO} is public: whatever is pushed is public at once" in capsys.readouterr().err
    here.repo(REPO).private = True
    assert main(command(build, "--yes", "--public")) == 0
    assert f"push to    {REPO} (private, will be public) as ane" in capsys.readouterr().out
    assert not here.repo(REPO).private


def test_nothing_is_published_without_a_manifest(here: Hub, tmp_path: Path) -> None:
    build = build_to_publish(UPath(tmp_path / "out"))
    manifest = build / "dataset" / "manifest.json"
    listed = json.loads(manifest.read_text())["files"]
    manifest.unlink()
    assert main(command(build, "--yes")) == 0
    tree = here.repo(REPO).resolve("main").tree
    assert json.loads(here.store.path(tree["manifest.json"]).read_text())["files"] == listed
    manifest.unlink()
    assert main(["publish", str(build), "--to", str(tmp_path / "pub"), "--allow-unvalidated"]) == 0
    assert json.loads((tmp_path / "pub" / "manifest.json").read_text())["files"] == listed


def test_what_else_lies_in_the_folder_is_not_published(
    here: Hub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    build = build_to_publish(UPath(tmp_path / "out"))
    for path in ("notes.txt", "data/notes.txt", "data/copy/train-00000-of-00001.parquet"):
        (build / "dataset" / path).parent.mkdir(exist_ok=True)
        (build / "dataset" / path).write_bytes(b"mine")
    assert main(["refresh", str(build)]) == 0
    assert "notes" not in (build / "dataset" / "manifest.json").read_text()
    assert main(command(build, "--yes")) == 0
    tree = here.repo(REPO).resolve("main").tree
    assert "data/train-00000-of-00001.parquet" in tree
    assert not [path for path in tree if "notes" in path or "copy" in path]


def test_what_is_done_is_published_only_when_told_so(
    here: Hub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    build = build_to_publish(UPath(tmp_path / "out"))
    summary = json.loads((build / "build.json").read_text())
    (build / "build.json").write_text(json.dumps(summary | {"status": "interrupted"}))
    (build / "dataset" / "data" / "validation-00000-of-00001.parquet").unlink()
    assert main(command(build, "--yes")) == 2
    assert (
        "is not finished (its status is 'interrupted'): run its command again until it is, or publish what is done "
        in (capsys.readouterr().err)
    )
    assert main(command(build, "--yes", "--partial")) == 0
    tree = here.repo(REPO).resolve("main").tree
    assert "data/train-00000-of-00001.parquet" in tree
    assert "data/validation-00000-of-00001.parquet" not in tree
    assert "not finished" in here.store.path(tree["README.md"]).read_text().partition("\n# ")[2][:600]


def test_before_its_last_stage_a_build_has_nothing_to_publish(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "build.json").write_text(json.dumps({"name": NAME, "status": "interrupted"}))
    assert main(command(UPath(tmp_path), "--partial")) == 2
    assert error(capsys).startswith(f"error: {tmp_path / 'dataset'} holds no rows yet: the last stage writes them. To ")
    with pytest.raises(SystemExit):
        main(["publish", "--help"])
    assert "The last stage writes them" in " ".join(capsys.readouterr().out.split())


def test_a_manifest_that_lists_other_files_is_refused(
    here: Hub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    build = build_to_publish(UPath(tmp_path / "out"))
    (build / "dataset" / "assets").mkdir(exist_ok=True)
    (build / "dataset" / "assets" / "new.svg").write_text("<svg/>")
    assert main(command(build, "--yes")) == 2
    assert (
        "manifest.json: it differs from the files beside it, first at assets/new.svg: write" in capsys.readouterr().err
    )
    assert main(["refresh", str(build)]) == 0
    assert main(command(build, "--yes")) == 0
    tree = here.repo(REPO).resolve("main").tree
    assert "assets/new.svg" not in tree
    assert "assets/lengths.svg" in tree
