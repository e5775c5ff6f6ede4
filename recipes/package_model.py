"""Put a trained codec and LM together into a model folder that `affecttts synthesize --model`
loads.

    python recipes/package_model.py --codec runs/codec/codec --lm runs/lm/lm --name my-model \\
        --output models/my-model
    python recipes/package_model.py ... --licence Apache-2.0 \\
        --corpus-licence mine/manifest.jsonl=LicenseRef-own

The model card lists the training data of all parts and their licences; weights are not marked free
where these are not.

    python recipes/package_model.py ... --phone-classifier runs/phone_classifier/phone_classifier \\
        --speaker-encoder runs/speaker_encoder/speaker_encoder \\
        --replay-manifest corpus/manifest.jsonl --replay-tokens runs/tokens

With the last options it can also learn voices (`affecttts adapt`): some of the corpus goes along,
as tokens, a phone classifier that finds phones in recordings, and a speaker encoder, which makes a
voice's code from a clip (`--voice-from`).
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Callable
from dataclasses import asdict
from functools import reduce
from operator import or_
from pathlib import Path

from affecttts.adaptation.replay import open_base_data, select_utterances, write_replay
from affecttts.cli.script import run_script, script_parser
from affecttts.data.lineage import Lineage, check_weights_licence, load_lineage, save_lineage
from affecttts.errors import RequestError
from affecttts.lm.generate import SamplingConfig
from affecttts.lm.model import TokenLM, load_lm
from affecttts.synthesis.model_folder import (
    INFO_NAME,
    PHONE_CLASSIFIER_NAME,
    SPEAKER_ENCODER_NAME,
    ModelInfo,
)
from codec import Codec
from codec.atomic import atomic_folder
from codec.errors import CheckpointError
from codec.files import fingerprint, write_json


def parse() -> argparse.Namespace:
    """Command line."""
    parser = script_parser(__doc__)
    add = parser.add_argument
    add("--codec", required=True, type=Path)
    add("--lm", required=True, type=Path)
    add("--name", required=True)
    licence = "of the weights, an SPDX name (default: unstated)"
    add("--licence", default="unstated", help=licence)
    add(
        "--corpus-licence",
        action="append",
        default=[],
        type=lambda text: pair(text, str.rpartition),
        metavar="MANIFEST=LICENCE",
        help="licence of the rows of a manifest that state none; the manifest as on the card, "
        "such as corpus/manifest.jsonl",
    )
    add("--voices", help="comma-separated voices to offer (default: all that the LM knows)")
    add(
        "--voice-note",
        action="append",
        default=[],
        type=pair,
        metavar="VOICE=TEXT",
        help="what `list voices` says of it",
    )
    add("--guidance", type=float, default=1.0, help="default guidance (1 = off)")
    add("--card", type=Path, help="model card to include")
    add("--replay-manifest", type=Path, help="manifest of the training corpus, for adaptations")
    add("--replay-tokens", type=Path, help="its token shards")
    replay = "how many of it go along (default 480)"
    add("--replay-utterances", type=int, default=480, help=replay)
    classifier = "what hears phones (train_phone_classifier.py), for adaptations"
    add("--phone-classifier", type=Path, help=classifier)
    encoder = "what encoded the voices (train_speaker_encoder.py), for --voice-from and adaptations"
    add("--speaker-encoder", type=Path, help=encoder)
    consent = "refuse --voice-from without --consent FILE"
    add("--require-consent", action="store_true", help=consent)
    add("--output", required=True, type=Path)
    return parser.parse_args()


def pair(text: str, split: Callable = str.partition) -> tuple[str, str]:
    """ "a=b" -> ("a", "b"), at the first "=" or, with `str.rpartition`, at the last.

    Raises:
        ArgumentTypeError: no such pair.
    """
    name, separator, value = split(text, "=")
    if not separator:
        raise argparse.ArgumentTypeError(f"{text!r} is no pair; write NAME=VALUE")
    return name, value


def main() -> None:
    arguments = parse()
    language_model = load_lm(arguments.lm)
    if language_model.codec_fingerprint != fingerprint(arguments.codec):
        raise CheckpointError(
            f"{arguments.lm} was trained on codec "
            f"{language_model.codec_fingerprint}, not {arguments.codec}"
        )
    if (encoder := arguments.speaker_encoder) and fingerprint(encoder) != (
        language_model.voices.speaker_encoder
    ):
        raise CheckpointError(
            f"{arguments.lm}: its voices are of the speaker encoder "
            f"{language_model.voices.speaker_encoder}, not of {encoder}"
        )
    lineage = _lineage(arguments)
    info = _info(arguments, language_model)
    card = f"# {info.name}\n\nLicence: {info.licence}\n"
    card = arguments.card.read_text(encoding="utf-8") if arguments.card else card
    with atomic_folder(arguments.output) as temporary:
        for name, source in _parts(arguments).items():
            shutil.copytree(source, temporary / name)
            save_lineage(temporary / name, lineage.part(load_lineage(source)))
        (temporary / "MODEL_CARD.md").write_text(
            f"{card.rstrip()}\n\n{lineage.describe()}", encoding="utf-8"
        )
        write_json(temporary / INFO_NAME, asdict(info))
        if arguments.replay_manifest or arguments.replay_tokens:
            _add_replay(temporary, arguments, language_model, info.voices)


def _info(arguments: argparse.Namespace, model: TokenLM) -> ModelInfo:
    """What the model says of itself.

    Raises:
        RequestError: a voice that the LM does not know.
    """
    known = model.voices.means
    voices = tuple(arguments.voices.split(",")) if arguments.voices else tuple(known)
    notes = dict(arguments.voice_note)
    if strangers := sorted({*voices, *notes} - {*known}):
        some = ", ".join(sorted(known)[:20])
        raise RequestError(f"the LM knows no voices {strangers}; known: {some}")
    slots = model.layout.voices_are_slots
    return ModelInfo(
        arguments.name,
        arguments.licence,
        voices,
        model.layout.emotions,
        guidance=arguments.guidance,
        sampling=asdict(SamplingConfig.at(Codec.read_config(arguments.codec).frame_rate)),
        voice_notes=notes,
        voice_codes={} if slots else {name: known[name].hex() for name in voices},
        require_consent=arguments.require_consent,
    )


def _add_replay(
    folder: Path, arguments: argparse.Namespace, model: TokenLM, voices: tuple[str, ...]
) -> None:
    """Some of the corpus as tokens, of the voices that are offered."""
    manifest, tokens = arguments.replay_manifest, arguments.replay_tokens
    known = tuple(model.voices.codes)
    base = open_base_data(folder, known, model.codec_fingerprint, manifest, tokens)
    offered = [u for u in base.utterances if u.speaker in voices]
    write_replay(folder, select_utterances(offered, arguments.replay_utterances), base.store)


def _parts(arguments: argparse.Namespace) -> dict[str, Path]:
    """Folder in the model -> folder that it is copied from."""
    parts = {
        "codec": arguments.codec,
        "lm": arguments.lm,
        PHONE_CLASSIFIER_NAME: arguments.phone_classifier,
        SPEAKER_ENCODER_NAME: arguments.speaker_encoder,
    }
    return {name: folder for name, folder in parts.items() if folder}


def _lineage(arguments: argparse.Namespace) -> Lineage:
    """That of all parts together.

    Raises:
        RequestError: it does not allow the licence of the weights.
    """
    stated = dict(arguments.corpus_licence)
    lineage = reduce(or_, map(load_lineage, _parts(arguments).values())).with_licences(stated)
    check_weights_licence(arguments.licence, lineage)
    return lineage


if __name__ == "__main__":
    sys.exit(run_script(main))
