"""RSuper in 3D Slicer: a CT and its radiology report go in, tumor masks that agree with the report come out."""

from __future__ import annotations

import sys
from pathlib import Path

import slicer
from RSuperUI.CaseFiles import CaseFiles
from RSuperUI.CtSource import CtSource
from RSuperUI.Job import Job
from RSuperUI.LesionSegmentation import LesionSegmentation
from RSuperUI.Packages import Packages
from RSuperUI.Panel import Panel
from RSuperUI.PartsSource import PartsSource
from RSuperUI.Reading import Reading
from RSuperUI.SegmentationExporter import SegmentationExporter
from RSuperUI.SegmentationRun import RunResult, SegmentationRun
from RSuperUI.SelfTest import SelfTest
from RSuperUI.State import State
from RSuperUI.WorkerSession import WorkerSession
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)
from slicer.util import VTKObservationMixin

from RSuperLib.io.errors import InputError

#
# RSuper
#


class RSuper(ScriptedLoadableModule):
    """What Slicer shows of the module before it is opened."""

    def __init__(self, parent) -> None:
        ScriptedLoadableModule.__init__(self, parent)
        parent.title = _("RSuper")
        parent.categories = [translate("qSlicerAbstractCoreModule", "Segmentation")]
        parent.dependencies = []
        parent.contributors = ["The RSuper developers"]
        parent.helpText = _(
            "Marks the tumors that a radiology report describes in the CT, and shows where report and mask agree. "
            "A research tool, not a medical device. "
            'See the <a href="{url}">documentation</a>.'
        ).format(url="https://example.org/SlicerRSuper")
        parent.acknowledgementText = _(
            "RSuper re-implements R-Super from its published description. If you use it, please cite Bassi et al., "
            "Learning Segmentation from Radiology Reports, MICCAI 2025, arXiv:2507.05582, and Bassi et al., Scaling "
            "Artificial Intelligence for Multi-Tumor Early Detection with More Reports, Fewer Masks, arXiv:2510.14803. "
            "Its authors state that patents on their method are pending."
        )


#
# RSuperWidget
#


class RSuperWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """Puts the panel into Slicer; the work is in RSuperUI."""

    def __init__(self, parent=None) -> None:
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.logic: RSuperLogic | None = None
        self.panel: Panel | None = None
        self.ui = None

    def setup(self) -> None:
        """Called when the user opens the module the first time."""
        ScriptedLoadableModuleWidget.setup(self)
        uiWidget = slicer.util.loadUI(self.resourcePath("UI/RSuper.ui"))
        self.layout.addWidget(uiWidget)
        self.ui = slicer.util.childWidgetVariables(uiWidget)
        uiWidget.setMRMLScene(slicer.mrmlScene)
        self.logic = RSuperLogic()
        self.panel = Panel(self.ui, self.logic)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.StartCloseEvent, self.onSceneStartClose)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.EndCloseEvent, self.onSceneEndClose)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.EndImportEvent, self.onSceneEndImport)
        self.showState()

    def cleanup(self) -> None:
        """Called when the application closes and before the module is reloaded."""
        self.removeObservers()
        if self.panel is not None:
            self.panel.close()
        if self.logic is not None:
            self.logic.close()

    def enter(self) -> None:
        """Called each time the user opens this module."""
        if self.panel is not None:
            self.panel.open()

    def onSceneStartClose(self, _caller, _event) -> None:
        """Stop what is going on: its nodes are about to go."""
        if self.panel is not None:
            self.panel.setState(None)

    def onSceneEndClose(self, _caller, _event) -> None:
        """Start anew with the empty scene."""
        self.showState()

    def onSceneEndImport(self, _caller, _event) -> None:
        """Show the case of a scene that was loaded."""
        self.showState()

    def showState(self) -> None:
        """Show the case that the scene holds."""
        if self.panel is not None and self.logic is not None:
            self.panel.setState(self.logic.getState())

    def onReload(self) -> None:
        """Developers' Reload button: Slicer reloads this file, and leaves its packages as they are."""
        for name in [name for name in sys.modules if name.split(".")[0] in ("RSuperUI", "RSuperLib")]:
            del sys.modules[name]
        ScriptedLoadableModuleWidget.onReload(self)


