"""What a pool of translators is worth: against the loop a user would write, and against the bare backend.

    python benchmarks/translation.py [--texts 600] [--rounds 3]

One model for all (`random_t5.py`: 40 M parameters, random weights, as many tokens out as in), one CPU for all,
texts of the lengths of VQA and captions. The loops are `datasets.map` with transformers, a row at a time and in
batches of 32 in dataset order, over a random part of the texts. The bare backend is CTranslate2 on distinct
texts, sorted into buckets of like length, without Ray, memory or files. The pool is a build: its time runs from
the moment its worker is ready to its last shard. With duplicates, half of the texts are repeats.
"""

import argparse
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ray
import torch
from datasets import Dataset, disable_progress_bars
from random_t5 import capped, make_checkpoint
from transformers import T5ForConditionalGeneration

from translators.backends import Batch
from translators.demo.grammar import generate
from translators.seq2seq import BUCKET_TOKENS, DemoTranslator

ROOT = Path(__file__).resolve().parents[1]
LOOP_TEXTS, BATCHED_TEXTS = 48, 96


def vqa_like(count: int, seed: int = 0) -> list[str]:
    """Distinct texts of one sentence: six in ten of 5 to 12 words, three of up to 35, one of up to 150."""
    chance = random.Random(seed)
    texts: dict[str, None] = {}
    while len(texts) < count:
        longest = chance.choices((12, 35, 150), (6, 3, 1))[0]
        words: list[str] = []
        while len(words) < chance.randint(longest // 3, longest):
            words += generate(chance).source.rstrip(".?!").split()
        texts[" ".join(words[:longest])] = None
    return list(texts)


def loop(model: T5ForConditionalGeneration, encode: Callable[[str], list[int]], texts: list[str], rows: int) -> float:
    """Source tokens a second of `datasets.map` over batches of `rows` in dataset order."""

    def translate(batch: dict[str, list[str]]) -> dict[str, list[Any]]:
        ids = [encode(text) for text in batch["text"]]
        longest = max(map(len, ids))
        padded = torch.tensor([row + [1] * (longest - len(row)) for row in ids])
        with torch.inference_mode():
            made = model.generate(padded, attention_mask=(padded != 1).long(), max_new_tokens=longest, num_beams=1)
        return {"translation": made.tolist()}

    data = Dataset.from_dict({"text": texts})
    began = time.perf_counter()
    data.map(translate, batched=True, batch_size=rows, load_from_cache_file=False)
    return sum(len(encode(text)) for text in texts) / (time.perf_counter() - began)


def bare(translator: Any, texts: list[str]) -> float:
    """Seconds of the backend alone over distinct texts, presorted."""
    began = time.perf_counter()
    buckets: dict[int, list[list[int]]] = {}
    for ids in map(translator._vocabulary.encode, set(texts)):
        buckets.setdefault(-(-len(ids) // BUCKET_TOKENS) * BUCKET_TOKENS, []).append(ids)
    for length, ids in sorted(buckets.items(), reverse=True):
        rows = max(8, translator.batch_tokens // length)
        for start in range(0, len(ids), rows):
            batch = ids[start : start + rows]
            translator._backend.generate(Batch(batch, length, rows, length, [0] * len(batch)))
    return time.perf_counter() - began


def pool(model: Path, texts: list[str], folder: Path, address: str, factory: str, memory: str = "") -> float:
    """Seconds from the worker's start to its last shard, of a build over texts."""
    source, clock = folder / "texts.jsonl", folder / f"{time.time()}.clock"
    source.write_text("".join(json.dumps({"text": text, "n": n}) + "\n" for n, text in enumerate(texts)))
    out = folder / "out"
    shutil.rmtree(out, ignore_errors=True)
    command = [
        sys.executable, str(ROOT / "benchmarks/captions.py"), "--input", str(source), "--output", str(out),
        "--model", str(model), "--translator", f"random_t5:{factory}", "--workers", "1", "--clock", str(clock),
        *(("--memory", memory) if memory else ()),
    ]  # fmt: skip
    paths = os.pathsep.join((str(ROOT), str(ROOT / "benchmarks")))
    subprocess.run(
        command, env=os.environ | {"RAY_ADDRESS": address, "PYTHONPATH": paths}, check=True, capture_output=True
    )
    counts = json.loads((out / "build.json").read_text())["counts"]
    assert counts["rows_written"] == len(texts), counts
    times = [float(line) for line in clock.read_text().split()]
    return times[-1] - times[0]


def ratio(name: str, values: list[float]) -> None:
    print(f"RATIO {name} {statistics.median(values):.3f} {min(values):.3f} {max(values):.3f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=int, default=600)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    torch.set_num_threads(1)
    disable_progress_bars()
    folder = Path(tempfile.mkdtemp(prefix="babelvision-benchmark-"))
    os.environ["BABELVISION_CACHE"] = str(folder / "cache")
    make_checkpoint(folder / "model", DemoTranslator("it")._words._tokeniser.get_piece_size())
    translator: Any = capped(str(folder / "model"), "it")
    translator.load()
    encode = translator._vocabulary.encode
    model = T5ForConditionalGeneration.from_pretrained(folder / "model").eval()
    parameters = sum(weight.numel() for weight in model.parameters())
    texts = vqa_like(arguments.texts)
    tokens = sum(len(encode(text)) for text in texts)
    print(f"{len(texts):,} distinct texts, {tokens:,} tokens; {parameters / 1e6:.1f} M parameters; one CPU each")
    ray.init(num_cpus=1, include_dashboard=False, log_to_driver=False, logging_level="WARNING")
    address = ray.get_runtime_context().gcs_address
    figures: dict[str, list[float]] = {}
    for turn in range(arguments.rounds):
        some = random.Random(turn).sample(texts, BATCHED_TEXTS)
        one, batched = loop(model, encode, some[:LOOP_TEXTS], 1), loop(model, encode, some, 32)
        limit = bare(translator, texts)
        seconds = pool(folder / "model", texts, folder, address, "capped")
        same = tokens / pool(folder / "model", texts[: len(texts) // 2], folder, address, "capped_transformers") / 2
        repeated = random.Random(turn).choices(texts[: len(texts) // 2], k=len(texts))
        again = tokens_of = sum(len(encode(text)) for text in repeated)
        bare_repeated = bare(translator, repeated)
        memory = str(folder / f"memory-{turn}.sqlite")
        first = pool(folder / "model", repeated, folder, address, "capped", memory)
        second = pool(folder / "model", repeated, folder, address, "capped", memory)
        print(
            f"round {turn + 1}, source tokens a second: loop of one row {one:,.0f}, batches of 32 {batched:,.0f}, pool "
            f"{tokens / seconds:,.0f} (on transformers {same:,.0f}), bare {tokens / limit:,.0f}; half of them repeats: "
            f"pool {tokens_of / first:,.0f}, bare on distinct {again / bare_repeated:,.0f}, pool with all in memory "
            f"{again / second:,.0f}",
            flush=True,
        )
        for name, value in (
            ("pool-vs-loop", tokens / seconds / one),
            ("pool-vs-loop-batched", tokens / seconds / batched),
            ("pool-on-transformers-vs-loop", same / one),
            ("pool-vs-bare", limit / seconds),
            ("pool-vs-loop-with-duplicates", tokens_of / first / one),
            ("pool-vs-bare-with-duplicates", bare_repeated / first),
            ("pool-from-memory-vs-first-time", first / second),
        ):
            figures.setdefault(name, []).append(value)
    shutil.rmtree(folder)
    for name, values in figures.items():
        ratio(name, values)


if __name__ == "__main__":
    main()
