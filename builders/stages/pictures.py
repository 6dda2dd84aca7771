"""Pictures: the files themselves, where their licence lets anybody pass them on.

They come through the wikis' actor, since whoever runs the wikis also serves the files. A picture under another licence,
or under none that the file's page states, stays an address.
"""

import re

import pyarrow as pa

from builders.engine import Build, Failure, Outcome, Row, Stage
from builders.stages.crawl import PAGE
from builders.stages.wiki import WikiDoor

IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
WITH_PICTURE = PAGE.append(pa.field("image", IMAGE))
MIMES = frozenset({"image/jpeg", "image/png", "image/webp", "image/gif", "image/tiff"})
FREE = re.compile(r"(public domain|pd|cc[- ]?0|cc[- ]by|cc[- ]by[- ]sa)([- ,.(].*)?", re.IGNORECASE)
RESTRICTED = re.compile(r"\b(nc|nd|non-?commercial|no ?deriv\w*)\b", re.IGNORECASE)


class Pictures(Stage):
    """Gives every page the file of its picture as `image`, or null where it must not or cannot be embedded."""

    name = "pictures"
    schema = WITH_PICTURE

    def __init__(self, door: WikiDoor) -> None:
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
            if code == "robots_optout":
                outcome.counters["by_link/robots_optout"] += 1
            elif code not in ("", "success"):
                outcome.failed.append(Failure(row["id"], code, f"{row['image_url']}: {code}"))
                continue
            image = {"bytes": data, "path": row["image_file"]} if data else None
            outcome.written.append(row | {"image": image})
        self.door.count_sent(outcome.counters)
        return outcome


def is_free(licence: str) -> bool:
    """Whether a licence, by its short name, is public domain, CC0, CC BY or CC BY-SA."""
    return bool(FREE.fullmatch(licence.strip())) and not RESTRICTED.search(licence)
