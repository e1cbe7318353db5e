"""CT volumes and label maps as arrays on a grid, read from any file that the project understands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from RSuperLib.io.checks import check_finite, check_hounsfield
from RSuperLib.io.dicom import is_dicom, open_dicom
from RSuperLib.io.errors import InputError
from RSuperLib.io.grid import Grid
from RSuperLib.io.image import ImageFile, fill
from RSuperLib.io.itk import open_itk
from RSuperLib.io.nifti import open_nifti
from RSuperLib.io.segments import segment_names

IMAGE_ENDINGS = (".nii", ".nii.gz", ".nrrd", ".nhdr", ".mha", ".mhd")


@dataclass(frozen=True)
class Volume:
    """One CT series: Hounsfield units, (i, j, k) int16 in the file's own axis order.

    `source` says where it came from: "file", "format", "notes" (plain sentences about the file); for DICOM also
    "slices" and "series_number".
    """

    array: NDArray[np.int16]
    grid: Grid
    source: dict[str, Any] = field(default_factory=dict)

    @property
    def notes(self) -> list[str]:
        """What the user should know about the file, in plain sentences."""
        return list(self.source.get("notes", []))


@dataclass(frozen=True)
class LabelMap:
    """Labels of every voxel (0 = background), (i, j, k) unsigned integers, and what the labels are called."""

    array: NDArray[Any]
    grid: Grid
    names: dict[int, str] = field(default_factory=dict)


def read_ct(path: Path) -> Volume:
    """Read a CT from NIfTI, NRRD, MetaImage, a DICOM folder or one DICOM file (its series).

    Values are rounded to int16 and clipped to its range. The array is in Fortran order, as files are. Peak memory is
    the int16 volume plus what decoding needs: little for NIfTI and DICOM, the stored voxels once for NRRD.

    Raises:
        InputError: the file is missing, damaged or no CT in Hounsfield units on a regular grid.
    """
    with _readable(Path(path)):
        image = _open_image(Path(path))
        if image.layers > 1:
            raise InputError(f"{image.name} holds {image.layers} values per voxel, not one CT.", "Give the CT itself.")
        array = fill(image, _to_int16, np.int16)
    check_hounsfield(image.name, array)
    return Volume(array, image.grid, image.source)


def read_label_map(path: Path, names: Mapping[int, str] | None = None) -> LabelMap:
    """Read a label map from NIfTI, NRRD, MetaImage or seg.nrrd, in the smallest unsigned type that holds its labels.

    Args:
        path: the file. A segmentation of 3D Slicer brings its own names; segments that lie in several layers are
            numbered 1, 2, … in their order.
        names: label to name, for files that do not name their labels.

    Raises:
        InputError: the file is missing or damaged, labels are no whole numbers from 0 to 65535, or segments overlap
            (see `read_label_layers`).
    """
    layers = read_label_layers(path)
    merged = layers[0] if len(layers) == 1 else _merged(Path(path).name, layers)
    return merged if names is None else LabelMap(merged.array, merged.grid, dict(names))


def read_label_layers(path: Path) -> list[LabelMap]:
    """Read a label map or segmentation whose segments may overlap: one label map per layer of the file.

    Raises:
        InputError: the file is missing or damaged, or labels are no whole numbers from 0 to 65535.
    """
    with _readable(Path(path)):
        image = _open_image(Path(path))
        names = segment_names(image)
        array = fill(image, _to_labels, np.uint16)
    if int(array.max()) < 2**8:
        array = array.astype(np.uint8)
    layers = [array] if image.layers == 1 else [array[..., layer] for layer in range(image.layers)]
    return [LabelMap(voxels, image.grid, names.get(layer, {})) for layer, voxels in enumerate(layers)]


def _merged(name: str, layers: list[LabelMap]) -> LabelMap:
    """One label map out of several layers whose segments do not overlap."""
    array = np.zeros(layers[0].grid.shape, np.uint16, order="F")
    names: dict[int, str] = {}
    for layer in layers:
        for label, segment in layer.names.items():
            mask = layer.array == label
            if array[mask].any():
                raise InputError(
                    f"The segment {segment} of {name} overlaps another one.", "Save segments that do not overlap."
                )
            names[len(names) + 1] = segment
            array[mask] = len(names)
    return LabelMap(array, layers[0].grid, names)


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Say as an `InputError` what the operating system has against reading `path`."""
    try:
        yield
    except OSError as error:
        raise InputError(f"{path.name} cannot be read ({error.strerror}).", "Check its permissions.") from error


def _open_image(path: Path) -> ImageFile:
    if not path.exists():
        raise InputError(f"{path.name} does not exist.", "Check the path.")
    if path.is_dir():
        return open_dicom(path)
    if path.stat().st_size == 0:
        raise InputError(f"{path.name} is empty.", "Copy or export it again.")
    name = path.name.lower()
    if name.endswith((".nii", ".nii.gz")):
        return open_nifti(path)
    if name.endswith(IMAGE_ENDINGS):
        return open_itk(path)
    if is_dicom(path):
        return open_dicom(path)
    raise InputError(
        f"{path.name} is not a kind of file that is read here.", "Give a NIfTI or NRRD file, or a DICOM folder."
    )


def _to_int16(name: str, slab: NDArray[Any]) -> NDArray[Any]:
    check_finite(name, slab)
    rounded = np.rint(slab) if slab.dtype.kind == "f" else slab
    limits = np.iinfo(np.int16)
    return rounded if np.can_cast(slab.dtype, np.int16) else np.clip(rounded, limits.min, limits.max)


def _to_labels(name: str, slab: NDArray[Any]) -> NDArray[Any]:
    check_finite(name, slab)
    if slab.dtype.kind == "f" and (slab != np.rint(slab)).any():
        raise InputError(
            f"{name} holds fractions, not labels: it may be a probability map.", "Threshold it first, e.g. at 0.5."
        )
    low, high = slab.min(), slab.max()
    if low < 0 or high > np.iinfo(np.uint16).max:
        raise InputError(
            f"{name} holds values from {low:g} to {high:g}, which are no labels.", "Give masks or a label map."
        )
    return slab
