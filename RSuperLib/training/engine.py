"""Where a run computes: one device, or this process's share of several through accelerate.

Nothing here needs accelerate. It is used if the process was started as one of several (`accelerate launch`,
`torchrun`): there it sets up the processes and averages their gradients. With one process it would add an import and
change nothing, so the loop then runs bare.
"""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from RSuperLib.io.errors import InputError
from RSuperLib.training.settings import MachineSettings


def choose_device(wanted: str) -> torch.device:
    """The device of that name; `auto` is the first GPU, else the CPU.

    Raises:
        InputError: this computer has no such device.
    """
    has = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    name = next(one for one in has if has[one]) if wanted == "auto" else wanted
    if not has[name]:
        raise InputError(f"This computer has no device {name!r}.", "Choose auto or cpu.")
    return torch.device(name)


class Engine:
    """One process on one device.

    Attributes:
        device: where network and batches lie.
        uses_bfloat16: whether the network runs in bfloat16; the losses never do.
        rank: number of this process and how many there are.
    """

    rank = (0, 1)

    def __init__(self, settings: MachineSettings, device: torch.device | None = None) -> None:
        self.device = device or choose_device(settings.device)
        self.uses_bfloat16 = settings.precision == "bfloat16" or (
            settings.precision == "auto" and self.device.type == "cuda" and torch.cuda.is_bf16_supported(False)
        )
        if settings.threads:
            torch.set_num_threads(settings.threads)

    @property
    def is_first(self) -> bool:
        """Whether this process is the one that writes."""
        return self.rank[0] == 0

    def autocast(self) -> AbstractContextManager[Any]:
        """The context that the network runs in."""
        return torch.autocast(self.device.type, torch.bfloat16) if self.uses_bfloat16 else nullcontext()

    def placed(self, network: nn.Module) -> nn.Module:
        """The network on the device; on a CPU with channels last, which is faster there (Docs/training.md)."""
        layout = torch.channels_last_3d if self.device.type == "cpu" else torch.contiguous_format
        return network.to(self.device).to(memory_format=layout)  # type: ignore[call-overload, no-any-return]

    def distributed(self, network: nn.Module) -> nn.Module:
        """What to call in training so that all processes get the same gradients."""
        return network

    def backward(self, loss: Tensor) -> None:
        """Add the gradients of a loss."""
        loss.backward()  # type: ignore[no-untyped-call]

    def wait(self) -> None:
        """Wait for the other processes."""

    def any_of(self, flag: bool) -> bool:
        """Whether the flag is set in any process."""
        return flag


class AccelerateEngine(Engine):
    """One of several processes."""

    def __init__(self, settings: MachineSettings) -> None:
        from accelerate import Accelerator

        self._accelerator = Accelerator(cpu=settings.device == "cpu")
        super().__init__(settings, self._accelerator.device)
        self.rank = (self._accelerator.process_index, self._accelerator.num_processes)

    def distributed(self, network: nn.Module) -> nn.Module:
        """What to call in training so that all processes get the same gradients."""
        prepared: nn.Module = self._accelerator.prepare_model(network, device_placement=False)
        return prepared

    def backward(self, loss: Tensor) -> None:
        """Add the gradients of a loss, averaged over the processes."""
        self._accelerator.backward(loss)

    def wait(self) -> None:
        """Wait for the other processes."""
        self._accelerator.wait_for_everyone()

    def any_of(self, flag: bool) -> bool:
        """Whether the flag is set in any process."""
        total: Tensor = self._accelerator.reduce(torch.tensor(float(flag), device=self.device), "sum")
        return bool(total > 0)


def make_engine(settings: MachineSettings) -> Engine:
    """The engine of this process.

    Raises:
        InputError: it is one of several and accelerate is missing.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        return Engine(settings)
    try:
        return AccelerateEngine(settings)
    except ModuleNotFoundError as error:
        raise InputError(
            "Training in several processes needs accelerate.", "pip install rsuper[distributed]"
        ) from error
