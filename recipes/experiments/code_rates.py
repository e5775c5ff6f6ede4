"""How many frames of how many codes say most at a number of bits: residual k-means of what an
analysis says of recordings, without any network.

    python recipes/experiments/code_rates.py --manifest emotive/manifest.jsonl --cache CACHE \\
        --codes 2x2x2048 --codes 4x4x2048 --codes 8x8x2048

FRAMESxBOOKSxSIZE: 10-ms frames that share their codes, how many codes, of how many values. The
codebooks are fitted to clips of the train split; the others are copied by the vocoder from their
codes alone.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from affecttts.data.audio_cache import AudioCache, CachedClip
from affecttts.data.splits import evenly
from affecttts.data.vocoder_cache import VocoderCache
from affecttts.evaluation.judges.naturalness import NaturalnessJudge
from affecttts.evaluation.report.terminal import print_table, progress, write_numbers
from affecttts.evaluation.stats.bootstrap import interval
from codec.config import CodecConfig
from codec.nn.packing import Packing
from codec.nn.vocoder import Vocoder, VocoderParameters
from codec.quantize.residual import ResidualQuantizer
from codec.training.vocoder_loss import VocoderLosses

CONFIG = CodecConfig.preset("small_vocoder")
ITERATIONS, BEAM = 10, 16
SHORTEST, LONGEST = 1.5, 5.0  # s, of clips that are copied


@dataclass(frozen=True)
class Plan:
    """Frames that share their codes, codes, and values of a code."""

    frames: int
    books: int
    size: int

    @classmethod
    def read(cls, text: str) -> Plan:
        """ "4x4x2048" -> a plan.

        Raises:
            ArgumentTypeError: another form.
        """
        parts = text.split("x")
        if len(parts) != 3 or not all(part.isdigit() and int(part) for part in parts):
            raise argparse.ArgumentTypeError(f"{text!r}: write FRAMESxBOOKSxSIZE, such as 4x4x2048")
        return cls(*map(int, parts))

    @property
    def bits_per_second(self) -> float:
        """Of the codes."""
        frames = CONFIG.sample_rate / CONFIG.hop_length / self.frames
        return frames * self.books * float(np.log2(self.size))


class Analyses:
    """What an analysis says of the clips of a cache, packed."""

    def __init__(self, manifests: list[str], folder: Path) -> None:
        self.cache = AudioCache(manifests, folder, CONFIG.sample_rate, CONFIG.hop_length)
        self.vocoder = VocoderCache(self.cache, folder, CONFIG.envelope_coefficients)
        self.speak = Vocoder(CONFIG)
        self.packing = Packing(CONFIG.envelope_coefficients, self.speak.bands)
        self.losses = VocoderLosses(CONFIG)

    def packed(self, clip: CachedClip, frames: int) -> tuple[Tensor, Tensor]:
        """[F, frames * values] of a clip, and how much each counts [F]."""
        parameters = torch.from_numpy(self.vocoder.parameters(clip))[None]
        f0 = torch.from_numpy(self.cache.f0(clip))[None]
        whole = f0.shape[1] // frames * frames
        packed = self.packing.pack(parameters[:, :whole], f0[:, :whole])[0]
        weight = self.losses.weight(parameters[:, :whole, : CONFIG.envelope_coefficients])[0]
        return packed.unflatten(0, (-1, frames)).flatten(1), weight.unflatten(0, (-1, frames)).mean(
            1
        )

    def spoken(self, packed: Tensor, frames: int) -> np.ndarray:
        """The vocoder's audio [T] of packed frames."""
        values = self.packing.unpack(packed.unflatten(1, (frames, -1)).flatten(0, 1)[None])
        f0 = torch.where(values.voicing > 0, values.log_f0.exp(), 0.0)
        told = VocoderParameters(f0, values.envelope, values.aperiodicity)
        return self.speak(told)[0].numpy()


