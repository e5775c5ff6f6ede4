"""Files come into being whole: what writes one names a staging place first."""

import ast

import pytest

from tiny_models import REPOSITORY

FOLDERS = ("codec", "affecttts", "recipes")
FILES = [path for folder in FOLDERS for path in sorted((REPOSITORY / folder).rglob("*.py"))]
# what `atomic_file` and `atomic_folder` yield, and files in memory
STAGED = {"temporary", "file", "buffer", "pipe"}
OPENERS = {"open", "tarfile.open", "wave.open", "av.open"}
# where a path that is handed in is staged by who hands it in
HANDED = {"codec/audio.py", "codec/files.py", "codec/encoders/files.py", "codec/atomic/__init__.py"}


def dotted(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else "?"


def targets(call: ast.Call) -> list[ast.AST]:
    """What a call writes to, if it writes."""
    name, method = dotted(call.func), getattr(call.func, "attr", "")
    values = [a.value for a in call.args if isinstance(a, ast.Constant)]
    writing = any(isinstance(v, str) and v[:1] in ("w", "x") and len(v) < 4 for v in values)
    if name == "soundfile.write" or (name in OPENERS and writing):
        return call.args[:1]
    if method in ("write_text", "write_bytes") or (method == "open" and writing):
        return [call.func.value]
    if method == "savefig":
        return call.args[:1]
    return call.args[1:2] if name.endswith("save_file") else []


def root(node: ast.AST) -> str:
    """The variable at the start of an expression: `temporary` of `str(temporary / "a")`."""
    if dotted(node).startswith("self."):
        return dotted(node).split(".")[1]
    names = [n.id for n in ast.walk(node) if isinstance(n, ast.Name)]
    return next((name for name in names if name not in ("str", "Path")), "?")


def direct_writes(source: str) -> list[int]:
    """Lines that write to anything but a staging place."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    return [call.lineno for call in calls for t in targets(call) if root(t) not in STAGED]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_files_are_written_in_a_staging_place(path):
    if path.relative_to(REPOSITORY).as_posix() not in HANDED:
        assert not direct_writes(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "line",
    [
        "open(path, 'w')",
        "path.open('wb')",
        "(folder / 'a').write_text('b')",
        "figure.savefig(path)",
        "soundfile.write(str(path), samples, 16_000)",
        "save_file(tensors, folder / 'a')",
    ],
)
def test_direct_writes_are_seen(line):
    assert direct_writes(line) == [1]
    assert not direct_writes(line.replace("path", "temporary").replace("folder", "temporary"))
