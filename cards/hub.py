"""Publishing to the Hugging Face Hub, so that whoever opens the dataset finds one version of it, whole.

The contents of files go first, where nobody sees them, in batches: what a batch has sent is not sent again after a
kill. Then one commit adds and replaces files, deletes those of an earlier version, and shows the card. Several commits
would not do: a changed shard keeps its name while the number of shards stays the same, so that between two commits the
branch would mix two versions; and before there is a card, `datasets` reads whatever Parquet files are there.
"""

import hashlib
import ipaddress
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi
from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError
from huggingface_hub.hf_api import RepoFile
from upath import UPath

from cards.fields import list_of, read_object, text_of
from cards.publish import CARD, LOCAL, MANIFEST, File
from cards.retry import persist

BATCH_FILES, BATCH_BYTES = 50, 4 << 30
MOST_FILES, MOST_IN_A_FOLDER = 25_000, 10_000  # of one commit, and of a folder of the Hub's
_OURS_ANYWAY = {CARD, ".gitattributes"}  # what the Hub itself makes with a new dataset
Say = Callable[[str], None]


@dataclass(frozen=True)
class Item:
    """A file to be there: its path, its bytes or where they are on this machine, their number and their sha256."""

    path: str
    content: bytes | Path
    bytes: int
    sha256: str

    def matches(self, there: RepoFile) -> bool:
        """Whether the file at the Hub is this one. A file that is not in the large storage has its git sha1 only."""
        if there.size != self.bytes:
            return False
        return there.lfs.sha256 == self.sha256 if there.lfs else there.blob_id == self._git_sha1()

    def _git_sha1(self) -> str:
        content = self.content if isinstance(self.content, bytes) else self.content.read_bytes()
        return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


@dataclass(frozen=True)
class Plan:
    """What a push does to `repo`. `head` is the commit it starts from and `private` what the repository is; both are
    None when there is none yet. Of the files at the Hub, `deleted` are an earlier version's, `kept` nobody's business.
    """

    repo: str
    head: str | None
    private: bool | None
    new: tuple[Item, ...]
    changed: tuple[Item, ...]
    same: tuple[Item, ...]
    deleted: tuple[str, ...]
    kept: tuple[str, ...]

    @property
    def to_send(self) -> tuple[Item, ...]:
        return self.new + self.changed

    @property
    def wanted(self) -> tuple[Item, ...]:
        return self.same + self.to_send

    @property
    def nothing_to_do(self) -> bool:
        return self.head is not None and not (self.to_send or self.deleted)

    def within(self, other: "Plan") -> bool:
        """Whether this does nothing that `other` does not do."""
        mine, its = ({item.path for item in plan.to_send} for plan in (self, other))
        return mine <= its and set(self.deleted) <= set(other.deleted)


def items(files: Sequence[File], card: str) -> list[Item]:
    """The files of a dataset and its card, last. Raises ValueError when the files are not on this machine."""
    text = card.encode("utf-8", "replace")
    shown = Item(CARD, text, len(text), hashlib.sha256(text).hexdigest())
    return [Item(file.path, _local(file), file.bytes, file.sha256) for file in files] + [shown]


def check_endpoint(endpoint: str) -> None:
    """Raises ValueError for a URL over which the token would go unencrypted to another machine."""
    parts = urlsplit(endpoint)
    host = parts.hostname or ""
    try:
        local = ipaddress.ip_address(host).is_loopback
    except ValueError:
        local = host == "localhost"
    if parts.scheme != "https" and not (parts.scheme == "http" and local):
        raise ValueError(f"HF_ENDPOINT is {endpoint}: the token would be sent in the open; expected an https:// URL")


