"""The organ inside a rough region: a box drawn around it, or a mask that holds much else."""

from __future__ import annotations

from typing import Any

import cc3d
import edt
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from RSuperLib.inference.attenuation import SOFT_TISSUE_HU
from RSuperLib.io import Grid

Mask = NDArray[np.bool_]
Box = tuple[slice, ...]

#: An organ's outline holds little fat, gas or bone: real and made-up masks of solid organs stay under a tenth.
_MOST_FOREIGN = 0.2
#: The organ is looked for on voxels of about this edge.
_WORKING_MM = 2.5
#: Organ tissue lies within so many standard deviations of the peak of the smoothed HU, at least so many HU.
_WITHIN_DEVIATIONS, _WITHIN_HU = 2.5, 12.0
#: Bridges to neighbouring organs up to about twice as wide are cut.
_BRIDGE_MM = 6.0


def is_rough(hu: NDArray[Any], region: Mask) -> bool:
    """Whether a region is no organ's outline: it fills its own bounding box, or much of it is fat, gas or bone.

    Args:
        hu: CT, (i, j, k).
        region: mask of the same shape, not empty. Never a lung: lungs are gas.
    """
    box = bounding_box(region)
    inside = hu[box][region[box]]
    foreign = np.mean((inside < SOFT_TISSUE_HU[0]) | (inside > SOFT_TISSUE_HU[1]))
    return bool(region[box].all()) or float(foreign) > _MOST_FOREIGN


def organ_within(hu: NDArray[Any], region: Mask, grid: Grid) -> Mask:
    """The organ that fills most of a rough region, without the lesions that look unlike it.

    The organ's tissue is the soft tissue that most of the region's soft voxels are of; smoothed, it lies near its own
    HU; the largest piece that hangs together by more than thin bridges is the organ.

    Args:
        hu: CT, (i, j, k).
        region: mask of the same shape, not empty.
        grid: the CT's grid.

    Returns:
        (i, j, k) mask inside the region; the region itself if no organ stands out in it.
    """
    box = bounding_box(region)
    step = tuple(max(1, round(_WORKING_MM / spacing)) for spacing in grid.spacing)
    spacing = np.array(grid.spacing) * step
    sigma = _WORKING_MM / np.array(grid.spacing)
    smooth = ndimage.gaussian_filter(hu[box].astype(np.float32), sigma)[:: step[0], :: step[1], :: step[2]]
    inside = region[box][:: step[0], :: step[1], :: step[2]]
    organ = _largest_piece(_alike(smooth, inside), spacing)
    if not organ.any():
        return region
    fine = np.zeros_like(region)
    zoomed = np.repeat(np.repeat(np.repeat(organ, step[0], 0), step[1], 1), step[2], 2)
    shape = region[box].shape
    fine[box] = zoomed[: shape[0], : shape[1], : shape[2]] & region[box]
    return fine


def bounding_box(mask: Mask) -> Box:
    """The smallest box that holds a mask, which must not be empty."""
    lines: list[Mask] = [np.asarray(mask.any(tuple({0, 1, 2} - {axis}))) for axis in range(3)]
    return tuple(slice(int(line.argmax()), len(line) - int(line[::-1].argmax())) for line in lines)


def _alike(smooth: NDArray[np.float32], inside: Mask) -> Mask:
    """Voxels around the highest peak of the histogram, whose width is that of its steeper flank."""
    counts, edges = np.histogram(smooth[inside], np.arange(SOFT_TISSUE_HU[0], SOFT_TISSUE_HU[1] + 1))
    density = ndimage.gaussian_filter1d(counts.astype(float), 3.0)
    peak = int(density.argmax())
    high: Mask = density >= density[peak] / 2
    flanks = [np.argmin(high[peak:]), np.argmin(high[peak::-1])]
    deviation = max(1, min(int(flank) for flank in flanks if flank) if any(flanks) else 1) / 1.177  # half maximum
    reach = max(_WITHIN_DEVIATIONS * deviation, _WITHIN_HU)
    alike: Mask = inside & (np.abs(smooth - edges[peak]) <= reach)
    return alike


def _largest_piece(mask: Mask, spacing: NDArray[np.float64]) -> Mask:
    """Largest connected component of the mask without its thin bridges, then with its own rim again."""
    core = _inner_distance(mask, spacing) > _BRIDGE_MM
    if not core.any():
        return core
    piece = cc3d.largest_k(core, k=1, connectivity=6) > 0
    near: Mask = edt.edt(np.ascontiguousarray(~piece), anisotropy=tuple(spacing)) <= _BRIDGE_MM * 1.2
    return near & mask


def _inner_distance(mask: Mask, spacing: NDArray[np.float64]) -> NDArray[np.float32]:
    distance: NDArray[np.float32] = edt.edt(np.ascontiguousarray(mask), anisotropy=tuple(spacing), black_border=False)
    return distance
