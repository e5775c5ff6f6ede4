"""The codec: audio <-> codes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from codec.config import CodecConfig
from codec.detail import DetailLayer
from codec.files import load_model_weights, load_strictly
from codec.modulation import Modulator, TeacherFeatures
from codec.nn.decoder import DecoderOutput, SourceFilterDecoder
from codec.nn.encoder import Encoder
from codec.nn.pitch import f0_torch
from codec.nn.prosody import PROSODY_DIM, ProsodyFeatures
from codec.parts import part
from codec.pretrained import Pretrained
from codec.quantize.base import QuantizerOutput
from codec.quantize.residual import ResidualQuantizer
from codec.student import Student

CODEBOOKS = "quantizer."  # of the base layer, in the names of tensors
ADDABLE = ("modulator", "student")  # parts that a trained codec can be given later
LOSABLE = (*ADDABLE, "detail")  # and that can be taken from it


@dataclass(frozen=True)
class EncodedAudio:
    """Codes of a batch and the length they came from."""

    codes: Tensor  # int64 [B,K,F]
    num_samples: int  # T before padding


@dataclass(frozen=True)
class ModulatedLatents:
    """Latents after module 1."""

    latents: Tensor  # [B,D,F]
    predicted: TeacherFeatures | None = None  # what the student said; None without a student
    # scalar: squared difference to the latents that the teachers alone would have made
    consistency: Tensor | None = None


@dataclass(frozen=True)
class CodecOutput:
    """One pass through the base layer."""

    audio: Tensor  # [B,1,T], same length as the input
    latents: Tensor  # [B,D,F], before the quantiser
    decoded: DecoderOutput
    quantized: QuantizerOutput | None  # None where the quantiser was bypassed
    predicted: TeacherFeatures | None = None  # see ModulatedLatents
    consistency: Tensor | None = None


class Codec(Pretrained):
    """Encoder, latent modulation, quantiser and decoder, `config` names each part; on top there may
    be a detail layer.

    `encode_latents`, `modulate`, `quantizer` and `decode_latents` are the seams; what distils into
    the first quantiser reads `QuantizerOutput.stages[0]`.
    """

    model_type, config_class = "affectcodec", CodecConfig

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = part("encoder", config.encoder, Encoder)(config)
        self.quantizer = part("quantizer", config.quantizer, ResidualQuantizer)(config)
        self.decoder = part("decoder", config.decoder, SourceFilterDecoder)(config)
        self.modulator = Modulator(config) if config.modulation != "none" else None
        self.student = Student(config) if config.student_dim else None
        self.detail = DetailLayer(config) if config.detail_codebooks else None
        self.prosody = ProsodyFeatures(config) if "prosody" in self.modes else None

    @property
    def modes(self) -> tuple[str, ...]:
        """How this codec can encode, the usual way first.

        student: its own predictor stands in for the teachers; off: no modulation; teacher: with
        features that the caller has from the teachers; prosody: emotion from signal processing, no
        semantics; self: a modulation that needs nobody.
        """
        config = self.config
        if config.modulation in ("none", "self"):
            return ("off",) if config.modulation == "none" else ("self", "off")
        prosody = (
            ("prosody",)
            if config.emotion_teacher == "prosody" and config.emotion_dim == PROSODY_DIM
            else ()
        )
        return (("student",) if config.student_dim else ()) + ("off", "teacher") + prosody

    def encode_latents(self, audio: Tensor) -> Tensor:
        """audio [B,1,T] -> latents [B,D,F] before modulation, F = ceil(T / samples_per_frame);
        zeros pad the end.
        """
        return self.encoder(self._whole_frames(audio))

    def hidden(self, audio: Tensor) -> Tensor:
        """audio [B,1,T] -> hidden frames [B, config.hidden_dim, F] of the encoder, which the
        student reads.
        """
        return self.encoder.hidden(self._whole_frames(audio))

    def _whole_frames(self, audio: Tensor) -> Tensor:
        if audio.dim() != 3 or audio.shape[1] != 1 or audio.shape[2] == 0:
            raise ValueError(f"audio must be [B,1,T] with T > 0, got {tuple(audio.shape)}")
        return nn.functional.pad(audio, (0, -audio.shape[-1] % self.config.samples_per_frame))

    def modulate(
        self,
        latents: Tensor,
        hidden: Tensor,
        teacher_features: TeacherFeatures | None = None,
        student_share: float = 0.0,
    ) -> ModulatedLatents:
        """Module 1; in training its gates are drawn per sequence.

        Args:
            latents: [B,D,F].
            hidden: [B, config.hidden_dim, F] of the encoder, what the student reads; no gradient
                reaches it.
            teacher_features: what the teachers say, the student filling the gaps; None = the
                student alone, or nothing.
            student_share: share of sequences that get the student's features all the same.
        """
        if self.modulator is None:
            return ModulatedLatents(latents)
        predicted = self.student(hidden.detach()) if self.student is not None else None
        gates = (
            self.modulator.draw_gates(len(latents), latents.device)
            if self.modulator.training
            else None
        )
        if self.config.modulation == "self":
            teacher_features = TeacherFeatures.everywhere(*2 * (latents.transpose(1, 2),))
        if teacher_features is None:
            return ModulatedLatents(
                latents if predicted is None else self.modulator(latents, predicted, gates),
                predicted,
            )
        taught = teacher_features if predicted is None else teacher_features.filled(predicted)
        if predicted is None or not student_share:
            return ModulatedLatents(self.modulator(latents, taught, gates), predicted)
        chosen = torch.rand(len(latents), device=latents.device) < student_share
        modulated = self.modulator(latents, taught.swapped(predicted, chosen), gates)
        with torch.no_grad():
            target = self.modulator(latents, taught, gates) - latents
        # The difference of what was added: the latents themselves take no gradient from it.
        return ModulatedLatents(
            modulated, predicted, (modulated - latents - target).float().square().mean()
        )

    def decode_latents(self, latents: Tensor, f0: Tensor | None = None) -> DecoderOutput:
        """latents [B,D,F] (and, in training, the true F0 [B,N] in Hz) -> DecoderOutput."""
        return self.decoder(latents, f0)

    def forward(
        self,
        audio: Tensor,
        f0: Tensor | None = None,
        quantize: bool = True,
        num_codebooks: int | None = None,
        teacher_features: TeacherFeatures | None = None,
        student_share: float = 0.0,
        codes: Tensor | None = None,
        mask: Tensor | None = None,
    ) -> CodecOutput:
        """The base layer, which learns; a detail layer has no part in it.

        Args:
            audio: [B,1,T] in [-1,1].
            f0: [B,N] Hz at feature rate, 0 = unvoiced: excitation for training; None = the
                predicted pitch.
            quantize: False passes the latents on as they are (warm-up before the codebooks are
                started).
            num_codebooks: use the first ones only; None = all.
            teacher_features, student_share: see `modulate`.
            codes: int64 [B,k,F] to decode in place of the audio's own, to train a decoder; rows of
                -1 keep their own.
            mask: bool [B,F], frames that hold audio and not padding: the codebooks learn from no
                others. None = all.
        """
        padded = self._whole_frames(audio)
        hidden = self.encoder.hidden(padded)
        modulated = self.modulate(
            self.encoder.latents(hidden), hidden, teacher_features, student_share
        )
        quantized = self.quantizer(modulated.latents, num_codebooks, mask) if quantize else None
        heard = quantized.quantized if quantized else modulated.latents.float()
        if codes is not None:
            given = self.quantizer.lookup(codes[:, :num_codebooks].clamp_min(0))
            heard = torch.where((codes[:, 0, 0] >= 0)[:, None, None], given, heard)
        decoded = self.decode_latents(heard, f0)
        audio = decoded.audio[..., : audio.shape[-1]]
        return CodecOutput(
            audio, modulated.latents, decoded, quantized, modulated.predicted, modulated.consistency
        )

    @torch.inference_mode()
    def encode(
        self,
        audio: Tensor,
        num_codebooks: int | None = None,
        mode: str | None = None,
        teacher_features: TeacherFeatures | None = None,
    ) -> EncodedAudio:
        """audio [B,1,T] -> codes int64 [B,K,F]. Call on a codec in evaluation mode.

        Args:
            num_codebooks: use the first ones only; None = all.
            mode: one of `modes`; None = the first of them.
            teacher_features: the teachers' features of these frames, for mode "teacher".

        Raises:
            ValueError: a mode that this codec does not have, or teacher_features that does not fit.
        """
        mode = mode or self.modes[0]
        if mode not in self.modes:
            raise ValueError(f"mode is {mode!r}; this codec encodes in the modes {self.modes}")
        if (teacher_features is not None) != (mode == "teacher"):
            raise ValueError(
                f"mode {mode!r} {'needs' if mode == 'teacher' else 'takes no'} "
                "teacher_features from teachers"
            )
        padded = self._whole_frames(audio)
        hidden = self.encoder.hidden(padded)
        latents = self.encoder.latents(hidden)
        if mode == "prosody":
            latents = self.modulator(
                latents,
                self._prosodic(padded),
                latents.new_tensor([[1.0, 0.0]]).expand(len(latents), 2),
            )
        elif mode != "off":
            self._check_teacher_features(teacher_features, latents)
            latents = self.modulate(latents, hidden, teacher_features).latents
        wanted, base = num_codebooks or self.config.all_codebooks, self.config.num_codebooks
        codes = self.quantizer(latents, min(wanted, base)).codes
        if wanted > base:
            copy = self.decode_latents(self.quantizer.lookup(codes)).audio
            codes = torch.cat([codes, self.detail.encode(padded, copy, wanted - base)], dim=1)
        return EncodedAudio(codes, audio.shape[-1])

    def _check_teacher_features(
        self, teacher_features: TeacherFeatures | None, latents: Tensor
    ) -> None:
        config = self.config
        if teacher_features is None:
            return
        given = tuple(teacher_features.emotion.shape), tuple(teacher_features.semantic.shape)
        batch, _, frames = latents.shape
        wanted = (batch, frames, config.emotion_dim), (batch, frames, config.semantic_dim)
        if given != wanted:
            raise ValueError(
                f"teacher_features has the shapes {given}, but these frames of a codec taught by "
                f"{config.emotion_teacher} and "
                f"{config.semantic_teacher} need {wanted}"
            )

    def _prosodic(self, audio: Tensor) -> TeacherFeatures:
        config = self.config
        f0 = f0_torch(audio, config.sample_rate, config.hop_length, config.f0_min, config.f0_max)
        voiced = torch.where(f0 > 0, f0, torch.full_like(f0, torch.nan))
        emotion = self.prosody(audio, f0, voiced.nanmedian(dim=1).values.nan_to_num(150.0))
        return TeacherFeatures.everywhere(
            emotion, emotion.new_zeros(*emotion.shape[:2], config.semantic_dim)
        )

    @torch.inference_mode()
    def decode(self, codes: Tensor, num_samples: int | None = None) -> Tensor:
        """codes int64 [B,k,F] -> audio [B,1,F * samples_per_frame], cut to `num_samples` where
        given.

        Raises:
            ValueError: wrong shape, too many codebooks, or a code outside the codebook.
        """
        config = self.config
        if (
            codes.dim() != 3
            or not 1 <= codes.shape[1] <= config.all_codebooks
            or codes.shape[2] == 0
        ):
            raise ValueError(
                f"codes must be [B,k,F], 1 <= k <= {config.all_codebooks}, F > 0; "
                f"got {tuple(codes.shape)}"
            )
        if int(codes.min()) < 0 or int(codes.max()) >= config.codebook_size:
            raise ValueError(
                f"codes must lie in 0..{config.codebook_size - 1}, got "
                f"{int(codes.min())}..{int(codes.max())}"
            )
        base = config.num_codebooks
        audio = self.decode_latents(self.quantizer.lookup(codes[:, :base])).audio
        return (self.detail(audio, codes[:, base:]) if codes.shape[1] > base else audio)[
            ..., :num_samples
        ]

    def give_detail(self, codebooks: int, **shape: float) -> None:
        """A fresh detail layer, which recipes/fit_detail.py fits, in place of the one that there
        may be.

        Args:
            shape: `bands`, `n_fft`, `high_weight`: the fields `detail_..` of the config.
        """
        shape = {f"detail_{name}": value for name, value in shape.items()}
        self.config = self.config.changed(detail_codebooks=codebooks, **shape)
        self.detail = (
            DetailLayer(self.config).to(next(self.parameters()).device).train(self.training)
        )

    def stored_tensors(self) -> dict[str, Tensor]:
        """Floating-point weights go out in half precision, the codebooks of the base layer in
        full.
        """
        return {
            name: tensor if name.startswith(CODEBOOKS) else tensor.half()
            for name, tensor in self.state_dict().items()
        }

    @classmethod
    def extended(cls, folder: str | Path, config: CodecConfig) -> Codec:
        """A saved codec in another shape: parts that it does not have (modulation, student) start
        fresh, and it loses those that `config` does not have (these and the detail layer).

        A fresh modulation changes nothing, so the codec goes on where it stopped.

        Raises:
            CheckpointError: as `from_pretrained`, or a part that it has does not fit `config`.
        """
        model, tensors = cls(config), load_model_weights(folder)
        own = model.state_dict()
        has, had = ({_part(name) for name in names} for names in (own, tensors))
        fresh = {name: value for name, value in own.items() if _part(name) in set(ADDABLE) - had}
        kept = {
            name: value for name, value in tensors.items() if _part(name) not in set(LOSABLE) - has
        }
        load_strictly(model, fresh | kept, folder)
        return model


def _part(name: str) -> str:
    """The part of the codec that a tensor belongs to."""
    return name.partition(".")[0]