def plan(api: HfApi, repo: str, name: str, wanted: Sequence[Item]) -> Plan:
    """What is to do so that `repo` holds the build `name`, of which `wanted` are all files.

    Raises ValueError when the repository holds what is not that build's, or cannot hold it.
    """
    _check_size(wanted)
    try:
        info = api.dataset_info(repo)
    except GatedRepoError:
        raise
    except RepositoryNotFoundError:
        return Plan(repo, None, None, tuple(wanted), (), (), (), ())
    there = {entry.path: entry for entry in _tree(api, repo, info.sha or "")}
    earlier = _earlier(api, repo, info.sha or "", name, there)
    paths = {item.path for item in wanted}
    kept = sorted(there.keys() - earlier - paths)
    if strange := [path for path in kept if path.endswith(".parquet")]:
        raise ValueError(
            f"{repo} holds {strange[0]}, which would be read as part of this dataset: delete it there first"
        )
    same = {item.path for item in wanted if item.path in there and item.matches(there[item.path])}
    return Plan(
        repo=repo,
        head=info.sha,
        private=bool(info.private),
        new=tuple(item for item in wanted if item.path not in there),
        changed=tuple(item for item in wanted if item.path in there and item.path not in same),
        same=tuple(item for item in wanted if item.path in same),
        deleted=tuple(sorted((earlier & there.keys()) - paths)),
        kept=tuple(kept),
    )


def check_tag(api: HfApi, planned: Plan, tag: str) -> None:
    """Raises ValueError when `tag` names another commit than the one that will hold the planned files."""
    if planned.head is not None:
        _is_tagged(api, planned.repo, tag, planned.head if planned.nothing_to_do else None)


def foreign_edit(api: HfApi, name: str, planned: Plan) -> str:
    """The title of the commit that last changed the card which is to be replaced; "" when it is one of ours."""
    if not any(item.path == CARD for item in planned.changed):
        return ""
    found = api.get_paths_info(planned.repo, CARD, expand=True, revision=planned.head, repo_type="dataset")
    titles = [entry.last_commit.title for entry in found if entry.last_commit]
    return "".join(title for title in titles if title != _title(name))


def push(api: HfApi, name: str, planned: Plan, public: bool, tag: str, say: Say) -> str:
    """Do what was planned, see that it is done, tag it, and return the commit.

    Raises ValueError when the repository changes meanwhile, or when it does not hold afterwards what it should.
    """
    if planned.head is None:
        persist(
            lambda: api.create_repo(planned.repo, repo_type="dataset", private=not public, exist_ok=True),
            f"creating {planned.repo}",
            say,
        )
    head = planned.head
    if head is None or not planned.nothing_to_do:
        additions = _upload(api, planned, say)
        head = persist(lambda: _commit(api, name, planned, additions), f"committing to {planned.repo}", say)
        at = head
        persist(lambda: _verify(api, planned, at), f"verifying {planned.repo}", say)
    if tag:
        named = head
        persist(lambda: _tag(api, planned.repo, tag, named), f"tagging {tag}", say)
    if public and planned.private:
        persist(
            lambda: api.update_repo_settings(planned.repo, repo_type="dataset", visibility="public"),
            f"making {planned.repo} public",
            say,
        )
    return head


def _upload(api: HfApi, planned: Plan, say: Say) -> dict[str, CommitOperationAdd]:
    """Send the contents of all files that are new or changed, and return what a commit adds them with, by path."""
    additions = {item.path: CommitOperationAdd(item.path, item.content) for item in planned.to_send}
    sent, size = 0, 0
    for batch in batches(planned.to_send):
        adding = [additions[item.path] for item in batch]
        send = partial(api.preupload_lfs_files, planned.repo, adding, repo_type="dataset", free_memory=False)
        persist(send, f"uploading {batch[0].path}", say)
        for item in batch:
            if additions[item.path].upload_info.sha256.hex() != item.sha256:
                raise ValueError(f"dataset/{item.path}: it changed while it was uploaded: is the build running?")
        sent, size = sent + len(batch), size + sum(item.bytes for item in batch)
        say(f"uploaded {sent:,} of {len(additions):,} files, {size / 1e6:,.1f} MB")
    return additions


def _commit(api: HfApi, name: str, planned: Plan, additions: Mapping[str, CommitOperationAdd]) -> str:
    """Commit what is still to do and return the head.

    An attempt that seemed to fail may have landed: each one looks first, and starts from the head that it saw.
    """
    now = plan(api, planned.repo, name, planned.wanted)
    if now.nothing_to_do and now.head:
        return now.head
    if not now.within(planned):
        raise ValueError(f"{planned.repo} was changed by somebody while it was pushed to: look at it, and push again")
    operations: list[CommitOperationAdd | CommitOperationDelete] = [additions[item.path] for item in now.to_send]
    operations += [CommitOperationDelete(path, is_folder=False) for path in now.deleted]
    made = api.create_commit(
        planned.repo, operations, commit_message=_title(name), repo_type="dataset", parent_commit=now.head
    )
    return made.oid


