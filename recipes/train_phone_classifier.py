"""Before the codec: a network that hears phones, for the codec's phonetic loss.

    python recipes/train_phone_classifier.py --manifest corpus/aligned.jsonl \\
        --output runs/phone_classifier
    python recipes/train_codec.py CONFIG --manifest M.jsonl \\
        --phone-classifier runs/phone_classifier/phone_classifier \\
        --output RUN

It learns from clips whose manifest has phone durations (timelines that fit the sound:
refine_offsets.py), under noise, colouring and gaps, so that it goes by what makes a phone and not
by chance detail. It never judges: see docs/codec.md.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from affecttts.cli.script import run_script, script_parser
from affecttts.data.audio_cache import AudioCache
from affecttts.data.lineage import save_lineage, training_lineage
from affecttts.errors import RequestError
from affecttts.teachers.phonology import SILENCE, phones_at, spoken_phones
from affecttts.training.schedule import learning_rate
from codec.training.phone_classifier import PhoneClassifier, PhoneClassifierConfig

CROP_FRAMES, CLIPS = 150, 16  # of a step
LEARNING_RATE = 1e-3


class Crops:
    """Crops of aligned clips with the phone of every frame, a pure function of the step."""

    def __init__(self, cache: AudioCache, split: str, hop_length: int, sample_rate: int) -> None:
        self.cache, self.hop, self.rate = cache, hop_length, sample_rate
        self.clips = [
            c for c in cache.clips if c.utterance.durations and c.utterance.split == split
        ]
        if not self.clips:
            raise RequestError(
                f"no clip of the {split} split has phone durations; give a manifest with durations"
            )

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        """audio [B,1,T] and phones int64 [B,N]."""
        generator = np.random.default_rng(step)
        rows = [
            self._crop(self.clips[int(generator.integers(len(self.clips)))], generator)
            for _ in range(CLIPS)
        ]
        return torch.from_numpy(np.stack([a for a, _ in rows]))[:, None], torch.from_numpy(
            np.stack([p for _, p in rows])
        )

    def _crop(self, clip, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        audio = self.cache.audio(clip)
        middles = (np.arange(len(audio) // self.hop) + 0.5) * self.hop / self.rate
        phones = phones_at(spoken_phones(clip.utterance), middles)
        start = int(generator.integers(0, max(1, len(phones) - CROP_FRAMES + 1)))
        audio, phones = (
            audio[start * self.hop :][: CROP_FRAMES * self.hop],
            phones[start:][:CROP_FRAMES],
        )
        missing = CROP_FRAMES - len(phones)
        return np.pad(audio, (0, missing * self.hop)), np.pad(
            phones, (0, missing), constant_values=SILENCE
        )


def disturbed(audio: Tensor, phone_classifier: PhoneClassifier) -> Tensor:
    """Features [B,n_mels,N] of audio under white noise, with a tilt of the spectrum and some bands
    and frames missing.
    """
    level = audio.square().mean(dim=-1, keepdim=True).sqrt()
    noise = 10 ** (-(10 + 40 * torch.rand(len(audio), 1, 1)) / 20)
    features = phone_classifier.features(audio + torch.randn_like(audio) * level * noise)
    places = torch.linspace(-1, 1, features.shape[1])[None, :, None]
    features = features + 0.3 * torch.randn(len(audio), 1, 1) * places
    for axis, most in ((1, 12), (2, 12)):
        size, width = features.shape[axis], int(torch.randint(1, most, ()))
        first = int(torch.randint(0, size - width, ()))
        features.narrow(axis, first, width).zero_()
    return features


def main() -> None:
    parser = script_parser(__doc__)
    parser.add_argument("--manifest", action="append", required=True)
    parser.add_argument(
        "--output",
        type=Path,
        required=True,
        help="folder of the run; the phone classifier lies in OUTPUT/phone_classifier",
    )
    parser.add_argument(
        "--cache", type=Path, help="folder of decoded audio (default: OUTPUT/cache)"
    )
    parser.add_argument("--steps", type=int, default=1200)
    parser.add_argument("--dim", type=int, default=256)
    arguments = parser.parse_args()
    for name in ("steps", "dim"):
        if getattr(arguments, name) < 1:
            raise RequestError(f"--{name} is {getattr(arguments, name)}, must be at least 1")
    torch.manual_seed(0)
    config = PhoneClassifierConfig(dim=arguments.dim, classes=SILENCE + 1)
    cache = AudioCache(
        arguments.manifest,
        arguments.cache or arguments.output / "cache",
        config.sample_rate,
        config.hop_length,
    )
    train, valid = (
        Crops(cache, split, config.hop_length, config.sample_rate) for split in ("train", "valid")
    )
    phone_classifier = PhoneClassifier(config)
    optimizer = torch.optim.AdamW(phone_classifier.parameters(), LEARNING_RATE, weight_decay=0.01)
    bar = tqdm(range(arguments.steps), desc="phone classifier")
    for step in bar:
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, LEARNING_RATE, arguments.steps // 20, arguments.steps)
        audio, phones = train.batch(step)
        loss = torch.nn.functional.cross_entropy(
            phone_classifier(disturbed(audio, phone_classifier)).logits,
            phones,
            label_smoothing=0.05,
        )
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(phone_classifier.parameters(), 1.0)
        optimizer.step()
        bar.set_postfix(loss=f"{loss.item():.3f}")
    phone_classifier.eval().save_pretrained(arguments.output / "phone_classifier")
    save_lineage(arguments.output / "phone_classifier", training_lineage(arguments.manifest, None))
    print(f"frames heard right on held-out clips: {100 * accuracy(phone_classifier, valid):.1f} %")


@torch.no_grad()
def accuracy(phone_classifier: PhoneClassifier, crops: Crops, batches: int = 10) -> float:
    """Share of frames whose phone is the likeliest."""
    pairs = [crops.batch(step) for step in range(batches)]
    right = [
        phone_classifier(phone_classifier.features(a)).logits.argmax(dim=1) == p for a, p in pairs
    ]
    return float(torch.cat(right).float().mean())


if __name__ == "__main__":
    sys.exit(run_script(main))
