"""How fast is the codec? Encoding and decoding beside EnCodec 24 kHz, DAC and Mimi, turn by turn in
one run.

    python benchmarks/codec_speed.py
    python benchmarks/codec_speed.py --codec RUN/codec --seconds 30 --repeats 9

The others are the classes of transformers with random weights and the configs of their
publications, which is all that speed depends on; each has the fewest codebooks that its class
offers at or above our bitrate, and its weight norms are folded in.
"""

from __future__ import annotations

import argparse
import math
import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from affecttts.evaluation.report.terminal import print_table, write_numbers


@dataclass(frozen=True)
class System:
    """A loaded codec."""

    name: str
    sample_rate: int  # Hz
    kilobits: float  # per second
    parameters: int
    encode: Callable[[Any], Any]  # audio [1,1,T] -> codes, whatever they are
    decode: Callable[[Any], Any]  # those codes -> audio


@dataclass(frozen=True)
class Speed:
    """Real-time factors of one system: seconds of work per second of audio, medians; ratios are
    theirs over ours.
    """

    system: str
    kilobits: float
    parameters: int
    encode: float
    encode_range: tuple[float, float]
    encode_ratio: float
    decode: float
    decode_range: tuple[float, float]
    decode_ratio: float


def ours(folder: Path | None) -> System:
    """The shipped codec, or the one in a folder."""
    from affecttts.synthesis.model_folder import SHIPPED
    from codec import Codec

    codec = Codec.from_pretrained(folder or SHIPPED / "codec")
    config = codec.config
    decode = lambda encoded: codec.decode(encoded.codes, encoded.num_samples)  # noqa: E731
    return System(
        "AffectCodec", config.sample_rate, config.bitrate / 1000, _size(codec), codec.encode, decode
    )


def encodec() -> System:
    """EnCodec 24 kHz (arXiv 2210.13438) at its lowest bitrate, two codebooks."""
    from transformers import EncodecConfig, EncodecModel

    model = _still(EncodecModel(EncodecConfig()))
    rate = model.config.sampling_rate

    def decode(codes: Any) -> Any:
        return model.decode(codes, [None]).audio_values

    return System(
        "EnCodec",
        rate,
        1.5,
        _size(model),
        lambda audio: model.encode(audio, bandwidth=1.5).audio_codes,
        decode,
    )


def dac() -> System:
    """DAC 24 kHz (arXiv 2306.06546) with two of its codebooks."""
    from transformers import DacConfig, DacModel

    model = _still(
        DacModel(DacConfig(sampling_rate=24000, downsampling_ratios=[2, 4, 5, 8], n_codebooks=32))
    )
    rate, hop = model.config.sampling_rate, math.prod(model.config.downsampling_ratios)

    def decode(codes: Any) -> Any:
        return model.decode(audio_codes=codes).audio_values

    return System(
        "DAC",
        rate,
        2 * 10 * rate / hop / 1000,
        _size(model),
        lambda audio: model.encode(audio, 2).audio_codes,
        decode,
    )


def mimi() -> System:
    """Mimi (arXiv 2410.00037) with the eight codebooks that Moshi uses."""
    from transformers import MimiConfig, MimiModel

    model = _still(MimiModel(MimiConfig()))

    def decode(codes: Any) -> Any:
        return model.decode(codes).audio_values

    rate = model.config.sampling_rate
    return System(
        "Mimi",
        rate,
        1.1,
        _size(model),
        lambda audio: model.encode(audio, num_quantizers=8).audio_codes,
        decode,
    )


SYSTEMS = {"EnCodec": encodec, "DAC": dac, "Mimi": mimi}


def _still(model: Any) -> Any:
    """In evaluation mode, weight norms folded into the weights."""
    from torch.nn.utils import parametrize

    for module in model.modules():
        if parametrize.is_parametrized(module, "weight"):
            parametrize.remove_parametrizations(module, "weight")
    return model.eval()


