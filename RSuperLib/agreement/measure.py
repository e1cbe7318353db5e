"""The lesions of a mask, measured: organ, parts, volume, diameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from RSuperLib.agreement.schema import Lesion
from RSuperLib.anatomy import Parts, lesion_diameters, part
from RSuperLib.io import Grid

#: A part is named if it holds at least this share of the lesion.
PART_SHARE = 0.1
#: Lung masks leave tumours out, and a mass may grow out of its organ: then parts this near are its parts.
NEAR_MM = 10.0
Box = tuple[slice, ...]


def measure_lesions(
    labels: NDArray[np.uint16],
    grid: Grid,
    parts: Parts,
    probability: NDArray[np.floating[Any]],
    organs: Mapping[int, str] | None = None,
) -> list[Lesion]:
    """Measure every lesion of a label map.

    Args:
        labels: (i, j, k), 0 background, k = lesion k.
        grid: where the voxels lie.
        parts: part masks on the same grid; they say what organ a lesion is of.
        probability: (i, j, k) 0..1, the model's probability or the finder's likelihood.
        organs: label to organ, where whoever marked the lesion knows it.

    Returns:
        One record per label, in the order of the labels; diameters are axial, its perpendicular, craniocaudal.
    """
    measured = []
    for label, box in enumerate(ndimage.find_objects(labels), start=1):
        if box is not None:
            inside = labels[box] == label
            organ, names = _place(box, inside, grid, parts, (organs or {}).get(label))
            lesion = Lesion(
                label=label,
                organ=organ,
                parts=names,
                volume_mm3=round(float(inside.sum()) * grid.voxel_volume_mm3, 1),
                diameters_mm=[round(diameter, 1) for diameter in lesion_diameters(inside, grid)],
                max_probability=round(float(np.clip(probability[box][inside].max(), 0, 1)), 4),
            )
            measured.append(lesion)
    return measured


def _place(box: Box, inside: NDArray[np.bool_], grid: Grid, parts: Parts, organ: str | None) -> tuple[str, list[str]]:
    """Organ and parts of a lesion: those that hold it, else those that it lies near."""
    shares = _shares(box, inside, parts, organ)
    if not shares:
        shares = _shares(*_grown(box, inside, grid), parts, organ)
    names = sorted(shares, key=lambda name: -shares[name])
    named = [name for name in names if shares[name] >= PART_SHARE] or names[:1]
    return organ or (part(named[0]).organ or "other" if named else "other"), named


def _shares(box: Box, inside: NDArray[np.bool_], parts: Parts, organ: str | None) -> dict[str, float]:
    """Share of the lesion that lies in each part (of the organ, if it is known)."""
    shares = {}
    for name in parts.names:
        if part(name).organ in ((organ,) if organ else _ORGANS) and _touches(parts.masks.box(name), box):
            shares[name] = float((parts.masks[name][box] & inside).sum() / inside.sum())
    return {name: share for name, share in shares.items() if share > 0}


class _AnyOrgan:
    """Every organ, but not the structures that belong to none (vessels, muscles)."""

    def __contains__(self, organ: object) -> bool:
        return organ is not None


_ORGANS = _AnyOrgan()


def _touches(first: Box, second: Box) -> bool:
    return all(a.start < b.stop and b.start < a.stop for a, b in zip(first, second, strict=True))


def _grown(box: Box, inside: NDArray[np.bool_], grid: Grid) -> tuple[Box, NDArray[np.bool_]]:
    """The lesion grown by `NEAR_MM`, in a box of its own."""
    margins = [int(np.ceil(NEAR_MM / step)) for step in grid.spacing]
    low = [max(0, side.start - margin) for side, margin in zip(box, margins, strict=True)]
    high = [min(n, side.stop + margin) for side, margin, n in zip(box, margins, grid.shape, strict=True)]
    padding = [(side.start - a, b - side.stop) for side, a, b in zip(box, low, high, strict=True)]
    outside = np.pad(~inside, padding, constant_values=True)
    grown = ndimage.distance_transform_edt(outside, sampling=grid.spacing) <= NEAR_MM
    return tuple(slice(a, b) for a, b in zip(low, high, strict=True)), grown
