"""qMRMLTableView and its neighbours: a table node on the screen."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtGui import QStandardItem, QStandardItemModel
from PySide6.QtWidgets import QTableView

from ..stand_in import Stored, private, setter, stand_in
from .ctk_numbers import ctkDoubleSpinBox, ctkSliderWidget
from .ctk_widgets import ctkCollapsibleButton
from .qmrml_base import observations


@stand_in
class qMRMLTableView(QTableView):
    mrmlSceneChanged = Signal(object)
    # Hides a C++ virtual method of the same name; Slicer's Python sees the signal, too.
    selectionChanged = Signal()

    def mrmlScene(self) -> Any:
        return getattr(private(self), "scene", None)

    def setMRMLScene(self, scene: Any) -> None:
        private(self).scene = scene
        self.mrmlSceneChanged.emit(scene)

    def mrmlTableNode(self) -> Any:
        return getattr(private(self), "node", None)

    def setMRMLTableNode(self, node: Any) -> None:
        private(self).node = node
        held = observations(self, "node_observers")
        held.clear()
        if node is not None:
            held.add(node, "ModifiedEvent", lambda *_: self._fill())
        self._fill()

    def _fill(self) -> None:
        node = self.mrmlTableNode()
        model = QStandardItemModel(self)
        if node is not None:
            rows, columns = range(node.GetNumberOfRows()), range(node.GetNumberOfColumns())
            model.setHorizontalHeaderLabels([node.GetColumnName(column) for column in columns])
            for row in rows:
                model.appendRow([QStandardItem(node.GetCellText(row, column)) for column in columns])
        self.setModel(model)

    transposed = Stored("bool", False)
    firstRowLocked = Stored("bool", False)
    firstColumnLocked = Stored("bool", False)
    setTransposed = setter("transposed")
    setFirstRowLocked = setter("firstRowLocked")
    setFirstColumnLocked = setter("firstColumnLocked")


class _HoldsScene:
    def mrmlScene(self) -> Any:
        return getattr(private(self), "scene", None)

    def setMRMLScene(self, scene: Any) -> None:
        private(self).scene = scene


@stand_in
class qMRMLSliderWidget(ctkSliderWidget):
    quantity = Stored("QString", "")
    setQuantity = setter("quantity")
    mrmlScene = _HoldsScene.mrmlScene
    setMRMLScene = _HoldsScene.setMRMLScene


@stand_in
class qMRMLSpinBox(ctkDoubleSpinBox):
    quantity = Stored("QString", "")
    setQuantity = setter("quantity")
    mrmlScene = _HoldsScene.mrmlScene
    setMRMLScene = _HoldsScene.setMRMLScene


@stand_in
class qMRMLCollapsibleButton(ctkCollapsibleButton):
    mrmlSceneChanged = Signal(object)

    def setMRMLScene(self, scene: Any) -> None:
        self.mrmlSceneChanged.emit(scene)
