"""Networks that live in a folder of config.json and safetensors."""

from __future__ import annotations

import re
from dataclasses import asdict
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from torch import Tensor, nn

from codec.atomic import atomic_folder
from codec.config import from_dict
from codec.errors import CheckpointError
from codec.files import (
    CONFIG_NAME,
    built,
    load_model_weights,
    load_strictly,
    member,
    read_json,
    save_model_weights,
    write_json,
)
from codec.inputs.door import JSON_BYTES, as_path

T = TypeVar("T", bound="Pretrained")


class Pretrained(nn.Module):
    """A network made from a frozen dataclass `config` alone."""

    model_type: ClassVar[str]  # in config.json
    config_class: ClassVar[type]
    config: Any  # of config_class

    def stored_tensors(self) -> dict[str, Tensor]:
        """What goes into the weights file."""
        return self.state_dict()

    def save_pretrained(self, folder: str | Path) -> None:
        """Write config.json and weights; an existing folder is replaced only once all is
        written.
        """
        with atomic_folder(as_path(folder)) as temporary:
            write_json(
                temporary / CONFIG_NAME, {"model_type": self.model_type, **asdict(self.config)}
            )
            save_model_weights(temporary, self.stored_tensors())

    @classmethod
    def read_config(cls, folder: str | Path) -> Any:
        """The `config_class` of a saved network.

        Raises:
            CheckpointError: see `from_pretrained`.
        """
        values = read_json(member(folder, CONFIG_NAME), JSON_BYTES)
        if not isinstance(values, dict) or values.pop("model_type", None) != cls.model_type:
            wanted = re.sub(r"(?<!^)(?=[A-Z])", " ", cls.__name__).lower()
            raise CheckpointError(
                f"{folder}: {CONFIG_NAME} is not of an {cls.model_type} model; "
                f"give the folder of a {wanted}"
            )
        try:
            return from_dict(cls.config_class, values)
        except (ValueError, TypeError, ArithmeticError) as error:
            raise CheckpointError(f"{folder}: {' '.join(str(error).split())[:300]}") from error

    @classmethod
    def from_pretrained(cls: type[T], folder: str | Path) -> T:
        """Load what `save_pretrained` wrote, in evaluation mode.

        Raises:
            CheckpointError: the folder is missing, incomplete, corrupt or of another model.
        """
        config, tensors = cls.read_config(folder), load_model_weights(folder)
        model = built(lambda: cls(config), tensors, folder)
        load_strictly(model, tensors, folder)
        return model.eval()
