"""Between the stages: what a trained LM takes the codes of a corpus to be, each drawn with the true
past given.

    python recipes/predict_corpus.py --manifest corpus/manifest.jsonl --tokens runs/tokens \\
        --lm runs/lm/lm --codec runs/codec/codec \\
        --output runs/predicted
    python recipes/train_codec.py recipes/configs/small/codec_4_tune.yaml \\
        --manifest corpus/manifest.jsonl --init runs/codec/codec \\
        --predicted runs/predicted --output runs/codec_tuned

A decoder trained on such codes hears in training what it will hear in use. The codes keep their
meaning, so the LM stays valid.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from affecttts.cli.script import run_script, script_parser
from affecttts.data.codes.store import CodeRow, CodeStore, shard_path, write_shard
from affecttts.errors import RequestError
from affecttts.lm.generate import SamplingConfig
from affecttts.lm.layout import TokenLayout
from affecttts.lm.model import load_lm
from affecttts.lm.pieces import PromptPieces
from affecttts.training.lm.dataset import LMDataset, MixtureConfig
from codec import Codec
from codec.errors import CheckpointError
from codec.files import fingerprint


@torch.inference_mode()
def predict(
    llama, layout: TokenLayout, tokens: torch.Tensor, labels: torch.Tensor, temperature: float
) -> torch.Tensor:
    """Draw every codec token anew, the ones before it as they are.

    Args:
        tokens, labels: int64 [B,S] from `LMDataset.collate`.
        temperature: above 0.

    Returns:
        int64 [B,S], `tokens` with the codes replaced.
    """
    hidden, drawn = (
        llama.model(input_ids=tokens, use_cache=False).last_hidden_state[:, :-1],
        tokens.clone(),
    )
    for book in range(layout.num_codebooks):
        first, end = layout.book(book), layout.book(book + 1)
        here = (labels[:, 1:] >= first) & (labels[:, 1:] < end)
        logits = torch.nn.functional.linear(hidden[here], llama.lm_head.weight[first:end]).float()
        drawn[:, 1:][here] = (
            first + torch.multinomial((logits / temperature).softmax(dim=-1), 1)[:, 0]
        )
    return drawn


def codes_of(row: torch.Tensor, layout: TokenLayout) -> np.ndarray:
    """Codec tokens of one stream [S] -> uint16 [K,F]."""
    codes = row[row >= layout.codec_start] - layout.codec_start
    return (codes.view(-1, layout.num_codebooks) % layout.codebook_size).T.numpy().astype(np.uint16)


def main() -> None:
    parser = script_parser(__doc__)
    parser.add_argument("--manifest", action="append", required=True)
    parser.add_argument("--tokens", required=True, help="token shards of the corpus")
    parser.add_argument("--lm", required=True, help="LM folder")
    parser.add_argument(
        "--codec", type=Path, required=True, help="codec folder that made the tokens"
    )
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument(
        "--temperature",
        type=float,
        default=SamplingConfig().temperature,
        help="default: that of synthesis",
    )
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    if not arguments.temperature > 0:
        raise RequestError(f"--temperature is {arguments.temperature}, must be more than 0")
    torch.manual_seed(arguments.seed)
    store, model = CodeStore(arguments.tokens), load_lm(arguments.lm)
    if not store.codec_fingerprint == model.codec_fingerprint == fingerprint(arguments.codec):
        raise CheckpointError(
            f"{arguments.tokens}, {arguments.lm} and {arguments.codec} are not of one codec"
        )
    rate, layout, llama = Codec.read_config(arguments.codec).frame_rate, model.layout, model.llama()
    mixture = MixtureConfig(prompt_dropout=0.0, free_text=0.0, joined=0.0)
    pieces, split = PromptPieces(model.pieces_path), "train"
    data = LMDataset(arguments.manifest, store, layout, pieces, rate, mixture, split, model.voices)
    rows = []
    for batch in tqdm(data.batches(0, arguments.seed, 0, 1), desc="predict"):
        tokens, labels = data.collate(batch, (arguments.seed,))
        for (index,), row in zip(
            batch, predict(llama, layout, tokens, labels, arguments.temperature)
        ):
            name, codes = data.utterances[index].id, codes_of(row, layout)
            # a stream holds at most so many frames of one silence
            if codes.shape[1] == store[name].shape[1]:
                rows.append(CodeRow(name, "predicted", codes))
    write_shard(shard_path(arguments.output, 0, 1), rows, store.codec_fingerprint)


if __name__ == "__main__":
    sys.exit(run_script(main))
