"""A few-shot translator on vLLM that logs what is asked, and which process: a `--translator` factory.

vLLM runs as on a GPU, its engine in a process of its own below the worker's.
"""

import os
import time
from collections.abc import Sequence
from pathlib import Path

from translators import Translation, Unit, load_translator
from translators.fewshot.translator import FewShotTranslator


class Watched(FewShotTranslator):
    """Appends a line for every unit of a call before it is asked, and takes its time."""

    log: Path

    def translate(self, units: Sequence[Unit]) -> list[Translation]:
        with self.log.open("a") as file:
            file.writelines(f"{os.getpid()}\t{' | '.join(unit.texts)}\n" for unit in units)
        time.sleep(0.5)
        return super().translate(units)


def make(model: str, target: str) -> FewShotTranslator:
    """Of the checkpoint in the folder `model`; the log is `asked.log` beside it."""
    os.environ["VLLM_ENABLE_V1_MULTIPROCESSING"] = "1"
    made = load_translator(model, target, prompt="generic")
    assert isinstance(made, FewShotTranslator)
    made.__class__ = Watched
    assert isinstance(made, Watched)
    made.log = Path(model).with_name("asked.log")
    return made
