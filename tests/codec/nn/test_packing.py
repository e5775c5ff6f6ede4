"""Vocoder parameters and pitch as one vector."""

import torch

from codec.nn.packing import Packing


def test_what_is_packed_comes_out_again():
    packing = Packing(60, 3)
    values = torch.randn(2, 8, 63, generator=torch.Generator().manual_seed(0))
    f0 = torch.tensor([[0.0, 100, 120, 0, 0, 300, 0, 0]]).repeat(2, 1)
    vectors = packing.pack(values, f0)
    said = packing.unpack(vectors)
    assert vectors.shape == (2, 8, 65) == (2, 8, packing.size)
    torch.testing.assert_close(said.envelope, values[..., :60])
    torch.testing.assert_close(said.aperiodicity, values[..., 60:])
    assert torch.equal(said.voicing > 0, f0 > 0)
    torch.testing.assert_close(said.log_f0.exp()[f0 > 0], f0[f0 > 0])


def test_pitch_is_held_through_unvoiced_frames():
    f0 = torch.tensor([[0.0, 100, 0, 0, 300]])
    said = Packing(4, 1).unpack(Packing(4, 1).pack(torch.zeros(1, 5, 5), f0))
    torch.testing.assert_close(said.log_f0.exp(), torch.tensor([[100.0, 100, 100, 100, 300]]))


def test_a_recording_without_voice_can_be_packed():
    assert Packing(4, 1).pack(torch.zeros(1, 5, 5), torch.zeros(1, 5)).isfinite().all()
