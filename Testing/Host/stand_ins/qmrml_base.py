"""qMRMLWidget and the scene that a widget holds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import slicer
import vtk
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from ..stand_in import private, stand_in

SCENE_EVENTS = (
    slicer.vtkMRMLScene.NodeAddedEvent,
    slicer.vtkMRMLScene.NodeRemovedEvent,
    slicer.vtkMRMLScene.EndCloseEvent,
    slicer.vtkMRMLScene.EndImportEvent,
    slicer.vtkMRMLScene.EndBatchProcessEvent,
)


class Observations:
    """VTK observers that one widget holds; dropped together, and with the widget."""

    def __init__(self) -> None:
        self._held: list[tuple[Any, int]] = []

    def add(self, subject: Any, event: int | str, callback: Callable[[Any, str], None]) -> None:
        self._held.append((subject, subject.AddObserver(event, callback)))

    def clear(self) -> None:
        for subject, tag in self._held:
            subject.RemoveObserver(tag)
        self._held = []


def observations(widget: QWidget, key: str) -> Observations:
    """The widget's observers of one subject (`scene`, `node`), made on first use."""
    state = private(widget).__dict__
    if key not in state:
        held = state[key] = Observations()
        widget.destroyed.connect(held.clear)
    return state[key]  # type: ignore[no-any-return]


def node_argument(callback: Callable[[Any], None]) -> Callable[[Any, str, Any], None]:
    """A VTK callback that gets the node that a scene event is about."""

    @vtk.calldata_type(vtk.VTK_OBJECT)  # type: ignore[untyped-decorator]
    def on_event(caller: Any, event: str, node: Any) -> None:
        callback(node)

    return on_event


@stand_in
class qMRMLWidget(QWidget):
    mrmlSceneChanged = Signal(object)

    def mrmlScene(self) -> Any:
        return getattr(private(self), "mrml_scene", None)

    def setMRMLScene(self, scene: Any) -> None:
        if scene is not self.mrmlScene():
            private(self).mrml_scene = scene
            self.mrmlSceneChanged.emit(scene)
