"""A push to a Hub that fails: one commit, whole, whatever happens. The client is the real one, in LFS mode."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import constants
from huggingface_hub.errors import HfHubHTTPError
from hypothesis import given
from hypothesis import strategies as st
from upath import UPath

from cards import hub as publishing
from cards import retry
from cards.hub import Item, batches, check_endpoint, check_tag
from tests.hub import Fault, Hub
from tests.hub.store import Change
from tests.published_build import NAME, REPO, Pusher, build_to_publish, sha256_of, write_manifest

COMMIT = "POST .*/commit/"


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr(retry, "BASE_SECONDS", 0.05)
    with Hub(tmp_path / "hub", page=3) as running:
        yield running


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> UPath:
    return build_to_publish(UPath(tmp_path_factory.mktemp("first") / "out"))


@pytest.fixture
def second(tmp_path: Path) -> UPath:
    """Another version of the same build: one shard is the same, one changed and kept its name, one has gone."""
    out = build_to_publish(UPath(tmp_path / "out"))
    data = out / "dataset" / "data"
    train = data / "train-00000-of-00001.parquet"
    train.write_bytes((data / "test-00000-of-00001.parquet").read_bytes())
    (data / "validation-00000-of-00001.parquet").unlink()
    write_manifest(out)
    return out


def held(hub: Hub, repo: str = REPO) -> dict[str, str]:
    """The sha256 of every file at the head, but the Hub's own."""
    tree = hub.repo(repo).resolve("main").tree
    return {path: sha256_of(hub.store.path(entry).read_bytes()) for path, entry in tree.items() if path[0] != "."}


def made(out: UPath) -> dict[str, str]:
    root = out / "dataset"
    paths = [path for path in root.rglob("*") if path.is_file() and path.name != "README.md"]
    return {str(path.relative_to(root)): sha256_of(path.read_bytes()) for path in paths}


def test_a_push_is_one_commit_and_again_is_none(hub: Hub, first: UPath) -> None:
    pusher = Pusher(hub)
    head = pusher.push(first, tag="v1")
    repo = hub.repo(REPO)
    assert repo.private
    assert len(repo.history()) == 2
    assert repo.tags == {"v1": head}
    assert held(hub).keys() == {*made(first), "README.md"}
    assert held(hub).items() >= made(first).items()
    hub.forget()
    assert pusher.plan(first).nothing_to_do
    assert pusher.push(first, tag="v1") == head
    assert hub.asked("POST|PUT") == []


@pytest.mark.parametrize(
    "fault",
    [
        Fault(COMMIT, 429, headers={"RateLimit": '"api";r=0;t=1'}),
        Fault(COMMIT, 429, headers={"Retry-After": "0"}, times=3),
        Fault(COMMIT, 503, times=2),
        Fault(COMMIT, 500),
        Fault(COMMIT, 409),
        Fault(COMMIT, 412),
        Fault(COMMIT, "dropped"),
        Fault(COMMIT, "dropped", late=True),
        Fault(COMMIT, 504, late=True),
        Fault("POST .*/preupload/", 503),
        Fault("PUT /_lfs", 503),
        Fault("PUT /_lfs", "dropped"),
        Fault("POST /api/repos/create", 503),
        Fault("POST /api/repos/create", "dropped", late=True),
        Fault("POST .*/tag/", 500, late=True),
        Fault("GET .*/tree/", "dropped", times=2),
        Fault("GET .*/refs", 502),
    ],
    ids=lambda fault: f"{fault.match}-{fault.status}{'-late' * fault.late}",
)
def test_a_fault_is_survived_and_there_is_one_commit(hub: Hub, first: UPath, fault: Fault) -> None:
    pusher = Pusher(hub)
    planned = pusher.plan(first)
    hub.fails(fault)
    head = pusher.go(planned, tag="v1")
    assert fault.times == 0
    repo = hub.repo(REPO)
    assert [commit.title for commit in repo.history()] == [f"Publish {NAME}", "initial commit"]
    assert repo.tags == {"v1": head}
    assert held(hub).items() >= made(first).items()


@pytest.mark.parametrize(("status", "match"), [(401, COMMIT), (403, COMMIT), (413, COMMIT), (403, "PUT /_lfs")])
def test_what_no_waiting_mends_is_not_tried_again(hub: Hub, first: UPath, status: int, match: str) -> None:
    pusher = Pusher(hub)
    planned = pusher.plan(first)
    hub.fails(Fault(match, status, times=99, message="storage limit reached"))
    with pytest.raises((HfHubHTTPError, RuntimeError)) as caught:
        pusher.go(planned)
    failure = retry.failure_of(caught.value)
    assert failure is not None
    assert (failure.status, failure.retried) == (status, False)
    assert "storage limit reached" in failure.message
    assert len(hub.asked(COMMIT)) == (match == COMMIT)
    assert hub.repo(REPO).history()[0].title == "initial commit"


