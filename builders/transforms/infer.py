"""What the columns of an unknown dataset are, and which of them hold text that people read: what `--infer` says.

It is a proposal with its reasons, made of rules that can be read here, and never acted on by itself.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lingua import Language

from builders.transforms.paths import Path
from builders.transforms.shape import MAX_DEPTH, MAX_KEYS
from validation.filters.texts import WORD, detector, extract

MAX_PATHS = 200
MAX_TEXTS = 1000
CLOSED = 20  # values at most, each of them said three times or more
MOST = 0.9
LITTLE = 5  # words in all
IMAGE = {"bytes", "path"}
LANGUAGES = (
    "ENGLISH", "ITALIAN", "FRENCH", "GERMAN", "SPANISH", "PORTUGUESE", "DUTCH", "BASQUE", "RUSSIAN", "CHINESE",
    "JAPANESE", "ARABIC",
)  # fmt: skip
YES_NO = {"yes", "no", "true", "false", "y", "n", "maybe", "not sure", "unknown", "none"}
TECHNICAL = re.compile(
    r"(from|role|split|subset|type|kind|category|source|lang(uage)?|task|model|domain|dataset|license|licence|status)s?"
    r"|.*_(type|category|source|lang(uage)?|task|model|split|name)|(image|file|task|user)_?name|author|owner|user"
)
IDS = re.compile(r"(.*[_-])?(id|ids|uid|uuid|qid|pid|guid|hash|sha(1|256)?|md5|key|idx|index)|.*Id")
WHOLE = {  # what a text is as a whole, in the order in which it is asked
    "URLs": re.compile(r"(https?|ftp|hf|s3|gs)://\S+"),
    "dates": re.compile(r"\d{4}-\d\d-\d\d([T ][\d:.+Z-]+)?|\d{1,2}[./]\d{1,2}[./]\d{2,4}"),
    "numbers": re.compile(r"[\[(]?[-+\d.,:/\s]*\d[-+\d.,:/\se]*[\])%]?|NaN|nan"),
    "file names": re.compile(
        r"(?i).*\S\.(jpe?g|png|webp|gif|bmp|tiff?)|(?=\S*[/\\_\d-])[^\s?!,;]+\.(?=\d*[a-z])[a-z0-9]{2,5}"
    ),
    "option labels": re.compile(r"[(\[]?([A-Z]|[a-h]|\d)[)\].:]?"),
    "encoded data": re.compile(r"(data:\w+/|[A-Za-z0-9+/=_-]{200})\S*"),
    "code": re.compile(
        r"(?s)\s*(<\?|<!DOCTYPE|#include|import \w|from \w+ import|def \w+\(|function\b.*\{|SELECT .* FROM).*"
        r"|.*(;\s*\n.*\}|\\(begin|documentclass)\{\w+\}|</\w+>\s*\n).*"
    ),
}
KINDS = {
    "question": ("question", "query", "problem", "stem"),
    "answer": ("answer", "label", "response", "output", "target", "completion", "text_answer"),
    "option": ("option", "choice", "distractor"),
    "caption": ("caption", "description", "title"),
    "instruction": ("instruction", "prompt"),
    "hint": ("hint", "context", "passage", "background"),
    "explanation": ("explanation", "rationale", "solution", "fact", "reason", "lecture"),
}
TOGETHER = ("question", "option", "answer")


@dataclass
class Seen:
    """What stands at a path, over some records."""

    values: Counter[str] = field(default_factory=Counter)
    texts: list[str] = field(default_factory=list)

    def see(self, what: str, text: str = "") -> None:
        self.values[what] += 1
        if what == "text" and len(self.texts) < MAX_TEXTS:
            self.texts.append(text)


@dataclass(frozen=True)
class Column:
    """What a path holds: `what` in a few words, whether it is for the translator, and the words and the distinct
    share of its texts."""

    path: Path
    what: str
    translate: bool
    words: float = 0.0
    distinct: float = 0.0
    example: str = ""


def survey(records: Iterable[Mapping[str, Any]]) -> list[Column]:
    """What every path of these records holds, in the order in which they were first seen. Lists of texts, however
    deep, are under the path of the list."""
    seen: dict[tuple[str | None, ...], Seen] = {}
    for record in records:
        for key, value in record.items():
            _look(value, (key,), seen)
    within = {steps[:length] for steps in seen for length in range(1, len(steps))}
    return [
        _judged(Path(steps), what, among_objects=steps in within)
        for steps, what in seen.items()
        if steps not in within or what.values.keys() - {"nothing"}
    ]


def _look(value: Any, steps: tuple[str | None, ...], seen: dict[tuple[str | None, ...], Seen]) -> None:
    if steps not in seen and len(seen) >= MAX_PATHS:
        return
    if isinstance(value, Mapping) and value and len(value) <= MAX_KEYS and not value.keys() <= IMAGE:
        for key, item in value.items():
            _look(item, (*steps, key), seen)
    elif isinstance(value, list) and value and len(steps) <= MAX_DEPTH:
        for item in value:
            below = isinstance(item, Mapping) and not item.keys() <= IMAGE
            _look(item, (*steps, None) if below else steps, seen)
    elif value in (None, "", []):
        seen.setdefault(steps, Seen()).see("nothing")
    else:
        what = (
            "text" if isinstance(value, str)
            else "yes/no" if isinstance(value, bool)
            else "number" if isinstance(value, int | float)
            else "image" if isinstance(value, Mapping) and value.keys() <= IMAGE
            else "object" if isinstance(value, Mapping)
            else type(value).__name__
        )  # fmt: skip
        seen.setdefault(steps, Seen()).see(what, value if what == "text" else "")


def _judged(path: Path, seen: Seen, among_objects: bool) -> Column:
    held = [what for what, _ in seen.values.most_common() if what != "nothing"]
    if not held:
        return Column(path, "empty", False)
    if "text" not in held or (seen.values["text"] < 0.5 * (seen.values.total() - seen.values["nothing"])):
        names = {
            "yes/no": "true or false", "number": "numbers", "image": "images", "object": "objects of many keys",
            "bytes": "binary data",
        }  # fmt: skip
        return Column(path, " and ".join(names.get(what, what) for what in held), False)
    what, translate = _judged_texts(seen.texts, path)
    if among_objects or {"object", "image"} & set(held):
        what, translate = f"{what}; in other records an object", False
    words = sum(len(WORD.findall(text)) for text in seen.texts) / len(seen.texts)
    distinct = len(set(seen.texts)) / len(seen.texts)
    if len(held) > 1:
        what += f", and {seen.values.total() - seen.values['nothing'] - seen.values['text']} values that are no text"
    example = min(sorted(set(seen.texts))[:50], key=lambda text: abs(len(text) - 30))
    return Column(path, what, translate, words, distinct, " ".join(example.split()))


def _judged_texts(texts: Sequence[str], path: Path) -> tuple[str, bool]:
    """What these texts are, in words, and whether they are for the translator."""
    texts = [extract(text) for text in texts]
    said = Counter(text.strip() for text in texts)
    few = len(said) <= CLOSED and len(texts) >= 3 * len(said)
    name, one_word = _key(path), _share(texts, lambda text: len(text.split()) == 1)
    if IDS.fullmatch(name) and one_word >= MOST:
        return "ids", False
    if {text.lower().rstrip(".") for text in said} <= YES_NO:
        return f"a closed set: {_listed(said)}", True
    for what, pattern in WHOLE.items():
        if _share(texts, lambda text, pattern=pattern: pattern.fullmatch(text.strip())) >= MOST:
            return what, False
    if _share(texts, _is_json) >= MOST:
        return "JSON in text: not read", False
    if one_word >= MOST and _share(texts, lambda text: re.search(r"\d", text)) >= MOST:
        return "ids", False
    if few and (TECHNICAL.fullmatch(name.lower()) or name.lower() in IDS_OF_SETS):
        return f"labels: {_listed(said)}", False
    if few and one_word >= MOST and all(re.fullmatch(r"[\w/-]+", text) and text.islower() for text in said):
        return f"labels, if nobody reads them: {_listed(said)}", False
    if TECHNICAL.fullmatch(name.lower()) and one_word >= 0.5:
        return "names", False
    if sum(len(WORD.findall(text)) for text in said) < LITTLE:
        return f"text, too little to tell its language: {_listed(said)}", True
    english, other = _english(list(said))
    closed = f"a closed set of {len(said)}: " if few else ""
    if english >= 0.5:
        mixed = f", {english:.0%} of it; then {other}" if english < MOST and other else ""
        return f"{closed}text in English{mixed}", True
    return f"{closed}text in {other or 'an unknown language'}, {english:.0%} English", False


IDS_OF_SETS = frozenset({"difficulty", "level", "grade", "subject", "topic", "skill"})


def _english(texts: Sequence[str]) -> tuple[float, str]:
    """The share of English among texts of some words, or else of all texts together; and the language next to it."""
    long = [text for text in texts if len(WORD.findall(text)) >= 4] or [" . ".join(texts)]
    known = detector(frozenset(getattr(Language, name) for name in LANGUAGES))
    found = Counter(language for text in long[:200] if (language := known.detect_language_of(extract(text))))
    if not found:
        return 0.0, ""
    others = [language for language, _ in found.most_common() if language != Language.ENGLISH]
    return found[Language.ENGLISH] / found.total(), others[0].name.capitalize() if others else ""


def _is_json(text: str) -> bool:
    if text.strip()[:1] not in ("{", "["):
        return False
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _share(texts: Sequence[str], test: Any) -> float:
    return sum(bool(test(text)) for text in texts) / len(texts)


def _listed(said: Counter[str]) -> str:
    words = [word if len(word) <= 20 else f"{word[:19]}…" for word, _ in said.most_common(4)]
    return ", ".join(words) + (", …" if len(said) > len(words) else "")


def _key(path: Path) -> str:
    return next(step for step in reversed(path.steps) if step is not None)


def kind_of(path: Path) -> str:
    """The kind of a field by the name of its key, as prompts know kinds; `text` when the name says nothing."""
    words = [word.rstrip("s0123456789") for word in re.split(r"[^a-z0-9]+", _key(path).lower())]
    return next((kind for kind, names in KINDS.items() if any(word in names for word in words)), "text")


def together(columns: Sequence[Column]) -> list[tuple[Path, ...]]:
    """The paths that are better translated together: a question, its options and its answers, of one object."""
    groups: dict[tuple[str | None, ...], list[Path]] = {}
    for column in columns:
        if column.translate and kind_of(column.path) in TOGETHER:
            groups.setdefault(_parent(column.path), []).append(column.path)
    return [tuple(group) for group in groups.values() if {"question"} < {kind_of(path) for path in group}]


def _parent(path: Path) -> tuple[str | None, ...]:
    last = max(place for place, step in enumerate(path.steps) if step is not None)
    return path.steps[:last]
