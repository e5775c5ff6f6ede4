"""What the commands of the codec alone share: `reconstruct`, `encode` and `decode`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from affecttts.cli.output import check_output
from affecttts.errors import RequestError
from affecttts.synthesis.model_folder import SHIPPED

if TYPE_CHECKING:
    from torch import Tensor

    from codec import Codec, EncodedAudio

WAV_OUTPUT = "WAV file; - writes it to standard output"


def add_codec_command(commands, name: str, text: str, output: str) -> argparse.ArgumentParser:
    """A parser with input, output and codec.

    Args:
        text: what the command does.
        output: what it writes.
    """
    parser = commands.add_parser(
        name, help=text, allow_abbrev=False, epilog=f"example: affecttts {name} IN -o OUT"
    )
    parser.add_argument("input", help="file to read")
    parser.add_argument("-o", "--output", required=True, metavar="FILE", help=output)
    parser.add_argument(
        "--codec",
        metavar="DIR",
        type=Path,
        default=SHIPPED / "codec",
        help="codec folder (default: the shipped one)",
    )
    parser.add_argument("--force", action="store_true", help="replace an existing file")
    return parser


def add_codebooks(parser: argparse.ArgumentParser) -> None:
    """Add `--num-codebooks`."""
    parser.add_argument(
        "--num-codebooks",
        type=int,
        metavar="N",
        help="use the first N codebooks only (default: all)",
    )


def load_codec(arguments: argparse.Namespace) -> Codec:
    """Check what needs no weights, then load the codec."""
    check_output(arguments.output, arguments.force)
    from codec import Codec

    return Codec.from_pretrained(arguments.codec)


def encode_input(arguments: argparse.Namespace) -> tuple[Codec, EncodedAudio]:
    """Load codec and audio -> the codec, and codes with as many codebooks as were asked for."""
    import torch

    from codec.audio import load_audio

    codec = load_codec(arguments)
    count, most = arguments.num_codebooks, codec.config.all_codebooks
    if count is not None and not 1 <= count <= most:
        raise RequestError(f"--num-codebooks {count}: this codec has 1 to {most}")
    audio = load_audio(arguments.input, codec.config.sample_rate)
    return codec, codec.encode(torch.from_numpy(audio.samples)[None, None], count)


def meaning(folder: Path, codec: Codec, codes: Tensor) -> str:
    """What gives codes [k,F] their meaning: the decoder is part of it where there are codes of a
    detail layer.
    """
    from codec.files import fingerprint

    return fingerprint(folder, detail=codes.dim() == 2 and len(codes) > codec.config.num_codebooks)
