"""Checkpoints: everything a run needs to go on as if nothing had happened, in one safetensors file.

No code is executed when one is read. The checksum of its tensors stands in its header, so a file that was cut off or
changed is noticed, and the one before it is taken.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from RSuperLib.io.errors import InputError
from RSuperLib.io.files import write_bytes

#: Key of our JSON in the header of a safetensors file.
HEADER = "rsuper"
_KEPT = 2
_SEPARATOR = "/"


def write_tensors(path: Path, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
    """Write tensors with facts about them, whole or not at all.

    Raises:
        RSuperError: the disk is full or the folder cannot be written.
    """
    from safetensors.torch import save

    stored = {name: tensor.detach().to("cpu").contiguous() for name, tensor in tensors.items()}
    header = json.dumps({**facts, "sha256": _checksum(stored)}, allow_nan=False)
    write_bytes(path, save(stored, {HEADER: header}))


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors of a file by `write_tensors`, and the facts about them.

    Raises:
        InputError: the file is missing, not by RSuper, cut off or changed.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(str(path), "pt") as file:
            facts: dict[str, Any] = json.loads((file.metadata() or {})[HEADER])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no mapping
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise InputError(f"{path.name} is damaged or not by RSuper.", "Take another file.") from error
    if facts.pop("sha256", "") != _checksum(tensors):
        raise InputError(f"{path.name} was changed after it was written (its checksum differs).", "Take another file.")
    return tensors, facts


def _checksum(tensors: Mapping[str, Tensor]) -> str:
    digest = hashlib.sha256()
    for name in sorted(tensors):
        digest.update(f"{name} {tensors[name].dtype} {tuple(tensors[name].shape)}".encode())
        digest.update(tensors[name].contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


class Checkpoints:
    """The checkpoints of one run; the last two are kept."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def write(self, step: int, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> Path:
        """Write the state after `step` steps, then remove all but the last two."""
        path = self._folder / f"checkpoint-{step:09d}.safetensors"
        write_tensors(path, tensors, {**facts, "step": step})
        for old in self._paths()[:-_KEPT]:
            old.unlink(missing_ok=True)
        return path

    def read_last(self) -> tuple[dict[str, Tensor], dict[str, Any], list[str]] | None:
        """Tensors and facts of the last undamaged checkpoint, and sentences on damaged ones; None without any.

        Damaged ones are set aside under another name, so that they do not count among the last two.
        """
        notes: list[str] = []
        for path in reversed(self._paths()):
            try:
                return *read_tensors(path), notes
            except InputError as error:
                notes.append(error.message)
                path.rename(path.with_suffix(".damaged"))
        return None

    def _paths(self) -> list[Path]:
        return sorted(self._folder.glob("checkpoint-*.safetensors"))


def flat_optimiser(optimiser: torch.optim.Optimizer) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The state of an optimiser as named tensors, and everything that is no tensor."""
    state = optimiser.state_dict()
    tensors, values = {}, {}
    for index, slots in state["state"].items():
        for name, value in slots.items():
            place = f"{index}{_SEPARATOR}{name}"
            if isinstance(value, Tensor):
                tensors[place] = value
            else:
                values[place] = value
    return tensors, values


def restore_optimiser(
    optimiser: torch.optim.Optimizer, tensors: Mapping[str, Tensor], values: Mapping[str, Any]
) -> None:
    """Put back what `flat_optimiser` gave; tensors get the memory layout of their parameters, as they had."""
    parameters = [one for group in optimiser.param_groups for one in group["params"]]
    slots: dict[int, dict[str, Any]] = {}
    for place, value in {**tensors, **values}.items():
        index, name = place.split(_SEPARATOR)
        parameter = parameters[int(index)]
        is_like = isinstance(value, Tensor) and value.shape == parameter.shape
        slots.setdefault(int(index), {})[name] = torch.empty_like(parameter.data).copy_(value) if is_like else value
    state = optimiser.state_dict()
    optimiser.load_state_dict({**state, "state": slots})
