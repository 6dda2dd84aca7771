"""Builds the family of wikis from nothing, serves it, and lets tests look at and disturb it.

Debian's MediaWiki on SQLite under PHP's own server: its package and PHP with a few modules are all that is needed.
"""

import hashlib
import json
import os
import shutil
import socket
import sqlite3
import subprocess
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from filelock import FileLock

from tests.wiki.corpus import LANGUAGES, Corpus, Page, make_corpus
from tests.wiki.pictures import write_pictures

HERE = Path(__file__).parent
MEDIAWIKI = Path("/usr/share/mediawiki")
MODULES = ("apcu", "gd", "intl", "mbstring", "pdo_sqlite", "xml")
PHP = ("php", "-d", "display_errors=0", "-d", "log_errors=0", "-d", "memory_limit=512M", "-d", "apc.enable_cli=1")
WORKERS = 6
# PHP's workers outlive their master, and a master its parent. So all of the group ends with the pipe that we hold.
UNTIL_WE_END = '"$@" & read -r _; kill -9 0'


def what_is_missing() -> str:
    """Why no family can be made here, "" if it can."""
    if not shutil.which("php") or not (MEDIAWIKI / "api.php").exists():
        return "MediaWiki is not installed: apt-get install mediawiki php-cli and PHP's modules, as the Makefile does"
    modules = subprocess.run(["php", "-m"], capture_output=True, text=True).stdout.lower().split()
    absent = [module for module in MODULES if module not in modules]
    return (
        f"PHP lacks {', '.join(absent)}: apt-get install {' '.join(f'php-{name}' for name in absent)}" if absent else ""
    )


@dataclass(frozen=True)
class Asked:
    """One request as the server saw it: times in seconds since 1970, `status` as answered, the fault planted or ""."""

    start: float
    end: float
    method: str
    wiki: str
    path: str
    params: dict[str, Any]
    agent: str
    status: int
    encoding: str
    fault: str


@dataclass(frozen=True)
class WikiFamily:
    """A family being served: `base` is what --wiki-base takes; `corpus` has the truth."""

    base: str
    folder: Path
    corpus: Corpus

    def requests(self) -> list[Asked]:
        """Every request so far, in the order in which they were answered; the test's own are not among them."""
        log = self.folder / "requests.log"
        return [Asked(**json.loads(line)) for line in log.read_text().splitlines()] if log.exists() else []

    def forget_requests(self) -> None:
        (self.folder / "requests.log").unlink(missing_ok=True)

    @contextmanager
    def faults(self, **faults: Any) -> Iterator[None]:
        """Misbehave in a block as router.php says: every={"503": 7}, lag=7.3, require_agent=True…"""
        self._write("faults.json", faults)
        try:
            yield
        finally:
            for name in ("faults.json", "count.json", "bucket.json"):
                (self.folder / name).unlink(missing_ok=True)

    def call(self, language: str, **params: str) -> dict[str, Any]:
        """A call of a wiki's API by the test itself: not logged, never disturbed."""
        data = urllib.parse.urlencode(params | {"format": "json", "formatversion": "2"}).encode()
        request = urllib.request.Request(f"{self.base}/{language}/w/api.php", data, {"User-Agent": "the test itself"})
        with urllib.request.urlopen(request, timeout=30) as response:
            answer: dict[str, Any] = json.load(response)
        assert "error" not in answer, answer
        return answer

    def edit(self, language: str, title: str, text: str) -> int:
        """Give a page a new text; its revision."""
        done = self.call(language, action="edit", title=title, text=text, token="+\\")
        revision: int = done["edit"]["newrevid"]
        return revision

    def delete(self, language: str, title: str) -> None:
        self.call(language, action="delete", title=title, token="+\\")

    def text(self, language: str, title: str) -> str:
        """The wikitext of a page."""
        found = self.call(language, action="query", titles=title, prop="revisions", rvprop="content", rvslots="main")
        text: str = found["query"]["pages"][0]["revisions"][0]["slots"]["main"]["content"]
        return text

    def _write(self, name: str, value: Any) -> None:
        beside = self.folder / f"{name}.new"
        beside.write_text(json.dumps(value))
        beside.rename(self.folder / name)


@contextmanager
def wiki_family() -> Iterator[WikiFamily]:
    """A family of its own, served until the block ends. Building takes seconds, and is done once for these sources."""
    corpus = make_corpus()
    with tempfile.TemporaryDirectory(prefix="babelvision-wiki-") as place:
        folder = Path(place) / "family"
        shutil.copytree(_built(corpus), folder)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            base = f"http://127.0.0.1:{probe.getsockname()[1]}"
        command = [
            *PHP, "-d", "opcache.enable=1", "-d", "opcache.validate_timestamps=0", "-d", "zlib.output_compression=On",
            "-S", base.removeprefix("http://"), "-t", str(folder), str(folder / "router.php"),
        ]  # fmt: skip
        server = subprocess.Popen(
            ["sh", "-c", UNTIL_WE_END, "sh", *command], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, start_new_session=True,
            env=_environment(folder, base) | {"PHP_CLI_SERVER_WORKERS": str(WORKERS)},
        )  # fmt: skip
        try:
            _wait_until_ready(base)
            yield WikiFamily(base, folder, corpus)
        finally:
            server.communicate()


