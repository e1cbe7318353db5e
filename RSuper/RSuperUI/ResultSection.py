"""Section "Result" of the panel: how report and mask agree, and the segments."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from slicer.i18n import tr as _

from RSuperUI.FindingRow import FindingRow
from RSuperUI.State import State


class ResultSection:
    """Summary, Slicer's segments table and its 3D button.

    Args:
        ui: the widgets of the .ui file.
    """

    def __init__(self, ui: Any) -> None:
        self._ui = ui

    def show(self, state: State, rows: Sequence[FindingRow]) -> None:
        """Show the result of the last run, if there is one."""
        hasResult = bool(state.agreement)
        self._ui.agreementLabel.text = _summary(rows, state.warnings) if hasResult else _("No result yet.")
        self._ui.segmentsTable.setSegmentationNode(state.lesions)
        self._ui.show3DButton.setSegmentationNode(state.lesions)
        self._ui.segmentsTable.visible = state.lesions is not None
        self._ui.show3DButton.visible = state.lesions is not None


def _summary(rows: Sequence[FindingRow], warnings: Sequence[str]) -> str:
    counts = Counter(row.state for row in rows if row.state)
    sentences = {
        "agrees": _("{count} agree"),
        "differs": _("{count} differ"),
        "missing": _("{count} missing in mask"),
        "extra": _("{count} extra in mask"),
        "cannot tell": _("{count} that one cannot tell"),
    }
    states = [sentences[state].format(count=count) for state, count in counts.most_common()]
    found = _("Report and mask: {states}.").format(states=", ".join(states)) if states else ""
    isEmpty = not any(row.lesions for row in rows)
    caution = [_("No lesion was marked. That does not mean that there is none.")] if isEmpty else []
    return "\n".join([*filter(None, [found]), *caution, *warnings])
