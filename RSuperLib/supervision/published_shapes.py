"""Balls and dilations of the published method, voxel by voxel; formulas in Docs/method.md.

Lengths are voxels here: the published method works on 1 mm voxels only.
"""

from __future__ import annotations

from functools import cache
from math import ceil

import torch
from torch import Tensor

from RSuperLib.supervision.correlate import correlate


def odd(length: float) -> int:
    """Rounded up to the next odd number."""
    up = ceil(length)
    return up + 1 - up % 2


@cache
def ball(diameter: float) -> Tensor:
    """Binary ball in a cube of edge `odd(1.2 odd(diameter))`, float64."""
    return (_square_offsets(diameter) <= (odd(diameter) / 2) ** 2).double()


@cache
def gaussian_ball(diameter: float) -> Tensor:
    """The ball weighted by a Gaussian of sigma 1.5 radii and normalised to sum 1, float64."""
    sigma = 1.5 * odd(diameter) / 2
    weights = torch.exp(-_square_offsets(diameter) / (2 * sigma**2)) * ball(diameter)
    return weights / weights.sum()


def _square_offsets(diameter: float) -> Tensor:
    half = odd(1.2 * odd(diameter)) // 2
    line = torch.arange(-half, half + 1, dtype=torch.float64) ** 2
    return line[:, None, None] + line[:, None] + line


def dilate(masks: Tensor, size: int) -> Tensor:
    """The published dilation: passes with balls of at most 7 voxels, so that wide ones are no balls.

    Args:
        masks: (..., D, H, W) bool.
        size: kernel size in voxels; even ones count as the next odd one, 1 changes nothing.

    Returns:
        (..., D, H, W) bool; size 31 reaches 15 voxels along the axes and 10 along plane diagonals.
    """
    radius = (odd(size) - 1) // 2
    passes = [radius] if radius <= 3 else [3] * (radius // 3) + [radius % 3]
    for step in passes:
        if step:
            masks = correlate(masks.float(), ball, 2 * step + 1) > 0.5
    return masks
