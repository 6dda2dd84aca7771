"""What a finished build shows: the card, the report, and the commands that come next."""

import shlex
from collections.abc import Iterator

from builders.engine import Build
from cards.build import read_build
from cards.card import Card, card_of, write_card
from cards.dataset import ONLY_CONFIG, configs, dataset_shards
from cards.gate import objections
from cards.report import write_report


def show(build: Build) -> None:
    """Write the card that the build names, if there are rows, and the report; say how to have rows judged and
    published."""
    if build.counts()["rows_written"]:
        card, out = card_of(read_build(build.out)), shlex.quote(str(build.out))
        write_card(build.out, card)
        flags = " ".join(dict.fromkeys(each.flag for each in objections(build.out, card) if each.flag))
        if card.made == "translated":
            build.next += [
                f"python -m validation sample {out} --annotators NAME,NAME{of}" for of in _drawn(build, card)
            ]
        build.next.append(f"python -m cards publish {out} --repo ORG/NAME {flags}".rstrip())
    write_report(build.out)


def _drawn(build: Build, card: Card) -> Iterator[str]:
    """What is drawn for people to judge: some rows of each language but the source's, or all where the card says so."""
    shards = dataset_shards(build.out)
    for config in configs(shards):
        if config != card.source_language:
            rows = sum(shard.rows for shard in shards if shard.config == config)
            whole = f" --shared {rows} --own 0" if card.judge_all else ""
            yield f" --config {config}" * (config != ONLY_CONFIG) + whole
