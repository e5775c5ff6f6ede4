"""SentencePiece model of free-text emotion prompts."""

from __future__ import annotations

import io
from collections.abc import Iterable
from pathlib import Path

from codec.errors import CheckpointError


def train_pieces(texts: Iterable[str], vocab_size: int) -> bytes:
    """Train a unigram model with byte fallback; returns the serialised model."""
    import sentencepiece

    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(sorted(set(texts))),
        model_writer=model,
        vocab_size=vocab_size,
        model_type="unigram",
        byte_fallback=True,
        hard_vocab_limit=False,
        normalization_rule_name="nmt_nfkc_cf",
        minloglevel=2,
    )
    return model.getvalue()


class PromptPieces:
    """Free text -> piece indices."""

    def __init__(self, path: str | Path) -> None:
        import sentencepiece

        try:
            self.processor = sentencepiece.SentencePieceProcessor(
                model_proto=Path(path).read_bytes()
            )
        except (OSError, RuntimeError) as error:
            raise CheckpointError(f"{path}: not a SentencePiece model ({error})") from error

    def __len__(self) -> int:
        return self.processor.vocab_size()

    def encode(self, text: str) -> tuple[int, ...]:
        """Piece indices of a prompt."""
        return tuple(self.processor.encode(text))
