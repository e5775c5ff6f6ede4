"""Before the stages: make a manifest's phone timelines fit its audio.

    python recipes/refine_offsets.py --manifest corpus/manifest.jsonl --output corpus/aligned.jsonl

A synthesiser's own clock is often a constant behind the sound, and a timeline cut at a guessed
onset is off by another amount per clip. First the clock: the one shift of all stored timelines
under which single log-mel frames tell phones best. Then the rest: a classifier learns phones from
those clips and moves every timeline marked `offset_estimated` to where its phones are likeliest.
Only offsets change; paths are rewritten to be relative to the new manifest.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import nn
from tqdm import tqdm

from affecttts.cli.script import run_script, script_parser
from affecttts.data.manifest import Utterance, moved, read_manifest, write_manifest
from affecttts.errors import RequestError
from affecttts.teachers.phonology import SILENCE, phones_at, spoken_phones
from affecttts.training.schedule import learning_rate
from codec import CodecConfig
from codec.audio import load_audio
from codec.nn.features import EncoderFeatures

CONTEXT = 3  # feature frames to either side that the classifier sees
CHUNK_FRAMES = 4096  # a step of its training
LEARNING_RATE = 2e-3
MOST_CLOCK_CLIPS = 800


@dataclass
class Clip:
    """One utterance with its features at 100 Hz."""

    utterance: Utterance
    features: torch.Tensor  # float16 [N, mels]
    # int [N + 2 * reach], row of the phone table on the timeline as given, from `-reach` on
    phones: np.ndarray
    shift: int  # feature frames that the sound is ahead of the timeline

    def labels(self, shift: int, reach: int) -> np.ndarray:
        """Phones [N] under a shift."""
        return self.phones[reach + shift : reach + shift + len(self.features)]


def read_clip(utterance: Utterance, path: Path, extract: EncoderFeatures, reach: int) -> Clip:
    """Decode one clip and lay out its phones with room to move."""
    config = extract.config
    audio = load_audio(path, config.sample_rate).samples
    audio = np.pad(audio, (0, -len(audio) % config.samples_per_frame))
    mel = extract(torch.from_numpy(audio)[None, None])[0, : config.n_mels].T
    rate = config.sample_rate / config.hop_length
    phones = phones_at(spoken_phones(utterance), (np.arange(-reach, len(mel) + reach) + 0.5) / rate)
    return Clip(utterance, (mel - mel.mean(dim=0)).half(), phones, 0)


class FrameClassifier(nn.Module):
    """Log-mel frames [N,mels] -> log-probabilities of phones [N,P]."""

    def __init__(self, mels: int, hidden: int = 256) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv1d(mels, hidden, 2 * CONTEXT + 1, padding=CONTEXT),
            nn.GELU(),
            nn.Conv1d(hidden, hidden, 1),
            nn.GELU(),
            nn.Conv1d(hidden, SILENCE + 1, 1),
        )

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return self.layers(features.float().T[None])[0].T.log_softmax(dim=-1)


def find_clock(clips: list[Clip], reach: int) -> int:
    """The shift under which a least-squares classifier of single frames, no context, is most often
    right on unseen clips.
    """
    clips = clips[:: max(1, len(clips) // MOST_CLOCK_CLIPS)]
    features = [clip.features.float().numpy() for clip in clips]
    frames = np.concatenate(features)
    frames = np.concatenate([frames, frames**2, np.ones((len(frames), 1))], axis=1)
    seen = sum(map(len, features[: len(features) // 2]))
    gram = np.linalg.inv(frames[:seen].T @ frames[:seen] + 10 * np.eye(frames.shape[1]))

    def accuracy(shift: int) -> float:
        phones = np.concatenate([clip.labels(shift, reach) for clip in clips])
        weights = gram @ (frames[:seen].T @ np.eye(SILENCE + 1)[phones[:seen]])
        return float(((frames[seen:] @ weights).argmax(axis=1) == phones[seen:]).mean())

    return max(tqdm(range(-reach, reach + 1), desc="clock"), key=accuracy)


def train(model: FrameClassifier, clips: list[Clip], reach: int, steps: int) -> None:
    """Fit to the clips under their present shifts."""
    optimizer, generator = (
        torch.optim.AdamW(model.parameters(), LEARNING_RATE),
        np.random.default_rng(0),
    )
    for step in tqdm(range(steps), desc="classifier"):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, LEARNING_RATE, 10, steps)
        chosen, frames = [], 0
        while frames < CHUNK_FRAMES:
            chosen.append(clips[int(generator.integers(len(clips)))])
            frames += len(chosen[-1].features)
        labels = torch.from_numpy(
            np.concatenate([clip.labels(clip.shift, reach) for clip in chosen])
        )
        loss = nn.functional.nll_loss(model(torch.cat([clip.features for clip in chosen])), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


@torch.no_grad()
def move(model: FrameClassifier, clips: list[Clip], reach: int) -> None:
    """Set every clip's shift to the likeliest one."""
    for clip in tqdm(clips, desc="shifts"):
        scores, rows = model(clip.features).numpy(), np.arange(len(clip.features))
        totals = [
            scores[rows, clip.labels(shift, reach)].sum() for shift in range(-reach, reach + 1)
        ]
        clip.shift = int(np.argmax(totals)) - reach


