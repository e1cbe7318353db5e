"""qMRMLNodeComboBox: the nodes of the scene, filtered by class and attribute."""

from __future__ import annotations

from typing import Any

import slicer
from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QInputDialog, QWidget

from ..stand_in import Computed, Stored, private, setter, stand_in
from .qmrml_base import SCENE_EVENTS, node_argument, observations

_NODE, _ACTION = 0x0100, 0x0101  # item data roles: the node's ID, the name of an action


def _data(combo: QComboBox, role: int) -> Any:
    return combo.itemData(combo.currentIndex, role)


@stand_in
class qMRMLNodeComboBox(QWidget):
    currentNodeChanged = Signal((object,), (bool,))
    currentNodeIDChanged = Signal(str)
    nodeActivated = Signal(object)
    nodeAdded = Signal(object)
    nodeAddedByUser = Signal(object)
    nodeAboutToBeRemoved = Signal(object)
    currentNodeRenamed = Signal(str)
    nodeAboutToBeEdited = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        state = private(self)
        state.combo, state.scene, state.wanted, state.announced = QComboBox(self), None, "", None
        state.attributes, state.labels, state.menu_actions = {}, {}, []
        state.combo.currentIndexChanged.connect(self._announce)
        state.combo.activated.connect(self._activate)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(state.combo)
        self.setEnabled(False)

    nodeTypes = Stored("QStringList", [], after="_fill")
    showHidden = Stored("bool", False, after="_fill")
    showChildNodeTypes = Stored("bool", True, after="_fill")
    hideChildNodeTypes = Stored("QStringList", [], after="_fill")
    noneEnabled = Stored("bool", False, after="_fill")
    noneDisplay = Stored("QString", "None", after="_fill")
    addEnabled = Stored("bool", True, after="_fill")
    removeEnabled = Stored("bool", True, after="_fill")
    editEnabled = Stored("bool", False, after="_fill")
    renameEnabled = Stored("bool", False, after="_fill")
    selectNodeUponCreation = Stored("bool", True)
    baseName = Stored("QString", "")
    interactionNodeSingletonTag = Stored("QString", "Singleton")
    sizeAdjustPolicy = Stored("QComboBox::SizeAdjustPolicy", QComboBox.SizeAdjustPolicy.AdjustToContentsOnFirstShow)

    # Scene

    def mrmlScene(self) -> Any:
        return private(self).scene

    def setMRMLScene(self, scene: Any) -> None:
        state = private(self)
        if scene is state.scene:
            return
        state.scene = scene
        held = observations(self, "scene_observers")
        held.clear()
        if scene is not None:
            for event in SCENE_EVENTS:
                held.add(scene, event, lambda *_: self._fill())
            held.add(scene, scene.NodeAddedEvent, node_argument(self._on_added))
            held.add(scene, scene.NodeAboutToBeRemovedEvent, node_argument(self._on_removed))
        self.setEnabled(scene is not None)
        self._fill()
        if state.wanted:
            self.setCurrentNodeID(state.wanted)

    def _on_added(self, node: Any) -> None:
        if self._shows(node):
            self.nodeAdded.emit(node)

    def _on_removed(self, node: Any) -> None:
        if self._shows(node):
            self.nodeAboutToBeRemoved.emit(node)

    def _shows(self, node: Any) -> bool:
        if node.GetHideFromEditors() and not self.showHidden:
            return False
        if any(node.IsA(kind) for kind in self.hideChildNodeTypes):
            return False
        fits = node.IsA if self.showChildNodeTypes else node.GetClassName().__eq__
        return any(fits(kind) and self._has_attributes(kind, node) for kind in self.nodeTypes)

    def _has_attributes(self, kind: str, node: Any) -> bool:
        wanted = private(self).attributes.get(kind, {})
        return all(
            node.GetAttribute(name) is not None and value in (None, node.GetAttribute(name))
            for name, value in wanted.items()
        )

    # Items

    def _nodes(self) -> list[Any]:
        scene = private(self).scene
        if scene is None or scene.IsClosing():
            return []
        return [
            node for node in (scene.GetNthNode(index) for index in range(scene.GetNumberOfNodes())) if self._shows(node)
        ]

    def _fill(self) -> None:
        """Rebuild the items and keep the current node if it is still there."""
        state = private(self)
        scene = state.scene
        if scene is not None and scene.IsBatchProcessing() and not scene.IsClosing():
            return
        current = self.currentNodeID
        held = observations(self, "node_observers")
        held.clear()
        blocker = QSignalBlocker(state.combo)
        state.combo.clear()
        if self.noneEnabled:
            state.combo.addItem(self.noneDisplay)
        nodes = self._nodes()
        for node in nodes:
            state.combo.addItem(node.GetName() or "", node.GetID())
            held.add(node, "ModifiedEvent", lambda node, _: self._on_renamed(node))
        self._add_actions()
        state.combo.setPlaceholderText(f"Select a {self.nodeTypeLabel(next(iter(self.nodeTypes), ''))}")
        index = state.combo.findData(current, _NODE) if current else -1
        state.combo.setCurrentIndex(index if index >= 0 else self._default_index(bool(nodes)))
        blocker.unblock()
        self._announce()

    def _default_index(self, filled: bool) -> int:
        """None where it is offered. Else Qt selects the first item of a list that was empty; actions count as items."""
        if self.noneEnabled:
            return 0
        return 0 if filled and not self._action_names() else -1

    def _action_names(self) -> list[str]:
        if private(self).scene is None:
            return []
        label = self.nodeTypeLabel(self.nodeTypes[0]) if len(self.nodeTypes) == 1 else "node"
        names = [f"Rename current {label}"] * self.renameEnabled + [f"Edit current {label}"] * self.editEnabled
        names += [f"Create new {self.nodeTypeLabel(kind)}" for kind in self.nodeTypes] * self.addEnabled
        names += [f"Delete current {label}"] * self.removeEnabled
        return names + [action.text for action in private(self).menu_actions]

    def _add_actions(self) -> None:
        combo, names = private(self).combo, self._action_names()
        if names:
            combo.insertSeparator(combo.count)
        for name in names:
            combo.addItem(name)
            combo.setItemData(combo.count - 1, name, _ACTION)

    def _on_renamed(self, node: Any) -> None:
        combo = private(self).combo
        index = combo.findData(node.GetID(), _NODE)
        if index >= 0 and combo.itemText(index) != (node.GetName() or ""):
            combo.setItemText(index, node.GetName() or "")
            if index == combo.currentIndex:
                self.currentNodeRenamed.emit(node.GetName())

    # Selection

    def _announce(self) -> None:
        state = private(self)
        if _data(state.combo, _ACTION):
            return
        node = self.currentNode()
        if node is not state.announced:
            state.announced = node
            self.currentNodeChanged[object].emit(node)
            self.currentNodeChanged[bool].emit(node is not None)
            self.currentNodeIDChanged.emit(node.GetID() if node else "")

    def _activate(self, index: int) -> None:
        """An item was chosen by hand: a node, or an action that must not stay selected."""
        combo = private(self).combo
        action = combo.itemData(index, _ACTION)
        if not action:
            self.nodeActivated.emit(self.currentNode())
            return
        announced = private(self).announced
        combo.setCurrentIndex(combo.findData(announced.GetID(), _NODE) if announced else self._default_index(False))
        self._run_action(action)

    def _run_action(self, action: str) -> None:
        verb = action.split(maxsplit=1)[0]
        if verb == "Create":
            kinds = [kind for kind in self.nodeTypes if action.endswith(f" {self.nodeTypeLabel(kind)}")]
            self.addNode(kinds[0])
        elif verb in ("Delete", "Edit", "Rename"):
            {"Delete": self.removeCurrentNode, "Edit": self.editCurrentNode, "Rename": self.renameCurrentNode}[verb]()
        for menu_action in private(self).menu_actions:
            if menu_action.text == action:
                menu_action.trigger()

    def _set_id(self, node_id: str) -> None:
        state = private(self)
        if state.scene is None:
            state.wanted = node_id
            return
        index = state.combo.findData(node_id, _NODE) if node_id else -1
        state.combo.setCurrentIndex(index if index >= 0 else (0 if self.noneEnabled else -1))
        self._announce()

    currentNodeID = Computed("QString", lambda self: _data(private(self).combo, _NODE) or "", _set_id)
    currentNodeId = Computed("QString", lambda self: self.currentNodeID, _set_id)
    setCurrentNodeID = setter("currentNodeID")

    def currentNode(self) -> Any:
        scene = private(self).scene
        return scene.GetNodeByID(self.currentNodeID) if scene is not None and self.currentNodeID else None

    def setCurrentNode(self, node: Any) -> None:
        self._set_id(node if isinstance(node, str) else (node.GetID() or "") if node is not None else "")

    def setCurrentNodeIndex(self, index: int) -> None:
        nodes = self._nodes()
        self.setCurrentNode(nodes[index] if 0 <= index < len(nodes) else None)

    def nodeCount(self) -> int:
        return len(self._nodes())

    def nodeFromIndex(self, index: int) -> Any:
        nodes = self._nodes()
        return nodes[index] if 0 <= index < len(nodes) else None

    # Filters and names

    def addAttribute(self, kind: str, name: str, value: Any = None) -> None:
        private(self).attributes.setdefault(kind, {})[name] = value
        self._fill()

    def removeAttribute(self, kind: str, name: str) -> None:
        private(self).attributes.get(kind, {}).pop(name, None)
        self._fill()

    def setNodeTypeLabel(self, label: str, kind: str) -> None:
        private(self).labels[kind] = label
        self._fill()

    def nodeTypeLabel(self, kind: str) -> str:
        scene = private(self).scene
        own = private(self).labels.get(kind)
        return (
            own or (scene.GetTypeDisplayNameByClassName(kind) if scene is not None and kind else "") or kind or "node"
        )

    def addMenuAction(self, action: Any) -> None:
        private(self).menu_actions.append(action)
        self._fill()

    # Actions

    def addNode(self, kind: str = "") -> Any:
        kind = kind or self.nodeTypes[0]
        if kind not in self.nodeTypes:
            return None
        scene = private(self).scene
        name = scene.GenerateUniqueName(self.baseName or self.nodeTypeLabel(kind))
        node = slicer.mrmlScene.CreateNodeByClass(kind)
        node.UnRegister(None)
        node.SetName(name)
        for attribute, value in private(self).attributes.get(kind, {}).items():
            node.SetAttribute(attribute, value)
        scene.AddNode(node)
        if self.selectNodeUponCreation:
            self.setCurrentNode(node)
        self.nodeAddedByUser.emit(node)
        return node

    def removeCurrentNode(self) -> None:
        if self.currentNode() is not None:
            private(self).scene.RemoveNode(self.currentNode())

    def editCurrentNode(self) -> None:
        self.nodeAboutToBeEdited.emit(self.currentNode())

    def renameCurrentNode(self) -> None:
        node = self.currentNode()
        name, accepted = QInputDialog.getText(self, "Rename", "New name:", text=node.GetName())
        if accepted and name:
            node.SetName(name)
