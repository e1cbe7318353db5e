"""The tensors of the report losses, checked once so that the losses need no checks of their own."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from RSuperLib.io.errors import InputError

Spacing = tuple[float, float, float]
_WHAT = "See the shapes in the docstring of the loss."


@dataclass(frozen=True)
class LossInputs:
    """One batch of a report loss.

    Attributes:
        logits: (B, L, D, H, W) floating point.
        labels: (B, L, D, H, W) bool, voxels that a mask says are lesion.
        unknown: (B, L, D, H, W) bool, voxels of which no mask says anything.
        segment: (B, L, D, H, W) bool, the anatomical part of the reported lesions, in their channel.
        spacing: mm along D, H, W.
    """

    logits: Tensor
    labels: Tensor
    unknown: Tensor
    segment: Tensor
    spacing: Spacing

    @property
    def voxel_mm3(self) -> float:
        """Volume of one voxel."""
        return math.prod(self.spacing)


def check_inputs(
    logits: Tensor, labels: Tensor, unknown: Tensor, segment: Tensor, spacing: Sequence[float]
) -> LossInputs:
    """The tensors with a batch dimension, masks as bool.

    Raises:
        InputError: shapes that do not fit, logits that are no floating point numbers, or a spacing that is none.
    """
    if logits.dim() == 4:
        logits, labels, unknown, segment = (one.unsqueeze(0) for one in (logits, labels, unknown, segment))
    if logits.dim() != 5 or 0 in logits.shape:
        raise InputError(f"The logits have the shape {tuple(logits.shape)}, not (B, C, D, H, W).", _WHAT)
    if not logits.is_floating_point():
        raise InputError(f"The logits are {logits.dtype}, no floating point numbers.", _WHAT)
    masks = {"labels": labels, "unknown": unknown, "segment": segment}
    for name, mask in masks.items():
        if mask.shape != logits.shape:
            raise InputError(f"{name} has the shape {tuple(mask.shape)}, the logits {tuple(logits.shape)}.", _WHAT)
    return LossInputs(logits, as_mask(labels), as_mask(unknown), as_mask(segment), check_spacing(spacing))


def as_mask(mask: Tensor) -> Tensor:
    """A mask of any type as bool."""
    return mask if mask.dtype == torch.bool else mask > 0.5


def check_spacing(spacing: Sequence[float]) -> Spacing:
    """Three positive millimetres.

    Raises:
        InputError: they are not.
    """
    values = tuple(float(step) for step in spacing)
    if len(values) != 3 or not all(math.isfinite(step) and step > 0 for step in values):
        raise InputError(f"The voxel spacing {values} is not three positive millimetres.", "Give (D, H, W) in mm.")
    return values


def check_sizes(volumes: Tensor, diameters: Tensor, batch: int) -> tuple[Tensor, Tensor]:
    """Volumes (B, K) and diameters (B, K, 3) of a batch, float64 on the CPU; K is any number of lesions.

    Raises:
        InputError: shapes that do not fit.
    """
    volumes = check_volumes(volumes, batch)
    diameters = diameters.unsqueeze(0) if diameters.dim() == 2 else diameters
    if diameters.shape != (*volumes.shape, 3):
        message = f"diameters has the shape {tuple(diameters.shape)}, volumes {tuple(volumes.shape)}."
        raise InputError(message, "Give volumes (B, K) and diameters (B, K, 3), padded with zeros.")
    return volumes, diameters.detach().to("cpu", torch.float64)


def check_volumes(volumes: Tensor, batch: int) -> Tensor:
    """Volumes (B, K) of a batch, float64 on the CPU.

    Raises:
        InputError: another shape.
    """
    volumes = volumes.unsqueeze(0) if volumes.dim() == 1 else volumes
    if volumes.dim() != 2 or len(volumes) != batch:
        message = f"volumes has the shape {tuple(volumes.shape)} for a batch of {batch}."
        raise InputError(message, "Give volumes (B, K), padded with zeros.")
    return volumes.detach().to("cpu", torch.float64)


def constant(values: Sequence[float], device: torch.device) -> Tensor:
    """A few numbers on a device (int64 or float32), copied there without waiting for it."""
    return torch.tensor(values).to(device, non_blocking=True)
