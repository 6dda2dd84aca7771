"""CoSyn and PixMo-Docs: drawn charts, documents and tables, each with questions and answers (Yang et al., 2025).

CoSyn's are `qa_pairs` with an explanation each, PixMo-Docs's are `questions` without. Both are a sequence of structs,
which Parquet and JSON have as a list of objects, older `datasets` as an object of lists, and tables as JSON text. What
an image was drawn from, CoSyn's `data` and `code`, is no part of what is published.
"""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pyarrow as pa

from builders.engine import Row, RowError
from builders.sources.forms.values import given, image, structs, text
from builders.sources.items import Form, Item
from builders.transforms.fields import field
from builders.transforms.yes_no import closed_field

METADATA = pa.struct([(name, pa.string()) for name in ("figure_type", "persona", "topic")])


def _reader(
    pairs: str, parts: Sequence[str], number: str
) -> Callable[[Mapping[str, Any], str, Counter[str]], Item]:  # fmt: skip
    def read(raw: Mapping[str, Any], language: str, counters: Counter[str]) -> Item:
        """Questions and answers, a unit each. Raises `RowError`: MissingField, WrongType, SeveralImages, BadImage."""
        asked = _pairs(raw, pairs)
        fields: list[Row] = []
        for index, pair in enumerate(asked):
            for part in parts:
                if part == "explanation" and given(pair, part) is None:
                    continue
                name, said = f"{pairs}.{index}.{part}", text(pair, part)
                fields.append(
                    closed_field(name, part, said, language, unit=index)
                    if part == "answer"
                    else field(name, part, said, unit=index)
                )
        counters["questions"] += len(asked)
        kept: Row = {number: None if raw.get(number) is None else str(raw[number]), "pairs": len(asked)}
        metadata = given(raw, "metadata")
        if isinstance(metadata, Mapping):
            kept["metadata"] = {
                key: None if metadata.get(key) is None else str(metadata[key]) for key in METADATA.names
            }
        return Item(fields, kept, image(raw, "image"))

    return read


def _pairs(raw: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """The questions and answers, in whichever shape they are."""
    value = given(raw, name)
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError) as error:
            raise RowError("WrongType", f"field {name!r} is text that is no JSON: {error}") from error
    pairs = structs(value, name) if value else []
    if not pairs:
        raise RowError("MissingField", f"field {name!r} is missing or empty; questions and answers are expected")
    return pairs


def _composer(pairs: str, parts: Sequence[str], kept_names: Sequence[str]) -> Callable[..., Row]:
    def compose(told: Mapping[str, str], kept: Mapping[str, Any]) -> Row:
        made = []
        for index in range(kept["pairs"]):
            said = {part: told.get(f"{pairs}.{index}.{part}") for part in parts}
            made.append({part: value if value is None else value.strip() for part, value in said.items()})
        return {name: kept.get(name) for name in kept_names} | {pairs: made}

    return compose


def _form(name: str, about: str, pairs: str, parts: Sequence[str], number: str, more: Sequence[pa.Field]) -> Form:
    struct = pa.struct([(part, pa.string()) for part in parts])
    return Form(
        name=name,
        about=about,
        columns=pa.schema([(number, pa.string()), (pairs, pa.list_(struct)), *more]),
        texts=(pairs,),
        read=_reader(pairs, parts, number),
        compose=_composer(pairs, parts, (number, *(column.name for column in more))),
        recognises=lambda raw: {"image", pairs} <= raw.keys(),
    )


COSYN = _form(
    "cosyn", "drawn figures with questions, explanations and answers (CoSyn-400K)",
    "qa_pairs", ("question", "explanation", "answer"), "id", [pa.field("metadata", METADATA)],
)  # fmt: skip
DOCS = _form(
    "pixmo_docs", "drawn figures with questions and answers (PixMo-Docs)", "questions", ("question", "answer"),
    "image_id", [],
)  # fmt: skip
FORMS = (COSYN, DOCS)
