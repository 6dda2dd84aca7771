"""A bound on what parsing a page may cost, found before it is parsed.

HTML's rules let a small page take all memory: formatting that is never closed is opened again in each paragraph after
it, so that 60 KB of `<p><font>` are gigabytes of elements; and the parser's time grows with the square of the depth.
MediaWiki closes what it opens; a server that means ill need not.
"""

import re
from collections import defaultdict

MOST_REOPENED = 1_000_000
MOST_LOOKED_AT = 100_000_000
_HARMLESS_TAGS = 3_000

_TAG = re.compile(r"<(/?[a-z][^\s/>]*)")
_FORMATS = frozenset({"a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u"})
# Elements that end by themselves, or never hold any.
_ENDING = {"p", "li", "dt", "dd", "tr", "td", "th", "tbody", "thead", "tfoot", "colgroup", "option", "rt", "rp"}
_EMPTY = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr"}
_FLAT = frozenset(_ENDING | _EMPTY | {f"/{name}" for name in _ENDING | _EMPTY})


def check_nesting(html: str) -> None:
    """Raises `ValueError` where elements nest so that a parser would create or look at far more than the page has."""
    if html.count("<") <= _HARMLESS_TAGS:
        return
    opened: defaultdict[str, int] = defaultdict(int)
    depth = formats = looked_at = reopened = 0
    for tag in _TAG.findall(html.lower()):
        if tag in _FLAT:
            reopened += formats
        elif tag[0] != "/":
            opened[tag] += 1
            depth += 1
            looked_at += depth
            if tag in _FORMATS:
                formats += 1
            else:
                reopened += formats
        elif opened[tag[1:]]:
            opened[tag[1:]] -= 1
            depth -= 1
            formats -= tag[1:] in _FORMATS
    if looked_at > MOST_LOOKED_AT or reopened > MOST_REOPENED:
        raise ValueError(f"no article: its elements nest too deep or are not closed ({depth} open at its end)")
