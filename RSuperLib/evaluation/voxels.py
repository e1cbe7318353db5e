"""Voxel by voxel: how well a mask of lesions covers the true one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from RSuperLib.evaluation.lesions import dice
from RSuperLib.evaluation.surfaces import surfaces
from RSuperLib.io import Grid

#: Tolerance in mm of the normalised surface Dice: about how far two experts' outlines lie apart.
TOLERANCE_MM = 2.0


@dataclass(frozen=True)
class VoxelScores:
    """One case, all its lesions together. Nothing found in a case with lesions counts as 0 Dice and 0 surface Dice."""

    dice: float
    surface_dice: float
    #: 95th percentile of the surfaces' distances; None where one mask is empty.
    hausdorff_95_mm: float | None
    #: Found minus true.
    volume_error_mm3: float
    #: Found minus true over true; None where there is no true lesion.
    relative_volume_error: float | None


def voxel_scores(found: NDArray[Any], true: NDArray[Any], grid: Grid) -> VoxelScores | None:
    """Compare the masks of one case.

    Args:
        found: (i, j, k), anything but 0 is lesion.
        true: the same shape.
        grid: where the voxels lie.

    Returns:
        The scores; None where both are empty, for then there is nothing to score.
    """
    inside, truth = found != 0, true != 0
    if not inside.any() and not truth.any():
        return None
    error = (int(np.count_nonzero(inside)) - int(np.count_nonzero(truth))) * grid.voxel_volume_mm3
    volume = np.count_nonzero(truth) * grid.voxel_volume_mm3
    relative = error / volume if volume else None
    if not inside.any() or not truth.any():
        return VoxelScores(0.0, 0.0, None, error, relative)
    near = surfaces(inside, truth, grid.spacing)
    return VoxelScores(dice(inside, truth), near.dice(TOLERANCE_MM), near.hausdorff(0.95), error, relative)
