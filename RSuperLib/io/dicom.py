"""CT series out of DICOM folders: pydicom reads the headers and chooses, GDCM (in SimpleITK) decodes the voxels."""

from __future__ import annotations

import logging
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import SimpleITK as sitk  # noqa: N813 - the name its own documentation uses
from numpy.typing import NDArray
from pydicom.errors import BytesLengthException, InvalidDicomError

from RSuperLib.io.checks import check_spacing, checked_grid, cut_off
from RSuperLib.io.errors import InputError
from RSuperLib.io.grid import Grid
from RSuperLib.io.image import ImageFile
from RSuperLib.io.itk import LPS_TO_RAS, silent_itk

_CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2"
_ENHANCED_CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2.1"
_UNCOMPRESSED = ("1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2")
_TAGS = [
    "SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "SeriesNumber", "AcquisitionNumber", "Modality", "ImageType",
    "Rows", "Columns", "BitsAllocated", "PixelSpacing", "ImagePositionPatient", "ImageOrientationPatient",
]  # fmt: skip
#: Those with more than one value.
_LISTS = ("ImageType", "PixelSpacing", "ImagePositionPatient", "ImageOrientationPatient", "FileMetaInformationVersion")
#: What pydicom raises for headers that are no DICOM.
_UNREADABLE = (
    InvalidDicomError, BytesLengthException, EOFError, ValueError, TypeError, AttributeError, LookupError,
    NotImplementedError, OverflowError, ArithmeticError,
)  # fmt: skip
#: Slices are evenly spaced if no gap differs from the usual one by more than this part of it: scanners round positions.
_GAP_TOLERANCE = 0.1
#: The same in millimetres, for thin slices with positions rounded to 0.1 mm.
_GAP_TOLERANCE_MM = 0.11
#: Largest angle between the slices' normal and the way they are stacked; beyond it the gantry was tilted.
_TILT_TOLERANCE_DEGREES = 0.2


@dataclass(frozen=True)
class _Slice:
    """The header of one CT image; millimetres in DICOM's left-posterior-superior axes."""

    path: Path
    header: pydicom.Dataset
    position: NDArray[np.float64]
    orientation: NDArray[np.float64]

    @property
    def normal(self) -> NDArray[np.float64]:
        return np.cross(self.orientation[:3], self.orientation[3:])

    @property
    def depth(self) -> float:
        """Millimetres along the stack."""
        return float(self.position @ self.normal)


def is_dicom(path: Path) -> bool:
    """Whether a file begins as DICOM files do."""
    with path.open("rb") as stream:
        return stream.read(132)[128:] == b"DICM"


def open_dicom(path: Path) -> ImageFile:
    """Choose the CT series of a folder (with its sub-folders), or of the folder that a DICOM file lies in.

    A file names its series; in a folder the series with most slices is taken. `source` says how many slices it has and
    what else lay there.

    Raises:
        InputError: no CT, slices missing, out of step or doubled, tilted gantry, headers that are no volume's.
    """
    folder = path if path.is_dir() else path.parent
    headers = _read_headers(folder.rglob("*") if path.is_dir() else folder.iterdir())
    series = _ct_series(folder.name, headers)
    chosen = _chosen(series, None if path.is_dir() else path)
    slices = _in_order(path.name, chosen)
    notes = _notes(headers, slices, len(chosen) - len(slices))
    source = {
        "file": path.name,
        "format": "DICOM",
        "slices": len(slices),
        "series_number": _number(slices),
        "notes": notes,
    }
    return ImageFile(path.name, _grid(path.name, slices), _voxels(slices), source)


@contextmanager
def _silent_pydicom() -> Iterator[None]:
    """Keep pydicom's warnings from users: they quote the header. What matters of it is checked here."""
    logger = logging.getLogger("pydicom")
    was_disabled, logger.disabled = logger.disabled, True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.disabled = was_disabled


def _read_headers(files: Iterable[Path]) -> list[tuple[Path, pydicom.Dataset]]:
    found = []
    for file in sorted(files):
        if file.is_file() and is_dicom(file) and file.name != "DICOMDIR":
            found.append((file, _read_header(file)))
    return found


def _read_header(file: Path) -> pydicom.Dataset:
    try:
        with _silent_pydicom():
            header = pydicom.dcmread(file, stop_before_pixels=True, specific_tags=list(_TAGS))
            for element in (*header.file_meta, *header):
                # Parsed when first looked at, with warnings that may hold patient data.
                if element.VM > 1 and element.keyword not in _LISTS:
                    raise cut_off(file.name)
    except _UNREADABLE as error:
        raise cut_off(file.name) from error
    if "SOPClassUID" not in header:
        raise cut_off(file.name)
    return header


