"""What 3D Slicer writes into the header of a segmentation (seg.nrrd) about its segments.

Keys as in Slicer's vtkMRMLSegmentationStorageNode: `Segment0_Name`, `Segment0_LabelValue`, `Segment0_Layer`, ….
"""

from __future__ import annotations

from itertools import count

from RSuperLib.io.errors import InputError
from RSuperLib.io.image import ImageFile

#: Present in every segmentation that Slicer wrote: where its voxels start in the reference image (it may be cropped).
OFFSET_KEY = "Segmentation_ReferenceImageExtentOffset"


def segment_names(image: ImageFile) -> dict[int, dict[int, str]]:
    """Names of the segments, by layer and label: `{0: {1: "liver"}}`; empty for files that are no segmentations.

    Files of Slicer 4.10 and older state neither: there every segment is label 1 of a layer of its own.

    Raises:
        InputError: a segment states no number as label or layer, or several layers and no segments.
    """
    names: dict[int, dict[int, str]] = {}
    for index in count():
        key = f"Segment{index}_"
        if f"{key}ID" not in image.metadata:
            break
        layer = _number(image, f"{key}Layer", index)
        label = _number(image, f"{key}LabelValue", 1)
        names.setdefault(layer, {})[label] = image.metadata.get(f"{key}Name", image.metadata[f"{key}ID"])
    if image.layers > 1 and not names:
        raise InputError(
            f"{image.name} holds {image.layers} values per voxel, not labels.", "Give masks or a label map."
        )
    return names


def _number(image: ImageFile, key: str, default: int) -> int:
    try:
        return int(image.metadata.get(key, default))
    except ValueError as error:
        raise InputError(
            f"{key} in the header of {image.name} is not a number.", "Save it from Slicer again."
        ) from error