def _size(model: Any) -> int:
    return sum(weight.numel() for weight in model.parameters())


def noise(seconds: float, sample_rate: int) -> Any:
    """[1,1,T] of noise whose loudness moves four times a second, as that of speech."""
    import torch

    time_axis = torch.arange(round(seconds * sample_rate)) / sample_rate
    loudness = 0.05 * (1 + torch.sin(2 * torch.pi * 4 * time_axis))
    return (loudness * torch.randn(len(time_axis), generator=torch.Generator().manual_seed(0)))[
        None, None
    ]


def measure(
    systems: list[System], seconds: float, repeats: int
) -> dict[str, tuple[list[float], list[float]]]:
    """Real-time factors of encoding and decoding, `repeats` each, the systems in turn, after one
    round to warm up.
    """
    import torch

    audio = {system.name: noise(seconds, system.sample_rate) for system in systems}
    factors: dict[str, tuple[list[float], list[float]]] = {
        system.name: ([], []) for system in systems
    }
    with torch.inference_mode():
        for turn in range(repeats + 1):
            for system in systems:
                started = time.perf_counter()
                codes = system.encode(audio[system.name])
                encoded = time.perf_counter()
                system.decode(codes)
                ended = time.perf_counter()
                if turn:
                    factors[system.name][0].append((encoded - started) / seconds)
                    factors[system.name][1].append((ended - encoded) / seconds)
    return factors


def compare(
    systems: list[System], factors: dict[str, tuple[list[float], list[float]]]
) -> list[Speed]:
    """Medians, and their ratios to the first system's."""
    first = [median(values) for values in factors[systems[0].name]]
    rows = []
    for system in systems:
        encode, decode = factors[system.name]
        rows.append(
            Speed(
                system.name,
                system.kilobits,
                system.parameters,
                median(encode),
                (min(encode), max(encode)),
                median(encode) / first[0],
                median(decode),
                (min(decode), max(decode)),
                median(decode) / first[1],
            )
        )
    return rows


def parse() -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument(
        "--codec", type=Path, metavar="DIR", help="codec folder; the shipped model's if left out"
    )
    parser.add_argument(
        "--systems",
        nargs="+",
        choices=list(SYSTEMS),
        default=list(SYSTEMS),
        help="the others to compare with",
    )
    parser.add_argument("--seconds", type=float, default=10.0, help="length of the audio")
    parser.add_argument(
        "--repeats", type=int, default=7, metavar="N", help="measurements per system"
    )
    parser.add_argument(
        "--output", type=Path, metavar="OUT", help="also write the numbers to this file"
    )
    parser.add_argument("--threads", type=int, default=2, help="CPU threads")
    return parser.parse_args()


def main() -> None:
    """Run the benchmark."""
    import torch

    options, load = parse(), os.getloadavg()[0]
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    systems = [ours(options.codec), *(SYSTEMS[name]() for name in options.systems)]
    rows = compare(systems, measure(systems, options.seconds, options.repeats))
    print_table(
        f"Real-time factors, {options.seconds:g} s of audio, {options.threads} threads, median of "
        f"{options.repeats}; "
        f"load average before {load:.1f} (should be near 0)",
        [
            "system",
            "kbit/s",
            "parameters, M",
            "encode",
            "range",
            "x ours",
            "decode",
            "range",
            "x ours",
        ],
        [
            [
                r.system,
                r.kilobits,
                r.parameters / 1e6,
                f"{r.encode:.4f}",
                _range(r.encode_range),
                f"{r.encode_ratio:.1f}",
                f"{r.decode:.4f}",
                _range(r.decode_range),
                f"{r.decode_ratio:.1f}",
            ]
            for r in rows
        ],
    )
    write_numbers(options.output, [asdict(row) for row in rows])


def _range(ends: tuple[float, float]) -> str:
    return f"{ends[0]:.4f}..{ends[1]:.4f}"


if __name__ == "__main__":
    main()
