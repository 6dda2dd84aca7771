"""What bucketing by length and the backend are worth: the demo model over texts of very different lengths.

    python benchmarks/batching.py [--texts 600] [--rounds 3]

Same model and texts, one thread. The peer takes the texts as they come, in batches of 32, as many loops in the wild
do. Seconds are of the processor, so that another program on the machine matters less.
"""

import argparse
import random
import statistics
import time
from collections.abc import Iterator, Sequence

import torch

from translators.demo.grammar import generate
from translators.seq2seq import BUCKET_TOKENS, DemoTranslator


class InDatasetOrder(DemoTranslator):
    """The peer: batches of 32 as the texts come, each padded to its longest."""

    def _rows(self, length: int) -> int:
        return 32

    def _buckets(self, lengths: Sequence[int]) -> Iterator[tuple[int, list[int]]]:
        for start in range(0, len(lengths), 32):
            members = list(range(start, min(start + 32, len(lengths))))
            longest = max(lengths[index] for index in members)
            yield -(-longest // BUCKET_TOKENS) * BUCKET_TOKENS, members


def seconds(translator: DemoTranslator, texts: list[str]) -> float:
    began = time.process_time()
    translator.translate_texts(texts)
    return time.process_time() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=int, default=600)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    chance = random.Random(0)
    texts = list(dict.fromkeys(generate(chance).source for _ in range(arguments.texts)))
    # One text in ten is a paragraph, as in captions and dialogue.
    texts = [" ".join([text] * 8) if chance.random() < 0.1 else text for text in texts]
    peer = InDatasetOrder("it")
    ways = {
        "transformers_float32": DemoTranslator("it"),
        "ctranslate2_float32": DemoTranslator("it", backend="ctranslate2", precision="float32"),
        "ctranslate2_int8": DemoTranslator("it", backend="ctranslate2", precision="int8"),
    }
    faster: dict[str, list[float]] = {name: [] for name in ways}
    print(f"{'':24}{'texts/CPU s':>12}{'padded/real':>13}")
    for turn in range(arguments.rounds + 1):
        ordered = seconds(peer, texts)
        lines = [("in dataset order", peer, ordered)]
        for name, ours in ways.items():
            taken = seconds(ours, texts)
            lines.append((name, ours, taken))
            faster[name] += [ordered / taken] if turn else []
        for name, translator, taken in lines:
            cost = translator.take_counters()
            if turn:
                waste = cost["padded_tokens"] / cost["real_tokens"]
                print(f"{name:24}{len(texts) / taken:12.1f}{waste:13.2f}")
    for name, ratios in faster.items():
        print(f"RATIO {name}_over_dataset_order {statistics.median(ratios):.3f} {min(ratios):.3f} {max(ratios):.3f}")


if __name__ == "__main__":
    main()
