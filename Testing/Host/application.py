"""`slicer.app`: the qSlicerApplication of the host."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import slicer
from PySide6.QtCore import QObject, QProcessEnvironment, QSettings, Signal
from PySide6.QtWidgets import QApplication

from . import settings as host_settings
from .io_manager import qSlicerCoreIOManager
from .layout import qSlicerLayoutManager
from .modules import qSlicerModuleManager
from .scene import SceneAndLogics
from .stand_in import Computed, Stored, private, stand_in

_VERSION = (5, 12, 4)


@stand_in
class qSlicerCommandOptions(QObject):
    noMainWindow = Stored("bool", False)
    testingEnabled = Stored("bool", False)
    runPythonAndExit = Stored("bool", False)


@stand_in
class qSlicerCoreApplication(QApplication):
    mrmlSceneChanged = Signal(object)

    def _start(self, folder: Path, testing: bool) -> None:
        state = private(self)
        state.folder, state.testing = folder, testing
        state.settings = host_settings.use_folder(folder / "settings")
        state.mrml = SceneAndLogics(folder / "home", folder / "temporary")
        state.io, state.modules = qSlicerCoreIOManager(self), qSlicerModuleManager(self)
        (folder / "temporary").mkdir(exist_ok=True)

    def mrmlScene(self) -> Any:
        return private(self).mrml.scene

    def applicationLogic(self) -> Any:
        return private(self).mrml.application_logic

    def moduleLogic(self, name: str) -> Any:
        return private(self).mrml.application_logic.GetModuleLogic(name)

    def coreIOManager(self) -> Any:
        return private(self).io

    def moduleManager(self) -> Any:
        return private(self).modules

    def settings(self) -> QSettings:
        return private(self).settings  # type: ignore[no-any-return]

    def userSettings(self) -> QSettings:
        return private(self).settings  # type: ignore[no-any-return]

    def revisionUserSettings(self) -> QSettings:
        return private(self).settings  # type: ignore[no-any-return]

    def testingEnabled(self) -> bool:
        return private(self).testing  # type: ignore[no-any-return]

    def startupEnvironment(self) -> QProcessEnvironment:
        return QProcessEnvironment.systemEnvironment()

    def environment(self) -> QProcessEnvironment:
        return QProcessEnvironment.systemEnvironment()

    def setEnvironmentVariable(self, name: str, value: str) -> None:
        os.environ[name] = value

    def moduleDocumentationUrl(self, name: str) -> str:
        return f"{self.documentationBaseUrl}user_guide/modules/{name.lower()}.html"

    def toSlicerHomeAbsolutePath(self, path: str) -> str:
        return str(Path(self.slicerHome) / path)

    def logUsageEvent(self, component: str, event: str) -> None:
        """The host keeps no usage log."""

    def restart(self) -> None:
        raise RuntimeError("the module asked Slicer to restart")

    slicerHome = Computed("QString", lambda self: str(private(self).folder / "home"))
    temporaryPath = Computed("QString", lambda self: str(private(self).folder / "temporary"))
    cachePath = Computed("QString", lambda self: str(private(self).folder / "temporary"))
    defaultScenePath = Computed("QString", lambda self: str(private(self).folder / "temporary"))
    extensionsInstallPath = Computed("QString", lambda self: str(private(self).folder / "extensions"))
    slicerUserSettingsFilePath = Computed("QString", lambda self: private(self).settings.fileName())
    slicerRevisionUserSettingsFilePath = Computed("QString", lambda self: private(self).settings.fileName())
    documentationBaseUrl = Computed("QString", lambda self: "https://slicer.readthedocs.io/en/5.12/")
    majorVersion = Computed("int", lambda self: _VERSION[0])
    minorVersion = Computed("int", lambda self: _VERSION[1])
    revision = Computed("QString", lambda self: "host")
    repositoryRevision = Computed("QString", lambda self: "host")
    isInstalled = Computed("bool", lambda self: True)
    platform = Computed("QString", lambda self: f"{self.os}-{self.arch}")
    arch = Computed("QString", lambda self: "amd64")
    os = Computed("QString", lambda self: "linux")
    applicationLocaleName = Computed("QString", lambda self: "en-US")


@stand_in
class qSlicerApplication(qSlicerCoreApplication):
    startupCompleted = Signal()
    renderPaused = Signal(bool)

    def layoutManager(self) -> Any:
        return private(self).layout_manager

    def _lay_out(self, viewport: Any) -> None:
        manager = private(self).layout_manager = qSlicerLayoutManager(self)
        manager._start(self.applicationLogic(), self.mrmlScene(), viewport)

    def _stop(self) -> None:
        state = private(self)
        state.modules._unload_all()
        state.layout_manager._stop()
        state.mrml.close()

    def ioManager(self) -> Any:
        return private(self).io

    def commandOptions(self) -> Any:
        state = private(self)
        if not hasattr(state, "options"):
            state.options = qSlicerCommandOptions(self)
            private(state.options).stored["testingEnabled"] = state.testing
        return state.options

    def pythonConsole(self) -> None:
        return None

    def setRenderPaused(self, paused: bool) -> None:
        (self.pauseRender if paused else self.resumeRender)()

    def pauseRender(self) -> None:
        self.layoutManager().pauseRender()
        self.renderPaused.emit(True)

    def resumeRender(self) -> None:
        self.layoutManager().resumeRender()
        self.renderPaused.emit(False)

    def openNodeModule(self, node: Any, role: str = "", context: str = "") -> None:
        raise RuntimeError(f"the host has no module to edit {node.GetName()}")


def install_in_slicer(app: qSlicerApplication) -> None:
    """`slicer.app` and `slicer.mrmlScene`."""
    slicer.app = app
    slicer.mrmlScene = app.mrmlScene()