def main() -> None:
    parser = script_parser(__doc__)
    parser.add_argument("--manifest", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True, help="new manifest")
    parser.add_argument(
        "--reach", type=float, default=0.25, help="largest shift in seconds (default 0.25)"
    )
    parser.add_argument("--steps", type=int, default=300, help="of the classifier")
    arguments = parser.parse_args()
    if arguments.output.exists():
        raise RequestError(f"{arguments.output} exists; give another name or remove it")
    arguments.output.parent.mkdir(parents=True, exist_ok=True)  # now, before the work
    extract = EncoderFeatures(CodecConfig())
    rate = extract.config.sample_rate / extract.config.hop_length
    reach = round(arguments.reach * rate)
    rows = list(read_manifest(arguments.manifest))
    timed = [u for u in rows if u.durations]
    if not timed:
        raise RequestError(f"{arguments.manifest}: no row has durations, so there is no timeline")
    folder = arguments.manifest.parent
    clips = [read_clip(u, folder / u.path, extract, reach) for u in tqdm(timed, desc="features")]
    stored = [clip for clip in clips if not clip.utterance.offset_estimated] or clips
    clock = find_clock(stored, reach)
    for clip in clips:
        clip.shift = clock
    guessed = [clip for clip in clips if clip.utterance.offset_estimated]
    if guessed and stored is not clips:
        torch.manual_seed(0)
        model = FrameClassifier(extract.config.n_mels)
        train(model, stored, reach, arguments.steps)
        move(model, guessed, reach)
    report(clock, guessed, rate)
    offsets = {clip.utterance.id: clip.utterance.offset + clip.shift / rate for clip in clips}
    shifted = (replace(u, offset=round(offsets.get(u.id, u.offset), 4)) for u in rows)
    write_manifest(
        arguments.output, (moved(u, arguments.manifest, arguments.output) for u in shifted)
    )


def report(clock: int, guessed: list[Clip], rate: float) -> None:
    """What was found."""
    print(f"clock: the sound is {1000 * clock / rate:.0f} ms ahead of the timelines")
    if guessed:
        low, middle, high = np.percentile(
            [1000 * clip.shift / rate for clip in guessed], (10, 50, 90)
        )
        print(
            f"estimated offsets ({len(guessed)} clips): ahead by {middle:.0f} ms (80 % of them "
            f"{low:.0f} to {high:.0f})"
        )


if __name__ == "__main__":
    sys.exit(run_script(main))