#
# RSuperLogic
#


class RSuperLogic(ScriptedLoadableModuleLogic):
    """Everything that RSuper does, without the panel. No call waits for the background process.

    Args:
        session: the background process; a new one if not given. It is started when it is needed first.
        packages: the Python packages that are needed; those of the module's requirements.txt if not given.
    """

    def __init__(self, session: WorkerSession | None = None, packages: Packages | None = None) -> None:
        ScriptedLoadableModuleLogic.__init__(self)
        self.session = session or WorkerSession()
        self._packages = packages or Packages(str(Path(__file__).parent / "Resources" / "requirements.txt"))

    def getState(self) -> State:
        """The case of the scene."""
        return State(self.getParameterNode())

    def startWorker(self) -> None:
        """Start the background process ahead of its first job.

        Raises:
            RSuperError: it cannot be started.
        """
        self.session.start()

    def missingPackages(self, state: State) -> list[str]:
        """Names of the Python packages that the case needs and that are not installed."""
        return self._packages.missing(state.source)

    def installPackages(self, state: State) -> None:
        """Install them, if the user agrees.

        Raises:
            InputError: the user said no, or it failed.
        """
        self._packages.install(state.source)

    def readReport(self, text: str, job: Job) -> None:
        """Read a report; `job.onResult` gets the reading (`reading.json`).

        Raises:
            RSuperError: the background process cannot be started.
        """
        self.session.submit("read", {"text": text}, job)

    def createRun(self, state: State, job: Job) -> SegmentationRun:
        """Make ready to mark the lesions of a case; `job.onResult` gets a `RunResult` for `acceptResult`.

        Raises:
            RSuperError: the parts cannot be put on the CT's grid.
        """
        ct = CtSource(state.ct)
        organs = {finding.organ for finding in Reading.fromJson(state.reading).lesions}
        layers = PartsSource(state.parts).layers(ct, organs) if state.parts else []
        files = CaseFiles(ct.array(), ct.ijkToRas(), layers, state.reportText)
        return SegmentationRun(self.session, files, state.source, job)

    def acceptResult(self, state: State, result: RunResult) -> None:
        """Bring the result of a run into the scene. Segments that are there already stay as they are.

        Raises:
            InputError: its CT left the scene.
            RSuperError: the result cannot be read.
        """
        if state.ct is None:
            raise InputError(
                _("The CT was removed from the scene during the run."), _("Choose it and press Apply again.")
            )
        lesions = LesionSegmentation(None, {})
        if result.lesionCount:
            lesions = LesionSegmentation.fromFile(result.lesionsPath, state.ct, state.target)
        wasModified = state.node.StartModify()
        state.reading = result.reading
        state.agreement = result.agreement
        state.warnings = result.warnings
        state.lesions = lesions.node
        state.segmentIds = lesions.segmentIds
        state.node.EndModify(wasModified)

    def export(self, state: State, folder: str) -> list[str]:
        """Write the lesions of the last run to a folder and return the paths.

        Raises:
            InputError: there are none, or the folder cannot be written to.
        """
        return SegmentationExporter(state.lesions, state.ct).export(folder)

    def close(self) -> None:
        """End the background process."""
        self.session.close()


#
# RSuperTest
#


class RSuperTest(ScriptedLoadableModuleTest):
    """The whole way on a made-up CT; needs no network, no GPU and no torch."""

    def setUp(self) -> None:
        """Start with an empty scene."""
        slicer.mrmlScene.Clear()

    def runTest(self) -> None:
        """Run every step in order."""
        self.setUp()
        SelfTest(self).run()