def _title(name: str) -> str:
    return f"Publish {name}"


def _verify(api: HfApi, planned: Plan, head: str) -> None:
    there = {entry.path: entry for entry in _tree(api, planned.repo, head)}
    wrong = [item.path for item in planned.wanted if item.path not in there or not item.matches(there[item.path])]
    wrong += [path for path in planned.deleted if path in there]
    if wrong:
        raise ValueError(
            f"{planned.repo} at {head[:8]} does not hold what was pushed: {', '.join(sorted(wrong)[:5])} "
            f"({len(wrong)} files differ): push again"
        )


def _tag(api: HfApi, repo: str, tag: str, head: str) -> None:
    """Name the commit; a tag that was made by an attempt that seemed to fail is found and left."""
    if not _is_tagged(api, repo, tag, head):
        api.create_tag(repo, tag=tag, revision=head, repo_type="dataset")


def _is_tagged(api: HfApi, repo: str, tag: str, head: str | None) -> bool:
    """Whether there is such a tag. Raises ValueError when it is of another commit than `head`."""
    tags = {each.name: each.target_commit for each in api.list_repo_refs(repo, repo_type="dataset").tags}
    if tag in tags and tags[tag] != head:
        raise ValueError(
            f"{repo} has a {tag} already, of commit {tags[tag][:8]}, which holds other files: "
            "give this version a --revision of its own"
        )
    return tag in tags


def _tree(api: HfApi, repo: str, commit: str) -> Iterator[RepoFile]:
    for entry in api.list_repo_tree(repo, recursive=True, revision=commit, repo_type="dataset"):
        if isinstance(entry, RepoFile):
            yield entry


def _earlier(api: HfApi, repo: str, commit: str, name: str, there: Mapping[str, RepoFile]) -> set[str]:
    """The files of an earlier version of this build, by the manifest that it was published with."""
    raw: Mapping[str, Any] = {}
    if MANIFEST in there:
        with TemporaryDirectory() as folder:
            path = api.hf_hub_download(repo, MANIFEST, repo_type="dataset", revision=commit, local_dir=folder)
            with suppress(ValueError):
                raw = read_object(UPath(path))
    if text_of(raw, "name") != name and there.keys() - _OURS_ANYWAY:
        what = f"the dataset {text_of(raw, 'name')!r}" if text_of(raw, "name") else "files that were not published so"
        raise ValueError(f"{repo} holds {what}, and not {name!r}: give another --repo")
    return {text_of(item, "path") for item in list_of(raw, "files") if isinstance(item, dict)} | {MANIFEST, CARD}


def _check_size(wanted: Sequence[Item]) -> None:
    if len(wanted) > MOST_FILES:
        raise ValueError(
            f"{len(wanted):,} files are more than one commit can hold ({MOST_FILES:,}): make larger shards"
        )
    folders = sorted(os.path.dirname(item.path) for item in wanted)
    for folder, inside in groupby(folders):
        if (count := len(list(inside))) > MOST_IN_A_FOLDER:
            raise ValueError(f"dataset/{folder} has {count:,} files, the Hub takes {MOST_IN_A_FOLDER:,}: larger shards")


def batches(wanted: Sequence[Item]) -> Iterator[list[Item]]:
    """Runs of at most `BATCH_FILES` files and, unless one alone has more, `BATCH_BYTES` bytes."""
    batch: list[Item] = []
    for item in wanted:
        if batch and (len(batch) == BATCH_FILES or sum(each.bytes for each in batch) + item.bytes > BATCH_BYTES):
            yield batch
            batch = []
        batch.append(item)
    if batch:
        yield batch


def _local(file: File) -> Path:
    if file.source.protocol not in LOCAL:
        raise ValueError(f"{file.source}: only a build on this machine is pushed to the Hub: copy it here first")
    return Path(file.source.path)
