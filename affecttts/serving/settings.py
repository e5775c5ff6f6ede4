"""What a server is told at its start, checked before any weights are loaded."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from affecttts.errors import RequestError, shown
from codec.files import read_json
from codec.inputs.door import JSON_BYTES, open_file

KEY_BYTES = 4096
KEY = re.compile(r"[!-~]{16,512}")
ALIAS_KINDS = ("voices", "models")


@dataclass(frozen=True)
class Aliases:
    """Names that clients have built in -> names of ours."""

    voices: Mapping[str, str] = field(default_factory=dict)
    models: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ServerSettings:
    """Address, limits and access.

    Raises:
        RequestError: a limit below its least, or an address that others reach without a key.
    """

    host: str = "127.0.0.1"
    port: int = 8000  # 0 = any free one
    workers: int = 1  # requests at work at once
    waiting: int = 32  # requests that wait for a worker
    deadline: float = 30.0  # seconds that one waits
    max_text: int = 4096  # characters
    max_body: int = 65_536  # bytes
    body_timeout: float = 10.0  # seconds in which a body must come
    idle_timeout: float = 60.0  # seconds of silence after which a socket is closed
    drain: float = 30.0  # seconds that requests at work have to end when the server is stopped
    metrics: bool = False
    key: str | None = field(default=None, repr=False)
    aliases: Aliases = field(default_factory=Aliases)

    def __post_init__(self) -> None:
        least = {"port": 0, "workers": 1, "waiting": 0, "deadline": 0, "max_text": 1}
        for name, low in least.items():
            if getattr(self, name) < low:
                raise RequestError(f"{name} is {getattr(self, name)}; give at least {low}")
        if self.port > 65535:
            raise RequestError(f"port is {self.port}; give 0 to 65535")
        if not self.key and not is_loopback(self.host):
            raise RequestError(
                f"{self.host} can be reached by other machines; give a key with --api-key-file"
            )


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def read_key(path: str | Path) -> str:
    """The key that clients must give.

    Raises:
        InputError: the file cannot be read.
        RequestError: it holds no key.
    """
    with open_file(path, KEY_BYTES) as file:
        key = file.read().decode("utf-8", "replace").strip()
    if not KEY.fullmatch(key):
        raise RequestError(f"{path}: a key is one line of 16 to 512 letters, digits and signs")
    return key


def read_aliases(path: str | Path) -> Aliases:
    """A JSON file such as {"voices": {"alloy": "heart"}, "models": {"tts-1": "affecttts-small"}}.

    Raises:
        CheckpointError: the file cannot be read, or is no JSON.
        RequestError: it is of another form.
    """
    values = read_json(Path(path), JSON_BYTES)
    if not isinstance(values, dict) or set(values) - set(ALIAS_KINDS):
        raise RequestError(f"{path}: give an object with {' and '.join(ALIAS_KINDS)}")
    return Aliases(**{kind: _names(path, kind, names) for kind, names in values.items()})


def _names(path: str | Path, kind: str, names: Any) -> dict[str, str]:
    if not isinstance(names, dict) or not all(isinstance(name, str) for name in names.values()):
        raise RequestError(f"{path}: {kind} is {shown(names)}; give names by alias")
    return names
