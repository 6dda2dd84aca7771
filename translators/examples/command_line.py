"""A translator of your own, complete: any program that reads a text a line and writes its translation a line.

    python -m translators translate --to es --translator translators.examples.command_line:make_translator \\
        --model "apertium eng-spa" "A cat sleeps."

Copy it and change `translate`. The texts arrive without placeholders, sentence by sentence, each distinct one
once; what comes back is remembered under `name`, `revision` and `settings`, so whatever changes the program's
output must change one of these.
"""

import hashlib
import shlex
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from translators import Translation, Translator, TranslatorError, Unit

DEADLINE_SECONDS = 600


class CommandTranslator:
    """Pipes sentences through a command. `translate` shares nothing between calls, so threads may call it at once."""

    together = False
    source = "en"
    warning: str | None = None

    def __init__(self, command: str, target: str) -> None:
        self._command = shlex.split(command)
        program = shutil.which(self._command[0]) if self._command else None
        if program is None:
            raise TranslatorError(f"--model {command!r}: no such program; it is the command that translates")
        self.name = command
        self.revision = hashlib.sha256(Path(program).read_bytes()).hexdigest()[:12]
        self.settings: Mapping[str, str] = {"source": self.source, "target": target}

    def translate(self, units: Sequence[Unit]) -> list[Translation]:
        lines = "".join(f"{unit.texts[0]}\n" for unit in units)
        try:
            ran = subprocess.run(self._command, input=lines.encode(), capture_output=True, timeout=DEADLINE_SECONDS)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise TranslatorError(f"{self.name}: {error}") from error
        made = ran.stdout.decode(errors="replace").removesuffix("\n").split("\n")
        if ran.returncode or len(made) != len(units):
            raise TranslatorError(
                f"{self.name}: exit status {ran.returncode} and {len(made)} lines for {len(units)} sentences: "
                + ran.stderr.decode(errors="replace")[-500:]
            )
        return [Translation((line,)) if line.strip() else Translation((), error="an empty line") for line in made]

    def count_tokens(self, units: Sequence[Unit]) -> int:
        return sum(len(text.split()) for unit in units for text in unit.texts)


def make_translator(model: str, target: str) -> Translator:
    """What `--translator` names: a function of `--model` and the target language."""
    return CommandTranslator(model, target)
