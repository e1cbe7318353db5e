"""The names of labels that stand in the file itself.

3D Slicer writes them into the header of a seg.nrrd (keys as in its vtkMRMLSegmentationStorageNode: `Segment0_Name`,
`Segment0_LabelValue`, `Segment0_Layer`, …), TotalSegmentator into an extension of the NIfTI header (`<Label Key="5">`).
"""

from __future__ import annotations

import re
from itertools import count

from RSuperLib.io.errors import InputError
from RSuperLib.io.image import EXTENSIONS_KEY, ImageFile

#: One label of a Caret label table. No XML parser: what it should find is this one element.
_LABEL = re.compile(r'<Label\s[^>]*?Key="([1-9]\d{0,4})"[^>]*>\s*(?:<!\[CDATA\[)?([^<\]]+?)(?:\]\]>)?\s*</Label>')


def segment_names(image: ImageFile) -> dict[int, dict[int, str]]:
    """Names of the segments, by layer and label: `{0: {1: "liver"}}`; empty for files that do not name them.

    Files of Slicer 4.10 and older state neither: there every segment is label 1 of a layer of its own.

    Raises:
        InputError: a segment states no number as label or layer, or several layers and no segments.
    """
    table = {int(key): name for key, name in _LABEL.findall(image.metadata.get(EXTENSIONS_KEY, ""))}
    names: dict[int, dict[int, str]] = {0: table} if table else {}
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
