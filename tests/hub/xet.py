"""Files that the real `hf_xet` client put into a `local://` folder of chunks, made whole again.

`hf_xet` has a client for a content-addressed store on disk, which it uses when the Hub says that its store is at
`local:///folder`. It keeps the chunks in `xet/xorbs`, and in `xet/xorbs/shards/*.mdb` which chunks make which file
(https://github.com/huggingface/xet-core, mdb_shard). It is no public format: tests in LFS mode do not need it.
"""

import hashlib
import os
import shutil
import struct
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import hf_xet

_HEADER = 48
_ENTRY = 48
_END = b"\xff" * 32
_HAS_SHA256, _HAS_VERIFICATION = 1 << 30, 1 << 31


def files_of(shard: Path) -> Iterator[tuple[str, str, int]]:
    """The files that a shard tells of: the Xet hash, the sha256 ("" where there is none) and the size in bytes."""
    content = shard.read_bytes()
    at = _HEADER
    while at + _ENTRY <= len(content) and content[at : at + 32] != _END:
        name = content[at : at + 32]
        flags, segments = struct.unpack("<II", content[at + 32 : at + 40])
        at += _ENTRY
        size = sum(struct.unpack_from("<I", content, at + _ENTRY * index + 36)[0] for index in range(segments))
        at += _ENTRY * segments * (2 if flags & _HAS_VERIFICATION else 1)
        sha256 = ""
        if flags & _HAS_SHA256:
            sha256 = _hex(content[at : at + 32])
            at += _ENTRY
        yield _hex(name), sha256, size


def fetch(store: Path, sha256: str, destination: Path, tries: int = 5) -> None:
    """Write the file of this sha256 to `destination`; nothing is written when the store has no such file."""
    found = next(
        ((name, size) for shard in _shards(store) for name, has, size in files_of(shard) if has == sha256), None
    )
    if found is None:
        return
    for attempt in range(tries):  # the uploader may be writing the index that is copied here
        try:
            _fetch(store, *found, destination)
            break
        except Exception:
            if attempt == tries - 1:
                raise
            time.sleep(0.2 * 2**attempt)
    if hashlib.sha256(destination.read_bytes()).hexdigest() != sha256:
        destination.unlink()
        raise ValueError(f"{destination}: the chunks of {store} make another file")


def _fetch(store: Path, name: str, size: int, destination: Path) -> None:
    """The uploader has the store's index locked: read through a view of the store with a copy of it."""
    xorbs = store / "xet" / "xorbs"
    with tempfile.TemporaryDirectory() as folder:
        view = Path(folder) / "xet" / "xorbs"
        view.mkdir(parents=True)
        for part in ("xorbs", "shards"):
            os.symlink(xorbs / part, view / part)
        shutil.copy(xorbs / "global_dedup_lookup.redb", view)
        expires = int(time.time()) + 3600
        session = hf_xet.XetSession()
        with session.new_file_download_group(
            endpoint=f"local://{folder}", token="x", token_expiry_unix_secs=expires
        ) as group:
            group.start_download_file(hf_xet.XetFileInfo(name, size), str(destination))


def _shards(store: Path) -> list[Path]:
    return sorted(store.rglob("shards/*.mdb"), key=os.path.getmtime, reverse=True)


def _hex(digest: bytes) -> str:
    """A hash as Xet writes it: four little-endian numbers of 64 bits."""
    return "".join(f"{number:016x}" for number in struct.unpack("<4Q", digest))
