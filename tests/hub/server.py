"""The Hub's server: it listens on loopback, in a thread of the tests."""

import re
import socket
import threading
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Self

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tests.hub import xet
from tests.hub.access import Access
from tests.hub.faults import Fault, Faults
from tests.hub.reading import Reading
from tests.hub.store import Account, HubError, Repo, Store
from tests.hub.writing import Writing

TOKEN = "hf_LoopbackTokenOfTestsOnly0123456789"
OWNER = Account("ane", ("babel",))
STRANGER = Account("bob", ("acme",))


class Hub:
    """A Hub under `root`, of which `with` gives the one that listens. With `xet`, it has a store of chunks.

    `TOKEN` is that of the account `ane`, who may also write to the organisation `babel`.
    """

    def __init__(self, root: Path, *, xet_store: bool = False, page: int = 1000) -> None:
        self.root, self.chunks = root, root / "chunks" if xet_store else None
        self.store = Store(root, partial(xet.fetch, self.chunks) if self.chunks else None)
        access = Access(self.store, {TOKEN: OWNER, "hf_strangerstrangerstranger": STRANGER})
        routes = [*Writing(self.store, access).routes(), *Reading(self.store, access, self.chunks, page).routes()]
        self._faults = Faults(Starlette(routes=routes, exception_handlers={HubError: _refuse}))
        self._server = uvicorn.Server(uvicorn.Config(self._faults, log_level="critical", lifespan="off"))
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],), daemon=True)
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = self._server.force_exit = True
        self._thread.join(10)
        self._socket.close()

    def fails(self, *faults: Fault) -> None:
        """These go wrong from now on, and none that were planned before."""
        self._faults.planned = list(faults)

    def asked(self, pattern: str = "") -> list[str]:
        """The requests so far that match, each as "METHOD /path"."""
        return [request for request in self._faults.requests if re.search(pattern, request)]

    def forget(self) -> None:
        self._faults.requests.clear()

    def repo(self, name: str) -> Repo:
        return self.store.repo(name)

    def environment(self) -> Mapping[str, str]:
        """What a program needs in its environment to take this for the Hub."""
        return {
            "HF_ENDPOINT": self.url,
            "HF_TOKEN": TOKEN,
            "HF_HUB_OFFLINE": "0",
            "HF_HOME": str(self.root / "home"),
            "HF_HUB_DISABLE_XET": "0" if self.chunks else "1",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_XET_TELEMETRY_ENABLED": "0",
            "HF_UPDATE_DOWNLOAD_COUNTS": "0",
        }


async def _refuse(request: Request, error: Exception) -> Response:
    assert isinstance(error, HubError)
    headers = error.headers | ({"X-Error-Code": error.code} if error.code else {})
    return JSONResponse({"error": error.message}, error.status, headers | {"X-Error-Message": error.message})
