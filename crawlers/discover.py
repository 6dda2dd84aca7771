"""Which pages there are to crawl: the articles that use an infobox, and what other languages write of the same thing.

Everything is asked in batches of fifty; the texts themselves are asked for later, by revision.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from crawlers.api import WikiError
from crawlers.languages import check_languages, is_wikipedia, site_id
from crawlers.mediawiki import Client, batches, followed, is_title, readable, together
from crawlers.pages import PageRef, State

ITEM = re.compile(r"Q[1-9][0-9]*")
GUESSED_SECONDS = 0.5

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class _Source:
    """An artwork's page on the source wiki, and the titles of its other languages' pages."""

    page: PageRef
    titles: dict[str, str]


@dataclass(frozen=True)
class Forecast:
    """What fetching pages takes: requests still to send and answers cached, by kind, and seconds at the gate's rate."""

    requests: dict[str, int]
    cached: dict[str, int]
    seconds: float


async def discover(
    client: Client,
    languages: Sequence[str],
    templates: Sequence[str],
    categories: Sequence[str] = (),
    *,
    source: str = "en",
    limit: int = 0,
    counterparts: Literal["langlinks", "wikidata"] = "langlinks",
    progress: Progress | None = None,
) -> list[PageRef]:
    """The pages in `languages` of the artworks whose pages on the `source` wiki use a template or are in a category.

    Artwork by artwork, by the source's page id, the source language first; `limit` artworks at most (0: all). A page
    that a source page links to but that is not there, is a disambiguation page or another artwork's comes with its
    state. `progress` is called with what is asked for, how many are done and how many there are.

    Raises `WikiError`, and ValueError for languages and titles that can be known to be wrong.
    """
    said = progress or (lambda what, done, of: None)
    check_languages([source, *languages])
    if not templates and not categories:
        raise ValueError("no template and no category: expected at least one, such as 'Template:Infobox artwork'")
    if counterparts == "wikidata" and not client.family.wikidata:
        raise ValueError("counterparts by Wikidata: this family of wikis has none; take langlinks")
    await together(_check_wiki(client, language) for language in dict.fromkeys([source, *languages]))
    listed = await _listed(client, source, templates, categories, limit, said)
    sources = await _sources(client, source, listed, said)
    if counterparts == "wikidata":
        sources = await _sitelinks(client, source, sources, said)
    others = [language for language in dict.fromkeys(languages) if language != source]
    found = await together(_counterparts(client, language, sources, said) for language in others)
    own = [source] if source in languages else []
    return [
        page
        for each in sources
        for page in (
            *[each.page for _ in own],
            *(pages[each.page.artwork] for pages in found if each.page.artwork in pages),
        )
    ]


async def _check_wiki(client: Client, language: str) -> None:
    """Raise `WikiError` unless the family has a wiki in this language."""
    try:
        await client.get(language, {"action": "query", "meta": "siteinfo"}, "siteinfo")
    except WikiError as error:
        if error.code in ("http_404", "not_found"):
            raise WikiError("no_such_wiki", f"language {language!r}: this family has no such wiki ({error})") from error
        raise


async def _listed(
    client: Client, source: str, templates: Sequence[str], categories: Sequence[str], limit: int, said: Progress
) -> dict[int, str]:
    """The pages that use the templates or are in the categories: their titles by id, in ascending order."""
    found: dict[int, str] = {}
    names = [name for template in templates for name in await _template_names(client, source, template)]
    for group in dict.fromkeys(names):
        found |= await _list(
            client, source, "embeddedin", limit, said,
            eititle=group, einamespace="0", eifilterredir="nonredirects", eilimit="max",
        )  # fmt: skip
    if templates and not found:
        raise WikiError("empty", f"no article on the {source} wiki uses {' or '.join(templates)}; is the name right?")
    for category in categories:
        title = _titled("Category", category)
        pages = await _list(
            client, source, "categorymembers", limit, said,
            cmtitle=title, cmnamespace="0", cmtype="page", cmlimit="max", cmsort="timestamp",
        )  # fmt: skip
        if not pages:
            raise WikiError("empty", f"{title} on the {source} wiki has no articles; is the name right?")
        found |= pages
    return dict(sorted(found.items())[: limit or None])


