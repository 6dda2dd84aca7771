"""The text-only sources of MLAN's mixture: SQuAD, StrategyQA, CommonsenseQA, CosmosQA and ARC.

Each is read as its makers publish it and as the Hub has it, and published in the Hub's columns. A context is a unit of
its own, since several questions share one and it is then translated once; a question and its options are one unit.
"""

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from builders.engine import Row, RowError
from builders.sources.forms.multiple_choice import asked, place_of, told
from builders.sources.forms.values import given, label, maybe_whole, structs, text, texts, truth
from builders.sources.items import Form, Item
from builders.transforms.fields import field
from builders.transforms.yes_no import closed_field

OPTIONS = 4
_EDGE = r"(?:(?<!\w)|(?!\w))"
ANSWERS = pa.struct([("text", pa.list_(pa.string())), ("answer_start", pa.list_(pa.int64()))])
CHOICES = pa.struct([("label", pa.list_(pa.string())), ("text", pa.list_(pa.string()))])


def read_squad(raw: Mapping[str, Any], language: str, counters: Counter[str]) -> Item:
    """A question on a context, and the spans that answer it. Raises `RowError`."""
    if "paragraphs" in raw:
        raise RowError("WrongForm", "an article with its paragraphs; give rajpurkar/squad, which has a row a question")
    spans = structs(raw["answers"], "answers") if given(raw, "answers") is not None else []
    fields = [
        field("context", "context", text(raw, "context"), unit=1),
        field("question", "question", text(raw, "question")),
    ]
    fields += [
        closed_field(f"answers.{place}", "answer", text(span, "text"), language) for place, span in enumerate(spans)
    ]
    starts = [maybe_whole(span, "answer_start") for span in spans]
    return Item(fields, {"id": text(raw, "id"), "title": label(raw, "title"), "starts": starts})


def compose_squad(told_texts: Mapping[str, str], kept: Mapping[str, Any]) -> Row:
    """The columns; an answer that is no longer a span of its context, of whole words, has -1 as its start."""
    answers = [told_texts[f"answers.{place}"].strip() for place in range(len(kept["starts"]))]
    context = told_texts["context"]
    starts = [
        start if start is not None and context.startswith(answer, start) else _first(answer, context)
        for answer, start in zip(answers, kept["starts"], strict=True)
    ]
    return {
        "id": kept["id"],
        "title": kept["title"],
        "context": context,
        "question": told_texts["question"].strip(),
        "answers": {"text": answers, "answer_start": starts},
    }


def _first(answer: str, context: str) -> int:
    """Where an answer first stands in a context, not within a word: 3 is not found in 13. -1 if it does not."""
    found = re.search(f"{_EDGE}{re.escape(answer)}{_EDGE}", context)
    return found.start() if found else -1


def read_strategyqa(raw: Mapping[str, Any], language: str, counters: Counter[str]) -> Item:
    """A question answered by true or false, and the facts that lead to it. Raises `RowError`.

    Decompositions and evidence, which refer to one another by number, are left out.
    """
    answer = truth(raw, "answer")
    given_facts = given(raw, "facts") or []
    facts = [given_facts] if isinstance(given_facts, str) else texts({"facts": given_facts}, "facts")
    fields = [field("question", "question", text(raw, "question"))]
    if answer is not None:
        fields.append(closed_field("label", "answer", "yes" if answer else "no", language))
    fields += [field(f"facts.{place}", "text", fact, unit=1) for place, fact in enumerate(facts)]
    return Item(fields, {"qid": label(raw, "qid"), "answer": answer, "facts": len(facts)})


def compose_strategyqa(told_texts: Mapping[str, str], kept: Mapping[str, Any]) -> Row:
    return {
        "qid": kept["qid"],
        "question": told_texts["question"].strip(),
        "answer": kept["answer"],
        "label": told_texts.get("label"),
        "facts": [told_texts[f"facts.{place}"].strip() for place in range(kept["facts"])],
    }


def read_choices(raw: Mapping[str, Any], language: str, counters: Counter[str]) -> Item:
    """A question of CommonsenseQA or ARC: three to five options, labelled by letters or numbers. Raises `RowError`."""
    inner = raw.get("question")
    body = inner if isinstance(inner, Mapping) else raw
    choices = structs(body.get("choices") or [], "choices")
    labels = [label(choice, "label") or "" for choice in choices]
    correct = place_of(label(raw, "answerKey"), labels)
    stem = "stem" if body is inner else "question"
    fields, kept = asked(body, [text(choice, "text") for choice in choices], correct, language, question=stem)
    return Item(fields, kept | {"id": text(raw, "id"), "labels": labels, "concept": label(body, "question_concept")})


