"""`python -m cards refresh` and `publish`: what each is told, and what it says."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from upath import UPath

from cards.build import read_build
from cards.card import Card, card_text, find_card, load_card, write_card
from cards.gate import ALLOW_DEMO_MODEL, ALLOW_NO_LICENCE, ALLOW_UNVALIDATED, overruled, refusals
from cards.publish import Folder, publish
from cards.report import write_report

_FLAGS = {
    ALLOW_UNVALIDATED: "publish although too few people accepted the rows, or nobody judged them; the card says so",
    ALLOW_DEMO_MODEL: "publish although the demo model translated it; the card says so",
    ALLOW_NO_LICENCE: "publish although no licence is stated; the card says so",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit status: 0 done, 2 not as asked."""
    parser = argparse.ArgumentParser(prog="python -m cards", description="What people see of a build.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    again = commands.add_parser("refresh", help="write the card and the report of a build again, from its files")
    again.add_argument("out", metavar="BUILD", help="the build's folder or URI")
    again.set_defaults(run=_refresh)
    outward = commands.add_parser("publish", help="copy a finished dataset, card last, if nothing stands against it")
    outward.add_argument("out", metavar="BUILD", help="the build's folder or URI")
    outward.add_argument("--to", required=True, metavar="FOLDER", help="a folder that is empty or not there yet")
    for flag, meaning in _FLAGS.items():
        outward.add_argument(flag, dest="allowed", action="append_const", const=flag, default=[], help=meaning)
    outward.set_defaults(run=_publish)
    options = parser.parse_args(arguments)
    try:
        status: int = options.run(options)
    except (OSError, ValueError) as error:
        return _refuse(error)
    return status


def _refresh(options: argparse.Namespace) -> int:
    out = UPath(options.out)
    name = read_build(out).name
    print(f"report   {write_report(out)}")
    card = find_card(name)
    if card is None:
        print(f"card     none: there is no cards/recipes/{name}.yaml")
    else:
        print(f"card     {write_card(out, card)}")
    return 0


def _publish(options: argparse.Namespace) -> int:
    out = UPath(options.out)
    card = load_card(read_build(out).name)
    if reasons := refusals(out, card, options.allowed):
        return _refuse(*(f"{out} is not published: {reason}" for reason in reasons))
    text = card_text(out, _licensed(card), overruled(out, card, options.allowed))
    files = publish(out, text, Folder(Path(options.to)))
    print(f"published {len(files)} files and the card to {options.to}")
    return 0


def _licensed(card: Card) -> Card:
    """The card with the Hub's word for a licence that nobody knows, where it states none."""
    return card if card.licence else replace(card, licence="unknown")


def _refuse(*reasons: object) -> int:
    for reason in reasons:
        print(f"error: {reason}", file=sys.stderr)
    return 2
