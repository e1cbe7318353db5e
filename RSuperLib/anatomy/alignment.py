"""Label maps brought onto a CT's grid, where that needs no resampling."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from RSuperLib.io import Grid, InputError, LabelMap

#: Voxels that the far corner may be off before two grids are different ones.
TOLERANCE_VOXELS = 0.1


def on_grid(labels: LabelMap, grid: Grid, name: str, *, may_be_cropped: bool = False) -> NDArray[Any]:
    """The labels as an array on the CT's grid: axes are swapped and turned as needed.

    Args:
        labels: label map whose voxels coincide with those of the CT, in any order of axes.
        grid: the CT's grid.
        name: what the label map is called, for the message.
        may_be_cropped: whether it may hold a box of the CT only, as segmentations of 3D Slicer do.

    Raises:
        InputError: the voxels do not coincide; says in what they differ.
    """
    to_ct = np.linalg.inv(grid.affine) @ labels.grid.affine
    turn = np.rint(to_ct[:3, :3])
    slack = np.abs(to_ct[:3, :3] - turn) @ np.array(labels.grid.shape)
    if not np.array_equal(np.abs(turn).sum(axis=0), [1, 1, 1]) or abs(np.linalg.det(turn)) != 1:
        raise _differs(name, labels.grid, grid)
    first, turned = _turned(labels.array, turn.astype(int), to_ct[:3, 3])
    start = np.rint(first).astype(int)
    if max(float(slack.max()), float(np.abs(first - start).max())) > TOLERANCE_VOXELS:
        raise _differs(name, labels.grid, grid)
    if turned.shape == grid.shape and not start.any():
        return turned
    stop = start + turned.shape
    if not may_be_cropped or (start < 0).any() or (stop > grid.shape).any():
        raise _differs(name, labels.grid, grid)
    whole = np.zeros(grid.shape, turned.dtype, order="F")
    whole[start[0] : stop[0], start[1] : stop[1], start[2] : stop[2]] = turned
    return whole


def _turned(
    array: NDArray[Any], turn: NDArray[np.int_], offset: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[Any]]:
    """The array with the CT's axes, and the CT's index of its first voxel. `turn` is a signed permutation."""
    order = np.abs(turn).argmax(axis=1)
    backwards = turn[np.arange(3), order] < 0
    turned = array.transpose(order)
    turned = turned[tuple(slice(None, None, -1 if back else 1) for back in backwards)]
    return np.where(backwards, offset - (np.array(turned.shape) - 1), offset), turned


def _differs(name: str, grid: Grid, ct: Grid) -> InputError:
    return InputError(
        f"{name} lies on another grid than the CT: {_difference(grid, ct)}.",
        "Make the masks on this CT, or resample them to it (in 3D Slicer: Resample Scalar/Vector/DWI Volume).",
    )


def _difference(grid: Grid, ct: Grid) -> str:
    if sorted(grid.shape) != sorted(ct.shape):
        return f"it has {_times(grid.shape)} voxels, the CT {_times(ct.shape)}"
    if not np.allclose(sorted(grid.spacing), sorted(ct.spacing), rtol=1e-3):
        return f"its voxels are {_times(grid.spacing)} mm, those of the CT {_times(ct.spacing)} mm"
    middle = [one.to_world((np.array(one.shape) - 1) / 2) for one in (grid, ct)]
    distance = float(np.linalg.norm(middle[0] - middle[1]))
    if distance > TOLERANCE_VOXELS * min(ct.spacing):
        return f"its middle lies {distance:.3g} mm away from that of the CT"
    return "its axes point in other directions"


def _times(values: tuple[float, ...]) -> str:
    return " x ".join(f"{value:.5g}" for value in values)
