"""Stage 1: train the codec.

    python recipes/train_codec.py recipes/configs/small/codec_1_base.yaml \\
        --manifest corpus/manifest.jsonl --output runs/codec
    accelerate launch recipes/train_codec.py ...          # several processes or a GPU
    # seconds
    python recipes/train_codec.py recipes/configs/tiny/codec_1_base.yaml --manifest M.jsonl \\
        --output runs/tiny

Run it again with the same --output and it goes on where it stopped. The codec lies in OUTPUT/codec.
"""

from __future__ import annotations

import sys
from pathlib import Path

from affecttts.cli.script import run_script, training_parser


def main() -> None:
    parser = training_parser(__doc__)
    parser.add_argument(
        "--cache", type=Path, help="folder of decoded audio and F0 (default: OUTPUT/cache)"
    )
    parser.add_argument("--init", help="codec folder to start from")
    parser.add_argument("--init-discriminator", help="discriminator folder to start from")
    parser.add_argument(
        "--phone-classifier",
        help="folder from train_phone_classifier.py: copies shall keep the phones that it hears",
    )
    parser.add_argument(
        "--predicted",
        metavar="TOKENS",
        help="codes from predict_corpus.py, to tune a decoder to a language model",
    )
    arguments = parser.parse_args()
    from affecttts.training.codec.config import CodecTrainingConfig
    from affecttts.training.config import load_config

    config = load_config(CodecTrainingConfig, arguments.config, arguments.set)
    from affecttts.training.codec.trainer import Trainer

    trainer = Trainer(
        config,
        arguments.cache or arguments.output / "cache",
        arguments.manifest,
        arguments.output,
        arguments.init,
        arguments.init_discriminator,
        arguments.predicted,
        arguments.phone_classifier,
    )
    trainer.resume()
    trainer.run()


if __name__ == "__main__":
    sys.exit(run_script(main))
