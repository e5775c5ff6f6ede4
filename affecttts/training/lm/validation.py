"""How a language model in training does on held-out utterances."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from affecttts.emotion.spec import EmotionSpec
from affecttts.lm.engine import Engine
from affecttts.lm.generate import SamplingConfig, generate
from affecttts.lm.sequence import Condition, phone_ids
from affecttts.training.lm.dataset import LMDataset
from affecttts.training.lm.loss import StreamLoss, overall
from affecttts.training.tracker import Tracker
from codec import Codec

if TYPE_CHECKING:
    from transformers import LlamaForCausalLM

SAMPLES = 2  # utterances that are spoken


@torch.no_grad()
def validate(
    llama: LlamaForCausalLM, data: LMDataset, accelerator: Any, tracker: Tracker, step: int
) -> None:
    """Record the loss over the whole split, in all and by kind of token."""
    model, parts = StreamLoss(llama.eval(), data.layout), {}
    for batch in data.batches(0, 0, 0, 1):
        tokens, labels = (part.to(accelerator.device) for part in data.collate(batch, (1,)))
        with accelerator.autocast():
            losses = model(tokens, labels)
        for name, part in losses.items():
            parts.setdefault(name, []).append(part)
    joined = {name: torch.cat(part) for name, part in parts.items()}
    rows = {f"valid/{name}": part.mean().item() for name, part in joined.items()}
    tracker.scalars(step, {"valid/loss": overall(joined).item(), **rows})


@torch.no_grad()
def speak(
    llama: LlamaForCausalLM, data: LMDataset, codec: Codec, tracker: Tracker, step: int
) -> None:
    """Speak the first utterances of the split, to listen to."""
    weights = {name: tensor.cpu() for name, tensor in llama.state_dict().items()}
    engine = Engine(llama.config.to_dict(), weights)
    for utterance in data.utterances[:SAMPLES]:
        vad = utterance.vad or EmotionSpec(utterance.emotion or "neutral").resolved_vad()
        voice = data.voices[utterance.speaker][0]
        condition = Condition(voice, utterance.emotion, utterance.intensity, vad)
        result = generate(
            engine,
            data.layout,
            [condition],
            [1.0],
            phone_ids(data.layout, utterance.ipa),
            SamplingConfig.at(data.frame_rate),
            torch.Generator().manual_seed(0),
        )
        if result.codes.shape[1]:
            audio = codec.decode(result.codes[None])[0, 0].numpy()
            tracker.audio(step, utterance.id, audio, codec.config.sample_rate)
