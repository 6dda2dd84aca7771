"""`python -m cards preview`: the card as a page, for a look before it is pushed."""

import argparse
import webbrowser
from pathlib import Path

from upath import UPath

from cards.build import read_build
from cards.card import card_text
from cards.cli_publish import add_allowances, as_published
from cards.preview import write_preview
from cards.publish import LOCAL


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `preview` to the commands of `python -m cards`."""
    parser = commands.add_parser("preview", help="render the card of a build to HTML, for a look before the push")
    parser.add_argument("out", metavar="BUILD", help="the build's folder or URI")
    parser.add_argument("--repo", default="", metavar="ORG/NAME", help="as the card of this dataset of the Hub")
    add_allowances(parser)
    parser.add_argument("--open", action="store_true", help="show the page in the browser")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Write the page and say where it is. Raises FileNotFoundError or ValueError when there is no card to show."""
    out = UPath(options.out)
    card, confessed = as_published(out, options.repo, options.allowed)
    path = write_preview(out, card_text(out, card, confessed, partial=read_build(out).status != "finished"))
    print(f"preview  {path}")
    if options.open:
        if path.protocol not in LOCAL:
            raise ValueError(f"--open: {path} is not on this machine: copy it here first")
        webbrowser.open(Path(path.path).absolute().as_uri())
    return 0