def test_patience_ends(hub: Hub, first: UPath, monkeypatch: pytest.MonkeyPatch) -> None:
    pusher = Pusher(hub)
    planned = pusher.plan(first)
    hub.fails(Fault(COMMIT, 429, times=99, headers={"RateLimit": '"api";r=0;t=100000'}))
    with pytest.raises(HfHubHTTPError):
        pusher.go(planned)
    assert len(hub.asked(COMMIT)) == 1


def test_every_commit_holds_one_version(hub: Hub, first: UPath, second: UPath) -> None:
    pusher = Pusher(hub)
    pusher.push(first, tag="v1")
    planned = pusher.plan(second, card="---\nlicense: mit\n---\nAnother.\n")
    assert {item.path for item in planned.same if "assets" not in item.path} == {"data/test-00000-of-00001.parquet"}
    assert [item.path for item in planned.changed] == [
        "data/train-00000-of-00001.parquet",
        "manifest.json",
        "README.md",
    ]
    assert planned.deleted == ("data/validation-00000-of-00001.parquet",)
    hub.forget()
    hub.fails(Fault(COMMIT, "dropped"), Fault(COMMIT, 503, late=True))
    head = pusher.go(planned, tag="v2")
    repo = hub.repo(REPO)
    versions = [set(commit.tree) - {".gitattributes"} for commit in repo.history()]
    assert versions == [{*made(second), "README.md"}, {*made(first), "README.md"}, set()]
    assert held(hub).items() >= made(second).items()
    assert repo.tags["v2"] == head != repo.tags["v1"]
    assert hub.asked("PUT") == []  # its only new content is that of a file that is there


def test_a_kill_between_batches_costs_one_batch(hub: Hub, first: UPath, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publishing, "BATCH_FILES", 1)
    pusher = Pusher(hub)

    def killed(line: str) -> None:
        if len(hub.asked("PUT")) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pusher.go(pusher.plan(first), say=killed)
    assert len(hub.asked("PUT")) == 2
    assert set(hub.repo(REPO).resolve("main").tree) == {".gitattributes"}
    hub.forget()
    pusher.push(first)
    assert len(hub.asked("PUT")) == 1
    assert held(hub).items() >= made(first).items()


def test_somebody_else_commits_meanwhile(hub: Hub, first: UPath, second: UPath) -> None:
    pusher = Pusher(hub)
    pusher.push(first)
    planned = pusher.plan(second)
    pusher.api.upload_file(path_or_fileobj=b"by hand", path_in_repo="LICENSE", repo_id=REPO, repo_type="dataset")
    pusher.go(planned)
    assert held(hub)["LICENSE"] == sha256_of(b"by hand")
    assert held(hub).items() >= made(second).items()
    assert pusher.plan(second).kept == (".gitattributes", "LICENSE")

    planned = pusher.plan(first)
    text = b"notes of somebody"
    pusher.api.upload_file(
        path_or_fileobj=text, path_in_repo="data/test-00000-of-00001.parquet", repo_id=REPO, repo_type="dataset"
    )
    with pytest.raises(ValueError, match="was changed by somebody while it was pushed to"):
        pusher.go(planned)
    assert held(hub)["data/test-00000-of-00001.parquet"] == sha256_of(text)


def test_a_commit_between_the_look_and_ours_is_not_undone(
    hub: Hub, first: UPath, second: UPath, monkeypatch: pytest.MonkeyPatch
) -> None:
    pusher = Pusher(hub)
    pusher.push(first)
    planned = pusher.plan(second)
    commit = hub.store.commit
    theirs = [Change("LICENSE", b"by hand"), Change("data/test-00000-of-00001.parquet", b"by hand too")]

    def late(name: str, branch: str, title: str, changes: list[Change], parent: str | None) -> Any:
        if theirs:
            commit(name, branch, "by hand", [theirs.pop(0)], None)
        return commit(name, branch, title, changes, parent)

    monkeypatch.setattr(hub.store, "commit", late)
    with pytest.raises(ValueError, match="was changed by somebody while it was pushed to"):
        pusher.go(planned)
    assert [each.title for each in hub.repo(REPO).history()[:2]] == ["by hand", "by hand"]
    assert held(hub)["data/test-00000-of-00001.parquet"] == sha256_of(b"by hand too")


def test_a_name_that_holds_something_else_is_taken(hub: Hub, first: UPath) -> None:
    pusher = Pusher(hub)
    pusher.api.create_repo(REPO, repo_type="dataset")
    pusher.api.upload_file(
        path_or_fileobj=b"---\nlicense: mit\n---\n# Mine", path_in_repo="README.md", repo_id=REPO, repo_type="dataset"
    )
    assert pusher.plan(first).changed[0].path == "README.md"  # what the Hub's own page makes is no dataset
    pusher.api.upload_file(path_or_fileobj=b"a,b", path_in_repo="mine.csv", repo_id=REPO, repo_type="dataset")
    with pytest.raises(ValueError, match=f"{REPO} holds files that were not published so, and not '{NAME}'"):
        pusher.plan(first)
    pusher.push(first, repo="ane/other")
    with pytest.raises(ValueError, match=f"ane/other holds the dataset '{NAME}', and not 'multiexpart': give another"):
        pusher.plan(first, repo="ane/other", name="multiexpart")
    pusher.api.upload_file(
        path_or_fileobj=b"PAR1", path_in_repo="data/train-00007.parquet", repo_id="ane/other", repo_type="dataset"
    )
    with pytest.raises(ValueError, match=r"ane/other holds data/train-00007\.parquet, which would be read as part"):
        pusher.plan(first, repo="ane/other")


