"""The text of a dataset that people wrote: instructions, guide strings and the glossary of closed labels.

One YAML file a language (`builders/instructions/it.yaml`), so that the next language is one file. It is checked
as a whole when it is loaded: every task has its instructions, and they use the fields that the task has.
"""

import random
import string
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from builders.sources.multiinstruct_tasks import TASKS, Task

FOLDER = Path(__file__).parents[1] / "instructions"
AT_LEAST = 5
OPTIONAL_FIELDS = {"wikihow_next_step": ("text", "steps")}


@dataclass(frozen=True)
class Instructions:
    """What was written by hand for one language."""

    language: str
    guides: Mapping[str, str]
    options: str
    empty: Mapping[str, str]
    glossary: Mapping[str, Mapping[str, str]]
    tasks: Mapping[str, tuple[str, ...]]

    def choose(self, task: str, chance: random.Random) -> str:
        """One of a task's instructions, with its fields still open."""
        return chance.choice(self.tasks[task])

    def label(self, task: str, text: str) -> str | None:
        """A closed label in this language, capitalised as the original is; None when it is not in the glossary."""
        plain = text.strip()
        known = self.glossary.get(task, {}).get(plain.lower()) or self.glossary["common"].get(plain.lower())
        if known is None:
            return None
        return known[0].upper() + known[1:] if plain[:1].isupper() else known

    def labels(self, task: str) -> list[str]:
        """The labels a task's glossary knows."""
        return [*self.glossary.get(task, {}), *self.glossary["common"]]


def load_instructions(language: str) -> Instructions:
    """Read a language's file. Raises `ValueError` naming everything that is wrong in it."""
    path = FOLDER / f"{language}.yaml"
    if not path.is_file():
        known = sorted(file.stem for file in FOLDER.glob("??.yaml"))
        raise ValueError(f"no instructions for {language!r}; there are {', '.join(known)} in {FOLDER}")
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    made = Instructions(
        language=data["language"],
        guides=data["guides"],
        options=data["options"],
        empty=data["empty"],
        glossary={
            section: {str(key).lower(): str(value) for key, value in labels.items()}
            for section, labels in data["glossary"].items()
        },
        tasks={task: tuple(texts) for task, texts in data["tasks"].items()},
    )
    problems = [f"{path.name}: {problem}" for problem in _problems(made, TASKS.values())]
    if problems:
        raise ValueError("\n".join(problems))
    return made


def _problems(made: Instructions, tasks: Iterable[Task]) -> list[str]:
    problems = []
    for task in tasks:
        texts = made.tasks.get(task.name, ())
        if len(set(texts)) < AT_LEAST:
            problems.append(f"{task.name} has {len(set(texts))} instructions, and needs {AT_LEAST}")
        optional = OPTIONAL_FIELDS.get(task.name, ())
        for text in texts:
            used = {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}
            for name in sorted(used - set(task.fields)):
                problems.append(f"{task.name}: {text!r} uses {{{name}}}, which the task does not have")
            for name in sorted(set(task.fields) - used - set(optional)):
                problems.append(f"{task.name}: {text!r} does not use {{{name}}}")
    problems += [f"unknown task {name}" for name in made.tasks if name not in TASKS]
    problems += [f"guide {name} is missing" for name in ("number", "letter", "box", "text") if name not in made.guides]
    return problems
