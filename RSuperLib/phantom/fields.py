"""Fields that bodies are made of: smooth noise, and signed distances to simple shapes (negative inside)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

#: Real numbers on a voxel grid; float32, for memory and speed.
Field = NDArray[np.floating[Any]]
#: Rows of points, each x, y, z and perhaps a radius.
Points = Sequence[Sequence[float]] | NDArray[np.float64]
#: Three broadcastable coordinate arrays: x to the right, y to the front, z to the head.
Coordinates = tuple[Field, Field, Field]


def smooth_noise(
    shape: Sequence[int], spacing: Sequence[float], wavelength: float, random: np.random.Generator
) -> Field:
    """Gaussian noise of unit variance that varies over about `wavelength` mm, by cubic B-splines of coarse noise.

    Returns:
        float32 array of `shape`.
    """
    bases = [_spline_basis(n, step / wavelength) for n, step in zip(shape, spacing, strict=True)]
    noise = random.standard_normal([basis.shape[1] for basis in bases], dtype=np.float32)
    for basis in bases:  # contracting the first axis and appending the fine one turns the axes once around
        noise = np.tensordot(noise, basis, axes=(0, 1))
    deviation = np.prod([np.sqrt(np.mean(np.sum(basis**2, axis=1))) for basis in bases])
    return np.asarray(np.ascontiguousarray(noise) / np.float32(deviation), np.float32)


def _spline_basis(samples: int, step: float) -> Field:
    """Weights (samples, knots) of uniform cubic B-splines at positions 0, step, 2 step, …"""
    position = np.arange(samples) * step
    knots = np.arange(int(position[-1]) + 4) - 1
    away = np.abs(position[:, None] - knots[None, :])
    near = 2 / 3 - away**2 + away**3 / 2
    far = np.clip(2 - away, 0, None) ** 3 / 6
    return np.asarray(np.where(away < 1, near, far), np.float32)


def ellipsoid(at: Coordinates, centre: ArrayLike, radii: ArrayLike) -> Field:
    """Signed distance to an ellipsoid; exact on spheres, first-order exact at the surface otherwise."""
    offset = [axis - np.float32(c) for axis, c in zip(at, np.asarray(centre), strict=True)]
    radius = np.asarray(radii, np.float32)
    unit = sum((o / r) ** 2 for o, r in zip(offset, radius, strict=True))
    slope = sum((o / r**2) ** 2 for o, r in zip(offset, radius, strict=True))
    tiny = np.float32(1e-6)  # keeps the centre, where both vanish, inside
    length = np.sqrt(unit + tiny)
    return np.asarray(length * (length - 1) / np.sqrt(slope + tiny / radius.min() ** 2), np.float32)


def turned(at: Coordinates, centre: ArrayLike, rotation: NDArray[np.float64]) -> Coordinates:
    """Coordinates in a frame at `centre` whose axes are the rows of `rotation`."""
    x, y, z = (axis - np.float32(c) for axis, c in zip(at, np.asarray(centre), strict=True))
    rows = rotation.astype(np.float32)
    return (
        rows[0, 0] * x + rows[0, 1] * y + rows[0, 2] * z,
        rows[1, 0] * x + rows[1, 1] * y + rows[1, 2] * z,
        rows[2, 0] * x + rows[2, 1] * y + rows[2, 2] * z,
    )


def rotation_about(axis: int, degrees: float) -> NDArray[np.float64]:
    """Rotation matrix about one of the coordinate axes."""
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    matrix = np.eye(3)
    first, second = [k for k in range(3) if k != axis]
    matrix[first, first] = matrix[second, second] = cosine
    matrix[first, second], matrix[second, first] = -sine, sine
    return matrix


def random_rotation(random: np.random.Generator) -> NDArray[np.float64]:
    """A uniformly random rotation (QR of a Gaussian matrix)."""
    q, r = np.linalg.qr(random.standard_normal((3, 3)))
    q = q * np.sign(np.diag(r))
    return np.asarray(q * np.linalg.det(q))


def smooth_min(a: Field, b: Field, width: float) -> Field:
    """Smaller of two distances, rounded where they meet within `width` (polynomial smooth minimum)."""
    blend = np.clip(width - np.abs(a - b), 0, None) / np.float32(width)
    return np.asarray(np.minimum(a, b) - blend**2 * np.float32(width / 4), np.float32)


def coverage(distance: Field, width: float) -> Field:
    """Share of a voxel of `width` mm that is inside, for a flat border at the signed `distance`."""
    return np.asarray(np.clip(np.float32(0.5) - distance / np.float32(width), 0, 1))


def smooth_curve(points: Points, step: float) -> NDArray[np.float64]:
    """Catmull-Rom curve through rows of `points` (n, k); the first three columns are mm, `step` apart.

    Further columns (radii) are interpolated along.
    """
    knots = np.asarray(points, float)
    ends = np.vstack([2 * knots[0] - knots[1], knots, 2 * knots[-1] - knots[-2]])
    pieces = []
    for p0, p1, p2, p3 in zip(ends[:-3], ends[1:-2], ends[2:-1], ends[3:], strict=True):
        count = max(1, int(np.ceil(np.linalg.norm((p2 - p1)[:3]) / step)))
        t = (np.arange(count) / count)[:, None]
        pieces.append(
            0.5 * (2 * p1 + (p2 - p0) * t + (2 * p0 - 5 * p1 + 4 * p2 - p3) * t**2 + (3 * p1 - p0 - 3 * p2 + p3) * t**3)
        )
    return np.vstack([*pieces, knots[-1:]])
