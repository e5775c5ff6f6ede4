"""`python -m affecttts` is the `affecttts` command."""

import sys

from affecttts.cli.main import main

sys.exit(main())
