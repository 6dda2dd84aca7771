"""`python -m validation`: is the data right?"""

import argparse
import sys
from collections.abc import Sequence

from validation import cli_filters


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit status: 0 done, 2 not as asked."""
    parser = argparse.ArgumentParser(prog="python -m validation", description="Is the data right?")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    cli_filters.add_commands(commands)
    options = parser.parse_args(arguments)
    status: int = options.run(options)
    return status


if __name__ == "__main__":
    sys.exit(main())
