"""What stands between the user and Apply."""

from __future__ import annotations

from slicer.i18n import tr as _

from RSuperUI.CtSource import CtSource
from RSuperUI.Finding import Finding
from RSuperUI.FindingRow import organName
from RSuperUI.PartsSource import PartsSource
from RSuperUI.Reading import Reading
from RSuperUI.State import State


class Readiness:
    """Looks at a case, in the order in which one fills the panel in.

    Args:
        state: the case.
        missingPackages: Python packages that are not installed.
    """

    def __init__(self, state: State, missingPackages: list[str]) -> None:
        self._state = state
        self._missingPackages = missingPackages
        self._reading = Reading.fromJson(state.reading)

    def obstacle(self) -> str:
        """Why Apply is disabled and what to do, in plain sentences; empty if nothing is in the way."""
        if self._missingPackages:
            return _("Install the Python packages first: see the top of the panel.")
        return self._ctObstacle() or self._reportObstacle() or self._partsObstacle()

    def partsHint(self) -> str:
        """Which organs of the report have no part, and what that means; empty if none is missing."""
        parts = self._state.parts
        uncovered = self._uncovered()
        if not uncovered or parts is None or PartsSource(parts).problem():
            return ""
        return _("{name} has no segment for: {organs}. Findings there cannot be marked.").format(
            name=parts.GetName(), organs=_organs(uncovered)
        )

    def _ctObstacle(self) -> str:
        if self._state.ct is None:
            return _("Choose a CT: drag its files into Slicer, or load it from the DICOM module.")
        return CtSource(self._state.ct).problem()

    def _reportObstacle(self) -> str:
        if not self._state.reportText.strip():
            return _("Paste the radiology report of this CT.")
        if not self._reading.isOf(self._state.reportText):
            return _("The report is being read.")
        if not self._reading.isRead:
            return _("The report could not be read. {reason}").format(reason=self._reading.reason)
        if not self._reading.lesions:
            return _("The report names no lesion, so there is nothing to look for.")
        return ""

    def _partsObstacle(self) -> str:
        lesions = self._reading.lesions
        parts = self._state.parts
        if parts is None:
            return _(
                "Choose a segmentation with masks of: {organs}. TotalSegmentator makes one; a rough box drawn in the "
                "Segment Editor and named after the organ will do, too."
            ).format(organs=_organs(lesions))
        problem = PartsSource(parts).problem()
        if problem or len(self._uncovered()) < len(lesions):
            return problem
        return _("{name} has a segment for none of the report's organs. It needs: {organs}.").format(
            name=parts.GetName(), organs=_organs(lesions)
        )

    def _uncovered(self) -> list[Finding]:
        """The lesions of the report whose organ is not among the parts."""
        if self._state.parts is None:
            return self._reading.lesions
        parts = PartsSource(self._state.parts)
        return [finding for finding in self._reading.lesions if not parts.covers(finding)]


def _organs(findings: list[Finding]) -> str:
    """The organs of some findings, each once: "liver, kidney (left)"."""
    sided = {"left": _("{organ} (left)"), "right": _("{organ} (right)")}
    names = [
        sided.get(finding.laterality or "", "{organ}").format(organ=organName(finding.organ).lower())
        for finding in findings
    ]
    return ", ".join(dict.fromkeys(names))
