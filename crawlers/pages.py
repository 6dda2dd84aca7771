"""What a wiki says of pages and files, as records."""

from dataclasses import dataclass
from typing import Any, Literal

from selectolax.lexbor import LexborHTMLParser

WHOLE_FILE = ("url", "sha1", "mime", "width", "height")

State = Literal["ok", "missing", "disambiguation", "redirect_elsewhere"]


@dataclass(frozen=True)
class PageRef:
    """One article in one language at one revision, as listed.

    Where a title leads to nothing or to another artwork's page (`state`), it stands for the page that is not there:
    page_id, revision and bytes are 0. `artwork` is the Wikidata item, or "en:PAGEID" where there is none; `bytes` the
    length of the wikitext; `versions` the number of Wikipedias that have an article on the artwork (0: not known);
    `en_title` the title in the source language.
    """

    language: str
    title: str
    page_id: int
    revision: int
    artwork: str
    qid: str
    bytes: int
    versions: int
    state: State
    en_title: str


@dataclass(frozen=True)
class Rendered:
    """A page's text as the wiki renders it, without the page around it."""

    language: str
    page_id: int
    revision: int
    title: str
    html: str


@dataclass(frozen=True)
class FileInfo:
    """A file of a wiki or of the repository that its family shares. Texts are plain, "" is not said; sizes: pixels."""

    name: str
    url: str
    thumbnail_url: str
    width: int
    height: int
    mime: str
    sha1: str
    description_url: str
    repository: Literal["local", "shared"]
    licence: str
    licence_url: str
    author: str
    credit: str


def file_info(name: str, page: dict[str, Any]) -> FileInfo | None:
    """A file as the API describes it; None where its page is there and the file itself is not, or is no whole one.

    Raises TypeError and the like for a description that is none.
    """
    info: dict[str, Any] = next(iter(page.get("imageinfo", ())), {})
    if "filemissing" in info or any(info.get(field) is None for field in WHOLE_FILE):
        return None
    said = info.get("extmetadata") or {}

    def text(*fields: str) -> str:
        values = (plain(str(said[field].get("value", ""))) for field in fields if isinstance(said.get(field), dict))
        return next(filter(None, values), "")

    return FileInfo(
        name=name,
        url=str(info["url"]),
        thumbnail_url=str(info.get("thumburl") or info["url"]),
        width=int(info["width"]),
        height=int(info["height"]),
        mime=str(info["mime"]),
        sha1=str(info["sha1"]),
        description_url=str(info.get("descriptionurl") or ""),
        repository="local" if page.get("imagerepository") == "local" else "shared",
        licence=text("LicenseShortName", "UsageTerms", "License"),
        licence_url=text("LicenseUrl"),
        author=text("Artist"),
        credit=text("Credit"),
    )


def plain(html: str) -> str:
    """The text that a reader sees of a piece of HTML, on one line."""
    body = LexborHTMLParser(html).body
    if body is None:
        return ""
    for hidden in body.css("style, script, [style*='display:none'], [style*='display: none']"):
        hidden.decompose()
    return " ".join(body.text(separator="").split())
