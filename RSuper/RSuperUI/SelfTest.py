"""The module's self-test: the whole way through the panel, then what goes wrong on the way."""

from __future__ import annotations

import os
import signal
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import qt
import slicer

from RSuperUI.Job import Job
from RSuperUI.LabelmapExport import temporaryLabelmap
from RSuperUI.SelfTestCase import LESIONS, REPORT, SelfTestCase
from RSuperUI.State import State

if TYPE_CHECKING:
    import unittest

    import numpy as np


class SelfTest:
    """Presses the panel's buttons and looks at the scene.

    Args:
        check: the test case, for its assertions.
    """

    #: Starting the background process on a slow computer takes longest.
    PATIENCE_S = 40.0

    def __init__(self, check: unittest.TestCase) -> None:
        self._check = check
        self._widget = slicer.modules.rsuper.widgetRepresentation().self()
        self._ui = self._widget.ui

    def run(self) -> None:
        """All steps, in the order in which a user would take them."""
        self._widget.enter()
        if self._widget.logic.missingPackages(self._state):
            self._testMissingPackages()
            return
        self._testObstacles()
        self._testReading()
        self._testSegmenting()
        self._testJumping()
        self._testExport()
        self._testSecondRunLeavesTheFirst()
        self._testSceneRoundTrip()
        self._testCancel()
        self._testWorkerKilled()
        self._testSceneClosedMeanwhile()

    @property
    def _state(self) -> State:
        return self._widget.logic.getState()

    def _testMissingPackages(self) -> None:
        """Without its packages the panel opens and says what to do."""
        self._check.assertTrue(self._ui.setupFrame.visible)
        self._check.assertFalse(self._ui.applyButton.enabled)
        self._check.assertIn("nibabel", self._ui.setupLabel.text)

    def _testObstacles(self) -> None:
        """The status line leads through the case step by step."""
        self._expectObstacle("Choose a CT")
        self._case = SelfTestCase.create()
        self._ui.ctSelector.setCurrentNode(self._case.ct)
        self._expectObstacle("Paste the radiology report")
        self._paste("Liver: Normal. No focal liver lesion.")
        self._expectObstacle("names no lesion")
        self._paste(REPORT)
        self._expectObstacle("Choose a segmentation")
        self._ui.partsSelector.setCurrentNode(self._case.parts)
        transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
        self._case.ct.SetAndObserveTransformNodeID(transform.GetID())
        self._widget.panel.refresh()
        self._expectObstacle("Harden transform")
        slicer.mrmlScene.RemoveNode(transform)
        self._widget.panel.refresh()
        self._check.assertTrue(self._ui.applyButton.enabled)

    def _testReading(self) -> None:
        """Findings stand in the table and in colour in the text, whose letters stay as they are."""
        self._check.assertEqual(self._state.reportText, REPORT)
        self._check.assertEqual(self._ui.reportTextEdit.plainText, REPORT)
        self._check.assertEqual(self._cell(0, 0), "Liver")
        self._check.assertEqual(self._cell(0, 2), "26 × 25 mm")
        self._check.assertEqual(self._cell(1, 0), "Kidney")
        self._check.assertEqual(self._cell(1, 4), "possible")
        liver, kidney, spleen = (self._formatAt(word) for word in ("hypodense mass", "20 mm", "splenic"))
        self._check.assertNotEqual(liver.background().color().name(), kidney.background().color().name())
        self._check.assertEqual(liver.underlineStyle(), qt.QTextCharFormat.NoUnderline)
        self._check.assertNotEqual(kidney.underlineStyle(), qt.QTextCharFormat.NoUnderline)
        self._check.assertNotEqual(spleen.foreground().color().name(), liver.foreground().color().name())

    def _testSegmenting(self) -> None:
        """One segment per lesion with name, colour and terminology, on the CT's grid, where the lesion is."""
        self._ui.applyButton.click()
        self._check.assertEqual(self._ui.applyButton.text, "Cancel")
        self._waitForRun()
        node = self._state.lesions
        self._check.assertIsNotNone(node, self._ui.statusLabel.text)
        segmentation = node.GetSegmentation()
        self._check.assertEqual(segmentation.GetNumberOfSegments(), len(LESIONS))
        found = self._lesionArray()
        colours = set()
        for number, (organ, *_rest) in enumerate(LESIONS, 1):
            segment = segmentation.GetNthSegment(number - 1)
            self._check.assertIn(organ.split()[-1].lower(), segment.GetName().lower())
            self._check.assertTrue(segment.HasTag("TerminologyEntry"))
            colours.add(segment.GetColor())
            self._check.assertGreater(_dice(found == number, self._case.truth == number), 0.7)
        self._check.assertEqual(len(colours), len(LESIONS))
        self._check.assertTrue(segmentation.GetConversionParameter("Reference image geometry"))
        self._check.assertEqual(self._cell(0, 5), "agrees")
        self._check.assertTrue(self._ui.segmentsTable.segmentationNode() is node)
        colour = self._formatAt("hypodense mass").background().color()
        expected = [round(255 * part) for part in segmentation.GetNthSegment(0).GetColor()]
        self._check.assertEqual([colour.red(), colour.green(), colour.blue()], expected)

    def _testJumping(self) -> None:
        """A row brings the slice views to its lesion."""
        self._ui.findingsTable.selectRow(1)
        slicer.app.processEvents()
        center = self._state.lesions.GetSegmentCenterRAS(self._state.segmentIds[2])
        for name, axis in (("Yellow", 0), ("Green", 1), ("Red", 2)):
            slice_ = slicer.mrmlScene.GetNodeByID(f"vtkMRMLSliceNode{name}")
            if slice_ is not None:  # there are no views without a main window
                offset = slice_.GetSliceToRAS().GetElement(axis, 3)
                self._check.assertAlmostEqual(offset, center[axis], delta=3.0)

    def _testExport(self) -> None:
        """The exported label map holds the segments' voxels, and the scene looks as before."""
        nodes = slicer.mrmlScene.GetNumberOfNodes()
        with tempfile.TemporaryDirectory(dir=slicer.app.temporaryPath) as folder:
            self._widget.panel.exportTo(folder)
            self._check.assertIn("Written", self._ui.exportLabel.text)
            self._check.assertEqual(slicer.mrmlScene.GetNumberOfNodes(), nodes)
            exported = slicer.util.loadLabelVolume(str(_fileEnding(folder, ".nii.gz")))
            self._check.assertTrue((slicer.util.arrayFromVolume(exported) == self._lesionArray()).all())
            slicer.mrmlScene.RemoveNode(exported)
            self._check.assertGreater(_fileEnding(folder, ".seg.nrrd").stat().st_size, 0)
            self._widget.panel.exportTo(str(Path(folder) / "missing"))
            self._check.assertIn("choose another folder", self._ui.exportLabel.text)

    def _testSecondRunLeavesTheFirst(self) -> None:
        """Another run makes another segmentation; with a target it adds to that one."""
        first, before = self._state.lesions, self._lesionArray().copy()
        for target, segments in ((None, len(LESIONS)), (first, 2 * len(LESIONS))):
            self._ui.targetSelector.setCurrentNode(target)
            self._ui.applyButton.click()
            self._waitForRun()
            self._check.assertEqual(self._state.lesions.GetSegmentation().GetNumberOfSegments(), segments)
            self._check.assertEqual(self._state.lesions is first, target is first)
        ids = [first.GetSegmentation().GetNthSegmentID(index) for index in range(len(LESIONS))]
        with temporaryLabelmap(first, ids, self._case.ct) as labelmap:
            self._check.assertTrue((slicer.util.arrayFromVolume(labelmap) == before).all())
        self._ui.targetSelector.setCurrentNode(None)

    def _testSceneRoundTrip(self) -> None:
        """A saved scene brings the whole case back."""
        agreement, ids = self._state.agreement, self._state.segmentIds
        with tempfile.TemporaryDirectory(dir=slicer.app.temporaryPath) as folder:
            bundle = Path(folder) / "case"
            bundle.mkdir()
            self._check.assertTrue(slicer.mrmlScene.SaveSceneToSlicerDataBundleDirectory(str(bundle)))
            slicer.mrmlScene.Clear()
            self._check.assertEqual(self._ui.reportTextEdit.plainText, "")
            slicer.util.loadScene(str(bundle / "case.mrml"))
        self._check.assertEqual(self._state.reportText, REPORT)
        self._check.assertEqual(self._ui.reportTextEdit.plainText, REPORT)
        self._check.assertEqual(self._state.agreement, agreement)
        self._check.assertEqual(self._state.segmentIds, ids)
        self._check.assertEqual(self._state.ct.GetName(), "RSuper test CT")
        self._check.assertEqual(self._cell(0, 5), "agrees")
        self._check.assertTrue(self._ui.applyButton.enabled, self._ui.statusLabel.text)

    def _testCancel(self) -> None:
        """Cancel stops, and leaves the scene as it was."""
        segmentations = slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode")
        self._ui.applyButton.click()
        self._ui.applyButton.click()
        self._waitForRun()
        self._check.assertIn("Cancelled", self._ui.statusLabel.text)
        self._check.assertEqual(slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode"), segmentations)

    def _testWorkerKilled(self) -> None:
        """A background process that is killed is said so, loses nothing, and starts again with the next Apply."""
        segmentations = slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode")
        pid = self._workerPid()
        self._ui.applyButton.click()
        self._waitUntil(lambda: self._ui.progressBar.value > 0)
        os.kill(pid, signal.SIGTERM)
        self._waitForRun()
        self._check.assertIn("background process ended", self._ui.statusLabel.text)
        self._check.assertEqual(slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode"), segmentations)
        self._ui.applyButton.click()
        self._waitForRun()
        self._check.assertEqual(slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode"), segmentations + 1)

    def _testSceneClosedMeanwhile(self) -> None:
        """Closing the scene ends the run; nothing of it comes into the next scene."""
        self._ui.applyButton.click()
        self._check.assertTrue(self._widget.panel.isBusy)
        slicer.mrmlScene.Clear()
        self._check.assertFalse(self._widget.panel.isBusy)
        self._workerPid()  # answers once the forgotten run is done with
        self._check.assertEqual(slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode"), 0)
        self._expectObstacle("Choose a CT")

    def _paste(self, text: str) -> None:
        self._ui.reportTextEdit.setPlainText(text)
        self._waitUntil(lambda: self._state.reportText == text and bool(self._state.reading))
        slicer.app.processEvents()

    def _expectObstacle(self, words: str) -> None:
        slicer.app.processEvents()
        self._check.assertIn(words, self._ui.statusLabel.text)
        self._check.assertFalse(self._ui.applyButton.enabled)

    def _waitForRun(self) -> None:
        self._waitUntil(lambda: not self._widget.panel.isBusy)
        slicer.app.processEvents()

    def _workerPid(self) -> int:
        """Process id of the worker; waits until all jobs before are done."""
        answers: list[Any] = []
        self._widget.logic.session.submit("ping", {}, Job(onResult=answers.append, onError=answers.append))
        self._waitUntil(lambda: bool(answers))
        pid: int = answers[0]["pid"]
        return pid

    def _waitUntil(self, isDone: Callable[[], bool]) -> None:
        deadline = time.monotonic() + self.PATIENCE_S
        while not isDone():
            self._check.assertLess(time.monotonic(), deadline, f"waited in vain; {self._ui.statusLabel.text}")
            slicer.app.processEvents()
            time.sleep(0.01)

    def _cell(self, row: int, column: int) -> str:
        return str(self._ui.findingsTable.item(row, column).text())

    def _formatAt(self, words: str) -> Any:
        """Format of the last letter of some words in the report."""
        cursor = self._ui.reportTextEdit.textCursor()
        cursor.setPosition(REPORT.index(words) + len(words))
        return cursor.charFormat()

    def _lesionArray(self) -> np.ndarray:
        """The segments of the last run as labels (k, j, i) on the CT's grid."""
        ids = [self._state.segmentIds[number] for number in sorted(self._state.segmentIds)]
        with temporaryLabelmap(self._state.lesions, ids, self._state.ct) as labelmap:
            array: np.ndarray = slicer.util.arrayFromVolume(labelmap).copy()
        return array


def _dice(first: np.ndarray, second: np.ndarray) -> float:
    return float(2 * (first & second).sum() / (first.sum() + second.sum()))


def _fileEnding(folder: str, ending: str) -> Path:
    return next(path for path in Path(folder).iterdir() if path.name.endswith(ending))
