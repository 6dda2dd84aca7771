"""A translator that writes down every unit it translates, to count what a crash costs. `--model` is its log."""

import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path

from translators import Translation, Unit


class Counting:
    name, revision, together, source, warning = "counting", "1", False, "en", None

    def __init__(self, log: str, target: str) -> None:
        self.log = Path(log)
        self.settings = {"target": target}

    def translate(self, units: Sequence[Unit]) -> list[Translation]:
        time.sleep(0.05)
        self._kill_the_driver_if_told_to()
        with self.log.open("a") as log:
            log.write("".join(f"{os.getpid()}\t{unit.kind}\t{unit.texts[0]}\n" for unit in units))
        return [Translation(tuple(map(_turned, unit.texts)), -0.25) for unit in units]

    def _kill_the_driver_if_told_to(self) -> None:
        """`kill-at` beside the log holds how many units may be translated first, and the driver's number.

        Before that nobody goes on any more (`killed` is there), and what was translated has the time to be remembered.
        """
        order, done = self.log.with_name("kill-at"), self.log.with_name("killed")
        if (
            order.exists()
            and self.log.exists()
            and self.log.read_text().count("\n") >= int(order.read_text().split()[0])
        ):
            driver = int(order.read_text().split()[1])
            order.rename(done)
            time.sleep(1.5)
            os.kill(driver, signal.SIGKILL)
        if done.exists():
            time.sleep(1000)

    def count_tokens(self, units: Sequence[Unit]) -> int:
        return sum(len(text.split()) for unit in units for text in unit.texts)


def _turned(text: str) -> str:
    """Every word backwards; numbers and punctuation stay, so that the filters are content."""
    return "così " + " ".join(word[::-1] if word.isalpha() else word for word in text.split(" "))


def make(model: str, target: str) -> Counting:
    return Counting(model, target)
