"""A decoder tuned to a language model hears the codes that the model draws, at the right place."""

import numpy as np
import pytest
import torch

pytest.importorskip("pyworld")

from affecttts.data.audio_cache import AudioCache, build_cache
from affecttts.data.codes.store import CodeRow, CodeStore, shard_path, write_shard
from affecttts.lm.sequence import Condition, build_segment, join_segments, phone_ids
from affecttts.training.codec.crops import CropConfig, CropSampler
from tiny_models import CODES, DATA, load_recipe, random_llama, tiny_layout

pytestmark = pytest.mark.slow

MANIFEST = str(DATA / "manifest.jsonl")
LAYOUT = tiny_layout()


@pytest.fixture(scope="module")
def recipe():
    return load_recipe("predict_corpus")


def stream(codes):
    segment = build_segment(
        LAYOUT,
        Condition(CODES["heart"], "sad"),
        phone_ids(LAYOUT, "hi"),
        [2, 0, 3, codes.shape[1] - 5],
        codes,
    )
    joined = join_segments(LAYOUT, [segment])
    return torch.from_numpy(joined.tokens).long()[None], torch.from_numpy(joined.labels).long()[
        None
    ]


def test_only_codes_are_drawn_and_from_the_model_s_own_distribution(recipe):
    codes = np.random.default_rng(0).integers(0, LAYOUT.codebook_size, (LAYOUT.num_codebooks, 9))
    tokens, labels = stream(codes)
    assert np.array_equal(recipe.codes_of(tokens[0], LAYOUT), codes)
    llama = random_llama(LAYOUT)
    drawn = recipe.predict(llama, LAYOUT, tokens, labels, temperature=1e-4)
    given = tokens < LAYOUT.codec_start
    assert torch.equal(drawn[given], tokens[given])
    with torch.no_grad():
        logits = llama(input_ids=tokens).logits[0]
    for place in range(1, tokens.shape[1]):
        if not given[0, place]:
            first = LAYOUT.book(
                (int(tokens[0, place]) - LAYOUT.codec_start) // LAYOUT.codebook_size
            )
            best = logits[place - 1, first : first + LAYOUT.codebook_size].argmax()
            assert drawn[0, place] == first + best


def test_crops_bring_the_codes_of_their_own_frames(tiny_codec, utterances, tmp_path):
    cache_folder = tmp_path / "cache"
    build_cache([MANIFEST], cache_folder, 24_000, 240)
    cache = AudioCache([MANIFEST], cache_folder, 24_000, 240)
    frames = {clip.utterance.id: -(-clip.length // 960) for clip in cache.clips}
    rows = [
        CodeRow(u.id, "x", np.tile(np.arange(frames[u.id], dtype=np.uint16), (2, 1)))
        for u in utterances[1:]
    ]
    write_shard(shard_path(tmp_path / "tokens", 0, 1), rows, "codec")
    config = CropConfig(8, 0.32, 0.0, {}, 0, predicted_share=0.7)
    sampler = CropSampler(
        cache, config, tiny_codec.config, predicted=CodeStore(tmp_path / "tokens")
    )
    clips, seen = {clip.utterance.id: clip for clip in cache.clips}, {True: 0, False: 0}
    for step in range(8):
        batch = sampler.batch(step)
        assert batch.codes.shape == (8, 2, 8)
        for name, codes, audio in zip(batch.ids, batch.codes, batch.audio):
            known = bool((codes >= 0).all())
            seen[known] += 1
            assert known or bool((codes == -1).all()) and (name != utterances[0].id or not known)
            if known:
                whole = cache.audio(clips[name])
                start = int(codes[0, 0]) * 960
                stretch = whole[start : start + audio.shape[1]]
                assert np.array_equal(audio[0, : len(stretch)].numpy(), stretch)
    assert min(seen.values()) > 5


def test_given_codes_are_decoded_in_place_of_the_audio_s_own(tiny_codec):
    audio = torch.randn(2, 1, 4800, generator=torch.Generator().manual_seed(0)) * 0.1
    own = tiny_codec.encode(audio).codes
    codes = torch.randint(0, 64, (2, 3, own.shape[2]), generator=torch.Generator().manual_seed(1))
    codes[1] = -1
    f0 = torch.zeros(2, 20)
    with torch.no_grad():
        mixed = tiny_codec(audio, f0, codes=codes).decoded.log_f0
        given = tiny_codec.decode_latents(tiny_codec.quantizer.lookup(codes[:1]), f0[:1]).log_f0
        kept = tiny_codec.decode_latents(tiny_codec.quantizer.lookup(own[1:]), f0[:1]).log_f0
    torch.testing.assert_close(mixed[:1], given)
    torch.testing.assert_close(mixed[1:], kept)
