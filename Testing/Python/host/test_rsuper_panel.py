"""RSuper's panel in the host: its self-test, a real CT, and input that is wrong in ways that people meet."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
MODULE = ROOT / "RSuper" / "RSuper.py"
REPORT = "Liver: There is a hypodense mass in the liver measuring 2.6 x 2.5 cm.\n"


@pytest.fixture(scope="module")
def loaded(running_host: Any) -> Any:
    running_host.load(MODULE)
    return running_host


@pytest.fixture
def widget(loaded: Any, host: Any) -> Any:
    return host.open("RSuper")


@pytest.fixture
def case(widget: Any) -> Any:
    """The self-test's CT and organs, chosen in the panel."""
    from RSuperUI.SelfTestCase import SelfTestCase

    case = SelfTestCase.create()
    widget.ui.ctSelector.setCurrentNode(case.ct)
    widget.ui.partsSelector.setCurrentNode(case.parts)
    return case


def read(host: Any, widget: Any, text: str) -> None:
    widget.ui.reportTextEdit.setPlainText(text)
    assert host.wait_until(lambda: bool(widget.logic.getState().reading), 60)
    host.settle()


def test_self_test_passes(loaded: Any, host: Any) -> None:
    host.open("RSuper")
    result = host.run_test("RSuper")
    assert result.passed, "\n".join(result.failures)


def test_pasted_rich_text_is_taken_as_plain_text(host: Any, widget: Any) -> None:
    import qt
    import slicer

    data = qt.QMimeData()
    data.setHtml("<p><b>Liver:</b> mass of <span style='color:red'>2.6&nbsp;cm</span>.</p>")
    data.setText("Liver: mass of 2.6\N{NO-BREAK SPACE}cm.")
    slicer.app.clipboard().setMimeData(data)
    widget.ui.reportTextEdit.paste()
    slicer.app.clipboard().clear()  # Qt must not own the data when Python ends
    assert host.wait_until(lambda: bool(widget.logic.getState().reportText), 10)
    assert widget.logic.getState().reportText == "Liver: mass of 2.6\N{NO-BREAK SPACE}cm."


def test_highlights_stand_right_behind_letters_beyond_the_basic_plane(host: Any, widget: Any, case: Any) -> None:
    import qt

    text = "\N{GRINNING FACE} Clear.\n" + REPORT
    read(host, widget, text)
    assert widget.logic.getState().reportText == text
    start = widget.logic.getState().reading["findings"][0]["evidence"][0]["start"]
    cursor = widget.ui.reportTextEdit.textCursor()
    for position, has_colour in ((start + 1, False), (start + 2, True)):  # one more for the face: Qt counts it twice
        cursor.setPosition(position)
        assert (cursor.charFormat().background().style() != qt.Qt.NoBrush) == has_colour
    assert widget.ui.reportTextEdit.document.isUndoAvailable() is False


def test_the_colours_are_no_step_of_undo(host: Any, widget: Any, case: Any) -> None:
    cursor = widget.ui.reportTextEdit.textCursor()
    cursor.insertText(REPORT)
    assert host.wait_until(lambda: bool(widget.logic.getState().reading), 60)
    host.settle()
    widget.ui.reportTextEdit.undo()
    assert widget.ui.reportTextEdit.plainText == ""


def test_segmentation_without_organs_is_explained(host: Any, widget: Any, case: Any) -> None:
    import slicer

    read(host, widget, REPORT)
    other = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Drawing")
    other.GetSegmentation().AddEmptySegment("", "Segment_1")
    widget.ui.partsSelector.setCurrentNode(other)
    host.settle()
    assert "No segment of Drawing is called like an organ" in widget.ui.statusLabel.text
    assert not widget.ui.applyButton.enabled


def test_missing_organs_are_named(host: Any, widget: Any, case: Any) -> None:
    read(host, widget, REPORT + "There is a 12 mm mass in the right kidney.\n")
    assert "kidney (right)" in widget.ui.partsHintLabel.text
    assert "liver" not in widget.ui.partsHintLabel.text
    assert widget.ui.applyButton.enabled


def test_volume_that_left_the_scene(host: Any, widget: Any, case: Any) -> None:
    import slicer

    read(host, widget, REPORT)
    slicer.mrmlScene.RemoveNode(case.ct)
    host.settle()
    assert "Choose a CT" in widget.ui.statusLabel.text


