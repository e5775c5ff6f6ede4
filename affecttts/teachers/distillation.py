"""Modules 2 and 3 of AffectCodec as one set of losses on the first quantiser, with the offline teachers."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from affecttts.data.crops import SYMBOL_REACH, CropBatch
from affecttts.teachers.phonology import UNKNOWN, embed, feature_table
from affecttts.teachers.prosody import ProsodyTeacher
from codec.alignment import AlignmentConfig, SemanticAligner, emotion_weights
from codec.config import CodecConfig
from codec.quantizer import QuantizerOutput
from codec.relation import RelationConfig, relation_correlation, relation_loss, relation_matrix


class Distillation(nn.Module):
    """Losses "relation" and "alignment" of a batch, and the numbers that tell whether they work.

    The emotion teacher is `ProsodyTeacher`, the semantic and the text teacher are the phonological features of the
    phones; utterances without aligned phones take part in the emotional half of the relations alone.
    """

    def __init__(self, codec: CodecConfig, relation: RelationConfig, alignment: AlignmentConfig) -> None:
        super().__init__()
        self.relation, self.alignment = relation, alignment
        self.prosody = ProsodyTeacher(codec)
        self.register_buffer("table", feature_table(), persistent=False)
        self.aligner = SemanticAligner(codec.latent_dim, self.table.shape[1], alignment)

    def forward(self, quantized: QuantizerOutput, batch: CropBatch) -> tuple[dict[str, Tensor], dict[str, float]]:
        """Unweighted losses and values for the log."""
        emotion = self.prosody(batch.audio, batch.f0, batch.usual_f0)
        tokens = embed(self.table, batch.symbols)
        content = tokens[:, :, SYMBOL_REACH]
        known = batch.symbols[:, :, SYMBOL_REACH] != UNKNOWN
        everywhere = torch.ones_like(known)
        student = torch.stack(quantized.stages[: self.relation.layers]).sum(0).transpose(1, 2)
        teachers = [(self.relation.alpha, emotion, everywhere), (self.relation.beta, content, known)]
        gamma = emotion_weights(emotion, known, self.alignment)
        aligned, cosine = self.aligner(quantized.stages[0].transpose(1, 2), tokens, gamma)
        losses = {"relation": relation_loss(student, teachers, self.relation), "alignment": aligned}
        return losses, self._health(student, emotion, content, known, gamma) | {"alignment/cosine": cosine.item()}

    @torch.no_grad()
    def _health(self, student: Tensor, emotion: Tensor, content: Tensor, known: Tensor, gamma: Tensor) -> dict[str, float]:
        mine, moods, words = (relation_matrix(x) for x in (student, emotion, content))
        pairs = (known[:, :, None] & known[:, None]).float()
        inside = ((mine - moods) * (mine - words) < 0).float()
        share = gamma / gamma.sum(1, keepdim=True).clamp_min(1e-6)
        return {
            "relation/emotion_correlation": relation_correlation(mine, moods, known).item(),
            "relation/semantic_correlation": relation_correlation(mine, words, known).item(),
            "relation/inside_band": ((inside * pairs).sum() / pairs.sum().clamp_min(1)).item(),
            "alignment/gamma_entropy": -(share * share.clamp_min(1e-10).log()).sum(1).mean().item(),
        }
