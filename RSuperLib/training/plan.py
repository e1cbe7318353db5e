"""Memory and time of a run before it starts, measured on a small patch, and what to do if the memory is too small."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, replace
from typing import Any, cast

import psutil
import torch
from torch import Tensor, nn

from RSuperLib.io.errors import InputError
from RSuperLib.training.engine import Engine
from RSuperLib.training.settings import TrainSettings

#: Largest edge of the patch that is measured.
_PROBE_EDGE = 32
#: Share of the free memory that is planned with; the rest is for what fragments and for the loader.
_USABLE = 0.85
#: Copies of the logits that losses and their gradients keep, per head (bench: Docs/training.md).
_LOGIT_COPIES = 6
#: Weights, gradients, two moments, the moving average.
_WEIGHT_COPIES = 5
#: No patch is made smaller than that.
_LEAST_EDGE = 32


@dataclass(frozen=True)
class Plan:
    """How a run uses the machine. It is kept with the run, so that a resumed run computes the same.

    Attributes:
        device: where it computes.
        patch: edges (z, y, x); smaller than asked for only if nothing else fits.
        micro_batch: patches that go through the network at once; gradients add up over the batch.
        checkpointing: whether activations are computed twice instead of kept.
        bytes_needed, bytes_free: estimate and what may be used.
        seconds_per_step, seconds: estimate of a step and of all steps; validation not included.
        sentences: the same in words.
    """

    device: str
    patch: tuple[int, int, int]
    micro_batch: int
    checkpointing: bool
    bytes_needed: int
    bytes_free: int
    seconds_per_step: float
    seconds: float
    sentences: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """For `plan.json`."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Plan:
        """The inverse of `as_json`."""
        patch, sentences = tuple(values["patch"]), tuple(values["sentences"])
        return cls(**{**values, "patch": patch, "sentences": sentences})


@dataclass(frozen=True)
class _Cost:
    """Bytes kept for the backward pass and seconds of a step, both per voxel of input, and the bytes of the weights."""

    kept: float
    kept_checkpointed: float | None
    seconds: float
    weights: int
    logits: int


def make_plan(settings: TrainSettings, network: nn.Module, engine: Engine) -> Plan:
    """Measure the network on a small patch, and find a way to train it within the memory.

    Raises:
        InputError: it does not fit in any way, or the patch does not suit the network.
    """
    _check_patch(settings.crop.patch, network)
    cost = _measure(network, engine, settings)
    free = int(settings.machine.memory_bytes or _free_bytes(engine.device) * _USABLE)
    plan = _first_that_fits(settings, cost, engine.device.type, free, network)
    share = settings.batch / engine.rank[1]
    seconds = cost.seconds * _voxels(plan.patch) * share * (4 / 3 if plan.checkpointing else 1)
    return replace(
        plan, seconds_per_step=seconds, seconds=seconds * settings.steps, sentences=_sentences(settings, plan, seconds)
    )


def set_checkpointing(network: nn.Module, value: bool) -> None:
    """Choose whether a network that can do so computes activations twice instead of keeping them."""
    cast(Any, network).checkpointing = value


def _check_patch(patch: tuple[int, int, int], network: nn.Module) -> None:
    stride = int(getattr(network, "stride", 1))
    if any(edge % stride for edge in patch):
        raise InputError(
            f"The patch {patch} does not suit the network: its edges must be multiples of {stride}.",
            "Change crop.patch.",
        )