def _ct_series(folder: str, headers: Sequence[tuple[Path, pydicom.Dataset]]) -> dict[Any, list[_Slice]]:
    if not headers:
        raise InputError(
            f"The folder {folder} holds no DICOM files.", "Give the folder of one CT series, a NIfTI or an NRRD file."
        )
    series: dict[Any, list[_Slice]] = defaultdict(list)
    for path, header in headers:
        if header.get("SOPClassUID") == _CT_IMAGE and "LOCALIZER" not in (header.get("ImageType") or ()):
            one = _slice(path, header)
            series[_series_key(one)].append(one)
    if series:
        return series
    if any(header.get("SOPClassUID") == _ENHANCED_CT_IMAGE for _, header in headers):
        raise InputError(
            f"{folder} holds an enhanced (multi-frame) CT, which is not read.",
            "Convert it to NIfTI, e.g. with dcm2niix.",
        )
    raise InputError(f"{folder} holds no CT images, but {_kinds(headers)}.", "Give the folder of the CT series.")


def _slice(path: Path, header: pydicom.Dataset) -> _Slice:
    try:
        position = np.array(header.ImagePositionPatient, float)
        orientation = np.array(header.ImageOrientationPatient, float)
        spacing = tuple(float(value) for value in header.PixelSpacing)
        complete = position.shape == (3,) and len(spacing) == 2 and _is_orientation(orientation)
    except (AttributeError, TypeError, ValueError) as error:
        raise _without_position(path) from error
    if not (complete and header.get("Rows") and header.get("Columns")):
        raise _without_position(path)
    check_spacing(path.name, spacing)
    return _Slice(path, header, position, orientation)


def _is_orientation(orientation: NDArray[np.float64]) -> bool:
    """Whether it is the directions of rows and columns: unit vectors at right angles, but for rounding."""
    if orientation.shape != (6,):
        return False
    axes = orientation.reshape(2, 3)
    return bool(np.allclose(axes @ axes.T, np.eye(2), atol=0.01))


def _without_position(path: Path) -> InputError:
    return InputError(
        f"The DICOM image {path.name} does not say where it lies in the patient.", "Export the CT series again."
    )


def _series_key(one: _Slice) -> tuple[Any, ...]:
    """Images that can form one volume: a series may hold a scout or a second reconstruction as well."""
    header = one.header
    spacing = tuple(round(float(value), 4) for value in header.PixelSpacing)
    orientation = tuple(np.round(one.orientation, 2) + 0.0)
    return (header.get("SeriesInstanceUID"), header.Rows, header.Columns, spacing, orientation)


def _chosen(series: dict[Any, list[_Slice]], wanted: Path | None) -> list[_Slice]:
    """Most slices; of equals the lowest series number, for the sake of a definite answer."""
    candidates = [part for group in series.values() for part in _acquisitions(group)]
    named = [group for group in candidates if any(one.path == wanted for one in group)]
    return max(named or candidates, key=lambda group: (len(group), -(_number(group) or 0), -group[0].depth))


def _acquisitions(group: list[_Slice]) -> list[list[_Slice]]:
    """Split a series that holds the same place several times (phases), if its acquisition numbers tell them apart."""
    if len(_without_copies(group)) == len({round(one.depth, 3) for one in group}):
        return [group]
    parts: dict[Any, list[_Slice]] = defaultdict(list)
    for one in group:
        parts[one.header.get("AcquisitionNumber")].append(one)
    return list(parts.values())


def _without_copies(slices: Sequence[_Slice]) -> list[_Slice]:
    """Each image once: exports often hold the same image in two files."""
    return list({one.header.get("SOPInstanceUID", one.path): one for one in slices}.values())


def _number(slices: Sequence[_Slice]) -> int | None:
    number = slices[0].header.get("SeriesNumber")
    return int(number) if isinstance(number, int) else None


def _in_order(name: str, slices: list[_Slice]) -> list[_Slice]:
    """The slices by place, each once, evenly spaced and straight above one another; `InputError` if they are not."""
    ordered = sorted(_without_copies(slices), key=lambda one: one.depth)
    if len(ordered) < 2:
        raise InputError(f"The CT series of {name} has a single slice.", "Give the whole series.")
    gaps = np.diff([one.depth for one in ordered])
    if gaps.min() < 1e-3:
        raise InputError(
            f"The CT series of {name} has several images at the same place ({_place(ordered[int(gaps.argmin())])}).",
            "It may hold several phases: give the files of one phase in a folder of their own.",
        )
    _check_gaps(name, ordered, gaps)
    _check_tilt(name, ordered)
    return ordered


def _place(one: _Slice) -> str:
    axis = int(np.abs(one.normal).argmax())
    return f"{'xyz'[axis]} = {one.position[axis]:.1f} mm"


