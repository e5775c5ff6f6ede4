"""`affecttts decode`: codes -> audio."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from affecttts.cli.codec_options import WAV_OUTPUT, add_codec_command, load_codec, meaning
from affecttts.cli.output import write_wav_windows
from codec.errors import CheckpointError

if TYPE_CHECKING:
    from torch import Tensor


def add_to(commands) -> None:
    """Add the command to the parser."""
    parser = add_codec_command(commands, "decode", "codes (safetensors) -> audio", WAV_OUTPUT)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Decode, in windows; returns the exit code."""
    from codec.checks import check_codes
    from codec.streaming import decode_windows

    codes, metadata = _read_codes(arguments.input)
    codec = load_codec(arguments)
    if metadata.get("codec") != (own := meaning(arguments.codec, codec, codes)):
        raise CheckpointError(
            f"{arguments.input}: codes of codec {metadata.get('codec')}, this "
            f"one is {own}; give --codec DIR"
        )
    try:
        length = int(metadata["num_samples"])
        if (
            codes.is_floating_point()
            or codes.dim() != 2
            or not 0 < length <= codes.shape[1] * codec.config.samples_per_frame
        ):
            raise ValueError(f"{codes.dtype} codes {tuple(codes.shape)} for {length} samples")
        check_codes(codes[None], codec.config)
    except (KeyError, ValueError) as error:
        raise CheckpointError(f"{arguments.input}: not codes of this codec ({error})") from error
    windows = (audio[0, 0].numpy() for audio in decode_windows(codec, codes[None]))
    write_wav_windows(arguments.output, windows, length, codec.config.sample_rate, arguments.force)
    return 0


def _read_codes(path: str) -> tuple[Tensor, dict[str, str]]:
    from safetensors import SafetensorError, safe_open

    from codec.inputs.weights import read_shapes

    try:
        if set(read_shapes(path)) != {"codes"}:
            raise ValueError("its tensors are others than codes")
        with safe_open(path, framework="pt") as file:
            return file.get_tensor("codes"), file.metadata() or {}
    except CheckpointError:
        raise
    except (SafetensorError, OSError, ValueError, RuntimeError) as error:
        raise CheckpointError(
            f"{path}: not a safetensors file with codes ({error}); make one with `affecttts encode`"
        ) from error
