"""What is read from the Hub: repositories, trees, history, and the files themselves."""

import hashlib
import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote

import yaml
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from tests.hub.access import Access
from tests.hub.store import Commit, Entry, HubError, Store, pointer


class Reading:
    """The routes of everything that reads. `page` files are listed at a time, as the Hub lists 1,000."""

    def __init__(self, store: Store, access: Access, chunks: Path | None, page: int) -> None:
        self.store, self.access, self.chunks, self.page = store, access, chunks, page

    def routes(self) -> list[Route]:
        repo = "/api/datasets/{namespace}/{name}"
        return [
            Route(repo, self.info),
            Route(repo + "/revision/{revision}", self.info),
            Route(repo + "/tree/{revision}", self.tree),
            Route(repo + "/tree/{revision}/{path:path}", self.tree),
            Route(repo + "/paths-info/{revision}", self.paths_info, methods=["POST"]),
            Route(repo + "/refs", self.refs),
            Route(repo + "/commits/{revision}", self.commits),
            Route(repo + "/xet-read-token/{revision}", self.xet_token),
            Route(repo + "/xet-write-token/{revision}", self.xet_token),
            Route("/datasets/{namespace}/{name}/resolve/{revision}/{path:path}", self.file),
        ]

    async def info(self, request: Request) -> Response:
        repo = self.access.read(request)
        commit = repo.resolve(unquote(request.path_params.get("revision", "main")))
        files = [{"rfilename": path} for path in sorted(commit.tree)]
        return JSONResponse(
            {
                "_id": repo.id, "id": repo.id, "author": repo.id.split("/")[0], "sha": commit.oid,
                "private": repo.private, "gated": False, "disabled": False, "downloads": 0, "likes": 0, "tags": [],
                "createdAt": repo.created, "lastModified": commit.date, "siblings": files,
                "cardData": self._metadata(commit),
            }
        )  # fmt: skip

    async def tree(self, request: Request) -> Response:
        commit = self.access.read(request).resolve(unquote(request.path_params["revision"]))
        root = unquote(request.path_params.get("path", "")).strip("/")
        query = request.query_params
        recursive, expand = (query.get(name, "").lower() == "true" for name in ("recursive", "expand"))
        found = _listed(commit, f"{root}/" if root else "", recursive, expand)
        if root and not found:
            raise HubError(404, f'{root} does not exist on "{commit.oid}"', "EntryNotFound")
        start = int(query.get("cursor", 0))
        end = start + self.page
        headers = {}
        if end < len(found):
            more = (
                f"{request.base_url}{request.url.path.lstrip('/')}?recursive={recursive}&expand={expand}&cursor={end}"
            )
            headers["Link"] = f'<{more}>; rel="next"'
        return JSONResponse(found[start:end], headers=headers)

    async def paths_info(self, request: Request) -> Response:
        repo = self.access.read(request)
        commit = repo.resolve(unquote(request.path_params["revision"]))
        form = parse_qs((await request.body()).decode())
        expand = form.get("expand", [""])[0].lower() == "true"
        found = []
        for path in (path.strip("/") for path in form.get("paths", [])):
            if path in commit.tree:
                found.append(_file(path, commit, False) | _last_commit(repo.last_change(path, commit), expand))
            elif any(each.startswith(f"{path}/") for each in commit.tree):
                found.append(_folder(path, commit, expand))
        return JSONResponse(found)

    async def refs(self, request: Request) -> Response:
        repo = self.access.read(request)

        def listed(kind: str, references: Mapping[str, str]) -> list[dict[str, str]]:
            return [{"name": n, "ref": f"refs/{kind}/{n}", "targetCommit": oid} for n, oid in references.items()]

        branches, tags = listed("heads", repo.branches), listed("tags", repo.tags)
        return JSONResponse({"branches": branches, "tags": tags, "converts": [], "pullRequests": []})

    async def commits(self, request: Request) -> Response:
        history = self.access.read(request).history(unquote(request.path_params["revision"]))
        return JSONResponse(
            [{"id": each.oid, "title": each.title, "message": "", "date": each.date, "authors": []} for each in history]
        )

    async def xet_token(self, request: Request) -> Response:
        self.access.written(request) if "write" in request.url.path else self.access.read(request)
        if self.chunks is None:
            raise HubError(404, "Not Found")
        expires = int(time.time()) + 3600
        return JSONResponse({"casUrl": f"local://{self.chunks}", "accessToken": "xet-key", "exp": expires})

    async def file(self, request: Request) -> Response:
        commit = self.access.read(request).resolve(unquote(request.path_params["revision"]))
        entry = commit.tree.get(unquote(request.path_params["path"]))
        headers = {"X-Repo-Commit": commit.oid, "Accept-Ranges": "bytes"}
        if entry is None:
            raise HubError(404, "Entry not found", "EntryNotFound", headers)
        headers["ETag"] = f'"{entry.sha256 or entry.oid}"'
        if entry.sha256:
            headers |= {"X-Linked-Etag": headers["ETag"], "X-Linked-Size": str(entry.size)}
        return FileResponse(self.store.path(entry), headers=headers, media_type="application/octet-stream")

    def _metadata(self, commit: Commit) -> Any:
        card = commit.tree.get("README.md")
        match = re.match(r"---\n(.*?)\n---", self.store.path(card).read_text(), re.S) if card else None
        return yaml.safe_load(match[1]) if match else None


def _listed(commit: Commit, root: str, recursive: bool, expand: bool) -> list[dict[str, Any]]:
    """The files and folders under `root`, each folder before what it holds."""
    found, folders = [], set()
    for path in sorted(commit.tree):
        if path.startswith(root):
            parts = path.removeprefix(root).split("/")
            for depth in range(1, len(parts) if recursive else min(len(parts), 2)):
                folder = root + "/".join(parts[:depth])
                if folder not in folders:
                    folders.add(folder)
                    found.append(_folder(folder, commit, expand))
            if recursive or len(parts) == 1:
                found.append(_file(path, commit, expand))
    return found


def _file(path: str, commit: Commit, expand: bool) -> dict[str, Any]:
    entry: Entry = commit.tree[path]
    item: dict[str, Any] = {"type": "file", "oid": entry.oid, "size": entry.size, "path": path}
    if entry.sha256:
        length = len(pointer(entry.sha256, entry.size))
        item["lfs"] = {"oid": entry.sha256, "size": entry.size, "pointerSize": length}
    return item | _last_commit(commit, expand)


def _folder(path: str, commit: Commit, expand: bool) -> dict[str, Any]:
    inside = [(name, entry.oid) for name, entry in sorted(commit.tree.items()) if name.startswith(f"{path}/")]
    oid = hashlib.sha1(repr(inside).encode()).hexdigest()
    return {"type": "directory", "oid": oid, "size": 0, "path": path} | _last_commit(commit, expand)


def _last_commit(commit: Commit, expand: bool) -> dict[str, Any]:
    return {"lastCommit": {"id": commit.oid, "title": commit.title, "date": commit.date}} if expand else {}
