"""How long, wide and high a mask is, measured as radiologists measure lesions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull
from scipy.spatial.distance import pdist, squareform

from RSuperLib.io import Grid


def lesion_diameters(mask: NDArray[np.bool_], grid: Grid) -> tuple[float, float, float]:
    """Longest axial diameter, its perpendicular in the same slice, and the craniocaudal extent.

    Args:
        mask: one lesion, not empty, (i, j, k): the whole volume or a box cut out of it.
        grid: gives the spacing and which array axis is craniocaudal.

    Returns:
        Millimetres, from voxel border to voxel border.
    """
    craniocaudal = int(np.abs(grid.affine[2, :3] / grid.spacing).argmax())
    upright = np.moveaxis(mask, craniocaudal, 2)
    spacing = [step for axis, step in enumerate(grid.spacing) if axis != craniocaudal]
    levels = np.flatnonzero(upright.any((0, 1)))
    axial = max(_slice_diameters(upright[:, :, level], spacing) for level in levels)
    return axial[0], axial[1], float(np.ptp(levels) + 1) * grid.spacing[craniocaudal]


def _slice_diameters(mask: NDArray[np.bool_], spacing: list[float]) -> tuple[float, float]:
    pixels = np.argwhere(mask).astype(float)
    # The middles of the pixels' sides: centres would lose a pixel, corners would add to oblique diameters.
    sides = [pixels + step for step in ((0.5, 0.0), (-0.5, 0.0), (0.0, 0.5), (0.0, -0.5))]
    points = np.unique(np.vstack(sides), axis=0) * spacing
    hull = points[ConvexHull(points).vertices]
    distances = squareform(pdist(hull))
    first, second = np.unravel_index(int(distances.argmax()), distances.shape)
    along = (hull[second] - hull[first]) / distances[first, second]
    across = hull @ np.array([-along[1], along[0]])
    return float(distances[first, second]), float(np.ptp(across))