class LinearCodes:
    """Residual k-means of the principal components of packed frames."""

    def __init__(self, plan: Plan, points: Tensor, components: int) -> None:
        self.plan, self.mean = plan, points.mean(0)
        centred = points - self.mean
        self.main = torch.linalg.eigh(centred.T @ centred).eigenvectors.flip(1)[:, :components]
        config = CodecConfig(
            latent_dim=self.main.shape[1], num_codebooks=plan.books, codebook_size=plan.size
        )
        self.quantizer = ResidualQuantizer(config).eval()
        self.quantizer.initialise(
            (centred @ self.main).T[None],
            torch.Generator().manual_seed(0),
            progress=lambda books: progress(list(books), f"k-means of {plan}"),
            iterations=ITERATIONS,
        )

    def __call__(self, packed: Tensor) -> Tensor:
        """Packed frames as their codes say them."""
        latents = ((packed - self.mean) @ self.main).T[None]
        codes = self.quantizer.search(latents, self.plan.books, BEAM)
        return self.quantizer.lookup(codes)[0].T @ self.main.T + self.mean


def fitted(plan: Plan, analyses: Analyses, points: int, components: int) -> LinearCodes:
    """Codes fitted to at most so many frames of the train split, drawn by how loud they are."""
    clips = [clip for clip in analyses.cache.clips if clip.utterance.split == "train"]
    packed, weight = zip(*(analyses.packed(clip, plan.frames) for clip in clips))
    joined, weights = torch.cat(packed), torch.cat(weight)
    generator = torch.Generator().manual_seed(0)
    drawn = torch.multinomial(weights, min(points, len(joined)), generator=generator)
    return LinearCodes(plan, joined[drawn], components)


def measured(plan: Plan, analyses: Analyses, clips: list[CachedClip], options, judge) -> dict:
    """Errors and naturalness of copies from codes alone."""
    codes = fitted(plan, analyses, options.points, options.components)
    errors, natural = [], []
    for clip in progress(clips, f"copies by {plan}"):
        packed, _ = analyses.packed(clip, plan.frames)
        copy = codes(packed)
        errors.append(float((copy - packed).square().sum(1).mean()) / plan.frames)
        natural.append(judge(analyses.spoken(copy, plan.frames), CONFIG.sample_rate))
    return {
        "bits_per_second": plan.bits_per_second,
        "error": interval(errors),
        "natural": interval(natural),
    }


def parse() -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--manifest", action="append", required=True, metavar="M")
    parser.add_argument("--cache", type=Path, required=True, help="of train_codec.py, or to fill")
    parser.add_argument("--codes", type=Plan.read, action="append", required=True, metavar="FxBxS")
    parser.add_argument("--points", type=int, default=120_000, help="that codebooks are fitted to")
    parser.add_argument("--components", type=int, default=200, help="principal ones that are coded")
    parser.add_argument("--limit", type=int, default=16, metavar="N", help="number of clips")
    parser.add_argument("--output", type=Path, metavar="OUT", help="also write the numbers here")
    return parser.parse_args()


def main() -> None:
    """Run the experiment."""
    options = parse()
    analyses, judge = Analyses(options.manifest, options.cache), NaturalnessJudge()
    held = [
        clip
        for clip in analyses.cache.clips
        if clip.utterance.split != "train" and SHORTEST < clip.utterance.seconds < LONGEST
    ]
    clips = evenly(held, options.limit)
    numbers = {
        f"{plan.frames}x{plan.books}x{plan.size}": measured(plan, analyses, clips, options, judge)
        for plan in options.codes
    }
    print_table(
        f"Copies of {len(clips)} held-out clips from codes alone",
        ["codes", "bits/s", "squared error of 10 ms [95 %]", f"{judge.name} [95 %]"],
        [
            [name, f"{row['bits_per_second']:.0f}", row["error"], row["natural"]]
            for name, row in numbers.items()
        ],
    )
    write_numbers(options.output, numbers)


if __name__ == "__main__":
    main()
