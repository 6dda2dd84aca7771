"""2,000 URLs with 43 kinds of trouble among them: each outcome is the one planted, in the library and in a build."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from PIL import Image

from crawlers.guard import Guard
from crawlers.images import CODES, Limits, Request, Result, download
from tests.conftest import ROOT, environment
from tests.image_list import KINDS, SMALL, Planted, draw_images, plant
from tests.image_server import ImageServer

AGENT = "BabelVision/0.1 (tests@example.org)"
BYTES, SECONDS = 1 << 20, 3.0
NEVER_ASKED = ("inner", "disallowed", "private", "metadata", "mapped", "localhost", "local-file", "ftp", "no-url")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("images")
    draw_images(folder, SMALL, 54)
    return folder


@pytest.fixture
def server(folder: Path) -> Iterator[ImageServer]:
    with ImageServer(folder, hosts=4) as server:
        yield server


def results(server: ImageServer, planted: Sequence[Planted]) -> list[Result]:
    async def get() -> list[Result]:
        limits = Limits(seconds=SECONDS, stall=SECONDS, bytes=BYTES, per_host=32, concurrent=128)
        requests = (Request(one.key, one.url, one.sha256) for one in planted)
        guard = Guard(frozenset((*server.hosts, server.closed)))
        return [result async for result in download(requests, limits, guard, AGENT, decode=True)]

    return asyncio.run(get())


def wrong(planted: Sequence[Planted], ended: dict[int, str]) -> list[str]:
    """What did not end as planted: the kind and the two codes."""
    return [f"{one.kind}: {one.code} became {ended[one.key]}" for one in planted if ended[one.key] != one.code]


def test_every_url_of_2000_ends_as_planted(server: ImageServer, folder: Path) -> None:
    planted = plant(folder, server.hosts, server.closed)
    assert {one.kind for one in planted} == {"good", *KINDS}
    got = results(server, planted)
    assert sorted(result.request.key for result in got) == [one.key for one in planted]
    assert wrong(planted, {result.request.key: result.code for result in got}) == []
    assert {one.code for one in planted} == set(CODES)
    truth = {one.key: one for one in planted}
    for result in got:
        if result.code == "success":
            file = folder / truth[result.request.key].file
            assert result.data == file.read_bytes()
            with Image.open(file) as image:
                assert (result.width, result.height, result.format) == (*image.size, image.format)
        else:
            assert result.message
    asked = server.asked()
    assert not [path for path in asked if path.split("/")[1] in NEVER_ASKED]
    assert {count for path, count in asked.items() if path.split("/")[1] in ("404", "410", "403", "html", "noai")} == {
        1
    }
    assert {count for path, count in asked.items() if path.startswith("/busy/")} == {3}


def command(planted: Sequence[Planted], out: Path, server: ImageServer, *flags: str) -> list[str]:
    """The build of a list; its rows lie beside it."""
    rows = out.with_suffix(".jsonl")
    rows.write_text("".join(json.dumps(asdict(one)) + "\n" for one in planted))
    return [
        sys.executable, str(ROOT / "tests/image_recipe.py"), "--input", str(rows), "--output", str(out), "--contact",
        "tests@example.org", "--timeout", str(SECONDS), "--max-bytes", str(BYTES), "--shard-rows", "10",
        "--allow-host", *server.hosts, server.closed, *flags,
    ]  # fmt: skip


def ended(out: Path) -> dict[str, tuple[str, str]]:
    """How the rows of a build ended, by URL: the class planted, and the one found."""
    found = {}
    for path in (out / "stages").glob("01-fetch/*.parquet"):
        for row in pq.read_table(path, columns=["image_url", "code"]).to_pylist():
            found[row["image_url"]] = (row["code"], "success")
    for path in (out / "rejected").glob("*.parquet"):
        for item in pq.read_table(path).to_pylist():
            row = json.loads(item["row"])
            found[row["image_url"]] = (row["code"], item["filter"].removesuffix("_v1"))
    for path in (out / "failed").glob("*.parquet"):
        for item in pq.read_table(path).to_pylist():
            row = json.loads(item["row"])
            found[row["image_url"]] = (row["code"], item["error_class"])
    return found


def test_a_build_accounts_for_each(server: ImageServer, folder: Path, tmp_path: Path, cluster: str) -> None:
    planted = plant(folder, server.hosts, server.closed, 120)
    build = command(planted, tmp_path / "out", server, "--workers", "2")
    done = subprocess.run(build, env=environment(cluster), capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    found = ended(tmp_path / "out")
    assert len(found) == 120
    assert [pair for pair in found.values() if pair[0] != pair[1]] == []
    counts = json.loads((tmp_path / "out/build.json").read_text())["counts"]
    codes = Counter(one.code for one in planted)
    assert counts["rows_written"] == codes["success"]
    assert counts["rows_rejected"] == codes["robots_optout"]
    assert counts["rows_failed"] == 120 - codes["success"] - codes["robots_optout"]
    quarantined = {path.stem for path in (tmp_path / "out/quarantine").iterdir()}
    assert len(quarantined) == codes["sha256_mismatch"] == 1


@pytest.mark.long
def test_a_killed_worker_costs_no_image_twice_but_those_in_hand(
    server: ImageServer, folder: Path, tmp_path: Path, cluster: str
) -> None:
    planted = [
        Planted(key, "slow", f"http://{server.hosts[0]}/slow/{key}/good-{key % 3:03d}-plain.jpg", "success", "", "")
        for key in range(50)
    ]
    out = tmp_path / "out"
    build = command(planted, out, server, "--workers", "1", "--concurrent", "4")
    process = subprocess.Popen(build, env=environment(cluster), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not (finished := sorted(out.glob("stages/01-fetch/ledger/*.json"))):
        assert process.poll() is None
        time.sleep(0.05)
    os.kill(int(json.loads(finished[0].read_text())["worker"].rpartition(":")[2]), signal.SIGKILL)
    assert process.wait(120) == 0
    assert len(ended(out)) == 50
    asked = server.asked()
    assert len(asked) == 50
    assert 0 < sum(asked.values()) - 50 <= 2 * 10, "a worker has two shards of ten rows in hand"
