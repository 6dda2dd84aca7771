"""The flags of a crawl, and everything that can be wrong with them before a wiki is asked anything."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from builders.engine import BuildConfig, flag
from builders.transforms.artworks.alignment import set_names
from crawlers.guard import Blocked, Guard
from crawlers.languages import check_languages
from crawlers.mediawiki import family_of
from crawlers.polite import user_agent

TEN = ("en", "zh", "nl", "fr", "de", "it", "ja", "ru", "es", "sv")
FIVE = ("en", "es", "fr", "it", "ja")
MONTHS = re.compile(r"(\d{4}(?:0[1-9]|1[0-2]))-(\d{4}(?:0[1-9]|1[0-2]))")


@dataclass(frozen=True)
class CrawlConfig(BuildConfig):
    """The flags of a recipe that crawls MediaWikis."""

    wiki_base: str = flag(
        "", "a family of wikis elsewhere, as URL/LANGUAGE/w/api.php, or an address with {language} in it "
        "(default: Wikipedia)", metavar="URL",
    )  # fmt: skip
    languages: tuple[str, ...] = flag(TEN, "languages of the pages, parted by commas or blanks", metavar="LANG")
    source_language: str = flag("en", "language whose pages are listed and split; the others follow", metavar="LANG")
    contact: str = flag(
        "", "e-mail address or web page of whoever runs this, for the wikis' operators (required)",
        personal=True, metavar="ADDRESS",
    )  # fmt: skip
    templates: tuple[str, ...] = flag(
        ("Template:Infobox artwork",), "templates whose pages are listed, with their redirects; none: categories alone",
        nargs="*", metavar="TITLE",
    )  # fmt: skip
    categories: tuple[str, ...] = flag((), "categories whose pages are listed too", metavar="TITLE")
    counterparts: str = flag(
        "langlinks", "what leads from a page to its counterparts", choices=("langlinks", "wikidata")
    )
    variant: str = flag("zh-hans", "script of Chinese pages", choices=("zh-hans", "zh-hant"))
    views: str = flag("", "months of page views, as 202511-202610 (default: the twelve before)", metavar="MONTHS")
    images: str = flag(
        "link", "link: addresses only; embed: the pictures too, where their licence allows", choices=("link", "embed")
    )
    minimum_bytes: int = flag(
        500, "bytes of prose below which a page is a stub; UTF-8, so that scripts weigh alike", above=-1, metavar="N"
    )
    limit: int = flag(0, "only the first N artworks (0: all)", above=-1, metavar="N")
    shard_rows: int = flag(100, "pages a shard", above=0, metavar="N")
    requests_per_minute: float = flag(
        200.0, "requests a minute to all wikis together, from the whole cluster", fingerprint=False,
        metavar="X",
    )  # fmt: skip
    cache: str = flag(
        "", "what the wikis answered, on a disk, for one build at a time (default: OUT/crawl/cache.sqlite)",
        fingerprint=False, metavar="FILE",
    )  # fmt: skip
    dumps: tuple[str, ...] = flag(
        (), "Wikimedia Enterprise HTML dumps (.tar.gz, .ndjson, .ndjson.gz) to read pages from instead of asking",
        paths=True, metavar="FILE",
    )  # fmt: skip
    allow_host: tuple[str, ...] = flag(
        (), "hosts (host or host:port) that may have private addresses", fingerprint=False, metavar="HOST"
    )

    @property
    def spared(self) -> str:
        return " (with --cache OUT/crawl/cache.sqlite no page is asked for twice)"

    @property
    def wanted_languages(self) -> tuple[str, ...]:
        """The languages, each once, the source language first."""
        named = split_words(self.languages)
        return tuple(sorted(named, key=lambda language: language != self.source_language))

    @property
    def wanted_templates(self) -> tuple[str, ...]:
        """The templates; an empty name is none."""
        return tuple(filter(str.strip, self.templates))

    @property
    def wanted_categories(self) -> tuple[str, ...]:
        """The categories; an empty name is none."""
        return tuple(filter(str.strip, self.categories))

    @property
    def allowed(self) -> frozenset[str]:
        """The hosts that may be private: those of `--allow-host`, and a loopback that `--wiki-base` names."""
        parts = urlsplit(self.wiki_base.replace("{language}", "en"))
        port = parts.port or (443 if parts.scheme == "https" else 80)
        return frozenset(self.allow_host) | ({f"{parts.hostname}:{port}"} if _loopback(parts.hostname) else set())

    def crawl_problems(self) -> list[str]:
        """What no wiki need be asked about, a sentence each."""
        problems = []
        try:
            user_agent(self.contact)
        except ValueError as error:
            problems.append(f"--{error}")
        try:
            check_languages([*self.wanted_languages, self.source_language])
        except ValueError as error:
            problems.append(f"--languages: {error}")
        if self.source_language not in self.wanted_languages:
            problems.append(
                f"--languages {','.join(self.wanted_languages)} lacks the source language {self.source_language}: "
                f"add it, or choose another --source-language"
            )
        if not self.wanted_templates and not self.wanted_categories:
            problems.append("--templates and --categories are both empty: name at least one template or category")
        if not 1 <= self.requests_per_minute < math.inf:
            problems.append(f"--requests-per-minute {self.requests_per_minute:g}: expected a finite number, at least 1")
        problems += self._base_problems()
        problems += [f"--dumps {dump}: no such file" for dump in self.dumps if not Path(dump).is_file()]
        months = MONTHS.fullmatch(self.views)
        if self.views and (not months or months[1] > months[2]):
            problems.append(f"--views {self.views}: expected first and last month, as 202511-202610")
        return problems

    def _base_problems(self) -> list[str]:
        try:
            Guard(self.allowed).check(family_of(self.wiki_base).api.format(language=self.source_language))
        except Blocked as error:
            return [f"--wiki-base: {error}"]
        except (ValueError, KeyError, IndexError) as error:
            return [f"--wiki-base {self.wiki_base}: expected a URL such as http://127.0.0.1:8800: {error}"]
        return []


def split_words(values: Sequence[str]) -> tuple[str, ...]:
    """The words of a flag that takes them parted by commas or blanks, each once, in order."""
    return tuple(dict.fromkeys(word for value in values for word in re.split(r"[,\s]+", value) if word))


def months_before(year: int, month: int) -> tuple[str, str]:
    """First and last of the twelve whole months before a month, as 202511 and 202610."""
    return f"{year - 1}{month:02d}", f"{year - (month == 1)}{(month - 2) % 12 + 1:02d}"


def alignment_sets(named: Sequence[str], languages: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """The sets of languages to align: those named, or all of the build and the paper's five where it has them.

    Raises ValueError for a set with a language that the build does not have, and what `set_names` raises for.
    """
    given = [split_words([words]) for words in named]
    for words in given:
        strange = [word for word in words if word not in languages]
        if strange:
            raise ValueError(f"--alignments {','.join(words)}: {', '.join(strange)} is not among --languages")
    if not given:
        given = [tuple(languages)] if len(languages) > 1 else []
        given += [FIVE] if set(FIVE) < set(languages) else []
    set_names(given)
    return tuple(given)


def _loopback(host: str | None) -> bool:
    try:
        return host == "localhost" or ip_address(host or "").is_loopback
    except ValueError:
        return False
