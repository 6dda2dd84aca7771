"""`python -m cards`: its commands, and what is said when one cannot be done."""

import argparse
import sys
from collections.abc import Sequence

from huggingface_hub import get_token
from upath import UPath

from cards import cli_preview, cli_publish
from cards.build import read_build
from cards.card import find_card, write_card
from cards.redaction import guarded
from cards.report import write_report


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit status: 0 done, 2 not as asked."""
    with guarded(get_token() or ""):
        return _run(arguments)


def _run(arguments: Sequence[str] | None) -> int:
    parser = argparse.ArgumentParser(prog="python -m cards", description="What people see of a build.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    again = commands.add_parser("refresh", help="write the card and the report of a build again, from its files")
    again.add_argument("out", metavar="BUILD", help="the build's folder or URI")
    again.set_defaults(run=_refresh)
    cli_preview.add_commands(commands)
    cli_publish.add_commands(commands)
    options = parser.parse_args(arguments)
    try:
        status: int = options.run(options)
    except cli_publish.Refused as refused:
        return _refuse(*refused.lines)
    except (OSError, ValueError) as error:
        return _refuse(error)
    return status


def _refresh(options: argparse.Namespace) -> int:
    out = UPath(options.out)
    build = read_build(out)
    print(f"report   {write_report(out)}")
    card = find_card(build.card, build.card_values)
    if card is None:
        print(f"card     none: there is no cards/recipes/{build.card}.yaml")
    else:
        print(f"card     {write_card(out, card)}")
    return 0


def _refuse(*reasons: object) -> int:
    for reason in reasons:
        print(f"error: {reason}", file=sys.stderr)
    return 2
