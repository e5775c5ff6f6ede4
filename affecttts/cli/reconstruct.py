"""`affecttts reconstruct`: audio -> codes -> audio."""

from __future__ import annotations

import argparse

from affecttts.cli.codec_options import WAV_OUTPUT, add_codebooks, add_codec_command, encode_input
from affecttts.cli.output import write_wav


def add_to(commands) -> None:
    """Add the command to the parser."""
    parser = add_codec_command(commands, "reconstruct", "audio -> codes -> audio", WAV_OUTPUT)
    add_codebooks(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Reconstruct; returns the exit code."""
    codec, encoded = encode_input(arguments)
    audio = codec.decode(encoded.codes, encoded.num_samples)
    write_wav(arguments.output, audio[0, 0].numpy(), codec.config.sample_rate, arguments.force)
    return 0
