"""`python -m validation`: is the data right?"""

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

from validation.annotation.problem import Problem
from validation.annotation.terminal import printable

_MODULES = {
    "filters": "cli_filters",
    "sample": "cli_sample",
    "import": "cli_import",
    "agree": "cli_agree",
    "adjudicate": "cli_adjudicate",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit status: 0 done, 1 nobody read what it printed to the end, 2 not as asked."""
    arguments = sys.argv[1:] if arguments is None else arguments
    parser = argparse.ArgumentParser(prog="python -m validation", description="Is the data right?")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    asked = _MODULES.get(arguments[0]) if arguments else None
    for module in [asked] if asked else _MODULES.values():  # a command does not wait for what others import
        import_module(f"validation.{module}").add_commands(commands)
    options = parser.parse_args(arguments)
    try:
        status: int = options.run(options)
        sys.stdout.flush()
    except Problem as problem:
        print(f"error: {printable(str(problem))}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        sys.stdout = None  # what is left in its buffer has no reader either
        return 1
    return status


if __name__ == "__main__":
    sys.exit(main())
