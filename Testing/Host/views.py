"""Slice and 3D views: Slicer's own displayable managers, drawn off screen, shown in Qt widgets."""

from __future__ import annotations

from typing import Any

import numpy as np
import slicer
import vtk
from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtWidgets import QHBoxLayout, QLabel, QToolButton, QVBoxLayout, QWidget
from vtk.util.numpy_support import vtk_to_numpy

from .stand_in import Computed, Stored, private, setter, stand_in
from .stand_ins.ctk_numbers import ctkSliderWidget
from .stand_ins.qmrml_base import observations, qMRMLWidget
from .stand_ins.tables import qMRMLTableView
from .watchdog import drawing

# As qMRMLSliceView, qMRMLThreeDView and the modules register them.
SLICE_MANAGERS = (
    "vtkMRMLVolumeGlyphSliceDisplayableManager",
    "vtkMRMLModelSliceDisplayableManager",
    "vtkMRMLCrosshairDisplayableManager",
    "vtkMRMLOrientationMarkerDisplayableManager",
    "vtkMRMLRulerDisplayableManager",
    "vtkMRMLScalarBarDisplayableManager",
    "vtkMRMLMarkupsDisplayableManager",
    "vtkMRMLTransformsDisplayableManager2D",
    "vtkMRMLSegmentationsDisplayableManager2D",
    "vtkMRMLColorLegendDisplayableManager",
)
THREED_MANAGERS = (
    "vtkMRMLCameraDisplayableManager",
    "vtkMRMLViewDisplayableManager",
    "vtkMRMLModelDisplayableManager",
    "vtkMRMLThreeDReformatDisplayableManager",
    "vtkMRMLCrosshairDisplayableManager3D",
    "vtkMRMLOrientationMarkerDisplayableManager",
    "vtkMRMLRulerDisplayableManager",
    "vtkMRMLMarkupsDisplayableManager",
    "vtkMRMLSegmentationsDisplayableManager3D",
    "vtkMRMLVolumeRenderingDisplayableManager",
    "vtkMRMLColorLegendDisplayableManager",
)


