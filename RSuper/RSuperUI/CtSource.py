"""A volume node as the CT that RSuper works on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import slicer
import vtk
from slicer.i18n import tr as _

if TYPE_CHECKING:
    import numpy as np


class CtSource:
    """What RSuper asks of a CT.

    Args:
        node: a scalar volume of the scene.
    """

    def __init__(self, node: slicer.vtkMRMLScalarVolumeNode) -> None:
        self.node = node

    def problem(self) -> str:
        """Why this CT cannot be used and what to do, in plain sentences; empty if it can."""
        name = self.node.GetName()
        image = self.node.GetImageData()
        if image is None or image.GetNumberOfPoints() == 0:
            return _("{name} holds no image. Load it again, or choose another CT.").format(name=name)
        if min(image.GetDimensions()) < 2:
            return _("{name} is a single slice. Choose a CT of many slices.").format(name=name)
        if self.node.GetParentTransformNode() is not None:
            return _(
                "{name} is under a transform, so masks would lie elsewhere than the image. In the Data module, "
                "right-click the transform next to it and choose 'Harden transform', or take it out of the transform."
            ).format(name=name)
        return ""

    def array(self) -> np.ndarray:
        """The voxels (k, j, i), without a copy: VTK never moves them while the array is held."""
        return slicer.util.arrayFromVolume(self.node)

    def ijkToRas(self) -> np.ndarray:
        """4 x 4; index (i, j, k) to millimetres, right-anterior-superior."""
        matrix = vtk.vtkMatrix4x4()
        self.node.GetIJKToRASMatrix(matrix)
        return slicer.util.arrayFromVTKMatrix(matrix)
