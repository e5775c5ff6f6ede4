"""Between the stages: encode a corpus with a frozen codec into token shards.

    python recipes/encode_corpus.py --manifest corpus/manifest.jsonl --codec runs/codec/codec --output runs/tokens
    python recipes/encode_corpus.py ... --shards 64 --shard 7      # one task of an array; any order, any machine

Run again, finished shards are recognised by utterance id, audio hash and codec hash, and skipped.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from affecttts.data.manifest import Utterance, read_manifest
from affecttts.data.tokens import TokenRow, audio_digest, shard_is_current, shard_path, write_shard
from codec import Codec
from codec.audio import load_audio
from codec.serialization import fingerprint


def encode_shard(
    codec: Codec, codec_hash: str, items: list[tuple[Path, Utterance]], path: Path, progress: tqdm
) -> None:
    """Encode one shard unless it is there already."""
    digests = [audio_digest(audio_path) for audio_path, _ in items]
    if shard_is_current(path, [(u.id, d) for (_, u), d in zip(items, digests)], codec_hash):
        progress.update(len(items))
        return
    device, rows = next(codec.parameters()).device, []
    for (audio_path, utterance), digest in zip(items, digests):
        audio = torch.from_numpy(load_audio(audio_path, codec.config.sample_rate).samples)[None, None]
        codes = codec.encode(audio.to(device)).codes[0].cpu().numpy().astype(np.uint16)
        rows.append(TokenRow(utterance.id, digest, codes))
        progress.update()
    write_shard(path, rows, codec_hash)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--manifest", action="append", required=True)
    parser.add_argument("--codec", required=True, help="codec folder")
    parser.add_argument("--output", type=Path, required=True, help="folder of the shards")
    parser.add_argument("--shards", type=int, default=8, help="how many shards in all (default 8)")
    parser.add_argument("--shard", type=int, help="encode only this one, counted from 0 (default: all)")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    arguments = parser.parse_args()
    items = [(Path(m).parent / u.path, u) for m in arguments.manifest for u in read_manifest(m)]
    if len({u.id for _, u in items}) != len(items):
        parser.error("the manifests hold the same id twice")
    codec = Codec.from_pretrained(arguments.codec).to(arguments.device)
    codec_hash = fingerprint(arguments.codec)
    wanted = range(arguments.shards) if arguments.shard is None else [arguments.shard]
    shards = {index: items[index :: arguments.shards] for index in wanted}
    with tqdm(total=sum(map(len, shards.values())), desc="encode", unit="clip") as progress:
        for index, members in shards.items():
            encode_shard(codec, codec_hash, members, shard_path(arguments.output, index, arguments.shards), progress)


if __name__ == "__main__":
    main()
