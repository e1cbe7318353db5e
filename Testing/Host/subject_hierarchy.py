"""Gives new data nodes their subject hierarchy item, as Slicer's qSlicerSubjectHierarchyPluginLogic does."""

from __future__ import annotations

from typing import Any

import slicer

from .stand_ins.qmrml_base import node_argument

# Node class and the plugin that owns such nodes.
_OWNERS = {
    "vtkMRMLLabelMapVolumeNode": "LabelMaps",
    "vtkMRMLVolumeNode": "Volumes",
    "vtkMRMLSegmentationNode": "Segmentations",
    "vtkMRMLModelNode": "Models",
    "vtkMRMLMarkupsNode": "Markups",
    "vtkMRMLTransformNode": "Transforms",
    "vtkMRMLTableNode": "Tables",
    "vtkMRMLTextNode": "Texts",
}


def follow(scene: Any) -> None:
    """Add an item for every data node that comes to the scene, and drop it when the node goes."""
    scene.AddObserver(scene.NodeAddedEvent, node_argument(_on_added))
    scene.AddObserver(scene.NodeRemovedEvent, node_argument(_on_removed))


def _on_added(node: Any) -> None:
    owner = next((plugin for kind, plugin in _OWNERS.items() if node.IsA(kind)), None)
    scene = node.GetScene()
    if owner is None or scene is None or scene.IsImporting() or node.GetHideFromEditors():
        return
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    item = hierarchy.CreateItem(hierarchy.GetSceneItemID(), node)
    hierarchy.SetItemOwnerPluginName(item, owner)


def _on_removed(node: Any) -> None:
    scene = slicer.mrmlScene
    if scene.IsClosing() or scene.IsImporting() or not any(node.IsA(kind) for kind in _OWNERS):
        return
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    item = hierarchy.GetItemByDataNode(node)
    if item:
        hierarchy.RemoveItem(item, False, False)
