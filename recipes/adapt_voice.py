"""Stage 3: teach the LM a new voice from minutes of recordings (LoRA); `affecttts adapt`, on any
number of processes.

    python recipes/adapt_voice.py --audio recordings/ --name allison --output voices/allison
    accelerate launch recipes/adapt_voice.py ... --yes         # several processes or a GPU

Run it again with the same arguments and it goes on where it stopped.
"""

from __future__ import annotations

import argparse
import sys

from affecttts.cli.adapt import add_options, run


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_options(parser)
    return run(parser.parse_args())


if __name__ == "__main__":
    sys.exit(main())
