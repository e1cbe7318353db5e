"""Slice and 3D views, through their nodes: works in any layout, and without a main window."""

from __future__ import annotations

import slicer

Point = tuple[float, float, float]


def showInBackground(ct: slicer.vtkMRMLScalarVolumeNode) -> None:
    """Show a CT in all slice views."""
    slicer.util.setSliceViewerLayers(background=ct, fit=True)


def jumpTo(point: Point) -> None:
    """Bring a point (RAS millimetres) to the middle of all slice views and of the 3D views."""
    slicer.vtkMRMLSliceNode.JumpAllSlices(slicer.mrmlScene, *point, slicer.vtkMRMLSliceNode.CenteredJumpSlice)
    for camera in slicer.util.getNodesByClass("vtkMRMLCameraNode"):
        _lookAt(camera, point)


def _lookAt(camera: slicer.vtkMRMLCameraNode, point: Point) -> None:
    """Move the camera along with its focal point, so that direction and distance stay."""
    moved = [to - was for to, was in zip(point, camera.GetFocalPoint(), strict=True)]
    camera.SetPosition(*(was + by for was, by in zip(camera.GetPosition(), moved, strict=True)))
    camera.SetFocalPoint(*point)
