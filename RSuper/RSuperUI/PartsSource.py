"""A segmentation node as the part masks of a case."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import slicer
import vtk
from slicer.i18n import tr as _

from RSuperLib.anatomy.table import canonical_name, organ_parts, part
from RSuperLib.io.errors import InputError
from RSuperUI.CtSource import CtSource
from RSuperUI.Finding import Finding
from RSuperUI.LabelmapExport import temporaryLabelmap

if TYPE_CHECKING:
    import numpy as np

_LABELMAP = "Binary labelmap"  # vtkSegmentationConverter's name, which Python does not show
#: Voxels that a corner may be off before a segmentation is resampled to the CT; RSuperLib allows as much.
_TOLERANCE_VOXELS = 0.1


@dataclass(frozen=True)
class PartLayer:
    """Segments that do not overlap, in one array.

    Attributes:
        array: labels (k, j, i) of a box of the CT's grid.
        ijkToRas: 4 x 4 of this box.
        names: label to part name.
    """

    array: np.ndarray
    ijkToRas: np.ndarray
    names: dict[int, str]


class PartsSource:
    """What RSuper asks of a segmentation of organs. Segments are recognized by their names, in any common spelling.

    Args:
        node: a segmentation of the scene.
    """

    def __init__(self, node: slicer.vtkMRMLSegmentationNode) -> None:
        self.node = node
        self._segmentation = node.GetSegmentation()

    def parts(self) -> dict[str, str]:
        """Segment id to part name, of the segments that are parts."""
        ids = (self._segmentation.GetNthSegmentID(n) for n in range(self._segmentation.GetNumberOfSegments()))
        names = {segmentId: _partName(self._segmentation.GetSegment(segmentId).GetName()) for segmentId in ids}
        return {segmentId: name for segmentId, name in names.items() if name is not None}

    def problem(self) -> str:
        """Why this segmentation cannot be used and what to do, in plain sentences; empty if it can."""
        name = self.node.GetName()
        if self.node.GetParentTransformNode() is not None:
            return _(
                "{name} is under a transform. In the Data module, right-click the transform next to it and choose "
                "'Harden transform', or take it out of the transform."
            ).format(name=name)
        if not self.parts():
            return _(
                "No segment of {name} is called like an organ. Name the segments like 'liver' or 'left kidney', or "
                "choose another segmentation, for example one made by TotalSegmentator."
            ).format(name=name)
        return ""

    def covers(self, finding: Finding) -> bool:
        """Whether the organ of a finding is among the parts, on its side."""
        return bool(self.segmentIdsFor(finding))

    def segmentIdsFor(self, finding: Finding) -> list[str]:
        """The segments where a lesion of this finding should lie: its own parts, else those of its organ."""
        parts = self.parts()
        wanted = {*finding.organMasks, *organ_parts(finding.organ, finding.laterality)}
        exact = [segmentId for segmentId, name in parts.items() if name in finding.organMasks]
        return exact or [
            segmentId
            for segmentId, name in parts.items()
            if name in wanted or (part(name).organ == finding.organ and _isOnSide(name, finding.laterality))
        ]

    def centerOf(self, finding: Finding) -> tuple[float, float, float] | None:
        """Middle of where the finding should lie, RAS millimetres; None if there is no such part."""
        segmentIds = self.segmentIdsFor(finding)
        return tuple(self.node.GetSegmentCenterRAS(segmentIds[0])) if segmentIds else None

    def layers(self, ct: CtSource, organs: Iterable[str]) -> list[PartLayer]:
        """All parts as arrays on the CT's grid.

        Segments that were made on this CT are taken as they lie in memory. Others are resampled by Slicer, which takes
        long for many segments: then only the parts of the named organs are taken.

        Raises:
            RSuperError: Slicer cannot convert the segments.
        """
        own = list(self._ownLayers())
        if own and all(_isOnGrid(layer, ct) for layer in own):
            return own
        return list(self._resampledLayers(ct, set(organs)))

    def _groups(self) -> list[dict[str, str]]:
        """Segment id to part name, of segments that share a labelmap and so cannot overlap."""
        parts = self.parts()
        if not self._segmentation.ContainsRepresentation(_LABELMAP):
            return [parts]
        count = self._segmentation.GetNumberOfLayers(_LABELMAP)
        layers = [self._segmentation.GetSegmentIDsForLayer(layer, _LABELMAP) for layer in range(count)]
        return [{one: parts[one] for one in layer if one in parts} for layer in layers]

    def _ownLayers(self) -> Iterator[PartLayer]:
        if not self._segmentation.ContainsRepresentation(_LABELMAP):
            return
        for layer, group in enumerate(self._groups()):
            image = self._segmentation.GetLayerDataObject(layer, _LABELMAP)
            if group and image is not None and image.GetNumberOfPoints() > 0:
                names = {self._segmentation.GetSegment(one).GetLabelValue(): name for one, name in group.items()}
                yield PartLayer(_imageArray(image), _ijkToRas(image), names)

    def _resampledLayers(self, ct: CtSource, organs: set[str]) -> Iterator[PartLayer]:
        for group in self._groups():
            wanted = {one: name for one, name in group.items() if part(name).organ in organs}
            if wanted:
                with temporaryLabelmap(self.node, list(wanted), ct.node) as labelmap:
                    array = slicer.util.arrayFromVolume(labelmap).copy()
                yield PartLayer(array, ct.ijkToRas(), dict(enumerate(wanted.values(), 1)))


@cache
def _partName(segmentName: str) -> str | None:
    try:
        name = canonical_name(segmentName)
    except InputError:
        return None
    return None if part(name).role == "lesion" else name


def _isOnSide(name: str, laterality: str | None) -> bool:
    return laterality not in ("left", "right") or part(name).side in (None, laterality)


def _imageArray(image: slicer.vtkOrientedImageData) -> np.ndarray:
    from vtk.util.numpy_support import vtk_to_numpy

    return vtk_to_numpy(image.GetPointData().GetScalars()).reshape(image.GetDimensions()[::-1])


def _ijkToRas(image: slicer.vtkOrientedImageData) -> np.ndarray:
    """4 x 4 of the image's first voxel; VTK counts from the origin of the whole grid."""
    matrix = vtk.vtkMatrix4x4()
    image.GetImageToWorldMatrix(matrix)
    affine = slicer.util.arrayFromVTKMatrix(matrix)
    first = image.GetExtent()[::2]
    affine[:3, 3] += affine[:3, :3] @ first
    return affine


def _isOnGrid(layer: PartLayer, ct: CtSource) -> bool:
    """Whether the voxels of a layer coincide with voxels of the CT and none lies outside of it."""
    import numpy as np

    toCt = np.linalg.inv(ct.ijkToRas()) @ layer.ijkToRas
    size = np.array(layer.array.shape[::-1])
    start = np.rint(toCt[:3, 3])
    slack = np.abs(toCt[:3, :3] - np.eye(3)) @ size
    isAligned = max(slack.max(), np.abs(toCt[:3, 3] - start).max()) <= _TOLERANCE_VOXELS
    return bool(isAligned and (start >= 0).all() and (start + size <= ct.array().shape[::-1]).all())
