"""The voxel loss: cross entropy and Dice on what is known."""

from __future__ import annotations

import torch
from torch import Tensor

from RSuperLib.supervision.options import Mode, SegmentationOptions
from RSuperLib.supervision.sums import ChannelSums, channel_sums

_TINY = 1e-5


def segmentation_loss(
    logits: Tensor,
    labels: Tensor,
    known: Tensor | None = None,
    *,
    mode: Mode = "rsuper",
    options: SegmentationOptions | None = None,
    voxel_mm3: float = 1.0,
) -> tuple[Tensor, Tensor]:
    """Masked cross entropy and masked Dice of all classes.

    Args:
        logits: (B, C, D, H, W); differentiable.
        labels: (B, C, D, H, W) bool or 0/1.
        known: (B, C, D, H, W) bool, or weights; None = all voxels are known.
        mode: "reference" as published (1 for every class that is absent), "rsuper" with a gradient where a class is
            absent.
        options: what "rsuper" does; ignored by "reference".
        voxel_mm3: volume of a voxel; weighs false voxels of absent classes.

    Returns:
        (bce, dice), scalars; their sum is L_seg of paper A.
    """
    sums = channel_sums(logits, labels, known)
    empty_mm3 = 0.0 if mode == "reference" else (options or SegmentationOptions()).empty_dice_mm3
    bce = sums.cross_entropy.sum() / logits.numel()
    return bce, dice_of(sums, empty_mm3 / voxel_mm3).mean()


def dice_of(sums: ChannelSums, empty_voxels: float = 0.0) -> Tensor:
    """1 - Tversky index with the published adaptive weights.

    dice = TP / (TP + a FP + (1 - a) FN + 1e-5), a = FP / (FP + FN + 1e-5) over the batch, within [0.2, 0.8]: the rarer
    error weighs less. The gradient flows through a.

    Args:
        sums: (B, C) sums of the channels.
        empty_voxels: E > 0 makes it a FP / (a FP + E) where the target is empty, so that false voxels are taught
            against; 0 leaves the constant 1 there, as published.

    Returns:
        (B, C) in [0, 1].
    """
    hit, false, missed = sums.true_positive, sums.false_positive, sums.false_negative
    alpha = (false.sum(0) / (false.sum(0) + missed.sum(0) + _TINY)).clamp(0.2, 0.8)
    total = hit + alpha * false + (1 - alpha) * missed + _TINY
    loss = 1 - hit / total
    if not empty_voxels:
        return loss
    absent = (hit + missed).detach() < _TINY
    return torch.where(absent, alpha * false / (alpha * false + empty_voxels), loss)
