"""What changes the Hub: accounts, repositories, references, uploads and commits.

The endpoints are those that `huggingface_hub` 2.x asks; nothing else documents the most of them.
"""

import asyncio
import base64
import hashlib
import json
import re
from typing import Any
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.hub.access import Access
from tests.hub.store import Change, HubError, Store

LFS_SUFFIXES = (".parquet", ".jpg", ".png")
LFS_BYTES = 10_000_000


class Writing:
    """The routes of everything that needs the right to write."""

    def __init__(self, store: Store, access: Access) -> None:
        self.store, self.access = store, access

    def routes(self) -> list[Route]:
        repo = "/api/datasets/{namespace}/{name}"
        return [
            Route("/api/whoami-v2", self.whoami),
            Route("/api/repos/create", self.create, methods=["POST"]),
            Route("/api/validate-yaml", self.validate_yaml, methods=["POST"]),
            Route(repo + "/settings", self.settings, methods=["PUT"]),
            Route(repo + "/preupload/{revision}", self.preupload, methods=["POST"]),
            Route(repo + "/commit/{revision}", self.commit, methods=["POST"]),
            Route(repo + "/branch/{revision}", self.branch, methods=["POST"]),
            Route(repo + "/tag/{revision}", self.tag, methods=["POST"]),
            Route("/datasets/{namespace}/{name}.git/info/lfs/objects/batch", self.lfs_batch, methods=["POST"]),
            Route("/_lfs/{sha256}", self.lfs_put, methods=["PUT"]),
            Route("/_lfs/{sha256}/verify", self.lfs_verify, methods=["POST"]),
        ]

    async def whoami(self, request: Request) -> Response:
        account = self.access.account(request)
        orgs = [{"name": org, "type": "org"} for org in account.orgs]
        token = {"type": "access_token", "accessToken": {"displayName": "t", "role": "write"}}
        return JSONResponse({"type": "user", "name": account.name, "id": "0", "orgs": orgs, "auth": token})

    async def create(self, request: Request) -> Response:
        account, body = self.access.account(request), await request.json()
        namespace = body.get("organization") or account.name
        if namespace not in account.namespaces:
            raise HubError(403, f'You don\'t have the rights to create a dataset under the namespace "{namespace}"')
        name = f"{namespace}/{body['name']}"
        found = {"url": f"{request.base_url}datasets/{name}", "name": name, "id": name}
        if not self.store.create(name, body.get("visibility") == "private"):
            # The client reads the url of a repository that exists.
            return JSONResponse(found | {"error": "You already created this dataset repo"}, 409)
        return JSONResponse(found)

    async def settings(self, request: Request) -> Response:
        repo, body = self.access.written(request), await request.json()
        repo.private = body["visibility"] == "private"
        return JSONResponse({"private": repo.private})

    async def validate_yaml(self, request: Request) -> Response:
        text = (await request.json())["content"]
        fault = [] if re.match(r"---\n.*?\n---", text, re.S) else [{"message": "no metadata"}]
        return JSONResponse({"errors": fault, "warnings": []}, 400 if fault else 200)

    async def preupload(self, request: Request) -> Response:
        tree = self.access.written(request).resolve(_revision(request)).tree
        files = []
        for file in (await request.json())["files"]:
            large = file["path"].endswith(LFS_SUFFIXES) or file["size"] > LFS_BYTES
            binary = b"\0" in base64.b64decode(file["sample"])
            old = tree.get(file["path"])
            mode, oid = "lfs" if large or binary else "regular", (old.sha256 or old.oid) if old else None
            files.append({"path": file["path"], "uploadMode": mode, "shouldIgnore": False, "oid": oid})
        return JSONResponse({"files": files})

    async def lfs_batch(self, request: Request) -> Response:
        self.access.written(request)
        objects = []
        for item in (await request.json())["objects"]:
            href = f"{request.base_url}_lfs/{item['oid']}"
            upload = {"href": f"{href}?size={item['size']}&X-Amz-Signature=5ec2e7", "header": {}}
            # No actions: it is stored already.
            actions = {"upload": upload, "verify": {"href": f"{href}/verify", "header": {}}}
            stored = self.store.lfs(item["oid"]).exists()
            objects.append(item if stored else item | {"authenticated": True, "actions": actions})
        body = {"transfer": "basic", "objects": objects}
        return JSONResponse(body, media_type="application/vnd.git-lfs+json")

    async def lfs_put(self, request: Request) -> Response:
        sha256, content = request.path_params["sha256"], await request.body()
        if hashlib.sha256(content).hexdigest() != sha256 or len(content) != int(request.query_params["size"]):
            raise HubError(400, "sha256 or size mismatch")
        self.store.lfs(sha256).write_bytes(content)
        return Response()

    async def lfs_verify(self, request: Request) -> Response:
        if not self.store.lfs(request.path_params["sha256"]).exists():
            raise HubError(404, "missing object")
        return JSONResponse({})

    async def commit(self, request: Request) -> Response:
        repo = self.access.written(request)
        header: dict[str, Any] = {}
        changes = []
        for line in (await request.body()).splitlines():
            item = json.loads(line)
            value = item["value"]
            if item["key"] == "header":
                header = value
            elif item["key"] == "file":
                changes.append(Change(value["path"], content=base64.b64decode(value["content"])))
            elif item["key"] == "lfsFile":
                changes.append(Change(value["path"], sha256=value["oid"]))
            else:
                changes.append(Change(value["path"]))
        made = await asyncio.to_thread(
            self.store.commit, repo.id, _revision(request), header["summary"], changes, header.get("parentCommit")
        )
        url = f"{request.base_url}datasets/{repo.id}/commit/{made.oid}"
        return JSONResponse({"success": True, "commitOid": made.oid, "commitUrl": url})

    async def branch(self, request: Request) -> Response:
        repo, body = self.access.written(request), json.loads(await request.body() or b"{}")
        return _point(repo.branches, _revision(request), repo.resolve(body.get("startingPoint") or "main").oid)

    async def tag(self, request: Request) -> Response:
        repo, body = self.access.written(request), await request.json()
        return _point(repo.tags, body["tag"], repo.resolve(_revision(request)).oid)


def _point(references: dict[str, str], name: str, oid: str) -> Response:
    if name in references:
        raise HubError(409, f"Reference already exists: {name}")
    references[name] = oid
    return Response()


def _revision(request: Request) -> str:
    return unquote(request.path_params["revision"])
