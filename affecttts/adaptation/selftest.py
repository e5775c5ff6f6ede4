"""Self-test of an adapted voice: what changed, how good it is, and what stayed as it was."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch

from affecttts.adaptation.prepared import Prepared
from affecttts.adaptation.prosody import MEASURES, NEUTRAL, ProsodyReference, mean, measure
from affecttts.evaluation.judges.base import missing
from affecttts.evaluation.judges.voice import VoiceJudge
from affecttts.evaluation.judges.words import WordJudge
from affecttts.synthesis.request import SpeechRequest
from affecttts.synthesis.result import SpeechResult
from affecttts.synthesis.synthesizer import Synthesizer
from affecttts.synthesis.voices import read_card
from codec import Codec
from codec.audio import Audio, load_audio

SENTENCES = (
    "The morning train was late again, so we walked to the market.",
    "Could you leave the blue folder on my desk before lunch?",
    "Nobody expected the small garden to grow this quickly.",
    "He counted the windows of the tall house across the street.",
    "Please turn off the lights when you leave the kitchen.",
    "Our neighbours have painted their old fence a bright yellow.",
)
CONTRAST_SENTENCES = 3
SEED = 11
MOST_BASE_VOICES = 8  # that are compared with
MOST_CLIPS = 40  # held-out clips that are compared with
CEILING_SHARE = 0.85  # of the codec's own similarity to the voice, that an adapter should reach
POOR_CODEC = 0.75  # similarity of clips to their reconstruction, below which the codec is the limit


@dataclass(frozen=True)
class Row:
    """One line of the self-test."""

    name: str
    value: str
    passed: bool | None = None  # None: a number to look at, or skipped


@dataclass(frozen=True)
class SelfTest:
    """All of it."""

    rows: tuple[Row, ...]
    advice: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """For the user."""
        marks = {True: "ok  ", False: "FAIL", None: "    "}
        width = max(len(row.name) for row in self.rows)
        rows = [f"{marks[row.passed]} {row.name:<{width}}  {row.value}" for row in self.rows]
        return [*rows, *self.advice]

    def to_dict(self) -> dict:
        """Plain values for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Trained:
    """An adapted voice, and what it was made from."""

    voice: Path  # its folder
    prepared: Prepared
    reference: ProsodyReference  # of the base data
    losses: tuple[float, float]  # of the held-out clips, before and after


