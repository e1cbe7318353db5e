"""What the panel remembers of its case, kept in a node of the scene."""

from __future__ import annotations

import json
from typing import Any

import slicer


class State:
    """Typed access to RSuper's `vtkMRMLScriptedModuleNode`; whatever is set here is saved with the scene.

    Values are kept as JSON, so that line breaks and every letter of a report survive the scene's XML.

    Args:
        node: RSuper's parameter node.
    """

    def __init__(self, node: slicer.vtkMRMLScriptedModuleNode) -> None:
        self.node = node

    @property
    def ct(self) -> slicer.vtkMRMLScalarVolumeNode | None:
        """The CT; None if none is chosen, or if the chosen one left the scene."""
        return self.node.GetNodeReference("CT")

    @ct.setter
    def ct(self, node: slicer.vtkMRMLScalarVolumeNode | None) -> None:
        self._refer("CT", node)

    @property
    def parts(self) -> slicer.vtkMRMLSegmentationNode | None:
        """The segmentation whose segments are organs and their parts."""
        return self.node.GetNodeReference("Parts")

    @parts.setter
    def parts(self, node: slicer.vtkMRMLSegmentationNode | None) -> None:
        self._refer("Parts", node)

    @property
    def target(self) -> slicer.vtkMRMLSegmentationNode | None:
        """The segmentation that the user wants the lesions added to; None = a new one for every run."""
        return self.node.GetNodeReference("Target")

    @target.setter
    def target(self, node: slicer.vtkMRMLSegmentationNode | None) -> None:
        self._refer("Target", node)

    @property
    def lesions(self) -> slicer.vtkMRMLSegmentationNode | None:
        """The segmentation that holds the lesions of the last run."""
        return self.node.GetNodeReference("Lesions")

    @lesions.setter
    def lesions(self, node: slicer.vtkMRMLSegmentationNode | None) -> None:
        self._refer("Lesions", node)

    @property
    def reportText(self) -> str:
        """The report, letter by letter as it was pasted."""
        return self._value("ReportText", "")

    @reportText.setter
    def reportText(self, text: str) -> None:
        self._setValue("ReportText", text)

    @property
    def reading(self) -> dict[str, Any]:
        """What was read out of the report (`reading.json`); empty while it is not read."""
        return self._value("Reading", {})

    @reading.setter
    def reading(self, reading: dict[str, Any]) -> None:
        self._setValue("Reading", reading)

    @property
    def agreement(self) -> dict[str, Any]:
        """How lesions and findings of the last run match (`agreement.json`); empty before the first run."""
        return self._value("Agreement", {})

    @agreement.setter
    def agreement(self, agreement: dict[str, Any]) -> None:
        self._setValue("Agreement", agreement)

    @property
    def warnings(self) -> list[str]:
        """What the last run has to say besides its result, plain sentences."""
        return self._value("Warnings", [])

    @warnings.setter
    def warnings(self, sentences: list[str]) -> None:
        self._setValue("Warnings", sentences)

    @property
    def segmentIds(self) -> dict[int, str]:
        """Lesion number of the last run to segment id in `lesions`."""
        return {int(label): segmentId for label, segmentId in self._value("SegmentIds", {}).items()}

    @segmentIds.setter
    def segmentIds(self, ids: dict[int, str]) -> None:
        self._setValue("SegmentIds", {str(label): segmentId for label, segmentId in ids.items()})

    @property
    def source(self) -> str:
        """Where lesions come from: `auto`, `finder`, `model` or `report`, as for `rsuper segment`."""
        return self._value("Source", "auto")

    @source.setter
    def source(self, source: str) -> None:
        self._setValue("Source", source)

    @property
    def exportFolder(self) -> str:
        """The folder that was exported to last."""
        return self._value("ExportFolder", "")

    @exportFolder.setter
    def exportFolder(self, folder: str) -> None:
        self._setValue("ExportFolder", folder)

    def forgetResult(self) -> None:
        """Drop what is known of the last run; its segmentation stays in the scene as it is."""
        self.lesions = None
        self.segmentIds = {}
        self.agreement = {}
        self.warnings = []

    def _refer(self, role: str, node: slicer.vtkMRMLNode | None) -> None:
        wanted = node.GetID() if node else None
        if self.node.GetNodeReferenceID(role) != wanted:
            self.node.SetNodeReferenceID(role, wanted)

    def _value(self, name: str, default: Any) -> Any:
        text = self.node.GetParameter(name)
        return json.loads(text) if text else default

    def _setValue(self, name: str, value: Any) -> None:
        if value != self._value(name, None):
            self.node.SetParameter(name, json.dumps(value))