def _wait_until_ready(base: str) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            urllib.request.urlopen(f"{base}/ready", timeout=5).read()
            return
        except OSError:
            assert time.monotonic() < deadline, f"nobody answers at {base}"
            time.sleep(0.02)


def _environment(folder: Path, base: str, wiki: str = "en") -> dict[str, str]:
    return os.environ | {
        "FAMILY_FOLDER": str(folder), "FAMILY_BASE": base, "FAMILY_WIKI": wiki, "FAMILY_MEDIAWIKI": str(MEDIAWIKI),
        "MW_INSTALL_PATH": str(MEDIAWIKI), "MW_CONFIG_FILE": str(folder / "settings.php"),
    }  # fmt: skip


def _built(corpus: Corpus) -> Path:
    """The family on disk, in the folder for temporary files under a digest of what it is made from."""
    digest = hashlib.sha256((MEDIAWIKI / "includes/Defines.php").read_bytes())
    for path in sorted(HERE.rglob("*")):
        if path.suffix in (".php", ".py", ".yaml"):
            digest.update(path.name.encode() + path.read_bytes())
    built = Path(tempfile.gettempdir()) / f"babelvision-wiki-{os.getuid()}" / digest.hexdigest()[:16]
    built.parent.mkdir(mode=0o700, exist_ok=True)
    with FileLock(f"{built}.lock"):
        if not built.exists():
            with tempfile.TemporaryDirectory(dir=built.parent) as place:
                folder = Path(place) / "family"
                _build(corpus, folder)
                folder.rename(built)
    return built


def _build(corpus: Corpus, folder: Path) -> None:
    for name in ("data", "cache", "pages", "pictures"):
        (folder / name).mkdir(parents=True)
    for name in ("settings.php", "router.php", "load.php", "magic.i18n.php"):
        shutil.copy(HERE / name, folder)
    (folder / "items.json").write_text(json.dumps(corpus.items))
    for language, pages in corpus.pages.items():
        (folder / "pages" / f"{language}.xml").write_text(export(language, pages), encoding="utf-8")
    (folder / "pages/commons.xml").write_text(export("en", []), encoding="utf-8")
    write_pictures(corpus.truth, folder / "pictures")
    _install(folder)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(lambda wiki: _fill(folder, wiki), ("commons", *LANGUAGES)))


def _install(folder: Path) -> None:
    """MediaWiki's own installer, once; every wiki begins with a copy of the database it makes."""
    empty = folder / "empty"
    empty.mkdir()
    extensions = "ParserFunctions,Cite,PageImages,Math,Poem"
    _run(
        [
            *PHP, str(MEDIAWIKI / "maintenance/install.php"), "--dbtype", "sqlite", "--dbname", "empty",
            "--dbpath", str(empty), "--confpath", str(empty), "--lang", "en", "--server", "http://127.0.0.1",
            "--scriptpath", "/en/w", "--pass", "a-password-of-no-use", "--skins", "Vector", "--extensions", extensions,
            "Family", "Admin",
        ],
        _environment(folder, "http://127.0.0.1") | {"MW_CONFIG_FILE": str(empty / "none.php")},
    )  # fmt: skip
    for wiki in ("commons", *LANGUAGES):
        database = folder / f"data/{wiki}wiki.sqlite"
        shutil.copy(empty / "empty.sqlite", database)
        with sqlite3.connect(database) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("DELETE FROM interwiki")
        connection.close()
    shutil.rmtree(empty)


def _fill(folder: Path, wiki: str) -> None:
    environment = _environment(folder, "http://127.0.0.1", wiki)
    pictures = folder / "pictures" / wiki
    if pictures.is_dir():
        options = ("--comment-ext=txt", "--user=Admin")
        _run([*PHP, str(MEDIAWIKI / "maintenance/importImages.php"), *options, str(pictures)], environment)
    _run([*PHP, str(folder / "load.php"), str(folder / "pages" / f"{wiki}.xml")], environment)


def _run(command: Sequence[str], environment: Mapping[str, str]) -> None:
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}"


def export(language: str, pages: Sequence[Page]) -> str:
    """Pages in MediaWiki's export format, a revision a month."""
    lines = [f'<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/" version="0.11" xml:lang="{language}">']
    for page in pages:
        lines.append(f"<page><title>{escape(page.title)}</title><ns>{page.namespace}</ns>")
        for number, text in enumerate(page.revisions):
            lines.append(
                f"<revision><timestamp>{2012 + number}-03-11T09:00:00Z</timestamp>"
                f"<contributor><username>Writer {number % 3}</username></contributor>"
                "<model>wikitext</model><format>text/x-wiki</format>"
                f'<text xml:space="preserve">{escape(text)}</text></revision>'
            )
        lines.append("</page>")
    return "\n".join([*lines, "</mediawiki>"])
