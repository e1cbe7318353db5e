"""Shapes of lesions: lobulated ellipsoids, or real tumours from masks. In millimetres about the centre."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cc3d
import edt
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from RSuperLib.io import InputError, read_label_map
from RSuperLib.phantom.fields import (
    Coordinates,
    Field,
    ellipsoid,
    random_rotation,
    rotation_about,
    smooth_noise,
    turned,
)

#: Tumour components smaller than this are specks of the annotation.
_SMALLEST_TUMOUR_MM3 = 60.0
_TUMOUR_LABEL = 2
_MASK_ENDINGS = (".nii", ".nii.gz", ".nrrd")


@dataclass(frozen=True)
class Shape:
    """A lesion's shape.

    Attributes:
        radius: nothing of it is farther from the centre, mm.
        distance: from coordinates in mm about the centre to the signed distance to the surface (negative inside).
    """

    radius: float
    distance: Callable[[Coordinates], Field]


def lobulated_ellipsoid(diameter: float, lobulation: float, random: np.random.Generator) -> Shape:
    """A turned ellipsoid of about `diameter` mm whose surface strays by `lobulation` of the radius."""
    flat = random.uniform(0.72, 1.0) if lobulation > 0.05 else random.uniform(0.88, 1.0)
    radii = np.array([1.0, flat, random.uniform(0.78, 1.05)]) * diameter / 2
    rotation = random_rotation(random)
    reach = float(radii.max()) * (1 + 2.5 * lobulation)
    step = max(diameter / 10, 0.3)
    size = int(np.ceil(2 * reach / step)) + 3
    bumps = smooth_noise((size, size, size), (step,) * 3, max(diameter * 0.42, step), random)

    def distance(at: Coordinates) -> Field:
        index = [np.clip(axis / np.float32(step) + (size - 1) / 2, 0, size - 1) for axis in at]
        bump = ndimage.map_coordinates(bumps, np.broadcast_arrays(*index), order=1)
        return (
            ellipsoid(turned(at, (0, 0, 0), rotation), (0, 0, 0), radii) + np.float32(lobulation * diameter / 2) * bump
        )

    return Shape(reach, distance)


def shape_from_mask(tumour: Tumour, random: np.random.Generator) -> Shape:
    """A real tumour in its own size, turned about the craniocaudal axis and perhaps mirrored."""
    rotation = rotation_about(2, random.uniform(0, 360)) @ np.diag([random.choice([-1.0, 1.0]), 1.0, 1.0])

    def distance(at: Coordinates) -> Field:
        local = turned(at, (0, 0, 0), rotation)
        index = [
            axis / np.float32(step) + np.float32(c)
            for axis, step, c in zip(local, tumour.spacing, tumour.centre, strict=True)
        ]
        return ndimage.map_coordinates(tumour.distance, np.broadcast_arrays(*index), order=1, mode="nearest")

    return Shape(tumour.radius, distance)


@dataclass(frozen=True)
class Tumour:
    """One tumour of a mask: signed distances (RAS axes), spacing, index of its centre, and largest radius in mm."""

    distance: Field
    spacing: tuple[float, float, float]
    centre: tuple[float, float, float]
    radius: float


@lru_cache(maxsize=4)
def tumours_of_folder(folder: Path) -> tuple[Tumour, ...]:
    """All tumours (label 2, connected components) of the label maps in a folder, in order of file names.

    Raises:
        InputError: the folder is missing, holds no label map, or none of them has a tumour.
    """
    if not folder.is_dir():
        raise InputError(
            "The geometry folder does not exist.", "Give a folder of label maps with 1 = organ, 2 = tumour."
        )
    files = sorted(path for path in folder.iterdir() if path.name.endswith(_MASK_ENDINGS))
    if not files:
        raise InputError(
            "The geometry folder holds no label map.", "Give a folder of NIfTI files with 1 = organ, 2 = tumour."
        )
    tumours = tuple(tumour for path in files for tumour in _tumours_of_file(path))
    if not tumours:
        raise InputError("No label map of the geometry folder has a tumour.", "Tumours are the voxels with label 2.")
    return tumours


def _tumours_of_file(path: Path) -> list[Tumour]:
    labels = read_label_map(path)
    array, spacing = _to_ras(labels.array == _TUMOUR_LABEL, labels.grid.affine)
    components = cc3d.connected_components(array, connectivity=26)
    tumours = []
    for number, box in enumerate(ndimage.find_objects(components), start=1):
        mask = np.pad(components[box] == number, 6)
        if mask.sum() * np.prod(spacing) >= _SMALLEST_TUMOUR_MM3:
            tumours.append(_tumour(mask, spacing))
    return tumours


def _to_ras(
    mask: NDArray[np.bool_], affine: NDArray[np.float64]
) -> tuple[NDArray[np.bool_], tuple[float, float, float]]:
    """The mask with its axes nearest to right, front, head; and its spacing."""
    order = [int(np.abs(affine[row, :3]).argmax()) for row in range(3)]
    if sorted(order) != [0, 1, 2]:
        order = [0, 1, 2]
    turned_mask = mask.transpose(order)
    flips = tuple(slice(None, None, -1 if affine[row, order[row]] < 0 else 1) for row in range(3))
    lengths = np.linalg.norm(affine[:3, :3], axis=0)[order]
    return turned_mask[flips], (float(lengths[0]), float(lengths[1]), float(lengths[2]))


def _tumour(mask: NDArray[np.bool_], spacing: tuple[float, float, float]) -> Tumour:
    solid = np.ascontiguousarray(mask)
    distance = edt.edt(~solid, anisotropy=spacing) - edt.edt(solid, anisotropy=spacing)
    # edt measures to the centre of the nearest other voxel; the surface lies half a voxel nearer on both sides.
    distance += np.where(solid, 0.5, -0.5) * min(spacing)
    points = np.argwhere(solid)
    centre = points.mean(0)
    radius = np.linalg.norm((points - centre) * spacing, axis=1).max() + max(spacing)
    return Tumour(
        distance.astype(np.float32), spacing, (float(centre[0]), float(centre[1]), float(centre[2])), float(radius)
    )
