"""Section "Export" of the panel: lesions as files."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from RSuperUI.SegmentationExporter import SegmentationExporter
from RSuperUI.State import State


class ExportSection:
    """The export button, and where the files went.

    Args:
        ui: the widgets of the .ui file.
        onExport: called with the folder that the user picked.
    """

    def __init__(self, ui: Any, onExport: Callable[[str], None]) -> None:
        self._ui = ui
        self._onExport = onExport
        self._folder = ""
        self._exporter: SegmentationExporter | None = None
        ui.exportButton.connect("clicked()", self._onButton)

    def show(self, state: State, notice: str) -> None:
        """Offer the lesions of the last run; `notice` says how the last export ended."""
        canExport = state.lesions is not None and state.ct is not None
        self._exporter = SegmentationExporter(state.lesions, state.ct) if canExport else None
        self._folder = state.exportFolder
        self._ui.exportButton.enabled = canExport
        self._ui.exportButton.toolTip = (
            _("Write {names} to a folder.").format(names=", ".join(self._exporter.fileNames))
            if self._exporter
            else _("Press Apply first.")
        )
        self._ui.exportLabel.text = notice
        self._ui.exportLabel.visible = bool(notice)

    def _onButton(self) -> None:
        folder = qt.QFileDialog.getExistingDirectory(
            slicer.util.mainWindow(), _("Export lesions to a folder"), self._folder
        )
        if folder and self._exporter is not None and self._mayReplace(self._exporter.existing(folder)):
            self._onExport(folder)

    def _mayReplace(self, names: list[str]) -> bool:
        if not names:
            return True
        question = _("These files are there already: {names}. Replace them?").format(names=", ".join(names))
        answer: bool = slicer.util.confirmOkCancelDisplay(question, _("Export lesions"))
        return answer