class SelfTester:
    """Speaks with and without a voice and compares.

    Args:
        model: model folder.
        trained: the adapted voice.
        recogniser: folder of a Whisper model; None = the offline package.
        progress: wraps an iterable as (iterable, label).
        sentences: how many of `SENTENCES` are spoken.
    """

    def __init__(
        self,
        model: Path | None,
        trained: Trained,
        recogniser: Path | None,
        progress: Callable[[Iterable, str], Iterable],
        sentences: int = len(SENTENCES),
    ) -> None:
        self.synthesizer = Synthesizer.from_pretrained(model)
        self.prepared, self.reference, self.losses = (
            trained.prepared,
            trained.reference,
            trained.losses,
        )
        self.recogniser, self.progress, self.texts = recogniser, progress, SENTENCES[:sentences]
        self.base_voices = self.synthesizer.voices[:MOST_BASE_VOICES]
        self.card = read_card(trained.voice)
        before = [self._speak(self.texts[0], name) for name in self.base_voices]
        self.name = self.synthesizer.load_voice(trained.voice)
        after = [self._speak(self.texts[0], name) for name in self.base_voices]
        self.unchanged = all(a.audio.tobytes() == b.audio.tobytes() for a, b in zip(before, after))
        self.spoken = {name: self._sentences(name) for name in (*self.base_voices, self.name)}

    def run(self) -> SelfTest:
        """All rows; those whose judge is missing say what to install."""
        rows = [self._difference(), self._base_voices(), self._likelihood()]
        similarity, advice = self._similarity()
        return SelfTest((*rows, *similarity, self._words(), *self._contrasts()), tuple(advice))

    def _speak(self, text: str, voice: str, emotion: str = NEUTRAL) -> SpeechResult:
        return self.synthesizer.synthesize(text, emotion=emotion, voice=voice, seed=SEED)

    def _sentences(self, voice: str) -> list[SpeechResult]:
        return [self._speak(text, voice) for text in self.progress(self.texts, f"speak as {voice}")]

    # -- rows
    def _difference(self) -> Row:
        """The same request with the adapter merged in and without, the voice's own slot in both."""
        request = SpeechRequest(self.texts[0], emotion=NEUTRAL, voice=self.name, seed=SEED)
        plain = replace(self.synthesizer.speaker(self.name), engine=self.synthesizer.engine)
        without = self.synthesizer.speak(self.synthesizer.prepare(request), speaker=plain)
        same = np.array_equal(without.codes, self.spoken[self.name][0].codes)
        return Row(
            "output differs with the adapter", "no: it has no effect" if same else "yes", not same
        )

    def _base_voices(self) -> Row:
        what = f"{len(self.base_voices)} voices, byte for byte"
        return Row("base voices unchanged", what if self.unchanged else "no", self.unchanged)

    def _likelihood(self) -> Row:
        before, after = self.losses
        return Row("loss on held-out clips", f"{before:.3f} -> {after:.3f}", after < before)

    def _similarity(self) -> tuple[list[Row], list[str]]:
        """Cosines of held-out clips with synthesis before (the nearest base voice) and after.

        Their own reconstruction by the codec is the ceiling.
        """
        name = "speaker similarity to held-out clips"
        if cure := missing(VoiceJudge.packages):
            return [Row(name, f"skipped: {cure}")], []
        judge, codec = VoiceJudge(), self.synthesizer.speaker(self.name).codec
        held_out = self.prepared.utterances("test")[:MOST_CLIPS]
        clips = [
            load_audio(self.prepared.folder / u.path, codec.config.sample_rate) for u in held_out
        ]
        centre = _voices(judge, clips).mean(axis=0)
        centre /= np.linalg.norm(centre)

        def similarity(audio: list[Audio]) -> float:
            return float((_voices(judge, audio) @ centre).mean()) if audio else float("nan")

        spoken = {voice: similarity(_audible(results)) for voice, results in self.spoken.items()}
        ceiling = similarity(
            [_rebuilt(codec, clip, self.synthesizer.layout.num_codebooks) for clip in clips]
        )
        after = spoken.pop(self.name)
        best = max(spoken, key=lambda voice: np.nan_to_num(spoken[voice], nan=-1.0))
        values = (
            f"{spoken[best]:.3f} ({best}, before) -> {after:.3f}; the codec's own: "
            f"{ceiling:.3f} ({judge.name})"
        )
        rows = [
            Row(name, values, after > spoken[best]),
            Row(
                "share of the codec's own similarity",
                f"{100 * after / ceiling:.0f} %",
                after > CEILING_SHARE * ceiling,
            ),
        ]
        return rows, _codec_advice(ceiling)

    def _words(self) -> Row:
        name = "word error rate"
        if cure := missing(WordJudge.packages_for(self.recogniser)):
            return Row(name, f"skipped: {cure}")
        judge, start = WordJudge(model=self.recogniser), self.card.started_from
        voice = start if start in self.spoken else self.base_voices[0]
        before, after = (
            _word_errors(judge, [_audio(r) for r in self.spoken[v]], self.texts)
            for v in (voice, self.name)
        )
        value = (
            f"{before:.1f} % ({voice}) -> {after:.1f} % ({judge.name}, {len(self.texts)} sentences)"
        )
        return Row(name, value, after <= before + 5)

    def _contrasts(self) -> list[Row]:
        """How many of the shifts that are clear in the base data keep their sign in the voice."""
        name, right, shown = "emotion contrasts with the right sign", [], []
        emotions = [e for e in self.reference.emotions if e in self.synthesizer.emotions]
        if not emotions or not self.reference.clear.any():
            return [Row(name, "skipped: the base data has no clear ones")]
        neutral = self._measured_all(NEUTRAL)
        for emotion in self.progress(emotions, "emotions"):
            index = self.reference.emotions.index(emotion)
            shift = mean(self._measured_all(emotion) - neutral)
            clear = self.reference.clear[index]
            signs = np.sign(shift) == np.sign(self.reference.means[index])
            right += signs[clear].tolist()
            parts = [
                f"{m} {s:+.1f} {u}" for (m, u), s, c in zip(MEASURES.items(), shift, clear) if c
            ]
            shown.append(
                Row(f"  {emotion}", f"{signs[clear].sum()} of {clear.sum()}: {', '.join(parts)}")
            )
        share = float(np.mean(right))
        return [Row(name, f"{100 * share:.0f} % of {len(right)}", share >= 0.8), *shown]

    def _measured_all(self, emotion: str) -> np.ndarray:
        """`measure` of the first sentences, [N,5]."""
        texts = self.texts[:CONTRAST_SENTENCES]
        return np.array([self._measured(text, emotion) for text in texts])

    def _measured(self, text: str, emotion: str) -> np.ndarray:
        result = self._speak(text, self.name, emotion)
        return measure(self.synthesizer.speaker(self.name).codec, result.codes, result.phones)


def _audio(result: SpeechResult) -> Audio:
    return Audio(result.audio, result.sample_rate)


def _audible(results: list[SpeechResult]) -> list[Audio]:
    return [_audio(result) for result in results if len(result.audio)]


def _rebuilt(codec: Codec, clip: Audio, books: int) -> Audio:
    """Through the codec and back, with as many codebooks as the LM speaks."""
    encoded = codec.encode(torch.from_numpy(clip.samples)[None, None], books)
    return Audio(codec.decode(encoded.codes, encoded.num_samples)[0, 0].numpy(), clip.sample_rate)


def _codec_advice(ceiling: float) -> list[str]:
    if ceiling >= POOR_CODEC:
        return []
    return [
        f"note: the codec itself keeps only {ceiling:.2f} of this voice's identity, and no adapter "
        "can exceed that; adapt again with --adapt-codec to tune its decoder to the voice"
    ]


def _voices(judge: VoiceJudge, clips: list[Audio]) -> np.ndarray:
    """Unit vectors [N,256] of the voices in clips."""
    return np.stack([judge(clip.samples, clip.sample_rate) for clip in clips])


def _word_errors(judge: WordJudge, clips: list[Audio], texts: Sequence[str]) -> float:
    """Word error rate over all clips, %."""
    counts = [judge(clip.samples, clip.sample_rate, text) for clip, text in zip(clips, texts)]
    return 100 * sum(c.errors for c in counts) / sum(c.words for c in counts)
