"""The pictures that neither item nor hash could settle, on one page for people, and their decisions read back.

The page is one file that asks nothing of any network: small copies of the pictures are in it, and a person may click
through to the articles. Everything on it but our own words is from Wikipedia, so titles and file names are escaped,
addresses are links only if they are http or https, and no script runs but the page's own, which is named by its hash.
"""

import base64
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from markupsafe import Markup
from PIL import Image
from upath import UPath

from builders.transforms.artworks.alignment import Comparison, PagePicture, Verdict
from cards.samples import Picture, thumbnail
from cards.text import html_environment, language_name

TEMPLATES = Path(__file__).with_name("templates")
LARGEST_FILE = 10_000_000
_ID = re.compile(r"[^\s/]{1,100}/[0-9a-f]{12}")
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,3}")


@dataclass(frozen=True)
class Side:
    """One of the two pictures of a question, with its page."""

    page: PagePicture
    picture: Picture

    @property
    def language(self) -> str:
        return language_name(self.page.language)

    @property
    def code(self) -> str:
        return self.page.language if _LANGUAGE.fullmatch(self.page.language) else ""

    @property
    def link(self) -> str:
        """The page's address, or nothing if it is none that a person should click on."""
        return self.page.url if urlsplit(self.page.url).scheme in ("http", "https") else ""


@dataclass(frozen=True)
class Question:
    """Whether the two pictures show the same work."""

    comparison: Comparison
    sides: tuple[Side, Side]


def review_page(comparisons: Sequence[Comparison], thumbnails: Mapping[str, bytes]) -> str:
    """The page as HTML: a question for each comparison, with the pictures of its pages, by page id.

    A question takes some 60 kB.
    """
    script = (TEMPLATES / "review.js.j2").read_text(encoding="utf-8")
    hashed = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    ids = "\n".join(comparison.id for comparison in comparisons)
    return (
        html_environment(TEMPLATES)
        .get_template("review.html.j2")
        .render(
            questions=[_question(comparison, thumbnails) for comparison in comparisons],
            review=hashlib.sha256(ids.encode()).hexdigest()[:16],
            script=Markup(script),
            script_hash=hashed,
        )
    )


def read_decisions(path: str | UPath) -> dict[str, Verdict]:
    """People's decisions, by pair id, from a file that the page saved; `pair_ids` says which of them still apply.

    Raises `ValueError`, naming the file and what is wrong in it.
    """
    file = UPath(path)
    try:
        size = file.stat().st_size
        text = file.read_bytes() if size <= LARGEST_FILE else b""
    except OSError as error:
        raise ValueError(f"{file}: the decisions cannot be read: {error}") from error
    if size > LARGEST_FILE:
        raise ValueError(f"{file}: {size:,} bytes; a file of decisions has at most {LARGEST_FILE:,}")
    try:
        data = json.loads(text, object_pairs_hook=_without_repeats)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{file}: a JSON file that the review page saved is expected: {error}") from error
    decisions = data.get("decisions") if isinstance(data, dict) else None
    if not isinstance(decisions, dict):
        raise ValueError(f'{file}: {{"decisions": {{…}}}} is expected, as the review page saves it')
    made: dict[str, Verdict] = {}
    for pair, verdict in decisions.items():
        if not _ID.fullmatch(pair):
            raise ValueError(f"{file}: {pair[:120]!r} is no pair's id; one like 'Q12418/0123456789ab' is expected")
        if verdict not in ("same", "different"):
            raise ValueError(f"{file}: {pair} is {str(verdict)[:100]!r}; 'same' or 'different' is expected")
        made[pair] = verdict
    return made


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise ValueError("a key is given twice")
    return made


def _question(comparison: Comparison, thumbnails: Mapping[str, bytes]) -> Question:
    first, second = (_side(page, thumbnails.get(page.id)) for page in (comparison.reference, comparison.other))
    return Question(comparison, (first, second))


def _side(page: PagePicture, data: bytes | None) -> Side:
    if not data:
        return Side(page, Picture("", 0, 0, "The picture could not be fetched. Look at the article."))
    try:
        return Side(page, thumbnail(data))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return Side(page, Picture("", 0, 0, "The picture cannot be shown here. Look at the article."))