async def _list(client: Client, source: str, name: str, limit: int, said: Progress, **params: str) -> dict[int, str]:
    """The titles of one list by page id; `limit` or a few more, where there is a limit."""
    found: dict[int, str] = {}
    async for piece in client.pieces(source, "listing", list=name, **params):
        with readable(f"{client.family.api_of(source)} on the list {name}"):
            found |= {int(each["pageid"]): str(each["title"]) for each in piece.get(name, ())}
        said("listing", len(found), 0)
        if limit and len(found) >= limit:
            break
    return found


async def _template_names(client: Client, source: str, template: str) -> list[str]:
    """The titles under which a template is used: its own, and those of the pages that redirect to it."""
    title = _titled("Template", template)
    pages = await client.query(
        source, "listing", titles=title, redirects="1", prop="redirects", rdprop="title", rdlimit="max"
    )
    if len(pages) != 1 or "pageid" not in pages[0]:
        raise WikiError("no_such_template", f"the {source} wiki has no {title}; is the name right?")
    with readable(f"{client.family.api_of(source)} on {title}"):
        return [str(pages[0]["title"]), *sorted(str(each["title"]) for each in pages[0].get("redirects", ()))]


def _titled(namespace: str, name: str) -> str:
    """A title in its namespace, which may be left out. Raises ValueError for what can be no title."""
    name = name.strip().replace("_", " ")
    if not is_title(name):
        raise ValueError(f"{namespace.lower()} {name!r}: no title of a wiki; expected a name like '{namespace}:NAME'")
    return name if ":" in name else f"{namespace}:{name}"


async def _sources(client: Client, source: str, listed: dict[int, str], said: Progress) -> list[_Source]:
    """The source pages, with their language links."""
    ids = list(listed)
    done = 0

    async def some(part: Sequence[int]) -> list[dict[str, Any]]:
        nonlocal done
        pages = await client.query(
            source, "properties", pageids="|".join(map(str, part)), prop="info|pageprops|langlinks",
            ppprop="wikibase_item|disambiguation", lllimit="max",
        )  # fmt: skip
        done += len(part)
        said("properties", done, len(ids))
        return pages

    found = {page.get("pageid"): page for pages in await together(map(some, batches(ids))) for page in pages}
    sources: list[_Source] = []
    taken: set[str] = set()
    for number, title in listed.items():
        page = found.get(number, {})
        with readable(f"{client.family.api_of(source)} on page {number}"):
            links = {str(each["lang"]): str(each["title"]) for each in page.get("langlinks", ())}
            qid = _item(page)
            artwork = qid if qid and qid not in taken else f"{source}:{number}"
            taken.add(artwork)
            of = PageRef(source, title, 0, 0, artwork, qid, 0, len(links) + 1, "ok", title)
            sources.append(_Source(_page_ref(source, title, page, of), links))
    return sources


async def _sitelinks(client: Client, source: str, sources: list[_Source], said: Progress) -> list[_Source]:
    """The source pages with the titles that Wikidata has for their items, in place of language links."""
    items = sorted({each.page.qid for each in sources if each.page.qid})
    done = 0

    async def some(part: Sequence[str]) -> dict[str, dict[str, str]]:
        nonlocal done
        params = {"action": "wbgetentities", "ids": "|".join(part), "props": "sitelinks", "format": "json",
                  "formatversion": "2", "errorformat": "plaintext", "maxlag": "5"}  # fmt: skip
        entities = await client.ask(client.family.wikidata, params, "sitelinks", None, _titles_by_item)
        done += len(part)
        said("sitelinks", done, len(items))
        return entities

    found = {item: titles for part in await together(map(some, batches(items))) for item, titles in part.items()}
    changed = []
    for each in sources:
        titles = found.get(each.page.qid, {})
        links = {site: title for site, title in titles.items() if site != site_id(source)}
        page = replace(each.page, versions=1 + sum(map(is_wikipedia, links)))
        changed.append(_Source(page, links))
    return changed


def _titles_by_item(answer: dict[str, Any]) -> dict[str, dict[str, str]]:
    """An answer of wbgetentities as item -> site -> title."""
    titles: dict[str, dict[str, str]] = {}
    for item, entity in answer["entities"].items():
        links = entity.get("sitelinks") or {}
        asked = entity.get("redirects", {}).get("from", item)
        titles[asked] = {str(site): str(link["title"]) for site, link in links.items()}
    return titles


