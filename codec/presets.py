"""Named shapes of a codec: what differs from the defaults of CodecConfig."""

from __future__ import annotations

from typing import Any

PRESETS: dict[str, dict[str, Any]] = {
    "small": {},
    # The second edition of `small`: a linear path, a streaming decoder with a vocoder. 25 frames of
    # four codes say more than 50 of two (docs/lab/codec_vocoder.md).
    "small_vocoder": {
        "encoder_spectrum": "cepstrum",
        "decoder": "parametric",
        "decoder_context": "causal",
        "decoder_lookahead": 2,
        "frame_stride": 4,
        "latent_dim": 192,
        "num_codebooks": 4,
        "codebook_size": 4096,
        "stem_blocks": 2,
        "encoder_dim": 256,
        "encoder_blocks": 3,
        "decoder_dim": 256,
        "decoder_blocks": 3,
        "head_dim": 256,
        "head_blocks": 6,
    },
    "tiny": {
        "n_mels": 40,
        "low_bins": 32,
        "latent_dim": 32,
        "num_codebooks": 4,
        "codebook_size": 64,
        "stem_dim": 32,
        "encoder_dim": 48,
        "encoder_blocks": 1,
        "decoder_dim": 48,
        "decoder_blocks": 1,
        "head_dim": 32,
        "head_blocks": 1,
    },
    # The shape that arXiv 2605.11098 describes; docs/lab/codec_comparison.md counts its parameters.
    "paper": {
        "sample_rate": 16000,
        "hop_length": 160,
        "frame_stride": 2,
        "n_mels": 80,
        "latent_dim": 1024,
        "num_codebooks": 8,
        "encoder": "seanet",
        "decoder": "seanet",
        "modulation": "xattn_pre",
        "modulation_dim": 768,
        "emotion_teacher": "clap",
        "emotion_dim": 768,
        "semantic_teacher": "hubert",
        "semantic_dim": 768,
    },
}
