"""Emotion recognisers of a hub, as tiny random models of the same classes."""

import sys
from types import ModuleType

import numpy as np
import pytest
import torch

from affecttts.errors import RequestError
from affecttts.evaluation.judges.emotion import load_emotion_judge
from affecttts.evaluation.judges.hub import emotion_of

AUDIO = np.random.default_rng(0).normal(0, 0.1, 24000).astype(np.float32)


@pytest.mark.parametrize(
    "label, emotion",
    [
        ("hap", "happy"),
        ("Anger", "angry"),
        ("SAD", "sad"),
        ("生气/angry", "angry"),
        ("<unk>", "unk"),
        ("neu", "neutral"),
        ("Fear", "fearful"),
        ("disgust", "disgusted"),
        ("surprise", "surprised"),
        ("calm", "calm"),
        ("bored", "bored"),
    ],
)
def test_labels_are_read_as_our_emotions(label, emotion):
    assert emotion_of(label) == emotion


def test_an_audio_classifier_of_transformers(tmp_path):
    from transformers import (
        Wav2Vec2Config,
        Wav2Vec2FeatureExtractor,
        Wav2Vec2ForSequenceClassification,
    )

    torch.manual_seed(0)
    names = {0: "ang", 1: "hap", 2: "excited", 3: "neu"}
    config = Wav2Vec2Config(
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        conv_dim=(8,) * 7,
        num_feat_extract_layers=7,
        classifier_proj_size=8,
        num_conv_pos_embeddings=4,
        num_conv_pos_embedding_groups=2,
        id2label=names,
        label2id={name: index for index, name in names.items()},
        feat_extract_norm="group",
    )
    Wav2Vec2ForSequenceClassification(config).save_pretrained(tmp_path / "tiny")
    Wav2Vec2FeatureExtractor().save_pretrained(tmp_path / "tiny")
    judge = load_emotion_judge(f"transformers:{tmp_path / 'tiny'}")
    answer = judge(AUDIO, 24000)
    assert judge.labels[0] == "angry" and set(judge.labels) <= {
        "angry",
        "happy",
        "excited",
        "neutral",
    }
    assert answer.shape == (len(judge.labels),) and answer.sum() == pytest.approx(1, abs=1e-5)
    assert judge(AUDIO[:50], 24000).sum() == pytest.approx(1, abs=1e-5), (
        "clips that are too short are padded"
    )
    assert "wav2vec2_bert" in judge.card.taught


def test_emotion2vec_through_funasr(monkeypatch):
    class AutoModel:
        def __init__(self, **options):
            assert options["model"] == "some/model"

        def generate(self, audio, **options):
            assert audio.dtype == np.float32
            return [{"labels": ["生气/angry", "开心/happy", "难过/sad"], "scores": [0.2, 0.7, 0.1]}]

    package = ModuleType("funasr")
    package.AutoModel = AutoModel
    monkeypatch.setitem(sys.modules, "funasr", package)
    judge = load_emotion_judge("emotion2vec:some/model")
    assert judge.labels == ("angry", "happy", "sad") and judge(AUDIO, 24000) == pytest.approx(
        [0.2, 0.7, 0.1]
    )
    assert "emotion2vec" in judge.card.taught


def test_what_is_missing_is_said(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "funasr", None)
    with pytest.raises(RequestError, match=r"affecttts\[emotion2vec\]"):
        load_emotion_judge("emotion2vec:some/model")
    with pytest.raises(RequestError, match="name or folder"):
        load_emotion_judge("transformers:")
    with pytest.raises(RequestError, match="cannot be loaded"):
        load_emotion_judge(f"transformers:{tmp_path}")