async def _counterparts(
    client: Client, language: str, sources: Sequence[_Source], said: Progress
) -> dict[str, PageRef]:
    """The pages of one language by artwork. Two artworks have no page in common: it is that of whom its own title, not
    a redirect, leads there, then of the first.
    """
    wanted = [(each, title) for each in sources if (title := _title_in(each, language))]
    titles = sorted({title for _, title in wanted if is_title(title)})
    done = 0

    async def some(part: Sequence[str]) -> dict[str, dict[str, Any]]:
        nonlocal done
        pages, leads = await client.query_titles(
            language, "properties", titles="|".join(part), redirects="1", prop="info|pageprops",
            ppprop="wikibase_item|disambiguation",
        )  # fmt: skip
        done += len(part)
        said(f"properties {language}", done, len(titles))
        by_title = {page.get("title", ""): page for page in pages}
        return {title: by_title.get(followed(title, leads), {}) for title in part}

    found = {title: page for part in await together(map(some, batches(titles))) for title, page in part.items()}
    refs: dict[str, PageRef] = {}
    taken: set[int] = set()
    for each, title in sorted(wanted, key=lambda pair: found.get(pair[1], {}).get("title") != pair[1]):
        of = each.page
        with readable(f"{client.family.api_of(language)} on {title}"):
            ref = _page_ref(language, title, found.get(title, {}), of)
            item = _item(found.get(title, {}))
        if ref.state == "ok":
            if ref.page_id in taken or (item and of.qid and item != of.qid):
                ref = _nothing(language, title, of, "redirect_elsewhere")
            taken.add(ref.page_id)
        refs[of.artwork] = ref
    return refs


def _title_in(source: _Source, language: str) -> str:
    """The title of an artwork's page in a language, or ""; a link to a section leads to the page."""
    title = source.titles.get(language) or source.titles.get(site_id(language)) or ""
    return title.partition("#")[0].replace("_", " ").strip()


def _page_ref(language: str, title: str, page: dict[str, Any], of: PageRef) -> PageRef:
    """A page as the API describes it, of the artwork of `of`; `title` is the one that led to it."""
    if "pageid" not in page or page.get("missing") or page.get("invalid"):
        return _nothing(language, title, of, "missing")
    if page.get("redirect"):  # of a redirect to itself, or to a page of another wiki
        return _nothing(language, title, of, "redirect_elsewhere")
    return replace(
        of, language=language, title=str(page["title"]), page_id=int(page["pageid"]), revision=int(page["lastrevid"]),
        bytes=int(page["length"]), state="disambiguation" if "disambiguation" in page.get("pageprops", {}) else "ok",
    )  # fmt: skip


def _nothing(language: str, title: str, of: PageRef, state: State) -> PageRef:
    """What stands for the page that an artwork has not in a language, by the title that should have led to it."""
    return replace(of, language=language, title=title, page_id=0, revision=0, bytes=0, state=state)


def _item(page: dict[str, Any]) -> str:
    item = str(page.get("pageprops", {}).get("wikibase_item", ""))
    return item if ITEM.fullmatch(item) else ""


def forecast(
    pages: Iterable[PageRef],
    client: Client,
    *,
    source: str = "en",
    views: tuple[str, str] | None = None,
    variant: str = "",
) -> Forecast:
    """What fetching the texts of pages will ask: their HTML, their files and, of the source language, edits and views.

    `views`: the first and the last month, or None where views are not asked for; `variant` is that of Chinese.
    """
    there = [page for page in pages if page.state == "ok"]
    own = [page for page in there if page.language == source]
    keys = {
        "parse": [client.html_key(page, variant if page.language == "zh" else "") for page in there],
        "edits": [client.edits_key(page) for page in own],
        "views": [client.views_key(page, *views) for page in own] if views else [],
    }
    cached = {kind: len(client.cache.has(some)) for kind, some in keys.items()}
    requests = {kind: len(set(some)) - cached[kind] for kind, some in keys.items()}
    by_language = [[page for page in there if page.language == each] for each in {page.language for page in there}]
    requests["files"] = sum(len(batches(some)) for some in by_language)
    each = client.answer_seconds / client.answered if client.answered else GUESSED_SECONDS
    seconds = sum(requests.values()) * max(60 / client.gate.per_minute, each / client.gate.concurrent)
    return Forecast(requests, cached, seconds)