def compose_choices(told_texts: Mapping[str, str], kept: Mapping[str, Any]) -> Row:
    """The columns; `answerKey` is empty in a test split. Raises `RowError` OptionsCollapse."""
    question, options = told(told_texts, kept)
    return {
        "id": kept["id"],
        "question": question,
        "question_concept": kept["concept"],
        "choices": {"label": kept["labels"], "text": options},
        "answerKey": "" if kept["correct"] is None else kept["labels"][kept["correct"]],
    }


def compose_arc(told_texts: Mapping[str, str], kept: Mapping[str, Any]) -> Row:
    made = compose_choices(told_texts, kept)
    del made["question_concept"]
    return made


def read_cosmos(raw: Mapping[str, Any], language: str, counters: Counter[str]) -> Item:
    """A question on a story, with options; the label of the test split is -1, or not there. Raises `RowError`."""
    correct = maybe_whole(raw, "label")
    options = [text(raw, f"answer{place}") for place in range(OPTIONS)]
    fields, kept = asked(raw, options, None if correct == -1 else correct, language)
    fields.append(field("context", "context", text(raw, "context"), unit=1))
    return Item(fields, kept | {"id": text(raw, "id")})


def compose_cosmos(told_texts: Mapping[str, str], kept: Mapping[str, Any]) -> Row:
    """The columns. Raises `RowError` OptionsCollapse."""
    question, options = told(told_texts, kept)
    by_name = {f"answer{place}": option for place, option in enumerate(options)}
    correct = -1 if kept["correct"] is None else kept["correct"]
    return {
        "id": kept["id"],
        "context": told_texts["context"].strip(),
        "question": question,
        **by_name,
        "label": correct,
    }


def _recognises_squad(raw: Mapping[str, Any]) -> bool:
    return {"id", "context", "question", "answers"} <= raw.keys()


def _recognises_strategyqa(raw: Mapping[str, Any]) -> bool:
    return {"qid", "question", "facts", "answer"} <= raw.keys()


def _recognises_arc(raw: Mapping[str, Any]) -> bool:
    return {"id", "question", "answerKey"} <= raw.keys() and not _recognises_commonsense(raw)


def _recognises_commonsense(raw: Mapping[str, Any]) -> bool:
    body = raw["question"] if isinstance(raw.get("question"), Mapping) else raw
    return "answerKey" in raw and "question_concept" in body


def _recognises_cosmos(raw: Mapping[str, Any]) -> bool:
    return {"context", "question", "answer0", "answer1"} <= raw.keys()


_ID_AND_QUESTION = [("id", pa.string()), ("question", pa.string())]
FORMS = (
    Form(
        name="squad",
        about="SQuAD: questions answered by a span of a text",
        columns=pa.schema([*_ID_AND_QUESTION, ("title", pa.string()), ("context", pa.string()), ("answers", ANSWERS)]),
        texts=("context", "question", "answers"),
        read=read_squad,
        compose=compose_squad,
        recognises=_recognises_squad,
    ),
    Form(
        name="strategyqa",
        about="StrategyQA: yes or no questions that take several facts",
        columns=pa.schema(
            [
                ("qid", pa.string()),
                ("question", pa.string()),
                ("answer", pa.bool_()),
                ("label", pa.string()),
                ("facts", pa.list_(pa.string())),
            ]
        ),
        texts=("question", "label", "facts"),
        read=read_strategyqa,
        compose=compose_strategyqa,
        recognises=_recognises_strategyqa,
    ),
    Form(
        name="commonsense_qa",
        about="CommonsenseQA: questions with five options",
        columns=pa.schema(
            [*_ID_AND_QUESTION, ("question_concept", pa.string()), ("choices", CHOICES), ("answerKey", pa.string())]
        ),
        texts=("question", "choices"),
        read=read_choices,
        compose=compose_choices,
        recognises=_recognises_commonsense,
    ),
    Form(
        name="cosmos_qa",
        about="CosmosQA: questions on a story, with four options",
        columns=pa.schema(
            [
                *_ID_AND_QUESTION,
                ("context", pa.string()),
                *((f"answer{place}", pa.string()) for place in range(OPTIONS)),
                ("label", pa.int32()),
            ]
        ),
        texts=("context", "question", *(f"answer{place}" for place in range(OPTIONS))),
        read=read_cosmos,
        compose=compose_cosmos,
        recognises=_recognises_cosmos,
    ),
    Form(
        name="arc",
        about="ARC: school questions on science with three to five options",
        columns=pa.schema([*_ID_AND_QUESTION, ("choices", CHOICES), ("answerKey", pa.string())]),
        texts=("question", "choices"),
        read=read_choices,
        compose=compose_arc,
        recognises=_recognises_arc,
    ),
)
