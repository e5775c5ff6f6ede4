"""Which number format a training computes in."""

import pytest
import torch

from affecttts.training import precision
from affecttts.training.codec.config import CodecTrainingConfig


def on_processor(monkeypatch, **capabilities):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities, raising=False)


@pytest.mark.skipif(
    torch.cuda.is_available(), reason="the processor decides only where there is no GPU"
)
@pytest.mark.parametrize(
    "capabilities, chosen",
    [
        ({"avx2": True, "avx512_bf16": False}, "no"),
        ({"avx2": True, "avx512_bf16": True}, "bf16"),
        ({"amx_bf16": True}, "bf16"),
        ({"neon": True, "bf16": True}, "bf16"),
        ({}, "no"),
    ],
)
def test_auto_is_bf16_where_the_processor_has_instructions_for_it(
    monkeypatch, capabilities, chosen
):
    on_processor(monkeypatch, **capabilities)
    assert precision.mixed_precision("auto") == chosen


@pytest.mark.skipif(
    torch.cuda.is_available(), reason="the processor decides only where there is no GPU"
)
def test_a_torch_that_cannot_tell_computes_in_float32(monkeypatch):
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    assert precision.mixed_precision("auto") == "no"


@pytest.mark.parametrize("asked", ["bf16", "no"])
def test_what_is_asked_for_is_kept(monkeypatch, asked):
    on_processor(monkeypatch, avx512_bf16=asked == "no")
    assert precision.mixed_precision(asked) == asked


def test_an_unknown_format_is_refused_with_the_choices():
    with pytest.raises(ValueError, match="fp8.*auto, bf16, no"):
        CodecTrainingConfig(mixed_precision="fp8")
