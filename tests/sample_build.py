"""A small finished build, written by hand: what the report and the card read, with hostile text in it."""

import io
import json
import random
from collections.abc import Callable
from functools import cache
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image, ImageDraw
from upath import UPath

from builders.stages.features import with_features

HOSTILE = "<img src=x onerror=alert(1)></script><script>alert(2)</script> \u202egnp.exe\u202c `a|b` {{ 7*7 }} [x](http://evil.example)"
HOSTILE_TASK = "image_caption|<b onclick=alert(3)>`x`\u202e"
FINGERPRINT = "9f2c41d07ab35e6688c1d2e3f4a5b6c7"

_THINGS = {
    "house": ("casa", "una casa rossa con il tetto scuro", (0.10, 0.30, 0.46, 0.82), "#b5443a"),
    "tree": ("albero", "un albero alto accanto alla casa", (0.55, 0.18, 0.74, 0.84), "#3f7d4a"),
    "ball": ("palla", "una palla gialla sul prato", (0.80, 0.70, 0.92, 0.88), "#e2b93b"),
}
_IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
_TURNS = pa.list_(pa.struct([("from", pa.string()), ("value", pa.string())]))
_TRANSLATIONS = pa.list_(
    pa.struct([("field", pa.string()), ("source", pa.string()), ("target", pa.string()), ("score", pa.float32())])
)
_CHECKS = pa.list_(pa.struct([("filter", pa.string()), ("field", pa.string()), ("figure", pa.float64())]))
_TEXTS = ("id", "image_path", "task_name", "split", "source", "translator", "translator_revision")
_LOST = ("id", "stage", "shard", "filter", "field", "threshold", "row", "error_class", "message")


