"""Conversations as a trainer reads them: LLaVA's record, and one text in a chat template for base models, which have
none of their own.
"""

from collections.abc import Mapping, Sequence
from typing import Any

IMAGE_TOKEN = "<image>"
# "Extending Italian Large Language Models for vision-language tasks", Listing 1.
MISTRAL = "<s>[INST] {user} [/INST] {assistant}</s>"
CONTROLS = ("<s>", "</s>", "[INST]", "[/INST]")

Turn = Mapping[str, str]


class NotATemplate(ValueError):
    """A conversation that a template cannot say."""


def exchanges(turns: Sequence[Turn]) -> list[tuple[str, str]]:
    """The pairs of what the user says and what the assistant answers.

    Raises `NotATemplate` unless `human` and `gpt` take turns, from the one to the other.
    """
    said = [turn["from"] for turn in turns]
    if not said or said != ["human", "gpt"] * (len(said) // 2):
        raise NotATemplate(f"the turns are from {', '.join(said) or 'nobody'}; expected human, gpt, human, gpt…")
    values = [turn["value"] for turn in turns]
    return list(zip(values[::2], values[1::2], strict=True))


def mistral(turns: Sequence[Turn]) -> str:
    """A conversation in the Mistral template of Listing 1, which is repeated for every exchange.

    Raises `NotATemplate` also where a text holds one of the template's own words, since nobody could tell them apart.
    """
    pairs = exchanges(turns)
    for word in CONTROLS:
        if any(word in text for pair in pairs for text in pair):
            raise NotATemplate(f"a text holds {word!r}, which is a word of the template")
    return "".join(MISTRAL.format(user=user, assistant=assistant) for user, assistant in pairs)


def llava(id: str, image: str | None, turns: Sequence[Turn]) -> dict[str, Any]:
    """LLaVA's record, which has no `image` where there is none.

    https://github.com/haotian-liu/LLaVA/blob/main/docs/Finetune_Custom_Data.md
    """
    return {"id": id} | ({"image": image} if image else {}) | {"conversations": [dict(turn) for turn in turns]}
