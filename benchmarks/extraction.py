"""What reading rendered HTML is worth against stripping wikitext: sections exactly right, and milliseconds a page.

    pip install mwparserfromhell
    python benchmarks/extraction.py [--rounds 5]

The articles are those of tests/wiki, written with their truth and rendered by a real MediaWiki. The peer is what most
people do: mwparserfromhell's `strip_code()` on the wikitext, section by section, given our tidying and numbering of
levels. Its page is the wikitext, ours the HTML; the time is of the processor, its over ours.
"""

import argparse
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from crawlers.article import DEEPEST_LEVEL, read_article
from crawlers.markup import tidy
from tests.wiki.family import WikiFamily, what_is_missing, wiki_family

Sections = list[tuple[tuple[str, ...], str]]


@dataclass(frozen=True)
class Sample:
    language: str
    wikitext: str
    html: str
    truth: Sections


def samples(family: WikiFamily) -> list[Sample]:
    """Every article that stands on its wiki as it was written."""
    found = []
    for truth in family.corpus.truth:
        pages = {page.title: page for page in family.corpus.pages[truth.language]}
        if truth.title not in pages or not truth.sections:
            continue
        variant = {"variant": "zh-hans"} if truth.language == "zh" else {}
        answer = family.call(truth.language, action="parse", page=truth.title, prop="text", **variant)
        expected = [(section.path, section.text) for section in truth.sections]
        found.append(Sample(truth.language, pages[truth.title].revisions[-1], answer["parse"]["text"], expected))
    return found


def ours(sample: Sample) -> Sections:
    return [(section.path, section.text) for section in read_article(sample.html, sample.language).sections]


def stripped(sample: Sample) -> Sections:
    """The peer's reading of a page's wikitext."""
    import mwparserfromhell  # what only this benchmark needs

    open_headings: list[tuple[int, str]] = []
    found: Sections = []
    for section in mwparserfromhell.parse(sample.wikitext).get_sections(flat=True, include_lead=True):
        for heading in section.filter_headings(recursive=False)[:1]:
            while open_headings and open_headings[-1][0] >= heading.level:
                open_headings.pop()
            open_headings.append((heading.level, tidy(heading.title.strip_code())))
            section.remove(heading)
        path, text = tuple(title for _, title in open_headings), tidy(section.strip_code())
        if len(path) > DEEPEST_LEVEL:
            found[-1] = (found[-1][0], tidy(f"{found[-1][1]}\n{path[-1]}\n{text}"))
        else:
            found.append((path, text))
    return found


def exact(read: Callable[[Sample], Sections], pages: Sequence[Sample]) -> dict[str, float]:
    """The share of sections read exactly, by language; a section more or fewer makes those after it wrong."""
    right: defaultdict[str, int] = defaultdict(int)
    total: defaultdict[str, int] = defaultdict(int)
    for page in pages:
        pairs = list(zip(read(page), page.truth, strict=False))
        right[page.language] += sum(got == expected for got, expected in pairs)
        total[page.language] += len(page.truth)
    return {language: right[language] / total[language] for language in total}


def milliseconds(read: Callable[[Sample], Sections], pages: Sequence[Sample]) -> float:
    began = time.process_time()
    for page in pages:
        read(page)
    return 1000 * (time.process_time() - began) / len(pages)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    try:
        import mwparserfromhell  # noqa: F401
    except ImportError:
        raise SystemExit("the peer is not installed: pip install mwparserfromhell") from None
    if missing := what_is_missing():
        raise SystemExit(missing)
    with wiki_family() as family:
        pages = samples(family)
    ways = {"html": ours, "strip_code": stripped}
    shares = {name: exact(read, pages) for name, read in ways.items()}
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(arguments.rounds + 1):
        for name, read in ways.items():
            spent = milliseconds(read, pages)
            taken[name] += [spent] if turn else []
    letters = sum(len(page.html) for page in pages) / len(pages)
    sections = sum(len(page.truth) for page in pages)
    print(f"{len(pages)} pages, {sections} sections, {letters:.0f} letters of HTML a page")
    print(f"{'':12}{'ms/page':>9}  exact by language")
    for name in ways:
        by_language = "  ".join(f"{language} {share:.0%}" for language, share in shares[name].items())
        print(f"{name:12}{statistics.median(taken[name]):9.2f}  {by_language}")
    for name in ways:
        values = list(shares[name].values())
        print(f"RATIO extraction-exact-{name} {statistics.median(values):.3f} {min(values):.3f} {max(values):.3f}")
    faster = [theirs / mine for mine, theirs in zip(taken["html"], taken["strip_code"], strict=True)]
    print(f"RATIO extraction-time {statistics.median(faster):.3f} {min(faster):.3f} {max(faster):.3f}")


if __name__ == "__main__":
    main()
