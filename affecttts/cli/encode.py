"""`affecttts encode`: audio -> codes."""

from __future__ import annotations

import argparse
import sys

from affecttts.cli.codec_options import add_codebooks, add_codec_command, encode_input, meaning
from affecttts.cli.output import STDOUT, new_file
from affecttts.errors import RequestError


def add_to(commands) -> None:
    """Add the command to the parser."""
    parser = add_codec_command(
        commands, "encode", "audio -> codes (safetensors)", "safetensors file"
    )
    add_codebooks(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Encode; returns the exit code."""
    from safetensors.torch import save_file

    if arguments.output == STDOUT:
        raise RequestError("encode writes a file; give -o FILE.safetensors")
    codec, encoded = encode_input(arguments)
    metadata = {
        "codec": meaning(arguments.codec, codec, encoded.codes[0]),
        "num_samples": str(encoded.num_samples),
    }
    with new_file(arguments.output, arguments.force) as temporary:
        save_file({"codes": encoded.codes[0].short()}, str(temporary), metadata)
    seconds, shape = encoded.num_samples / codec.config.sample_rate, tuple(encoded.codes.shape[1:])
    print(f"{arguments.output}: {shape[0]} x {shape[1]} tokens, {seconds:.2f} s", file=sys.stderr)
    return 0
