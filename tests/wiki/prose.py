"""Wikitext and, beside it, what a reader should get of it: written together, so that neither is made from the other."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

NO_SPELLING: Mapping[int, str] = MappingProxyType({})


@dataclass(frozen=True)
class Piece:
    """A stretch of wikitext, the text that a reader should get of it and the links in that: (anchor text, target)."""

    wikitext: str
    text: str = ""
    links: tuple[tuple[str, str], ...] = ()

    def __add__(self, other: "Piece") -> "Piece":
        return Piece(self.wikitext + other.wikitext, self.text + other.text, self.links + other.links)


@dataclass
class Section:
    """A section as it should be read: the headings that lead to it, its lines of prose, its links.

    `dropped`: appendix F of the paper leaves it out, or a section that it lies in.
    """

    path: tuple[str, ...]
    lines: list[str] = field(default_factory=list)
    links: list[tuple[str, str]] = field(default_factory=list)
    dropped: bool = False

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


def plain(text: str) -> Piece:
    """Words with no markup but italics."""
    return Piece(text, text.replace("''", ""))


def link(target: str, label: str = "") -> Piece:
    """A link to an article; a fragment is no part of its target."""
    shown = label or target
    return Piece(f"[[{target}|{label}]]" if label else f"[[{target}]]", shown, ((shown, target.split("#")[0]),))


def fill(sentence: str, pieces: Mapping[str, Piece], spelling: Mapping[int, str]) -> Piece:
    """A sentence with its {places} filled; `spelling` is how its own words are written, but not how they are read."""
    done = Piece("")
    for number, part in enumerate(re.split(r"\{(\w+)\}", sentence)):
        done += pieces[part] if number % 2 else Piece(part.translate(spelling), part.replace("''", ""))
    return done


class Draft:
    """An article being written: its blocks of wikitext, and the sections that a reader should find."""

    def __init__(self, dropped: frozenset[str]) -> None:
        self.blocks: list[str] = []
        self.sections = [Section(())]
        self._dropped = dropped
        self._open: list[tuple[int, str]] = []  # the headings that we are under, with their numbers of equal signs

    @property
    def wikitext(self) -> str:
        return "\n\n".join(self.blocks)

    def prose(self, piece: Piece, mark: str = "") -> None:
        """A paragraph, or with a mark ("* ", ": ") an item of a list."""
        self.blocks.append(mark + piece.wikitext)
        self._read(piece)

    def unread(self, wikitext: str) -> None:
        """What is no prose: a table, a picture, a box."""
        self.blocks.append(wikitext)

    def wrapped(self, before: str, pieces: list[Piece], after: str) -> None:
        """Lines of prose inside something: a poem, a quotation, a list."""
        self.blocks.append("\n".join([before, *(piece.wikitext for piece in pieces), after]).strip("\n"))
        for piece in pieces:
            self._read(piece)

    def heading(self, signs: int, heading: str, mark: str = "", spelling: Mapping[int, str] = NO_SPELLING) -> None:
        """A heading of so many equal signs, with a mark that is not part of it, such as a reference.

        A section is as deep as its headings nest: a skipped level is none. Below the third, it is a line of prose.
        """
        equal = "=" * signs
        self.blocks.append(f"{equal} {heading.translate(spelling)}{mark} {equal}")
        while self._open and self._open[-1][0] >= signs:
            self._open.pop()
        self._open.append((signs, heading))
        path = tuple(name for _, name in self._open)
        if len(path) > 3:
            self._read(plain(heading))
        else:
            self.sections.append(Section(path, dropped=not self._dropped.isdisjoint(path)))

    def _read(self, piece: Piece) -> None:
        if piece.text:
            self.sections[-1].lines.append(piece.text)
        self.sections[-1].links += piece.links
