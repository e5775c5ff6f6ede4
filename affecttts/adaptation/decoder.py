"""The codec's decoder tuned to one voice; encoder and codebooks stay as they are."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from affecttts.adaptation.config import AdaptationConfig
from affecttts.adaptation.prepared import Prepared
from affecttts.data.audio_cache import f0_world
from affecttts.data.codes.store import CodeStore
from affecttts.training.checkpoint import has_checkpoint, load_checkpoint, save_checkpoint
from affecttts.training.schedule import learning_rate
from codec import Codec
from codec.audio import load_audio
from codec.files import read_json, save_weights
from codec.training.losses import SpectralLosses, pitch_losses

LOSS_WEIGHTS = {"mel": 15.0, "convergence": 10.0, "f0": 10.0, "voicing": 1.0}  # as of the codec
WARMUP_STEPS = 10


class DecoderTrainer:
    """Trains a copy of the decoder on random crops of the voice, from true codes and true pitch.

    Args:
        books: codebooks that the LM generates; the decoder reads no more.
        output: folder of the checkpoint.
    """

    def __init__(
        self, config: AdaptationConfig, codec: Codec, prepared: Prepared, books: int, output: Path
    ) -> None:
        self.config, self.output, self.key = config, output, prepared.report.key
        torch.manual_seed(config.seed)
        self.codec = Codec(codec.config)
        self.codec.load_state_dict(codec.state_dict())
        self.codec.requires_grad_(False).eval()
        self.decoder = self.codec.decoder.requires_grad_(True)
        self.spectral = SpectralLosses(codec.config.sample_rate)
        rate = config.codec_learning_rate
        self.optimizer = torch.optim.AdamW(
            self.decoder.parameters(), rate, betas=(0.8, 0.99), weight_decay=0.0
        )
        store, shape = CodeStore(prepared.folder), codec.config
        self.clips = []
        for utterance in prepared.utterances("train"):
            codes = store[utterance.id][:books].astype(np.int64)
            audio = load_audio(prepared.folder / utterance.path, shape.sample_rate).samples
            audio = np.pad(audio, (0, codes.shape[1] * shape.samples_per_frame - len(audio)))
            self.clips.append((codes, audio, f0_world(audio, shape.sample_rate, shape.hop_length)))
        self.step = 0

    def _batch(self) -> tuple[Tensor, Tensor, Tensor]:
        """Codes [B,K,F], audio [B,1,T] and F0 [B,N] of one step: a function of the step alone."""
        shape, generator = self.codec.config, np.random.default_rng((self.config.seed, self.step))
        frames = round(self.config.codec_crop_seconds * shape.frame_rate)
        lengths = np.array([codes.shape[1] for codes, _, _ in self.clips])
        rows = []
        for index in generator.choice(
            len(self.clips), self.config.codec_batch_size, p=lengths / lengths.sum()
        ):
            codes, audio, f0 = self.clips[index]
            start = int(generator.integers(max(1, codes.shape[1] - frames + 1)))
            cut = codes[:, start : start + frames]
            missing = frames - cut.shape[1]
            unit, stride = shape.samples_per_frame, shape.frame_stride
            rows.append(
                (
                    np.pad(cut, ((0, 0), (0, missing)), mode="edge"),
                    np.pad(audio[start * unit : (start + frames) * unit], (0, missing * unit)),
                    np.pad(f0[start * stride : (start + frames) * stride], (0, missing * stride)),
                )
            )
        codes, audio, f0 = (torch.from_numpy(np.stack(part)) for part in zip(*rows))
        return codes, audio[:, None].float(), f0

    def train_step(self) -> float:
        """One update; returns the mel loss."""
        codes, audio, f0 = self._batch()
        decoded = self.codec.decode_latents(self.codec.quantizer.lookup(codes), f0)
        losses = {**self.spectral(decoded.audio, audio), **pitch_losses(decoded, f0)}
        sum(LOSS_WEIGHTS[name] * loss for name, loss in losses.items()).backward()
        torch.nn.utils.clip_grad_norm_(self.decoder.parameters(), self.config.gradient_clip)
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(
                self.step, self.config.codec_learning_rate, WARMUP_STEPS, self.config.codec_steps
            )
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return losses["mel"].item()

    def run(self, show_progress: bool = True) -> None:
        """Train to the end, from the checkpoint of the same data and settings if there is one."""
        from tqdm import tqdm

        folder = self.output / "decoder_checkpoint"
        origin = {"data": self.key, "config": asdict(self.config)}
        modules, optimizers = {"decoder": self.decoder}, {"decoder": self.optimizer}
        if has_checkpoint(folder) and read_json(folder / "state.json")["state"]["origin"] == origin:
            self.step = load_checkpoint(folder, modules, optimizers)["step"]
        total = self.config.codec_steps
        bar = tqdm(
            initial=self.step, total=total, desc="decoder", unit="step", disable=not show_progress
        )
        while self.step < total:
            bar.set_postfix(mel=f"{self.train_step():.3f}")
            self.step += 1
            bar.update()
            if self.step % self.config.checkpoint_every == 0 or self.step == total:
                save_checkpoint(folder, modules, optimizers, {"step": self.step, "origin": origin})
        bar.close()

    def save(self, path: Path) -> None:
        """Write the decoder in half precision, as the codec's own."""
        save_weights(
            path, {name: tensor.half() for name, tensor in self.decoder.state_dict().items()}
        )
