"""What the Hub holds: repositories of commits, each with its whole tree, and the bytes of files on disk."""

import hashlib
import re
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

GIT_ATTRIBUTES = b"*.parquet filter=lfs diff=lfs merge=lfs -text\n*.jpg filter=lfs diff=lfs merge=lfs -text\n"
_NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,95}")


class HubError(Exception):
    """A refusal: its status, the Hub's `X-Error-Code` if it has one, a message, and headers."""

    def __init__(self, status: int, message: str, code: str = "", headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.code, self.headers = status, message, code, dict(headers or {})


@dataclass(frozen=True)
class Account:
    """Who a token belongs to; `namespaces` are those that it may write to."""

    name: str
    orgs: tuple[str, ...] = ()

    @property
    def namespaces(self) -> tuple[str, ...]:
        return (self.name, *self.orgs)


@dataclass(frozen=True)
class Entry:
    """A file of a tree: its git blob sha1, its size in bytes, and its sha256 where it is an LFS file."""

    oid: str
    size: int
    sha256: str | None = None


@dataclass(frozen=True)
class Commit:
    """A commit and the tree after it."""

    oid: str
    parent: str | None
    title: str
    date: str
    tree: Mapping[str, Entry]


@dataclass(frozen=True)
class Change:
    """One change of a commit: a file with its bytes, an LFS file by sha256, or with neither a path to delete."""

    path: str
    content: bytes | None = None
    sha256: str | None = None


@dataclass
class Repo:
    id: str
    private: bool
    created: str
    commits: dict[str, Commit] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)

    def resolve(self, revision: str) -> Commit:
        """The commit of a branch, a tag, or an id of at least seven digits."""
        name = revision.removeprefix("refs/heads/")
        oid = self.branches.get(name) or self.tags.get(name)
        if oid is None and re.fullmatch(r"[0-9a-f]{7,40}", name):
            oid = next((each for each in self.commits if each.startswith(name)), None)
        if oid is None:
            raise HubError(404, f"Invalid rev id: {revision}", "RevisionNotFound")
        return self.commits[oid]

    def last_change(self, path: str, commit: Commit) -> Commit:
        """The commit, at or before `commit`, that made the file what it is there."""
        while commit.parent and self.commits[commit.parent].tree.get(path) == commit.tree[path]:
            commit = self.commits[commit.parent]
        return commit

    def history(self, revision: str = "main") -> list[Commit]:
        """The commits of a branch, the newest first."""
        found, oid = [], self.resolve(revision).oid
        while oid:
            found.append(self.commits[oid])
            oid = self.commits[oid].parent or ""
        return found


class Store:
    """Repositories in memory, files under `root`. `fetch(sha256, path)` gets an LFS file from elsewhere, if it can."""

    def __init__(self, root: Path, fetch: Callable[[str, Path], None] | None = None) -> None:
        self.root, self.fetch, self.lock = root, fetch, threading.RLock()
        self.repos: dict[str, Repo] = {}
        for folder in ("blobs", "lfs"):
            (root / folder).mkdir(parents=True, exist_ok=True)

    def repo(self, name: str) -> Repo:
        if name not in self.repos:
            raise HubError(404, "Repository not found", "RepoNotFound")
        return self.repos[name]

    def create(self, name: str, private: bool) -> bool:
        """A repository with its first commit; False when there is one of that name."""
        if not all(_NAME.fullmatch(part) for part in name.split("/")):
            raise HubError(400, f"{name!r} is no name of a repository")
        with self.lock:
            if name in self.repos:
                return False
            self.repos[name] = Repo(name, private, now())
            self.commit(name, "main", "initial commit", [Change(".gitattributes", GIT_ATTRIBUTES)], None)
            return True

    def commit(self, name: str, branch: str, title: str, changes: list[Change], parent: str | None) -> Commit:
        with self.lock:
            repo = self.repo(name)
            head = repo.branches.get(branch)
            if head is None and repo.branches:
                raise HubError(404, f"Invalid rev id: {branch}", "RevisionNotFound")
            if parent and head and not head.startswith(parent):
                raise HubError(412, "A commit has happened since. Please refresh and try again.")
            tree = dict(repo.commits[head].tree) if head else {}
            for change in changes:
                self._apply(tree, change)
            made = Commit(secrets.token_hex(20), head, title, now(), tree)
            repo.commits[made.oid] = made
            repo.branches[branch] = made.oid
            return made

    def path(self, entry: Entry) -> Path:
        """Where the bytes of a file are."""
        return self.lfs(entry.sha256) if entry.sha256 else self.root / "blobs" / entry.oid

    def lfs(self, sha256: str) -> Path:
        return self.root / "lfs" / sha256

    def _apply(self, tree: dict[str, Entry], change: Change) -> None:
        if change.path.startswith("/") or ".." in change.path.split("/"):
            raise HubError(400, f"bad path {change.path!r}")
        if change.content is not None:
            oid = git_sha1(change.content)
            (self.root / "blobs" / oid).write_bytes(change.content)
            tree[change.path] = Entry(oid, len(change.content))
        elif change.sha256 is not None:
            path = self.lfs(change.sha256)
            if not path.exists() and self.fetch:
                self.fetch(change.sha256, path)
            if not path.exists():
                raise HubError(400, f"LFS pointer pointed to a file that does not exist: {change.path}")
            size = path.stat().st_size
            tree[change.path] = Entry(git_sha1(pointer(change.sha256, size)), size, change.sha256)
        elif tree.pop(change.path, None) is None:
            raise HubError(404, "A file with this name doesn't exist", "EntryNotFound")


def git_sha1(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def pointer(sha256: str, size: int) -> bytes:
    """The text that git holds in place of an LFS file."""
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{sha256}\nsize {size}\n".encode()


def now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime())
