"""A small finished build of a crawled dataset in three languages and three configurations, with hostile text in it."""

import json
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from upath import UPath

from tests.sample_build import HOSTILE

ARTWORKS = 10
LANGUAGES = ("en", "it", "ja")
INDICATORS = ("views", "links", "edits", "references", "versions", "length")
LICENCES = ("CC BY-SA 4.0", "Public domain", "CC0", "", HOSTILE)
CRAWLED_FINGERPRINT = "51c0ffee07ab35e6688c1d2e3f4a5b6c"
_TITLES = {"en": "The Orchard at Noon", "it": "Il frutteto a mezzogiorno", "ja": "真昼の果樹園"}
_PROMPTS = {
    "en": "Explain the history of this artwork, {}.",
    "it": "Spiega la storia di quest'opera d'arte, {}.",
    "ja": "この作品「{}」の歴史を説明してください。",
}
_GOLD = {
    "en": "The painter began it in 1873, in the orchard behind the mill.",
    "it": "Il pittore lo cominciò nel 1873, nel frutteto dietro il mulino.",
    "ja": "画家は1873年、水車小屋の裏の果樹園で描きはじめた。",
}
_LINK = pa.struct([("text", pa.string()), ("target", pa.string())])
_SECTION = pa.struct(
    [
        ("index", pa.int32()),
        ("level", pa.int32()),
        ("path", pa.list_(pa.string())),
        ("text", pa.string()),
        ("links", pa.list_(_LINK)),
    ]
)
_WHENCE = [("id", pa.string()), ("artwork", pa.string()), ("page_id", pa.int64()), ("revision", pa.int64())]
_IMAGE = [(name, pa.string()) for name in ("page_url", "image_url", "image_licence", "image_author", "image_page")]
_PAGES = pa.schema(
    [
        *_WHENCE,
        ("language", pa.string()),
        ("title", pa.string()),
        *_IMAGE,
        ("sections", pa.list_(_SECTION)),
    ]
)
_RECORDS = pa.schema(
    [
        *_WHENCE,
        *((name, pa.string()) for name in ("text_id", "title", "en_title", "lang", "source_lang", "target_lang")),
        *_IMAGE,
        *((name, pa.string()) for name in ("template", "prompt", "gold")),
        ("gold_entity", pa.list_(pa.string())),
        ("level", pa.int32()),
    ]
)
_LOST = pa.schema(
    [
        *((name, pa.string()) for name in ("id", "stage", "shard", "filter", "field", "threshold", "row")),
        ("figure", pa.float64()),
    ]
)
_FAILED = pa.schema(
    [
        *((name, pa.string()) for name in ("id", "stage", "shard", "error_class", "message", "row")),
        ("attempts", pa.int64()),
    ]
)


def write_crawled_build(out: UPath) -> UPath:
    """Write a finished build of 10 artworks under `out`: 30 pages, of which 4 were rejected and 1 failed."""
    pages = [_page(number, language) for number in range(ARTWORKS) for language in LANGUAGES][5:]
    tables = {
        ("pages", "train"): [page for page in pages if _split(page) == "train"],
        ("pages", "validation"): [page for page in pages if _split(page) == "validation"],
        ("pages", "test"): [page for page in pages if _split(page) == "test"],
    }
    for config, wanted in (("full", range(ARTWORKS)), ("alignment-3", range(2, 4))):
        for split in ("train", "validation", "test"):
            records = [
                record
                for page in pages
                if int(page["artwork"][1:]) - 100 in wanted and _split(page) == split
                for record in _records(page)
            ]
            if records:
                tables[config, split] = records
    for (config, split), rows in tables.items():
        schema = _PAGES if config == "pages" else _RECORDS
        _write(out / "dataset" / config / f"{split}-00000-of-00001.parquet", rows, schema)
    rejected, failed = _rejected(), _failed()
    _write(out / "rejected" / "crawl-00000.parquet", rejected, _LOST)
    _write(out / "failed" / "crawl-00000.parquet", failed, _FAILED)
    written = sum(len(rows) for rows in tables.values())
    for name, value in (
        ("build", _build(len(pages), written, len(rejected), len(failed))),
        ("balance", _balance()),
        ("alignment", _alignment()),
    ):
        (out / f"{name}.json").write_text(json.dumps(value), encoding="utf-8")
    return out


def _split(page: dict[str, Any]) -> str:
    number = int(page["artwork"][1:]) - 100
    if page["language"] != "en" or number in (2, 3, 9):
        return "test"
    return "validation" if number in (4, 8) else "train"


def _page(number: int, language: str) -> dict[str, Any]:
    title = f"{_TITLES[language]} {number}" if number != 7 else HOSTILE
    return {
        "id": f"{number:016x}{LANGUAGES.index(language):016x}",
        "artwork": f"Q{100 + number}",
        "language": language,
        "page_id": 1000 * LANGUAGES.index(language) + number + 1,
        "revision": 50_000 + number,
        "title": title,
        "page_url": f"https://{language}.wikipedia.org/w/index.php?oldid={50_000 + number}",
        "image_url": f"https://upload.example/orchard-{number}.jpg",
        "image_licence": LICENCES[number % len(LICENCES)],
        "image_author": "A. Painter",
        "image_page": f"https://commons.example/wiki/File:Orchard_{number}.jpg",
        "sections": [
            {"index": 0, "level": 0, "path": [], "text": _GOLD[language], "links": [{"text": "1873", "target": "1873"}]}
        ],
    }


