"""Widgets of Slicer's Segmentations module."""

from __future__ import annotations

from typing import Any

import slicer
from PySide6.QtCore import QItemSelection, Qt, Signal
from PySide6.QtGui import QBrush, QColor
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QTableView,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from ..stand_in import Computed, Stored, private, setter, stand_in
from .ctk_widgets import ctkMenuButton
from .node_selector import qMRMLNodeComboBox
from .qmrml_base import observations, qMRMLWidget

_SEGMENT = Qt.ItemDataRole.UserRole
_VISIBILITY, _COLOR, _OPACITY, _NAME, _STATUS, _LAYER = range(6)


def _segment_ids(node: Any) -> list[str]:
    segmentation = node.GetSegmentation() if node is not None else None
    count = segmentation.GetNumberOfSegments() if segmentation is not None else 0
    return [segmentation.GetNthSegmentID(index) for index in range(count)]


def _observe_segmentation(widget: QWidget, node: Any, callback: Any) -> None:
    """Call back when segments come, go or change, or their display does."""
    held = observations(widget, "segmentation_observers")
    held.clear()
    if node is None:
        return
    segmentation = slicer.vtkSegmentation
    for event in (segmentation.SegmentAdded, segmentation.SegmentRemoved, segmentation.SegmentModified):
        held.add(node, event, lambda *_: callback())
    held.add(node, slicer.vtkMRMLDisplayableNode.DisplayModifiedEvent, lambda *_: callback())


