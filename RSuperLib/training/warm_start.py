"""Start from the weights of another model, as far as they fit."""

from __future__ import annotations

import json
from pathlib import Path

from torch import Tensor, nn

from RSuperLib.io.errors import InputError
from RSuperLib.networks import output_layers
from RSuperLib.training.checkpoint import HEADER
from RSuperLib.training.settings import NetworkSettings

#: At least so many of the network's weights must be found, or the file is not of such a network.
_LEAST_SHARE = 0.5


def read_weights(path: Path) -> tuple[dict[str, Tensor], list[str]]:
    """The tensors of a safetensors file, and the classes if it names them; nothing in it is executed.

    Raises:
        InputError: the file is missing, damaged or of another kind.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(str(path), "pt") as file:
            facts = json.loads((file.metadata() or {}).get(HEADER, "{}"))
            return {name: file.get_tensor(name) for name in file.keys()}, facts.get("classes", [])  # noqa: SIM118
    except (OSError, SafetensorError, ValueError) as error:
        raise InputError(f"{path.name} cannot be read as weights.", "Give a safetensors file.") from error


def load_matching(network: nn.Module, path: Path, settings: NetworkSettings, classes: list[str]) -> list[str]:
    """Copy the weights that have the same name and shape, and of the output layers the rows of the same classes.

    Args:
        network: takes the weights.
        path: safetensors file.
        settings: what the network is.
        classes: names of the new classes; those of the old ones stand in files of our own runs.

    Returns:
        Sentences on what was not found.

    Raises:
        InputError: the file cannot be read, or is of another network.
    """
    old, old_classes = read_weights(path)
    new = network.state_dict()
    fitting = {name: value for name, value in old.items() if name in new and value.shape == new[name].shape}
    if old_classes and old_classes != classes:
        heads = output_layers(settings.name, len(classes), settings.options)
        fitting |= {name: _rows_of_classes(old[name], new[name], old_classes, classes) for name in heads & old.keys()}
    found = sum(new[name].numel() for name in fitting)
    total = sum(value.numel() for value in new.values())
    if found < _LEAST_SHARE * total:
        raise InputError(
            f"{path.name} has {found / total:.0%} of the weights of this network.",
            "Give the weights of the same network with the same options.",
        )
    network.load_state_dict({**new, **fitting})
    missing = [name for name in new if name not in fitting]
    return [f"Not taken from {path.name}, so random: {', '.join(missing)}."] if missing else []


def _rows_of_classes(old: Tensor, new: Tensor, old_classes: list[str], new_classes: list[str]) -> Tensor:
    """An output layer, whose first axis are the classes: the rows of known classes, the others as they were."""
    layer = new.clone()
    for row, name in enumerate(new_classes):
        if name in old_classes:
            layer[row] = old[old_classes.index(name)].to(layer.dtype)
    return layer
