"""From a unit to the chat that asks for its translation: which text goes into which field, and what is said around it.

Source text is put in by a single pass over the prompt's templates, so a text that holds "{answer}" stays as it is.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from translators.fewshot.engine import Message
from translators.fewshot.prompts import ANY, PLACEHOLDER, Field, Prompt, Shot, nearest
from translators.units import TranslatorError, Unit

KIND_JOINT = "+"

LANGUAGES = {
    "af": "Afrikaans", "am": "Amharic", "an": "Aragonese", "ar": "Arabic", "ast": "Asturian", "az": "Azerbaijani",
    "be": "Belarusian", "bg": "Bulgarian", "bn": "Bengali", "br": "Breton", "bs": "Bosnian", "ca": "Catalan",
    "cs": "Czech", "cy": "Welsh", "da": "Danish", "de": "German", "el": "Greek", "en": "English", "eo": "Esperanto",
    "es": "Spanish", "et": "Estonian", "eu": "Basque", "fa": "Persian", "fi": "Finnish", "fr": "French", "ga": "Irish",
    "gd": "Scottish Gaelic", "gl": "Galician", "gu": "Gujarati", "ha": "Hausa", "he": "Hebrew", "hi": "Hindi",
    "hr": "Croatian", "hu": "Hungarian", "hy": "Armenian", "id": "Indonesian", "ig": "Igbo", "is": "Icelandic",
    "it": "Italian", "ja": "Japanese", "ka": "Georgian", "kk": "Kazakh", "km": "Khmer", "kn": "Kannada", "ko": "Korean",
    "la": "Latin", "lb": "Luxembourgish", "lo": "Lao", "lt": "Lithuanian", "lv": "Latvian", "mk": "Macedonian",
    "ml": "Malayalam", "mn": "Mongolian", "mr": "Marathi", "ms": "Malay", "mt": "Maltese", "my": "Burmese",
    "nb": "Norwegian Bokmål", "ne": "Nepali", "nl": "Dutch", "nn": "Norwegian Nynorsk", "no": "Norwegian",
    "oc": "Occitan", "pa": "Punjabi", "pl": "Polish", "ps": "Pashto", "pt": "Portuguese", "ro": "Romanian",
    "ru": "Russian", "sc": "Sardinian", "si": "Sinhala", "sk": "Slovak", "sl": "Slovenian", "so": "Somali",
    "sq": "Albanian", "sr": "Serbian", "sv": "Swedish", "sw": "Swahili", "ta": "Tamil", "te": "Telugu", "th": "Thai",
    "tl": "Tagalog", "tr": "Turkish", "uk": "Ukrainian", "ur": "Urdu", "uz": "Uzbek", "vi": "Vietnamese", "xh": "Xhosa",
    "yo": "Yoruba", "zh": "Chinese", "zu": "Zulu",
}  # fmt: skip


@dataclass(frozen=True)
class Part:
    """The texts of a unit that go into one field. `places` are their positions in the unit."""

    field: Field
    texts: tuple[str, ...]
    kinds: tuple[str, ...]
    places: tuple[int, ...]

    @property
    def numbered(self) -> bool:
        """Whether its texts carry numbers; one alone does not."""
        return self.field.numbered and len(self.texts) > 1


def in_languages(prompt: Prompt, source: str, target: str) -> Prompt:
    """The prompt with these two languages' names filled in. Raises `TranslatorError` if it is made for others."""
    for role, code, made_for in (("source", source, prompt.source), ("target", target, prompt.target)):
        if made_for not in (ANY, code):
            raise TranslatorError(
                f"prompt {prompt.name} has the {role} language {made_for!r}, not {code!r}; "
                "`generic` takes any two languages"
            )
        if code not in LANGUAGES:
            raise TranslatorError(f"unknown {role} language {code!r}; {nearest(code, LANGUAGES)}")
    if source == target:
        raise TranslatorError(f"source and target language are both {source!r}; give two different ones")
    names = {"source_language": LANGUAGES[source], "target_language": LANGUAGES[target]}
    fill = partial(fill_in, values=names)
    return replace(
        prompt,
        system=fill(prompt.system),
        shots=tuple(Shot(fill(shot.user), fill(shot.assistant)) for shot in prompt.shots),
        query=tuple(map(fill, prompt.query)),
        single=fill(prompt.single),
    )