@stand_in
class qMRMLSegmentsTableView(qMRMLWidget):
    selectionChanged = Signal(QItemSelection, QItemSelection)
    segmentAboutToBeModified = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        state = private(self)
        state.node, state.table = None, QTableWidget(0, 6, self)
        state.table.setHorizontalHeaderLabels(["", "", "Opacity", "Name", "Status", "Layer"])
        state.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        state.table.horizontalHeader().setSectionResizeMode(_NAME, QHeaderView.ResizeMode.Stretch)
        state.table.verticalHeader().hide()
        for column, width in ((_VISIBILITY, 24), (_COLOR, 24), (_OPACITY, 60)):
            state.table.setColumnWidth(column, width)
        for column in (_STATUS, _LAYER):
            state.table.setColumnHidden(column, True)
        state.table.selectionModel().selectionChanged.connect(self._on_selection)
        state.table.itemChanged.connect(self._on_edited)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(state.table)

    def segmentationNode(self) -> Any:
        return private(self).node

    def setSegmentationNode(self, node: Any) -> None:
        private(self).node = node
        _observe_segmentation(self, node, self._fill)
        self._fill()

    def _fill(self) -> None:
        state = private(self)
        chosen = self.selectedSegmentIDs()
        hidden = state.stored.get("hidden", [])
        state.table.blockSignals(True)
        ids = [segment_id for segment_id in _segment_ids(state.node) if segment_id not in hidden]
        ids = [
            i for i in ids if self.textFilter.lower() in state.node.GetSegmentation().GetSegment(i).GetName().lower()
        ]
        state.table.setRowCount(len(ids))
        for row, segment_id in enumerate(ids):
            self._fill_row(row, segment_id)
        state.table.blockSignals(False)
        self.setSelectedSegmentIDs([segment_id for segment_id in chosen if segment_id in ids])

    def _fill_row(self, row: int, segment_id: str) -> None:
        state = private(self)
        segment = state.node.GetSegmentation().GetSegment(segment_id)
        display = state.node.GetDisplayNode()
        shown = display is None or display.GetSegmentVisibility(segment_id)
        opacity = display.GetSegmentOpacity3D(segment_id) if display is not None else 1.0
        texts = ["\u25c9" if shown else "\u25cb", "", f"{opacity:.2f}", segment.GetName(), "", ""]
        for column, text in enumerate(texts):
            item = QTableWidgetItem(text)
            item.setData(_SEGMENT, segment_id)
            if column != _NAME or self.readOnly:
                item.setFlags(item.flags() & ~Qt.ItemFlag.ItemIsEditable)
            state.table.setItem(row, column, item)
        state.table.item(row, _COLOR).setBackground(QBrush(QColor.fromRgbF(*segment.GetColor())))

    def _on_edited(self, item: QTableWidgetItem) -> None:
        if item.column() == _NAME:
            segment_id = item.data(_SEGMENT)
            self.segmentAboutToBeModified.emit(segment_id)
            private(self).node.GetSegmentation().GetSegment(segment_id).SetName(item.text())

    def _on_selection(self, selected: QItemSelection, deselected: QItemSelection) -> None:
        self.selectionChanged.emit(selected, deselected)

    def selectedSegmentIDs(self) -> list[str]:
        table = private(self).table
        rows = sorted(index.row() for index in table.selectionModel().selectedRows(_NAME))
        return [table.item(row, _NAME).data(_SEGMENT) for row in rows if table.item(row, _NAME)]

    def setSelectedSegmentIDs(self, segment_ids: list[str]) -> None:
        table = private(self).table
        if segment_ids == self.selectedSegmentIDs():
            return
        mode = table.selectionMode
        table.selectionMode = QAbstractItemView.SelectionMode.MultiSelection
        table.clearSelection()
        for segment_id in segment_ids:
            table.selectRow(self.rowForSegmentID(segment_id))
        table.selectionMode = mode

    def clearSelection(self) -> None:
        private(self).table.clearSelection()

    def displayedSegmentIDs(self) -> list[str]:
        return [self.segmentIDForRow(row) for row in range(private(self).table.rowCount)]

    def rowForSegmentID(self, segment_id: str) -> int:
        shown = self.displayedSegmentIDs()
        return shown.index(segment_id) if segment_id in shown else -1

    def segmentIDForRow(self, row: int) -> str:
        item = private(self).table.item(row, _NAME)
        return item.data(_SEGMENT) if item else ""

    def tableWidget(self) -> QTableView:
        return private(self).table  # type: ignore[no-any-return]

    def setHideSegments(self, segment_ids: list[str]) -> None:
        private(self).stored["hidden"] = list(segment_ids)
        self._fill()

    def hideSegments(self) -> list[str]:
        return list(private(self).stored.get("hidden", []))

    def showOnlySelectedSegments(self) -> None:
        chosen, display = self.selectedSegmentIDs(), private(self).node.GetDisplayNode()
        for segment_id in _segment_ids(private(self).node):
            display.SetSegmentVisibility(segment_id, segment_id in chosen)

    def jumpSlices(self) -> None:
        chosen = self.selectedSegmentIDs()
        if chosen:
            center = private(self).node.GetSegmentCenterRAS(chosen[0])
            slicer.vtkMRMLSliceNode.JumpAllSlices(slicer.mrmlScene, *center)

    def _columns(self) -> None:
        table = private(self).table
        for column, name in (
            (_VISIBILITY, "visibility"),
            (_COLOR, "color"),
            (_OPACITY, "opacity"),
            (_STATUS, "status"),
        ):
            table.setColumnHidden(column, not getattr(self, f"{name}ColumnVisible"))
        table.horizontalHeader().setVisible(self.headerVisible)

    def _set_mode(self, mode: int) -> None:
        private(self).table.setSelectionMode(QAbstractItemView.SelectionMode(mode))

    selectionMode = Computed("int", lambda self: private(self).table.selectionMode.value, _set_mode)
    headerVisible = Stored("bool", True, after="_columns")
    visibilityColumnVisible = Stored("bool", True, after="_columns")
    colorColumnVisible = Stored("bool", True, after="_columns")
    opacityColumnVisible = Stored("bool", True, after="_columns")
    statusColumnVisible = Stored("bool", False, after="_columns")
    readOnly = Stored("bool", False, after="_fill")
    filterBarVisible = Stored("bool", False)
    textFilter = Stored("QString", "", after="_fill")
    jumpToSelectedSegmentEnabled = Stored("bool", False)
    segmentCount = Computed("int", lambda self: len(_segment_ids(private(self).node)))
    setSelectionMode = setter("selectionMode")
    setHeaderVisible = setter("headerVisible")
    setVisibilityColumnVisible = setter("visibilityColumnVisible")
    setColorColumnVisible = setter("colorColumnVisible")
    setOpacityColumnVisible = setter("opacityColumnVisible")
    setStatusColumnVisible = setter("statusColumnVisible")
    setReadOnly = setter("readOnly")
    setFilterBarVisible = setter("filterBarVisible")
    setTextFilter = setter("textFilter")
    setJumpToSelectedSegmentEnabled = setter("jumpToSelectedSegmentEnabled")


