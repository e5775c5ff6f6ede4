"""Modules 2 and 3 of AffectCodec, the student's and the emotion block's losses: all that the
teachers teach in training.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from affecttts.teachers.targets import FrameTargets
from codec.config import CodecConfig
from codec.model import CodecOutput
from codec.modulation import TeacherFeatures
from codec.student import prediction_loss
from codec.training.alignment import AlignmentConfig, SemanticAligner, emotion_weights
from codec.training.relation import (
    FeatureMatcher,
    RelationConfig,
    in_scope,
    relation_correlation,
    relation_loss,
    relation_matrix,
)

# whose mean relations are logged; the first two differ in bd_rfsq
RELATED = ("q1", "q1_acoustic", "emotion", "semantic")
# act on the first quantiser; the recipe weights them by their gradients
BALANCED = ("relation", "alignment", "matching")


class Distillation(nn.Module):
    """Unweighted losses of a batch, and the numbers that tell whether they work.

    relation: module 2. alignment: module 3. matching: plain feature distillation, the control.
    prediction, consistency: of the student. emotion_block: bd_rfsq's emotion channels must tell the
    emotion teacher's features. Utterances that a teacher knows nothing of take no part in its
    losses.
    """

    def __init__(
        self,
        codec: CodecConfig,
        dims: tuple[int, int, int],
        relation: RelationConfig,
        alignment: AlignmentConfig,
        wanted: tuple[str, ...] = BALANCED[:2],
    ) -> None:
        """Args:
        dims: widths of the emotion, semantic and text teachers.
        wanted: which of `BALANCED` are computed.
        """
        super().__init__()
        unknown = sorted(set(wanted) - set(BALANCED))
        if unknown:
            raise ValueError(f"unknown losses {unknown}; known: {BALANCED}")
        emotion, semantic, text = dims
        self.relation, self.alignment, self.wanted = relation, alignment, wanted
        self.emotion_channels = codec.emotion_channels
        rest = codec.latent_dim - self.emotion_channels
        self.aligner = SemanticAligner(
            rest, text, alignment, semantic if alignment.fallback else None
        )
        mine = self.emotion_channels or codec.latent_dim
        self.matcher = (
            FeatureMatcher([(mine, emotion), (rest, semantic)]) if "matching" in wanted else None
        )
        self.readout = nn.Linear(self.emotion_channels, emotion) if self.emotion_channels else None

    def forward(
        self, output: CodecOutput, targets: FrameTargets, step: int = 0
    ) -> tuple[dict[str, Tensor], dict[str, float]]:
        """Unweighted losses and values for the log; losses at the quantiser are left out where it
        was bypassed.
        """
        losses, logs = {}, {}
        if output.predicted is not None:
            losses["prediction"] = prediction_loss(output.predicted, targets.teacher_features)
        if output.consistency is not None:
            losses["consistency"] = output.consistency
        if output.quantized is not None:
            if self.readout is not None:
                losses["emotion_block"] = self._emotion_block(
                    output.quantized.quantized, targets.teacher_features
                )
            at_quantizer, logs = self._at_quantizer(output, targets, step)
            losses |= at_quantizer
        return losses, logs

    def _emotion_block(self, quantized: Tensor, teacher_features: TeacherFeatures) -> Tensor:
        told = self.readout(quantized[:, : self.emotion_channels].transpose(1, 2).float())
        known = teacher_features.emotion_known
        error = (told - teacher_features.emotion).square().mean(-1)
        return (error * known).sum() / known.sum().clamp_min(1)

    def _at_quantizer(
        self, output: CodecOutput, targets: FrameTargets, step: int
    ) -> tuple[dict, dict]:
        if not self.wanted:
            return {}, {}
        teacher_features, split = targets.teacher_features, self.emotion_channels
        q1 = self._q1(output, step)
        moody, wordy = q1[..., :split] if split else q1, q1[..., split:]
        teachers = [
            (self.relation.alpha, teacher_features.emotion, teacher_features.emotion_known),
            (self.relation.beta, teacher_features.semantic, teacher_features.semantic_known),
        ]
        losses, logs = {}, self._relation_health(moody, wordy, teacher_features)
        if "relation" in self.wanted:
            losses["relation"] = sum(
                relation_loss(s, [t], self.relation) for s, t in zip((moody, wordy), teachers)
            )
        if "matching" in self.wanted:
            losses["matching"] = self.matcher([moody, wordy], teachers)
        if "alignment" in self.wanted:
            first = output.quantized.stages[0].transpose(1, 2)[..., split:]
            losses["alignment"], told = self._align(first, targets)
            logs |= told
        return losses, logs

    def _q1(self, output: CodecOutput, step: int) -> Tensor:
        """[B,F,D]: the first stages' sum, softened by the unquantised latents in the beginning."""
        q1 = torch.stack(output.quantized.stages[: self.relation.layers]).sum(0)
        share = self.relation.soft_share(step)
        if share:
            q1 = (1 - share) * q1 + share * output.latents.float()
        return q1.transpose(1, 2)

    def _align(self, q1: Tensor, targets: FrameTargets) -> tuple[Tensor, dict[str, float]]:
        teacher_features = targets.teacher_features
        known = targets.tokens[:, :, self.alignment.reach].abs().sum(-1) > 0
        if self.alignment.fallback:
            known = known | teacher_features.semantic_known
        if self.alignment.speech_only:
            known = known & targets.sounding
        gamma = emotion_weights(
            teacher_features.emotion, known & teacher_features.emotion_known, self.alignment
        )
        loss, cosine = self.aligner(q1, targets.tokens, gamma, teacher_features.semantic)
        share = gamma / gamma.sum(1, keepdim=True).clamp_min(1e-6)
        entropy = -(share * share.clamp_min(1e-10).log()).sum(1).mean()
        return loss, {"alignment/cosine": cosine.item(), "alignment/gamma_entropy": entropy.item()}

    @torch.no_grad()
    def _relation_health(
        self, moody: Tensor, wordy: Tensor, teacher_features: TeacherFeatures
    ) -> dict[str, float]:
        parts = (
            moody,
            wordy,
            teacher_features.emotion,
            teacher_features.semantic,
            teacher_features.emotion_known & teacher_features.semantic_known,
        )
        *features, known = (
            in_scope(part, self.relation)[:, : self.relation.anchors] for part in parts
        )
        function = "cosine" if self.relation.function == "cosine" else "distance"
        mine, mine_too, moods, words = (
            relation_matrix(x, self.relation.norm, None, known, function) for x in features
        )
        pairs = (known[:, :, None] & known[:, None]).float()
        raw = {
            name: relation_matrix(x, "raw", None, known, function)
            for name, x in zip(RELATED, features)
        }
        means = {
            f"relation/mean_{name}": ((x * pairs).sum() / pairs.sum().clamp_min(1)).item()
            for name, x in raw.items()
        }
        inside = ((mine - moods) * (mine_too - words) < 0).float()
        return means | {
            "relation/emotion_correlation": relation_correlation(mine, moods, known).item(),
            "relation/semantic_correlation": relation_correlation(mine_too, words, known).item(),
            "relation/inside_band": ((inside * pairs).sum() / pairs.sum().clamp_min(1)).item(),
        }