def fill_in(template: str, values: Mapping[str, str]) -> str:
    """A template with the {names} in `values` replaced, in one pass: a value that holds a {name} stays as it is."""
    return PLACEHOLDER.sub(lambda match: values.get(match[1], match[0]), template)


def parts_of(prompt: Prompt, unit: Unit) -> list[Part]:
    """A unit's texts by the prompt's fields, blank texts and fields without a text left out.

    Its kind is one kind for each text, joined by "+", or one for all. Raises ValueError when they do not fit.
    """
    kinds = unit.kind.split(KIND_JOINT)
    if len(kinds) == 1:
        kinds *= len(unit.texts)
    if not unit.texts or len(kinds) != len(unit.texts):
        raise ValueError(f"the kind {unit.kind!r} names {len(kinds)} texts and the unit has {len(unit.texts)}")
    takers = [next((field for field in prompt.fields if field.takes(kind)), None) for kind in kinds]
    parts = []
    for field in prompt.fields:
        places = tuple(place for place, taker in enumerate(takers) if taker == field and unit.texts[place].strip())
        if len(places) > 1 and not (field.numbered or prompt.format == "json"):
            raise ValueError(f"{len(places)} texts for the field {field.name!r} {_takes(prompt)}")
        if places:
            texts = tuple(unit.texts[place] for place in places)
            parts.append(Part(field, texts, tuple(kinds[place] for place in places), places))
    strangers = sorted({kind for kind, taker in zip(kinds, takers, strict=True) if taker is None})
    if strangers:
        raise ValueError(f"no field for the kind {' and '.join(map(repr, strangers))} {_takes(prompt)}")
    return parts


def _takes(prompt: Prompt) -> str:
    """What a prompt takes, as the end of a message."""
    fields = (
        f"{'texts' if field.numbered else 'one text'} of kind {' or '.join(field.kinds) or ANY} ({field.name})"
        for field in prompt.fields
    )
    return f"in the prompt {prompt.name}, which takes {', '.join(fields)}"


def messages(prompt: Prompt, parts: Sequence[Part]) -> tuple[Message, ...]:
    """The chat that asks for the translation of `parts`: system, shots, query.

    Segments of fields that the unit lacks are left out of the query, and the blanks that then end it.
    """
    values = {part.field.name: written(prompt, part) for part in parts}
    values["kinds"] = ", ".join(kind for part in parts for kind in part.kinds)
    names = {field.name for field in prompt.fields}
    kept = [part for part in prompt.query if not (set(PLACEHOLDER.findall(part)) & names) - values.keys()]
    if len(kept) < len(prompt.query):
        kept[-1] = kept[-1].rstrip()
    shots = [
        (role, text) for shot in prompt.shots for role, text in (("user", shot.user), ("assistant", shot.assistant))
    ]
    query = "".join(fill_in(segment, values) for segment in kept)
    return tuple(Message(role, text) for role, text in [("system", prompt.system), *shots, ("user", query)])


def single_messages(prompt: Prompt, part: Part) -> tuple[Message, ...]:
    """The chat that asks for one text alone: system and the simpler query, without shots."""
    values = {"text": written(prompt, part), "kind": part.kinds[0], "label": part.field.label}
    return Message("system", prompt.system), Message("user", fill_in(prompt.single, values))


def written(prompt: Prompt, part: Part) -> str:
    """A part's texts as a query or an answer holds them, without its label."""
    if prompt.format == "json":
        return json.dumps({"texts": part.texts}, ensure_ascii=False)
    if not part.numbered:
        return part.texts[0]
    return ", ".join(f"{number}.{text}" for number, text in enumerate(part.texts, 1))
