"""NRRD and MetaImage files (`.nrrd`, `.nhdr`, `.seg.nrrd`, `.mha`, `.mhd`), read by SimpleITK in silence."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk  # noqa: N813 - the name its own documentation uses
from numpy.typing import NDArray

from RSuperLib.io.checks import check_file_is_long_enough, check_voxel_type, checked_grid, cut_off
from RSuperLib.io.errors import InputError
from RSuperLib.io.image import ImageFile, slab_ranges

#: ITK counts millimetres to the left and to the back, NIfTI and Slicer's RAS to the right and to the front.
LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
_DETACHED = (".nhdr", ".mhd")
_STDERR = 2


@contextmanager
def silent_itk() -> Iterator[None]:
    """Keep ITK's warnings off stderr; what matters of them is checked here and said as an error."""
    before = sitk.ProcessObject.GetGlobalWarningDisplay()
    sitk.ProcessObject.SetGlobalWarningDisplay(False)
    try:
        with _stderr_to_nowhere():
            yield
    finally:
        sitk.ProcessObject.SetGlobalWarningDisplay(before)


@contextmanager
def _stderr_to_nowhere() -> Iterator[None]:
    """GDCM and MetaIO write about damaged files past ITK's own switch: close the stream itself to them meanwhile."""
    try:
        stderr = os.dup(_STDERR)
    except OSError:  # a program without a stderr
        yield
        return
    with open(os.devnull, "wb") as nowhere:  # noqa: PTH123 - a device, not a path of ours
        os.dup2(nowhere.fileno(), _STDERR)
    try:
        yield
    finally:
        os.dup2(stderr, _STDERR)
        os.close(stderr)


def open_itk(path: Path) -> ImageFile:
    """Read the header of an NRRD or MetaImage file.

    Raises:
        InputError: the file is neither, is damaged, or its header cannot be that of one volume.
    """
    reader = sitk.ImageFileReader()
    reader.SetImageIO("NrrdImageIO" if path.suffix in (".nrrd", ".nhdr") else "MetaImageIO")
    reader.SetFileName(str(path))
    try:
        with silent_itk():
            reader.ReadImageInformation()
    except RuntimeError as error:
        raise _unreadable(path, str(error)) from error
    return _opened(path, reader, _metadata(reader))


def _metadata(reader: sitk.ImageFileReader) -> dict[str, str]:
    """What the header says about segments; bytes that are no text are replaced."""
    keys = [key for key in reader.GetMetaDataKeys() if key.startswith("Segment") and key.isascii()]
    return {key: reader.GetMetaData(key).encode(errors="replace").decode() for key in keys}


def _opened(path: Path, reader: sitk.ImageFileReader, metadata: dict[str, str]) -> ImageFile:
    dtype, layers = _voxel_type(path.name, reader)
    grid = checked_grid(path.name, reader.GetSize(), _affine(reader))
    if path.suffix not in _DETACHED:
        voxel_bytes = int(np.prod(grid.shape, dtype=np.int64)) * dtype.itemsize * layers
        check_file_is_long_enough(path.name, path.stat().st_size, voxel_bytes, compressed=True)
    source = {"file": path.name, "format": "NRRD" if "nrrd" in path.name or "nhdr" in path.name else "MetaImage"}
    return ImageFile(path.name, grid, _slabs(path, reader, layers), {**source, "notes": []}, layers, metadata)


def _voxel_type(name: str, reader: sitk.ImageFileReader) -> tuple[np.dtype[Any], int]:
    label = sitk.GetPixelIDValueAsString(reader.GetPixelID())
    words = label.replace("vector of ", "").split()
    check_voxel_type(name, np.dtype(np.complex64 if "complex" in words else np.float32))
    kind, bits = ("float" if "float" in words else "int"), words[0].split("-")[0]
    return np.dtype(f"{kind}{bits}"), int(reader.GetNumberOfComponents())


def _affine(reader: sitk.ImageFileReader) -> NDArray[np.float64]:
    size = reader.GetDimension()
    direction = np.array(reader.GetDirection()).reshape(size, size)[:3, :3]
    affine = np.eye(4)
    axes = min(size, 3)
    affine[:axes, :axes] = direction * np.array(reader.GetSpacing())[:3]
    affine[:axes, 3] = reader.GetOrigin()[:3]
    return LPS_TO_RAS @ affine


def _slabs(path: Path, reader: sitk.ImageFileReader, layers: int) -> Iterator[NDArray[Any]]:
    try:
        with silent_itk():
            image = reader.Execute()
    except RuntimeError as error:
        raise _unreadable(path, str(error)) from error
    voxels = sitk.GetArrayViewFromImage(image)
    shape = tuple(reader.GetSize()[:3])
    voxels = voxels.reshape((*shape[::-1], layers) if layers > 1 else shape[::-1])
    axes = (2, 1, 0, 3) if layers > 1 else (2, 1, 0)
    for start, stop in slab_ranges((shape[0], shape[1], shape[2])):
        yield voxels[start:stop].transpose(axes)


def _unreadable(path: Path, reason: str) -> InputError:
    lower = reason.lower()
    if "spacing" in lower:
        return InputError(
            f"The voxel spacing of {path.name} is not a positive number of millimetres.",
            "Convert the CT from DICOM again.",
        )
    if "direction" in lower or "determinant" in lower:
        return InputError(
            f"The affine of {path.name} is singular: its axes do not span a volume.", "Convert the CT from DICOM again."
        )
    return cut_off(path.name)
