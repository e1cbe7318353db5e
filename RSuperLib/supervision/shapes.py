"""Ellipsoids around a central voxel, for any voxel spacing; made once per size."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from itertools import permutations, product

import torch
from torch import Tensor

from RSuperLib.supervision.inputs import Spacing
from RSuperLib.supervision.targets import Diameters, ellipsoid_volume

#: Ellipsoids whose diameters differ by less than this factor are balls: a report measures no more exactly.
_ROUND = 1.25


@dataclass(frozen=True)
class Envelope:
    """The voxels that a lesion around a central voxel may take.

    Attributes:
        offsets: (n, 3) voxels from the centre within reach of the ellipsoid, however it is turned.
        turns: (O, 3, 3) orientations to try: millimetres @ turn = coordinates in radii along the ellipsoid's axes.
    """

    offsets: Tensor
    turns: Tensor


@lru_cache(maxsize=128)
def search_kernel(diameter_mm: float, spacing: Spacing) -> Tensor:
    """A ball weighted by a Gaussian of sigma 1.5 radii, sum 1; float64, odd edges."""
    level = _square_mm(diameter_mm / 2, spacing) / (diameter_mm / 2) ** 2
    weights = torch.exp(-level / (2 * 1.5**2)) * (level <= 1)
    return weights / weights.sum()


@lru_cache(maxsize=64)
def ball_kernel(radius_mm: float, spacing: Spacing) -> Tensor:
    """Binary ball for dilations; float64, odd edges."""
    return (_square_mm(radius_mm, spacing) <= radius_mm**2).double()


@lru_cache(maxsize=128)
def envelope(
    diameters_mm: Diameters, scale: float, spacing: Spacing, upright: int | None, device: torch.device
) -> Envelope:
    """The envelope of an ellipsoid in every orientation that is tried.

    Args:
        diameters_mm: of the ellipsoid.
        scale: how much longer than the lesion its envelope is.
        spacing: mm along the axes.
        upright: axis along which the third diameter lies, or None.
        device: of the tensors.
    """
    radius = max(diameters_mm) / 2 * scale
    near = _square_mm(radius, spacing) <= radius**2
    offsets = near.nonzero() - torch.tensor(near.shape) // 2
    return Envelope(offsets.to(device), orientations(diameters_mm, upright).to(device))


def envelope_box(diameters_mm: Diameters, scale: float, spacing: Spacing) -> int:
    """Voxels of the box around an envelope."""
    return math.prod(2 * math.floor(max(diameters_mm) / 2 * scale / step) + 1 for step in spacing)


def equal_ball(diameters_mm: Diameters) -> float:
    """Diameter of the ball with the ellipsoid's volume, mm."""
    return float((6 / math.pi * ellipsoid_volume(diameters_mm)) ** (1 / 3))


def orientations(diameters_mm: Diameters, upright: int | None) -> Tensor:
    """(O, 3, 3) float32 matrices: millimetres @ matrix = coordinates in radii along the ellipsoid's axes.

    The third diameter lies along an axis of the array, the others in its plane, turned in steps of 45 degrees. Where
    the third axis is not known, each diameter has its turn. Nearly round ellipsoids are balls of the same volume.
    """
    if max(diameters_mm) < _ROUND * min(diameters_mm):
        return torch.eye(3)[None] * (2 / equal_ball(diameters_mm))
    along = [(upright, diameters_mm[2])] if upright is not None else list(product(range(3), set(diameters_mm)))
    turns = []
    for axis, third in along:
        others = list(diameters_mm)
        others.remove(third)
        for first, second in set(permutations(others)):
            turns += [_turn(axis, (first, second, third), angle) for angle in (0.0, math.pi / 4)]
    return torch.stack(turns)


def _turn(axis: int, diameters_mm: Diameters, angle: float) -> Tensor:
    u, v = (other for other in range(3) if other != axis)
    first, second, third = (2 / diameter for diameter in diameters_mm)
    cosine, sine = math.cos(angle), math.sin(angle)
    matrix = torch.zeros(3, 3)
    matrix[u, u], matrix[v, u] = cosine * first, sine * first
    matrix[u, v], matrix[v, v] = -sine * second, cosine * second
    matrix[axis, axis] = third
    return matrix


def _square_mm(reach_mm: float, spacing: Spacing) -> Tensor:
    """(kd, kh, kw) squared distance from the middle, float64, for all voxels in reach."""
    half = [math.floor(reach_mm / step + 1e-9) for step in spacing]
    d, h, w = (
        (torch.arange(-n, n + 1, dtype=torch.float64) * step) ** 2 for n, step in zip(half, spacing, strict=True)
    )
    return d[:, None, None] + h[:, None] + w
