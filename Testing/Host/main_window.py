"""Slicer's main window in outline: the module panel on the left, the views on the right, a status bar."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QDockWidget, QFrame, QLabel, QMainWindow, QScrollArea, QToolBar, QVBoxLayout, QWidget

from .stand_in import Computed, private, stand_in

PANEL_WIDTH = 500


@stand_in
class qSlicerModuleSelectorToolBar(QToolBar):
    """Selects modules for scripts; the host's panel title stands where Slicer shows its module list."""

    moduleSelected = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.objectName = "ModuleSelectorToolBar"
        self.hide()

    def selectModule(self, name: str) -> None:
        private(self).selected = name
        self.moduleSelected.emit(name)

    selectedModule = Computed("QString", lambda self: getattr(private(self), "selected", ""))


@stand_in
class qSlicerMainWindow(QMainWindow):
    initialWindowShown = Signal()

    def __init__(self, size: QSize) -> None:
        super().__init__()
        self.objectName = "qSlicerMainWindow"
        self.windowTitle = "3D Slicer 5.12 (host)"
        state = private(self)
        state.title, state.scroll, state.views = QLabel(), QScrollArea(), QWidget()
        state.selector = qSlicerModuleSelectorToolBar(self)
        state.title.setContentsMargins(6, 4, 6, 4)
        state.scroll.setWidgetResizable(True)
        state.scroll.setFrameShape(QFrame.Shape.NoFrame)
        state.scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._add_panel()
        self._add_menus()
        self.setCentralWidget(state.views)
        self.statusBar()
        self.resize(size)

    def _add_menus(self) -> None:
        for title in ("File", "Edit", "View", "Help"):
            self.menuBar().addMenu(title).setObjectName(f"{title}Menu")

    def _add_panel(self) -> None:
        state, panel = private(self), QWidget()
        box = QVBoxLayout(panel)
        box.setContentsMargins(0, 0, 0, 0)
        box.addWidget(state.title)
        box.addWidget(state.scroll, 1)
        dock = QDockWidget(self)
        dock.objectName = "PanelDockWidget"
        dock.setTitleBarWidget(QWidget(dock))
        dock.setWidget(panel)
        dock.setFixedWidth(PANEL_WIDTH)
        self.addDockWidget(Qt.DockWidgetArea.LeftDockWidgetArea, dock)

    def _show_module(self, title: str, widget: Any) -> None:
        state = private(self)
        state.title.setText(f"Modules:  <b>{title}</b>")
        old = state.scroll.takeWidget()
        if old is not None:
            old.setParent(None)
        if widget is not None:
            state.scroll.setWidget(widget)
            widget.show()

    def _views(self) -> QWidget:
        return private(self).views  # type: ignore[no-any-return]

    def pythonConsole(self) -> None:
        return None

    def errorLogDockWidget(self) -> None:
        return None

    def moduleSelector(self) -> Any:
        return private(self).selector
