"""Which voxels belong to a lesion whose ball was found: those that stand out, smooth and connected."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cc3d
import edt
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from RSuperLib.inference.attenuation import rise
from RSuperLib.inference.ball import ellipsoid_distance
from RSuperLib.inference.sizes import ExpectedSize
from RSuperLib.io import Grid

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]
Box = tuple[slice, slice, slice]

#: The lesion may leave its ball by this much of the radius; the soft border of that envelope.
_ENVELOPE, _ENVELOPE_SOFTNESS = 1.15, 0.08
#: Inside this part of the radius is lesion; from here to there are its surroundings.
_CORE, _AROUND = 0.5, (1.1, 1.7)
#: HU on the far side of the lesion's own may differ by so many of its standard deviations.
_BEYOND = 3.0
#: HU and likelihood are smoothed by this share of the radius, and by no more than so many mm.
_SMOOTHING, _MOST_SMOOTHING_MM = 0.08, 2.0
#: Bridges thinner than twice this share of the radius do not connect.
_OPENING = 0.15
#: Fewer voxels than this give no level of HU.
_FEWEST = 5
#: Never take voxels less likely than this, however small the volume stays.
_LEAST_LIKELIHOOD = 0.25


@dataclass(frozen=True)
class Ball:
    """Centre in continuous CT voxel indices, and the size that was looked for."""

    centre: NDArray[np.float64]
    size: ExpectedSize


@dataclass(frozen=True)
class Outline:
    """A lesion in its box of the CT: mask, and the likelihood of every voxel of the box to belong to it."""

    box: Box
    mask: Mask
    likelihood: Floats


def distances(box: Box, grid: Grid, ball: Ball) -> Floats:
    """Distance of every voxel of the box from the ball's centre, in radii."""
    axes = [np.arange(one.start, one.stop) - centre for one, centre in zip(box, ball.centre, strict=True)]
    index = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    return ellipsoid_distance(index @ grid.affine[:3, :3].T, ball.size.axial_mm, ball.size.craniocaudal_mm)


def delineate(
    hu: NDArray[Any],
    grid: Grid,
    ball: Ball,
    extent: Callable[[Box], Mask],
    attenuation: Callable[[Floats], Floats],
) -> Outline | None:
    """Find the voxels of a lesion; None if none is left.

    Args:
        hu: the CT (i, j, k).
        grid: its grid.
        ball: where it is.
        extent: the voxels of a box that the lesion may have.
        attenuation: likelihood 0..1 of HU by the reported attenuation.
    """
    box = _box(grid, ball)
    distance = distances(box, grid, ball)
    allowed = extent(box)
    values = ndimage.gaussian_filter(hu[box].astype(np.float32), _in_voxels(_smoothing_mm(ball), grid))
    likelihood = _between_lesion_and_surroundings(values, distance, allowed, attenuation(values))
    likelihood *= rise((_ENVELOPE - distance) / _ENVELOPE_SOFTNESS) * allowed
    likelihood = ndimage.gaussian_filter(likelihood, _in_voxels(_smoothing_mm(ball), grid)) * allowed
    chosen = _within_volume(likelihood, ball.size, grid.voxel_volume_mm3)
    mask = _one_piece(chosen, distance, _OPENING * ball.size.radius_mm, grid)
    return Outline(box, mask, likelihood) if mask.any() else None


def _box(grid: Grid, ball: Ball) -> Box:
    reach = _AROUND[1] * max(ball.size.axial_mm, ball.size.craniocaudal_mm) / 2
    slices = []
    for centre, spacing, n in zip(ball.centre, grid.spacing, grid.shape, strict=True):
        low, high = int(centre - reach / spacing), int(np.ceil(centre + reach / spacing)) + 1
        slices.append(slice(max(low, 0), min(high, n)))
    return slices[0], slices[1], slices[2]


def _smoothing_mm(ball: Ball) -> float:
    return min(_SMOOTHING * ball.size.radius_mm, _MOST_SMOOTHING_MM)


def _in_voxels(length_mm: float, grid: Grid) -> list[float]:
    return [length_mm / spacing for spacing in grid.spacing]


def _between_lesion_and_surroundings(values: Floats, distance: Floats, allowed: Mask, attenuation: Floats) -> Floats:
    """Likelihood by HU: the border of a blurred lesion lies half-way between its HU and those around it."""
    core = values[allowed & (distance < _CORE) & (attenuation > 0.5)]
    around = values[allowed & (distance > _AROUND[0]) & (distance < _AROUND[1]) & (attenuation < 0.5)]
    if len(core) < _FEWEST or len(around) < _FEWEST:
        return attenuation.copy()
    lesion, surroundings = float(np.median(core)), float(np.median(around))
    spread = max(1.4826 * float(np.median(np.abs(core - lesion))), 4.0)
    sign = 1.0 if lesion > surroundings else -1.0
    towards = sign * (values - (lesion + surroundings) / 2) / max(abs(lesion - surroundings) / 8, 1.0)
    beyond = (_BEYOND * spread - sign * (values - lesion)) / (spread / 2)
    return rise(towards) * rise(beyond)


def _within_volume(likelihood: Floats, size: ExpectedSize, voxel_mm3: float) -> Mask:
    """The voxels that are rather lesion than not; more or fewer of them if they are outside the volume interval."""
    least, most = (max(1, round(volume / voxel_mm3)) for volume in size.volume_mm3)
    count = min(max(int((likelihood > 0.5).sum()), least), most, likelihood.size)
    threshold = np.partition(likelihood.ravel(), -count)[-count]
    chosen: Mask = likelihood >= max(float(threshold), _LEAST_LIKELIHOOD)
    return chosen


def _one_piece(mask: Mask, distance: Floats, opening_mm: float, grid: Grid) -> Mask:
    """The piece nearest to the ball's centre, without what hangs on it by bridges thinner than the opening."""
    opened = _opened(mask, opening_mm, grid.spacing)
    pieces = cc3d.connected_components(opened if opened.any() else mask, connectivity=6)
    weights = np.bincount(pieces.ravel(), weights=np.clip(1.2 - distance, 0, None).ravel())
    weights[0] = 0
    piece = pieces == int(weights.argmax()) if weights.any() else np.zeros_like(mask)
    filled: Mask = ndimage.binary_fill_holes(piece)
    return filled


def _opened(mask: Mask, radius_mm: float, spacing: tuple[float, float, float]) -> Mask:
    """Opening with a ball: what a ball of that radius inside the mask can reach."""
    eroded: Mask = edt.edt(np.ascontiguousarray(mask), anisotropy=spacing) > radius_mm
    if not eroded.any():
        return eroded
    distance: Floats = edt.edt(np.ascontiguousarray(~eroded), anisotropy=spacing)
    opened: Mask = mask & np.asarray(distance <= radius_mm)
    return opened
