"""The MRML scene, the application logic and the module logics, wired as qSlicerCoreApplication wires them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import slicer
import vtk

# Slicer module and the class of its logic; in an order in which each finds the ones that it asks for.
LOGICS = {
    "Colors": "vtkSlicerColorLogic",
    "Units": "vtkSlicerUnitsLogic",
    "Terminologies": "vtkSlicerTerminologiesModuleLogic",
    "SubjectHierarchy": "vtkSlicerSubjectHierarchyModuleLogic",
    "Cameras": "vtkSlicerCamerasModuleLogic",
    "Annotations": "vtkSlicerAnnotationModuleLogic",
    "Tables": "vtkSlicerTablesLogic",
    "Texts": "vtkSlicerTextsLogic",
    "Plots": "vtkSlicerPlotsLogic",
    "Models": "vtkSlicerModelsLogic",
    "Markups": "vtkSlicerMarkupsLogic",
    "Transforms": "vtkSlicerTransformLogic",
    "Volumes": "vtkSlicerVolumesLogic",
    "Segmentations": "vtkSlicerSegmentationsModuleLogic",
    "SegmentEditor": "vtkSlicerSegmentEditorLogic",
    "CropVolume": "vtkSlicerCropVolumeLogic",
    "VolumeRendering": "vtkSlicerVolumeRenderingLogic",
    "Sequences": "vtkSlicerSequencesLogic",
    "SceneViews": "vtkSlicerSceneViewsModuleLogic",
    "ViewControllers": "vtkSlicerViewControllersLogic",
    "Reformat": "vtkSlicerReformatLogic",
    "Data": "vtkSlicerDataModuleLogic",
}

_DCMQI = "https://raw.githubusercontent.com/qiicr/dcmqi/master/doc/schemas"
_TERMINOLOGIES = {
    "SlicerGeneralAnatomy": "3D Slicer General Anatomy list",
    "DICOM-Master": "DICOM master list",
}
_GENERIC_COLORS = ((128, 174, 128), (241, 214, 145), (177, 122, 101), (111, 184, 210), (216, 101, 79), (221, 130, 101))


class SceneAndLogics:
    """Owns what qSlicerCoreApplication owns on the MRML side."""

    def __init__(self, home: Path, temporary: Path) -> None:
        self.application_logic = slicer.vtkSlicerApplicationLogic()
        _write_share(home / "share")
        self.application_logic.SetHomeDirectory(str(home))
        self.application_logic.SetShareDirectory("share")
        self.application_logic.SetTemporaryPath(str(temporary))
        self.slice_logics, self.view_logics = vtk.vtkCollection(), vtk.vtkCollection()
        self.application_logic.SetSliceLogics(self.slice_logics)
        self.application_logic.SetViewLogics(self.view_logics)
        for factory in _factories():
            factory.SetMRMLApplicationLogic(self.application_logic)
        self.remote_io, self.data_io = slicer.vtkMRMLRemoteIOLogic(), slicer.vtkDataIOManagerLogic()
        self.remote_io.GetCacheManager().SetRemoteCacheDirectory(str(temporary))  # .mrb bundles are unpacked there
        self.data_io.SetMRMLApplicationLogic(self.application_logic)
        self.data_io.SetAndObserveDataIOManager(self.remote_io.GetDataIOManager())
        self.scene = self._make_scene()
        self.module_logics = self._make_logics(home)

    def _make_scene(self) -> Any:
        scene = slicer.vtkMRMLScene()
        crosshair = slicer.vtkMRMLCrosshairNode()
        crosshair.SetCrosshairName("default")
        scene.AddNode(crosshair)
        slicer.vtkMRMLSliceNode.AddDefaultSliceOrientationPresets(scene)
        self.application_logic.SetMRMLScene(scene)
        self.application_logic.SetMRMLSceneDataIO(scene, self.remote_io, self.data_io)
        return scene

    def _make_logics(self, home: Path) -> dict[str, Any]:
        logics = {}
        for module, class_name in LOGICS.items():
            logic = logics[module] = getattr(slicer, class_name)()
            if hasattr(logic, "SetModuleShareDirectory"):
                logic.SetModuleShareDirectory(str(home / "share" / "qt-loadable-modules" / module))
            logic.SetMRMLApplicationLogic(self.application_logic)
            self.application_logic.SetModuleLogic(module, logic)
            if module == "Colors":
                self.application_logic.SetColorLogic(logic)
            logic.SetMRMLScene(self.scene)
        return logics

    def close(self) -> None:
        """Let go in the order that leaves no observer on a deleted object."""
        self.scene.Clear(1)
        for module, logic in reversed(self.module_logics.items()):
            if module != "Segmentations":  # which asks the scene that it loses for its subject hierarchy
                logic.SetMRMLScene(None)
        self.slice_logics.RemoveAllItems()
        self.view_logics.RemoveAllItems()
        self.application_logic.SetMRMLSceneDataIO(None, None, None)
        self.application_logic.SetMRMLScene(None)
        for factory in _factories():
            factory.SetMRMLApplicationLogic(None)


def _factories() -> tuple[Any, Any]:
    return (
        slicer.vtkMRMLSliceViewDisplayableManagerFactory.GetInstance(),
        slicer.vtkMRMLThreeDViewDisplayableManagerFactory.GetInstance(),
    )


def _write_share(share: Path) -> None:
    """The files that Slicer's logics read at start, cut down: colours and terminologies."""
    for folder in (share / "qt-loadable-modules" / "Colors", share / "ColorFiles"):
        folder.mkdir(parents=True, exist_ok=True)
        rows = [f"{i} color_{i} {r} {g} {b} 255" for i, (r, g, b) in enumerate(_GENERIC_COLORS, start=1)]
        (folder / "GenericColors.txt").write_text("\n".join(["0 Background 0 0 0 0", *rows, ""]), encoding="utf-8")
    terminologies = share / "qt-loadable-modules" / "Terminologies"
    terminologies.mkdir(parents=True, exist_ok=True)
    for name in _TERMINOLOGIES:
        path = terminologies / f"SegmentationCategoryTypeModifier-{name}.term.json"
        path.write_text(json.dumps(_terminology(name)), encoding="utf-8")
    regions = {
        "@schema": f"{_DCMQI}/anatomic-context-schema.json#",
        "AnatomicContextName": "Anatomic codes - DICOM master list",
        "AnatomicCodes": {"AnatomicRegion": []},
    }
    (terminologies / "AnatomicRegionAndModifier-DICOM-Master.term.json").write_text(
        json.dumps(regions), encoding="utf-8"
    )


def _terminology(name: str) -> dict[str, object]:
    tissue = {"CodingSchemeDesignator": "SCT", "CodeValue": "85756007", "CodeMeaning": "Tissue"}
    category = {
        **tissue,
        "showAnatomy": "true",
        "Type": [{**tissue, "recommendedDisplayRGBValue": ["128", "174", "128"]}],
    }
    return {
        "@schema": f"{_DCMQI}/segment-context-schema.json#",
        "SegmentationCategoryTypeContextName": f"Segmentation category and type - {_TERMINOLOGIES[name]}",
        "SegmentationCodes": {"Category": [category]},
    }
