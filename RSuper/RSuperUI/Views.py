"""Slice and 3D views, through their nodes: works in any layout, and without a main window."""

from __future__ import annotations

import slicer

Point = tuple[float, float, float]


def showInBackground(ct: slicer.vtkMRMLScalarVolumeNode) -> None:
    """Show a CT in all slice views."""
    slicer.util.setSliceViewerLayers(background=ct, fit=True)


def jumpTo(point: Point) -> None:
    """Show a point (RAS millimetres) in all slice views, in the way that they are set to jump, and in 3D."""
    slicer.vtkMRMLSliceNode.JumpAllSlices(slicer.mrmlScene, *point)
    for camera in slicer.util.getNodesByClass("vtkMRMLCameraNode"):
        _lookAt(camera, point)


def _lookAt(camera: slicer.vtkMRMLCameraNode, point: Point) -> None:
    """Move the camera along with its focal point, so that direction and distance stay."""
    moved = [to - was for to, was in zip(point, camera.GetFocalPoint(), strict=True)]
    camera.SetPosition(*(was + by for was, by in zip(camera.GetPosition(), moved, strict=True)))
    camera.SetFocalPoint(*point)