def test_volume_that_leaves_during_a_run(host: Any, widget: Any, case: Any) -> None:
    import slicer

    read(host, widget, REPORT)
    widget.ui.applyButton.click()
    slicer.mrmlScene.RemoveNode(case.ct)
    assert host.wait_until(lambda: not widget.panel.isBusy, 60)
    assert "removed from the scene" in widget.ui.statusLabel.text
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 1


def test_single_slice_is_refused(host: Any, widget: Any) -> None:
    import numpy as np
    import slicer

    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "Scout")
    slicer.util.updateVolumeFromArray(node, np.zeros((1, 20, 20), np.int16))
    widget.ui.ctSelector.setCurrentNode(node)
    host.settle()
    assert "Scout is a single slice" in widget.ui.statusLabel.text


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that is always full")
def test_full_disk_is_said(widget: Any, case: Any, tmp_path: Path) -> None:
    from RSuperLib.io.errors import InputError
    from RSuperUI.CaseFiles import CaseFiles
    from RSuperUI.CtSource import CtSource

    (tmp_path / "ct.nrrd").symlink_to("/dev/full")
    ct = CtSource(case.ct)
    with pytest.raises(InputError, match="temporary folder is full"):
        CaseFiles(ct.array(), ct.ijkToRas(), [], REPORT).write(str(tmp_path))


def test_missing_packages_are_asked_for_once_and_named(host: Any, widget: Any, tmp_path: Path) -> None:
    from RSuperUI.Packages import Packages
    from Testing.Host import pip_requests

    requirements = tmp_path / "requirements.txt"
    requirements.write_text("no-such-package-of-rsuper>=1.0\n")
    widget.logic._packages = Packages(str(requirements))
    widget.panel.open()
    host.settle()
    assert widget.ui.setupFrame.visible
    assert "no-such-package-of-rsuper" in widget.ui.setupLabel.text
    assert "Install the Python packages first" in widget.ui.statusLabel.text
    pip_requests.made.clear()
    widget.ui.installButton.click()
    assert [request.requester for request in pip_requests.made] == ["RSuper"]
    widget.logic._packages = Packages(str(MODULE.parent / "Resources" / "requirements.txt"))
    widget.panel.open()
    assert not widget.ui.setupFrame.visible


def test_work_without_a_network_asks_for_no_torch(widget: Any) -> None:
    assert "torch" not in widget.logic._packages.missing("auto")
    if "torch" not in sys.modules:
        assert widget.logic._packages.missing("model") in ([], ["torch"])


def voxels(parts: Any, name: str) -> Any:
    region = parts.region([name])
    assert region is not None
    return region.transpose(2, 1, 0)


def written_parts(case: Any, folder: Path) -> Any:
    """The organs of a case through the panel's files, as the background process reads them."""
    from RSuperLib.anatomy import load_parts
    from RSuperLib.io import read_ct
    from RSuperUI.CaseFiles import CaseFiles
    from RSuperUI.CtSource import CtSource
    from RSuperUI.PartsSource import PartsSource

    ct = CtSource(case.ct)
    layers = PartsSource(case.parts).layers(ct, {"liver", "kidney", "spleen"})
    paths = CaseFiles(ct.array(), ct.ijkToRas(), layers, REPORT).write(str(folder))
    volume = read_ct(Path(paths["ct"]))
    assert (volume.array.transpose(2, 1, 0) == ct.array()).all()
    assert volume.grid.affine == pytest.approx(ct.ijkToRas())
    return load_parts(Path(paths["parts"]), volume.grid)


def test_overlapping_organs_arrive_whole(widget: Any, case: Any, tmp_path: Path) -> None:
    import numpy as np
    import slicer

    overlapping = np.zeros_like(case.truth)
    overlapping[10:40, 10:80, 10:90] = 1
    add_segment(case, "liver segment 7", overlapping)
    add_segment(case, "drawn by hand", overlapping)
    found = written_parts(case, tmp_path)
    assert set(found.names) == {"liver", "liver_segment_7", "kidney_left", "spleen"}
    assert (voxels(found, "liver_segment_7") == overlapping).all()
    segmentation = case.parts.GetSegmentation()
    liver = slicer.util.arrayFromSegmentBinaryLabelmap(case.parts, segmentation.GetNthSegmentID(0), case.ct)
    assert found.masks["liver"].sum() == liver.sum()


