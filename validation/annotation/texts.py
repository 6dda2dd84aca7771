"""What an annotator reads on a page, in the languages that pages speak; one YAML file a language."""

from functools import cache
from pathlib import Path
from typing import Any

import yaml

from validation.annotation.package import Task

LANGUAGES = ("en", "it", "eu", "fr", "de", "es")
TEXTS = Path(__file__).parent / "templates" / "texts"


@cache
def texts(language: str) -> dict[str, Any]:
    """The page's texts in one of `LANGUAGES`: a text by its name, some of them in groups."""
    loaded: dict[str, Any] = yaml.safe_load((TEXTS / f"{language}.yaml").read_text(encoding="utf-8"))
    return loaded


def default_guidelines(task: Task, language: str = "en") -> str:
    """Our guidelines as Markdown, for a package that comes without its own; English where there is no such language."""
    guidelines: str = texts(language if language in LANGUAGES else "en")["guidelines_text"][task]
    return guidelines
