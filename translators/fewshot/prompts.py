"""Few-shot prompts are data: one YAML file says everything that a chat model is told, and so can be read, cited and
changed without touching code. Its digest is part of the translation memory's key.

A prompt file (`translators/prompts/*.yaml` are the ones that come along) has these keys:

    name, version, about   what it is called, a whole number to raise with every change, where it is from
    source, target         ISO 639 codes, or `any`: then {source_language} and {target_language} are filled in
    format                 `labelled` (the answer is "Label: text" for every field) or `json` ({"texts": [...]})
    system                 the system message
    shots                  examples, each with `user` and `assistant`; may be empty
    query                  a list of segments, joined to the query; each holds at most one {field}, and is left out
                           when the unit has nothing for that field
    single                 the simpler query for one text alone: {text}, {kind} and, if labelled, {label}
    fields                 each with `name` and `kinds` (kinds of text that it takes, or `any`); if labelled, with
                           the answer's `label` and the query's `source_label`; `numbered: true` if it takes
                           several texts, written "1.x, 2.y" (one alone has no number)
    decoding               temperature, top_p, context (tokens of prompt and answer), batch (requests that run
                           together), and an answer's room: tokens_per_source_token, extra_tokens

A `json` prompt has one field, of any number of texts, and {kinds} in its query is the list of their kinds.
"""

import difflib
import hashlib
import re
import reprlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import yaml

from translators.units import TranslatorError

FOLDER = Path(__file__).resolve().parents[1] / "prompts"
MAX_BYTES = 1 << 20
ANY = "any"

PLACEHOLDER = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Field:
    """A part of a query and of its answer. `kinds` are the kinds of text it takes; empty means any."""

    name: str
    kinds: tuple[str, ...]
    label: str = ""
    source_label: str = ""
    numbered: bool = False

    def takes(self, kind: str) -> bool:
        return not self.kinds or kind in self.kinds


@dataclass(frozen=True)
class Shot:
    """An example: what a user asks and what the assistant answers."""

    user: str
    assistant: str


@dataclass(frozen=True)
class Decoding:
    """How an answer is sampled. `context` and `extra_tokens` are tokens; `batch` is requests that run together."""

    temperature: float
    top_p: float
    context: int
    batch: int
    tokens_per_source_token: float
    extra_tokens: int


@dataclass(frozen=True)
class Prompt:
    """A prompt file, checked. `digest` names its content. The module's docstring explains the rest."""

    name: str
    version: int
    about: str
    source: str
    target: str
    format: Literal["labelled", "json"]
    system: str
    shots: tuple[Shot, ...]
    query: tuple[str, ...]
    single: str
    fields: tuple[Field, ...]
    decoding: Decoding
    digest: str


def known_prompts() -> list[str]:
    """The names of the prompts that come along."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def load_prompt(name: str) -> Prompt:
    """The prompt of this name, or in this file (a path that ends in `.yaml`).

    Raises `TranslatorError` that names the file, the key, and what was expected.
    """
    is_file = name.endswith((".yaml", ".yml"))
    path = Path(name) if is_file else FOLDER / f"{name}.yaml"
    if not is_file and name not in known_prompts():
        raise TranslatorError(
            f"--prompt {name}: no such prompt; {nearest(name, known_prompts())}, or give a file that ends in .yaml"
        )
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise TranslatorError(f"--prompt {path}: more than {MAX_BYTES:,} bytes; a prompt file is far smaller")
        raw = yaml.load(content.decode("utf-8"), _Loader)
    except OSError as error:
        raise TranslatorError(
            f"--prompt {path}: {error.strerror or error}; give a prompt file that is there"
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError, ValueError, RecursionError) as error:
        raise TranslatorError(f"--prompt {path}: not readable as YAML: {' '.join(str(error).split())[:400]}") from error
    try:
        return _read_prompt(raw, hashlib.sha256(content).hexdigest()[:12])
    except ValueError as error:
        raise TranslatorError(f"--prompt {path}: {error}") from error


def _names(template: str) -> set[str]:
    return set(PLACEHOLDER.findall(template))


class _Loader(yaml.SafeLoader):
    """YAML's safe loader that takes no key twice and no alias: a few lines of those stand for gigabytes."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            event = self.peek_event()  # type: ignore[no-untyped-call]
            raise ValueError(
                f"the alias *{event.anchor[:60]} in line {event.start_mark.line + 1}; write out what it stands for"
            )
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        made = super().construct_mapping(node, deep)
        seen: set[Any] = set()
        for key in (self.construct_object(key, deep=True) for key, _ in node.value):
            if key in seen:
                raise ValueError(
                    f"the key {reprlib.repr(key)} stands twice in line {node.start_mark.line + 1} and after"
                )
            seen.add(key)
        return made


