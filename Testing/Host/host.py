"""The host: starts a stand-in for the Slicer application, opens scripted modules, tests and photographs them."""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from . import environment


@dataclass
class TestResult:
    """What one module's self-test gave."""

    module: str
    passed: bool
    seconds: float
    longest_block_ms: float
    failures: list[str] = field(default_factory=list)


class Host:
    """One Slicer application for this process; use as a context manager. Qt and VTK are imported on entering."""

    def __init__(
        self,
        *,
        size: tuple[int, int] = (1280, 800),
        style: str = "dark",
        scale: float = 1.0,
        testing: bool = True,
        slicer_python: str | Path | None = None,
    ) -> None:
        self._size, self._style, self._scale, self._testing = size, style, scale, testing
        self._slicer_python = slicer_python
        self._undo: list[Callable[[], None]] = []

    def __enter__(self) -> Host:
        environment.prepare(self._scale)
        reason = environment.missing()
        if reason:
            raise RuntimeError(reason)
        self._start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def _start(self) -> None:
        from PySide6.QtCore import QCoreApplication, QSize

        if QCoreApplication.instance() is not None:
            raise RuntimeError("this process has had its Qt application; start the host in another one")

        from . import pythonqt

        pythonqt.install()
        from . import (
            appearance,
            application,
            dialogs,
            failures,
            io_manager,
            messages,
            qt_module,
            stand_ins,
            subject_hierarchy,
        )
        from .main_window import qSlicerMainWindow

        failures.clear()
        messages.quiet()
        self._undo.append(failures.watch())
        folder, remove = io_manager.temporary_folder()
        self._undo.append(remove)
        self._undo.append(environment.add_python_slicer(folder / "bin"))
        self._install_slicer_modules()
        qt_module.install(stand_ins)
        self.app = application.qSlicerApplication(["Slicer"])
        appearance.apply(self._style)
        self.app._start(folder, self._testing)
        application.install_in_slicer(self.app)
        for name, logic in self.app._d.mrml.module_logics.items():
            self.app.moduleManager()._add_loadable(name, logic)
        self.window = qSlicerMainWindow(QSize(*self._size))
        self.window.moduleSelector().moduleSelected.connect(self._show_selected)
        self.app._lay_out(self.window._views())
        subject_hierarchy.follow(self.app.mrmlScene())
        self.window.show()
        guard = dialogs.Guard()
        self._undo.append(guard.stop)
        self.settle()

    def _install_slicer_modules(self) -> None:
        """The parts of Slicer's `slicer` package that slicer-core leaves out."""
        import slicer

        from . import i18n, packaging, scripted

        slicer.modules, slicer.moduleNames = ModuleType("slicer.modules"), ModuleType("slicer.moduleNames")
        slicer.i18n, slicer.packaging, slicer.ScriptedLoadableModule = i18n, packaging, scripted
        for name in ("modules", "moduleNames", "i18n", "packaging", "ScriptedLoadableModule"):
            sys.modules[f"slicer.{name}"] = getattr(slicer, name)
        if self._slicer_python is not None:
            slicer.__path__.append(str(Path(self._slicer_python).resolve()))
        for alias in ("vtkITK", "vtkSegmentationCore"):
            sys.modules.setdefault(alias, getattr(slicer, alias))
            sys.modules.setdefault(f"{alias}Python", getattr(slicer, alias))

    # What a test or the command line does

    def load(self, path: str | Path) -> Any:
        """Load a scripted module from its .py file, as Slicer does at start."""
        return self.app.moduleManager()._add_scripted(Path(path))

    def startup_completed(self) -> None:
        """Emit startupCompleted(), after all modules are loaded."""
        self.app.startupCompleted.emit()

    def open(self, name: str) -> Any:
        """Show a module's panel; returns its Python widget. Leaves the panel shown before."""
        self.window.moduleSelector().selectModule(name)
        widget = self.app.moduleManager().module(name).widgetRepresentation()
        if widget is None:
            raise RuntimeError(f"{name} has no panel")
        self.settle()
        return widget.self()

    def _show_selected(self, name: str) -> None:
        widget = self.app.moduleManager()._enter(name)
        self.window._show_module(self.app.moduleManager().module(name).title, widget)

    def settle(self, milliseconds: int = 0) -> None:
        """Let the event loop run until nothing is due, for at least the given time."""
        deadline = time.monotonic() + milliseconds / 1000
        while True:
            self.app.processEvents()
            if time.monotonic() >= deadline:
                break
        self.app.sendPostedEvents()
        self.app.processEvents()

    def wait_until(self, condition: Callable[[], bool], seconds: float = 10) -> bool:
        """Run the event loop until the condition holds; whether it did in time."""
        deadline = time.monotonic() + seconds
        while not condition() and time.monotonic() < deadline:
            self.app.processEvents()
            time.sleep(0.001)
        return condition()

    def run_test(self, name: str) -> TestResult:
        """Run a module's self-test; what went wrong in slots, timers and observers fails it too."""
        import slicer

        from . import failures
        from .watchdog import Watchdog

        failures.clear()
        watchdog, started = Watchdog(), time.perf_counter()
        watchdog.start()
        errors: list[str] = []
        try:
            slicer.selfTests[name](msec=0)
            self.settle()
        except Exception:  # noqa: BLE001 - whatever the module under test raises is its result
            errors.append(traceback.format_exc())
        block = watchdog.stop()
        errors += failures.recorded()
        return TestResult(name, not errors, time.perf_counter() - started, block, errors)

    def render(self) -> None:
        """Draw all views now."""
        import slicer

        self.settle()
        slicer.util.forceRenderAllViews()
        self.settle()

    def screenshot(self, path: str | Path) -> Path:
        """Save the whole window, views and all, as PNG."""
        self.render()
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        if not self.window.grab().save(str(path), "PNG"):
            raise OSError(f"could not write {path}")
        return path

    def view_pixels(self, name: str) -> Any:
        """The pixels of a slice view (`Red`, `Green`, `Yellow`) or of the 3D view (`1`): height x width x 3, uint8."""
        import numpy as np

        manager = self.app.layoutManager()
        widget = manager.sliceWidget(name) or manager.threeDWidget(name)
        self.render()
        image = widget.viewWidget()._d.image
        buffer = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
        return buffer[:, : 3 * image.width()].reshape(image.height(), image.width(), 3).copy()

    def stop(self) -> None:
        """Leave and clean up every module, close the scene and remove the temporary folder."""
        if hasattr(self, "app"):
            self.window._show_module("", None)
            self.app._stop()
            self.window.close()
            self.settle()
        while self._undo:
            self._undo.pop()()
