"""The stage around the downloads, on a real Ray: images in, each loss by name, and one class of losses tried again."""

import asyncio
import hashlib
import io
import json
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from upath import UPath

from builders.engine import Build, StageError
from builders.engine.files import write_table
from builders.stages.fetch import Fetch
from builders.stages.packs import Member, Pack, read_member, read_packed, sweep_packs
from tests.conftest import ROOT, Ran, environment
from tests.fetching import Config, Reader
from tests.nasty_server import PICTURE, Server, good, hang, robots, said

DIGEST = hashlib.sha256(PICTURE).hexdigest()


@pytest.fixture
def server() -> Iterator[Server]:
    """A server in a thread of its own; `sleepy` hangs until it is told otherwise."""
    server = Server(good=good, sleepy=hang, page=said(200, body=b"<html>"), robots=robots, kept=good)
    ready, ended = threading.Event(), threading.Event()

    async def serve() -> None:
        async with server.running():
            ready.set()
            await asyncio.to_thread(ended.wait)

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    assert ready.wait(20)
    yield server
    ended.set()
    thread.join()


class Recipe:
    """The recipe `tests/fetching.py` over rows of one server."""

    def __init__(self, folder: Path, address: str, server: Server) -> None:
        self.folder, self.address, self.server = folder, address, server
        self.out = folder / "out"

    def write(self, **rows: dict[str, Any]) -> None:
        lines = [
            json.dumps({"name": name, **row, "url": row["url"] and row["url"].replace("HOST", self.server.host)})
            for name, row in rows.items()
        ]
        (self.folder / "rows.jsonl").write_text("\n".join(lines) + "\n")

    def run(self, *flags: str) -> Ran:
        ran = subprocess.run(
            [
                sys.executable, str(ROOT / "tests" / "fetching.py"), "--input", str(self.folder / "rows.jsonl"),
                "--output", str(self.out), "--allow-host", self.server.host, "--workers", "1", "--timeout", "5",
                "--retries", "0", *flags,
            ],
            env=environment(self.address), capture_output=True, text=True, timeout=200, check=False,
        )  # fmt: skip
        return Ran(ran.returncode, ran.stdout + ran.stderr)

    def rows(self, folder: str) -> dict[str, dict[str, Any]]:
        """The rows of a folder of the build by their names."""
        found = [row for path in (self.out / folder).rglob("*.parquet") for row in pq.read_table(path).to_pylist()]
        return {(json.loads(row["row"]) if "row" in row else row)["name"]: row for row in found}

    def fetched(self) -> dict[str, dict[str, Any]]:
        (folder,) = (path.name for path in (self.out / "stages").iterdir() if path.name.endswith("fetch"))
        return self.rows(f"stages/{folder}")


@pytest.fixture
def recipe(tmp_path: Path, cluster: str, server: Server) -> Recipe:
    return Recipe(tmp_path, cluster, server)


def test_images_come_in_losses_go_by_name_and_one_class_is_tried_again(recipe: Recipe) -> None:
    recipe.write(
        right={"url": "http://HOST/good/1", "sha256": DIGEST},
        unsaid={"url": "http://HOST/good/2"},
        wrong={"url": "http://HOST/good/3", "sha256": "0" * 64},
        gone={"url": "http://HOST/gone"},
        slow={"url": "http://HOST/sleepy/1"},
        page={"url": "http://HOST/page"},
        private={"url": "http://10.0.0.1/a.jpg"},
        kept={"url": "http://HOST/kept/1"},
        none={"url": None},
    )
    ran = recipe.run("--contact", "me@example.org")
    assert ran.status == 0, ran.text

    fetched = recipe.fetched()
    assert set(fetched) == {"right", "unsaid", "none"}
    for name in ("right", "unsaid"):
        row = fetched[name]
        assert read_member(UPath(recipe.out), row["image_file"]) == Member(f"{row['id']}.jpg", PICTURE)
        assert row["image_sha256"] == DIGEST
    assert (fetched["none"]["image_file"], fetched["none"]["image_sha256"]) == (None, None)

    failed = recipe.rows("failed")
    assert {name: row["error_class"] for name, row in failed.items()} == {
        "wrong": "sha256_mismatch", "gone": "http_404", "slow": "timeout", "page": "html", "private": "blocked",
    }  # fmt: skip
    assert all(json.loads(row["row"])["image_url"] in row["message"] for row in failed.values())
    assert f"quarantine/{DIGEST}.jpg" in failed["wrong"]["message"]
    assert (recipe.out / "quarantine" / f"{DIGEST}.jpg").read_bytes() == PICTURE
    assert [(name, row["filter"]) for name, row in recipe.rows("rejected").items()] == [("kept", "robots_optout_v1")]

    before = Counter(recipe.server.asked)
    recipe.server.answers["sleepy"] = good
    again = recipe.run("--contact", "me@example.org", "--retry-failed", "timeout")
    assert again.status == 0, again.text
    asked = {path for path, times in (recipe.server.asked - before).items() if path != "/robots.txt"}
    assert asked == {"/sleepy/1"}
    assert set(recipe.rows("failed")) == {"wrong", "gone", "page", "private"}
    assert all(
        read_packed(UPath(recipe.out), row["image_file"]) == PICTURE
        for name, row in recipe.fetched().items()
        if name != "none"
    )
    assert len(list((recipe.out / "images").iterdir())) == 2, "of the first run and of the second"


