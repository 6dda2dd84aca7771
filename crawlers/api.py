"""MediaWiki's HTTP interface: where a family of wikis answers, and what an answer means.

A wiki can fail in many ways that look like success: a replica that lags behind says so with status 200, a proxy sends
a page of HTML, a connection ends in the middle of the JSON. `judge` knows them: it gives back a whole JSON object,
or says what went wrong and whether it may heal (`Unready`) or not (`WikiError`).
"""

import re
from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

import orjson

HEALING_STATUS = frozenset({408, 425, 429, 500, 502, 503, 504})
HEALING_CODES = frozenset({"maxlag", "ratelimited", "readonly", "timeouterror"})
SERVER_CODES = frozenset({"timeout", "broken", "unreachable", "html", "garbled", "maxlag", "ratelimited", "readonly"})
GONE_CODES = frozenset({"nosuchrevid", "nosuchpageid", "missingtitle", "missingcontent-revid", "permissiondenied"})
WIKIPEDIA_API = "https://{language}.wikipedia.org/w/api.php"
WIKIDATA_API = "https://www.wikidata.org/w/api.php"
VIEWS = "/metrics/pageviews/per-article/{language}.wikipedia.org/all-access/user/{title}/monthly/{first}/{last}"
SHOWN_CHARACTERS = 200


class WikiError(Exception):
    """A wiki gives no answer that can be used. `code`: the API's own, http_STATUS, or one of this package's."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)
        self.code = code

    def __str__(self) -> str:
        return str(self.args[1])


class Gone(WikiError):
    """The page or the revision is not there any more."""


def of_server(code: str) -> bool:
    """Whether an error's code is of the server, which then answers nothing, rather than of what it was asked for."""
    return code in SERVER_CODES or code.startswith("http_") or code in map(str, HEALING_STATUS)


class Unready(Exception):
    """An answer that may be another one if asked again. `reason`: a short name; `retry_after`: the header."""

    def __init__(self, reason: str, message: str, retry_after: str | None = None) -> None:
        super().__init__(reason, message, retry_after)
        self.reason, self.message, self.retry_after = reason, message, retry_after


@dataclass(frozen=True)
class Family:
    """Where wikis of the same kind answer: URLs with `{language}` (and `{title}`, `{first}`, `{last}`).

    `wikidata` and `views` are "" where a family has none.
    """

    api: str
    wikidata: str
    views: str
    rest: str

    def api_of(self, language: str) -> str:
        """The URL of a language's action API."""
        return self.api.format(language=language)

    def edits_of(self, language: str, title: str) -> str:
        """The URL of a page's number of edits (https://www.mediawiki.org/wiki/API:REST_API/Reference)."""
        return f"{self.rest.format(language=language)}/v1/page/{in_path(title)}/history/counts/edits"

    def views_of(self, language: str, title: str, first: str, last: str) -> str:
        """The URL of a page's views by month, from `first` to `last` ("202507"), both included.

        https://doc.wikimedia.org/generated-data-platform/aqs/analytics-api/reference/page-views.html
        """
        _, days = monthrange(int(last[:4]), int(last[4:]))
        return self.views.format(language=language, title=in_path(title), first=f"{first}01", last=f"{last}{days}")


WIKIPEDIA = Family(
    WIKIPEDIA_API,
    WIKIDATA_API,
    "https://wikimedia.org/api/rest_v1" + VIEWS,
    WIKIPEDIA_API.replace("api.php", "rest.php"),
)


def family_of(base: str) -> Family:
    """The wikis at an address: "" is Wikipedia; a text with "{language}" is the pattern of the APIs' URLs; any other is
    the root of a family, with BASE/LANGUAGE/w/api.php, BASE/wikidata/w/api.php and BASE/api/rest_v1/.

    Raises ValueError.
    """
    base = base.strip().rstrip("/")
    if base in ("", WIKIPEDIA_API):
        return WIKIPEDIA
    try:
        parts = urlsplit(base)
        known = parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc
    except ValueError:
        known = False
    if not known or parts.query or parts.fragment or set(re.findall(r"[{}]+[^{}]*}*", base)) - {"{language}"}:
        raise ValueError(
            f"address of wikis {base!r}: expected http(s)://HOST[:PORT], or the pattern of an API with {{language}} in "
            f"it, like {WIKIPEDIA_API}"
        )
    if "{language}" not in base:
        api = base + "/{language}/w/api.php"
        return Family(
            api, f"{base}/wikidata/w/api.php", f"{base}/api/rest_v1{VIEWS}", api.replace("api.php", "rest.php")
        )
    if not base.endswith("api.php"):
        raise ValueError(f"address of wikis {base!r}: the pattern of an API ends with api.php, like {WIKIPEDIA_API}")
    return Family(base, "", "", base.removesuffix("api.php") + "rest.php")


def in_path(title: str) -> str:
    """A title as a part of a URL's path."""
    return quote(title.replace(" ", "_"), safe="")


def judge(status: int, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    """The JSON object of an answer. Raises `Unready` for what may heal, else `WikiError`."""
    wait = headers.get("Retry-After")
    if status in HEALING_STATUS:
        raise Unready(str(status), f"HTTP {status}: {shown(body)}", wait)
    value = _parsed(body)
    if status != 200:
        code = "not_found" if status == 404 and isinstance(value, dict) else f"http_{status}"
        raise WikiError(code, f"HTTP {status}: {shown(body)}")
    if not isinstance(value, dict):
        reason = "html" if body.lstrip()[:1] == b"<" else "garbled"
        raise Unready(reason, f"expected a JSON object, got {shown(body)}", wait)
    if error := _error(value):
        code, text = error
        if code in HEALING_CODES or code.startswith("internal_api_error"):
            raise Unready(code, f"{code}: {text}", wait)
        raise (Gone if code in GONE_CODES else WikiError)(code, f"{code}: {text}")
    return value


def _parsed(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None


def _error(value: dict[str, Any]) -> tuple[str, str] | None:
    """The code and the text of the API's error, in either of its two formats."""
    errors = value.get("errors") or value.get("error")
    if not errors:
        return None
    first = errors[0] if isinstance(errors, list) else errors
    if not isinstance(first, dict):
        return "unknown", shown(str(first).encode())
    text = str(first.get("text") or first.get("info") or first.get("html") or "")
    return str(first.get("code", "unknown")), shown(text.encode())


def shown(body: bytes) -> str:
    """The beginning of an answer as one line of plain text, for an error message."""
    text = re.sub(r"(?s)<(script|style).*?</\1>|<[^>]*>", " ", body[:4000].decode(errors="replace"))
    text = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return text[:SHOWN_CHARACTERS] or "(nothing)"
