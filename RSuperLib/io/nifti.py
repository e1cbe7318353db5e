"""NIfTI-1 and NIfTI-2 files (`.nii`, `.nii.gz`): nibabel reads the header, the voxels are streamed."""

from __future__ import annotations

import gzip
import logging
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, cast

import nibabel
import numpy as np
from nibabel.spatialimages import HeaderDataError
from numpy.typing import NDArray

from RSuperLib.io.checks import check_file_is_long_enough, check_spacing, check_voxel_type, checked_grid, cut_off
from RSuperLib.io.errors import InputError
from RSuperLib.io.files import write_whole
from RSuperLib.io.grid import Grid
from RSuperLib.io.image import EXTENSIONS_KEY, ImageFile, slab_ranges

_HEADERS = {348: nibabel.Nifti1Header, 540: nibabel.Nifti2Header}
#: A table of 117 labels takes 12 kB.
_LONGEST_EXTENSION = 2**20
_GZIP_MAGIC = b"\x1f\x8b"
#: nibabel tells its log what it repairs in a header; what matters of that is checked here and said as an error.
_SILENT = logging.Logger("RSuperLib.io.nifti", level=logging.CRITICAL + 1)


def open_nifti(path: Path) -> ImageFile:
    """Read the header of a NIfTI file.

    Raises:
        InputError: the file is not NIfTI, is damaged, or its header cannot be that of one volume.
    """
    header = _read_header(path)
    check_voxel_type(path.name, header.get_data_dtype())
    grid = checked_grid(path.name, header.get_data_shape(), _affine(path.name, header))
    voxel_bytes = int(np.prod(grid.shape, dtype=np.int64)) * header.get_data_dtype().itemsize
    check_file_is_long_enough(path.name, path.stat().st_size, voxel_bytes, compressed=_is_gzip(path))
    source = {"file": path.name, "format": "NIfTI", "notes": _notes(header, grid)}
    return ImageFile(path.name, grid, _slabs(path, header, grid), source, metadata=_extensions(path, header))


def write_nifti(path: Path, array: NDArray[Any], grid: Grid) -> None:
    """Write an array (i, j, k) on its grid as NIfTI (`.nii` or `.nii.gz`), whole or not at all."""
    image = nibabel.Nifti1Image(array, grid.affine)
    image.header.set_xyzt_units("mm")
    image.set_sform(grid.affine, code=1)
    image.set_qform(grid.affine, code=1)
    write_whole(path, image.to_filename)


def _is_gzip(path: Path) -> bool:
    """By content: files that are called .nii.gz but are not compressed are common, and the reverse."""
    with path.open("rb") as stream:
        return stream.read(2) == _GZIP_MAGIC


def _open_stream(path: Path) -> IO[bytes]:
    return cast(IO[bytes], gzip.open(path, "rb")) if _is_gzip(path) else path.open("rb")


def _read_header(path: Path) -> Any:
    try:
        with _open_stream(path) as stream:
            block = stream.read(540)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise cut_off(path.name) from error
    for size, kind in _HEADERS.items():
        for order in ("<", ">"):
            if np.frombuffer(block[:4], f"{order}i4").tolist() == [size]:
                return _checked_header(path.name, kind, block[:size], order)
    raise InputError(f"{path.name} is not a NIfTI image.", "Give a NIfTI or NRRD file, or a DICOM folder.")


def _checked_header(name: str, kind: Any, block: bytes, order: str) -> Any:
    if len(block) < kind.template_dtype.itemsize:
        raise cut_off(name)
    try:
        header = kind(block, order, check=False)
        check_spacing(name, tuple(float(value) for value in header["pixdim"][1 : 1 + _axes(header)]))
        header.check_fix(logger=_SILENT, error_level=40)
        _try_all(header)
    except (HeaderDataError, ValueError, OverflowError, KeyError) as error:
        raise InputError(f"The NIfTI header of {name} is damaged.", "Copy or export it again.") from error
    unit = header.get_xyzt_units()[0]
    if unit not in ("mm", "unknown"):
        raise InputError(f"The header of {name} measures in {unit}s.", "Convert it to millimetres first.")
    return header


def _try_all(header: Any) -> None:
    """Ask the header for everything that is needed of it; nibabel raises what `_checked_header` catches."""
    header.get_data_shape()
    header.get_data_dtype()
    header.get_slope_inter()
    if not 0 <= header.get_data_offset() < 2**31:
        raise HeaderDataError("the voxels begin nowhere")


def _axes(header: Any) -> int:
    return int(np.clip(header["dim"][0], 1, 3))


def _affine(name: str, header: Any) -> NDArray[np.float64]:
    """The sform, else the qform, else spacing alone, as the NIfTI standard and nibabel have it."""
    try:
        return np.asarray(header.get_best_affine(), np.float64)
    except (HeaderDataError, ValueError) as error:
        raise InputError(f"The affine of {name} is not valid.", "Convert the CT from DICOM again.") from error


def _notes(header: Any, grid: Grid) -> list[str]:
    notes = []
    if header["sform_code"] <= 0 and header["qform_code"] <= 0:
        notes.append("The file does not say how the patient lay: left and right are a guess.")
    if not np.allclose(header["pixdim"][1:4], grid.spacing, rtol=0.01):
        notes.append("The header states two different spacings; that of its sform was taken.")
    return notes


def _extensions(path: Path, header: Any) -> dict[str, str]:
    """What stands between header and voxels, as text: TotalSegmentator writes the names of its labels there."""
    size = header.template_dtype.itemsize
    with _open_stream(path) as stream:
        content = stream.read(min(header.get_data_offset(), size + _LONGEST_EXTENSION))[size:]
    return {EXTENSIONS_KEY: content.decode("utf-8", errors="replace")}


def _slabs(path: Path, header: Any, grid: Grid) -> Iterator[NDArray[Any]]:
    """Stream the voxels: a compressed CT of any voxel type never lies in memory as a whole."""
    dtype = header.get_data_dtype()
    slope, inter = header.get_slope_inter()
    try:
        with _open_stream(path) as stream:
            stream.seek(header.get_data_offset())
            for start, stop in slab_ranges(grid.shape):
                slab = _read_slab(stream, path.name, dtype, (*grid.shape[:2], stop - start))
                yield slab if slope in (None, 1) and inter in (None, 0) else slab * slope + inter
            stream.read(2**20)  # to the end, so that gzip compares the checksum
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise cut_off(path.name) from error


def _read_slab(stream: IO[bytes], name: str, dtype: np.dtype[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    wanted = int(np.prod(shape)) * dtype.itemsize
    content = stream.read(wanted)
    if len(content) < wanted:
        raise cut_off(name)
    return np.frombuffer(content, dtype).reshape(shape, order="F")
