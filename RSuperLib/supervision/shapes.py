"""Ellipsoids around a central voxel, for any voxel spacing; made once per size."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from itertools import permutations

import torch
from torch import Tensor

from RSuperLib.supervision.inputs import Spacing
from RSuperLib.supervision.targets import Diameters, ellipsoid_volume

#: Ellipsoids whose diameters differ by less than this factor are balls: a report measures no more exactly.
_ROUND = 1.25
_HALF = math.sqrt(0.5)


@dataclass(frozen=True)
class Envelope:
    """The voxels that a lesion around a central voxel may take.

    Attributes:
        offsets: (n, 3) voxels from the centre.
        levels: (O, n) for each orientation, the square of the distance in radii (1 = on the lesion's surface).
        limit: level up to which the envelope reaches.
    """

    offsets: Tensor
    levels: Tensor
    limit: float


@lru_cache(maxsize=128)
def search_kernel(diameter_mm: float, spacing: Spacing) -> Tensor:
    """A ball weighted by a Gaussian of sigma 1.5 radii, sum 1; float64, odd edges."""
    offsets = _grid((diameter_mm / 2,) * 3, spacing)
    level = _mm(offsets, spacing).square().sum(-1) / (diameter_mm / 2) ** 2
    weights = torch.exp(-level / (2 * 1.5**2)) * (level <= 1)
    return weights / weights.sum()


@lru_cache(maxsize=64)
def ball_kernel(radius_mm: float, spacing: Spacing) -> Tensor:
    """Binary ball for dilations; float64, odd edges."""
    offsets = _grid((radius_mm,) * 3, spacing)
    return (_mm(offsets, spacing).square().sum(-1) <= radius_mm**2).double()


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
    turns = _orientations(diameters_mm, upright)
    radius = max(diameters_mm) / 2 * scale
    grid = _grid((radius,) * 3, spacing).reshape(-1, 3)
    millimetres = _mm(grid, spacing)
    levels = torch.stack([(millimetres @ turn).square().sum(-1) for turn in turns])
    reached = (levels <= scale**2).any(0)
    return Envelope(grid[reached].to(device), levels[:, reached].float().to(device), scale**2)


def equal_ball(diameters_mm: Diameters) -> float:
    """Diameter of the ball with the ellipsoid's volume, mm."""
    return float((6 / math.pi * ellipsoid_volume(diameters_mm)) ** (1 / 3))


def _orientations(diameters_mm: Diameters, upright: int | None) -> list[Tensor]:
    """(3, 3) matrices: millimetres @ matrix = coordinates in radii along the ellipsoid's axes.

    The third diameter lies along an axis of the array, the others in its plane, turned in steps of 45 degrees.
    """
    if max(diameters_mm) < _ROUND * min(diameters_mm):
        return [torch.eye(3, dtype=torch.float64) * (2 / equal_ball(diameters_mm))]
    first, second, third = (2 / diameter for diameter in diameters_mm)
    turns = []
    for normal in range(3) if upright is None else (upright,):
        u, v = (axis for axis in range(3) if axis != normal)
        for (a, b), diagonal in [(pair, d) for pair in permutations((first, second)) for d in (False, True)]:
            matrix = torch.zeros(3, 3, dtype=torch.float64)
            c, s = (_HALF, _HALF) if diagonal else (1.0, 0.0)
            matrix[u, u], matrix[v, u] = c * a, s * a
            matrix[u, v], matrix[v, v] = -s * b, c * b
            matrix[normal, normal] = third
            turns.append(matrix)
    return turns


def _grid(reach_mm: tuple[float, float, float], spacing: Spacing) -> Tensor:
    """(kd, kh, kw, 3) integer offsets of all voxels in reach."""
    half = [math.floor(reach / step + 1e-9) for reach, step in zip(reach_mm, spacing, strict=True)]
    return torch.stack(torch.meshgrid(*(torch.arange(-n, n + 1) for n in half), indexing="ij"), -1)


def _mm(offsets: Tensor, spacing: Spacing) -> Tensor:
    return offsets.double() * torch.tensor(spacing, dtype=torch.float64)
