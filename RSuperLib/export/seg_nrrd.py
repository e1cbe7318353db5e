"""Segmentations that 3D Slicer opens with names, colours and terminology (`.seg.nrrd`).

The header keys are those that Slicer's vtkMRMLSegmentationStorageNode writes and reads; the terminology tag is
serialised as its vtkSlicerTerminologiesModuleLogic does it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk  # noqa: N813 - the name its own documentation uses
from numpy.typing import NDArray
from scipy import ndimage

from RSuperLib.io import Grid, RSuperError, write_whole
from RSuperLib.io.itk import LPS_TO_RAS, silent_itk

#: A code as DICOM has it: scheme, value, meaning.
Code = tuple[str, str, str]

#: For what is not coded.
NO_CODE: Code = ("", "", "")
_TYPES = "Segmentation category and type - 3D Slicer General Anatomy list"
_REGIONS = "Anatomic codes - DICOM master list"


@dataclass(frozen=True)
class Terminology:
    """What a segment is and where it lies, in the codes of Slicer's terminology files."""

    category: Code
    type: Code
    type_modifier: Code = NO_CODE
    region: Code = NO_CODE
    region_modifier: Code = NO_CODE

    def __str__(self) -> str:
        """The entry as Slicer writes it into a segment's tags."""
        what = "~".join("^".join(code) for code in (self.category, self.type, self.type_modifier))
        where = "~".join("^".join(code) for code in (self.region, self.region_modifier))
        return f"{_TYPES}~{what}~{_REGIONS}~{where}"


@dataclass(frozen=True)
class Segment:
    """One segment of a segmentation.

    Attributes:
        id: identifier, unique in the file.
        label: its value in the label map, 1 or more.
        name: what Slicer shows.
        colour: red, green, blue, 0 to 1.
        terminology: what it is; None leaves it out.
        tags: further tags; neither names nor values may hold "|", nor names ":".
    """

    id: str
    label: int
    name: str
    colour: tuple[float, float, float]
    terminology: Terminology | None = None
    tags: dict[str, str] = field(default_factory=dict)


def write_seg_nrrd(path: Path, labels: NDArray[Any], grid: Grid, segments: Sequence[Segment]) -> None:
    """Write a label map as a segmentation of 3D Slicer, compressed, whole or not at all.

    Args:
        path: file to write; ends in `.seg.nrrd`.
        labels: (i, j, k) unsigned integers, 0 = background.
        grid: grid of the labels.
        segments: what the labels are; none for an empty segmentation.

    Raises:
        ValueError: the shapes differ, or a label in the map has no segment.
        RSuperError: the file cannot be written.
    """
    if labels.shape != grid.shape:
        raise ValueError(f"labels of shape {labels.shape} on a grid of shape {grid.shape}")
    boxes = dict(enumerate(ndimage.find_objects(labels), 1))
    unnamed = {label for label, box in boxes.items() if box} - {segment.label for segment in segments}
    if unnamed:
        raise ValueError(f"labels without a segment: {sorted(unnamed)}")
    image = _image(labels, grid)
    for key, value in _header(segments, boxes, grid).items():
        image.SetMetaData(key, value)
    write_whole(path, lambda temporary: _write(image, temporary, path.name))


def _write(image: sitk.Image, path: Path, name: str) -> None:
    try:
        with silent_itk():
            sitk.WriteImage(image, str(path), useCompression=True)
    except RuntimeError as error:
        raise RSuperError(
            f"{name} could not be written.", "Check that the disk has space and the folder may be written to."
        ) from error


def _image(labels: NDArray[Any], grid: Grid) -> sitk.Image:
    """The labels with their place in DICOM's left-posterior-superior axes, as NRRD and ITK have it."""
    small = labels.astype(np.uint8 if labels.max() < 2**8 else np.uint16, copy=False)
    image = sitk.GetImageFromArray(small.transpose(2, 1, 0))
    affine = LPS_TO_RAS @ grid.affine
    image.SetOrigin(affine[:3, 3].tolist())
    image.SetSpacing(grid.spacing)
    image.SetDirection((affine[:3, :3] / np.array(grid.spacing)).ravel().tolist())
    return image


def _header(segments: Sequence[Segment], boxes: dict[int, Any], grid: Grid) -> dict[str, str]:
    header = {
        "Segmentation_ConversionParameters": f"Reference image geometry|{_geometry(grid)}|&",
        "Segmentation_MasterRepresentation": "Binary labelmap",
        "Segmentation_ContainedRepresentationNames": "Binary labelmap|",
        "Segmentation_ReferenceImageExtentOffset": "0 0 0",
    }
    for index, segment in enumerate(segments):
        values = _segment_values(segment, boxes.get(segment.label))
        header |= {f"Segment{index}_{key}": value for key, value in values.items()}
    return header


def _geometry(grid: Grid) -> str:
    """The CT's grid as Slicer serialises it, so that all of it can be edited: index to RAS by rows, then the extent."""
    extent = [value for size in grid.shape for value in (0, size - 1)]
    return "".join(f"{value!r};" for value in [*grid.affine.ravel().tolist(), *extent])


def _segment_values(segment: Segment, box: Any) -> dict[str, str]:
    return {
        "ID": segment.id,
        "Name": " ".join(segment.name.split()),
        "NameAutoGenerated": "0",
        "Color": " ".join(f"{channel:.6g}" for channel in segment.colour),
        "ColorAutoGenerated": "0",
        "Extent": " ".join(f"{one.start} {one.stop - 1}" for one in box) if box else "0 -1 0 -1 0 -1",
        "LabelValue": str(segment.label),
        "Layer": "0",
        "Tags": _tags(segment),
    }


def _tags(segment: Segment) -> str:
    tags = dict(segment.tags)
    if segment.terminology is not None:
        tags["TerminologyEntry"] = str(segment.terminology)
    return "".join(f"{key}:{value}|" for key, value in sorted(tags.items()))