def _read_prompt(raw: Any, digest: str) -> Prompt:
    """A file's content as a prompt. Raises ValueError naming the key."""
    top = _mapping(raw, "", required=[name for name in Prompt.__dataclass_fields__ if name != "digest"])
    form = top["format"]
    if form not in ("labelled", "json"):
        raise ValueError(f"format: {reprlib.repr(form)}; `labelled` or `json` is expected")
    fields = tuple(_read_field(item, f"fields[{n}]", form) for n, item in enumerate(_list(top["fields"], "fields")))
    shots = tuple(_read_shot(item, f"shots[{n}]") for n, item in enumerate(_list(top["shots"], "shots", empty=True)))
    prompt = Prompt(
        **{key: _text(top[key], key) for key in ("name", "about", "source", "target", "system", "single")},
        version=int(_number(top["version"], "version", 1, 1e9, whole=True)),
        format=form,
        shots=shots,
        query=tuple(_text(item, f"query[{n}]") for n, item in enumerate(_list(top["query"], "query"))),
        fields=fields,
        decoding=_read_decoding(top["decoding"]),
        digest=digest,
    )
    _check(prompt)
    return prompt


def _read_field(raw: Any, at: str, form: str) -> Field:
    labels = ["label", "source_label"] if form == "labelled" else []
    item = _mapping(raw, at, required=["name", "kinds", *labels], optional=["numbered"] if labels else [])
    kinds = [] if item["kinds"] == ANY else _list(item["kinds"], f"{at}.kinds")
    texts = {key: _text(item[key], f"{at}.{key}") for key in ("name", *labels)}
    if not isinstance(item.get("numbered", False), bool):
        raise ValueError(f"{at}.numbered: true or false is expected")
    for key in labels:
        if not any(map(str.isalpha, texts[key])):
            raise ValueError(f"{at}.{key}: a word is expected, such as Question")
    return Field(
        kinds=tuple(_text(kind, f"{at}.kinds[{n}]") for n, kind in enumerate(kinds)),
        numbered=item.get("numbered", False),
        **texts,
    )


def _read_shot(raw: Any, at: str) -> Shot:
    item = _mapping(raw, at, required=["user", "assistant"])
    return Shot(_text(item["user"], f"{at}.user"), _text(item["assistant"], f"{at}.assistant"))


def _read_decoding(raw: Any) -> Decoding:
    item = _mapping(raw, "decoding", required=list(Decoding.__dataclass_fields__))
    number = partial(_number, whole=True)
    return Decoding(
        temperature=_number(item["temperature"], "decoding.temperature", 0, 2),
        top_p=_number(item["top_p"], "decoding.top_p", 0.001, 1),
        context=int(number(item["context"], "decoding.context", 64, 1e7)),
        batch=int(number(item["batch"], "decoding.batch", 1, 65536)),
        tokens_per_source_token=_number(item["tokens_per_source_token"], "decoding.tokens_per_source_token", 0.5, 100),
        extra_tokens=int(number(item["extra_tokens"], "decoding.extra_tokens", 0, 1e6)),
    )


