"""Report-only evaluation as published for R-Super: cases called by the volume of an opened mask, over fixed thresholds.

No rule picks a threshold there: the table is made on the test cases, so its best row is no claim about new cases.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from RSuperLib.io import Grid

_CUBE = np.ones((3, 3, 3), np.bool_)


@dataclass(frozen=True)
class PublishedRow:
    """One threshold; a share is None where it has nothing to divide by."""

    threshold_mm3: int
    sensitivity: float | None
    specificity: float | None
    f1: float | None


def published_thresholds() -> list[int]:
    """The 297 thresholds in mm³, ascending in four runs of ever wider steps."""
    return [*range(10, 100, 10), *range(100, 1000, 10), *range(100, 10_000, 100), *range(1000, 100_000, 1000)]


def published_volume(mask: NDArray[Any], grid: Grid) -> int:
    """Volume in mm³ of a mask after opening: what is thinner than three voxels of 1 mm vanishes.

    The mask is brought to 1 mm by the nearest voxel, eroded once and dilated twice with a cube of 3 voxels, and
    limited to itself.

    Args:
        mask: (i, j, k), anything but 0 is inside.
        grid: gives the spacing.
    """
    fine = ndimage.zoom((mask != 0).astype(np.uint8), grid.spacing, order=0) > 0
    opened = ndimage.binary_dilation(ndimage.binary_erosion(fine, _CUBE), _CUBE, iterations=2) & fine
    return int(opened.sum())


def published_table(volumes: Sequence[float], truths: Sequence[bool]) -> list[PublishedRow]:
    """Sensitivity, specificity and F1 at every threshold; a case is positive from that volume (mm³) on."""
    volume, truth = np.asarray(volumes, np.float64), np.asarray(truths, np.bool_)
    return [_row(threshold, volume >= threshold, truth) for threshold in published_thresholds()]


def _row(threshold: int, called: NDArray[np.bool_], truth: NDArray[np.bool_]) -> PublishedRow:
    hits = int((called & truth).sum())
    return PublishedRow(
        threshold,
        _share(hits, int(truth.sum())),
        _share(int((~called & ~truth).sum()), int((~truth).sum())),
        _share(2 * hits, int(called.sum()) + int(truth.sum())),
    )


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
