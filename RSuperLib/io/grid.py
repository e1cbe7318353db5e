"""Where the voxels of a volume lie in the patient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Grid:
    """Voxel grid of a volume: array index (i, j, k) to patient millimetres, right-anterior-superior (RAS).

    Attributes:
        shape: voxels along i, j, k.
        affine: (4, 4) float64, homogeneous (i, j, k) to RAS millimetres, as in NIfTI.
    """

    shape: tuple[int, int, int]
    affine: NDArray[np.float64]

    @property
    def spacing(self) -> tuple[float, float, float]:
        """Millimetres between neighbouring voxels along i, j, k."""
        lengths = np.linalg.norm(self.affine[:3, :3], axis=0)
        return (float(lengths[0]), float(lengths[1]), float(lengths[2]))

    @property
    def voxel_volume_mm3(self) -> float:
        """Volume of one voxel in cubic millimetres."""
        return float(abs(np.linalg.det(self.affine[:3, :3])))

    def to_world(self, index: NDArray[Any]) -> NDArray[np.float64]:
        """RAS millimetres of voxel indices, both of shape (..., 3)."""
        world: NDArray[np.float64] = np.asarray(index, float) @ self.affine[:3, :3].T + self.affine[:3, 3]
        return world

    def to_index(self, world: NDArray[Any]) -> NDArray[np.float64]:
        """Continuous voxel indices of RAS millimetres, both of shape (..., 3)."""
        offset = np.asarray(world, float) - self.affine[:3, 3]
        index: NDArray[np.float64] = offset @ np.linalg.inv(self.affine[:3, :3]).T
        return index

    def same_as(self, other: Grid, tolerance_mm: float = 1e-2) -> bool:
        """Whether both grids put every voxel at the same place, but for `tolerance_mm` at the far corner."""
        if self.shape != other.shape:
            return False
        corners = np.array([[0, 0, 0], self.shape], float)
        return bool(np.abs(self.to_world(corners) - other.to_world(corners)).max() <= tolerance_mm) and bool(
            np.allclose(self.affine[:3, :3], other.affine[:3, :3], atol=tolerance_mm / max(self.shape))
        )
