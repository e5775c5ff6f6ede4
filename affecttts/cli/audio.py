"""`affecttts reconstruct`, `encode` and `decode`: the codec alone."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from affecttts.cli.output import STDOUT, check_output, new_file, write_wav
from affecttts.errors import RequestError
from affecttts.synthesis.model_folder import SHIPPED
from codec.errors import CheckpointError

if TYPE_CHECKING:
    from torch import Tensor

    from codec import Codec


def add_to(commands) -> None:
    """Add the commands to the parser."""
    _add(
        commands,
        "reconstruct",
        "audio -> codes -> audio",
        _reconstruct,
        "WAV file; - writes it to standard output",
        books=True,
    )
    _add(
        commands, "encode", "audio -> codes (safetensors)", _encode, "safetensors file", books=True
    )
    _add(
        commands,
        "decode",
        "codes (safetensors) -> audio",
        _decode,
        "WAV file; - writes it to standard output",
        books=False,
    )


def _add(commands, name: str, text: str, run, output: str, books: bool) -> None:
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
    if books:
        parser.add_argument(
            "--num-codebooks",
            type=int,
            metavar="N",
            help="use the first N codebooks only (default: all)",
        )
    parser.set_defaults(run=run)


def _load_codec(arguments: argparse.Namespace) -> Codec:
    """Check what needs no weights, then load the codec."""
    check_output(arguments.output, arguments.force)
    from codec import Codec

    return Codec.from_pretrained(arguments.codec)


def _codes(arguments: argparse.Namespace):
    import torch

    from codec.audio import load_audio

    codec = _load_codec(arguments)
    count, most = arguments.num_codebooks, codec.config.all_codebooks
    if count is not None and not 1 <= count <= most:
        raise RequestError(f"--num-codebooks {count}: this codec has 1 to {most}")
    audio = load_audio(arguments.input, codec.config.sample_rate)
    return codec, codec.encode(torch.from_numpy(audio.samples)[None, None], count)


def _reconstruct(arguments: argparse.Namespace) -> int:
    codec, encoded = _codes(arguments)
    audio = codec.decode(encoded.codes, encoded.num_samples)
    write_wav(arguments.output, audio[0, 0].numpy(), codec.config.sample_rate, arguments.force)
    return 0


def _encode(arguments: argparse.Namespace) -> int:
    from safetensors.torch import save_file

    if arguments.output == STDOUT:
        raise RequestError("encode writes a file; give -o FILE.safetensors")
    codec, encoded = _codes(arguments)
    metadata = {
        "codec": _meaning(arguments.codec, codec, encoded.codes[0]),
        "num_samples": str(encoded.num_samples),
    }
    with new_file(arguments.output, arguments.force) as temporary:
        save_file({"codes": encoded.codes[0].short()}, str(temporary), metadata)
    seconds, shape = encoded.num_samples / codec.config.sample_rate, tuple(encoded.codes.shape[1:])
    print(f"{arguments.output}: {shape[0]} x {shape[1]} tokens, {seconds:.2f} s", file=sys.stderr)
    return 0


def _meaning(folder: Path, codec: Codec, codes: Tensor) -> str:
    """What gives codes [k,F] their meaning: the decoder is part of it where there are codes of a
    detail layer.
    """
    from codec.files import fingerprint

    return fingerprint(folder, detail=codes.dim() == 2 and len(codes) > codec.config.num_codebooks)


def _decode(arguments: argparse.Namespace) -> int:
    codes, metadata = _read_codes(arguments.input)
    codec = _load_codec(arguments)
    if metadata.get("codec") != (own := _meaning(arguments.codec, codec, codes)):
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
        audio = codec.decode(codes.long()[None], length)
    except (KeyError, ValueError) as error:
        raise CheckpointError(f"{arguments.input}: not codes of this codec ({error})") from error
    write_wav(arguments.output, audio[0, 0].numpy(), codec.config.sample_rate, arguments.force)
    return 0


def _read_codes(path: str):
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            return file.get_tensor("codes"), file.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise CheckpointError(
            f"{path}: not a safetensors file with codes ({error}); make one with `affecttts encode`"
        ) from error
