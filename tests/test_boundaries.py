"""Who may import whom, what a light command must not load, and what no file may do."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

import affecttts
from tiny_models import REPOSITORY

FOLDERS = ("codec", "affecttts", "recipes")
FILES = [path for folder in FOLDERS for path in sorted((REPOSITORY / folder).rglob("*.py"))]
LAYERS = {
    "codec": {"torch", "numpy", "soundfile", "soxr", "safetensors", "av"},
    "affecttts": {
        "affecttts",
        "codec",
        "torch",
        "numpy",
        "safetensors",
        "sentencepiece",
        "phonemizer",
        "espeakng_loader",
        "num2words",
        "yaml",
        "tqdm",
        "transformers",
        "pyworld",
        "tensorboard",
        "ctranslate2",
        "funasr",
        "matplotlib",
        "praatio",
        "pyarrow",
        "accelerate",
        "peft",
        "faster_whisper",
        "py3langid",
        "resemblyzer",
        "distillmos",
        "jiwer",
        "whisper_normalizer",
        "pystoi",
        "pesq",
        "librosa",
        "onnxruntime",
        "visqol",
        "fastapi",
        "starlette",
        "uvicorn",
        "prometheus_client",
        "wyoming",
        "mcp",
        "mcp_types",
    },
    "recipes": {
        "recipes",
        "affecttts",
        "codec",
        "torch",
        "numpy",
        "accelerate",
        "transformers",
        "peft",
        "tqdm",
        "ray",
        "yaml",
        "soundfile",
        "matplotlib",
        "onnx",
        "onnxruntime",
        "G722",
        "scipy",
        "sklearn",
    },
}
UNSAFE_CALLS = {
    "torch.load",
    "pickle.load",
    "pickle.loads",
    "joblib.load",
    "numpy.load",
    "np.load",
    "eval",
    "exec",
    "yaml.load",
}
UNSAFE_MODULES = {"pickle", "dill", "joblib", "shelve", "cloudpickle"}


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def imported(path: Path) -> set[str]:
    """Top-level names of all modules that a file imports, also inside functions and for type
    checkers.
    """
    names = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names.add(node.module.split(".")[0])
    return names


def dotted(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else "?"


def run(*arguments: str) -> str:
    """Standard output of a fresh Python."""
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    result = subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
        env=environment,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_there_are_files_to_check():
    assert len(FILES) > 40 and {path.relative_to(REPOSITORY).parts[0] for path in FILES} == set(
        FOLDERS
    )


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_imports_point_one_way(path):
    """recipes -> affecttts -> codec -> torch, and nothing that is not declared."""
    layer = path.relative_to(REPOSITORY).parts[0]
    own = {layer} if layer != "recipes" else set()
    foreign = imported(path) - set(sys.stdlib_module_names) - LAYERS[layer] - own
    assert not foreign


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_nothing_is_unpickled_or_evaluated(path):
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call):
            assert dotted(node.func) not in UNSAFE_CALLS, f"{path}:{node.lineno}"
            for keyword in node.keywords:
                assert keyword.arg not in ("trust_remote_code", "allow_pickle"), (
                    f"{path}:{node.lineno}"
                )
    assert not imported(path) & UNSAFE_MODULES


HEAVY_NAMES = ("torch", "transformers", "accelerate", "peft", "pyworld", "matplotlib", "pyarrow")
HEAVY = f"[name for name in {HEAVY_NAMES} if name in sys.modules]"
LIGHT = {
    "affecttts": "import affecttts",
    "affecttts.cli": "import affecttts.cli.main",
    "affecttts.text": "import affecttts.text",
    "EmotionSpec": "from affecttts import EmotionSpec; EmotionSpec.parse('happy')",
    "SpeechRequest": "from affecttts import SpeechRequest; SpeechRequest('Hi.', emotion='happy')",
    "codec.errors": "import codec.errors",
    "help": "from affecttts.cli.main import main\ntry: main(['--help'])\nexcept SystemExit: pass",
    "help of a command": "from affecttts.cli.main import main\ntry: main(['synthesize', "
    "'--help'])\nexcept SystemExit: pass",
    "data": "from affecttts.cli.main import main\nmain(['data', 'check', '/nonexistent', "
    "'--cache', "
    "':memory:'])",
    "help of adapt": "from affecttts.cli.main import main\ntry: main(['adapt', '--help'])\nexcept "
    "SystemExit: pass",
    "voices": "from affecttts.cli.main import main\nmain(['voices', 'info', '/nonexistent'])",
    "a refused request": "from affecttts.cli.main import main\nmain(['synthesize', '--model', "
    "'/nonexistent', '--text', 'x', '-o', 'y'])",
}


@pytest.mark.parametrize("code", LIGHT.values(), ids=LIGHT)
def test_light_things_load_nothing_heavy(code):
    assert run("-c", f"import sys\n{code}\nprint({HEAVY})").splitlines()[-1] == "[]"


def test_the_public_names():
    assert (
        run(
            "-c",
            "import affecttts; print(all(hasattr(affecttts, name) for name in affecttts.__all__))",
        ).strip()
        == "True"
    )
    with pytest.raises(AttributeError, match="sing"):
        affecttts.sing  # noqa: B018
    assert (
        run(
            "-c", "import codec; print(all(hasattr(codec, name) for name in codec.__all__))"
        ).strip()
        == "True"
    )


def test_speaking_loads_no_transformers():
    loads = (
        "import sys, affecttts.synthesis.synthesizer, affecttts.lm.engine, affecttts.lm.model, "
        "affecttts.lm.generate, codec.model\n"
    )
    assert run("-c", loads + "print('transformers' in sys.modules)").strip() == "False"


def test_our_names_do_not_hide_what_others_import():
    """`codec` is a common word: libraries must still find what they look for with ours in place."""
    code = (
        "import codec, affecttts.synthesis.synthesizer, transformers\nfrom transformers import "
        "LlamaForCausalLM, AutoTokenizer\nprint(codec.__file__)"
    )
    assert Path(run("-c", code).strip().splitlines()[-1]).parent == REPOSITORY / "codec"


def test_the_module_is_the_command():
    assert run("-m", "affecttts", "--version").startswith("affecttts ")
