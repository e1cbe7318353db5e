"""Where a training patch is cut out of a case, and how it is turned.

The shares and ranges are those of the published method. What differs: crops of report cases may be turned too, as long
as the whole region of the target stays inside the patch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from RSuperLib.training.prepared import PreparedCase, PreparedTarget, Three
from RSuperLib.training.settings import CropSettings, WarpSettings

#: Where a lesion is known, so many crops are around one, and so many around the organs to search.
_AT_LESION, _AT_ORGAN = 0.9, 0.05
#: The same without a known lesion; the rest is background.
_AT_ORGAN_ONLY = 0.9
#: A crop's centre is moved by up to this share of its edge.
_JITTER = 0.5


@dataclass(frozen=True)
class Crop:
    """A patch of a case.

    Attributes:
        start: its first voxel (z, y, x) before it is turned; it may lie outside the case, which is then padded.
        warp: (3, 3) offset from the patch's centre to offset in the case, in voxels; None = as it is.
        target: number of the target that it was cut out around: its whole region lies in the patch; None = none.
    """

    start: Three
    warp: NDArray[np.float64] | None = None
    target: int | None = None


def mask_crop(case: PreparedCase, settings: CropSettings, random: np.random.Generator) -> Crop:
    """A crop of a case whose lesions are known voxel by voxel."""
    lesions = [places for places in case.voxels.values() if places]
    draw = random.random()
    if lesions and draw < _AT_LESION:
        return _around(_any(lesions, random), case, settings, random)
    return _without_lesion(case, settings, random, draw < (_AT_LESION + _AT_ORGAN if lesions else _AT_ORGAN_ONLY))


def report_crop(
    case: PreparedCase, settings: CropSettings, targets: Sequence[int], random: np.random.Generator
) -> Crop:
    """A crop of a case that has a report: around the whole region of one of the targets, if one fits.

    Args:
        case: the case.
        settings: patch and shares.
        targets: numbers of the targets that may be chosen.
        random: source of randomness.
    """
    fitting = [number for number in targets if _starts(case.targets[number], case.shape, settings.patch) is not None]
    if not fitting or random.random() < settings.plain_share:
        return _without_lesion(case, settings, random, random.random() < _AT_ORGAN_ONLY)
    number = fitting[int(random.integers(len(fitting)))]
    ranges = _starts(case.targets[number], case.shape, settings.patch)
    start = _three([int(random.integers(low, high + 1)) for low, high in ranges or []])
    warp = _random_warp(settings.warp, random)
    if not holds(Crop(start, warp), case.targets[number], settings.patch):
        warp = None
    return Crop(start, warp, number)


def fits(target: PreparedTarget, shape: Three, patch: Three) -> bool:
    """Whether a patch can hold the whole region of a target."""
    return _starts(target, shape, patch) is not None


def holds(crop: Crop, target: PreparedTarget, patch: Three) -> bool:
    """Whether the whole region of a target lies in the patch: the corners of its box, which is convex, do."""
    inside = in_patch(crop, box_corners(target), patch)
    return bool((inside >= 0).all() and (inside <= np.array(patch) - 1).all())


def touches(crop: Crop, target: PreparedTarget, patch: Three) -> bool:
    """Whether something of the region of a target may lie in the patch: their boxes overlap."""
    inside = in_patch(crop, box_corners(target), patch)
    return bool((inside.max(0) >= 0).all() and (inside.min(0) <= np.array(patch) - 1).all())


def _without_lesion(case: PreparedCase, settings: CropSettings, random: np.random.Generator, at_organ: bool) -> Crop:
    organs = [places for places in case.search_voxels.values() if places]
    places = _any(organs, random) if at_organ and organs else case.background_voxels
    return _around(places or [_three([n // 2 for n in case.shape])], case, settings, random)


def _any(choices: Sequence[list[Three]], random: np.random.Generator) -> list[Three]:
    return choices[int(random.integers(len(choices)))]


def _around(places: list[Three], case: PreparedCase, settings: CropSettings, random: np.random.Generator) -> Crop:
    """A patch about one of the places, moved at random and kept within the case."""
    place = places[int(random.integers(len(places)))]
    start = []
    for voxel, edge, n in zip(place, settings.patch, case.shape, strict=True):
        moved = voxel - edge // 2 + round(float(random.uniform(-_JITTER, _JITTER)) * edge)
        low, high = _limits(edge, n)
        start.append(min(max(moved, low), high))
    return Crop(_three(start), _random_warp(settings.warp, random))


def _limits(edge: int, n: int) -> tuple[int, int]:
    """First and last start of a patch within n voxels; a case that is smaller is centred."""
    return (0, n - edge) if n >= edge else (-((edge - n) // 2),) * 2


def _starts(target: PreparedTarget, shape: Three, patch: Three) -> list[tuple[int, int]] | None:
    """Ranges of starts (z, y, x) with which the patch holds the region and one voxel around it; None = it never does.

    A region that is too large is tried without its thin outliers, as published.
    """
    for box in (target.box, target.core):
        ranges = [
            _start_range(low, high, n, edge) for low, high, n, edge in zip(box[0], box[1], shape, patch, strict=True)
        ]
        if all(low <= high for low, high in ranges):
            return ranges
    return None


def _start_range(low: int, high: int, n: int, edge: int) -> tuple[int, int]:
    first, last = _limits(edge, n)
    return max(first, min(high + 1, n) - edge), min(last, max(low - 1, 0))


def _random_warp(settings: WarpSettings, random: np.random.Generator) -> NDArray[np.float64] | None:
    """A random turn, shear and scale, or none; the same number of draws either way."""
    draw = random.random()
    angles = np.radians(random.uniform(-settings.degrees, settings.degrees, 3))
    shears = random.uniform(-settings.shear, settings.shear, 3)
    scale = np.exp(random.uniform(-1, 1) * np.log(settings.scale))
    mirrored = settings.mirror_lateral and random.random() < 0.5
    if draw >= settings.share:
        return np.diag([1.0, 1.0, -1.0]) if mirrored else None
    shear = np.eye(3)
    shear[0, 1], shear[0, 2], shear[1, 2] = shears
    matrix = _rotation(angles) @ shear / scale
    return np.asarray(matrix @ np.diag([1.0, 1.0, -1.0]) if mirrored else matrix, np.float64)


def _rotation(angles: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rotation about z, then y, then x by angles in radians."""
    matrix = np.eye(3)
    for axis, angle in enumerate(angles):
        one, other = [index for index in range(3) if index != axis]
        turn = np.eye(3)
        turn[one, one] = turn[other, other] = np.cos(angle)
        turn[one, other], turn[other, one] = -np.sin(angle), np.sin(angle)
        matrix = matrix @ turn
    return matrix


def box_corners(target: PreparedTarget) -> NDArray[np.intp]:
    """(8, 3) first and last voxels of a target's box."""
    ends = [(first, last - 1) for first, last in zip(*target.box, strict=True)]
    return np.array(list(product(*ends)))


def in_patch(crop: Crop, voxels: NDArray[Any], patch: Three) -> NDArray[np.float64]:
    """Voxels of the case (n, 3) as voxels of the patch, which are no whole numbers if it is turned."""
    middle = (np.array(patch) - 1) / 2
    offsets = voxels - (np.array(crop.start) + middle)
    turned = offsets if crop.warp is None else offsets @ np.linalg.inv(crop.warp).T
    return np.asarray(turned + middle, np.float64)


def _three(values: Sequence[int]) -> Three:
    first, second, third = values
    return first, second, third
