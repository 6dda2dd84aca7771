"""LLaVA's form: an image and a conversation, of LLaVA-Pretrain as of LLaVA-Instruct and all that is written like them.

    {"id": "000000033471", "image": "000000033471.jpg", "conversations": [
        {"from": "human", "value": "What colour is the bus?\\n<image>"}, {"from": "gpt", "value": "It is white."}]}

`<image>` before or after the text of a turn is no language: it is taken off and put back exactly where it stood, with
the blanks around it. In the middle of a text it stays, and the translators' placeholders keep it.

The instructions of LLaVA-Pretrain are a closed set, translated by hand: `builders/instructions/llava/pretraining.yaml`.
Whatever else a human turn says, a question or another instruction, is the machine's. What a record holds beside these
three keys is in the `source` that is published with every row.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import yaml

from builders.engine import Row, RowError
from builders.sources.forms.values import as_text, given, image, structs
from builders.sources.items import Form, ImageAt, Item
from builders.transforms.fields import CONVERSATIONS, field
from builders.transforms.yes_no import closed_field

INSTRUCTIONS = Path(__file__).parents[2] / "instructions/llava/pretraining.yaml"
IMAGE_TOKEN = "<image>"
ROLES = {"human": "human", "user": "human", "gpt": "gpt", "assistant": "gpt", "system": "system"}
_LEADING = re.compile(rf"(?:\s|{IMAGE_TOKEN})*+")
_TRAILING_BACKWARDS = re.compile(rf"(?:\s|{IMAGE_TOKEN[::-1]})*+")


@cache
def pretraining_instructions(language: str) -> Mapping[str, str]:
    """LLaVA-Pretrain's instructions in a language, by what `plain` makes of the English; none if nobody wrote them."""
    entries = yaml.safe_load(INSTRUCTIONS.read_text(encoding="utf-8"))["instructions"]
    return {
        plain(english): entry[language]
        for entry in entries
        if language in entry
        for english in (entry["en"], *entry.get("also", ()))
    }


def plain(text: str) -> str:
    """A text without case and punctuation: what two ways to write an instruction have in common."""
    return " ".join(re.findall(r"\w+", text.casefold()))


def cut(value: str) -> tuple[str, str, str]:
    """What stands before a turn's text, the text, and what stands after it: blanks and `<image>`. Lossless."""
    before = _LEADING.match(value)
    assert before
    rest = value[before.end() :]
    after = _TRAILING_BACKWARDS.match(rest[::-1])
    assert after
    end = len(rest) - after.end()
    return before[0], rest[:end], rest[end:]


def read(raw: Mapping[str, Any], language: str, counters: Counter[str]) -> Item:
    """A record as an item, a field a turn; a human turn and the answer to it are a unit.

    Raises `RowError`: MissingField, WrongType, SeveralImages, BadImage; UnknownRole; TurnOrder, where human and gpt do
    not take turns or nobody answers; EmptyTurn; ImageTokens, where `<image>` stands more than once or for no image.
    """
    shown = image(raw, "image", "images")
    turns = said_by(raw, "conversations" if given(raw, "messages") is None else "messages")
    check_order([role for role, _ in turns], counters)
    check_tokens(sum(value.count(IMAGE_TOKEN) for _, value in turns), shown != ImageAt(), counters)
    written = pretraining_instructions(language)
    fields: list[Row] = []
    kept: list[Row] = []
    unit, captioned = 0, False
    for index, (role, value) in enumerate(turns):
        before, text, after = cut(value)
        kept.append({"from": role, "before": before, "text": bool(text), "after": after})
        name = f"conversations.{index}.value"
        if not text:
            if role == "gpt" or not value.strip():
                raise RowError("EmptyTurn", f"field {name!r}: the {role} turn says nothing")
        elif role == "gpt":
            fields.append(closed_field(name, "caption" if captioned else "answer", text, language, unit=unit))
        else:
            unit += role == "human"
            by_hand = written.get(plain(text))
            captioned = by_hand is not None
            if by_hand is not None:
                fields.append(field(name, "instruction", text, unit=unit, target=by_hand, by="glossary"))
            else:
                fields.append(field(name, "question" if asks(text) else "instruction", text, unit=unit))
            if role == "human" and fields[-1]["kind"] == "instruction":
                counters[f"instructions/{'machine' if by_hand is None else 'by_hand'}"] += 1
    number = raw.get("id")
    return Item(fields, {"id": None if number is None else str(number), "turns": kept}, shown)


