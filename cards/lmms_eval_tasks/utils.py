"""How the tasks beside this file ask and score, for https://github.com/EvolvingLMMs-Lab/lmms-eval.

The dataset is the folder that holds the folder of this file: whoever downloads it whole evaluates with
`python -m lmms_eval --include_path FOLDER/lmms_eval --tasks TASK …`.

The score of VQAv2 is that of Goyal et al. (2017): an answer is right to the extent that three of the other nine people
gave it, averaged over ten sets of nine. `vqa_accuracy` asks for the same answer, as the official script does, and
`vqa_inclusion` for an output in which the words of the person's answer occur, one after the other and whole, as models
that do not answer in a word are scored in "Multimodal Large Language Models for Low-Resource Languages: A Case Study
for Basque", section 4.2.1. An inflected word is another word: "etxean" does not contain "etxe".
"""

import math
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

DATASET = str(Path(__file__).absolute().parent.parent)
YES, NO = frozenset({"yes", "bai"}), frozenset({"no", "ez"})

# The official script's: a mark goes, or leaves a space; a dot goes where no digit follows it.
_MARKS = ';/[]"{}()=+\\_-><@`,?!'
_COMMA_IN_NUMBER = re.compile(r"(?<=\d),+(?=\d)")
_DOT = re.compile(r"\.(?!\d)")

Doc = Mapping[str, Any]


def visual(doc: Doc) -> list[Any]:
    """The image of a row, in a list; none where it has none."""
    return [doc["image"].convert("RGB")] if doc["image"] else []


def question(doc: Doc, prompts: Mapping[str, str]) -> str:
    """The question with what is said after it."""
    return f"{prompts['pre_prompt']}{doc['question']}{prompts['post_prompt']}"


def instruction(doc: Doc) -> str:
    """The instruction as it is."""
    return str(doc["instruction"])


def with_answers(rows: Any) -> Any:
    """The rows that have answers: upstream keeps those of its test split to itself."""
    return rows.filter(bool, input_columns=["answers"])


def with_right_choice(rows: Any) -> Any:
    """The rows whose right option is known."""
    return rows.filter(lambda right: right is not None, input_columns=["correct_choice_idx"])


def yes_or_no(doc: Doc) -> int:
    """0 for a row that is answered with yes, 1 for no. Raises ValueError for another answer."""
    answer = " ".join(words(doc["answer"]))
    if answer not in YES | NO:
        raise ValueError(f"row {doc['id']}: the answer is {doc['answer']!r}, neither yes nor no")
    return int(answer in NO)


def right_choice(doc: Doc, results: Sequence[Any]) -> dict[str, float]:
    """1 where the likeliest option is the right one."""
    return {"acc": float(likeliest(results) == doc["correct_choice_idx"])}


def right_yes_or_no(doc: Doc, results: Sequence[Any]) -> dict[str, float]:
    """1 where the likelier of yes and no is the answer."""
    return {"acc": float(likeliest(results) == yes_or_no(doc))}


def likeliest(results: Sequence[Any]) -> int:
    """Which option has the smallest loss: that is what the models of lmms-eval give, a mean over the option's tokens.

    A result is (loss, whether it would have been generated). The evaluator of lmms-eval 0.7.3 hands it on as text, upon
    which its own score for options fails.
    """
    losses = [float(str(result).strip("()[] ").split(",")[0]) for result in results]
    return min(range(len(losses)), key=lambda place: math.inf if math.isnan(losses[place]) else losses[place])


def answered(doc: Doc, results: Sequence[str]) -> dict[str, float]:
    """1 for an output that is not empty."""
    return {"answered": float(bool(results[0].strip()))}


def vqa(doc: Doc, results: Sequence[str]) -> dict[str, float]:
    """The two scores of an output. In languages other than English no articles go and no number words become digits."""
    return _scores(doc, results[0], normal)


def vqa_english(doc: Doc, results: Sequence[str]) -> dict[str, float]:
    """The two scores of an output in English, brought into lmms-eval's own form for VQAv2."""
    processor = import_module("lmms_eval.tasks._task_utils.vqa_eval_metric").EvalAIAnswerProcessor()
    return _scores(doc, results[0], lambda text: processor.process_digit_article(processor.process_punctuation(text)))


def normal(text: str) -> str:
    """A short answer as the official script compares it: in small letters, without marks and needless spaces."""
    text = " ".join(text.split())
    inside = bool(_COMMA_IN_NUMBER.search(text))
    kept = text
    for mark in _MARKS:
        kept = kept.replace(mark, "" if inside or f"{mark} " in text or f" {mark}" in text else " ")
    return " ".join(_DOT.sub("", kept).lower().split())


def words(text: str) -> list[str]:
    """The words of a text, in small letters."""
    return re.findall(r"\w+", unicodedata.normalize("NFC", text).casefold())


def contains(said: Sequence[str], answer: Sequence[str]) -> bool:
    """Whether the words of `answer` stand in `said`, one after the other."""
    ends = range(len(answer), len(said) + 1) if answer else ()
    return any(list(said[end - len(answer) : end]) == list(answer) for end in ends)


def vqa_score(right: Sequence[bool]) -> float:
    """The score of an output, of which `right` says with which people's answers it agrees.

    >>> [round(vqa_score([True] * agree + [False] * (10 - agree)), 2) for agree in range(5)]
    [0.0, 0.3, 0.6, 0.9, 1.0]
    """
    total = sum(right)
    return sum(min(1.0, (total - mine) / 3) for mine in right) / len(right) if right else 0.0


def _scores(doc: Doc, output: str, form: Callable[[str], str]) -> dict[str, float]:
    golds = [item["answer"] for item in doc["answers"]]
    said, same = words(output), form(output)
    return {
        "vqa_inclusion": vqa_score([contains(said, words(gold)) for gold in golds]),
        "vqa_accuracy": vqa_score([form(gold) == same for gold in golds]),
    }