def test_wrong_flags_are_said_in_one_line_each() -> None:
    config = Config(resize="256", max_pixels=999_999_999)
    stage = Fetch(Reader.schema, config)
    problems = stage.preflight(Build("test", config, [stage]))
    assert [problem.partition(": ")[0] for problem in problems] == ["--contact", "--resize", "--max-pixels 999999999"]
    assert not any("\n" in problem for problem in problems)


def row(id: str, url: Any) -> dict[str, Any]:
    return {"id": id, "split": "", "name": "", "image_url": url, "image_sha256": None, "image_file": None}


def opened(server: Server, tmp_path: Path, **flags: Any) -> Fetch:
    """The stage alone, as a worker has it."""
    config = Config(contact="me@example.org", allow_host=(server.host,), timeout=5.0, output=str(tmp_path), **flags)
    stage = Fetch(Reader.schema, config)
    stage.start(Build("test", config, [stage]))
    stage.open()
    return stage


def test_connections_outlast_a_shard_and_two_shards_may_run_at_once(server: Server, tmp_path: Path) -> None:
    stage = opened(server, tmp_path, concurrent=2, per_host=2)
    shards = [[row(f"{shard}-{n}", f"{server.url}/good/{n}") for n in range(20)] for shard in range(4)]
    outcomes = [stage.process(shards[0]), stage.process(shards[1])]
    found: list[Any] = []
    threads = [threading.Thread(target=lambda rows=rows: found.append(stage.process(rows))) for rows in shards[2:]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    outcomes += found
    stage.close()
    assert sorted(row["id"] for outcome in outcomes for row in outcome.written) == sorted(
        row["id"] for rows in shards for row in rows
    )
    counters = sum((outcome.counters for outcome in outcomes), Counter())
    assert counters["outcome/success"] == 80
    assert counters["bytes"] == 80 * len(PICTURE)
    assert counters["requests"] == 81, "robots.txt once"
    assert server.connections <= 3
    packs = [path.name for path in (tmp_path / "images").iterdir()]
    assert len(packs) == 4
    for outcome in outcomes:
        (its,) = {row["image_file"].partition(":")[0] for row in outcome.written}
        listed = subprocess.run(["tar", "tf", tmp_path / its], capture_output=True, text=True, check=True)
        assert sorted(listed.stdout.split()) == sorted(f"{row['id']}.jpg" for row in outcome.written)
        assert listed.stderr == ""


def test_a_url_of_several_rows_is_asked_for_once_and_rows_with_an_image_keep_it(server: Server, tmp_path: Path) -> None:
    stage = opened(server, tmp_path)
    url = f"{server.url}/good"
    has = row("has", url) | {"image_file": "/images/a.jpg"}
    rows = [row("a", url), row("b", url), row("c", url) | {"image_sha256": "0" * 64}, has, row("d", f"{url}/2")]
    outcome = stage.process(rows)
    stage.close()
    assert [(each.id, each.error_class) for each in outcome.failed] == [("c", "sha256_mismatch")]
    written = {row["id"]: row["image_file"] for row in outcome.written}
    assert set(written) == {"a", "b", "d", "has"}
    assert written["a"] == written["b"] != written["d"]
    assert written["has"] == "/images/a.jpg"
    assert outcome.counters["outcome/success"] == 3
    assert Counter(server.asked)["/good"] == 2


def test_packs_to_which_no_row_refers_are_removed(server: Server, tmp_path: Path) -> None:
    stage, root = opened(server, tmp_path), UPath(tmp_path)
    rows = stage.process([row("a", f"{server.url}/good"), row("b", None)]).written
    stage.process([row("a", f"{server.url}/good")])
    stage.close()
    with Pack(root, "other") as pack:
        pack.add("a", b"")
    assert len(list((tmp_path / "images").iterdir())) == 3
    file = write_table(root, "rows.parquet", pa.Table.from_pylist(rows, Reader.schema))
    sweep_packs(root, stage.name, [file])
    left = {f"images/{path.name}" for path in (tmp_path / "images").iterdir()}
    assert left == {rows[1]["image_file"].partition(":")[0], f"images/{pack.path.name}"}


def test_a_pack_that_cannot_be_written_stops_the_build_and_costs_no_row(server: Server, tmp_path: Path) -> None:
    (tmp_path / "images").write_text("in the way")
    stage = opened(server, tmp_path)
    with pytest.raises(StageError, match=r"images/fetch-\w+.tar cannot be written"):
        stage.process([row("a", f"{server.url}/good"), row("b", f"{server.url}/good/1")])
    stage.close()


def test_resized_images_are_what_the_dataset_gets(server: Server, tmp_path: Path) -> None:
    stage = opened(server, tmp_path, resize="shortest:45")
    rows = [row("a", f"{server.url}/good"), row("b", f"{server.url}/good/1") | {"image_sha256": DIGEST}]
    made = stage.process(rows).written
    stage.close()
    data = read_packed(UPath(tmp_path), made[0]["image_file"])
    with Image.open(io.BytesIO(data)) as image:
        assert image.size == (60, 45)
    said = {row["id"]: row["image_sha256"] for row in made}
    assert said == {"a": hashlib.sha256(data).hexdigest(), "b": DIGEST}, "of what is stored, unless the source said it"


def test_a_worker_whose_shard_is_over_leaves_no_thread(server: Server, tmp_path: Path) -> None:
    stage = opened(server, tmp_path)
    stage.process([row("a", f"{server.url}/good")])
    stage.close()
    for thread in threading.enumerate():
        if thread.name == "downloads":
            thread.join(20)
    assert "downloads" not in {thread.name for thread in threading.enumerate()}
