"""How far the surfaces of two masks lie from each other.

MONAI counts, for every 2 x 2 x 2 neighbourhood, the area of the surface in it (`use_subvoxels`), as the field's
`surface-distance` does; shares of *area*, not of edge voxels, are what published surface Dice figures are.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Distances = NDArray[np.float64]


@dataclass(frozen=True)
class Surfaces:
    """Distances in mm from each piece of one surface to the other surface, and the pieces' areas in mm²."""

    to_true: Distances
    found_areas: Distances
    to_found: Distances
    true_areas: Distances

    def dice(self, tolerance_mm: float) -> float:
        """Normalised surface Dice: the share of both surfaces that lies within the tolerance of the other one.

        Source: Nikolov et al., J Med Internet Res 2021;23(7):e26151.
        """
        near = (
            self.found_areas[self.to_true <= tolerance_mm].sum() + self.true_areas[self.to_found <= tolerance_mm].sum()
        )
        return float(near / (self.found_areas.sum() + self.true_areas.sum()))

    def hausdorff(self, share: float = 0.95) -> float:
        """Distance in mm within which this share of each surface's area lies from the other one; the worse of both."""
        return max(_quantile(self.to_true, self.found_areas, share), _quantile(self.to_found, self.true_areas, share))


def surfaces(found: NDArray[Any], true: NDArray[Any], spacing: tuple[float, float, float]) -> Surfaces:
    """Compare the surfaces of two masks; only the box around both is looked at.

    Args:
        found: (i, j, k), anything but 0 is inside.
        true: the same shape.
        spacing: voxel size in mm along i, j, k.

    Raises:
        ValueError: one of the masks is empty, so that there is no surface to measure from.
    """
    import torch
    from monai.metrics.utils import get_edge_surface_distance

    box = _box(found, true)
    masks = [torch.from_numpy(np.ascontiguousarray(mask[box] != 0)) for mask in (found, true)]
    if not all(bool(mask.any()) for mask in masks):
        raise ValueError("an empty mask has no surface")
    with warnings.catch_warnings():  # MONAI 1.6 passes an argument to itself that it calls deprecated
        warnings.simplefilter("ignore", FutureWarning)
        edges, distances, areas = get_edge_surface_distance(
            masks[0], masks[1], spacing=spacing, use_subvoxels=True, symmetric=True
        )
    found_areas, true_areas = (area[edge].double().numpy() for area, edge in zip(areas, edges, strict=True))
    to_true, to_found = (distance.double().numpy() for distance in distances)
    return Surfaces(to_true, found_areas, to_found, true_areas)


def _box(found: NDArray[Any], true: NDArray[Any]) -> tuple[slice, ...]:
    """The smallest box that holds both masks, found axis by axis in ever smaller pieces: whole CTs are mostly empty."""
    box = [slice(None)] * found.ndim
    for axis in sorted(range(found.ndim), key=lambda axis: -abs(found.strides[axis])):
        others = tuple(other for other in range(found.ndim) if other != axis)
        used = np.flatnonzero(found[tuple(box)].any(axis=others) | true[tuple(box)].any(axis=others))
        box[axis] = slice(int(used[0]), int(used[-1]) + 1) if used.size else slice(0, 0)
    return tuple(box)


def _quantile(distances: Distances, areas: Distances, share: float) -> float:
    order = np.argsort(distances)
    reached = np.cumsum(areas[order]) / areas.sum()
    return float(distances[order][min(int(np.searchsorted(reached, share)), len(order) - 1)])
