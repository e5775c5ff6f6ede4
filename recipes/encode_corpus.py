"""Between the stages: encode a corpus with a frozen codec into token shards.

    python recipes/encode_corpus.py --manifest corpus/manifest.jsonl --codec runs/codec/codec \\
        --output runs/tokens
    # one task of an array, counted from 0; any order, any machine
    python recipes/encode_corpus.py ... --shard 7/64
    # every process takes its share of the shards
    accelerate launch recipes/encode_corpus.py ...
    # Ray Data, 8 workers on a cluster with one file system
    python recipes/encode_corpus.py ... --ray 8

Run again, what is there is recognised by utterance id, audio hash and codec hash, and only the rest
is encoded. About an hour of audio is a good size for a shard. `merge_tokens.py` verifies the whole
set; `slurm_encode.sh` is an array for SLURM.
"""

from __future__ import annotations

import argparse
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import torch
from accelerate import PartialState
from tqdm import tqdm

from affecttts.cli.script import run_script, script_parser
from affecttts.data.codes.analysis import analysed_codes
from affecttts.data.codes.encode import Encoder, ShardPlan, encode_shard
from affecttts.data.codes.store import ANALYSIS, ENCODER, shard_path
from codec import Codec
from codec.files import fingerprint


def load_encoder(folder: str | Path, device: str | torch.device, latents: str = ENCODER) -> Encoder:
    """The codec in a folder as a function from samples to codes."""
    codec = Codec.from_pretrained(folder).to(device)
    if latents == ANALYSIS:
        codes = partial(analysed_codes, codec)
        return Encoder(codes, codec.config.sample_rate, fingerprint(folder), ANALYSIS)

    def encode(samples: np.ndarray) -> np.ndarray:
        audio = torch.from_numpy(samples)[None, None].to(device)
        return (
            codec.encode(audio, codec.config.num_codebooks).codes[0].cpu().numpy().astype(np.uint16)
        )

    return Encoder(encode, codec.config.sample_rate, fingerprint(folder))


def encode_here(plan: ShardPlan, shards: list[int], encoder: Encoder, output: Path) -> None:
    """Bring the shards up to date in this process, with a bar over their seconds of audio, and say
    how fast that was.
    """
    results, started = [], time.perf_counter()
    total = sum(plan.seconds[index] for index in shards)
    with tqdm(
        total=round(total, 1), desc="encode", unit="s", disable=not sys.stderr.isatty()
    ) as bar:
        for index in shards:
            path = shard_path(output, index, plan.count)
            results.append(
                encode_shard(
                    encoder,
                    plan.items(index),
                    path,
                    lambda item: bar.update(item.utterance.seconds),
                )
            )
    rows, encoded = (
        sum(result.rows for result in results),
        sum(result.encoded for result in results),
    )
    seconds, elapsed = (
        sum(result.seconds for result in results),
        max(time.perf_counter() - started, 1e-9),
    )
    counts = f"{len(results)} shards, {rows} utterances, {encoded} of them encoded now"
    print(
        f"{counts}: {seconds / 3600:.2f} hours of audio, {seconds / elapsed:.0f} hours per hour",
        file=sys.stderr,
    )


class RayWorker:
    """Brings shards up to date on any machine of a Ray cluster; the codec is loaded once."""

    def __init__(
        self, manifests: list[str], count: int, codec: str, latents: str, output: str
    ) -> None:
        self.plan, self.output = ShardPlan(manifests, count), Path(output)
        device = "cuda" if torch.cuda.is_available() else "cpu"
        self.encoder = load_encoder(codec, device, latents)

    def __call__(self, batch: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """A batch of shard numbers; returns how many utterances of each were encoded."""
        paths = [shard_path(self.output, int(index), self.plan.count) for index in batch["shard"]]
        results = [
            encode_shard(self.encoder, self.plan.items(int(i)), path)
            for i, path in zip(batch["shard"], paths)
        ]
        return {
            "shard": batch["shard"],
            "encoded": np.array([result.encoded for result in results]),
        }


def encode_with_ray(
    manifests: list[str],
    count: int,
    shards: list[int],
    codec: Path,
    latents: str,
    output: Path,
    workers: int,
) -> int:
    """Bring the shards up to date with Ray Data; returns how many utterances were encoded."""
    import ray.data

    work = ray.data.from_items([{"shard": index} for index in shards]).repartition(len(shards))
    places = (
        [str(Path(manifest).resolve()) for manifest in manifests],
        count,
        str(codec.resolve()),
        latents,
        str(output.resolve()),
    )
    done = work.map_batches(
        RayWorker, fn_constructor_args=places, batch_size=1, concurrency=workers
    )
    return int(sum(row["encoded"] for row in done.iter_rows()))


def parse_shard(text: str) -> tuple[int, int]:
    """ "7/64" -> (7, 64).

    Raises:
        ArgumentTypeError: no such pair.
    """
    index, _, count = text.partition("/")
    if not (index.isdigit() and count.isdigit() and int(index) < int(count)):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no shard; write I/N with I from 0 to N - 1, such as 7/64"
        )
    return int(index), int(count)


def main() -> None:
    parser = script_parser(__doc__)
    parser.add_argument("--manifest", action="append", required=True)
    parser.add_argument("--codec", required=True, type=Path, help="codec folder")
    parser.add_argument(
        "--latents",
        choices=(ENCODER, ANALYSIS),
        default=ENCODER,
        help="what is quantised: the encoder's latents, or, for a parametric decoder, those that "
        "say an analysis of the recording best (default encoder)",
    )
    parser.add_argument("--output", type=Path, required=True, help="folder of the shards")
    parser.add_argument("--shards", type=int, default=8, help="how many shards in all (default 8)")
    parser.add_argument(
        "--shard", type=parse_shard, metavar="I/N", help="encode only shard I of N, counted from 0"
    )
    parser.add_argument(
        "--ray", type=int, metavar="WORKERS", help="spread the shards over a Ray cluster"
    )
    parser.add_argument("--device", help="where the codec runs (default: a GPU where there is one)")
    arguments = parser.parse_args()
    index, count = arguments.shard or (None, arguments.shards)
    shards = list(range(count)) if index is None else [index]
    if arguments.ray:
        encoded = encode_with_ray(
            arguments.manifest,
            count,
            shards,
            arguments.codec,
            arguments.latents,
            arguments.output,
            arguments.ray,
        )
        print(f"{len(shards)} shards, {encoded} utterances encoded now", file=sys.stderr)
        return
    state = PartialState()
    mine = shards[state.process_index :: state.num_processes]
    encoder = load_encoder(arguments.codec, arguments.device or state.device, arguments.latents)
    encode_here(ShardPlan(arguments.manifest, count), mine, encoder, arguments.output)


if __name__ == "__main__":
    sys.exit(run_script(main))
