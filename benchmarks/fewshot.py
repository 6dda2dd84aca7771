"""What a pool keeps of vLLM's speed: generated tokens a second through a build, over bare vLLM on the same prompts.

    python benchmarks/fewshot.py [--texts 2000] [--rounds 3]

A Llama of 26 M parameters that talks at random and comes to an end, in the manner of few-shot translation: one prompt
for all, answers as JSON bound to a schema, 64 at a time. The bare engine gets the chats that the pool asks, all at
once, in one process without Ray, memory, files or validation; both tokenise them. The pool's time runs from the
moment its worker is ready to its last shard.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import ray

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
PATHS = os.pathsep.join((str(ROOT), str(ROOT / "benchmarks")))


def pool(model: Path, source: Path, folder: Path, address: str) -> tuple[float, int]:
    """Seconds of a build from its worker's start to its last shard, and the tokens that it generated."""
    out, clock = folder / "out", folder / f"{time.time()}.clock"
    shutil.rmtree(out, ignore_errors=True)
    command = [
        sys.executable, str(ROOT / "benchmarks/captions.py"), "--input", str(source), "--output", str(out),
        "--model", str(model), "--prompt", "generic", "--workers", "1", "--shard-rows", "500", "--clock", str(clock),
    ]  # fmt: skip
    subprocess.run(
        command, env=os.environ | {"RAY_ADDRESS": address, "PYTHONPATH": PATHS}, check=True, capture_output=True
    )
    (stage,) = (item for item in json.loads((out / "build.json").read_text())["stages"] if item["name"] == "translate")
    times = [float(line) for line in clock.read_text().split()]
    return times[-1] - times[0], stage["counters"]["answer_tokens"]


def bare(model: Path, source: Path) -> tuple[float, int]:
    """Seconds and generated tokens of vLLM alone, in a process of its own."""
    command = [sys.executable, __file__, "--bare", str(model), "--source", str(source)]
    ran = subprocess.run(command, env=os.environ | {"PYTHONPATH": PATHS}, check=True, capture_output=True, text=True)
    seconds, tokens = ran.stdout.splitlines()[-1].split()
    return float(seconds), int(tokens)


def answer_bare(model: str, source: str) -> None:
    """In that process: the translator's own requests, straight to vLLM."""
    from concurrent.futures import Future

    from translators import Unit, load_translator
    from translators.fewshot.engine import Answer, Request
    from translators.fewshot.vllm_engine import _sampling

    translator = load_translator(model, "it", prompt="generic")
    engine = translator._engine  # type: ignore[attr-defined]
    requests: list[Request] = []

    def collect(request: Request) -> "Future[Answer]":
        requests.append(request)
        future: Future[Answer] = Future()
        future.set_result(Answer('{"texts": ["una cosa"]}', "stop"))
        return future

    engine.load = lambda: None
    engine.submit = collect
    lines = Path(source).read_text().splitlines()
    translator.translate([Unit("caption", (json.loads(line)["text"],)) for line in lines])
    llm = engine._start()
    for turn, some in enumerate((requests[:20], requests)):  # the first few warm up
        began, tokens = time.perf_counter(), 0
        for name, request in enumerate(some):
            prompt = {"prompt_token_ids": engine._model.encode(request.messages)}
            llm.add_request(f"{turn}-{name}", prompt, _sampling(request))
        while llm.has_unfinished_requests():
            tokens += sum(len(output.outputs[0].token_ids) for output in llm.step())
    print(time.perf_counter() - began, tokens)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--bare", help=argparse.SUPPRESS)
    parser.add_argument("--source", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    if arguments.bare:
        answer_bare(arguments.bare, arguments.source)
        return
    from tests.babbling_llama import make_babbling_llama

    folder = Path(tempfile.mkdtemp(prefix="babelvision-benchmark-"))
    source = folder / "texts.jsonl"
    source.write_text(
        "".join(json.dumps({"text": f"A red cup and {n} blue ones."}) + "\n" for n in range(arguments.texts))
    )
    model = make_babbling_llama(folder / "llama", layers=8, width=2048)
    ray.init(num_cpus=1, include_dashboard=False, log_to_driver=False, logging_level="WARNING")
    ratios = []
    for turn in range(arguments.rounds):
        limit, tokens = bare(model, source)
        seconds, made = pool(model, source, folder, ray.get_runtime_context().gcs_address)
        ratios.append(made / seconds / (tokens / limit))
        print(f"round {turn + 1}: bare vLLM {tokens / limit:,.0f} tokens/s, pool {made / seconds:,.0f}", flush=True)
    shutil.rmtree(folder)
    print(f"RATIO fewshot-vs-bare {statistics.median(ratios):.3f} {min(ratios):.3f} {max(ratios):.3f}")


if __name__ == "__main__":
    main()