def _first_that_fits(settings: TrainSettings, cost: _Cost, device: str, free: int, network: nn.Module) -> Plan:
    """Ways in the order of what they cost: nothing, accumulation, time, a smaller patch."""
    machine, patch = settings.machine, settings.crop.patch
    stride = int(getattr(network, "stride", 1))
    batches = [machine.micro_batch] if machine.micro_batch else _divisors(settings.batch)
    may = [False] if cost.kept_checkpointed is None else [False, True]
    checkpointings = may if machine.checkpointing is None else [machine.checkpointing]
    while True:
        for checkpointing in checkpointings:
            for micro_batch in batches:
                needed = _bytes(cost, patch, micro_batch, checkpointing)
                if needed <= free:
                    return Plan(device, patch, micro_batch, checkpointing, needed, free, 0.0, 0.0)
        smaller = tuple(max(min(_LEAST_EDGE, edge), (edge * 3 // 4) // stride * stride) for edge in patch)
        if smaller == patch:
            raise InputError(
                f"Training needs {needed / 2**30:.1f} GB of memory, and {free / 2**30:.1f} GB may be used.",
                "Choose a smaller network, fewer classes, or machine.device cpu.",
            )
        patch = (smaller[0], smaller[1], smaller[2])


def _divisors(batch: int) -> list[int]:
    return [size for size in range(batch, 0, -1) if batch % size == 0]


def _bytes(cost: _Cost, patch: tuple[int, int, int], micro_batch: int, checkpointing: bool) -> int:
    kept = cost.kept_checkpointed if checkpointing and cost.kept_checkpointed is not None else cost.kept
    # 6 bytes of masks and codes a class and voxel; 16 of image and its augmentation
    inputs = 6 * cost.logits / 4 + 16
    return int(_voxels(patch) * micro_batch * (kept + _LOGIT_COPIES * cost.logits + inputs)) + cost.weights


def _measure(network: nn.Module, engine: Engine, settings: TrainSettings) -> _Cost:
    edges = [min(edge, _PROBE_EDGE) for edge in settings.crop.patch]
    stride = int(getattr(network, "stride", 1))
    edges = [max(edge, 2 * stride) // stride * stride for edge in edges]
    image = torch.zeros(1, 1, *edges, device=engine.device)
    state = {name: value.clone() for name, value in network.state_dict().items()}
    voxels = image.numel()
    kept, heads = _kept_bytes(network, image, engine)
    checkpointed = None
    if hasattr(network, "checkpointing"):
        set_checkpointing(network, True)
        checkpointed = _kept_bytes(network, image, engine)[0] / voxels
        set_checkpointing(network, False)
    seconds = _seconds(network, image, engine)
    network.load_state_dict(state)  # running statistics of a batch norm moved
    weights = sum(one.numel() * one.element_size() for one in network.parameters()) * _WEIGHT_COPIES
    return _Cost(kept / voxels, checkpointed, seconds / voxels, weights, 4 * heads * len(settings.classes))


def _kept_bytes(network: nn.Module, image: Tensor, engine: Engine) -> tuple[int, int]:
    """Bytes that the backward pass keeps, without the weights, and the number of heads."""
    weights = {one.untyped_storage().data_ptr() for one in network.parameters()}
    storages: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            storages[storage.data_ptr()] = storage.nbytes()
        held.append(tensor)  # so that no address is used twice
        return tensor

    held: list[Tensor] = []
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor), engine.autocast():
        heads = network(image)
    return sum(storages.values()), len(heads)


def _seconds(network: nn.Module, image: Tensor, engine: Engine) -> float:
    """Seconds of forward and backward, the second time: the first one chooses kernels."""
    for _ in range(2):
        started = time.perf_counter()
        with engine.autocast():
            heads = network(image)
        sum(head.float().mean() for head in heads).backward()
        if engine.device.type == "cuda":
            torch.cuda.synchronize()
        seconds = time.perf_counter() - started
    network.zero_grad(set_to_none=True)
    return seconds


def _free_bytes(device: torch.device) -> int:
    return int(torch.cuda.mem_get_info(device)[0]) if device.type == "cuda" else int(psutil.virtual_memory().available)


def _voxels(patch: tuple[int, int, int]) -> int:
    return patch[0] * patch[1] * patch[2]


def _sentences(settings: TrainSettings, plan: Plan, seconds: float) -> tuple[str, ...]:
    hours = seconds * settings.steps / 3600
    told = [
        f"{settings.steps} steps on {plan.device}, about {seconds:.2g} s each: {hours:.1f} h, without validation.",
        f"About {plan.bytes_needed / 2**30:.2f} GB of memory; {plan.bytes_free / 2**30:.1f} GB may be used.",
    ]
    if plan.micro_batch < settings.batch:
        told.append(f"The batch of {settings.batch} goes through in pieces of {plan.micro_batch}.")
    if plan.checkpointing:
        told.append("Activations are computed twice to save memory: a third more time.")
    if plan.patch != settings.crop.patch:
        told.append(
            f"The patch is {plan.patch} instead of {settings.crop.patch}, as the memory is small; targets that do not "
            "fit it teach less. Another device, or a smaller network, may be better."
        )
    return tuple(told)