@stand_in
class ctkVTKAbstractView(QWidget):
    """A render window whose last picture the widget paints."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        state = private(self)
        state.window, state.renderer, state.image = vtk.vtkRenderWindow(), vtk.vtkRenderer(), None
        state.window.SetOffScreenRendering(1)
        state.window.SetMultiSamples(0)
        state.window.AddRenderer(state.renderer)
        state.interactor = vtk.vtkGenericRenderWindowInteractor()
        state.interactor.SetRenderWindow(state.window)
        state.timer = QTimer(self)
        state.timer.setSingleShot(True)
        state.timer.timeout.connect(self.forceRender)
        state.paused = 0
        self.setMinimumSize(80, 80)

    def renderWindow(self) -> Any:
        return private(self).window

    def interactor(self) -> Any:
        return private(self).interactor

    def interactorStyle(self) -> Any:
        return private(self).interactor.GetInteractorStyle()

    def cornerAnnotation(self) -> Any:
        state = private(self)
        if not hasattr(state, "annotation"):
            state.annotation = vtk.vtkCornerAnnotation()
            self._overlay_renderer().AddViewProp(state.annotation)
        return state.annotation

    def _overlay_renderer(self) -> Any:
        return private(self).renderer

    def scheduleRender(self) -> None:
        if self.renderEnabled and not private(self).paused and not private(self).timer.active:
            private(self).timer.start(0)

    def forceRender(self) -> None:
        state = private(self)
        state.timer.stop()
        if not self.renderEnabled or state.window is None:
            return
        with drawing():
            self._draw(state)

    def _draw(self, state: Any) -> None:
        ratio = self.devicePixelRatioF()
        width, height = max(1, round(self.width * ratio)), max(1, round(self.height * ratio))
        if tuple(state.window.GetSize()) != (width, height):
            state.window.SetSize(width, height)
            self._sized(width, height)
        state.window.Render()
        state.image = _picture(state.window)
        state.image.setDevicePixelRatio(ratio)
        self.update()

    def _sized(self, width: int, height: int) -> None:
        """The picture has a new size in pixels."""

    def pauseRender(self) -> None:
        private(self).paused += 1

    def resumeRender(self) -> None:
        private(self).paused = max(0, private(self).paused - 1)
        self.scheduleRender()

    def setRenderPaused(self, paused: bool) -> None:
        (self.pauseRender if paused else self.resumeRender)()

    renderEnabled = Stored("bool", True)
    setRenderEnabled = setter("renderEnabled")

    def _set_text(self, text: str) -> None:
        self.cornerAnnotation().SetText(2, text)

    cornerAnnotationText = Computed("QString", lambda self: self.cornerAnnotation().GetText(2) or "", _set_text)
    setCornerAnnotationText = setter("cornerAnnotationText")

    def _set_background(self, color: QColor) -> None:
        private(self).renderer.SetBackground(color.redF(), color.greenF(), color.blueF())
        self.scheduleRender()

    backgroundColor = Computed(
        "QColor", lambda self: QColor.fromRgbF(*private(self).renderer.GetBackground()), _set_background
    )
    setBackgroundColor = setter("backgroundColor")

    def resizeEvent(self, event: object) -> None:
        self.scheduleRender()

    def showEvent(self, event: object) -> None:
        self.scheduleRender()

    def paintEvent(self, event: object) -> None:
        painter = QPainter(self)
        image = private(self).image
        if image is None:
            painter.fillRect(self.rect, Qt.GlobalColor.black)
        else:
            painter.drawImage(self.rect, image)
        painter.end()


def _picture(window: Any) -> QImage:
    """What a render window shows, as an image that owns its pixels."""
    grab = vtk.vtkWindowToImageFilter()
    grab.SetInput(window)
    grab.ReadFrontBufferOff()
    grab.ShouldRerenderOff()
    grab.Update()
    data = grab.GetOutput()
    width, height, _ = data.GetDimensions()
    pixels = vtk_to_numpy(data.GetPointData().GetScalars()).reshape(height, width, 3)
    pixels = np.ascontiguousarray(pixels[::-1])
    return QImage(pixels.data, width, height, 3 * width, QImage.Format.Format_RGB888).copy()


@stand_in
class ctkVTKSliceView(ctkVTKAbstractView):
    """Two layers: the blended volumes by an image mapper (in Slicer CTK's light box), overlays by Slicer's managers."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        state = private(self)
        state.window.SetNumberOfLayers(2)
        state.overlay, state.mapper, state.actor = vtk.vtkRenderer(), vtk.vtkImageMapper(), vtk.vtkActor2D()
        state.overlay.SetLayer(1)
        state.overlay.GetActiveCamera().ParallelProjectionOn()
        state.window.AddRenderer(state.overlay)
        state.mapper.SetColorWindow(255)
        state.mapper.SetColorLevel(127.5)
        state.actor.SetMapper(state.mapper)
        state.renderer.AddViewProp(state.actor)

    def _overlay_renderer(self) -> Any:
        return private(self).overlay

    def setImageDataConnection(self, connection: Any) -> None:
        state = private(self)
        state.mapper.SetInputConnection(connection)
        state.actor.SetVisibility(connection is not None)
        self.scheduleRender()


@stand_in
class qMRMLSliceView(ctkVTKSliceView):
    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        state = private(self)
        state.node = None
        factory = slicer.vtkMRMLSliceViewDisplayableManagerFactory.GetInstance()
        state.managers = _managers(factory, SLICE_MANAGERS, state.overlay, self)

    def mrmlSliceNode(self) -> Any:
        return private(self).node

    def setMRMLSliceNode(self, node: Any) -> None:
        private(self).node = node
        private(self).managers.SetMRMLDisplayableNode(node)

    def _sized(self, width: int, height: int) -> None:
        state = private(self)
        if state.node is not None:
            state.logic.ResizeSliceNode(width, height)

    def displayableManagerByClassName(self, name: str) -> Any:
        return private(self).managers.GetDisplayableManagerByClassName(name)

    def getDisplayableManagers(self, collection: Any) -> None:
        _collect(private(self).managers, collection)

    def convertRASToXYZ(self, ras: list[float]) -> list[float]:
        matrix = vtk.vtkMatrix4x4()
        vtk.vtkMatrix4x4.Invert(private(self).node.GetXYToRAS(), matrix)
        return list(matrix.MultiplyPoint([*ras, 1.0])[:3])

    def convertXYZToRAS(self, xyz: list[float]) -> list[float]:
        return list(private(self).node.GetXYToRAS().MultiplyPoint([*xyz, 1.0])[:3])


def _managers(factory: Any, names: tuple[str, ...], renderer: Any, view: ctkVTKAbstractView) -> Any:
    for name in names:
        if not factory.IsDisplayableManagerRegistered(name):
            factory.RegisterDisplayableManager(name)
    group = factory.InstantiateDisplayableManagers(renderer)
    group.UnRegister(None)
    group.AddObserver("UpdateEvent", lambda *_: view.scheduleRender())
    return group


def _collect(group: Any, collection: Any) -> None:
    for index in range(group.GetDisplayableManagerCount()):
        collection.AddItem(group.GetNthDisplayableManager(index))


@stand_in
class ctkVTKRenderView(ctkVTKAbstractView):
    def resetFocalPoint(self) -> None:
        """Look at the middle of what is shown."""
        bounds = private(self).renderer.ComputeVisiblePropBounds()
        if vtk.vtkMath.AreBoundsInitialized(bounds):
            center = [(bounds[2 * axis] + bounds[2 * axis + 1]) / 2 for axis in range(3)]
            private(self).renderer.GetActiveCamera().SetFocalPoint(*center)
            private(self).renderer.ResetCamera(bounds)
        self.scheduleRender()

    def zoomIn(self) -> None:
        private(self).renderer.GetActiveCamera().Dolly(1 + self.zoomFactor)

    def zoomOut(self) -> None:
        private(self).renderer.GetActiveCamera().Dolly(1 - self.zoomFactor)

    zoomFactor = Stored("double", 0.05)


@stand_in
class qMRMLThreeDView(ctkVTKRenderView):
    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        state = private(self)
        state.node = None
        factory = slicer.vtkMRMLThreeDViewDisplayableManagerFactory.GetInstance()
        state.managers = _managers(factory, THREED_MANAGERS, state.renderer, self)

    def mrmlViewNode(self) -> Any:
        return private(self).node

    def setMRMLViewNode(self, node: Any) -> None:
        state = private(self)
        state.node = node
        state.managers.SetMRMLDisplayableNode(node)
        held = observations(self, "node_observers")
        held.clear()
        if node is not None:
            held.add(node, "ModifiedEvent", lambda *_: self._color())
            self._color()

    def resetFocalPoint(self) -> None:
        """Without the box and its labels, whose place the displayable manager then finds anew."""
        node = private(self).node
        shown = node.GetBoxVisible(), node.GetAxisLabelsVisible()
        with slicer.util.NodeModify(node):
            node.SetBoxVisible(False)
            node.SetAxisLabelsVisible(False)
        super().resetFocalPoint()
        with slicer.util.NodeModify(node):
            node.SetBoxVisible(shown[0])
            node.SetAxisLabelsVisible(shown[1])
        node.InvokeEvent(slicer.vtkMRMLViewNode.ResetFocalPointRequestedEvent)
        private(self).renderer.ResetCameraClippingRange()

    def _color(self) -> None:
        state = private(self)
        state.renderer.SetGradientBackground(True)
        state.renderer.SetBackground(*state.node.GetBackgroundColor())
        state.renderer.SetBackground2(*state.node.GetBackgroundColor2())
        self.scheduleRender()

    def cameraNode(self) -> Any:
        return slicer.modules.cameras.logic().GetViewActiveCameraNode(private(self).node)

    def resetCamera(self, rotation: bool = True, translation: bool = True, distance: bool = True) -> None:
        self.cameraNode().Reset(rotation, translation, distance, private(self).renderer)

    def rotateToViewAxis(self, axis: int) -> None:
        self.cameraNode().RotateTo(axis)

    def displayableManagerByClassName(self, name: str) -> Any:
        return private(self).managers.GetDisplayableManagerByClassName(name)

    def getDisplayableManagers(self, collection: Any) -> None:
        _collect(private(self).managers, collection)


@stand_in
class qMRMLViewControllerBar(qMRMLWidget):
    """The coloured bar above a view."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        state = private(self)
        state.label = QLabel(self)
        state.label.setAlignment(Qt.AlignmentFlag.AlignCenter)
        state.label.setFixedWidth(22)
        state.layout = QHBoxLayout(self)
        state.layout.setContentsMargins(0, 0, 0, 0)
        state.layout.setSpacing(2)
        state.layout.addWidget(state.label)
        self.setFixedHeight(22)

    def _show_name(self, label: str, color: QColor) -> None:
        private(self).label.setText(label)
        private(self).label.setStyleSheet(f"background: {color.name()}; color: black; font-weight: bold")

    def barLayout(self) -> Any:
        return private(self).layout

    def barWidget(self) -> Any:
        return self


@stand_in
class qMRMLSliceControllerWidget(qMRMLViewControllerBar):
    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        state = private(self)
        state.logic, state.slider = None, ctkSliderWidget(self)
        state.slider.suffix = "mm"
        state.slider.connect("valueChanged(double)", self.setSliceOffsetValue)
        state.layout.addWidget(state.slider, 1)

    def sliceLogic(self) -> Any:
        return private(self).logic

    def setSliceLogic(self, logic: Any) -> None:
        private(self).logic = logic
        held = observations(self, "logic_observers")
        held.clear()
        held.add(logic, "ModifiedEvent", lambda *_: self._show_offset())
        held.add(logic.GetSliceNode(), "ModifiedEvent", lambda *_: self._show_offset())

    def _show_offset(self) -> None:
        state = private(self)
        limits, resolution = [0.0, 0.0], vtk.mutable(0.0)
        if not state.logic.GetSliceOffsetRangeResolution(limits, resolution):
            return
        state.slider.blockSignals(True)
        state.slider.minimum, state.slider.maximum = limits
        state.slider.value = state.logic.GetSliceOffset()
        state.slider.blockSignals(False)

    def setSliceOffsetValue(self, offset: float) -> None:
        private(self).logic.SetSliceOffset(offset)

    def mrmlSliceNode(self) -> Any:
        return private(self).logic.GetSliceNode()

    def mrmlSliceCompositeNode(self) -> Any:
        return private(self).logic.GetSliceCompositeNode()

    def fitSliceToBackground(self) -> None:
        private(self).logic.FitSliceToBackground()

    def setSliceVisible(self, visible: bool) -> None:
        self.mrmlSliceNode().SetSliceVisible(visible)

    def setSliceLink(self, linked: bool) -> None:
        self.mrmlSliceCompositeNode().SetLinkedControl(linked)

    def sliceOffsetSlider(self) -> Any:
        return private(self).slider

    def fitToWindowToolButton(self) -> Any:
        state = private(self)
        if not hasattr(state, "fit"):
            state.fit = QToolButton(self)
            state.fit.connect("clicked()", self.fitSliceToBackground)
        return state.fit


@stand_in
class qMRMLThreeDViewControllerWidget(qMRMLViewControllerBar):
    def setThreeDView(self, view: Any) -> None:
        private(self).view = view

    def resetFocalPoint(self) -> None:
        private(self).view.resetFocalPoint()

    def mrmlThreeDViewNode(self) -> Any:
        return private(self).view.mrmlViewNode()

    def set3DAxisVisible(self, visible: bool) -> None:
        self.mrmlThreeDViewNode().SetBoxVisible(visible)

    def set3DAxisLabelVisible(self, visible: bool) -> None:
        self.mrmlThreeDViewNode().SetAxisLabelsVisible(visible)


@stand_in
class qMRMLAbstractViewWidget(qMRMLWidget):
    """A bar above a view."""

    def _arrange(self, bar: QWidget, view: QWidget) -> None:
        state = private(self)
        state.bar, state.view = bar, view
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(bar)
        layout.addWidget(view, 1)

    def _release(self) -> None:
        """Let go of observers, displayable managers and the render window."""
        state = private(self)
        for part in (self, state.bar, state.view):
            for key in ("node_observers", "logic_observers"):
                observations(part, key).clear()
        view = private(state.view)
        view.managers.SetMRMLDisplayableNode(None)
        view.window.Finalize()
        view.window = None

    def controllerWidget(self) -> Any:
        return private(self).bar

    def viewWidget(self) -> Any:
        return private(self).view

    def mrmlAbstractViewNode(self) -> Any:
        return private(self).node

    def logic(self) -> Any:
        return private(self).logic

    def pauseRender(self) -> None:
        private(self).view.pauseRender()

    def resumeRender(self) -> None:
        private(self).view.resumeRender()


@stand_in
class qMRMLSliceWidget(qMRMLAbstractViewWidget):
    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._arrange(qMRMLSliceControllerWidget(self), qMRMLSliceView(self))

    def _attach(self, node: Any, logic: Any) -> None:
        """What qMRMLSliceWidget and its controller do when the layout manager gives them a node."""
        state = private(self)
        state.node, state.logic = node, logic
        private(state.view).logic = logic
        state.bar.setSliceLogic(logic)
        red, green, blue = node.GetLayoutColor()
        state.bar._show_name(node.GetLayoutLabel() or "", QColor.fromRgbF(red, green, blue))
        state.view.setMRMLSliceNode(node)
        state.view.setImageDataConnection(logic.GetImageDataConnection())
        held = observations(self, "logic_observers")
        held.add(logic, "ModifiedEvent", lambda *_: self._show())

    def _show(self) -> None:
        private(self).view.setImageDataConnection(private(self).logic.GetImageDataConnection())

    def sliceController(self) -> Any:
        return private(self).bar

    def sliceView(self) -> Any:
        return private(self).view

    def sliceLogic(self) -> Any:
        return private(self).logic

    def mrmlSliceNode(self) -> Any:
        return private(self).node

    def mrmlSliceCompositeNode(self) -> Any:
        return private(self).logic.GetSliceCompositeNode()

    def interactorStyle(self) -> Any:
        return private(self).view.interactorStyle()

    def imageDataConnection(self) -> Any:
        return private(self).logic.GetImageDataConnection()

    def fitSliceToBackground(self) -> None:
        private(self).logic.FitSliceToBackground()

    def _set_orientation(self, orientation: str) -> None:
        private(self).node.SetOrientation(orientation)

    sliceOrientation = Computed("QString", lambda self: private(self).node.GetOrientation(), _set_orientation)
    setSliceOrientation = setter("sliceOrientation")
    sliceViewName = Computed("QString", lambda self: private(self).node.GetLayoutName())
    sliceViewLabel = Computed("QString", lambda self: private(self).node.GetLayoutLabel())
    sliceViewColor = Computed("QColor", lambda self: QColor.fromRgbF(*private(self).node.GetLayoutColor()))


@stand_in
class qMRMLThreeDWidget(qMRMLAbstractViewWidget):
    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        bar, view = qMRMLThreeDViewControllerWidget(self), qMRMLThreeDView(self)
        bar.setThreeDView(view)
        self._arrange(bar, view)

    def _attach(self, node: Any, logic: Any) -> None:
        state = private(self)
        state.node, state.logic = node, logic
        state.bar._show_name(node.GetLayoutLabel() or "", QColor(116, 126, 191))
        state.view.setMRMLViewNode(node)

    def threeDController(self) -> Any:
        return private(self).bar

    def threeDView(self) -> Any:
        return private(self).view

    def mrmlViewNode(self) -> Any:
        return private(self).node

    def viewLogic(self) -> Any:
        return private(self).logic


@stand_in
class qMRMLTableWidget(qMRMLAbstractViewWidget):
    """The table view of a layout; shows the table that its view node names."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._arrange(qMRMLViewControllerBar(self), qMRMLTableView(self))

    def _attach(self, node: Any) -> None:
        state = private(self)
        state.node = node
        held = observations(self, "node_observers")
        held.add(node, "ModifiedEvent", lambda *_: state.view.setMRMLTableNode(node.GetTableNode()))
        state.view.setMRMLTableNode(node.GetTableNode())

    def _release(self) -> None:
        observations(self, "node_observers").clear()
        private(self).view.setMRMLTableNode(None)

    def tableView(self) -> Any:
        return private(self).view

    def mrmlTableViewNode(self) -> Any:
        return private(self).node