def _check_gaps(name: str, ordered: list[_Slice], gaps: NDArray[np.float64]) -> None:
    step = float(np.median(gaps))
    uneven = np.flatnonzero(np.abs(gaps - step) > max(_GAP_TOLERANCE * step, _GAP_TOLERANCE_MM))
    if not uneven.size:
        return
    places = [f"between {_place(ordered[at])} and {_place(ordered[at + 1])}" for at in uneven[:3]]
    more = f" and at {uneven.size - 3} more places" if uneven.size > 3 else ""
    if gaps[uneven].min() > 1.5 * step:
        raise InputError(
            f"The CT series of {name} lacks slices {', '.join(places)}{more} (the others are {step:.2f} mm apart).",
            "Export the whole series again.",
        )
    raise InputError(
        f"The slices of {name} are {gaps.min():.2f} to {gaps.max():.2f} mm apart, unevenly {', '.join(places)}{more}.",
        "Give one reconstruction only, or resample it to even slices, e.g. with dcm2niix.",
    )


def _check_tilt(name: str, ordered: list[_Slice]) -> None:
    way = ordered[-1].position - ordered[0].position
    sideways = np.linalg.norm(way - (way @ ordered[0].normal) * ordered[0].normal)
    degrees = float(np.degrees(np.arctan2(sideways, abs(way @ ordered[0].normal))))
    if degrees > _TILT_TOLERANCE_DEGREES:
        raise InputError(
            f"The slices of {name} are stacked {degrees:.1f} degrees off their normal (tilted gantry).",
            "Convert the series with dcm2niix, which straightens it.",
        )


def _grid(name: str, slices: list[_Slice]) -> Grid:
    """Columns are i, rows are j, slices along their normal are k."""
    first = slices[0]
    row_spacing, column_spacing = (float(value) for value in first.header.PixelSpacing)
    affine = np.eye(4)
    affine[:3, 0] = first.orientation[:3] * column_spacing
    affine[:3, 1] = first.orientation[3:] * row_spacing
    affine[:3, 2] = (slices[-1].position - first.position) / (len(slices) - 1)
    affine[:3, 3] = first.position
    shape = (int(first.header.Columns), int(first.header.Rows), len(slices))
    return checked_grid(name, shape, LPS_TO_RAS @ affine)


def _voxels(slices: list[_Slice]) -> Iterator[NDArray[Any]]:
    for one in slices:
        yield _read_slice(one)


def _read_slice(one: _Slice) -> NDArray[Any]:
    """One slice (i, j, 1) with the rescale of its own file."""
    syntax = one.header.file_meta.get("TransferSyntaxUID")
    frame_bytes = int(one.header.Rows) * int(one.header.Columns) * int(one.header.get("BitsAllocated", 16)) // 8
    if syntax in _UNCOMPRESSED and one.path.stat().st_size < frame_bytes:
        raise cut_off(one.path.name)
    try:
        with silent_itk():
            image = sitk.ReadImage(str(one.path), imageIO="GDCMImageIO")
    except RuntimeError as error:
        if syntax in _UNCOMPRESSED:
            raise cut_off(one.path.name) from error
        raise InputError(
            f"{one.path.name} cannot be decoded: it is damaged, or its compression is not supported "
            f"({getattr(syntax, 'name', 'not stated')}).",
            "Export the series uncompressed.",
        ) from error
    plane = sitk.GetArrayFromImage(image)
    if plane.size != int(one.header.Rows) * int(one.header.Columns):
        raise InputError(f"The DICOM image {one.path.name} is not one grey image.", "Export the CT series again.")
    return np.asarray(plane.reshape(int(one.header.Rows), int(one.header.Columns)).T[:, :, np.newaxis])


def _kinds(headers: Sequence[tuple[Path, pydicom.Dataset]]) -> str:
    counts = Counter(_kind(header) for _, header in headers)
    return ", ".join(f"{count} x {kind}" for kind, count in sorted(counts.items()))


def _kind(header: pydicom.Dataset) -> str:
    modality = str(header.get("Modality") or "unknown")[:16]
    if modality == "CT" and header.get("SOPClassUID") == _CT_IMAGE:
        return "CT localizer" if "LOCALIZER" in (header.get("ImageType") or ()) else "CT image"
    return f"CT object ({header.SOPClassUID.name})" if modality == "CT" and "SOPClassUID" in header else modality


def _notes(headers: Sequence[tuple[Path, pydicom.Dataset]], slices: list[_Slice], copies: int) -> list[str]:
    taken = {one.path for one in slices}
    others = [(path, header) for path, header in headers if path not in taken]
    notes = []
    if copies:
        notes.append(f"Images that were there twice and were read once: {copies}.")
    if len(others) > copies:
        notes.append(f"The CT series with {len(slices)} slices was taken; also there: {_kinds(others)}.")
    return notes
