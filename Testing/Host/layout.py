"""`slicer.app.layoutManager()`: Slicer's real layout logic makes the view nodes, this file arranges their widgets."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import Any

import slicer
from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QBoxLayout, QHBoxLayout, QTabWidget, QVBoxLayout, QWidget

from .stand_in import Computed, private, setter, stand_in
from .stand_ins.qmrml_base import observations
from .views import qMRMLSliceWidget, qMRMLTableWidget, qMRMLThreeDWidget

_THREED = "vtkMRMLViewNode"
_SLICE = "vtkMRMLSliceNode"
_TABLE = "vtkMRMLTableViewNode"


@stand_in
class ctkLayoutManager(QObject):
    def viewport(self) -> Any:
        return private(self).viewport

    def setViewport(self, viewport: Any) -> None:
        private(self).viewport = viewport


@stand_in
class qMRMLLayoutManager(ctkLayoutManager):
    layoutChanged = Signal(int)

    def _start(self, application_logic: Any, scene: Any, viewport: QWidget) -> None:
        """Observe the layout node and show its arrangement."""
        state = private(self)
        state.application_logic, state.scene, state.viewport, state.widgets = application_logic, scene, viewport, {}
        QVBoxLayout(viewport).setContentsMargins(0, 0, 0, 0)
        state.logic = slicer.vtkMRMLLayoutLogic()
        state.logic.SetMRMLScene(scene)
        state.node = state.logic.GetLayoutNode()
        held = observations(viewport, "layout_observers")
        held.add(state.node, "ModifiedEvent", lambda *_: self._arrange())
        state.shown = ""
        state.node.SetViewArrangement(state.node.SlicerLayoutFourUpView)
        self._arrange()

    def _stop(self) -> None:
        """Let go of views, logics and observers before the scene goes."""
        state = private(self)
        observations(state.viewport, "layout_observers").clear()
        for widget in state.widgets.values():
            widget._release()
        state.logic.SetMRMLScene(None)

    # Arrangement

    def _arrange(self) -> None:
        state = private(self)
        description = state.node.GetCurrentLayoutDescription() or ""
        if description == state.shown or state.scene.IsClosing():
            return
        state.shown = description
        box = state.viewport.layout()
        for widget in state.widgets.values():
            widget.setParent(None)
        while box.count():
            old = box.takeAt(0).widget()
            if old is not None:
                old.deleteLater()
        if description:
            box.addWidget(self._build(ET.fromstring(description)))  # noqa: S314 - Slicer's own layout
        self.layoutChanged.emit(state.node.GetViewArrangement())

    def _build(self, element: ET.Element) -> QWidget:
        if element.tag == "view":
            widget = self._widget(element.get("class", ""), element.get("singletontag", ""))
            widget.show()
            return widget
        if element.get("type") == "tab":
            tabs = QTabWidget()
            for item in element.findall("item"):
                tabs.addTab(self._build(item[0]), item.get("name", ""))
            return tabs
        frame = QWidget()
        box: QBoxLayout = QHBoxLayout(frame) if element.get("type") == "horizontal" else QVBoxLayout(frame)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(2)
        for item in element.findall("item"):
            box.addWidget(self._build(item[0]), 1)
        return frame

    def _widget(self, class_name: str, tag: str) -> QWidget:
        state = private(self)
        if (class_name, tag) not in state.widgets:
            node = state.scene.GetSingletonNode(tag, class_name)
            makers = {_SLICE: self._slice, _THREED: self._threed, _TABLE: self._table}
            if class_name not in makers:
                return QWidget()  # of a chart, which the host does not draw
            state.widgets[class_name, tag] = makers[class_name](node)
        return state.widgets[class_name, tag]  # type: ignore[no-any-return]

    def _slice(self, node: Any) -> QWidget:
        logic = slicer.vtkMRMLSliceLogic()
        self._add_logic(logic, private(self).application_logic.GetSliceLogics())
        logic.SetSliceNode(node)
        widget = qMRMLSliceWidget()
        widget.setMRMLScene(private(self).scene)
        widget._attach(node, logic)
        return widget

    def _threed(self, node: Any) -> QWidget:
        logic = slicer.vtkMRMLViewLogic()
        logic.SetName(node.GetLayoutName())  # by which it finds its view node in the scene
        self._add_logic(logic, private(self).application_logic.GetViewLogics())
        widget = qMRMLThreeDWidget()
        widget.setMRMLScene(private(self).scene)
        widget._attach(node, logic)
        return widget

    def _table(self, node: Any) -> QWidget:
        widget = qMRMLTableWidget()
        widget.setMRMLScene(private(self).scene)
        widget._attach(node)
        return widget

    def _add_logic(self, logic: Any, collection: Any) -> None:
        logic.SetMRMLApplicationLogic(private(self).application_logic)
        logic.SetMRMLScene(private(self).scene)
        collection.AddItem(logic)

    # What modules ask for

    def mrmlScene(self) -> Any:
        return private(self).scene

    def layoutLogic(self) -> Any:
        return private(self).logic

    layout = Computed(
        "int",
        lambda self: private(self).node.GetViewArrangement(),
        lambda self, value: private(self).node.SetViewArrangement(value),
    )
    setLayout = setter("layout")

    def _of_class(self, class_name: str) -> list[Any]:
        return [widget for (kind, _), widget in private(self).widgets.items() if kind == class_name]

    def sliceViewNames(self) -> list[str]:
        return [tag for kind, tag in private(self).widgets if kind == _SLICE]

    def sliceWidget(self, name: str) -> Any:
        return private(self).widgets.get((_SLICE, name))

    def threeDWidget(self, which: int | str) -> Any:
        widgets = self._of_class(_THREED)
        if isinstance(which, str):
            return next((widget for widget in widgets if widget.mrmlViewNode().GetLayoutName() == which), None)
        return widgets[which] if which < len(widgets) else None

    def tableWidget(self, index: int) -> Any:
        widgets = self._of_class(_TABLE)
        return widgets[index] if index < len(widgets) else None

    def plotWidget(self, index: int) -> None:
        return None

    threeDViewCount = Computed("int", lambda self: len(self._of_class(_THREED)))
    tableViewCount = Computed("int", lambda self: len(self._of_class(_TABLE)))
    plotViewCount = Computed("int", lambda self: 0)

    def mrmlSliceLogics(self) -> Any:
        return private(self).application_logic.GetSliceLogics()

    def mrmlViewLogics(self) -> Any:
        return private(self).application_logic.GetViewLogics()

    def activeMRMLThreeDViewNode(self) -> Any:
        widget = self.threeDWidget(0)
        return widget.mrmlViewNode() if widget is not None else None

    def resetThreeDViews(self) -> None:
        for widget in self._of_class(_THREED):
            widget.threeDView().resetFocalPoint()
            widget.threeDView().resetCamera()

    def resetSliceViews(self) -> None:
        for widget in self._of_class(_SLICE):
            widget.fitSliceToBackground()

    def setRenderPaused(self, paused: bool) -> None:
        (self.pauseRender if paused else self.resumeRender)()

    def pauseRender(self) -> None:
        for widget in [*self._of_class(_SLICE), *self._of_class(_THREED)]:
            widget.pauseRender()

    def resumeRender(self) -> None:
        for widget in [*self._of_class(_SLICE), *self._of_class(_THREED)]:
            widget.resumeRender()


@stand_in
class qSlicerLayoutManager(qMRMLLayoutManager):
    selectModule = Signal(str)
