"""The codec: audio <-> codes."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from codec.checks import check_audio, check_codes, check_count
from codec.config import CodecConfig
from codec.detail import DetailLayer
from codec.files import load_model_weights, load_strictly
from codec.modulation import Modulator, TeacherFeatures, encoding_modes
from codec.nn.decoder import DecoderOutput, ParametricDecoder
from codec.nn.encoder import Encoder
from codec.nn.prosody import ProsodyFeatures
from codec.outputs import CodecOutput, EncodedAudio, ModulatedLatents
from codec.parts import extended_tensors, part
from codec.pretrained import Pretrained
from codec.quantize.residual import ResidualQuantizer
from codec.student import Student

CODEBOOKS = "quantizer."  # of the base layer, in the names of tensors


class Codec(Pretrained):
    """AffectCodec (arXiv 2605.11098): encoder, latent modulation, quantiser and decoder, on top of
    which there may be a detail layer. `config` names each part.

    `encode_latents`, `modulate`, `quantizer` and `decode_latents` are the seams; what distils into
    the first quantiser reads `QuantizerOutput.stages[0]`.
    """

    model_type, config_class = "affectcodec", CodecConfig
    config: CodecConfig

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        if not isinstance(config, CodecConfig):
            raise ValueError(f"config is of the type {type(config).__name__}, must be CodecConfig")
        self.config = config
        self.encoder = part("encoder", config.encoder, Encoder)(config)
        self.quantizer = part("quantizer", config.quantizer, ResidualQuantizer)(config)
        self.decoder = part("decoder", config.decoder, ParametricDecoder)(config)
        self.modulator = Modulator(config) if config.modulation != "none" else None
        self.student = Student(config) if config.student_dim else None
        self.detail = DetailLayer(config) if config.detail_codebooks else None
        self.prosody = ProsodyFeatures(config) if "prosody" in self.modes else None

    @property
    def modes(self) -> tuple[str, ...]:
        """How this codec can encode, the default first; see `encoding_modes`."""
        return encoding_modes(self.config)

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
        check_audio(audio)
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
            teacher_features: of the same frames; the student fills the gaps. None = the student's
                alone, or no modulation where there is no student.
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
        """latents [B,D,F] (and, in training, the true F0 [B,N] in Hz) -> audio [B,1,T] and more."""
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
        latents: Tensor | None = None,
    ) -> CodecOutput:
        """The base layer, which is trained; a detail layer takes no part.

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
            latents: [B,D,F] in place of the audio's own; the encoder is not asked.
        """
        if latents is None:
            hidden = self.encoder.hidden(self._whole_frames(audio))
            modulated = self.modulate(
                self.encoder.latents(hidden), hidden, teacher_features, student_share
            )
        else:
            modulated = ModulatedLatents(latents)
        quantized = self.quantizer(modulated.latents, num_codebooks, mask) if quantize else None
        decoded_from = quantized.quantized if quantized else modulated.latents.float()
        if codes is not None:
            given = self.quantizer.lookup(codes[:, :num_codebooks].clamp_min(0))
            own = (codes[:, 0, 0] < 0)[:, None, None]
            decoded_from = torch.where(own, decoded_from, given)
        decoded = self.decode_latents(decoded_from, f0)
        return CodecOutput(
            audio.shape[-1],
            modulated.latents,
            decoded,
            quantized,
            modulated.predicted,
            modulated.consistency,
        )

    @torch.inference_mode()
    def encode(
        self,
        audio: Tensor,
        num_codebooks: int | None = None,
        mode: str | None = None,
        teacher_features: TeacherFeatures | None = None,
    ) -> EncodedAudio:
        """audio [B,1,T] in [-1,1] -> codes int64 [B,K,F]. Call on a codec in evaluation mode.

        Args:
            num_codebooks: use the first ones only; None = all.
            mode: one of `modes`; None = the first of them.
            teacher_features: the teachers' features of these frames, for mode "teacher".

        Raises:
            ValueError: audio of another shape, more codebooks than there are, a mode that this
                codec does not have, or teacher_features that do not fit.
        """
        mode = self.modes[0] if mode is None else mode
        if mode not in self.modes:
            raise ValueError(f"mode is {mode!r}; this codec encodes in the modes {self.modes}")
        if (teacher_features is not None) != (mode == "teacher"):
            raise ValueError(
                f"mode {mode!r} {'needs' if mode == 'teacher' else 'takes no'} "
                "teacher_features from teachers"
            )
        wanted, base = self.config.all_codebooks, self.config.num_codebooks
        if num_codebooks is not None:
            check_count("num_codebooks", num_codebooks, wanted)
            wanted = num_codebooks
        padded = self._whole_frames(audio).to(next(self.parameters()).dtype)
        if not bool(padded.isfinite().all()):
            raise ValueError("audio holds NaN or infinite samples")
        hidden = self.encoder.hidden(padded)
        latents = self.encoder.latents(hidden)
        if teacher_features is not None:
            if not isinstance(teacher_features, TeacherFeatures):
                raise ValueError(f"teacher_features are of the type {type(teacher_features)}")
            teacher_features.check_fits(self.config, len(latents), latents.shape[-1])
        if mode == "prosody":
            latents = self._modulated_by_prosody(latents, padded)
        elif mode != "off":
            latents = self.modulate(latents, hidden, teacher_features).latents
        codes = self.quantizer(latents, min(wanted, base)).codes
        if self.detail is not None and wanted > base:
            copy = self.decode_latents(self.quantizer.lookup(codes)).audio
            codes = torch.cat([codes, self.detail.encode(padded, copy, wanted - base)], dim=1)
        return EncodedAudio(codes, audio.shape[-1])

    def _modulated_by_prosody(self, latents: Tensor, audio: Tensor) -> Tensor:
        """latents [B,D,F] and their audio [B,1,T] -> [B,D,F], the semantic gate shut."""
        assert self.prosody is not None and self.modulator is not None  # else it is no mode
        emotion = self.prosody.of_audio(audio)
        semantic = emotion.new_zeros(*emotion.shape[:2], self.config.semantic_dim)
        gates = latents.new_tensor([[1.0, 0.0]]).expand(len(latents), 2)
        return self.modulator(latents, TeacherFeatures.everywhere(emotion, semantic), gates)

    @torch.inference_mode()
    def decode(self, codes: Tensor, num_samples: int | None = None) -> Tensor:
        """codes int64 [B,k,F] -> audio [B,1,T] in about [-1,1], T = F * samples_per_frame.

        Args:
            num_samples: cut the audio to this length.

        Raises:
            ValueError: no whole numbers of this shape, too many codebooks, or a code outside the
                codebook.
        """
        check_codes(codes, self.config)
        if num_samples is not None:
            check_count("num_samples", num_samples, codes.shape[2] * self.config.samples_per_frame)
        codes, base = codes.long(), self.config.num_codebooks
        audio = self.decode_latents(self.quantizer.lookup(codes[:, :base])).audio
        if self.detail is not None and codes.shape[1] > base:
            audio = self.detail(audio, codes[:, base:])
        return audio[..., :num_samples]

    def give_detail(self, codebooks: int, **shape: float) -> None:
        """Put a fresh detail layer in place, for recipes/fit_detail.py to fit.

        Args:
            shape: `bands`, `n_fft`, `high_weight`: the fields `detail_..` of the config.
        """
        shape = {f"detail_{name}": value for name, value in shape.items()}
        self.config = self.config.changed(detail_codebooks=codebooks, **shape)
        self.detail = (
            DetailLayer(self.config).to(next(self.parameters()).device).train(self.training)
        )

    def stored_tensors(self) -> dict[str, Tensor]:
        """All tensors in half precision but the codebooks of the base layer, which stay float32."""
        return {
            name: tensor if name.startswith(CODEBOOKS) else tensor.half()
            for name, tensor in self.state_dict().items()
        }

    @classmethod
    def extended(cls, folder: str | Path, config: CodecConfig) -> Codec:
        """A saved codec in another shape: modulation and student start fresh where it has none, and
        these and the detail layer are left out where `config` has none.

        A fresh modulation changes nothing, so training goes on where it stopped.

        Raises:
            CheckpointError: as `from_pretrained`, or a part that it has does not fit `config`.
        """
        model, stored = cls(config), load_model_weights(folder)
        load_strictly(model, extended_tensors(model.state_dict(), stored), folder)
        return model