def add_segment(case: Any, name: str, mask: Any) -> None:
    import slicer

    segment_id = case.parts.GetSegmentation().AddEmptySegment("", name)
    slicer.util.updateSegmentBinaryLabelmapFromArray(mask, case.parts, segment_id, case.ct)


def test_organs_on_another_grid_are_resampled(widget: Any, case: Any, tmp_path: Path) -> None:
    import numpy as np
    import slicer

    coarse = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "Coarse")
    coarse.SetSpacing(4.0, 4.0, 5.0)
    coarse.SetOrigin(*case.ct.GetOrigin())
    coarse.SetIJKToRASDirections(-1, 0, 0, 0, -1, 0, 0, 0, 1)
    slicer.util.updateVolumeFromArray(coarse, np.zeros((24, 48, 56), np.int16))
    case.parts.GetSegmentation().RemoveAllSegments()
    mask = np.zeros((24, 48, 56), np.uint8)
    mask[5:20, 10:30, 5:25] = 1
    segment_id = case.parts.GetSegmentation().AddEmptySegment("", "liver")
    slicer.util.updateSegmentBinaryLabelmapFromArray(mask, case.parts, segment_id, coarse)
    found = written_parts(case, tmp_path)
    assert voxels(found, "liver").sum() == pytest.approx(8 * mask.sum(), rel=0.15)


@pytest.mark.data
def test_a_real_lung_tumour_is_marked_and_agrees(host: Any, widget: Any, data_dir: Path) -> None:
    import slicer

    folder = data_dir / "ct" / "lung1_001"
    truth = json.loads((folder / "truth.json").read_text())
    ct = slicer.util.loadVolume(str(folder / "ct.nii.gz"))
    widget.ui.ctSelector.setCurrentNode(ct)
    widget.ui.partsSelector.setCurrentNode(load_organs(folder / "organs.nii.gz", truth["organ_labels"], ct))
    size = "{longest_axial_mm} x {perpendicular_mm} mm".format(**truth["tumours"][0])
    read(host, widget, f"FINDINGS: There is a {size} mass in the left lung, hilar and perihilar.\n")
    widget.ui.applyButton.click()
    assert host.wait_until(lambda: not widget.panel.isBusy, 300)
    state = widget.logic.getState()
    assert state.lesions is not None, widget.ui.statusLabel.text
    found = slicer.util.arrayFromSegmentBinaryLabelmap(state.lesions, state.segmentIds[1], ct) > 0
    tumour = slicer.util.arrayFromVolume(slicer.util.loadLabelVolume(str(folder / "tumour.nii.gz"))) > 0
    assert 2 * (found & tumour).sum() / (found.sum() + tumour.sum()) >= 0.6
    assert [row["state"] for row in state.agreement["rows"]] == ["agrees"]
    assert widget.ui.findingsTable.item(0, 5).text() == "agrees"


def load_organs(path: Path, labels: dict[str, int], ct: Any) -> Any:
    """A label map as a segmentation whose segments bear the labels' names."""
    import slicer

    volume = slicer.util.loadLabelVolume(str(path))
    array = slicer.util.arrayFromVolume(volume)
    organs = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Organs")
    for name, label in labels.items():
        segment_id = organs.GetSegmentation().AddEmptySegment("", name)
        slicer.util.updateSegmentBinaryLabelmapFromArray((array == label).astype("uint8"), organs, segment_id, ct)
    slicer.mrmlScene.RemoveNode(volume)
    return organs


def test_the_selected_finding_is_explained(host: Any, widget: Any) -> None:
    read(host, widget, "FINDINGS: Liver: Two hypodense lesions in segment 7, up to 2.4 cm, possibly metastases.\n")
    browser = widget.ui.explanationBrowser
    assert not browser.visible
    widget.ui.findingsTable.selectRow(0)
    host.settle()
    assert browser.visible
    explanation = browser.toPlainText()
    for words in ("“segment 7”", "“2.4 cm” At most this size.", "“Liver” The words around the lesion", "“hypodense”"):
        assert words in explanation
    widget.ui.reportTextEdit.setPlainText("FINDINGS: The liver is normal.")
    assert host.wait_until(lambda: not browser.visible, 60)


def test_reload_forgets_the_old_code(host: Any, widget: Any) -> None:
    import RSuperUI.State

    before = RSuperUI.State
    widget.onReload()
    host.settle()
    assert sys.modules["RSuperUI.State"] is not before
    assert host.open("RSuper").ui.applyButton.text == "Apply"