def asks(text: str) -> bool:
    """Whether a human turn is a question; what is none is an instruction."""
    return text.rstrip("\"'”’)* ").endswith("?")


def said_by(raw: Mapping[str, Any], name: str) -> list[tuple[str, str]]:
    """Who speaks, in LLaVA's words, and what is said; a message of parts is `<image>` and text, a line each.

    Raises `RowError`: MissingField, WrongType, UnknownRole.
    """
    said = structs(given(raw, name) or [], name)
    if not said:
        raise RowError("MissingField", f"field {name!r} is missing or empty; a list of turns is expected")
    turns = []
    for index, turn in enumerate(said):
        where, speaker, value = f"{name}[{index}]", given(turn, "from", "role"), given(turn, "value", "content")
        role = ROLES.get(str(speaker).strip().lower())
        if role is None:
            raise RowError("UnknownRole", f"{where} is by {speaker!r}; expected one of {', '.join(ROLES)}")
        if isinstance(value, list):
            parts = [IMAGE_TOKEN if part.get("type") == "image" else part.get("text") for part in structs(value, where)]
            value = "\n".join(as_text(part, where) for part in parts)
        turns.append((role, "" if value is None else as_text(value, where)))
    return turns


def check_order(roles: Sequence[str], counters: Counter[str]) -> None:
    """After what a system or a leading gpt turn says, human and gpt take turns, as LLaVA's loader wants it.

    A last question may stay without an answer: there is nothing to learn from it, and the rest counts.
    """
    start = 1 if roles[0] == "system" else 0
    if roles[start:] and roles[start] == "gpt" and "human" in roles:
        counters["leading_gpt_turns"] += 1
        start += 1
    talk = roles[start:]
    if "gpt" not in talk or any(role != ("human", "gpt")[index % 2] for index, role in enumerate(talk)):
        raise RowError("TurnOrder", f"turns of {', '.join(roles)}; human and gpt in turn are expected, human first")


def check_tokens(tokens: int, has_image: bool, counters: Counter[str]) -> None:
    """One `<image>` for one image; a conversation that does not name its image stays as it is, and is counted."""
    if tokens > has_image:
        raise RowError("ImageTokens", f"{tokens} {IMAGE_TOKEN} for {'one' if has_image else 'no'} image")
    counters["text_only"] += not has_image
    counters["image_not_named"] += has_image and not tokens


def compose(told: Mapping[str, str], kept: Mapping[str, Any]) -> Row:
    """The conversation, each turn with what stood before and after it. Raises `RowError`: ImageTokens."""
    turns = [
        {
            "from": turn["from"],
            "value": turn["before"]
            + (told[f"conversations.{n}.value"].strip() if turn["text"] else "")
            + turn["after"],
        }
        for n, turn in enumerate(kept["turns"])
    ]
    tokens = sum(turn["value"].count(IMAGE_TOKEN) for turn in turns)
    if tokens > 1:
        raise RowError("ImageTokens", f"{tokens} {IMAGE_TOKEN} in the conversation; a translation has one of its own")
    return {"id": kept["id"], "conversations": turns}


def recognises(raw: Mapping[str, Any]) -> bool:
    turns = raw.get("messages", raw.get("conversations"))
    return isinstance(turns, list) and bool(turns) and all(
        isinstance(turn, dict) and ({"from", "value"} <= turn.keys() or {"role", "content"} <= turn.keys())
        for turn in turns
    )  # fmt: skip


FORM = Form(
    name="llava",
    about="an image and a conversation (LLaVA-Pretrain, LLaVA-Instruct, chat messages)",
    columns=pa.schema([("id", pa.string()), CONVERSATIONS]),
    texts=("conversations",),
    read=read,
    compose=compose,
    recognises=recognises,
)
