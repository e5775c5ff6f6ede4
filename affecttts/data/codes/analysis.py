"""Codes of what an analysis says of a recording: no encoder is asked, so none can err."""

from __future__ import annotations

import numpy as np

from affecttts.data.audio_cache import f0_world
from affecttts.data.vocoder_cache import vocoder_parameters
from affecttts.errors import RequestError
from codec import Codec

BEAM = 16  # of the search for the codes


def analysed_codes(codec: Codec, audio: np.ndarray) -> np.ndarray:
    """Codes uint16 [K,F] of audio [T] at the codec's rate; zeros pad the end.

    Raises:
        RequestError: the codec's decoder drives no vocoder.
    """
    import torch

    from codec.nn.decoder import ParametricDecoder
    from codec.training.linear_start import target_latents

    decoder, config = codec.decoder, codec.config
    if not isinstance(decoder, ParametricDecoder):
        raise RequestError(
            f"the codec's decoder is {config.decoder}; only a parametric one has codes of an "
            "analysis"
        )
    padded = np.pad(audio, (0, -len(audio) % config.samples_per_frame))
    shape = config.sample_rate, config.hop_length
    f0 = f0_world(padded, *shape)
    told = vocoder_parameters(padded, f0, *shape, config.envelope_coefficients)
    device = decoder.linear.weight.device
    with torch.inference_mode():
        values = (torch.from_numpy(part)[None].to(device) for part in (told, f0))
        latents = target_latents(decoder, *values)
        codes = codec.quantizer.search(latents, config.num_codebooks, BEAM)
    return codes[0].cpu().numpy().astype(np.uint16)
