"""Before the language model: a network that tells speakers apart, whose short codes name voices.

    python recipes/train_speaker_encoder.py recipes/configs/small/speaker_encoder.yaml \\
        --manifest corpus/manifest.jsonl --manifest voices/manifest.jsonl \\
        --output runs/speaker_encoder
    accelerate launch recipes/train_speaker_encoder.py ...        # several processes or a GPU

Run it again with the same --output and it goes on where it stopped. The encoder lies in
OUTPUT/speaker_encoder; `experiments/measure_speaker_encoder.py` says how well it tells unheard
speakers apart, `encode_voices.py` makes the voices of a corpus with it.
"""

from __future__ import annotations

import sys

from affecttts.cli.script import run_script, training_parser


def main() -> None:
    parser = training_parser(__doc__)
    arguments = parser.parse_args()
    from affecttts.training.config import load_config
    from affecttts.training.speaker.config import SpeakerTrainingConfig

    config = load_config(SpeakerTrainingConfig, arguments.config, arguments.set)
    from affecttts.training.speaker.trainer import SpeakerTrainer

    trainer = SpeakerTrainer(config, arguments.manifest, arguments.output)
    trainer.resume()
    trainer.run()


if __name__ == "__main__":
    sys.exit(run_script(main))
