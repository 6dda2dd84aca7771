"""PixMo: captions, questions and conversations about images that are given by URL (Deitke et al., 2024).

- AskModelAnything: a question and its answer; the sha256 of the image's bytes says whether it is still the same one.
- Cap: a caption. The transcripts of what annotators said, of which the caption was made, are left out and counted.
- CapQA: `messages`, questions and answers in turn, or, in older copies, "[USER] … [ASSISTANT] …" in `question`, whose
  last answer is `answer`. The first exchange is published as question and answer, all of them as a conversation.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from builders.engine import Row, RowError
from builders.sources.forms.llava import IMAGE_TOKEN
from builders.sources.forms.urls import image_at_url
from builders.sources.forms.values import given, text, texts
from builders.sources.items import Form, Item
from builders.transforms.fields import CONVERSATIONS, field
from builders.transforms.yes_no import closed_field, yes_or_no

QUESTION_ANSWER = (("question", pa.string()), ("answer", pa.string()))
ROLES = ("human", "gpt")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_MARK = re.compile(r"\[(USER|ASSISTANT)\]")


def read_question(raw: Mapping[str, Any], language: str, counters: Counter[str]) -> Item:
    """AskModelAnything: a question and its answer. Raises `RowError`: MissingField, WrongType, BadURL, BadSha256."""
    sha256 = text(raw, "image_sha256").strip().lower()
    if not _SHA256.fullmatch(sha256):
        raise RowError("BadSha256", f"field 'image_sha256' is {sha256[:80]!r}; 64 hexadecimal digits are expected")
    fields = [
        field("question", "question", text(raw, "question")),
        closed_field("answer", "answer", text(raw, "answer"), language),
    ]
    return Item(fields, {}, image_at_url(raw, "image_url", sha256=sha256))


def compose_question(told: Mapping[str, str], kept: Mapping[str, Any]) -> Row:
    return {name: told[name].strip() for name in ("question", "answer")}


def read_caption(raw: Mapping[str, Any], language: str, counters: Counter[str]) -> Item:
    """Cap: one caption. Raises `RowError`: MissingField, WrongType, BadURL."""
    counters["left_out/transcripts"] += given(raw, "transcripts") not in (None, [])
    return Item([field("caption", "caption", text(raw, "caption"))], {}, image_at_url(raw, "image_url"))


def compose_caption(told: Mapping[str, str], kept: Mapping[str, Any]) -> Row:
    return {"caption": told["caption"].strip()}


def read_exchanges(raw: Mapping[str, Any], language: str, counters: Counter[str]) -> Item:
    """CapQA: questions and answers, a unit each; `kept["yes_no"]` says whether it is one question, answered yes or no.

    Raises `RowError`: MissingField, WrongType, BadURL, TurnOrder, EmptyTurn, ImageTokens.
    """
    turns = texts(raw, "messages") if given(raw, "messages") else _marked(raw)
    if not turns or len(turns) % 2:
        raise RowError("TurnOrder", f"{len(turns)} turns; questions and answers in turn are expected")
    for index, turn in enumerate(turns):
        if not turn.strip():
            raise RowError("EmptyTurn", f"turn {index} says nothing")
    _check_tokens(turns)
    names = _names(len(turns))
    fields = []
    for index, (name, turn) in enumerate(zip(names, map(str.strip, turns), strict=True)):
        made = closed_field(name, "answer", turn, language, unit=index // 2) if index % 2 else None
        fields.append(made or field(name, "question", turn, unit=index // 2))
    yes_no = len(turns) == 2 and yes_or_no(turns[1]) is not None
    counters["exchanges"] += len(turns) // 2
    return Item(fields, {"turns": len(turns), "yes_no": yes_no}, image_at_url(raw, "image_url"))


def _marked(raw: Mapping[str, Any]) -> Sequence[str]:
    """The turns of "[USER] … [ASSISTANT] … [USER] … [ASSISTANT]" and of `answer`, which is the last one."""
    before, *marked = _MARK.split(text(raw, "question"))
    answer = text(raw, "answer")
    if not marked:
        return before, answer
    roles, turns = marked[::2], marked[1::2]
    if roles[-1] == "ASSISTANT" and not turns[-1].strip():
        roles, turns = roles[:-1], turns[:-1]
    if before.strip() or any(role != ("USER", "ASSISTANT")[place % 2] for place, role in enumerate(roles)):
        raise RowError("TurnOrder", "field 'question': [USER] and [ASSISTANT] in turn are expected, [USER] first")
    return *turns, answer


def _names(count: int) -> list[str]:
    """The fields of so many turns."""
    return ["question", "answer"] if count == 2 else [f"conversations.{index}.value" for index in range(count)]


def _check_tokens(turns: Sequence[str]) -> None:
    """A conversation names its image once, before its first turn. Raises `RowError`: ImageTokens."""
    for index, turn in enumerate(turns):
        if IMAGE_TOKEN in turn:
            raise RowError("ImageTokens", f"turn {index} says {IMAGE_TOKEN}, which stands for the image")


def compose_exchanges(told: Mapping[str, str], kept: Mapping[str, Any]) -> Row:
    """The first exchange, and all of them as a conversation. Raises `RowError`: ImageTokens."""
    said = [told[name].strip() for name in _names(kept["turns"])]
    _check_tokens(said)
    turns = [{"from": ROLES[index % 2], "value": value} for index, value in enumerate(said)]
    turns[0] = turns[0] | {"value": f"{IMAGE_TOKEN}\n{said[0]}"}
    return {"question": said[0], "answer": said[1], "conversations": turns}


ASK_MODEL_ANYTHING = Form(
    name="pixmo_ask_model_anything",
    about="a question and its answer, an image by URL and sha256",
    columns=pa.schema(QUESTION_ANSWER),
    texts=("question", "answer"),
    read=read_question,
    compose=compose_question,
    recognises=lambda raw: {"image_url", "image_sha256", "question", "answer"} <= raw.keys(),
)
CAP = Form(
    name="pixmo_cap",
    about="a long caption, an image by URL",
    columns=pa.schema([("caption", pa.string())]),
    texts=("caption",),
    read=read_caption,
    compose=compose_caption,
    recognises=lambda raw: {"image_url", "caption", "transcripts"} <= raw.keys(),
)
CAP_QA = Form(
    name="pixmo_cap_qa",
    about="questions and answers in turn, an image by URL",
    columns=pa.schema([*QUESTION_ANSWER, CONVERSATIONS]),
    texts=("question", "answer", "conversations"),
    read=read_exchanges,
    compose=compose_exchanges,
    recognises=lambda raw: {"image_url", "question", "answer"} <= raw.keys() and "image_sha256" not in raw,
)
FORMS = (ASK_MODEL_ANYTHING, CAP, CAP_QA)