@pytest.mark.parametrize("manifest", [b"", b"[]", b'{"name": 3, "files": 7}', b'{"files": [{"path": ["x"]}, 3]}'])
def test_a_manifest_that_is_none_is_not_ours(hub: Hub, first: UPath, manifest: bytes) -> None:
    pusher = Pusher(hub)
    pusher.api.create_repo(REPO, repo_type="dataset")
    pusher.api.upload_file(path_or_fileobj=manifest, path_in_repo="manifest.json", repo_id=REPO, repo_type="dataset")
    with pytest.raises(ValueError, match=f"{REPO} holds .*, and not '{NAME}'"):
        pusher.plan(first)


def test_a_tag_names_one_version(hub: Hub, first: UPath, second: UPath) -> None:
    pusher = Pusher(hub)
    pusher.push(first, tag="v1")
    check_tag(pusher.api, pusher.plan(first), "v1")
    check_tag(pusher.api, pusher.plan(second), "v2")
    with pytest.raises(ValueError, match=f"{REPO} has a v1 already, of commit .*: give this version a --revision of"):
        check_tag(pusher.api, pusher.plan(second), "v1")
    pusher.push(second)
    with pytest.raises(ValueError, match="has a v1 already"):
        check_tag(pusher.api, pusher.plan(second), "v1")


def test_what_the_hub_lost_is_noticed(hub: Hub, first: UPath, monkeypatch: pytest.MonkeyPatch) -> None:
    commit = hub.store.commit

    def forgetful(name: str, branch: str, title: str, changes: list[Any], parent: str | None) -> Any:
        return commit(name, branch, title, [change for change in changes if "test" not in change.path], parent)

    monkeypatch.setattr(hub.store, "commit", forgetful)
    with pytest.raises(ValueError, match=r"does not hold what was pushed: data/test-00000-of-00001\.parquet \(1 files"):
        Pusher(hub).push(first, tag="v1")
    assert hub.repo(REPO).tags == {}


def test_a_file_that_changes_while_it_is_uploaded_is_not_committed(hub: Hub, second: UPath) -> None:
    pusher = Pusher(hub)
    planned = pusher.plan(second)
    path = second / "dataset" / "data" / "train-00000-of-00001.parquet"
    path.write_bytes(b"x" * path.stat().st_size)
    with pytest.raises(ValueError, match=r"dataset/data/train-.*: it changed while it was uploaded"):
        pusher.go(planned)
    assert hub.asked(COMMIT) == []


def test_a_private_dataset_goes_public_when_it_is_whole(hub: Hub, first: UPath) -> None:
    pusher = Pusher(hub)
    pusher.push(first)
    assert hub.repo(REPO).private
    hub.fails(Fault("PUT .*/settings", 503))
    pusher.push(first, public=True)
    assert not hub.repo(REPO).private
    assert hub.asked("POST|PUT")[-1].endswith("/settings")
    pusher.push(first, repo="ane/open", public=True)
    assert not hub.repo("ane/open").private


@pytest.mark.parametrize(
    "url", ["https://huggingface.co", "http://127.0.0.1:5", "http://[::1]:5", "http://localhost:5"]
)
def test_endpoints_that_keep_the_token(url: str) -> None:
    check_endpoint(url)


@pytest.mark.parametrize(
    "url", ["http://huggingface.co", "http://10.0.0.1", "http://127.0.0.1.evil.example", "ftp://x", ""]
)
def test_endpoints_that_do_not(url: str) -> None:
    with pytest.raises(ValueError, match="the token would be sent in the open"):
        check_endpoint(url)


@given(st.lists(st.integers(0, 6 << 30), max_size=200))
def test_batches_are_bounded_and_keep_the_order(sizes: list[int]) -> None:
    wanted = [Item(str(index), b"", size, "") for index, size in enumerate(sizes)]
    found = list(batches(wanted))
    assert [item for batch in found for item in batch] == wanted
    for batch in found:
        assert 1 <= len(batch) <= publishing.BATCH_FILES
        assert len(batch) == 1 or sum(item.bytes for item in batch) <= publishing.BATCH_BYTES


def test_more_files_than_the_hub_takes_are_refused(hub: Hub, first: UPath, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publishing, "MOST_IN_A_FOLDER", 2)
    with pytest.raises(ValueError, match="dataset/.* has . files, the Hub takes 2"):
        Pusher(hub).plan(first)
    monkeypatch.setattr(publishing, "MOST_FILES", 4)
    with pytest.raises(ValueError, match="files are more than one commit can hold"):
        Pusher(hub).plan(first)
