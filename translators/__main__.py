"""`python -m translators`: try a model by hand, and look after a translation memory."""

import sys

from translators.cli import main

sys.exit(main())
