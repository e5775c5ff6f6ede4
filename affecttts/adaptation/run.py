"""An adaptation from end to end: what `affecttts adapt` runs."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from affecttts.adaptation.asr import require
from affecttts.adaptation.config import AdaptationConfig, AdaptationRequest
from affecttts.adaptation.recordings import check_emotions, gather
from affecttts.errors import InputError, OutputError, RequestError
from affecttts.synthesis.lora import DECODER_NAME
from affecttts.synthesis.model_folder import PHONE_CLASSIFIER_NAME, read_model_info
from affecttts.synthesis.voices import (
    CARD_NAME,
    SELF_TEST_NAME,
    VoiceCard,
    check_name,
    describe_base,
)
from codec.atomic import atomic_folder, recover
from codec.files import fingerprint, write_json
from codec.inputs.door import RECORD_BYTES, file_digest

if TYPE_CHECKING:
    from affecttts.adaptation.prepared import Prepared, Report
    from affecttts.adaptation.prosody import ProsodyReference
    from affecttts.adaptation.replay import BaseData
    from affecttts.adaptation.selftest import SelfTest
    from affecttts.adaptation.training import VoiceTrainer
    from affecttts.lm.model import TokenLM
    from codec import Codec
    from codec.speaker import SpeakerEncoder
    from codec.training.phone_classifier import PhoneClassifier


# what the card says of the training data
REPORTED = "key clips clip_seconds held_out transcripts emotions labelled".split()


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

    A run that was killed and is started again goes on where it was and ends in the same adapter.

    Args:
        confirm: gets the question to ask once, in one line, before the training.
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
    with _one_line_errors(request.output):
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
    """One request and its model; whatever can be refused is refused when it is made."""

    def __init__(
        self, request: AdaptationRequest, config: AdaptationConfig, say: Callable[[str], None]
    ) -> None:
        self.request, self.config, self.say = request, config, say
        check_name(request.name)
        self.consent = request.consent_hash(config.require_consent)
        self.folder, self.info = read_model_info(request.model)
        if request.name in self.info.voices:
            raise RequestError(
                f"the model has a voice {request.name!r} of its own; choose another name"
            )
        self.work = request.output.absolute().with_name(f".{request.output.name}.adapting")
        _tidy_finished(self.work, request.output)
        request.check_output()
        self.recordings = gather(request.audio)
        check_emotions(self.recordings, self.info.emotions)
        for package in ("peft", "accelerate"):
            require(package, "adapting")
        self.codec, self.codec_fingerprint, self.lm, self.base = self._load()
        self.phone_classifier = self._load_phone_classifier()
        self.speaker_encoder = self._load_speaker_encoder()

    def _load(self) -> tuple[Codec, str, TokenLM, BaseData]:
        from affecttts.adaptation.replay import open_base_data
        from affecttts.lm.model import load_lm
        from codec import Codec

        request, lm = self.request, load_lm(self.folder / "lm")
        codec = Codec.from_pretrained(self.folder / "codec")
        found, place = (
            fingerprint(self.folder / "codec"),
            (request.replay_manifest, request.replay_tokens),
        )
        return codec, found, lm, open_base_data(self.folder, tuple(lm.voices.codes), found, *place)

    def _load_phone_classifier(self) -> PhoneClassifier:
        from affecttts.data.alignment.likelihoods import load_phone_classifier
        from affecttts.data.alignment.units import ENGLISH

        return load_phone_classifier(self.folder / PHONE_CLASSIFIER_NAME, ENGLISH)

    def _load_speaker_encoder(self) -> SpeakerEncoder | None:
        """What makes the code of the voice; None where voices are slots."""
        from affecttts.synthesis.clip_voice import load_speaker_encoder

        if self.lm.layout.voices_are_slots:
            return None
        return load_speaker_encoder(self.folder, self.lm.voices.speaker_encoder)

    @cached_property
    def reference(self) -> ProsodyReference:
        """How each emotion changes prosody in the base data."""
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
        from affecttts.adaptation.prepare import Preparation, Tools
        from affecttts.adaptation.replay import fit_aligner

        tools = Tools(
            codec=self.codec,
            codec_fingerprint=self.codec_fingerprint,
            model_key=self._model_key(),
            phone_classifier=self.phone_classifier,
            aligner=lambda: fit_aligner(self.base, self.codec.config.frame_rate),
            reference=lambda: self.reference,
            recogniser=self.request.recogniser,
            say=self.say,
            progress=self.progress,
        )
        preparation = Preparation(self.config, self.request.name, tools)
        return preparation.run(self.recordings, self.work / "prepared")

    def _model_key(self) -> str:
        lm, phones = (fingerprint(self.folder / name) for name in ("lm", PHONE_CLASSIFIER_NAME))
        base = file_digest(self.base.manifest, RECORD_BYTES)
        return f"{lm} {self.codec_fingerprint} {phones} {base}"

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

        from affecttts.adaptation.training import VoiceData, VoiceTrainer

        request, accelerator = self.request, Accelerator()
        self.code = self._voice_code(prepared)
        data = VoiceData(request.name, self.code, self.lm, self.codec, prepared, self.base)
        trainer = VoiceTrainer(self.config, data, self.work, accelerator)
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

    def _voice_code(self, prepared: Prepared) -> bytes:
        """The code of the new voice: by its clips or, where voices are slots, the next one.

        Raises:
            RequestError: there is no slot left.
        """
        from affecttts.synthesis.clip_voice import code_of

        if self.speaker_encoder:
            return code_of(self.speaker_encoder, prepared.clips("train"))
        code = bytes([len(self.lm.voices.codes)])
        self.lm.layout.voice(code)
        return code

    def _write(self, folder: Path, prepared: Prepared, trainer: VoiceTrainer) -> None:
        from affecttts.adaptation.adapter import save_adapter

        save_adapter(trainer.peft, folder)
        if self.request.adapt_codec:
            from affecttts.adaptation.decoder import DecoderTrainer

            books = self.lm.layout.num_codebooks
            decoder = DecoderTrainer(self.config, self.codec, prepared, books, self.work)
            decoder.run(self.request.show_progress)
            decoder.save(folder / DECODER_NAME)
        write_json(folder / CARD_NAME, self._card(prepared, trainer).to_dict())

    def _card(self, prepared: Prepared, trainer: VoiceTrainer) -> VoiceCard:
        report, asked = asdict(prepared.report), {"adapt_codec": self.request.adapt_codec}
        return VoiceCard(
            self.request.name,
            describe_base(self.folder, self.info, self.lm.layout),
            self.code.hex(),
            trainer.started_from,
            {name: report[name] for name in REPORTED},
            {"steps": trainer.steps, **asked, **asdict(self.config)},
            self.consent,
        )

    def _test(
        self, voice: Path, prepared: Prepared, losses: tuple[float, float], sentences: int | None
    ) -> SelfTest:
        from affecttts.adaptation.selftest import SENTENCES, SelfTester, Trained

        count = len(SENTENCES) if sentences is None else sentences
        trained = Trained(voice, prepared, self.reference, losses)
        recogniser = self.request.recogniser
        return SelfTester(self.folder, trained, recogniser, self.progress, count).run()


@contextmanager
def _one_line_errors(output: Path) -> Iterator[Any]:
    """What the disk refuses, as an OutputError; an earlier voice of that name stays as it was."""
    from safetensors import SafetensorError

    try:
        yield
    except (InputError, OutputError):
        raise
    except (OSError, SafetensorError) as error:
        reason = getattr(error, "strerror", None) or error
        cure = "make room and run the same command again to go on"
        raise OutputError(f"{output}: cannot be written ({reason}); {cure}") from error


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
