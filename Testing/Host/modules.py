"""Modules as Slicer's factory makes them: logics of loadable modules, and scripted modules with their life cycle."""

from __future__ import annotations

import importlib.util
import sys
import traceback
from pathlib import Path
from typing import Any

import slicer
from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from . import failures
from .stand_in import Computed, Stored, private, stand_in


@stand_in
class qSlicerAbstractCoreModule(QObject):
    title = Stored("QString", "")
    categories = Stored("QStringList", [])
    contributors = Stored("QStringList", [])
    helpText = Stored("QString", "")
    acknowledgementText = Stored("QString", "")
    dependencies = Stored("QStringList", [])
    associatedNodeTypes = Stored("QStringList", [])
    hidden = Stored("bool", False)
    index = Stored("int", -1)
    path = Computed("QString", lambda self: str(private(self).path))
    isInstalled = Computed("bool", lambda self: True)
    isBuiltIn = Computed("bool", lambda self: False)
    widgetRepresentationCreationEnabled = Stored("bool", True)
    defaultDocumentationLink = Computed("QString", lambda self: "")

    def logic(self) -> Any:
        return getattr(private(self), "logic", None)


@stand_in
class qSlicerAbstractModule(qSlicerAbstractCoreModule):
    icon = Stored("QIcon", None)
    logo = Stored("QImage", None)

    def widgetRepresentation(self) -> Any:
        return None


@stand_in
class qSlicerLoadableModule(qSlicerAbstractModule):
    """A module written in C++; the host has its logic and no panel."""


@stand_in
class qSlicerScriptedLoadableModule(qSlicerAbstractModule):
    extensions = Stored("QVariantMap", {})

    def _load(self, path: Path) -> None:
        """Import the script, as qSlicerScriptedLoadableModule::setPythonSource does, and make the module class."""
        state = private(self)
        state.path, state.widget = path, None
        self.name = path.stem
        self.title = path.stem
        if str(path.parent) not in sys.path:
            sys.path.insert(0, str(path.parent))
        script = _import(path)
        state.instance = getattr(script, path.stem)(self)
        setattr(slicer.modules, f"{path.stem}Instance", state.instance)
        self.widgetRepresentationCreationEnabled = hasattr(script, f"{path.stem}Widget")

    def _setup(self) -> None:
        call(private(self).instance, "setup")

    def widgetRepresentation(self) -> Any:
        state = private(self)
        if state.widget is None and self.widgetRepresentationCreationEnabled:
            state.widget = self.createNewWidgetRepresentation()
        return state.widget

    def createNewWidgetRepresentation(self) -> Any:
        widget = qSlicerScriptedLoadableModuleWidget()
        private(widget).module = self
        widget.setMRMLScene(slicer.mrmlScene)
        widget._make(private(self).path)
        widget._setup()
        return widget


def call(instance: Any, method: str) -> None:
    """Call a method that a module may have. Slicer prints what it raises and goes on; here it is a failure as well."""
    function = getattr(instance, method, None)
    if function is None:
        return
    try:
        function()
    except Exception:  # noqa: BLE001 - any error of the module under test
        failures.record(f"{type(instance).__name__}.{method} raised:\n{traceback.format_exc()}")


def _import(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is no Python file")
    script = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = script
    spec.loader.exec_module(script)
    return script


@stand_in
class qSlicerWidget(QWidget):
    mrmlSceneChanged = Signal(object)

    def setMRMLScene(self, scene: Any) -> None:
        if scene is not getattr(private(self), "scene", None):
            private(self).scene = scene
            self.mrmlSceneChanged.emit(scene)


@stand_in
class qSlicerAbstractModuleWidget(qSlicerWidget):
    isEntered = Computed("bool", lambda self: getattr(private(self), "entered", False))

    def module(self) -> Any:
        return private(self).module

    def enter(self) -> None:
        private(self).entered = True

    def exit(self) -> None:
        private(self).entered = False


@stand_in
class qSlicerScriptedLoadableModuleWidget(qSlicerAbstractModuleWidget):
    """The `parent` of a module's widget class."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        QVBoxLayout(self)

    def _make(self, path: Path) -> None:
        name = f"{path.stem}Widget"
        private(self).source = path
        private(self).instance = getattr(sys.modules[path.stem], name)(self)
        setattr(slicer.modules, name, private(self).instance)

    def _setup(self) -> None:
        call(private(self).instance, "setup")

    moduleName = Computed("QString", lambda self: private(self).source.stem)

    def self(self) -> Any:
        return private(self).instance

    def enter(self) -> None:
        super().enter()
        call(private(self).instance, "enter")

    def exit(self) -> None:
        super().exit()
        call(private(self).instance, "exit")

    def reload(self) -> None:
        """Called by slicer.util.reloadScriptedModule after the script was imported again."""
        self._make(private(self).source)
        self._setup()


@stand_in
class qSlicerModuleFactoryManager(QObject):
    moduleLoaded = Signal(str)

    def loadedModuleNames(self) -> list[str]:
        return list(private(self).loaded)

    def isLoaded(self, name: str) -> bool:
        return name in private(self).loaded

    def isRegistered(self, name: str) -> bool:
        return name in private(self).loaded


@stand_in
class qSlicerModuleManager(QObject):
    moduleLoaded = Signal(str)
    moduleAboutToBeUnloaded = Signal(str)

    def factoryManager(self) -> Any:
        return self._factory()

    def _factory(self) -> Any:
        state = private(self)
        if not hasattr(state, "factory"):
            state.factory, state.loaded, state.current = qSlicerModuleFactoryManager(self), {}, None
            private(state.factory).loaded = state.loaded
        return state.factory

    def modulesNames(self) -> list[str]:
        return self._factory().loadedModuleNames()  # type: ignore[no-any-return]

    def module(self, name: str) -> Any:
        self._factory()
        return private(self).loaded.get(name)

    def _add_loadable(self, name: str, logic: Any) -> None:
        module = qSlicerLoadableModule(self)
        module.name = name
        module.title = name
        private(module).logic, private(module).path = logic, Path(f"qt-loadable-modules/{name}")
        self._publish(module)

    def _add_scripted(self, path: Path) -> Any:
        module = qSlicerScriptedLoadableModule(self)
        module._load(path.resolve())
        self._publish(module)
        module._setup()
        return module

    def _publish(self, module: Any) -> None:
        self._factory()
        private(self).loaded[module.name] = module
        setattr(slicer.modules, module.name.lower(), module)
        setattr(slicer.moduleNames, module.name, module.name)
        self.moduleLoaded.emit(module.name)
        private(self).factory.moduleLoaded.emit(module.name)

    def _enter(self, name: str) -> Any:
        """Show a module's panel: the one before is left, this one is made if need be and entered."""
        state, widget = private(self), private(self).loaded[name].widgetRepresentation()
        if state.current is not None and state.current is not widget:
            state.current.exit()
        if widget is not None and state.current is not widget:
            widget.enter()
        state.current = widget
        return widget

    def _unload_all(self) -> None:
        """As at Slicer's exit: leave the panel, announce each module, which runs its cleanup."""
        state = private(self)
        if state.current is not None:
            state.current.exit()
            state.current = None
        for name in reversed(list(state.loaded)):
            self.moduleAboutToBeUnloaded.emit(name)
            private(state.loaded[name]).widget = None
        state.loaded.clear()