def write_sample_build(
    out: UPath,
    rows: int = 60,
    warning: str | None = None,
    images: str = "bytes",
    paint: Callable[[int], bytes] | None = None,
) -> UPath:
    """Write a finished build of `rows` written rows under `out`; one row and some errors are hostile."""
    paint = paint or scene
    (out / "dataset" / "data").mkdir(parents=True, exist_ok=True)
    parts = {"train": rows - 2 * (rows // 10), "validation": rows // 10, "test": rows // 10}
    start = 0
    for split, count in parts.items():
        table = [_row(number, split, images, paint) for number in range(start, start + count)]
        path = out / "dataset" / "data" / f"{split}-00000-of-00001.parquet"
        _write(path, table, _schema(images))
        if images == "path":
            for row in table:
                if row["image"]:
                    (out / "dataset" / "images").mkdir(exist_ok=True)
                    (out / "dataset" / row["image"]).write_bytes(paint(int(row["id"][:4], 16)))
        start += count
    rejected, failed = _rejected(), _failed()
    _write(out / "rejected" / "check-00000.parquet", rejected, _lost_schema(rejected))
    _write(out / "failed" / "translate-00000.parquet", failed, _lost_schema(failed))
    (out / "build.json").write_text(json.dumps(_build(rows, len(rejected), len(failed), warning)), encoding="utf-8")
    return out


def figure(value: float | None, n: int, low: float, high: float, **more: Any) -> dict[str, Any]:
    """A figure as `agree` writes it: an interval, and nothing where there is no value."""
    ends = {"low": None if value is None else low, "high": None if value is None else high}
    plain = {"unit": "judgements", "interval": "bootstrap of rows", "definition": "", "undefined": ""}
    return {"value": value, "n": n} | ends | plain | more


def sample_round(**changes: Any) -> dict[str, Any]:
    """A round of four annotators who judged 40 rows of the sample build and accepted 34; one of them is hostile."""
    wilson = {"unit": "rows", "interval": "Wilson"}
    names = ("ane", "jon", "miren", HOSTILE)
    return {
        "round": "round-1", "task": "accept", "build": "multiinstruct-it", "fingerprint": FINGERPRINT,
        "created": "2025-11-22T09:00:00Z", "seed": 0, "stratify": "task_name", "source_language": "en",
        "target_language": "it", "systems": [], "population": 60,
        "planned": {"annotators": 4, "items": 40, "shared": 8, "judgements": 64},
        "received": {"judgements": 62, "missing": 2, "first": "2025-11-22T10:00:00Z", "last": "2025-11-23T18:30:00Z"},
        "labels": {"accept": 53, "reject": 7, "unsure": 2},
        "figures": {
            "acceptance_items": figure(
                0.85, 40, 0.7093, 0.9294, **wilson, definition="Rows accepted by majority, of rows judged."
            ),
            "acceptance_judgements": figure(53 / 62, 62, 0.75, 0.94, definition="Accepts, of judgements."),
            "agreement_majority": figure(0.9375, 32, 0.86, 1.0, definition="Judgements as the most frequent label."),
            "agreement_pairwise": figure(0.875, 48, 0.74, 1.0, unit="pairs of judgements"),
            "cohen_mean_pairs": figure(0.31, 6, -0.05, 0.7, unit="pairs of annotators"),
            "fleiss": figure(-0.04, 8, -0.11, 0.2, unit="rows"),
            "krippendorff_alpha": figure(None, 8, 0, 0, unit="rows", undefined="all labels are equal"),
            "gwet_ac1": figure(0.86, 8, 0.7, 1.0, unit="rows"),
        },
        "annotators": [
            {
                "annotator": name, "planned": 16, "judgements": 16 - number % 2 * 1, "missing": number % 2,
                "acceptance": figure(0.9 - 0.1 * number, 16, 0.6 - 0.1 * number, 0.98 - 0.05 * number),
                "agreement_majority": figure(0.95 - 0.05 * number, 8, 0.5, 1.0),
                "median_seconds": 6.1 + number, "too_fast": 3 * (number == 3), "gold": {"right": 3, "of": 3},
            }
            for number, name in enumerate(names)
        ],
        "strata": [
            {"stratum": stratum, "rows": 10, "judgements": 15, "acceptance": figure(0.8, 10, 0.49, 0.94)}
            for stratum in ("object_grounding", "VG_selection", HOSTILE_TASK)
        ],
        "reasons": {"meaning": 5, "grammar": 2, HOSTILE: 1},
        "majority": {"accept": 34, "reject": 4, "unsure": 1, "tie": 1}, "adjudicated": 1, "open_ties": ["a1"],
        "corrections": 3, "warnings": [f"{HOSTILE} judged 3 items in less than 2 seconds."],
    } | changes  # fmt: skip


def sample_pairs(**changes: Any) -> dict[str, Any]:
    """A round in which the same four compared the answers of two systems to 20 prompts."""
    of = {"unit": "rows", "interval": "Wilson"}
    return sample_round(
        round="round-2", task="pair", systems=["latxa", HOSTILE], created="2025-11-24T09:00:00Z", strata=[], reasons={},
        warnings=[], corrections=0, labels={"preference_0": 30, "tie": 12, "preference_1": 20},
        majority={"preference_0": 10, "tie": 4, "preference_1": 5, "divided": 1},
        figures={
            "preference_0": figure(0.5, 20, 0.3, 0.7, **of), "tie": figure(0.2, 20, 0.08, 0.42, **of),
            "preference_1": figure(0.25, 20, 0.11, 0.47, **of),
            "preference_0_judgements": figure(30 / 62, 62, 0.35, 0.6), "tie_judgements": figure(12 / 62, 62, 0.1, 0.3),
            "preference_1_judgements": figure(20 / 62, 62, 0.2, 0.45),
            "left_share": figure(0.56, 50, 0.42, 0.69, interval="Wilson"), "gwet_ac1": figure(0.41, 8, 0.1, 0.7),
        },
    ) | changes  # fmt: skip


def edit_build(build: UPath, **changes: Any) -> None:
    """Change what `build.json` says."""
    path = build / "build.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def write_agreement(out: UPath, *rounds: dict[str, Any]) -> None:
    (out / "validation").mkdir(parents=True, exist_ok=True)
    text = json.dumps({"format": "vlm-agreement/1", "rounds": rounds})
    (out / "validation" / "agreement.json").write_text(text, encoding="utf-8")


def scene(number: int) -> bytes:
    """A drawn scene with the things exactly at their boxes."""
    image = Image.new("RGB", (640, 420), ("#bcd8ea", "#d9e3ec", "#f0d9c0")[number % 3])
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 320, 640, 420), fill="#8fae6b")
    for _, _, (x1, y1, x2, y2), colour in _THINGS.values():
        place = (x1 * 640, y1 * 420, x2 * 640, y2 * 420)
        (draw.ellipse if colour == "#e2b93b" else draw.rectangle)(place, fill=colour)
    out = io.BytesIO()
    image.save(out, "JPEG", quality=85)
    return out.getvalue()


