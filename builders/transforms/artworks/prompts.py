"""The prompts of MultiExpArt: four templates at three levels in ten languages, filled with titles and headings.

The templates are the paper's (appendix J), kept as data in `templates.yaml`. Titles and headings come from
Wikipedia and are put in as they are: a page called "{section}" stays that.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

FILE = Path(__file__).with_name("templates.yaml")
LEVELS = {
    "section": ("title", "section"),
    "subsection": ("title", "section", "subsection"),
    "subsubsection": ("title", "section", "subsection", "subsubsection"),
}
_FIELD = re.compile(r"\{(\w*)\}")


@dataclass(frozen=True)
class Templates:
    """What is said in each language: the name of an article's lead, and templates by template and level."""

    lead: Mapping[str, str]
    templates: Mapping[str, Mapping[str, Mapping[str, str]]]


def languages() -> tuple[str, ...]:
    """The languages that have templates, in the order of the paper's tables."""
    return tuple(load_templates().templates)


def lead_name(language: str) -> str:
    """What the lead is called in this language, as the lead has no heading. Raises `ValueError`."""
    return load_templates().lead[_known(language)]


def prompts(language: str, level: int, title: str, path: Sequence[str]) -> list[tuple[str, str]]:
    """The four prompts of one section: (template, text), for example ("en_template1_section", "Focus on …").

    `language` is the instruction's. `level` is 0 for the lead, whose `path` is empty, else 1 to 3; `path` are the
    headings from the section down to the one asked for. The lead takes the section templates, under the name that
    it has in `language`. Raises `ValueError` for a language without templates, and where `level` does not fit `path`.
    """
    known = load_templates().templates[_known(language)]
    if level != len(path) or level > len(LEVELS):
        raise ValueError(f"level {level} with the headings {list(path)}: 0 to {len(LEVELS)} are expected, one each")
    headings = list(path) or [lead_name(language)]
    name = list(LEVELS)[len(headings) - 1]
    values = dict(zip(LEVELS[name], [title, *headings], strict=True))
    return [(f"{language}_{template}_{name}", fill(texts[name], values)) for template, texts in known.items()]


def fill(template: str, values: Mapping[str, str]) -> str:
    """`template` with its fields filled, in one pass: braces inside a value are text."""
    return _FIELD.sub(lambda field: values[field[1]], template)


@cache
def load_templates() -> Templates:
    """Read the file. Raises `ValueError` naming everything that is wrong in it."""
    data = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    made = Templates(data["lead"], data["templates"])
    problems = [f"{FILE.name}: {problem}" for problem in _problems(made)]
    if problems:
        raise ValueError("\n".join(problems))
    return made


def _problems(made: Templates) -> list[str]:
    problems = [f"the lead has no name in {language}" for language in made.templates.keys() - made.lead.keys()]
    for language, templates in made.templates.items():
        for template, texts in templates.items():
            name = f"{language} {template}"
            if list(texts) != list(LEVELS):
                problems.append(f"{name} has {', '.join(texts)}; {', '.join(LEVELS)} are expected")
            for level, text in texts.items():
                used, expected = set(_FIELD.findall(text)), set(LEVELS.get(level, ()))
                problems += [f"{name} {level}: {text!r} uses {{{field}}}" for field in sorted(used - expected)]
                problems += [f"{name} {level}: {text!r} lacks {{{field}}}" for field in sorted(expected - used)]
    return problems


def _known(language: str) -> str:
    known = languages()
    if language not in known:
        raise ValueError(f"no templates for {language!r}; there are {', '.join(known)}")
    return language
