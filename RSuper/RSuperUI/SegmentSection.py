"""Section "Segment" of the panel: Apply, which is Cancel while it works, and what it is doing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from slicer.i18n import tr as _

from RSuperUI.State import State


@dataclass(frozen=True)
class Progress:
    """How far a run is; `secondsLeft` is None while that is a guess."""

    stage: str
    fraction: float
    secondsLeft: float | None
    isCancelling: bool = False


class SegmentSection:
    """Where the lesions go, the button, the progress bar and the status line.

    Args:
        ui: the widgets of the .ui file.
        onApply: called when the button is pressed, to start or to cancel.
        onTarget: called with the segmentation to add the lesions to, or None for a new one.
    """

    def __init__(self, ui: Any, onApply: Callable[[], None], onTarget: Callable[[Any], None]) -> None:
        self._ui = ui
        ui.applyButton.connect("clicked()", onApply)
        ui.targetSelector.connect("currentNodeChanged(vtkMRMLNode*)", onTarget)

    def showIdle(self, state: State, obstacle: str, notice: str) -> None:
        """Show that nothing runs.

        Args:
            state: the case.
            obstacle: why Apply is disabled; empty if it is not.
            notice: how the last run ended, if there is something to say.
        """
        self._ui.targetSelector.setCurrentNode(state.target)
        self._ui.targetSelector.enabled = True
        self._ui.progressBar.visible = False
        self._ui.applyButton.text = _("Apply")
        self._ui.applyButton.enabled = not obstacle
        self._ui.applyButton.toolTip = obstacle or _("Mark the lesions of the report in the CT.")
        self._ui.statusLabel.text = "\n".join(filter(None, [notice, obstacle])) or _("Ready.")

    def showProgress(self, progress: Progress) -> None:
        """Show that a run is going on."""
        self._ui.targetSelector.enabled = False
        self._ui.progressBar.visible = True
        self._ui.progressBar.value = round(100 * progress.fraction)
        self._ui.applyButton.text = _("Cancelling …") if progress.isCancelling else _("Cancel")
        self._ui.applyButton.enabled = not progress.isCancelling
        self._ui.applyButton.toolTip = _("Stop. Nothing in the scene changes.")
        self._ui.statusLabel.text = _stageText(progress)


def _stageText(progress: Progress) -> str:
    stage = progress.stage[:1].upper() + progress.stage[1:]
    if progress.secondsLeft is None:
        return f"{stage} …"
    if progress.secondsLeft < 90:
        return _("{stage}, about {seconds} s left").format(stage=stage, seconds=max(1, round(progress.secondsLeft)))
    return _("{stage}, about {minutes} min left").format(stage=stage, minutes=round(progress.secondsLeft / 60))