@cache
def _one_image() -> bytes:
    return scene(0)


def one_image(number: int) -> bytes:
    """The same scene for every row, for tests that do not look at images."""
    return _one_image()


def _row(number: int, split: str, images: str, paint: Callable[[int], bytes]) -> dict[str, Any]:
    name, (word, phrase, box, _) = list(_THINGS.items())[number % 3]
    where = "[" + ", ".join(f"{v:.3f}" for v in box) + "]"
    others = ["[" + ", ".join(f"{v:.3f}" for v in thing[2]) + "]" for thing in _THINGS.values()]
    kinds: tuple[tuple[str, str, str, list[tuple[str, str, str]]], ...] = (
        (
            "object_grounding",
            f"Quale oggetto si trova nella regione {where}?",
            word,
            [("answer", name, word)],
        ),
        (
            "VG_selection",
            f"Scegli la regione che mostra «{phrase}».\n\nOpzioni: {'; '.join(others)}",
            where,
            [("text", f"a {name} in the picture", phrase)],
        ),
        (
            "VQA_object_presence",
            f"Nell'immagine c'è {phrase}?\n\nOpzioni: A. sì; B. no",
            "A. sì",
            [
                ("question", f"Is there a {name} in the picture?", f"Nell'immagine c'è {phrase}?"),
                ("answer", "yes", "sì"),
            ],
        ),
        (
            "image_caption",
            "Descrivi l'immagine.",
            f"Si vede {phrase}.",
            [("answer", f"A {name} on the grass.", f"Si vede {phrase}.")],
        ),
    )
    task, prompt, answer, fields = kinds[number % 4]
    if number == 5:
        task, prompt, answer, fields = (
            HOSTILE_TASK,
            HOSTILE,
            f"{HOSTILE} [0.900, 0.200, 0.400, 1.300]",
            [(HOSTILE, HOSTILE, HOSTILE)],
        )
    path = f"images/{number:06d}.jpg"
    whole = {"bytes": paint(number), "path": path}
    missing = number % 13 == 7
    draw = random.Random(number)
    return {
        "id": f"{number:04x}" + f"{draw.getrandbits(112):028x}",
        "image": None if missing else path if images == "path" else whole,
        "image_path": path,
        "conversations": [{"from": "human", "value": f"<image>\n{prompt}"}, {"from": "gpt", "value": answer}],
        "task_name": task,
        "split": split,
        "source": json.dumps({"task_name": task, "image_path": path, **{field: text for field, text, _ in fields}}),
        "translations": [
            {"field": field, "source": text, "target": target, "score": draw.betavariate(9, 2)}
            for field, text, target in fields
        ],
        "translator": "google/madlad400-3b-mt",
        "translator_revision": "d6ae7d5",
        "checks": [{"filter": "length_ratio", "field": fields[0][0], "figure": len(fields[0][2]) / len(fields[0][1])}],
    }


