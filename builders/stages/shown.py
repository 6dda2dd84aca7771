"""What a finished build shows: the card, the report, and the commands that come next."""

import shlex

from builders.engine import Build
from cards.card import load_card, write_card
from cards.gate import objections
from cards.report import write_report


def show(build: Build, name: str) -> None:
    """Write the card of this name, if there are rows, and the report; say how to have rows judged and published."""
    if build.counts()["rows_written"]:
        card, out = load_card(name), shlex.quote(str(build.out))
        write_card(build.out, card)
        flags = " ".join(dict.fromkeys(each.flag for each in objections(build.out, card) if each.flag))
        if card.made == "translated":
            build.next.append(f"python -m validation sample {out} --annotators NAME,NAME")
        build.next.append(f"python -m cards publish {out} --repo ORG/NAME {flags}".rstrip())
    write_report(build.out)
