"""A chat model's answer is untrusted: it is read strictly into one text for each that was asked, or refused by class.

The answer must begin with the first field's label and hold every field asked for, once and in order, and as many
items as asked. What a careless model does differently without changing a word is taken: a label without asterisks
or in another case, blanks, list items on lines of their own, a JSON answer in a code fence.

A numbered list can be read in several ways, since an item may hold commas and numbers: "1.a, 2.b, 2.c". All ways
are considered, the one whose items hold the same numbers as the source's is taken, and what is still ambiguous is
refused.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from translators.fewshot.engine import Answer
from translators.fewshot.prompts import Prompt
from translators.fewshot.queries import Part, written

MAX_CANDIDATES = 8
COPIED_WORDS = 4

CONTROL = re.compile(
    r"<\|[^|<>\s]{1,40}\|>|</?s>|<(?:bos|eos|pad|unk|start_of_turn|end_of_turn|start_of_image)>|\[/?INST\]|<</?SYS>>"
    r"|<[｜|][^<>\s]{1,40}[｜|]>",
    re.IGNORECASE,
)
_CHARACTERS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffd\ud800-\udfff]")
_CHATTER = re.compile(
    r"\b(?:here(?:'s|’s| is| are) (?:the|your|my)\b.{0,40}?translat|translat(?:ion|ed text)\s?:"
    r"|as an ai\b|as a language model\b|let me know if\b|i hope (?:this|that) helps|hona hemen .{0,40}?itzulpen"
    r"|itzulpena\s?:)"
    r"|[(\[](?:translator'?s? )?(?:note|oharra|nota|anmerkung|hinweis|remarque) ?:",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"[0-9]+")
_MARKER = re.compile(r"(?:\A|,[ \n]?|\n)([0-9]{1,3})\.")
_FENCE = re.compile(r"\A```(?:json)?\s*\n(.*)\n\s*```\Z", re.DOTALL)


class Refused(Exception):
    """An answer that is not taken: `kind` is the class, stable and short; the message is a sentence."""

    def __init__(self, kind: str, sentence: str) -> None:
        super().__init__(sentence)
        self.kind = kind


def read(prompt: Prompt, parts: Sequence[Part], answer: Answer) -> list[tuple[str, ...]]:
    """The translations in an answer, for each of `parts` one a text, stripped of blanks around them.

    Raises `Refused`. Takes time in proportion to the answer's length.
    """
    text = answer.text.strip()
    if answer.finish != "stop":
        raise Refused("Truncated", f"the answer was cut off after {answer.tokens} tokens")
    if not text:
        raise Refused("Empty", "the answer is empty")
    room = sum(max_characters(source) + 100 for part in parts for source in part.texts)
    if len(text) > room:
        raise Refused("TooLong", f"the answer has {len(text):,} characters; at most {room:,} were expected")
    values = _read_json(parts, text) if prompt.format == "json" else _read_labelled(prompt, parts, text)
    for part, made in zip(parts, values, strict=True):
        for source, target in zip(part.texts, made, strict=True):
            _check_text(source, target)
        _check_echo(prompt, part, made)
    return values


def imitates(prompt: Prompt, part: Part) -> bool:
    """Whether a source text holds one of the prompt's labels, so that the query's end could not be told from it."""
    return prompt.format == "labelled" and any(_labels(prompt).search(f"\n{text}") for text in part.texts)


def max_characters(source: str) -> int:
    """More than any translation of `source` needs: an answer that is longer has run away."""
    return 100 + 5 * len(source)


def answer_pattern(parts: Sequence[Part]) -> str:
    """A regular expression of the whole answer, for engines that bind it: plain constructs, no look-around.

    It allows a little less than `read` takes: labels to the letter, one blank or line break between fields.
    """
    return r"[ \n]".join(f"{_literal(part.field.label)} {_part_pattern(part)}" for part in parts)


def _part_pattern(part: Part) -> str:
    """The texts of a part: no control character, and an asterisk or a line break only where the source has one."""
    source = "".join(part.texts)
    asterisk = "" if "*" in source else "*"
    control = r"\x00-\x09\x0b-\x1f\x7f" if "\n" in source else r"\x00-\x1f\x7f"
    text = rf"[^\x00-\x20\x7f{asterisk}][^{control}{asterisk}]*"
    if not part.numbered:
        return text
    return ", ".join(rf"{number}\.{text}" for number in range(1, len(part.texts) + 1))


def answer_schema(parts: Sequence[Part]) -> dict[str, Any]:
    """The JSON schema of the whole answer, for engines that bind it: as many texts as asked, of bounded length.

    The bound is a power of two, so that an engine compiles few schemas and keeps them.
    """
    sources = [source for part in parts for source in part.texts]
    longest = 1 << max(map(max_characters, sources)).bit_length()
    text = {"type": "string", "minLength": 1, "maxLength": longest}
    texts = {"type": "array", "items": text, "minItems": len(sources), "maxItems": len(sources)}
    return {"type": "object", "properties": {"texts": texts}, "required": ["texts"], "additionalProperties": False}


def read_items(text: str, sources: Sequence[str]) -> tuple[str, ...]:
    """The items of a numbered list "1.x, 2.y", one for each of `sources`, runs of blanks as one. Raises `Refused`."""
    text = re.sub(r"\s+", lambda blanks: "\n" if "\n" in blanks[0] else " ", text.strip())
    found = [(match[1], match.start(), match.end()) for match in _MARKER.finditer(text)]
    places = [[(start, end) for name, start, end in found if name == str(k + 1)] for k in range(len(sources))]
    if max(map(len, places)) > MAX_CANDIDATES:
        raise Refused("Ambiguous", "a number stands before too many items of the list")
    wanted = list(map(_numbers, sources))
    ways = _ways(text, places, wanted) or _ways(text, places, None)
    if not ways:
        names = [int(name) for name, _, _ in found]
        if sorted(names) == list(range(1, len(sources) + 1)) and names != sorted(names):
            raise Refused("OutOfOrder", f"the list's items are numbered {names}")
        raise Refused("WrongItemCount", f"the numbers {names} stand before items, and {len(sources)} items were asked")
    if len(ways) > 1:
        raise Refused("Ambiguous", "the list can be cut into items in several ways")
    for number, (source, item) in enumerate(zip(sources, ways[0], strict=True), 1):
        if not set(_list_numbers(item)) <= set(_list_numbers(source)):
            raise Refused("WrongItemCount", f"item {number} holds another: {item[:60]!r}")
    return ways[0]


def _ways(
    text: str, places: Sequence[Sequence[tuple[int, int]]], numbers: Sequence[list[str]] | None
) -> list[tuple[str, ...]]:
    """At most two ways to cut a list into items, each beginning after a place of its number, none of them empty.

    With `numbers`, only ways in which every item holds these.
    """
    tails: list[tuple[int, list[tuple[str, ...]]]] = [(len(text), [()])]
    for number in reversed(range(len(places))):
        longer = []
        for start, end in places[number]:
            if number == 0 and start > 0:
                continue
            ways = []
            for stop, rests in tails:
                item = text[end:stop].strip()
                if stop >= end and item and (numbers is None or _numbers(item) == numbers[number]):
                    ways += [(item, *rest) for rest in rests]
            if ways:
                longer.append((start, ways[:2]))
        tails = longer
    return [way for _, ways in tails for way in ways][:2]


def _numbers(text: str) -> list[str]:
    """The runs of digits in a text, sorted: 10.52 and 10,52 have the same."""
    return sorted(_NUMBER.findall(text))


def _list_numbers(text: str) -> list[str]:
    """What looks like the number of a list item inside a text: the 2 of "a, 2.b", not the 4 of "4.5"."""
    return [match[1] for match in _MARKER.finditer(text) if not text[match.end() : match.end() + 1].isdigit()]


def _read_labelled(prompt: Prompt, parts: Sequence[Part], text: str) -> list[tuple[str, ...]]:
    marks = list(_labels(prompt).finditer(text))
    if len(parts) == 1 and not parts[0].numbered and imitates(prompt, parts[0]):
        marks = marks[:1]
    wanted = [part.field.name for part in parts]
    kept = [match[0].strip() for match in marks if match.lastgroup in _source_groups(prompt)]
    if kept:
        raise Refused("WrongLabel", f"the label {kept[0]!r} is not translated")
    found = [prompt.fields[int((match.lastgroup or "")[1:])].name for match in marks]
    for name in wanted:
        if name not in found:
            raise Refused("MissingField", f"the field {name!r} is not there; it begins with its label")
    if marks[0].start() > 0:
        raise Refused("Chatter", f"there is text before the first field: {text[: marks[0].start()][:60]!r}")
    if len(found) > len(wanted):
        raise Refused("RepeatedField", f"the fields are {', '.join(found)}; asked for were {', '.join(wanted)}")
    if found != wanted:
        raise Refused("OutOfOrder", f"the fields come as {', '.join(found)}; asked for were {', '.join(wanted)}")
    stops = [match.start() for match in marks[1:]] + [len(text)]
    values = [text[match.end() : stop].strip() for match, stop in zip(marks, stops, strict=True)]
    return [_read_value(part, value) for part, value in zip(parts, values, strict=True)]


def _read_value(part: Part, value: str) -> tuple[str, ...]:
    if not value:
        raise Refused("Empty", f"the field {part.field.name!r} is empty")
    if part.numbered:
        return read_items(value, part.texts)
    if part.field.numbered and re.match(r"1\.(?![0-9])", value) and not part.texts[0].startswith("1."):
        raise Refused("WrongItemCount", f"the field {part.field.name!r} is a numbered list; one text was asked")
    return (value,)


@cache
def _labels(prompt: Prompt) -> re.Pattern[str]:
    """Any label of the prompt, in the answer's language (group tN for field N) or kept from the query (sN).

    In asterisks or at the start of a line it may be in any case; elsewhere it is a label only if written exactly.
    """
    words = {f"t{n}": _word(field.label) for n, field in enumerate(prompt.fields)}
    words |= {f"s{n}": _word(field.source_label) for n, field in enumerate(prompt.fields)}
    taken: set[str] = set()
    forms = []
    for group, word in words.items():
        if word.casefold() not in taken:
            taken.add(word.casefold())
            any_case, exact = f"(?i:{re.escape(word)})", re.escape(word)
            forms.append(
                rf"(?P<{group}>\*\*[ \t]*+{any_case}[ \t]*+(?:[:：][ \t]*+\*\*|\*\*[ \t]*+[:：])"
                rf"|(?<![^\n])[ \t]*+{any_case}[ \t]*+[:：]|(?<=\s){exact}[:：])"
            )
    return re.compile("|".join(forms))


def _word(label: str) -> str:
    return label.strip("*:： ")


def _source_groups(prompt: Prompt) -> list[str]:
    return [f"s{n}" for n in range(len(prompt.fields))]


def _read_json(parts: Sequence[Part], text: str) -> list[tuple[str, ...]]:
    if fenced := _FENCE.match(text):
        text = fenced[1]
    try:
        value = json.loads(text, object_pairs_hook=tuple)
    except (ValueError, RecursionError) as error:
        chatter = "{" in text and not text.startswith("{")
        raise Refused("Chatter" if chatter else "Malformed", f"the answer is no JSON: {error}") from error
    texts = value[0][1] if isinstance(value, tuple) and [key for key, _ in value] == ["texts"] else None
    if not isinstance(texts, list) or not all(isinstance(item, str) for item in texts):
        raise Refused("Malformed", 'the answer is not of the form {"texts": ["..."]}')
    wanted = sum(len(part.texts) for part in parts)
    if len(texts) != wanted:
        raise Refused("WrongItemCount", f"{len(texts)} texts came and {wanted} were asked")
    supply = iter(texts)
    return [tuple(next(supply).strip() for _ in part.texts) for part in parts]


def _check_text(source: str, target: str) -> None:
    """A text against its source. Raises `Refused`."""
    if not target:
        raise Refused("Empty", f"the translation of {source[:60]!r} is empty")
    if stray := _stray(CONTROL, target, source):
        raise Refused("ControlToken", f"the translation holds the chat's control token {stray!r}")
    if stray := _stray(_CHARACTERS, target, source):
        raise Refused("Malformed", f"the translation holds the character {stray!r}")
    if len(target) > max_characters(source):
        raise Refused("TooLong", f"{len(target):,} characters translate {len(source):,}")
    if target.count("\n") > source.count("\n"):
        raise Refused("Chatter", f"there are more lines than in the source: {target.partition(chr(10))[2][:60]!r}")
    if (chatter := _CHATTER.search(target)) and not _CHATTER.search(source):
        raise Refused("Chatter", f"the translation speaks of itself: {chatter[0][:60]!r}")
    if "**" in target and "**" not in source:
        raise Refused("Malformed", "asterisks or another label stand in the translation")
    if len(source.split()) >= COPIED_WORDS and any(map(str.isalpha, source)) and _folded(source) == _folded(target):
        raise Refused("Untranslated", "the translation is the source")


def _check_echo(prompt: Prompt, part: Part, made: tuple[str, ...]) -> None:
    """That a field is no copy of an example's, unless it is the example's text that was asked. Raises `Refused`."""
    source, target = _folded(written(prompt, part)), _folded(written(prompt, replace(part, texts=made)))
    for user, values in _shown(prompt):
        shown = values.get(part.field.name, "")
        if len(shown.split()) >= COPIED_WORDS and shown in target and source not in user:
            raise Refused("Echo", f"the field {part.field.name!r} is that of an example in the prompt")


@cache
def _shown(prompt: Prompt) -> list[tuple[str, dict[str, str]]]:
    """The prompt's examples, folded: what the user says, and each field of the answer."""
    shown = []
    for shot in prompt.shots:
        if prompt.format == "json":
            values = {prompt.fields[0].name: _folded(shot.assistant)}
        else:
            marks = list(_labels(prompt).finditer(shot.assistant))
            stops = [match.start() for match in marks[1:]] + [len(shot.assistant)]
            values = {
                prompt.fields[int((match.lastgroup or "")[1:])].name: _folded(shot.assistant[match.end() : stop])
                for match, stop in zip(marks, stops, strict=True)
            }
        shown.append((_folded(shot.user), values))
    return shown


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())


def _stray(pattern: re.Pattern[str], target: str, source: str) -> str:
    """What matches in a translation and not in its source, or nothing."""
    known = set(pattern.findall(source))
    return next((found for found in pattern.findall(target) if found not in known), "")


def _literal(text: str) -> str:
    """A text as a plain regular expression, which every engine reads alike."""
    return re.sub(r"([\\.^$*+?{}\[\]|()])", r"\\\1", text)
