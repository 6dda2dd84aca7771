"""Tasks for lmms-eval, beside the dataset that they are about.

They name no repository and no path: the dataset is the folder above them, wherever somebody has put it. So the same
files serve a build, a copy and a download, and a manifest can hold their digests.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from string import Template

from cards.columns import image_column
from cards.dataset import Part, Shard

FOLDER = "lmms_eval"
_TASKS = Path(__file__).with_name("lmms_eval_tasks")
# Prompts by hand: the English ones are those of lmms-eval, the Basque ones are ours, since no paper gives any.
_WORDS = {
    "en": {
        "vqa": "vqa_english",
        "short": "\nAnswer the question using a single word or phrase.",
        "yes_no_prompt": "\nAnswer the question with yes or no.",
        "yes_no": ["yes", "no"],
    },
    "eu": {
        "vqa": "vqa",
        "short": "\nErantzun galderari hitz bakar bat edo esaldi labur bat erabiliz.",
        "yes_no_prompt": "\nErantzun galderari bai edo ez esanez.",
        "yes_no": ["bai", "ez"],
    },
}


def lmms_eval_tasks(benchmark: str, name: str, shards: Sequence[Shard], splits: Sequence[Part]) -> dict[str, bytes]:
    """The files of `dataset/lmms_eval`, by name: a task for each language and split, and one for all of them together.

    `benchmark` is one of `cards/lmms_eval_tasks`, `name` what the tasks are called; configurations are languages. None
    are made where no images are embedded, nor for a language that there are no prompts in. Raises ValueError for an
    unknown benchmark.
    """
    template = _TASKS / f"{benchmark}.yaml"
    if not template.is_file():
        known = sorted(path.stem for path in _TASKS.glob("*.yaml"))
        raise ValueError(f"Card.lmms_eval is {benchmark!r}, expected one of {', '.join(known)}")
    asked = [part for part in splits if part.config in _WORDS]
    if not asked or image_column(shards) != "image":
        return {}
    several = len({part.split for part in asked}) > 1
    files = {"utils.py": (_TASKS / "utils.py").read_bytes()}
    for part in asked:
        task = f"{name}_{part.config}" + (f"_{part.split}" if several else "")
        given = {key: json.dumps(value) if key != "vqa" else value for key, value in _WORDS[part.config].items()}
        text = Template(template.read_text(encoding="utf-8"))
        files[f"{task}.yaml"] = text.substitute(given, task=task, config=part.config, split=part.split).encode()
    tasks = "".join(f"  - {file.removesuffix('.yaml')}\n" for file in sorted(files) if file.endswith(".yaml"))
    return files | {f"{name}.yaml": f"group: {name}\ntask:\n{tasks}".encode()}
