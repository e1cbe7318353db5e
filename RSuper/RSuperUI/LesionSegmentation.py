"""The lesions of a run as a segmentation of the scene."""

from __future__ import annotations

import slicer
from slicer.i18n import tr as _

from RSuperLib.export.colours import lesion_colour
from RSuperLib.io.errors import RSuperError

Colour = tuple[float, float, float]


class LesionSegmentation:
    """A segmentation node and which of its segments is which lesion.

    Args:
        node: the segmentation; None before the first run.
        segmentIds: lesion number to segment id.
    """

    def __init__(self, node: slicer.vtkMRMLSegmentationNode | None, segmentIds: dict[int, str]) -> None:
        self.node = node
        self.segmentIds = segmentIds

    @classmethod
    def fromFile(
        cls, path: str, ct: slicer.vtkMRMLScalarVolumeNode, target: slicer.vtkMRMLSegmentationNode | None = None
    ) -> LesionSegmentation:
        """Bring the lesions of a file into the scene, under the CT's study.

        Args:
            path: `lesions.seg.nrrd`, whose segments bring their names, colours and terminology.
            ct: the CT on whose grid they lie.
            target: add them to this segmentation, beside what it holds; None = make a new one.

        Raises:
            RSuperError: the file cannot be read; then the scene is as it was.
        """
        loaded = _readSegmentation(path)
        segmentation = loaded.GetSegmentation()
        ids = [segmentation.GetNthSegmentID(index) for index in range(segmentation.GetNumberOfSegments())]
        labels = [segmentation.GetSegment(segmentId).GetLabelValue() for segmentId in ids]
        if target is None:
            target = _newNode(loaded, ct)
        else:
            ids = [_copySegment(segmentation, segmentId, target) for segmentId in ids]
        return cls(target, dict(zip(labels, ids, strict=True)))

    def segmentId(self, lesion: int) -> str | None:
        """The segment of a lesion; None if the user removed it."""
        segmentId = self.segmentIds.get(lesion)
        if self.node is None or segmentId is None or self.node.GetSegmentation().GetSegment(segmentId) is None:
            return None
        return segmentId

    def colour(self, lesion: int) -> Colour:
        """Red, green, blue (0 to 1): the segment's colour, also if the user changed it."""
        segmentId = self.segmentId(lesion)
        if self.node is None or segmentId is None:
            return lesion_colour(lesion)
        red, green, blue = self.node.GetSegmentation().GetSegment(segmentId).GetColor()
        return red, green, blue

    def center(self, lesion: int) -> Colour | None:
        """Middle of a lesion, RAS millimetres; None if its segment is gone or empty."""
        segmentId = self.segmentId(lesion)
        if self.node is None or segmentId is None:
            return None
        right, anterior, superior = self.node.GetSegmentCenterRAS(segmentId)
        return right, anterior, superior


def _readSegmentation(path: str) -> slicer.vtkMRMLSegmentationNode:
    """Read into a scene of its own, so that nothing is left in the user's if it fails."""
    scene = slicer.vtkMRMLScene()
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    storage = slicer.vtkMRMLSegmentationStorageNode()
    storage.SetFileName(path)
    if not storage.ReadData(node, True):
        raise RSuperError(_("The lesions that were found cannot be read."), _("Press Apply again."))
    return node


def _newNode(
    loaded: slicer.vtkMRMLSegmentationNode, ct: slicer.vtkMRMLScalarVolumeNode
) -> slicer.vtkMRMLSegmentationNode:
    scene = slicer.mrmlScene
    name = scene.GetUniqueNameByString(_("{ct} lesions").format(ct=ct.GetName()))
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", name)
    node.SetAndObserveSegmentation(loaded.GetSegmentation())
    node.SetReferenceImageGeometryParameterFromVolumeNode(ct)
    node.CreateDefaultDisplayNodes()
    _putUnderStudyOf(ct, node)
    return node


def _putUnderStudyOf(ct: slicer.vtkMRMLScalarVolumeNode, node: slicer.vtkMRMLSegmentationNode) -> None:
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    ctItem = hierarchy.GetItemByDataNode(ct)
    parent = hierarchy.GetItemParent(ctItem) if ctItem else hierarchy.GetSceneItemID()
    item = hierarchy.GetItemByDataNode(node)
    if item:
        hierarchy.SetItemParent(item, parent)
    else:
        hierarchy.CreateItem(parent, node)


def _copySegment(source: slicer.vtkSegmentation, segmentId: str, target: slicer.vtkMRMLSegmentationNode) -> str:
    """Copy one segment and return its id in the target, whose own segments stay as they are."""
    segmentation = target.GetSegmentation()
    segment = slicer.vtkSegment()
    segment.DeepCopy(source.GetSegment(segmentId))
    newId = segmentation.GenerateUniqueSegmentID(segmentId)
    segmentation.AddSegment(segment, newId)
    return newId
