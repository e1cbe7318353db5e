"""The panel: brings its sections, the state of the scene and the logic together."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, Protocol

import qt
import slicer
import vtk
from slicer.i18n import tr as _
from slicer.util import VTKObservationMixin

from RSuperLib.io.errors import RSuperError
from RSuperUI import Views
from RSuperUI.CaseSection import CaseSection
from RSuperUI.ExportSection import ExportSection
from RSuperUI.FindingRow import FindingRow, findingRows
from RSuperUI.FindingsTable import Colour
from RSuperUI.Job import Job
from RSuperUI.LesionSegmentation import LesionSegmentation
from RSuperUI.PartsSource import PartsSource
from RSuperUI.Readiness import Readiness
from RSuperUI.Reading import Reading
from RSuperUI.ReportSection import ReportSection
from RSuperUI.ResultSection import ResultSection
from RSuperUI.SegmentationRun import RunResult
from RSuperUI.SegmentSection import Progress, SegmentSection
from RSuperUI.State import State


class RunProtocol(Protocol):
    """What the panel needs of a run."""

    def start(self) -> None:
        """Begin; returns at once."""

    def cancel(self) -> None:
        """Ask to stop."""

    def abandon(self) -> None:
        """Stop and call nobody."""


class LogicProtocol(Protocol):
    """What the panel needs of RSuper's logic."""

    def startWorker(self) -> None:
        """Start the background process."""

    def missingPackages(self, state: State) -> list[str]:
        """Names of Python packages to install."""

    def installPackages(self, state: State) -> None:
        """Install them with the user's consent."""

    def readReport(self, text: str, job: Job) -> None:
        """Read a report."""

    def createRun(self, state: State, job: Job) -> RunProtocol:
        """Make a run ready."""

    def acceptResult(self, state: State, result: RunResult) -> None:
        """Bring a result into the scene."""

    def export(self, state: State, folder: str) -> list[str]:
        """Write the lesions; return the paths."""


