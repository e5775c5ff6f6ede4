"""Put a trained codec and LM together into a model folder that `affecttts synthesize --model`
loads.

    python recipes/package_model.py --codec runs/codec/codec --lm runs/lm/lm --name my-model \\
        --output models/my-model
    python recipes/package_model.py ... --licence Apache-2.0 \\
        --corpus-licence mine/manifest.jsonl=LicenseRef-own

The model card lists the training data of all parts and their licences; weights are not marked free
where these are not.

    python recipes/package_model.py ... --phone-classifier runs/phone_classifier/phone_classifier \\
        --replay-manifest corpus/manifest.jsonl --replay-tokens runs/tokens

With the last two options it can also learn voices (`affecttts adapt`): some of the corpus goes
along, as tokens, and a phone_classifier that finds phones in recordings.
"""

from __future__ import annotations

import argparse
import shutil
from dataclasses import asdict
from functools import reduce
from operator import or_
from pathlib import Path

from affecttts.adaptation.replay import open_base_data, select_utterances, write_replay
from affecttts.data.lineage import Lineage, check_weights_licence, load_lineage, save_lineage
from affecttts.errors import RequestError
from affecttts.lm.generate import SamplingConfig
from affecttts.lm.model import load_lm
from affecttts.synthesis.model_folder import INFO_NAME, PHONE_CLASSIFIER_NAME, ModelInfo
from codec.atomic import atomic_folder
from codec.errors import CheckpointError
from codec.files import fingerprint, write_json


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--codec", required=True, type=Path)
    parser.add_argument("--lm", required=True, type=Path)
    parser.add_argument("--name", required=True)
    parser.add_argument(
        "--licence", default="unstated", help="of the weights, an SPDX name (default: unstated)"
    )
    parser.add_argument(
        "--corpus-licence",
        action="append",
        default=[],
        metavar="MANIFEST=LICENCE",
        help="licence of the rows of a manifest that state none; the manifest as on the card, "
        "such as corpus/manifest.jsonl",
    )
    parser.add_argument(
        "--voices", help="comma-separated voices to offer (default: all that the LM knows)"
    )
    parser.add_argument(
        "--voice-note",
        action="append",
        default=[],
        metavar="VOICE=TEXT",
        help="what `list voices` says of it",
    )
    parser.add_argument("--guidance", type=float, default=1.0, help="default guidance (1 = off)")
    parser.add_argument("--card", type=Path, help="model card to include")
    parser.add_argument(
        "--replay-manifest", type=Path, help="manifest of the training corpus, for adaptations"
    )
    parser.add_argument("--replay-tokens", type=Path, help="its token shards")
    parser.add_argument(
        "--replay-utterances", type=int, default=480, help="how many of it go along (default 480)"
    )
    parser.add_argument(
        "--phone-classifier",
        type=Path,
        help="what hears phones (train_phone_classifier.py), for adaptations",
    )
    parser.add_argument("--output", required=True, type=Path)
    arguments = parser.parse_args()
    language_model = load_lm(arguments.lm)
    if language_model.codec_fingerprint != fingerprint(arguments.codec):
        raise CheckpointError(
            f"{arguments.lm} was trained on codec "
            f"{language_model.codec_fingerprint}, not {arguments.codec}"
        )
    try:
        lineage = _lineage(arguments)
    except RequestError as error:
        parser.error(str(error))
    layout = language_model.layout
    voices = tuple(arguments.voices.split(",")) if arguments.voices else layout.voices
    info = ModelInfo(
        arguments.name,
        arguments.licence,
        voices,
        layout.emotions,
        guidance=arguments.guidance,
        sampling=asdict(SamplingConfig()),
        voice_notes=dict(note.split("=", 1) for note in arguments.voice_note),
    )
    with atomic_folder(arguments.output) as temporary:
        for name, source in _parts(arguments).items():
            shutil.copytree(source, temporary / name)
            save_lineage(temporary / name, lineage.part(load_lineage(source)))
        card = (
            arguments.card.read_text(encoding="utf-8")
            if arguments.card
            else f"# {info.name}\n\nLicence: {info.licence}\n"
        )
        (temporary / "MODEL_CARD.md").write_text(
            f"{card.rstrip()}\n\n{lineage.describe()}", encoding="utf-8"
        )
        write_json(temporary / INFO_NAME, asdict(info))
        if arguments.replay_manifest or arguments.replay_tokens:
            found = language_model.codec_fingerprint
            base = open_base_data(
                temporary, layout.voices, found, arguments.replay_manifest, arguments.replay_tokens
            )
            offered = [u for u in base.utterances if u.speaker in voices]
            write_replay(
                temporary, select_utterances(offered, arguments.replay_utterances), base.store
            )


def _parts(arguments: argparse.Namespace) -> dict[str, Path]:
    """Folder in the model -> folder that it is copied from."""
    parts = {"codec": arguments.codec, "lm": arguments.lm}
    return parts | (
        {PHONE_CLASSIFIER_NAME: arguments.phone_classifier} if arguments.phone_classifier else {}
    )


def _lineage(arguments: argparse.Namespace) -> Lineage:
    """That of all parts together.

    Raises:
        RequestError: it does not allow the licence of the weights.
    """
    stated = dict(pair.rpartition("=")[::2] for pair in arguments.corpus_licence)
    lineage = reduce(or_, map(load_lineage, _parts(arguments).values())).with_licences(stated)
    check_weights_licence(arguments.licence, lineage)
    return lineage


if __name__ == "__main__":
    main()
