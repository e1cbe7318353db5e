"""Plugins of the subject hierarchy, which is a tree widget that the host does not have."""

from __future__ import annotations

from PySide6.QtCore import QObject

from ..stand_in import Stored, private, stand_in


@stand_in
class qSlicerSubjectHierarchyAbstractPlugin(QObject):
    name = Stored("QString", "")
    helpText = Stored("QString", "")


@stand_in
class qSlicerSubjectHierarchyScriptedPlugin(qSlicerSubjectHierarchyAbstractPlugin):
    """Takes a script and never runs it: what it would add are menu items of the tree."""

    def pythonSource(self) -> str:
        return getattr(private(self), "source", "")

    def setPythonSource(self, path: str) -> bool:
        private(self).source = path
        return True