class Panel(VTKObservationMixin):
    """Shows the state and passes on what the user does. All widgets follow the state, never each other.

    Args:
        ui: the widgets of the .ui file.
        logic: does the work.
    """

    def __init__(self, ui: Any, logic: LogicProtocol) -> None:
        VTKObservationMixin.__init__(self)
        self._ui = ui
        self._logic = logic
        self._state: State | None = None
        self._observedLesions: slicer.vtkMRMLSegmentationNode | None = None
        self._run: RunProtocol | None = None
        self._progress = Progress("", 0.0, None)
        self._runNotice = ""
        self._exportNotice = ""
        self._missingPackages: list[str] = []
        self._case = CaseSection(ui, self._onCt, self._onParts)
        self._report = ReportSection(ui, self._onText, self._onRow)
        self._segment = SegmentSection(ui, self.apply, self._onTarget)
        self._result = ResultSection(ui)
        self._export = ExportSection(ui, self.exportTo)
        ui.installButton.connect("clicked()", self._onInstall)
        self._refreshing = qt.QTimer()  # many changes in a row are one refresh
        self._refreshing.setSingleShot(True)
        self._refreshing.setInterval(0)
        self._refreshing.connect("timeout()", self.refresh)

    @property
    def isBusy(self) -> bool:
        """Whether a run is going on."""
        return self._run is not None

    def setState(self, state: State | None) -> None:
        """Show another case, or none: the scene is being closed. A run that is going on is stopped."""
        self._abandonRun()
        self.removeObservers()
        self._observedLesions = None
        self._state = state
        if state is None:
            return
        self._runNotice = self._exportNotice = ""
        self.addObserver(state.node, vtk.vtkCommand.ModifiedEvent, self._onChanged)
        self.refresh()
        if state.reportText and not Reading.fromJson(state.reading).isOf(state.reportText):
            self._read(state.reportText)

    def open(self) -> None:
        """Look for missing packages, and start the background process, so that it is ready when the user is."""
        if self._state is None:
            return
        self._missingPackages = self._logic.missingPackages(self._state)
        if not self._missingPackages:
            self._attempt(self._logic.startWorker)
        self.refresh()

    def close(self) -> None:
        """Stop everything that would call back."""
        self.setState(None)
        self._report.close()
        self._refreshing.stop()

    def refresh(self) -> None:
        """Make all widgets show the state."""
        state = self._state
        if state is None:
            return
        self._observeLesions(state.lesions)
        reading = Reading.fromJson(state.reading)
        rows = findingRows(reading, state.agreement)
        readiness = Readiness(state, self._missingPackages)
        self._showSetup()
        self._case.show(state, readiness, self.isBusy)
        self._report.show(state.reportText, reading, rows, self._colours(state, rows), self.isBusy)
        if self.isBusy:
            self._segment.showProgress(self._progress)
        else:
            self._segment.showIdle(state, readiness.obstacle(), self._runNotice)
        self._result.show(state, rows)
        self._export.show(state, self._exportNotice)

    def apply(self) -> None:
        """Start a run; if one is going on, stop it."""
        state = self._state
        if state is None:
            return
        if self._run is not None:
            self._run.cancel()
            self._onProgress(self._progress.stage, self._progress.fraction, None, isCancelling=True)
            return
        self._report.flush()
        self._runNotice = ""
        self._attempt(lambda: self._startRun(state))
        self.refresh()

    def exportTo(self, folder: str) -> None:
        """Write the lesions of the last run to a folder."""
        if self._state is None:
            return
        self._exportNotice = ""
        state = self._state
        try:
            paths = self._logic.export(state, folder)
        except RSuperError as error:
            self._exportNotice = str(error)
        else:
            state.exportFolder = folder
            self._exportNotice = _("Written: {paths}").format(paths="\n".join(paths))
        self.refresh()

    def _startRun(self, state: State) -> None:
        job = Job(
            onResult=self._onResult,
            onError=self._onRunError,
            onCancelled=self._onCancelled,
            onProgress=self._onProgress,
        )
        run = self._logic.createRun(state, job)
        self._run = run
        try:
            run.start()
        except RSuperError:
            self._run = None
            raise

    def _abandonRun(self) -> None:
        if self._run is not None:
            self._run.abandon()
            self._run = None

    def _onProgress(
        self, stage: str, fraction: float, secondsLeft: float | None, isCancelling: bool | None = None
    ) -> None:
        stays = self._progress.isCancelling if isCancelling is None and self._run is not None else bool(isCancelling)
        self._progress = Progress(stage, fraction, secondsLeft, stays)
        self._segment.showProgress(self._progress)

    def _onResult(self, result: RunResult) -> None:
        self._endRun("")
        state = self._state
        if state is None:
            return
        self._attempt(lambda: self._logic.acceptResult(state, result))
        self.refresh()

    def _onRunError(self, error: RSuperError) -> None:
        self._endRun(str(error))

    def _onCancelled(self) -> None:
        self._endRun(_("Cancelled. Nothing in the scene was changed."))

    def _endRun(self, notice: str) -> None:
        self._run = None
        self._progress = Progress("", 0.0, None)
        self._runNotice = notice
        self.refresh()

    def _attempt(self, action: Any) -> None:
        """Do something; an error is what the status line says then."""
        try:
            action()
        except RSuperError as error:
            logging.error("RSuper: %s", error.message)
            self._runNotice = str(error)

    def _read(self, text: str) -> None:
        job = Job(onResult=lambda reading: self._onReading(text, reading), onError=self._onRunError)
        if text.strip() and not self._missingPackages:
            self._attempt(lambda: self._logic.readReport(text, job))

    def _onReading(self, text: str, reading: dict[str, Any]) -> None:
        if self._state is not None and self._state.reportText == text:
            self._state.reading = reading

    def _onText(self, text: str) -> None:
        if self._state is None or text == self._state.reportText:
            return
        self._runNotice = ""
        self._state.reportText = text
        self._state.reading = {}
        self._state.forgetResult()
        self._read(text)

    def _onCt(self, node: slicer.vtkMRMLScalarVolumeNode | None) -> None:
        state = self._state
        if state is None or node is state.ct:
            return
        self._runNotice = ""
        state.ct = node
        state.forgetResult()
        if node is not None:
            Views.showInBackground(node)

    def _onParts(self, node: slicer.vtkMRMLSegmentationNode | None) -> None:
        if self._state is not None:
            self._state.parts = node

    def _onTarget(self, node: slicer.vtkMRMLSegmentationNode | None) -> None:
        if self._state is not None:
            self._state.target = node

    def _onRow(self, row: FindingRow) -> None:
        """Show a finding's lesion in all views; if the mask lacks it, the part where it should be."""
        if self._state is None:
            return
        lesions = LesionSegmentation(self._state.lesions, self._state.segmentIds)
        point = next(filter(None, (lesions.center(lesion) for lesion in row.lesions)), None)
        if point is None and row.finding is not None and self._state.parts is not None:
            point = PartsSource(self._state.parts).centerOf(row.finding)
        if point is not None:
            Views.jumpTo(point)

    def _onInstall(self) -> None:
        if self._state is None:
            return
        state = self._state
        self._runNotice = ""
        self._attempt(lambda: self._logic.installPackages(state))
        self.open()
        self._read(state.reportText)

    def _showSetup(self) -> None:
        self._ui.setupFrame.visible = bool(self._missingPackages)
        self._ui.setupLabel.text = _(
            "Once, before the first use: RSuper needs {count} Python packages ({names}). They are put into Slicer's "
            "own Python; nothing that is installed there is changed."
        ).format(count=len(self._missingPackages), names=", ".join(self._missingPackages))

    def _colours(self, state: State, rows: Sequence[FindingRow]) -> list[Colour | None]:
        """The colour of each row: its segment's; before the first run the one that its segment would have."""
        lesions = LesionSegmentation(state.lesions, state.segmentIds)
        if state.agreement:
            return [lesions.colour(row.lesions[0]) if row.lesions else None for row in rows]
        number = 0
        colours: list[Colour | None] = []
        for row in rows:
            isLesion = row.finding is not None and row.finding.isLesion
            number += isLesion
            colours.append(lesions.colour(number) if isLesion else None)
        return colours

    def _observeLesions(self, node: slicer.vtkMRMLSegmentationNode | None) -> None:
        """Follow renamed, recoloured and removed segments."""
        if node is self._observedLesions:
            return
        for event in (slicer.vtkSegmentation.SegmentModified, slicer.vtkSegmentation.SegmentRemoved):
            if self._observedLesions is not None:
                self.removeObserver(self._observedLesions, event, self._onChanged)
            if node is not None:
                self.addObserver(node, event, self._onChanged)
        self._observedLesions = node

    def _onChanged(self, _caller: Any = None, _event: Any = None) -> None:
        self._refreshing.start()
