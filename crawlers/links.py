"""Where a link of an article leads: to another article of the same wiki, to a file, or elsewhere.

The legacy parser and Parsoid write the same link in many ways (`/wiki/T`, `/en/wiki/T`, `./T`,
`/w/index.php?title=T&action=edit&redlink=1`), and a link to a file, a category or another wiki looks like the others
but for its prefix, which is of the wiki's language.
"""

import re
import urllib.parse
from pathlib import Path

import yaml

_NAMES = yaml.safe_load(Path(__file__).with_name("namespaces.yaml").read_text("utf-8"))


def _prefixes(*kinds: str) -> frozenset[str]:
    return frozenset(name.casefold() for kind in kinds for names in _NAMES[kind] for name in names)


_FILES = _prefixes("file")
_TEMPLATES = _prefixes("template")
_ABOUT_WIKI = _prefixes("other")
_WITH_NAMESPACE = _prefixes("file", "template", "category")
_NO_ARTICLES = _prefixes("file", "template", "category", "other", "interwiki")

_PATH = re.compile(r"(?:/[\w-]+)*?/(?:wiki|index\.php)/(?P<title>[^?]+)")
_RELATIVE = re.compile(r"(?:\./|(?:\.\./)+)(?P<title>[^?]+)(?:\?.*redlink=1.*)?")
_INDEX = re.compile(r"(?:/[\w-]+)*/index\.php\?(?P<query>.+)")
# What MediaWiki allows in no title (https://www.mediawiki.org/wiki/Manual:Page_title).
_NO_TITLE = re.compile(r"[\x00-\x1f\x7f#<>\[\]{}|\ufffd]")
# 255, and a namespace.
_TITLE_BYTES = 300


def title_of(href: str) -> str:
    """The title, with blanks for underscores, of the page of this wiki that `href` leads to; `""` if to none.

    The fragment is dropped; the first letter stays as the server wrote it. An absolute URL leads elsewhere.
    """
    href = href.strip().partition("#")[0]
    if found := _PATH.fullmatch(href) or _RELATIVE.fullmatch(href):
        title = found["title"]
    elif found := _INDEX.fullmatch(href):
        query = urllib.parse.parse_qs(found["query"], max_num_fields=20, errors="replace")
        if set(query) - {"title"} and "redlink" not in query:
            return ""
        title = urllib.parse.quote(query.get("title", [""])[0])
    else:
        return ""
    title = " ".join(urllib.parse.unquote(title).replace("_", " ").split())
    if _NO_TITLE.search(title) or len(title.encode()) > _TITLE_BYTES:
        return ""
    return title


def article_of(href: str) -> str:
    """The title of the article that `href` leads to; `""` for files, categories, other namespaces and other wikis.

    >>> article_of("/en/wiki/Mona_Lisa_(Prado)#History"), article_of("/wiki/Kategorie:Gem%C3%A4lde")
    ('Mona Lisa (Prado)', '')
    """
    title = title_of(href)
    return "" if _prefix(title) in _NO_ARTICLES or title.startswith(":") else title


def file_of(href: str) -> str:
    """The name, without its namespace, of the file whose page `href` leads to; `""` if to none."""
    title = title_of(href)
    return title.partition(":")[2].strip() if _prefix(title) in _FILES else ""


def is_no_text(href: str) -> bool:
    """Whether a link stands for what the wiki lacks: a missing template, or a missing file in a picture's place."""
    return "wpDestFile=" in href or _prefix(title_of(href)) in _TEMPLATES


def is_about_wiki(href: str) -> bool:
    """Whether `href` leads to a page about the wiki itself: its project, help, talk and other pages for editors."""
    return _prefix(title_of(href)) in _ABOUT_WIKI


def bare_name(title: str) -> str:
    """A template's, category's or file's name as the wiki writes it, without its namespace.

    >>> bare_name("Vorlage:infobox_Gemälde")
    'Infobox Gemälde'
    """
    title = " ".join(title.replace("_", " ").split())
    name = title.partition(":")[2].strip() if _prefix(title) in _WITH_NAMESPACE else title
    return name[:1].upper() + name[1:]


def _prefix(title: str) -> str:
    prefix, colon, _ = title.partition(":")
    return prefix.strip().casefold() if colon else ""
