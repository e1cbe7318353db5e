"""Where the best ball of a size lies: mean likelihood inside less that around it, for all centres at once (FFT)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft

Floats = NDArray[np.float32]
Index = tuple[int, int, int]

#: The shell reaches to this multiple of the radius: it then has 2.4 times the ball's volume.
_SHELL = 1.5
#: A shell that lies outside the searched region says little: so much of it is counted as background all the same.
_SHELL_PRIOR = 0.3
#: Caps of the shell reach 35 degrees to all sides of their direction.
_CAP_COSINE = 0.82


def ellipsoid_distance(offsets_mm: NDArray[np.float64], axial_mm: float, craniocaudal_mm: float) -> Floats:
    """Distance from the centre in radii (1 = on the surface) of an ellipsoid that is round in the axial plane.

    Args:
        offsets_mm: (..., 3) offsets from the centre in RAS mm.
        axial_mm: diameter in the axial plane.
        craniocaudal_mm: diameter along the body.
    """
    half = np.array([axial_mm / 2, axial_mm / 2, craniocaudal_mm / 2])
    distance: Floats = np.linalg.norm(offsets_mm / half, axis=-1).astype(np.float32)
    return distance


@dataclass(frozen=True)
class BallKernels:
    """Weights around a central voxel, for one size on one grid.

    Attributes:
        ball: the inside.
        shell: what lies around it.
        caps: (26, ...) the shell in 26 directions, opposite ones at the same distance from both ends.
    """

    ball: Floats
    shell: Floats
    caps: Floats


def ball_kernels(axes_mm: NDArray[np.float64], axial_mm: float, craniocaudal_mm: float) -> BallKernels:
    """Kernels with softened borders (linear over a voxel), so that small balls are not blocks.

    Args:
        axes_mm: (3, 3), columns are the RAS offsets of one voxel along i, j, k.
        axial_mm: diameter in the axial plane.
        craniocaudal_mm: diameter along the body.
    """
    spacing = np.linalg.norm(axes_mm, axis=0)
    reach = np.ceil(_SHELL * max(axial_mm, craniocaudal_mm) / 2 / spacing).astype(int) + 1
    index = np.stack(np.meshgrid(*(np.arange(-n, n + 1) for n in reach), indexing="ij"), axis=-1)
    distance = ellipsoid_distance(index @ axes_mm.T, axial_mm, craniocaudal_mm)
    softness = float(np.mean(spacing)) / (max(axial_mm, craniocaudal_mm) / 2)
    ball = np.clip(0.5 + (1 - distance) / softness, 0, 1)
    around = np.clip(0.5 + (_SHELL - distance) / softness, 0, 1)
    shell = (around - ball).astype(np.float32)
    return BallKernels(ball.astype(np.float32), shell, shell * _caps(index @ axes_mm.T))


def _caps(offsets_mm: NDArray[np.float64]) -> NDArray[np.bool_]:
    """(26, ...) which offsets lie within `_CAP_COSINE` of each direction to a neighbour of a cube."""
    directions = np.array([one for one in np.ndindex(3, 3, 3) if one != (1, 1, 1)]) - 1.0
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    lengths = np.maximum(np.linalg.norm(offsets_mm, axis=-1), 1e-6)
    return np.stack([offsets_mm @ direction / lengths >= _CAP_COSINE for direction in directions])


def ball_scores(likelihood: Floats, trust: Floats, kernels: BallKernels) -> Floats:
    """Score of every voxel as centre, about -1 to 1: mean likelihood in the ball less that of the shell in the region.

    Args:
        likelihood: 0..1, (i, j, k); 0 outside the region.
        trust: 0..1, how far the likelihood is known; 0 outside the region.
        kernels: see `ball_kernels`.
    """
    inside = _correlate(likelihood, kernels.ball) / kernels.ball.sum()
    around = _correlate(likelihood, kernels.shell)
    known = _correlate(trust, kernels.shell)
    scores: Floats = inside - around / (known + _SHELL_PRIOR * kernels.shell.sum())
    return scores


def passing_through(likelihood: Floats, trust: Floats, kernels: BallKernels, centre: Index) -> float:
    """How much of what is in a ball goes on at both of two opposite ends, 0..1: high for vessels, folds and borders.

    A lesion beside something alike goes on at one end only.

    Args:
        likelihood: as for `ball_scores`.
        trust: as for `ball_scores`.
        kernels: see `ball_kernels`.
        centre: of the ball.
    """
    like, known = _patch(likelihood, centre, kernels.shell.shape), _patch(trust, centre, kernels.shell.shape)
    total = np.tensordot(kernels.caps, like, 3)
    possible = np.tensordot(kernels.caps, known, 3) + _SHELL_PRIOR * kernels.caps.sum((1, 2, 3))
    means = total / np.maximum(possible, 1e-6)  # in a small kernel a cap may hold no voxel
    opposite = means[::-1]  # directions are sorted so that the opposite one is as far from the other end
    return float(np.minimum(means, opposite).max())


def _patch(image: Floats, centre: Index, shape: tuple[int, ...]) -> Floats:
    """The surroundings of a voxel, 0 outside the image."""
    reach = [n // 2 for n in shape]
    patch = np.zeros(shape, np.float32)
    low = [c - r for c, r in zip(centre, reach, strict=True)]
    inside = tuple(slice(max(a, 0), min(a + n, size)) for a, n, size in zip(low, shape, image.shape, strict=True))
    patch[tuple(slice(s.start - a, s.stop - a) for s, a in zip(inside, low, strict=True))] = image[inside]
    return patch


def _correlate(image: Floats, kernel: Floats) -> Floats:
    """Sum of the image under the (symmetric) kernel at every voxel; outside the image is 0."""
    # Padding by the kernel's reach sends what wraps around into the padding; offsets beyond the image reach nothing.
    reach = [min(k // 2, n - 1) for k, n in zip(kernel.shape, image.shape, strict=True)]
    shape = [fft.next_fast_len(n + r, real=True) for n, r in zip(image.shape, reach, strict=True)]
    spectrum = fft.rfftn(image, shape) * fft.rfftn(_centred_at_origin(kernel, reach, shape), shape)
    result: Floats = fft.irfftn(spectrum, shape)[tuple(slice(n) for n in image.shape)]
    return result


def _centred_at_origin(kernel: Floats, reach: list[int], shape: list[int]) -> Floats:
    """The kernel in a periodic box, its centre at index 0."""
    middle = tuple(slice(k // 2 - r, k // 2 + r + 1) for k, r in zip(kernel.shape, reach, strict=True))
    periodic = np.zeros(shape, np.float32)
    periodic[np.ix_(*(np.arange(-r, r + 1) % n for r, n in zip(reach, shape, strict=True)))] = kernel[middle]
    return periodic


def peaks(scores: Floats, allowed: NDArray[np.bool_], radii: NDArray[np.float64], count: int) -> list[Index]:
    """The best centres, each outside the ellipsoid around better ones.

    Args:
        scores: (i, j, k).
        allowed: where centres may lie.
        radii: least distance between centres in voxels along i, j, k.
        count: how many at most.
    """
    remaining = np.where(allowed, scores, -np.inf)
    found: list[Index] = []
    while len(found) < count and np.isfinite(remaining).any():
        i, j, k = np.unravel_index(int(remaining.argmax()), remaining.shape)
        best = (int(i), int(j), int(k))
        found.append(best)
        box = tuple(slice(max(int(b - r), 0), int(b + r) + 2) for b, r in zip(best, radii, strict=True))
        nearby = remaining[box]
        offsets = np.moveaxis(np.indices(nearby.shape), 0, -1) + [one.start for one in box] - np.array(best)
        nearby[np.linalg.norm(offsets / np.maximum(radii, 0.5), axis=-1) <= 1] = -np.inf
    return found
