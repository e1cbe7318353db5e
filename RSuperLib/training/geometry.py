"""The grid that networks see: axes (z, y, x) towards superior, posterior and left, one spacing for all cases.

This is the orientation that ITK calls RAI, which the published weights were trained in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from RSuperLib.io import Grid

#: RAS directions of the axes z, y, x.
_DIRECTIONS = ((2, 1), (1, -1), (0, -1))


@dataclass(frozen=True)
class TrainingGrid:
    """How a CT's own voxels (i, j, k) become the network's (z, y, x).

    Attributes:
        order: for z, y, x: which of the axes i, j, k runs along it.
        flipped: for z, y, x: whether that axis runs the other way.
        source_shape: voxels of the CT along z, y, x.
        shape: voxels of the training grid.
        spacing: its millimetres between voxels along z, y, x.
        scale: CT voxels per training voxel along z, y, x; both grids begin at the same outer corner.
    """

    order: tuple[int, int, int]
    flipped: tuple[bool, bool, bool]
    source_shape: tuple[int, int, int]
    shape: tuple[int, int, int]
    spacing: tuple[float, float, float]
    scale: tuple[float, float, float]

    @classmethod
    def of(cls, grid: Grid, spacing: Sequence[float]) -> TrainingGrid:
        """The training grid of a CT; an oblique CT keeps its tilt, as the axes are only swapped and turned.

        Args:
            grid: the CT's.
            spacing: wanted millimetres along z, y, x.
        """
        cosines = grid.affine[:3, :3] / np.array(grid.spacing)
        order, flipped = [], []
        free = [0, 1, 2]
        for axis, sign in _DIRECTIONS:
            nearest = max(free, key=lambda column: abs(cosines[axis, column]))
            free.remove(nearest)
            order.append(nearest)
            flipped.append(bool(cosines[axis, nearest] * sign < 0))
        source = tuple(grid.shape[axis] for axis in order)
        scale = [mm / grid.spacing[axis] for axis, mm in zip(order, spacing, strict=True)]
        shape = [max(1, round(n / one)) for n, one in zip(source, scale, strict=True)]
        return cls(*(_three(values) for values in (order, flipped, source, shape, list(spacing), scale)))

    def image(self, array: NDArray[Any]) -> NDArray[np.int16]:
        """A CT (i, j, k) on the training grid: linear, and averaged where voxels become larger."""
        resampled = self._turned(array).astype(np.float32)
        for axis, one in enumerate(self.scale):
            weights = _linear_weights(self.source_shape[axis], self.shape[axis], one)
            resampled = np.moveaxis(np.tensordot(weights, resampled, (1, axis)), 0, axis)
        return np.rint(resampled).astype(np.int16)

    def labels(self, array: NDArray[Any]) -> NDArray[Any]:
        """A mask or label map (i, j, k) on the training grid: the nearest voxel's value."""
        resampled = self._turned(array)
        for axis, one in enumerate(self.scale):
            resampled = np.take(resampled, _nearest(self.source_shape[axis], self.shape[axis], one), axis)
        return np.ascontiguousarray(resampled)

    def labels_back(self, array: NDArray[Any]) -> NDArray[Any]:
        """The inverse of `labels`: values (z, y, x) on the CT's own voxels (i, j, k)."""
        resampled = array
        for axis, one in enumerate(self.scale):
            resampled = np.take(resampled, _nearest(self.shape[axis], self.source_shape[axis], 1 / one), axis)
        turned = np.flip(resampled, self._flips)
        return np.ascontiguousarray(turned.transpose(np.argsort(self.order)))

    def level(self, image: int) -> float:
        """z of the CT's axial slice with this number, if slices are counted from 1 at the top."""
        return (self.source_shape[0] - image + 0.5) / self.scale[0] - 0.5

    @property
    def _flips(self) -> tuple[int, ...]:
        return tuple(axis for axis, flip in enumerate(self.flipped) if flip)

    def _turned(self, array: NDArray[Any]) -> NDArray[Any]:
        turned: NDArray[Any] = np.flip(array.transpose(self.order), self._flips)
        return turned


def _nearest(before: int, after: int, scale: float) -> NDArray[np.intp]:
    """(after,) index of the voxel of an axis of `before` voxels that holds the centre of each new voxel."""
    return np.minimum(((np.arange(after) + 0.5) * scale).astype(np.intp), before - 1)


def _linear_weights(before: int, after: int, scale: float) -> NDArray[np.float32]:
    """(after, before) weights of a triangle that is as wide as the larger of both voxels; rows sum to 1."""
    centres = np.clip((np.arange(after) + 0.5) * scale - 0.5, 0, before - 1)
    distance = np.abs(np.arange(before)[None, :] - centres[:, None])
    weights = np.maximum(0.0, 1.0 - distance / max(scale, 1.0))
    normalised: NDArray[np.float32] = (weights / weights.sum(1, keepdims=True)).astype(np.float32)
    return normalised


def _three(values: Sequence[Any]) -> tuple[Any, Any, Any]:
    first, second, third = values
    return first, second, third
