"""How long, wide and high a mask is, measured as radiologists measure lesions."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull
from scipy.spatial.distance import pdist, squareform


def lesion_diameters(mask: NDArray[np.bool_], spacing: tuple[float, float, float]) -> tuple[float, float, float]:
    """Longest axial diameter, its perpendicular in the same slice, and the craniocaudal extent.

    Args:
        mask: one lesion, not empty, (x, y, z) with the third axis craniocaudal.
        spacing: mm along the axes.

    Returns:
        Millimetres to two decimals. The axial ones reach from voxel border to voxel border.
    """
    box = tuple(slice(line.min(), line.max() + 1) for line in np.nonzero(mask))
    inside = mask[box]
    best = (0.0, 0.0)
    for k in np.flatnonzero(inside.any((0, 1))):
        best = max(best, _slice_diameters(inside[:, :, k], spacing))
    return round(best[0], 2), round(best[1], 2), round(inside.shape[2] * spacing[2], 2)


def _slice_diameters(mask: NDArray[np.bool_], spacing: tuple[float, float, float]) -> tuple[float, float]:
    pixels = np.argwhere(mask).astype(float)
    # The middles of the pixels' sides: centres would lose a pixel, corners would add to oblique diameters.
    sides = [pixels + step for step in ((0.5, 0.0), (-0.5, 0.0), (0.0, 0.5), (0.0, -0.5))]
    points = np.unique(np.vstack(sides), axis=0) * spacing[:2]
    hull = points[ConvexHull(points).vertices]
    distances = squareform(pdist(hull))
    longest = distances.max()
    # Where several diameters are the longest, the one with the widest perpendicular counts.
    firsts, seconds = np.nonzero(np.triu(distances) >= longest - 1e-3)
    along = (hull[seconds] - hull[firsts]) / longest
    across = hull @ np.column_stack([-along[:, 1], along[:, 0]]).T
    return float(longest), float(np.ptp(across, axis=0).max())


def craniocaudal_extent(mask: NDArray[Any], slice_mm: float) -> float:
    """Extent of a mask (x, y, z) along z, mm; 0 if it is empty."""
    levels = np.flatnonzero(mask.any((0, 1)))
    return float(np.ptp(levels) + 1) * slice_mm if len(levels) else 0.0
