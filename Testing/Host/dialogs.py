"""Dialogs: nobody is there to answer, so the host answers, or closes them and records a failure."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from . import failures

PATIENCE_MS = 8000
file_answers: list[Any] = []
"""What the next file dialogs return, first one first: a path, or a list of paths for getOpenFileNames."""


def file_dialog_functions() -> dict[str, Any]:
    """QFileDialog's static functions as PythonQt has them: a path and no filter; '' means cancelled."""
    return {
        "getOpenFileName": staticmethod(_answer),
        "getSaveFileName": staticmethod(_answer),
        "getExistingDirectory": staticmethod(_answer),
        "getOpenFileNames": staticmethod(lambda *_, **__: _answer() or []),
    }


def _answer(*arguments: Any, **named: Any) -> Any:
    if not file_answers:
        failures.record(f"a file dialog was opened and nobody answers it: {arguments[1:2]}")
        return ""
    return file_answers.pop(0)


class Guard:
    """Closes a modal dialog that has been open too long."""

    def __init__(self) -> None:
        self._waited: dict[int, int] = {}
        self._timer = QTimer()
        self._timer.timeout.connect(self._look)
        self._timer.start(250)

    def _look(self) -> None:
        dialog = QApplication.activeModalWidget()
        if dialog is None:
            self._waited.clear()
            return
        waited = self._waited[id(dialog)] = self._waited.get(id(dialog), 0) + 250
        if waited >= PATIENCE_MS:
            failures.record(f"a modal dialog waited for nobody: {dialog.windowTitle} {getattr(dialog, 'text', '')}")
            dialog.close()

    def stop(self) -> None:
        self._timer.stop()
