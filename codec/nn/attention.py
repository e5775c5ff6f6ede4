"""Attention between nearby frames, so that audio of any length looks like the training crops."""

from __future__ import annotations

import torch
from torch import Tensor, nn

CHUNK = 256  # queries worked on at once


class WindowedAttention(nn.Module):
    """Multi-head attention of every frame to the frames within `window` of it, with a learned bias
    per head and distance.

    Both sides are layer-normed first. queries [B,F,Q], keys [B,F,K] -> [B,F,width]. Memory grows
    linearly with F.
    """

    def __init__(self, query_dim: int, key_dim: int, width: int, heads: int, window: int) -> None:
        super().__init__()
        self.heads, self.window = heads, window
        self.query_norm, self.key_norm = nn.LayerNorm(query_dim), nn.LayerNorm(key_dim)
        self.query = nn.Linear(query_dim, width, bias=False)
        self.key = nn.Linear(key_dim, width, bias=False)
        self.value = nn.Linear(key_dim, width, bias=False)
        self.bias = nn.Parameter(torch.zeros(heads, 2 * window + 1))

    def forward(self, queries: Tensor, keys: Tensor) -> Tensor:
        keys = self.key_norm(keys)
        query, key, value = (
            part.unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for part in (self.query(self.query_norm(queries)), self.key(keys), self.value(keys))
        )
        frames, pieces = query.shape[2], []
        for start in range(0, frames, CHUNK):
            stop = min(start + CHUNK, frames)
            near = slice(max(0, start - self.window), min(frames, stop + self.window))
            bias = self._bias(range(start, stop), range(near.start, near.stop)).to(query.dtype)
            attend = nn.functional.scaled_dot_product_attention
            pieces.append(
                attend(
                    query[:, :, start:stop],
                    key[:, :, near],
                    value[:, :, near],
                    attn_mask=bias[None],
                )
            )
        return torch.cat(pieces, dim=2).transpose(1, 2).flatten(2)

    def _bias(self, rows: range, columns: range) -> Tensor:
        """[heads, rows, columns], minus infinity beyond the window."""
        places = torch.arange(max(rows.stop, columns.stop), device=self.bias.device)
        distance = (
            places[columns.start : columns.stop][None] - places[rows.start : rows.stop][:, None]
        )
        bias = self.bias[:, distance.clamp(-self.window, self.window) + self.window]
        return bias.masked_fill(distance.abs() > self.window, -torch.inf)
