"""`python -m cards`: what people see of a build, and its publication."""

import sys

from cards.cli import main

if __name__ == "__main__":
    sys.exit(main())
