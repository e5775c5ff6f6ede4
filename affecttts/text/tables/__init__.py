"""Tables of words and signs, in JSON beside this module."""

import functools
import json
from importlib.resources import files
from typing import Any


@functools.cache
def table(name: str) -> Any:
    """Returns a table by its name, read once."""
    return json.loads(files(__name__).joinpath(f"{name}.json").read_text(encoding="utf-8"))
