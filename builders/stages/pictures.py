"""Pictures: the files themselves, where their licence lets anybody pass them on.

They come through the wikis' actor, since whoever runs the wikis also serves the files. A picture under another licence,
or under none that the file's page states, stays an address; so does one that cannot be had today or any other day.
"""

import re
from typing import Any, ClassVar

import pyarrow as pa

from builders.engine import Build, Failure, Outcome, Row, Stage
from builders.stages.wiki import WikiDoor
from builders.transforms.shape import IMAGE
from crawlers.outcomes import MAY_HEAL

MIMES = frozenset({"image/jpeg", "image/png", "image/webp", "image/gif", "image/tiff"})
FREE = re.compile(r"(public domain|pd|cc[- ]?0|cc[- ]by|cc[- ]by[- ]sa)([- ,.(].*)?", re.IGNORECASE)
RESTRICTED = re.compile(r"\b(nc|nd|non-?commercial|no ?deriv\w*)\b", re.IGNORECASE)


# A row group is read whole, and Arrow reads at most 2 GiB of a struct's bytes at once: eight of the largest pictures
# that are taken (50 MiB) are 400 MiB. Pictures are compressed as they come.
PICTURES_PARQUET = {"row_group_size": 8, "compression": "none", "use_dictionary": False}


class Pictures(Stage):
    """Gives every page the file of its picture as `image`, or null where it must not or cannot be embedded."""

    name = "pictures"
    parquet: ClassVar[dict[str, Any]] = PICTURES_PARQUET

    def __init__(self, door: WikiDoor, pages: pa.Schema) -> None:
        self.schema = pages.append(pa.field("image", IMAGE))
        self.door = door

    def start(self, build: Build) -> None:
        self.door.start()

    def process(self, rows: list[Row]) -> Outcome:
        outcome, asks = Outcome(), {}
        for row in rows:
            if not is_free(row["licence"]):
                outcome.counters["by_link/licence"] += 1
            elif row["mime"] not in MIMES:
                outcome.counters["by_link/format"] += 1
            else:
                asks[row["id"]] = (row["image_url"], row["sha1"])
        got = dict(self.door.images(asks))
        for row in rows:
            code, data = got.get(row["id"], ("", b""))
            if code in MAY_HEAL:
                outcome.failed.append(Failure(row["id"], code, f"{row['image_url']}: {code}"))
                continue
            if code not in ("", "success"):
                outcome.counters[f"by_link/{code}"] += 1
            image = {"bytes": data, "path": row["image_file"]} if data else None
            outcome.written.append(row | {"image": image})
        self.door.count_sent(outcome.counters)
        return outcome


def is_free(licence: str) -> bool:
    """Whether a licence, by its short name, is public domain, CC0, CC BY or CC BY-SA."""
    return bool(FREE.fullmatch(licence.strip())) and not RESTRICTED.search(licence)