def _records(page: dict[str, Any]) -> list[dict[str, Any]]:
    """A record for each language of the prompt: the page's own, and English."""
    return [
        {
            **page,
            "id": page["id"][:16] + f"{LANGUAGES.index(page['language']):08x}{LANGUAGES.index(source):08x}",
            "text_id": f"{page['artwork']}-0",
            "en_title": _TITLES["en"],
            "lang": page["language"],
            "source_lang": source,
            "target_lang": page["language"],
            "template": f"{source}_template1_section",
            "prompt": _PROMPTS[source].format(page["title"]),
            "gold": _GOLD[page["language"]],
            "gold_entity": ["1873"],
            "level": 1,
        }
        for source in sorted({"en", page["language"]})
    ]


def _rejected() -> list[dict[str, Any]]:
    kinds = (
        ("stub_v1", "text", 212.0, "at least 500 bytes", "it"),
        ("stub_v1", "text", 120.0, "at least 500 bytes", "ja"),
        ("stub_v1", "text", 340.0, "at least 500 bytes", "ja"),
        ("no_infobox_image_v1", "image", 0.0, "an image in the infobox", "en"),
    )
    return [
        {
            "id": f"{number:032x}",
            "stage": "crawl",
            "shard": "00000",
            "filter": name,
            "field": field,
            "figure": figure,
            "threshold": threshold,
            "row": json.dumps({"language": language, "title": f"{_TITLES[language]} {number}"}),
        }
        for number, (name, field, figure, threshold, language) in enumerate(kinds)
    ]


def _failed() -> list[dict[str, Any]]:
    return [
        {
            "id": "f1" * 16,
            "stage": "crawl",
            "shard": "00000",
            "error_class": "WikiError",
            "message": f"ja.wikipedia.org: not JSON after 5 attempts {HOSTILE}",
            "row": json.dumps({"language": "ja", "title": _TITLES["ja"]}),
            "attempts": 5,
        }
    ]


def _build(pages: int, written: int, rejected: int, failed: int) -> dict[str, Any]:
    listed = pages + rejected + failed

    def stage(name: str, rows: int, lost: tuple[int, int], seconds: float, **counters: int) -> dict[str, Any]:
        return {"name": name, "shards": 1, "rows_in": rows, "rows_written": rows - sum(lost), "rows_rejected": lost[0],
                "rows_failed": lost[1], "seconds": seconds, "counters": counters}  # fmt: skip

    dropped = {"dropped/See also": 11, "dropped/Note": 9, f"dropped/{HOSTILE}": 1}
    asked = {"parse": 30, "files": 3, "edits": 10, "views": 10, "retried/maxlag": 2, "retried/429": 1}
    return {
        "name": "multiexpart",
        "status": "finished",
        "command": "python builders/multiexpart.py --languages en,it,ja --contact me@example.org --output OUT",
        "public": {
            "command": "python builders/multiexpart.py --languages en,it,ja --output OUT",
            "config": {"languages": LANGUAGES},
        },
        "started": "2026-11-21T10:04:12+00:00",
        "finished": "2026-11-21T10:06:40+00:00",
        "seconds": 148.0,
        "fingerprint": CRAWLED_FINGERPRINT,
        "config": {"languages": LANGUAGES, "source_language": "en", "requests_per_minute": 200},
        "inputs": [{"path": "crawl/pages.parquet", "bytes": 4_211, "rows": listed, "sha256": "ab" * 32}],
        "versions": {"python": "3.11.9", "ray": "2.60.0"},
        "counts": {"rows_in": listed, "rows_written": written, "rows_rejected": rejected, "rows_failed": failed},
        "stages": [
            stage(
                "crawl",
                listed,
                (rejected, failed),
                120.2,
                **{f"requests/{name}": n for name, n in asked.items()},
                **dropped,
            ),
            stage("thumbnails", pages, (0, 0), 3.2, **{"requests/thumbnails": 4}),
            stage("publish", written, (0, 0), 2.1, sections_without_text=6),
        ],
    }


def _balance() -> dict[str, Any]:
    def split(pages: int, ranks: tuple[float, ...], means: tuple[float, ...]) -> dict[str, Any]:
        return {
            "pages": pages,
            "mean_rank": dict(zip(INDICATORS, ranks, strict=True)),
            "mean": dict(zip(INDICATORS, means, strict=True)),
        }

    return {
        "indicators": list(INDICATORS),
        "splits": {
            "train": split(6, (0.49, 0.5, 0.502, 0.497, 0.51, 0.499), (1204.5, 31.2, 210, 12.25, 8.1, 15_400)),
            "validation": split(2, (0.5, 0.487, 0.493, 0.51, 0.503, 0.492), (1180, 30.4, 199.5, 12.9, 8.0, 14_900)),
            "test": split(2, (0.52, 0.515, 0.511, 0.5, 0.525, 0.516), (1391, 33.1, 222, 12.3, 8.9, 16_020)),
        },
        "fixed_in_test": 2,
        "largest_gap": 0.03,
        "note": "the others are split 6:2",
    }


def _alignment() -> dict[str, Any]:
    return {
        "sets": {
            "alignment-3": {
                "languages": list(LANGUAGES),
                "artworks": 2,
                "same_file": 1,
                "same_picture": 1,
                "by_people": 0,
                "undecided": 1,
                "different": 2,
            }
        }
    }


def _write(path: UPath, rows: list[dict[str, Any]], schema: pa.Schema) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        pq.write_table(pa.Table.from_pylist(rows, schema=schema), file, row_group_size=16)
