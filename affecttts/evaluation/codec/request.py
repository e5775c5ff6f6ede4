"""From what was asked for on the command line to the codecs under test."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from affecttts.errors import RequestError
from affecttts.evaluation.codec.baselines import BASELINES, open_baseline
from affecttts.evaluation.codec.systems import Absent, AffectCodec, Command, System, Transformers
from affecttts.synthesis.model_folder import SHIPPED
from codec.errors import CheckpointError
from codec.files import CONFIG_NAME, read_json

SHIPPED_NAME = "shipped"
OTHERS = ("encodec", "dac", "mimi")  # model types of the package transformers
EXTERNAL = re.compile(r"(?P<name>[^=@]+)(?:@(?P<rate>\d+(?:\.\d+)?))?=(?P<command>.+)", re.DOTALL)


@dataclass(frozen=True)
class CodecRequest:
    """Which codecs, at what."""

    # DIR, NAME=DIR, a baseline, or with `download` a name of the hub
    codecs: tuple[str, ...] = (SHIPPED_NAME,)
    bitrates: tuple[float, ...] = ()  # kbit/s of baselines; none = their usual ones
    num_codebooks: tuple[int, ...] = ()  # of codecs with codebooks; none = all of them
    external: tuple[str, ...] = ()  # NAME[@KBPS]=COMMAND
    timeout_seconds: float = 60.0
    download: bool = False


def open_systems(request: CodecRequest) -> list[System | Absent]:
    """The systems in the order asked for.

    Raises:
        RequestError: a name that is neither a folder nor a baseline, or options that do not fit it.
        CheckpointError: a folder without a codec.
    """
    systems = [system for codec in request.codecs for system in _open(codec, request)]
    return systems + [_external(text, request.timeout_seconds) for text in request.external]


def _external(text: str, timeout_seconds: float) -> Command:
    match = EXTERNAL.fullmatch(text)
    if match is None:
        raise RequestError(
            f'--external {text!r}: write it as "NAME=program {{in}} {{out}}", or NAME@KBPS=...'
        )
    return Command(
        match["name"],
        match["command"],
        float(match["rate"]) if match["rate"] else None,
        timeout_seconds,
    )


def _open(codec: str, request: CodecRequest) -> list[System | Absent]:
    if codec in BASELINES:
        return open_baseline(codec, request.bitrates)
    name, _, place = codec.rpartition("=")
    folder = SHIPPED / "codec" if place == SHIPPED_NAME else Path(place)
    if folder.is_dir():
        return _of_folder(name or _label(folder), folder, request.num_codebooks)
    if request.download:
        return _of_transformers(name or place, place, request.num_codebooks, local=False)
    known = ", ".join((SHIPPED_NAME, *BASELINES))
    raise RequestError(
        f"--codec {codec}: no such folder; give one, {known}, or --download with a "
        "name of the model hub"
    )


def _label(folder: Path) -> str:
    folder = folder.resolve()
    if folder == (SHIPPED / "codec").resolve():
        return SHIPPED_NAME
    return folder.parent.name if folder.name == "codec" else folder.name


def _of_folder(name: str, folder: Path, depths: Sequence[int]) -> list[System]:
    kind = read_json(folder / CONFIG_NAME).get("model_type")
    if kind in OTHERS:
        return _of_transformers(name, str(folder), depths, local=True)
    from codec import Codec

    codec = Codec.from_pretrained(folder)
    return [AffectCodec(_named(name, depth), folder, codec, depth) for depth in depths or (None,)]


def _of_transformers(name: str, place: str, depths: Sequence[int], local: bool) -> list[System]:
    from transformers import AutoModel

    try:
        model = AutoModel.from_pretrained(
            place, local_files_only=local, use_safetensors=True
        ).eval()
    except (OSError, ValueError) as error:
        raise CheckpointError(
            f"{place}: not loadable as EnCodec, DAC or Mimi ({str(error).splitlines()[0]})"
        ) from error
    if model.config.model_type not in OTHERS:
        raise RequestError(
            f"{place}: a {model.config.model_type} model, none of {', '.join(OTHERS)}"
        )
    return [Transformers(_named(name, depth), model, depth) for depth in depths or (None,)]


def _named(name: str, depth: int | None) -> str:
    return name if depth is None else f"{name} k={depth}"
