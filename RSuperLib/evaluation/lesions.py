"""Lesions of one mask against those of another: connected pieces, Dice, one-to-one matching, recall."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cc3d
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from RSuperLib.io import Grid

#: Lesions match from this intersection over union on: they overlap clearly, even where borders are a matter of taste.
MATCHING_IOU = 0.1


@dataclass(frozen=True)
class LesionPair:
    """A found lesion and the true one that it matches."""

    found: int
    true: int
    iou: float

    @property
    def dice(self) -> float:
        """Dice coefficient of the two."""
        return 2 * self.iou / (1 + self.iou)


def connected_lesions(mask: NDArray[Any], grid: Grid, least_mm3: float = 0.0) -> NDArray[np.uint16]:
    """Number the connected pieces of a mask (voxels that share a corner are connected), largest first.

    Args:
        mask: (i, j, k), 0 = background.
        grid: where the voxels lie.
        least_mm3: smaller pieces are left out.
    """
    pieces = cc3d.connected_components(np.ascontiguousarray(mask != 0), connectivity=26)
    sizes = np.bincount(pieces.ravel())
    sizes[0] = 0
    kept = [piece for piece in np.argsort(-sizes) if sizes[piece] and sizes[piece] * grid.voxel_volume_mm3 >= least_mm3]
    new = np.zeros(len(sizes), np.uint16)
    new[kept] = np.arange(1, len(kept) + 1)
    numbered: NDArray[np.uint16] = new[pieces]
    return numbered


def dice(one: NDArray[Any], other: NDArray[Any]) -> float:
    """Dice coefficient of two masks of one shape (anything but 0 is inside); 1 if both are empty."""
    first, second = one != 0, other != 0
    total = int(first.sum()) + int(second.sum())
    return 2 * int((first & second).sum()) / total if total else 1.0


def match_lesions(found: NDArray[Any], true: NDArray[Any], least_iou: float = MATCHING_IOU) -> list[LesionPair]:
    """Match the lesions of two label maps one to one so that the sum of IoU is largest.

    Args:
        found: (i, j, k) labels, 0 = background.
        true: the same shape.
        least_iou: pairs below this do not match.

    Returns:
        The pairs in the order of the true labels.
    """
    overlap, found_labels, true_labels = _ious(found, true)
    allowed = np.where(overlap >= least_iou, overlap, 0.0)
    rows, columns = linear_sum_assignment(allowed, maximize=True)
    pairs = [
        LesionPair(found_labels[row], true_labels[column], float(allowed[row, column]))
        for row, column in zip(rows, columns, strict=True)
        if allowed[row, column] > 0
    ]
    return sorted(pairs, key=lambda pair: pair.true)


def _ious(found: NDArray[Any], true: NDArray[Any]) -> tuple[NDArray[np.float64], list[int], list[int]]:
    """Intersection over union of every pair of labels, and the labels of rows and columns."""
    found_sizes, true_sizes = np.bincount(found.ravel()), np.bincount(true.ravel())
    both = (found > 0) & (true > 0)
    common = np.zeros((len(found_sizes), len(true_sizes)))
    np.add.at(common, (found[both], true[both]), 1)
    unions = found_sizes[:, None] + true_sizes[None, :] - common
    found_labels = [int(label) for label in np.flatnonzero(found_sizes) if label]
    true_labels = [int(label) for label in np.flatnonzero(true_sizes) if label]
    chosen = np.ix_(found_labels, true_labels)
    return common[chosen] / unions[chosen], found_labels, true_labels
