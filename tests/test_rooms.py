"""The rooms of the packages: which may import which, and how large a room, a module and a function
may grow.
"""

import ast
from collections import Counter
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from tiny_models import REPOSITORY

# From the ground up: a room imports itself and what stands before it.
ROOMS = {
    "codec": (
        ("errors", "presets", "atomic"),
        ("inputs",),
        ("config",),
        ("files", "audio", "parts", "checks"),
        ("pretrained", "nn", "quantize", "encoders"),
        ("modulation", "detail"),
        ("student", "variants", "outputs", "speaker"),
        ("model",),
        ("training", "streaming"),
    ),
    "affecttts": (
        ("streams", "machine"),
        ("errors",),
        ("text", "emotion"),
        ("lm", "data"),
        ("teachers",),
        ("training", "synthesis"),
        ("evaluation", "serving"),
        ("adaptation",),
        ("cli",),
    ),
}
FILES = [p for name in (*ROOMS, "recipes", "benchmarks") for p in (REPOSITORY / name).rglob("*.py")]
MODULES = {".".join(p.relative_to(REPOSITORY).with_suffix("").parts): p for p in FILES}


def imports(path: Path) -> set[str]:
    """Our own modules that a file imports, also inside functions and for type checkers."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            whole = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name in MODULES else node.module for name in whole}
    return {
        name if name in MODULES else f"{name}.__init__"
        for name in found
        if name in MODULES or f"{name}.__init__" in MODULES
    }


def rank(module: str) -> int:
    """How high the room of a module stands; a package's own front door stands above all."""
    package, room = (*module.split("."), "__init__")[:2]
    levels = [level for level, rooms in enumerate(ROOMS[package]) if room in rooms]
    assert levels or room in ("__init__", "__main__"), f"{module} is in no room of ROOMS"
    return levels[0] if levels else len(ROOMS[package])


def room(module: str) -> str:
    return ".".join(module.split(".")[:2])


INSIDE = sorted(name for name in MODULES if name.split(".")[0] in ROOMS)


@pytest.mark.parametrize("module", INSIDE)
def test_a_room_imports_only_rooms_below_it(module):
    package = module.split(".")[0]
    for other in imports(MODULES[module]):
        if other.split(".")[0] == package and room(other) != room(module):
            front_door = other == f"{package}.__init__"  # public names, imported when first used
            assert front_door or rank(other) < rank(module), f"{module} imports {other}"


def test_no_modules_import_each_other_in_a_circle():
    """The packages' front doors import when first used, so they close no circle."""
    graph = {name: imports(path) for name, path in MODULES.items()}
    doors = {f"{package}.__init__" for package in ROOMS}
    TopologicalSorter({name: others - doors for name, others in graph.items()}).prepare()


def test_nothing_imports_recipes_or_benchmarks_from_outside():
    """But benchmarks stand above recipes: Kokoro is read there as the corpus recipe reads it."""
    for name, path in MODULES.items():
        own = name.split(".")[0]
        tops = {other.split(".")[0] for other in imports(path)}
        allowed = {own, "recipes"} if own == "benchmarks" else {own}
        assert not tops & {"recipes", "benchmarks"} - allowed, name


# -- sizes
MOST_LINES, MOST_FUNCTION_LINES, MOST_MODULES, MOST_SKIPS = 300, 50, 14, 20


def test_no_module_has_more_than_300_lines():
    lines = {
        name: len(path.read_text(encoding="utf-8").splitlines()) for name, path in MODULES.items()
    }
    assert not {name: n for name, n in lines.items() if n > MOST_LINES}


def test_no_function_has_more_than_50_lines():
    long = set()
    for name, path in MODULES.items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                if node.end_lineno - node.lineno >= MOST_FUNCTION_LINES:
                    long.add(f"{name}.{node.name}")
    assert not long


def test_no_folder_has_more_than_14_modules():
    modules = Counter(
        str(path.parent.relative_to(REPOSITORY)) for path in FILES if path.name != "__init__.py"
    )
    large = {folder for folder, count in modules.items() if count > MOST_MODULES}
    assert not large


def test_few_lines_keep_a_format_of_their_own():
    text = "".join(path.read_text(encoding="utf-8") for path in FILES)
    assert text.count("fmt: skip") + text.count("fmt: off") < MOST_SKIPS
