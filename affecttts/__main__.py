"""`python -m affecttts` is the `affecttts` command."""

import sys

from affecttts.cli import main

sys.exit(main())