def _check(prompt: Prompt) -> None:
    """What the keys must be to one another. Raises ValueError."""
    names = [field.name for field in prompt.fields]
    if len(set(names)) < len(names):
        raise ValueError("fields: two have the same name")
    if prompt.format == "json" and len(names) != 1:
        raise ValueError(f"fields: {len(names)} are given; a json prompt has exactly one")
    kinds = [kind for field in prompt.fields for kind in field.kinds or (ANY,)]
    if len(set(kinds)) < len(kinds) or (ANY in kinds and len(kinds) > 1):
        raise ValueError("fields: a kind belongs to two fields; each kind goes to exactly one")
    known = set(names)
    languages = {"source_language", "target_language"}
    allowed = {*names, *languages, *(["kinds"] if prompt.format == "json" else [])}
    for at, text in [("system", prompt.system), *((f"shots[{n}]", s.user) for n, s in enumerate(prompt.shots))]:
        _only(text, at, languages)
    for number, segment in enumerate(prompt.query):
        _only(segment, f"query[{number}]", allowed)
        if len(_names(segment) & known) > 1:
            raise ValueError(f"query[{number}]: two fields in one segment; begin a segment for each")
    asked = [name for segment in prompt.query for name in PLACEHOLDER.findall(segment) if name in known]
    if asked != names:
        raise ValueError(
            f"query: it asks for {reprlib.repr(asked)}; the fields are {reprlib.repr(names)}, "
            "each once and in this order"
        )
    _only(prompt.single, "single", {"text", "kind", *languages, *(["label"] if prompt.format == "labelled" else [])})
    if "text" not in _names(prompt.single):
        raise ValueError("single: it needs {text}")


def _only(template: str, at: str, allowed: Collection[str]) -> None:
    for name in PLACEHOLDER.findall(template):
        if name not in allowed:
            raise ValueError(f"{at}: {{{name[:60]}}} is no field; {nearest(name, sorted(allowed))}")


def _mapping(raw: Any, at: str, *, required: list[str], optional: Sequence[str] = ()) -> dict[str, Any]:
    where = f"{at}: " if at else ""
    if not isinstance(raw, dict):
        raise ValueError(f"{where}a mapping with the keys {', '.join(required)} is expected")
    for key in raw:
        if key not in (*required, *optional):
            raise ValueError(f"{where}unknown key {reprlib.repr(key)}; {nearest(str(key), [*required, *optional])}")
    absent = [key for key in required if key not in raw]
    if absent:
        raise ValueError(f"{where}the key {absent[0]!r} is missing")
    return raw


def _list(raw: Any, at: str, *, empty: bool = False) -> list[Any]:
    if not isinstance(raw, list) or not (raw or empty):
        raise ValueError(f"{at}: a list{'' if empty else ' that is not empty'} is expected")
    return raw


def _text(raw: Any, at: str) -> str:
    if not isinstance(raw, str):
        raise ValueError(f"{at}: a text is expected and this is {reprlib.repr(raw)}; put it in quotes")
    if not raw.strip():
        raise ValueError(f"{at}: it is empty")
    return raw


def _number(raw: Any, at: str, low: float, high: float, *, whole: bool = False) -> float:
    if isinstance(raw, bool) or not isinstance(raw, int if whole else (int, float)) or not low <= raw <= high:
        raise ValueError(
            f"{at}: {reprlib.repr(raw)}; a {'whole ' if whole else ''}number from {low:g} to {high:g} is expected"
        )
    return raw


def nearest(name: str, known: Collection[str]) -> str:
    """`did you mean …?`, or all that is known: the end of a message about an unknown name."""
    near = difflib.get_close_matches(name[:60], known, n=3, cutoff=0.5)
    return f"did you mean {' or '.join(near)}?" if near else f"known are {', '.join(known)}"
