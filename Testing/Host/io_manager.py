"""`slicer.app.coreIOManager()`: loads, saves and exports as Slicer's readers and writers do, on the real logics."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import slicer
import vtk
from PySide6.QtCore import QObject, Signal

from .stand_in import Stored, stand_in

# File type and extensions of each reader; the first that knows an extension wins.
_READERS = {
    "SegmentationFile": (".seg.nrrd", ".seg.nhdr", ".seg.vtm"),
    "SceneFile": (".mrml", ".mrb"),
    "MarkupsFile": (".mrk.json", ".fcsv"),
    "VolumeFile": (".nrrd", ".nhdr", ".nii.gz", ".nii", ".mha", ".mhd", ".dcm"),
    "ModelFile": (".vtk", ".vtp", ".stl", ".obj", ".ply"),
    "TableFile": (".tsv", ".csv"),
    "TextFile": (".txt", ".json", ".xml"),
    "TransformFile": (".h5", ".tfm", ".mat"),
    "ColorTableFile": (".ctbl",),
}
_WRITERS = {
    "vtkMRMLSegmentationNode": "SegmentationFile",
    "vtkMRMLVolumeNode": "VolumeFile",
    "vtkMRMLModelNode": "ModelFile",
    "vtkMRMLMarkupsNode": "MarkupsFile",
    "vtkMRMLTableNode": "TableFile",
    "vtkMRMLTextNode": "TextFile",
    "vtkMRMLTransformNode": "TransformFile",
    "vtkMRMLColorNode": "ColorTableFile",
}


def _text(properties: dict[str, Any], key: str) -> str:
    """A property that PythonQt has to turn into a QString, which it does not do with a pathlib.Path."""
    value = properties.get(key, "")
    if not isinstance(value, str):
        raise TypeError(f"coreIOManager: '{key}' has to be a str, not {type(value).__name__}")
    return value


@stand_in
class qSlicerCoreIOManager(QObject):
    newFileLoaded = Signal(object)
    fileSaved = Signal(object)
    defaultSceneFileType = Stored("QString", "MRML Scene (.mrml)")

    def fileType(self, file_name: str) -> str:
        if Path(file_name).is_dir():
            return "VolumeFile"
        lower = file_name.lower()
        found = (kind for kind, extensions in _READERS.items() if lower.endswith(extensions))
        return next(found, "NoFile")

    def fileWriterFileType(self, node: Any, format_: str = "") -> str:
        found = (kind for class_name, kind in _WRITERS.items() if node.IsA(class_name))
        return next(found, "NoFile")

    def fileWriterExtensions(self, node: Any) -> list[str]:
        storage = node.CreateDefaultStorageNode()
        storage.UnRegister(None)
        types = storage.GetSupportedWriteFileTypes()
        return [types.GetValue(index) for index in range(types.GetNumberOfValues())]

    def extractKnownExtension(self, file_name: str, node: Any) -> str:
        known = [
            slicer.vtkDataFileFormatHelper.GetFileExtensionFromFormatString(format_)
            for format_ in self.fileWriterExtensions(node)
        ]
        fitting = [extension for extension in known if file_name.lower().endswith(extension.lower())]
        return max(fitting, key=len, default="")

    def registeredFileReaderCount(self, kind: str) -> int:
        return int(kind in _READERS)

    def registeredFileWriterCount(self, kind: str) -> int:
        return int(kind in _WRITERS.values())

    # Loading

    def loadNodes(self, kind: str, properties: dict[str, Any], loaded: Any = None, messages: Any = None) -> bool:
        file_name = _text(properties, "fileName")
        if not Path(file_name).exists():
            return self._failed(messages, f"File does not exist: {file_name}")
        readers: dict[str, Callable[[str, dict[str, Any], Any], Any]] = {
            "VolumeFile": self._load_volume,
            "SegmentationFile": self._load_segmentation,
            "SceneFile": self._load_scene,
            "TextFile": self._load_storable,
            "TableFile": self._load_storable,
            "ModelFile": self._load_storable,
            "TransformFile": self._load_storable,
            "MarkupsFile": self._load_storable,
        }
        if kind not in readers:
            return self._failed(messages, f"No reader found to read {file_name} of type {kind}")
        node = readers[kind](file_name, {**properties, "type": kind}, messages)
        if node is None:
            return self._failed(messages, f"Loading failed: {file_name}")
        if loaded is not None and node is not slicer.mrmlScene:
            loaded.AddItem(node)
        self.newFileLoaded.emit(properties)
        return True

    def _failed(self, messages: Any, text: str) -> bool:
        if messages is not None:
            messages.AddMessage(vtk.vtkCommand.ErrorEvent, text)
        return False

    def loadScene(self, file_name: str, clear: bool = True, messages: Any = None) -> bool:
        return self._load_scene(file_name, {"clear": clear}, messages) is not None

    def loadFile(self, file_name: str, messages: Any = None) -> bool:
        return self.loadNodes(self.fileType(file_name), {"fileName": file_name}, None, messages)

    def _load_volume(self, file_name: str, properties: dict[str, Any], messages: Any) -> Any:
        logic = slicer.modules.volumes.logic()
        flags = {"labelmap": 1, "center": 2, "singleFile": 4, "autoWindowLevel": 8, "discardOrientation": 16}
        options = sum(bit for key, bit in flags.items() if properties.get(key))
        name = _text(properties, "name") or Path(file_name).name.split(".")[0]
        node = logic.AddArchetypeVolume(file_name, name, options, None)
        if node is not None and properties.get("show", True):
            self._show_volume(node)
        return node

    def _show_volume(self, node: Any) -> None:
        selection = slicer.app.applicationLogic().GetSelectionNode()
        if node.IsA("vtkMRMLLabelMapVolumeNode"):
            selection.SetActiveLabelVolumeID(node.GetID())
        else:
            selection.SetActiveVolumeID(node.GetID())
        slicer.app.applicationLogic().PropagateVolumeSelection()

    def _load_segmentation(self, file_name: str, properties: dict[str, Any], messages: Any) -> Any:
        logic = slicer.modules.segmentations.logic()
        opacities = bool(properties.get("autoOpacities", True))
        colors = slicer.mrmlScene.GetNodeByID(properties["colorNodeID"]) if properties.get("colorNodeID") else None
        return logic.LoadSegmentationFromFile(file_name, opacities, _text(properties, "name"), colors, messages)

    def _load_scene(self, file_name: str, properties: dict[str, Any], messages: Any) -> Any:
        scene, clear = slicer.mrmlScene, bool(properties.get("clear", True))
        if file_name.lower().endswith(".mrb"):
            return scene if scene.ReadFromMRB(file_name, clear, messages) else None
        scene.SetURL(file_name)
        return scene if (scene.Connect(messages) if clear else scene.Import(messages)) else None

    def _load_storable(self, file_name: str, properties: dict[str, Any], messages: Any) -> Any:
        classes = {
            "TextFile": "vtkMRMLTextNode",
            "TableFile": "vtkMRMLTableNode",
            "ModelFile": "vtkMRMLModelNode",
            "TransformFile": "vtkMRMLTransformNode",
            "MarkupsFile": "vtkMRMLMarkupsFiducialNode",
        }
        name = _text(properties, "name") or Path(file_name).name.split(".")[0]
        node = slicer.mrmlScene.AddNewNodeByClass(classes[properties["type"]], name)
        node.AddDefaultStorageNode()
        node.GetStorageNode().SetFileName(file_name)
        if not node.GetStorageNode().ReadData(node):
            slicer.mrmlScene.RemoveNode(node)
            return None
        if hasattr(node, "CreateDefaultDisplayNodes"):
            node.CreateDefaultDisplayNodes()
        return node

    # Saving

    def saveNodes(self, kind: str, properties: dict[str, Any], messages: Any = None, scene: Any = None) -> bool:
        file_name = _text(properties, "fileName")
        if not file_name:
            return self._failed(messages, '"fileName" parameter must not be empty.')
        Path(file_name).parent.mkdir(parents=True, exist_ok=True)
        if kind == "SceneFile":
            written = self._save_scene(file_name, messages)
        else:
            node = (scene or slicer.mrmlScene).GetNodeByID(_text(properties, "nodeID"))
            written = self._write(node, file_name, properties, messages)
        if written:
            self.fileSaved.emit(properties)
        return written

    def saveScene(self, file_name: str, screenshot: Any = None, messages: Any = None) -> bool:
        return self._save_scene(file_name, messages)

    def _save_scene(self, file_name: str, messages: Any) -> bool:
        scene = slicer.mrmlScene
        if file_name.lower().endswith(".mrb"):
            return bool(scene.WriteToMRB(file_name, None, messages))
        if file_name.lower().endswith(".mrml"):
            scene.SetURL(file_name)
            scene.SetRootDirectory(str(Path(file_name).parent))
            return bool(scene.Commit(file_name, messages))
        return bool(slicer.app.applicationLogic().SaveSceneToSlicerDataBundleDirectory(file_name, None, messages))

    def _write(self, node: Any, file_name: str, properties: dict[str, Any], messages: Any) -> bool:
        node.AddDefaultStorageNode()
        storage = node.GetStorageNode()
        storage.SetFileName(file_name)
        if _text(properties, "fileFormat"):
            storage.SetWriteFileFormat(properties["fileFormat"])
        storage.SetURI(None)
        if "useCompression" in properties:
            storage.SetUseCompression(int(properties["useCompression"]))
        written = bool(storage.WriteData(node))
        if messages is not None:
            messages.AddMessages(storage.GetUserMessages())
        return written

    def exportNodes(
        self,
        node_ids: list[str],
        file_names: list[str],
        properties: dict[str, Any],
        harden: bool = False,
        messages: Any = None,
    ) -> bool:
        """In a scene of its own, so that the nodes keep their storage nodes."""
        for node_id, file_name in zip(node_ids, file_names, strict=True):
            values = {**properties, "fileName": file_name}
            _text(values, "fileName")
            if not self._export(slicer.mrmlScene.GetNodeByID(node_id), file_name, values, harden, messages):
                return False
        return True

    def _export(self, node: Any, file_name: str, properties: dict[str, Any], harden: bool, messages: Any) -> bool:
        scene = slicer.vtkMRMLScene()
        copy = scene.AddNewNodeByClass(node.GetClassName(), node.GetName())
        copy.CopyContent(node)
        if harden and node.GetParentTransformNode() is not None:
            transform = scene.AddNewNodeByClass(node.GetParentTransformNode().GetClassName())
            transform.CopyContent(node.GetParentTransformNode())
            copy.SetAndObserveTransformNodeID(transform.GetID())
            copy.HardenTransform()
        return self._write(copy, file_name, properties, messages)

    def createAndAddDefaultStorageNode(self, node: Any) -> Any:
        node.AddDefaultStorageNode()
        return node.GetStorageNode()

    def addDefaultStorageNodes(self) -> None:
        for node in slicer.util.getNodesByClass("vtkMRMLStorableNode"):
            if node.GetSaveWithScene():
                node.AddDefaultStorageNode()


def temporary_folder() -> tuple[Path, Callable[[], None]]:
    """A folder for one run of the host, and the function that removes it."""
    folder = Path(tempfile.mkdtemp(prefix="slicer-host-"))
    return folder, lambda: shutil.rmtree(folder, ignore_errors=True)
