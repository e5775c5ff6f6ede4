"""An adaptation from end to end: what `affecttts adapt` and recipes/adapt_voice.py run."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from affecttts.adaptation.asr import require
from affecttts.adaptation.config import AdaptationConfig
from affecttts.adaptation.recordings import Recording, gather
from affecttts.errors import InputError, OutputError, RequestError
from affecttts.synthesis.lora import DECODER_NAME
from affecttts.synthesis.model_folder import PHONE_CLASSIFIER_NAME, ModelInfo, read_model_info
from affecttts.synthesis.voices import (
    CARD_NAME,
    SELF_TEST_NAME,
    VoiceCard,
    check_name,
    describe_base,
    is_voice_folder,
)
from codec.atomic import atomic_folder, recover
from codec.files import fingerprint, write_json

if TYPE_CHECKING:
    from affecttts.adaptation.prepare import Prepared, Report
    from affecttts.adaptation.prosody import ProsodyReference
    from affecttts.adaptation.replay import BaseData
    from affecttts.adaptation.selftest import SelfTest
    from affecttts.adaptation.training import VoiceTrainer
    from affecttts.lm.model import TokenLM
    from codec import Codec
    from codec.training.phone_classifier import PhoneClassifier


@dataclass(frozen=True)
class AdaptationRequest:
    """What a user asks for."""

    audio: Path  # folder, table or file
    name: str
    output: Path  # folder of the voice
    model: Path | None = None  # None = the shipped model
    # what the speaker has agreed to; its hash goes into the voice's card
    consent: Path | None = None
    recogniser: Path | None = None  # folder of a Whisper model; None = the offline package
    replay_manifest: Path | None = None  # base data other than the model's own
    replay_tokens: Path | None = None
    adapt_codec: bool = False  # tune the codec's decoder too
    force: bool = False  # replace an existing voice
    show_progress: bool = True


class Declined(Exception):
    """The user said no."""


def adapt(
    request: AdaptationRequest,
    config: AdaptationConfig,
    confirm: Callable[[str], bool],
    say: Callable[[str], None],
    sentences: int | None = None,
) -> SelfTest | None:
    """Make a voice and test it, on all processes of `accelerate launch` or on this one.

    Killed and started again, it goes on where it was and ends in the same adapter.

    Args:
        confirm: is asked once, in one line, before the training.
        say: takes lines for the user.
        sentences: of the self-test; None = all.

    Returns:
        The self-test, on the main process; None on the others.

    Raises:
        RequestError, InputError, OutputError, CheckpointError: see their messages; nothing
            half-written is left.
        Declined: `confirm` said no.
    """
    run = _Adaptation(request, config, say)
    from accelerate import PartialState

    processes = PartialState()
    with _told(request.output):
        with processes.main_process_first():
            prepared = run.prepare()
        if processes.is_main_process:
            for line in prepared.report.lines():
                say(line)
            if not confirm(run.question(prepared.report)):
                run.forget()
                raise Declined
        return run.train(prepared, sentences)


class _Adaptation:
    """One request with the model that it is about. Everything that can be refused early is refused
    here.
    """

    def __init__(
        self, request: AdaptationRequest, config: AdaptationConfig, say: Callable[[str], None]
    ) -> None:
        self.request, self.config, self.say = request, config, say
        check_name(request.name)
        self.consent = _consent_hash(request.consent, config.require_consent)
        self.folder, self.info = read_model_info(request.model)
        if request.name in self.info.voices:
            raise RequestError(
                f"the model has a voice {request.name!r} of its own; choose another name"
            )
        self.work = request.output.absolute().with_name(f".{request.output.name}.adapting")
        _tidy_finished(self.work, request.output)
        _check_output(request.output, request.force)
        self.recordings = _known_emotions(gather(request.audio), self.info)
        for package in ("peft", "accelerate"):
            require(package, "adapting")
        self.codec, self.codec_fingerprint, self.lm, self.base = self._load()
        self.phone_classifier = self._load_phone_classifier()

    def _load(self) -> tuple[Codec, str, TokenLM, BaseData]:
        from affecttts.adaptation.replay import open_base_data
        from affecttts.lm.model import load_lm
        from codec import Codec

        request, lm = self.request, load_lm(self.folder / "lm")
        codec, found = (
            Codec.from_pretrained(self.folder / "codec"),
            fingerprint(self.folder / "codec"),
        )
        place = request.replay_manifest, request.replay_tokens
        return codec, found, lm, open_base_data(self.folder, lm.layout.voices, found, *place)

    def _load_phone_classifier(self) -> PhoneClassifier:
        from affecttts.adaptation.forced_alignment import load_phone_classifier

        return load_phone_classifier(self.folder)

    @cached_property
    def reference(self) -> ProsodyReference:
        """What the emotions do in the base data."""
        from affecttts.adaptation.prosody import fit_reference

        return fit_reference(
            self.base, self.codec, lambda clips: self.progress(clips, "base prosody")
        )

    def progress(self, items: Iterable, label: str) -> Iterable:
        """A bar on stderr."""
        from tqdm import tqdm

        return tqdm(items, desc=label, file=sys.stderr, disable=not self.request.show_progress)

    def prepare(self) -> Prepared:
        """Recordings -> training data in the working folder."""
        from affecttts.adaptation.prepare import Preparation
        from affecttts.adaptation.replay import fit_aligner

        def aligner():
            return fit_aligner(self.base, self.codec.config.frame_rate)

        request = self.request
        preparation = Preparation(
            self.config,
            request.name,
            self.codec,
            self.codec_fingerprint,
            self._model_key(),
            self.phone_classifier,
            aligner,
            lambda: self.reference,
            request.recogniser,
            self.say,
            self.progress,
        )
        return preparation.run(self.recordings, self.work / "prepared")

    def _model_key(self) -> str:
        base = hashlib.sha256(self.base.manifest.read_bytes()).hexdigest()
        return " ".join(
            (
                fingerprint(self.folder / "lm"),
                self.codec_fingerprint,
                fingerprint(self.folder / PHONE_CLASSIFIER_NAME),
                base,
            )
        )

    def question(self, report: Report) -> str:
        """The one line to confirm."""
        extra = " and the codec's decoder" if self.request.adapt_codec else ""
        return (
            f"adapt the voice {self.request.name!r}{extra} on {report.clips} clips "
            f"({report.clip_seconds / 60:.1f} min) "
            f"from {self.info.name}, into {self.request.output}?"
        )

    def forget(self) -> None:
        """Remove the working folder, unless some training has been done in it."""
        from affecttts.training.checkpoint import has_checkpoint

        if not has_checkpoint(self.work / "checkpoint"):
            shutil.rmtree(self.work, ignore_errors=True)

    def train(self, prepared: Prepared, sentences: int | None) -> SelfTest | None:
        """Train, test, write the voice, tidy up."""
        from accelerate import Accelerator

        from affecttts.adaptation.training import VoiceTrainer

        request, accelerator = self.request, Accelerator()
        trainer = VoiceTrainer(
            self.config,
            self.lm,
            self.codec,
            prepared,
            self.base,
            request.name,
            self.work,
            accelerator,
        )
        before = trainer.held_out_loss()
        trainer.resume()
        trainer.run(request.show_progress)
        result = None
        if accelerator.is_main_process:
            losses = (before, trainer.held_out_loss())
            with atomic_folder(request.output) as temporary:
                self._write(temporary, prepared, trainer)
                result = self._test(temporary, prepared, losses, sentences)
                write_json(temporary / SELF_TEST_NAME, result.to_dict())
                shutil.copy(temporary / CARD_NAME, self.work)
            _tidy_finished(self.work, request.output)
        accelerator.wait_for_everyone()
        return result

    def _write(self, folder: Path, prepared: Prepared, trainer: VoiceTrainer) -> None:
        trainer.save_adapter(folder)
        if self.request.adapt_codec:
            from affecttts.adaptation.decoder import DecoderTrainer

            decoder = DecoderTrainer(
                self.config, self.codec, prepared, self.lm.layout.num_codebooks, self.work
            )
            decoder.run(self.request.show_progress)
            decoder.save(folder / DECODER_NAME)
        report = asdict(prepared.report)
        data = {
            k: report[k]
            for k in (
                "key",
                "clips",
                "clip_seconds",
                "held_out",
                "transcripts",
                "emotions",
                "labelled",
            )
        }
        base = describe_base(self.folder, self.info, self.lm.layout)
        training = {
            "steps": trainer.steps,
            "adapt_codec": self.request.adapt_codec,
            **asdict(self.config),
        }
        card = VoiceCard(
            self.request.name,
            base,
            trainer.token,
            trainer.started_from,
            data,
            training,
            self.consent,
        )
        write_json(folder / CARD_NAME, card.to_dict())

    def _test(
        self, voice: Path, prepared: Prepared, losses: tuple[float, float], sentences: int | None
    ) -> SelfTest:
        from affecttts.adaptation.selftest import SENTENCES, SelfTester

        count = len(SENTENCES) if sentences is None else sentences
        tester = SelfTester(
            self.folder,
            voice,
            prepared,
            self.reference,
            losses,
            self.request.recogniser,
            self.progress,
            count,
        )
        return tester.run()


def _consent_hash(path: Path | None, required: bool) -> str | None:
    """SHA-256 of the consent file."""
    if path is None:
        if required:
            raise RequestError(
                "this configuration requires the speaker's consent: give --consent "
                "FILE (who, when, for what)"
            )
        return None
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: the consent file cannot be read ({error.strerror})") from error
    if not content.strip():
        raise RequestError(
            f"{path}: the consent file is empty; write who agreed, when, and to what"
        )
    return hashlib.sha256(content).hexdigest()


def _tidy_finished(work: Path, output: Path) -> None:
    """Remove the working folder of a voice that is there: both then hold the same card."""
    recover(output)
    card = work / CARD_NAME
    if card.is_file() and (output / CARD_NAME).is_file():
        if card.read_bytes() != (output / CARD_NAME).read_bytes():
            return  # of a voice that shall take the place of this one
        for entry in [entry for entry in work.iterdir() if entry != card]:
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
        card.unlink()  # last, for it tells that all of this can go
    if work.is_dir() and not any(work.iterdir()):
        work.rmdir()


def _check_output(output: Path, force: bool) -> None:
    if output.exists() and not (
        output.is_dir() and (not any(output.iterdir()) or is_voice_folder(output))
    ):
        raise RequestError(f"{output} is no voice; give another folder")
    if is_voice_folder(output) and not force:
        raise RequestError(f"{output} exists; give --force to replace it or another folder")
    parent = output.absolute().parent
    while not parent.exists():
        parent = parent.parent
    if not parent.is_dir() or not os.access(parent, os.W_OK):
        raise OutputError(f"{output}: the folder {parent} is not writable")


def _known_emotions(recordings: list[Recording], info: ModelInfo) -> list[Recording]:
    for recording in recordings:
        if recording.emotion and recording.emotion not in info.emotions:
            known = ", ".join(info.emotions)
            raise RequestError(
                f"{recording.path.name}: the model was not trained on "
                f"{recording.emotion!r}; it knows: {known}"
            )
    return recordings


@contextmanager
def _told(output: Path) -> Iterator[Any]:
    """What the disk refuses, in one line: the earlier voice of that name, if any, and the model are
    untouched.
    """
    from safetensors import SafetensorError

    try:
        yield
    except (InputError, OutputError):
        raise
    except (OSError, SafetensorError) as error:
        reason = getattr(error, "strerror", None) or error
        cure = "make room and run the same command again to go on"
        raise OutputError(f"{output}: cannot be written ({reason}); {cure}") from error
