"""What the multiple-choice forms share: a question, its options as one list with it, and the right one as an index.

A form gives its options in order and puts the told ones back into whatever columns its dataset has.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from builders.engine import Row, RowError
from builders.sources.forms.agreement import first_equals, plain, told_options
from builders.sources.forms.values import text
from builders.transforms.fields import field
from builders.transforms.yes_no import closed_fields


def asked(
    raw: Mapping[str, Any], options: Sequence[str], correct: int | None, language: str, *, question: str = "question"
) -> tuple[list[Row], dict[str, Any]]:
    """The fields of a question and its options, one unit, and what is kept of them for `told`.

    Raises `RowError`: BadOptions for fewer than two or an empty one; TargetNotAmongOptions.
    """
    if len(options) < 2 or not all(option.strip() for option in options):
        raise RowError("BadOptions", f"two options or more are expected and none empty, not {list(options)}")
    if correct is not None and not 0 <= correct < len(options):
        raise RowError("TargetNotAmongOptions", f"the right option is {correct}, counted from 0, of {len(options)}")
    named = {f"options.{index}": option for index, option in enumerate(options)}
    fields = [field("question", "question", text(raw, question)), *closed_fields("option", named, language)]
    return fields, {"equals": first_equals(options), "alike": first_equals(options, plain), "correct": correct}


def told(texts: Mapping[str, str], kept: Mapping[str, Any]) -> tuple[str, list[str]]:
    """The question and its options as told. Raises `RowError` OptionsCollapse."""
    return texts["question"].strip(), told_options(texts, "options", kept["equals"], kept["alike"])


def place_of(label: str | None, labels: Sequence[str]) -> int | None:
    """Which option a label like `B` or `2` names. Raises `RowError` TargetNotAmongOptions."""
    if label is None:
        return None
    if label not in labels:
        raise RowError("TargetNotAmongOptions", f"the right option is {label[:60]!r}; there are {', '.join(labels)}")
    return list(labels).index(label)
