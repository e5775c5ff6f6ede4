"""SentencePiece model of free-text emotion prompts."""

from __future__ import annotations

import io
from collections.abc import Iterable
from pathlib import Path

from codec.errors import CheckpointError
from codec.inputs.door import PIECES_BYTES, read_bytes


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

    def __init__(self, path: str | Path, most: int | None = None) -> None:
        """Read a model of at most `most` pieces.

        Raises:
            CheckpointError: unreadable, no SentencePiece model, or more pieces.
        """
        import sentencepiece

        try:
            if not (data := read_bytes(path, PIECES_BYTES)):
                raise ValueError("empty")
            self.processor = sentencepiece.SentencePieceProcessor(model_proto=data)
        except (OSError, RuntimeError, ValueError) as error:
            raise CheckpointError(f"{path}: not a SentencePiece model ({error})") from error
        if most is not None and len(self) > most:
            raise CheckpointError(f"{path}: {len(self)} pieces, layout.json has room for {most}")

    def __len__(self) -> int:
        return self.processor.vocab_size()

    def encode(self, text: str) -> tuple[int, ...]:
        """Piece indices of a prompt."""
        return tuple(self.processor.encode(text))