@stand_in
class qMRMLSegmentSelectorWidget(qMRMLWidget):
    currentNodeChanged = Signal((object,), (bool,))
    currentSegmentChanged = Signal(str)
    segmentSelectionChanged = Signal(list)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        state = private(self)
        state.nodes, state.segments = qMRMLNodeComboBox(self), qMRMLSegmentsTableView(self)
        state.nodes.nodeTypes = ["vtkMRMLSegmentationNode"]
        state.nodes.addEnabled = state.nodes.removeEnabled = False
        self.mrmlSceneChanged.connect(state.nodes.setMRMLScene)
        state.nodes.connect("currentNodeChanged(vtkMRMLNode*)", self._on_node)
        state.segments.connect("selectionChanged(QItemSelection,QItemSelection)", self._on_segment)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(state.nodes)
        layout.addWidget(state.segments)

    def _on_node(self, node: Any) -> None:
        private(self).segments.setSegmentationNode(node)
        self.currentNodeChanged[object].emit(node)
        self.currentNodeChanged[bool].emit(node is not None)

    def _on_segment(self) -> None:
        self.currentSegmentChanged.emit(self.currentSegmentID())
        self.segmentSelectionChanged.emit(self.selectedSegmentIDs())

    def currentNode(self) -> Any:
        return private(self).nodes.currentNode()

    def currentNodeID(self) -> str:
        return private(self).nodes.currentNodeID  # type: ignore[no-any-return]

    def setCurrentNode(self, node: Any) -> None:
        private(self).nodes.setCurrentNode(node)

    def setCurrentNodeID(self, node_id: str) -> None:
        private(self).nodes.setCurrentNodeID(node_id)

    def currentSegmentID(self) -> str:
        return next(iter(self.selectedSegmentIDs()), "")

    def setCurrentSegmentID(self, segment_id: str) -> None:
        private(self).segments.setSelectedSegmentIDs([segment_id])

    def selectedSegmentIDs(self) -> list[str]:
        return private(self).segments.selectedSegmentIDs()  # type: ignore[no-any-return]

    def setSelectedSegmentIDs(self, segment_ids: list[str]) -> None:
        private(self).segments.setSelectedSegmentIDs(segment_ids)

    def segmentIDs(self) -> list[str]:
        return _segment_ids(self.currentNode())

    def _show_selector(self) -> None:
        private(self).nodes.setVisible(self.segmentationNodeSelectorVisible)

    def _offer_none(self) -> None:
        private(self).nodes.noneEnabled = self.noneEnabled

    noneEnabled = Stored("bool", False, after="_offer_none")
    editEnabled = Stored("bool", False)
    multiSelection = Stored("bool", False)
    horizontalLayout = Stored("bool", False)
    selectNodeUponCreation = Stored("bool", True)
    segmentationNodeSelectorVisible = Stored("bool", True, after="_show_selector")


