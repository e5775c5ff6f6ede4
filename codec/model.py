"""The codec: audio <-> codes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from codec.config import CodecConfig
from codec.decoder import Decoder, DecoderOutput
from codec.encoder import Encoder
from codec.errors import CheckpointError
from codec.quantizer import QuantizerOutput, ResidualQuantizer
from codec.serialization import (
    CONFIG_NAME, atomic_folder, load_model_weights, load_strictly, read_json, save_model_weights, write_json,
)

MODEL_TYPE = "affectcodec"


@dataclass(frozen=True)
class EncodedAudio:
    """Codes of a batch and the length they came from."""

    codes: Tensor  # int64 [B,K,F]
    num_samples: int  # T before padding


@dataclass(frozen=True)
class CodecOutput:
    """One pass through the whole codec."""

    audio: Tensor  # [B,1,T], same length as the input
    latents: Tensor  # [B,D,F], before the quantiser
    decoded: DecoderOutput
    quantized: QuantizerOutput | None  # None where the quantiser was bypassed


class Codec(nn.Module):
    """Encoder, residual quantiser and source-filter decoder.

    `encode_latents`, `quantizer` and `decode_latents` are the seams: what modulates latents acts between the first
    two, what distils into the first quantiser reads `QuantizerOutput.stages[0]`.
    """

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = Encoder(config)
        self.quantizer = ResidualQuantizer(config)
        self.decoder = Decoder(config)

    def encode_latents(self, audio: Tensor) -> Tensor:
        """audio [B,1,T] -> latents [B,D,F], F = ceil(T / samples_per_frame); the end is padded with zeros."""
        if audio.dim() != 3 or audio.shape[1] != 1 or audio.shape[2] == 0:
            raise ValueError(f"audio must be [B,1,T] with T > 0, got {tuple(audio.shape)}")
        padding = -audio.shape[-1] % self.config.samples_per_frame
        return self.encoder(nn.functional.pad(audio, (0, padding)))

    def decode_latents(self, latents: Tensor, f0: Tensor | None = None) -> DecoderOutput:
        """latents [B,D,F] (and, in training, the true F0 [B,N] in Hz) -> DecoderOutput."""
        return self.decoder(latents, f0)

    def forward(
        self, audio: Tensor, f0: Tensor | None = None, quantize: bool = True, num_codebooks: int | None = None
    ) -> CodecOutput:
        """Args:
            audio: [B,1,T] in [-1,1].
            f0: [B,N] Hz at feature rate, 0 = unvoiced: excitation for training; None = the predicted pitch.
            quantize: False passes the latents on as they are (warm-up before the codebooks are started).
            num_codebooks: use the first ones only; None = all.
        """
        latents = self.encode_latents(audio)
        quantized = self.quantizer(latents, num_codebooks) if quantize else None
        decoded = self.decode_latents(quantized.quantized if quantized else latents.float(), f0)
        return CodecOutput(decoded.audio[..., : audio.shape[-1]], latents, decoded, quantized)

    @torch.inference_mode()
    def encode(self, audio: Tensor, num_codebooks: int | None = None) -> EncodedAudio:
        """audio [B,1,T] -> codes int64 [B,K,F]. Call on a codec in evaluation mode."""
        codes = self.quantizer(self.encode_latents(audio), num_codebooks).codes
        return EncodedAudio(codes, audio.shape[-1])

    @torch.inference_mode()
    def decode(self, codes: Tensor, num_samples: int | None = None) -> Tensor:
        """codes int64 [B,k,F] -> audio [B,1,F * samples_per_frame], cut to `num_samples` where given.

        Raises:
            ValueError: wrong shape, too many codebooks, or a code outside the codebook.
        """
        config = self.config
        if codes.dim() != 3 or not 1 <= codes.shape[1] <= config.num_codebooks or codes.shape[2] == 0:
            raise ValueError(f"codes must be [B,k,F], 1 <= k <= {config.num_codebooks}, F > 0; got {tuple(codes.shape)}")
        if int(codes.min()) < 0 or int(codes.max()) >= config.codebook_size:
            raise ValueError(f"codes must lie in 0..{config.codebook_size - 1}, got {int(codes.min())}..{int(codes.max())}")
        return self.decode_latents(self.quantizer.lookup(codes)).audio[..., :num_samples]

    def save_pretrained(self, folder: str | Path) -> None:
        """Write config.json and model.safetensors; an existing folder is replaced only once all is written.

        Floating-point weights go out in half precision, codebooks in full.
        """
        tensors = {
            name: tensor if name.startswith("quantizer.") else tensor.half()
            for name, tensor in self.state_dict().items()
        }
        with atomic_folder(folder) as temporary:
            write_json(temporary / CONFIG_NAME, {"model_type": MODEL_TYPE, **self.config.to_dict()})
            save_model_weights(temporary, tensors)

    @classmethod
    def from_pretrained(cls, folder: str | Path) -> Codec:
        """Load a codec in evaluation mode.

        Raises:
            CheckpointError: the folder is missing, incomplete, corrupt or of another model.
        """
        values = read_json(Path(folder) / CONFIG_NAME)
        if not isinstance(values, dict) or values.pop("model_type", None) != MODEL_TYPE:
            raise CheckpointError(f"{folder}: {CONFIG_NAME} is not of an {MODEL_TYPE} model; give a codec folder")
        try:
            config = CodecConfig.from_dict(values)
        except ValueError as error:
            raise CheckpointError(f"{folder}: {error}") from error
        model = cls(config)
        load_strictly(model, load_model_weights(folder), folder)
        return model.eval()
