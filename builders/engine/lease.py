"""Who is writing this build: one run at a time.

Two drivers on one build would undo each other's shards, so a run holds `lease.json` and renews it. A run
that was killed does not give it back: it is taken over at once when its process is known to be gone
(same machine), and otherwise when it has not been renewed for a while.
"""

import os
import socket
import time
import uuid
from pathlib import Path

from upath import UPath

from builders.engine import files
from builders.engine.worker import LEASE

RENEW_SECONDS = 5.0
STALE_SECONDS = 45.0


class Held(Exception):
    """Another run is writing this build."""


class Lost(Exception):
    """Another run has taken this build over."""


class Lease:
    """Held from `take` until `release`; `renew` is cheap and may be called often."""

    def __init__(self, out: UPath) -> None:
        self.path = out / LEASE
        self.run = uuid.uuid4().hex
        self._renewed = 0.0

    def take(self) -> None:
        """Take the lease, waiting for a stale one to expire. Raises `Held` while its holder lives."""
        while self.path.is_file():
            holder = files.read_json(self.path)
            if holder["host"] == socket.gethostname():
                if not _alive(holder["pid"], holder["born"]):
                    break
            elif time.time() - holder["renewed"] > STALE_SECONDS:
                break
            elif time.time() - holder["renewed"] > 2 * RENEW_SECONDS:
                time.sleep(1)
                continue
            raise Held(
                f"another run is writing this build: process {holder['pid']} on {holder['host']}; "
                "wait for it, stop it, or choose another --output"
            )
        self._write()
        if not self._is_ours():
            raise Held("another run has just started on this build; wait for it, or choose another --output")

    def renew(self) -> None:
        """Say that this run is alive. Raises `Lost` when another run has taken the build over meanwhile."""
        if time.monotonic() - self._renewed > RENEW_SECONDS:
            if not self._is_ours():
                raise Lost("this run was out of reach for so long that another one has taken its build over")
            self._write()

    def release(self) -> None:
        if self._is_ours():
            self.path.unlink()

    def _is_ours(self) -> bool:
        return self.path.is_file() and files.read_json(self.path)["run"] == self.run

    def _write(self) -> None:
        self._renewed = time.monotonic()
        pid = os.getpid()
        files.write_json(
            self.path,
            {"run": self.run, "host": socket.gethostname(), "pid": pid, "born": _born(pid), "renewed": time.time()},
        )


def _born(pid: int) -> str:
    """A process's start time, so that a reused process number is not mistaken for the old run (Linux; else "")."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[19]
    except OSError:
        return ""


def _alive(pid: int, born: str) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return _born(pid) == born
