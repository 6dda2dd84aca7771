"""The recipe as a user runs it: a program, on a real Ray, on real MediaWikis that misbehave, change and are cut off."""

import json
import signal
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import datasets
import pyarrow.parquet as pq
import pytest

from tests.conftest import ROOT, environment
from tests.wiki.corpus import LANGUAGES, Truth
from tests.wiki.family import Asked, WikiFamily, what_is_missing, wiki_family

RECIPE = ROOT / "builders/multiexpart.py"
FIVE = ("en", "es", "fr", "it", "ja")
LICENCES = {
    "PD-Art": "Public domain",
    "cc-by-sa-4.0": "CC BY-SA 4.0",
    "cc-zero": "CC0",
    "Non-free art": "Fair use",
    "none": "",
}
MONTHS = 3


@dataclass
class Recipe:
    """A build of the recipe on a family of wikis. Who asked is told apart in the wikis' log by the contact."""

    wikis: WikiFamily
    folder: Path
    address: str
    name: str
    per_minute: int = 3000

    @property
    def out(self) -> Path:
        return self.folder / self.name

    def start(self, *flags: str) -> "subprocess.Popen[str]":
        command = [
            sys.executable, str(RECIPE), "--wiki-base", self.wikis.base, "--contact", f"{self.name}@example.org",
            "--output", str(self.out), "--requests-per-minute", str(self.per_minute), "--views", "202507-202509",
            "--workers", "2", "--shard-rows", "8", *flags,
        ]  # fmt: skip
        return subprocess.Popen(
            command, env=environment(self.address), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def run(self, *flags: str) -> str:
        return ended(self.start(*flags))

    def asked(self) -> list[Asked]:
        """What this build asked of the wikis, in order of time."""
        mine = [request for request in self.wikis.requests() if f"({self.name}@example.org)" in request.agent]
        return sorted(mine, key=lambda request: request.start)

    def parsed(self) -> list[tuple[str, str]]:
        """The revisions that were asked for and given: wiki and revision, as often as they were."""
        return [
            (request.wiki, request.params["oldid"])
            for request in self.asked()
            if request.params.get("action") == "parse" and not request.fault
        ]

    def rows(self, config: str) -> list[dict[str, Any]]:
        return [
            row | {"split": path.name.split("-")[0]}
            for path in sorted((self.out / "dataset" / config).glob("*.parquet"))
            for row in pq.read_table(path).to_pylist()
        ]

    def rejected(self) -> list[tuple[str, str, str]]:
        """Language, title and filter of the pages that were refused."""
        rows = [row for path in (self.out / "rejected").glob("*.parquet") for row in pq.read_table(path).to_pylist()]
        pages = [(json.loads(row["row"]), row["filter"]) for row in rows]
        return sorted((page["language"], page["title"], filter) for page, filter in pages)

    def dataset(self) -> dict[str, bytes]:
        folder = self.out / "dataset"
        return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*.parquet"))}


def ended(process: "subprocess.Popen[str]") -> str:
    text, _ = process.communicate(timeout=240)
    assert process.returncode == 0, text
    return text


def wait_until(happened: Callable[[], bool], process: "subprocess.Popen[str]") -> None:
    """Wait for something that a running build brings about."""
    deadline = time.monotonic() + 120
    while not happened():
        assert process.poll() is None, f"the build ended first: {process.communicate()[0]}"
        assert time.monotonic() < deadline
        time.sleep(0.05)


def check_manners(asked: list[Asked], per_second: float) -> None:
    """At most three at once, and no faster than allowed."""
    changes = [(request.start, 1) for request in asked] + [(request.end, -1) for request in asked]
    at_once = highest = 0
    for _, change in sorted(changes):
        at_once += change
        highest = max(highest, at_once)
    assert highest <= 3
    # The rate is kept where requests are sent; on a busy machine the first of them may be taken a moment later.
    assert asked[-1].start - asked[0].start >= 0.9 * (len(asked) - 3) / per_second


@pytest.fixture(scope="module")
def wikis() -> Iterator[WikiFamily]:
    """A family of this module's own: its pages are edited and deleted."""
    if missing := what_is_missing():
        pytest.skip(missing)
    with wiki_family() as served:
        yield served


@pytest.fixture(scope="module")
def built(wikis: WikiFamily, cluster: str, tmp_path_factory: pytest.TempPathFactory) -> Recipe:
    """The whole family crawled in ten languages, undisturbed."""
    recipe = Recipe(wikis, tmp_path_factory.mktemp("multiexpart"), cluster, "whole")
    recipe.run()
    return recipe


@pytest.fixture
def recipe(wikis: WikiFamily, cluster: str, tmp_path: Path) -> Callable[..., Recipe]:
    return lambda name, **options: Recipe(wikis, tmp_path, cluster, name, **options)


def accepted(truth: list[Truth]) -> dict[tuple[str, str], Truth]:
    return {(page.language, page.title): page for page in truth if not page.refused}


def aligned(truth: list[Truth], languages: tuple[str, ...]) -> set[str]:
    """The artworks whose pages in all these languages show the same picture, whatever the file."""
    pictures: dict[str, list[str]] = defaultdict(list)
    for page in truth:
        if page.language in languages and not page.refused:
            pictures[page.artwork].append(page.picture)
    return {
        artwork
        for artwork, shown in pictures.items()
        if len(shown) == len(languages) and set(shown) <= {"same", "scan"}
    }


def test_sections_and_entities_of_every_page_are_exact(built: Recipe) -> None:
    expected = accepted(built.wikis.corpus.truth)
    rows = {(row["language"], row["title"]): row for row in built.rows("pages")}
    assert rows.keys() == expected.keys()
    for key, page in expected.items():
        row = rows[key]
        kept = [(index, section) for index, section in enumerate(page.sections) if not section.dropped]
        assert [(section["index"], tuple(section["path"]), section["text"]) for section in row["sections"]] == [
            (index, section.path, section.text) for index, section in kept
        ]
        assert [[(link["text"], link["target"]) for link in section["links"]] for section in row["sections"]] == [
            section.links for _, section in kept
        ]
        assert [section["level"] for section in row["sections"]] == [len(section.path) for _, section in kept]
        assert (row["en_title"], row["qid"] or "", row["image_file"]) == (page.artwork, page.item, page.image)
        assert row["image_licence"] == LICENCES[page.licence]
        assert (row["references"], row["versions"]) == (page.references, page.versions)
        if page.language == "en":
            assert row["edits"] == page.edits
            assert row["views"] % MONTHS == 0
            assert (row["views"] > 0) == (page.title != "St. John the Quarryman")


def test_refused_pages_have_their_reason(built: Recipe) -> None:
    refused = [page for page in built.wikis.corpus.truth if page.refused]
    assert built.rejected() == sorted((page.language, page.title, page.refused) for page in refused)
    assert {page.refused for page in refused} == {
        "missing_page_v1", "disambiguation_v1", "redirect_elsewhere_v1", "no_infobox_v1", "no_infobox_image_v1",
        "no_such_file_v1", "stub_v1",
    }  # fmt: skip


def test_sets_of_languages_and_splits(built: Recipe) -> None:
    truth = built.wikis.corpus.truth
    rows = built.rows("pages")
    sets = {"alignment-10": LANGUAGES, "alignment-5": FIVE}
    for name, languages in sets.items():
        its = [row for row in rows if name in row["alignments"]]
        assert {row["en_title"] for row in its} == aligned(truth, languages) != set()
        assert {row["language"] for row in its} == set(languages)
        assert {row["split"] for row in its} == {"test"}
        assert {row["artwork"] for row in built.rows(name)} == {row["artwork"] for row in its}
    assert {row["split"] for row in rows if row["language"] != "en"} == {"test"}
    assert Counter(row["split"] for row in rows if row["language"] == "en") == {"train": 15, "validation": 5, "test": 5}
    report = json.loads((built.out / "alignment.json").read_text())["sets"]
    found = [
        (name, its["same_file"], its["same_picture"], its["undecided"], its["different"])
        for name, its in report.items()
    ]
    assert found == [("alignment-10", 2, 1, 0, 1), ("alignment-5", 4, 1, 1, 1)]
    assert "Falling Icarus" in (built.out / "review/alignment.html").read_text()
    assert json.loads((built.out / "balance.json").read_text())["splits"].keys() == {"train", "validation", "test"}


def test_every_text_is_asked_for_by_four_templates(built: Recipe) -> None:
    expected: Counter[tuple[str, str]] = Counter()
    for page in accepted(built.wikis.corpus.truth).values():
        for section in page.sections:
            if section.text and not section.dropped:
                expected[page.language, section.text] += 4
    asked = Counter(
        (row["lang"], row["gold"]) for row in built.rows("full") if row["source_lang"] == row["target_lang"]
    )
    assert asked == expected
    thorough = [
        row for row in built.rows("alignment-10") if row["title"] == "Amber Harbour" and row["target_lang"] == "en"
    ]
    assert "Explain the Description of this artwork, Amber Harbour." in {row["prompt"] for row in thorough}


def test_every_configuration_opens(built: Recipe, tmp_path: Path) -> None:
    folder = str(built.out / "dataset")
    for name in ("pages", "full", "alignment-10", "alignment-5"):
        opened = datasets.load_dataset(folder, name, cache_dir=str(tmp_path))
        assert sum(split.num_rows for split in opened.values()) == len(built.rows(name)) > 0


def test_who_crawled_is_written_nowhere(built: Recipe) -> None:
    files = [path for path in built.out.rglob("*") if path.is_file()]
    assert [path for path in files if b"whole@example.org" in path.read_bytes()] == []
    assert "--contact …" in (built.out / "report.html").read_text()


def test_it_asks_politely_and_nothing_twice(built: Recipe) -> None:
    pictures = ("/images/", "/robots.txt")
    asked = [request for request in built.asked() if not request.path.startswith(pictures)]
    assert {request.path for request in asked if request.encoding != "gzip"} == set()
    api = [request for request in asked if request.path.endswith("/api.php") and request.wiki != "wikidata"]
    assert {request.params["maxlag"] for request in api} == {"5"}
    assert max(Counter(built.parsed()).values()) == 1
    given = Counter((request.path, json.dumps(request.params, sort_keys=True)) for request in asked)
    assert [question for question, count in given.items() if count > 1] == []
    titles = [
        request.params[name].split("|") for request in api for name in ("titles", "pageids") if name in request.params
    ]
    assert max(map(len, titles)) <= 50


def test_killed_at_half_it_asks_for_no_page_twice_and_faults_change_nothing(
    recipe: Callable[..., Recipe], wikis: WikiFamily
) -> None:
    """Two builds of the same pages: one killed and run again, one on wikis that fail in every way. The same bytes."""
    flags = ("--languages", "en,it", "--limit", "10")
    killed = recipe("killed")
    with wikis.faults(delay=0.2):
        process = killed.start(*flags)
        wait_until(lambda: len(killed.parsed()) >= 10, process)
        process.send_signal(signal.SIGKILL)
        process.communicate()
    time.sleep(1)  # the actor follows its driver
    before = killed.asked()
    assert not (killed.out / "dataset").exists()
    killed.per_minute = 600
    with wikis.faults(delay=0.05):
        killed.run(*flags)
    check_manners(killed.asked()[len(before) :], per_second=10)
    parsed = Counter(killed.parsed())
    # What was under way when the program was killed may have been given and not received: at most three.
    assert sum(parsed.values()) - len(parsed) <= 3
    assert len(parsed) > len([request for request in before if request.params.get("action") == "parse"])

    faulty = recipe("faulty")
    with wikis.faults(
        every={"truncated": 9, "503": 11, "429": 17, "hang": 23, "maxlag": 41}, hang=1, require_agent=True
    ):
        faulty.run(*flags)
    suffered = {request.fault for request in faulty.asked()}
    assert suffered == {"", "truncated", "503", "429", "hang", "maxlag"}
    assert max(Counter(faulty.parsed()).values()) == 1
    assert faulty.dataset() == killed.dataset()
    assert faulty.rejected() == killed.rejected()


def test_pages_change_while_they_are_crawled_and_afterwards(recipe: Callable[..., Recipe], wikis: WikiFamily) -> None:
    """A page edited in mid-crawl is the one that was listed, one deleted is named; later only what is new is asked."""
    flags = ("--languages", "en,it", "--limit", "6")
    first = recipe("first")
    text = wikis.text("it", "Frutteto nero")
    with wikis.faults(delay=0.3):
        process = first.start(*flags)
        wait_until((first.out / "crawl/pages.parquet").exists, process)
        revision = wikis.edit("it", "Frutteto nero", text.replace("remi", "nastri").replace("acqua", "nebbia"))
        wikis.delete("it", "Madonna di rame")
        ended(process)
    assert first.rejected() == [("it", "Madonna di rame", "deleted_in_crawl_v1")]
    (row,) = [row for row in first.rows("pages") if row["title"] == "Frutteto nero"]
    assert row["revision"] < revision
    assert "acqua" in row["sections"][1]["text"]

    later = recipe("later")
    later.run(*flags, "--cache", str(first.out / "crawl/cache.sqlite"))
    assert later.parsed() == [("it", str(revision))]
    assert later.rejected() == [("it", "Madonna di rame", "missing_page_v1")]
    (row,) = [row for row in later.rows("pages") if row["title"] == "Frutteto nero"]
    assert "nebbia" in row["sections"][1]["text"]


def test_what_cannot_be_is_said_in_one_line(recipe: Callable[..., Recipe], wikis: WikiFamily) -> None:
    wrong = {
        ("--contact", "nobody"): "--contact",
        ("--wiki-base", "http://10.1.2.3:8800"): "10.1.2.3",
        ("--languages", "en,itt"): "did you mean",
    }
    started = [(flags, expected, recipe("wrong").start(*flags)) for flags, expected in wrong.items()]
    for flags, expected, process in started:
        text, _ = process.communicate(timeout=120)
        assert process.returncode not in (0, -signal.SIGKILL)
        lines = [line for line in text.splitlines() if expected in line]
        assert len(lines) == 1, (flags, text)
        assert "Traceback" not in text
    assert recipe("wrong").asked() == []