def _rejected() -> list[dict[str, Any]]:
    kinds = (
        ("length_ratio", 0.11, "0.4 to 2.5", "Sì"),
        ("language", 0.03, "at least 0.5", "A red house with a dark roof"),
        ("repetition", 5.0, "at most 3", "la casa la casa la casa la casa la casa la casa"),
    )
    lost: list[dict[str, Any]] = []
    for number in range(9):
        name, figure, threshold, text = kinds[number // 4]
        row = {"task_name": "image_caption", "translations": [{"field": "answer", "source": "…", "target": text}]}
        where = {"id": f"{number:032x}", "stage": "check", "shard": "00000", "field": "answer", "row": json.dumps(row)}
        lost.append({**where, "filter": name, "figure": figure, "threshold": threshold})
    lost[0] |= {"field": HOSTILE, "row": json.dumps({"task_name": HOSTILE_TASK, HOSTILE: HOSTILE})}
    return lost


def _failed() -> list[dict[str, Any]]:
    return [
        {
            "id": "f1" * 16,
            "stage": "ingest",
            "shard": "00000",
            "error_class": "JSONDecodeError",
            "attempts": 1,
            "message": "train.jsonl, line 48: Unterminated string",
            "row": '{"unique_id": "48", "task_name": "VQA", "que',
        },
        {
            "id": "f2" * 16,
            "stage": "translate",
            "shard": "00001",
            "error_class": f"Odd|`Error`{HOSTILE}",
            "attempts": 3,
            "message": HOSTILE,
            "row": json.dumps({"task_name": "VG_selection", "x": "\ud800"}),
        },
    ]


def _build(written: int, rejected: int, failed: int, warning: str | None) -> dict[str, Any]:
    total = written + rejected + failed

    def stage(name: str, rows: int, lost: tuple[int, int], seconds: float, **counters: int) -> dict[str, Any]:
        kept = rows - sum(lost)
        return {"name": name, "shards": 2, "rows_in": rows, "rows_written": kept, "rows_rejected": lost[0],
                "rows_failed": lost[1], "seconds": seconds, "counters": counters}  # fmt: skip

    after = total - failed
    return {
        "name": "multiinstruct-it",
        "card": "multiinstruct-it-demo",
        "status": "finished",
        "command": "python builders/multiinstruct_it.py --input train.jsonl --out OUT --to it",
        "started": "2025-11-21T10:04:12+00:00",
        "finished": "2025-11-21T10:48:40+00:00",
        "seconds": 2668.4,
        "fingerprint": FINGERPRINT,
        "config": {
            "to": "it",
            "beams": 1,
            "filters": ["length_ratio", "language"],
            "note": HOSTILE,
        },
        "inputs": [{"path": "train.jsonl", "bytes": 48_211, "rows": total, "sha256": "ab" * 32}],
        "versions": {"python": "3.11.9", "ray": "2.49.0", "pyarrow": "26.0.1"},
        "counts": {
            "rows_in": total,
            "rows_written": written,
            "rows_rejected": rejected,
            "rows_failed": failed,
        },
        "stages": [
            stage("ingest", total, (0, failed - 1), 3.2, boxes_clamped=3, images_missing=5),
            stage("translate", total - failed + 1, (0, 1), 2512.0, units=412, memory_hits=96, duplicates=41),
            stage("compose", after, (0, 0), 8.4),
            stage("check", after, (rejected, 0), 96.5),
            stage("publish", written, (0, 0), 12.1, **{"split/train": written - 2 * (written // 10)}),
        ],
        "translator": {
            "name": "google/madlad400-3b-mt",
            "revision": "d6ae7d5",
            "settings": {"beams": 1},
            "warning": warning,
        },
    }


def _schema(images: str) -> pa.Schema:
    types: dict[str, pa.DataType] = dict.fromkeys(_TEXTS, pa.string())
    types |= {"image": _IMAGE if images == "bytes" else pa.string(), "conversations": _TURNS}
    types |= {"translations": _TRANSLATIONS, "checks": _CHECKS}
    order = ("id", "image", "image_path", "conversations", "task_name", "split", "source", "translations",
             "translator", "translator_revision", "checks")  # fmt: skip
    return with_features(
        pa.schema([(name, types[name]) for name in order]), {} if images == "path" else {"image": {"_type": "Image"}}
    )


def _lost_schema(rows: list[dict[str, Any]]) -> pa.Schema:
    kinds = dict.fromkeys(_LOST, pa.string()) | {"figure": pa.float64(), "attempts": pa.int64()}
    return pa.schema([(name, kinds[name]) for name in rows[0]])


def _write(path: UPath, rows: list[dict[str, Any]], schema: pa.Schema) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        pq.write_table(pa.Table.from_pylist(rows, schema=schema), file, row_group_size=16)
