"""CT volumes and label maps as arrays on a grid."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from numpy.typing import NDArray

from RSuperLib.io.files import write_whole
from RSuperLib.io.grid import Grid


@dataclass(frozen=True)
class Volume:
    """One CT series: Hounsfield units, (i, j, k) int16 in the file's own axis order."""

    array: NDArray[np.int16]
    grid: Grid
    source: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class LabelMap:
    """Labels of every voxel (0 = background), (i, j, k) unsigned integers, and what the labels are called."""

    array: NDArray[Any]
    grid: Grid
    names: dict[int, str] = field(default_factory=dict)


def read_ct(path: Path) -> Volume:
    """Read a CT from NIfTI, NRRD or a DICOM folder."""
    image = nibabel.load(path)
    array = np.round(np.asarray(image.dataobj)).astype(np.int16)
    return Volume(array, Grid(array.shape, np.asarray(image.affine, float)))


def read_label_map(path: Path) -> LabelMap:
    """Read a label map from NIfTI, NRRD or seg.nrrd."""
    image = nibabel.load(path)
    array = np.asarray(image.dataobj).astype(np.uint16)
    return LabelMap(array, Grid(array.shape, np.asarray(image.affine, float)))


def write_nifti(path: Path, array: NDArray[Any], grid: Grid) -> None:
    """Write an array on its grid as NIfTI (`.nii` or `.nii.gz`), whole or not at all."""
    image = nibabel.Nifti1Image(array, grid.affine)
    image.header.set_xyzt_units("mm")
    image.set_sform(grid.affine, code=1)
    image.set_qform(grid.affine, code=1)
    write_whole(path, image.to_filename)
