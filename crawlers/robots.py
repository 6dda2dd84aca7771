"""What the owners of a site ask: robots.txt (RFC 9309) and the X-Robots-Tag header.

The standard library's parser knows no wildcards and takes the first rule instead of the longest, and it is by
`Disallow: /*.jpg$` that images are excluded. Patterns are matched without regular expressions: a robots.txt is a
stranger's too.
"""

from collections.abc import Iterable
from dataclasses import dataclass

TOKEN = "BabelVision"
OPT_OUT = frozenset({"noai", "noimageai", "noindex", "noimageindex", "noml", "none"})
WITH_VALUE = frozenset({"unavailable_after", "max-snippet", "max-image-preview", "max-video-preview"})
MAX_BYTES = 512 << 10
MAX_RULES = 5000


@dataclass(frozen=True)
class Rules:
    """The rules of one host for one crawler: (pattern, allowed)."""

    rules: tuple[tuple[str, bool], ...] = ()

    def allows(self, path: str) -> bool:
        """Whether a path (with its query, quoted) may be asked: the longest pattern decides, and allows in a draw."""
        longest, allowed = -1, True
        for pattern, allow in self.rules:
            if (len(pattern), allow) > (longest, allowed) and matches(pattern, path):
                longest, allowed = len(pattern), allow
        return allowed


def read_rules(text: str, token: str = TOKEN) -> Rules:
    """The rules for a crawler in a robots.txt: those of the groups that name it, or else those for everybody."""
    groups: dict[str, list[tuple[str, bool]]] = {}
    agents: list[str] = []
    in_rules = False
    for line in text.removeprefix("\ufeff").splitlines():
        key, colon, value = line.partition("#")[0].partition(":")
        key, value = key.strip().lower(), value.strip()
        if key == "user-agent" and colon:
            agents = [] if in_rules else agents
            agents.append(value.lower())
            groups.setdefault(value.lower(), [])
            in_rules = False
        elif key in ("allow", "disallow") and colon:
            in_rules = True
            for agent in agents if value else ():
                groups[agent].append((value, key == "allow"))
    own = groups.get(token.lower(), groups.get("*", []))
    return Rules(tuple(own[:MAX_RULES]))


def matches(pattern: str, path: str) -> bool:
    """Whether a path begins like a pattern, in which `*` is anything and a final `$` is the end of the path."""
    anchored = pattern.endswith("$")
    first, *rest = pattern.removesuffix("$").split("*")
    if not path.startswith(first):
        return False
    if not rest:
        return not anchored or path == first
    place = len(first)
    *middle, last = rest
    for piece in middle:
        found = path.find(piece, place)
        if found < 0:
            return False
        place = found + len(piece)
    if anchored:
        return path.endswith(last) and len(path) - len(last) >= place
    return path.find(last, place) >= 0


def opted_out(values: Iterable[str], token: str = TOKEN) -> str:
    """The first directive of some X-Robots-Tag headers that asks us to leave the image alone, or "".

    A header may begin with a crawler's name ("otherbot: noindex, noai"): then it speaks to that one.
    """
    for value in values:
        agent = ""
        for part in value.split(","):
            name, colon, directive = (word.strip().lower() for word in part.partition(":"))
            if colon and name not in WITH_VALUE:
                agent = name
            else:
                directive = name
            if directive in OPT_OUT and agent in ("", "*", token.lower()):
                return directive
    return ""
