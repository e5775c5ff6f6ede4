"""Between the stages: the codes of a corpus's voices, beside its code shards.

    python recipes/encode_voices.py --manifest corpus/manifest.jsonl \\
        --speaker-encoder runs/speaker_encoder/speaker_encoder --output runs/tokens

Writes OUTPUT/voices.json: for every speaker the code of the mean over some clips, which names the
voice, and codes of single clips, which `train_lm.py` draws from too. All manifests that a language
model is trained on go into one file.
"""

from __future__ import annotations

import sys
from pathlib import Path

from affecttts.cli.script import run_script, script_parser
from affecttts.errors import RequestError


def main() -> None:
    parser = script_parser(__doc__)
    parser.add_argument("--manifest", action="append", required=True)
    parser.add_argument("--speaker-encoder", type=Path, required=True, help="its folder")
    parser.add_argument("--output", type=Path, required=True, help="folder of the code shards")
    parser.add_argument(
        "--clips", type=int, default=24, help="of a speaker that are listened to (default 24)"
    )
    parser.add_argument("--device", default="cpu", help="where the encoder runs (default cpu)")
    arguments = parser.parse_args()
    if arguments.clips < 1:
        raise RequestError(f"--clips is {arguments.clips}, must be at least 1")
    from tqdm import tqdm

    from affecttts.lm.voices import NAME, VoiceCodes
    from affecttts.training.speaker.crops import Clips
    from affecttts.training.speaker.voices import speaker_codes
    from codec.files import fingerprint
    from codec.speaker import SpeakerEncoder

    encoder = SpeakerEncoder.from_pretrained(arguments.speaker_encoder).to(arguments.device)
    clips = Clips(arguments.manifest, encoder.config.sample_rate, hours=0)
    codes = speaker_codes(
        encoder, clips, arguments.clips, lambda names: tqdm(names, desc="voices", unit="speaker")
    )
    arguments.output.mkdir(parents=True, exist_ok=True)
    VoiceCodes(fingerprint(arguments.speaker_encoder), codes).save(arguments.output / NAME)
    print(f"{arguments.output / NAME}: {len(codes)} voices")


if __name__ == "__main__":
    sys.exit(run_script(main))
