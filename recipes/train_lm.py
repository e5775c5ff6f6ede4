"""Stage 2: train the token LM on the shards of a frozen codec.

    python recipes/train_lm.py recipes/configs/small/lm.yaml --manifest corpus/manifest.jsonl \\
        --tokens runs/tokens --codec runs/codec/codec --output runs/lm
    accelerate launch recipes/train_lm.py ...             # several processes or a GPU
    python recipes/train_lm.py recipes/configs/tiny/lm.yaml ...   # seconds

Run it again with the same --output and it goes on where it stopped. The LM lies in OUTPUT/lm.
"""

from __future__ import annotations

import sys
from pathlib import Path

from affecttts.cli.script import run_script, training_parser


def main() -> None:
    parser = training_parser(__doc__)
    parser.add_argument("--tokens", required=True, help="folder of token shards")
    parser.add_argument(
        "--codec", type=Path, required=True, help="codec folder that made the tokens"
    )
    parser.add_argument(
        "--init",
        help="LM folder to start from; it may model fewer codebooks or be of another codec",
    )
    parser.add_argument(
        "--init-codec",
        type=Path,
        help="codec of --init, where --codec is that one trained on: its codes carry over",
    )
    arguments = parser.parse_args()
    from affecttts.training.config import load_config
    from affecttts.training.lm.config import LMTrainingConfig

    config = load_config(LMTrainingConfig, arguments.config, arguments.set)
    from affecttts.training.lm.trainer import Trainer

    trainer = Trainer(
        config,
        arguments.manifest,
        arguments.tokens,
        arguments.codec,
        arguments.output,
        arguments.init,
        arguments.init_codec,
    )
    trainer.resume()
    trainer.run()


if __name__ == "__main__":
    sys.exit(run_script(main))
