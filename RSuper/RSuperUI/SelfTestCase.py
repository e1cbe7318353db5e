"""A small made-up case for the self-test: a CT with two lesions, its organs, and a report that is true of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import slicer

if TYPE_CHECKING:
    import numpy as np

SPACING = (2.0, 2.0, 2.5)
SHAPE = (48, 96, 112)
#: Name, first corner and size (k, j, i) of the organs, which are boxes.
ORGANS = {
    "Liver": ((8, 20, 8), (32, 52, 44)),
    "left kidney": ((10, 44, 72), (24, 32, 28)),
    "spleen": ((26, 16, 74), (16, 24, 28)),
}
#: Organ, middle (k, j, i), diameter (mm) and Hounsfield units of the lesions, which are balls.
LESIONS = (("Liver", (24, 44, 28), 26.0, 45), ("left kidney", (20, 60, 86), 20.0, 20))
REPORT = (
    "CT ABDOMEN WITH CONTRAST\n\nFINDINGS:\n"
    "Liver: There is a hypodense mass in the liver measuring 2.6 x 2.5 cm.\n"
    "Left kidney: Possible hypodense lesion in the left kidney measuring 20 mm – follow-up is advised.\n"
    "Spleen: Normal. No splenic lesion.\n"
)


@dataclass(frozen=True)
class SelfTestCase:
    """Nodes of the case, and which voxels (k, j, i) are lesions."""

    ct: slicer.vtkMRMLScalarVolumeNode
    parts: slicer.vtkMRMLSegmentationNode
    truth: np.ndarray

    @classmethod
    def create(cls) -> SelfTestCase:
        """Put the case into the scene. The CT is turned in space, so that a mix-up of axes cannot go unseen."""
        import numpy as np

        hounsfield = np.full(SHAPE, -1000, np.int16)
        hounsfield[2:-2, 8:-8, 4:-4] = 40
        for first, size in ORGANS.values():
            hounsfield[_box(first, size)] = 110
        truth = np.zeros(SHAPE, np.uint8)
        for number, (_organ, center, diameter, value) in enumerate(LESIONS, 1):
            ball = _ball(center, diameter)
            hounsfield[ball] = value
            truth[ball] = number
        noise = np.random.default_rng(7).normal(0, 8, SHAPE)
        ct = _addVolume((hounsfield + noise).astype(np.int16))
        return cls(ct, _addParts(ct), truth)


def _box(first: tuple[int, ...], size: tuple[int, ...]) -> tuple[slice, ...]:
    return tuple(slice(start, start + length) for start, length in zip(first, size, strict=True))


def _ball(center: tuple[int, ...], diameter: float) -> np.ndarray:
    import numpy as np

    axes = np.ogrid[tuple(slice(0, length) for length in SHAPE)]
    squares = [((axis - c) * s) ** 2 for axis, c, s in zip(axes, center, SPACING[::-1], strict=True)]
    ball: np.ndarray = sum(squares) <= (diameter / 2) ** 2
    return ball


def _addVolume(hounsfield: np.ndarray) -> slicer.vtkMRMLScalarVolumeNode:
    ct = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "RSuper test CT")
    ct.SetSpacing(*SPACING)
    ct.SetOrigin(110.0, 90.0, -40.0)
    ct.SetIJKToRASDirections(-1, 0, 0, 0, -1, 0, 0, 0, 1)
    slicer.util.updateVolumeFromArray(ct, hounsfield)
    ct.CreateDefaultDisplayNodes()
    return ct


def _addParts(ct: slicer.vtkMRMLScalarVolumeNode) -> slicer.vtkMRMLSegmentationNode:
    import numpy as np

    parts = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Organs")
    parts.CreateDefaultDisplayNodes()
    parts.SetReferenceImageGeometryParameterFromVolumeNode(ct)
    for name, (first, size) in ORGANS.items():
        mask = np.zeros(SHAPE, np.uint8)
        mask[_box(first, size)] = 1
        segmentId = parts.GetSegmentation().AddEmptySegment("", name)
        slicer.util.updateSegmentBinaryLabelmapFromArray(mask, parts, segmentId, ct)
    return parts
