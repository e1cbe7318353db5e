"""What a volume must be before anything is computed on it; each refusal is one plain sentence and the next step."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from RSuperLib.io.errors import InputError
from RSuperLib.io.grid import Grid

#: Larger than any CT (1024 x 1024 x 2048); what claims more is damaged or not a CT.
MAX_VOXELS = 2**31
#: deflate cannot pack more than 1032 bytes into one (zlib's technical details); twice that is no real image file.
MAX_COMPRESSION = 2064
#: Largest |cosine| between two voxel axes: 0.11 degrees, 1 mm over a field of view of 500 mm.
SHEAR_TOLERANCE = 2e-3
#: Air around and inside a patient lies near -1000 HU; a CT without anything below this was changed or is no CT.
AIR_HU = -200


def checked_grid(name: str, shape: tuple[int, ...], affine: NDArray[Any]) -> Grid:
    """The grid of the file `name`, or an `InputError` that says why it cannot be that of one CT.

    Args:
        name: file name, for the message.
        shape: voxels per axis as the file states them; trailing axes of length 1 are dropped.
        affine: (4, 4) voxel index to RAS millimetres.
    """
    grid = Grid(_three_axes(name, shape), np.asarray(affine, np.float64))
    _check_spacing(name, grid)
    _check_right_angles(name, grid)
    return grid


def _three_axes(name: str, shape: tuple[int, ...]) -> tuple[int, int, int]:
    while len(shape) > 3 and shape[-1] == 1:
        shape = shape[:-1]
    if len(shape) > 3:
        raise InputError(
            f"{name} holds {int(np.prod(shape[3:]))} frames, not one CT.", "Save the frame to be segmented on its own."
        )
    if len(shape) < 3 or min(shape) == 1:
        raise InputError(f"{name} is a 2-D image, not a CT volume.", "Give a volume of at least two slices.")
    if min(shape) < 1:
        raise InputError(f"{name} holds no voxels.", "Export the CT again.")
    if int(np.prod(np.array(shape, object))) > MAX_VOXELS:
        raise InputError(
            f"The header of {name} claims {' x '.join(map(str, shape))} voxels, more than any CT has.",
            "The file is probably damaged: export the CT again.",
        )
    return (int(shape[0]), int(shape[1]), int(shape[2]))


def check_spacing(name: str, spacing: tuple[float, ...]) -> None:
    """Refuse distances between voxels, in millimetres, that are zero, negative, not finite or beyond any scanner."""
    stated = " x ".join(f"{value:.4g}" for value in spacing)
    if not np.all(np.isfinite(spacing)) or min(spacing) <= 0:
        raise InputError(
            f"The voxel spacing of {name} is not a positive number of millimetres ({stated}).",
            "Convert the CT from DICOM again.",
        )
    if min(spacing) < 0.01 or max(spacing) > 100:
        raise InputError(
            f"The voxel spacing of {name} is {stated} mm, which no CT has.",
            "Check the unit of the spacing and convert the CT from DICOM again.",
        )


def _check_spacing(name: str, grid: Grid) -> None:
    check_spacing(name, grid.spacing)
    if not np.isfinite(grid.affine).all():
        raise InputError(f"The position of {name} in the patient is not a number.", "Convert the CT from DICOM again.")


def _check_right_angles(name: str, grid: Grid) -> None:
    axes = grid.affine[:3, :3] / np.array(grid.spacing)
    cosines = np.abs(axes.T @ axes - np.eye(3))
    if abs(np.linalg.det(axes)) < 1e-3:
        raise InputError(
            f"The affine of {name} is singular: two of its axes run in the same direction.",
            "Convert the CT from DICOM again.",
        )
    if cosines.max() > SHEAR_TOLERANCE:
        degrees = np.degrees(np.arcsin(min(1.0, float(cosines.max()))))
        raise InputError(
            f"The voxel axes of {name} are {degrees:.1f} degrees off the right angle (a sheared affine).",
            "Resample the CT to right angles first, for example with Slicer's module Resample Image.",
        )


def check_voxel_type(name: str, dtype: np.dtype[Any]) -> None:
    """Refuse colours, complex numbers and anything else that is not one real number a voxel."""
    if dtype.fields is not None or dtype.kind not in "iufb":
        kind = "complex numbers" if dtype.kind == "c" else "colours"
        raise InputError(f"{name} holds {kind}, not Hounsfield units.", "Give the CT itself, one number a voxel.")


def check_file_is_long_enough(name: str, file_bytes: int, voxel_bytes: int, *, compressed: bool) -> None:
    """Refuse a file that cannot hold its voxels, before memory is taken for them."""
    if voxel_bytes > file_bytes * (MAX_COMPRESSION if compressed else 1):
        raise cut_off(name)


def cut_off(name: str) -> InputError:
    """The error for a file that ends before its last voxel, or whose checksum is wrong."""
    return InputError(f"{name} is cut off or damaged.", "Copy or export it again.")


def check_finite(name: str, values: NDArray[Any]) -> None:
    """Refuse voxels that are not numbers."""
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise InputError(
            f"{name} has voxels that are not numbers (NaN or infinite).",
            "Export the CT again, or replace them by -1024 (air) if you know why they are there.",
        )


def check_hounsfield(name: str, array: NDArray[np.int16]) -> None:
    """Refuse a volume whose values cannot be Hounsfield units.

    Args:
        name: file name, for the message.
        array: (i, j, k) what the file says the Hounsfield units are.
    """
    low, high = int(array.min()), int(array.max())
    if low == high:
        raise InputError(f"Every voxel of {name} is {low}: there is nothing in it.", "Give the CT itself.")
    if low <= AIR_HU < high:
        return
    if high <= AIR_HU:
        raise InputError(
            f"{name} holds air only: its values run from {low} to {high}.", "Give a CT in Hounsfield units."
        )
    if _is_1024_too_high(array):
        raise InputError(
            f"The values of {name} run from {low} to {high}: it looks like a CT stored 1024 too high.",
            "Subtract 1024 from every voxel, or convert the CT from DICOM again.",
        )
    raise InputError(
        f"The values of {name} run from {low} to {high}, without the air of a CT: these are no Hounsfield units.",
        "Give a CT in Hounsfield units, neither windowed nor normalised nor another modality.",
    )


def _is_1024_too_high(array: NDArray[np.int16]) -> bool:
    """Air where 0 is and soft tissue where 1024 is, both more than a scattered voxel of every 4 x 4 x 4 looked at."""
    sample = array[::4, ::4, ::4]
    air = np.mean(np.abs(sample) <= 200)
    tissue = np.mean(np.abs(sample - np.int16(1074)) <= 200)
    return bool(array.min() >= -100 and air > 0.005 and tissue > 0.01)