@stand_in
class qMRMLSegmentationShow3DButton(ctkMenuButton):
    """Makes the closed surfaces and shows them, as the real button does; without its smoothing menu."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.text = "Show 3D"
        self.setCheckable(True)
        self.toggled.connect(self._show)

    def _show(self, visible: bool) -> None:
        node = self.segmentationNode()
        if node is None:
            return
        if visible and not node.CreateClosedSurfaceRepresentation():
            return
        node.CreateDefaultDisplayNodes()
        node.GetDisplayNode().SetVisibility3D(visible)
        if not visible:
            node.RemoveClosedSurfaceRepresentation()

    def segmentationNode(self) -> Any:
        return getattr(private(self), "node", None)

    def setSegmentationNode(self, node: Any) -> None:
        private(self).node = node
        self.blockSignals(True)
        self.checked = node is not None and node.GetSegmentation().ContainsRepresentation("Closed surface")
        self.blockSignals(False)

    locked = Stored("bool", False)
    setLocked = setter("locked")


@stand_in
class qMRMLSegmentEditorWidget(qMRMLWidget):
    """A shell: the selectors, the segment table and the parameter node of the editor, and no effects."""

    currentSegmentIDChanged = Signal(str)
    sourceVolumeNodeChanged = Signal(object)
    segmentationNodeChanged = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        state = private(self)
        state.editor_node, state.table = None, qMRMLSegmentsTableView(self)
        state.table.connect("selectionChanged(QItemSelection,QItemSelection)", self._on_selected)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(state.table)

    def mrmlSegmentEditorNode(self) -> Any:
        return private(self).editor_node

    def setMRMLSegmentEditorNode(self, node: Any) -> None:
        private(self).editor_node = node
        self.updateWidgetFromMRML()

    def updateWidgetFromMRML(self) -> None:
        private(self).table.setSegmentationNode(self.segmentationNode())

    def _require_node(self) -> Any:
        node = private(self).editor_node
        if node is None:
            raise RuntimeError("Slicer ignores this call before setMRMLSegmentEditorNode")
        return node

    def segmentationNode(self) -> Any:
        node = private(self).editor_node
        return node.GetSegmentationNode() if node is not None else None

    def setSegmentationNode(self, segmentation: Any) -> None:
        self._require_node().SetAndObserveSegmentationNode(segmentation)
        self.updateWidgetFromMRML()
        self.segmentationNodeChanged.emit(segmentation)

    def sourceVolumeNode(self) -> Any:
        node = private(self).editor_node
        return node.GetSourceVolumeNode() if node is not None else None

    def setSourceVolumeNode(self, volume: Any) -> None:
        self._require_node().SetAndObserveSourceVolumeNode(volume)
        self.sourceVolumeNodeChanged.emit(volume)

    def _on_selected(self) -> None:
        chosen = next(iter(private(self).table.selectedSegmentIDs()), "")
        self._require_node().SetSelectedSegmentID(chosen)
        self.currentSegmentIDChanged.emit(chosen)

    def currentSegmentID(self) -> str:
        node = private(self).editor_node
        return (node.GetSelectedSegmentID() or "") if node is not None else ""

    def setCurrentSegmentID(self, segment_id: str) -> None:
        private(self).table.setSelectedSegmentIDs([segment_id])

    def activeEffect(self) -> None:
        return None

    def effectByName(self, name: str) -> None:
        return None

    def availableEffectNames(self) -> list[str]:
        return []

    def setActiveEffectByName(self, name: str) -> None:
        """The host has no effects; Slicer, too, only takes a name that is there."""

    def setEffectNameOrder(self, names: list[str]) -> None:
        private(self).stored["effects"] = list(names)

    def effectNameOrder(self) -> list[str]:
        return list(private(self).stored.get("effects", []))

    def saveStateForUndo(self) -> None:
        """Undo needs effects."""

    def setupViewObservations(self) -> None:
        """Mouse and keys of the views reach no effect here."""

    def removeViewObservations(self) -> None:
        """See `setupViewObservations`."""

    def installKeyboardShortcuts(self, parent: QWidget | None = None) -> None:
        """Shortcuts select effects."""

    def uninstallKeyboardShortcuts(self) -> None:
        """See `installKeyboardShortcuts`."""

    readOnly = Stored("bool", False)
    undoEnabled = Stored("bool", True)
    maximumNumberOfUndoStates = Stored("int", 0)
    segmentationNodeSelectorVisible = Stored("bool", True)
    sourceVolumeNodeSelectorVisible = Stored("bool", True)
    switchToSegmentationsButtonVisible = Stored("bool", True)
    maskingSectionVisible = Stored("bool", True)
    show3DButtonVisible = Stored("bool", True)
    addRemoveSegmentButtonsVisible = Stored("bool", True)
    specifyGeometryButtonVisible = Stored("bool", True)
    autoShowSourceVolumeNode = Stored("bool", True)
    unorderedEffectsVisible = Stored("bool", True)
    jumpToSelectedSegmentEnabled = Stored("bool", False)
    setSegmentationNodeSelectorVisible = setter("segmentationNodeSelectorVisible")
    setSourceVolumeNodeSelectorVisible = setter("sourceVolumeNodeSelectorVisible")
    setSwitchToSegmentationsButtonVisible = setter("switchToSegmentationsButtonVisible")
    setMaximumNumberOfUndoStates = setter("maximumNumberOfUndoStates")
    setReadOnly = setter("readOnly")
