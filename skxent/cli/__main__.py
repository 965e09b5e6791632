"""``python -m skxent.cli`` is ``skxent-perplexity``."""

import sys

from skxent.cli import main

sys.exit(main())
