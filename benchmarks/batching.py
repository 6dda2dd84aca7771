"""What bucketing by length is worth: the demo model over captions, questions and answers of very different lengths.

    python benchmarks/batching.py [--texts 600] [--rounds 3]

Same model, same token budget, one thread; the peer takes the texts as they come, as many loops in the wild do.
"""

import argparse
import random
import statistics
import time

import torch

from translators.demo.grammar import generate
from translators.seq2seq import BUCKET_TOKENS, DemoTranslator


class InDatasetOrder(DemoTranslator):
    """The peer: batches of 32 as the texts come, each padded to its longest."""

    def batch_rows(self, length: int) -> int:
        return 32

    def _batches(self, ids):  # type: ignore[no-untyped-def]
        order = list(ids)
        for start in range(0, len(order), 32):
            batch = order[start : start + 32]
            longest = max(len(ids[index]) for index in batch)
            yield -(-longest // BUCKET_TOKENS) * BUCKET_TOKENS, batch


def padded_over_real(translator: DemoTranslator, texts: list[str]) -> float:
    """Tokens that the model sees over tokens that there are."""
    ids = {index: translator.encode(text) for index, text in enumerate(texts)}
    seen = sum(length * translator.batch_rows(length) for length, _ in translator._batches(ids))
    return seen / sum(map(len, ids.values()))


def seconds(translator: DemoTranslator, texts: list[str]) -> float:
    began = time.perf_counter()
    translator.translate_texts(texts)
    return time.perf_counter() - began


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
    ours, peer = DemoTranslator("it"), InDatasetOrder("it")
    faster = []
    for turn in range(arguments.rounds + 1):
        bucketed, ordered = seconds(ours, texts), seconds(peer, texts)
        if turn:
            faster.append(ordered / bucketed)
            print(
                f"round {turn}: bucketed {len(texts) / bucketed:.1f} texts/s, "
                f"in dataset order {len(texts) / ordered:.1f}"
            )
    waste = padded_over_real(ours, texts), padded_over_real(peer, texts)
    print(f"padded/real tokens: bucketed {waste[0]:.2f}, in dataset order {waste[1]:.2f}")
    print(
        f"RATIO bucketed_speed_over_dataset_order {statistics.median(faster):.3f} {min(faster):.3f} {max(faster):.3f}"
    )


if __name__ == "__main__":
    main()
