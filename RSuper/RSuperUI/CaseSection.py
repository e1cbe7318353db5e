"""Section "Case" of the panel: which CT, and where its organs are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from RSuperUI.Readiness import Readiness
from RSuperUI.State import State


class CaseSection:
    """Selectors of the CT and of the part masks.

    Args:
        ui: the widgets of the .ui file.
        onCt, onParts: called with the node that was chosen, or None.
    """

    def __init__(self, ui: Any, onCt: Callable[[Any], None], onParts: Callable[[Any], None]) -> None:
        self._ui = ui
        ui.ctSelector.connect("currentNodeChanged(vtkMRMLNode*)", onCt)
        ui.partsSelector.connect("currentNodeChanged(vtkMRMLNode*)", onParts)

    def show(self, state: State, readiness: Readiness, isBusy: bool) -> None:
        """Show the nodes of the case; they cannot be changed during a run."""
        self._ui.ctSelector.setCurrentNode(state.ct)
        self._ui.partsSelector.setCurrentNode(state.parts)
        self._ui.ctSelector.enabled = not isBusy
        self._ui.partsSelector.enabled = not isBusy
        hint = readiness.partsHint()
        self._ui.partsHintLabel.text = hint
        self._ui.partsHintLabel.visible = bool(hint)
