"""The modules `qt` and `ctk` of Slicer's Python, and the qMRML and qSlicer classes in `slicer`."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import slicer
from PySide6 import QtCore, QtGui, QtNetwork, QtWidgets

from .dialogs import file_dialog_functions
from .stand_in import registry
from .ui_loader import QUiLoader

# Of PySide, not of PythonQt.
_NOT_IN_PYTHONQT = {"Signal", "Slot", "Property", "SignalInstance", "ClassInfo", "QEnum", "QFlag", "Qt_Signal"}


def install(stand_ins: ModuleType) -> None:
    """Put `qt` and `ctk` into sys.modules and the qMRML and qSlicer classes into `slicer`.

    `stand_ins` is the package whose import has registered the classes.
    """
    qt = sys.modules["qt"] = ModuleType("qt")
    for module in (QtCore, QtGui, QtWidgets, QtNetwork):
        for name in dir(module):
            if not name.startswith("_") and name not in _NOT_IN_PYTHONQT:
                setattr(qt, name, getattr(module, name))
    qt.QUiLoader = QUiLoader  # type: ignore[attr-defined]
    for name, function in file_dialog_functions().items():
        setattr(QtWidgets.QFileDialog, name, function)
    ctk = sys.modules["ctk"] = ModuleType("ctk")
    ctk.__getattr__ = _missing("ctk")  # type: ignore[method-assign]
    qt.__getattr__ = _missing("qt")  # type: ignore[method-assign]
    for name, class_ in registry.items():
        setattr(ctk if name.startswith("ctk") else slicer, name, class_)


def _missing(module: str) -> Any:
    def attribute(name: str) -> Any:
        raise AttributeError(f"{module}.{name} is not among what the host provides (Testing/Host/members.csv)")

    return attribute
